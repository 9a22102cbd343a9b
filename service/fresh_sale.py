"""What must be known before a fresh sale goes on an idle system, asked in one question that locks and writes nothing.

Only where the step before found nothing to do, nothing of the company is on its way, and the quota has room. What was
read is compared once more when it is acted on: the quota by how often places were taken, the rest by the statement that
begins every attempt. Whatever speaks against it goes the ordinary way, in the same step.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from eventstore.connection import Pool
from eventstore.questions import ask
from projections.jurnal_commands.queue import Send, SendQueue
from service.choosing import BatchLimits, Chosen, Waiting, choose
from service.company_lease import CompanyLeases
from service.inquiry import Inquiry
from service.jurnal.pace import Purpose
from service.jurnal_calls import Company, JurnalCalls, Seen
from service.restore_guard import RestoreGuard
from service.waiting_sends import KINDS, WaitingSends

# Of each kind; more than that is no fresh sale on an idle system.
_ROWS_MAX = 8


class FreshSale(msgspec.Struct, frozen=True, kw_only=True):
    """What may go at once, and what was read with it; `now` is the database's."""

    send: Send
    epoch: int
    now: datetime
    seen: Seen


class FreshSales:
    """Looks for the one document that may go at once."""

    def __init__(
        self,
        kept: Pool,
        queue: SendQueue,
        leases: CompanyLeases,
        calls: JurnalCalls,
        inquiry: Inquiry,
        waiting: WaitingSends,
        guard: RestoreGuard,
        limits: BatchLimits,
    ) -> None:
        """`kept`: connections that keep their plans."""
        self._kept = kept
        self._queue = queue
        self._leases = leases
        self._calls = calls
        self._inquiry = inquiry
        self._waiting = waiting
        self._guard = guard
        self._limits = limits

    async def look(self, company: Company, stores: Sequence[str], store_id: str, epoch: int) -> FreshSale | None:
        """Return what of a store may go now; None: the ordinary way tells. `epoch`: of the step that found nothing."""
        if not self._waiting.is_caught_up(store_id, epoch):
            return None
        name = company.company_id
        leases, servers, breakers, budgets, *queue = await ask(
            self._kept,
            (
                self._leases.reading(name),
                self._guard.reading(),
                *self._calls.readings(company),
                *self._queue.reading(stores, store_id, name, KINDS, rows_max=_ROWS_MAX),
            ),
        )
        if not leases or leases[0][0] != epoch or not self._guard.has_looked(name, epoch, servers[0][0]):
            return None
        now = leases[0][1]
        sends = self._queue.seen(*queue, rows_max=_ROWS_MAX)
        seen = self._calls.seen(breakers, budgets)
        if not sends or seen is None:
            return None
        due = [Waiting(send, self._inquiry.purpose(send, now)) for send in sends if send.due_at <= now]
        chosen = choose(due, (store_id,), self._limits, now, is_short=self._calls.short(company, now))
        if not isinstance(chosen, Chosen) or chosen.purpose is not Purpose.FRESH or len(chosen.sends) > 1:
            return None
        return FreshSale(send=chosen.sends[0], epoch=epoch, now=now, seen=seen)
