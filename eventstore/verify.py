"""Walks a ledger from the first fact to the head and recomputes every hash."""

from collections.abc import Callable

import msgspec

from eventstore.chain import GENESIS, recompute_hash
from eventstore.errors import LedgerGap
from eventstore.store import LedgerReader

_PAGE_FACTS = 2_000


class Whole(msgspec.Struct, frozen=True):
    """Every hash holds, positions run 1..n, and the head is the last of them."""

    facts: int
    head_hash: bytes


class Broken(msgspec.Struct, frozen=True):
    """The first position where the ledger is not what was appended, and why."""

    position: int
    reason: str


async def verify_ledger(
    reader: LedgerReader,
    store_id: str,
    *,
    first: int = 1,
    last: int | None = None,
    on_progress: Callable[[int, int], None] = lambda _position, _end: None,
) -> Whole | Broken:
    """Verify positions `first` to `last` (None: the head as it stands at the start). Raises `LedgerNotFound`.

    A range is verified against the hash that stands in front of it; only a walk from 1 proves that hash.
    """
    head = await reader.head(store_id)
    end = head.position if last is None else min(last, head.position)
    position, previous = first - 1, GENESIS
    if first > 1:
        before = await reader.read_one(store_id, first - 1)
        if before is None:
            return Broken(first - 1, "the fact in front of the range is missing")
        previous = before.hash
    while position < end:
        try:
            facts = await reader.read_after(store_id, position, min(_PAGE_FACTS, end - position))
        except LedgerGap as gap:
            return Broken(gap.expected, f"the fact is missing; the next one there is {gap.found}")
        if not facts:
            return Broken(position + 1, f"the ledger ends here, but its head stands at {head.position}")
        for fact in facts:
            if fact.hash != recompute_hash(previous, fact):
                return Broken(fact.position, "its contents or its predecessor are not what was hashed")
            position, previous = fact.position, fact.hash
        on_progress(position, end)
    if position == head.position and previous != head.hash:
        return Broken(head.position, "the head's hash is not that of the last fact")
    return Whole(max(0, end - first + 1), previous)
