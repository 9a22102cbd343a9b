"""Sync windows open when a store's clock says so: in virtual time, each once, whoever looks."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from eventstore.appender import Appender
from eventstore.clock import ManualClock
from eventstore.connection import Pool
from eventstore.facts.registry import decode
from eventstore.facts.settings import StoreConnected, SyncWindowOpened, TransferSync
from eventstore.store import LedgerReader
from service.scheduler import Scheduled, Scheduler
from tests.folding import fold_all, tell
from tests.ledger import NOON, STORE, service_pool
from tests.story import CONNECTION, Story
from tests.unit.projections.transfer_reports import START, transfer

# NOON is 12:00 in Jakarta.
SCHEDULED = msgspec.structs.replace(CONNECTION, transfer_sync=TransferSync("scheduled", ("09:00", "18:00")))
SIX = datetime(2026, 11, 20, 11, tzinfo=UTC)
NINE = datetime(2026, 11, 21, 2, tzinfo=UTC)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """Give a pool with the ledgers opened."""
    async with service_pool(database_url) as opened:
        yield opened


def scheduler_at(pool: Pool, clock: ManualClock) -> Scheduler:
    """Return a scheduler with a memory of its own, as another process has one."""
    return Scheduler(pool, Appender(pool, clock), clock)


async def store_with(pool: Pool, connection: StoreConnected, *, live: bool = True) -> Story:
    """Set the store up at noon; return its story."""
    story = Story(live=live, connection=connection)
    await tell(pool, story)
    return story


async def windows(pool: Pool) -> list[datetime]:
    """Return until when each window in the ledger lets go, in the order of the ledger."""
    facts = await LedgerReader(pool).read_stream(STORE, "sync-transfers", facts_max=100)
    meanings = [decode(fact) for fact in facts]
    return [meaning.until for meaning in meanings if isinstance(meaning, SyncWindowOpened)]


async def test_a_window_opens_when_its_time_has_come_and_only_once(pool: Pool) -> None:
    """Nothing before 18:00, one fact at 18:00, none more until 09:00."""
    await store_with(pool, SCHEDULED)
    clock = ManualClock(NOON)
    scheduler = scheduler_at(pool, clock)
    seen = []
    for _ in range(24 * 4):
        if (await scheduler.step(STORE)).is_new:
            seen.append(clock.now())
        clock.advance(timedelta(minutes=15))
    assert seen == [SIX, NINE]
    assert await windows(pool) == [SIX, NINE]


async def test_of_several_processes_one_opens_a_window(pool: Pool) -> None:
    """All see the same moment and the same source id; the others are told that it is there."""
    await store_with(pool, SCHEDULED)
    clock = ManualClock(SIX)
    steps = [await scheduler_at(pool, clock).step(STORE) for _ in range(3)]
    assert steps == [Scheduled(SIX, is_new=True), Scheduled(SIX), Scheduled(SIX)]
    assert await windows(pool) == [SIX]


async def test_windows_that_were_missed_are_covered_by_the_last_one(pool: Pool) -> None:
    """After two days without a process, one window lets go everything up to its time."""
    await store_with(pool, SCHEDULED)
    clock = ManualClock(NOON + timedelta(days=2))
    await scheduler_at(pool, clock).step(STORE)
    assert await windows(pool) == [datetime(2026, 11, 22, 2, tzinfo=UTC)]


async def test_a_clock_that_is_set_back_opens_nothing_twice(pool: Pool) -> None:
    """The window it comes to again is known in the ledger."""
    await store_with(pool, SCHEDULED)
    clock = ManualClock(SIX)
    scheduler = scheduler_at(pool, clock)
    await scheduler.step(STORE)
    clock.advance(timedelta(hours=15))
    await scheduler.step(STORE)
    clock.advance(timedelta(hours=-15))
    assert not (await scheduler.step(STORE)).is_new
    assert await windows(pool) == [SIX, NINE]


@pytest.mark.parametrize(
    ("sync", "live"),
    [(TransferSync("manual"), True), (TransferSync("real_time"), True), (SCHEDULED.transfer_sync, False)],
    ids=["by hand", "at once", "not live"],
)
async def test_a_store_without_a_schedule_or_not_yet_live_has_no_windows(
    pool: Pool, sync: TransferSync, live: bool
) -> None:
    """Nothing waits for a time there."""
    await store_with(pool, msgspec.structs.replace(CONNECTION, transfer_sync=sync), live=live)
    assert await scheduler_at(pool, ManualClock(SIX)).step(STORE) == Scheduled()
    assert await windows(pool) == []


async def test_a_window_of_before_live_mode_is_not_opened(pool: Pool) -> None:
    """Live Mode began at noon; 09:00 of that day has nothing to let go."""
    await store_with(pool, SCHEDULED)
    assert await scheduler_at(pool, ManualClock(NOON + timedelta(hours=1))).step(STORE) == Scheduled()


async def test_an_opened_window_lets_waiting_transfers_go_in_the_tables(pool: Pool) -> None:
    """Held until 18:00, booked by the fact of 18:00, the command due from then on."""
    story = await store_with(pool, SCHEDULED)
    story.report("transfer", transfer(START))
    await tell(pool, story)
    told = "SELECT state || ': ' || coalesce(reason, '') FROM sync_record WHERE store_id = $1"
    assert await pool.fetchval(told, STORE) == "held: Waits for the transfer sync of 2026-11-20 18:00"
    await scheduler_at(pool, ManualClock(SIX)).step(STORE)
    await fold_all(pool)
    assert await pool.fetchval(told, STORE) == "booking: "
    assert await pool.fetchval("SELECT count(*) FROM command WHERE store_id = $1", STORE) == 1
    assert await pool.fetchval("SELECT sum(in_transit) FROM in_transit_stock WHERE store_id = $1", STORE) == 7
