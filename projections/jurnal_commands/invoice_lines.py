"""Reads an order's lines: what is sold by each, for how much, and which stock leaves beside it.

The rules are written down in INVOICES.md beside this file.
"""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

import msgspec

from eventstore.facts.reports.orders import OrderLine, OrderReport, ProductPart
from eventstore.facts.settings import SalesRulesSet, TaxMapping
from projections.changes.booking import BookedPart
from projections.jurnal_commands.invoice_drawn import NotDrawable, Undrawable, not_set_up

ZERO = Decimal(0)
WHOLE = Decimal(1)
CENT = Decimal("0.01")


class SoldLine(msgspec.Struct):
    """One line to be drawn, in IDR. `tax` in percent; `stored_value`: it sells what the merchant owes from then on.

    `value`: what it is worth after its own discount; `due`: after its share of the order's, too (worked out later, as
    the `net` without included tax). `has_parts`: their stock leaves, and none of its own.
    """

    line: OrderLine
    code: str
    quantity: Decimal
    gross: Decimal
    value: Decimal
    tax: Decimal
    tax_name: str | None
    stored_value: bool = False
    has_parts: bool = False
    due: Decimal = ZERO
    net: Decimal = ZERO


def read_lines(
    order: OrderReport, rules: SalesRulesSet, taxes: tuple[TaxMapping, ...]
) -> tuple[list[SoldLine], list[BookedPart]]:
    """Return what an order sells, and the parts whose stock leaves beside its invoice."""
    lines = order.order_details or ()
    by_piece = any(line.weight_quantity for line in lines) and _priced_by_piece(order, lines)
    sold: list[SoldLine] = []
    parts: list[BookedPart] = []
    without_code: list[tuple[int, OrderLine]] = []
    for number, line in enumerate(lines, start=1):
        is_modifier = bool(line.product_modifier_id)
        code = (line.sku or "").strip()
        if is_modifier:
            code = code or _modifier_product(line)
            if not code:
                without_code.append((number, line))
                continue
        drawn = _sold(number, line, code, rules, taxes, by_piece=by_piece)
        if line.product_composites or line.product_combos:
            drawn.has_parts = True
            parts += _parts_of(line, drawn.quantity, (*(line.product_composites or ()), *(line.product_combos or ())))
        if is_modifier:
            _read_modifier(drawn, parts)
        sold.append(drawn)
    for number, line in without_code:
        _fold_in(number, line, lines, sold, parts)
    if parts:
        parts = _without_own_lines(parts, lines)
    return sold, parts


def tax_percentage(line: OrderLine) -> Decimal:
    """Return the line's tax rate in percent, 0 when it is not taxed."""
    return (line.tax_percentage or ZERO) if line.taxable is not False else ZERO


@lru_cache(maxsize=4_096)
def plain(number: Decimal | None) -> str:
    """Write a number without zeros that say nothing, as tax mappings do: 11, 10.5; 0 is what is not told, too."""
    return format(number.normalize(), "f") if number else "0"


def own_discount(line: OrderLine, gross: Decimal) -> Decimal:
    """Return the line's own discount and promotions. A discount told in percent only is rounded to whole rupiah."""
    discount = line.discount_amount
    if discount is None:
        percentage = line.discount_percentage
        discount = (gross * percentage / 100).quantize(WHOLE, ROUND_HALF_UP) if percentage else ZERO
    if line.promotions:
        discount += sum((promotion.promotion_amount or ZERO for promotion in line.promotions), ZERO)
    return discount


def line_name(number: int, line: OrderLine) -> str:
    """Name a line for a person."""
    return f"Line {number} ({(line.sku or '').strip() or line.product_name or 'without a name'})"


def _sold(
    number: int, line: OrderLine, code: str, rules: SalesRulesSet, taxes: tuple[TaxMapping, ...], *, by_piece: bool
) -> SoldLine:
    if not code:
        raise Undrawable(
            NotDrawable(
                f"{line_name(number, line)} has no SKU", "Give the product a SKU in iSeller and the same code in Jurnal"
            )
        )
    quantity, price = line.quantity or ZERO, line.base_price
    if price is None and line.product_modifier_id:
        price = ZERO
    if line.weight_quantity:
        quantity, gross = _weighed(line, price or ZERO, by_piece=by_piece)
    else:
        gross = quantity * (price or ZERO)
    if quantity <= 0 or price is None:
        raise Undrawable(NotDrawable(f"{line_name(number, line)} has no quantity or price", "Check it in iSeller"))
    value = gross - own_discount(line, gross)
    if value < 0:
        # What is weighed is not worth whole rupiah, its discount may be.
        if value <= -WHOLE or gross == gross.to_integral_value():
            raise Undrawable(
                NotDrawable(
                    f"{line_name(number, line)}: its discounts exceed its price", "Check its discounts in iSeller"
                )
            )
        value = ZERO
    if code in rules.stored_value_products:
        return SoldLine(line, code, quantity, gross, value, ZERO, None, stored_value=True)
    tax = tax_percentage(line)
    return SoldLine(line, code, quantity, gross, value, tax, _tax_name(tax, taxes) if tax else None)


