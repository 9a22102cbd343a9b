"""Judges one order: its sale, its money, and what was taken back of it.

Judging is repeatable: what is planned stays planned, everything else is judged afresh on the settings of the moment.
"""

from eventstore.event import Fact
from projections.changes.orders import OrderState
from projections.changes.settings import StoreSettings
from projections.changes.shifts import Shifts
from projections.changes.verdict import Verdict
from projections.jurnal_commands.decision import Decision
from projections.jurnal_commands.order_action import BEFORE_LIVE_MODE, sale_record, with_verdict
from projections.jurnal_commands.payments import plan_payments
from projections.jurnal_commands.sale import plan_sale


def judge_order(
    state: OrderState, settings: StoreSettings, fact: Fact, shifts: Shifts
) -> tuple[OrderState, list[Decision]]:
    """Judge all of an order that is not planned yet; return the state with what is planned, and what is new of it."""
    decisions: list[Decision] = []
    if state.booking is None:
        verdict = _not_to_plan(state, settings, fact)
        if verdict is not None:
            return with_verdict(state, sale_record(state, settings), verdict)
        state, decisions = plan_sale(state, settings, fact, shifts)
    if state.booking is None:
        return state, decisions
    state, money = plan_payments(state, settings, fact)
    return state, [*decisions, *money]


def _not_to_plan(state: OrderState, settings: StoreSettings, fact: Fact) -> Verdict | None:
    """Return why the order is no sale of ours, or none yet."""
    if state.status in ("draft", "reserved"):
        return Verdict("held", f"The order's status is {state.status}; only completed orders are booked")
    if state.status and state.status != "completed" and not state.completed_at:
        return Verdict("skipped", f"The order's status is {state.status}; only completed orders are booked")
    if settings.connection is None or not settings.is_live(state.completed_at or fact.position):
        return BEFORE_LIVE_MODE
    if state.lacking:
        return Verdict(
            "held",
            f"Waiting for the order's details ({', '.join(state.lacking)})",
            "Nothing: iSeller is being asked for them",
        )
    if f"sale-{state.order_id}" in state.skipped_records:
        return Verdict("skipped", state.skipped_records[f"sale-{state.order_id}"])
    return None
