"""The day's look at a company's books: once, when it was made, and never at the cost of a sale."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date

import pytest

from ops.sandbox.jurnal import FaultPlan
from projections.store_settings.queries import read_settings
from service.daily_look import DailyLook
from service.jurnal.pace import Limit, Purpose
from service.quota import Granted
from tests.integration.dispatcher.stand import COMPANY, PLENTY, Process, Stand, open_stand
from tests.integration.quota_gateway import DEADLINE, quota_on
from tests.ledger import STORE
from tests.unit.sandbox_jurnal.shop import SETTINGS


@pytest.fixture
async def stand(database_url: str) -> AsyncIterator[Stand]:
    """Give a live store beside its Jurnal company; it is noon in Jakarta."""
    async with open_stand(database_url) as opened:
        await opened.connect()
        yield opened


def look_of(stand: Stand, process: Process | None = None) -> DailyLook:
    """Return one process's look."""
    return DailyLook(stand.pool, (process or stand.process()).directory, stand.clock)


def looks(stand: Stand) -> int:
    """Return how often Jurnal was asked for the company."""
    return stand.lookups("companies/active")


async def test_it_is_made_once_a_day_by_one_of_all_processes(stand: Stand) -> None:
    """The database knows: a restart makes no second one. The next begins with the store's own day."""
    for _ in range(3):
        await look_of(stand).step(STORE)
    assert looks(stand) == 1
    await stand.advance(12 * 3_600 - 60)
    assert await look_of(stand).step(STORE) == "not_due"
    await stand.advance(60)
    assert await look_of(stand).step(STORE) == "looked"
    assert looks(stand) == 2


async def test_what_it_tells_is_a_setting_of_the_store(database_url: str) -> None:
    """What is decided from then on keeps clear of the closed books."""
    closed = replace(SETTINGS, last_closing_date=date(2026, 11, 16))
    async with open_stand(database_url, settings=closed) as stand:
        await stand.connect()
        assert await look_of(stand).step(STORE) == "looked"
        await stand.fold()
        assert (await read_settings(stand.pool, STORE)).books_closed == date(2026, 11, 15)


async def test_a_store_that_is_not_live_is_not_looked_at(database_url: str) -> None:
    """Its preflight looks when it is turned on."""
    async with open_stand(database_url) as stand:
        await stand.connect(live=False)
        assert await look_of(stand).step(STORE) == "not_due"
        assert looks(stand) == 0


async def test_a_look_that_was_not_made_is_tried_again_and_not_at_once(stand: Stand) -> None:
    """Without a place in the quota, or with an answer that tells nothing: five minutes later."""
    full = stand.process(calls=stand.calls(quota=quota_on(stand.pool, (Limit(1, 3_600),), PLENTY)))
    granted = await quota_on(stand.pool, PLENTY).grant(COMPANY.company_id, Purpose.PROBE, deadline=DEADLINE)
    assert isinstance(granted, Granted)
    assert await look_of(stand, full).step(STORE) == "failed"
    assert await look_of(stand).step(STORE) == "not_due"
    await stand.advance(300)
    stand.fail(FaultPlan(status_before_commit=503), method="GET")
    assert await look_of(stand).step(STORE) == "failed"
    await stand.advance(300)
    assert await look_of(stand).step(STORE) == "looked"
    assert await look_of(stand).step(STORE) == "not_due"


async def test_it_takes_no_call_from_todays_trade(stand: Stand) -> None:
    """What is kept for fresh sales is not for it: of ten calls it may see seven taken."""
    quota = quota_on(stand.pool, (Limit(10, 60),), PLENTY)
    process = stand.process(calls=stand.calls(quota=quota))
    for _ in range(7):
        granted = await quota.grant(COMPANY.company_id, Purpose.FRESH, deadline=DEADLINE)
        assert isinstance(granted, Granted)
        await quota.release(granted)
    assert await look_of(stand, process).step(STORE) == "failed"
    assert looks(stand) == 0
    assert isinstance(await quota.grant(COMPANY.company_id, Purpose.FRESH, deadline=DEADLINE), Granted)


async def test_a_sale_costs_its_own_call_alone(stand: Stand) -> None:
    """Nothing is looked up before it that was looked up before."""
    process = stand.process()
    await stand.order(1)
    await stand.until_quiet(process)
    before = sum(stand.sandbox.calls.values())
    await stand.order(2)
    await stand.until_quiet(process)
    assert sum(stand.sandbox.calls.values()) == before + 1
