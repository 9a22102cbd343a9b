"""From an order to an invoice whose total is iSeller's total, to the rupiah. Pure arithmetic, exact decimals.

The rules are written down in INVOICES.md beside this file.
"""

from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from hashlib import sha256

import msgspec

from eventstore.facts.reports.orders import OrderLine, OrderReport, ProductPart
from projections.changes.booking import BookedPart
from projections.changes.settings import Place, StoreSettings
from projections.jurnal_commands.commands import InvoiceLine
from projections.jurnal_commands.invoice_charges import draw_charges
from projections.jurnal_commands.invoice_difference import first_difference
from projections.jurnal_commands.invoice_drawn import Drawn, DrawnLine, NotDrawable, Undrawable, not_set_up
from projections.jurnal_commands.invoice_journal import draw_journal
from projections.jurnal_commands.invoice_lines import (
    CENT,
    WHOLE,
    ZERO,
    SoldLine,
    own_discount,
    plain,
    read_lines,
    tax_percentage,
)
from projections.jurnal_commands.invoice_shares import work_out_nets


def draw_invoice(order: OrderReport, settings: StoreSettings, place: Place) -> Drawn | NotDrawable:
    """Draw the invoice of a completed order that is mapped by `place`."""
    try:
        return _draw(order, settings, place)
    except Undrawable as stopped:
        return stopped.why


def content_of(order: OrderReport) -> str:
    """Return a digest (16 hex digits) of all that an edit of the order could change in Jurnal.

    Neither the order of lines nor how a number is written counts, and what is not told is 0.
    """
    amounts = (
        order.total_discount_amount,
        order.total_promotion_amount,
        order.total_additional_order_amount,
        order.total_additional_subtotal_amount,
        order.total_additional_final_amount,
        order.total_shipping_amount,
        order.rounding_amount,
        order.total_amount,
    )
    lines = sorted(_content_of_line(line) for line in order.order_details or ())
    told = (bool(order.tax_inclusive), [plain(amount) for amount in amounts], lines)
    return sha256(msgspec.json.encode(told)).hexdigest()[:16]


def _content_of_line(line: OrderLine) -> tuple[str, ...]:
    gross = (line.quantity or ZERO) * (line.base_price or ZERO)
    is_modifier = bool(line.product_modifier_id)
    return (
        (line.sku or "").strip(),
        plain(line.quantity),
        plain(line.weight_quantity),
        plain(line.base_price),
        plain(own_discount(line, gross)),
        plain(tax_percentage(line)),
        (line.parent_order_detail_id or "") if is_modifier else "",
        (line.modifier_product_sku or "").strip(),
        plain(line.modifier_product_quantity),
        _content_of_parts(line.product_composites),
        _content_of_parts(line.product_combos),
        _content_of_parts(line.modifier_product_composites),
    )


def _content_of_parts(parts: tuple[ProductPart, ...] | None) -> str:
    if not parts:
        return ""
    return " ".join(sorted(f"{part.sku or part.product_sku}={plain(part.quantity)}" for part in parts))


def _draw(order: OrderReport, settings: StoreSettings, place: Place) -> Drawn:
    connection, rules = settings.connection, settings.rules
    assert connection is not None
    assert order.total_amount is not None
    if (order.currency or "IDR").upper() != "IDR":
        raise Undrawable(NotDrawable(f"The order is in {order.currency}", "Only orders in IDR can be booked"))
    sold, parts = read_lines(order, rules, connection.taxes)
    excess = work_out_nets(order, sold)
    drawn: list[DrawnLine] = []
    for line in sold:
        drawn += _draw_line(line, parts, zero_sent=rules.zero_prices == "send")
    charges = draw_charges(order, rules, sold, excess)
    drawn += charges
    if parts and rules.cost_account is None:
        raise not_set_up(
            "No account is mapped for the cost of parts and of goods given away",
            "Name it as cost_account in the store's set-up",
        )
    remainder, unexplained = _remainder(order, sold, drawn, charges, connection.tax_decimals)
    if remainder > 0:
        rounding = InvoiceLine(product_code=connection.rounding_product_code, quantity=WHOLE, rate=remainder)
        drawn.append(DrawnLine("", "", ZERO, rounding))
    journal = draw_journal(order, settings, place, sold)
    return Drawn(tuple(drawn), -remainder if remainder < 0 else ZERO, tuple(parts), journal, unexplained)


