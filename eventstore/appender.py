"""The group-commit appender: all appends that wait for one store go to Postgres as one transaction.

Positions are given out by a compare-and-set on the store's head row, so position order is commit order.
Any replica may append to any store: whoever finds the head moved reads it again and decides again.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime

import asyncpg
import msgspec

from eventstore.batch import Decided, decide_batch
from eventstore.clock import Clock
from eventstore.connection import CONNECTION_ERRORS, Connection, Pool
from eventstore.errors import AppendQueueFull, FactTooLarge, LedgerError
from eventstore.event import AppendResult, Head, NewFact
from eventstore.statements import statement
from eventstore.store import read_head

_APPEND = statement(__package__, "append_batch")
_LOCK_HEAD = statement(__package__, "lock_head")
_KNOWN_SOURCES = statement(__package__, "known_sources")
_STREAM_VERSIONS = statement(__package__, "stream_versions")


class AppenderLimits(msgspec.Struct, frozen=True):
    """Limits of one appender, over all stores together; a batch is per store."""

    batch_facts_max: int = 1_000
    queue_facts_max: int = 20_000
    queue_bytes_max: int = 64 * 1024 * 1024
    fact_bytes_max: int = 16 * 1024 * 1024
    retry_after_seconds: int = 2
    foreign_misses_before_lock: int = 2
    reconnect_wait_seconds: float = 0.2
    reconnect_attempts_max: int = 50


class _Waiting:
    """One append call and the promise of its answer."""

    __slots__ = ("bytes", "facts", "future")

    def __init__(self, facts: Sequence[NewFact], future: asyncio.Future[list[AppendResult]]) -> None:
        self.facts = facts
        self.future = future
        self.bytes = sum(len(fact.body) + len(fact.sealed) + len(fact.metadata) for fact in facts)


class Appender:
    """Appends facts to ledgers. One instance a process; `append` may be awaited from any number of tasks.

    `on_batch` is told the results of every committed batch, for counting.
    """

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        limits: AppenderLimits | None = None,
        on_batch: Callable[[Sequence[AppendResult]], None] | None = None,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._limits = limits if limits is not None else AppenderLimits()
        self._on_batch = on_batch
        self._queues: dict[str, deque[_Waiting]] = {}
        self._writers: dict[str, asyncio.Task[None]] = {}
        self._queued_facts = 0
        self._queued_bytes = 0

    @property
    def queued_facts(self) -> int:
        """Facts that wait or are on their way to Postgres."""
        return self._queued_facts

    async def append(self, store_id: str, facts: Sequence[NewFact]) -> list[AppendResult]:
        """Append `facts` in their order and return one result each, after the durable commit.

        Each fact is decided by itself: a known source id answers `Duplicate` with the original position, a wrong
        expected version `VersionConflict`; the others of the call are appended all the same.
        Raises `AppendQueueFull`, `FactTooLarge`, `LedgerNotFound`.
        """
        if not facts:
            return []
        waiting = _Waiting(facts, asyncio.get_running_loop().create_future())
        self._admit(waiting)
        self._queues.setdefault(store_id, deque()).append(waiting)
        if store_id not in self._writers:
            self._writers[store_id] = asyncio.create_task(self._write(store_id), name=f"append:{store_id}")
        # A caller that gives up must not cancel the batch its neighbours are in.
        return await asyncio.shield(waiting.future)

    async def flush(self) -> None:
        """Wait until everything queued is durable or refused."""
        while self._writers:
            await asyncio.gather(*self._writers.values(), return_exceptions=True)

    def _admit(self, waiting: _Waiting) -> None:
        largest = max(len(fact.body) + len(fact.sealed) + len(fact.metadata) for fact in waiting.facts)
        if largest > self._limits.fact_bytes_max:
            raise FactTooLarge(fact_bytes=largest, fact_bytes_max=self._limits.fact_bytes_max)
        facts_after = self._queued_facts + len(waiting.facts)
        bytes_after = self._queued_bytes + waiting.bytes
        if self._queued_facts and (
            facts_after > self._limits.queue_facts_max or bytes_after > self._limits.queue_bytes_max
        ):
            raise AppendQueueFull(
                queued_facts=self._queued_facts,
                queued_bytes=self._queued_bytes,
                retry_after_seconds=self._limits.retry_after_seconds,
            )
        self._queued_facts, self._queued_bytes = facts_after, bytes_after

    async def _write(self, store_id: str) -> None:
        queue = self._queues[store_id]
        while queue:
            await self._answer(store_id, self._take(queue))
        # No await since the queue was seen empty, so no append can fall between the two.
        del self._writers[store_id]
        del self._queues[store_id]

    async def _answer(self, store_id: str, batch: list[_Waiting]) -> None:
        try:
            results = await self._commit(store_id, [fact for waiting in batch for fact in waiting.facts])
        except BaseException as error:  # the callers must learn of it, whatever it is
            if len(batch) > 1 and _may_be_one_facts_fault(error):
                # A fact that Postgres cannot store fails its own call, not those it was batched with.
                for waiting in batch:
                    await self._answer(store_id, [waiting])
                return
            self._settle(batch, error)
            if not isinstance(error, Exception):
                raise
        else:
            self._settle(batch, results)
            if self._on_batch is not None:
                self._on_batch(results)

    def _take(self, queue: deque[_Waiting]) -> list[_Waiting]:
        batch = [queue.popleft()]
        facts = len(batch[0].facts)
        while queue and facts + len(queue[0].facts) <= self._limits.batch_facts_max:
            facts += len(queue[0].facts)
            batch.append(queue.popleft())
        return batch

    def _settle(self, batch: list[_Waiting], outcome: list[AppendResult] | BaseException) -> None:
        end = 0
        for waiting in batch:
            start, end = end, end + len(waiting.facts)
            self._queued_facts -= len(waiting.facts)
            self._queued_bytes -= waiting.bytes
            if waiting.future.cancelled():
                continue
            if isinstance(outcome, BaseException):
                waiting.future.set_exception(outcome)
            else:
                waiting.future.set_result(outcome[start:end])

    async def _commit(self, store_id: str, facts: list[NewFact]) -> list[AppendResult]:
        misses = failures = 0
        while True:
            try:
                async with self._pool.acquire() as connection:
                    results = await self._try_once(
                        connection, store_id, facts, lock=misses >= self._limits.foreign_misses_before_lock
                    )
            except CONNECTION_ERRORS as error:
                if isinstance(error, ValueError):
                    raise  # the driver's word for a value that does not fit its column, not for a lost connection
                # The commit may or may not have happened. The same source ids make a repeat harmless:
                # what was written answers as a duplicate, with the position it took.
                failures += 1
                if failures > self._limits.reconnect_attempts_max:
                    raise
                await asyncio.sleep(self._limits.reconnect_wait_seconds)
                continue
            if results is not None:
                return results
            misses += 1

    async def _try_once(
        self, connection: Connection, store_id: str, facts: list[NewFact], *, lock: bool
    ) -> list[AppendResult] | None:
        """Decide and write one batch; None means that another writer moved the head first."""
        try:
            async with connection.transaction():
                head = await (_locked_head if lock else read_head)(connection, store_id)
                sources, versions = await _known(connection, store_id, facts)
                recorded_at = max(self._clock.now(), head.recorded_at)
                decided = decide_batch(store_id, head, recorded_at, facts, sources, versions)
                if not decided.rows:
                    return decided.results
                written = await _insert(connection, store_id, head, recorded_at, decided)
        except asyncpg.UniqueViolationError:
            written = False
        assert written or not lock, "the head was locked, so nobody can have moved it"
        return decided.results if written else None


def _may_be_one_facts_fault(error: BaseException) -> bool:
    lost = isinstance(error, CONNECTION_ERRORS) and not isinstance(error, ValueError)
    return isinstance(error, Exception) and not lost and not isinstance(error, LedgerError)


async def _locked_head(connection: Connection, store_id: str) -> Head:
    record = await connection.fetchrow(_LOCK_HEAD, store_id)
    if record is None:
        return await read_head(connection, store_id)
    return Head(record["position"], record["hash"], record["recorded_at"])


async def _known(
    connection: Connection, store_id: str, facts: list[NewFact]
) -> tuple[dict[str, tuple[int, int]], dict[str, int]]:
    sources = await connection.fetch(_KNOWN_SOURCES, store_id, [fact.source_id for fact in facts])
    versions = await connection.fetch(_STREAM_VERSIONS, store_id, list({fact.stream_id for fact in facts}))
    return (
        {record["source_id"]: (record["position"], record["stream_version"]) for record in sources},
        {record["stream_id"]: record["stream_version"] or 0 for record in versions},
    )


async def _insert(connection: Connection, store_id: str, head: Head, recorded_at: datetime, decided: Decided) -> bool:
    rows = decided.rows
    status = await connection.execute(
        _APPEND,
        store_id,
        head.position,
        head.hash,
        head.position + len(rows),
        rows[-1].hash,
        recorded_at,
        [row.position for row in rows],
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
    )
    return status == f"INSERT 0 {len(rows)}"
