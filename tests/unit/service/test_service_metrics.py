"""Metrics are complete from the start, bounded in their labels, and told of in the README."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import Metric

from service.telemetry.metrics import (
    COMMAND_KINDS,
    COMMAND_OUTCOMES,
    JURNAL_ANSWERS,
    JURNAL_RESOURCES,
    Loop,
    Metrics,
    request_metrics,
)

README = Path(__file__).parents[3] / "service" / "telemetry" / "README.md"
BOUNDED_LABELS = {
    "answer",
    "endpoint",
    "kind",
    "le",
    "loop",
    "method",
    "outcome",
    "projection",
    "reason",
    "resource",
    "route",
    "state",
    "status",
    "version",
    "window",
}


def ours(metrics: Metrics) -> list[Metric]:
    """Return the families of the service itself."""
    return [family for family in metrics.registry.collect() if family.name.startswith("jurnalsync_")]


def exposed_name(family: Metric) -> str:
    """Return the name people query."""
    return f"{family.name}_total" if family.type == "counter" else family.name


def test_every_metric_carries_our_prefix_or_the_process_one() -> None:
    """A shared Prometheus tells ours apart."""
    names = [family.name for family in Metrics("1").registry.collect()]
    assert [name for name in names if not name.startswith(("jurnalsync_", "process_"))] == []


def test_every_metric_has_series_before_anything_happened_and_all_stand_at_zero() -> None:
    """A rate over a rare event is right from its first occurrence on."""
    for family in ours(Metrics("1")):
        assert family.samples, f"{family.name} has no series yet"
        values = {sample.value for sample in family.samples}
        assert values == ({1.0} if family.name == "jurnalsync_build_info" else {0.0}), family.name


def test_commands_stand_at_zero_for_every_kind_and_outcome() -> None:
    """The label sets are whole: none appears only when it first happens."""
    metrics = Metrics("1")
    for kind in COMMAND_KINDS:
        for outcome in COMMAND_OUTCOMES:
            labels = {"kind": kind, "outcome": outcome}
            assert metrics.registry.get_sample_value("jurnalsync_command_outcomes_total", labels) == 0
    assert "BookInvoice" in COMMAND_KINDS


def test_calls_to_jurnal_stand_at_zero_for_every_resource_and_answer() -> None:
    """The first 429 of a resource is a rise from 0."""
    metrics = Metrics("1")
    for resource in (*JURNAL_RESOURCES, "other"):
        for answer in JURNAL_ANSWERS:
            labels = {"resource": resource, "answer": answer}
            assert metrics.registry.get_sample_value("jurnalsync_jurnal_requests_total", labels) == 0


def test_no_label_can_hold_an_id_a_store_or_a_path() -> None:
    """Every label is of a list of few values, so the number of series does not grow with the trade."""
    labels = {label for family in ours(Metrics("1")) for sample in family.samples for label in sample.labels}
    assert labels <= BOUNDED_LABELS
    assert not labels & {"id", "store", "store_id", "path", "message", "error"}


def test_a_word_that_is_not_listed_counts_as_other() -> None:
    """A caller cannot make a series by passing what it was sent."""
    metrics = Metrics("1")
    metrics.jurnal_called("sales_invoices/4711", "2xx", 0.2)
    metrics.polled("GetSomethingNew", "read")
    metrics.webhook_refused("surprise")
    value = metrics.registry.get_sample_value
    assert value("jurnalsync_jurnal_requests_total", {"resource": "other", "answer": "2xx"}) == 1
    assert value("jurnalsync_polls_total", {"endpoint": "other", "outcome": "read"}) == 1
    assert value("jurnalsync_webhooks_refused_total", {"reason": "other"}) == 1


def test_a_heartbeat_is_the_time_of_the_last_step() -> None:
    """Lag is not liveness: a loop with nothing to do still beats."""
    metrics = Metrics("1")
    at = datetime(2026, 8, 1, 3, 0, tzinfo=UTC)
    metrics.loop_stepped(Loop.FOLD, at)
    metrics.projection_stepped("sync_status", at)
    value = metrics.registry.get_sample_value
    assert value("jurnalsync_loop_heartbeat_timestamp_seconds", {"loop": "fold"}) == at.timestamp()
    labels = {"projection": "sync_status"}
    assert value("jurnalsync_projection_heartbeat_timestamp_seconds", labels) == at.timestamp()


def test_the_readme_lists_every_metric_and_no_other() -> None:
    """Who reads the table knows all there is."""
    listed = set(re.findall(r"^\| `(jurnalsync_\w+)", README.read_text(), flags=re.MULTILINE))
    assert listed == {exposed_name(family) for family in ours(Metrics("1"))}


@pytest.fixture
def metrics() -> Metrics:
    """Give metrics of their own."""
    return Metrics("1")


@pytest.fixture
def app(metrics: Metrics) -> web.Application:
    """Serve one route that answers, one that refuses and one that breaks."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response()

    async def refuse(_request: web.Request) -> web.Response:
        raise web.HTTPConflict

    async def fail(_request: web.Request) -> web.Response:
        raise RuntimeError("broken")

    served = web.Application(middlewares=[request_metrics(metrics)])
    served.add_routes([web.get("/of/{key}", answer), web.get("/refused", refuse), web.get("/broken", fail)])
    metrics.start_routes(served)
    return served


def requests_of(metrics: Metrics, route: str, method: str, status: str) -> float | None:
    """Read the counter of requests."""
    labels = {"route": route, "method": method, "status": status}
    return metrics.registry.get_sample_value("jurnalsync_requests_total", labels)


async def test_requests_count_by_route_template_never_by_path(app: web.Application, metrics: Metrics) -> None:
    """Two ids are one series, and it stood at 0 before the first request."""
    assert requests_of(metrics, "/of/{key}", "GET", "200") == 0
    async with TestClient(TestServer(app)) as client:
        for path in ("/of/4711", "/of/4712"):
            assert (await client.get(path)).status == 200
    assert requests_of(metrics, "/of/{key}", "GET", "200") == 2
    labels = {"route": "/of/{key}", "method": "GET"}
    assert metrics.registry.get_sample_value("jurnalsync_request_duration_seconds_count", labels) == 2


async def test_what_a_handler_raises_counts_with_the_status_it_becomes(app: web.Application, metrics: Metrics) -> None:
    """A refusal is not an error of ours; a fault is."""
    async with TestClient(TestServer(app)) as client:
        assert (await client.get("/refused")).status == 409
        assert (await client.get("/broken")).status == 500
    assert requests_of(metrics, "/refused", "GET", "409") == 1
    assert requests_of(metrics, "/broken", "GET", "500") == 1


async def test_scanners_make_one_series_whatever_they_ask(app: web.Application, metrics: Metrics) -> None:
    """An unmatched path is `unmatched`, an unusual method is `other`."""
    async with TestClient(TestServer(app)) as client:
        for path in ("/admin.php", "/.env"):
            assert (await client.get(path)).status == 404
        assert (await client.request("PROPFIND", "/of/4711")).status == 405
    assert requests_of(metrics, "unmatched", "GET", "404") == 2
    assert requests_of(metrics, "unmatched", "other", "405") == 1
