"""The way in: read strictly, seal, append. It does nothing else with what iSeller tells.

Webhooks and polls of the same content are one fact, unless something else was told too: then a poll confirms it.
What cannot be read is kept, sealed whole, and told apart.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Literal, TypeVar

import msgspec
import structlog

from eventstore.appender import Appender
from eventstore.clock import Clock
from eventstore.errors import HistoryError
from eventstore.event import Appended, AppendResult, Duplicate, Fact, NewFact, VersionConflict
from eventstore.facts.incidents import IntegrityIncident
from eventstore.facts.registry import encode
from eventstore.facts.reports.kind import ReportKind
from eventstore.keyring import Keyring
from eventstore.store import LedgerReader
from service.iseller.retold import Addition, Contradiction, compare, family
from service.iseller.sealing import Draft, draft, sealed_fact
from service.telemetry.logs import LogEvent

T = TypeVar("T")
Outcome = Literal["appended", "duplicate", "unreadable"]

_METADATA = msgspec.json.Encoder(order="deterministic")
_REPORTS_A_TURN = 50
_LATEST_FACTS_MAX = 10
_STREAM_FACTS_MAX = 500
_COMPARED_MIN = 2
_RETURN_TRIES_MAX = 5
_ADDITION_TRIES_MAX = 5


class _Metadata(msgspec.Struct):
    channel: str = ""


_CHANNEL = msgspec.json.Decoder(_Metadata)


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one body: its position, or that of the fact that told the same before.

    `field` and `reason` say why a body is unreadable and hold no personal value. `thin`: an order without lines,
    totals or transactions.
    """

    position: int
    outcome: Outcome
    field: str = ""
    reason: str = ""
    thin: bool = False


def _ignore() -> None:
    """Count nothing."""


