"""The group-commit appender: all appends that wait for one store go to Postgres as one transaction.

Positions are given out by a compare-and-set on the store's head row, so position order is commit order.
Any replica may append to any store: whoever finds the head moved reads it again and decides again.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

from eventstore.batch import Decided
from eventstore.clock import Clock
from eventstore.commit import CommitLimits, is_connection_loss
from eventstore.connection import Pool
from eventstore.errors import AppendQueueFull, FactTooLarge, LedgerBehind, LedgerError, LedgerNotFound
from eventstore.event import AppendResult, NewFact
from eventstore.kept_connections import KeptConnections
from eventstore.storable import fault_of, may_be_a_store
from eventstore.store_writer import SECOND_FLIGHT_FACTS_MIN, StoreWriter

# The store, and what was decided and is now committed.
OnAppended: TypeAlias = Callable[[str, Decided], None]


class AppenderLimits(CommitLimits, frozen=True):
    """Limits of one appender, over all stores together; a batch is per store."""

    batch_facts_max: int = 1_000
    queue_facts_max: int = 20_000
    queue_bytes_max: int = 64 * 1024 * 1024
    fact_bytes_max: int = 16 * 1024 * 1024
    retry_after_seconds: int = 2
    stores_remembered_max: int = 1_000


class _Waiting:
    """One append call and the promise of its answer. `alone`: it failed with others and is tried by itself."""

    __slots__ = ("alone", "bytes", "facts", "future")

    def __init__(self, facts: Sequence[NewFact], bytes_: int, future: asyncio.Future[list[AppendResult]]) -> None:
        self.facts = facts
        self.future = future
        self.bytes = bytes_
        self.alone = False


class _Lane:
    """A store's writer and what waits for it."""

    __slots__ = ("flying_facts", "launching", "queue", "queued_facts", "store_id", "writer")

    def __init__(self, store_id: str, writer: StoreWriter) -> None:
        self.store_id = store_id
        self.queue: deque[_Waiting] = deque()
        self.queued_facts = 0
        self.flying_facts = 0
        self.launching = False
        self.writer = writer


