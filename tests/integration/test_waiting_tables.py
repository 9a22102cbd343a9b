"""What waits and is let go stands in the tables as in memory, whatever the size of a batch."""

import msgspec
import pytest

from eventstore.facts.settings import OutletMapped, SyncRequested, TransferSync
from projections.in_transit_stock.fold import InTransitRow
from projections.jurnal_commands.fold import CommandAdded
from projections.sync_status.fold import SyncRecordRow
from tests.folding import append_story, fold_all, rows_of
from tests.ledger import STORE, service_pool
from tests.story import CONNECTION, Story, own
from tests.unit.projections.transfer_reports import START, act, decided, delivery, home, receipt, sent, transfer

KIOSK = {"destination_outlet_id": "kiosk", "destination_outlet_name": "Kiosk"}


def waiting_and_let_go() -> Story:
    """Tell of transfers that wait for an account, an outlet and a request, of which each comes."""
    story = Story(
        connection=msgspec.structs.replace(
            CONNECTION, goods_received_account=None, transfer_sync=TransferSync("manual")
        )
    )
    story.report("transfer", delivery(receipt("d1", decided("LATTE", 3, buying_price=4_000)), transfer_id="delivery"))
    for number in range(5):
        start = act(f"s{number}", "Start", 20, sent("LATTE", 1))
        story.report("transfer", transfer(start, transfer_id=f"kiosk-{number}", transfer_number=f"K-{number}", **KIOSK))
    story.report("transfer", transfer(START, receipt("a1", decided("LATTE", 3, cancelled=2))))
    story.report("transfer", home(act("b0", "Start", 21, sent("LATTE", 2))))
    story.set(OutletMapped(outlet_id="kiosk", outlet_name="Kiosk", warehouse="Kiosk Warehouse"))
    request = {"scope": "transfers", "first": "2026-11-20", "last": "2026-11-21", "actor": "owner", "reason": "now"}
    story.tell(own(msgspec.convert(request, SyncRequested), "sync-transfers", "request:1"))
    story.set(CONNECTION)
    return story


@pytest.mark.parametrize("facts_max", [1, 4, 1_000])
async def test_what_waited_is_in_the_tables_as_in_memory(database_url: str, facts_max: int) -> None:
    """Documents that a setting or a request touched are written by that fact, in any batch."""
    story = waiting_and_let_go()
    assert {row.state for row in story.rows(SyncRecordRow)} == {"booking", "skipped"}
    async with service_pool(database_url) as pool:
        await append_story(pool, story)
        assert all(step.stalls == () for step in await fold_all(pool, facts_max=facts_max))
        shown = {row["record_id"]: (row["state"], row["reason"]) for row in await rows_of(pool, "sync_record")}
        assert shown == {row.record_id: (row.state, row.reason) for row in story.rows(SyncRecordRow)}
        commands = {
            (row["command_id"], row["position"], row["ordinal"], row["lane"]) for row in await rows_of(pool, "command")
        }
        assert commands == {(r.command_id, r.position, r.ordinal, r.lane) for r in story.rows(CommandAdded)}
        moved = {(row["transfer_id"], row["sku"]): row["in_transit"] for row in await rows_of(pool, "in_transit_stock")}
        assert moved == {(row.transfer_id, row.sku): row.in_transit for row in story.rows(InTransitRow)}
        sends = await pool.fetchval("SELECT count(*) FROM send WHERE store_id = $1", STORE)
        assert sends == len(commands)
