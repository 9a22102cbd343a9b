"""Once a day every store is compared over its last days, in what is left of the quota, and a day only once."""

from dataclasses import replace
from datetime import date, timedelta
from functools import partial

import pytest

from eventstore.connection import CONNECTION_ERRORS, closing, open_pool
from ops.sandbox.jurnal import FaultPlan
from projections.jurnal_commands.queue import SendQueue
from service.comparison import Compared, Comparison
from service.jurnal.pace import Limit, Purpose
from service.jurnal_calls import Company, JurnalCalls
from service.people import People
from service.quota import QuotaBudget
from service.quota_wish import Sharing
from service.reconcile_schedule import ReconcileSchedule
from service.reconciliation_ledger import ReconciliationLedger
from tests.integration.dispatcher.stand import COMPANY, PLENTY, Stand
from tests.integration.reconcile.comparing import begin
from tests.ledger import SERVICE_ROLE, STORE
from tests.proxy import PostgresProxy

INVOICE = f"inv-{STORE}.order-1"
STEPS_MAX = 200


def schedule(stand: Stand, told: list[Compared], *, days: int = 2) -> ReconcileSchedule:
    """Return the daily comparison of one process, at four in the morning."""
    ledger = ReconciliationLedger(stand.pool, stand.appender, stand.clock)
    people = People(stand.reader, stand.keyring)
    compare = partial(Comparison, stand.pool, SendQueue(stand.pool), stand.calls(), ledger, people)
    return ReconcileSchedule(stand.pool, stand.reader, stand.clock, compare, told.append, local_hour=4, days=days)


async def turn(stand: Stand, daily: ReconcileSchedule) -> int:
    """Step until there is nothing more to do at once; return how often there was."""
    for steps in range(STEPS_MAX):
        if not await daily.step(STORE):
            await stand.fold()
            return steps
    raise AssertionError("the comparison does not end")


async def test_the_last_days_are_compared_once_a_day_at_the_stores_hour(stand: Stand) -> None:
    """Not before four in Jakarta; then the two days before, a call a step; and no second time that day."""
    told: list[Compared] = []
    daily = schedule(stand, told)
    await stand.order()
    await stand.until_quiet(stand.process())
    stand.sandbox.by_hand.delete("sales_invoices", INVOICE)
    assert (await turn(stand, daily), told) == (0, [])
    await stand.advance(timedelta(days=2).total_seconds())
    assert await turn(stand, daily) >= 10
    (compared,) = told
    reconciled = compared.reconciled
    assert (reconciled.first, reconciled.last) == (date(2026, 11, 20), date(2026, 11, 21))
    assert (compared.new_by_kind, await turn(stand, daily)) == ({"missing": 1}, 0)
    await stand.advance(timedelta(days=1).total_seconds())
    await turn(stand, daily)
    assert told[1].reconciled.first == date(2026, 11, 21)
    assert (len(told[1].found), told[1].new) == (1, ())


async def test_another_process_does_not_compare_the_same_day_again(stand: Stand) -> None:
    """That a day was compared stands in the ledger."""
    first, second = list[Compared](), list[Compared]()
    await stand.advance(timedelta(days=2).total_seconds())
    await turn(stand, schedule(stand, first))
    assert await turn(stand, schedule(stand, second)) == 0
    assert (len(first), second) == (1, [])


async def test_no_days_are_no_comparison(stand: Stand) -> None:
    """The setting switches it off."""
    await stand.advance(timedelta(days=2).total_seconds())
    assert await turn(stand, schedule(stand, [], days=0)) == 0


async def test_a_jurnal_that_fails_is_left_alone_for_a_while(stand: Stand) -> None:
    """It is tried again later the same day, from the start."""
    told: list[Compared] = []
    daily = schedule(stand, told)
    await stand.advance(timedelta(days=2).total_seconds())
    stand.fail(FaultPlan(status_before_commit=502), method="GET", times=5)
    for _ in range(6):
        await turn(stand, daily)
        await stand.advance(30)
    assert told == []
    await stand.advance(600)
    await turn(stand, daily)
    assert len(told) == 1


async def test_a_database_that_breaks_off_ends_a_comparison_and_it_begins_anew(stand: Stand, database_url: str) -> None:
    """Nothing goes on at once for ever, and the day is compared all the same."""
    told: list[Compared] = []
    await stand.advance(timedelta(days=2).total_seconds())
    async with (
        PostgresProxy(database_url) as proxy,
        closing(await open_pool(proxy.url, role=SERVICE_ROLE, connections_max=2)) as pool,
    ):
        daily = schedule(replace(stand, pool=pool), told)
        assert await daily.step(STORE)
        proxy.reset()
        with pytest.raises(CONNECTION_ERRORS):
            await turn(stand, daily)
        assert await turn(stand, daily) == 0
        await stand.advance(600)
        await turn(stand, daily)
    assert len(told) == 1


def few(stand: Stand, calls: int) -> JurnalCalls:
    """Return calls of a company that has so many a minute, half of them kept for what comes before comparing."""
    return stand.calls(
        quota=QuotaBudget(
            stand.pool,
            egress_address="few",
            company_limits=(Limit(calls, 60),),
            address_limits=PLENTY,
            sharing=Sharing(),
        )
    )


async def test_comparing_leaves_todays_sale_its_place(stand: Stand) -> None:
    """It takes what nobody else is kept a place for, waits, and the fresh sale goes meanwhile."""
    calls = few(stand, 10)
    comparison = begin(stand, calls)
    waits = None
    while waits is None and comparison.result is None:
        waits = await comparison.step()
    assert comparison.result is None
    await stand.order()
    company = Company(COMPANY.company_id, STORE)
    place = await calls.grant(company, Purpose.FRESH)
    assert type(place).__name__ == "Place"


async def test_a_comparison_goes_on_where_the_quota_stopped_it(stand: Stand) -> None:
    """Each list is read once, however many windows it takes."""
    calls = few(stand, 6)
    comparison, waited = begin(stand, calls), 0
    while comparison.result is None:
        waits = await comparison.step()
        if waits is not None:
            waited += 1
            await stand.advance(max(1.0, (waits.free_at - stand.clock.now()).total_seconds()))
    assert waited >= 1
    gets = {path: count for (_, method, path), count in stand.sandbox.calls.items() if method == "GET"}
    assert set(gets.values()) == {1}
