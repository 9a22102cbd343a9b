"""The probes and the metrics page over real HTTP."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from service.api import health
from service.api.health import Heartbeat, Liveness, Readiness, operations_routes
from service.telemetry.metrics import Metrics

READY = Readiness(
    database_reachable=True,
    schema_in_range=True,
    clock_in_range=True,
    clock="agrees with the database's",
    draining=False,
)
BEATING = Heartbeat(loop="fold", age_seconds=0.4, age_seconds_max=30)
STUCK = Heartbeat(loop="dispatch", age_seconds=31, age_seconds_max=30)


async def ask(
    path: str,
    *,
    ready: Callable[[], Awaitable[Readiness]] | None = None,
    heartbeats: tuple[Heartbeat, ...] = (BEATING,),
) -> tuple[int, str, str]:
    """Serve the operations port once; return status, content type and body."""

    async def all_is_well() -> Readiness:
        return READY

    app = web.Application()
    app.add_routes(
        operations_routes(ready or all_is_well, lambda: Liveness(heartbeats=heartbeats), Metrics("1").registry)
    )
    async with TestClient(TestServer(app)) as client, client.get(path) as response:
        return response.status, response.headers["Content-Type"], await response.text()


def failed_checks(body: str) -> list[str]:
    """Name the checks that did not pass."""
    answer: dict[str, Any] = json.loads(body)
    assert answer["passed"] == all(check["passed"] for check in answer["checks"])
    return [check["name"] for check in answer["checks"] if not check["passed"]]


async def test_a_process_that_can_serve_is_ready_and_alive() -> None:
    """200, with every check named."""
    status, _, body = await ask("/readyz")
    assert (status, failed_checks(body)) == (200, [])
    assert [check["name"] for check in json.loads(body)["checks"]] == [
        "database_reachable",
        "schema_in_range",
        "clock_in_range",
        "not_draining",
    ]
    status, _, body = await ask("/livez")
    assert (status, failed_checks(body)) == (200, [])


@pytest.mark.parametrize(
    ("readiness", "failed"),
    [
        (msgspec.structs.replace(READY, database_reachable=False), "database_reachable"),
        (msgspec.structs.replace(READY, schema_in_range=False), "schema_in_range"),
        (msgspec.structs.replace(READY, clock_in_range=False), "clock_in_range"),
        (msgspec.structs.replace(READY, draining=True), "not_draining"),
    ],
)
async def test_each_reason_not_to_be_ready_is_named(readiness: Readiness, failed: str) -> None:
    """503 takes the process out of traffic, and the body says why."""

    async def ready() -> Readiness:
        return readiness

    status, _, body = await ask("/readyz", ready=ready)
    assert (status, failed_checks(body)) == (503, [failed])


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError,
        asyncpg.ObjectNotInPrerequisiteStateError,
        asyncpg.InvalidCatalogNameError,
        asyncpg.InvalidPasswordError,
    ],
)
async def test_a_database_that_refuses_is_not_ready_rather_than_an_error(error: type[Exception]) -> None:
    """The check may raise what a lost connection raises, or a database that is closed, renamed or has other logins."""

    async def ready() -> Readiness:
        raise error

    status, _, body = await ask("/readyz", ready=ready)
    assert (status, failed_checks(body)) == (503, ["database_reachable"])


async def test_a_database_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The probe answers within its own limit, before the kubelet gives up on it."""
    monkeypatch.setattr(health, "READINESS_SECONDS_MAX", 0.01)

    async def ready() -> Readiness:
        await asyncio.Event().wait()
        return READY

    status, _, body = await ask("/readyz", ready=ready)
    assert (status, failed_checks(body)) == (503, ["database_reachable"])


async def test_a_loop_that_no_longer_steps_is_not_alive() -> None:
    """One stuck loop restarts the process; the body names it."""
    status, _, body = await ask("/livez", heartbeats=(BEATING, STUCK))
    assert (status, failed_checks(body)) == (503, ["loop_dispatch"])


async def test_liveness_never_asks_the_database() -> None:
    """A restart brings no database back."""

    async def ready() -> Readiness:
        raise ConnectionRefusedError

    assert (await ask("/livez", ready=ready))[0] == 200


async def test_metrics_are_served_as_prometheus_reads_them() -> None:
    """Text with its version in the content type, no token asked."""
    status, content_type, body = await ask("/metrics")
    assert status == 200
    assert content_type.startswith("text/plain; version=")
    assert 'jurnalsync_build_info{version="1"} 1.0' in body
    assert "_created" not in body
