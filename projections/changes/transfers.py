"""What iSeller tells of one transfer: its stock actions by their ids, each as it was told last.

An object of GetTransfer is a list of stock actions. It goes between outlets, comes from or goes to a supplier, or
corrects one outlet's stock; what a person decides on "all remaining" goods is worked out from what else was told.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from eventstore.event import Fact
from eventstore.facts.reports.transfers import InventoryAdjustment, TransferLine, TransferReport
from projections.changes.asked import Asked
from projections.changes.times import read_utc
from projections.changes.verdict import Verdict

Route = Literal["outlets", "from_supplier", "to_supplier", "correction", "unknown"]
ActionKind = Literal["start", "decision", "count", "adjustment"]
Choice = Literal["accept", "cancel", "reject"]

_ZERO = Decimal(0)
_KINDS: dict[str, ActionKind] = {
    "start": "start",
    "accept": "decision",
    "cancel": "decision",
    "reject": "decision",
    "opname": "count",
    "adjustment": "adjustment",
}
_CHOICES: dict[str, Choice] = {"accept": "accept", "cancel": "cancel", "reject": "reject"}


class Goods(msgspec.Struct, frozen=True):
    """Quantities of one SKU in one stock action; `quantity` is what is sent, accepted, or the change of stock.

    `price` is what a unit was bought for, IDR; only goods of a supplier carry it.
    """

    sku: str
    quantity: Decimal
    cancelled: Decimal = _ZERO
    rejected: Decimal = _ZERO
    price: Decimal | None = None

    @property
    def decided(self) -> Decimal:
        """What no longer remains once this is decided on."""
        return self.quantity + self.cancelled + self.rejected


class StockAction(msgspec.Struct, frozen=True, kw_only=True):
    """One stock action as it was told last (`observed_at`), first by the fact at `told_at`.

    `remaining`: the decision on all that remains, told without goods. `released`: a sync window or a person let it go.
    `returned_by`: the transfer that brought its cancelled goods back and was booked like any other; `paired`: it or
    the one that will is found or waited for. `booked`: the goods as they were booked.
    """

    action_id: str
    kind: ActionKind
    at: datetime
    goods: tuple[Goods, ...]
    remaining: Choice | None
    told_at: int
    observed_at: datetime
    released: bool = False
    paired: bool = False
    returned_by: str = ""
    booked: tuple[Goods, ...] | None = None
    verdict: Verdict | None = None
    changed_to: tuple[Goods, ...] | None = None


class TransferState(msgspec.Struct, frozen=True, kw_only=True, tag="transfer"):
    """All that is known of one object of GetTransfer.

    `source_*` is also the only outlet of a correction. `return_of`: the transfer whose cancelled goods this one brings
    back, by the stock action `return_of_action`, started by the fact at `return_started_by`; they are booked there.
    `offered`: its start was compared with them. `asked`: what was planned, `refused`: what of it Jurnal refused,
    `lacks`: by such a one, the commands whose products Jurnal has not, `anew_at`: the position at which such was
    planned anew last. `skipped_records`: by record, who has seen to it and why. `status` as it was observed last.
    `shown_pending`: what the list shows of it while no goods of it have moved.
    """

    stream_id: str
    transfer_id: str
    number: str = ""
    status: str = ""
    status_at: datetime | None = None
    created_at: datetime | None = None
    route: Route = "outlets"
    type_told: str = ""
    reference: str = ""
    source_id: str = ""
    source_name: str = ""
    destination_id: str = ""
    destination_name: str = ""
    actions: dict[str, StockAction] = {}
    offered: bool = False
    return_of: str = ""
    return_of_action: str = ""
    return_started_by: int = 0
    asked: tuple[Asked, ...] = ()
    refused: tuple[str, ...] = ()
    lacks: dict[str, tuple[str, ...]] = {}
    anew_at: int = 0
    skipped_records: dict[str, str] = {}
    shown_pending: str = ""

    def in_order(self) -> list[StockAction]:
        """Return the actions as they happened; a start always comes before what is decided on its goods."""
        return sorted(self.actions.values(), key=lambda action: (action.kind != "start", action.at, action.action_id))

    def moves(self) -> list[StockAction]:
        """Return the actions that move goods of this transfer, as they happened."""
        return [action for action in self.in_order() if action.kind in ("start", "decision")]

    def with_action(self, action: StockAction) -> "TransferState":
        """Return the same with one action replaced or added."""
        return msgspec.structs.replace(self, actions={**self.actions, action.action_id: action})

    def needs(self) -> tuple[str, ...]:
        """Return every setting that an action waits for, each once."""
        found = {need for action in self.actions.values() if action.verdict for need in action.verdict.needs}
        return tuple(sorted(found))


def evolve_transfer(state: TransferState | None, report: TransferReport, fact: Fact) -> TransferState:
    """Take in one report. An action without id, date or outlet says nothing; an older telling changes nothing."""
    known = state or TransferState(stream_id=fact.stream_id, transfer_id=report.transfer_id)
    route, told = _route(report)
    known = msgspec.structs.replace(
        known,
        route=route,
        type_told=told,
        number=report.transfer_number or known.number or report.transfer_id,
        reference=report.reference_transfer_id or known.reference,
        source_id=report.outlet_id or known.source_id,
        source_name=report.outlet_name or known.source_name,
        destination_id=report.destination_outlet_id or known.destination_id,
        destination_name=report.destination_outlet_name or known.destination_name,
        created_at=read_utc(report.created_date) if report.created_date else known.created_at,
    )
    if report.status and (known.status_at is None or fact.observed_at >= known.status_at):
        known = msgspec.structs.replace(known, status=report.status, status_at=fact.observed_at)
    for reported in report.inventory_adjustments or ():
        action = _action(reported, route, fact)
        if action is not None:
            known = known.with_action(_retold(known.actions.get(action.action_id), action))
    return known


def goods_told(state: TransferState) -> dict[str, tuple[Goods, ...]]:
    """Return the goods of each action, those of "all remaining" worked out from what was told to happen before."""
    remaining: dict[str, Decimal] = {}
    goods: dict[str, tuple[Goods, ...]] = {}
    for action in state.in_order():
        told = action.goods
        if action.kind == "start":
            for sent in told:
                remaining[sent.sku] = remaining.get(sent.sku, _ZERO) + sent.quantity
        elif action.kind == "decision":
            if action.remaining is not None:
                told = tuple(_chosen(action.remaining, sku, left) for sku, left in remaining.items() if left > 0)
            for decided in told:
                remaining[decided.sku] = remaining.get(decided.sku, _ZERO) - decided.decided
        goods[action.action_id] = told
    return goods


def _retold(known: StockAction | None, told: StockAction) -> StockAction:
    if known is None:
        return told
    if told.observed_at < known.observed_at:
        return known
    return msgspec.structs.replace(
        known, at=told.at, goods=told.goods, remaining=told.remaining, observed_at=told.observed_at
    )


def _route(report: TransferReport) -> tuple[Route, str]:
    type_, out_type = (report.type or "Out").lower(), (report.out_type or "To Outlet").lower()
    told = f"{report.type or ''} {report.out_type or ''}".strip()
    if type_ == "in":
        return "from_supplier", told
    if type_ in ("adjustment", "opname"):
        return "correction", told
    routes: dict[tuple[str, str], Route] = {("out", "to outlet"): "outlets", ("out", "return supplier"): "to_supplier"}
    return routes.get((type_, out_type), "unknown"), told


def _action(reported: InventoryAdjustment, route: Route, fact: Fact) -> StockAction | None:
    name = (reported.action or "").lower()
    kind = _KINDS.get(name)
    if kind is None or reported.inventory_adjustment_id is None or reported.date is None:
        return None
    remaining = _CHOICES.get(name) if not reported.items else None
    if not reported.items and remaining is None:
        return None
    return StockAction(
        action_id=reported.inventory_adjustment_id,
        kind=kind,
        at=read_utc(reported.date),
        goods=_summed(_goods(line, name, priced=route == "from_supplier") for line in reported.items or ()),
        remaining=remaining,
        told_at=fact.position,
        observed_at=fact.observed_at,
    )


def _goods(line: TransferLine, action: str, *, priced: bool) -> Goods:
    sku, told = (line.sku or "").strip(), line.quantity or _ZERO
    price = line.buying_price if priced else None
    match action:
        case "opname":
            counted = (line.counted_quantity or _ZERO) - (line.system_quantity or _ZERO)
            return Goods(sku, line.difference if line.difference is not None else counted)
        case "accept":
            accepted = line.accepted_quantity or _ZERO
            return Goods(sku, accepted, line.cancelled_quantity or _ZERO, line.rejected_quantity or _ZERO, price)
        case "cancel":
            return Goods(sku, _ZERO, cancelled=line.cancelled_quantity or told)
        case "reject":
            return Goods(sku, _ZERO, rejected=line.rejected_quantity or told)
        case _:
            return Goods(sku, told, price=price)


def _summed(lines: Iterable[Goods]) -> tuple[Goods, ...]:
    """Make one of several lines of one SKU and price."""
    sums: dict[tuple[str, Decimal | None], Goods] = {}
    for line in lines:
        known = sums.get((line.sku, line.price), Goods(line.sku, _ZERO, price=line.price))
        sums[line.sku, line.price] = msgspec.structs.replace(
            known,
            quantity=known.quantity + line.quantity,
            cancelled=known.cancelled + line.cancelled,
            rejected=known.rejected + line.rejected,
        )
    return tuple(sums.values())


def _chosen(choice: Choice, sku: str, quantity: Decimal) -> Goods:
    match choice:
        case "accept":
            return Goods(sku, quantity)
        case "cancel":
            return Goods(sku, _ZERO, cancelled=quantity)
        case "reject":
            return Goods(sku, _ZERO, rejected=quantity)
