"""In the tables: what waits for stock is held for a day, what a person has seen to is skipped, and lanes go on."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import NamedTuple

import pytest

from eventstore.connection import Connection, Pool
from eventstore.event import Fact
from eventstore.facts.answers import SHORT_OF_STOCK, Document
from eventstore.facts.operators import CommandReleased, RecordSkipped, StreamRetried
from eventstore.facts.registry import Meaning
from eventstore.facts.settings import SalesRulesSet, StoredValue
from eventstore.store import LedgerReader
from projections.catalogue import CATALOGUE
from projections.jurnal_commands.fold import JurnalCommands
from projections.jurnal_commands.identity import payment_command_id
from projections.jurnal_commands.queue import SendQueue, count_states
from projections.projection import Evolved, States
from projections.rebuild import SHADOW_SEARCH_PATH, Rebuilder
from projections.runner import Runner
from tests.folding import append_story, first_to_send, fold_all, rows_of, tell
from tests.ledger import NOON, STORE, open_test_pool, service_pool
from tests.story import CONNECTION, Story, own, paid
from tests.unit.projections.transfer_reports import act, correction, sent

COMPANY = CONNECTION.company_id
INVOICE, OTHER = f"inv-{STORE}.order-1", f"inv-{STORE}.order-2"
PAYMENT = payment_command_id(STORE, "order-1", "t1")
BOOKED = Document(resource="sales_invoices", jurnal_id=7)
FOUND = f"adj-{STORE}.c1"
LATER_DAY = {"transaction_date": "2026-11-21T18:31:00"}


class Shelf(NamedTuple):
    """A shop with two sales, the first with a payment of the next day, and the tables it is folded into."""

    pool: Pool
    story: Story
    connection: Connection

    async def told(self) -> None:
        """Fold what is new."""
        await tell(self.pool, self.story)

    async def shown(self, record_id: str = "sale-order-1") -> tuple[str, str | None, str | None]:
        """Return status, reason and advice of a record of the list."""
        row = await self.pool.fetchrow(
            "SELECT status, reason, what_to_do FROM sync_list WHERE store_id = $1 AND record_id = $2", STORE, record_id
        )
        assert row is not None
        return row["status"], row["reason"], row["what_to_do"]

    async def statuses(self) -> dict[str, str]:
        """Return the status of every record."""
        found = await self.pool.fetch("SELECT record_id, status FROM sync_list WHERE store_id = $1", STORE)
        return {row["record_id"]: row["status"] for row in found}

    async def at(self, moment: datetime) -> None:
        """Set the database's clock."""
        await self.connection.execute(
            "CREATE OR REPLACE FUNCTION jurnalsync_clock() RETURNS timestamptz LANGUAGE sql VOLATILE"
            f" AS $$ SELECT timestamptz '{moment.isoformat()}' $$"
        )

    async def may_go(self) -> str | None:
        """Return the command that the dispatcher would take next."""
        send = await first_to_send(self.pool, COMPANY, NOON + timedelta(days=900))
        return None if send is None else send.command_id

    async def recovered(self) -> None:
        """Let the dispatcher tidy its sends."""
        now = NOON + timedelta(days=900)
        await SendQueue(self.pool).recover(STORE, COMPANY, now=now, fence_from=now)

    async def state_of(self, command_id: str) -> tuple[str, str]:
        """Return the states of a command and of its send."""
        row = await self.pool.fetchrow(
            "SELECT c.state, s.state AS send FROM command c JOIN send s USING (store_id, command_id)"
            " WHERE c.store_id = $1 AND c.command_id = $2",
            STORE,
            command_id,
        )
        assert row is not None
        return row["state"], row["send"]

    def comes_in(self, identity: str = "c1") -> str:
        """Let goods be found at the outlet; return the command that books them."""
        report = correction(act(identity, "Adjustment", 20, sent("LATTE", 3)), transfer_id=f"correction-{identity}")
        self.story.report("transfer", report)
        return f"adj-{STORE}.{identity}"

    def skip(self, record_id: str, stream_id: str = "order-order-1") -> None:
        """Let a person see to a record by hand."""
        self.story.say(RecordSkipped(record_id=record_id, actor="owner", reason="booked by hand"), stream_id)


