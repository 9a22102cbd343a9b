"""Makes attempts: prepares documents, records the attempt and the Date it is signed with, and sends it at most once."""

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never
from uuid import uuid4

import msgspec

from eventstore.connection import CONNECTION_ERRORS
from eventstore.facts.answers import LACKS_PRODUCT, Attempted, CommandRefused
from projections.jurnal_commands.commands import CreateCustomer, DeleteDuplicate, DeleteInvoice, UpdateInvoice
from projections.jurnal_commands.queue import Attempt, Begun, Send, SendQueue
from service.answer_ledger import attempted_in
from service.company_lease import CompanyLeases
from service.dispatched import Dispatched, told
from service.fence import Fence
from service.inquiry import Inquiry, Prepared
from service.jurnal.batching import Row, RowOutcome, batch_request, distinct, row_outcomes
from service.jurnal.documents import matches
from service.jurnal.exchange import NoAnswer, Response, SignedRequest
from service.jurnal.outcome import Absent, Accepted, AlreadyThere, Found, Refused, TryLater, outcome_of
from service.jurnal.pace import Purpose
from service.jurnal.refusals import DATE_FIELDS, missing_reason
from service.jurnal.standing import NotStanding
from service.jurnal_calls import Company, JurnalCalls, Place, Seen
from service.looking_up import LookingUp
from service.master_data import LookupFailed, Missing
from service.postponing import Postponing
from service.quota import Spent
from service.settling import Answered, Settling


class Ready(msgspec.Struct, frozen=True):
    """A command with the request that carries it out."""

    send: Send
    prepared: Prepared


class Made(msgspec.Struct, frozen=True):
    """An attempt that is recorded: its sends as they are now, and what goes over the wire."""

    sends: tuple[Send, ...]
    signed: SignedRequest


class Unprepared(msgspec.Struct, frozen=True, kw_only=True):
    """What of a call's documents cannot go: refused before anything was sent, and what the others wait for."""

    refused: list[tuple[Send, CommandRefused]]
    outcomes: list[str]
    waited: list[Dispatched]


