"""What Jurnal answered, as facts in the ledger."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, get_args

import msgspec
import structlog

from eventstore.appender import Appender
from eventstore.connection import Pool
from eventstore.database_clock import database_now
from eventstore.event import NewFact, VersionConflict
from eventstore.facts.answers import (
    Attempted,
    CommandAccepted,
    CommandConfirmedAbsent,
    CommandPostponed,
    CommandRefused,
    CommandUnanswered,
    Document,
)
from eventstore.facts.reconciliation import DocumentResendRequested
from eventstore.facts.registry import decode, encode
from eventstore.store import LedgerReader
from projections.jurnal_commands.commands import CreateCustomer
from projections.jurnal_commands.queue import Key, Send
from service.jurnal.exchange import NoAnswer, Response
from service.telemetry.logs import LogEvent

AnswerFact = CommandAccepted | CommandRefused | CommandPostponed | CommandUnanswered | CommandConfirmedAbsent
_ANSWERS = frozenset(kind.__name__ for kind in get_args(AnswerFact))
_LOG = structlog.get_logger()
# Jurnal's statuses for a number or key that is taken; no other unanswered attempt has one of them.
_TAKEN_STATUSES = frozenset({409, 422})
_STREAM_END_FACTS = 1_000
_DIFFERING = "Put it right there, then retry, or skip this if it may stand as it is"
_EVENTS = {
    CommandAccepted: LogEvent.COMMAND_ACCEPTED,
    CommandRefused: LogEvent.COMMAND_REFUSED,
    CommandUnanswered: LogEvent.COMMAND_UNANSWERED,
    CommandConfirmedAbsent: LogEvent.COMMAND_CONFIRMED_ABSENT,
}


class AnswerLedger:
    """Appends Jurnal's answers to the stream of their command, and reads the last one back."""

    def __init__(self, pool: Pool, appender: Appender, reader: LedgerReader) -> None:
        self._pool = pool
        self._appender = appender
        self._reader = reader

    async def append(
        self, answers: Sequence[tuple[Send, AnswerFact]], versions: Mapping[Key, int] | None = None
    ) -> list[int | None]:
        """Append answers; one that is there already stays as it is. Return the position where each stands.

        `versions`: where its stream must still stand for an answer to be appended; None where one is not.
        """
        async with self._pool.acquire() as connection:
            now = await database_now(connection)
        by_store: dict[str, list[int]] = {}
        for place, (send, _) in enumerate(answers):
            by_store.setdefault(send.store_id, []).append(place)
        positions: list[int | None] = [None] * len(answers)
        for store_id, places in by_store.items():
            facts = [_fact(*answers[place], now, versions) for place in places]
            results = await self._appender.append(store_id, facts)
            for place, result in zip(places, results, strict=True):
                if not isinstance(result, VersionConflict):
                    positions[place] = result.position
        for (send, fact), position in zip(answers, positions, strict=True):
            if position is not None:
                _log(send, fact)
        return positions

    async def version(self, send: Send, *, is_answer: bool) -> int | None:
        """Return where the command's stream stands, None if by what stands in it a refusal of the send comes too late.

        That is: its document was booked since, or, of an attempt that Jurnal answered just now (`is_answer`), another
        process has told how that attempt or a later one ended.
        """
        facts = await self._reader.read_stream_end(send.store_id, send.stream_id, facts_max=_STREAM_END_FACTS)
        is_resent = False
        for fact in facts:
            told = decode(fact) if fact.type in _ANSWERS or fact.type == DocumentResendRequested.__name__ else None
            if isinstance(told, DocumentResendRequested) and told.command_id == send.command_id:
                is_resent = True
            if not isinstance(told, AnswerFact) or told.attempted.command_id != send.command_id:
                continue
            if isinstance(told, CommandAccepted) and not is_resent:
                return None
            if is_answer and told.attempted.attempt >= send.attempt and not isinstance(told, CommandUnanswered):
                return None
        return facts[0].stream_version if facts else 0

    async def ends_in_conflict(self, send: Send) -> bool:
        """Tell whether the last answer to the command was that its key is taken; a refusal or a new attempt ends it."""
        for fact in await self._reader.read_stream_end(send.store_id, send.stream_id, facts_max=_STREAM_END_FACTS):
            if fact.type not in _ANSWERS:
                continue
            answer = decode(fact)
            if isinstance(answer, AnswerFact) and answer.attempted.command_id == send.command_id:
                return isinstance(answer, CommandUnanswered) and answer.attempted.http_status in _TAKEN_STATUSES
        return False


def _fact(send: Send, fact: AnswerFact, now: datetime, versions: Mapping[Key, int] | None) -> NewFact:
    name, version, body = encode(fact)
    return NewFact(
        stream_id=send.stream_id,
        type=name,
        schema_version=version,
        source_id=f"answer:{send.command_id}:{fact.attempted.attempt}:{name}:{_told_apart_by(send, fact)}",
        observed_at=now,
        body=body,
        expected_version=None if versions is None else versions.get(send.key),
    )


def _log(send: Send, fact: AnswerFact) -> None:
    if (event := _EVENTS.get(type(fact))) is not None:
        kind, attempt = type(send.command).__name__, fact.attempted.attempt
        _LOG.info(event, store=send.store_id, command=send.command_id, kind=kind, attempt=attempt)


def _told_apart_by(send: Send, fact: AnswerFact) -> str:
    """Return what tells an answer from others of its kind to the same attempt, and is the same when it is repeated.

    What is refused, released and refused again may be so without another attempt. A refusal ends what its release let
    go: under one release there is one, and a second one is the first repeated after a crash.
    """
    # What was accepted, is to go again and is found then, is accepted a second time by the same attempt.
    if isinstance(fact, CommandRefused) or (isinstance(fact, CommandAccepted) and send.vouched):
        return f"release-{send.released_at}"
    signed = f"{0 if send.signed_at is None else send.signed_at.timestamp():.0f}"
    # Absent once more is another word: whoever decided something before it must see that it comes too late.
    return f"{signed}:{send.due_at.timestamp():.6f}" if isinstance(fact, CommandConfirmedAbsent) else signed


def attempted_in(send: Send, answer: Response | NoAnswer, *, status: int | None = None) -> Attempted:
    """Return what went over the wire. Of a customer no digest: who guesses the few values in it could tell.

    `status`: what the answer to a call of several has for this command.
    """
    is_personal = isinstance(send.command, CreateCustomer)
    return Attempted(
        command_id=send.command_id,
        attempt=send.attempt,
        request_digest="" if is_personal else send.request_digest,
        response_digest=answer.digest if isinstance(answer, Response) and not is_personal else "",
        http_status=answer.status if isinstance(answer, Response) and status is None else status,
        batch_id=msgspec.UNSET if send.batch_id is None else str(send.batch_id),
    )


def last_word(
    attempted: Attempted,
    document: Document,
    differences: list[str],
    found_by: Literal["answer", "conflict", "probe"],
) -> CommandAccepted | CommandRefused:
    """Return the last word on a document that is there; one that differs from what was asked is for a person."""
    if differences:
        told = "; ".join(differences)
        number = document.transaction_no or document.jurnal_id
        reason = f"Jurnal holds {number}, but it differs: {told}. {_DIFFERING}"
        return CommandRefused(attempted=attempted, reason=reason)
    return CommandAccepted(attempted=attempted, document=document, found_by=found_by)
