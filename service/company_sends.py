"""Steps of the dispatcher, one company each: begun for those with something new, and now and then for all."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta

from eventstore.clock import Clock
from eventstore.connection import CONNECTION_ERRORS
from service.abreast import Abreast
from service.dispatched import Dispatched
from service.dispatcher import Dispatcher
from service.failing import Failing
from service.jurnal_calls import Company
from service.settings import REST_SECONDS_MAX
from service.telemetry.metrics import Loop, Metrics

# Fewer than the connections to Jurnal that a session opens.
COMPANIES_AT_ONCE_MAX = 16
_WHOLE_COMPANY_WAITS = ("breaker", "quota", "saving")
# What is folded behind commands waits so long at most for the send that these begin.
_SEND_FIRST_SECONDS_MAX = 0.01

Stores = tuple[str, ...]


class CompanySends:
    """Sends for every company that is live. `woken` is set whenever a step has something to do."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        clock: Clock,
        metrics: Metrics,
        failing: Failing,
        read_companies: Callable[[], Awaitable[dict[str, Stores]]],
        *,
        look_seconds: float,
    ) -> None:
        """`read_companies`: the live stores of each company; all are looked at every `look_seconds`."""
        self.woken = asyncio.Event()
        self.abreast: Abreast[str] = Abreast(clock, steps_max=COMPANIES_AT_ONCE_MAX)
        self._dispatcher = dispatcher
        self._clock = clock
        self._metrics = metrics
        self._failing = failing
        self._read_companies = read_companies
        self._look_seconds = look_seconds
        self._companies: dict[str, Stores] = {}
        self._read_at = -math.inf
        self._looked_at = -math.inf
        # Companies with something new, and which of their stores commands were folded of since their last step.
        self._wanted: dict[str, set[str]] = {}
        self._resting: dict[str, datetime] = {}

    async def folded(self, store_id: str) -> None:
        """Send for the company of a store whose commands were folded, before anything else is folded of it."""
        for company_id, stores in self._companies.items():
            if store_id in stores:
                self._wanted.setdefault(company_id, set()).add(store_id)
                self._resting.pop(company_id, None)
                if self._start([company_id]):
                    await self.abreast.over(company_id, _SEND_FIRST_SECONDS_MAX)

    async def step(self) -> None:
        """Begin a step for those with something new, and for all of them when it is time to look or nobody has."""
        now = asyncio.get_running_loop().time()
        new = [company_id for company_id in self._wanted if not self.abreast.runs(company_id)]
        if new and now - self._looked_at < 2 * self._look_seconds:
            self._start(new)
            return
        self._looked_at = now
        self._start(self._companies)
        # Read by every second look, beside the sends of those that are known: a sale need not wait for it.
        if now - self._read_at >= 2 * self._look_seconds:
            known, self._companies = self._companies, await self._read_companies()
            self._read_at = now
            self._failing.left(Loop.DISPATCH, self._companies)
            self._wanted = {each: stores for each, stores in self._wanted.items() if each in self._companies}
            self._start(company_id for company_id in self._companies if company_id not in known)

    async def release(self) -> None:
        """Give all leases up."""
        for company_id, stores in (await self._read_companies()).items():
            await self._dispatcher.release(Company(company_id, stores[0]))

    def _start(self, companies: Iterable[str]) -> bool:
        return self.abreast.start(filter(self._is_rested, companies), self._send_for)

    def _is_rested(self, company_id: str) -> bool:
        """Tell whether a company that waits for a place looks again."""
        until = self._resting.get(company_id)
        return until is None or until <= self._clock.now()

    async def _send_for(self, company_id: str) -> None:
        """Make one send or probe; whatever goes wrong with it is logged, and the next one tries again."""
        stores, folded = self._companies[company_id], self._wanted.pop(company_id, set())
        try:
            with self._failing.alone(Loop.DISPATCH, company_id):
                only = next(iter(folded)) if len(folded) == 1 else None
                done = await self._dispatcher.step(Company(company_id, stores[0]), stores, only)
                self._note(company_id, done)
        except CONNECTION_ERRORS as error:
            self._failing.failed(Loop.DISPATCH, error, company_id)
        # What was folded meanwhile may have come too late for this step to see it, or found no room beside it.
        if any(each == company_id or not self.abreast.runs(each) for each in self._wanted):
            self.woken.set()

    def _note(self, company_id: str, done: Dispatched) -> None:
        if done.did == "sent":
            for outcome, rows in done.outcomes.items():
                self._metrics.command_outcomes_total.labels(done.kind, outcome).inc(rows)
        if done.did in ("sent", "probed", "refused"):
            self._wanted.setdefault(company_id, set())
        # What was folded meanwhile is not waited for.
        elif done.wait_until is not None and done.outcome in _WHOLE_COMPANY_WAITS and company_id not in self._wanted:
            latest = self._clock.now() + timedelta(seconds=REST_SECONDS_MAX)
            self._resting[company_id] = min(done.wait_until, latest)
