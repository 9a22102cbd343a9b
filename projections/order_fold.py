"""Folds orders: each fact of their streams into its document; windows and shifts let go what waits for them."""

from collections.abc import Sequence

import msgspec

from eventstore.event import Fact
from eventstore.facts.reports.shifts import RegisterShiftReport
from eventstore.facts.settings import SyncFact, SyncWindowOpened
from projections.changes.orders import OrderFact, OrderState, evolve_order
from projections.changes.settings import StoreSettings
from projections.changes.shifts import SHIFTS_KEY, Shifts
from projections.changes.times import local_date, read_utc
from projections.changes.waiting import SALES_WINDOW_NEED, WaitingDocument, shift_need, waiting_key
from projections.jurnal_commands.sales_window import completed_on, register_of
from projections.projection import States
from projections.waiting_fold import DocumentsTold, judged, judged_again, shifts_in


def order_keys(stream_id: str) -> Sequence[str]:
    """Return the keys of the states a fact of an order needs besides settings and its own document."""
    return (waiting_key(stream_id), SHIFTS_KEY)


def tell_order(states: States, settings: StoreSettings, fact: Fact, told: OrderFact) -> DocumentsTold:
    """Take in a fact of an order's stream, and judge what is not planned yet."""
    known = states.get(fact.stream_id)
    assert known is None or isinstance(known, OrderState)
    return judged(evolve_order(known, fact, told), states, settings, fact)


def tell_sales_sync(states: States, settings: StoreSettings, fact: Fact, sync: SyncFact) -> DocumentsTold:
    """Let go the sales that wait for a sync: those completed by a window, or ordered on the dates asked for.

    What waits for the shift of its register waits on when a window opens, but a person may send it.
    """
    if settings.connection is None:
        return DocumentsTold()
    time_zone = settings.connection.time_zone

    def let_go(order: WaitingDocument) -> WaitingDocument | None:
        assert isinstance(order, OrderState)
        if isinstance(sync, SyncWindowOpened):
            if shift_need(register_of(order)) in order.needs():
                return None
            # What was completed later waits for another window; judged again it names that one.
            return _released(order) if completed_on(order) <= sync.until else order
        ordered = local_date(read_utc(order.known["order_date"]), time_zone)
        return _released(order) if sync.first <= ordered <= sync.last else None

    return judged_again(states, settings, fact, frozenset({SALES_WINDOW_NEED}), let_go)


def tell_shift(states: States, settings: StoreSettings, fact: Fact, shift: RegisterShiftReport) -> DocumentsTold:
    """Note that a register's shift is closed, and let go exactly the orders of it that wait for that."""
    shifts = shifts_in(states)
    if shift.closed_date is None or shift.register_id is None:
        return DocumentsTold()
    register_id, closed = shift.register_id, read_utc(shift.closed_date)
    known = shifts.closed.get(register_id)
    if known is not None and known >= closed:
        return DocumentsTold()
    moved = Shifts({**shifts.closed, register_id: closed})

    def let_go(order: WaitingDocument) -> WaitingDocument | None:
        assert isinstance(order, OrderState)
        return order if completed_on(order) <= closed else None

    told = judged_again({**states, SHIFTS_KEY: moved}, settings, fact, frozenset({shift_need(register_id)}), let_go)
    return msgspec.structs.replace(told, states={SHIFTS_KEY: moved, **told.states})


def _released(order: OrderState) -> OrderState:
    return msgspec.structs.replace(order, released=True)
