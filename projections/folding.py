"""Folding facts in memory: what each says, the states it changes, the rows it makes, and the streams that must wait.

A fact that cannot be folded stalls its stream: it and the stream's later facts wait, all others go on.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import cast, final

import msgspec

from eventstore.event import Fact
from eventstore.facts.answers import CommandAccepted, CommandRefused
from eventstore.facts.operators import StreamFactSkipped, StreamRetried
from eventstore.facts.registry import Meaning, reader_of
from eventstore.follow import FollowedFact
from eventstore.store import LedgerReader
from projections.projection import Projection, Row


class Stall(msgspec.Struct, frozen=True):
    """A stream that waits from `position` on, because of `error`."""

    stream_id: str
    position: int
    error: str


@final
class Unreadable(msgspec.Struct, frozen=True):
    """In the place of what a fact says: why that cannot be read or stored. Folding it stalls its stream."""

    error: Exception


# Jurnal's answers are about a command, not about the report a stream waits at; folding one twice is harmless.
_NEVER_WAIT = (CommandAccepted, CommandRefused)
_WORDS = (StreamRetried, StreamFactSkipped)
Read = Meaning | Unreadable
ReadWaiting = Callable[[FollowedFact, int], Awaitable[Sequence[FollowedFact]]]


def read_each(facts: Iterable[FollowedFact]) -> Iterator[Read]:
    """Give what each fact says."""
    # Facts of one kind often follow each other: then its reader need not be looked up.
    kind: tuple[str, int] | None = None
    for fact in facts:
        try:
            if (its_kind := (fact.type, fact.schema_version)) != kind:
                read, kind = reader_of(*its_kind), its_kind
            meaning: Read = read(fact.body)
        except Exception as error:  # noqa: BLE001 - reported when the fact is folded; its neighbours must go on
            meaning = Unreadable(error)
        yield meaning


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

    async def fold(self, facts: Iterable[FollowedFact], read: Iterable[Read], read_waiting: ReadWaiting) -> None:
        """Fold `facts`; `read` is what they say. `read_waiting` returns what a resumed stream has to catch up on."""
        # A page is a sequence of what a fold sees of facts; attribute for attribute they are facts.
        both = zip(cast("Iterable[Fact]", facts), read, strict=True)
        while (operator := self._take(both)) is not None:
            await self._resume(*operator, read_waiting)

    def _take(self, both: Iterator[tuple[Fact, Read]]) -> tuple[Fact, StreamRetried | StreamFactSkipped] | None:
        """Fold up to an operator's word about a stream, and return that; None at the end."""
        evolve, states, changed, add_row = self.projection.evolve, self.states, self.changed, self._add_row
        stalled = self.stalled
        for fact, meaning in both:
            # Not isinstance(), which asks the metaclass of a Struct and takes 0.1 µs for each no.
            if type(meaning) is Unreadable:
                self._stall(fact, meaning.error)
                continue
            if type(meaning) in _WORDS:
                assert isinstance(meaning, _WORDS)
                return fact, meaning
            if stalled and fact.stream_id in stalled and not isinstance(meaning, _NEVER_WAIT):
                continue
            try:
                evolved = evolve(states, fact, meaning)
            except Exception as error:  # noqa: BLE001 - whatever a fact brings, its neighbours must go on
                self._stall(fact, error)
                continue
            if evolved.states:
                states.update(evolved.states)
                changed.update(evolved.states)
            for row in evolved.rows:
                add_row(row)
        return None

    def _stall(self, fact: FollowedFact, error: Exception) -> None:
        if fact.stream_id not in self.stalled:
            self.stalled[fact.stream_id] = fact.position
            self.stalls.append(Stall(fact.stream_id, fact.position, f"{type(error).__name__}: {error}"[:2_000]))

    async def _resume(self, operator: Fact, word: StreamRetried | StreamFactSkipped, read_waiting: ReadWaiting) -> None:
        """Fold a stalled stream again from the fact it waits at, as an operator said, up to the operator's word."""
        stream_id = operator.stream_id
        waits_at = self.stalled.get(stream_id)
        if waits_at is None:
            return
        skipped = word.position if isinstance(word, StreamFactSkipped) else None
        waiting = [fact for fact in await read_waiting(operator, waits_at) if fact.position != skipped]
        del self.stalled[stream_id]
        self.resumed.append(stream_id)
        self.stalls = [stall for stall in self.stalls if stall.stream_id != stream_id]
        both = zip(cast("Sequence[Fact]", waiting), read_each(waiting), strict=True)
        assert self._take(pair for pair in both if not isinstance(pair[1], _WORDS)) is None


async def read_waiting(reader: LedgerReader, operator: FollowedFact, waits_at: int) -> Sequence[FollowedFact]:
    """Return the facts of a stream from where it waits up to the operator's word about it."""
    return await reader.read_stream_between(operator.store_id, operator.stream_id, waits_at, operator.position)
