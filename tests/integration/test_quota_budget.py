"""Jurnal's quota as a durable budget: judged by the gateway's own fixed windows, in virtual time."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from random import Random

import asyncpg
import pytest

from eventstore.connection import Pool
from ops.sandbox.jurnal.quota import Quota
from service.choosing import BatchLimits
from service.jurnal.pace import ADDRESS_LIMITS, CONSUMER_LIMITS, Limit, Purpose
from service.quota import Granted, QuotaBudget, Spent
from tests.integration.dispatcher.stand import PLENTY, Stand, open_stand
from tests.integration.stopped_clock import set_clock, stop_the_clock
from tests.ledger import NOON, service_pool

DEADLINE = timedelta(seconds=90)
TENTH_OF_CONSUMER = (Limit(3, 60), Limit(180, 3_600))
TENTH_OF_ADDRESS = (Limit(4, 60), Limit(250, 3_600))


@pytest.fixture
async def pool(database_url: str, connection: "asyncpg.Connection[asyncpg.Record]") -> AsyncIterator[Pool]:
    """Give a database whose clock stands still."""
    await stop_the_clock(connection)
    async with service_pool(database_url) as opened:
        yield opened


def budget_of(pool: Pool, company: Sequence[Limit] = CONSUMER_LIMITS, address: Sequence[Limit] = PLENTY) -> QuotaBudget:
    """Return one process's view of the budgets."""
    return QuotaBudget(pool, egress_address="office", company_limits=company, address_limits=address)


class Gateway:
    """Jurnal's own counting: fixed windows per consumer and for the address; it never may say no."""

    def __init__(self, company: Sequence[Limit], address: Sequence[Limit]) -> None:
        self._consumers: dict[str, Quota] = {}
        self._company = [limit.calls for limit in company]
        self._address = Quota(*(limit.calls for limit in address))
        self.calls = 0

    def take(self, company_id: str, at: datetime) -> None:
        """Count one call."""
        consumer = self._consumers.setdefault(company_id, Quota(*self._company))
        assert self._address.admits(at), f"429 for the address after {self.calls} calls, at {at}"
        assert consumer.admits(at), f"429 for {company_id} after {self.calls} calls, at {at}"
        self._address.count(at)
        consumer.count(at)
        self.calls += 1


async def demand(
    pool: Pool,
    connection: "asyncpg.Connection[asyncpg.Record]",
    limits: tuple[Sequence[Limit], Sequence[Limit]],
    *,
    seconds: float,
    seed: int,
) -> Gateway:
    """Ask without a pause, from two companies and two processes, with answers after a random while."""
    dice = Random(seed)  # noqa: S311 - a seed that can be told and repeated
    gateway = Gateway(*limits)
    processes = [budget_of(pool, *limits), budget_of(pool, *limits)]
    now = NOON + timedelta(seconds=dice.uniform(0, 60))
    ends = now + timedelta(seconds=seconds)
    free_at = {"one": now, "two": now}
    while now < ends:
        company_id = min(free_at, key=lambda each: (free_at[each], each))
        now = max(now, free_at[company_id])
        await set_clock(connection, now)
        process = dice.choice(processes)
        granted = await process.grant(company_id, Purpose.PROBE, deadline=DEADLINE)
        if isinstance(granted, Spent):
            assert granted.free_at > now
            free_at[company_id] = granted.free_at
            continue
        # The call may reach Jurnal at any moment until it is answered.
        took = timedelta(seconds=dice.choice((0.01, 0.2, 0.5)))
        gateway.take(company_id, now + took * dice.random())
        now += took
        await set_clock(connection, now)
        if dice.random() < 0.98:
            await process.release(granted)
    return gateway


