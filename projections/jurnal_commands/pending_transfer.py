"""Judges a transfer of which no goods have moved: a line that books nothing, until the records of its goods replace it.

Its start may never come, so it waits for nothing and nothing waits for it. iSeller's word for "cancelled" is unknown.
"""

import msgspec

from projections.changes.settings import StoreSettings
from projections.changes.times import local_date
from projections.changes.transfers import TransferState
from projections.changes.verdict import Verdict
from projections.jurnal_commands.decision import Decision, Noted, SyncRecord, Withdrawn

_CANCELLED = frozenset({"cancelled", "canceled", "void", "voided", "deleted"})
_NOT_STARTED = frozenset({"", "pending", "draft"})


def judge_pending(state: TransferState, settings: StoreSettings) -> tuple[TransferState, list[Decision]]:
    """Return what is new of the transfer's own line; withdrawn with the first report of goods that moved."""
    verdict = _verdict(state)
    if verdict is None and not state.shown_pending:
        return state, []
    record = _record(state, settings)
    if verdict is None:
        return _showing(state, ""), [Withdrawn(record=record)]
    shown = f"{record.reference} {record.outlet} {record.business_date} {verdict.state} {verdict.reason}"
    if shown == state.shown_pending:
        return state, []
    noted = Noted(record=record, state=verdict.state, reason=verdict.reason, what_to_do=verdict.what_to_do)
    return _showing(state, shown), [noted]


def _verdict(state: TransferState) -> Verdict | None:
    """Return why nothing of the transfer is booked yet; None once its goods have moved, or where none are to."""
    comes_in = state.route == "from_supplier"
    if state.route == "correction" or any(not comes_in or action.kind != "start" for action in state.actions.values()):
        return None
    if (seen_to := state.skipped_records.get(state.stream_id)) is not None:
        return Verdict("skipped", seen_to)
    status = state.status.strip().lower()
    if status in _CANCELLED:
        return Verdict("skipped", "It was cancelled in iSeller before any goods moved")
    if comes_in:
        return Verdict(
            "held",
            "It is not received in iSeller yet: no goods have come in",
            "Receive the goods in iSeller when they arrive, or cancel the transfer there; until then nothing is booked",
        )
    if status in _NOT_STARTED:
        return Verdict(
            "held",
            "It is not started in iSeller yet: no goods have left",
            "Press Start Transfer in iSeller to send the goods, or cancel the transfer there; until then nothing is"
            " booked",
        )
    return Verdict(
        "held",
        f"Its status in iSeller is {state.status}, but iSeller has not told which goods left",
        "Nothing: it is booked when iSeller tells them",
    )


def _record(state: TransferState, settings: StoreSettings) -> SyncRecord:
    """Return the transfer's own line, which is named as its stream."""
    at_destination = state.route == "from_supplier" and state.destination_id
    outlet_id = state.destination_id if at_destination else state.source_id
    zone = settings.time_zone(outlet_id) if settings.connection is not None else "UTC"
    return SyncRecord(
        record_id=state.stream_id,
        kind="transfer_pending",
        reference=state.number,
        outlet=(state.destination_name if at_destination else state.source_name) or None,
        business_date=None if state.created_at is None else local_date(state.created_at, zone),
    )


def _showing(state: TransferState, shown: str) -> TransferState:
    return msgspec.structs.replace(state, shown_pending=shown)
