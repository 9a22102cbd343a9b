"""Real processes that are killed, or stopped while their leases run out: exactly one document, and right books."""

import asyncio

import pytest

from ops.sandbox.demo_day import Day
from ops.sandbox.demo_settle import until
from tests.acceptance.living_house import STEP_SECONDS_MAX, HeldAnswer, assert_right, living_house

pytestmark = pytest.mark.acceptance

ORDERS = 12
SECONDS_MAX = 150


async def test_a_process_killed_while_jurnal_answers_leaves_one_document_that_shows_success() -> None:
    """SIGKILL with the answer under way, and a new start: looked up, found, and the books are right."""
    async with asyncio.timeout(SECONDS_MAX), living_house(orders=ORDERS) as living:
        house = living.house
        held = HeldAnswer(house)

        async def kill_and_restart() -> None:
            await held.wait()
            await house.service.kill()
            await house.start_service()

        await Day(house, living.traffic, {len(living.traffic.events) // 2: kill_and_restart}).play()
        report = await living.settled()
        assert_right(report)
        assert [record["status"] for record in await living.records_of(held.numbers)] == ["Success"]
        made = [str(invoice.name) for invoice in house.jurnal.company.sales_invoices]
        assert [made.count(number) for number in held.numbers] == [1]


async def test_a_process_stopped_past_its_leases_wakes_up_beside_another_and_doubles_nothing() -> None:
    """SIGSTOP with the answer under way; a replica goes on with everything; SIGCONT, and both work together."""
    async with asyncio.timeout(SECONDS_MAX), living_house(orders=ORDERS) as living:
        house, events = living.house, len(living.traffic.events)
        await house.service.stop()
        sleeper = await house.start_replica()
        held = HeldAnswer(house)

        async def stop_the_sleeper() -> None:
            await held.wait()
            sleeper.pause()
            await house.start_service()
            day.service_is_back()

        async def wake_the_sleeper() -> None:
            async def is_found() -> bool:
                return [record["status"] for record in await living.records_of(held.numbers)] == ["Success"]

            # Only who has its leases looks for what it sent.
            await until(house, "another process finding what the sleeper sent", is_found, STEP_SECONDS_MAX)
            sleeper.resume()

        day = Day(house, living.traffic, {events // 2: stop_the_sleeper, events * 3 // 4: wake_the_sleeper})
        day.service_goes_down()
        await day.play()
        report = await living.settled()
        assert_right(report)
        assert house.jurnal.gate.quota_refusals == 0
        sleeper.check()
        assert await sleeper.stop() == 0
        assert "Traceback" not in sleeper.log_tail()
