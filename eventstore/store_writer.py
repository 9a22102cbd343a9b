"""Writes one store's batches, two in flight: both are inserted at the same time, and their ends wait for each other.

The head, the versions of recently written streams and recent source ids are known in memory, so a batch of new facts is
one statement and one round trip. Whatever speaks against the guess (another process moved the head, a source id or a
stream is older than our memory, a connection broke) sends the batch the careful way, and every later one waits for it.
"""

import asyncio
import struct
from collections.abc import Callable, Sequence

import asyncpg

from eventstore.batch import Decided, decide_batch
from eventstore.clock import Clock
from eventstore.commit import CommitLimits, commit_carefully, is_connection_loss
from eventstore.connection import CONNECTION_ERRORS
from eventstore.errors import LedgerBehind
from eventstore.event import Appended, Head, NewFact, VersionConflict
from eventstore.kept_connections import KeptConnections
from eventstore.recent import Recent
from eventstore.store import read_head
from eventstore.write import Miss, why_missed, write_decided

FLIGHTS_MAX = 2
_REMEMBERED_MAX = 20_000
SECOND_FLIGHT_FACTS_MIN = 64
# After a batch met something older than our memory the next ones probably will too (a poll reads again what it read).
_CAREFUL_BATCHES = 8


class _Flight:
    """A batch on its way. `confirmed` tells the next one whether the head it was decided on came true."""

    __slots__ = ("acknowledged", "before", "confirmed", "decided", "facts")

    def __init__(
        self, facts: Sequence[NewFact], decided: Decided | None, before: "_Flight | None", acknowledged: Head | None
    ) -> None:
        self.facts = facts
        self.acknowledged = acknowledged
        self.decided = decided
        self.before = before
        self.confirmed: asyncio.Future[bool] = asyncio.get_running_loop().create_future()


