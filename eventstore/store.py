"""Reading ledgers: heads, ranges and streams. Readers assert that positions follow each other without a gap."""

from collections.abc import Iterable

import asyncpg

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
        check_place(position)
        facts = _facts(await self._pool.fetch(_AFTER, store_id, position, facts_max))
        for offset, fact in enumerate(facts, start=1):
            if fact.position != position + offset:
                raise LedgerGap(store_id=store_id, expected=position + offset, found=fact.position)
        return facts

    async def read_stream(
        self, store_id: str, stream_id: str, *, after_version: int = 0, facts_max: int = 1000
    ) -> list[Fact]:
        """Return up to `facts_max` facts of one stream after `after_version`, oldest first."""
        check_place(after_version, VERSION_MAX)
        return _facts(await self._pool.fetch(_STREAM, store_id, stream_id, after_version, facts_max))

    async def read_stream_between(self, store_id: str, stream_id: str, first: int, before: int) -> list[Fact]:
        """Return the facts of one stream from position `first` up to, not including, position `before`."""
        check_place(first)
        check_place(before)
        return _facts(await self._pool.fetch(_STREAM_BETWEEN, store_id, stream_id, first, before))

    async def read_stream_end(self, store_id: str, stream_id: str, *, facts_max: int = 1) -> list[Fact]:
        """Return the last `facts_max` facts of one stream, newest first."""
        return _facts(await self._pool.fetch(_STREAM_END, store_id, stream_id, facts_max))

    async def read_one(self, store_id: str, position: int) -> Fact | None:
        """Return the fact at `position`, or None beyond the end."""
        check_place(position)
        record = await self._pool.fetchrow(_ONE, store_id, position)
        return None if record is None else Fact(**record)


def check_place(place: int, place_max: int = POSITION_MAX) -> None:
    """Raise `PositionOutOfRange` for what can be no position or version: the driver would call it a lost connection."""
    if not 0 <= place <= place_max:
        raise PositionOutOfRange(place, place_max)


async def read_head(connection: Connection | Pool, store_id: str) -> Head:
    """Return the ledger's end as the database knows it. Raises `LedgerNotFound`."""
    record = await connection.fetchrow(_HEAD, store_id)
    if record is None:
        raise LedgerNotFound(store_id)
    return Head(record["position"], record["hash"], record["recorded_at"])


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
