"""Reading ledgers: heads, ranges and streams. Readers assert that positions follow each other without a gap."""

from collections.abc import Iterable
from datetime import datetime

import asyncpg

from eventstore.chain import GENESIS
from eventstore.connection import Connection, Pool
from eventstore.errors import LedgerGap, LedgerNotFound
from eventstore.event import Fact, Head
from eventstore.statements import statement

_OPEN = statement(__package__, "open_ledger")
_HEAD = statement(__package__, "read_head")
_AFTER = statement(__package__, "read_after")
_STREAM = statement(__package__, "read_stream")
_STREAM_BETWEEN = statement(__package__, "read_stream_between")
_STREAM_END = statement(__package__, "read_stream_end")
_ONE = statement(__package__, "read_one")
_HASH = statement(__package__, "read_hash")
_RECORDED_AT = statement(__package__, "read_recorded_at")
_RECOMPUTE = statement(__package__, "recompute_range")
_BEYOND_HEAD = statement(__package__, "fact_beyond_head")
_LOGIN_MAY_CHANGE = statement(__package__, "login_may_change_facts")
_STORES = statement(__package__, "list_stores")


def _facts(records: Iterable[asyncpg.Record]) -> list[Fact]:
    return [Fact(**record) for record in records]


class LedgerReader:
    """Reads ledgers through a pool; safe to share between tasks."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def stores(self) -> list[str]:
        """Return every store that has a ledger, sorted."""
        return [record["store_id"] for record in await self._pool.fetch(_STORES)]

    async def head(self, store_id: str) -> Head:
        """Return the ledger's end. Raises `LedgerNotFound`."""
        return await read_head(self._pool, store_id)

    async def read_after(self, store_id: str, position: int, facts_max: int) -> list[Fact]:
        """Return up to `facts_max` facts after `position`, in order. Raises `LedgerGap` where one is missing."""
        facts = _facts(await self._pool.fetch(_AFTER, store_id, position, facts_max))
        for offset, fact in enumerate(facts, start=1):
            if fact.position != position + offset:
                raise LedgerGap(store_id=store_id, expected=position + offset, found=fact.position)
        return facts

    async def read_stream(
        self, store_id: str, stream_id: str, *, after_version: int = 0, facts_max: int = 1000
    ) -> list[Fact]:
        """Return up to `facts_max` facts of one stream after `after_version`, oldest first."""
        return _facts(await self._pool.fetch(_STREAM, store_id, stream_id, after_version, facts_max))

    async def read_stream_between(self, store_id: str, stream_id: str, first: int, before: int) -> list[Fact]:
        """Return the facts of one stream from position `first` up to, not including, position `before`."""
        return _facts(await self._pool.fetch(_STREAM_BETWEEN, store_id, stream_id, first, before))

    async def read_stream_end(self, store_id: str, stream_id: str, *, facts_max: int = 1) -> list[Fact]:
        """Return the last `facts_max` facts of one stream, newest first."""
        return _facts(await self._pool.fetch(_STREAM_END, store_id, stream_id, facts_max))

    async def read_one(self, store_id: str, position: int) -> Fact | None:
        """Return the fact at `position`, or None beyond the end."""
        record = await self._pool.fetchrow(_ONE, store_id, position)
        return None if record is None else Fact(**record)

    async def read_hash(self, store_id: str, position: int) -> bytes | None:
        """Return the chain's hash at `position`, or None beyond the end."""
        found = await self._pool.fetchval(_HASH, store_id, position)
        assert found is None or isinstance(found, bytes)
        return found

    async def position_at(self, store_id: str, at: datetime) -> int:
        """Return the last position recorded before `at`, 0 if none was.

        Recorded times never go back in a ledger, so halving finds it without an index. Raises `LedgerNotFound`.
        """
        before, behind = 0, (await self.head(store_id)).position + 1
        while behind - before > 1:
            middle = (before + behind) // 2
            if await self._recorded_at(store_id, middle) < at:
                before = middle
            else:
                behind = middle
        return before

    async def _recorded_at(self, store_id: str, position: int) -> datetime:
        recorded_at = await self._pool.fetchval(_RECORDED_AT, store_id, position)
        if recorded_at is None:
            raise LedgerGap(store_id=store_id, expected=position, found=position + 1)
        assert isinstance(recorded_at, datetime)
        return recorded_at

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


async def read_head(connection: Connection | Pool, store_id: str) -> Head:
    """Return the ledger's end as the database knows it. Raises `LedgerNotFound`."""
    record = await connection.fetchrow(_HEAD, store_id)
    if record is None:
        raise LedgerNotFound(store_id)
    return Head(record["position"], record["hash"], record["recorded_at"])


async def open_ledger(connection: Connection | Pool, store_id: str, *, recorded_at: object) -> None:
    """Make an empty ledger for `store_id`; harmless if it is there already."""
    await connection.execute(_OPEN, store_id, GENESIS, recorded_at)


async def login_may_change_facts(pool: Pool) -> bool:
    """Tell whether the login behind the role could lay the role down and change facts, as an owner or superuser can."""
    may = await pool.fetchval(_LOGIN_MAY_CHANGE)
    assert isinstance(may, bool)
    return may
