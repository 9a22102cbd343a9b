"""Followers of several processes: who wakes whom, who folds what, and what none of them may skip."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import NamedTuple
from uuid import uuid4

import asyncpg
import pytest

from eventstore.appender import Appender, OnAppended
from eventstore.clock import ManualClock, SystemClock
from eventstore.connection import Connection, Pool
from eventstore.errors import LeaseLost, LedgerGap
from eventstore.event import NewFact
from eventstore.facts.settings import SETTINGS_STREAM, BooksClosed
from eventstore.follow import PageReader, Tail, TailLimits
from eventstore.lease import SharedStores, StoreLeases
from eventstore.store import LedgerReader, open_ledger
from eventstore.wake import WakeLine, open_line
from projections.catalogue import CATALOGUE
from projections.runner import Runner
from service.failing import Failing
from service.followers import Followers, FollowLimits
from service.telemetry.metrics import Metrics
from tests.folding import all_rows, fold_all
from tests.integration.test_projections_runner import a_day
from tests.ledger import NOON, OTHER_STORE, STORE, appender_on, member, service_pool
from tests.story import full_order, own, reported

SECONDS_MAX = 20
# So rarely that a test which waits for it fails.
NEVER = 3_600.0


class Process(NamedTuple):
    """What one process of the service has."""

    pool: Pool
    appender: Appender
    followers: Followers
    line: WakeLine
    shared: SharedStores

    async def until_folded(self, position: int) -> None:
        """Step whenever woken, until a projection stands at `position`."""
        async with asyncio.timeout(SECONDS_MAX):
            while True:
                self.followers.woken.clear()
                more = (await self.followers.step()).more
                if await folded_position(self.pool) >= position:
                    return
                if not more:
                    await self.followers.woken.wait()


async def folded_position(pool: Pool) -> int:
    """Return how far the projection that is folded last has come."""
    position = await pool.fetchval("SELECT position FROM projection_cursor WHERE projection = 'in_transit_stock'")
    return position or 0


@asynccontextmanager
async def process_on(url: str, *, look_seconds: float = NEVER, lease_seconds: float = 10) -> AsyncIterator[Process]:
    """Open what one process has."""
    async with service_pool(url) as pool:
        leases, tail, clock = StoreLeases(pool, uuid4(), lease_seconds=lease_seconds), Tail(), SystemClock()
        shared, metrics = SharedStores(leases), Metrics("test")
        followers = Followers(
            pool=pool,
            clock=clock,
            shared=shared,
            runner=Runner(pool, LedgerReader(pool), tail=tail),
            tail=tail,
            metrics=metrics,
            failing=Failing(clock, metrics),
            limits=FollowLimits(5_000, look_seconds),
        )
        line = WakeLine(partial(open_line, url, statement_cache_size=100), followers.told, reconnect_seconds=0.05)
        followers.listen_on(line)
        yield Process(pool, Appender(pool, clock, on_appended=followers.appended), followers, line, shared)
        await line.close()


async def end_wake_connections(connection: Connection) -> None:
    """Kill the backends of all wake lines."""
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'jurnalsync wake' AND datname = current_database()"
    )


async def until(true: Callable[[], bool]) -> None:
    """Return once something holds; fail if it never does."""
    async with asyncio.timeout(SECONDS_MAX):
        while not true():  # noqa: ASYNC110 - a connection's end sets no event of ours
            await asyncio.sleep(0.01)


async def test_an_append_in_one_process_wakes_the_follower_of_another(database_url: str) -> None:
    """By NOTIFY after the commit: the next look at the database would be an hour away."""
    async with process_on(database_url) as folds, process_on(database_url) as appends:
        await folds.followers.step()
        assert folds.line.is_open
        await appends.line.keep()
        for number in range(1, 4):
            await appends.appender.append(STORE, [member(number)])
            await folds.until_folded(number)


async def test_after_a_sale_commands_are_folded_first_and_after_a_setting_in_order(database_url: str) -> None:
    """A sale need not wait for what it does not change; a command never meets a setting older than itself."""
    sale = reported("order", 1, NOON, "webhook", full_order())
    setting = own(BooksClosed(until=NOON.date()), SETTINGS_STREAM, "closed")
    async with process_on(database_url) as process:
        await process.followers.step()
        for number, (fact, first) in enumerate(((setting, "store_settings"), (sale, "jurnal_commands")), 1):
            await process.appender.append(STORE, [fact])
            await process.until_folded(number)
            folded = await process.pool.fetch("SELECT projection FROM projection_cursor ORDER BY folded_at")
            assert folded[0]["projection"] == first


async def test_a_store_that_cannot_be_folded_leaves_the_others_running(
    database_url: str, connection: Connection
) -> None:
    """Its cursor stays where it is; in the same step another store is folded, and later it is, too."""
    await connection.execute(
        "CREATE FUNCTION deadlock() RETURNS trigger LANGUAGE plpgsql"
        " AS $$ BEGIN RAISE EXCEPTION 'made up' USING ERRCODE = 'deadlock_detected'; END $$"
    )
    await connection.execute(
        "CREATE TRIGGER deadlock BEFORE UPDATE ON projection_cursor FOR EACH ROW"
        f" WHEN (NEW.store_id = '{STORE}') EXECUTE FUNCTION deadlock()"
    )
    async with process_on(database_url, look_seconds=0) as process:
        for store_id in (STORE, OTHER_STORE):
            await process.appender.append(store_id, [member(1)])
        await process.followers.step()
        folded = "SELECT store_id FROM projection_cursor WHERE position = 1 AND projection = 'in_transit_stock'"
        assert [record["store_id"] for record in await process.pool.fetch(folded)] == [OTHER_STORE]
        await connection.execute("DROP TRIGGER deadlock ON projection_cursor")
        await process.followers.step()
        assert len(await process.pool.fetch(folded)) == 2


async def test_what_this_process_appended_is_folded_without_asking_the_ledger(
    database_url: str, connection: Connection
) -> None:
    """From memory: the facts are folded although nobody may read them from the table."""
    async with process_on(database_url) as alone:
        await alone.appender.append(STORE, [member(1)])
        await alone.until_folded(1)
        await connection.execute("REVOKE SELECT ON facts FROM jurnalsync_service")
        # That they stand in the ledger is asked all the same.
        await connection.execute("GRANT SELECT (store_id, position, hash) ON facts TO jurnalsync_service")
        tail = [member(2), member(3)]
        await append_as_owner(database_url, tail, alone.followers.appended)
        await alone.until_folded(3)


async def test_an_append_to_a_store_that_this_process_folds_tells_nobody(
    database_url: str, connection: Connection
) -> None:
    """Nobody else could do anything with it; of what another process folds it is told."""
    told: list[object] = []
    await connection.add_listener("jurnalsync_appended", lambda *heard: told.append(heard[-1]))
    async with process_on(database_url) as process:
        await process.followers.step()
        await process.appender.append(STORE, [member(1)])
        await process.until_folded(1)
        await open_ledger(process.pool, "susu-segar", recorded_at=NOON)
        await process.appender.append("susu-segar", [member(1)])
        await until(lambda: bool(told))
    assert told == ["susu-segar"]


async def append_as_owner(url: str, facts: list[NewFact], on_appended: OnAppended) -> None:
    """Append as the owner of the tables."""
    async with asyncpg.create_pool(url, min_size=1, max_size=1) as pool:
        await Appender(pool, ManualClock(NOON), on_appended=on_appended).append(STORE, facts)


async def test_an_append_to_a_store_of_another_process_renews_nothing_here(database_url: str) -> None:
    """Only a store that was given up, or a line that was lost, makes a process look for its share."""
    async with process_on(database_url) as first, process_on(database_url) as second:
        for _ in range(3):
            for process in (first, second):
                await process.followers.step()
                process.shared.renew_soon()
        (not_mine,) = first.shared.held()
        await second.followers.step()
        leases = "SELECT * FROM store_lease ORDER BY store_id, purpose"
        before = await second.pool.fetch(leases)
        second.followers.woken.clear()
        second.followers.told(not_mine)
        assert not second.followers.woken.is_set()
        await second.followers.step()
        assert await second.pool.fetch(leases) == before
        second.followers.told(None)
        await second.followers.step()
        assert await second.pool.fetch(leases) != before


async def test_a_lost_wake_line_falls_back_to_polling_and_is_made_again(
    database_url: str, connection: Connection
) -> None:
    """Nothing is missed in between, and NOTIFY wakes again afterwards."""
    async with process_on(database_url, look_seconds=0.02) as folds, process_on(database_url) as appends:
        await folds.followers.step()
        await end_wake_connections(connection)
        await until(lambda: not folds.line.is_open)
        await appends.appender.append(STORE, [member(1)])
        async with asyncio.timeout(SECONDS_MAX):
            while await folded_position(folds.pool) < 1 or not folds.line.is_open:
                await folds.followers.step()
                await asyncio.sleep(0.02)
        await appends.line.keep()
        folds.followers.woken.clear()
        await appends.appender.append(STORE, [member(2)])
        await asyncio.wait_for(folds.followers.woken.wait(), SECONDS_MAX)


async def test_polling_folds_what_no_notify_told_of(database_url: str) -> None:
    """Another process appended and told nobody."""
    async with process_on(database_url, look_seconds=0) as folds:
        await folds.followers.step()
        await appender_on(folds.pool).append(STORE, [member(1)])
        assert (await folds.followers.step()).facts == len(CATALOGUE)


async def test_stores_are_shared_by_all_processes_and_taken_over_from_one_that_ends(database_url: str) -> None:
    """Each has its share, none is held twice, and what one gives up another takes at once."""
    async with process_on(database_url) as one, process_on(database_url) as two:
        for number in range(8):
            await open_ledger(one.pool, f"store-{number}", recorded_at=NOON)
        stores = await LedgerReader(one.pool).stores()
        await one.shared.renew(stores)
        assert set(one.shared.held()) == set(stores)
        await two.shared.renew(stores)
        assert two.shared.held() == {}
        given_up = await one.shared.renew(stores)
        await two.shared.renew(stores)
        assert set(two.shared.held()) == set(given_up)
        assert len(one.shared.held()) == len(two.shared.held()) == len(stores) // 2
        assert not one.shared.held().keys() & two.shared.held().keys()
        await one.followers.release()
        await two.shared.renew(stores)
        assert set(two.shared.held()) == set(stores)


async def test_a_process_that_could_not_renew_holds_nothing(database_url: str) -> None:
    """Once a lease may have run out, memory does not answer for it any more."""
    async with process_on(database_url, lease_seconds=0.01) as late:
        await late.shared.renew([STORE])
        await asyncio.sleep(0.02)
        assert late.shared.held() == {}


async def test_a_runner_whose_lease_was_taken_writes_nothing_and_forgets(database_url: str) -> None:
    """It folds in memory what it appended; the later owner has moved the cursor meanwhile."""
    story = a_day()
    projection, tail = CATALOGUE["jurnal_commands"], Tail()
    async with service_pool(database_url) as pool:
        reader = LedgerReader(pool)
        runner = Runner(pool, reader, tail=tail)
        appender = Appender(pool, ManualClock(NOON), on_appended=tail.told)
        await appender.append(STORE, story.new_facts[:8])
        assert (await runner.step(STORE, projection, epoch=1, facts_max=6)).position == 6
        await Runner(pool, reader).step(STORE, projection, epoch=2, facts_max=1)
        await appender.append(STORE, story.new_facts[8:])
        before = await all_rows(pool)
        with pytest.raises(LeaseLost):
            await runner.step(STORE, projection, epoch=1, facts_max=100)
        assert await all_rows(pool) == before
        assert (await runner.step(STORE, projection, epoch=3, facts_max=100)).position == len(story.facts)
        await fold_all(pool, epoch=3)
        by_memory = await all_rows(pool)
    assert len(by_memory["command"]) == len(story.commands)


async def test_a_follower_that_meets_a_gap_raises_instead_of_going_on(
    database_url: str, connection: Connection
) -> None:
    """Wherever in a page the fact is missing; the cursor stays in front of it."""
    async with service_pool(database_url) as pool:
        await appender_on(pool).append(STORE, [member(number) for number in range(1, 10)])
        await connection.execute("SET session_replication_role = 'replica'")
        await connection.execute("DELETE FROM facts WHERE store_id = $1 AND position = 5", STORE)
        projection = CATALOGUE["store_settings"]
        runner = Runner(pool, LedgerReader(pool))
        with pytest.raises(LedgerGap, match="expected position 5, found 6"):
            await runner.step(STORE, projection, epoch=1, facts_max=100)
        assert (await runner.step(STORE, projection, epoch=1, facts_max=2)).position == 2
        assert (await runner.step(STORE, projection, epoch=1, facts_max=2)).position == 4
        for _ in range(2):
            with pytest.raises(LedgerGap):
                await runner.step(STORE, projection, epoch=1, facts_max=2)


async def test_pages_follow_each_other_to_the_end(database_url: str) -> None:
    """Whatever the size of a page, the next one on its way or not."""
    async with service_pool(database_url) as pool:
        await appender_on(pool).append(STORE, [member(number) for number in range(1, 11)])
        for page_facts in (1, 3, 10, 99):
            pages = PageReader(pool, LedgerReader(pool), STORE, page_facts)
            seen: list[int] = []
            while len(seen) < 10:
                seen += [fact.position for fact in await pages.after(len(seen), 10)]
            assert seen == list(range(1, 11))
            assert [fact.position for fact in await pages.after(3, 5)] == [4, 5][:page_facts]
            await pages.close()


async def test_a_tail_gives_only_what_follows_without_a_gap(database_url: str) -> None:
    """What another process appended in between must be read from the table."""
    async with service_pool(database_url) as pool:
        tail = Tail(TailLimits(facts_max=3))
        mine, other = Appender(pool, ManualClock(NOON), on_appended=tail.told), appender_on(pool)
        await mine.append(STORE, [member(1), member(1), member(2)])
        assert [fact.position for fact in tail.after(STORE, 0, 9)] == [1, 2]
        assert [fact.position for fact in tail.after(STORE, 1, 9)] == [2]
        assert tail.after(STORE, 2, 9) == ()
        await other.append(STORE, [member(3)])
        await mine.append(STORE, [member(4)])
        assert tail.after(STORE, 2, 9) == ()
        assert [fact.position for fact in tail.after(STORE, 3, 9)] == [4]
        await mine.append(STORE, [member(number) for number in range(5, 9)])
        assert tail.after(STORE, 3, 9) == ()
        assert [fact.position for fact in tail.after(STORE, 5, 2)] == [6, 7]


async def test_read_models_are_folded_once_the_commands_of_their_facts_were_told_of(database_url: str) -> None:
    """What may be sent goes first: who is told of commands sees none of their facts in the read models yet."""
    seen: list[tuple[str, int]] = []
    async with process_on(database_url) as process:

        async def told(store_id: str) -> None:
            seen.append((store_id, await folded_position(process.pool)))

        process.followers.tell(told)
        await process.followers.step()
        await process.appender.append(STORE, [reported("order", 1, NOON, "webhook", full_order())])
        await process.until_folded(1)
    assert seen == [(STORE, 0)]


async def test_what_is_in_memory_is_folded_before_the_database_is_asked_for_more(database_url: str) -> None:
    """A look is due with every step here, and is made behind the fold: it hears of what another process appended."""
    async with process_on(database_url, look_seconds=0) as folds, service_pool(database_url) as pool:
        await folds.followers.step()
        await folds.appender.append(STORE, [member(1)])
        await appender_on(pool).append(OTHER_STORE, [member(1)])
        assert (await folds.followers.step()).more
        assert (await folds.followers.step()).facts > 0
        assert not (await folds.followers.step()).more
