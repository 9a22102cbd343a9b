"""The only writer to Jurnal: takes what is due, sends it at most once, and appends what Jurnal answered as facts.

One step makes at most one send or probe for a company. An attempt is recorded, with the Date it is signed with, before
anything goes over the wire; without a usable answer it is unknown, and only a probe after its fence may call it absent.
"""

from datetime import datetime, timedelta
from typing import Literal, assert_never

import msgspec
import structlog

from eventstore.connection import CONNECTION_ERRORS, Pool
from eventstore.database_clock import database_now
from eventstore.facts.answers import (
    Attempted,
    CommandAccepted,
    CommandConfirmedAbsent,
    CommandPostponed,
    CommandRefused,
    CommandUnanswered,
)
from projections.jurnal_commands.commands import CreateCustomer, DeleteDuplicate, DeleteInvoice
from projections.jurnal_commands.queue import Attempt, Send, SendQueue
from service.answer_ledger import AnswerLedger, attempted_in, last_word
from service.company_lease import CompanyLeases
from service.fence import Fence
from service.inquiry import Inquiry, Prepared, Told
from service.jurnal.documents import matches
from service.jurnal.exchange import NoAnswer, Response
from service.jurnal.outcome import (
    Absent,
    Accepted,
    AlreadyThere,
    Ambiguous,
    Found,
    Outcome,
    ProbeFailed,
    Refused,
    TryLater,
    Unknown,
    outcome_of,
    probe_outcome,
)
from service.jurnal.pace import Purpose
from service.jurnal.refusals import DATE_FIELDS, SHORT_OF_STOCK_WORDS, missing_reason
from service.jurnal.resources import is_keyed, number_of, reading_of
from service.jurnal.standing import NotStanding
from service.jurnal_calls import Company, CredentialMissing, JurnalCalls
from service.master_data import LookupFailed, Missing
from service.quota import Spent
from service.restore_guard import RestoreGuard
from service.telemetry.logs import LogEvent

_LOG = structlog.get_logger()
_PROBE_WAIT_SECONDS_MAX = 60
_FIRST_PROBE_WAIT_SECONDS = 1
_SERVICE_WAIT_SECONDS = 5
_PUT_OFF_SECONDS_MAX = 600


class Dispatched(msgspec.Struct, frozen=True):
    """What one step did. `wait_until` (database time) is set when nothing can be done before."""

    did: Literal["nothing", "not_ours", "waited", "sent", "probed", "refused"]
    kind: str = ""
    outcome: str = ""
    wait_until: datetime | None = None


