"""A plain event store that is right, and what is left of it with one thing broken: the checker's own test.

One transaction an append. Unbroken it locks the head row, so positions are given out in the order of commits.
"""

import asyncio
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

import asyncpg

from eventstore.connection import CONNECTION_ERRORS, Connection, Pool
from eventstore.event import Appended, AppendResult, Duplicate, Fact, NewFact, VersionConflict
from tests.ledger import NOON

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy


class Build(StrEnum):
    """The ledger itself, or which plain store."""

    LEDGER = "the ledger"
    PLAIN = "plain, nothing broken"
    SEQUENCE = "positions from a sequence"
    TRANSACTION_ORDER = "read in the order of transactions, with a checkpoint of the position only"
    EARLY_ANSWER = "acknowledged before the commit"
    BLIND_RETRY = "a retry does not look for what the first try wrote"
    BLIND_HEAD = "positions counted on from a head that is not locked"
    NEVER_QUEUES = "the head is compared at the end and never locked before"


_SCHEMA = """
CREATE SEQUENCE plain_position;
CREATE TABLE plain_head (store_id text PRIMARY KEY, position bigint NOT NULL, clock timestamptz NOT NULL);
CREATE TABLE plain_stream (store_id text, stream_id text, touched bigint NOT NULL, PRIMARY KEY (store_id, stream_id));
CREATE TABLE plain_fact (
    store_id text, position bigint, stream_id text, stream_version integer, type text, schema_version smallint,
    source_id text, observed_at timestamptz, recorded_at timestamptz, body bytea, sealed bytea, metadata bytea,
    hash bytea, transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX plain_fact_position ON plain_fact (store_id, position);
"""
_ONE_SOURCE = "CREATE UNIQUE INDEX plain_fact_source ON plain_fact (store_id, source_id)"
_ONE_VERSION = "CREATE UNIQUE INDEX plain_fact_version ON plain_fact (store_id, stream_id, stream_version)"
_OPEN = "INSERT INTO plain_head VALUES ($1, 0, $2)"
_LOCK_HEAD = "SELECT position FROM plain_head WHERE store_id = $1 FOR UPDATE"
_READ_HEAD = "SELECT position FROM plain_head WHERE store_id = $1"
_MOVE_HEAD = "UPDATE plain_head SET position = $2 WHERE store_id = $1"
_MOVE_HEAD_FROM = "UPDATE plain_head SET position = $2 WHERE store_id = $1 AND position = $3"
_TOUCH_STREAM = """
INSERT INTO plain_stream AS known VALUES ($1, $2, 1)
ON CONFLICT (store_id, stream_id) DO UPDATE SET touched = known.touched + 1
"""
_NEXT_POSITIONS = "SELECT nextval('plain_position') FROM generate_series(1, $1)"
_KNOWN_SOURCES = """
SELECT source_id, position, stream_version FROM plain_fact WHERE store_id = $1 AND source_id = ANY($2)
"""
_VERSIONS = """
SELECT stream_id, max(stream_version) FROM plain_fact WHERE store_id = $1 AND stream_id = ANY($2) GROUP BY stream_id
"""
_INSERT = "INSERT INTO plain_fact VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, '')"
_COLUMNS = """
SELECT store_id, position, stream_id, stream_version, type, schema_version, source_id, observed_at, recorded_at, body,
       sealed, metadata, hash FROM plain_fact WHERE store_id = $1 AND position > $2
"""
_READ_AFTER = _COLUMNS + " ORDER BY position LIMIT $3"
_READ_AFTER_BY_TRANSACTION = (
    _COLUMNS
    + " AND transaction_id < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY transaction_id, position LIMIT $3"
)
_COMMIT_LATE_SECONDS = 0.002


class _HeadMoved(Exception):
    """Somebody else was first."""


_REPEATED = (*CONNECTION_ERRORS, asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError, _HeadMoved)


