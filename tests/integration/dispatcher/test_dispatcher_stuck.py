"""What one thing that never works does to all the others: a listing, a look-up, a credential."""

from collections.abc import Callable
from datetime import timedelta

from aiohttp import web

from ops.sandbox.jurnal import FaultPlan
from service.choosing import BatchLimits
from service.jurnal.pace import Limit
from service.quota import QuotaBudget
from tests.integration.dispatcher.stand import COMPANY, PLENTY, Stand
from tests.integration.dispatcher.test_dispatcher_batches import LATER, calls, warmed
from tests.story import paid


def always(stand: Stand, status: int, wanted: Callable[[web.Request], bool]) -> None:
    """Let Jurnal answer all such requests so."""
    stand.sandbox.gate.fault = lambda request: FaultPlan(status_before_commit=status) if wanted(request) else None


async def test_a_list_that_never_works_does_not_keep_a_lost_batch_for_ever(stand: Stand) -> None:
    """Past the fence each document is asked for by its key, as it is where the list shows nothing."""
    process = await warmed(stand)
    for number in range(1, 4):
        await stand.order(number)
    stand.fail(FaultPlan(close_after_commit=True), path="batch_create")
    await stand.step(process)
    always(stand, 400, lambda request: request.method == "GET" and request.path.endswith("/sales_invoices"))
    await stand.until_quiet(process, seconds_max=3_600)
    assert set((await stand.statuses()).values()) == {"Success"}


async def test_documents_that_cannot_be_looked_up_leave_calls_for_others(stand: Stand) -> None:
    """Forty payments were lost and Jurnal lets nobody read payments: a sale goes all the same."""
    process = await warmed(stand)
    parts = [paid("t1", 5_000), paid("t2", 15_000, transaction_date=LATER)]
    for number in range(1, 41):
        await stand.order(number, transactions=parts)
    await stand.step(process)
    stand.fail(FaultPlan(status_before_commit=502), path="receive_payments")
    assert (await stand.step(process)).outcomes == {"Unknown": 40}
    await stand.until_quiet(process, seconds_max=400)
    await stand.advance(600)
    always(stand, 403, lambda request: request.method == "GET" and "/receive_payments/" in request.path)
    await process.dispatcher.release(COMPANY)
    quota = QuotaBudget(stand.pool, egress_address="test", company_limits=(Limit(30, 60),), address_limits=PLENTY)
    tight = stand.process(calls=stand.calls(quota=quota))
    await stand.order(99)
    began = stand.clock.now()
    while (await stand.statuses())["sale-order-99"] != "Success" and stand.clock.now() - began < timedelta(hours=1):
        done = await stand.step(tight)
        await stand.advance(1 if done.did in ("sent", "probed") else 2)
    assert (stand.clock.now() - began).total_seconds() < 300


async def test_a_credential_that_is_missing_takes_no_place_in_the_quota(stand: Stand) -> None:
    """No call was made, so none is counted: neither here nor at the address that others share."""
    await stand.order(1)
    await stand.migrator.execute("DELETE FROM credential")
    process = stand.process()
    for _ in range(10):
        await stand.step(process)
        await stand.advance(60)
    assert await stand.migrator.fetchval("SELECT count(*) FROM quota_hold") == 0
    assert (await stand.migrator.fetchval("SELECT coalesce(sum(calls), 0) FROM quota_day")) == 0


async def test_a_look_up_that_never_works_is_not_asked_every_few_seconds(stand: Stand) -> None:
    """Jurnal lets nobody read products: one sale must not spend the day's calls on asking."""
    always(stand, 403, lambda request: request.method == "GET" and "get_product" in request.path)
    await stand.order(1)
    stand.sandbox.calls.clear()
    process = stand.process()
    began = stand.clock.now()
    while stand.clock.now() - began < timedelta(hours=1):
        await stand.step(process)
        await stand.advance(5)
    assert sum(stand.sandbox.calls.values()) < 60, dict(calls(stand))


async def test_todays_sale_goes_before_a_backlog_where_the_quota_is_not_what_is_short(stand: Stand) -> None:
    """A hundred older sales in calls of ten; today's goes before the last of them."""
    process = await warmed(stand, BatchLimits(rows_max=10))
    for number in range(1, 101):
        old = "2026-11-10T02:00:00"
        await stand.order(number, order_date=old, transaction_date=old, transactions=[])
    await stand.order(500)
    for _ in range(5):
        await stand.step(process)
    assert (await stand.statuses())["sale-order-500"] == "Success"


async def test_a_credential_that_is_refused_is_not_tried_at_full_speed(stand: Stand) -> None:
    """A quarter of an hour: the month's package is not spent on it, nor the ledger filled with it."""
    process = await warmed(stand)
    for number in range(1, 21):
        await stand.order(number)
    always(stand, 401, lambda request: request.method == "POST")
    facts = len(await stand.facts())
    began = stand.clock.now()
    while stand.clock.now() - began < timedelta(minutes=15):
        await stand.step(process)
        await stand.advance(5)
    assert sum(stand.sandbox.calls.values()) < 40, dict(calls(stand))
    assert len(await stand.facts()) - facts < 1_000
