"""Which transfer is the one that iSeller made by itself when goods of another were cancelled.

How iSeller links the two is unknown. The rule (inferred): the return goes the opposite way with exactly the cancelled
goods. If it names a transfer, it is the return of that one; if it names none, of the cancellation nearest in time. Each
cancellation has one return, each return one cancellation, whichever is reported first. Where several are equal in
direction and goods it does not matter which is taken for which: once all have arrived, the stock is the same.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

import msgspec

from projections.changes.transfers import Goods, TransferState, goods_told

# A transfer that names none may have started so long before a cancellation and still stand in for its return: reports
# come in any order, and a tight bound would leave one of two equal pairs unmatched and its goods counted twice.
_EARLIER_MAX = timedelta(days=7)
# Waited-for returns and unmatched transfers that are kept for one direction, oldest dropped first.
_KEPT_MAX = 64

Quantities = tuple[tuple[str, Decimal], ...]


class Cancelled(msgspec.Struct, frozen=True, kw_only=True):
    """Goods of a transfer that were sent back; their return is waited for. `started_by`: position of its start."""

    transfer_id: str
    action_id: str
    started_by: int
    number: str
    at: datetime
    goods: Quantities


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """A transfer that was taken for one like any other, because nothing cancelled fitted it yet."""

    number: str
    reference: str
    at: datetime
    goods: Quantities


class Returns(msgspec.Struct, frozen=True, kw_only=True, tag="returns"):
    """What is known of transfers in one direction: returns waited for, and transfers that may turn out to be one."""

    waited_for: tuple[Cancelled, ...] = ()
    unmatched: tuple[Started, ...] = ()


def returns_key(from_outlet_id: str, to_outlet_id: str) -> str:
    """Return the key of the state about one direction; no outlet stands for the supplier."""
    return f"returns/{from_outlet_id}/{to_outlet_id}"


def pair_returns(state: TransferState, forth: Returns, back: Returns) -> tuple[TransferState, Returns, Returns]:
    """Take a transfer's start and its cancellations into what is known of its own and of the opposite direction."""
    told = goods_told(state)
    for action in state.in_order():
        if action.kind == "start" and not state.offered and state.route in ("outlets", "to_supplier"):
            started = Started(
                number=state.number,
                reference=state.reference,
                at=action.at,
                goods=_quantities(told[action.action_id], "quantity"),
            )
            state, forth = _offered(state, started, forth)
        cancelled = _quantities(told[action.action_id], "cancelled")
        if action.kind == "decision" and cancelled and not action.paired:
            waits = Cancelled(
                transfer_id=state.transfer_id,
                action_id=action.action_id,
                started_by=min(
                    (each.told_at for each in state.moves() if each.kind == "start"), default=action.told_at
                ),
                number=state.number,
                at=action.at,
                goods=cancelled,
            )
            fitting = (started for started in back.unmatched if _fit(waits, started))
            found = min(fitting, key=partial(_distance, waits), default=None)
            if found is None:
                kept = (*back.waited_for, waits)[-_KEPT_MAX:]
                back = msgspec.structs.replace(back, waited_for=kept)
            else:
                rest = tuple(started for started in back.unmatched if started is not found)
                back = msgspec.structs.replace(back, unmatched=rest)
            state = state.with_action(
                msgspec.structs.replace(action, paired=True, returned_by=found.number if found else "")
            )
    return state, forth, back


def _offered(state: TransferState, started: Started, forth: Returns) -> tuple[TransferState, Returns]:
    fitting = (cancelled for cancelled in forth.waited_for if _fit(cancelled, started))
    found = min(fitting, key=lambda cancelled: _distance(cancelled, started), default=None)
    if found is not None:
        rest = tuple(cancelled for cancelled in forth.waited_for if cancelled is not found)
        state = msgspec.structs.replace(state, offered=True, return_of=found.number, return_of_action=found.action_id)
        state = msgspec.structs.replace(state, return_started_by=found.started_by)
        return state, msgspec.structs.replace(forth, waited_for=rest)
    state = msgspec.structs.replace(state, offered=True)
    return state, msgspec.structs.replace(forth, unmatched=(*forth.unmatched, started)[-_KEPT_MAX:])


def _fit(cancelled: Cancelled, started: Started) -> bool:
    if cancelled.goods != started.goods:
        return False
    if started.reference:
        return started.reference == cancelled.transfer_id
    return started.at >= cancelled.at - _EARLIER_MAX


def _distance(cancelled: Cancelled, started: Started) -> timedelta:
    return abs(started.at - cancelled.at)


def _quantities(goods: tuple[Goods, ...], field: str) -> Quantities:
    amounts: dict[str, Decimal] = {}
    for line in goods:
        amounts[line.sku] = amounts.get(line.sku, Decimal(0)) + getattr(line, field)
    return tuple(sorted((sku, amount) for sku, amount in amounts.items() if amount))
