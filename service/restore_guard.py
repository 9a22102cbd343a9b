"""Looks whether Jurnal is ahead of the ledger before a process sends for a company: after a restore it is.

A restored ledger looks whole: its chain holds, its commands are due. What it lacks stands in Jurnal alone: documents
with our keys, made since the last attempt that the ledger knows of. Attempts are recorded before they are made and one
after the other, so in a ledger that is not behind there is no such document without an attempt.
"""

from collections.abc import AsyncIterator, Sequence
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
from service.jurnal.listing import ListedDocument, NotListed, listing
from service.jurnal.outcome import ProbeFailed
from service.jurnal.pace import Purpose
from service.jurnal.resources import LISTED
from service.jurnal_calls import Company, JurnalCalls
from service.quota import Spent
from service.reconciliation_ledger import ReconciliationLedger
from service.telemetry.logs import LogEvent

_LOG = structlog.get_logger()
_SERVER = statement(__package__, "server_identity")
# Jurnal's clock may be off by as much as it lets ours be.
_SKEW = timedelta(seconds=300)
_WAIT = timedelta(seconds=5)


class _Look(msgspec.Struct):
    """A look on its way, on this server; `ends`: where the ledgers ended when it began."""

    server: str
    ends: dict[str, int]
    turns: AsyncIterator[Spent | None]


class _LookFailed(Exception):
    """Jurnal did not answer the look; nothing is sent before it does."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


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
        if look is None or look.server != server:
            ends = {store_id: await self._queue.ledger_end(store_id) for store_id in stores}
            look = self._looks[name] = _Look(server, ends, self._run(company, ends))
        for store_id, end in look.ends.items():
            if await read_folded(self._pool, store_id) < end:
                return now + timedelta(seconds=1)
        try:
            waits = await anext(look.turns, self)
        except BaseException as failed:
            self._looks.pop(name, None)
            if isinstance(failed, _LookFailed):
                return now + _WAIT
            raise
        if isinstance(waits, RestoreGuard):
            # Told to forget meanwhile, it looks once more.
            if self._looks.pop(name, None) is look:
                self._looked[name] = (epoch, server)
            return False
        return False if waits is None else waits.free_at

    async def _run(self, company: Company, ends: dict[str, int]) -> AsyncIterator[Spent | None]:
        since = await self._since(company, ends)
        listed: list[ListedDocument] = []
        for resource in LISTED.values():
            steps = listing(resource, since)
            request = next(steps)
            while True:
                answer = await self._calls.read(company, request, Purpose.PROBE)
                if isinstance(answer, Spent):
                    yield answer
                    continue
                try:
                    request = steps.send(answer)
                except StopIteration as done:
                    outcome = done.value
                    break
                yield None
            if isinstance(outcome, ProbeFailed):
                raise _LookFailed(outcome.reason)
            listed += () if isinstance(outcome, NotListed) else outcome
            yield None
        for store_id in ends:
            await self._judge(store_id, listed, since)

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
