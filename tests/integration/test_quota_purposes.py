"""Who gets the places of a budget: purposes in their order, ageing, companies of one address, the days of a package."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import asyncpg
import pytest

from eventstore.connection import Pool
from service.jurnal.pace import CONSUMER_LIMITS, Limit, Purpose, Reserves
from service.jurnal.package import Package
from service.quota import Granted, QuotaBudget, Spent
from service.quota_wish import JAKARTA, Sharing
from tests.integration.dispatcher.stand import PLENTY
from tests.integration.quota_gateway import DEADLINE, at, quota_on
from tests.integration.stopped_clock import set_clock, stop_the_clock
from tests.ledger import NOON, service_pool

PACKAGE_OF_310 = Sharing(reserves=Reserves(probe=Fraction(0), fresh=Fraction(1, 5)), package=Package(310, JAKARTA))


@pytest.fixture
async def pool(database_url: str, connection: "asyncpg.Connection[asyncpg.Record]") -> AsyncIterator[Pool]:
    """Give a database whose clock stands still."""
    await stop_the_clock(connection)
    async with service_pool(database_url) as opened:
        yield opened


async def take(quota: QuotaBudget, purpose: Purpose, company: str = "one", *, most: int = 1_000) -> int:
    """Take places until there are none, or so many; each call is answered at once."""
    for taken in range(most):
        granted = await quota.grant(company, purpose, deadline=DEADLINE)
        if isinstance(granted, Spent):
            return taken
        await quota.release(granted)
    return most


async def test_each_purpose_leaves_what_is_kept_for_those_before_it(pool: Pool) -> None:
    """Of 30 a minute reconciliation may see 19 taken, older documents 22, today's 28, and probes all."""
    quota = quota_on(pool, CONSUMER_LIMITS)
    assert await take(quota, Purpose.RECONCILE) == 19
    assert await take(quota, Purpose.BACKFILL) == 3
    assert await take(quota, Purpose.FRESH) == 6
    assert await take(quota, Purpose.PROBE) == 2


async def test_the_reserve_of_probes_is_kept_in_the_hour_too(pool: Pool) -> None:
    """In proportion: two of thirty, whatever the window."""
    quota = quota_on(pool, (Limit(60, 3_600),))
    assert await take(quota, Purpose.FRESH) == 56
    assert await take(quota, Purpose.PROBE) == 4


async def test_the_reserve_of_probes_is_kept_at_the_address_too(pool: Pool) -> None:
    """A lost send of one company can be looked up though others trade as much as they may."""
    quota = quota_on(pool, PLENTY, (Limit(30, 60),))
    assert await take(quota, Purpose.FRESH) == 28
    assert await take(quota, Purpose.PROBE, "two") == 2


async def _full_trade(
    quota: QuotaBudget, connection: "asyncpg.Connection[asyncpg.Record]", *, seconds: int = 900
) -> Counter[Purpose]:
    """Let today's trade take every place of ten a minute that is left to it; older documents ask first each time."""
    got: Counter[Purpose] = Counter()
    for second in range(0, seconds, 6):
        await set_clock(connection, at(second))
        if second >= 60:
            got[Purpose.BACKFILL] += await take(quota, Purpose.BACKFILL, most=1)
        got[Purpose.FRESH] += await take(quota, Purpose.FRESH, most=1)
    return got


