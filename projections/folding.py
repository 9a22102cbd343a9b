"""Folding facts in memory: what each says, the states it changes, the rows it makes, and the streams that must wait.

A fact that cannot be folded stalls its stream: it and the stream's later facts wait, all others go on.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import cast

import msgspec

from eventstore.event import Fact
from eventstore.facts.answers import CommandAccepted, CommandRefused
from eventstore.facts.operators import StreamFactSkipped, StreamRetried
from eventstore.facts.registry import Meaning, reader_of
from eventstore.follow import FollowedFact
from eventstore.store import LedgerReader
from projections.projection import Projection, Row

# Jurnal's answers are about a command, not about the report a stream waits at; folding one twice is harmless.
_NEVER_WAIT = (CommandAccepted, CommandRefused)


class Stall(msgspec.Struct, frozen=True):
    """A stream that waits from `position` on, because of `error`."""

    stream_id: str
    position: int
    error: str


class Unreadable(msgspec.Struct, frozen=True):
    """In the place of what a fact says: why that cannot be read or stored. Folding it stalls its stream."""

    error: Exception


Read = Meaning | Unreadable


def read_all(facts: Sequence[FollowedFact]) -> list[Read]:
    """Return what each fact says."""
    read: list[Read] = []
    for fact in facts:
        try:
            read.append(reader_of(fact.type, fact.schema_version)(fact.body))
        except Exception as error:  # noqa: BLE001, PERF203 - reported when the fact is folded; its neighbours must go on
            read.append(Unreadable(error))
    return read


class Folding:
    """States, stalled streams and the rows made so far, while facts are folded one after the other.

    `states` and `stalled` (stream → position it waits at) are changed in place; rows go to `add_row` in their order.
    """

    def __init__(
        self,
        projection: Projection,
        states: dict[str, msgspec.Struct],
        stalled: dict[str, int],
        add_row: Callable[[Row], None],
    ) -> None:
        self.projection = projection
        self.states = states
        self.stalled = stalled
        self.changed: set[str] = set()
        self.stalls: list[Stall] = []
        self.resumed: list[str] = []
        self._add_row = add_row

    async def fold(
        self,
        facts: Sequence[FollowedFact],
        read: Sequence[Read],
        read_waiting: "Callable[[FollowedFact, int], Awaitable[Sequence[FollowedFact]]]",
    ) -> None:
        """Fold `facts`; `read` is what they say. `read_waiting` returns what a resumed stream has to catch up on."""
        start = 0
        for index, meaning in enumerate(read):
            if isinstance(meaning, StreamRetried | StreamFactSkipped):
                self._take(facts[start:index], read[start:index])
                await self._resume(facts[index], meaning, read_waiting)
                start = index + 1
        self._take(facts[start:] if start else facts, read[start:] if start else read)

    def _take(self, facts: Sequence[FollowedFact], read: Sequence[Read]) -> None:
        evolve, states, changed, add_row = self.projection.evolve, self.states, self.changed, self._add_row
        # A page is a sequence of what a fold sees of facts; attribute for attribute they are facts.
        for fact, meaning in zip(cast("Sequence[Fact]", facts), read, strict=True):
            if self.stalled and fact.stream_id in self.stalled and not isinstance(meaning, _NEVER_WAIT):
                continue
            try:
                if isinstance(meaning, Unreadable):
                    raise meaning.error  # noqa: TRY301 - stalls as any other error does
                evolved = evolve(states, fact, meaning)
            except Exception as error:  # noqa: BLE001 - whatever a fact brings, its neighbours must go on
                self.stalled[fact.stream_id] = fact.position
                self.stalls.append(Stall(fact.stream_id, fact.position, f"{type(error).__name__}: {error}"[:2_000]))
                continue
            if evolved.states:
                states.update(evolved.states)
                changed.update(evolved.states)
            for row in evolved.rows:
                add_row(row)

    async def _resume(
        self,
        operator: FollowedFact,
        word: StreamRetried | StreamFactSkipped,
        read_waiting: "Callable[[FollowedFact, int], Awaitable[Sequence[FollowedFact]]]",
    ) -> None:
        """Fold a stalled stream again from the fact it waits at, as an operator said, up to the operator's word."""
        stream_id = operator.stream_id
        waits_at = self.stalled.get(stream_id)
        if waits_at is None:
            return
        skipped = word.position if isinstance(word, StreamFactSkipped) else None
        facts = [fact for fact in await read_waiting(operator, waits_at) if fact.position != skipped]
        del self.stalled[stream_id]
        self.resumed.append(stream_id)
        self.stalls = [stall for stall in self.stalls if stall.stream_id != stream_id]
        both = [
            (fact, meaning)
            for fact, meaning in zip(facts, read_all(facts), strict=True)
            if not isinstance(meaning, StreamRetried | StreamFactSkipped)
        ]
        self._take([fact for fact, _ in both], [meaning for _, meaning in both])


async def read_waiting(reader: LedgerReader, operator: FollowedFact, waits_at: int) -> Sequence[FollowedFact]:
    """Return the facts of a stream from where it waits up to the operator's word about it."""
    return await reader.read_stream_between(operator.store_id, operator.stream_id, waits_at, operator.position)
