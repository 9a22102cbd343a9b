"""Judges the stock actions of one transfer: what each asks of Jurnal, or why it has to wait.

Goods between two outlets leave the source for the warehouse "iSeller in Transit" and leave that one as they are decided
on. Judging is repeatable: what is booked stays booked, everything else is judged afresh on the settings of the moment.
"""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from eventstore.event import Fact
from projections.changes.settings import StoreSettings
from projections.changes.transfers import Goods, TransferState, goods_told
from projections.changes.verdict import Verdict
from projections.changes.waiting import outlet_need
from projections.jurnal_commands.commands import AdjustStock, StockChange, StockLine, TransferStock
from projections.jurnal_commands.decide_stock import judge_correction, judge_supplier
from projections.jurnal_commands.decision import Decision, Noted, Planned
from projections.jurnal_commands.pending_transfer import judge_pending
from projections.jurnal_commands.stock_action import (
    Judged,
    Judging,
    account_verdict,
    day_of,
    planned,
    quantity_text,
    record_of,
    waits_to_go,
)

_ZERO = Decimal(0)
BEFORE_LIVE_MODE = Verdict("skipped", "Before Live Mode")


def judge_transfer(
    state: TransferState, settings: StoreSettings, fact: Fact
) -> tuple[TransferState, Sequence[Decision]]:
    """Judge every action that is not booked yet; return the state with the verdicts, and what is new of them."""
    if state.route == "unknown":
        record = record_of(state, settings, None)
        return state, [Noted(record=record, state="skipped", reason=f"{state.type_told} is not booked")]
    state, decisions = judge_pending(state, settings)
    told = goods_told(state)
    for action in state.in_order():
        judging = Judging(state, settings, fact, action, told[action.action_id])
        if action.booked is not None:
            state, noted = _changed_after_booking(judging)
            decisions += noted
            continue
        judged = _judged(judging)
        if isinstance(judged, Verdict):
            if judged != action.verdict:
                decisions.append(judging.noted(judged))
            state = state.with_action(msgspec.structs.replace(action, verdict=judged))
        elif judged is not None:
            decisions += judged
            state = state.with_action(msgspec.structs.replace(action, verdict=None, booked=judging.goods))
    return state, decisions


def goods_in_transit(state: TransferState) -> dict[str, Decimal]:
    """Return what is booked as sent and not yet as decided on, by SKU."""
    left: dict[str, Decimal] = {}
    for action in state.moves():
        for goods in action.booked or ():
            change = goods.quantity if action.kind == "start" else -goods.decided
            left[goods.sku] = left.get(goods.sku, _ZERO) + change
    return left


def _judged(judging: Judging) -> Judged | None:
    """Return commands and notes, a verdict, or None for what moves no stock of ours."""
    action, state = judging.action, judging.state
    if (seen_to := state.skipped_records.get(judging.record.record_id)) is not None:
        return Verdict("skipped", seen_to)
    if unusable := _unusable(judging):
        return unusable
    if action.kind in ("count", "adjustment"):
        return judge_correction(judging)
    if state.route != "outlets":
        return judge_supplier(judging)
    return _judged_start(judging) if action.kind == "start" else _judged_decision(judging)


def _unusable(judging: Judging) -> Verdict | None:
    if any(not goods.sku for goods in judging.goods):
        return Verdict(
            "failed",
            "A product without SKU is among the goods",
            "Give the product its SKU in iSeller; the record is judged again when iSeller reports it again",
        )
    if judging.action.kind in ("start", "decision") and any(
        min(goods.quantity, goods.cancelled, goods.rejected) < 0 for goods in judging.goods
    ):
        return Verdict("failed", "A quantity is negative", "Compare the quantities with iSeller")
    return None


def _changed_after_booking(judging: Judging) -> tuple[TransferState, list[Decision]]:
    action = judging.action
    if judging.goods == (action.changed_to or action.booked):
        return judging.state, []
    record = msgspec.structs.replace(judging.record, record_id=f"{judging.record.record_id}-changed")
    noted = Noted(
        record=record,
        state="failed",
        reason=f"iSeller now tells {_listed(judging.goods)}; booked was {_listed(action.booked or ())}",
        what_to_do="Correct the difference in Jurnal by hand",
    )
    return judging.state.with_action(msgspec.structs.replace(action, changed_to=judging.goods)), [noted]


