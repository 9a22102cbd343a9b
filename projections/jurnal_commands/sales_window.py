"""When a sale may go: at once, when the shift of its register is closed, or when a sync window opens.

Asked once an order, when its invoice is planned: what follows on a planned sale (payments, what is taken back) goes at
once. What is told after a window has opened waits for the next one, however old it is; what is told after its shift was
closed goes at once. Nothing here knows the time but from facts.
"""

from datetime import datetime

from eventstore.event import Fact
from projections.changes.orders import OrderState
from projections.changes.settings import StoreSettings
from projections.changes.shifts import Shifts
from projections.changes.times import read_utc
from projections.changes.verdict import Verdict
from projections.changes.waiting import SALES_WINDOW_NEED, shift_need
from projections.changes.windows import next_window

_BY_HAND = "send a range of dates: jurnalsync sync sales --from DATE --to DATE"


def completed_on(state: OrderState) -> datetime:
    """Return when the order was closed at the outlet (UTC); where no report tells that, when it was opened."""
    return read_utc(state.known.get("closed_date") or state.known["order_date"])


def register_of(state: OrderState) -> str:
    """Return the register that took the order, empty for web and marketplace orders."""
    return state.known.get("register_id") or ""


def waits_for_sales_sync(state: OrderState, settings: StoreSettings, fact: Fact, shifts: Shifts) -> Verdict | None:
    """Return until when and why the sale of a completed order waits; None: it may go."""
    sync = settings.rules.sync
    if sync.mode == "real_time" or state.released:
        return None
    register_id = register_of(state)
    if sync.mode == "shift_closing" and register_id:
        closed = shifts.closed.get(register_id)
        if closed is not None and completed_on(state) <= closed:
            return None
        return Verdict(
            "held",
            "Waits until the shift of its register is closed",
            f"Close the shift in iSeller, or {_BY_HAND}",
            (SALES_WINDOW_NEED, shift_need(register_id)),
        )
    if not sync.times:
        reason = "No time is set at which this sale is sent"
        return Verdict("held", reason, f"Set one, or {_BY_HAND}", (SALES_WINDOW_NEED,))
    assert settings.connection is not None
    opens = next_window(sync, settings.connection.time_zone, fact.recorded_at)
    return Verdict("held", f"Waits for the sales sync of {opens:%Y-%m-%d %H:%M}", None, (SALES_WINDOW_NEED,))
