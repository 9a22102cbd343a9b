"""The generated shop: what every seed's days must hold."""

from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import get_args

import pytest

from ops.sandbox.scenario import KELAPA_GADING_BRANCH, KOPI_NUSANTARA, MAIN_OUTLET
from ops.sandbox.traffic import generate
from ops.sandbox.traffic_afterwards import OrderAfterwards
from ops.sandbox.traffic_calendar import business_days, local_date
from ops.sandbox.traffic_events import (
    CaughtUp,
    Event,
    OrderCompleted,
    OrderPaid,
    Payout,
    PayoutCompleted,
    PayoutFailed,
    PayoutUntold,
    PayoutWaiting,
    ShiftClosed,
    StockAdjusted,
    StockBought,
    StockCounted,
    SupplierDelivered,
    SupplierReturned,
    TransferReceived,
    TransferStarted,
)
from ops.sandbox.traffic_order import Order, Payment
from tests.unit.sandbox_iseller.stand import TODAY, standing, traffic

SEEDS = (1, 2, 7, 20_261_120)


def test_the_same_seed_makes_the_same_events_and_ids() -> None:
    """Nothing but scenario, seed, number and date decides the traffic."""
    assert traffic(seed=7) == traffic(seed=7)
    assert traffic(seed=7).events != traffic(seed=8).events


@pytest.mark.parametrize("seed", SEEDS)
def test_events_are_in_time_order_and_fall_on_the_three_days(seed: int) -> None:
    """All but the opening stock happens from the day before yesterday to today, store time."""
    events = traffic(seed).events
    assert [event.at for event in events] == sorted(event.at for event in events)
    opening = TODAY - timedelta(days=4)
    days = {local_date(KOPI_NUSANTARA, event.at) for event in events}
    assert days == {opening, *business_days(TODAY)}
    assert all(isinstance(event, StockBought) for event in events if local_date(KOPI_NUSANTARA, event.at) == opening)


