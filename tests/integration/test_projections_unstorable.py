"""What cannot be stored stalls its stream alone: its neighbours, other stores and other projections go on."""

import asyncpg
import pytest

from eventstore.connection import Connection
from eventstore.event import Fact
from eventstore.facts.answers import Document
from eventstore.facts.registry import Meaning
from eventstore.store import LedgerReader
from projections.folding import Stall
from projections.projection import Evolved, Projection, States
from projections.runner import Runner
from projections.sync_status.fold import SyncStatus
from tests.folding import append_story, fold_all, rows_of
from tests.ledger import STORE, service_pool
from tests.story import Story


class Poisoned(SyncStatus):
    """A projection that makes a key of 9,000 characters for one stream: more than an index takes."""

    def evolve(self, states: States, fact: Fact, meaning: Meaning) -> Evolved:
        """Fold as ever, but for the poisoned stream."""
        evolved = super().evolve(states, fact, meaning)
        if fact.stream_id != "order-order-2":
            return evolved
        key = "".join(f"{number:05d}" for number in range(1_800))
        return Evolved({**evolved.states, key: next(iter(evolved.states.values()))}, evolved.rows)


@pytest.mark.parametrize("facts_max", [1, 3, 1_000])
async def test_a_fact_that_cannot_be_stored_stalls_its_stream_and_no_other(database_url: str, facts_max: int) -> None:
    """Halving the batch finds it; everything before, beside and after it is folded."""
    story = Story()
    for number in range(1, 6):
        story.order(order_id=f"order-{number}", order_reference=f"#{number}")
    async with service_pool(database_url) as pool:
        await append_story(pool, story)
        runner = Runner(pool, LedgerReader(pool))
        poisoned: Projection = Poisoned()
        stalls: list[Stall] = []
        while (step := await runner.step(STORE, poisoned, epoch=1, facts_max=facts_max)).facts:
            stalls += step.stalls
        assert [stall.stream_id for stall in stalls] == ["order-order-2"]
        assert {row["record_id"] for row in await rows_of(pool, "sync_record")} == {
            f"sale-order-{number}" for number in (1, 3, 4, 5)
        }


async def test_a_deadlock_stalls_nobody(database_url: str, connection: Connection) -> None:
    """It says nothing about the fact: the step fails, nothing is written, and the next one folds."""
    story = Story()
    story.order()
    await connection.execute(
        "CREATE FUNCTION deadlock() RETURNS trigger LANGUAGE plpgsql"
        " AS $$ BEGIN RAISE EXCEPTION 'made up' USING ERRCODE = 'deadlock_detected'; END $$"
    )
    await connection.execute(
        "CREATE TRIGGER deadlock BEFORE INSERT ON sync_record FOR EACH ROW EXECUTE FUNCTION deadlock()"
    )
    async with service_pool(database_url) as pool:
        await append_story(pool, story)
        runner = Runner(pool, LedgerReader(pool))
        with pytest.raises(asyncpg.DeadlockDetectedError):
            await runner.step(STORE, SyncStatus(), epoch=1, facts_max=100)
        await connection.execute("DROP TRIGGER deadlock ON sync_record")
        folded = await runner.step(STORE, SyncStatus(), epoch=1, facts_max=100)
        assert (folded.facts, folded.stalls) == (len(story.new_facts), ())
        assert len(await rows_of(pool, "sync_record")) == 1


async def test_an_answer_in_a_stalled_stream_is_folded_all_the_same(database_url: str) -> None:
    """What Jurnal booked is booked, whatever report the stream waits at."""
    story = Story()
    story.order()
    async with service_pool(database_url) as pool:
        await append_story(pool, story)
        await fold_all(pool)
        await pool.execute(
            "INSERT INTO stalled_stream SELECT $1, 'jurnal_commands', 'order-order-1', 1, 'made up', now()", STORE
        )
        story.accept(f"inv-{STORE}.order-1", Document(resource="sales_invoices", jurnal_id=7))
        await append_story(pool, story)
        await fold_all(pool)
        assert {row["state"] for row in await rows_of(pool, "command")} == {"accepted"}
