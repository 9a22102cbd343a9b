"""A 429 closes a company's budget for all replicas: until the minute or the hour turns, or for the month."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from eventstore.connection import Pool
from ops.sandbox.jurnal import FaultPlan
from service.jurnal.exchange import Response
from service.jurnal.feedback import feedback_of
from service.jurnal.pace import CONSUMER_LIMITS, Purpose
from service.quota import Granted, QuotaBudget, Spent, reopen_budget
from service.quota_figures import count_closed
from service.quota_wish import JAKARTA
from tests.integration.dispatcher.stand import COMPANY, Stand, open_stand
from tests.integration.quota_gateway import DEADLINE, answer_of, at, quota_on
from tests.integration.stopped_clock import set_clock, stop_the_clock
from tests.ledger import NOON, STORE, service_pool

MONTH = "Monthly limit exceeded. Please wait until next month or upgrade your package."
DECEMBER = datetime(2026, 12, 1, tzinfo=JAKARTA).astimezone(UTC)
USED_UP = "The month's package of Jurnal calls is used up"


@pytest.fixture
async def pool(database_url: str, connection: "asyncpg.Connection[asyncpg.Record]") -> AsyncIterator[Pool]:
    """Give a database whose clock stands still."""
    await stop_the_clock(connection)
    async with service_pool(database_url) as opened:
        yield opened


async def ask(quota: QuotaBudget, purpose: Purpose = Purpose.PROBE, company: str = "one") -> Granted | Spent:
    """Ask for a place."""
    return await quota.grant(company, purpose, deadline=DEADLINE)


async def answered(quota: QuotaBudget, answer: Response) -> None:
    """Make a call that is answered so."""
    granted = await ask(quota)
    assert isinstance(granted, Granted)
    await quota.release(granted, feedback_of(answer))


async def test_a_minutes_429_closes_until_the_next_full_minute_for_all_replicas(
    pool: Pool, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """And a second, for Jurnal's clock is not ours. Other companies go on."""
    await set_clock(connection, at(20))
    await answered(quota_on(pool, CONSUMER_LIMITS), answer_of(429, "API rate limit exceeded"))
    replica = quota_on(pool, CONSUMER_LIMITS)
    assert await ask(replica) == Spent(at(61), "Jurnal's limit of calls per minute is reached")
    assert isinstance(await ask(replica, company="two"), Granted)
    assert await count_closed(pool) == {"minute": 1, "hour": 0, "month": 0}
    await set_clock(connection, at(61))
    assert isinstance(await ask(replica), Granted)
    assert await count_closed(pool) == {"minute": 0, "hour": 0, "month": 0}


