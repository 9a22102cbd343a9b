"""The shop's days with everything: every kind occurs, money and goods are conserved, and the wire tells it all."""

from collections import Counter
from decimal import Decimal
from typing import get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.sandbox.expected import expected_books
from ops.sandbox.expected_invoices import expected_invoice
from ops.sandbox.scenario_everything import everything
from ops.sandbox.scenario_mode import Mode, drawn_mode
from ops.sandbox.traffic import Traffic
from ops.sandbox.traffic_afterwards import OrderEdited, OrderRefunded, OrderVoided, PaymentReversed, VoidUndone
from ops.sandbox.traffic_calendar import business_days
from ops.sandbox.traffic_events import CaughtUp, OrderCompleted, OrderPaid, PayoutCompleted, PayoutUntold
from ops.sandbox.traffic_intended import Kind
from ops.sandbox.traffic_order import Order, Payment
from ops.sandbox.traffic_plans import LATE, After, Content, Money, make_plans
from tests.unit.sandbox_iseller.stand import TODAY, standing, traffic

SEEDS = (1, 2, 3, 7, 20_261_120)


def test_the_same_seed_makes_the_same_days_with_everything() -> None:
    """Nothing but seed, number and date decides them."""
    assert traffic(5, 80, everything=True) == traffic(5, 80, everything=True)


def test_twenty_seeds_draw_every_choice_both_ways() -> None:
    """Each setting that is a matter of choice stands in some shop in each of its ways."""
    modes = [drawn_mode(seed) for seed in range(1, 21)]
    for field in msgspec.structs.fields(Mode):
        ways = (False, True) if field.type is bool else get_args(field.type)
        assert {getattr(mode, field.name) for mode in modes} == set(ways), field.name


@pytest.mark.parametrize("seed", SEEDS)
def test_a_hundred_orders_are_of_every_kind(seed: int) -> None:
    """Contents, ways to pay, what comes after, and places."""
    shop = everything(seed)
    plans = make_plans(shop, seed, 150, business_days(TODAY))
    assert {content for plan in plans for content in plan.contents} == set(get_args(Content))
    assert {plan.money for plan in plans} == set(get_args(Money))
    assert {plan.after for plan in plans} == set(get_args(After))
    assert {plan.channel for plan in plans} == {None, *shop.channels}
    assert {plan.outlet for plan in plans} == set(shop.outlets)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_has_two_meanings_happens_after_the_shop_has_caught_up(seed: int) -> None:
    """An edit, an undone void, a payment that failed: all after the one rest of the last day."""
    events = traffic(seed, 100, everything=True).events
    (rest,) = [index for index, event in enumerate(events) if isinstance(event, CaughtUp)]
    late = [n for n, event in enumerate(events) if isinstance(event, (VoidUndone, OrderEdited, PaymentReversed))]
    assert len(late) >= len(LATE)
    assert min(late) > rest


@pytest.mark.parametrize("seed", SEEDS)
def test_each_failure_is_intended_and_named_once(seed: int) -> None:
    """All kinds occur; a record has one failure."""
    intended = traffic(seed, 100, everything=True).intended
    assert {failure.kind for failure in intended} == set(get_args(Kind))
    assert max(Counter(failure.record_id for failure in intended).values()) == 1
    assert all(failure.why for failure in intended if failure.mended_by != "set_up")


@pytest.mark.parametrize("seed", SEEDS)
def test_an_order_of_any_kind_obeys_the_formula(seed: int) -> None:
    """Total = lines - discounts + charges + tax beside the prices + shipping + rounding."""
    wrong = {f.record_id for f in traffic(seed, 100, everything=True).intended if f.kind == "total_does_not_add_up"}
    for order in _orders(traffic(seed, 100, everything=True)):
        lines = sum(line.before_order_idr for line in order.lines)
        tax = Decimal(0)
        if not order.tax_inclusive:
            tax = sum((line.tax_idr for line in order.lines), order.charges.tax_idr)
        less = order.order_discount_idr + order.order_promotion_idr
        total = lines - less + order.charges.total_idr + tax + order.rounding_idr
        assert (order.total_idr == total) == (f"sale-{order.order_id}" not in wrong)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_more_goes_back_than_was_paid_and_sold(seed: int) -> None:
    """Money back is at most what came in; pieces back are at most those of their line."""
    shown = traffic(seed, 150, everything=True)
    orders = {order.order_id: order for order in _orders(shown)}
    paid = Counter[str]()
    for order_id, payment in _payments(shown):
        paid[order_id] += int(payment.amount_idr)
    for event in shown.events:
        if isinstance(event, OrderVoided):
            assert sum(payment.amount_idr for payment in event.money) <= paid[event.order_id]
        elif isinstance(event, OrderRefunded):
            assert event.refund.amount_idr <= paid[event.order_id]
            sold = {line.order_detail_id: line.quantity for line in orders[event.order_id].lines}
            assert all(0 < piece.quantity <= sold[piece.order_detail_id] for piece in event.refund.pieces)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=15, deadline=None)
