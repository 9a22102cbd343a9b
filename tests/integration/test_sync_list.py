"""The Accounting Sync list on its tables: what a filter finds, pages while lines change, and what a person decides."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
import pytest

from eventstore.appender import Appender
from eventstore.clock import ManualClock
from eventstore.connection import Pool
from eventstore.event import NewFact
from eventstore.facts.answers import Attempted, CommandRefused, Document
from eventstore.facts.operators import CommandParked
from eventstore.facts.settings import OutletMapped, SyncRequested
from eventstore.store import LedgerReader
from projections.sync_status.queries import (
    Place,
    Sort,
    SyncPage,
    Wanted,
    count_held,
    count_records,
    read_page,
    read_standing,
)
from service.api.rows import SYNC_STATUSES
from service.operations import Decided, NothingToDo, OneDecided, Operations, UnknownRecord, Word
from tests.folding import fold_all, rows_of, tell
from tests.ledger import NOON, STORE, service_pool
from tests.story import Story, own, paid, reported
from tests.unit.projections.test_payouts import payout
from tests.unit.projections.transfer_reports import START, transfer

OWNER = Word("owner", "mended")
KIOSK = OutletMapped(outlet_id="kiosk", outlet_name="Kiosk", warehouse="Kiosk Warehouse")


@dataclass
class Desk:
    """A folded story, and who decides by its list."""

    pool: Pool
    story: Story
    operations: Operations

    async def statuses(self) -> dict[str, str]:
        """Return the status of every line."""
        page = await read_page(self.pool, STORE, Wanted(), rows_max=500)
        return {record.record_id: record.status for record in page.records}

    async def found(self, **wanted: Any) -> list[str]:
        """Return the ids of the lines that a filter finds, in their order."""
        page = await read_page(self.pool, STORE, Wanted(**wanted), rows_max=500)
        return [record.record_id for record in page.records]

    async def tell(self) -> None:
        """Fold what is new in the story."""
        await tell(self.pool, self.story)

    async def facts(self, type_: str) -> list[tuple[str, bytes]]:
        """Return stream and body of the facts of one type."""
        facts = await LedgerReader(self.pool).read_after(STORE, 0, 10_000)
        return [(fact.stream_id, fact.body) for fact in facts if fact.type == type_]


def order(story: Story, number: int, **fields: object) -> None:
    """Let an order of Rp 20,000 be reported."""
    story.order(**{"order_id": f"order-{number}", "order_reference": f"#3101-{number:04}", **fields})


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    """Give a list with a line of every kind of standing."""
    story = Story()
    order(story, 1)
    order(story, 2, order_date="2026-11-18T05:00:00")
    order(story, 3, transactions=[paid("t3", 20_000, gateway="voucher", payment_type_name="Voucher")])
    order(story, 4, status="draft")
    order(story, 5)
    story.report("payout", payout(outlet_id="kiosk"))
    story.report("payout", payout(reference_id="PO_2%", status="Failed"))
    story.unreadable("order", "total_amount", "is no number")
    story.accept(f"inv-{STORE}.order-1", Document(resource="sales_invoices", jurnal_id=1, transaction_no="INV-1"))
    refused = CommandRefused(
        attempted=Attempted(command_id=f"inv-{STORE}.order-2", attempt=1), reason="Jurnal has no product LATTE"
    )
    story.tell(own(refused, "order-order-2", "refused:2"))
    async with service_pool(database_url) as pool:
        await tell(pool, story)
        operations = Operations(pool, LedgerReader(pool), Appender(pool, ManualClock(NOON)), ManualClock(NOON))
        yield Desk(pool, story, operations)


EVERY = {
    "sale-order-1": "Success",
    "sale-order-2": "Failed",
    "sale-order-3": "Pending",
    "payment-order-3-t3": "Failed",
    "sale-order-4": "Held",
    "sale-order-5": "Pending",
    "payout-PO-1": "Failed",
    "payout-PO_2%": "Skipped",
    "unreadable-1": "Failed",
}


async def test_every_filter_finds_exactly_the_lines_that_show_it(desk: Desk) -> None:
    """Statuses, alone and together; the counts are the same, and each line stands in exactly one status."""
    assert await desk.statuses() == EVERY
    counts = await count_records(desk.pool, STORE)
    for status in SYNC_STATUSES:
        wanted = {record_id for record_id, shown in EVERY.items() if shown == status}
        assert set(await desk.found(statuses=(status,))) == wanted, status
        assert counts.get(status, 0) == len(wanted), status
    pair = await desk.found(statuses=("Failed", "Success"))
    assert set(pair) == {record_id for record_id, shown in EVERY.items() if shown in ("Failed", "Success")}
    assert pair == [record_id for record_id in await desk.found() if record_id in pair]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"kinds": ("payout",)}, {"payout-PO-1", "payout-PO_2%"}),
        ({"kinds": ("payment", "unreadable")}, {"payment-order-3-t3", "unreadable-1"}),
        ({"outlet": "Main Outlet", "kinds": ("payment",)}, {"payment-order-3-t3"}),
        ({"outlet": "Nowhere"}, set()),
        ({"first": date(2026, 11, 18), "last": date(2026, 11, 18)}, {"sale-order-2"}),
        ({"last": date(2026, 11, 20)}, {"sale-order-2"}),
        ({"text": "3101-0002"}, {"sale-order-2"}),
        ({"text": "NO PRODUCT latte"}, {"sale-order-2"}),
        ({"text": "no product", "statuses": ("Failed",)}, {"sale-order-2"}),
        ({"text": "no product", "statuses": ("Success",)}, set()),
        ({"text": "no account is mapped"}, {"payment-order-3-t3"}),
        ({"text": "2%"}, {"payout-PO_2%"}),
        ({"text": "O_2"}, {"payout-PO_2%"}),
        ({"text": "%"}, {"payout-PO_2%"}),
        ({"text": "\\"}, set()),
    ],
)
async def test_a_filter_finds_what_it_says_and_a_wildcard_is_no_wildcard(
    desk: Desk, wanted: dict[str, Any], found: set[str]
) -> None:
    """Kind, outlet, dates of the store, and a text in reference, id or reason, also in Jurnal's own words."""
    assert set(await desk.found(**wanted)) == found
    statuses = wanted.get("statuses") or SYNC_STATUSES
    counts = await count_records(desk.pool, STORE, Wanted(**wanted))
    assert sum(counts.get(status, 0) for status in statuses) == len(found)


