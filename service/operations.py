"""What a person decides about lines of the Accounting Sync list and about a store: facts with a name and a reason."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Literal
from uuid import uuid4

import msgspec

from eventstore.appender import Appender
from eventstore.clock import Clock
from eventstore.connection import Pool
from eventstore.event import Appended, NewFact
from eventstore.facts.operators import (
    OPERATIONS_STREAM,
    CommandReleased,
    OperatorFact,
    RecordRetried,
    RecordSkipped,
    StorePaused,
    StoreResumed,
    StreamRetried,
)
from eventstore.facts.reconciliation import DecidedFact
from eventstore.facts.registry import encode
from eventstore.facts.settings import SyncRequested
from eventstore.store import LedgerReader
from projections.jurnal_commands.decision import RecordKind
from projections.store_settings.queries import read_pause
from projections.sync_status.queries import Place, Standing, Wanted, count_behind, read_page, read_standing
from service.scheduler import request_sync

RECORDS_A_CALL_MAX = 500
# Beyond this nobody counts on: the answer says "at least".
LEFT_COUNTED_MAX = 10_000
_RETRY_CALLS_MAX = 20
Scope = Literal["transfers", "sales"]
_KINDS: Mapping[Scope, tuple[RecordKind, ...]] = {
    "transfers": (
        "transfer_start",
        "transfer_receipt",
        "goods_received",
        "goods_returned",
        "stock_count",
        "stock_adjustment",
    ),
    "sales": ("sale", "payment", "refund", "void", "change"),
}


class Word(msgspec.Struct, frozen=True):
    """Who decides, and why; both are kept in the ledger."""

    actor: str
    reason: str


class Decided(msgspec.Struct, frozen=True):
    """The decision stands in the ledger at these positions."""

    positions: tuple[int, ...]


class NothingToDo(msgspec.Struct, frozen=True):
    """The line is not one that this can be decided of; `detail` says why and what to do instead."""

    detail: str


class UnknownRecord(msgspec.Struct, frozen=True):
    """The list has no such line."""


class RetriedMany(msgspec.Struct, frozen=True, kw_only=True):
    """Which lines go again. `left`: how many wanted lines stand behind them, `LEFT_COUNTED_MAX` at most.

    `next` is the place to go on behind. `untouched`: lines that cannot be retried, with the reason.
    """

    retried: tuple[str, ...]
    untouched: dict[str, str]
    left: int
    next: Place | None


class SyncAsked(msgspec.Struct, frozen=True):
    """The request stands at `position`; `retried` lines of the range failed before, `left` more stand behind them."""

    position: int
    retried: int
    left: int


class Paused(msgspec.Struct, frozen=True):
    """Nothing is sent for the store, since the fact at `position`."""

    position: int
    since: datetime
    actor: str
    reason: str


OneDecided = Decided | NothingToDo | UnknownRecord


class Operations:
    """Appends decisions. What they do is up to the folds: a decision twice does nothing twice."""

    def __init__(self, pool: Pool, reader: LedgerReader, appender: Appender, clock: Clock) -> None:
        self._pool = pool
        self._reader = reader
        self._appender = appender
        self._clock = clock

    async def retry(self, store_id: str, record_id: str, word: Word) -> OneDecided:
        """Let one line go again: its refused commands, its document's judgement, or its stalled stream."""
        standing = await read_standing(self._pool, store_id, [record_id])
        return await self._decide(store_id, _retry(standing[0], word)) if standing else UnknownRecord()

    async def skip(self, store_id: str, record_id: str, word: Word) -> OneDecided:
        """Leave one line to the person who has seen to it: nothing of it is sent any more."""
        standing = await read_standing(self._pool, store_id, [record_id])
        return await self._decide(store_id, _skip(standing[0], word)) if standing else UnknownRecord()

    async def retry_many(
        self, store_id: str, wanted: Wanted, word: Word, *, after: Place | None, records_max: int
    ) -> RetriedMany:
        """Let the next lines that are wanted go again, newest first; call again with `next` until nothing is left."""
        assert 0 < records_max <= RECORDS_A_CALL_MAX
        page = await read_page(self._pool, store_id, wanted, rows_max=records_max, after=after)
        facts: list[NewFact] = []
        retried: list[str] = []
        untouched: dict[str, str] = {}
        for standing in await read_standing(self._pool, store_id, [record.record_id for record in page.records]):
            decided = _retry(standing, word)
            if isinstance(decided, NothingToDo):
                untouched[standing.record_id] = decided.detail
            else:
                retried.append(standing.record_id)
                facts += [operator_fact(fact, stream_id, self._clock.now()) for stream_id, fact in decided]
        if facts:
            await self._appender.append(store_id, facts)
        left = await count_behind(self._pool, store_id, wanted, page.next, LEFT_COUNTED_MAX) if page.next else 0
        return RetriedMany(retried=tuple(retried), untouched=untouched, left=left, next=page.next)

    async def sync_range(self, store_id: str, scope: Scope, first: date, last: date, word: Word) -> SyncAsked:
        """Let what waits of a range of dates go, and what failed of it once more. Asked again, nothing goes twice."""
        requested = SyncRequested(scope=scope, first=first, last=last, actor=word.actor, reason=word.reason)
        position = await request_sync(self._appender, self._clock, store_id, requested)
        failed = Wanted(statuses=("Failed",), kinds=_KINDS[scope], first=first, last=last)
        retried, after, done = 0, None, None
        for _ in range(_RETRY_CALLS_MAX):
            done = await self.retry_many(store_id, failed, word, after=after, records_max=RECORDS_A_CALL_MAX)
            retried, after = retried + len(done.retried), done.next
            if after is None:
                break
        assert done is not None
        return SyncAsked(position, retried, done.left)

    async def paused(self, store_id: str) -> Paused | None:
        """Return since when a store is paused, by whom and why; None while it sends."""
        pause = await read_pause(self._pool, store_id)
        if pause is None:
            return None
        told = await self._reader.read_one(store_id, pause.position)
        assert told is not None
        return Paused(pause.position, told.recorded_at, pause.fact.actor, pause.fact.reason)

    async def pause_stands_at(self, store_id: str) -> int | None:
        """Return the position of the pause that holds a store back; None while it sends."""
        # The ledger is asked, not the setting: a resume that is not folded yet has ended the pause.
        last = await self._reader.read_stream_end(store_id, OPERATIONS_STREAM, facts_max=1)
        return last[0].position if last and last[0].type == StorePaused.__name__ else None

    async def pause(self, store_id: str, word: Word) -> int:
        """Send nothing for the store until it is resumed; paused already, return where that stands."""
        standing = await self.pause_stands_at(store_id)
        if standing is not None:
            return standing
        return await self.append(store_id, OPERATIONS_STREAM, StorePaused(actor=word.actor, reason=word.reason))

    async def resume(self, store_id: str, word: Word) -> int:
        """Go on sending; a store that sends goes on sending."""
        return await self.append(store_id, OPERATIONS_STREAM, StoreResumed(actor=word.actor, reason=word.reason))

    async def append(self, store_id: str, stream_id: str, decided: OperatorFact) -> int:
        """Append one decision and return its position."""
        (position,) = (await self._append(store_id, [(stream_id, decided)])).positions
        return position

    async def append_all(self, store_id: str, decided: Sequence[tuple[str, OperatorFact | DecidedFact]]) -> Decided:
        """Append decisions, each with its stream, all or none."""
        return await self._append(store_id, decided)

    async def _decide(
        self, store_id: str, decided: Sequence[tuple[str, OperatorFact]] | NothingToDo
    ) -> Decided | NothingToDo:
        return decided if isinstance(decided, NothingToDo) else await self._append(store_id, decided)

    async def _append(self, store_id: str, decided: Sequence[tuple[str, OperatorFact | DecidedFact]]) -> Decided:
        now = self._clock.now()
        facts = [operator_fact(fact, stream_id, now) for stream_id, fact in decided]
        results = await self._appender.append(store_id, facts)
        return Decided(tuple(result.position for result in results if isinstance(result, Appended)))


