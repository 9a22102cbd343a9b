"""The written rule that makes an invoice of an order, for the expected books; exact fractions of a rupiah."""

from fractions import Fraction
from math import floor

import msgspec

from ops.sandbox.traffic_order import Order


class ExpectedInvoice(msgspec.Struct, frozen=True, kw_only=True):
    """What the invoice must say.

    `remainder` is what the total holds beyond sales and tax: positive goes to Rounding, negative to Sales Discount.
    """

    total: Fraction
    sales: Fraction
    tax: Fraction
    remainder: Fraction


def expected_invoice(order: Order, tax_percentage: Fraction) -> ExpectedInvoice:
    """Net every line of its discount and its share of the order-level ones; tax the taxable nets exactly."""
    before_order = [Fraction(line.gross_idr) - Fraction(line.discount_idr) for line in order.lines]
    order_level = Fraction(order.order_discount_idr) + Fraction(order.order_promotion_idr)
    nets = [before - share for before, share in zip(before_order, shared_out(order_level, before_order), strict=True)]
    taxable = sum((net for line, net in zip(order.lines, nets, strict=True) if line.taxable), Fraction(0))
    total, sales, tax = Fraction(order.total_idr), sum(nets, Fraction(0)), taxable * tax_percentage / 100
    return ExpectedInvoice(total=total, sales=sales, tax=tax, remainder=total - sales - tax)


def shared_out(amount: Fraction, weights: list[Fraction]) -> list[Fraction]:
    """Share whole rupiah in proportion to the weights: largest fractional part first, on a tie the first."""
    if amount.denominator != 1:
        raise AssertionError(f"order-level discounts are whole rupiah, not {amount}")
    exact = [amount * weight / sum(weights) for weight in weights]
    shares = [Fraction(floor(share)) for share in exact]
    rupiah_left = int(amount - sum(shares))
    by_fraction = sorted(range(len(weights)), key=lambda index: (shares[index] - exact[index], index))
    for index in by_fraction[:rupiah_left]:
        shares[index] += 1
    return shares
