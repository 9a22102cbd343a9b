"""What cannot go before another record is mended is held and says so, in the list, by its filter and in its counts."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from eventstore.appender import Appender
from eventstore.clock import ManualClock
from eventstore.connection import Connection, Pool
from eventstore.facts.answers import SHORT_OF_STOCK, Document
from eventstore.facts.operators import CommandParked, CommandReleased, RecordSkipped
from eventstore.store import LedgerReader
from projections.jurnal_commands.identity import payment_command_id
from projections.sync_status.queries import Wanted, count_records, read_page
from service.operations import NothingToDo, OneDecided, Operations, Word
from tests.folding import tell
from tests.ledger import NOON, STORE, service_pool
from tests.story import Story, own, paid

INVOICE = f"inv-{STORE}.order-1"
CUSTOMER = f"cus-{STORE}.c-1"
PAYMENT = payment_command_id(STORE, "order-1", "t1")
LATER_DAY = {"transaction_date": "2026-11-21T18:31:00"}
MEND = "Mend that one: this goes by itself then"
BEHIND = ("Held", "Waits for sale #3101-1001, which failed", MEND)
BOOKED = Document(resource="sales_invoices", jurnal_id=7)


@dataclass
class Till:
    """A sale to a registered customer, its payment of the next day, and another sale; folded."""

    pool: Pool
    story: Story
    connection: Connection

    async def shown(self) -> dict[str, tuple[str, str | None, str | None]]:
        """Fold what is new; return each line's status, reason and advice: filters and counts must tell the same."""
        await tell(self.pool, self.story)
        page = await read_page(self.pool, STORE, Wanted(), rows_max=100, counted=True)
        for status in ("Held", "Pending", "Processing", "Success", "Failed", "Skipped"):
            wanted = {record.record_id for record in page.records if record.status == status}
            found = await read_page(self.pool, STORE, Wanted(statuses=(status,)), rows_max=100)
            assert {record.record_id for record in found.records} == wanted
            assert page.counts.get(status, 0) == len(wanted)
        return {record.record_id: (record.status, record.reason, record.what_to_do) for record in page.records}

    async def statuses(self) -> dict[str, str]:
        """Return each line's status."""
        return {record_id: line[0] for record_id, line in (await self.shown()).items()}

    def say(self, word: CommandParked | CommandReleased | RecordSkipped) -> None:
        """Let a person decide something of the order."""
        self.story.tell(own(word, "order-order-1", f"operator:{len(self.story.facts) + 1}"))


@pytest.fixture
async def till(database_url: str, connection: Connection) -> AsyncIterator[Till]:
    """Give the shop with its sales folded."""
    async with service_pool(database_url) as pool:
        story = Story()
        story.order(customer_id="c-1", transactions=[paid("t1", 20_000, **LATER_DAY)])
        story.order(order_id="order-2", order_reference="#2")
        yield Till(pool, story, connection)


async def test_what_is_behind_a_refused_one_in_its_lane_is_held_and_names_it(till: Till) -> None:
    """The payment waits for its sale; the other sale waits for nothing. Told twice, it is the same."""
    till.story.accept(CUSTOMER, Document(resource="customers", jurnal_id=1))
    assert (await till.statuses())["payment-order-1-t1"] == "Pending"
    till.story.refuse(INVOICE, "Unknown product")
    first = await till.shown()
    assert (first["payment-order-1-t1"], first["sale-order-1"][0]) == (BEHIND, "Failed")
    assert (first["sale-order-1"][1], first["sale-order-2"][0]) == ("Unknown product", "Pending")
    till.story.refuse(INVOICE, "Unknown product")
    assert await till.shown() == first


async def test_what_only_comes_later_in_the_lane_is_held_too(till: Till) -> None:
    """The second payment needs the invoice alone, and stands behind the first one all the same."""
    paid_twice = [paid(name, 10_000, **LATER_DAY) for name in ("t3", "t4")]
    till.story.order(order_id="order-3", order_reference="#3", transactions=paid_twice)
    till.story.accept(f"inv-{STORE}.order-3", BOOKED)
    till.story.refuse(payment_command_id(STORE, "order-3", "t3"), "Account is locked")
    shown = await till.shown()
    assert shown["payment-order-3-t4"] == ("Held", "Waits for payment #3, which failed", MEND)


