"""Transfers: each stock action of a transfer is told once, however often the whole transfer is reported."""

from datetime import datetime
from decimal import Decimal

import msgspec

from eventstore.facts.reports.transfers import InventoryAdjustment, TransferReport
from projections.changes.times import read_utc


class Goods(msgspec.Struct, frozen=True):
    """Quantities of one SKU in one stock action."""

    sku: str
    quantity: Decimal
    cancelled: Decimal = Decimal(0)
    rejected: Decimal = Decimal(0)


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """One stock action: goods sent, or goods decided on at the destination."""

    adjustment_id: str
    at: datetime
    goods: tuple[Goods, ...]


class TransferState(msgspec.Struct, frozen=True, kw_only=True, tag="transfer"):
    """All that is known of a transfer between two outlets."""

    transfer_id: str
    number: str = ""
    source_id: str = ""
    source_name: str = ""
    destination_id: str = ""
    destination_name: str = ""
    started: Movement | None = None
    received: tuple[Movement, ...] = ()
    early: tuple[Movement, ...] = ()
    in_scope: bool | None = None


class TransferStarted(msgspec.Struct, frozen=True):
    """Goods left the source."""

    movement: Movement


class TransferReceived(msgspec.Struct, frozen=True):
    """Goods were accepted, cancelled or rejected at the destination; the start was told before."""

    movement: Movement


class TransferNotOurs(msgspec.Struct, frozen=True):
    """Not a transfer between two outlets."""

    type: str


TransferChange = TransferStarted | TransferReceived | TransferNotOurs


def evolve_transfer(state: TransferState, report: TransferReport) -> tuple[TransferState, list[TransferChange]]:
    """Take in one transfer report. A receipt that is seen before the start waits for it."""
    if (report.out_type or "To Outlet").lower() != "to outlet" or (report.type or "Out").lower() != "out":
        return state, [TransferNotOurs(f"{report.type} {report.out_type or ''}".strip())]
    state = msgspec.structs.replace(
        state,
        number=report.transfer_number or state.number,
        source_id=report.outlet_id or state.source_id,
        source_name=report.outlet_name or state.source_name,
        destination_id=report.destination_outlet_id or state.destination_id,
        destination_name=report.destination_outlet_name or state.destination_name,
    )
    changes: list[TransferChange] = []
    for action in sorted(report.inventory_adjustments or (), key=_start_first):
        movement = _movement(action)
        if movement is None:
            continue
        if _start_first(action)[0] == 0 and state.started is None:
            changes += [TransferStarted(movement), *map(TransferReceived, state.early)]
            state = msgspec.structs.replace(state, started=movement, received=state.early, early=())
        elif (action.action or "").lower() == "accept" and movement.adjustment_id not in {
            known.adjustment_id for known in (*state.received, *state.early)
        }:
            if state.started is None:
                state = msgspec.structs.replace(state, early=(*state.early, movement))
                continue
            state = msgspec.structs.replace(state, received=(*state.received, movement))
            changes.append(TransferReceived(movement))
    return state, changes


def _start_first(action: InventoryAdjustment) -> tuple[int, str, str]:
    return (
        0 if (action.action or "").lower() == "start" else 1,
        action.date or "",
        action.inventory_adjustment_id or "",
    )


def _movement(action: InventoryAdjustment) -> Movement | None:
    if action.inventory_adjustment_id is None or action.date is None or not action.items:
        return None
    start = (action.action or "").lower() == "start"
    goods = tuple(
        Goods(
            (line.sku or "").strip(),
            (line.quantity if start else line.accepted_quantity) or Decimal(0),
            line.cancelled_quantity or Decimal(0),
            line.rejected_quantity or Decimal(0),
        )
        for line in action.items
    )
    return Movement(adjustment_id=action.inventory_adjustment_id, at=read_utc(action.date), goods=goods)
