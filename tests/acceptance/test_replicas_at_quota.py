"""Two and four real replicas on one company at Jurnal's documented quota, in real time: no 429, nothing twice."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import pytest
from aiohttp import web

from ops.sandbox.demo_house import House, utc_now
from ops.sandbox.demo_process import ServiceProcess
from ops.sandbox.demo_settle import until
from ops.sandbox.demo_setup import SERVICE_CLIENT_ID
from ops.sandbox.jurnal.quota import Windows
from ops.sandbox.traffic_events import PayoutFailed
from tests.acceptance.living_house import Living, assert_right, living_house

pytestmark = [pytest.mark.acceptance, pytest.mark.soak]

ORDERS = 300
# So few documents a call that the quota is used up, and that several minutes of it are needed.
DOCUMENTS_A_CALL = 16
CALLS_MIN = 46
# Of 30 calls a minute two are kept for lost sends.
CALLS_OF_A_FULL_MINUTE = 28
SECONDS_MAX = 330
# Longer than two looks for a free place, so that who waits for one keeps the lease.
LEASE_SECONDS = 6
# Each take-over costs a dozen calls: what Jurnal has is looked at before the first send.
TURNS, AWAKE_SECONDS, ASLEEP_SECONDS = 2, 45, 8
REFUSED_SECONDS_MAX = 100
A_MINUTE = timedelta(minutes=1)
# More than Jurnal allows, in every window.
TOO_MUCH = {
    "JURNALSYNC_JURNAL_REQUESTS_PER_MINUTE": "60",
    "JURNALSYNC_EGRESS_REQUESTS_PER_MINUTE": "80",
}


@pytest.mark.parametrize("windows", ["fixed", "sliding"])
@pytest.mark.parametrize("replicas", [2, 4])
async def test_replicas_at_the_documented_quota_book_everything_once_without_a_429(
    replicas: int, windows: Windows
) -> None:
    """A backlog and fresh sales in several minutes of quota; who sends is stopped past its lease again and again."""
    async with asyncio.timeout(SECONDS_MAX), crowded(windows) as living:
        house, arrived = living.house, arrivals(living.house)
        processes = await started(house, replicas)
        async with taking_turns(house, processes):
            await living.happens(3 / 4, 1)
            report = await living.settled()
        failed = sum(isinstance(event, PayoutFailed) for event in living.traffic.events)
        assert_right(report, payouts_failed=failed)
        assert house.jurnal.gate.quota_refusals == 0
        assert len(arrived) >= CALLS_MIN
        assert fullest_minute(arrived) >= CALLS_OF_A_FULL_MINUTE, "the quota was never used up"
        told = [await calls_by_answer(house, process) for process in processes]
        assert [each.get("429", 0) for each in told] == [0] * replicas
        assert sum(bool(each) for each in told) > 1, "one alone made all calls, so nothing was shared"


@pytest.mark.parametrize("windows", ["fixed", "sliding"])
async def test_replicas_that_reckon_with_twice_the_quota_meet_429s(windows: Windows) -> None:
    """Jurnal can say no here, if it does not tell what remains: the budget keeps the replicas above from it."""
    async with asyncio.timeout(SECONDS_MAX), crowded(windows) as living:
        house = living.house
        house.jurnal.change_settings(quota_told=False)
        house.service.use(TOO_MUCH)
        await started(house, 2)

        async def is_refused() -> bool:
            return house.jurnal.gate.quota_refusals > 0

        await until(house, "a 429", is_refused, REFUSED_SECONDS_MAX)


@asynccontextmanager
async def crowded(windows: Windows) -> AsyncIterator[Living]:
    """Open a house in which three days of sales but a quarter have happened while no service ran."""
    async with living_house(orders=ORDERS, quota="documented", quota_windows=windows) as living:
        await living.house.service.stop()
        living.house.service.use(
            {
                "JURNALSYNC_BATCH_ROWS_MAX": f"{DOCUMENTS_A_CALL}",
                "JURNALSYNC_LEASE_SECONDS": f"{LEASE_SECONDS}",
            }
        )
        await living.happens(0, 3 / 4, is_heard=False)
        yield living


async def started(house: House, replicas: int) -> list[ServiceProcess]:
    """Start so many services on the house's database; webhooks go to the first."""
    others = [house.replica() for _ in range(replicas - 1)]
    await house.start_service()
    for other in others:
        await other.start()
        await other.wait_until_ready(house.session)
    return [house.service, *others]


def arrivals(house: House) -> list[datetime]:
    """Return a list that fills with the moments at which calls of the service are admitted."""
    arrived: list[datetime] = []

    def note(request: web.Request) -> None:
        if SERVICE_CLIENT_ID in request.headers.get("Authorization", ""):
            arrived.append(utc_now())

    house.jurnal.gate.fault = note
    return arrived


def fullest_minute(arrived: Sequence[datetime]) -> int:
    """Return the most calls in any sixty seconds."""
    return max(sum(first <= moment < first + A_MINUTE for moment in arrived) for first in arrived)


@asynccontextmanager
async def taking_turns(house: House, processes: Sequence[ServiceProcess]) -> AsyncIterator[None]:
    """Stop whoever called Jurnal most of late (SIGSTOP) until another has its lease, and let it go on again."""

    async def take_turns() -> None:
        before = [0.0] * len(processes)
        for _ in range(TURNS):
            await asyncio.sleep(AWAKE_SECONDS)
            now = [sum((await calls_by_answer(house, process)).values()) for process in processes]
            busiest = max(range(len(processes)), key=lambda each: now[each] - before[each])
            before = now
            processes[busiest].pause()
            try:
                await asyncio.sleep(ASLEEP_SECONDS)
            finally:
                processes[busiest].resume()

    turning = asyncio.create_task(take_turns())
    try:
        yield
    finally:
        turning.cancel()
        await asyncio.wait([turning])


async def calls_by_answer(house: House, process: ServiceProcess) -> Mapping[str, float]:
    """Return how many calls to Jurnal a process says it made, by their answer."""
    async with house.session.get(f"{process.operations_url}/metrics") as answer:
        text = await answer.text()
    calls: dict[str, float] = {}
    for kind, count in re.findall(r'^jurnalsync_jurnal_requests_total\{answer="(\w+)".*\} (\S+)$', text, re.MULTILINE):
        if float(count):
            calls[kind] = calls.get(kind, 0) + float(count)
    return calls