@pytest.mark.parametrize("sort", ["newest", "date"])
@pytest.mark.parametrize("statuses", [(), ("Failed", "Held", "Pending", "Success")])
async def test_pages_give_each_line_once_while_lines_change_and_new_ones_come(
    desk: Desk, sort: Sort, statuses: tuple[str, ...]
) -> None:
    """What stood in the list when reading began is read once, whatever happens to other lines meanwhile."""
    expected = [record_id for record_id, status in EVERY.items() if not statuses or status in statuses]
    seen: list[str] = []
    after: Place | None = None
    for number in range(20):
        page = await read_page(desk.pool, STORE, Wanted(statuses=statuses), rows_max=2, after=after, sort=sort)
        seen += [record.record_id for record in page.records]
        after = page.next
        order(desk.story, 100 + number)
        if number == 0:
            # Still to come: each stays where it stood, also where it is told more of.
            desk.story.accept(f"inv-{STORE}.order-3", Document(resource="sales_invoices", jurnal_id=3))
            desk.story.set(KIOSK)
        await desk.tell()
        if after is None:
            break
    assert len(seen) == len(set(seen))
    assert sorted(record_id for record_id in seen if record_id in expected) == sorted(expected)


async def test_newest_told_or_latest_dated_comes_first(desk: Desk) -> None:
    """A line keeps its place when something becomes of it; without a date it is the oldest."""
    newest = await desk.found()
    assert newest[0] == "unreadable-1"
    assert newest.index("sale-order-5") < newest.index("sale-order-1")
    page = await read_page(desk.pool, STORE, Wanted(), rows_max=500, sort="date")
    dates = [record.business_date for record in page.records]
    known = [day for day in dates if day is not None]
    assert known == sorted(known, reverse=True)
    assert dates[len(known) :] == [None] * (len(dates) - len(known))


async def test_a_stalled_stream_is_listed_found_and_retried(desk: Desk) -> None:
    """It has no outlet and no date; a retry folds it again from the fact it waits at."""
    odd = own(CommandParked(command_id="x", actor="a", reason="r"), "order-order-1", "odd:1")
    operations = desk.operations
    await Appender(desk.pool, ManualClock(NOON)).append(STORE, [msgspec.structs.replace(odd, type="OrderRepainted")])
    await fold_all(desk.pool)
    assert await desk.found(statuses=("Failed",), kinds=("stalled",)) == ["stalled-order-order-1"]
    assert await desk.found(text="OrderRepainted") == ["stalled-order-order-1"]
    assert "stalled-order-order-1" not in await desk.found(outlet="Main Outlet")
    assert isinstance(await operations.retry(STORE, "stalled-order-order-1", OWNER), Decided)
    assert [stream for stream, _ in await desk.facts("StreamRetried")] == ["order-order-1"]
    refusal = await operations.skip(STORE, "stalled-order-order-1", OWNER)
    assert isinstance(refusal, NothingToDo)
    assert "jurnalsync stream skip order-order-1" in refusal.detail


