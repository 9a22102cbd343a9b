"""The service with one of its five guards taken out, for as long as a context lasts. Nothing here is in the service."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from aiohttp import TraceRequestHeadersSentParams

from eventstore.facts.answers import Attempted
from ops.sandbox.jurnal.signing import read_authorization
from projections.jurnal_commands import queue
from projections.jurnal_commands.queue import Move, Send, SendQueue
from service.fence import Fence
from service.inquiry import Told
from service.jurnal import client
from service.jurnal.batch_look_up import Looked
from service.jurnal.outcome import Absent, ProbeOutcome
from service.jurnal.signing import sign
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
    begin = _replaced(begin, r"AND \(SELECT c\.state FROM command c[^\n]*", "")
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
    async def signed_as_it_leaves(_session: Any, context: SimpleNamespace, sent: TraceRequestHeadersSentParams) -> None:
        passage = context.trace_request_ctx
        passage.start()
        whose = read_authorization(sent.headers["Authorization"])
        assert whose is not None
        secret, path = consumer_of(whose[0]).client_secret, sent.url.raw_path_qs
        again = sign(secret, sent.method, path, passage.clock.now(), b"", whose[0])
        sent.headers.update({name: again[name] for name in ("Date", "Authorization")})

    patch.setattr(client, "_before_headers", signed_as_it_leaves)
    # What is signed as it leaves is never too late.
    patch.setattr(client._Passage, "check", lambda _passage: None)  # noqa: SLF001 - as above


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
