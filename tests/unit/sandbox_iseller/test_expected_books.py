"""The generator's own account of what the books must say."""

from collections import Counter
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.sandbox.expected import DOCUMENT_TYPES, expected_books, half_up
from ops.sandbox.expected_invoices import expected_invoice, shared_out
from ops.sandbox.expected_valuation import Movement, Valuation, value_product
from ops.sandbox.scenario import KOPI_NUSANTARA
from ops.sandbox.scenario_everything import everything
from ops.sandbox.traffic_events import (
    OrderCompleted,
    OrderPaid,
    PayoutCompleted,
    StockBought,
    SupplierDelivered,
    TransferStarted,
)
from ops.sandbox.traffic_order import Order
from tests.unit.sandbox_iseller.stand import traffic

NAMES = KOPI_NUSANTARA.accounts
MONDAY, TUESDAY, WEDNESDAY = date(2026, 11, 16), date(2026, 11, 17), date(2026, 11, 18)


@given(seed=st.integers(0, 2**32), orders=st.integers(0, 80))
@settings(max_examples=25, deadline=None)
def test_the_books_balance_for_any_seed(seed: int, orders: int) -> None:
    """What the shop owns equals what was put in plus tax owed plus income minus costs, each reckoned by itself."""
    shown = traffic(seed, orders)
    books = expected_books(KOPI_NUSANTARA, shown)
    exact = {name: books.exact.get(name, Fraction(0)) for name in (*books.exact, *_income(), *_costs())}
    bought = sum(Fraction(e.quantity * e.unit_price_idr) for e in shown.events if isinstance(e, StockBought))
    owned = sum(exact.get(name, Fraction(0)) for name in (NAMES.receivables, NAMES.inventory, *_money()))
    income = -sum(exact[name] for name in _income())
    costs = sum(exact[name] for name in _costs())
    assert owned == bought - exact.get(NAMES.tax, Fraction(0)) + income - costs