async def test_a_retry_is_told_where_the_record_stands(desk: Desk) -> None:
    """A refused command is released; a record without commands is judged again in its own document's stream."""
    await desk.operations.retry(STORE, "sale-order-2", OWNER)
    await desk.operations.retry(STORE, "payment-order-3-t3", OWNER)
    await desk.operations.retry(STORE, "payout-PO-1", OWNER)
    ((stream_id, released),) = await desk.facts("CommandReleased")
    assert stream_id == "order-order-2"
    assert b'"actor":"owner"' in released
    assert b'"reason":"mended"' in released
    assert [stream for stream, _ in await desk.facts("RecordRetried")] == ["order-order-3", "payout-PO-1"]
    await fold_all(desk.pool)
    assert (await desk.statuses())["sale-order-2"] == "Pending"


async def test_a_record_that_a_setting_noted_is_still_of_its_own_documents_stream(desk: Desk) -> None:
    """Mapping an outlet judged the order: its payment was first told by a fact of the settings."""
    order(desk.story, 6, outlet_id="kiosk", transactions=[paid("t6", 20_000, gateway="voucher")])
    desk.story.set(KIOSK)
    await desk.tell()
    (standing,) = await read_standing(desk.pool, STORE, ["payment-order-6-t6"])
    assert standing.stream_id == "order-order-6"
    (row,) = [row for row in await rows_of(desk.pool, "sync_record") if row["record_id"] == "payment-order-6-t6"]
    assert row["position"] == len(desk.story.facts)


@pytest.mark.parametrize(
    ("record_id", "words"),
    [
        ("sale-order-1", "It is in Jurnal already"),
        ("sale-order-5", "It is on its way to Jurnal"),
        ("unreadable-1", "read no better a second time"),
    ],
)
async def test_what_cannot_be_retried_says_why_and_appends_nothing(desk: Desk, record_id: str, words: str) -> None:
    """A person is told what to do instead."""
    decided = await desk.operations.retry(STORE, record_id, OWNER)
    assert isinstance(decided, NothingToDo)
    assert words in decided.detail
    assert await desk.facts("RecordRetried") == await desk.facts("CommandReleased") == []
    assert isinstance(await desk.operations.retry(STORE, "sale-order-9", OWNER), UnknownRecord)


async def test_a_line_of_an_earlier_release_is_not_guessed_at(desk: Desk) -> None:
    """Its stream is not known until the list is rebuilt."""
    await desk.pool.execute("UPDATE sync_record SET stream_id = '' WHERE record_id = 'payout-PO-1'")
    for decide in (desk.operations.retry, desk.operations.skip):
        decided = await decide(STORE, "payout-PO-1", OWNER)
        assert isinstance(decided, NothingToDo)
        assert "jurnalsync rebuild sync_status" in decided.detail


@pytest.mark.parametrize(
    "record_id", ["sale-order-2", "payment-order-3-t3", "sale-order-4", "payout-PO-1", "unreadable-1"]
)
async def test_a_skipped_record_shows_as_skipped_by_whom_and_why(desk: Desk, record_id: str) -> None:
    """Refused, failed, held or unreadable: the person's word ends it, and a retry does not bring it back."""
    assert isinstance(await desk.operations.skip(STORE, record_id, Word("owner", "entered by hand")), Decided)
    await fold_all(desk.pool)
    (record,) = (await read_page(desk.pool, STORE, Wanted(text=record_id), rows_max=1)).records
    assert (record.status, record.reason) == ("Skipped", "Seen to by owner: entered by hand")
    await desk.operations.retry(STORE, record_id, OWNER)
    await fold_all(desk.pool)
    assert (await desk.statuses())[record_id] == "Skipped"


@pytest.mark.parametrize("decide", [Operations.retry, Operations.skip])
async def test_what_is_booked_or_under_way_is_not_skipped(
    desk: Desk, decide: Callable[[Operations, str, str, Word], Awaitable[OneDecided]]
) -> None:
    """What is in Jurnal is corrected in iSeller; what is on its way has its answer to come."""
    for record_id in ("sale-order-1", "sale-order-5"):
        assert isinstance(await decide(desk.operations, STORE, record_id, OWNER), NothingToDo)


async def test_all_that_failed_is_retried_a_bounded_number_a_call_until_nothing_is_left(desk: Desk) -> None:
    """Each once; what cannot be retried is named with its reason and is not counted as retried."""
    retried: list[str] = []
    untouched: dict[str, str] = {}
    after: Place | None = None
    lefts = []
    while True:
        done = await desk.operations.retry_many(STORE, Wanted(statuses=("Failed",)), OWNER, after=after, records_max=1)
        retried += done.retried
        untouched |= done.untouched
        lefts.append(done.left)
        if (after := done.next) is None:
            break
    assert sorted(retried) == ["payment-order-3-t3", "payout-PO-1", "sale-order-2"]
    assert list(untouched) == ["unreadable-1"]
    assert lefts == [3, 2, 1, 0]


