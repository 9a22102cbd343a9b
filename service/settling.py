"""What an answer of Jurnal's does: a fact in the ledger, and the send's next state.

A crash between the two only repeats a look-up: what the ledger knows ends the send.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, assert_never

import msgspec
import structlog

from eventstore.connection import Pool
from eventstore.database_clock import database_now
from eventstore.facts.answers import (
    Attempted,
    CommandAccepted,
    CommandConfirmedAbsent,
    CommandPostponed,
    CommandRefused,
    CommandUnanswered,
)
from projections.jurnal_commands.queue import Ended, Key, Move, Send, SendQueue
from service.answer_ledger import AnswerFact, AnswerLedger, last_word
from service.fence import Fence
from service.jurnal.documents import matches
from service.jurnal.outcome import Accepted, AlreadyThere, Outcome, Refused, TryLater, Unknown
from service.jurnal_calls import Company, JurnalCalls
from service.telemetry.logs import LogEvent

_LOG = structlog.get_logger()
_FIRST_PROBE_WAIT = timedelta(seconds=1)
_SERVICE_WAIT_SECONDS = 5
_WITHHELD = "It cannot go as it is: the refusal is being written down"
# More refusals of one call than stand in one stream, and more reports of one order than come meanwhile.
_REFUSAL_TRIES_MAX = 100


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one row of a call of `rows`: `send` is the attempt as it was made.

    `alone`: it must not go in a call of several again.
    """

    send: Send
    attempted: Attempted
    outcome: Outcome
    rows: int = 1
    alone: bool = False
    found_by: Literal["answer", "conflict"] = "answer"


