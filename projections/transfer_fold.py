"""Folds transfers: each report into its document, settings and sync windows into the documents that wait for them."""

from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

from eventstore.event import Fact
from eventstore.facts.reports.transfers import TransferReport
from eventstore.facts.settings import OutletMapped, Setting, StoreConnected, SyncFact, SyncWindowOpened
from projections.changes.returns import Returns, pair_returns, returns_key
from projections.changes.settings import StoreSettings
from projections.changes.times import local_date
from projections.changes.transfers import TransferState, evolve_transfer
from projections.changes.waiting import (
    WAITING_KEYS,
    WINDOW_NEED,
    Waiting,
    account_need,
    kept_waiting,
    outlet_need,
    waiting_for,
    waiting_key,
)
from projections.jurnal_commands.decide_transfers import judge_transfer
from projections.jurnal_commands.decision import Decision
from projections.projection import States

_ACCOUNTS = ("loss_account", "goods_received_account", "stock_adjustment_account")


class TransfersTold(msgspec.Struct, frozen=True):
    """New states by key, the decisions that follow, and the transfers that a fact touched, by stream."""

    states: dict[str, msgspec.Struct]
    decisions: Sequence[Decision]
    transfers: dict[str, TransferState]


def transfer_keys(stream_id: str, report: TransferReport) -> Sequence[str]:
    """Return the keys of the states a report needs besides settings and its own document."""
    forth, back = _directions(report)
    return (waiting_key(stream_id), forth, back)


def tell_transfer(states: States, settings: StoreSettings, fact: Fact, report: TransferReport) -> TransfersTold:
    """Take in a report, find returns, and judge what is not booked yet."""
    known = states.get(fact.stream_id)
    assert known is None or isinstance(known, TransferState)
    transfer = evolve_transfer(known, report, fact)
    told: dict[str, msgspec.Struct] = {}
    forth, back = _directions(report)
    # A report that lacks an outlet does not know its direction; the next one that tells both does.
    if forth != back and _ends_are_told(report):
        transfer, told[forth], told[back] = pair_returns(transfer, _returns(states, forth), _returns(states, back))
    transfer, decisions = judge_transfer(transfer, settings, fact)
    told[fact.stream_id] = transfer
    shard_key = waiting_key(fact.stream_id)
    shard = _shard(states, shard_key)
    if transfer.needs() or fact.stream_id in shard.documents:
        told[shard_key] = kept_waiting(shard, transfer)
    return TransfersTold(told, decisions, {fact.stream_id: transfer})


def tell_setting(states: States, settings: StoreSettings, fact: Fact, setting: Setting) -> TransfersTold:
    """Judge again what waited for a setting that stands now."""
    match setting:
        case StoreConnected():
            mapped = {account_need(name) for name in _ACCOUNTS if getattr(setting, name) is not None}
            return _judged_again(states, settings, fact, frozenset({WINDOW_NEED, *mapped}))
        case OutletMapped():
            return _judged_again(states, settings, fact, frozenset({outlet_need(setting.outlet_id)}))
        case _:
            return TransfersTold({}, (), {})


def tell_sync(states: States, settings: StoreSettings, fact: Fact, sync: SyncFact) -> TransfersTold:
    """Let go what waits for a sync and happened in the time it covers."""
    if settings.connection is None:
        return TransfersTold({}, (), {})
    time_zone = settings.connection.time_zone

    def covers(at: datetime) -> bool:
        if isinstance(sync, SyncWindowOpened):
            return at <= sync.until
        return sync.first <= local_date(at, time_zone) <= sync.last

    return _judged_again(states, settings, fact, frozenset({WINDOW_NEED}), covers)


def _judged_again(
    states: States,
    settings: StoreSettings,
    fact: Fact,
    met: frozenset[str],
    covers: Callable[[datetime], bool] | None = None,
) -> TransfersTold:
    shards = {key: shard for key in WAITING_KEYS if isinstance(shard := states.get(key), Waiting)}
    decisions: list[Decision] = []
    transfers: dict[str, TransferState] = {}
    for stream_id, waiting in waiting_for(shards.values(), met).items():
        transfer = waiting if covers is None else _released(waiting, covers)
        transfers[stream_id], decided = judge_transfer(transfer, settings, fact)
        decisions += decided
        key = waiting_key(stream_id)
        shards[key] = kept_waiting(shards[key], transfers[stream_id])
    touched = {key: shards[key] for key in map(waiting_key, transfers)}
    return TransfersTold({**transfers, **touched}, decisions, transfers)


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


def _returns(states: States, key: str) -> Returns:
    known = states.get(key)
    assert known is None or isinstance(known, Returns)
    return known or Returns()


def _shard(states: States, key: str) -> Waiting:
    known = states.get(key)
    assert known is None or isinstance(known, Waiting)
    return known or Waiting()
