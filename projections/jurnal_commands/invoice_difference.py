"""Says where an order's own figures first part from what its lines give, for a person who has to mend it."""

from collections.abc import Iterator
from decimal import Decimal

from eventstore.facts.reports.orders import OrderReport
from projections.jurnal_commands.invoice_lines import WHOLE, ZERO, SoldLine, line_name

# What is compared, its figure in iSeller, the figures that it may be by us (the likeliest first), and whose those are.
_Comparison = tuple[str, Decimal | None, tuple[Decimal, ...], str]


def first_difference(order: OrderReport, sold: list[SoldLine], taxes: Decimal) -> str:
    """Return the first line that differs by more than a rupiah, else the first of the order's parts."""
    for words, told, ours, whose in _lines(order, sold):
        if told is not None and all(abs(told - figure) > WHOLE for figure in ours):
            return f"{words} is Rp {told:f} in iSeller and Rp {ours[0]:f} {whose}"
    for words, told, ours, whose in _parts(order, sold, taxes):
        if told is not None and abs(told - ours[0]) > WHOLE * len(sold):
            return f"{words} is Rp {told:f} in iSeller and Rp {ours[0]:f} {whose}"
    return "each of its parts agrees with the lines"


def _lines(order: OrderReport, sold: list[SoldLine]) -> Iterator[_Comparison]:
    numbers = {id(line): number for number, line in enumerate(order.order_details or (), start=1)}
    for line in sold:
        name = line_name(numbers[id(line.line)], line.line)
        tax = line.due - line.net if order.tax_inclusive else line.net * line.tax / 100
        yield f"{name}: the tax", line.line.tax_amount, (tax,), "by its price"
        # Nobody documents whether a line's subtotal is before or after discounts, or without tax.
        yield f"{name}: the subtotal", line.line.subtotal, (line.value, line.gross, line.due, line.net), "by its price"


def _parts(order: OrderReport, sold: list[SoldLine], taxes: Decimal) -> Iterator[_Comparison]:
    gross = sum((line.gross for line in sold), ZERO)
    off = (order.total_discount_amount or ZERO) + (order.total_promotion_amount or ZERO)
    yield "the order's total of prices", order.total_order_amount, (gross,), "by its lines"
    yield "the order's discount", off, (sum((line.gross - line.due for line in sold), ZERO),), "by its lines"
    yield "the order's tax", order.total_tax_amount, (taxes,), "by its lines"
    parts = (
        gross - off,
        order.total_additional_order_amount,
        order.total_additional_subtotal_amount,
        ZERO if order.tax_inclusive else order.total_tax_amount,
        order.total_additional_final_amount,
        order.total_shipping_amount,
        order.rounding_amount,
    )
    yield "the total", order.total_amount, (sum((part or ZERO for part in parts), ZERO),), "by its own parts"
