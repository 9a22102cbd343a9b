"""Folds a ledger into a projection: facts → states and rows → guarded cursor, in one transaction a batch.

A fact that cannot be folded stalls its stream: it and the stream's later facts wait, all others go on.
"""

from collections.abc import Sequence

import asyncpg
import msgspec

from eventstore.connection import CONNECTION_ERRORS, Connection, Pool
from eventstore.database_clock import database_now
from eventstore.errors import LeaseLost
from eventstore.event import Fact
from eventstore.facts.answers import CommandAccepted, CommandRefused
from eventstore.facts.operators import StreamFactSkipped, StreamRetried
from eventstore.facts.registry import Meaning, decode
from eventstore.statements import statement
from eventstore.store import LedgerReader
from projections.projection import Evolved, Projection, Row

_CURSOR = statement(__package__, "read_cursor")
_OPEN_CURSOR = statement(__package__, "open_cursor")
_MOVE_CURSOR = statement(__package__, "move_cursor")
_STATES = statement(__package__, "read_states")
_SAVE_STATES = statement(__package__, "save_states")
_STALLED = statement(__package__, "read_stalled")
_STALL = statement(__package__, "stall_stream")
_RESUME = statement(__package__, "resume_stream")
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


class _Read(msgspec.Struct, frozen=True):
    """A fact with what it says, or with why that cannot be read: then folding it stalls its stream."""

    fact: Fact
    meaning: Meaning | None
    error: Exception | None = None

    def evolve(self, projection: Projection, states: dict[str, msgspec.Struct]) -> Evolved:
        if self.error is not None:
            raise self.error
        assert self.meaning is not None
        return projection.evolve(states, self.fact, self.meaning)


class _Batch:
    """States and rows of one batch while it is folded in memory."""

    def __init__(self, projection: Projection, states: dict[str, msgspec.Struct], stalled: dict[str, int]) -> None:
        self.projection = projection
        self.states = states
        self.stalled = stalled
        self.changed: set[str] = set()
        self.rows: list[Row] = []
        self.stalls: list[Stall] = []
        self.resumed: list[str] = []

    def take(self, read: _Read) -> None:
        fact = read.fact
        # Jurnal's answers are about a command, not about the report the stream waits at; folding one twice is harmless.
        if fact.stream_id in self.stalled and not isinstance(read.meaning, CommandAccepted | CommandRefused):
            return
        try:
            evolved = read.evolve(self.projection, self.states)
        except Exception as error:  # noqa: BLE001 - whatever a fact brings, its neighbours must go on
            self.stalled[fact.stream_id] = fact.position
            self.stalls.append(Stall(fact.stream_id, fact.position, f"{type(error).__name__}: {error}"[:2_000]))
            return
        self.states.update(evolved.states)
        self.changed.update(evolved.states)
        self.rows.extend(evolved.rows)


