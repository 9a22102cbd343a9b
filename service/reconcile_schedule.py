"""Compares the last days of every store with Jurnal once a day, a call a step."""

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from eventstore.clock import Clock
from eventstore.connection import Pool
from eventstore.facts.reconciliation import RECONCILIATION_STREAM, RangeReconciled
from eventstore.facts.registry import decode
from eventstore.store import LedgerReader
from projections.store_settings.queries import read_settings
from service.comparison import Asked, Compared, Comparison, ComparisonStopped
from service.jurnal_calls import Company
from service.telemetry.logs import LogEvent

_LOG = structlog.get_logger()
_STOPPED_WAIT = timedelta(seconds=600)
_LAST_FACTS = 50
_A_DAY = timedelta(days=1)


class ReconcileSchedule:
    """Whoever holds a store's poll compares it; a day that was compared stands in the ledger and is not done again."""

    def __init__(
        self,
        pool: Pool,
        reader: LedgerReader,
        clock: Clock,
        compare: Callable[[Asked], Comparison],
        on_compared: Callable[[Compared], None],
        *,
        local_hour: int,
        days: int,
    ) -> None:
        """`local_hour`: of the store; `days`: how many before that day are compared, 0 for never."""
        self._pool = pool
        self._reader = reader
        self._clock = clock
        self._compare = compare
        self._on_compared = on_compared
        self._local_hour = local_hour
        self._days = days
        self._running: dict[str, Comparison] = {}
        self._done: dict[str, datetime] = {}
        self._not_before: dict[str, datetime] = {}

    async def step(self, store_id: str) -> bool:
        """Make one call to Jurnal at most; True while there is more to do at once."""
        if self._days == 0 or self._clock.now() < self._not_before.get(store_id, self._clock.now()):
            return False
        running = self._running.get(store_id) or await self._begun(store_id)
        if running is None:
            return False
        try:
            waits = await running.step()
        except ComparisonStopped as stopped:
            _LOG.warning(LogEvent.COMPARISON_STOPPED, store=store_id, reason=str(stopped))
            self._stop(store_id)
            return False
        except Exception:
            # What was under way is lost with the error: it begins anew, and never at once again and again.
            self._stop(store_id)
            raise
        if waits is not None:
            self._not_before[store_id] = waits.free_at
            return False
        if running.result is not None:
            del self._running[store_id]
            self._tell(store_id, running.result)
        return True

    def _stop(self, store_id: str) -> None:
        del self._running[store_id]
        self._not_before[store_id] = self._clock.now() + _STOPPED_WAIT

    async def _begun(self, store_id: str) -> Comparison | None:
        asked = await self._due(store_id)
        if asked is not None:
            self._running[store_id] = self._compare(asked)
        return self._running.get(store_id)

    async def _due(self, store_id: str) -> Asked | None:
        settings = await read_settings(self._pool, store_id)
        connection, live = settings.connection, settings.live_mode
        if connection is None or live is None:
            return None
        zone = ZoneInfo(connection.time_zone)
        local = self._clock.now().astimezone(zone)
        window = local.replace(hour=self._local_hour, minute=0, second=0, microsecond=0)
        window = window if window <= local else window - _A_DAY
        if self._done.get(store_id) == window or await self._is_done(store_id, window):
            self._done[store_id] = window
            return None
        last = window.date() - _A_DAY
        first = max(last - (self._days - 1) * _A_DAY, live[1].activated_at.astimezone(zone).date())
        if first > last:
            return None
        company = Company(connection.company_id, store_id)
        return Asked(store_id=store_id, company=company, zone=zone, first=first, last=last, scheduled_for=window)

    async def _is_done(self, store_id: str, window: datetime) -> bool:
        facts = await self._reader.read_stream_end(store_id, RECONCILIATION_STREAM, facts_max=_LAST_FACTS)
        told = (decode(fact) for fact in facts)
        return any(isinstance(each, RangeReconciled) and each.scheduled_for == window for each in told)

    def _tell(self, store_id: str, compared: Compared) -> None:
        self._on_compared(compared)
        if len(compared.found) > compared.accepted:
            _LOG.warning(
                LogEvent.DIFFERENCES_DETECTED,
                store=store_id,
                first=compared.reconciled.first.isoformat(),
                last=compared.reconciled.last.isoformat(),
                accepted=compared.accepted,
                **compared.reconciled.found,
            )
