"""What a runner remembers from batch to batch: it folds as if it asked for all of it, and asks for less."""

import random
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import asyncpg
import pytest

from eventstore.appender import Appender
from eventstore.clock import ManualClock
from eventstore.connection import Connection, Pool
from eventstore.facts.settings import SETTINGS_STREAM, BooksClosed
from eventstore.follow import Tail, TailLimits
from eventstore.store import LedgerReader
from projections.catalogue import CATALOGUE
from projections.jurnal_commands.fold import JurnalCommands
from projections.rebuild import Rebuilder
from projections.runner import Runner
from tests.folding import all_rows, append_story, fold_all
from tests.integration.test_projections_runner import a_day
from tests.ledger import NOON, STORE, appender_on, service_pool
from tests.story import Story, full_order, own, reported


async def test_the_first_fact_of_an_order_is_folded_without_asking_for_states(
    database_url: str, connection: Connection
) -> None:
    """None can be there. That others are absent is asked once."""
    setting = own(BooksClosed(until=NOON.date()), SETTINGS_STREAM, "closed")
    sale = reported("order", 1, NOON, "webhook", full_order())
    tail, commands = Tail(), JurnalCommands()
    async with service_pool(database_url) as pool, asyncpg.create_pool(database_url, min_size=1, max_size=1) as owners:
        appender = Appender(pool, ManualClock(NOON), on_appended=tail.told)
        runner = Runner(pool, LedgerReader(pool), tail=tail, saves=owners)
        await appender.append(STORE, [setting])
        assert (await runner.step(STORE, commands, epoch=1, facts_max=10)).facts == 1
        await connection.execute("REVOKE SELECT ON projection_state FROM jurnalsync_service")
        await appender.append(STORE, [sale])
        assert (await runner.step(STORE, commands, epoch=1, facts_max=10)).facts == 1
        runner.forget(STORE)
        await appender.append(STORE, [reported("order", 2, NOON, "webhook", full_order(status="void"))])
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await runner.step(STORE, commands, epoch=1, facts_max=10)


@pytest.mark.parametrize("seed", range(5))
async def test_whatever_the_batches_and_restarts_memory_and_tables_agree(
    database_url: str, second_database_url: str, seed: int
) -> None:
    """Folded live in random batches with restarts and foreign appends, rebuilt, and from scratch: the same rows."""
    dice, story = random.Random(seed), _long_day(seed)  # noqa: S311 - a play that can be repeated
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(service_pool(database_url))
        await _fold_at_random(pool, story, dice)
        live = await all_rows(pool)
        rebuilder = Rebuilder(pool, pool, LedgerReader(pool))
        for projection in CATALOGUE.values():
            await rebuilder.fold(STORE, projection, lambda _position, _end: None)
            assert (await rebuilder.compare(STORE, projection)).differences == ()
        other = await stack.enter_async_context(service_pool(second_database_url))
        await append_story(other, story)
        await fold_all(other)
        assert await all_rows(other) == live


def _long_day(seed: int) -> Story:
    story = a_day()
    dice = random.Random(seed)  # noqa: S311 - a play that can be repeated
    for number in range(20):
        order = dice.randrange(6)
        story.order(
            order_id=f"order-{order}", order_reference=f"#{order}", closed_date=f"2026-11-20T19:00:{number:02d}"
        )
    return story


async def _fold_at_random(pool: Pool, story: Story, dice: random.Random) -> None:
    tail = Tail(TailLimits(facts_max=5))
    reader = LedgerReader(pool)
    mine, other = Appender(pool, ManualClock(NOON), on_appended=tail.told), appender_on(pool)
    states_max = dice.choice([2, 500])
    runner, appended = Runner(pool, reader, tail=tail, states_max=states_max), 0
    ways: list[Callable[[], Awaitable[object]]] = [
        lambda: mine.append(STORE, story.new_facts[appended : appended + size]),
        lambda: other.append(STORE, story.new_facts[appended : appended + size]),
    ]
    while appended < len(story.new_facts):
        size = dice.randrange(1, 5)
        await dice.choices(ways, (3, 1))[0]()
        appended += size
        if dice.random() < 0.2:
            runner = Runner(pool, reader, tail=tail, states_max=states_max)
        for projection in dice.sample(sorted(CATALOGUE), 3):
            await runner.step(STORE, CATALOGUE[projection], epoch=1, facts_max=dice.randrange(1, 7))
    for projection in CATALOGUE:
        while (await runner.step(STORE, CATALOGUE[projection], epoch=1, facts_max=dice.randrange(1, 7))).facts:
            pass
