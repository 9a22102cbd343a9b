"""Invoices, for any order: nothing is lost or made on the way from iSeller's total to Jurnal's."""

from decimal import Decimal

import msgspec
from hypothesis import assume, given
from hypothesis import strategies as st

from eventstore.facts.reports.orders import OrderLine, OrderReport, Promotion
from eventstore.facts.settings import TaxMapping
from projections.changes.settings import StoreSettings
from projections.jurnal_commands.invoice import draw_invoice
from projections.jurnal_commands.invoice_drawn import Drawn, NotDrawable
from projections.jurnal_commands.invoice_shares import share_out
from tests.story import CONNECTION, MAIN

D = Decimal
TAXES = {"11": "PPN", "10.5": "PB1"}
SETTINGS = StoreSettings(
    connection=msgspec.structs.replace(
        CONNECTION, taxes=tuple(TaxMapping(percentage, name) for percentage, name in TAXES.items())
    )
)
RATES = {name: D(percentage) for percentage, name in TAXES.items()}
PRICES = st.one_of(
    st.just(D(0)),
    st.integers(100, 2_000_000).map(D),
    st.decimals(100, 2_000_000, places=2),
    st.decimals(100, 100_000, places=4),
)


@st.composite
def order_lines(draw: st.DrawFn) -> OrderLine:
    """Draw a line whose own discounts may take up to all of it."""
    quantity = draw(st.one_of(st.integers(1, 40).map(D), st.decimals("0.001", 9, places=3)))
    price = draw(PRICES)
    gross = quantity * price
    # Of a gross with hundredths some is left: under a hundredth, no share could be given without exceeding it.
    discountable = int(gross if gross == gross.to_integral_value() else gross * D("0.9"))
    discount = draw(st.integers(0, discountable))
    promotion = draw(st.integers(0, discountable - discount))
    return OrderLine(
        sku="LATTE",
        quantity=quantity,
        base_price=price,
        discount_amount=D(discount),
        taxable=draw(st.booleans()),
        tax_percentage=draw(st.sampled_from([D(11), D("10.50"), D(0)])),
        promotions=(Promotion(promotion_amount=D(promotion)),) if promotion else None,
    )


@st.composite
def orders(draw: st.DrawFn) -> OrderReport:
    """Draw an order with an order discount, and a total that may be a few hundred rupiah off by rounding."""
    lines = tuple(draw(st.lists(order_lines(), min_size=1, max_size=6)))
    own = sum((_own(line) for line in lines), D(0))
    before = [(line.quantity or D(0)) * (line.base_price or D(0)) - _own(line) for line in lines]
    fine = any(value != value.quantize(D("0.01")) for value in before)
    # A share in hundredths of all of a line that has thousandths could exceed it.
    order_discount = draw(st.integers(0, int(sum(before) * (D("0.9") if fine else 1))))
    inclusive = draw(st.booleans())
    net = sum(before) - order_discount
    taxed = D(0)
    if not inclusive:
        shares = share_out(D(order_discount), before)
        taxed = sum(
            ((value - share) * _rate(line) / 100 for line, value, share in zip(lines, before, shares, strict=True)),
            D(0),
        )
    rounding = draw(st.one_of(st.just(D(0)), st.decimals(-500, 500, places=2)))
    total = (net + taxed).quantize(draw(st.sampled_from([D(1), D("0.01")]))) + rounding
    assume(total >= 0)
    return OrderReport(
        order_id="order-1",
        order_details=lines,
        total_discount_amount=own + order_discount,
        rounding_amount=rounding,
        tax_inclusive=inclusive,
        total_amount=total,
    )


def _own(line: OrderLine) -> D:
    promotions = sum((promotion.promotion_amount or D(0) for promotion in line.promotions or ()), D(0))
    return (line.discount_amount or D(0)) + promotions


def _rate(line: OrderLine) -> D:
    return (line.tax_percentage or D(0)) if line.taxable else D(0)


@given(order=orders())
def test_quantity_times_rate_plus_exact_tax_less_the_header_discount_is_the_total(order: OrderReport) -> None:
    """To the last decimal; every rate is zero or more; quantities are kept; the books need no further rounding."""
    drawn = draw_invoice(order, SETTINGS, MAIN)
    assert isinstance(drawn, Drawn), drawn
    lines = [drawn_line.line for drawn_line in drawn.lines]
    net = sum((line.quantity * line.rate for line in lines), D(0))
    tax = sum((line.quantity * line.rate * RATES.get(line.tax_name or "", D(0)) / 100 for line in lines), D(0))
    assert net + tax - drawn.header_discount == order.total_amount
    assert all(line.rate >= 0 and line.quantity > 0 for line in lines)
    assert drawn.header_discount >= 0
    goods = [line for line in lines if line.product_code == "LATTE"]
    assert sum(line.quantity for line in goods) == sum(line.quantity or D(0) for line in order.order_details or ())
    rates = [line.rate for line in goods]
    assert all(rate == rate.quantize(D("0.01")) for rate in rates)


@given(order=orders(), more=st.integers(10_000, 1_000_000))
def test_a_total_that_the_lines_do_not_explain_is_refused_with_both_numbers(order: OrderReport, more: int) -> None:
    """What is booked is what was sold, not whatever makes the sum fit."""
    assert order.total_amount is not None
    claimed = order.total_amount + more
    wrong = OrderReport(
        order_id="order-1",
        order_details=order.order_details,
        total_discount_amount=order.total_discount_amount,
        rounding_amount=order.rounding_amount,
        tax_inclusive=order.tax_inclusive,
        total_amount=claimed,
    )
    refused = draw_invoice(wrong, SETTINGS, MAIN)
    assert isinstance(refused, NotDrawable)
    assert f"Rp {claimed:f}" in refused.reason


@given(amount=st.integers(0, 10**9), weights=st.lists(st.integers(0, 10**9), min_size=1, max_size=30))
def test_shares_add_up_exactly_and_are_whole_rupiah_within_one_of_their_due(amount: int, weights: list[int]) -> None:
    """Largest remainder: nobody's share is a rupiah or more away from the exact one."""
    assume(0 < sum(weights) >= amount)
    shares = share_out(D(amount), [D(weight) for weight in weights])
    assert sum(shares) == amount
    for share, weight in zip(shares, weights, strict=True):
        assert share == share.to_integral_value()
        assert abs(share * sum(weights) - amount * weight) < sum(weights)


@given(amount=st.decimals(0, 10**9, places=2), weights=st.lists(st.integers(1, 10**9), min_size=1, max_size=30))
def test_shares_of_an_amount_with_cents_add_up_to_the_cent(amount: Decimal, weights: list[int]) -> None:
    """The smallest unit of a share is that of the amount."""
    shares = share_out(amount, [D(weight) for weight in weights])
    assert sum(shares) == amount
    assert all(share == share.quantize(D("0.01")) for share in shares)


@given(amount=st.integers(0, 100), lines=st.integers(1, 7))
def test_of_equal_lines_the_first_ones_carry_what_does_not_divide(amount: int, lines: int) -> None:
    """Ties go to the first line, so that two who compute it agree."""
    shares = share_out(D(amount), [D(1_000)] * lines)
    assert shares == sorted(shares, reverse=True)
