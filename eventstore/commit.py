"""Writing a batch the careful way: read what is known, decide, write, in one transaction; again until it is in."""

import asyncio
from collections.abc import Sequence

import asyncpg
import msgspec

from eventstore.batch import Decided, decide_batch
from eventstore.clock import Clock
from eventstore.connection import CONNECTION_ERRORS, Connection
from eventstore.errors import LedgerBehind, LedgerNotFound
from eventstore.event import Appended, Head, NewFact
from eventstore.kept_connections import KeptConnections
from eventstore.statements import statement
from eventstore.store import read_head
from eventstore.write import why_missed, write_decided

_READ_HASH = statement(__package__, "read_hash")
_LOCK_HEAD = statement(__package__, "lock_head")
_PLAN_ANEW = statement(__package__, "plan_anew")
_TAKE_TURN_ALONE = statement(__package__, "take_turn_alone")
_KNOWN_SOURCES = statement(__package__, "known_sources")
_STREAM_VERSIONS = statement(__package__, "stream_versions")


class CommitLimits(msgspec.Struct, frozen=True):
    """How patient a batch is with others and with a database that is away."""

    foreign_misses_before_lock: int = 1
    misses_max: int = 100
    reconnect_wait_seconds: float = 0.2
    reconnect_attempts_max: int = 50


def is_connection_loss(error: BaseException) -> bool:
    """Tell a lost connection from the driver's word for a value that does not fit its column."""
    return isinstance(error, CONNECTION_ERRORS) and not isinstance(error, ValueError)


async def commit_carefully(
    connections: KeptConnections,
    clock: Clock,
    store_id: str,
    facts: Sequence[NewFact],
    limits: CommitLimits,
    *,
    misses: int = 0,
    acknowledged: Head | None = None,
) -> Decided:
    """Write `facts`, whoever else writes and whatever connection breaks. `misses` counts heads lost to others before.

    Raises `LedgerBehind`, and writes nothing, if the ledger does not hold the `acknowledged` end.

    A connection lost at the commit leaves open whether it happened: the same source ids make the repeat harmless,
    and what was written answers as a duplicate, with the position it took.
    """
    failures = 0
    while True:
        try:
            async with connections.one() as connection:
                alone = misses >= limits.foreign_misses_before_lock
                return await _try_once(connection, clock, store_id, facts, alone=alone, acknowledged=acknowledged)
        except CONNECTION_ERRORS as error:
            failures += 1
            if not is_connection_loss(error) or failures > limits.reconnect_attempts_max:
                raise
            await asyncio.sleep(limits.reconnect_wait_seconds)
        except asyncpg.PostgresError as error:
            misses += 1
            if why_missed(error) is None or misses > limits.misses_max:
                raise


async def _try_once(
    connection: Connection,
    clock: Clock,
    store_id: str,
    facts: Sequence[NewFact],
    *,
    alone: bool,
    acknowledged: Head | None,
) -> Decided:
    """Decide and write one batch; raises what `why_missed` explains if another writer was first."""
    async with connection.transaction():
        # The appender's connections keep their plans, and these questions need plans for the ledger as it is now.
        await connection.execute(_PLAN_ANEW)
        if alone:
            await connection.execute(_TAKE_TURN_ALONE, store_id)
        head = await read_head(connection, store_id)
        if acknowledged is not None and not await _holds(connection, store_id, head, acknowledged):
            # A standby that is not promoted yet may be a little late, but gives no lock: that is a reason to wait.
            head = await _locked_head(connection, store_id)
            if not await _holds(connection, store_id, head, acknowledged):
                raise LedgerBehind(store_id=store_id, acknowledged=acknowledged.position, found=head.position)
        sources, versions = await _known(connection, store_id, facts)
        recorded_at = max(clock.now(), head.recorded_at)
        decided = decide_batch(store_id, head, recorded_at, facts, sources, versions)
        if decided.facts:
            await write_decided(connection, store_id, decided, follows=False)
    return decided


async def _holds(connection: Connection, store_id: str, head: Head, acknowledged: Head) -> bool:
    """Tell whether the ledger that ends at `head` still holds what was acknowledged, and not another fact there."""
    if head.position <= acknowledged.position:
        return (head.position, head.hash) == (acknowledged.position, acknowledged.hash)
    if acknowledged.position <= head.archived:
        return True
    return bool(await connection.fetchval(_READ_HASH, store_id, acknowledged.position) == acknowledged.hash)


async def _locked_head(connection: Connection, store_id: str) -> Head:
    record = await connection.fetchrow(_LOCK_HEAD, store_id)
    if record is None:
        raise LedgerNotFound(store_id)
    return Head(*record)


async def _known(
    connection: Connection, store_id: str, facts: Sequence[NewFact]
) -> tuple[dict[str, Appended], dict[str, int]]:
    sources = await connection.fetch(_KNOWN_SOURCES, store_id, [fact.source_id for fact in facts])
    versions = await connection.fetch(_STREAM_VERSIONS, store_id, list({fact.stream_id for fact in facts}))
    return (
        {record["source_id"]: Appended(record["position"], record["stream_version"]) for record in sources},
        {record["stream_id"]: record["stream_version"] or 0 for record in versions},
    )
