"""The loops: they turn, they survive the database's restart, and they end when told to."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from aiohttp.test_utils import TestClient, TestServer

from eventstore.appender import Appender
from eventstore.clock import SystemClock
from eventstore.connection import open_pool
from eventstore.facts.settings import SETTINGS_STREAM
from eventstore.store import open_ledger
from ops.sandbox.embedded_postgres import EmbeddedPostgres
from service.migrate import migrate_all
from service.run import Loops
from service.settings import settings_from
from service.telemetry.metrics import Loop
from service.wiring import Outside, Service, open_service
from tests.ledger import NOON, SERVICE_ROLE, STORE
from tests.story import CONNECTION, own

SECONDS_MAX = 30


@pytest.fixture
def own_server() -> Iterator[EmbeddedPostgres]:
    """Start a server that this test may restart."""
    with EmbeddedPostgres.start() as server:
        yield server


@asynccontextmanager
async def loops_on(url: str, folder: Path) -> AsyncIterator[Loops]:
    """Open the whole service on a database, for its loops."""
    async with service_on(url, folder) as service:
        yield service.loops


@asynccontextmanager
async def service_on(url: str, folder: Path, outside: Outside | None = None) -> AsyncIterator[Service]:
    """Open the whole service on a database."""
    key = folder / "sealing.key"
    key.write_text("00" * 32)
    settings = settings_from(
        {
            "JURNALSYNC_DATABASE_URL": url,
            "JURNALSYNC_API_TOKEN": "a-made-up-token-of-32-characters",
            "JURNALSYNC_SEALING_KEY_FILE": str(key),
            "JURNALSYNC_FOLLOW_WAIT_SECONDS": "0.05",
        }
    )
    async with open_service(settings, outside) as service:
        yield service


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    """Return once something holds; fail if it never does."""
    async with asyncio.timeout(SECONDS_MAX):
        while not await true():  # noqa: ASYNC110 - a database has no event to wait for
            await asyncio.sleep(0.02)


async def append_setting(url: str, company_id: str) -> None:
    """Let another process append a connection to the ledger."""
    pool = await open_pool(url, role=SERVICE_ROLE, connections_max=1)
    try:
        await open_ledger(pool, STORE, recorded_at=NOON)
        fact = own(CONNECTION, SETTINGS_STREAM, f"settings:{company_id}")
        await Appender(pool, SystemClock()).append(STORE, [fact])
    finally:
        await pool.close()


async def folded_facts(url: str) -> int:
    """Return how far the settings are folded."""
    connection = await asyncpg.connect(url)
    try:
        position = await connection.fetchval(
            "SELECT coalesce(max(position), 0) FROM projection_cursor WHERE projection = 'store_settings'"
        )
        return int(position)
    finally:
        await connection.close()


async def leases(url: str) -> int:
    """Return how many store leases are held now."""
    connection = await asyncpg.connect(url)
    try:
        held = await connection.fetchval(
            "SELECT count(*) FROM store_lease WHERE store_id = $1 AND expires_at > clock_timestamp()", STORE
        )
        return int(held)
    finally:
        await connection.close()


async def all_beat(loops: Loops) -> bool:
    """Tell whether every loop has stepped within the last seconds."""
    beats = loops.heartbeats()
    return set(beats) == set(Loop) and max(beats.values()) < 10


async def test_all_loops_turn_and_end_when_told_to(database_url: str, tmp_path: Path) -> None:
    """Every loop shows a heartbeat, what another process appended is folded, and a stop gives the leases up."""
    await append_setting(database_url, "one")
    async with loops_on(database_url, tmp_path) as loops:
        assert loops.heartbeats() == {}
        running = asyncio.create_task(loops.run())
        await until(lambda: all_beat(loops))
        await until(lambda: _folded(database_url, 1))
        await append_setting(database_url, "two")
        await until(lambda: _folded(database_url, 2))
        assert await leases(database_url) == 2
        stopped_at = time.monotonic()
        loops.stop()
        await asyncio.wait_for(running, SECONDS_MAX)
        assert time.monotonic() - stopped_at < 3
        assert await leases(database_url) == 0


async def _folded(url: str, facts: int) -> bool:
    return await folded_facts(url) == facts


async def test_a_restart_of_the_database_does_not_end_them(own_server: EmbeddedPostgres, tmp_path: Path) -> None:
    """The loops wait for it to come back and go on with what was appended since."""
    url = own_server.url()
    await migrate_all(url)
    await append_setting(url, "before")
    async with loops_on(url, tmp_path) as loops:
        running = asyncio.create_task(loops.run())
        await until(lambda: _folded(url, 1))
        # On this thread: Linux ends the server with the thread that started it.
        own_server.restart("immediate")
        await append_setting(url, "after")
        await until(lambda: _folded(url, 2))
        await until(lambda: all_beat(loops))
        assert not running.done()
        loops.stop()
        await asyncio.wait_for(running, SECONDS_MAX)


class _ClockOff(SystemClock):
    """A clock that is off by so many seconds; positive: ahead."""

    def __init__(self) -> None:
        self.ahead_seconds = 0.0

    def now(self) -> datetime:
        """Return the time it shows."""
        return super().now() + timedelta(seconds=self.ahead_seconds)


async def test_a_process_whose_clock_is_off_leaves_comparing_to_others_and_says_so(
    database_url: str, tmp_path: Path
) -> None:
    """Its probe tells how far; it polls on, and is not ready only where it would turn webhooks away."""
    await append_setting(database_url, "one")
    clock = _ClockOff()
    async with service_on(database_url, tmp_path, Outside(clock=clock)) as service:
        await service.loops.poll_step()
        assert await leases(database_url) == 1
        assert await probed(service) == (200, "agrees with the database's")
        clock.ahead_seconds = 100
        await service.loops.observe_step()
        await service.loops.reconcile_step()
        assert await leases(database_url) == 0
        status, told = await probed(service)
        assert status == 200
        assert told.endswith(" s ahead of the database's; this process sends nothing to Jurnal until it is right")
        clock.ahead_seconds = -400
        assert (await probed(service))[0] == 503
        clock.ahead_seconds = 0
        assert await probed(service) == (200, "agrees with the database's")
        await service.loops.reconcile_step()
        assert await leases(database_url) == 1


async def probed(service: Service) -> tuple[int, str]:
    """Return the answer of the readiness probe, and what it tells of the clock."""
    async with TestClient(TestServer(service.operations)) as client, client.get("/readyz") as response:
        checks = {check["name"]: check["detail"] for check in (await response.json())["checks"]}
        return response.status, checks["clock_in_range"]