@pytest.fixture
async def shelf(database_url: str, connection: Connection) -> AsyncIterator[Shelf]:
    """Give the shop with its sales folded; the clock stands at noon."""
    async with service_pool(database_url) as pool:
        story = Story()
        story.order(transactions=[paid("t1", 20_000, **LATER_DAY)])
        story.order(order_id="order-2", order_reference="#2")
        opened = Shelf(pool, story, connection)
        await opened.at(NOON)
        await opened.told()
        yield opened


async def test_want_of_stock_is_held_for_a_day_and_failed_then(shelf: Shelf) -> None:
    """Derived when it is read, on the database's clock, with what to do in each case."""
    shelf.story.refuse(INVOICE, "Insufficient stock", SHORT_OF_STOCK)
    await shelf.told()
    reason = "Waits for stock of LATTE at Main Warehouse: Insufficient stock"
    await shelf.at(NOON + timedelta(hours=23, minutes=59))
    waits = "Nothing: it goes by itself when the goods come in. After a day it shows as Failed"
    assert await shelf.shown() == ("Held", reason, waits)
    await shelf.at(NOON + timedelta(hours=24))
    status, told, advice = await shelf.shown()
    assert (status, told) == ("Failed", reason)
    assert (advice or "").startswith("Mend the cause")


async def test_its_lane_waits_and_its_neighbours_go_on(shelf: Shelf) -> None:
    """The payment of the short sale waits behind it; the other sale goes, and then the short one again."""
    shelf.story.refuse(INVOICE, "Insufficient stock", SHORT_OF_STOCK)
    await shelf.told()
    assert await shelf.may_go() == OTHER
    shelf.story.accept(OTHER, BOOKED)
    await shelf.told()
    assert await shelf.may_go() is None
    adjustment = shelf.comes_in()
    await shelf.told()
    assert await shelf.may_go() == adjustment


async def test_goods_that_came_in_let_it_go_again_and_look_it_up_first(shelf: Shelf) -> None:
    """The send that was done is unknown until it was looked for; it is never simply sent twice."""
    shelf.story.refuse(INVOICE, "Insufficient stock", SHORT_OF_STOCK)
    shelf.story.accept(OTHER, BOOKED)
    await shelf.told()
    await shelf.pool.execute("UPDATE send SET state = 'done'")
    shelf.story.accept(shelf.comes_in(), Document(resource="stock_adjustments", jurnal_id=2))
    await shelf.told()
    await shelf.recovered()
    assert await shelf.state_of(INVOICE) == ("due", "unknown")
    assert await shelf.may_go() == INVOICE
    assert (await shelf.shown())[0] == "Processing"


async def test_refused_again_the_day_counts_from_the_first_time(shelf: Shelf) -> None:
    """Goods that are always too few must not keep a sale out of sight for ever."""
    shelf.story.refuse(INVOICE, "Insufficient stock", SHORT_OF_STOCK)
    await shelf.told()
    first = await shelf.pool.fetchval("SELECT short_since FROM command WHERE command_id = $1", INVOICE)
    await shelf.pool.execute("UPDATE command SET short_since = $1 WHERE command_id = $2", first - timedelta(1), INVOICE)
    shelf.story.accept(shelf.comes_in(), Document(resource="stock_adjustments", jurnal_id=2))
    shelf.story.refuse(INVOICE, "Insufficient stock", SHORT_OF_STOCK)
    await shelf.told()
    since = await shelf.pool.fetchval("SELECT short_since FROM command WHERE command_id = $1", INVOICE)
    assert since == first - timedelta(1)
    assert (await shelf.shown())[0] == "Failed"
    shelf.story.accept(shelf.comes_in("c2"), Document(resource="stock_adjustments", jurnal_id=3))
    shelf.story.accept(INVOICE, BOOKED)
    await shelf.told()
    assert (await shelf.shown())[:2] == ("Success", None)
    assert await shelf.pool.fetchval("SELECT short_since FROM command WHERE command_id = $1", INVOICE) is None