async def test_what_needs_what_needs_a_refused_one_is_held_too(till: Till) -> None:
    """The customer stands in a lane of its own: its sale and the sale's payment name it."""
    till.story.refuse(CUSTOMER, "Display name is taken")
    shown = await till.shown()
    waits = ("Held", "Waits for customer c-1, which failed", MEND)
    assert (shown["sale-order-1"], shown["payment-order-1-t1"]) == (waits, waits)
    assert (shown["customer-c-1"][0], shown["sale-order-2"][0]) == ("Failed", "Pending")


async def test_what_is_behind_a_parked_one_is_held_until_it_is_released(till: Till) -> None:
    """By itself: nothing is told of the payment."""
    till.say(CommandParked(command_id=INVOICE, actor="o", reason="r"))
    assert (await till.shown())["payment-order-1-t1"] == BEHIND
    till.say(CommandReleased(command_id=INVOICE, actor="o", reason="r"))
    assert (await till.statuses())["payment-order-1-t1"] == "Pending"


async def test_what_is_behind_a_skipped_one_is_not_held(till: Till) -> None:
    """A sale that a person has seen to takes its payment with it."""
    till.story.refuse(INVOICE, "Unknown product")
    assert (await till.statuses())["payment-order-1-t1"] == "Held"
    till.say(RecordSkipped(record_id="sale-order-1", actor="o", reason="r"))
    assert (await till.statuses())["payment-order-1-t1"] == "Skipped"


async def test_what_is_behind_one_that_waits_for_stock_needs_nobody_for_a_day(till: Till) -> None:
    """It says so for as long as that one is held, and to mend it afterwards."""
    moment = (
        "CREATE OR REPLACE FUNCTION jurnalsync_clock() RETURNS timestamptz LANGUAGE sql VOLATILE"
        " AS $$ SELECT timestamptz '{}' $$"
    )
    await till.connection.execute(moment.format(NOON.isoformat()))
    till.story.refuse(INVOICE, "Insufficient stock", SHORT_OF_STOCK)
    by_itself = "Nothing: it goes by itself when that one does"
    waits = ("Held", "Waits for sale #3101-1001, which is held", by_itself)
    assert (await till.shown())["payment-order-1-t1"] == waits
    await till.connection.execute(moment.format((NOON + timedelta(days=1)).isoformat()))
    assert (await till.shown())["payment-order-1-t1"] == BEHIND


async def test_what_is_on_its_way_shows_so_whatever_is_ahead_of_it(till: Till) -> None:
    """Parked too late: the look-up of the payment goes on, and waits for nothing."""
    till.story.accept(INVOICE, BOOKED)
    await till.statuses()
    await till.pool.execute("UPDATE send SET state = 'unknown' WHERE command_id = $1", PAYMENT)
    await till.pool.execute("UPDATE command SET state = 'parked' WHERE command_id = $1", INVOICE)
    assert (await till.statuses())["payment-order-1-t1"] == "Processing"


async def test_a_record_does_not_wait_for_itself(till: Till) -> None:
    """Of the two commands of a payout the first is refused: the record failed, and its reason is Jurnal's alone."""
    payout = {"reference_id": "PO-1", "status": "Completed", "date": "2026-11-20T18:00:00",
              "transactions_amount": 100, "total_fees": 1, "total_deposit": 99}  # fmt: skip
    till.story.report("payout", payout)
    till.story.refuse(f"dep-{STORE}.PO-1", "Account is archived")
    assert (await till.shown())["payout-PO-1"][:2] == ("Failed", "Account is archived")


@pytest.mark.parametrize("decide", [Operations.retry, Operations.skip])
async def test_who_retries_or_skips_what_waits_is_told_what_to_mend(
    till: Till, decide: Callable[[Operations, str, str, Word], Awaitable[OneDecided]]
) -> None:
    """Nothing is appended: that one is to be mended, and this goes by itself."""
    till.story.refuse(INVOICE, "Unknown product")
    await till.shown()
    clock = ManualClock(NOON)
    operations = Operations(till.pool, LedgerReader(till.pool), Appender(till.pool, clock), clock)
    decided = await decide(operations, STORE, "payment-order-1-t1", Word("owner", "r"))
    assert decided == NothingToDo(f"{BEHIND[1]}. {MEND}.")


async def test_a_text_finds_what_waits_for_what_it_names(till: Till) -> None:
    """As it finds any other reason."""
    till.story.refuse(CUSTOMER, "Display name is taken")
    await till.shown()
    found = await read_page(till.pool, STORE, Wanted(text="waits for customer c-1"), rows_max=9)
    assert {record.record_id for record in found.records} == {"sale-order-1", "payment-order-1-t1"}
    counts = await count_records(till.pool, STORE, Wanted(text="waits for customer c-1"))
    assert counts == {"Held": 2}
