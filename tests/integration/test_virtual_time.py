"""Whole processes in one loop, in virtual time, on a real Postgres."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

import aiohttp
import asyncpg
import pytest
from aiohttp import web

from eventstore.connection import Pool
from ops.virtual.clocks import DatabaseTime, VirtualClock
from ops.virtual.loop import VirtualLoop, run
from ops.virtual.process import Process
from ops.virtual.wire import Passage, Wire, connector

START = datetime(2026, 11, 20, 1, tzinfo=UTC)


@pytest.fixture
def url(direct_database_url: str) -> str:
    """Give a migrated database whose clock is a row."""
    DatabaseTime.prepare(direct_database_url, "jurnalsync_clock")
    return direct_database_url


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Pool]:
    """Open a pool on a database that tells virtual time, with a counter in it."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    with DatabaseTime(url, VirtualClock(START).now).told(loop):
        async with asyncpg.create_pool(url, min_size=1, max_size=4) as pool:
            await pool.execute("CREATE TABLE counter AS SELECT 0 AS counted")
            yield pool


async def counted(pool: Pool) -> int:
    """Return what the counter says."""
    found = await pool.fetchval("SELECT counted FROM counter")
    assert isinstance(found, int)
    return found


async def count_every_second(url: str) -> None:
    """Count for ever, on connections of its own."""
    async with asyncpg.create_pool(url, min_size=1, max_size=2) as pool:
        while True:
            await pool.execute("UPDATE counter SET counted = counted + 1")
            await asyncio.sleep(1)


def test_time_jumps_to_the_next_timer_and_stands_still_while_postgres_works(url: str) -> None:
    """An hour of waiting takes no time, and what the database takes does not let an hour pass."""

    async def main() -> None:
        began, loop = time.monotonic(), asyncio.get_running_loop()
        async with opened(url) as pool:
            await asyncio.sleep(3_600)
            hour = loop.time()
            await asyncio.gather(pool.execute("SELECT pg_sleep(0.1)"), asyncio.to_thread(time.sleep, 0.05))
            assert loop.time() == hour >= 3_600
        assert time.monotonic() - began < 60

    run(main())


def test_the_database_tells_the_time_of_the_loop(url: str) -> None:
    """What Postgres compares and what Python compares is one time."""

    async def main() -> None:
        async with opened(url) as pool:
            for _ in range(3):
                await asyncio.sleep(90)
                told = await pool.fetchval("SELECT jurnalsync_clock()")
                assert told == START + timedelta(seconds=asyncio.get_running_loop().time())

    run(main())


def test_timers_of_one_instant_come_in_the_order_of_their_making() -> None:
    """However many there are and were taken back: a heap alone would turn them about."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for number in range(200):
            loop.call_at(60, came.append, number)
            loop.call_at(30 + number % 7, came.append, -1).cancel()
        await asyncio.sleep(100)

    came: list[int] = []
    run(main())
    assert came == list(range(200))


def test_a_question_behind_a_lock_lets_the_others_by(url: str) -> None:
    """Whoever holds a row while time passes holds up those who want it, in virtual time, and nobody else."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with opened(url) as pool:

            async def hold() -> float:
                async with pool.acquire() as connection, connection.transaction():
                    await connection.execute("UPDATE counter SET counted = counted + 1")
                    await asyncio.sleep(5)
                return loop.time()

            holders = asyncio.gather(*(hold() for _ in range(3)))
            await asyncio.sleep(1)
            assert await counted(pool) == 0
            assert await holders == [5, 10, 15]

    run(main())


def test_built_in_types_are_asked_about_once(url: str) -> None:
    """A second connection reads the same of arrays and times without the questions that the first asked."""

    async def main() -> None:
        loop, questions = asyncio.get_running_loop(), []
        assert isinstance(loop, VirtualLoop)
        for _ in range(3):
            connection = await asyncpg.connect(url)
            before = loop.postgres.asked
            assert await connection.fetchval("SELECT ARRAY[1.5, 2]::numeric[]") == [Decimal("1.5"), Decimal(2)]
            questions.append(loop.postgres.asked - before)
            await connection.close()
        assert questions[1] == questions[2] < 4

    run(main())


