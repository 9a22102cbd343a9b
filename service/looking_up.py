"""What may have been sent is looked up: found counts at once, absent only after the fence of its attempt."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import assert_never

from eventstore.facts.answers import IN_DOUBT, Attempted, CommandRefused
from projections.jurnal_commands.queue import Move, Send, SendQueue
from service.answer_ledger import AnswerLedger, attempted_in, last_word
from service.fence import Fence
from service.inquiry import Inquiry, Told
from service.jurnal.batch_look_up import Looked
from service.jurnal.documents import matches
from service.jurnal.outcome import Absent, AlreadyThere, Ambiguous, Found, ProbeFailed, ProbeOutcome, probe_outcome
from service.jurnal.pace import Purpose
from service.jurnal.resources import is_keyed, number_of, probe_for, reading_of
from service.jurnal.standing import NotStanding
from service.jurnal_calls import Company, JurnalCalls
from service.quota import Spent
from service.settling import Settling

_PROBE_WAIT_SECONDS_MAX = 60
_LOOK_WAIT_LEAST = timedelta(seconds=1)
_NOT_FOUND = "Not found yet"


class LookingUp:
    """Looks for what lost attempts made."""

    def __init__(
        self,
        answers: AnswerLedger,
        queue: SendQueue,
        calls: JurnalCalls,
        inquiry: Inquiry,
        settling: Settling,
        fence: Fence,
    ) -> None:
        self._answers = answers
        self._queue = queue
        self._calls = calls
        self._inquiry = inquiry
        self._settling = settling
        self._fence = fence

    async def probe(self, company: Company, send: Send, now: datetime) -> Spent | NotStanding | ProbeOutcome:
        """Look for one document by its key, or through its parent, and settle what that tells."""
        told = await self._inquiry.probe(company, send, now)
        if isinstance(told, (Spent, NotStanding)):
            return told
        await self._settle(send, told, now)
        return told.value

    async def look_for(self, company: Company, lost: Sequence[Send], now: datetime) -> Spent | list[str]:
        """Look for what one call was to make of several documents, by a list; return how each ended.

        What is found counts at once. The rest waits for the fence, and past it is looked for one by one.
        """
        told = await self._inquiry.look_for(company, lost, now)
        if isinstance(told, Spent):
            return told
        seen = told.value.seen
        found = [(send, seen[send.command_id]) for send in lost if send.command_id in seen]
        await self._settling.finish(
            [
                (send, last_word(attempted_in(send, each.answer), each.document, each.differences, "probe"))
                for send, each in found
            ]
        )
        left = [send for send in lost if send.command_id not in seen]
        await self._queue.move([self._left(send, told, now) for send in left], now=now)
        return ["Found"] * len(found) + ["ProbeFailed" if told.value.failed else "Absent"] * len(left)

    def _left(self, send: Send, told: Told[Looked], now: datetime) -> Move:
        """Return when and how a document is looked for again that was not seen in the list."""
        fence = self._fence.proved_from(send, told.began_at, told.jurnal_at) or self._fence.full(now)
        is_past_fence = told.began_at >= fence
        if told.value.failed is not None:
            reason, wait_seconds = told.value.failed.reason, told.value.failed.wait_seconds
            due_at = self._due_at(send, now, wait_seconds)
            # The list may never work while each can be read by its key.
            return Move(send=send, state="unknown", due_at=due_at, reason=reason, alone=is_past_fence)
        return Move(
            send=send,
            state="unknown",
            due_at=now if is_past_fence else _look_at(send, fence, now),
            reason=_not_found(send, fence),
            alone=is_past_fence,
        )

    async def look_at(self, company: Company, send: Send, attempted: Attempted, conflict: AlreadyThere) -> None:
        """Read the document that has our key. If it cannot be read now, the probes go on."""
        found: object
        if conflict.jurnal_id is not None and is_keyed(send.command):
            answer = await self._calls.read(company, reading_of(send.command, conflict.jurnal_id), Purpose.PROBE)
            found = None if isinstance(answer, Spent) else probe_outcome(send.command, answer)
        else:
            found = await self.found(company, send)
        if isinstance(found, Found) and not await self._inquiry.is_anothers(send, found):
            differences = matches(send.command, send.command_id, found.record)
            await self._settling.finish([(send, last_word(attempted, found.document, differences, "conflict"))])

    async def found(self, company: Company, send: Send) -> ProbeOutcome | None:
        """Look for one document and settle nothing; None where it cannot be looked for now."""
        told = await self._inquiry.probe(company, send, await self._settling.now())
        return told.value if isinstance(told, Told) else None

    async def document(self, company: Company, send: Send) -> ProbeOutcome | None:
        """Read the document that has the command's key, whatever it looks like; None where there is no place for it."""
        answer = await self._calls.read(company, probe_for(send.command, send.command_id), Purpose.PROBE)
        return None if isinstance(answer, Spent) else probe_outcome(send.command, answer)

    async def _settle(self, send: Send, told: Told[ProbeOutcome], now: datetime) -> None:
        outcome = told.value
        attempted = attempted_in(send, told.answer)
        # What a look-up that began then did not find was not there after the fence.
        fence = self._fence.proved_from(send, told.began_at, told.jurnal_at)
        is_past_fence = fence is not None and told.began_at >= fence
        match outcome:
            case Found():
                differences = matches(send.command, send.command_id, outcome.record)
                await self._settling.finish([(send, last_word(attempted, outcome.document, differences, "probe"))])
            case Absent() if is_past_fence:
                await self._absent(send, attempted, now)
            case Ambiguous() if is_past_fence:
                in_doubt = CommandRefused(attempted=attempted, reason=outcome.reason, fields=(IN_DOUBT,))
                await self._settling.finish([(send, in_doubt)])
            case Absent() if fence is not None and (send.batch_id is not None or _is_late(send, now)):
                # One of many, or only Jurnal's clock is awaited: asking again and again would cost more calls than it
                # saves time.
                await self._look_again(send, now, _look_at(send, fence, now), _not_found(send, fence))
            case Absent():
                await self._again(send, now, _NOT_FOUND, None)
            case Ambiguous():
                # Nothing that comes before the fence can make it clearer.
                due_at = _look_at(send, fence or self._fence.full(now), now)
                await self._look_again(send, now, due_at, outcome.reason)
            case ProbeFailed():
                await self._again(send, now, outcome.reason, outcome.wait_seconds)
            case _:
                assert_never(outcome)

    async def _absent(self, send: Send, attempted: Attempted, now: datetime) -> None:
        """Let the command go again, unless Jurnal said that its key is taken: it would say so for ever."""
        if await self._answers.ends_in_conflict(send):
            key = number_of(send.command, send.command_id)
            reason = (
                f"Jurnal says that this number or key is taken, but holds no document under ours: {key}. "
                "Look for it in Jurnal, also among deleted documents, and free it there, then retry"
            )
            await self._settling.finish([(send, CommandRefused(attempted=attempted, reason=reason))])
            return
        await self._settling.absent(send, attempted, now)

    async def _again(self, send: Send, now: datetime, reason: str, wait_seconds: int | None) -> None:
        await self._look_again(send, now, self._due_at(send, now, wait_seconds), reason)

    async def _look_again(self, send: Send, now: datetime, due_at: datetime, reason: str) -> None:
        await self._queue.move([Move(send=send, state="unknown", due_at=due_at, reason=reason)], now=now)

    def _due_at(self, send: Send, now: datetime, wait_seconds: int | None) -> datetime:
        """Return when to look again: ever later, but not later than the fence."""
        # A send whose row was lost has no Date; its fence tells when the loss was seen.
        began_at = send.signed_at or (send.absent_from or self._fence.full(now)) - (self._fence.full(now) - now)
        since = (now - began_at).total_seconds()
        due_at = now + timedelta(seconds=max(wait_seconds or 0, min(max(since / 2, 1.0), _PROBE_WAIT_SECONDS_MAX)))
        if send.absent_from is not None and now < send.absent_from:
            due_at = max(min(due_at, send.absent_from), now + timedelta(seconds=wait_seconds or 0))
        return due_at


def _is_late(send: Send, now: datetime) -> bool:
    """Tell whether absence would count by our own clock."""
    return send.absent_from is not None and now >= send.absent_from


def _look_at(send: Send, fence: datetime, now: datetime) -> datetime:
    """Return when a look-up can prove absence; a second more where Jurnal's clock is awaited, as that tells no less."""
    margin = _LOOK_WAIT_LEAST if _is_put_off(send, fence) else timedelta(0)
    return max(fence + margin, now + _LOOK_WAIT_LEAST)


def _is_put_off(send: Send, fence: datetime) -> bool:
    return send.absent_from is not None and fence > send.absent_from


def _not_found(send: Send, fence: datetime) -> str:
    """Return why it still waits; `fence`: from when on its absence counts."""
    if send.absent_from is None or not _is_put_off(send, fence):
        return _NOT_FOUND
    later_seconds = (fence - send.absent_from).total_seconds()
    return f"{_NOT_FOUND}; Jurnal's clock is behind, so that it counts as absent {later_seconds:.0f} s later"