class Sending:
    """Makes one call for one document or several, and settles its answer."""

    def __init__(  # noqa: PLR0913 - the parts an attempt goes through
        self,
        queue: SendQueue,
        leases: CompanyLeases,
        calls: JurnalCalls,
        inquiry: Inquiry,
        settling: Settling,
        looking_up: LookingUp,
        postponing: Postponing,
        fence: Fence,
        *,
        stock_words: tuple[str, ...],
    ) -> None:
        self._queue = queue
        self._leases = leases
        self._calls = calls
        self._inquiry = inquiry
        self._settling = settling
        self._looking_up = looking_up
        self._postponing = postponing
        self._fence = fence
        self._stock_words = stock_words

    async def send(
        self, company: Company, sends: Sequence[Send], purpose: Purpose, epoch: int, now: datetime,
        seen: Seen | None = None,
    ) -> Dispatched:  # fmt: skip
        """Send commands of one kind in one call, each of which its lane lets go.

        `seen`: what was read of the quota with the only one; a place is asked for anew where it is not so any more.
        """
        kind = type(sends[0].command).__name__
        left = Unprepared(refused=[], outcomes=[], waited=[])
        async with self._leases.kept(company.company_id):
            ready = await self._prepared(company, sends, left, now)
        await self._settling.finish(left.refused)
        if not ready:
            return left.waited[0] if left.waited else told("refused", kind, left.outcomes)
        if seen is not None and (done := await self._send_seen(company, ready, purpose, epoch, seen)) is not None:
            return done
        place = await self._calls.grant(company, purpose, is_recorded_next=True)
        if isinstance(place, Spent):
            for each in ready:
                self._inquiry.keep(each.send, each.prepared, now)
            return Dispatched("waited", kind, "quota", place.free_at)
        try:
            made = await self._begin(company, ready, epoch, place.granted.granted_at)
        except Exception:
            await self._calls.cancel(place)
            raise
        if made is None:
            await self._calls.cancel(place)
            return Dispatched("not_ours", kind)
        return await self._make(company, ready, made, place)

    async def _prepared(self, company: Company, sends: Sequence[Send], left: Unprepared, now: datetime) -> list[Ready]:
        """Prepare what can be; whatever is wrong with one command, its neighbours go on."""
        ready: list[Ready] = []
        for send in sends:
            try:
                prepared = await self._inquiry.prepare(company, send, now)
            except CONNECTION_ERRORS:
                raise
            except Exception as error:  # noqa: BLE001 - logged; its neighbours go on
                left.waited.append(await self._postponing.put_off_longer(send, error))
                continue
            match prepared:
                case Prepared():
                    ready.append(Ready(send, prepared))
                case Missing():
                    left.outcomes.append(type(prepared).__name__)
                    lacks = tuple(f"{LACKS_PRODUCT}{need.key}" for need in prepared.needs if need.kind == "product")
                    left.refused.append(unsent(send, missing_reason(send.command, prepared.needs), lacks))
                case NotStanding():
                    left.outcomes.append(type(prepared).__name__)
                    left.refused.append(unsent(send, prepared.reason))
                case LookupFailed():
                    # What Jurnal cannot be asked for one of them it cannot be asked for the others.
                    left.waited.append(await self._postponing.put_off(send, prepared))
                    break
                case _:
                    assert_never(prepared)
        return _together(ready)

    async def _send_seen(
        self, company: Company, ready: Sequence[Ready], purpose: Purpose, epoch: int, seen: Seen
    ) -> Dispatched | None:
        """Take the place and record the attempt in one statement, and send; None: no place, nothing recorded."""
        taking = self._calls.taking(company, purpose, seen)
        if taking is None:
            return None
        place = Place(company.company_id, taking.granted, seen.admitted)
        signed = await self._calls.sign(company, ready[0].prepared.request, signed_at=taking.granted.granted_at)
        begun, (attempt,) = self._attempts(ready, signed)
        try:
            is_able = await self._queue.begin_behind(
                taking.question, begun, attempt,
                company_id=company.company_id, owner=self._leases.owner, epoch=epoch, young=seen.young,
            )  # fmt: skip
        except Exception:
            await self._calls.cancel(place)
            raise
        if is_able is None:
            return None
        self._calls.took(taking)
        if not is_able:
            await self._calls.cancel(place)
            return Dispatched("not_ours", type(attempt.send.command).__name__)
        return await self._make(company, ready, Made((_made(begun, attempt, 1),), signed), place)

    async def _begin(self, company: Company, ready: list[Ready], epoch: int, signed_at: datetime) -> Made | None:
        """Sign and record the attempts of a call; what is not ours any more drops out of it. None: nothing is left.

        Date and signature are made before the attempts are recorded, and never refreshed within them.
        """
        while ready:
            request = ready[0].prepared.request if len(ready) == 1 else batch_request(_rows(ready))
            signed = await self._calls.sign(company, request, signed_at=signed_at)
            begun, attempts = self._attempts(ready, signed)
            able = await self._queue.begin(
                begun, attempts, company_id=company.company_id, owner=self._leases.owner, epoch=epoch
            )
            if len(able) == len(ready):
                return Made(tuple(_made(begun, attempt, len(ready)) for attempt in attempts), signed)
            ready[:] = [each for each in ready if each.send.key in able]
        return None

    def _attempts(self, ready: Sequence[Ready], signed: SignedRequest) -> tuple[Begun, list[Attempt]]:
        is_personal = any(isinstance(each.send.command, CreateCustomer) for each in ready)
        begun = Begun(
            batch_id=uuid4(),
            signed_at=signed.signed_at,
            deadline_at=signed.signed_at + self._calls.deadline,
            # A digest of a few personal values is as good as the values: whoever guesses them can tell.
            request_digest="" if is_personal else signed.digest,
        )
        attempts = []
        for each in ready:
            credit, invoice = each.prepared.standing.credit, each.prepared.standing.invoice
            attempts.append(
                Attempt(
                    send=each.send,
                    absent_from=self._fence.absent_from(each.send, begun.signed_at, begun.deadline_at, rows=len(ready)),
                    credit_before=None if credit is None else credit.remaining,
                    owed_before=None if invoice is None else invoice.remaining,
                )
            )
        return begun, attempts

    async def _make(self, company: Company, ready: Sequence[Ready], made: Made, place: Place) -> Dispatched:
        """Send what is recorded, and settle each row by its own answer."""
        async with self._leases.kept(company.company_id):
            answer = await self._calls.send(made.signed, place)
        if len(ready) == 1:
            answered = [await self._by_itself(company, ready[0], made.sends[0], answer)]
        else:
            rows = row_outcomes(_rows(ready), answer, self._stock_words)
            answered = [_answered(send, answer, row, len(ready)) for send, row in zip(made.sends, rows, strict=True)]
        await self._settling.settle(company, answered)
        for send in made.sends:
            self._postponing.went(send)
        if len(answered) == 1 and isinstance(answered[0].outcome, AlreadyThere):
            await self._looking_up.look_at(company, answered[0].send, answered[0].attempted, answered[0].outcome)
        await self._learn_of_closed_books(company, answered)
        return told("sent", type(ready[0].send.command).__name__, [type(row.outcome).__name__ for row in answered])

    async def _by_itself(self, company: Company, ready: Ready, send: Send, answer: Response | NoAnswer) -> Answered:
        outcome = outcome_of(send.command, answer, ready.prepared.earlier, self._stock_words)
        attempted = attempted_in(send, answer)
        if isinstance(outcome, Refused) and isinstance(send.command, (DeleteInvoice, DeleteDuplicate)):
            # A delete that finds nothing to delete any more has what it wants.
            gone = await self._looking_up.found(company, send)
            if isinstance(gone, Found):
                accepted = Accepted(document=gone.document, record=gone.record)
                return Answered(send=send, attempted=attempted, outcome=accepted, found_by="conflict")
        if isinstance(outcome, Refused) and isinstance(send.command, UpdateInvoice) and send.attempt > 1:
            return await self._changed_before(company, send, attempted, outcome)
        return Answered(send=send, attempted=attempted, outcome=outcome)

    async def _changed_before(self, company: Company, send: Send, attempted: Attempted, refused: Refused) -> Answered:
        """Tell whether an attempt before the refused one changed the invoice: its memo tells unless somebody wrote it.

        What would be booked otherwise because of the refusal would be booked twice.
        """
        seen = await self._looking_up.document(company, send)
        match seen:
            case Found() if not matches(send.command, send.command_id, seen.record):
                accepted = Accepted(document=seen.document, record=seen.record)
                return Answered(send=send, attempted=attempted, outcome=accepted, found_by="conflict")
            case Found() | Absent():
                return Answered(send=send, attempted=attempted, outcome=refused)
            case _:
                reason = "Jurnal does not take it, and whether it was made before cannot be read now"
                return Answered(send=send, attempted=attempted, outcome=TryLater(reason=reason, scope="service"))

    async def _learn_of_closed_books(self, company: Company, answered: Sequence[Answered]) -> None:
        refused = {
            row.send.store_id: row.send
            for row in answered
            if isinstance(row.outcome, Refused) and not DATE_FIELDS.isdisjoint(row.outcome.fields)
        }
        for send in refused.values():
            await self._inquiry.learn_of_closed_books(company, send)


