"""A company that waits for quota keeps its lease: in virtual time, with a rival that would take it at once."""

import asyncio
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import uuid4

import asyncpg
import pytest

from ops.virtual.clocks import DatabaseTime, VirtualClock
from ops.virtual.loop import VirtualLoop, run
from service.company_lease import CompanyLeases
from service.company_sends import CompanySends
from service.dispatched import Dispatched
from service.dispatcher import Dispatcher
from service.failing import Failing
from service.jurnal_calls import Company
from service.settings import lease_seconds_min
from service.telemetry.metrics import Metrics
from tests.ledger import OTHER_STORE, STORE

START = datetime(2026, 11, 20, 1, tzinfo=UTC)
LOOK_SECONDS = 0.5
COMPANIES: dict[str, tuple[str, ...]] = {"kopi-company": (STORE,), "teh-company": (OTHER_STORE,)}


class Waiting(Dispatcher):
    """Takes the lease as a dispatcher does; one company waits for its quota each time, the other is sent for."""

    def __init__(self, leases: CompanyLeases, clock: VirtualClock) -> None:
        self._leases = leases
        self._clock = clock

    async def step(self, company: Company, _stores: tuple[str, ...], _folded: str | None = None) -> Dispatched:
        """Wait for a place in the quota for a minute, if it is the company that does."""
        if company.company_id != "kopi-company" or await self._leases.acquire("kopi-company") is None:
            return Dispatched("nothing")
        return Dispatched("waited", outcome="quota", wait_until=self._clock.now() + timedelta(minutes=1))


async def companies() -> dict[str, tuple[str, ...]]:
    """Return both."""
    return COMPANIES


async def taken_by_a_rival(url: str, lease_seconds: float) -> bool:
    """Tell whether another process gets the lease within two minutes of rest; sales of the other company take looks."""
    loop, clock = asyncio.get_running_loop(), VirtualClock(START)
    assert isinstance(loop, VirtualLoop)
    with DatabaseTime(url, clock.now).told(loop):
        async with asyncpg.create_pool(url, min_size=1, max_size=4) as pool:
            mine, rival = (CompanyLeases(pool, uuid4(), lease_seconds=lease_seconds) for _ in range(2))
            metrics = Metrics("test")
            sends = CompanySends(
                Waiting(mine, clock), clock, metrics, Failing(clock, metrics), companies, look_seconds=LOOK_SECONDS
            )
            dice = Random(1)  # noqa: S311 - which turns, and no secret
            await sends.step()
            await asyncio.sleep(LOOK_SECONDS)
            for turn in range(240):
                if turn % 3:
                    await sends.folded(OTHER_STORE)
                if dice.random() < 1 / 5:
                    # A look at a lease that is young: it is not renewed, and the rest begins again.
                    await sends.folded(STORE)
                await sends.step()
                await asyncio.sleep(LOOK_SECONDS)
                if await rival.acquire("kopi-company") is not None:
                    return True
            return False


@pytest.mark.parametrize(("lease_seconds", "is_lost"), [(lease_seconds_min(LOOK_SECONDS), False), (3.2, True)])
def test_the_least_lease_outlives_its_owners_rests_and_a_shorter_one_does_not(
    direct_database_url: str, lease_seconds: float, is_lost: bool
) -> None:
    """Which is why the settings refuse the second."""
    DatabaseTime.prepare(direct_database_url, "jurnalsync_clock")

    async def main() -> None:
        assert await taken_by_a_rival(direct_database_url, lease_seconds) is is_lost

    run(main())
