"""What everything that is judged of an order shares: its place, its records, its commands, its verdicts, its dates."""

from datetime import date, datetime
from decimal import Decimal

import msgspec

from eventstore.event import Fact
from projections.changes.orders import OrderState
from projections.changes.settings import Place, StoreSettings
from projections.changes.times import local_date, read_utc
from projections.changes.verdict import Verdict
from projections.changes.waiting import SETTINGS_NEED, outlet_need
from projections.jurnal_commands.commands import Command
from projections.jurnal_commands.decision import Decision, Noted, Planned, RecordKind, SyncRecord
from projections.jurnal_commands.identity import command_id

BEFORE_LIVE_MODE = Verdict("skipped", "Before Live Mode")


def place_of(state: OrderState, settings: StoreSettings) -> Place | None:
    """Return what the order is mapped by: its channel or its outlet; None: out of scope."""
    known = state.known
    return settings.place(known.get("outlet_id"), known.get("channel"), known.get("channel_detail"))


def unmapped(state: OrderState, what: str) -> Verdict:
    """Return why a sale, a payment or a refund waits whose place is not mapped.

    Of a sale that is booked it fails: what stands in Jurnal is right no more until it is.
    """
    known = state.known
    outlet = known.get("outlet_id")
    name = known.get("outlet_name") or outlet or "without a name"
    needs = (SETTINGS_NEED, outlet_need(outlet)) if outlet else (SETTINGS_NEED,)
    channel = str(known.get("channel") or "").lower()
    if channel in ("", "pos"):
        reason, kind = f"Outlet {name} is not mapped", "outlet"
    else:
        of = known.get("channel_detail") or channel
        reason = f"Neither channel {of} nor outlet {name} is mapped" if outlet else f"Channel {of} is not mapped"
        kind = "channel"
    what_to_do = f"Map the {kind} to a Jurnal warehouse and its accounts; the {what} is then booked by itself"
    return Verdict("failed" if state.asked else "skipped", reason, what_to_do, needs)


def local_day(state: OrderState, settings: StoreSettings, at: datetime) -> date:
    """Return the date of `at` where the order's place is."""
    zone = settings.zone_of(place_of(state, settings)) if settings.connection is not None else "UTC"
    return local_date(at, zone)


def order_day(state: OrderState, settings: StoreSettings) -> date | None:
    """Return the order's date where its place is; None if no report told it."""
    told = state.known.get("order_date")
    return local_day(state, settings, read_utc(told)) if told else None


def record_of(
    state: OrderState, record_id: str, kind: RecordKind, day: date | None, amount: Decimal | None
) -> SyncRecord:
    """Return a line of the Accounting Sync list about the order."""
    return SyncRecord(
        record_id=record_id,
        kind=kind,
        reference=state.reference,
        outlet=state.known.get("outlet_name"),
        business_date=day,
        amount=amount,
    )


def sale_record(state: OrderState, settings: StoreSettings) -> SyncRecord:
    """Return the order's own line."""
    amount = state.known.get("total_amount")
    total = Decimal(amount) if amount is not None else None
    return record_of(state, f"sale-{state.order_id}", "sale", order_day(state, settings), total)


def booking_day(settings: StoreSettings, day: date) -> date | Verdict:
    """Return the date of a document of `day`: the first open day if that one is in a closed period, or why not."""
    first = settings.first_open_day()
    if first is None or day >= first:
        return day
    if settings.rules.closed_period == "first_open_day":
        return first
    return Verdict(
        "failed",
        f"{day} is in a period that is closed in Jurnal: its first open day is {first}",
        "Open the period in Jurnal, or let documents of closed periods go on the first open day (closed_period in the"
        " set-up file); the record is then booked by itself",
        (SETTINGS_NEED,),
    )


def planned(
    state: OrderState, fact: Fact, record: SyncRecord, command: Command, needs: tuple[str, ...] = ()
) -> Planned:
    """Return a command in the order's lane."""
    identity = command_id(fact.store_id, command)
    return Planned(command_id=identity, command=command, lane=state.stream_id, record=record, needs=needs)


def with_verdict(state: OrderState, record: SyncRecord, verdict: Verdict) -> tuple[OrderState, list[Decision]]:
    """Keep why a record is not planned; it is noted only where that is new. What a person has seen to stays so."""
    identity = record.record_id
    if (seen_to := state.skipped_records.get(identity)) is not None:
        verdict = Verdict("skipped", seen_to)
    shown = _shown(record)
    if state.verdicts.get(identity) == verdict and state.shown.get(identity) == shown:
        return state, []
    noted = Noted(record=record, state=verdict.state, reason=verdict.reason, what_to_do=verdict.what_to_do)
    kept = {"verdicts": {**state.verdicts, identity: verdict}, "shown": {**state.shown, identity: shown}}
    return msgspec.structs.replace(state, **kept), [noted]


def without_verdict(state: OrderState, record: SyncRecord) -> OrderState:
    """Return the state of an order one of whose records is planned now."""
    left = {identity: verdict for identity, verdict in state.verdicts.items() if identity != record.record_id}
    shown = {identity: words for identity, words in state.shown.items() if identity in left}
    return msgspec.structs.replace(state, verdicts=left, shown=shown)


def _shown(record: SyncRecord) -> str:
    """Return what the list shows of a record: a thin report may be followed by one that says more of the same."""
    return f"{record.reference} {record.outlet} {record.business_date} {record.amount}"