def _judged_start(judging: Judging) -> Judged:
    state, settings = judging.state, judging.settings
    connection = settings.connection
    if connection is None or not settings.is_live(judging.action.told_at):
        return BEFORE_LIVE_MODE
    if state.return_of:
        return Verdict("skipped", f"Brings back what was cancelled of transfer {state.return_of}: booked there")
    ends = (settings.outlets.get(state.source_id), settings.outlets.get(state.destination_id))
    source, destination = ends
    if source is None or destination is None:
        return _unmapped(state, source is None, destination is None)
    if held := waits_to_go(judging):
        return held
    return [_moved(judging, source.warehouse, connection.transit_warehouse, "quantity")]


def _unmapped(state: TransferState, no_source: bool, no_destination: bool) -> Verdict:
    needs = tuple(
        outlet_need(outlet_id)
        for outlet_id, missing in ((state.source_id, no_source), (state.destination_id, no_destination))
        if missing
    )
    if no_source and no_destination:
        names = f"{state.source_name} and {state.destination_name}"
        return Verdict("skipped", f"Outlets {names} are not mapped", f"Map {names} to Jurnal warehouses", needs)
    missing = state.source_name if no_source else state.destination_name
    return Verdict(
        "failed",
        f"Outlet {missing} is not mapped, and half a transfer is never booked",
        f"Map {missing} to a Jurnal warehouse; the transfer is then booked by itself",
        needs,
    )


def _judged_decision(judging: Judging) -> Judged:
    state, settings = judging.state, judging.settings
    if unstarted := _unstarted(judging):
        return unstarted
    if state.return_of:
        return _judged_return(judging)
    if waits := _beyond_transit(judging) or _no_more_mapped(judging) or _unready(judging):
        return waits
    connection, destination = settings.connection, settings.outlets[state.destination_id]
    assert connection is not None
    source = settings.outlets[state.source_id]
    transit = connection.transit_warehouse
    # Goods whose return was booked like any other transfer must first arrive where that one took them from.
    back_to = destination if judging.action.returned_by else source
    return [
        *_moved_if_any(judging, transit, destination.warehouse, "quantity"),
        *_moved_if_any(judging, transit, back_to.warehouse, "cancelled"),
        *_written_off_if_any(judging, transit),
    ]


def _unstarted(judging: Judging) -> Verdict | None:
    state = judging.state
    starts = [action for action in state.actions.values() if action.kind == "start"]
    if not starts:
        return Verdict("held", f"Waits for the start of transfer {state.number} to be reported")
    if any(start.verdict == BEFORE_LIVE_MODE for start in starts):
        return Verdict("skipped", "The transfer was started before Live Mode")
    if not state.return_of and all(start.booked is None for start in starts):
        return Verdict("held", "Waits for the start of the transfer, which is not booked yet")
    return None


def _no_more_mapped(judging: Judging) -> Verdict | None:
    """Return why what happens to goods that are booked as sent waits: an outlet is mapped no more."""
    state = judging.state
    ends = {state.source_id: state.source_name, state.destination_id: state.destination_name}
    missing = {outlet_id: name for outlet_id, name in ends.items() if outlet_id not in judging.settings.outlets}
    if not missing:
        return None
    names = " and ".join(missing.values())
    return Verdict(
        "failed",
        f"The goods are booked as sent, and {names} {'is' if len(missing) == 1 else 'are'} not mapped any more",
        f"Map {names} to Jurnal warehouses again; this is then booked by itself",
        tuple(map(outlet_need, missing)),
    )


def _unready(judging: Judging) -> Verdict | None:
    if any(goods.cancelled for goods in judging.goods) and not judging.action.paired:
        return Verdict("held", "Waits for both outlets of the transfer to be told")
    if any(goods.rejected for goods in judging.goods) and (unmapped := account_verdict(judging, "loss_account")):
        return unmapped
    return waits_to_go(judging)


