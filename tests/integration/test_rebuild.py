"""Rebuilds: the same rows and command ids from the first fact on, swapped in at once, and nothing sent."""

from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from typing import NamedTuple

import msgspec
import pytest

from eventstore.appender import Appender
from eventstore.clock import ManualClock
from eventstore.connection import Pool
from eventstore.event import Fact
from eventstore.facts.answers import Attempted, CommandRefused, Document
from eventstore.facts.operators import CommandParked, CommandReleased, StreamFactSkipped, StreamRetried
from eventstore.facts.registry import Meaning
from eventstore.follow import Tail
from eventstore.store import LedgerReader
from projections.catalogue import CATALOGUE
from projections.changes.orders import OrderState
from projections.invoice_payment.fold import InvoicePayment
from projections.jurnal_commands.fold import CommandAdded, JurnalCommands
from projections.projection import Evolved, Projection, States
from projections.rebuild import SHADOW_SEARCH_PATH, Rebuilder
from projections.runner import Runner
from projections.sync_status.fold import SyncStatus
from tests.folding import all_rows, append_story, fold_all, rows_of, tell
from tests.integration.test_projections_unstorable import Poisoned
from tests.ledger import NOON, STORE, open_test_pool, service_pool
from tests.story import Story, own, paid

INVOICE = f"inv-{STORE}.order-1"


class Workshop(NamedTuple):
    """A folded ledger and what rebuilds it."""

    pool: Pool
    rebuilder: Rebuilder
    story: Story

    async def rebuild(self, projection: Projection, *, swap: bool = True) -> object:
        """Fold the shadow and swap it in, or only compare."""
        await self.rebuilder.fold(STORE, projection, lambda _position, _end: None)
        return await (self.rebuilder.swap if swap else self.rebuilder.compare)(STORE, projection)


@pytest.fixture(params=[500_000, 1], ids=["memory", "shadow"])
async def workshop(database_url: str, request: pytest.FixtureRequest) -> AsyncIterator[Workshop]:
    """Fold a small shop's day; a rebuild has room for it in memory, or must fold it in the shadow."""
    story = Story()
    for number in range(1, 4):
        story.order(order_id=f"order-{number}", order_reference=f"#{number}")
    story.order(transactions=[paid("t1", 20_000)])
    async with service_pool(database_url) as pool:
        await tell(pool, story)
        shadow = await open_test_pool(database_url, connections_max=2, search_path=SHADOW_SEARCH_PATH)
        yield Workshop(pool, Rebuilder(pool, shadow, LedgerReader(pool), entries_max=request.param), story)
        shadow.terminate()


class Renamed(JurnalCommands):
    """A changed rule: every invoice gets another identity."""

    def evolve(self, states: States, fact: Fact, meaning: Meaning) -> Evolved:
        """Decide as ever, under other names."""
        evolved = super().evolve(states, fact, meaning)
        rows = [
            msgspec.structs.replace(row, command_id=f"new-{row.command_id}") if hasattr(row, "command_id") else row
            for row in evolved.rows
        ]
        return Evolved(evolved.states, rows)


@pytest.mark.parametrize("name", sorted(CATALOGUE))
async def test_a_rebuild_gives_the_same_rows(workshop: Workshop, name: str) -> None:
    """Nothing differs, the swap changes nothing that a reader sees, and folding goes on behind it."""
    before = await all_rows(workshop.pool)
    result = await workshop.rebuild(CATALOGUE[name])
    assert (result.differences, result.swapped) == ((), True)  # type: ignore[attr-defined]  # a Rebuilt
    assert await all_rows(workshop.pool) == before
    workshop.story.order(order_id="order-9", order_reference="#9")
    await tell(workshop.pool, workshop.story)
    assert len(await rows_of(workshop.pool, "command")) == len(before["command"]) + 1


async def test_a_check_names_every_differing_row_and_mends_nothing(workshop: Workshop) -> None:
    """A row that was changed by hand stands on both sides, one that was removed on the rebuilt side alone."""
    await workshop.pool.execute("UPDATE sync_record SET reference = 'forged' WHERE record_id = 'sale-order-1'")
    await workshop.pool.execute("DELETE FROM sync_record WHERE record_id = 'sale-order-2'")
    result = await workshop.rebuild(CATALOGUE["sync_status"], swap=False)
    sides = sorted(difference.side for difference in result.differences)  # type: ignore[attr-defined]  # a Rebuilt
    assert sides == ["live", "rebuilt", "rebuilt"]
    references = {row["reference"] for row in await rows_of(workshop.pool, "sync_record")}
    assert "forged" in references
    await workshop.rebuild(CATALOGUE["sync_status"])
    references = {row["reference"] for row in await rows_of(workshop.pool, "sync_record")}
    assert "forged" not in references
    assert {"#1", "#2", "#3"} <= references