class StoreWriter:
    """The one writer of a store in this process. `fly` only when `ready_for`; calls come from one event loop."""

    def __init__(self, connections: KeptConnections, clock: Clock, store_id: str, limits: CommitLimits) -> None:
        self._connections = connections
        self._clock = clock
        self._store_id = store_id
        self._limits = limits
        self._head: Head | None = None
        # The furthest end that callers were told of; a database that does not hold it has lost facts.
        self._acknowledged: Head | None = None
        self._versions: Recent[int] = Recent(_REMEMBERED_MAX)
        self._sources: Recent[Appended] = Recent(_REMEMBERED_MAX)
        self._last: _Flight | None = None
        self._flying = 0
        self._careful = 0

    def ready_for(self, waiting_facts: int) -> bool:
        """Tell whether a batch may be launched now: alone always, a second one on a known head and if enough waits.

        A second one that is small would only be a commit of its own, and one that overtook the first would miss.
        """
        if self._flying == 0:
            return True
        return (
            self._flying < FLIGHTS_MAX
            and self._head is not None
            and self._careful == 0
            and waiting_facts >= SECOND_FLIGHT_FACTS_MIN
            and self._last is not None
            and waiting_facts >= len(self._last.facts) // 2
        )

    @property
    def idle(self) -> bool:
        """Whether nothing is in flight."""
        return self._flying == 0

    async def fly(self, facts: Sequence[NewFact], landed: Callable[[Decided | BaseException], None]) -> None:
        """Write a batch; `landed` is called with what was decided or its error, batches in their order.

        Until it first waits it has decided the batch and sent it, so another may be begun.
        """
        flight = self._begin(facts)
        outcome: Decided | BaseException
        try:
            outcome = await self._write(flight)
        except BaseException as error:  # noqa: BLE001 - the callers must learn of it, whatever it is
            outcome = error
            self._forget()
            if isinstance(error, LedgerBehind):
                self._acknowledged = None
        self._flying -= 1
        if not flight.confirmed.done():
            flight.confirmed.set_result(False)
        landed(outcome)
        if isinstance(outcome, BaseException) and not isinstance(outcome, Exception):
            raise outcome

    def _begin(self, facts: Sequence[NewFact]) -> _Flight:
        assert self._flying < FLIGHTS_MAX
        head = self._head
        decided = None if head is None or self._careful or self._must_read(facts) else self._decide(facts, head)
        flight = _Flight(facts, decided, self._last if self._flying else None, self._acknowledged)
        if decided is None:
            self._careful = max(0, self._careful - 1)
            self._head = None
        self._last = flight
        self._flying += 1
        return flight

    def _must_read(self, facts: Sequence[NewFact]) -> bool:
        """Tell whether a caller expects a version of a stream that is not remembered: memory cannot answer that."""
        return any(fact.expected_version is not None and fact.stream_id not in self._versions for fact in facts)

    def _decide(self, facts: Sequence[NewFact], head: Head) -> Decided | None:
        recorded_at = max(self._clock.now(), head.recorded_at)
        sources = self._sources.among([fact.source_id for fact in facts])
        versions = self._versions.among([fact.stream_id for fact in facts])
        try:
            decided = decide_batch(self._store_id, head, recorded_at, facts, sources, versions)
        except (TypeError, ValueError, AttributeError, OverflowError, struct.error):
            return None  # a fact that cannot even be hashed; the careful way finds it again and its caller learns of it
        if len(decided.facts) < len(facts) and any(isinstance(result, VersionConflict) for result in decided.results):
            return None  # memory may lack what another process wrote: only the database can say that a stream moved
        self._remember(decided)
        return decided

    async def _write(self, flight: _Flight) -> Decided:
        written = await self._try_fast(flight)
        if flight.before is not None:
            came_true = await flight.before.confirmed
            flight.before = None
            if came_true and not written:
                # A miss while the batch before was in flight is no conflict: the same bytes, now that it has landed.
                written = await self._try_fast(flight)
            elif not came_true and flight.decided is not None and not flight.decided.facts:
                written = False
        if written and flight.decided is not None:
            flight.confirmed.set_result(True)
            self._note(flight.decided)
            return flight.decided
        return await self._write_carefully(flight)

    async def _try_fast(self, flight: _Flight) -> bool:
        if flight.decided is None:
            return False
        try:
            async with self._connections.one() as connection:
                if not flight.decided.facts:
                    # Only duplicates: the chain ends as remembered, so it still holds what they are duplicates of.
                    return await read_head(connection, self._store_id) == flight.decided.before
                await write_decided(connection, self._store_id, flight.decided, follows=flight.before is not None)
        except CONNECTION_ERRORS as error:
            if not is_connection_loss(error):
                raise
            return False
        except asyncpg.PostgresError as error:
            match why_missed(error):
                case None:
                    raise
                case Miss.TAKEN:
                    self._careful = _CAREFUL_BATCHES
                case Miss.HEAD_MOVED:
                    pass
            return False
        return True

    async def _write_carefully(self, flight: _Flight) -> Decided:
        self._forget()
        misses = 0 if flight.decided is None else 1
        decided = await commit_carefully(
            self._connections,
            self._clock,
            self._store_id,
            flight.facts,
            self._limits,
            misses=misses,
            acknowledged=_later(flight.acknowledged, self._acknowledged),
        )
        self._note(decided)
        if self._last is flight:
            self._remember(decided)
        return decided

    def _note(self, decided: Decided) -> None:
        if decided.facts:
            self._acknowledged = _later(self._acknowledged, decided.after)

    def _forget(self) -> None:
        self._head = None
        self._versions.forget()
        self._sources.forget()

    def _remember(self, decided: Decided) -> None:
        self._head = decided.after
        self._versions.remember(decided.versions)
        self._sources.remember(decided.sources)


def _later(one: Head | None, other: Head | None) -> Head | None:
    ends = [head for head in (one, other) if head is not None]
    return max(ends, key=lambda head: head.position) if ends else None
