"""A story told in memory, put into a real ledger and folded into real tables."""

from datetime import datetime
from typing import Any

from eventstore.connection import Pool
from eventstore.store import LedgerReader
from projections.catalogue import CATALOGUE
from projections.jurnal_commands.commands import KINDS
from projections.jurnal_commands.queue import Asked, Send, SendQueue
from projections.runner import Folded, Runner
from tests.ledger import STORE, appender_on, positions
from tests.story import Story

TABLES = (
    "command", "send", "sync_record", "clearing_day", "invoice_payment", "in_transit_stock", "master_data",
    "iseller_product", "store_setting", "projection_state", "stalled_stream",
)  # fmt: skip
ALL_KINDS = tuple(Asked(kind=kind, rows_max=100) for kind in KINDS)
# When something happened on the database's clock; everything else is a function of the facts.
TIMES = ("due_at", "stalled_at")


async def first_to_send(pool: Pool, company_id: str, now: datetime) -> Send | None:
    """Return what must be looked up first, else what may go first."""
    queue = SendQueue(pool)
    ready = await queue.ready(STORE, company_id, ALL_KINDS, now=now)
    first = min(ready.sends, key=lambda send: (send.due_at, send.command_id), default=None)
    return await queue.unknown(STORE, company_id, now=now) or first


async def append_story(pool: Pool, story: Story) -> None:
    """Append what the ledger does not hold yet."""
    held = (await LedgerReader(pool).head(STORE)).position
    if held < len(story.new_facts):
        results = await appender_on(pool).append(STORE, story.new_facts[held:])
        assert positions(results) == list(range(held + 1, len(story.new_facts) + 1))


async def fold_all(pool: Pool, *, facts_max: int = 1_000, epoch: int = 1) -> list[Folded]:
    """Fold every projection to the end of the ledger; return what the steps did."""
    runner = Runner(pool, LedgerReader(pool))
    steps: list[Folded] = []
    for projection in CATALOGUE.values():
        while (step := await runner.step(STORE, projection, epoch=epoch, facts_max=facts_max)).facts:
            steps.append(step)
    return steps


async def tell(pool: Pool, story: Story) -> None:
    """Append and fold what is new in a story."""
    await append_story(pool, story)
    await fold_all(pool)


def in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sort rows by all they hold, whatever the order of their columns."""
    return sorted(rows, key=lambda row: sorted(map(str, row.items())))


async def rows_of(pool: Pool, table: str) -> list[dict[str, Any]]:
    """Return a table's rows of the store without times, sorted."""
    records = await pool.fetch(f"SELECT * FROM {table} WHERE store_id = $1", STORE)  # noqa: S608 - names of TABLES
    rows = [{name: value for name, value in record.items() if name not in TIMES} for record in records]
    return in_order(rows)


async def all_rows(pool: Pool) -> dict[str, list[dict[str, Any]]]:
    """Return all that was folded for the store."""
    return {table: await rows_of(pool, table) for table in TABLES}
