"""The service with one of its five guards taken out, for as long as a context lasts. Nothing here is in the service."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec
import pytest

from eventstore.facts.answers import Attempted
from ops.sandbox.jurnal.signing import read_authorization
from projections.jurnal_commands import queue
from projections.jurnal_commands.queue import Move, Send, SendQueue
from service.fence import Fence
from service.inquiry import Told
from service.jurnal.batch_look_up import Looked
from service.jurnal.client import JurnalClient
from service.jurnal.exchange import JurnalRequest, NoAnswer, Response, SignedRequest
from service.jurnal.outcome import Absent, ProbeOutcome
from service.jurnal.signing import sign_request
from service.jurnal_calls import Company
from service.looking_up import LookingUp
from tests.faults.sim_jurnal import consumer_of


class Guard(StrEnum):
    """What keeps a document from being made twice."""

    FENCING = "writes are fenced by command, attempt and lease"
    QUIET_PERIOD = "absence is concluded only after the fence"
    PROBE = "what may have been sent is looked up"
    DATE_FENCE = "the Date is signed before the attempt is recorded"
    ALONE = "what was lost with others is sent by itself"


@contextmanager
def without(guard: Guard) -> Iterator[None]:
    """Take a guard out."""
    with pytest.MonkeyPatch.context() as patch:
        _WITHOUT[guard](patch)
        yield


def _fencing(patch: pytest.MonkeyPatch) -> None:
    begin = _replaced(queue._BEGIN, r"AND s\.attempt = w\.attempt\s+AND s\.state IN[^\n]*", "")  # noqa: SLF001 - its statement is what is broken
    begin = _replaced(begin, r"AND EXISTS \(SELECT 1 FROM company_lease[^\n]*", "AND $14::bigint IS NOT NULL")
    begin = _replaced(begin, r"AND EXISTS \(SELECT 1 FROM command c[^\n]*", "")
    patch.setattr(queue, "_BEGIN", begin)
    move = _replaced(queue._MOVE, r"AND s\.attempt = w\.attempt AND s\.state <> 'done'", "")  # noqa: SLF001 - as above
    patch.setattr(queue, "_MOVE", move)


def _replaced(text: str, pattern: str, by: str) -> str:
    replaced, times = re.subn(pattern, by, text)
    assert times == 1, f"the statement has another shape by now: {pattern}"
    return replaced


def _quiet_period(patch: pytest.MonkeyPatch) -> None:
    def at_once(_fence: Fence, _send: Send, signed_at: datetime, _over_at: datetime, *, rows: int = 1) -> datetime:
        del rows
        return signed_at

    patch.setattr(Fence, "absent_from", at_once)
    patch.setattr(Fence, "full", lambda _fence, signed_at: signed_at)


def _probe(patch: pytest.MonkeyPatch) -> None:
    async def resent(looking: LookingUp, _company: Company, send: Send, now: datetime) -> ProbeOutcome:
        await looking._settling.absent(send, Attempted(command_id=send.command_id, attempt=send.attempt), now)  # noqa: SLF001 - as above
        return Absent()

    async def all_resent(looking: LookingUp, company: Company, lost: Sequence[Send], now: datetime) -> list[str]:
        return [type(await resent(looking, company, send, now)).__name__ for send in lost]

    patch.setattr(LookingUp, "probe", resent)
    patch.setattr(LookingUp, "look_for", all_resent)


def _date_fence(patch: pytest.MonkeyPatch) -> None:
    send = JurnalClient.send

    async def signed_again(client: JurnalClient, request: SignedRequest, _deadline: datetime) -> Response | NoAnswer:
        now = client._clock.now()  # noqa: SLF001 - as above
        whose = read_authorization(request.headers["Authorization"])
        assert whose is not None
        consumer = consumer_of(whose[0])
        unsigned = JurnalRequest(method=request.method, path=request.path, body=request.body)
        again = sign_request(unsigned, client_id=consumer.client_id, secret=consumer.client_secret, signed_at=now)
        return await send(client, again, now + timedelta(days=1))

    patch.setattr(JurnalClient, "send", signed_again)


def _alone(patch: pytest.MonkeyPatch) -> None:
    move, left = SendQueue.move, LookingUp._left  # noqa: SLF001 - as above

    async def with_others(sends: SendQueue, moves: Sequence[Move], *, now: datetime) -> int:
        return await move(sends, [msgspec.structs.replace(each, alone=False) for each in moves], now=now)

    def sent_again(looking: LookingUp, send: Send, told: Told[Looked], now: datetime) -> Move:
        kept = left(looking, send, told, now)
        return msgspec.structs.replace(kept, state="due") if kept.alone else kept

    patch.setattr(SendQueue, "move", with_others)
    patch.setattr(LookingUp, "_left", sent_again)


_WITHOUT: dict[Guard, Callable[[pytest.MonkeyPatch], None]] = {
    Guard.FENCING: _fencing,
    Guard.QUIET_PERIOD: _quiet_period,
    Guard.PROBE: _probe,
    Guard.DATE_FENCE: _date_fence,
    Guard.ALONE: _alone,
}
