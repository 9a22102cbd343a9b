"""What must be known before a fresh sale goes on an idle system, asked in one question that locks and writes nothing.

Only where the step before found nothing to do, nothing of the company is on its way, and the quota has room. What was
read is compared once more when it is acted on, in one statement: the quota by how often places were taken, the rest by
what begins every attempt. Whatever speaks against it goes the ordinary way, in the same step.
"""

import asyncio
import math
from collections.abc import Sequence
from datetime import datetime

import msgspec

from eventstore.connection import Pool
from eventstore.questions import Row, ask
from eventstore.statements import statement
from projections.jurnal_commands.queue import Send, SendQueue
from service.choosing import BatchLimits, Chosen, Waiting, choose
from service.company_lease import CompanyLeases
from service.inquiry import Inquiry
from service.jurnal.pace import Purpose
from service.jurnal_calls import Company, JurnalCalls, Seen
from service.restore_guard import RestoreGuard
from service.waiting_sends import KINDS, WaitingSends

_DISCARD = statement(__package__, "discard_plans")
# How old plans may be when somebody waits for what they read; they are made anew before, while nobody does.
_PLANS_SECONDS_MAX = 60
_PLANS_SECONDS = 30
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

    def __init__(  # noqa: PLR0913 - what is asked in one question is known by these
        self,
        pool: Pool,
        queue: SendQueue,
        leases: CompanyLeases,
        calls: JurnalCalls,
        inquiry: Inquiry,
        waiting: WaitingSends,
        guard: RestoreGuard,
        *,
        limits: BatchLimits,
        young: Pool | None,
    ) -> None:
        """`young`: one connection that keeps its plans until `plan` lets them be made anew; None: `pool`."""
        self._young = young
        self._connections = young if young is not None else pool
        self._planned_at = -math.inf
        self._queue = queue
        self._leases = leases
        self._calls = calls
        self._inquiry = inquiry
        self._waiting = waiting
        self._guard = guard
        self._limits = limits

    async def look(self, company: Company, stores: Sequence[str], store_id: str, epoch: int) -> FreshSale | None:
        """Return what of a store may go now; None: the ordinary way tells. `epoch`: of the step that found nothing."""
        is_young = asyncio.get_running_loop().time() - self._planned_at < _PLANS_SECONDS_MAX
        if not is_young or not self._waiting.is_caught_up(store_id, epoch):
            return None
        name = company.company_id
        leases, servers, breakers, budgets, *queue = await self._ask(company, stores, store_id)
        if not leases or leases[0][0] != epoch or not self._guard.has_looked(name, epoch, servers[0][0]):
            return None
        now = leases[0][1]
        sends = self._queue.seen(*queue, rows_max=_ROWS_MAX)
        seen = self._calls.seen(breakers, budgets, self._connections)
        if not sends or seen is None:
            return None
        due = [Waiting(send, self._inquiry.purpose(send, now)) for send in sends if send.due_at <= now]
        chosen = choose(due, (store_id,), self._limits, now, is_short=self._calls.short(company, now))
        if not isinstance(chosen, Chosen) or chosen.purpose is not Purpose.FRESH or len(chosen.sends) > 1:
            return None
        return FreshSale(send=chosen.sends[0], epoch=epoch, now=now, seen=seen)

    async def plan(self, company: Company, stores: Sequence[str]) -> None:
        """Let plans be made while nobody waits for them: one made when tables were short is bad once they are long."""
        now = asyncio.get_running_loop().time()
        if now - self._planned_at < _PLANS_SECONDS:
            return
        if self._young is not None:
            await self._young.execute(_DISCARD)
            await self._ask(company, stores, stores[0])
        self._planned_at = now

    async def _ask(self, company: Company, stores: Sequence[str], store_id: str) -> list[list[Row]]:
        questions = (
            self._leases.reading(company.company_id),
            self._guard.reading(),
            *self._calls.readings(company),
            *self._queue.reading(stores, store_id, company.company_id, KINDS, rows_max=_ROWS_MAX),
        )
        return await ask(self._connections, questions)
