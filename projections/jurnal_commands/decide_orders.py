"""Judges one order: its sale, its money, and what was taken back of it.

Judging is repeatable: what is planned stays planned, everything else is judged afresh on the settings of the moment.
"""

from decimal import Decimal

from eventstore.event import Fact
from projections.changes.orders import OrderState
from projections.changes.refunds import refunds_of
from projections.changes.settings import StoreSettings
from projections.changes.shifts import Shifts
from projections.changes.verdict import Verdict
from projections.jurnal_commands.commands import CreateCustomer
from projections.jurnal_commands.decide_changed import judge_changed
from projections.jurnal_commands.decide_taken_back import judge_taken_back
from projections.jurnal_commands.decision import Decision, Planned
from projections.jurnal_commands.order_action import BEFORE_LIVE_MODE, sale_record, with_verdict
from projections.jurnal_commands.payments import judge_reversed, payment_record, plan_payments
from projections.jurnal_commands.refund_checks import first_to_plan
from projections.jurnal_commands.sale import plan_sale

_ZERO = Decimal(0)
_MONEY_OF_BEFORE = Verdict("skipped", "Before Live Mode, like the sale that it pays")


def judge_order(
    state: OrderState, settings: StoreSettings, fact: Fact, shifts: Shifts
) -> tuple[OrderState, list[Decision]]:
    """Judge all of an order that is not planned yet; return the state with what is planned, and what is new of it."""
    decisions: list[Decision] = []
    known = state
    if state.booking is None:
        if (verdict := _not_to_plan(state, settings, fact)) is not None:
            state, decisions = with_verdict(state, sale_record(state, settings), verdict)
            if verdict == BEFORE_LIVE_MODE:
                state, decisions = _money_of_before(state, settings, decisions)
        else:
            state, decisions = plan_sale(state, settings, fact, shifts)
    else:
        state, decisions = judge_changed(state, settings, fact, shifts)
        if _asked(decisions):
            state = state.with_before(known, len(known.asked))
    if state.booking is None:
        state, taken_back = judge_taken_back(state, settings, fact, shifts)
        return state, [*decisions, *taken_back]
    state, money = plan_payments(state, settings, fact, first_to_plan(state))
    paid = state
    state, taken_back = judge_taken_back(state, settings, fact, shifts)
    if (state.taken_back.planned, state.bookings[-1].ended) != (paid.taken_back.planned, paid.bookings[-1].ended):
        new = _asked([*decisions, *money]) - {each.command_id for each in known.asked}
        state = state.with_before(paid, len(known.asked) + len(new))
    # Once more: what is taken back or booked anew may leave room for money that the invoice had none for.
    state, more = plan_payments(state, settings, fact)
    state, reversed_money = judge_reversed(state, settings)
    return state, _last_words([*decisions, *money, *taken_back, *more, *reversed_money])


def _asked(decisions: list[Decision]) -> set[str]:
    """Return the commands that are planned in the order's own lane."""
    return {
        decision.command_id
        for decision in decisions
        if isinstance(decision, Planned) and not isinstance(decision.command, CreateCustomer)
    }


def _last_words(decisions: list[Decision]) -> list[Decision]:
    """Return what is planned, and what is noted of a record unless something later is said of it."""
    last = {decision.record.record_id: number for number, decision in enumerate(decisions)}
    return [
        decision
        for number, decision in enumerate(decisions)
        if isinstance(decision, Planned) or last[decision.record.record_id] == number
    ]


def _not_to_plan(state: OrderState, settings: StoreSettings, fact: Fact) -> Verdict | None:
    """Return why the order is no sale of ours, or none yet."""
    if (incomplete := _not_completed(state)) is not None:
        return incomplete
    if settings.connection is None or not settings.is_live(state.completed_at or fact.position):
        return BEFORE_LIVE_MODE
    if state.lacking:
        return Verdict(
            "held",
            f"Waiting for the order's details ({', '.join(state.lacking)})",
            "Nothing: iSeller is being asked for them",
        )
    if (seen_to := state.skipped_records.get(f"sale-{state.order_id}")) is not None:
        return Verdict("skipped", seen_to)
    if settings.rules.taken_back_unsent == "send_nothing" and _is_whole_back(state, settings):
        return Verdict("skipped", "The order was taken back before it was sent")
    return None


def _is_whole_back(state: OrderState, settings: StoreSettings) -> bool:
    """Tell whether all goods and all money of an order went back: what did not has to stand in the books."""
    if state.is_voided:
        return settings.rules.void_restocks
    refunds = refunds_of(state.taken_back)
    back = sum((refund.amount or _ZERO for refund in refunds), _ZERO)
    restocked = all(
        refund.record is not None and refund.record.tells_goods and refund.record.refunded == refund.record.restocked
        for refund in refunds
    )
    return bool(refunds) and restocked and back >= Decimal(state.known["total_amount"])


def _not_completed(state: OrderState) -> Verdict | None:
    reason = f"The order's status is {state.status}; only completed orders are booked"
    if state.status in ("draft", "reserved"):
        return Verdict("held", reason)
    if state.status in ("", "completed") or state.completed_at:
        return None
    return Verdict("skipped", reason)


def _money_of_before(
    state: OrderState, settings: StoreSettings, decisions: list[Decision]
) -> tuple[OrderState, list[Decision]]:
    """Show money that came in since Live Mode for a sale from before it: it stands in no books of ours."""
    for payment in state.in_order():
        if settings.is_live(payment.told_at):
            state, noted = with_verdict(state, payment_record(state, settings, payment), _MONEY_OF_BEFORE)
            decisions = [*decisions, *noted]
    return state, decisions
