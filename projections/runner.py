"""Folds a ledger into a projection: facts → states and rows → guarded cursor, in one transaction a batch.

A fact that cannot be folded stalls its stream: it and the stream's later facts wait, all others go on.
"""

from collections.abc import Sequence

import msgspec

from eventstore.connection import Connection, Pool
from eventstore.database_clock import database_now
from eventstore.errors import LeaseLost
from eventstore.event import Fact
from eventstore.facts.registry import Meaning, decode
from eventstore.statements import statement
from eventstore.store import LedgerReader
from projections.projection import Projection, Row

_CURSOR = statement(__package__, "read_cursor")
_OPEN_CURSOR = statement(__package__, "open_cursor")
_MOVE_CURSOR = statement(__package__, "move_cursor")
_STATES = statement(__package__, "read_states")
_SAVE_STATES = statement(__package__, "save_states")
_STALLED = statement(__package__, "read_stalled")
_STALL = statement(__package__, "stall_stream")
_LAG = statement(__package__, "count_lag")
_COUNT_STALLED = statement(__package__, "count_stalled")


class Stall(msgspec.Struct, frozen=True):
    """A stream that waits from `position` on, because of `error`."""

    stream_id: str
    position: int
    error: str


class Folded(msgspec.Struct, frozen=True):
    """What one step did: facts folded, the cursor after it, and streams that stalled in it."""

    facts: int
    position: int
    stalls: tuple[Stall, ...] = ()


class _Batch:
    """States and rows of one batch while it is folded in memory."""

    def __init__(self, projection: Projection, states: dict[str, msgspec.Struct], stalled: set[str]) -> None:
        self.projection = projection
        self.states = states
        self.stalled = stalled
        self.changed: set[str] = set()
        self.rows: list[Row] = []
        self.stalls: list[Stall] = []

    def take(self, fact: Fact, meaning: Meaning | Exception) -> None:
        if fact.stream_id in self.stalled:
            return
        try:
            if isinstance(meaning, Exception):
                raise meaning
            evolved = self.projection.evolve(self.states, fact, meaning)
        except Exception as error:  # noqa: BLE001 - whatever a fact brings, its neighbours must go on
            self.stalled.add(fact.stream_id)
            self.stalls.append(Stall(fact.stream_id, fact.position, f"{type(error).__name__}: {error}"[:2_000]))
            return
        self.states.update(evolved.states)
        self.changed.update(evolved.states)
        self.rows.extend(evolved.rows)


class Runner:
    """Folds any store into any projection of the catalogue, one bounded batch a step."""

    def __init__(self, pool: Pool, reader: LedgerReader) -> None:
        self._pool = pool
        self._reader = reader

    async def step(self, store_id: str, projection: Projection, *, epoch: int, facts_max: int) -> Folded:
        """Fold up to `facts_max` facts after the cursor.

        `epoch` is that of the store lease held by the caller. Raises `LeaseLost` if the cursor moved meanwhile or
        was moved under a later epoch: then nothing was written.
        """
        position = await self._position(store_id, projection.name)
        facts = await self._reader.read_after(store_id, position, facts_max)
        if not facts:
            return Folded(0, position)
        async with self._pool.acquire() as connection, connection.transaction():
            batch = await self._fold(connection, store_id, projection, facts)
            await self._save(connection, store_id, batch)
            now = await database_now(connection)
            moved = await connection.execute(
                _MOVE_CURSOR, store_id, projection.name, position, facts[-1].position, epoch, now
            )
            if moved != "UPDATE 1":
                raise LeaseLost(f"cursor of {projection.name} for {store_id} is no longer at {position}")
        return Folded(len(facts), facts[-1].position, tuple(batch.stalls))

    async def _position(self, store_id: str, name: str) -> int:
        position = await self._pool.fetchval(_CURSOR, store_id, name)
        if position is None:
            async with self._pool.acquire() as connection:
                await connection.execute(_OPEN_CURSOR, store_id, name, await database_now(connection))
            return 0
        assert isinstance(position, int)
        return position

    async def _fold(
        self, connection: Connection, store_id: str, projection: Projection, facts: Sequence[Fact]
    ) -> _Batch:
        stalled = {record["stream_id"] for record in await connection.fetch(_STALLED, store_id, projection.name)}
        read = [_read(fact) for fact in facts]
        keys: set[str] = set()
        for fact, meaning in zip(facts, read, strict=True):
            if not isinstance(meaning, Exception):
                keys.update(projection.keys(fact, meaning))
        decoder = msgspec.msgpack.Decoder(projection.state_type)
        states = {
            record["key"]: decoder.decode(record["state"])
            for record in await connection.fetch(_STATES, store_id, projection.name, sorted(keys))
        }
        batch = _Batch(projection, states, stalled)
        for fact, meaning in zip(facts, read, strict=True):
            batch.take(fact, meaning)
        return batch

    async def _save(self, connection: Connection, store_id: str, batch: _Batch) -> None:
        name = batch.projection.name
        if batch.changed:
            changed = sorted(batch.changed)
            encoded = [msgspec.msgpack.encode(batch.states[key]) for key in changed]
            await connection.execute(_SAVE_STATES, store_id, name, changed, encoded)
        for table in batch.projection.tables:
            rows = [row for row in batch.rows if type(row) is table.row]
            if rows:
                await connection.execute(table.sql, store_id, name, *table.columns(rows))
        for stall in batch.stalls:
            now = await database_now(connection)
            await connection.execute(_STALL, store_id, name, stall.stream_id, stall.position, stall.error, now)


def _read(fact: Fact) -> Meaning | Exception:
    """Return what a fact says, or why it cannot be read: then folding it stalls its stream."""
    try:
        return decode(fact)
    except Exception as error:  # noqa: BLE001 - reported when the fact is folded
        return error


async def count_lag(pool: Pool, projections: Sequence[str]) -> dict[str, int]:
    """Return how many facts each projection has still to fold, over all stores."""
    lags = {record["projection"]: int(record["facts"]) for record in await pool.fetch(_LAG, list(projections))}
    return {projection: lags.get(projection, 0) for projection in projections}


async def count_stalled(pool: Pool) -> int:
    """Return how many streams wait for a fact that cannot be folded."""
    stalled = await pool.fetchval(_COUNT_STALLED)
    assert isinstance(stalled, int)
    return stalled
