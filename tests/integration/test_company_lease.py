"""One process at a time sends to a company, on the database's clock."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from eventstore.connection import Pool
from service.company_lease import CompanyLeases
from tests.integration.stopped_clock import set_clock, stop_the_clock
from tests.ledger import NOON, service_pool

COMPANY_ID = "kopi-company"


@dataclass
class Database:
    """A database in virtual time, and processes on it."""

    pool: Pool
    migrator: "asyncpg.Connection[asyncpg.Record]"
    now: datetime = NOON

    async def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)
        await set_clock(self.migrator, self.now)

    async def expires_at(self) -> object:
        """Return until when the company's lease is held."""
        return await self.migrator.fetchval("SELECT expires_at FROM company_lease")

    def process(self, owner: UUID | None = None, *, lease_seconds: float = 10) -> CompanyLeases:
        """Return the leases of one process."""
        return CompanyLeases(self.pool, owner or uuid4(), lease_seconds=lease_seconds)

    async def epoch(self, leases: CompanyLeases) -> int | None:
        """Take or renew, and return the epoch alone."""
        taken = await leases.acquire(COMPANY_ID)
        assert taken is None or taken[1] == self.now
        return None if taken is None else taken[0]


@pytest.fixture
async def database(database_url: str, connection: "asyncpg.Connection[asyncpg.Record]") -> AsyncIterator[Database]:
    """Give a migrated database whose clock stands still."""
    await stop_the_clock(connection)
    async with service_pool(database_url) as pool:
        yield Database(pool, connection)


async def test_a_lease_is_held_by_one_and_renewed_under_the_same_epoch(database: Database) -> None:
    """The other waits, however often the holder renews."""
    first, second = database.process(), database.process()
    assert await database.epoch(first) == 1
    for _ in range(3):
        await database.advance(9)
        assert await database.epoch(second) is None
        assert await database.epoch(first) == 1


async def test_a_lease_that_ran_out_is_taken_under_a_higher_epoch(database: Database) -> None:
    """To the second: a lease of 10 s is another's to take after 10 s, and the first owner is fenced."""
    first, second = database.process(), database.process()
    assert await database.epoch(first) == 1
    await database.advance(9.999)
    assert await database.epoch(second) is None
    await database.advance(0.001)
    assert await database.epoch(second) == 2
    assert await database.epoch(first) is None


async def test_an_owner_that_let_its_lease_run_out_comes_back_under_a_higher_epoch(database: Database) -> None:
    """What it began under the old epoch is refused, although nobody else came."""
    first = database.process()
    assert await database.epoch(first) == 1
    await database.advance(10)
    assert await database.epoch(first) == 2


async def test_a_lease_given_up_is_free_at_once(database: Database) -> None:
    """A clean stop makes nobody wait; giving up what is another's changes nothing."""
    first, second = database.process(), database.process()
    await database.epoch(first)
    await first.release(COMPANY_ID)
    assert await database.epoch(second) == 2
    await first.release(COMPANY_ID)
    assert await database.epoch(first) is None


async def test_of_many_that_want_a_lease_at_once_one_gets_it(database: Database) -> None:
    """The row decides."""
    processes = [database.process() for _ in range(8)]
    taken = await asyncio.gather(*(database.epoch(process) for process in processes))
    assert sorted(epoch for epoch in taken if epoch is not None) == [1]


async def test_a_lease_is_renewed_while_a_long_call_runs(database: Database) -> None:
    """A call may take longer than a lease lives: it is renewed by itself, every third of its life."""
    holder, other = database.process(lease_seconds=0.15), database.process()
    await database.epoch(holder)
    async with holder.kept(COMPANY_ID):
        for _ in range(4):
            expires_at = await database.expires_at()
            await database.advance(0.1)
            async with asyncio.timeout(5):
                while await database.expires_at() == expires_at:  # noqa: ASYNC110 - a database has no event
                    await asyncio.sleep(0.01)
            assert await database.epoch(other) is None
    await database.advance(0.15)
    assert await database.epoch(other) == 2


async def test_companies_have_leases_of_their_own(database: Database) -> None:
    """One company's owner says nothing about another company."""
    first, second = database.process(), database.process()
    await database.epoch(first)
    taken = await second.acquire("another-company")
    assert taken == (1, NOON)
