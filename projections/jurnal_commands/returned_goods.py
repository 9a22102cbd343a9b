"""Which lines and parts of a booked invoice the goods of a refund mean.

Goods are known by SKU, else by iSeller's product id. Of a product that stands on several lines, those are meant whose
worth comes nearest to what was refunded; else the first ones. What was added to a line (a modifier) goes with it unless
it is named itself. Charges, shipping and rounding come back with the last piece.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import islice, product

import msgspec

from eventstore.facts.reports.orders import OrderLine
from projections.changes.booking import BookedPart, Booking
from projections.changes.refunds import Goods, RefundRecord
from projections.changes.verdict import Verdict
from projections.jurnal_commands.return_arithmetic import Left, worth
from projections.jurnal_commands.stock_action import quantity_text

_ZERO = Decimal(0)
# Ways to spread goods over equal products that are compared; more than these are never worth it.
_WAYS_MAX = 64
# Coarser than the digits that a quotient is cut off at, finer than any weight.
_NOISE = Decimal("1e-9")


class Picked(msgspec.Struct, frozen=True):
    """What comes back: quantities by the line's place on the invoice, and parts that go back on the shelf.

    `wasted`: by product code, goods that come back with their lines but not onto the shelf.
    """

    quantities: dict[int, Decimal]
    parts: tuple[BookedPart, ...] = ()
    wasted: dict[str, Decimal] = {}


class Invoice(msgspec.Struct, frozen=True):
    """A booked invoice as far as it is not taken back yet, with the order's lines behind it."""

    booking: Booking
    left: tuple[Left, ...]
    order_lines: tuple[OrderLine, ...]
    tax_decimals: int | None

    @property
    def parts_left(self) -> dict[tuple[str, str], Decimal]:
        """What may come back of each part, by order line and product code: no more than of the line it belongs to."""
        parts: dict[tuple[str, str], Decimal] = {}
        for part in self.booking.parts:
            key = (part.detail_id, part.product_code)
            parts[key] = parts.get(key, _ZERO) + part.quantity
        most = {}
        for key, quantity in parts.items():
            lines = [each for each in self.left if each.line.detail_id == key[0]]
            sold = sum((each.line.quantity for each in lines), _ZERO)
            most[key] = quantity * sum((each.quantity for each in lines), _ZERO) / sold if sold else quantity
        for part in (part for credit in self.booking.credits for part in credit.parts):
            parts[part.detail_id, part.product_code] -= part.quantity
        return {key: min(quantity, most[key]) for key, quantity in parts.items()}

    def is_extra(self, place: int) -> bool:
        """Tell whether a line is a charge, shipping or rounding."""
        line = self.left[place].line
        goods = {(code or "").strip() for each in self.order_lines for code in (each.sku, each.modifier_product_sku)}
        return not line.detail_id and not line.product_id and line.product_code not in goods

    def has_parts(self, place: int) -> bool:
        """Tell whether the stock of a line is that of its parts."""
        return any(part.detail_id == self.left[place].line.detail_id for part in self.booking.parts)

    def is_tracked(self, code: str) -> bool:
        """Tell whether iSeller keeps stock of a product; it does unless it says no."""
        lines = [each for each in self.order_lines if (each.sku or "").strip() == code]
        return not lines or any(each.track_inventory is not False for each in lines)


class _Wanted(msgspec.Struct):
    """So much of one product comes back, and so much of that onto the shelf."""

    quantity: Decimal = _ZERO
    restocked: Decimal = _ZERO


def pick_all(invoice: Invoice, *, restocked: bool) -> Picked:
    """Return everything that is left of an invoice."""
    quantities = {place: each.quantity for place, each in enumerate(invoice.left) if each.quantity}
    if restocked:
        parts = tuple(BookedPart(*key, quantity) for key, quantity in invoice.parts_left.items() if quantity)
        return Picked(quantities, parts)
    wasted: dict[str, Decimal] = {}
    for place, quantity in quantities.items():
        _waste(invoice, wasted, place, quantity)
    return Picked(quantities, (), wasted)


def pick_goods(invoice: Invoice, record: RefundRecord, *, is_replayed: bool) -> Picked | Verdict:
    """Return what the goods of a refund mean, or why they mean nothing that is left.

    `is_replayed`: it was planned on an earlier invoice of the order. What did not go back on the shelf is lost there
    already; the new invoice took it out once more, so all of it comes back.
    """
    wanted: dict[str, _Wanted] = {}
    put_back: dict[str, Decimal] = {}
    given_away: dict[str, Decimal] = {}
    for goods, onto_shelf in (
        *((each, False) for each in record.refunded),
        *((each, True) for each in record.restocked),
    ):
        code = _line_code(invoice, goods)
        if code is not None:
            known = wanted.setdefault(code, _Wanted())
            field = "restocked" if onto_shelf else "quantity"
            setattr(known, field, getattr(known, field) + goods.quantity)
        elif not any(part.product_code == goods.sku for part in invoice.booking.parts):
            return _unknown(goods)
        else:
            told = put_back if onto_shelf else given_away
            told[goods.sku] = told.get(goods.sku, _ZERO) + goods.quantity
    for each in wanted.values():
        each.quantity = max(each.quantity, each.restocked)
        each.restocked = each.quantity if is_replayed else each.restocked
    _weigh(invoice, wanted)
    if (refused := _beyond(invoice, wanted)) is not None:
        return refused
    picked = min(_ways(invoice, wanted), key=lambda way: _distance(invoice, way, record))
    with_parts = _with_parts(invoice, picked, put_back, is_replayed=is_replayed)
    if isinstance(with_parts, Verdict):
        return with_parts
    lost = {code: quantity - put_back.get(code, _ZERO) for code, quantity in given_away.items()}
    return _with_given_away(invoice, with_parts, lost, is_replayed=is_replayed)