class Settling:
    """Appends answers and moves their sends."""

    def __init__(self, pool: Pool, answers: AnswerLedger, queue: SendQueue, calls: JurnalCalls, fence: Fence) -> None:
        self._pool = pool
        self._answers = answers
        self._queue = queue
        self._calls = calls
        self._fence = fence

    async def settle(self, company: Company, answered: Sequence[Answered]) -> None:
        """Settle the rows of one call: all facts in one append a store, all moves in one statement."""
        now = await self.now()
        later = await self._later(company, answered, now)
        settled = [(row.send, *self._settled(row, now, later)) for row in answered]
        positions = await self._append([(send, fact) for send, fact, _ in settled], is_answer=True)
        moves = [
            msgspec.structs.replace(move, settled_at=position) if move.state == "done" else move
            for (_, _, move), position in zip(settled, positions, strict=True)
            if position is not None
        ]
        await self._queue.move(moves, now=now)

    async def finish(self, ends: Sequence[tuple[Send, CommandAccepted | CommandRefused]]) -> None:
        """Append Jurnal's last words, or ours, and let go of the sends."""
        if not ends:
            return
        now = await self.now()
        positions = await self._append(ends, is_answer=False)
        moves = [
            Move(send=send, state="done", due_at=now, settled_at=position)
            for (send, _), position in zip(ends, positions, strict=True)
            if position is not None
        ]
        await self._queue.move(moves, now=now)

    async def absent(self, send: Send, attempted: Attempted, now: datetime) -> None:
        """Let a command go again that was never booked: by itself, where an endpoint refuses a used key.

        What never went over the wire may still go with others.
        """
        await self._answers.append([(send, CommandConfirmedAbsent(attempted=attempted))])
        await self._queue.move(
            [Move(send=send, state="due", due_at=now, alone=send.attempt > 0, as_seen=True)], now=now
        )

    async def now(self) -> datetime:
        """Return the database's time."""
        async with self._pool.acquire() as connection:
            return await database_now(connection)

    async def _append(self, words: Sequence[tuple[Send, AnswerFact]], *, is_answer: bool) -> list[int | None]:
        """Append words, and return where they stand; None for a refusal that comes too late.

        That something is in Jurnal is true however late it is told; a refusal is true of its own attempt alone. It is
        appended only where nothing has come since it was asked whether the command has gone on: this process may have
        stood still behind the question, too.
        """
        told: dict[Key, int] = {}
        refused = [each for each in words if isinstance(each[1], CommandRefused)]
        others = [each for each in words if not isinstance(each[1], CommandRefused)]
        told |= await self._told(others, None) if others else {}
        for _ in range(_REFUSAL_TRIES_MAX):
            if not refused:
                break
            refused = await self._refuse(refused, told, is_answer=is_answer)
        # What cannot be told is looked up when its deadline has passed.
        _log_dropped(send for send, _ in refused)
        return [told.get(send.key) for send, _ in words]

    async def _refuse(
        self, refused: Sequence[tuple[Send, AnswerFact]], told: dict[Key, int], *, is_answer: bool
    ) -> list[tuple[Send, AnswerFact]]:
        """Append refusals, one a stream; return those that must be tried anew. What has gone on drops out."""
        first = {(send.store_id, send.stream_id): (send, word) for send, word in reversed(refused)}
        if not is_answer:
            await self._withhold([send for send, _ in first.values()])
        versions = {}
        for send, _ in first.values():
            version = await self._answers.version(send, is_answer=is_answer)
            if version is not None:
                versions[send.key] = version
        # Asked behind the version: whoever goes on from there must tell of it in the stream first, or is seen.
        gone_on = await self._queue.gone_on([send for send, _ in first.values()])
        able = [each for each in first.values() if each[0].key in versions and each[0].key not in gone_on]
        told |= await self._told(able, versions)
        dropped = {send.key for send, _ in first.values()} - {send.key for send, _ in able}
        _log_dropped(send for send, _ in refused if send.key in dropped)
        return [each for each in refused if each[0].key not in dropped and each[0].key not in told]

    async def _withhold(self, sends: Sequence[Send]) -> None:
        """Take sends out of the queue: nobody sends them before a look-up of theirs has told of it in the stream.

        Without it another process could begin between our question and our append, of which no word stands yet: cut off
        then, its attempt would never be looked up, as its command is refused.
        """
        now = await self.now()
        later = now + self._calls.deadline
        # Of what never was on its way, absence counts at once.
        moves = [
            Move(send=send, state="unknown", due_at=later, reason=_WITHHELD, absent_from=send.absent_from or now)
            for send in sends
        ]
        await self._queue.move(moves, now=now)

    async def _told(
        self, words: Sequence[tuple[Send, AnswerFact]], versions: Mapping[Key, int] | None
    ) -> dict[Key, int]:
        positions = await self._answers.append(words, versions)
        return {
            send.key: position for (send, _), position in zip(words, positions, strict=True) if position is not None
        }

    async def _later(self, company: Company, answered: Sequence[Answered], now: datetime) -> datetime:
        """Return when a call may be tried again that a limit of Jurnal's refused."""
        is_limited = any(isinstance(row.outcome, TryLater) and row.outcome.scope != "service" for row in answered)
        closed = await self._calls.closed(company) if is_limited else None
        return now if closed is None else closed.free_at

    def _settled(self, row: Answered, now: datetime, later: datetime) -> tuple[AnswerFact, Move]:
        """Return the fact and the move that an outcome makes; a last word's position is not known yet."""
        send, attempted, outcome = row.send, row.attempted, row.outcome
        match outcome:
            case Accepted():
                differences = matches(send.command, send.command_id, outcome.record)
                word = last_word(attempted, outcome.document, differences, row.found_by)
                return word, _done(row, "refused" if differences else "accepted", now)
            case Refused():
                refused = CommandRefused(attempted=attempted, reason=outcome.reason, fields=outcome.fields)
                return refused, _done(row, "refused", now)
            case TryLater():
                return _postponed(row, outcome, now, later)
            case AlreadyThere():
                alone = msgspec.structs.replace(row, alone=row.rows > 1)
                return self._unanswered(alone, "Jurnal has a document with this key already", now)
            case Unknown():
                return self._unanswered(row, outcome.reason, now)
            case _:
                assert_never(outcome)

    def _unanswered(self, row: Answered, reason: str, now: datetime) -> tuple[CommandUnanswered, Move]:
        send, rows = row.send, row.rows
        assert send.signed_at is not None, "what went over the wire was signed"
        # What several were lost with is looked up before anything else goes.
        wait = _FIRST_PROBE_WAIT if rows == 1 or row.alone else timedelta(0)
        move = Move(
            send=send,
            state="unknown",
            due_at=now + wait,
            reason=reason,
            absent_from=self._fence.absent_from(send, send.signed_at, now, rows=rows),
            alone=row.alone,
            ended=_ended(row, "unknown"),
        )
        return CommandUnanswered(attempted=row.attempted, reason=reason, signed_at=send.signed_at), move


def _log_dropped(sends: Iterable[Send]) -> None:
    for send in sends:
        _LOG.warning(LogEvent.REFUSAL_DROPPED, store=send.store_id, command=send.command_id)


def _postponed(row: Answered, outcome: TryLater, now: datetime, later: datetime) -> tuple[CommandPostponed, Move]:
    wait = timedelta(seconds=outcome.wait_seconds or _SERVICE_WAIT_SECONDS)
    due_at = later if outcome.scope != "service" and later > now else now + wait
    fact = CommandPostponed(attempted=row.attempted, reason=outcome.reason, due_at=due_at)
    ended = _ended(row, "waiting")
    move = Move(send=row.send, state="waiting", due_at=due_at, reason=outcome.reason, alone=row.alone, ended=ended)
    return fact, move


def _done(row: Answered, outcome: Literal["accepted", "refused"], now: datetime) -> Move:
    return Move(send=row.send, state="done", due_at=now, ended=_ended(row, outcome))


def _ended(row: Answered, outcome: Literal["accepted", "refused", "waiting", "unknown"]) -> Ended:
    return Ended(outcome=outcome, http_status=row.attempted.http_status, response_digest=row.attempted.response_digest)
