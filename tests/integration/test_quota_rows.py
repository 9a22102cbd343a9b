"""How the budget's rows are read: as a plain count of every call would have it, and in few round trips."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from random import Random
from uuid import uuid4

import asyncpg
import pytest

from eventstore.connection import Connection, Pool
from eventstore.questions import ask
from service.jurnal.feedback import feedback_of
from service.jurnal.pace import ADDRESS_LIMITS, CONSUMER_LIMITS, Limit, Purpose
from service.jurnal.package import Package
from service.quota import Granted, QuotaBudget, Spent
from service.quota_rows import known_of
from service.quota_wish import JAKARTA, Known, Sharing
from tests.integration.dispatcher.stand import PLENTY
from tests.integration.quota_gateway import DEADLINE, answer_of, at, quota_on
from tests.integration.stopped_clock import set_clock, stop_the_clock
from tests.ledger import NOON, open_test_pool, service_pool

LIMITS = (Limit(3, 60), Limit(8, 600))


@pytest.fixture
async def pool(database_url: str, connection: "asyncpg.Connection[asyncpg.Record]") -> AsyncIterator[Pool]:
    """Give a database whose clock stands still."""
    await stop_the_clock(connection)
    async with service_pool(database_url) as opened:
        yield opened


async def held(connection: "asyncpg.Connection[asyncpg.Record]", moments: Sequence[datetime]) -> None:
    """Let a company's budget hold calls that may have reached Jurnal until these moments, and no others."""
    await connection.execute("DELETE FROM quota_hold")
    await connection.executemany(
        "INSERT INTO quota_hold (budget, hold_id, granted_at, released_at, company_id) VALUES ($1, $2, $3, $4, 'one')",
        [("company:one", uuid4(), NOON, moment) for moment in moments],
    )


def free_at(ends: Sequence[Sequence[datetime]], now: datetime) -> datetime:
    """Count one by one: return the first moment at which fewer calls than the limit are left in every window."""
    for moment in sorted({now, *(end for window in ends for end in window if end > now)}):
        counted = [sum(end > moment for end in window) for window in ends]
        if all(calls < limit.calls for calls, limit in zip(counted, LIMITS, strict=True)):
            return moment
    raise AssertionError("all windows end")


@pytest.mark.parametrize("seed", range(3))
async def test_the_rows_are_counted_as_one_by_one(
    pool: Pool, connection: "asyncpg.Connection[asyncpg.Record]", seed: int
) -> None:
    """Answered calls and calls on their way, of ours and of others, in a minute and in ten of them."""
    dice = Random(seed)  # noqa: S311 - a seed that can be told and repeated
    quota = quota_on(pool, LIMITS)
    spent = 0
    for _ in range(25):
        moments = [at(dice.uniform(-650, 90)) for _ in range(dice.randrange(14))]
        others = {seconds: (dice.randrange(3), dice.uniform(-30, 60)) for seconds in (60, 600)}
        await held(connection, moments)
        for seconds, (calls, until) in others.items():
            await connection.execute(
                "INSERT INTO quota_foreign VALUES ('company:one', $1, $2, $3, $4) ON CONFLICT (budget, window_seconds)"
                " DO UPDATE SET calls = excluded.calls, until = excluded.until",
                seconds, calls, NOON, at(until),
            )  # fmt: skip
        ends = [
            [moment + timedelta(seconds=limit.window_seconds) for moment in moments]
            + [at(others[limit.window_seconds][1])] * others[limit.window_seconds][0]
            for limit in LIMITS
        ]
        answer = await quota.grant("one", Purpose.PROBE, deadline=DEADLINE)
        expected = free_at(ends, NOON)
        assert (answer.free_at if isinstance(answer, Spent) else NOON) == expected
        spent += isinstance(answer, Spent)
    assert 3 < spent < 24


@contextmanager
def round_trips(connection: Connection) -> Iterator[list[str]]:
    """Collect what a connection asks of the database."""
    asked: list[str] = []

    def note(record: asyncpg.connection.LoggedQuery) -> None:
        asked.append(record.query)

    connection.add_query_logger(note)
    try:
        yield asked
    finally:
        connection.remove_query_logger(note)


@pytest.fixture
async def lone(direct_database_url: str) -> AsyncIterator[Pool]:
    """Give a pool of one connection, around any pooler: that adds round trips of its own."""
    opened = await open_test_pool(direct_database_url, connections_max=1)
    yield opened
    await opened.close()