async def test_three_hours_of_demand_never_exceed_a_tenth_of_the_documented_limits(
    pool: Pool, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """Minute and hour, company and address, wherever Jurnal's windows begin; and the budget is used."""
    gateway = await demand(pool, connection, (TENTH_OF_CONSUMER, TENTH_OF_ADDRESS), seconds=3 * 3_600, seed=1)
    assert gateway.calls > 500


async def test_the_documented_limits_are_never_exceeded(
    pool: Pool, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """30 a minute for a company, 40 for an address: ten minutes of two companies behind one address."""
    gateway = await demand(pool, connection, (CONSUMER_LIMITS, ADDRESS_LIMITS), seconds=600, seed=3)
    assert gateway.calls > 300


async def test_without_holding_a_place_until_the_window_is_over_the_limit_is_exceeded(
    pool: Pool, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """The gateway above can say no: places that are free again at the answer are too many in one window."""
    gateway = Gateway((Limit(30, 60), Limit(1_800, 3_600)), PLENTY * 2)
    budget = budget_of(pool, (Limit(30, 1),))

    async def two_a_second() -> None:
        for step in range(90):
            now = NOON + timedelta(seconds=step / 2)
            await set_clock(connection, now)
            granted = await budget.grant("one", Purpose.PROBE, deadline=timedelta(seconds=1))
            assert isinstance(granted, Granted)
            gateway.take("one", now)
            await budget.release(granted)

    with pytest.raises(AssertionError, match="429 for one"):
        await two_a_second()


async def test_a_place_is_held_until_a_window_after_the_answer(
    pool: Pool, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """Not after the grant: Jurnal may have counted the call at its very end."""
    budget = budget_of(pool, (Limit(1, 60),))
    granted = await budget.grant("one", Purpose.PROBE, deadline=DEADLINE)
    assert isinstance(granted, Granted)
    await set_clock(connection, NOON + timedelta(seconds=20))
    await budget.release(granted)
    assert await budget.grant("one", Purpose.PROBE, deadline=DEADLINE) == Spent(NOON + timedelta(seconds=80))
    await set_clock(connection, NOON + timedelta(seconds=80))
    assert isinstance(await budget.grant("one", Purpose.PROBE, deadline=DEADLINE), Granted)


async def test_a_call_that_was_never_answered_holds_its_place_until_a_window_after_its_deadline(
    pool: Pool, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """A process that died gives nothing back."""
    budget = budget_of(pool, (Limit(1, 60),))
    await budget.grant("one", Purpose.PROBE, deadline=DEADLINE)
    await set_clock(connection, NOON + timedelta(seconds=149))
    assert await budget_of(pool, (Limit(1, 60),)).grant("one", Purpose.PROBE, deadline=DEADLINE) == Spent(
        NOON + timedelta(seconds=150)
    )


async def test_the_budget_is_the_databases_and_survives_a_restart(pool: Pool) -> None:
    """A new process finds the places taken that the old one took."""
    for _ in range(30):
        assert isinstance(await budget_of(pool).grant("one", Purpose.PROBE, deadline=DEADLINE), Granted)
    assert isinstance(await budget_of(pool).grant("one", Purpose.PROBE, deadline=DEADLINE), Spent)
    assert isinstance(await budget_of(pool).grant("two", Purpose.PROBE, deadline=DEADLINE), Granted)


async def test_companies_behind_one_address_share_its_limit(pool: Pool) -> None:
    """The address's limit counts all companies; another address has its own."""
    limits = (Limit(2, 60),)
    budget = budget_of(pool, (Limit(100, 60),), limits)
    assert isinstance(await budget.grant("one", Purpose.PROBE, deadline=DEADLINE), Granted)
    assert isinstance(await budget.grant("two", Purpose.PROBE, deadline=DEADLINE), Granted)
    assert isinstance(await budget.grant("three", Purpose.PROBE, deadline=DEADLINE), Spent)
    elsewhere = QuotaBudget(pool, egress_address="cloud", company_limits=limits, address_limits=limits)
    assert isinstance(await elsewhere.grant("three", Purpose.PROBE, deadline=DEADLINE), Granted)


async def test_holds_that_count_no_more_are_forgotten(
    pool: Pool, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """The table stays as small as the longest window."""
    budget = budget_of(pool, (Limit(5, 60),))
    for minute in range(5):
        await set_clock(connection, NOON + timedelta(minutes=10 * minute))
        assert isinstance(await budget.grant("one", Purpose.PROBE, deadline=DEADLINE), Granted)
    assert await connection.fetchval("SELECT count(*) FROM quota_hold WHERE budget = 'company:one'") <= 2


async def test_a_spent_quota_makes_the_dispatcher_wait_and_jurnal_never_says_429(database_url: str) -> None:
    """Forty orders through the real gateway's limits: all booked, none refused for the pace."""
    async with open_stand(database_url) as stand:
        await stand.connect()
        for number in range(1, 41):
            await stand.order(number)
        await _through_the_documented_gateway(stand)


async def _through_the_documented_gateway(stand: Stand) -> None:
    gateway = Gateway(CONSUMER_LIMITS, ADDRESS_LIMITS)
    counted = 0

    def count(_request: object) -> None:
        nonlocal counted
        counted += 1
        gateway.take("kopi-company", stand.clock.now())

    stand.sandbox.gate.fault = count
    quota = QuotaBudget(stand.pool, egress_address="x", company_limits=CONSUMER_LIMITS, address_limits=ADDRESS_LIMITS)
    process = stand.process(calls=stand.calls(quota=quota), limits=BatchLimits(rows_max=1))
    did: list[str] = []
    while stand.documents("sales_invoice") < 40:
        done = await stand.step(process)
        did.append(done.did)
        if done.wait_until is not None:
            await stand.advance((done.wait_until - stand.clock.now()).total_seconds())
    assert "waited" in did
    # Its product, warehouse and customer are looked up once.
    assert counted == 43
    assert set((await stand.statuses()).values()) == {"Success"}


async def test_what_is_left_is_told_at_every_grant_also_when_nothing_is(pool: Pool) -> None:
    """The tighter of the two budgets counts, so whoever is woken sees the limit that bites."""
    told: list[tuple[int, int]] = []
    budget = QuotaBudget(
        pool,
        egress_address="office",
        company_limits=(Limit(2, 60), Limit(50, 3_600)),
        address_limits=(Limit(9, 60), Limit(40, 3_600)),
        on_left=lambda window_seconds, calls: told.append((window_seconds, calls)),
    )
    for _ in range(3):
        await budget.grant("kopi-company", Purpose.PROBE, deadline=DEADLINE)
    assert told == [(60, 1), (3_600, 39), (60, 0), (3_600, 38), (60, 0), (3_600, 38)]
