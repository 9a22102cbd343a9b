"""Invoices, for any order: nothing is lost or made on the way from iSeller's total to Jurnal's."""

from collections import defaultdict
from decimal import Decimal

import msgspec
from hypothesis import assume, example, given
from hypothesis import strategies as st

from eventstore.facts.reports.orders import OrderReport
from eventstore.facts.settings import SalesRulesSet
from projections.changes.settings import StoreSettings
from projections.jurnal_commands.invoice import draw_invoice
from projections.jurnal_commands.invoice_drawn import Drawn, NotDrawable
from projections.jurnal_commands.invoice_shares import share_out
from tests.drawing import plain
from tests.property.shop_orders import ACCOUNTS, RATES, TAXES, UNTRACKED, ShopOrder, shop_orders
from tests.story import CONNECTION, MAIN

D = Decimal


def outcome(order: OrderReport, rules: SalesRulesSet) -> Drawn | NotDrawable:
    """Draw an order of the main outlet."""
    settings = StoreSettings(
        connection=msgspec.structs.replace(CONNECTION, taxes=TAXES),
        outlets={"main": MAIN},
        sales_accounts={accounts.scope: accounts for accounts in ACCOUNTS},
        rules=rules,
    )
    return draw_invoice(order, settings, MAIN)


def drawn_of(order: ShopOrder) -> Drawn:
    """Draw an order that can be drawn."""
    drawn = outcome(order.report, order.rules)
    assert isinstance(drawn, Drawn), drawn
    return drawn


def net_of(drawn: Drawn, *products: str) -> D:
    """Return what Jurnal books as sales of some products (none: all)."""
    lines = (drawn_line.line for drawn_line in drawn.lines)
    return sum((line.quantity * line.rate for line in lines if not products or line.product_code in products), D(0))


@given(order=shop_orders())
def test_quantity_times_rate_plus_exact_tax_less_the_header_discount_is_the_total(order: ShopOrder) -> None:
    """To the last decimal, and what iSeller did not round itself is at most a rupiah for each line that it rounded."""
    drawn = drawn_of(order)
    lines = [drawn_line.line for drawn_line in drawn.lines]
    tax = sum((line.quantity * line.rate * RATES.get(line.tax_name or "", D(0)) / 100 for line in lines), D(0))
    assert net_of(drawn) + tax - drawn.header_discount == order.report.total_amount
    assert drawn.header_discount >= 0
    assert abs(drawn.remainder) <= max(order.rounded, 1)
    extra = net_of(drawn, "ISELLER-ROUNDING") - drawn.header_discount
    assert extra == (order.report.rounding_amount or 0) + drawn.remainder


@given(order=shop_orders())
def test_every_rate_is_positive_in_whole_rupiah_or_hundredths(order: ShopOrder) -> None:
    """Zero only where Jurnal takes it; two rates of one order line differ by one unit."""
    drawn = drawn_of(order)
    rates: dict[str, list[D]] = {}
    for drawn_line in drawn.lines:
        assert drawn_line.line.quantity > 0
        assert drawn_line.line.rate >= 0
        assert drawn_line.line.rate > 0 or order.rules.zero_prices == "send"
        if drawn_line.detail_id:
            assert drawn_line.line.rate == drawn_line.line.rate.quantize(D("0.01"))
            rates.setdefault(drawn_line.detail_id, []).append(drawn_line.line.rate)
    for of_line in rates.values():
        assert len(of_line) == 1 or of_line[0] - of_line[1] in (D(1), D("0.01"))


@given(order=shop_orders())
def test_all_that_was_sold_leaves_the_stock_once(order: ShopOrder) -> None:
    """By its line, or as a part: whatever is composite, a modifier or free."""
    drawn = drawn_of(order)
    left: defaultdict[str, D] = defaultdict(D)
    for drawn_line in drawn.lines:
        if drawn_line.line.product_code not in UNTRACKED:
            left[drawn_line.line.product_code] += drawn_line.line.quantity
    for part in drawn.parts:
        left[part.product_code] += part.quantity
    assert dict(left) == order.stock


@given(order=shop_orders())
def test_the_journal_balances_and_moves_exactly_what_was_sold_and_discounted(order: ShopOrder) -> None:
    """Lattes go from Sales to Main Drinks by their nets, all discounts from the accounts that sold."""
    drawn = drawn_of(order)
    debited: defaultdict[str, D] = defaultdict(D)
    credited: defaultdict[str, D] = defaultdict(D)
    for line in drawn.journal:
        assert (line.debit > 0) != (line.credit > 0)
        debited[line.account] += line.debit
        credited[line.account] += line.credit
    assert sum(debited.values()) == sum(credited.values())
    assert debited["Sales"] == net_of(drawn, "LATTE")
    discounted = debited["Sales Discounts"]
    if order.rules.discount_account is None:
        assert discounted == 0
        assert credited["Main Drinks"] == net_of(drawn, "LATTE")
    elif not order.report.tax_inclusive:
        assert discounted == order.discount
    else:
        assert discounted <= order.discount


@given(order=shop_orders(), more=st.integers(10_000, 1_000_000))
def test_a_total_that_the_lines_do_not_explain_is_refused_with_both_numbers(order: ShopOrder, more: int) -> None:
    """What is booked is what was sold, not whatever makes the sum fit."""
    assert order.report.total_amount is not None
    claimed = order.report.total_amount + more
    refused = outcome(msgspec.structs.replace(order.report, total_amount=claimed), order.rules)
    assert isinstance(refused, NotDrawable)
    assert f"Rp {plain(claimed)}," in refused.reason
    assert "by its own parts" in refused.reason


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


@given(amount=st.integers(1, 500), weights=st.lists(st.integers(1, 90), min_size=2, max_size=7))
@example(amount=2, weights=[1, 13, 4])
def test_lines_of_unlike_worth_may_tie(amount: int, weights: list[int]) -> None:
    """Parts are compared as they are: 2 x 13 / 18 and 2 x 4 / 18 leave the same, but 28 digits of them do not."""
    total = sum(weights)
    assume(amount <= total)
    whole = [amount * weight // total for weight in weights]
    by_part = sorted(range(len(weights)), key=lambda place: (-(amount * weights[place] % total), place))
    carrying = by_part[: amount - sum(whole)]
    assert share_out(D(amount), [D(weight) for weight in weights]) == [
        share + (place in carrying) for place, share in enumerate(whole)
    ]