class Dispatcher:
    """Sends the commands of one company at a time, under its lease. `stock_words`: of want of stock, in lower case."""

    def __init__(  # noqa: PLR0913 - the parts it joins, each named by wiring
        self,
        pool: Pool,
        answers: AnswerLedger,
        queue: SendQueue,
        leases: CompanyLeases,
        calls: JurnalCalls,
        inquiry: Inquiry,
        fence: Fence,
        *,
        stock_words: tuple[str, ...] = SHORT_OF_STOCK_WORDS,
        guard: RestoreGuard | None = None,
    ) -> None:
        self._guard, self._pool = guard, pool
        self._answers = answers
        self._queue = queue
        self._leases = leases
        self._calls = calls
        self._inquiry = inquiry
        self._fence = fence
        self._stock_words = stock_words
        self._put_offs: dict[tuple[str, str], int] = {}
        self._turn = 0
        self._resume_from: dict[str, tuple[int, int]] = {}

    async def step(self, company: Company, stores: tuple[str, ...]) -> Dispatched:
        """Make at most one send or probe for `company`, whose commands stand in the ledgers of `stores`."""
        lease = await self._leases.acquire(company.company_id)
        if lease is None:
            return Dispatched("not_ours")
        epoch, now = lease
        stopped = await self._calls.stopped(company)
        if stopped is not None and not stopped.is_due:
            return Dispatched("waited", outcome="breaker", wait_until=stopped.until)
        # What may have been sent is asked for first when Jurnal is tried again: reading does no harm.
        lost = None if stopped is None else await self._next(company, stores, lease, lost=True)
        send = lost or await self._next(company, stores, lease)
        if send is None:
            return Dispatched("nothing")
        try:
            if self._guard is not None and send.state != "unknown":
                async with self._leases.kept(company.company_id):
                    looked = await self._guard.step(company, stores, epoch, now)
                if looked is not True:
                    return Dispatched("waited" if looked else "probed", outcome="looking", wait_until=looked or None)
            done = await (
                self._probe(company, send, now) if send.state == "unknown" else self._send(company, send, epoch, now)
            )
            if done.outcome == "quota" and send.state != "unknown":
                fresh = await self._fresh_behind(company, stores, send, lease)
                done = done if fresh is None else await self._send(company, fresh, epoch, now)
        except CONNECTION_ERRORS:
            raise
        except Exception as error:  # noqa: BLE001 - logged; whatever is wrong with one command, its neighbours go on
            return await self._put_off_longer(send, error)
        self._put_offs.pop((send.store_id, send.command_id), None)
        if done.outcome == "quota":
            # Its turn is not over: else two stores could take turns at waiting and at sending.
            self._turn = stores.index(send.store_id)
        return done

    async def release(self, company: Company) -> None:
        """Give the company's lease up, so that another replica need not wait for it to run out."""
        await self._leases.release(company.company_id)

    async def _next(
        self, company: Company, stores: tuple[str, ...], lease: tuple[int, datetime], *, lost: bool = False
    ) -> Send | None:
        """Take the stores in turn, so that a busy one starves none; `lost`: what is unknown alone, before its time."""
        epoch, now = lease
        by = now + timedelta(seconds=_PROBE_WAIT_SECONDS_MAX) if lost else now
        for offset in range(len(stores)):
            store_id = stores[(self._turn + offset) % len(stores)]
            if not await self._caught_up(store_id, epoch):
                continue
            await self._queue.recover(store_id, company.company_id, now=now, fence_from=self._fence.full(now))
            send = await self._queue.next(store_id, company.company_id, now=by)
            if lost and (send is None or send.state != "unknown"):
                continue
            # What may have been sent is looked up all the same: it comes before everything that waits.
            if send is not None and (send.state == "unknown" or not await self._queue.paused(store_id)):
                self._turn = (self._turn + offset + 1) % len(stores)
                return send
        return None

    async def _fresh_behind(
        self, company: Company, stores: tuple[str, ...], head: Send, lease: tuple[int, datetime]
    ) -> Send | None:
        """Return what is of today or yesterday, when older documents at the head of the queue find no place."""
        epoch, now = lease
        if self._inquiry.purpose(head, now) is Purpose.FRESH:
            return None
        since = self._inquiry.fresh_since(now)
        for store_id in stores:
            if await self._caught_up(store_id, epoch) and not await self._queue.paused(store_id):
                fresh = await self._queue.next(store_id, company.company_id, now=now, since=since)
                if fresh is not None and fresh.state != "unknown":
                    return fresh
        return None

    async def _caught_up(self, store_id: str, epoch: int) -> bool:
        """Tell whether all that the ledger held when this lease began is folded, commands and settings.

        Jurnal's answers are facts: a command may look due only because its answer was not folded yet, as after a
        restore or a projection folded anew.
        """
        position, known_epoch = self._resume_from.get(store_id, (0, 0))
        if known_epoch != epoch:
            position = await self._queue.ledger_end(store_id)
            self._resume_from[store_id] = (position, epoch)
        if position and await self._queue.folded_position(store_id) < position:
            return False
        self._resume_from[store_id] = (0, epoch)
        return True

    async def _send(self, company: Company, send: Send, epoch: int, now: datetime) -> Dispatched:
        kind = type(send.command).__name__
        async with self._leases.kept(company.company_id):
            await self._inquiry.learn_daily(company, send, now)
            prepared = await self._inquiry.prepare(company, send, now)
        if not isinstance(prepared, Prepared):
            return await self._not_prepared(send, prepared)
        place = await self._calls.grant(company, self._inquiry.purpose(send, now))
        if isinstance(place, Spent):
            self._inquiry.keep(send, prepared, now)
            return Dispatched("waited", kind, "quota", place.free_at)
        signed = await self._calls.sign(company, prepared.request, signed_at=await self._now())
        # A digest of a few personal values is as good as the values: whoever guesses them can tell.
        digest = "" if isinstance(send.command, CreateCustomer) else signed.digest
        credit, invoice = prepared.standing.credit, prepared.standing.invoice
        attempt = Attempt(
            number=send.attempt + 1,
            signed_at=signed.signed_at,
            deadline_at=signed.signed_at + self._calls.deadline,
            absent_from=self._fence.absent_from(send, signed.signed_at, signed.signed_at + self._calls.deadline),
            request_digest=digest,
            credit_before=None if credit is None else credit.remaining,
            owed_before=None if invoice is None else invoice.remaining,
        )
        begun = await self._queue.begin(
            send, attempt, company_id=company.company_id, owner=self._leases.owner, epoch=epoch
        )
        if not begun:
            await self._calls.cancel(place)
            return Dispatched("not_ours", kind)
        async with self._leases.kept(company.company_id):
            answer = await self._calls.send(signed, place)
        made = msgspec.structs.replace(
            send,
            attempt=attempt.number,
            signed_at=attempt.signed_at,
            absent_from=attempt.absent_from,
            request_digest=attempt.request_digest,
            credit_before=attempt.credit_before,
            owed_before=attempt.owed_before,
            vouched=False,
        )
        outcome = outcome_of(send.command, answer, prepared.earlier, self._stock_words)
        return await self._settle(company, made, answer, outcome)

    async def _settle(self, company: Company, send: Send, answer: Response | NoAnswer, outcome: Outcome) -> Dispatched:
        attempted = attempted_in(send, answer)
        result = Dispatched("sent", type(send.command).__name__, type(outcome).__name__)
        match outcome:
            case Accepted():
                differences = matches(send.command, send.command_id, outcome.record)
                await self._finish(send, last_word(attempted, outcome, differences, "answer"))
            case AlreadyThere():
                await self._unknown(send, attempted, "Jurnal has a document with this key already")
                await self._look_at(company, send, attempted, outcome)
            case Refused():
                await self._refused(company, send, attempted, outcome)
            case TryLater():
                await self._postpone(company, send, attempted, outcome)
            case Unknown():
                await self._unknown(send, attempted, outcome.reason)
            case _:
                assert_never(outcome)
        return result

    async def _refused(self, company: Company, send: Send, attempted: Attempted, outcome: Refused) -> None:
        """Append a refusal; but a delete that finds nothing to delete any more has what it wants."""
        if isinstance(send.command, (DeleteInvoice, DeleteDuplicate)):
            gone = await self._inquiry.probe(company, send, await self._now())
            if isinstance(gone, Told) and isinstance(gone.value, Found):
                await self._finish(send, last_word(attempted, gone.value, [], "conflict"))
                return
        refused = CommandRefused(attempted=attempted, reason=outcome.reason, fields=outcome.fields)
        await self._finish(send, refused)
        if not DATE_FIELDS.isdisjoint(outcome.fields):
            await self._inquiry.learn_of_closed_books(company, send)

    async def _look_at(self, company: Company, send: Send, attempted: Attempted, conflict: AlreadyThere) -> None:
        """Read the document that has our key. If it cannot be read now, the probes go on."""
        found: object
        if conflict.jurnal_id is not None and is_keyed(send.command):
            answer = await self._calls.read(company, reading_of(send.command, conflict.jurnal_id), Purpose.PROBE)
            found = None if isinstance(answer, Spent) else probe_outcome(send.command, answer)
        else:
            told = await self._inquiry.probe(company, send, await self._now())
            found = told.value if isinstance(told, Told) else None
        if isinstance(found, Found) and not await self._inquiry.is_anothers(send, found):
            differences = matches(send.command, send.command_id, found.record)
            await self._finish(send, last_word(attempted, found, differences, "conflict"))

    async def _probe(self, company: Company, send: Send, now: datetime) -> Dispatched:
        kind = type(send.command).__name__
        async with self._leases.kept(company.company_id):
            told = await self._inquiry.probe(company, send, now)
        if isinstance(told, Spent):
            return Dispatched("waited", kind, "quota", told.free_at)
        if isinstance(told, NotStanding):
            return await self._refuse_unsent(send, told.reason, "NotStanding")
        outcome, asked_at = told.value, told.began_at
        attempted = attempted_in(send, told.answer)
        # What a look-up that began then did not find was not there after the fence.
        is_past_fence = send.absent_from is not None and asked_at >= send.absent_from
        match outcome:
            case Found():
                differences = matches(send.command, send.command_id, outcome.record)
                await self._finish(send, last_word(attempted, outcome, differences, "probe"))
            case Absent() if is_past_fence:
                await self._absent(send, attempted, now)
            case Ambiguous() if is_past_fence:
                await self._finish(send, CommandRefused(attempted=attempted, reason=outcome.reason))
            case Absent():
                await self._probe_again(send, now, "Not found yet", None)
            case Ambiguous():
                # Nothing that comes before the fence can make it clearer.
                due_at = send.absent_from or self._fence.full(now)
                await self._queue.move(send, state="unknown", due_at=due_at, reason=outcome.reason)
            case ProbeFailed():
                await self._probe_again(send, now, outcome.reason, outcome.wait_seconds)
            case _:
                assert_never(outcome)
        return Dispatched("probed", kind, type(outcome).__name__)

    async def _absent(self, send: Send, attempted: Attempted, now: datetime) -> None:
        """Let the command go again, unless Jurnal said that its key is taken: it would say so for ever."""
        if await self._answers.ends_in_conflict(send):
            key = number_of(send.command, send.command_id)
            reason = f"Jurnal says that this number or key is taken, but holds no document under ours: {key}"
            await self._finish(send, CommandRefused(attempted=attempted, reason=reason))
            return
        await self._answers.append(send, CommandConfirmedAbsent(attempted=attempted))
        await self._queue.move(send, state="due", due_at=now)

    async def _probe_again(self, send: Send, now: datetime, reason: str, wait_seconds: int | None) -> None:
        # A send whose row was lost has no Date; its fence tells when the loss was seen.
        began_at = send.signed_at or (send.absent_from or self._fence.full(now)) - (self._fence.full(now) - now)
        since = (now - began_at).total_seconds()
        wait = timedelta(seconds=max(wait_seconds or 0, min(max(since / 2, 1.0), _PROBE_WAIT_SECONDS_MAX)))
        due_at = now + wait
        if send.absent_from is not None and now < send.absent_from:
            due_at = max(min(due_at, send.absent_from), now + timedelta(seconds=wait_seconds or 0))
        await self._queue.move(send, state="unknown", due_at=due_at, reason=reason)

    async def _finish(self, send: Send, fact: CommandAccepted | CommandRefused) -> None:
        """Append Jurnal's last word, then let go of the send. A crash between the two only repeats a look-up."""
        settled_at = await self._answers.append(send, fact)
        await self._queue.move(send, state="done", due_at=await self._now(), settled_at=settled_at)

    async def _unknown(self, send: Send, attempted: Attempted, reason: str) -> None:
        assert send.signed_at is not None
        now = await self._now()
        due_at = now + timedelta(seconds=_FIRST_PROBE_WAIT_SECONDS)
        absent_from = self._fence.absent_from(send, send.signed_at, now)
        await self._queue.move(send, state="unknown", due_at=due_at, reason=reason, absent_from=absent_from)
        await self._answers.append(
            send, CommandUnanswered(attempted=attempted, reason=reason, signed_at=send.signed_at)
        )

    async def _postpone(self, company: Company, send: Send, attempted: Attempted, outcome: TryLater) -> None:
        closed = None if outcome.scope == "service" else await self._calls.closed(company)
        wait = timedelta(seconds=outcome.wait_seconds or _SERVICE_WAIT_SECONDS)
        due_at = await self._now() + wait if closed is None else closed.free_at
        await self._answers.append(send, CommandPostponed(attempted=attempted, reason=outcome.reason, due_at=due_at))
        await self._queue.move(send, state="waiting", due_at=due_at, reason=outcome.reason)

    async def _not_prepared(self, send: Send, why: Missing | NotStanding | LookupFailed) -> Dispatched:
        match why:
            case Missing():
                return await self._refuse_unsent(send, missing_reason(send.command, why.needs), "Missing")
            case NotStanding():
                return await self._refuse_unsent(send, why.reason, "NotStanding")
            case LookupFailed():
                return await self._put_off(send, why)
            case _:
                assert_never(why)

    async def _refuse_unsent(self, send: Send, reason: str, outcome: str) -> Dispatched:
        attempted = Attempted(command_id=send.command_id, attempt=send.attempt)
        await self._finish(send, CommandRefused(attempted=attempted, reason=reason))
        return Dispatched("refused", type(send.command).__name__, outcome)

    async def _put_off(self, send: Send, failed: LookupFailed) -> Dispatched:
        if failed.wait is not None:
            return Dispatched("waited", type(send.command).__name__, "quota", failed.wait.free_at)
        free_at = await self._now() + timedelta(seconds=_SERVICE_WAIT_SECONDS)
        await self._queue.move(send, state=send.state, due_at=free_at, reason=failed.reason)
        return Dispatched("waited", type(send.command).__name__, failed.reason, free_at)

    async def _put_off_longer(self, send: Send, error: Exception) -> Dispatched:
        """Wait longer each time. An attempt that went over the wire is later than `send`: this does not touch it."""
        key = (send.store_id, send.command_id)
        times = self._put_offs[key] = self._put_offs.get(key, 0) + 1
        kind, about = type(send.command).__name__, type(error).__name__
        is_silent = isinstance(send.command, CreateCustomer) and not isinstance(error, CredentialMissing)
        _LOG.error(
            LogEvent.COMMAND_POSTPONED,
            store=send.store_id,
            command=send.command_id,
            kind=kind,
            attempt=send.attempt,
            error=about,
            exc_info=not is_silent,
        )
        # The words of an error may repeat a customer's name.
        reason = f"It cannot be prepared: {about}" if is_silent else f"It cannot be prepared: {about}: {error}"
        wait_seconds = min(_SERVICE_WAIT_SECONDS * 2 ** min(times - 1, 10), _PUT_OFF_SECONDS_MAX)
        free_at = await self._now() + timedelta(seconds=wait_seconds)
        await self._queue.move(send, state=send.state, due_at=free_at, reason=reason)
        return Dispatched("waited", kind, reason, free_at)

    async def _now(self) -> datetime:
        async with self._pool.acquire() as connection:
            return await database_now(connection)