@pytest.mark.servers
async def test_a_changed_rule_and_a_rebuild_send_nothing(workshop: Workshop) -> None:
    """Commands that appear are parked by facts before the swap; sends stay as they were."""
    sends = await rows_of(workshop.pool, "send")
    result = await workshop.rebuild(Renamed())
    appeared: Sequence[str] = result.appeared  # type: ignore[attr-defined]  # a Rebuilt
    assert not result.swapped  # type: ignore[attr-defined]  # a Rebuilt
    assert appeared
    for command_id in appeared:
        parked = CommandParked(command_id=command_id.removeprefix("new-"), actor="rebuild", reason="rule changed")
        workshop.story.tell(own(parked, f"command-{command_id}", f"parked:{command_id}"))
    await append_story(workshop.pool, workshop.story)
    runner, renamed = Runner(workshop.pool, LedgerReader(workshop.pool)), Renamed()
    while (await runner.step(STORE, renamed, epoch=1, facts_max=100)).facts:
        pass
    again = await workshop.rebuild(Renamed())
    assert again.swapped  # type: ignore[attr-defined]  # a Rebuilt
    states = {row["command_id"]: row["state"] for row in await rows_of(workshop.pool, "command")}
    assert set(states.values()) == {"parked"}
    assert await rows_of(workshop.pool, "send") == sends


async def test_a_parked_command_goes_again_when_it_is_released(workshop: Workshop) -> None:
    """Parking and releasing are facts; folding them again gives the same state."""
    workshop.story.tell(own(CommandParked(command_id=INVOICE, actor="a", reason="b"), "command-x", "operator:1"))
    await tell(workshop.pool, workshop.story)
    states = {row["command_id"]: row["state"] for row in await rows_of(workshop.pool, "command")}
    assert states[INVOICE] == "parked"
    workshop.story.tell(own(CommandReleased(command_id=INVOICE, actor="a", reason="b"), "command-x", "operator:2"))
    await tell(workshop.pool, workshop.story)
    states = {row["command_id"]: row["state"] for row in await rows_of(workshop.pool, "command")}
    assert states[INVOICE] == "due"
    assert (await workshop.rebuild(CATALOGUE["jurnal_commands"])).differences == ()  # type: ignore[attr-defined]


class Picky(SyncStatus):
    """A release that cannot fold one report: the one that stands at `poison`."""

    poison = 0

    def evolve(self, states: States, fact: Fact, meaning: Meaning) -> Evolved:
        """Fold as ever, but for the poison."""
        assert fact.position != self.poison, "cannot be folded"
        return super().evolve(states, fact, meaning)


@pytest.mark.parametrize("skipped", [True, False], ids=["skip", "retry"])
async def test_an_operator_lets_a_stalled_stream_go_on(database_url: str, *, skipped: bool) -> None:
    """Skipping leaves the fact out; a retry after an upgrade folds it; later facts of the stream follow in order."""
    story = Story()
    story.order()
    story.order(closed_date="2026-11-20T19:00:00")
    story.order(total_amount=40_000, total_order_amount=40_000)
    async with service_pool(database_url) as pool:
        await append_story(pool, story)
        first = next(fact.position for fact in story.facts if fact.stream_id == "order-order-1")
        picky = Picky()
        picky.poison = first
        runner = Runner(pool, LedgerReader(pool))
        while (await runner.step(STORE, picky, epoch=1, facts_max=1)).facts:
            pass
        assert [row["position"] for row in await rows_of(pool, "stalled_stream")] == [first]
        assert await rows_of(pool, "sync_record") == []
        if not skipped:
            picky.poison = 0
        word = (
            StreamFactSkipped(position=first, actor="a", reason="b")
            if skipped
            else StreamRetried(actor="a", reason="b")
        )
        story.tell(own(word, "order-order-1", "operator:1"))
        await append_story(pool, story)
        await runner.step(STORE, picky, epoch=1, facts_max=100)
        assert await rows_of(pool, "stalled_stream") == []
        records = {row["record_id"] for row in await rows_of(pool, "sync_record")}
        assert records == {"sale-order-1", "change-order-1-1"}


@pytest.mark.servers
async def test_what_was_told_twice_is_folded_once(workshop: Workshop) -> None:
    """A rebuild beside a running fold holds the cursor: facts that came meanwhile are in it, once."""
    await workshop.rebuilder.fold(STORE, CATALOGUE["sync_status"], lambda _position, _end: None)
    workshop.story.order(order_id="order-7", order_reference="#7")
    await tell(workshop.pool, workshop.story)
    result = await workshop.rebuilder.swap(STORE, CATALOGUE["sync_status"])
    assert (result.differences, result.swapped) == ((), True)
    assert len(await fold_all(workshop.pool)) == 0


async def versions(pool: Pool, *tables: str) -> list[str]:
    """Return the version of every row: it changes with every write."""
    return [
        record["version"]
        for table in tables
        for record in await pool.fetch(f"SELECT xmin || ':' || ctid AS version FROM {table} ORDER BY ctid")  # noqa: S608
    ]


