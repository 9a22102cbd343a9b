"""The poller: reads what iSeller does not push, and orders and transactions again, through the same intake.

When a store is due, each endpoint's pass goes one bounded step on; see endpoint_pass.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import structlog

from eventstore.clock import Clock
from eventstore.errors import AppendQueueFull
from eventstore.facts.registry import REPORT_KINDS
from eventstore.facts.reports.kind import ReportKind
from service.iseller.client import (
    GET_ORDERS,
    GET_PRODUCTS,
    GET_REGISTER_SHIFTS,
    GET_TRANSACTIONS,
    GET_TRANSFER,
    Endpoint,
)
from service.iseller.endpoint_pass import EndpointPass, EndpointPolled, PassSettings, Run
from service.iseller.envelope import IsellerError
from service.telemetry.logs import LogEvent

POLLED: tuple[tuple[Endpoint, ReportKind], ...] = (
    (GET_ORDERS, REPORT_KINDS["order"]),
    (GET_TRANSACTIONS, REPORT_KINDS["transaction"]),
    (GET_TRANSFER, REPORT_KINDS["transfer"]),
    (GET_REGISTER_SHIFTS, REPORT_KINDS["register_shift"]),
    (GET_PRODUCTS, REPORT_KINDS["product"]),
)
# Stock and the number sold stand in a product's report and change with every sale: each reading of it is a fact.
_SELDOM = timedelta(days=1)


class PollSettings(PassSettings, frozen=True, kw_only=True):
    """How often a store is read. A woken store is not polled sooner than `wake_wait_seconds` after its last poll."""

    interval_seconds: float = 60
    wake_wait_seconds: float = 1


class IsellerConnection(msgspec.Struct, frozen=True, kw_only=True):
    """Where a store's iSeller stands, and the store's time zone (IANA name)."""

    url: str
    time_zone: str


class Polled(msgspec.Struct, kw_only=True):
    """What one step did. Not `due`: nothing. `woken`: somebody asked for it. `errors`: endpoint → what went wrong."""

    due: bool = False
    woken: bool = False
    endpoints: dict[str, EndpointPolled] = {}
    errors: dict[str, str] = {}

    @property
    def appended(self) -> int:
        """New facts of all endpoints."""
        return sum(endpoint.appended for endpoint in self.endpoints.values())

    @property
    def finished(self) -> bool:
        """Whether nothing is left to read now; else the next step goes on at once. An error waits for its interval."""
        return all(endpoint.finished for name, endpoint in self.endpoints.items() if name not in self.errors)


class Poller:
    """Polls stores, one bounded step at a time. Whoever calls `step` holds the store's poll lease.

    `store_connection` returns None for a store that is not connected.
    """

    def __init__(
        self,
        endpoint_pass: EndpointPass,
        clock: Clock,
        store_connection: Callable[[str], Awaitable[IsellerConnection | None]],
        settings: PollSettings | None = None,
    ) -> None:
        self._endpoint_pass = endpoint_pass
        self._clock = clock
        self._store_connection = store_connection
        self._settings = settings if settings is not None else PollSettings()
        self._woken: set[str] = set()
        self._unfinished: set[str] = set()
        self._polled_at: dict[str, datetime] = {}
        self._read_at: dict[tuple[str, str], datetime] = {}
        self._log = structlog.get_logger()

    def wake(self, store_id: str) -> None:
        """Ask for a poll of the store before its interval has passed."""
        self._woken.add(store_id)

    async def step(self, store_id: str) -> Polled:
        """Poll the store if it is due: every endpoint, up to `pages_per_step_max` pages each.

        What goes wrong at iSeller stands in `errors` and stops that endpoint only; errors of the ledger are raised.
        """
        now = self._clock.now()
        woken = store_id in self._woken
        if not self._is_due(store_id, now, woken=woken):
            return Polled()
        connection = await self._store_connection(store_id)
        if connection is None:
            return Polled()
        # Before the first request: a wake that comes while this step runs counts for the next.
        self._woken.discard(store_id)
        self._polled_at[store_id] = now
        polled = Polled(due=True, woken=woken)
        for endpoint, kind in POLLED:
            if endpoint.seldom and not self._is_due_seldom(store_id, endpoint, now):
                continue
            run = Run(
                store_id=store_id,
                url=connection.url,
                endpoint=endpoint,
                kind=kind,
                time_zone=ZoneInfo(connection.time_zone),
                started_at=now,
                done=EndpointPolled(),
            )
            polled.endpoints[endpoint.name] = run.done
            try:
                await self._endpoint_pass.step(run)
                if run.done.finished:
                    self._read_at[store_id, endpoint.name] = now
            except (IsellerError, AppendQueueFull) as error:
                polled.errors[endpoint.name] = str(error)
                self._log.warning(LogEvent.POLL_FAILED, store=store_id, endpoint=endpoint.name, reason=str(error))
        (self._unfinished.discard if polled.finished else self._unfinished.add)(store_id)
        return polled

    def _is_due_seldom(self, store_id: str, endpoint: Endpoint, now: datetime) -> bool:
        read_at = self._read_at.get((store_id, endpoint.name))
        return read_at is None or not timedelta(0) <= now - read_at < _SELDOM

    def _is_due(self, store_id: str, now: datetime, *, woken: bool) -> bool:
        polled_at = self._polled_at.get(store_id)
        if polled_at is None or store_id in self._unfinished:
            return True
        wait = self._settings.wake_wait_seconds if woken else self._settings.interval_seconds
        # A clock that was set back must not stop the poller.
        return not timedelta(0) <= now - polled_at < timedelta(seconds=wait)
