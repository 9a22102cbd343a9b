"""Says where an order's own figures first part from what its lines give, for a person who has to mend it."""

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from eventstore.facts.reports.orders import OrderReport
from projections.jurnal_commands.invoice_lines import WHOLE, ZERO, SoldLine, line_name, plain


class _Figure(msgspec.Struct, frozen=True):
    """A figure that iSeller tells (None: it does not), and what it may be by us, the likeliest first; IDR."""

    words: str
    told: Decimal | None
    ours: tuple[Decimal, ...]
    whose: str = "by its lines"
    within: Decimal = WHOLE


def first_difference(order: OrderReport, sold: list[SoldLine], taxes: Decimal, rounding_max: Decimal) -> str:
    """Return the first line that differs by more than a rupiah, else the first of the order's parts."""
    for figures in (_of_lines(order, sold), _of_order(order, sold, taxes, rounding_max)):
        for figure in figures:
            told, ours = figure.told, figure.ours
            if told is not None and all(abs(told - known) > figure.within for known in ours):
                return f"{figure.words} is Rp {plain(told)} in iSeller and Rp {plain(ours[0])} {figure.whose}"
    return "each of its parts agrees with the lines"


def _of_lines(order: OrderReport, sold: list[SoldLine]) -> Iterator[_Figure]:
    numbers = {id(line): number for number, line in enumerate(order.order_details or (), start=1)}
    for line in sold:
        name = line_name(numbers[id(line.line)], line.line)
        tax = line.due - line.net if order.tax_inclusive else line.net * line.tax / 100
        yield _Figure(f"{name}: the tax", line.line.tax_amount, (tax,), "by its price")
        # Nobody documents whether a line's subtotal is before or after discounts, or without tax.
        subtotals = (line.value, line.gross, line.due, line.net)
        yield _Figure(f"{name}: the subtotal", line.line.subtotal, subtotals, "by its price")


def _of_order(order: OrderReport, sold: list[SoldLine], taxes: Decimal, rounding_max: Decimal) -> Iterator[_Figure]:
    gross = sum((line.gross for line in sold), ZERO)
    off = (order.total_discount_amount or ZERO) + (order.total_promotion_amount or ZERO)
    yield _Figure("the order's total of prices", order.total_order_amount, (gross,))
    own = sum((line.gross - line.value for line in sold), ZERO)
    yield _Figure("the order's discount", off if off < own else None, (own,))
    yield _Figure("the order's tax", order.total_tax_amount, (taxes,), within=rounding_max)
    told_taxes = order.total_tax_amount if order.total_tax_amount is not None else taxes
    parts = (
        gross - off,
        order.total_additional_order_amount,
        order.total_additional_subtotal_amount,
        ZERO if order.tax_inclusive else told_taxes,
        order.total_additional_final_amount,
        order.total_shipping_amount,
        order.rounding_amount,
    )
    total = sum((part or ZERO for part in parts), ZERO)
    yield _Figure("the total", order.total_amount, (total,), "by its own parts")