async def test_a_refused_record_that_a_person_has_seen_to_is_skipped_and_its_lane_goes_on(shelf: Shelf) -> None:
    """The refused payment is skipped; a later payment of the order goes."""
    again = payment_command_id(STORE, "order-1", "t2")
    paid_twice = [paid("t1", 5_000, **LATER_DAY), paid("t2", 15_000, **LATER_DAY)]
    shelf.story.order(order_id="order-3", transactions=paid_twice)
    mine, next_one = (payment_command_id(STORE, "order-3", t) for t in ("t1", "t2"))
    shelf.story.accept(f"inv-{STORE}.order-3", BOOKED)
    shelf.story.refuse(mine, "Account is locked")
    shelf.story.accept(INVOICE, BOOKED)
    shelf.story.accept(PAYMENT, Document(resource="receive_payments", jurnal_id=8))
    shelf.story.accept(OTHER, BOOKED)
    await shelf.told()
    assert await shelf.may_go() is None
    shelf.skip("payment-order-3-t1", "order-order-3")
    await shelf.told()
    assert await shelf.may_go() == next_one
    assert (await shelf.shown("payment-order-3-t1"))[:2] == ("Skipped", "Seen to by owner: booked by hand")
    assert again not in await shelf.statuses()


async def test_what_needs_a_skipped_command_is_skipped_with_it(shelf: Shelf) -> None:
    """A payment of an invoice that a person booked can never go: it shows so, and blocks nobody."""
    shelf.story.refuse(INVOICE, "Unknown product")
    shelf.story.accept(OTHER, BOOKED)
    shelf.skip("sale-order-1")
    await shelf.told()
    assert await shelf.may_go() is None
    assert await shelf.statuses() == {
        "sale-order-1": "Skipped",
        "payment-order-1-t1": "Skipped",
        "sale-order-2": "Success",
    }
    assert (await shelf.shown("payment-order-1-t1"))[1] == "Seen to by owner: booked by hand"
    counts = await count_states(shelf.pool)
    assert {state: count for state, count in counts.items() if count} == {"accepted": 1, "skipped": 2}


async def test_what_needs_something_that_needs_a_skipped_command_is_skipped_too(shelf: Shelf) -> None:
    """The entry of a payment by points needs the payment, which needs the invoice; the lane is free behind it all."""
    points = {"gateway": "points", "payment_type_name": "Points"}
    shelf.story.set(SalesRulesSet(stored_value=(StoredValue("points", "Points"),), stored_value_clearing="Clearing"))
    shelf.story.order(order_id="order-3", transactions=[paid("t1", 20_000, **points, **LATER_DAY)])
    for command_id in (INVOICE, OTHER):
        shelf.story.accept(command_id, BOOKED)
    shelf.story.accept(PAYMENT, Document(resource="receive_payments", jurnal_id=8))
    shelf.skip("sale-order-3", "order-order-3")
    await shelf.told()
    assert await shelf.may_go() is None
    assert (await shelf.statuses())["payment-order-3-t1"] == "Skipped"
    states = await count_states(shelf.pool)
    assert (states["due"], states["skipped"]) == (0, 3)


async def test_a_skipped_sale_whose_invoice_is_booked_keeps_its_payments(shelf: Shelf) -> None:
    """What is in Jurnal is not undone by skipping: its payment goes."""
    shelf.story.accept(INVOICE, BOOKED)
    shelf.story.accept(OTHER, BOOKED)
    shelf.skip("sale-order-1")
    await shelf.told()
    assert await shelf.may_go() == PAYMENT
    assert (await shelf.statuses())["sale-order-1"] == "Success"


async def test_what_was_on_its_way_when_it_was_skipped_is_looked_up_and_never_sent(shelf: Shelf) -> None:
    """Somebody must know whether it is in Jurnal: found it is accepted, and its payment goes after all."""
    await shelf.pool.execute("UPDATE send SET state = 'unknown' WHERE command_id = $1", INVOICE)
    shelf.skip("sale-order-1")
    shelf.skip("sale-order-2", "order-order-2")
    await shelf.told()
    await shelf.recovered()
    assert await shelf.state_of(OTHER) == ("skipped", "done")
    assert await shelf.state_of(INVOICE) == ("skipped", "unknown")
    assert await shelf.may_go() == INVOICE
    await shelf.pool.execute("UPDATE send SET state = 'due' WHERE command_id = $1", INVOICE)
    assert await shelf.may_go() is None
    shelf.story.refuse(INVOICE, "Unknown product")
    await shelf.told()
    assert (await shelf.state_of(INVOICE))[0] == "skipped"
    shelf.story.accept(INVOICE, BOOKED)
    await shelf.told()
    assert (await shelf.state_of(INVOICE))[0] == "accepted"
    assert await shelf.may_go() == PAYMENT


