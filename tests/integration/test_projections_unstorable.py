"""What cannot be stored stalls its stream alone: its neighbours, other stores and other projections go on."""

import pytest

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