def _line_code(invoice: Invoice, goods: Goods) -> str | None:
    """Return the product code of the lines that goods mean, None if they mean none."""
    lines = [each.line for place, each in enumerate(invoice.left) if not invoice.is_extra(place)]
    if goods.sku and any(line.product_code == goods.sku for line in lines):
        return goods.sku
    return next((line.product_code for line in lines if goods.product_id and line.product_id == goods.product_id), None)


def _unknown(goods: Goods) -> Verdict:
    return Verdict(
        "failed",
        f"The refund is about {quantity_text(goods.quantity)} of {goods.name}, which is not on the invoice",
        "Compare the refund with the order in iSeller; enter the return in Jurnal by hand and skip the record",
    )


def _weigh(invoice: Invoice, wanted: dict[str, _Wanted]) -> None:
    """Turn pieces of weighed goods into their weight: the invoice counts that, and a refund may count either."""
    for code, each in wanted.items():
        lines = [line for line in invoice.order_lines if (line.sku or "").strip() == code]
        pieces = sum((line.quantity or _ZERO for line in lines), _ZERO)
        is_whole = each.quantity == each.quantity.to_integral_value()
        if pieces and all(line.weight_quantity for line in lines) and is_whole and 0 < each.quantity <= pieces:
            of_code = [left for place, left in enumerate(invoice.left) if _is_of(invoice, place, code)]
            sold = sum((left.line.quantity for left in of_code), _ZERO)
            rest = sum((left.quantity for left in of_code), _ZERO)
            # The last pieces weigh what is left: a weight that no number of digits can tell would leave some for ever.
            is_rest = each.quantity == (rest * pieces / sold).quantize(_NOISE)
            weight = rest if is_rest else each.quantity * sold / pieces
            each.quantity, each.restocked = weight, weight * each.restocked / each.quantity


def _beyond(invoice: Invoice, wanted: dict[str, _Wanted]) -> Verdict | None:
    for code, each in wanted.items():
        lines = [left for place, left in enumerate(invoice.left) if _is_of(invoice, place, code)]
        left = sum((line.quantity for line in lines), _ZERO)
        if each.quantity > left:
            sold = sum((line.line.quantity for line in lines), _ZERO)
            return Verdict(
                "failed",
                f"iSeller takes back {quantity_text(each.quantity)} of {code}; {quantity_text(sold)} were sold,"
                f" of which {quantity_text(sold - left)} are taken back already",
                "Compare the refunds with the order in iSeller; correct the difference in Jurnal by hand and skip the"
                " record",
            )
    return None


def _is_of(invoice: Invoice, place: int, code: str) -> bool:
    return invoice.left[place].line.product_code == code and not invoice.is_extra(place)


class _Way(msgspec.Struct):
    """One way to spread goods over lines: quantities, and what of them goes back on the shelf, by place."""

    quantities: dict[int, Decimal]
    restocked: dict[int, Decimal]


def _ways(invoice: Invoice, wanted: dict[str, _Wanted]) -> Iterator[_Way]:
    """Return ways to spread goods over lines, each line of a product once as the first, in the invoice's order."""
    choices: list[list[list[int]]] = []
    for code in wanted:
        places = [place for place in range(len(invoice.left)) if _is_of(invoice, place, code)]
        choices.append([places[start:] + places[:start] for start in range(len(places))])
    for orders in islice(product(*choices), _WAYS_MAX):
        way = _Way({}, {})
        for places, each in zip(orders, wanted.values(), strict=True):
            _spread(invoice, way, places, each, frozenset(wanted))
        if all(
            way.quantities.get(p, _ZERO) == e.quantity for p, e in enumerate(invoice.left) if not invoice.is_extra(p)
        ):
            extras = (place for place in range(len(invoice.left)) if invoice.is_extra(place))
            way.quantities.update({place: invoice.left[place].quantity for place in extras})
        yield way


def _spread(invoice: Invoice, way: _Way, places: Sequence[int], wanted: _Wanted, named: frozenset[str]) -> None:
    quantity, restocked = wanted.quantity, wanted.restocked
    for place in places:
        part = min(quantity, invoice.left[place].quantity)
        shelved = min(restocked, part)
        quantity, restocked = quantity - part, restocked - shelved
        if part:
            _add(way, place, part, shelved)
            _spread_on_additions(invoice, way, place, part, shelved, named)