async def test_a_skipped_command_is_not_released(shelf: Shelf) -> None:
    """Seen to is for good, whatever is released or comes in afterwards."""
    shelf.story.refuse(INVOICE, "Insufficient stock", SHORT_OF_STOCK)
    shelf.skip("sale-order-1")
    released = CommandReleased(command_id=INVOICE, actor="owner", reason="oops")
    shelf.story.tell(own(released, "order-order-1", "word:1"))
    shelf.story.accept(shelf.comes_in(), Document(resource="stock_adjustments", jurnal_id=2))
    await shelf.told()
    assert (await shelf.state_of(INVOICE))[0] == "skipped"


@pytest.mark.parametrize("facts_max", [1, 2, 1_000])
async def test_memory_and_tables_agree_on_stock_and_skips(shelf: Shelf, database_url: str, facts_max: int) -> None:
    """Refused, freed, refused, skipped: the same rows whatever the batch, and a rebuild finds no difference."""
    story = shelf.story
    story.refuse(INVOICE, "Insufficient stock", SHORT_OF_STOCK)
    story.refuse(INVOICE, "Insufficient stock", SHORT_OF_STOCK)
    story.accept(shelf.comes_in(), Document(resource="stock_adjustments", jurnal_id=2))
    story.refuse(INVOICE, "Insufficient stock", SHORT_OF_STOCK)
    story.refuse(OTHER, "Insufficient stock", SHORT_OF_STOCK)
    shelf.skip("sale-order-2", "order-order-2")
    story.accept(shelf.comes_in("c2"), Document(resource="stock_adjustments", jurnal_id=3))
    await append_story(shelf.pool, story)
    await fold_all(shelf.pool, facts_max=facts_max)
    states = {row["command_id"]: row["state"] for row in await rows_of(shelf.pool, "command")}
    assert states == {
        INVOICE: "due", OTHER: "skipped", PAYMENT: "due", FOUND: "accepted", f"adj-{STORE}.c2": "accepted",
    }  # fmt: skip
    shadow = await open_test_pool(database_url, connections_max=2, search_path=SHADOW_SEARCH_PATH)
    for entries_max in (500_000, 1):
        rebuilder = Rebuilder(shelf.pool, shadow, LedgerReader(shelf.pool), entries_max=entries_max)
        for name in ("jurnal_commands", "invoice_payment", "sync_status"):
            await rebuilder.fold(STORE, CATALOGUE[name], lambda _position, _end: None)
            assert (await rebuilder.compare(STORE, CATALOGUE[name])).differences == ()
    await shadow.close()


class Picky(JurnalCommands):
    """A release that cannot fold one report: the one that stands at `poison`."""

    poison = 0

    def evolve(self, states: States, fact: Fact, meaning: Meaning) -> Evolved:
        """Fold as ever, but for the poison."""
        assert fact.position != self.poison, "cannot be folded"
        return super().evolve(states, fact, meaning)


async def test_a_refusal_folded_again_takes_back_no_release(database_url: str) -> None:
    """A stream that goes on after a stall is folded again with its answers; goods let its command go meanwhile."""
    story = Story()
    story.order()
    story.order(closed_date="2026-11-20T19:00:00")
    picky = Picky()
    picky.poison = len(story.facts)
    story.refuse(INVOICE, "Insufficient stock", SHORT_OF_STOCK)
    report = correction(act("c1", "Adjustment", 20, sent("LATTE", 3)), transfer_id="correction-c1")
    story.report("transfer", report)
    story.accept(FOUND, Document(resource="stock_adjustments", jurnal_id=2))
    async with service_pool(database_url) as pool:
        await append_story(pool, story)
        runner = Runner(pool, LedgerReader(pool))
        while (await runner.step(STORE, picky, epoch=1, facts_max=1)).facts:
            pass
        assert await rows_of(pool, "stalled_stream") != []
        picky.poison = 0
        story.tell(own(StreamRetried(actor="a", reason="b"), "order-order-1", "operator:1"))
        await append_story(pool, story)
        await runner.step(STORE, picky, epoch=1, facts_max=100)
        assert await rows_of(pool, "stalled_stream") == []
        states = {row["command_id"]: row["state"] for row in await rows_of(pool, "command")}
        assert states == {INVOICE: "due", FOUND: "accepted"}