async def test_a_swap_touches_only_rows_that_differ(workshop: Workshop) -> None:
    """Where nothing differs nothing is written; where one row does, its neighbours stay as they are."""
    tables = ("sync_record", "projection_state", "projection_cursor")
    before = await versions(workshop.pool, *tables)
    await workshop.rebuild(CATALOGUE["sync_status"])
    assert await versions(workshop.pool, *tables) == before
    await workshop.pool.execute("UPDATE sync_record SET reference = 'forged' WHERE record_id = 'sale-order-1'")
    forged = set(await versions(workshop.pool, "sync_record"))
    await workshop.rebuild(CATALOGUE["sync_status"])
    assert len(forged - set(await versions(workshop.pool, "sync_record"))) == 1


class Renumbered(InvoicePayment):
    """A changed rule that shows in states: every order has another reference."""

    def evolve(self, states: States, fact: Fact, meaning: Meaning) -> Evolved:
        """Fold as ever, under another reference."""
        evolved = super().evolve(states, fact, meaning)
        renumbered = {
            key: msgspec.structs.replace(state, known={**state.known, "order_reference": "new"})
            if isinstance(state, OrderState)
            else state
            for key, state in evolved.states.items()
        }
        return Evolved(renumbered, evolved.rows)


async def test_a_runner_that_remembers_folds_on_from_what_was_swapped_in(workshop: Workshop) -> None:
    """What it keeps in memory is of before the swap: it forgets that, and reads the states that stand now."""
    projection, tail = CATALOGUE["invoice_payment"], Tail()
    runner = Runner(workshop.pool, LedgerReader(workshop.pool), tail=tail)
    workshop.story.order(transactions=[paid("t1", 20_000)], closed_date="2026-11-20T19:00:00")
    await append_story(workshop.pool, workshop.story)
    assert (await runner.step(STORE, projection, epoch=1, facts_max=100)).facts
    await workshop.rebuild(Renumbered())
    workshop.story.accept(
        INVOICE, Document(resource="sales_invoices", jurnal_id=7, amount=Decimal(20_000), remaining=Decimal(20_000))
    )
    held = (await LedgerReader(workshop.pool).head(STORE)).position
    new = workshop.story.new_facts[held:]
    await Appender(workshop.pool, ManualClock(NOON), on_appended=tail.told).append(STORE, new)
    assert (await runner.step(STORE, projection, epoch=1, facts_max=100)).facts == 1
    rebuilt = await workshop.rebuild(Renumbered(), swap=False)
    assert rebuilt.differences == ()  # type: ignore[attr-defined]  # a Rebuilt
    references = await workshop.pool.fetch("SELECT order_reference FROM invoice_payment WHERE order_id = 'order-1'")
    assert [record["order_reference"] for record in references] == ["new"]


@pytest.mark.parametrize("facts_max", [1, 2, 1_000])
async def test_what_is_said_of_one_command_counts_in_its_order_whatever_the_batch(
    database_url: str, facts_max: int
) -> None:
    """Refused, released, parked, released, refused: each changes what the one before left, also within one batch."""
    story = Story()
    story.order()
    command_id = story.rows(CommandAdded)[0].command_id
    refused = CommandRefused(attempted=Attempted(command_id=command_id, attempt=1), reason="No")
    released = CommandReleased(command_id=command_id, actor="a", reason="b")
    parked = CommandParked(command_id=command_id, actor="a", reason="wait")
    for number, word in enumerate((refused, released, parked, parked, released, refused, released, parked)):
        story.tell(own(word, f"command-{command_id}", f"word:{number}"))
    async with service_pool(database_url) as pool:
        await append_story(pool, story)
        await fold_all(pool, facts_max=facts_max)
        (row,) = await rows_of(pool, "command")
        end = len(story.facts)
        assert (row["state"], row["reason"]) == ("parked", "wait")
        assert (row["settled_at"], row["released_at"]) == (end, end - 1)
        rebuilder = Rebuilder(pool, pool, LedgerReader(pool))
        await rebuilder.fold(STORE, CATALOGUE["jurnal_commands"], lambda _position, _end: None)
        assert (await rebuilder.compare(STORE, CATALOGUE["jurnal_commands"])).differences == ()


async def test_a_rebuild_stalls_where_the_database_cannot_store(database_url: str) -> None:
    """Memory takes what an index does not; the live fold's stalled stream makes the shadow decide, which agrees."""
    story = Story()
    for number in range(1, 4):
        story.order(order_id=f"order-{number}", order_reference=f"#{number}")
    poisoned = Poisoned()
    async with service_pool(database_url) as pool:
        await append_story(pool, story)
        runner = Runner(pool, LedgerReader(pool))
        while (await runner.step(STORE, poisoned, epoch=1, facts_max=100)).facts:
            pass
        shadow = await open_test_pool(database_url, connections_max=2, search_path=SHADOW_SEARCH_PATH)
        rebuilder = Rebuilder(pool, shadow, LedgerReader(pool))
        await rebuilder.fold(STORE, poisoned, lambda _position, _end: None)
        assert (await rebuilder.compare(STORE, poisoned)).differences == ()
        assert (await rebuilder.swap(STORE, poisoned)).swapped
        assert [row["stream_id"] for row in await rows_of(pool, "stalled_stream")] == ["order-order-2"]
        shadow.terminate()
