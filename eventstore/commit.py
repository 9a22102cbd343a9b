"""Writing a batch the careful way: read what is known, decide, write, in one transaction; again until it is in."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import asyncpg
import msgspec

from eventstore.batch import Decided, decide_batch
from eventstore.clock import Clock
from eventstore.connection import CONNECTION_ERRORS, Connection, Pool
from eventstore.errors import LedgerNotFound
from eventstore.event import Head, NewFact
from eventstore.statements import statement
from eventstore.store import read_head

_APPEND = statement(__package__, "append_batch")
_APPEND_BEHIND_ARCHIVE = statement(__package__, "append_behind_archive")
_LOCK_HEAD = statement(__package__, "lock_head")
_KNOWN_SOURCES = statement(__package__, "known_sources")
_STREAM_VERSIONS = statement(__package__, "stream_versions")


class CommitLimits(msgspec.Struct, frozen=True):
    """How patient a batch is with others and with a database that is away."""

    foreign_misses_before_lock: int = 2
    reconnect_wait_seconds: float = 0.2
    reconnect_attempts_max: int = 50


class Committed(msgspec.Struct, frozen=True):
    """What a batch came to, and where the ledger ends with it."""

    decided: Decided
    head: Head


def is_connection_loss(error: BaseException) -> bool:
    """Tell a lost connection from the driver's word for a value that does not fit its column."""
    return isinstance(error, CONNECTION_ERRORS) and not isinstance(error, ValueError)


async def commit_carefully(
    pool: Pool, clock: Clock, store_id: str, facts: Sequence[NewFact], limits: CommitLimits, *, misses: int = 0
) -> Committed:
    """Write `facts`, whoever else writes and whatever connection breaks. `misses` counts heads lost to others before.

    A connection lost at the commit leaves open whether it happened: the same source ids make the repeat harmless,
    and what was written answers as a duplicate, with the position it took.
    """
    failures = 0
    while True:
        try:
            async with pool.acquire() as connection:
                lock = misses >= limits.foreign_misses_before_lock
                committed = await _try_once(connection, clock, store_id, facts, lock=lock)
        except CONNECTION_ERRORS as error:
            failures += 1
            if not is_connection_loss(error) or failures > limits.reconnect_attempts_max:
                raise
            await asyncio.sleep(limits.reconnect_wait_seconds)
            continue
        if committed is not None:
            return committed
        misses += 1


async def write_decided(connection: Connection, store_id: str, head: Head, decided: Decided) -> bool:
    """Write decided rows behind `head` in one statement, all or nothing; False if the head is elsewhere.

    Raises `asyncpg.UniqueViolationError` if a source id or a stream version was taken already.
    """
    rows = decided.rows
    status = await connection.execute(
        _APPEND_BEHIND_ARCHIVE if head.archived else _APPEND,
        store_id,
        head.position,
        head.hash,
        rows[-1].position,
        rows[-1].hash,
        decided.recorded_at,
        [row.fact.stream_id for row in rows],
        [row.stream_version for row in rows],
        [row.fact.type for row in rows],
        [row.fact.schema_version for row in rows],
        [row.fact.source_id for row in rows],
        [row.fact.observed_at for row in rows],
        [row.fact.body for row in rows],
        [row.fact.sealed for row in rows],
        [row.fact.metadata for row in rows],
        [row.hash for row in rows],
        *([head.archived] if head.archived else []),
    )
    return status == f"INSERT 0 {len(rows)}"


async def _try_once(
    connection: Connection, clock: Clock, store_id: str, facts: Sequence[NewFact], *, lock: bool
) -> Committed | None:
    """Decide and write one batch; None means that another writer moved the head first."""
    try:
        async with connection.transaction():
            head = await (_locked_head if lock else read_head)(connection, store_id)
            sources, versions = await _known(connection, store_id, facts)
            recorded_at: datetime = max(clock.now(), head.recorded_at)
            decided = decide_batch(store_id, head, recorded_at, facts, sources, versions)
            if not decided.rows:
                return Committed(decided, head)
            written = await write_decided(connection, store_id, head, decided)
    except asyncpg.UniqueViolationError:
        written = False
    assert written or not lock, "the head was locked, so nobody can have moved it"
    return Committed(decided, decided.head(head)) if written else None


async def _locked_head(connection: Connection, store_id: str) -> Head:
    record = await connection.fetchrow(_LOCK_HEAD, store_id)
    if record is None:
        raise LedgerNotFound(store_id)
    return Head(*record)


async def _known(
    connection: Connection, store_id: str, facts: Sequence[NewFact]
) -> tuple[dict[str, tuple[int, int]], dict[str, int]]:
    sources = await connection.fetch(_KNOWN_SOURCES, store_id, [fact.source_id for fact in facts])
    versions = await connection.fetch(_STREAM_VERSIONS, store_id, list({fact.stream_id for fact in facts}))
    return (
        {record["source_id"]: (record["position"], record["stream_version"]) for record in sources},
        {record["stream_id"]: record["stream_version"] or 0 for record in versions},
    )
