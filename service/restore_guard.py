"""Looks whether Jurnal is ahead of the ledger before a process sends for a company: after a restore it is.

A restored ledger looks whole: its chain holds, its commands are due. What it lacks stands in Jurnal alone: documents
with our keys, made since the last attempt that the ledger knows of. Attempts are recorded before they are made and one
after the other, so in a ledger that is not behind there is no such document without an attempt.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
import structlog

from eventstore.connection import Pool
from eventstore.questions import Question
from eventstore.statements import statement
from projections.differences.queries import read_open_unknown
from projections.jurnal_commands.booked import read_by_id, read_folded, read_last_signed
from projections.jurnal_commands.queue import SendQueue
from projections.store_settings.queries import read_settings
from service import reconciling
from service.jurnal.exchange import JurnalRequest, Steps
from service.jurnal.listing import ListedDocument, ListOutcome, NotListed, listing
from service.jurnal.outcome import ProbeFailed
from service.jurnal.pace import Purpose
from service.jurnal.resources import LISTED, Resource
from service.jurnal_calls import Company, JurnalCalls
from service.quota import Spent
from service.reconciliation_ledger import ReconciliationLedger
from service.telemetry.logs import LogEvent

_LOG = structlog.get_logger()
_SERVER = statement(__package__, "server_identity")
# Jurnal's clock may be off by as much as it lets ours be.
_SKEW = timedelta(seconds=300)
# A list that Jurnal does not answer is tried again so soon; each time twice as long after, up to the longest.
_WAIT_SECONDS, _WAIT_SECONDS_MAX = 5, 300
_FAILURES_COUNTED = 10


@dataclass(slots=True)
class _Reading:
    """A list that is being read, and the call it waits for."""

    steps: Steps[ListOutcome]
    request: JurnalRequest


class _Look(msgspec.Struct, kw_only=True):
    """A look on its way. `ends`: where the ledgers ended when it began; `left`: the lists that are not read yet.

    What was read is no older than the lease it is concluded under, and of one server: nobody has sent since, and what
    the ledger knows is what it knew. So it stays as good as on the first day, however long the rest takes.
    """

    server: str
    epoch: int
    ends: dict[str, int]
    since: datetime | None = None
    left: list[Resource]
    listed: list[ListedDocument]
    reading: _Reading | None = None
    failures: int = 0
    not_before: datetime | None = None


class RestoreGuard:
    """Lets nothing be sent for a company before it looked, once for every time this process took the company over."""

    def __init__(self, pool: Pool, queue: SendQueue, calls: JurnalCalls, ledger: ReconciliationLedger) -> None:
        self._pool = pool
        self._queue = queue
        self._calls = calls
        self._ledger = ledger
        self._looked: dict[str, tuple[int, str]] = {}
        self._looks: dict[str, _Look] = {}

    def forget(self) -> None:
        """Look anew before the next send: the database lacked what it had acknowledged."""
        self._looked.clear()
        self._looks.clear()

    def reading(self) -> Question:
        """Return what tells which server it is."""
        return Question(_SERVER)

    def has_looked(self, company_id: str, epoch: int, server: str) -> bool:
        """Tell whether it has looked for the company since it was taken over, on this server."""
        return self._looked.get(company_id) == (epoch, server)

    async def step(self, company: Company, stores: Sequence[str], epoch: int, now: datetime) -> bool | datetime:
        """Make one call at most. True: it has looked, and what may be sent may go. Else come again, or from when on."""
        name = company.company_id
        # A database that was restored under a running process may count the same epoch again; its server is another.
        server = await self._pool.fetchval(_SERVER)
        if self.has_looked(name, epoch, server):
            return True
        look = self._looks.get(name)
        if look is None or (look.epoch, look.server) != (epoch, server):
            ends = {store_id: await self._queue.ledger_end(store_id) for store_id in stores}
            look = _Look(server=server, epoch=epoch, ends=ends, left=list(LISTED.values()), listed=[])
            self._looks[name] = look
        for store_id, end in look.ends.items():
            if await read_folded(self._pool, store_id) < end:
                return now + timedelta(seconds=1)
        if look.not_before is not None and now < look.not_before:
            return look.not_before
        if look.since is None:
            look.since = await self._since(company, look.ends)
        if look.left:
            return await self._read(company, look, look.since, now)
        for store_id in look.ends:
            await self._judge(store_id, look.listed, look.since)
        # Told to forget meanwhile, it looks once more.
        if self._looks.get(name) is look:
            del self._looks[name]
            self._looked[name] = (epoch, server)
        return False

    async def _read(self, company: Company, look: _Look, since: datetime, now: datetime) -> bool | datetime:
        """Read one page. A list that fails is begun anew, each time after a longer wait; the others are kept."""
        if look.reading is None:
            steps = listing(look.left[0], since)
            look.reading = _Reading(steps, next(steps))
        answer = await self._calls.read(company, look.reading.request, Purpose.PROBE)
        if isinstance(answer, Spent):
            return answer.free_at
        try:
            look.reading.request = look.reading.steps.send(answer)
        except StopIteration as done:
            look.reading = None
            return self._take(company, look, done.value, now)
        return False

    def _take(self, company: Company, look: _Look, outcome: ListOutcome, now: datetime) -> bool | datetime:
        if isinstance(outcome, ProbeFailed):
            wait = min(_WAIT_SECONDS * 2**look.failures, _WAIT_SECONDS_MAX)
            look.failures = min(look.failures + 1, _FAILURES_COUNTED)
            look.not_before = now + timedelta(seconds=wait)
            _LOG.warning(
                LogEvent.RESTORE_LOOK_POSTPONED,
                company=company.company_id,
                resource=look.left[0].plural,
                reason=outcome.reason,
                wait_seconds=wait,
            )
            return look.not_before
        look.listed += () if isinstance(outcome, NotListed) else outcome
        del look.left[0]
        look.failures, look.not_before = 0, None
        return False

    async def _since(self, company: Company, ends: dict[str, int]) -> datetime:
        """Return from when on it may have lost documents: since the last attempt it knows of, or since Live Mode."""
        signed = [await read_last_signed(self._pool, store_id, company.company_id) for store_id in ends]
        if any(signed):
            return max(filter(None, signed)) - _SKEW
        live = [(await read_settings(self._pool, store_id)).live_mode for store_id in ends]
        return min(each[1].activated_at for each in live if each is not None) - _SKEW

    async def _judge(self, store_id: str, listed: Sequence[ListedDocument], since: datetime) -> None:
        marks = {one.mark for one in listed if one.mark is not None}
        known = await read_by_id(self._pool, store_id, marks)
        before = await read_open_unknown(self._pool, store_id)
        lost = [
            each.fact
            for each in reconciling.unknown_of(store_id, listed, known)
            if each.is_lost and each.fact.document.command_id not in before
        ]
        if lost and await self._ledger.freeze(store_id, lost, since):
            _LOG.critical(LogEvent.RESTORE_DETECTED, store=store_id, documents=len(lost), since=since.isoformat())