class Intake:
    """Takes iSeller's reports into the ledgers; safe to share between tasks.

    `on_incident` is called for every `IntegrityIncident` that is appended.
    """

    def __init__(
        self,
        reader: LedgerReader,
        appender: Appender,
        keyring: Keyring,
        clock: Clock,
        on_incident: Callable[[], None] = _ignore,
    ) -> None:
        self._reader = reader
        self._appender = appender
        self._keyring = keyring
        self._clock = clock
        self._on_incident = on_incident
        self._log = structlog.get_logger()

    async def take(
        self,
        store_id: str,
        kind: ReportKind,
        body: bytes,
        *,
        observed_at: datetime,
        metadata: Mapping[str, object],
    ) -> Taken:
        """Append one report and return after the durable commit.

        Raises `AppendQueueFull`, `LedgerNotFound`, `FactTooLarge` and the database's connection errors.
        """
        (taken,) = await self.take_many(store_id, [(kind, body)], observed_at=observed_at, metadata=metadata)
        return taken

    async def take_many(
        self,
        store_id: str,
        reports: Sequence[tuple[ReportKind, bytes]],
        *,
        observed_at: datetime,
        metadata: Mapping[str, object],
    ) -> list[Taken]:
        """Append reports in their order with one call, and return one result each after the durable commit."""
        drafts, facts = await self._draft(store_id, reports, observed_at, metadata)
        results = await self._append(store_id, drafts, facts)
        return [self._taken(store_id, drafted, result) for drafted, result in zip(drafts, results, strict=True)]

    async def take_polled(
        self,
        store_id: str,
        kind: ReportKind,
        bodies: Sequence[bytes],
        *,
        observed_at: datetime,
        metadata: Mapping[str, object],
        ledger_position_before: int,
    ) -> list[Taken]:
        """Append the objects of one answer and return one result each.

        `ledger_position_before` is the ledger's end before the request: an object that went back to an earlier
        content, or that only webhooks told after another one, is a new fact only if its stream has nothing newer;
        otherwise the next poll decides.
        """
        if not bodies:
            return []
        reports = [(kind, body) for body in bodies]
        drafts, facts = await self._draft(store_id, reports, observed_at, metadata)
        results = await self._append(store_id, drafts, facts)
        if not kind.identity_fields:
            for number, (drafted, fact, result) in enumerate(zip(drafts, facts, results, strict=True)):
                if drafted.object_id and isinstance(result, Duplicate):
                    results[number] = await self._return(store_id, fact, result, ledger_position_before)
        return [self._taken(store_id, drafted, result) for drafted, result in zip(drafts, results, strict=True)]

    async def _draft(
        self,
        store_id: str,
        reports: Sequence[tuple[ReportKind, bytes]],
        observed_at: datetime,
        metadata: Mapping[str, object],
    ) -> tuple[list[Draft], list[NewFact]]:
        drafts: list[Draft] = []
        for start in range(0, len(reports), _REPORTS_A_TURN):
            drafts += [draft(self._keyring, store_id, kind, body) for kind, body in await _turn_at(reports, start)]
        persons = list(dict.fromkeys(person for drafted in drafts for person in drafted.persons))
        # Committed before the append: a sealed value whose key was lost could never be opened again.
        keys = await self._keyring.data_keys(store_id, persons, made_at=self._clock.now()) if persons else {}
        erased = frozenset(
            person for person, data_key in keys.items() if not self._keyring.keeps(store_id, person, data_key)
        )
        encoded = _METADATA.encode(metadata)
        facts: list[NewFact] = []
        for start in range(0, len(drafts), _REPORTS_A_TURN):
            facts += [
                sealed_fact(drafted, keys, erased, store_id=store_id, observed_at=observed_at, metadata=encoded)
                for drafted in await _turn_at(drafts, start)
            ]
        return drafts, facts

    async def _append(self, store_id: str, drafts: list[Draft], facts: list[NewFact]) -> list[AppendResult]:
        results = await self._appender.append(store_id, facts)
        for number, (drafted, fact, result) in enumerate(zip(drafts, facts, results, strict=True)):
            if isinstance(result, Duplicate) and drafted.object_id and drafted.kind.immutable_fields:
                results[number] = await self._retold(store_id, drafted.kind, fact, result)
        return results

    async def _retold(self, store_id: str, kind: ReportKind, fact: NewFact, duplicate: Duplicate) -> AppendResult:
        """Append what a report adds to those under its source id, or an incident if it contradicts one of them."""
        try:
            original = await self._reader.read_one(store_id, duplicate.position)
        except HistoryError as error:
            return self._unread(store_id, duplicate, error)
        assert original is not None
        found = compare(kind, [original], fact)
        if isinstance(found, Addition) and original.stream_id == fact.stream_id:
            return await self._add(store_id, kind, fact, original)
        if isinstance(found, Contradiction):
            await self._note_incident(store_id, kind, fact, found)
        return duplicate

    async def _add(self, store_id: str, kind: ReportKind, fact: NewFact, original: Fact) -> AppendResult:
        """Append a report that says more than the original, unless an earlier addition said it or contradicts it."""
        for left in reversed(range(_ADDITION_TRIES_MAX)):
            stream = await self._reader.read_stream_end(store_id, fact.stream_id, facts_max=_STREAM_FACTS_MAX)
            told = family(fact, stream)
            found = compare(kind, [original, *told], fact)
            if isinstance(found, Contradiction):
                await self._note_incident(store_id, kind, fact, found)
            if not isinstance(found, Addition):
                return Duplicate(told[0].position, told[0].stream_version)
            # Two additions at once may contradict each other; the last try takes that risk rather than lose one.
            expected = stream[0].stream_version if left else None
            added = msgspec.structs.replace(fact, source_id=found.source_id, expected_version=expected)
            result = (await self._appender.append(store_id, [added]))[0]
            if not isinstance(result, VersionConflict):
                return result
        raise AssertionError("the last try expects no version")

    async def _note_incident(self, store_id: str, kind: ReportKind, fact: NewFact, found: Contradiction) -> None:
        name, version, body = encode(
            IntegrityIncident(
                kind=kind.name,
                source_id=fact.source_id,
                original_position=found.original.position,
                field=found.field,
                original=found.before,
                reported=found.after,
                seen_at=fact.observed_at,
            )
        )
        digest = sha256(f"{found.field}\x00{found.after}".encode()).hexdigest()[:32]
        incident = NewFact(
            stream_id=fact.stream_id,
            type=name,
            schema_version=version,
            source_id=f"incident:{fact.source_id}:{digest}",
            observed_at=fact.observed_at,
            body=body,
            metadata=fact.metadata,
        )
        result = (await self._appender.append(store_id, [incident]))[0]
        if isinstance(result, Appended):
            self._on_incident()
            self._log.error(
                LogEvent.INTEGRITY_INCIDENT,
                store=store_id,
                kind=kind.name,
                field=found.field,
                original_position=found.original.position,
                position=result.position,
            )

    async def _return(
        self, store_id: str, fact: NewFact, duplicate: Duplicate, ledger_position_before: int
    ) -> AppendResult:
        """Append a polled report that tells an older content again, unless that is what counts already."""
        try:
            end = await self._reader.read_stream_end(store_id, fact.stream_id, facts_max=_LATEST_FACTS_MAX)
            if len(end) == _LATEST_FACTS_MAX and sum(stored.type == fact.type for stored in end) < _COMPARED_MIN:
                end = await self._reader.read_stream_end(store_id, fact.stream_id, facts_max=_STREAM_FACTS_MAX)
        except HistoryError as error:
            return self._unread(store_id, duplicate, error)
        told = [stored for stored in end if stored.type == fact.type]
        if not told or _counts(told, fact.source_id) or end[0].position > ledger_position_before:
            return duplicate
        first = 1 + max(1, *(_turn(stored, fact.source_id) for stored in end))
        for turn in range(first, first + _RETURN_TRIES_MAX):
            again = msgspec.structs.replace(
                fact, source_id=f"{fact.source_id}:{turn}", expected_version=end[0].stream_version
            )
            result = (await self._appender.append(store_id, [again]))[0]
            if isinstance(result, Appended):
                return result
            if not isinstance(result, Duplicate):
                # Somebody appended to the stream meanwhile: what this poll saw may be old.
                return duplicate
        return duplicate

    def _unread(self, store_id: str, duplicate: Duplicate, error: HistoryError) -> Duplicate:
        """Take a report of an archived fact for the repeat that its key says it is: its content is out of reach."""
        self._log.error(LogEvent.ARCHIVE_UNREADABLE, store=store_id, position=duplicate.position, reason=str(error))
        return duplicate

    def _taken(self, store_id: str, drafted: Draft, result: AppendResult) -> Taken:
        assert isinstance(result, (Appended, Duplicate)), "nothing here expects a version"
        if drafted.reason:
            self._log.warning(
                LogEvent.PAYLOAD_UNREADABLE,
                store=store_id,
                kind=drafted.kind.name,
                field=drafted.field,
                reason=drafted.reason,
                position=result.position,
            )
            return Taken(position=result.position, outcome="unreadable", field=drafted.field, reason=drafted.reason)
        outcome: Outcome = "appended" if isinstance(result, Appended) else "duplicate"
        return Taken(position=result.position, outcome=outcome, thin=drafted.thin)


async def _turn_at(elements: Sequence[T], start: int) -> Sequence[T]:
    """Return the next elements after every other task had its turn: a batch must not hold up the webhooks beside it."""
    if start:
        await asyncio.sleep(0)
    return elements[start : start + _REPORTS_A_TURN]


def _counts(told: Sequence[Fact], source_id: str) -> bool:
    """Tell whether this content is what counts of the reports: a poll showed it last, or nothing else was ever told.

    A webhook that came last may be older than another one, or tell a status that only a poll is believed.
    """
    latest = max(told, key=lambda stored: (stored.observed_at, stored.position))
    if not _turn(latest, source_id):
        return False
    return _CHANNEL.decode(latest.metadata).channel == "poll" or all(_turn(stored, source_id) for stored in told)


def _turn(stored: Fact, source_id: str) -> int:
    """Return 1 for the fact of this source id, 2, 3 … for its returns, 0 for any other."""
    base, _, turn = stored.source_id.rpartition(":")
    if stored.source_id == source_id:
        return 1
    return int(turn) if base == source_id and turn.isdecimal() else 0
