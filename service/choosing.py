"""Which call comes next: of all that may go now, which documents go in it together. Pure.

A group that is full goes before one that is not, an older one before a younger. A fresh sale on an idle system goes at
once and by itself; what piles up goes a hundred at a time. Where calls are short, what is not full waits for more.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from projections.jurnal_commands.queue import Send
from service.jurnal.batching import BATCHED, ROWS_MAX
from service.jurnal.pace import Purpose


class BatchLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How many documents go in one call at most, and how long the first of them waits for others where calls are short.

    `rows_max` 1: every document goes by itself.
    """

    rows_max: int = ROWS_MAX
    wait_seconds: float = 60


class Waiting(msgspec.Struct, frozen=True):
    """A command that may go now, and what its call would be for."""

    send: Send
    purpose: Purpose


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """One call's documents, of one kind and purpose, the oldest first. `is_full`: more may not or need not join."""

    sends: tuple[Send, ...]
    purpose: Purpose
    is_full: bool


class Saving(msgspec.Struct, frozen=True):
    """Nothing goes before `until`, unless a group fills up: calls are short."""

    until: datetime


def may_join(send: Send) -> bool:
    """Tell whether a command may go together with others of its kind."""
    return send.kind in BATCHED and not send.alone


def choose(
    waiting: Iterable[Waiting], stores: Sequence[str], limits: BatchLimits, now: datetime, *, is_short: bool
) -> Chosen | Saving | None:
    """Return the next call; None: nothing may go. `stores`: whose turn it is first; `waiting`: oldest first by store.

    Full groups go in the turn of the stores that have a part in them, so that a busy store starves none.
    """
    groups = _groups(waiting, stores, limits, now)
    full = [group for group in groups if group.is_full]
    if full:
        return min(full, key=lambda group: (_turn(group, stores), _due_at(group)))
    if not groups:
        return None
    if is_short:
        return Saving(min(map(_due_at, groups)) + timedelta(seconds=limits.wait_seconds))
    return min(groups, key=_due_at)


def _groups(waiting: Iterable[Waiting], stores: Sequence[str], limits: BatchLimits, now: datetime) -> list[Chosen]:
    by_store: dict[tuple[str, Purpose], dict[str, list[Send]]] = {}
    groups = []
    for each in waiting:
        if limits.rows_max > 1 and may_join(each.send):
            queues = by_store.setdefault((each.send.kind, each.purpose), {store_id: [] for store_id in stores})
            queues[each.send.store_id].append(each.send)
        else:
            groups.append(Chosen(sends=(each.send,), purpose=each.purpose, is_full=True))
    waited = now - timedelta(seconds=limits.wait_seconds)
    for (_, purpose), queues in by_store.items():
        sends = _in_turn(list(queues.values()), limits.rows_max)
        is_full = len(sends) == limits.rows_max or min(send.due_at for send in sends) <= waited
        groups.append(Chosen(sends=sends, purpose=purpose, is_full=is_full))
    return groups


def _in_turn(queues: Sequence[Sequence[Send]], rows_max: int) -> tuple[Send, ...]:
    """Take one of each store in turn, until there are enough."""
    rounds = max(map(len, queues), default=0)
    taken = (queue[place] for place in range(rounds) for queue in queues if place < len(queue))
    return tuple(send for send, _ in zip(taken, range(rows_max), strict=False))


def _turn(group: Chosen, stores: Sequence[str]) -> int:
    return min(stores.index(send.store_id) for send in group.sends)


def _due_at(group: Chosen) -> datetime:
    return min(send.due_at for send in group.sends)