def test_the_expected_books_balance_and_the_clearing_is_empty_for_any_seed(seed: int) -> None:
    """Debits are credits, every invoice is its order's total, and stored value leaves nothing in the clearing."""
    shop, shown = everything(seed), traffic(seed, 60, everything=True)
    books = expected_books(shop, shown)
    assert sum(books.exact.values()) == 0
    assert books.balances["stored_value_clearing"] == 0
    for order in _orders(shown):
        invoice = expected_invoice(shop, order)
        assert invoice.net + sum(line.tax_amount for line in invoice.lines) - invoice.discount == order.total_idr


@pytest.mark.parametrize("seed", SEEDS)
def test_payouts_net_what_went_back_to_customers(seed: int) -> None:
    """What a payout settles is sales less refunds and voids; one reaches the bank untold."""
    shown = traffic(seed, 300, everything=True)
    amounts = {payment.transaction_id: payment.amount_idr for _, payment in _payments(shown)}
    backs = [event.refund.money for event in shown.events if isinstance(event, OrderRefunded) and event.refund.money]
    backs += [payment for event in shown.events if isinstance(event, OrderVoided) for payment in event.money]
    amounts |= {payment.transaction_id: -payment.amount_idr for payment in backs}
    payouts = [event.payout for event in shown.events if isinstance(event, (PayoutCompleted, PayoutUntold))]
    for payout in payouts:
        assert payout.transactions_amount_idr == sum(amounts[identity] for identity in payout.transaction_ids)
        assert payout.deposit_idr + payout.fees_idr == payout.transactions_amount_idr
    assert sum(isinstance(event, PayoutUntold) for event in shown.events) == 1


async def test_refunds_are_told_by_polled_orders_and_voids_by_their_status() -> None:
    """A read tells `refunded_orders`; a voided order says when and why; money back has its type."""
    shop, shown = everything(7), traffic(7, 100, everything=True)
    async with standing(shop) as stand:
        stand.play(shown)
        rows = (await stand.orders(includes="OrderDetails,Transactions", page_size="500"))["orders"]
    orders = {row["order_id"]: row for row in rows}
    undone = {event.order_id for event in shown.events if isinstance(event, VoidUndone)}
    for event in shown.events:
        if isinstance(event, OrderRefunded):
            rows_told = orders[event.order_id]["refunded_orders"]
            told = next(row for row in rows_told if row["refund_amount"] == event.refund.amount_idr)
            assert len(told["units_returned"]) == (len(event.refund.pieces) if event.refund.restocked else 0)
        elif isinstance(event, OrderVoided) and event.order_id not in undone:
            row = orders[event.order_id]
            assert (row["status"], row["cancel_reason"]) == ("void", event.reason)
            assert sum(each["type"] == "void" for each in row["transactions"]) == len(event.money)
    assert all(orders[order_id]["status"] == "completed" for order_id in undone)


async def test_modifiers_parts_and_weights_have_the_manuals_spellings() -> None:
    """A modifier names its line and its own SKU; sets tell their parts; weighed goods are one piece of a weight."""
    async with standing(everything(7)) as stand:
        stand.play(traffic(7, 100, everything=True))
        rows = (await stand.orders(includes="OrderDetails", page_size="500"))["orders"]
    lines = [line for row in rows for line in row["order_details"]]
    modifiers = [line for line in lines if line["product_modifier_id"]]
    details = {line["order_detail_id"] for line in lines}
    assert {line["modifier_product_sku"] for line in modifiers} == {"KN-SHOT", "KN-MOD-SUSU", None}
    assert all(line["parent_order_detail_id"] in details and line["sku"] is None for line in modifiers)
    assert any(line["modifier_product_composites"] for line in modifiers)
    assert all(line["product_composites"] for line in lines if line["product_type"] == "composite")
    assert all(len(line["product_combos"]) == 2 for line in lines if line["product_type"] == "comboset")
    weighed = [line for line in lines if line["weight_quantity"]]
    assert {line["quantity"] for line in weighed} == {1}
    assert any(line["sku"] != (line["sku"] or "").strip() for line in lines if line["sku"])


def _orders(shown: Traffic) -> list[Order]:
    return [event.order for event in shown.events if isinstance(event, OrderCompleted)]


def _payments(shown: Traffic) -> list[tuple[str, Payment]]:
    paid = [(order.order_id, payment) for order in _orders(shown) for payment in order.payments]
    paid += [(event.order_id, event.payment) for event in shown.events if isinstance(event, OrderPaid)]
    return paid + [
        (event.order_id, payment)
        for event in shown.events
        if isinstance(event, VoidUndone)
        for payment in event.payments
    ]