def _together(ready: list[Ready]) -> list[Ready]:
    """Leave out what has the key of another one in the same call: it goes after it."""
    if len(ready) < 2:
        return ready
    return [ready[place] for place in distinct(_rows(ready))]


def _answered(send: Send, answer: Response | NoAnswer, row: RowOutcome, rows: int) -> Answered:
    attempted = attempted_in(send, answer, status=row.status)
    return Answered(send=send, attempted=attempted, outcome=row.outcome, rows=rows, alone=row.alone)


def _rows(ready: Sequence[Ready]) -> list[Row]:
    return [Row(command=each.send.command, request=each.prepared.request) for each in ready]


def unsent(send: Send, reason: str, fields: tuple[str, ...] = ()) -> tuple[Send, CommandRefused]:
    """Return our own last word on a command that cannot go as it is."""
    attempted = Attempted(command_id=send.command_id, attempt=send.attempt)
    return send, CommandRefused(attempted=attempted, reason=reason, fields=fields)


def _made(begun: Begun, attempt: Attempt, rows: int) -> Send:
    """Return a send as its row is now."""
    return msgspec.structs.replace(
        attempt.send,
        attempt=attempt.send.attempt + 1,
        signed_at=begun.signed_at,
        absent_from=attempt.absent_from,
        request_digest=begun.request_digest,
        credit_before=attempt.credit_before,
        owed_before=attempt.owed_before,
        vouched=False,
        batch_id=begun.batch_id if rows > 1 else None,
    )