def operator_fact(decided: OperatorFact | DecidedFact, stream_id: str, at: datetime) -> NewFact:
    """Return a decision as a fact; each is one of its own."""
    name, version, body = encode(decided)
    return NewFact(
        stream_id=stream_id,
        type=name,
        schema_version=version,
        source_id=f"operator:{uuid4()}",
        observed_at=at,
        body=body,
    )


def _retry(standing: Standing, word: Word) -> Sequence[tuple[str, OperatorFact]] | NothingToDo:
    """Return the facts that let a line go again, with their streams."""
    actor, reason = word.actor, word.reason
    if standing.state == "stalled":
        return [(standing.stream_id, StreamRetried(actor=actor, reason=reason))]
    if standing.stuck:
        # In the stream of its document, which may plan it anew.
        return [
            (standing.stream_id, CommandReleased(command_id=command_id, actor=actor, reason=reason))
            for command_id in standing.stuck
        ]
    if standing.state in ("booking", "superseded"):
        return NothingToDo(_nothing_stuck(standing))
    if standing.stream_id.startswith("unreadable-"):
        return NothingToDo(
            "What cannot be read is read no better a second time: send its position to support, or skip it."
        )
    if not standing.stream_id:
        return NothingToDo(_UNKNOWN_STREAM)
    return [(standing.stream_id, RecordRetried(record_id=standing.record_id, actor=actor, reason=reason))]


def _skip(standing: Standing, word: Word) -> Sequence[tuple[str, OperatorFact]] | NothingToDo:
    """Return the fact that leaves a line to a person, with its stream."""
    if standing.state == "stalled":
        return NothingToDo(
            f"A stream is not skipped, only the fact it waits at: jurnalsync stream skip {standing.stream_id} POSITION."
        )
    if standing.state in ("booking", "superseded") and not standing.stuck:
        return NothingToDo(_nothing_stuck(standing))
    if standing.stuck and standing.record_id.startswith("customer-"):
        return NothingToDo(
            "A customer is not skipped: all sales to it need its contact, the later ones too. Put right what its "
            f"reason names, or make the contact with the custom_id {standing.stuck[0]} in Jurnal, by its API. "
            "Then retry: it is found, and the sales go on."
        )
    if not standing.stream_id:
        return NothingToDo(_UNKNOWN_STREAM)
    skipped = RecordSkipped(record_id=standing.record_id, actor=word.actor, reason=word.reason)
    return [(standing.stream_id, skipped)]


_UNKNOWN_STREAM = (
    "An earlier release wrote this line without its stream: run `jurnalsync rebuild sync_status`, then ask again."
)


def _nothing_stuck(standing: Standing) -> str:
    if standing.state == "superseded":
        return (
            "Other records took its place: nothing of it goes to Jurnal any more. Look for the document's other lines."
        )
    if standing.seen_to:
        return (
            "A person has seen to it already, for good: what is still to be booked of it is booked in Jurnal by hand."
        )
    if standing.behind:
        return f"{standing.behind}."
    if standing.under_way:
        return "It is on its way to Jurnal: nothing of it is refused or parked. Wait for Jurnal's answer."
    return "It is in Jurnal already. What is booked there is corrected in iSeller, by a refund or a void."
