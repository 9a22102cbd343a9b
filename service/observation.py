"""What only the database knows, taken for Prometheus: one look at all stores a step."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from eventstore.clock import Clock
from eventstore.connection import Pool
from eventstore.store import LedgerReader
from projections.catalogue import CATALOGUE
from projections.clearing.queries import read_oldest
from projections.differences.queries import count_differences
from projections.jurnal_commands.queue import count_states
from projections.runner import count_lag, count_stalled
from projections.store_settings.queries import read_paused, read_settings
from projections.sync_status.queries import count_held
from service.breaker import count_breakers
from service.jurnal.package import Package
from service.quota_figures import count_closed, read_package_left
from service.reconciliation_ledger import FREEZER
from service.telemetry.metrics import Metrics


class Observation:
    """Sets the gauges that are sums or maxima over all stores."""

    def __init__(self, pool: Pool, reader: LedgerReader, clock: Clock, metrics: Metrics, package: Package) -> None:
        self._pool = pool
        self._reader = reader
        self._clock = clock
        self._metrics = metrics
        self._package = package

    async def step(self) -> None:
        """Take all figures once."""
        for projection, lag in (await count_lag(self._pool, tuple(CATALOGUE))).items():
            self._metrics.projection_lag_facts.labels(projection).set(lag)
        self._metrics.stalled_streams.set(await count_stalled(self._pool))
        for state, commands in (await count_states(self._pool)).items():
            self._metrics.commands.labels(state).set(commands)
        # What is held has no command yet; its lines are what waits.
        self._metrics.commands.labels("held").set(await count_held(self._pool))
        for kind, differences in (await count_differences(self._pool)).items():
            self._metrics.differences.labels(kind).set(differences)
        await self._observe_paused()
        await self._observe_clearing()
        await self._observe_quota()

    async def _observe_quota(self) -> None:
        for scope, companies in (await count_closed(self._pool)).items():
            self._metrics.quota_closed_companies.labels(scope).set(companies)
        for state, companies in (await count_breakers(self._pool)).items():
            self._metrics.breaker_companies.labels(state).set(companies)
        self._metrics.package_calls.set(self._package.calls_per_month or 0)
        self._metrics.package_left.set(await read_package_left(self._pool, self._package))

    async def _observe_paused(self) -> None:
        now, longest, frozen = self._clock.now(), timedelta(0), 0
        for store_id, pause in (await read_paused(self._pool)).items():
            frozen += pause.fact.actor == FREEZER
            told = await self._reader.read_one(store_id, pause.position)
            assert told is not None
            longest = max(longest, now - told.recorded_at)
        self._metrics.paused_seconds.set(longest.total_seconds())
        self._metrics.frozen_stores.set(frozen)

    async def _observe_clearing(self) -> None:
        now, oldest, overdue = self._clock.now(), timedelta(0), 0
        for store_id, day in (await read_oldest(self._pool)).items():
            settings = await read_settings(self._pool, store_id)
            if settings.connection is None:
                continue
            # Money of a day is taken by its end: a day is not old while it lasts.
            zone = ZoneInfo(settings.connection.time_zone)
            age = now - datetime.combine(day + timedelta(days=1), time.min, tzinfo=zone)
            oldest = max(oldest, age)
            overdue += age > timedelta(days=settings.rules.settlement_days)
        self._metrics.clearing_oldest_unsettled_seconds.set(oldest.total_seconds())
        self._metrics.clearing_overdue_stores.set(overdue)