def _tax_name(percentage: Decimal, taxes: tuple[TaxMapping, ...]) -> str:
    text = plain(percentage)
    for tax in taxes:
        if tax.percentage == text:
            return tax.tax_name
    raise not_set_up(f"No Jurnal tax is mapped for {text} %", "Map this tax rate in the store's set-up")


def _priced_by_piece(order: OrderReport, lines: tuple[OrderLine, ...]) -> bool:
    """Tell whether the prices of weighed lines are for the piece: where only that gives what the order says."""
    told = order.total_order_amount
    if told is None:
        return False
    by_weight = sum(
        ((line.weight_quantity or line.quantity or ZERO) * (line.base_price or ZERO) for line in lines), ZERO
    )
    by_piece = sum(((line.quantity or WHOLE) * (line.base_price or ZERO) for line in lines), ZERO)
    return by_piece == told != by_weight


def _weighed(line: OrderLine, price: Decimal, *, by_piece: bool) -> tuple[Decimal, Decimal]:
    """Return the quantity in stock and the gross of a line that tells a weight."""
    weight, pieces = line.weight_quantity or ZERO, line.quantity or WHOLE
    if not by_piece:
        return weight, weight * price
    return (weight if pieces == 1 else pieces), pieces * price


def _modifier_product(line: OrderLine) -> str:
    return (line.modifier_product_sku or "").strip()


def _read_modifier(drawn: SoldLine, parts: list[BookedPart]) -> None:
    """Let the product that a modifier stands for leave the stock: by its own line, or as a part of another one's."""
    line, product = drawn.line, _modifier_product(drawn.line)
    quantity = drawn.quantity * (line.modifier_product_quantity or WHOLE)
    if product == drawn.code:
        drawn.quantity = quantity
    if line.modifier_product_composites:
        drawn.has_parts = True
        parts += _parts_of(line, quantity, line.modifier_product_composites)
    elif product not in ("", drawn.code):
        drawn.has_parts = True
        parts.append(BookedPart(line.order_detail_id or "", product, quantity))


def _parts_of(line: OrderLine, quantity: Decimal, parts: Iterable[ProductPart]) -> list[BookedPart]:
    booked = []
    for part in parts:
        code = (part.sku or part.product_sku or "").strip()
        if not code or part.quantity is None:
            raise Undrawable(
                NotDrawable(
                    f"A part of {(line.sku or '').strip() or line.product_name or 'a line'} "
                    f"has no {'quantity' if code else 'SKU'}",
                    "Give every part of the product a SKU and a quantity in iSeller",
                )
            )
        if part.quantity > 0:
            booked.append(BookedPart(line.order_detail_id or "", code, part.quantity * quantity))
    return booked


def _without_own_lines(parts: list[BookedPart], lines: tuple[OrderLine, ...]) -> list[BookedPart]:
    """Leave out parts that stand in the order as lines of their own under the line that they are part of."""
    own = {
        (line.parent_order_detail_id, (line.sku or "").strip())
        for line in lines
        if line.parent_order_detail_id and not line.product_modifier_id
    }
    return [part for part in parts if (part.detail_id, part.product_code) not in own] if own else parts


def _fold_in(
    number: int,
    line: OrderLine,
    lines: tuple[OrderLine, ...],
    sold: list[SoldLine],
    parts: list[BookedPart],
) -> None:
    """Let a modifier without a SKU be part of the line it belongs to: its price, its discounts and its parts."""
    gross = (line.quantity or ZERO) * (line.base_price or ZERO)
    host = _host_of(line, lines, sold)
    if line.modifier_product_composites:
        quantity = (line.quantity or WHOLE) * (line.modifier_product_quantity or WHOLE)
        booked = _parts_of(line, quantity, line.modifier_product_composites)
        host_id = host.line.order_detail_id if host is not None else line.order_detail_id
        parts += [msgspec.structs.replace(part, detail_id=host_id or "") for part in booked]
    if gross == 0:
        return
    tax = ZERO if host is not None and host.stored_value else tax_percentage(line)
    if host is None or tax != host.tax:
        raise Undrawable(
            NotDrawable(
                f"{line_name(number, line)} is a modifier with a price and without a SKU, "
                + ("and belongs to no line" if host is None else "and is taxed otherwise than its line"),
                "Give the modifier a SKU in iSeller and the same code in Jurnal",
            )
        )
    host.gross += gross
    host.value += gross - own_discount(line, gross)


def _host_of(line: OrderLine, lines: tuple[OrderLine, ...], sold: list[SoldLine]) -> SoldLine | None:
    """Return the nearest line above a modifier that is drawn."""
    drawn = {known.line.order_detail_id: known for known in sold if known.line.order_detail_id}
    parents = {known.order_detail_id: known.parent_order_detail_id for known in lines if known.order_detail_id}
    above = line.parent_order_detail_id
    for _ in lines:
        if above is None or above in drawn:
            break
        above = parents.get(above)
    return drawn.get(above) if above is not None else None