def test_a_stopped_process_does_nothing_until_it_goes_on(url: str) -> None:
    """As one that got SIGSTOP: its timers and the answers it awaits are there when it wakes up."""

    async def main() -> None:
        async with opened(url) as pool:
            process = Process("counter")
            process.start(count_every_second(url))
            await asyncio.sleep(10.5)
            process.stop()
            before = await counted(pool)
            await asyncio.sleep(10)
            assert await counted(pool) == before == 11
            process.go_on()
            await asyncio.sleep(5)
            assert await counted(pool) > before
            await process.kill()

    run(main())


def test_what_a_killed_process_asked_is_done_and_nothing_after_it(url: str) -> None:
    """The server ends what it was asked; the process hears of nothing, and nothing it does gets out."""

    async def main() -> None:
        async with opened(url) as pool:

            def kill_soon(question: int) -> None:
                if question == 5:
                    asyncio.get_running_loop().call_soon(process.cut)

            process = Process("counter", kill_soon)
            process.start(count_every_second(url))
            await asyncio.sleep(100)
            assert process.questions == 5
            done = await counted(pool)
            assert done > 0
            await process.kill()
            await asyncio.sleep(100)
            assert await counted(pool) == done
            assert not process.tasks

    run(main())


def test_what_the_killed_asked_last_ends_with_the_run(url: str) -> None:
    """Postgres may be at it for long; nobody hears the answer, and no socket is left behind."""

    async def main() -> VirtualLoop:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        is_asked = asyncio.Event()

        async def sleep_long() -> None:
            connection = await asyncpg.connect(url)
            await connection.execute("SELECT pg_sleep(60)")

        def tell_soon(question: int) -> None:
            if question == 2:
                loop.call_soon(is_asked.set)

        process = Process("sleeper", tell_soon)
        process.start(sleep_long())
        await is_asked.wait()
        await process.kill()
        assert loop.postgres.wires
        return loop

    assert not run(main()).postgres.wires


def _told(passage: Passage, _request: bytes) -> Passage:
    return passage


async def _answers(told: Callable[[int], Passage]) -> tuple[list[str], int]:
    """Make calls over a wire; returns what each brought and how many reached the application."""
    arrived = 0

    async def count(request: web.Request) -> web.Response:
        nonlocal arrived
        body = await request.read()
        arrived += 1
        return web.Response(text=f"{len(body)} bytes")

    app = web.Application()
    app.router.add_post("/", count)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    assert runner.server is not None
    wire = Wire(runner.server)
    brought = []
    async with aiohttp.ClientSession(connector=connector(lambda _request: wire)) as session:
        for number in range(5):
            wire.carrier = partial(_told, told(number))
            patience = aiohttp.ClientTimeout(total=20)
            try:
                async with session.post("http://jurnal.test/", data=b"x" * 70_000, timeout=patience) as response:
                    brought.append(await response.text())
            except (aiohttp.ClientError, TimeoutError) as error:
                brought.append(type(error).__name__)
        await asyncio.sleep(1_000)
    await runner.cleanup()
    return brought, arrived


def test_the_wire_carries_requests_as_it_is_told() -> None:
    """Straight, late behind a lost connection, without an answer, not at all, and twice."""
    passages = (
        Passage(),
        Passage(request_seconds=400, reset_seconds=1),
        Passage(answer_seconds=None),
        Passage(request_seconds=None, reset_seconds=0),
        Passage(again_seconds=60),
    )
    brought, arrived = run(_answers(lambda number: passages[number]))
    assert brought == ["70000 bytes", "ClientOSError", "TimeoutError", "ClientOSError", "70000 bytes"]
    assert arrived == 5


def test_a_loop_with_nothing_to_wait_for_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that cannot go on ends with an error instead of hanging."""
    monkeypatch.setattr("ops.virtual.loop.STALL_SECONDS_MAX", 0.05)

    async def main() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(RuntimeError, match="stopped before"):
        run(main())


def test_a_run_that_never_ends_says_so_and_what_it_waits_for() -> None:
    """However much virtual time it has: a test that hangs tells nobody why."""

    async def main() -> None:
        while True:
            await asyncio.sleep(1)
            ran.append(asyncio.current_task())

    ran: list[asyncio.Task[object] | None] = []
    with pytest.raises(TimeoutError, match="owes an answer to nobody"):
        run(main(), real_seconds_max=0.05)
    assert ran
    assert all(task is not None and task.cancelled() for task in ran)
