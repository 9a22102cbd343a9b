"""Real processes that are killed, or stopped while their leases run out: exactly one document, and right books."""

import asyncio

import pytest
from aiohttp import web

from ops.sandbox.demo_settle import until
from tests.acceptance.living_house import (
    STEP_SECONDS_MAX,
    Living,
    Stopped,
    assert_right,
    living_house,
    sends_invoices,
    sends_several_invoices,
)

pytestmark = pytest.mark.acceptance

ORDERS = 12
SECONDS_MAX = 150


async def test_a_process_killed_while_jurnal_answers_leaves_one_document_that_shows_success() -> None:
    """SIGKILL with the answer under way, and a new start: looked up, found, and the books are right."""
    async with asyncio.timeout(SECONDS_MAX), living_house(orders=ORDERS) as living:
        house = living.house
        stopped = Stopped(house, house.service, sends_invoices)
        await living.happens(0, 1 / 2, is_heard=False)
        await stopped.wait()
        await house.service.kill()
        await house.start_service()
        await living.happens(1 / 2, 1)
        assert_right(await living.settled())
        await assert_found(living, stopped)


async def test_a_process_stopped_past_its_leases_wakes_up_beside_another_and_doubles_nothing() -> None:
    """SIGSTOP with the answer under way; a replica goes on with everything; SIGCONT, and the rest happens beside it."""
    async with asyncio.timeout(SECONDS_MAX), living_house(orders=ORDERS) as living:
        house = living.house
        await house.service.stop()
        # What waits for it when it starts goes in calls of several.
        await living.happens(0, 1 / 2, is_heard=False)
        sleeper = house.replica()
        stopped = Stopped(house, sleeper, sends_several_invoices)
        await sleeper.start()
        await stopped.wait()
        assert len(stopped.made) > 1
        await house.start_service()
        await living.happens(1 / 2, 3 / 4)

        async def is_found() -> bool:
            return await living.are_found(stopped.made)

        # Only who has its leases looks for what it sent.
        await until(house, "another process finding what the sleeper sent", is_found, STEP_SECONDS_MAX)
        sleeper.resume()
        await living.happens(3 / 4, 1)
        assert_right(await living.settled())
        await assert_found(living, stopped)
        assert house.jurnal.gate.quota_refusals == 0
        sleeper.check()
        assert await sleeper.stop() == 0
        assert "Traceback" not in sleeper.log_tail()


async def test_a_process_stopped_before_it_sends_wakes_up_without_its_lease_and_sends_nothing() -> None:
    """SIGSTOP while it asks for what an invoice names; another books them all; SIGCONT, and its turn is over."""
    async with asyncio.timeout(SECONDS_MAX), living_house(orders=ORDERS, deadline_seconds=SECONDS_MAX) as living:
        house = living.house
        await house.service.stop()
        await living.happens(0, 1 / 2, is_heard=False)
        sleeper = house.replica()

        def asks_for_invoices(request: web.Request) -> bool:
            # Nothing but an invoice is rounded.
            return request.query.get("q") == house.scenario.rounding_sku

        stopped = Stopped(house, sleeper, asks_for_invoices)
        await sleeper.start()
        await stopped.wait()
        await house.start_service()
        await living.happens(1 / 2, 1)
        assert_right(await living.settled())
        sleeper.resume()
        # What it was about to do comes to its end before it stops.
        assert await sleeper.stop() == 0
        assert_right(await living.settled())
        assert [await stopped.sendings(number) for number in stopped.invoices()] == [1] * len(stopped.invoices())
        assert "Traceback" not in sleeper.log_tail()


async def assert_found(living: Living, stopped: Stopped) -> None:
    """Each invoice of the call has one line, which is Success, was sent in one call, and is there once."""
    assert stopped.made
    seen = {
        number: (await living.statuses(number), await stopped.sendings(number), stopped.invoices().count(number))
        for number in stopped.made
    }
    assert seen == {number: (["Success"], 1, 1) for number in stopped.made}
