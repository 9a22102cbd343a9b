"""Folds transfers: each fact of their streams into its document; sync windows into those that wait for them."""

from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

from eventstore.event import Fact
from eventstore.facts.operators import RecordRetried, RecordSkipped
from eventstore.facts.reports.transfers import TransferReport
from eventstore.facts.settings import SyncFact, SyncWindowOpened
from projections.changes.returns import Returns, pair_returns, returns_key
from projections.changes.settings import StoreSettings
from projections.changes.times import local_date
from projections.changes.transfers import TransferState, evolve_transfer
from projections.changes.verdict import seen_to_by
from projections.changes.waiting import WINDOW_NEED, WaitingDocument, waiting_key
from projections.projection import States
from projections.waiting_fold import DocumentsTold, judged, judged_again


def transfer_keys(stream_id: str, report: TransferReport) -> Sequence[str]:
    """Return the keys of the states a report needs besides settings and its own document."""
    forth, back = _directions(report)
    return (waiting_key(stream_id), forth, back)


def tell_transfer(states: States, settings: StoreSettings, fact: Fact, report: TransferReport) -> DocumentsTold:
    """Take in a report, find returns, and judge what is not booked yet."""
    transfer = evolve_transfer(_known(states, fact), report, fact)
    found: dict[str, msgspec.Struct] = {}
    forth, back = _directions(report)
    # A report that lacks an outlet does not know its direction; the next one that tells both does.
    if forth != back and _ends_are_told(report):
        transfer, found[forth], found[back] = pair_returns(transfer, _returns(states, forth), _returns(states, back))
    told = judged(transfer, states, settings, fact)
    return msgspec.structs.replace(told, states={**found, **told.states})


def tell_transfer_word(
    states: States, settings: StoreSettings, fact: Fact, word: RecordRetried | RecordSkipped
) -> DocumentsTold:
    """Judge a transfer again because a person asked for it, or has seen to one of its records."""
    transfer = _known(states, fact)
    if transfer is None:
        return DocumentsTold()
    if isinstance(word, RecordSkipped):
        seen_to = {**transfer.skipped_records, word.record_id: seen_to_by(word)}
        transfer = msgspec.structs.replace(transfer, skipped_records=seen_to)
    return judged(transfer, states, settings, fact)


def tell_transfer_sync(states: States, settings: StoreSettings, fact: Fact, sync: SyncFact) -> DocumentsTold:
    """Let go what waits for a sync and happened in the time it covers."""
    if settings.connection is None:
        return DocumentsTold()
    time_zone = settings.connection.time_zone

    def covers(at: datetime) -> bool:
        if isinstance(sync, SyncWindowOpened):
            return at <= sync.until
        return sync.first <= local_date(at, time_zone) <= sync.last

    def let_go(transfer: WaitingDocument) -> WaitingDocument:
        assert isinstance(transfer, TransferState)
        return _released(transfer, covers)

    return judged_again(states, settings, fact, frozenset({WINDOW_NEED}), let_go)


def _released(transfer: TransferState, covers: Callable[[datetime], bool]) -> TransferState:
    for action in transfer.in_order():
        if action.booked is None and covers(action.at):
            transfer = transfer.with_action(msgspec.structs.replace(action, released=True))
    return transfer


def _ends(report: TransferReport) -> tuple[str, str]:
    """Return from where to where the goods go; no outlet stands for the supplier."""
    if (report.type or "").lower() == "in":
        return "", report.destination_outlet_id or report.outlet_id or ""
    return report.outlet_id or "", report.destination_outlet_id or ""


def _ends_are_told(report: TransferReport) -> bool:
    is_between_outlets = (report.type or "out").lower() == "out" and (
        report.out_type or "to outlet"
    ).lower() == "to outlet"
    from_outlet, to_outlet = _ends(report)
    return bool(from_outlet and to_outlet) if is_between_outlets else bool(from_outlet or to_outlet)


def _directions(report: TransferReport) -> tuple[str, str]:
    from_outlet, to_outlet = _ends(report)
    return returns_key(from_outlet, to_outlet), returns_key(to_outlet, from_outlet)


def _known(states: States, fact: Fact) -> TransferState | None:
    known = states.get(fact.stream_id)
    assert known is None or isinstance(known, TransferState)
    return known


def _returns(states: States, key: str) -> Returns:
    known = states.get(key)
    assert known is None or isinstance(known, Returns)
    return known or Returns()
