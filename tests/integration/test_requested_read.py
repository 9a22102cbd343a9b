"""A manual sync of a range of dates reads iSeller's orders of it again, against the sandbox iSeller."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from eventstore.facts.settings import SyncRequested
from ops.sandbox.traffic_events import OrderCompleted
from service.iseller.poll import REQUESTED, Polled, Poller
from service.scheduler import request_sync
from tests.integration.iseller_room import NOW, STORE
from tests.integration.test_poller import Branch, branch

__all__ = ["branch"]  # the fixture

STEPS_MAX = 50


async def request_sales(branch: Branch, first: date, last: date) -> None:
    """Let a person ask for a manual sync of sales."""
    requested = SyncRequested(scope="sales", first=first, last=last, actor="owner", reason="webhooks were lost")
    await request_sync(branch.room.appender, branch.room.clock, STORE, requested)


async def until_finished(poller: Poller) -> None:
    """Poll until everything is read."""
    for _ in range(STEPS_MAX):
        if (await poller.step(STORE)).finished:
            return
    raise AssertionError("still reading")


async def read_for_requests(branch: Branch, poller: Poller) -> list[Polled]:
    """Poll once a minute until every request is read for; return the steps."""
    steps: list[Polled] = []
    for _ in range(STEPS_MAX):
        steps.append(await poller.step(STORE))
        if steps[-1].finished and REQUESTED not in steps[-1].endpoints:
            break
        branch.room.clock.advance(timedelta(minutes=1))
    return steps


async def orders_in(branch: Branch) -> set[str]:
    """Return the orders that the ledger knows."""
    return {fact.stream_id.removeprefix("order-") for fact in await branch.room.facts() if fact.type == "OrderReported"}


async def test_an_order_that_was_never_told_is_found_by_a_manual_sync_of_its_date(branch: Branch) -> None:
    """Outside the overlap and the sweep; asked for again, iSeller is read again and nothing is told twice."""
    branch.play(OrderCompleted, orders=6)
    day = NOW.astimezone(ZoneInfo("Asia/Jakarta")).date()
    branch.room.clock.advance(timedelta(days=30))
    poller = branch.poller(page_facts_max=2, pages_per_step_max=2)
    await until_finished(poller)
    assert await orders_in(branch) == set()
    await request_sales(branch, day - timedelta(days=20), day - timedelta(days=10))
    await request_sales(branch, day, day)
    branch.room.clock.advance(timedelta(minutes=1))
    steps = await read_for_requests(branch, poller)
    assert await orders_in(branch) == set(branch.shop.orders)
    assert max(step.endpoints[REQUESTED].pages for step in steps if REQUESTED in step.endpoints) == 2
    # The range before it ends with the first page, all of whose orders are later.
    assert len([form for form in branch.calls("GetOrders") if form["sort"] == "CreatedDate"]) == 1 + 3
    await request_sales(branch, day, day)
    branch.room.clock.advance(timedelta(minutes=1))
    again = (await branch.poller(pages_per_step_max=50).step(STORE)).endpoints[REQUESTED]
    assert (again.finished, again.appended, again.duplicates) == (True, 0, len(branch.shop.orders))


async def test_a_requested_read_goes_on_where_it_was_cut_off(branch: Branch) -> None:
    """An outage or a new process repeats no page that is appended, and other reads go on meanwhile."""
    branch.play(OrderCompleted, orders=6)
    day = NOW.astimezone(ZoneInfo("Asia/Jakarta")).date()
    branch.room.clock.advance(timedelta(days=30))
    await until_finished(branch.poller())
    await request_sales(branch, day, day)
    branch.asked.clear()
    await branch.poller(page_facts_max=2, pages_per_step_max=1).step(STORE)
    branch.broken.add("GetOrders")
    broken = await branch.poller(page_facts_max=2, pages_per_step_max=1).step(STORE)
    assert set(broken.errors) == {"GetOrders", REQUESTED}
    branch.broken.clear()
    for _ in range(STEPS_MAX):
        step = await branch.poller(page_facts_max=2, pages_per_step_max=1).step(STORE)
        if REQUESTED not in step.endpoints:
            break
    pages = [form["page"] for form in branch.calls("GetOrders") if form["sort"] == "CreatedDate"]
    assert pages == ["1", "2", "2", "3"]
    assert await orders_in(branch) == set(branch.shop.orders)