@given(seed=st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_the_books_balance_when_everything_happens(seed: int) -> None:
    """Inventory is what came in at its price less what went at its average; no piece is made or lost unseen."""
    shown = traffic(seed, 20, everything=True)
    books = expected_books(everything(seed), shown)
    assert sum(books.exact.values()) == 0
    received = sum(
        Fraction(piece.quantity * piece.price_idr)
        for event in shown.events
        if isinstance(event, SupplierDelivered)
        for piece in event.pieces
    )
    assert received > books.balances["goods_received"] > 0
    assert books.profit_and_loss[NAMES.loss] > 0
    assert min(books.in_transit.values()) >= 0
    places = {outlet.warehouse for outlet in KOPI_NUSANTARA.outlets}
    bought = {product.sku for product in everything(seed).products}
    assert min(quantity for place in places for sku, quantity in books.stock[place].items() if sku in bought) >= 0
    assert set(books.references) - set(DOCUMENT_TYPES) == {"stock_adjustment"}
    invoiced = books.references.pop("sales_invoice")
    # Of an order: the sale, what was booked anew for a refund of what was not paid, and for a change or a void undone.
    assert max(Counter(invoiced).values()) <= 3
    assert all(len(set(found)) == len(found) for found in books.references.values())


@given(seed=st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_invoices_are_paid_or_owed_for_any_seed(seed: int) -> None:
    """The sum of order totals is what came in plus the receivables."""
    events = traffic(seed, 60).events
    books = expected_books(KOPI_NUSANTARA, traffic(seed, 60))
    totals = sum(event.order.total_idr for event in events if isinstance(event, OrderCompleted))
    at_once = sum(p.amount_idr for event in events if isinstance(event, OrderCompleted) for p in event.order.payments)
    later = sum(event.payment.amount_idr for event in events if isinstance(event, OrderPaid))
    assert totals == at_once + later + books.balances["receivables"]
    assert sum(books.invoices.values()) == books.documents["sales_invoice"] == 60


@given(seed=st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_an_invoice_is_its_orders_total_for_any_seed(seed: int) -> None:
    """Sales, exact tax and remainder add up; sales are what is left of the gross after all discounts."""
    for order in _orders(seed):
        invoice = expected_invoice(KOPI_NUSANTARA, order)
        kept = sum(line.gross_idr - line.discount_idr for line in order.lines)
        rounding = sum(line.net for line in invoice.lines if not line.detail_id)
        sales, tax = invoice.net - rounding, sum(line.tax_amount for line in invoice.lines)
        assert sales == kept - order.order_discount_idr - order.order_promotion_idr
        assert sales + tax + rounding - invoice.discount == order.total_idr
        assert abs(rounding - invoice.discount) < 60


@pytest.mark.parametrize("seed", [1, 7])
def test_clearing_holds_the_transactions_that_no_completed_payout_settled(seed: int) -> None:
    """Deposit and fees together leave clearing, to the rupiah; failed and waiting payouts leave it alone."""
    shown = traffic(seed, 200)
    books = expected_books(KOPI_NUSANTARA, shown)
    payouts = [event.payout for event in shown.events if isinstance(event, PayoutCompleted)]
    at_once = sum(p.amount_idr for o in _orders(seed, 200) for p in o.payments if p.gateway == "iseller_pay")
    later = sum(
        e.payment.amount_idr for e in shown.events if isinstance(e, OrderPaid) and e.payment.gateway == "iseller_pay"
    )
    assert books.balances["clearing"] == at_once + later - sum(payout.transactions_amount_idr for payout in payouts)
    assert books.profit_and_loss[NAMES.mdr] == sum(payout.fees_idr for payout in payouts)
    assert books.references["bank_deposit"] == [payout.reference_id for payout in payouts]


@pytest.mark.parametrize("seed", [1, 7])
def test_a_transfer_moves_goods_and_no_value(seed: int) -> None:
    """Stopped after the first start, five pieces are in transit and nothing but the opening stock is booked."""
    shown = traffic(seed)
    before = expected_books(KOPI_NUSANTARA, shown.until(shown.first_transfer_started_index))
    after = expected_books(KOPI_NUSANTARA, shown.until(shown.first_transfer_started_index + 1))
    started = shown.events[shown.first_transfer_started_index]
    assert isinstance(started, TransferStarted)
    sku = started.pieces[0].sku
    assert after.in_transit == {sku: Decimal(5)}
    assert after.stock["Main Outlet"][sku] == before.stock["Main Outlet"][sku] - 5
    assert after.stock["Kelapa Gading Branch"] == before.stock["Kelapa Gading Branch"]
    assert after.exact == before.exact
    assert after.documents["warehouse_transfer"] == 1


def test_at_the_end_nothing_is_in_transit_and_the_stock_is_what_was_bought_minus_sold() -> None:
    """Every SKU that travelled stands at nought; goods only leave by sales."""
    shown = traffic(7, 200)
    books = expected_books(KOPI_NUSANTARA, shown)
    assert len(books.in_transit) > 3
    assert set(books.in_transit.values()) == {Decimal(0)}
    bought = sum(event.quantity for event in shown.events if isinstance(event, StockBought))
    sold = sum(line.quantity for order in _orders(7, 200) for line in order.lines)
    assert sum(sum(pieces.values()) for pieces in books.stock.values()) == bought - sold


def test_references_name_every_document_once() -> None:
    """Documents are counted by their references, none of which repeats within its type."""
    books = expected_books(KOPI_NUSANTARA, traffic(7, 200))
    for document_type, references in books.references.items():
        assert len(set(references)) == len(references) == books.documents[document_type] > 0


def test_sales_discount_is_negative_income_and_both_remainders_occur() -> None:
    """The demo's usual run has positive and negative remainders, shown as Jurnal shows them."""
    profit_and_loss = expected_books(KOPI_NUSANTARA, traffic(7, 200)).profit_and_loss
    assert profit_and_loss[NAMES.sales_discount] < 0 < profit_and_loss[NAMES.rounding]


def test_an_order_level_discount_goes_to_the_largest_fractions_first_and_then_to_the_first_line() -> None:
    """Ten rupiah over equal thirds leaves one, which the first line gets; unequal ones go by fraction."""
    assert shared_out(Fraction(10), [Fraction(4)] * 3) == [4, 3, 3]
    assert shared_out(Fraction(10), [Fraction(10), Fraction(15), Fraction(5)]) == [3, 5, 2]
    assert shared_out(Fraction(7), [Fraction(2), Fraction(6)]) == [2, 5]
    assert shared_out(Fraction(1), [Fraction(1, 2)] * 2) == [Fraction(1, 2)] * 2


def test_goods_leave_at_the_average_of_their_dates_inflows_whatever_came_first() -> None:
    """A sale listed before the same date's buy still leaves at the average after it."""
    valuation = value_product(
        [_bought(MONDAY, 10, 100), _sold(TUESDAY, 5), _bought(TUESDAY, 10, 200), _sold(WEDNESDAY, 5)], Fraction(1)
    )
    assert valuation == Valuation(quantity=Fraction(10), cost_of_sales=Fraction(1500), value=Fraction(1500))


def test_goods_that_are_lost_or_found_are_worth_the_average_on_their_own_account() -> None:
    """A loss and a find do not touch cost of sales, and a find without a price changes no average."""
    lost = Movement(date=TUESDAY, quantity=Fraction(2), unit_price=None, account="Loss")
    found = Movement(date=WEDNESDAY, quantity=Fraction(-3), unit_price=None, account="Found")
    valuation = value_product([_bought(MONDAY, 10, 100), lost, found, _sold(WEDNESDAY, 1)], Fraction(1))
    assert valuation.others == {"Loss": Fraction(200), "Found": Fraction(-300)}
    assert valuation.cost_of_sales == 100
    assert (valuation.quantity, valuation.value) == (Fraction(10), Fraction(1_000))


def test_uncovered_goods_are_trued_up_when_the_buy_comes() -> None:
    """Sold at the buy price, covered at another: the difference is cost of sales on the covering date."""
    valuation = value_product([_sold(MONDAY, 4), _bought(TUESDAY, 10, 150)], Fraction(100))
    assert valuation.cost_of_sales == 4 * 100 + 4 * 50
    assert valuation.quantity == 6
    assert valuation.value == 900


def test_the_average_outlives_an_empty_shelf() -> None:
    """Goods sold from nothing leave at the last known average, and the books still add up."""
    valuation = value_product([_bought(MONDAY, 2, 90), _sold(TUESDAY, 2), _sold(WEDNESDAY, 1)], Fraction(10))
    assert valuation.cost_of_sales == 270
    assert valuation.value == -90


@given(
    st.lists(
        st.tuples(
            st.sampled_from([MONDAY, TUESDAY, WEDNESDAY]),
            st.integers(1, 50),
            st.one_of(st.none(), st.integers(1, 10_000)),
        )
    )
)
def test_what_was_paid_for_goods_is_in_stock_or_in_cost_of_sales(drawn: list[tuple[date, int, int | None]]) -> None:
    """Value is never made or lost, however stock runs below nothing."""
    movements = [
        _sold(day, quantity) if price is None else _bought(day, quantity, price) for day, quantity, price in drawn
    ]
    valuation = value_product(movements, Fraction(77))
    paid = sum((m.quantity * m.unit_price for m in movements if m.unit_price is not None), Fraction(0))
    assert valuation.value + valuation.cost_of_sales == paid


@pytest.mark.parametrize(("amount", "rounded"), [("1/2", 1), ("-1/2", -1), ("49/100", 0), ("5/2", 3), ("-8/3", -3)])
def test_a_half_goes_away_from_zero(amount: str, rounded: int) -> None:
    """Rounding is by magnitude, so a report's sign does not change it."""
    assert half_up(Fraction(amount)) == rounded


def _orders(seed: int, orders: int = 40) -> list[Order]:
    return [event.order for event in traffic(seed, orders).events if isinstance(event, OrderCompleted)]


def _bought(day: date, quantity: int, price: int) -> Movement:
    return Movement(date=day, quantity=Fraction(quantity), unit_price=Fraction(price))


def _sold(day: date, quantity: int) -> Movement:
    return Movement(date=day, quantity=Fraction(quantity), unit_price=None)


def _money() -> set[str]:
    return {*KOPI_NUSANTARA.gateway_accounts.values(), NAMES.payout}


def _income() -> tuple[str, ...]:
    return (NAMES.sales, NAMES.sales_discount, NAMES.rounding)


def _costs() -> tuple[str, ...]:
    return (NAMES.cost_of_sales, NAMES.mdr)