async def test_what_waited_long_enough_counts_as_fresh(
    pool: Pool, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """Under a day's full trade older documents still go: one call each time they have waited."""
    quota = quota_on(pool, (Limit(10, 60),), sharing=Sharing(ageing_seconds=100))
    got = await _full_trade(quota, connection)
    assert got[Purpose.BACKFILL] in {7, 8}
    assert got[Purpose.FRESH] > 130


async def test_without_ageing_older_documents_wait_as_long_as_there_are_fresh_ones(
    pool: Pool, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """Nothing of them goes while today's trade takes all that is left to it."""
    quota = quota_on(pool, (Limit(10, 60),), sharing=Sharing(ageing_seconds=1_000_000))
    assert (await _full_trade(quota, connection))[Purpose.BACKFILL] == 0


async def test_who_waits_is_told_when_its_wait_has_made_it_fresh(
    pool: Pool, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """Not a whole window later."""
    quota = quota_on(pool, (Limit(10, 60),), sharing=Sharing(ageing_seconds=20))
    await take(quota, Purpose.BACKFILL)
    told = await quota.grant("one", Purpose.BACKFILL, deadline=DEADLINE)
    assert told == Spent(at(20))
    await set_clock(connection, at(20))
    assert isinstance(await quota.grant("one", Purpose.BACKFILL, deadline=DEADLINE), Granted)


async def _compete(
    quota: QuotaBudget,
    connection: "asyncpg.Connection[asyncpg.Record]",
    wishes: dict[str, Purpose],
    *,
    first: str,
    seconds: int = 300,
) -> Counter[str]:
    """Let `first` take all it can each time before the others may ask."""
    got: Counter[str] = Counter()
    for second in range(0, seconds, 3):
        await set_clock(connection, at(second))
        for company in sorted(wishes, key=lambda name: name != first):
            taken = await take(quota, wishes[company], company)
            got[company] += taken if second >= 120 else 0
    return got


async def test_a_company_that_always_asks_first_leaves_the_others_their_share(
    pool: Pool, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """Thirty a minute of an address, three companies: ten each, however greedy one is."""
    quota = quota_on(pool, PLENTY, (Limit(30, 60),))
    got = await _compete(quota, connection, dict.fromkeys(("greedy", "meek", "mild"), Purpose.FRESH), first="greedy")
    assert sum(got.values()) >= 0.85 * 28 * 3
    assert min(got.values()) >= 0.8 * sum(got.values()) / 3


async def test_a_company_that_comes_late_gets_its_share_within_a_window(
    pool: Pool, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """One alone may take all; what it gives back then goes to the newcomer first."""
    quota = quota_on(pool, PLENTY, (Limit(30, 60),))
    assert await take(quota, Purpose.FRESH, "early") == 28
    assert await take(quota, Purpose.FRESH, "late") == 0
    await set_clock(connection, at(30))
    assert await take(quota, Purpose.FRESH, "late") == 0
    await set_clock(connection, at(61))
    assert await take(quota, Purpose.FRESH, "early") == 14
    assert await take(quota, Purpose.FRESH, "late") == 14


async def test_a_company_alone_has_the_whole_address(
    pool: Pool, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """Nothing is kept for who does not ask any more."""
    quota = quota_on(pool, PLENTY, (Limit(30, 60),))
    assert await take(quota, Purpose.FRESH, "gone", most=1) == 1
    await set_clock(connection, at(61))
    assert await take(quota, Purpose.FRESH, "stays") == 28


async def test_older_documents_of_one_company_hold_up_nobodys_fresh_ones(pool: Pool) -> None:
    """A share is kept only for what is at least as urgent."""
    quota = quota_on(pool, PLENTY, (Limit(30, 60),))
    assert await take(quota, Purpose.BACKFILL, "old", most=1) == 1
    assert await take(quota, Purpose.FRESH, "new") == 27


async def test_a_company_that_its_own_limit_stops_keeps_nothing_from_others(
    pool: Pool, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """What it could not use would be lost to everybody."""
    address = (Limit(40, 60),)
    narrow = quota_on(pool, (Limit(2, 3_600),), address)
    assert await take(narrow, Purpose.FRESH, "narrow") == 2
    await set_clock(connection, at(61))
    assert await take(narrow, Purpose.FRESH, "narrow") == 0
    assert await take(quota_on(pool, PLENTY, address), Purpose.FRESH, "wide") == 38


def day(number: int, hour: int = 12) -> datetime:
    """Return an hour of a day of March in Jakarta: a month of 31 days."""
    return datetime(2027, 3, number, hour, tzinfo=JAKARTA).astimezone(UTC)


async def test_a_day_takes_its_share_of_the_package(
    pool: Pool, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """310 calls, 31 days: ten a day, and the wait is until the next morning in Jakarta."""
    quota = quota_on(pool, PLENTY, sharing=PACKAGE_OF_310)
    await set_clock(connection, day(1))
    assert await take(quota, Purpose.FRESH) == 10
    spent = await quota.grant("one", Purpose.FRESH, deadline=DEADLINE)
    assert spent == Spent(day(2, 0), "Today's share of the month's package of Jurnal calls is used up")
    await set_clock(connection, day(2, 0))
    assert await take(quota, Purpose.FRESH) == 10


async def test_what_a_day_leaves_carries_over(pool: Pool, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Thirty days without a call leave all to the last; what a month leaves is lost."""
    quota = quota_on(pool, PLENTY, sharing=PACKAGE_OF_310)
    await set_clock(connection, day(16))
    assert await take(quota, Purpose.FRESH) == 310 // 16
    await set_clock(connection, day(31))
    assert await take(quota, Purpose.FRESH) == 310 - 310 // 16
    april = day(31, 0) + timedelta(days=1)
    spent = await quota.grant("one", Purpose.PROBE, deadline=DEADLINE)
    assert spent == Spent(april, "The month's package of Jurnal calls is used up")
    await set_clock(connection, april)
    assert await take(quota, Purpose.FRESH) == 310 // 30


async def test_the_package_is_counted_by_the_database_for_all_replicas(
    pool: Pool, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """A restart forgets nothing, whatever address the calls went out by; another company has its own."""
    await set_clock(connection, day(1))
    assert await take(quota_on(pool, PLENTY, sharing=PACKAGE_OF_310), Purpose.FRESH, most=6) == 6
    replica = quota_on(pool, PLENTY, sharing=PACKAGE_OF_310, egress_address="cloud")
    assert await take(replica, Purpose.FRESH) == 4
    assert await take(replica, Purpose.FRESH, "two") == 10


async def test_older_documents_leave_a_days_calls_to_fresh_ones_and_probes_need_no_day(
    pool: Pool, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """A lost send is not looked up a day later only because the day was busy."""
    quota = quota_on(pool, PLENTY, sharing=PACKAGE_OF_310)
    await set_clock(connection, day(1))
    assert await take(quota, Purpose.BACKFILL) == 8
    assert await take(quota, Purpose.FRESH) == 2
    assert await take(quota, Purpose.PROBE, most=3) == 3
    await set_clock(connection, day(2))
    assert await take(quota, Purpose.FRESH) == (310 - 13) // 30


async def test_a_call_that_was_not_made_counts_nowhere(
    pool: Pool, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """Its place is free at once, and the package has it back."""
    quota = quota_on(pool, (Limit(1, 60),))
    granted = await quota.grant("one", Purpose.FRESH, deadline=DEADLINE)
    assert isinstance(granted, Granted)
    await quota.cancel(granted)
    await quota.cancel(granted)
    assert isinstance(await quota.grant("one", Purpose.FRESH, deadline=DEADLINE), Granted)
    assert await connection.fetchval("SELECT calls FROM quota_day WHERE day = $1", NOON.date()) == 1