class Appender:
    """Appends facts to ledgers. One instance a process; `append` may be awaited from any number of tasks.

    `on_batch` is told the results of every committed batch, for counting; `on_appended` the store and what
    was decided, in the order of positions, for folding it without reading it again; `on_failure` the error and the
    number of facts of a batch that is given up, before its callers are: after `LedgerBehind` all can be forgotten.
    """

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        limits: AppenderLimits | None = None,
        on_batch: Callable[[Sequence[AppendResult]], None] | None = None,
        on_failure: Callable[[BaseException, int], None] | None = None,
        on_appended: OnAppended | None = None,
    ) -> None:
        self._connections = KeptConnections(pool)
        self._clock = clock
        self._limits = limits if limits is not None else AppenderLimits()
        self._on_batch = on_batch
        self._on_failure = on_failure
        self._on_appended = on_appended
        self._lanes: OrderedDict[str, _Lane] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
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
        Raises `AppendQueueFull`, `FactTooLarge`, `FactUnstorable`, `LedgerBehind`, `LedgerNotFound`.
        """
        if not facts:
            return []
        bytes_ = self._admit(facts)
        # Only the caller waits for this future: one that gives up cancels it, not the batch its neighbours are in.
        future: asyncio.Future[list[AppendResult]] = asyncio.get_running_loop().create_future()
        lane = self._lane(store_id)
        lane.queue.append(_Waiting(facts, bytes_, future))
        lane.queued_facts += len(facts)
        self._launch_soon(lane)
        return await future

    async def flush(self) -> None:
        """Wait until everything queued is durable or refused."""
        while self._queued_facts:
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await asyncio.sleep(0)
        await self._connections.give_back()

    def _lane(self, store_id: str) -> _Lane:
        lane = self._lanes.get(store_id)
        if lane is None:
            if not may_be_a_store(store_id):
                raise LedgerNotFound(store_id)
            lane = self._lanes[store_id] = _Lane(
                store_id, StoreWriter(self._connections, self._clock, store_id, self._limits)
            )
            if len(self._lanes) > self._limits.stores_remembered_max:
                self._forget_an_idle_lane()
        self._lanes.move_to_end(store_id)
        return lane

    def _forget_an_idle_lane(self) -> None:
        idle = next((name for name, lane in self._lanes.items() if lane.writer.idle and not lane.queue), None)
        if idle is not None:
            del self._lanes[idle]

    def _admit(self, facts: Sequence[NewFact]) -> int:
        """Count `facts` among what waits and return their bytes; raises if one of them or the queue is too large."""
        bytes_ = 0
        for fact in facts:
            # Postgres would take an empty name, and every later fact without a source id would be its duplicate.
            if not (fact.source_id and fact.stream_id and fact.type) and (fault := fault_of(facts)):
                raise fault
            fact_bytes = len(fact.body) + len(fact.sealed) + len(fact.metadata)
            if fact_bytes > self._limits.fact_bytes_max:
                raise FactTooLarge(fact_bytes=fact_bytes, fact_bytes_max=self._limits.fact_bytes_max)
            bytes_ += fact_bytes
        facts_after = self._queued_facts + len(facts)
        bytes_after = self._queued_bytes + bytes_
        if self._queued_facts and (
            facts_after > self._limits.queue_facts_max or bytes_after > self._limits.queue_bytes_max
        ):
            raise AppendQueueFull(
                queued_facts=self._queued_facts,
                queued_bytes=self._queued_bytes,
                retry_after_seconds=self._limits.retry_after_seconds,
            )
        self._queued_facts, self._queued_bytes = facts_after, bytes_after
        return bytes_

    def _launch_soon(self, lane: _Lane) -> None:
        """Send off what waits once every task that is ready has queued its own: one batch then holds them all."""
        if not lane.launching:
            lane.launching = True
            task = asyncio.get_running_loop().create_task(self._launch(lane))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _launch(self, lane: _Lane) -> None:
        """Send off one batch of what waits, if the writer is ready for it; another goes behind it, if there is more."""
        lane.launching = False
        if not lane.queue or not lane.writer.ready_for(lane.queued_facts):
            return
        # Half of all that is under way: the other half is decided while Postgres commits this one.
        half = (lane.queued_facts + lane.flying_facts + 1) // 2
        batch = self._take(lane.queue, min(self._limits.batch_facts_max, max(half, SECOND_FLIGHT_FACTS_MIN)))
        taken = sum([len(waiting.facts) for waiting in batch])
        lane.queued_facts -= taken
        lane.flying_facts += taken
        if lane.queue:
            self._launch_soon(lane)
        facts = [fact for waiting in batch for fact in waiting.facts]
        await lane.writer.fly(facts, partial(self._landed, lane, batch))

    def _take(self, queue: deque[_Waiting], facts_max: int) -> list[_Waiting]:
        batch = [queue.popleft()]
        facts = len(batch[0].facts)
        while queue and not batch[0].alone and not queue[0].alone and facts + len(queue[0].facts) <= facts_max:
            facts += len(queue[0].facts)
            batch.append(queue.popleft())
        return batch

    def _landed(self, lane: _Lane, batch: list[_Waiting], outcome: Decided | BaseException) -> None:
        lane.flying_facts -= sum([len(waiting.facts) for waiting in batch])
        if isinstance(outcome, LedgerBehind):
            batch += self._everything_of(lane)
        if isinstance(outcome, BaseException) and len(batch) > 1 and _may_be_one_facts_fault(outcome):
            # A fact that Postgres cannot store fails its own call, not those it was batched with.
            for waiting in reversed(batch):
                waiting.alone = True
                lane.queue.appendleft(waiting)
                lane.queued_facts += len(waiting.facts)
        else:
            if self._on_failure is not None and isinstance(outcome, BaseException):
                self._on_failure(outcome, sum(len(waiting.facts) for waiting in batch))
            self._settle(batch, outcome if isinstance(outcome, BaseException) else outcome.results)
        self._launch_soon(lane)
        # Last, so that a listener that fails holds nothing up.
        if isinstance(outcome, BaseException):
            return
        if self._on_batch is not None:
            self._on_batch(outcome.results)
        if self._on_appended is not None:
            self._on_appended(lane.store_id, outcome)

    def _everything_of(self, lane: _Lane) -> list[_Waiting]:
        """Empty a lane: what waits may have been made of memories that the database has lost."""
        waiting = list(lane.queue)
        lane.queue.clear()
        lane.queued_facts = 0
        return waiting

    def _settle(self, batch: list[_Waiting], outcome: list[AppendResult] | BaseException) -> None:
        end = 0
        for waiting in batch:
            start, end = end, end + len(waiting.facts)
            self._queued_facts -= len(waiting.facts)
            self._queued_bytes -= waiting.bytes
            if waiting.future.cancelled():
                continue
            if isinstance(outcome, BaseException):
                waiting.future.set_exception(_in_words(outcome, waiting.facts))
            else:
                waiting.future.set_result(outcome[start:end])


def _in_words(error: BaseException, facts: Sequence[NewFact]) -> BaseException:
    """Return the error that a caller understands: where a fact of its own is at fault, which field and why."""
    if not _may_be_one_facts_fault(error) or (fault := fault_of(facts)) is None:
        return error
    fault.__cause__ = error
    return fault


def _may_be_one_facts_fault(error: BaseException) -> bool:
    return isinstance(error, Exception) and not is_connection_loss(error) and not isinstance(error, LedgerError)