async def test_a_grant_takes_five_round_trips_and_its_release_one(
    lone: Pool, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """Begin, lock, read, take, commit: however many calls an hour holds. A wait takes one more."""
    await stop_the_clock(connection)
    quota = quota_on(lone, CONSUMER_LIMITS, ADDRESS_LIMITS)
    assert isinstance(await quota.grant("one", Purpose.FRESH, deadline=DEADLINE), Granted)
    await held(connection, [at(-70 - second) for second in range(1_600)])
    async with lone.acquire() as lent:
        only = lent._con  # type: ignore[attr-defined]  # noqa: SLF001 - a logger on asyncpg's proxy ends with the loan
    with round_trips(only) as asked:
        granted = await quota.grant("one", Purpose.FRESH, deadline=DEADLINE)
        assert len(asked) == 5
        assert isinstance(granted, Granted)
        await quota.release(granted, feedback_of(answer_of(minute=29, hour=1_700)))
        assert len(asked) == 6
    await held(connection, [at(-70 - second) for second in range(1_800)])
    # The first time asyncpg asks what an array is made of.
    assert isinstance(await quota.grant("one", Purpose.FRESH, deadline=DEADLINE), Spent)
    with round_trips(only) as asked:
        assert isinstance(await quota.grant("one", Purpose.FRESH, deadline=DEADLINE), Spent)
        assert len(asked) == 6


async def take(quota: QuotaBudget, calls: int) -> None:
    """Make so many calls."""
    for _ in range(calls):
        granted = await quota.grant("one", Purpose.FRESH, deadline=DEADLINE)
        assert isinstance(granted, Granted)
        await quota.release(granted)


async def test_calls_are_short_once_half_a_minutes_are_taken(
    pool: Pool, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """Known from the last grant, for the length of the shortest window; another company has its own."""
    quota = quota_on(pool, CONSUMER_LIMITS)
    assert not quota.short("one", NOON)
    await take(quota, 15)
    assert not quota.short("one", NOON)
    await take(quota, 2)
    assert quota.short("one", NOON)
    assert quota.short("one", at(59))
    assert not quota.short("one", at(60))
    assert not quota.short("two", NOON)
    await set_clock(connection, at(60))
    await take(quota, 1)
    assert not quota.short("one", at(60))


async def test_calls_are_short_when_the_day_uses_its_share_of_the_package_too_soon(pool: Pool) -> None:
    """300 for the eleven days that are left: 27 a day, and at noon in Jakarta half of them are due."""
    quota = quota_on(pool, PLENTY, sharing=Sharing(package=Package(300, JAKARTA)))
    await take(quota, 14)
    assert not quota.short("one", NOON)
    await take(quota, 1)
    assert quota.short("one", NOON)


async def read(pool: Pool, quota: QuotaBudget) -> Known:
    """Read the budgets of a company without their lock."""
    ((row,),) = await ask(pool, [quota.reading("one")])
    return known_of(row[0])


async def taken(pool: Pool, quota: QuotaBudget, known: Known) -> bool | None:
    """Take a place of budgets that were read; None: they have no room, False: they are not as read."""
    taking = quota.taking("one", Purpose.FRESH, known, deadline=DEADLINE)
    return None if taking is None else bool(await pool.fetchval(taking.question.sql, *taking.question.arguments))


async def test_of_many_that_read_the_same_budgets_one_takes_a_place(pool: Pool) -> None:
    """The others are told that it is not as they read it, and have taken nothing."""
    quota = quota_on(pool, LIMITS)
    assert isinstance(await quota.grant("one", Purpose.FRESH, deadline=DEADLINE), Granted)
    known = await read(pool, quota)
    told = await asyncio.gather(*(taken(pool, quota, known) for _ in range(8)))
    assert (told.count(True), told.count(False)) == (1, 7)
    assert await pool.fetchval("SELECT count(*) FROM quota_hold WHERE budget = 'company:one'") == 2
    assert await taken(pool, quota, await read(pool, quota)) is True
    # Three places are all: what is full is for `grant` to decide on.
    assert await taken(pool, quota, await read(pool, quota)) is None


async def test_a_budget_that_a_429_closed_since_it_was_read_gives_no_place(pool: Pool) -> None:
    """Nor one that was closed when it was read."""
    quota = quota_on(pool, LIMITS)
    first = await quota.grant("one", Purpose.FRESH, deadline=DEADLINE)
    assert isinstance(first, Granted)
    known = await read(pool, quota)
    await quota.release(first, feedback_of(answer_of(429, "API rate limit exceeded")))
    assert (await read(pool, quota)).closed is not None
    assert await taken(pool, quota, known) is False
    assert await taken(pool, quota, await read(pool, quota)) is None