def _draw_line(sold: SoldLine, parts: list[BookedPart], *, zero_sent: bool) -> list[DrawnLine]:
    """Return the invoice lines of what is sold; goods given away are parts where Jurnal takes no line of Rp 0."""
    line = sold.line
    detail_id = line.order_detail_id or ""
    drawn: list[DrawnLine] = []
    net = ZERO
    for quantity, rate in _split(sold.quantity, sold.net):
        if zero_sent or rate:
            piece = InvoiceLine(product_code=sold.code, quantity=quantity, rate=rate, tax_name=sold.tax_name)
            drawn.append(DrawnLine(detail_id, line.product_id or "", sold.tax, piece))
            net += quantity * rate
        elif not sold.has_parts and line.track_inventory is not False:
            parts.append(BookedPart(detail_id, sold.code, quantity))
    # What Jurnal will make of it, which its tax and a journal go by.
    sold.net = net
    return drawn


def _split(quantity: Decimal, net: Decimal) -> list[tuple[Decimal, Decimal]]:
    """Return quantities and rates whose products add up to `net`: one, or two whose rates differ by one unit.

    The unit is a rupiah, or a hundredth where the net is not whole or less than a rupiah each.
    """
    unit = WHOLE if net == net.to_integral_value() and not ZERO < net < quantity else CENT
    lower = net // (quantity * unit) * unit
    if (left := net - quantity * lower) == 0:
        return [(quantity, lower)]
    finest = WHOLE if quantity == quantity.to_integral_value() else quantity
    higher = (left / unit).quantize(finest, ROUND_FLOOR)
    pieces = ((higher, lower + unit), (quantity - higher, lower))
    return [(amount, rate) for amount, rate in pieces if amount > 0]


def _remainder(
    order: OrderReport,
    sold: list[SoldLine],
    drawn: list[DrawnLine],
    charges: list[DrawnLine],
    tax_decimals: int | None,
) -> tuple[Decimal, Decimal]:
    """Return what iSeller's total is above Jurnal's, and what of that is not iSeller's own rounding."""
    told = order.total_amount
    assert told is not None
    nets = taxes = ZERO
    for drawn_line in drawn:
        net = drawn_line.line.quantity * drawn_line.line.rate
        nets += net
        if drawn_line.tax:
            tax = net * drawn_line.tax / 100
            if tax_decimals is not None:
                tax = tax.quantize(Decimal(1).scaleb(-tax_decimals), ROUND_HALF_UP)
            taxes += tax
    rounding = order.rounding_amount or ZERO
    remainder = told - nets - taxes
    unexplained = remainder - rounding
    if unexplained:
        # iSeller rounds what is taxed, and what is weighed.
        rounded = sum(bool(charge.tax) for charge in charges)
        rounded += sum(bool(line.tax) or line.quantity != line.quantity.to_integral_value() for line in sold)
        rounding_max = max(rounded, 1) * WHOLE
        if abs(unexplained) > rounding_max:
            raise Undrawable(
                NotDrawable(
                    f"iSeller says the total is Rp {plain(told)}, its lines, charges, taxes and rounding give "
                    f"Rp {plain(nets + taxes + rounding)}: {first_difference(order, sold, taxes, rounding_max)}",
                    "Compare the order in iSeller with its total, correct it there, and try again",
                )
            )
    if told < 0:
        raise Undrawable(NotDrawable(f"The total is Rp {plain(told)}", "Only totals above zero can be booked"))
    return remainder, unexplained
