"""Payouts of iSeller Pay money: completed at once, completed after waiting, failed; the last day stays unsettled."""

from datetime import date
from decimal import Decimal

from ops.sandbox.dice import Dice
from ops.sandbox.scenario import Scenario
from ops.sandbox.traffic_afterwards import OrderRefunded, OrderVoided, VoidUndone
from ops.sandbox.traffic_calendar import local_date, moment
from ops.sandbox.traffic_events import (
    Event,
    OrderCompleted,
    OrderPaid,
    Payout,
    PayoutCompleted,
    PayoutFailed,
    PayoutUntold,
    PayoutWaiting,
)
from ops.sandbox.traffic_order import Payment
from ops.sandbox.traffic_payments import ISELLER_PAY

_EXPRESS_FEE_IDR = Decimal(3000)
_FAILING, _UNTOLD = -1, -2
_SIGNS = {"sale": 1, "refund": -1, "void": -1}


def make_payouts(
    scenario: Scenario, seed: int, days: tuple[date, date, date], orders: list[Event], *, everything: bool = False
) -> list[Event]:
    """Return the payouts of the first two days' transactions; about half of the second day's stay unsettled.

    What went back to customers is netted. `everything`: the last payout is one of which iSeller tells nothing.
    """
    dice = Dice(seed, "payouts")
    first_day, second_day, today = days
    main, branch = (outlet.code for outlet in scenario.outlets)
    paid = _settled_payments(orders)
    of_first_day = [(code, payment) for code, payment in paid if local_date(scenario, payment.at) == first_day]
    of_second_day = [payment for _, payment in paid if local_date(scenario, payment.at) == second_day]
    failed_count = len(of_second_day) // 2
    told_count = failed_count + (len(of_second_day) - failed_count) // 2 if everything else len(of_second_day)
    # What goes back to customers gathers at the end of a day: the payout of which nothing is told has to pay something.
    while failed_count < told_count < len(of_second_day) and not _pays(of_second_day[told_count:]):
        told_count -= 1
    plans: tuple[tuple[str | None, list[Payment], tuple[date, int], Decimal, int | None], ...] = (
        (main, [payment for code, payment in of_first_day if code == main], (second_day, 600), Decimal(0), None),
        (branch, [p for code, p in of_first_day if code == branch], (second_day, 660), _EXPRESS_FEE_IDR, 900),
        (None, of_second_day[:failed_count], (today, 540), Decimal(0), _FAILING),
        (None, of_second_day[failed_count:told_count], (today, 615), _EXPRESS_FEE_IDR, None),
        (None, of_second_day[told_count:], (today, 700), Decimal(0), _UNTOLD),
    )
    events: list[Event] = []
    for number, (code, payments, when, admin_fee, completed_minute) in enumerate(plans, start=1):
        transactions_amount = sum((_SIGNS[payment.type] * payment.amount_idr for payment in payments), Decimal(0))
        fees = sum((payment.fee_idr for payment in payments), admin_fee)
        if fees >= transactions_amount:
            continue
        payout = Payout(
            reference_id=f"PO{when[0]:%Y%m%d}{number:02d}{dice.between(1000, 9999)}",
            at=moment(scenario, *when),
            outlet_code=code,
            transaction_ids=tuple(payment.transaction_id for payment in payments),
            transactions_amount_idr=transactions_amount,
            fees_idr=fees,
            deposit_idr=transactions_amount - fees,
        )
        events.extend(_life(scenario, payout, when[0], completed_minute))
    return events


def _pays(payments: list[Payment]) -> bool:
    """Tell whether something is left of these once what went back and the fees are off."""
    return sum((_SIGNS[payment.type] * payment.amount_idr - payment.fee_idr for payment in payments), Decimal(0)) > 0


def _life(scenario: Scenario, payout: Payout, day: date, completed_minute: int | None) -> list[Event]:
    """Let a payout complete at once (None) or later that day (a minute), wait and fail, or complete untold."""
    if completed_minute == _UNTOLD:
        return [PayoutUntold(at=payout.at, payout=payout)]
    if completed_minute is None:
        return [PayoutCompleted(at=payout.at, payout=payout)]
    waiting = PayoutWaiting(at=payout.at, payout=payout)
    if completed_minute == _FAILING:
        return [waiting, PayoutFailed(at=moment(scenario, day, 14 * 60), payout=payout)]
    return [waiting, PayoutCompleted(at=moment(scenario, day, completed_minute), payout=payout)]


def _settled_payments(orders: list[Event]) -> list[tuple[str, Payment]]:
    """Return every iSeller Pay transaction with its outlet, oldest first."""
    outlets: dict[str, str] = {}
    payments: list[tuple[str, Payment]] = []
    for event in orders:
        if isinstance(event, OrderCompleted):
            outlets[event.order.order_id] = event.order.outlet_code
            payments.extend((event.order.outlet_code, payment) for payment in event.order.payments)
        elif isinstance(event, OrderPaid):
            payments.append((outlets[event.order_id], event.payment))
        elif isinstance(event, OrderRefunded) and event.refund.money is not None:
            payments.append((outlets[event.order_id], event.refund.money))
        elif isinstance(event, OrderVoided):
            payments.extend((outlets[event.order_id], payment) for payment in event.money)
        elif isinstance(event, VoidUndone):
            payments.extend((outlets[event.order_id], payment) for payment in event.payments)
    through_iseller = [(code, payment) for code, payment in payments if payment.gateway == ISELLER_PAY]
    return sorted(through_iseller, key=lambda paid: (paid[1].at, paid[1].transaction_id))
