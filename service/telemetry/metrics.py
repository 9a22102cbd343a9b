"""Every metric of the service. Base units, bounded labels (never an id, a store, a path or a message).

Every label set stands at 0 from the start, so that a rate over a rare event is right from its first occurrence on.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import product
from typing import assert_never, get_args

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.metrics import MetricWrapperBase

from eventstore.errors import LedgerBehind
from eventstore.event import Appended, AppendResult, Duplicate, VersionConflict
from projections.catalogue import CATALOGUE
from projections.differences.queries import KINDS as DIFFERENCE_KINDS
from projections.jurnal_commands.commands import Command

PROJECTIONS = tuple(CATALOGUE)
COMMAND_KINDS = tuple(kind.__name__ for kind in get_args(Command))
COMMAND_OUTCOMES = ("Accepted", "AlreadyThere", "Refused", "TryLater", "Unknown")
COMMAND_STATES = (
    "held", "due", "sending", "waiting", "unknown", "accepted", "refused", "parked", "skipped", "superseded",
)  # fmt: skip
APPEND_OUTCOMES = ("appended", "duplicate", "version_conflict", "queue_full", "failed")
JURNAL_ANSWERS = ("2xx", "4xx", "429", "5xx", "none")
QUOTA_SCOPES = ("minute", "hour", "month")
BREAKER_STATES = ("closed", "open", "half_open")
_WINDOW_OF_SECONDS = {60: "minute", 3_600: "hour"}
QUOTA_WINDOWS = tuple(_WINDOW_OF_SECONDS.values())
POLL_ENDPOINTS = ("GetOrders", "GetTransactions", "GetTransfer", "GetRegisterShifts", "GetOutlets", "GetStoreInfo")
POLL_OUTCOMES = ("read", "failed")
WEBHOOK_REFUSALS = ("signature", "stale", "future", "unknown_store", "unknown_type", "too_large", "queue_full")
JURNAL_RESOURCES = (
    "accounts",
    "bank_deposits",
    "bank_withdrawals",
    "companies",
    "contacts",
    "credit_memos",
    "customer_apply_credit_memo",
    "customer_credit_memo_refund",
    "customers",
    "journal_entries",
    "payment_methods",
    "products",
    "receive_payments",
    "sales_invoices",
    "sales_returns",
    "select2_resources",
    "stock_adjustments",
    "taxes",
    "warehouse_transfers",
    "warehouses",
)
OTHER = "other"
UNMATCHED = "unmatched"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
STATUSES = ("200", "400", "401", "403", "404", "405", "408", "409", "413", "415", "422", "500", "503")

# Edges at the objectives: a webhook is answered within 0.25 s, the API within 1 s, Jurnal within its 90 s deadline.
REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
JURNAL_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 90)
BATCH_FACTS = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000)


class Loop(StrEnum):
    """The loops of the process, each with a heartbeat."""

    FOLD = "fold"
    DISPATCH = "dispatch"
    POLL = "poll"
    OBSERVE = "observe"
    SCHEDULE = "schedule"
    RECONCILE = "reconcile"


class Metrics:
    """One process's metrics on a registry of their own. Made once, in wiring."""

    def __init__(self, version: str) -> None:
        # A `_created` series beside every counter would double the scrape for nothing that is read.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library leaves this one untyped
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._make_requests()
        self._make_ledger()
        self._make_commands()
        self._make_edges()
        build = self._gauge("build_info", "Always 1; which version runs", "version")
        build.labels(version).set(1)

    def _make_requests(self) -> None:
        self.requests_total = self._counter("requests_total", "Requests answered", "route", "method", "status")
        self.request_duration_seconds = self._histogram(
            "request_duration_seconds", "Time to answer a request", REQUEST_SECONDS, "route", "method"
        )
        self.requests_total.labels(UNMATCHED, "GET", "404")
        self.request_duration_seconds.labels(UNMATCHED, "GET")

    def _make_ledger(self) -> None:
        self.appended_facts_total = self._counter("appended_facts_total", "Facts offered to the ledger", "outcome")
        self.append_batch_facts = self._histogram("append_batch_facts", "Facts in one append transaction", BATCH_FACTS)
        self.append_queue_facts = self._gauge("append_queue_facts", "Facts waiting for the ledger or on their way")
        self.projection_lag_facts = self._gauge(
            "projection_lag_facts", "Facts appended and not yet folded, over all stores", "projection"
        )
        self.projection_heartbeat = self._gauge(
            "projection_heartbeat_timestamp_seconds", "When the projection was last stepped", "projection"
        )
        self.loop_heartbeat = self._gauge("loop_heartbeat_timestamp_seconds", "When the loop last stepped", "loop")
        self.loop_failures_total = self._counter(
            "loop_failures_total", "Steps of the loop that failed, each store's or company's by itself", "loop"
        )
        self.loop_failing_seconds = self._gauge(
            "loop_failing_seconds", "How long what has failed longest in the loop has had no whole step", "loop"
        )
        self.stalled_streams = self._gauge("stalled_streams", "Streams whose next fact cannot be folded")
        self.ledger_gaps_total = self._counter("ledger_gaps_total", "Missing positions met; must stay 0")
        self.ledger_behind_total = self._counter(
            "ledger_behind_total", "Times the database lacked facts it had acknowledged; must stay 0"
        )
        self.integrity_incidents_total = self._counter(
            "integrity_incidents_total", "Reports contradicting an earlier one under the same source id"
        )
        self.payloads_unreadable_total = self._counter("payloads_unreadable_total", "Signed bodies that cannot be read")
        _start(self.appended_facts_total, APPEND_OUTCOMES)
        _start(self.projection_lag_facts, PROJECTIONS)
        _start(self.projection_heartbeat, PROJECTIONS)
        _start(self.loop_heartbeat, Loop)
        _start(self.loop_failures_total, Loop)
        _start(self.loop_failing_seconds, Loop)

    def _make_commands(self) -> None:
        self.command_outcomes_total = self._counter(
            "command_outcomes_total", "What Jurnal answered to commands", "kind", "outcome"
        )
        self.commands = self._gauge("commands", "Commands by state, over all stores", "state")
        self.paused_seconds = self._gauge("paused_seconds", "How long the store that is paused longest has been paused")
        self.clearing_oldest_unsettled_seconds = self._gauge(
            "clearing_oldest_unsettled_seconds", "Age of the oldest iSeller Pay money that is not paid out"
        )
        self.clearing_overdue_stores = self._gauge(
            "clearing_overdue_stores", "Stores with money that is not paid out for longer than their settlement takes"
        )
        self.differences = self._gauge(
            "differences", "Differences between the ledger and Jurnal that stand unaccepted, over all stores", "kind"
        )
        self.differences_found_total = self._counter(
            "differences_found_total",
            "New differences that daily comparisons found",
            "kind",
        )
        self.comparisons_total = self._counter("comparisons_total", "Daily comparisons of a store made from end to end")
        self.frozen_stores = self._gauge(
            "frozen_stores", "Stores that froze because Jurnal is ahead of the ledger, as after a restore"
        )
        _start(self.differences, DIFFERENCE_KINDS)
        _start(self.differences_found_total, DIFFERENCE_KINDS)
        _start(self.command_outcomes_total, COMMAND_KINDS, COMMAND_OUTCOMES)
        _start(self.commands, COMMAND_STATES)

    def _make_edges(self) -> None:
        self.jurnal_requests_total = self._counter("jurnal_requests_total", "Calls to Jurnal", "resource", "answer")
        self.jurnal_request_duration_seconds = self._histogram(
            "jurnal_request_duration_seconds", "Time until Jurnal answered", JURNAL_SECONDS, "resource"
        )
        self.quota_left = self._gauge("quota_left", "Calls to Jurnal left in the window, at the last grant", "window")
        self.quota_closed_companies = self._gauge(
            "quota_closed_companies", "Companies whose budget a 429 of Jurnal's closed, by the limit", "window"
        )
        self.package_calls = self._gauge("package_calls", "Calls of the month's package; 0 without one")
        self.package_left = self._gauge("package_left", "Calls left of the package of the company that has least")
        self.breaker_companies = self._gauge("breaker_companies", "Companies by their breaker's state", "state")
        self.breaker_openings_total = self._counter(
            "breaker_openings_total", "Times a company's Jurnal was left alone because calls failed"
        )
        self.clock_off_seconds = self._gauge(
            "clock_off_seconds", "How far this process's clock is off the database's; negative: behind"
        )
        self.jurnal_clock_off_seconds = self._gauge(
            "jurnal_clock_off_seconds",
            "How far Jurnal's clock was off the database's at its last answer; negative: behind",
        )
        self.clock_wrong = self._gauge(
            "clock_wrong", "1 while this process sends nothing because its clock is too far off the database's"
        )
        self.polls_total = self._counter("polls_total", "Pages read from iSeller", "endpoint", "outcome")
        self.webhooks_refused_total = self._counter("webhooks_refused_total", "Webhooks turned away", "reason")
        _start(self.jurnal_requests_total, (*JURNAL_RESOURCES, OTHER), JURNAL_ANSWERS)
        _start(self.jurnal_request_duration_seconds, (*JURNAL_RESOURCES, OTHER))
        _start(self.quota_left, QUOTA_WINDOWS)
        _start(self.quota_closed_companies, QUOTA_SCOPES)
        _start(self.breaker_companies, BREAKER_STATES)
        _start(self.polls_total, (*POLL_ENDPOINTS, OTHER), POLL_OUTCOMES)
        _start(self.webhooks_refused_total, (*WEBHOOK_REFUSALS, OTHER))

    def compared(self, new_by_kind: Mapping[str, int]) -> None:
        """Note a daily comparison and what it found that the ledger did not hold."""
        self.comparisons_total.inc()
        for kind, differences in new_by_kind.items():
            assert kind in DIFFERENCE_KINDS, kind
            self.differences_found_total.labels(kind).inc(differences)

    def start_routes(self, app: web.Application) -> None:
        """Put every route of `app` at 0. Call when all routes are added, before the first request."""
        for route in app.router.routes():
            if route.resource is not None:
                template, method = route.resource.canonical, _method(route.method)
                self.request_duration_seconds.labels(template, method)
                for status in STATUSES:
                    self.requests_total.labels(template, method, status)

    def batch_appended(self, results: Sequence[AppendResult]) -> None:
        """Note one committed batch of the ledger."""
        self.append_batch_facts.observe(len(results))
        for result in results:
            match result:
                case Appended():
                    self.appended_facts_total.labels("appended").inc()
                case Duplicate():
                    self.appended_facts_total.labels("duplicate").inc()
                case VersionConflict():
                    self.appended_facts_total.labels("version_conflict").inc()
                case _:
                    assert_never(result)

    def append_failed(self, error: BaseException, facts: int) -> None:
        """Note facts that the ledger did not take; their callers were told."""
        self.appended_facts_total.labels("failed").inc(facts)
        if isinstance(error, LedgerBehind):
            self.ledger_behind_total.inc()

    def loop_stepped(self, loop: Loop, at: datetime) -> None:
        """Note that `loop` is alive."""
        self.loop_heartbeat.labels(loop).set(at.timestamp())

    def projection_stepped(self, projection: str, at: datetime) -> None:
        """Note that `projection` is alive, whether or not there was anything to fold."""
        assert projection in PROJECTIONS, projection
        self.projection_heartbeat.labels(projection).set(at.timestamp())

    def quota_told(self, window_seconds: int, calls_left: int) -> None:
        """Note how many calls the tighter budget has left in a window of a minute or an hour."""
        self.quota_left.labels(_WINDOW_OF_SECONDS[window_seconds]).set(calls_left)

    def clock_compared(self, off_seconds: float, is_wrong: bool) -> None:
        """Note how far this process's clock is off, and whether that is too far."""
        self.clock_off_seconds.set(off_seconds)
        self.clock_wrong.set(is_wrong)

    def jurnal_called(self, resource: str, answer: str, seconds: float) -> None:
        """Note one call to Jurnal and the class of its answer; a resource that is not listed counts as `other`."""
        assert answer in JURNAL_ANSWERS, answer
        label = _listed(resource, JURNAL_RESOURCES)
        self.jurnal_requests_total.labels(label, answer).inc()
        self.jurnal_request_duration_seconds.labels(label).observe(seconds)

    def polled(self, endpoint: str, outcome: str) -> None:
        """Note one page read from iSeller, or the failure to."""
        assert outcome in POLL_OUTCOMES, outcome
        self.polls_total.labels(_listed(endpoint, POLL_ENDPOINTS), outcome).inc()

    def webhook_refused(self, reason: str) -> None:
        """Note one webhook turned away; a reason that is not listed counts as `other`."""
        self.webhooks_refused_total.labels(_listed(reason, WEBHOOK_REFUSALS)).inc()

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"jurnalsync_{name}", meaning, labels, registry=self.registry)

    def _gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(f"jurnalsync_{name}", meaning, labels, registry=self.registry)

    def _histogram(self, name: str, meaning: str, edges: Iterable[float], *labels: str) -> Histogram:
        return Histogram(f"jurnalsync_{name}", meaning, labels, registry=self.registry, buckets=tuple(edges))


def request_metrics(metrics: Metrics) -> Middleware:
    """Return the middleware that counts and times every request by its route template; put it first."""

    @web.middleware
    async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = time.perf_counter()
        status = 500
        try:
            response = await handler(request)
            status = response.status
        except web.HTTPException as refusal:
            status = refusal.status
            raise
        except asyncio.CancelledError:
            status = 499
            raise
        else:
            return response
        finally:
            resource = request.match_info.route.resource
            template = UNMATCHED if resource is None else resource.canonical
            method = _method(request.method)
            metrics.requests_total.labels(template, method, str(status)).inc()
            metrics.request_duration_seconds.labels(template, method).observe(time.perf_counter() - started)

    return observe


def _start(metric: MetricWrapperBase, *values: Iterable[str]) -> None:
    for labels in product(*values):
        metric.labels(*labels)


def _listed(value: str, listed: tuple[str, ...]) -> str:
    return value if value in listed else OTHER


def _method(method: str) -> str:
    # A client may send many more words as its method; each would become a series of its own.
    return method if method in METHODS else OTHER