async def test_a_wait_that_jurnal_names_is_kept(pool: Pool, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Whatever the minute says."""
    await set_clock(connection, at(20))
    refused = Response(status=429, headers={"retry-after": "300"}, body=b'{"message":"API rate limit exceeded"}')
    await answered(quota_on(pool, CONSUMER_LIMITS), refused)
    closed = await ask(quota_on(pool, CONSUMER_LIMITS))
    assert isinstance(closed, Spent)
    assert closed.free_at == at(320)


async def test_an_hours_429_closes_until_the_next_full_hour(
    pool: Pool, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """It is told by its header; another minute would be refused like this one."""
    await set_clock(connection, at(20))
    quota = quota_on(pool, CONSUMER_LIMITS)
    await answered(quota, answer_of(429, "API rate limit exceeded", minute=12, hour=0))
    assert await ask(quota) == Spent(at(3_601), "Jurnal's limit of calls per hour is reached")


async def test_a_months_429_is_tried_by_one_call_a_day(
    pool: Pool, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """One, whichever replica asks first, until the month is over in Jakarta."""
    quota, replica = quota_on(pool, CONSUMER_LIMITS), quota_on(pool, CONSUMER_LIMITS)
    await answered(quota, answer_of(429, MONTH))
    tomorrow = NOON + timedelta(days=1)
    assert await ask(quota, Purpose.FRESH) == Spent(tomorrow, USED_UP)
    await set_clock(connection, tomorrow)
    trial = await ask(replica, Purpose.FRESH)
    assert isinstance(trial, Granted)
    assert await ask(quota) == Spent(tomorrow + timedelta(days=1), USED_UP)
    await set_clock(connection, tomorrow + timedelta(seconds=5))
    await replica.release(trial, feedback_of(answer_of(429, MONTH)))
    again = tomorrow + timedelta(days=1, seconds=5)
    assert await ask(quota) == Spent(again, USED_UP)
    await set_clock(connection, DECEMBER)
    assert isinstance(await ask(quota), Granted)
    assert await ask(quota) == Spent(DECEMBER + timedelta(seconds=1), USED_UP)
    await set_clock(connection, DECEMBER + timedelta(seconds=1))
    assert isinstance(await ask(quota), Granted)


async def test_a_trial_that_passes_opens_the_budget_for_all(
    pool: Pool, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """The package was upgraded. A late answer to a call of before the closing proves nothing."""
    quota = quota_on(pool, CONSUMER_LIMITS)
    early = await ask(quota)
    assert isinstance(early, Granted)
    await answered(quota, answer_of(429, MONTH))
    await quota.release(early, feedback_of(answer_of(200)))
    assert isinstance(await ask(quota), Spent)
    await set_clock(connection, NOON + timedelta(days=1))
    await answered(quota, answer_of(200))
    replica = quota_on(pool, CONSUMER_LIMITS)
    assert isinstance(await ask(replica), Granted)
    assert isinstance(await ask(replica), Granted)


@pytest.mark.parametrize("status", [401, 502])
async def test_a_trial_whose_answer_says_nothing_of_the_package_leaves_it_closed(
    pool: Pool, connection: "asyncpg.Connection[asyncpg.Record]", status: int
) -> None:
    """Who is not known is turned away before anything is counted."""
    quota = quota_on(pool, CONSUMER_LIMITS)
    await answered(quota, answer_of(429, MONTH))
    await set_clock(connection, NOON + timedelta(days=1))
    await answered(quota, answer_of(status))
    assert isinstance(await ask(quota), Spent)


async def test_a_minutes_429_never_shortens_a_months(
    pool: Pool, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """Two calls were on their way."""
    quota = quota_on(pool, CONSUMER_LIMITS)
    late = await ask(quota)
    assert isinstance(late, Granted)
    await answered(quota, answer_of(429, MONTH))
    await quota.release(late, feedback_of(answer_of(429, "API rate limit exceeded")))
    await set_clock(connection, at(3_600))
    assert isinstance(await ask(quota), Spent)


async def test_an_operator_opens_a_budget_before_the_month_is_over(pool: Pool) -> None:
    """Once; a budget that is open is left alone."""
    quota = quota_on(pool, CONSUMER_LIMITS)
    await answered(quota, answer_of(429, MONTH))
    assert await reopen_budget(pool, "one", ())
    assert isinstance(await ask(quota), Granted)
    assert not await reopen_budget(pool, "one", ())


@pytest.fixture
async def stand(database_url: str) -> AsyncIterator[Stand]:
    """Give a live store beside its Jurnal company."""
    async with open_stand(database_url) as opened:
        await opened.connect()
        yield opened


async def test_a_used_up_package_is_asked_once_a_day_and_the_list_says_why(stand: Stand) -> None:
    """Ten orders, ten days: no more than one call a day goes out, and after an upgrade all are booked."""
    process = stand.process()
    await stand.order(99)
    await stand.until_quiet(process)
    for number in range(1, 11):
        await stand.order(number)
    asked = 0

    def month_is_over(_request: object) -> FaultPlan:
        nonlocal asked
        asked += 1
        return FaultPlan(status_before_commit=429, month_limit=True)

    stand.sandbox.gate.fault = month_is_over
    for _ in range(3):
        for _ in range(20):
            await stand.step(process)
        await stand.advance(86_401)
    assert asked == 3
    stand.sandbox.gate.fault = lambda _request: None
    await stand.until_quiet(process)
    assert set((await stand.statuses()).values()) == {"Success"}


async def test_what_the_closing_turned_away_goes_when_a_person_opens_the_budget(stand: Stand) -> None:
    """The documents of the very call that was refused do not wait for tomorrow's trial."""
    process = stand.process()
    await stand.order(99)
    await stand.until_quiet(process)
    await stand.order(1)
    stand.sandbox.gate.fault = lambda _request: FaultPlan(status_before_commit=429, month_limit=True)
    for _ in range(20):
        await stand.step(process)
    stand.sandbox.gate.fault = lambda _request: None
    await stand.order(2)
    assert await reopen_budget(stand.pool, COMPANY.company_id, (STORE,))
    for _ in range(20):
        await stand.step(process)
    assert set((await stand.statuses()).values()) == {"Success"}
