"""Transfers: goods leave the source for the warehouse "iSeller in Transit", and leave that one as they are received."""

from typing import assert_never

import msgspec

from eventstore.event import Fact
from projections.changes.settings import StoreSettings
from projections.changes.times import local_date
from projections.changes.transfers import (
    Goods,
    Movement,
    TransferChange,
    TransferNotOurs,
    TransferReceived,
    TransferStarted,
    TransferState,
)
from projections.jurnal_commands.commands import StockLine, TransferStock
from projections.jurnal_commands.decision import Decision, Noted, Planned, SyncRecord
from projections.jurnal_commands.identity import command_id


def decide_transfer(
    state: TransferState, settings: StoreSettings, fact: Fact, changes: list[TransferChange]
) -> tuple[TransferState, list[Decision]]:
    """Return what `changes` of one transfer ask of Jurnal, and the state with whether it is in scope."""
    decisions: list[Decision] = []
    for change in changes:
        match change:
            case TransferStarted():
                state, decision = _started(state, settings, fact, change.movement)
                decisions.append(decision)
            case TransferReceived():
                if state.in_scope:
                    decisions += _received(state, settings, fact, change.movement)
            case TransferNotOurs():
                record = SyncRecord(record_id=fact.stream_id, kind="transfer_start", reference=state.number)
                decisions.append(Noted(record=record, state="skipped", reason=f"{change.type} is not booked"))
            case _:
                assert_never(change)
    return state, decisions


def _record(state: TransferState, settings: StoreSettings, movement: Movement, *, start: bool) -> SyncRecord:
    outlet = state.source_id if start else state.destination_id
    zone = settings.time_zone(outlet) if settings.connection is not None else "UTC"
    return SyncRecord(
        record_id=f"transfer-{movement.adjustment_id}",
        kind="transfer_start" if start else "transfer_receipt",
        reference=state.number,
        outlet=state.source_name if start else state.destination_name,
        business_date=local_date(movement.at, zone),
    )


def _started(
    state: TransferState, settings: StoreSettings, fact: Fact, movement: Movement
) -> tuple[TransferState, Decision]:
    record = _record(state, settings, movement, start=True)
    out_of_scope = msgspec.structs.replace(state, in_scope=False)
    if not settings.is_live(fact.position) or settings.connection is None:
        return out_of_scope, Noted(record=record, state="skipped", reason="Before Live Mode")
    source, destination = settings.outlets.get(state.source_id), settings.outlets.get(state.destination_id)
    if source is None or destination is None:
        missing = state.destination_name if destination is None else state.source_name
        unmapped = Noted(
            record=record,
            state="failed",
            reason=f"Outlet {missing} is not mapped, and half a transfer is never booked",
            what_to_do=f"Map {missing} to a Jurnal warehouse",
        )
        return out_of_scope, unmapped
    sent = _planned(
        state,
        fact,
        movement,
        record,
        _Leg(source.warehouse, settings.connection.transit_warehouse, movement.goods),
    )
    return msgspec.structs.replace(state, in_scope=True), sent


class _Leg(msgspec.Struct, frozen=True):
    from_warehouse: str
    to_warehouse: str
    goods: tuple[Goods, ...]


def _received(state: TransferState, settings: StoreSettings, fact: Fact, movement: Movement) -> list[Decision]:
    record = _record(state, settings, movement, start=False)
    destination = settings.outlets.get(state.destination_id)
    assert settings.connection is not None
    assert destination is not None
    decisions: list[Decision] = []
    accepted = tuple(goods for goods in movement.goods if goods.quantity > 0)
    if accepted:
        leg = _Leg(settings.connection.transit_warehouse, destination.warehouse, accepted)
        decisions.append(_planned(state, fact, movement, record, leg))
    others = [goods for goods in movement.goods if goods.cancelled > 0 or goods.rejected > 0]
    if others:
        sent_back = msgspec.structs.replace(record, record_id=f"{record.record_id}-refused")
        decisions.append(
            Noted(
                record=sent_back,
                state="failed",
                reason=f"Cancelled or rejected goods are not booked by this release: "
                f"{', '.join(goods.sku for goods in others)}",
                what_to_do='Move them out of "iSeller in Transit" in Jurnal by hand',
            )
        )
    return decisions


def _planned(state: TransferState, fact: Fact, movement: Movement, record: SyncRecord, leg: _Leg) -> Planned:
    command = TransferStock(
        transfer_id=state.transfer_id,
        transfer_number=state.number,
        adjustment_id=movement.adjustment_id,
        transaction_date=record.business_date or movement.at.date(),
        from_warehouse=leg.from_warehouse,
        to_warehouse=leg.to_warehouse,
        lines=tuple(StockLine(goods.sku, goods.quantity) for goods in leg.goods),
    )
    return Planned(command_id=command_id(fact.store_id, command), command=command, lane=fact.stream_id, record=record)
