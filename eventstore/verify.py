"""Verifies a ledger from the first fact to the head: every hash is recomputed, and positions follow each other.

Postgres recomputes the chain, range by range; where it finds anything, the facts are read and recomputed here
(`chain.recompute_hash`), which alone decides whether the ledger is broken, and where.
"""

from collections.abc import Callable
from contextlib import aclosing

import msgspec

from eventstore.chain import GENESIS, recompute_hash
from eventstore.errors import HistoryError, LedgerGap
from eventstore.event import Fact, Head
from eventstore.in_order import in_order
from eventstore.store import LedgerReader

_RANGE_FACTS = 5_000
# Each keeps one core of the database busy.
_RANGES_AT_ONCE = 4
_PAGE_FACTS = 2_000
# Postgres knows infinite times and years before 1 or after 9999; no fact was ever appended with one.
_NO_TIME = "it holds a time outside of the years 1 to 9999, so it is not what was hashed"


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
    range_facts: int = _RANGE_FACTS,
    on_progress: Callable[[int, int], None] = lambda _position, _end: None,
) -> Whole | Broken:
    """Verify positions `first` to `last` (None: the head as it stands at the start). Raises `LedgerNotFound`.

    A range is verified against the hash that stands in front of it; only a walk from 1 proves that hash. Archives that
    the range touches are recomputed from their files; raises `HistoryError` where one is missing or was altered.
    """
    head = await reader.head(store_id)
    end = head.position if last is None else min(last, head.position)
    before = GENESIS if first == 1 else await reader.read_hash(store_id, first - 1)
    if before is None:
        return Broken(first - 1, "the fact in front of the range is missing")
    behind_archives = await _verify_archives(reader, store_id, first, end, on_progress)
    if isinstance(behind_archives, Broken):
        return behind_archives
    start, stored_before = behind_archives or (first, before)
    ranges = (
        _verify_range(reader, store_id, at, min(at + range_facts - 1, end), stored_before if at == start else None)
        for at in range(start, end + 1, range_facts)
    )
    async with aclosing(in_order(ranges, at_once=_RANGES_AT_ONCE)) as verified:
        async for reached in verified:
            if isinstance(reached, Broken):
                return reached
            on_progress(reached, end)
    return await _verify_end(reader, store_id, head, Whole(max(0, end - first + 1), before), end)


async def _verify_archives(
    reader: LedgerReader, store_id: str, first: int, end: int, on_progress: Callable[[int, int], None]
) -> tuple[int, bytes] | Broken | None:
    """Verify the archives that `first` to `end` touch; return where the table goes on and the hash in front of it.

    None if the range touches none. Raises `HistoryError` if a file is missing or was altered.
    """
    archives = await reader.archives(store_id)
    position, previous = 0, GENESIS
    for archive in archives:
        if (archive.first, archive.hash_before) != (position + 1, previous):
            return Broken(archive.first, "its archive does not continue what is in front of it")
        position, previous = archive.last, archive.hash_after
        if archive.last >= first and archive.first <= end:
            await reader.verify_archive(archive)
            on_progress(min(position, end), end)
    left = await reader.first_position(store_id)
    if left is not None and left <= position:
        raise HistoryError(
            f"positions {left} to {position} of {store_id!r} are archived, but still in the table: run "
            f"`jurnalsync archive` for the store again, it finishes what was broken off"
        )
    return (position + 1, previous) if first <= position else None


async def _verify_end(reader: LedgerReader, store_id: str, head: Head, whole: Whole, end: int) -> Whole | Broken:
    """Add the hash at the range's end to `whole`; where that is the head, the head must hold the same hash."""
    if whole.facts:
        last_hash = await reader.read_hash(store_id, end)
        if last_hash is None:
            return Broken(end, "the fact was there a moment ago and is missing now")
        whole = Whole(whole.facts, last_hash)
    if end != head.position:
        return whole
    if whole.head_hash != head.hash:
        return Broken(end, "the head's hash is not that of the last fact")
    beyond = await reader.beyond_head(store_id)
    return whole if beyond is None else Broken(beyond, "the fact stands behind the head, so nobody appended it")


async def _verify_range(
    reader: LedgerReader, store_id: str, first: int, last: int, before: bytes | None
) -> int | Broken:
    """Return `last` if positions `first` to `last` are whole behind the hash `before` (None: as it is stored)."""
    facts, first_break = await reader.recompute_range(store_id, first, last, before)
    if facts == last - first + 1 and first_break is None:
        return last
    return await _walk(reader, store_id, first, last, before) or last


async def _walk(reader: LedgerReader, store_id: str, first: int, last: int, before: bytes | None) -> Broken | None:
    """Read and recompute a range here; None if it is whole after all."""
    previous = before if before is not None else await reader.read_hash(store_id, first - 1)
    if previous is None:
        return Broken(first - 1, "the fact is missing")
    position = first - 1
    while position < last:
        facts = await _read_page(reader, store_id, position)
        if isinstance(facts, Broken):
            return facts
        for fact in facts:
            if fact.recorded_at.tzinfo is None or fact.observed_at.tzinfo is None:
                return Broken(fact.position, _NO_TIME)
            if fact.hash != recompute_hash(previous, fact):
                return Broken(fact.position, "its contents or its predecessor are not what was hashed")
            position, previous = fact.position, fact.hash
    return None


async def _read_page(reader: LedgerReader, store_id: str, position: int) -> list[Fact] | Broken:
    """Read facts after `position`, one at least."""
    try:
        facts = await reader.read_after(store_id, position, _PAGE_FACTS)
    except LedgerGap as gap:
        return Broken(gap.expected, f"the fact is missing; the next one there is {gap.found}")
    except OverflowError:
        try:
            facts = await reader.read_after(store_id, position, 1)  # alone, it shows its position
        except OverflowError:
            return Broken(position + 1, _NO_TIME)
    if facts:
        return facts
    head = await reader.head(store_id)
    return Broken(position + 1, f"the ledger ends here, but its head stands at {head.position}")