def _judged_return(judging: Judging) -> Judged:
    """Judge what happens to goods that came back: with their cancellation they were booked at this destination."""
    state, settings = judging.state, judging.settings
    source, destination = settings.outlets.get(state.source_id), settings.outlets.get(state.destination_id)
    if source is None or destination is None:
        return _unmapped(state, source is None, destination is None)
    if not settings.is_live(state.return_started_by):
        return Verdict("skipped", f"Brings back goods of transfer {state.return_of}, started before Live Mode")
    if not any(goods.cancelled or goods.rejected for goods in judging.goods):
        return Verdict("skipped", f"Brings back what was cancelled of transfer {state.return_of}: booked there")
    if waits := _unready(judging):
        return waits
    moved = []
    if not judging.action.returned_by:
        moved = _moved_if_any(judging, destination.warehouse, source.warehouse, "cancelled")
    return [*moved, *_written_off_if_any(judging, destination.warehouse)] or Verdict(
        "skipped", f"Goes on with transfer {judging.action.returned_by}: booked there"
    )


def _beyond_transit(judging: Judging) -> Verdict | None:
    if not any(goods.decided for goods in judging.goods):
        return Verdict("skipped", "Nothing of the transfer remained to be decided on")
    left = goods_in_transit(judging.state)
    for goods in judging.goods:
        in_transit = left.get(goods.sku)
        if in_transit is None:
            return Verdict(
                "failed",
                f"The receipt decides on {quantity_text(goods.decided)} of {goods.sku}, which the transfer never sent",
                "Compare the transfer with iSeller; add the product to the transfer there, or correct the stock there"
                " and in Jurnal by hand",
            )
        if goods.decided > in_transit:
            return Verdict(
                "failed",
                f"The receipt decides on {quantity_text(goods.decided)} of {goods.sku}, but"
                f" {quantity_text(in_transit)} are in transit",
                "Compare the transfer with iSeller; when iSeller reports other quantities the receipt is booked, else"
                " enter it in Jurnal by hand",
            )
    return None


def _moved_if_any(judging: Judging, from_warehouse: str, to_warehouse: str, field: str) -> list[Planned]:
    if not any(getattr(goods, field) for goods in judging.goods):
        return []
    return [_moved(judging, from_warehouse, to_warehouse, field)]


def _moved(judging: Judging, from_warehouse: str, to_warehouse: str, field: str) -> Planned:
    state = judging.state
    return planned(
        judging,
        TransferStock(
            transfer_id=state.transfer_id,
            transfer_number=state.number,
            adjustment_id=judging.action.action_id,
            transaction_date=day_of(judging),
            from_warehouse=from_warehouse,
            to_warehouse=to_warehouse,
            lines=tuple(
                StockLine(goods.sku, getattr(goods, field)) for goods in judging.goods if getattr(goods, field)
            ),
            is_return=field == "cancelled",
        ),
    )


def _written_off_if_any(judging: Judging, warehouse: str) -> list[Planned]:
    state, connection = judging.state, judging.settings.connection
    rejected = tuple(StockChange(goods.sku, -goods.rejected) for goods in judging.goods if goods.rejected)
    if not rejected:
        return []
    assert connection is not None
    assert connection.loss_account is not None
    adjustment = AdjustStock(
        transfer_id=state.transfer_id,
        transfer_number=state.number,
        adjustment_id=judging.action.action_id,
        transaction_date=day_of(judging),
        warehouse=warehouse,
        account=connection.loss_account,
        lines=rejected,
    )
    return [planned(judging, adjustment)]


def _listed(goods: tuple[Goods, ...]) -> str:
    parts = []
    for line in goods:
        told = [("", line.quantity), ("cancelled ", line.cancelled), ("rejected ", line.rejected)]
        parts += [f"{word}{quantity_text(amount)} of {line.sku}" for word, amount in told if amount]
    return ", ".join(parts) or "nothing"
