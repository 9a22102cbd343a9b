"""The budget against a gateway that counts in fixed and sliding windows at any offset, and with others on it."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from eventstore.connection import Pool
from service.jurnal.feedback import Feedback, feedback_of
from service.jurnal.pace import ADDRESS_LIMITS, CONSUMER_LIMITS, Limit, Purpose
from service.quota import Granted, QuotaBudget, Spent
from tests.integration.dispatcher.stand import PLENTY
from tests.integration.quota_gateway import DEADLINE, answer_of, at, play, quota_on
from tests.integration.stopped_clock import set_clock, stop_the_clock
from tests.ledger import service_pool

# A tenth of the documented limits: an hour of them is as telling, and played in seconds.
TENTH_OF_CONSUMER = (Limit(3, 60), Limit(90, 3_600))
TENTH_OF_ADDRESS = (Limit(4, 60), Limit(125, 3_600))


@pytest.fixture
async def pool(database_url: str, connection: "asyncpg.Connection[asyncpg.Record]") -> AsyncIterator[Pool]:
    """Give a database whose clock stands still."""
    await stop_the_clock(connection)
    async with service_pool(database_url) as opened:
        yield opened


def processes(
    pool: Pool, number: int, companies: tuple[str, ...], company: tuple[Limit, ...], address: tuple[Limit, ...]
) -> list[tuple[QuotaBudget, str]]:
    """Return so many processes, each calling for one of the companies."""
    return [(quota_on(pool, company, address), companies[each % len(companies)]) for each in range(number)]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("number", [2, 4])
async def test_replicas_of_one_company_get_no_429_from_either_kind_of_window(
    pool: Pool, connection: "asyncpg.Connection[asyncpg.Record]", number: int, seed: int
) -> None:
    """The documented limits, asked without a pause; random latency, and lost answers that arrive late."""
    shared = processes(pool, number, ("one",), CONSUMER_LIMITS, ADDRESS_LIMITS)
    played = await play(connection, shared, (CONSUMER_LIMITS, ADDRESS_LIMITS), seconds=300, seed=seed)
    assert played.refused == 0
    assert played.calls["one"] > 60


@pytest.mark.parametrize("seed", range(2))
async def test_companies_of_one_address_get_no_429_over_hours(
    pool: Pool, connection: "asyncpg.Connection[asyncpg.Record]", seed: int
) -> None:
    """Minute and hour, company and address; and each company has its share."""
    shared = processes(pool, 4, ("one", "two"), TENTH_OF_CONSUMER, TENTH_OF_ADDRESS)
    played = await play(connection, shared, (TENTH_OF_CONSUMER, TENTH_OF_ADDRESS), seconds=4_200, seed=seed)
    assert played.refused == 0
    assert sum(played.calls.values()) > 90
    assert min(played.calls.values()) > 0.35 * sum(played.calls.values())


@pytest.mark.parametrize("seed", range(2))
async def test_batches_probes_and_older_documents_of_replicas_get_no_429(
    pool: Pool, connection: "asyncpg.Connection[asyncpg.Record]", seed: int
) -> None:
    """Some are under way for most of their deadline, six at a time, and probes may take the last places."""
    shared = processes(pool, 6, ("one", "two"), CONSUMER_LIMITS, ADDRESS_LIMITS)
    played = await play(
        connection, shared, (CONSUMER_LIMITS, ADDRESS_LIMITS), seconds=240, seed=seed,
        purposes=(Purpose.PROBE, Purpose.FRESH, Purpose.FRESH, Purpose.BACKFILL, Purpose.RECONCILE),
        answered_after=(0.2, 3.0, 8.0, 30.0, 80.0),
    )  # fmt: skip
    assert played.refused == 0
    assert sum(played.calls.values()) > 40


async def test_places_that_are_free_too_soon_are_too_many(
    pool: Pool, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """The gateway above can say no: it is the whole window after the answer that keeps it from it."""
    half_as_long = tuple(Limit(limit.calls, limit.window_seconds // 2) for limit in CONSUMER_LIMITS)
    shared = processes(pool, 2, ("one",), half_as_long, PLENTY)
    played = await play(connection, shared, (CONSUMER_LIMITS, PLENTY), seconds=200, seed=1)
    assert played.refused > 0


@pytest.mark.parametrize("seed", range(2))
async def test_steady_calls_of_others_cost_few_429s(
    pool: Pool, connection: "asyncpg.Connection[asyncpg.Record]", seed: int
) -> None:
    """Others take twelve a minute: what the headers say is held for them, so that we meet them seldom."""
    limits = (CONSUMER_LIMITS, PLENTY)
    heard = await play(
        connection, processes(pool, 2, ("one",), *limits), limits, seconds=360, seed=seed, others_per_minute=12
    )
    deaf = await play(
        connection, processes(pool, 2, ("two",), *limits), limits, seconds=360, seed=seed, others_per_minute=12,
        heeds=False,
    )  # fmt: skip
    assert len(heard.companies["one"].refused) <= len(deaf.companies["two"].refused) / 5
    assert heard.calls["one"] > 35


async def call(quota: QuotaBudget, feedback: Feedback | None = None) -> Granted:
    """Make one call that is answered at once."""
    granted = await quota.grant("one", Purpose.PROBE, deadline=DEADLINE)
    assert isinstance(granted, Granted)
    await quota.release(granted, feedback)
    return granted


async def test_what_others_took_is_not_taken_again(pool: Pool) -> None:
    """We made one call and Jurnal says that 9 of 30 remain: 9 more, and not 29."""
    quota = quota_on(pool, CONSUMER_LIMITS)
    await call(quota, feedback_of(answer_of(minute=9)))
    replica = quota_on(pool, CONSUMER_LIMITS)
    for _ in range(9):
        await call(replica)
    assert isinstance(await replica.grant("one", Purpose.PROBE, deadline=DEADLINE), Spent)
    assert isinstance(await replica.grant("two", Purpose.PROBE, deadline=DEADLINE), Granted)


async def test_our_calls_on_their_way_take_of_what_remains(pool: Pool) -> None:
    """Jurnal has not counted them when it says what remains."""
    quota = quota_on(pool, CONSUMER_LIMITS)
    answered = await quota.grant("one", Purpose.PROBE, deadline=DEADLINE)
    assert isinstance(answered, Granted)
    for _ in range(3):
        assert isinstance(await quota.grant("one", Purpose.PROBE, deadline=DEADLINE), Granted)
    await quota.release(answered, feedback_of(answer_of(minute=5)))
    for _ in range(2):
        assert isinstance(await quota.grant("one", Purpose.PROBE, deadline=DEADLINE), Granted)
    assert isinstance(await quota.grant("one", Purpose.PROBE, deadline=DEADLINE), Spent)


async def test_what_others_took_is_held_until_the_window_is_over(
    pool: Pool, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """Not a moment less, for the window may be a sliding one."""
    quota = quota_on(pool, CONSUMER_LIMITS)
    await call(quota, feedback_of(answer_of(minute=0)))
    assert await quota.grant("one", Purpose.PROBE, deadline=DEADLINE) == Spent(at(60))
    await set_clock(connection, at(59))
    assert isinstance(await quota.grant("one", Purpose.PROBE, deadline=DEADLINE), Spent)
    await set_clock(connection, at(60))
    assert isinstance(await quota.grant("one", Purpose.PROBE, deadline=DEADLINE), Granted)


async def test_a_later_call_that_is_told_of_more_room_ends_what_was_held(
    pool: Pool, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """The window rolled. A call of before, whose answer is late, tells nothing new."""
    quota = quota_on(pool, CONSUMER_LIMITS)
    old = await quota.grant("one", Purpose.PROBE, deadline=DEADLINE)
    assert isinstance(old, Granted)
    await set_clock(connection, at(1))
    await call(quota, feedback_of(answer_of(minute=4)))
    await quota.release(old, feedback_of(answer_of(minute=20)))
    await call(quota)
    await call(quota)
    later = await quota.grant("one", Purpose.PROBE, deadline=DEADLINE)
    assert isinstance(later, Granted)
    assert isinstance(await quota.grant("one", Purpose.PROBE, deadline=DEADLINE), Spent)
    await quota.release(later, feedback_of(answer_of(minute=29)))
    for _ in range(25):
        await call(quota)
    assert isinstance(await quota.grant("one", Purpose.PROBE, deadline=DEADLINE), Spent)


async def test_replicas_that_ask_at_the_same_moment_never_share_a_place(pool: Pool) -> None:
    """Forty at once for thirty places, by four replicas: thirty are granted."""
    replicas = [quota_on(pool, CONSUMER_LIMITS) for _ in range(4)]
    asked = [replicas[number % 4].grant("one", Purpose.PROBE, deadline=DEADLINE) for number in range(40)]
    answers = await asyncio.gather(*asked)
    assert sum(isinstance(answer, Granted) for answer in answers) == 30