class Runner:
    """Folds any store into any projection of the catalogue, one bounded batch a step.

    Not `live`, it folds a shadow: what a fold hands over to others (sends) is then left out.
    """

    def __init__(self, pool: Pool, reader: LedgerReader, *, live: bool = True) -> None:
        self._pool = pool
        self._reader = reader
        self._live = live

    async def step(self, store_id: str, projection: Projection, *, epoch: int, facts_max: int) -> Folded:
        """Fold up to `facts_max` facts after the cursor.

        `epoch` is that of the store lease held by the caller. Raises `LeaseLost` if the cursor moved meanwhile or
        was moved under a later epoch: then nothing was written.
        """
        position = await self._position(store_id, projection.name)
        facts = await self._reader.read_after(store_id, position, facts_max)
        if not facts:
            return Folded(0, position)
        try:
            return await self._fold_and_save(store_id, projection, position, facts, epoch)
        except asyncpg.PostgresError as error:
            if isinstance(error, CONNECTION_ERRORS):
                raise
            # Something in the batch cannot be stored. Halves find it; alone, it stalls its stream and no other.
            if len(facts) > 1:
                return await self.step(store_id, projection, epoch=epoch, facts_max=len(facts) // 2)
            return await self._fold_and_save(store_id, projection, position, facts, epoch, unstorable=error)

    async def _fold_and_save(
        self,
        store_id: str,
        projection: Projection,
        position: int,
        facts: Sequence[Fact],
        epoch: int,
        unstorable: Exception | None = None,
    ) -> Folded:
        async with self._pool.acquire() as connection, connection.transaction():
            batch = await self._fold(connection, store_id, projection, facts, unstorable)
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
        self,
        connection: Connection,
        store_id: str,
        projection: Projection,
        facts: Sequence[Fact],
        unstorable: Exception | None,
    ) -> _Batch:
        stalled = {
            record["stream_id"]: record["position"]
            for record in await connection.fetch(_STALLED, store_id, projection.name)
        }
        batch = _Batch(projection, {}, stalled)
        reads = [_read(fact) if unstorable is None else _Read(fact, None, unstorable) for fact in facts]
        await self._load(connection, store_id, batch, reads)
        for read in reads:
            if isinstance(read.meaning, StreamRetried | StreamFactSkipped):
                await self._resume(connection, store_id, batch, read)
            else:
                batch.take(read)
        return batch

    async def _load(self, connection: Connection, store_id: str, batch: _Batch, reads: Sequence[_Read]) -> None:
        """Load the states that `reads` may need and that are not there yet."""
        keys: set[str] = set()
        for read in reads:
            if read.meaning is not None:
                keys.update(batch.projection.keys(read.fact, read.meaning))
        decoder = msgspec.msgpack.Decoder(batch.projection.state_type)
        missing = sorted(keys - batch.states.keys())
        for record in await connection.fetch(_STATES, store_id, batch.projection.name, missing):
            batch.states[record["key"]] = decoder.decode(record["state"])

    async def _resume(self, connection: Connection, store_id: str, batch: _Batch, operator: _Read) -> None:
        """Fold a stalled stream again from the fact it waits at, as an operator said, up to the operator's word."""
        stream_id = operator.fact.stream_id
        waits_at = batch.stalled.get(stream_id)
        if waits_at is None:
            return
        skipped = operator.meaning.position if isinstance(operator.meaning, StreamFactSkipped) else None
        stream = await self._reader.read_stream_between(store_id, stream_id, waits_at, operator.fact.position)
        reads = [_read(fact) for fact in stream if fact.position != skipped]
        await self._load(connection, store_id, batch, reads)
        del batch.stalled[stream_id]
        batch.resumed.append(stream_id)
        batch.stalls = [stall for stall in batch.stalls if stall.stream_id != stream_id]
        for read in reads:
            if not isinstance(read.meaning, StreamRetried | StreamFactSkipped):
                batch.take(read)

    async def _save(self, connection: Connection, store_id: str, batch: _Batch) -> None:
        name = batch.projection.name
        if batch.changed:
            changed = sorted(batch.changed)
            encoded = [msgspec.msgpack.encode(batch.states[key]) for key in changed]
            await connection.execute(_SAVE_STATES, store_id, name, changed, encoded)
        for table in batch.projection.tables:
            rows = [row for row in batch.rows if type(row) is table.row]
            if rows and (self._live or not table.live_only):
                await connection.execute(table.sql, store_id, name, *table.columns(rows))
        for stream_id in batch.resumed:
            await connection.execute(_RESUME, store_id, name, stream_id)
        for stall in batch.stalls:
            now = await database_now(connection)
            await connection.execute(_STALL, store_id, name, stall.stream_id, stall.position, stall.error, now)


def _read(fact: Fact) -> _Read:
    try:
        return _Read(fact, decode(fact))
    except Exception as error:  # noqa: BLE001 - reported when the fact is folded
        return _Read(fact, None, error)


async def count_lag(pool: Pool, projections: Sequence[str]) -> dict[str, int]:
    """Return how many facts each projection has still to fold, over all stores."""
    lags = {record["projection"]: int(record["facts"]) for record in await pool.fetch(_LAG, list(projections))}
    return {projection: lags.get(projection, 0) for projection in projections}


async def count_stalled(pool: Pool) -> int:
    """Return how many streams wait for a fact that cannot be folded."""
    stalled = await pool.fetchval(_COUNT_STALLED)
    assert isinstance(stalled, int)
    return stalled