class PlainStore:
    """Appends and reads, as far as its build lets it."""

    def __init__(self, pool: Pool, build: Build) -> None:
        self._pool = pool
        self._build = build
        self._has_sequence = build in (Build.SEQUENCE, Build.TRANSACTION_ORDER)
        self._commits: set[asyncio.Task[None]] = set()

    @staticmethod
    async def create(connection: Connection, build: Build, stores: Sequence[str]) -> None:
        """Make its tables."""
        await connection.execute(_SCHEMA)
        if build not in (Build.BLIND_RETRY, Build.BLIND_HEAD):
            await connection.execute(_ONE_SOURCE)
        if build is not Build.BLIND_HEAD:
            await connection.execute(_ONE_VERSION)
        for store_id in stores:
            await connection.execute(_OPEN, store_id, NOON)

    async def append(self, store_id: str, facts: Sequence[NewFact]) -> list[AppendResult]:
        """Append, again while a connection is lost or others were first."""
        lost = False
        while True:
            try:
                return await self._try_once(store_id, facts, blind=lost and self._build is Build.BLIND_RETRY)
            except _REPEATED as error:
                lost = lost or isinstance(error, CONNECTION_ERRORS)
                await asyncio.sleep(0.005)

    async def read_after(self, store_id: str, position: int, facts_max: int) -> list[Fact]:
        """Return facts as a follower of this build gets them."""
        by_transaction = self._build is Build.TRANSACTION_ORDER
        records = await self._pool.fetch(
            _READ_AFTER_BY_TRANSACTION if by_transaction else _READ_AFTER, store_id, position, facts_max
        )
        return [Fact(**record) for record in records]

    async def stored(self, store_id: str) -> list[Fact]:
        """Return everything in the order of positions."""
        return [Fact(**record) for record in await self._pool.fetch(_READ_AFTER, store_id, -1, 1_000_000)]

    async def _try_once(self, store_id: str, facts: Sequence[NewFact], *, blind: bool) -> list[AppendResult]:
        connection = await self._pool.acquire()
        transaction = connection.transaction()
        try:
            await transaction.start()
            results = await self._write(connection, store_id, facts, blind=blind)
            if self._build is Build.EARLY_ANSWER:
                late = asyncio.create_task(self._commit_late(connection, transaction))
                self._commits.add(late)
                late.add_done_callback(self._commits.discard)
                return results
            await transaction.commit()
        except (asyncpg.PostgresError, _HeadMoved):
            if not connection.is_closed():
                await transaction.rollback()
            await self._pool.release(connection)
            raise
        except BaseException:
            await self._pool.release(connection)
            raise
        await self._pool.release(connection)
        return results

    async def _commit_late(
        self, connection: "PoolConnectionProxy[asyncpg.Record]", transaction: asyncpg.transaction.Transaction
    ) -> None:
        try:
            await asyncio.sleep(_COMMIT_LATE_SECONDS)
            await transaction.commit()
        except CONNECTION_ERRORS:
            return  # acknowledged all the same: that is what is broken
        finally:
            await self._pool.release(connection)

    async def _write(
        self, connection: Connection, store_id: str, facts: Sequence[NewFact], *, blind: bool
    ) -> list[AppendResult]:
        places = await self._places(connection, store_id, facts)
        sources = [] if blind else [fact.source_id for fact in facts]
        known = {
            record["source_id"]: Duplicate(record["position"], record["stream_version"])
            for record in await connection.fetch(_KNOWN_SOURCES, store_id, sources)
        }
        streams = list({fact.stream_id for fact in facts})
        versions: dict[str, int] = dict(await connection.fetch(_VERSIONS, store_id, streams))  # type: ignore[arg-type]
        results: list[AppendResult] = []
        rows: list[tuple[object, ...]] = []
        for fact in facts:
            version = versions.get(fact.stream_id, 0)
            if fact.source_id in known:
                results.append(known[fact.source_id])
            elif fact.expected_version not in (None, version):
                results.append(VersionConflict(fact.expected_version or 0, version))
            else:
                position = places[len(rows)]
                versions[fact.stream_id] = version + 1
                known[fact.source_id] = Duplicate(position, version + 1)
                results.append(Appended(position, version + 1))
                rows.append((
                    store_id, position, fact.stream_id, version + 1, fact.type, fact.schema_version, fact.source_id,
                    fact.observed_at, NOON, fact.body, fact.sealed, fact.metadata,
                ))  # fmt: skip
        await connection.executemany(_INSERT, rows)
        if rows and not self._has_sequence:
            await self._move_head(connection, store_id, places[0] - 1, places[len(rows) - 1])
        return results

    async def _move_head(self, connection: Connection, store_id: str, before: int, after: int) -> None:
        if self._build is not Build.NEVER_QUEUES:
            await connection.execute(_MOVE_HEAD, store_id, after)
        elif await connection.execute(_MOVE_HEAD_FROM, store_id, after, before) != "UPDATE 1":
            raise _HeadMoved

    async def _places(self, connection: Connection, store_id: str, facts: Sequence[NewFact]) -> Sequence[int]:
        """Return the positions the facts may take."""
        if self._has_sequence:
            for stream_id in sorted({fact.stream_id for fact in facts}):
                await connection.execute(_TOUCH_STREAM, store_id, stream_id)
            return [record["nextval"] for record in await connection.fetch(_NEXT_POSITIONS, len(facts))]
        unlocked = self._build in (Build.BLIND_HEAD, Build.NEVER_QUEUES)
        head = await connection.fetchval(_READ_HEAD if unlocked else _LOCK_HEAD, store_id)
        assert isinstance(head, int)
        return range(head + 1, head + 1 + len(facts))