async def test_a_transfer_that_nobody_started_is_found_counted_and_retried_like_any_line(desk: Desk) -> None:
    """Held by every filter; a retry and a sync by hand are harmless; its start takes its place, and nothing is left."""
    line = "transfer-transfer-1"
    desk.story.report("transfer", transfer(status="Pending", created_date="2026-11-17T03:00:00"))
    await desk.tell()
    held = await count_held(desk.pool)
    for wanted in (
        {"statuses": ("Held",), "kinds": ("transfer_pending",)},
        {"first": date(2026, 11, 17), "last": date(2026, 11, 17)},
        {"text": "to-1"},
        {"text": "no goods have left", "outlet": "Main Outlet"},
    ):
        assert await desk.found(**wanted) == [line]
        assert await count_records(desk.pool, STORE, Wanted(**wanted)) == {"Held": 1}
    days = date(2026, 11, 1), date(2026, 11, 30)
    assert (await desk.operations.sync_range(STORE, "transfers", *days, OWNER)).retried == 0
    assert isinstance(await desk.operations.retry(STORE, line, OWNER), Decided)
    await fold_all(desk.pool)
    assert (await desk.statuses())[line] == "Held"
    assert held == await count_held(desk.pool) == 1, "only the draft is held: a plan asks for nothing"
    await Appender(desk.pool, ManualClock(NOON)).append(STORE, [_report("transfer", transfer(START))])
    await fold_all(desk.pool)
    assert set(await desk.found(text="TO-1")) == {"transfer-a0"}
    assert isinstance(await desk.operations.retry(STORE, line, OWNER), UnknownRecord)


def _report(kind: str, fields: dict[str, Any]) -> NewFact:
    return reported(kind, 1_000, NOON, "poll", fields)


async def test_a_manual_sync_tries_what_failed_of_its_range_once_more(desk: Desk) -> None:
    """Sales and their money of those dates, and nothing else; a second time lets nothing go twice."""
    days = date(2026, 11, 18), date(2026, 11, 18)
    for retried in (1, 0):
        asked = await desk.operations.sync_range(STORE, "sales", *days, OWNER)
        assert (asked.retried, asked.left) == (retried, 0)
        await fold_all(desk.pool)
    assert len(await desk.facts(SyncRequested.__name__)) == 2
    assert [stream for stream, _ in await desk.facts("CommandReleased")] == ["order-order-2"]
    assert await desk.facts("RecordRetried") == []
    none = await desk.operations.sync_range(STORE, "transfers", *days, OWNER)
    assert none.retried == 0


async def test_a_store_is_paused_once_and_says_since_when(desk: Desk) -> None:
    """A second pause keeps the first one's name and time; resumed, it sends again."""
    position = await desk.operations.pause(STORE, Word("owner", "stock count"))
    await fold_all(desk.pool)
    assert await desk.operations.pause(STORE, Word("somebody", "else")) == position
    paused = await desk.operations.paused(STORE)
    assert paused is not None
    assert (paused.actor, paused.reason, paused.since) == ("owner", "stock count", NOON)
    assert [stream for stream, _ in await desk.facts("StorePaused")] == ["operations"]
    await desk.operations.resume(STORE, OWNER)
    await fold_all(desk.pool)
    assert await desk.operations.paused(STORE) is None


async def test_a_pause_right_after_a_resume_pauses(desk: Desk) -> None:
    """The resume is not folded yet: the setting still shows the pause that it ended."""
    await desk.operations.pause(STORE, Word("owner", "stock count"))
    await fold_all(desk.pool)
    resumed_at = await desk.operations.resume(STORE, OWNER)
    assert await desk.operations.pause(STORE, Word("somebody", "else")) > resumed_at
    await fold_all(desk.pool)
    paused = await desk.operations.paused(STORE)
    assert paused is not None
    assert paused.actor == "somebody"


async def test_a_pause_right_after_a_pause_is_the_first_one(desk: Desk) -> None:
    """Not folded either; the first one's name and time stand."""
    position = await desk.operations.pause(STORE, Word("owner", "stock count"))
    assert await desk.operations.pause(STORE, Word("somebody", "else")) == position


async def test_a_page_is_of_one_moment(desk: Desk) -> None:
    """Lines and counts are read in one snapshot, so they cannot contradict each other."""
    page: SyncPage = await read_page(desk.pool, STORE, Wanted(), rows_max=500, counted=True)
    assert sum(page.counts.values()) == len(page.records) == len(EVERY)
