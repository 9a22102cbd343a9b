"""Sync windows open when a store's clock says so: in virtual time, each once, whoever looks."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from eventstore.appender import Appender
from eventstore.clock import ManualClock
from eventstore.connection import Pool
from eventstore.facts.registry import decode
from eventstore.facts.settings import (
    LiveModeActivated,
    SalesRulesSet,
    SalesSync,
    StoreConnected,
    SyncWindowOpened,
    TransferSync,
)
from eventstore.store import LedgerReader
from service.scheduler import Opened, Scheduler
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


async def windows(pool: Pool, scope: str = "transfers") -> list[datetime]:
    """Return until when each window in the ledger lets go, in the order of the ledger."""
    facts = await LedgerReader(pool).read_stream(STORE, f"sync-{scope}", facts_max=100)
    meanings = [decode(fact) for fact in facts]
    return [meaning.until for meaning in meanings if isinstance(meaning, SyncWindowOpened)]


async def test_a_window_opens_when_its_time_has_come_and_only_once(pool: Pool) -> None:
    """Nothing before 18:00, one fact at 18:00, none more until 09:00."""
    await store_with(pool, SCHEDULED)
    clock = ManualClock(NOON)
    scheduler = scheduler_at(pool, clock)
    seen = []
    for _ in range(24 * 4):
        if any(window.is_new for window in await scheduler.step(STORE)):
            seen.append(clock.now())
        clock.advance(timedelta(minutes=15))
    assert seen == [SIX, NINE]
    assert await windows(pool) == [SIX, NINE]


async def test_of_several_processes_one_opens_a_window(pool: Pool) -> None:
    """All see the same moment and the same source id; the others are told that it is there."""
    await store_with(pool, SCHEDULED)
    clock = ManualClock(SIX)
    steps = [await scheduler_at(pool, clock).step(STORE) for _ in range(3)]
    assert steps == [(Opened("transfers", SIX, is_new=new),) for new in (True, False, False)]
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
    assert [window.is_new for window in await scheduler.step(STORE)] == [False]
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
    assert await scheduler_at(pool, ManualClock(SIX)).step(STORE) == ()
    assert await windows(pool) == []


async def test_a_window_of_before_live_mode_is_not_opened(pool: Pool) -> None:
    """Live Mode began at noon; 09:00 of that day has nothing to let go."""
    await store_with(pool, SCHEDULED)
    assert await scheduler_at(pool, ManualClock(NOON + timedelta(hours=1))).step(STORE) == ()


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


def sales(mode: str, *times: str) -> SalesRulesSet:
    """Return rules by which sales go."""
    return SalesRulesSet(sync=msgspec.convert({"mode": mode, "times": times}, SalesSync))


async def store_selling(pool: Pool, rules: SalesRulesSet, connection: StoreConnected = CONNECTION) -> Story:
    """Set a live store up that sells by these rules; return its story."""
    story = Story(connection=connection)
    story.set(rules)
    await tell(pool, story)
    return story


@pytest.mark.parametrize("mode", ["scheduled", "shift_closing"])
async def test_sales_have_windows_of_their_own(pool: Pool, mode: str) -> None:
    """Also where they go with their shifts: the daily time is for those without a register."""
    await store_selling(pool, sales(mode, "18:00"), SCHEDULED)
    assert await scheduler_at(pool, ManualClock(SIX)).step(STORE) == (
        Opened("transfers", SIX, is_new=True),
        Opened("sales", SIX, is_new=True),
    )
    assert await windows(pool, "sales") == await windows(pool, "transfers") == [SIX]


@pytest.mark.parametrize("rules", [sales("real_time"), sales("shift_closing")], ids=["at once", "no daily time"])
async def test_sales_without_a_time_have_no_windows(pool: Pool, rules: SalesRulesSet) -> None:
    """Nothing waits for a time there."""
    await store_selling(pool, rules)
    assert await scheduler_at(pool, ManualClock(SIX)).step(STORE) == ()


async def test_sales_windows_that_were_missed_are_covered_by_the_last_one(pool: Pool) -> None:
    """After two days without a process every sale that waits goes with one window."""
    story = await store_selling(pool, sales("scheduled", "09:00", "18:00"))
    for day in (20, 21):
        story.order(order_id=f"o{day}", order_date=f"2026-11-{day}T05:00:00")
    await tell(pool, story)
    await scheduler_at(pool, ManualClock(NOON + timedelta(days=2))).step(STORE)
    await fold_all(pool)
    assert await windows(pool, "sales") == [datetime(2026, 11, 22, 2, tzinfo=UTC)]
    booked = await pool.fetch("SELECT order_id FROM invoice_payment ORDER BY order_id")
    assert [record["order_id"] for record in booked] == ["o20", "o21"]


async def test_a_day_without_the_windows_hour_still_has_its_window_once(pool: Pool) -> None:
    """Summer time starts at 02:00 of 29 March 2026 in Berlin: 02:30 is skipped, its window opens once that morning."""
    berlin = msgspec.structs.replace(CONNECTION, time_zone="Europe/Berlin")
    story = Story(live=False, connection=berlin)
    story.set(sales("scheduled", "02:30"))
    live = LiveModeActivated(actor="owner", activated_at=datetime(2026, 3, 28, 12, tzinfo=UTC))
    story.set(live)
    await tell(pool, story)
    clock = ManualClock(datetime(2026, 3, 28, 22, tzinfo=UTC))
    scheduler = scheduler_at(pool, clock)
    for _ in range(2 * 48):
        await scheduler.step(STORE)
        clock.advance(timedelta(minutes=30))
    opened = await windows(pool, "sales")
    assert [window.astimezone(ZoneInfo("Europe/Berlin")).date().day for window in opened] == [29, 30]