@pytest.mark.parametrize("seed", SEEDS)
def test_some_orders_fall_on_another_date_in_utc_than_in_the_store(seed: int) -> None:
    """The day boundary is there to be got wrong."""
    assert any(order.at.date() != local_date(KOPI_NUSANTARA, order.at) for order in _orders(seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_first_transfer_is_five_pieces_before_anything_else_of_its_day(seed: int) -> None:
    """A demo that stops at the marker has seen nothing but the opening stock."""
    shown = traffic(seed)
    index = shown.first_transfer_started_index
    started = shown.events[index]
    assert isinstance(started, TransferStarted)
    assert [piece.quantity for piece in started.pieces] == [Decimal(5)]
    assert (started.source_code, started.destination_code) == ("MO", "KG")
    assert all(isinstance(event, StockBought) for event in shown.events[:index])
    assert all(event.at > started.at for event in shown.events[index + 1 :])


@pytest.mark.parametrize("seed", SEEDS)
def test_an_orders_total_obeys_the_formula(seed: int) -> None:
    """Total = gross - discounts - promotions + tax + rounding, a multiple of the outlet's rounding."""
    for order in _orders(seed):
        gross = sum(line.gross_idr for line in order.lines)
        discount = sum(line.discount_idr for line in order.lines) + order.order_discount_idr
        tax = sum(line.tax_idr for line in order.lines)
        outlet = KOPI_NUSANTARA.outlet(order.outlet_code)
        assert order.total_idr == gross - discount - order.order_promotion_idr + tax + order.rounding_idr
        assert order.total_idr % outlet.rounding_multiple_idr == 0
        assert abs(order.rounding_idr) * 2 <= outlet.rounding_multiple_idr


@pytest.mark.parametrize("seed", SEEDS)
async def test_the_documents_totals_are_the_sums_of_their_parts(seed: int) -> None:
    """What iSeller shows adds up: line and order discounts, subtotal, tax and total."""
    async with standing() as stand:
        stand.play(traffic(seed))
        includes = "OrderDetails,DiscountDetails,PromotionDetails"
        for order in (await stand.orders(includes=includes))["orders"]:
            lines = order["order_details"]
            order_level = sum(discount["discount_amount"] for discount in order["discounts"])
            line_level = sum(line["discount_amount"] for line in lines)
            less = order["total_discount_amount"] + order["total_promotion_amount"]
            assert order["total_order_amount"] == sum(line["quantity"] * line["base_price"] for line in lines)
            assert order["total_discount_amount"] == order_level + line_level
            assert order["total_promotion_amount"] == sum(row["promotion_amount"] for row in order["promotions"])
            assert order["total_tax_amount"] == sum(line["tax_amount"] for line in lines)
            assert order["subtotal"] == order["total_order_amount"] - less
            assert order["total_amount"] == order["subtotal"] + order["total_tax_amount"] + order["rounding_amount"]


def test_tax_is_whole_rupiah_at_the_main_outlet_and_has_fractions_at_the_branch() -> None:
    """The two outlets round tax differently, so that both remainders occur."""
    taxes: dict[str, set[Decimal]] = defaultdict(set)
    for order in _orders(7, 200):
        taxes[order.outlet_code] |= {line.tax_idr % 1 for line in order.lines}
    assert taxes[MAIN_OUTLET.code] == {Decimal(0)}
    assert len(taxes[KELAPA_GADING_BRANCH.code]) > 2


@pytest.mark.parametrize("seed", SEEDS)
def test_the_awkward_cases_are_all_there(seed: int) -> None:
    """Discounts that do not divide, mixed taxation, rounding both ways and every way of paying occur."""
    orders = _orders(seed, 200)
    nets = [line.gross_idr - line.discount_idr for order in orders for line in order.lines]
    quantities = [line.quantity for order in orders for line in order.lines]
    assert any(net % quantity for net, quantity in zip(nets, quantities, strict=True))
    assert any(order.order_discount_idr for order in orders)
    assert any(order.order_promotion_idr for order in orders)
    assert any(len({line.taxable for line in order.lines}) == 2 for order in orders)
    assert {order.rounding_idr > 0 for order in orders if order.rounding_idr} == {True, False}
    assert {len(order.payments) for order in orders} == {0, 1, 2}
    assert {order.channel for order in orders} == {"pos", "web"}
    assert {payment.gateway for payment in _payments(traffic(seed, 200).events)} == set(KOPI_NUSANTARA.gateway_accounts)


def test_orders_are_paid_in_the_asked_for_shares() -> None:
    """Of 200 orders 16 are split, 30 on account, 14 in part, and the rest is paid at once."""
    orders = _orders(7, 200)
    assert sum(order.on_account for order in orders) == 30
    assert all(order.customer_id for order in orders if order.on_account)
    assert sum(len(order.payments) == 2 for order in orders) == 16
    full_at_once = [order for order in orders if sum(p.amount_idr for p in order.payments) == order.total_idr]
    assert len(full_at_once) == 140 + 16


@pytest.mark.parametrize("seed", SEEDS)
def test_no_order_is_paid_more_than_its_total(seed: int) -> None:
    """Payments at once and later, together, stay within the total; every one is more than nothing."""
    events = traffic(seed, 200).events
    paid: Counter[str] = Counter()
    totals: dict[str, Decimal] = {}
    for event in events:
        if isinstance(event, OrderCompleted):
            totals[event.order.order_id] = event.order.total_idr
            paid[event.order.order_id] += int(sum(p.amount_idr for p in event.order.payments))
        elif isinstance(event, OrderPaid):
            paid[event.order_id] += int(event.payment.amount_idr)
    assert all(paid[order_id] <= total for order_id, total in totals.items())
    assert all(payment.amount_idr > 0 for payment in _payments(events))


@pytest.mark.parametrize("seed", SEEDS)
def test_every_payout_is_deposit_plus_fees_and_settles_a_transaction_once(seed: int) -> None:
    """Completed payouts share no transaction, cover earlier days only, and leave some money unsettled."""
    events = traffic(seed, 200).events
    payments = {payment.transaction_id: payment for payment in _payments(events)}
    completed = [event.payout for event in events if isinstance(event, PayoutCompleted)]
    for payout in completed:
        covered = [payments[transaction_id] for transaction_id in payout.transaction_ids]
        assert payout.deposit_idr + payout.fees_idr == payout.transactions_amount_idr
        assert payout.transactions_amount_idr == sum(payment.amount_idr for payment in covered)
        assert payout.fees_idr - sum(payment.fee_idr for payment in covered) in {Decimal(0), Decimal(3000)}
        assert {payment.gateway for payment in covered} == {"iseller_pay"}
        assert max(local_date(KOPI_NUSANTARA, p.at) for p in covered) < local_date(KOPI_NUSANTARA, payout.at)
    settled = Counter(transaction_id for payout in completed for transaction_id in payout.transaction_ids)
    assert set(settled.values()) == {1}
    assert any(p.gateway == "iseller_pay" and p.transaction_id not in settled for p in payments.values())


@pytest.mark.parametrize("seed", SEEDS)
def test_payouts_complete_at_once_or_after_waiting_and_one_fails(seed: int) -> None:
    """The three lives of a payout all occur, and the express fee in some."""
    lives: dict[str, list[str]] = defaultdict(list)
    payouts: dict[str, Payout] = {}
    for event in traffic(seed, 200).events:
        if isinstance(event, PayoutWaiting | PayoutCompleted | PayoutFailed):
            lives[event.payout.reference_id].append(type(event).__name__)
            payouts[event.payout.reference_id] = event.payout
    assert sorted(map(tuple, lives.values())) == [
        ("PayoutCompleted",),
        ("PayoutCompleted",),
        ("PayoutWaiting", "PayoutCompleted"),
        ("PayoutWaiting", "PayoutFailed"),
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_all_that_was_sent_is_accepted_in_the_end_some_of_it_in_parts(seed: int) -> None:
    """Every transfer's receipts add up to what it sent, and no receipt is empty."""
    sent: dict[str, Counter[str]] = {}
    receipts: Counter[str] = Counter()
    for event in traffic(seed).events:
        if isinstance(event, TransferStarted):
            sent[event.transfer_id] = Counter({piece.sku: int(piece.quantity) for piece in event.pieces})
        elif isinstance(event, TransferReceived):
            assert event.pieces
            receipts[event.transfer_id] += 1
            sent[event.transfer_id].subtract({piece.sku: int(piece.quantity) for piece in event.pieces})
    assert all(not any(left.values()) for left in sent.values())
    assert max(receipts.values()) >= 2


@pytest.mark.parametrize("seed", SEEDS)
def test_every_product_is_bought_at_three_prices_and_never_runs_out_anywhere(seed: int) -> None:
    """Each warehouse has stock for every sale and transfer at the moment it happens."""
    prices: dict[str, set[Decimal]] = defaultdict(set)
    stock: Counter[tuple[str, str]] = Counter()
    destinations: dict[str, str] = {}
    for event in traffic(seed, 200).events:
        if isinstance(event, StockBought):
            prices[event.sku].add(event.unit_price_idr)
            stock[event.outlet_code, event.sku] += int(event.quantity)
        elif isinstance(event, OrderCompleted):
            for line in event.order.lines:
                stock[event.order.outlet_code, line.sku] -= int(line.quantity)
        elif isinstance(event, TransferStarted):
            destinations[event.transfer_id] = event.destination_code
            stock.subtract({(event.source_code, piece.sku): int(piece.quantity) for piece in event.pieces})
        elif isinstance(event, TransferReceived):
            for piece in event.pieces:
                stock[destinations[event.transfer_id], piece.sku] += int(piece.quantity)
        assert min(stock.values()) >= 0
    assert prices.keys() == {product.sku for product in KOPI_NUSANTARA.products}
    assert all(len(found) >= 3 for found in prices.values())


@pytest.mark.parametrize("seed", SEEDS)
def test_without_everything_only_the_help_articles_processes_happen(seed: int) -> None:
    """Nothing is given back, voided, changed, charged, shipped or sold as a set."""
    events = traffic(seed).events
    orders = [event.order for event in events if isinstance(event, OrderCompleted)]
    assert not [event for event in events if isinstance(event, (*get_args(OrderAfterwards), CaughtUp, PayoutUntold))]
    assert not any(order.charges.total_idr or order.tax_inclusive or order.channel_detail for order in orders)
    assert not any(line.parts or line.promotion_idr or line.modifies for order in orders for line in order.lines)
    assert {payment.gateway for payment in _payments(events)} == {"cash", "external_debit", "iseller_pay"}


@pytest.mark.parametrize("seed", SEEDS)
def test_everything_decides_on_goods_in_every_way(seed: int) -> None:
    """Accepted, cancelled with a return, rejected, all remaining in each form, suppliers, counts, adjustments."""
    events = traffic(seed, everything=True).events
    received = [event for event in events if isinstance(event, TransferReceived)]
    started = {event.transfer_id: event for event in events if isinstance(event, TransferStarted)}
    assert {event.remaining for event in received} == {None, "Accept", "Cancel", "Reject"}
    assert any(event.pieces and event.cancelled and event.rejected for event in received)
    cancelled = [event for event in received if event.cancelled]
    returns = [event for event in started.values() if event.return_of is not None]
    assert [event.transfer_id for event in cancelled] == [event.return_of for event in returns]
    assert all(back.pieces == event.cancelled for event, back in zip(cancelled, returns, strict=True))
    assert {type(event) for event in events} >= {SupplierDelivered, SupplierReturned, StockCounted, StockAdjusted}


@pytest.mark.parametrize("orders", [0, 1, 3])
def test_a_very_small_shop_still_has_its_transfers_and_shifts(orders: int) -> None:
    """Few or no orders are no error."""
    events = generate(KOPI_NUSANTARA, 1, orders, date(2027, 1, 1)).events
    assert sum(isinstance(event, OrderCompleted) for event in events) == orders
    assert sum(isinstance(event, TransferStarted) for event in events) == 5
    assert sum(isinstance(event, ShiftClosed) for event in events) == 6


def test_tax_is_reckoned_on_what_remains_after_all_discounts() -> None:
    """A line's tax is within half a rounding unit of 11 % of its exact net."""
    for order in _orders(7, 200):
        before = [Fraction(line.gross_idr - line.discount_idr) for line in order.lines]
        order_level = Fraction(order.order_discount_idr + order.order_promotion_idr)
        unit = Fraction(1, 10 ** KOPI_NUSANTARA.outlet(order.outlet_code).tax_decimals)
        for line, net in zip(order.lines, before, strict=True):
            exact = (net - order_level * net / sum(before)) * 11 / 100 if line.taxable else Fraction(0)
            assert abs(Fraction(line.tax_idr) - exact) <= unit / 2


def _orders(seed: int, orders: int = 60) -> list[Order]:
    return [event.order for event in traffic(seed, orders).events if isinstance(event, OrderCompleted)]


def _payments(events: tuple[Event, ...]) -> list[Payment]:
    at_once = [payment for event in events if isinstance(event, OrderCompleted) for payment in event.order.payments]
    return at_once + [event.payment for event in events if isinstance(event, OrderPaid)]
