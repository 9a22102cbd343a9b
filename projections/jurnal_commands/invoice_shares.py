"""Shares an amount over lines, exactly, and takes an order's discounts off its lines. The rules: INVOICES.md."""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Context, Decimal
from itertools import repeat

from eventstore.facts.reports.orders import OrderReport
from projections.jurnal_commands.invoice_lines import CENT, WHOLE, ZERO, SoldLine

# More digits than any product of two amounts has.
_EXACT = Context(prec=100)


def work_out_nets(order: OrderReport, sold: list[SoldLine]) -> Decimal:
    """Set what each line is due, its value less its share of the order's discount, and its net, without included tax.

    Return what the discount exceeds the lines by, which is off the charge that stands before discounts. Less than a
    rupiah is no excess: what is weighed is not worth whole rupiah, its discount may be.
    """
    excess = ZERO
    shares: Iterable[Decimal] = repeat(ZERO)
    if (discount := order_discount(order, sold)) > 0:
        weights = [ZERO if line.stored_value else line.value for line in sold]
        excess = max(discount - sum(weights, ZERO), ZERO)
        shares = share_out(discount - excess, weights)
    inclusive = order.tax_inclusive
    for line, share in zip(sold, shares, strict=False):
        line.due = line.value - share
        line.net = without_tax(line.due, line.tax) if inclusive and line.tax else line.due
    return excess if excess >= WHOLE else ZERO


def order_discount(order: OrderReport, sold: list[SoldLine]) -> Decimal:
    """Return what all discounts and promotions exceed the lines' own by, below zero where those exceed it."""
    told = (order.total_discount_amount or ZERO) + (order.total_promotion_amount or ZERO)
    if told:
        for line in sold:
            told -= line.gross - line.value
    return told


def without_tax(amount: Decimal, percentage: Decimal) -> Decimal:
    """Return what is left of an amount without the tax that it includes, to the hundredth."""
    return (amount * 100 / (100 + percentage)).quantize(CENT, ROUND_HALF_UP)


def share_out(amount: Decimal, weights: list[Decimal]) -> list[Decimal]:
    """Share `amount` over `weights` in whole rupiah by largest remainder (ties: the first); it adds up exactly.

    In hundredths if `amount` is not whole, or if a whole share would exceed its weight.
    """
    total = sum(weights, ZERO)
    if amount == 0 or total == 0:
        return [ZERO] * len(weights)
    if amount == amount.to_integral_value():
        shares = _by_largest_remainder(amount, weights, total, WHOLE)
        if all(share <= weight for share, weight in zip(shares, weights, strict=True)):
            return shares
    return _by_largest_remainder(amount, weights, total, CENT)


def _by_largest_remainder(amount: Decimal, weights: list[Decimal], total: Decimal, unit: Decimal) -> list[Decimal]:
    # A quotient cut off at some digit would break ties by its noise; divided without, they are ties.
    divided = [_EXACT.divmod(_EXACT.multiply(amount, weight), _EXACT.multiply(unit, total)) for weight in weights]
    shares = [units * unit for units, _ in divided]
    missing = int((amount - sum(shares, ZERO)) / unit)
    by_remainder = sorted(range(len(weights)), key=lambda index: (-divided[index][1], index))
    for index in by_remainder[:missing]:
        shares[index] += unit
    return shares
