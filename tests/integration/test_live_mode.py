"""Live Mode: a clean preflight turns it on, once, and nothing goes to Jurnal before."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
from structlog.testing import capture_logs

from eventstore.facts.settings import LiveModeActivated
from service.live_mode import Activated, LiveMode, NotClean
from tests.integration.dispatcher.checking import preflight_of
from tests.integration.dispatcher.stand import Stand, open_stand
from tests.ledger import NOON, STORE
from tests.story import CONNECTION


@pytest.fixture
async def stand(database_url: str) -> AsyncIterator[Stand]:
    """Give a store that is connected and not live."""
    async with open_stand(database_url) as opened:
        await opened.connect(live=False)
        yield opened


def live_mode_of(stand: Stand) -> LiveMode:
    """Return the switch of another process."""
    return LiveMode(stand.reader, stand.appender, preflight_of(stand), stand.clock)


async def test_a_clean_preflight_turns_live_mode_on_and_a_fact_says_who_and_when(stand: Stand) -> None:
    """One fact in the settings stream."""
    activated = await live_mode_of(stand).activate(STORE, "ibu.rina")
    assert isinstance(activated, Activated)
    assert activated.fact == LiveModeActivated(actor="ibu.rina", activated_at=NOON)
    (fact,) = await stand.facts("LiveModeActivated")
    assert fact.position == activated.position


async def test_the_activation_is_logged_once(stand: Stand) -> None:
    """The store and the fact; who did it stands in the ledger."""
    with capture_logs() as logged:
        activated = await live_mode_of(stand).activate(STORE, "ibu.rina")
        await live_mode_of(stand).activate(STORE, "ibu.rina")
    assert isinstance(activated, Activated)
    told = {"event": "live_mode_activated", "log_level": "info", "store": STORE, "position": activated.position}
    assert [line for line in logged if line["event"] == "live_mode_activated"] == [told]


async def test_a_preflight_that_is_not_clean_leaves_it_off(database_url: str) -> None:
    """The findings are the answer, and no fact is appended."""
    async with open_stand(database_url) as stand:
        await stand.connect(msgspec.structs.replace(CONNECTION, walk_in_contact="Nobody"), live=False)
        answer = await live_mode_of(stand).activate(STORE, "ibu.rina")
        assert isinstance(answer, NotClean)
        assert [problem.subject for problem in answer.problems] == ["Nobody"]
        assert await stand.facts("LiveModeActivated") == []


async def test_a_second_activation_answers_the_first(stand: Stand) -> None:
    """Whoever asks again learns who did it and since when; no preflight is needed for that."""
    first = await live_mode_of(stand).activate(STORE, "ibu.rina")
    await stand.advance(60)
    await stand.migrator.execute("DELETE FROM credential")
    assert await live_mode_of(stand).activate(STORE, "pak.budi") == first
    assert len(await stand.facts("LiveModeActivated")) == 1


async def test_activations_at_once_make_one_fact(stand: Stand) -> None:
    """All are answered with the same activation."""
    switches = [live_mode_of(stand) for _ in range(4)]
    answers = await asyncio.gather(*(switch.activate(STORE, f"operator-{n}") for n, switch in enumerate(switches)))
    assert len({(answer.position, answer.fact.actor) for answer in answers if isinstance(answer, Activated)}) == 1
    assert all(isinstance(answer, Activated) for answer in answers)
    assert len(await stand.facts("LiveModeActivated")) == 1


async def test_nothing_is_sent_before_live_mode_and_what_came_before_stays_skipped(stand: Stand) -> None:
    """The order before is Skipped for good; the one after is booked."""
    process = stand.process()
    await stand.order(1)
    assert (await stand.step(process)).did == "nothing"
    assert await stand.statuses() == {"sale-order-1": "Skipped"}
    await live_mode_of(stand).activate(STORE, "ibu.rina")
    await stand.fold()
    await stand.order(2)
    await stand.until_quiet(process)
    assert await stand.statuses() == {"sale-order-1": "Skipped", "sale-order-2": "Success"}
    assert stand.documents("sales_invoice") == 1
