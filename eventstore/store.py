"""Reading ledgers: heads, ranges and streams. Readers assert that positions follow each other without a gap."""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import asyncpg

from eventstore.archive_files import Archive, ArchiveFiles
from eventstore.chain import GENESIS
from eventstore.connection import Connection, Pool
from eventstore.errors import LedgerGap, LedgerNotFound, PositionOutOfRange, StoreNameRefused
from eventstore.event import Fact, Head
from eventstore.statements import statement
from eventstore.storable import may_be_a_store

# A page behind the last position must still be a number that Postgres can count.
POSITION_MAX = 2**62
VERSION_MAX = 2**31 - 1
_OPEN = statement(__package__, "open_ledger")
_HEAD = statement(__package__, "read_head")
_AFTER = statement(__package__, "read_after")
_STREAM = statement(__package__, "read_stream")
_STREAM_BETWEEN = statement(__package__, "read_stream_between")
_STREAM_END = statement(__package__, "read_stream_end")
_ONE = statement(__package__, "read_one")
_HASH = statement(__package__, "read_hash")
_RECOMPUTE = statement(__package__, "recompute_range")
_BEYOND_HEAD = statement(__package__, "fact_beyond_head")
_ARCHIVES = statement(__package__, "read_archives")
_ARCHIVE_AT = statement(__package__, "archive_at")
_ARCHIVED_OF_STREAM = statement(__package__, "archived_of_stream")
_ARCHIVED_STREAM_END = statement(__package__, "archived_stream_end")
_FIRST_POSITION = statement(__package__, "first_position")
_LOGIN_MAY_CHANGE = statement(__package__, "login_may_change_facts")
_STORES = statement(__package__, "list_stores")


def _facts(records: Iterable[asyncpg.Record]) -> list[Fact]:
    return [Fact(**record) for record in records]