def _spread_on_additions(
    invoice: Invoice, way: _Way, place: int, part: Decimal, shelved: Decimal, named: frozenset[str]
) -> None:
    """Let modifiers come back with their line, in proportion."""
    detail = invoice.left[place].line.detail_id
    whole = _sold(invoice, detail)
    own = [number for number, each in enumerate(invoice.left) if each.line.detail_id == detail]
    is_last = all(way.quantities.get(number, _ZERO) == invoice.left[number].quantity for number in own)
    additions = {
        line.order_detail_id
        for line in invoice.order_lines
        if detail and line.parent_order_detail_id == detail and line.order_detail_id
    }
    for other, left in enumerate(invoice.left):
        if left.line.detail_id in additions and left.line.product_code not in named:
            rest = left.quantity - way.quantities.get(other, _ZERO)
            with_it = rest if is_last else min(left.line.quantity * part / whole, rest)
            _add(way, other, with_it, with_it * shelved / part)


def _add(way: _Way, place: int, quantity: Decimal, restocked: Decimal) -> None:
    way.quantities[place] = way.quantities.get(place, _ZERO) + quantity
    way.restocked[place] = way.restocked.get(place, _ZERO) + restocked


def _sold(invoice: Invoice, detail: str) -> Decimal:
    """Return the quantity of an order line, which may stand on two lines of the invoice."""
    return sum((each.line.quantity for each in invoice.left if each.line.detail_id == detail), _ZERO)


def _distance(invoice: Invoice, way: _Way, record: RefundRecord) -> Decimal:
    if not record.amount:
        return _ZERO
    return abs(worth(invoice.booking, invoice.left, way.quantities, invoice.tax_decimals) - record.amount)


def _with_parts(invoice: Invoice, way: _Way, put_back: dict[str, Decimal], *, is_replayed: bool) -> Picked | Verdict:
    """Return a way with the stock of parts, and with what does not go back on the shelf."""
    left = invoice.parts_left
    parts: dict[tuple[str, str], Decimal] = {}
    wasted: dict[str, Decimal] = {}
    for place, quantity in way.quantities.items():
        detail, shelved = invoice.left[place].line.detail_id, way.restocked.get(place, _ZERO)
        _waste(invoice, wasted, place, quantity - shelved)
        for part in invoice.booking.parts:
            if part.detail_id == detail and shelved and not invoice.is_extra(place):
                key = (detail, part.product_code)
                parts[key] = parts.get(key, _ZERO) + part.quantity * shelved / _sold(invoice, detail)
    for code, quantity in put_back.items():
        rest = quantity
        for key, most in left.items():
            share = min(rest, most - parts.get(key, _ZERO)) if key[1] == code else _ZERO
            if share > 0:
                parts[key], rest = parts.get(key, _ZERO) + share, rest - share
        if rest and not is_replayed:
            return _parts_beyond(invoice, code, quantity)
    kept = {key: min(quantity, left[key]) for key, quantity in parts.items()}
    return Picked(
        way.quantities, tuple(BookedPart(*key, quantity) for key, quantity in kept.items() if quantity), wasted
    )


def _with_given_away(invoice: Invoice, picked: Picked, lost: dict[str, Decimal], *, is_replayed: bool) -> Picked:
    """Return the same with goods that were given away, and came back to be thrown away: waste, as what was sold is."""
    parts = {(part.detail_id, part.product_code): part.quantity for part in picked.parts}
    wasted = dict(picked.wasted)
    own = {(line.order_detail_id or "", (line.sku or "").strip()) for line in invoice.order_lines}
    for key, most in invoice.parts_left.items():
        share = min(lost.get(key[1], _ZERO), most - parts.get(key, _ZERO))
        if key in own and share > 0:
            lost[key[1]] -= share
            parts[key] = parts.get(key, _ZERO) + share
            if not is_replayed:
                wasted[key[1]] = wasted.get(key[1], _ZERO) + share
    return Picked(picked.quantities, tuple(BookedPart(*key, quantity) for key, quantity in parts.items()), wasted)


def _parts_beyond(invoice: Invoice, code: str, quantity: Decimal) -> Verdict:
    sold = sum((part.quantity for part in invoice.booking.parts if part.product_code == code), _ZERO)
    left = sum((each for key, each in invoice.parts_left.items() if key[1] == code), _ZERO)
    return Verdict(
        "failed",
        f"iSeller puts back {quantity_text(quantity)} of {code}; {quantity_text(sold)} left with the order, of which"
        f" {quantity_text(sold - left)} are back already",
        "Compare the refunds with the order in iSeller; correct the stock in Jurnal by hand and skip the record",
    )


def _waste(invoice: Invoice, wasted: dict[str, Decimal], place: int, quantity: Decimal) -> None:
    code = invoice.left[place].line.product_code
    if quantity and not invoice.is_extra(place) and not invoice.has_parts(place) and invoice.is_tracked(code):
        wasted[code] = wasted.get(code, _ZERO) + quantity
