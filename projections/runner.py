"""Folds a ledger into a projection: facts → states and rows → guarded cursor, all or nothing a batch.

The cursor, the stalled streams and the states last used are kept in memory from batch to batch. What is kept is good
only as long as nobody else moves the cursor; a batch whose guard fails writes nothing and forgets it all.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import cast

import asyncpg
import msgspec

from eventstore.commit import is_connection_loss
from eventstore.connection import Pool
from eventstore.errors import LeaseLost, LedgerGap
from eventstore.event import Fact
from eventstore.follow import FollowedFact, Tail, read_page
from eventstore.statements import statement
from eventstore.store import LedgerReader
from projections.folding import Folding, Read, Stall, Unreadable, read_each, read_waiting
from projections.projection import Projection
from projections.writing import BatchRows, Cursor, Move, save

_CURSOR = statement(__package__, "read_cursor")
_OPEN_CURSOR = statement(__package__, "open_cursor")
_STATES = statement(__package__, "read_states")
_STALLED = statement(__package__, "read_stalled")
_BEHIND = statement(__package__, "read_behind")
_LAG = statement(__package__, "count_lag")
_COUNT_STALLED = statement(__package__, "count_stalled")
# What Postgres or the driver says of a value it cannot take. Anything else, such as a deadlock or a missing right, says
# nothing about the fact: it is raised, and tried again.
_UNSTORABLE = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
    asyncpg.InterfaceError,
)
# Under the id of such a stream nothing stands before its first fact.
_OWN_STATES = ("order-",)
# Of one projection of one store, and how many of these are remembered: at a kilobyte a state, 150 MB at most.
_STATES_MAX = 500
_ABSENT_MAX = 500
_MEMORIES_MAX = 300


class Folded(msgspec.Struct, frozen=True):
    """What one step did: facts folded, the cursor after it, and streams that stalled in it."""

    facts: int
    position: int
    stalls: tuple[Stall, ...] = ()


class _Memory:
    """What is known of one projection of one store since its last batch; `ahead` are facts read before their turn."""

    __slots__ = ("absent", "ahead", "cursor", "projection", "stalled", "states")

    def __init__(self, projection: Projection, cursor: Cursor, stalled: dict[str, int]) -> None:
        self.projection = projection
        self.cursor = cursor
        self.stalled = stalled
        self.states: dict[str, msgspec.Struct] = {}
        # Keys that were asked for and have no state.
        self.absent: set[str] = set()
        self.ahead: Sequence[FollowedFact] = ()

    def touch(self, keys: Iterable[str], states_max: int) -> None:
        """Note that these states are in use, and forget those that were not for longest."""
        for key in keys:
            state = self.states.pop(key, None)
            if state is not None:
                self.states[key] = state
        while len(self.states) > states_max:
            del self.states[next(iter(self.states))]


class Runner:
    """Folds any store into any projection of the catalogue, one bounded batch a step.

    What `tail` knows is folded without reading it again. Not `live`, it folds a shadow: what a fold hands over to
    others (sends) is then left out. Batches are written on `saves`, connections that keep their plans (None: `pool`).
    """

    def __init__(
        self,
        pool: Pool,
        reader: LedgerReader,
        *,
        tail: Tail | None = None,
        live: bool = True,
        saves: Pool | None = None,
        states_max: int = _STATES_MAX,
    ) -> None:
        """`states_max`: so many states of a store's projection are remembered."""
        self._pool = pool
        self._saves = saves if saves is not None else pool
        self._reader = reader
        self._tail = tail if tail is not None else Tail()
        self._live = live
        self._states_max = states_max
        self._memories: dict[tuple[str, str], _Memory] = {}

    def forget(self, store_id: str) -> None:
        """Drop what is remembered of a store that others may fold from now on."""
        for key in [key for key in self._memories if key[0] == store_id]:
            del self._memories[key]

    async def step(self, store_id: str, projection: Projection, *, epoch: int, facts_max: int) -> Folded:
        """Fold up to `facts_max` facts after the cursor.

        `epoch` is that of the store lease held by the caller. Raises `LeaseLost` if the cursor moved meanwhile or
        was moved under a later epoch: then nothing was written.
        """
        memory = self._memories.pop((store_id, projection.name), None)
        if memory is not None and memory.projection is projection:
            known = memory.ahead[:facts_max] or self._tail.after(store_id, memory.cursor.position, facts_max)
            memory.ahead = ()
            if known:
                folded = await self._fold_on(store_id, memory, known, epoch, facts_max)
                if folded is not None:
                    return folded
                memory = None
        # Nothing is known, or not any more: a rebuild was swapped in, another owner was here, a crash took the last
        # commits back. The database knows.
        memory = await self._recall(store_id, projection, memory)
        facts = await read_page(self._pool, self._reader, store_id, memory.cursor.position, facts_max)
        folded = await self._fold_on(store_id, memory, facts, epoch, facts_max)
        if folded is None:
            raise LeaseLost(f"cursor of {projection.name} for {store_id} is no longer at {memory.cursor.position}")
        return folded

    async def _fold_on(
        self, store_id: str, memory: _Memory, facts: Sequence[FollowedFact], epoch: int, facts_max: int
    ) -> Folded | None:
        """Fold `facts`; None if cursor or ledger are not as remembered. Memory is kept only if all went well."""
        if not facts:
            self._remember(store_id, memory)
            return Folded(0, memory.cursor.position)
        ahead: asyncio.Task[Sequence[FollowedFact]] | None = None
        if len(facts) == facts_max and not self._tail.after(store_id, facts[-1].position, 1):
            ahead = asyncio.create_task(read_page(self._pool, self._reader, store_id, facts[-1].position, facts_max))
        try:
            folded = await self._fold_halved(store_id, memory, facts, epoch)
        except BaseException:
            if ahead is not None:
                ahead.cancel()
            raise
        if ahead is not None:
            # Whatever went wrong with it, the next step will meet it again.
            (page,) = await asyncio.gather(ahead, return_exceptions=True)
            if folded is not None and folded.facts == len(facts) and not isinstance(page, BaseException):
                memory.ahead = page
        if folded is not None:
            self._remember(store_id, memory)
        return folded

    def _remember(self, store_id: str, memory: _Memory) -> None:
        self._memories[store_id, memory.projection.name] = memory
        while len(self._memories) > _MEMORIES_MAX:
            del self._memories[next(iter(self._memories))]

    async def _fold_halved(
        self, store_id: str, memory: _Memory, facts: Sequence[FollowedFact], epoch: int
    ) -> Folded | None:
        """Fold `facts`, or as many of them as Postgres can store."""
        try:
            return await self._fold(store_id, memory, facts, list(read_each(facts)), epoch)
        except _UNSTORABLE as error:
            if is_connection_loss(error):
                raise
            # Something in the batch cannot be stored. Halves find it; alone, it stalls its stream and no other.
            fresh = await self._recall(store_id, memory.projection, None)
            if fresh.cursor != memory.cursor:
                return None
            memory.states, memory.stalled, memory.absent = fresh.states, fresh.stalled, fresh.absent
            if len(facts) > 1:
                return await self._fold_halved(store_id, memory, facts[: len(facts) // 2], epoch)
            return await self._fold(store_id, memory, facts, [Unreadable(error)], epoch)

    async def _fold(
        self, store_id: str, memory: _Memory, facts: Sequence[FollowedFact], read: Sequence[Read], epoch: int
    ) -> Folded | None:
        projection = memory.projection
        if facts[0].position != memory.cursor.position + 1:
            raise LedgerGap(store_id=store_id, expected=memory.cursor.position + 1, found=facts[0].position)
        rows = BatchRows(projection, live=self._live)
        folding = Folding(projection, memory.states, memory.stalled, rows.add)
        keys = await self._load(store_id, memory, facts, read)

        async def waiting(operator: FollowedFact, waits_at: int) -> Sequence[FollowedFact]:
            stream = await read_waiting(self._reader, operator, waits_at)
            keys.update(await self._load(store_id, memory, stream, list(read_each(stream))))
            return stream

        await folding.fold(facts, read, waiting)
        position = facts[-1].position
        from_memory = getattr(facts[-1], "appended_hash", None)
        move = Move(store_id, projection.name, memory.cursor, position, epoch, from_memory)
        if not await save(self._saves, move, folding, rows):
            return None
        memory.cursor = Cursor(position, memory.cursor.generation)
        memory.absent -= folding.changed
        memory.touch(keys, self._states_max)
        return Folded(len(facts), position, tuple(folding.stalls))

    async def _load(
        self, store_id: str, memory: _Memory, facts: Sequence[FollowedFact], read: Sequence[Read]
    ) -> set[str]:
        """Load the states that `facts` may need and that are not there yet; return the keys of all of them."""
        keys: set[str] = set()
        new: set[str] = set()
        for fact, meaning in zip(facts, read, strict=True):
            if not isinstance(meaning, Unreadable):
                keys.update(memory.projection.keys(cast("Fact", fact), meaning))
                if fact.is_first and fact.stream_id.startswith(_OWN_STATES):
                    new.add(fact.stream_id)
        missing = keys - memory.states.keys() - memory.absent - new
        if missing:
            decoder = msgspec.msgpack.Decoder(memory.projection.state_type)
            for record in await self._pool.fetch(_STATES, store_id, memory.projection.name, sorted(missing)):
                memory.states[record["key"]] = decoder.decode(record["state"])
            if len(memory.absent) > _ABSENT_MAX:
                memory.absent.clear()
            memory.absent |= missing - memory.states.keys()
        return keys

    async def _recall(self, store_id: str, projection: Projection, memory: _Memory | None) -> _Memory:
        """Read where the cursor stands and which streams wait; where it stands as remembered, that memory is good."""
        record = await self._pool.fetchrow(_CURSOR, store_id, projection.name)
        if record is None:
            await self._pool.execute(_OPEN_CURSOR, store_id, projection.name)
            return _Memory(projection, Cursor(0, 0), {})
        cursor = Cursor(record["position"], record["generation"])
        if memory is not None and memory.projection is projection and memory.cursor == cursor:
            return memory
        stalled = await self._pool.fetch(_STALLED, store_id, projection.name)
        return _Memory(projection, cursor, {each["stream_id"]: each["position"] for each in stalled})


async def stores_behind(pool: Pool, projections: Sequence[str]) -> dict[str, bool]:
    """Return every store that has a ledger, and whether one of the projections has not folded all of it."""
    return {record["store_id"]: record["behind"] for record in await pool.fetch(_BEHIND, list(projections))}


async def count_lag(pool: Pool, projections: Sequence[str]) -> dict[str, int]:
    """Return how many facts each projection has still to fold, over all stores."""
    lags = {record["projection"]: int(record["facts"]) for record in await pool.fetch(_LAG, list(projections))}
    return {projection: lags.get(projection, 0) for projection in projections}


async def count_stalled(pool: Pool) -> int:
    """Return how many streams wait for a fact that cannot be folded."""
    stalled = await pool.fetchval(_COUNT_STALLED)
    assert isinstance(stalled, int)
    return stalled
