"""Judges what was taken back of an order: each refund, then its void. What waits or fails is judged again.

A void waits for the refunds before it, and what was refunded after it belongs to it.
"""

from decimal import Decimal

import msgspec

from eventstore.event import Fact
from projections.changes.orders import OrderState
from projections.changes.refunds import Refund, refunds_of
from projections.changes.settings import StoreSettings
from projections.changes.shifts import Shifts
from projections.changes.verdict import Verdict
from projections.jurnal_commands.booking_anew import book_anew, change_key
from projections.jurnal_commands.decide_voided import judge_void, voided_at
from projections.jurnal_commands.decision import Decision, SyncRecord
from projections.jurnal_commands.order_action import (
    booking_day,
    local_day,
    order_day,
    record_of,
    with_verdict,
    without_verdict,
)
from projections.jurnal_commands.owing_again import gone_back, owed_again, taken_beyond, without_excess, worth_of_goods
from projections.jurnal_commands.paid_since import owed_at, paid_since
from projections.jurnal_commands.payments import plan_payments
from projections.jurnal_commands.plan_refund import paid_again, pay_outs, plan_refund
from projections.jurnal_commands.refund_checks import is_carried, is_planned, not_to_plan, refund_record_id
from projections.jurnal_commands.return_arithmetic import payable
from projections.jurnal_commands.taking_back import Taking

_ZERO = Decimal(0)
_NEVER_BOOKED = Verdict("skipped", "Gives back what was paid beyond the invoice, which was never booked")


def judge_taken_back(
    state: OrderState, settings: StoreSettings, fact: Fact, shifts: Shifts
) -> tuple[OrderState, list[Decision]]:
    """Judge every refund and the void of an order that are not planned yet."""
    decisions: list[Decision] = []
    # What an invoice that is booked anew owes is first of all what was carried onto it less for its refunds.
    refunds = tuple(sorted(refunds_of(state.taken_back), key=lambda each: not is_carried(state, each)))
    planned = None
    # What was planned last may be why another one fails.
    while planned != state.taken_back.planned:
        planned = state.taken_back.planned
        for refund in refunds:
            state, paid = _paid_before(state, settings, fact, refund)
            state, judged = _judge(state, settings, fact, shifts, refund, refunds)
            decisions += [*paid, *judged]
    for refund in refunds:
        state, superseded = _superseded(state, settings, refund)
        decisions += superseded
    if state.is_voided and state.booking is not None:
        state, paid = plan_payments(state, settings, fact, voided_at(state))
        decisions += paid
    state, judged = judge_void(state, settings, fact, is_open=any(_is_open(state, refund) for refund in refunds))
    state, closed = _paid_out(state, settings)
    return state, [*decisions, *judged, *closed]


def _paid_before(
    state: OrderState, settings: StoreSettings, fact: Fact, refund: Refund
) -> tuple[OrderState, list[Decision]]:
    """Plan the payments that came in before a refund that is to be planned."""
    if state.booking is None or refund.at is None or is_planned(state, refund):
        return state, []
    return plan_payments(state, settings, fact, refund.at)


def _judge(
    state: OrderState, settings: StoreSettings, fact: Fact, shifts: Shifts, refund: Refund, refunds: tuple[Refund, ...]
) -> tuple[OrderState, list[Decision]]:
    booking = state.booking
    if is_planned(state, refund):
        return state, []
    record = _record(state, settings, refund)
    if (verdict := not_to_plan(state, settings, refund, refunds)) is not None:
        return with_verdict(state, record, verdict)
    assert booking is not None
    assert refund.at is not None
    day = booking_day(settings, max(local_day(state, settings, refund.at), booking.booked_on))
    if isinstance(day, Verdict):
        return with_verdict(state, record, day)
    key = refund.key if booking.revision == 1 else f"{refund.key}:{booking.revision}"
    planned = _planned(Taking(state, settings, fact, record, key, day), shifts, refund, refunds)
    if isinstance(planned, Verdict):
        return with_verdict(state, record, planned)
    state, decisions = planned
    if not decisions and state.taken_back.planned[refund.key].unbooked:
        return with_verdict(state, record, _NEVER_BOOKED)
    return without_verdict(state, record), decisions


