"""A loop that beats and fails at each of its steps is told by a figure, also where it fails for one store alone."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from eventstore.clock import ManualClock
from eventstore.connection import Connection
from eventstore.keyring import MasterKey
from service.failing import Failing
from service.jurnal_calls import HmacCredential
from service.run import Pace
from service.telemetry.metrics import Loop, Metrics
from service.wiring import Outside, Service
from tests.integration.test_companies_abreast import Till
from tests.integration.test_loops import SECONDS_MAX, all_beat, append_setting, service_on, until
from tests.ledger import NOON, STORE, service_pool

FAILING = "jurnalsync_loop_failing_seconds"
FAILURES = "jurnalsync_loop_failures_total"


@asynccontextmanager
async def running(url: str, folder: Path) -> AsyncIterator[Service]:
    """Let a whole service run, and end."""
    pace = Pace(follow_wait_seconds=0.05, observe_seconds=0.1)
    async with service_on(url, folder, Outside(pace=pace)) as service:
        loops = asyncio.create_task(service.loops.run())
        try:
            # Drawing a hundred stacks would take longer than all the rest.
            with capture_logs():
                yield service
        finally:
            service.loops.stop()
            await asyncio.wait_for(loops, SECONDS_MAX)


async def figures(service: Service, name: str) -> dict[Loop, float]:
    """Return a metric by loop, as Prometheus reads it."""
    async with TestClient(TestServer(service.operations)) as client, client.get("/metrics") as response:
        lines = re.findall(rf'^{name}{{loop="(\w+)"}} (\S+)$', await response.text(), re.MULTILINE)
    return {Loop(loop): float(value) for loop, value in lines}


async def fail_for(service: Service, loops: set[Loop], seconds: float) -> bool:
    """Tell whether exactly these loops fail, for so long at least."""
    failing = {loop: told for loop, told in (await figures(service, FAILING)).items() if told}
    return set(failing) == loops and min(failing.values(), default=seconds) >= seconds


async def test_a_loop_whose_every_step_fails_is_told_by_a_figure_until_a_step_is_whole(
    database_url: str, tmp_path: Path, connection: Connection
) -> None:
    """With a table taken away all of them beat on, and only this tells; given back, none fails."""
    async with running(database_url, tmp_path) as service:
        await until(lambda: all_beat(service.loops))
        assert set((await figures(service, FAILURES)).values()) == {0}
        await connection.execute("ALTER TABLE ledger_head RENAME TO taken_away")
        service.loops.wake_poller(STORE)
        await until(lambda: fail_for(service, set(Loop), 0.5))
        assert min((await figures(service, FAILURES)).values()) >= 1
        assert await all_beat(service.loops)
        await connection.execute("ALTER TABLE taken_away RENAME TO ledger_head")
        await until(lambda: fail_for(service, set(), 0))
        assert min((await figures(service, FAILURES)).values()) >= 1


async def test_one_store_that_cannot_be_folded_is_told_though_the_loop_goes_on(
    database_url: str, tmp_path: Path, connection: Connection
) -> None:
    """Its neighbours' facts are folded meanwhile, so the loop as a whole fails at no step."""
    async with running(database_url, tmp_path) as service:
        await until(lambda: all_beat(service.loops))
        await connection.execute("ALTER TABLE projection_state RENAME TO taken_away")
        await append_setting(database_url, "one")
        await until(lambda: fail_for(service, {Loop.FOLD}, 0.5))
        await connection.execute("ALTER TABLE taken_away RENAME TO projection_state")
        await until(lambda: fail_for(service, set(), 0))


async def test_one_company_that_cannot_be_sent_for_is_told_though_the_loop_goes_on(
    database_url: str, tmp_path: Path, connection: Connection
) -> None:
    """What its lease stands in is gone: nothing of it is sent, and no call says so."""
    async with running(database_url, tmp_path) as service, service_pool(database_url) as pool:
        await connection.execute("ALTER TABLE company_lease RENAME TO taken_away")
        till = Till(pool, MasterKey.from_file(tmp_path / "sealing.key"))
        await till.connect(STORE, "kopi-company", HmacCredential("client", "secret"))
        await until(lambda: fail_for(service, {Loop.DISPATCH}, 0.5))
        await connection.execute("ALTER TABLE taken_away RENAME TO company_lease")
        await until(lambda: fail_for(service, set(), 0))


@pytest.fixture
def clock() -> ManualClock:
    """Give a clock that stands at noon."""
    return ManualClock(NOON)


def test_a_step_that_fails_and_is_whole_the_next_time_is_counted_and_not_told(clock: ManualClock) -> None:
    """However often that happens: ten minutes of it are no ten minutes without a whole step."""
    failing = Failing(clock, metrics := Metrics("test"))
    for _ in range(20):
        failing.failed(Loop.POLL, ConnectionResetError("gone"))
        clock.advance(timedelta(minutes=1))
        assert failing.seconds(Loop.POLL) == 60
        failing.whole(Loop.POLL)
        assert failing.seconds(Loop.POLL) == 0
    assert metrics.registry.get_sample_value(FAILURES, {"loop": "poll"}) == 20


def test_what_has_failed_longest_is_told_until_it_is_whole_or_somebody_elses(clock: ManualClock) -> None:
    """A store that is whole clears itself alone; one that another process leads now fails here no more."""
    failing = Failing(clock, Metrics("test"))
    for store_id in ("first", "second"):
        failing.failed(Loop.FOLD, ValueError(store_id), store_id)
        clock.advance(timedelta(seconds=10))
    failing.whole(Loop.FOLD)
    assert failing.seconds(Loop.FOLD) == 20
    failing.whole(Loop.FOLD, "first")
    assert failing.seconds(Loop.FOLD) == 10
    failing.left(Loop.FOLD, ["first"])
    assert failing.seconds(Loop.FOLD) == 0
