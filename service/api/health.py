"""Probes and metrics, on their own port: what Kubernetes and Prometheus ask, without a token."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from eventstore.connection import CONNECTION_ERRORS

# Below a kubelet's usual probe timeout times its retries, and far above what a healthy database takes.
READINESS_SECONDS_MAX = 2.0


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """May this process get traffic? Never a matter of Jurnal or iSeller: a retry elsewhere would not help.

    `clock_in_range`: webhooks of now are not turned away by it; `clock`: how it stands, in words.
    """

    database_reachable: bool
    schema_in_range: bool
    clock_in_range: bool
    clock: str
    draining: bool

    @property
    def ready(self) -> bool:
        """Whether all of it is as it should be."""
        return self.database_reachable and self.schema_in_range and self.clock_in_range and not self.draining


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """When a loop last stepped, and how long it may take."""

    loop: str
    age_seconds: float
    age_seconds_max: float

    @property
    def alive(self) -> bool:
        """Whether the loop has stepped in time."""
        return self.age_seconds <= self.age_seconds_max


class Liveness(msgspec.Struct, frozen=True, kw_only=True):
    """Should this process be restarted? Never a matter of the database: a restart would not bring it back."""

    heartbeats: tuple[Heartbeat, ...]


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing looked at."""

    name: str
    passed: bool
    detail: str


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of a probe: 200 if `passed`, else 503."""

    passed: bool
    checks: list[Check]


def operations_routes(
    ready: Callable[[], Awaitable[Readiness]], alive: Callable[[], Liveness], registry: CollectorRegistry
) -> list[web.RouteDef]:
    """Return `/livez`, `/readyz` and `/metrics`."""

    async def livez(_request: web.Request) -> web.Response:
        return _answer([_heartbeat(heartbeat) for heartbeat in alive().heartbeats])

    async def readyz(_request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(READINESS_SECONDS_MAX):
                readiness = await ready()
        except (TimeoutError, *CONNECTION_ERRORS) as error:
            detail = f"no answer ({type(error).__name__})"
            return _answer([Check(name="database_reachable", passed=False, detail=detail)])
        return _answer(_readiness_checks(readiness))

    async def metrics(request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(registry), headers={"Content-Type": content_type})

    return [
        web.route("GET", "/livez", livez),
        web.route("GET", "/readyz", readyz),
        web.route("GET", "/metrics", metrics),
    ]


def _readiness_checks(readiness: Readiness) -> list[Check]:
    database = "reachable" if readiness.database_reachable else "unreachable"
    schema = "in range" if readiness.schema_in_range else "out of range: run `jurnalsync migrate`"
    draining = "shutting down" if readiness.draining else "no"
    return [
        Check(name="database_reachable", passed=readiness.database_reachable, detail=database),
        Check(name="schema_in_range", passed=readiness.schema_in_range, detail=schema),
        Check(name="clock_in_range", passed=readiness.clock_in_range, detail=readiness.clock),
        Check(name="not_draining", passed=not readiness.draining, detail=draining),
    ]


def _heartbeat(heartbeat: Heartbeat) -> Check:
    detail = f"stepped {heartbeat.age_seconds:.1f} s ago, at most {heartbeat.age_seconds_max:.1f} s allowed"
    return Check(name=f"loop_{heartbeat.loop}", passed=heartbeat.alive, detail=detail)


def _answer(checks: list[Check]) -> web.Response:
    passed = all(check.passed for check in checks)
    return web.Response(
        body=msgspec.json.encode(Checked(passed=passed, checks=checks)),
        status=200 if passed else 503,
        content_type="application/json",
    )