def _planned(
    taking: Taking, shifts: Shifts, refund: Refund, refunds: tuple[Refund, ...]
) -> tuple[OrderState, list[Decision]] | Verdict:
    """Plan one refund, on the invoice or on one that is booked anew for it."""
    known = taking.state.taken_back.planned.get(refund.key)
    outs = pay_outs(taking, refund.money) if known is None else paid_again(taking, known)
    if isinstance(outs, Verdict):
        return outs
    assert refund.at is not None
    owed = owed_at(taking.state, refund.at)
    goods = worth_of_goods(taking, refund.record, is_replayed=known is not None)
    more = owed_again(taking, owed, goods, outs)
    if isinstance(more, Verdict):
        return more
    since = paid_since(taking.state, refund.at) if known is None else ()
    lowered = goods - more if goods else (refund.amount or _ZERO) * (not outs)
    beyond = taken_beyond(taking, since, owed - min(lowered, owed), most=_ZERO if more else goods)
    taking, back = without_excess(taking, since, beyond)
    planned = (
        _plan_anew(taking, shifts, refund, refunds, more, beyond)
        if more
        else plan_refund(taking, refund, outs, known, beyond=beyond)
    )
    if isinstance(planned, Verdict):
        return planned
    state, decisions = planned
    return state, gone_back(taking, decisions, back)


def _plan_anew(
    taking: Taking, shifts: Shifts, refund: Refund, refunds: tuple[Refund, ...], more: Decimal, beyond: Decimal
) -> tuple[OrderState, list[Decision]] | Verdict:
    """Book the order anew and plan the refund on that invoice, after those that are carried onto it: all or nothing."""
    assert refund.at is not None
    since = paid_since(taking.state, refund.at)
    by_change = msgspec.structs.replace(taking, key=change_key(taking.state))
    anew = book_anew(by_change, shifts, kept=more, since=since, beyond=beyond)
    if isinstance(anew, Verdict):
        return anew
    state, decisions = anew.state, anew.decisions
    for each in (*(each for each in refunds if is_carried(state, each)), refund):
        state, judged = _judge(state, taking.settings, taking.fact, shifts, each, refunds)
        decisions += judged
    assert state.booking is not None
    planned = state.taken_back.planned.get(refund.key)
    if planned is None or planned.revision != state.booking.revision:
        return state.verdicts[taking.record.record_id]
    return state, decisions


def _record(state: OrderState, settings: StoreSettings, refund: Refund) -> SyncRecord:
    day = None if refund.at is None else local_day(state, settings, refund.at)
    return record_of(state, refund_record_id(state, refund.key), "refund", day, refund.amount)


def _is_open(state: OrderState, refund: Refund) -> bool:
    """Tell whether a refund may still be planned."""
    verdict = state.verdicts.get(refund_record_id(state, refund.key))
    return verdict is not None and verdict.state != "skipped"


def _superseded(state: OrderState, settings: StoreSettings, refund: Refund) -> tuple[OrderState, list[Decision]]:
    """Close the lines of money that stood alone until its record came."""
    decisions: list[Decision] = []
    for money in refund.money:
        identity = refund_record_id(state, money.transaction_id)
        if money.transaction_id != refund.key and identity in state.verdicts:
            record = _record(state, settings, Refund(money.transaction_id, None, (money,)))
            state, noted = with_verdict(state, record, Verdict("skipped", f"Is part of the refund {refund.key}"))
            decisions += noted
    return state, decisions


def _paid_out(state: OrderState, settings: StoreSettings) -> tuple[OrderState, list[Decision]]:
    """Close the lines of credits that stood with the customer and are paid out since."""
    if any(payable(credit.credit - credit.paid_out) for booking in state.bookings for credit in booking.credits):
        return state, []
    decisions: list[Decision] = []
    for identity, verdict in state.verdicts.items():
        if identity.startswith(f"credit-{state.order_id}-") and verdict.state == "held":
            record = record_of(state, identity, "change", order_day(state, settings), None)
            state, noted = with_verdict(state, record, Verdict("skipped", "It was paid out since"))
            decisions += noted
    return state, decisions