class LedgerReader:
    """Reads ledgers through a pool; safe to share between tasks.

    What was archived is read from its files in `archive_folder`; without it such a read raises `HistoryError`.
    """

    def __init__(self, pool: Pool, archive_folder: Path | None = None) -> None:
        self._pool = pool
        self._files = ArchiveFiles(archive_folder)

    async def stores(self) -> list[str]:
        """Return every store that has a ledger, sorted."""
        return [record["store_id"] for record in await self._pool.fetch(_STORES)]

    async def head(self, store_id: str) -> Head:
        """Return the ledger's end. Raises `LedgerNotFound`."""
        return await read_head(self._pool, store_id)

    async def archives(self, store_id: str) -> list[Archive]:
        """Return the ledger's archives in their order."""
        return [Archive(**record) for record in await self._pool.fetch(_ARCHIVES, store_id)]

    async def verify_archive(self, archive: Archive) -> None:
        """Recompute all of an archive's file. Raises `HistoryError`."""
        await asyncio.to_thread(self._files.verify, archive)

    async def first_position(self, store_id: str) -> int | None:
        """Return the first position that stands in the table, not only in an archive."""
        position = await self._pool.fetchval(_FIRST_POSITION, store_id)
        assert position is None or isinstance(position, int)
        return position

    async def read_after(self, store_id: str, position: int, facts_max: int) -> list[Fact]:
        """Return up to `facts_max` facts after `position`, in order. Raises `LedgerGap` where one is missing."""
        check_place(position)
        facts = _facts(await self._pool.fetch(_AFTER, store_id, position, facts_max))
        if not facts or facts[0].position != position + 1:
            archived = await self._archived_after(store_id, position, facts_max)
            if archived:
                left = facts_max - len(archived)
                return archived + (await self.read_after(store_id, archived[-1].position, left) if left else [])
        for offset, fact in enumerate(facts, start=1):
            if fact.position != position + offset:
                raise LedgerGap(store_id=store_id, expected=position + offset, found=fact.position)
        return facts

    async def read_stream(
        self, store_id: str, stream_id: str, *, after_version: int = 0, facts_max: int = 1000
    ) -> list[Fact]:
        """Return up to `facts_max` facts of one stream after `after_version`, oldest first."""
        check_place(after_version, VERSION_MAX)
        facts = _facts(await self._pool.fetch(_STREAM, store_id, stream_id, after_version, facts_max))
        if facts and facts[0].stream_version == after_version + 1:
            return facts
        archived = await self._archived(store_id, facts, _ARCHIVED_OF_STREAM, stream_id, after_version, facts_max)
        return [*archived, *facts][:facts_max]

    async def read_stream_between(self, store_id: str, stream_id: str, first: int, before: int) -> list[Fact]:
        """Return the facts of one stream from position `first` up to, not including, position `before`."""
        check_place(first)
        check_place(before)
        facts = _facts(await self._pool.fetch(_STREAM_BETWEEN, store_id, stream_id, first, before))
        if facts and facts[0].stream_version == 1:
            return facts
        archived = await self._archived(store_id, facts, _ARCHIVED_OF_STREAM, stream_id, 0, None)
        return [*(fact for fact in archived if first <= fact.position < before), *facts]

    async def read_stream_end(self, store_id: str, stream_id: str, *, facts_max: int = 1) -> list[Fact]:
        """Return the last `facts_max` facts of one stream, newest first."""
        facts = _facts(await self._pool.fetch(_STREAM_END, store_id, stream_id, facts_max))
        if len(facts) == facts_max or (facts and facts[-1].stream_version == 1):
            return facts
        archived = await self._archived(store_id, facts, _ARCHIVED_STREAM_END, stream_id, facts_max)
        return [*facts, *archived][:facts_max]

    async def read_one(self, store_id: str, position: int) -> Fact | None:
        """Return the fact at `position`, or None beyond the end."""
        check_place(position)
        record = await self._pool.fetchrow(_ONE, store_id, position)
        if record is not None:
            return Fact(**record)
        return next(iter(await self._archived_after(store_id, position - 1, 1)), None)

    async def read_hash(self, store_id: str, position: int) -> bytes | None:
        """Return the chain's hash at `position`, or None beyond the end."""
        check_place(position)
        found = await self._pool.fetchval(_HASH, store_id, position)
        if found is None:
            fact = next(iter(await self._archived_after(store_id, position - 1, 1)), None)
            return None if fact is None else fact.hash
        assert isinstance(found, bytes)
        return found

    async def position_at(self, store_id: str, at: datetime) -> int:
        """Return the last position recorded before `at`, 0 if none was.

        Recorded times never go back in a ledger, so halving finds it without an index. Raises `LedgerNotFound`.
        """
        before, behind = 0, (await self.head(store_id)).position + 1
        while behind - before > 1:
            middle = (before + behind) // 2
            fact = await self.read_one(store_id, middle)
            if fact is None:
                raise LedgerGap(store_id=store_id, expected=middle, found=middle + 1)
            if fact.recorded_at < at:
                before = middle
            else:
                behind = middle
        return before

    async def _archived_after(self, store_id: str, position: int, facts_max: int) -> list[Fact]:
        """Return archived facts after `position`, or none if the next one was not archived."""
        record = await self._pool.fetchrow(_ARCHIVE_AT, store_id, position + 1)
        if record is None:
            return []
        return await asyncio.to_thread(self._files.read_after, Archive(**record), position, facts_max)

    async def _archived(self, store_id: str, known: list[Fact], sql: str, *arguments: str | int | None) -> list[Fact]:
        """Return the archived facts whose positions `sql` tells, in its order, without those that are `known`."""
        positions = [record["position"] for record in await self._pool.fetch(sql, store_id, *arguments)]
        seen = {fact.position for fact in known}
        facts = [await self.read_one(store_id, position) for position in positions if position not in seen]
        assert None not in facts, "what has an archived key stands in the table or in an archive"
        return [fact for fact in facts if fact is not None]

    async def recompute_range(
        self, store_id: str, first: int, last: int, before: bytes | None
    ) -> tuple[int, int | None]:
        """Let Postgres recompute the chain from `first` to `last`: how many facts stand there, and the first break.

        `before` is the hash in front of `first`; None takes the one that is stored there.
        """
        record = await self._pool.fetchrow(_RECOMPUTE, store_id, first, last, before)
        assert record is not None
        return record["facts"], record["first_break"]

    async def beyond_head(self, store_id: str) -> int | None:
        """Return the first position behind the head where a fact stands, or None, as it must be."""
        position = await self._pool.fetchval(_BEYOND_HEAD, store_id)
        assert position is None or isinstance(position, int)
        return position


def check_place(place: int, place_max: int = POSITION_MAX) -> None:
    """Raise `PositionOutOfRange` for what can be no position or version: the driver would call it a lost connection."""
    if not 0 <= place <= place_max:
        raise PositionOutOfRange(place, place_max)


async def read_head(connection: Connection | Pool, store_id: str) -> Head:
    """Return the ledger's end as the database knows it. Raises `LedgerNotFound`."""
    record = await connection.fetchrow(_HEAD, store_id)
    if record is None:
        raise LedgerNotFound(store_id)
    return Head(*record)


async def open_ledger(connection: Connection | Pool, store_id: str, *, recorded_at: object) -> None:
    """Make an empty ledger for `store_id`; harmless if it is there already. Raises `StoreNameRefused`."""
    if not may_be_a_store(store_id):
        raise StoreNameRefused(store_id)
    await connection.execute(_OPEN, store_id, GENESIS, recorded_at)


async def login_may_change_facts(pool: Pool) -> bool:
    """Tell whether the login behind the role could lay the role down and change facts, as an owner or superuser can."""
    may = await pool.fetchval(_LOGIN_MAY_CHANGE)
    assert isinstance(may, bool)
    return may
