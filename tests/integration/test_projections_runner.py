"""Folding a real ledger into real tables: what is in them, whatever the batch, the runner or the number of times."""

import asyncio
from decimal import Decimal

import msgspec
import pytest

from eventstore.connection import Connection
from eventstore.errors import LeaseLost
from eventstore.event import NewFact
from eventstore.facts.answers import Attempted, CommandRefused, Document, MasterDataFound
from eventstore.facts.settings import LiveModeActivated, MappingRemoved, OutletMapped
from eventstore.store import LedgerReader
from projections.catalogue import CATALOGUE
from projections.in_transit_stock.fold import InTransitRow
from projections.in_transit_stock.queries import read_in_transit, sum_in_transit
from projections.invoice_payment.fold import InvoiceRow
from projections.jurnal_commands.fold import CommandAdded, CommandSettled
from projections.master_data.fold import MasterDataRow, ProductRow
from projections.runner import Runner, count_lag, count_stalled
from projections.store_settings.fold import SettingRow
from projections.store_settings.queries import read_settings
from projections.sync_status.fold import SyncRecordRow
from projections.sync_status.queries import Wanted, count_records, read_page
from tests.folding import TABLES, all_rows, append_story, first_to_send, fold_all, in_order, rows_of, tell
from tests.ledger import NOON, OTHER_STORE, STORE, member, service_pool
from tests.story import CONNECTION, Story, own, paid

BUYER = {"customer_id": "c0ffee00-1", "external_customer_id": "C-1", "customer_first_name": "sealed:x"}
TRANSFER = {
    "transfer_id": "transfer-1",
    "transfer_number": "TO-1",
    "outlet_id": "main",
    "outlet_name": "Main Outlet",
    "destination_outlet_id": "branch",
    "destination_outlet_name": "Branch",
    "inventory_adjustments": [
        {"inventory_adjustment_id": "a0", "action": "Start", "date": "2026-11-20T02:00:00",
         "items": [{"sku": "LATTE", "quantity": 5}]},
        {"inventory_adjustment_id": "a1", "action": "Accept", "date": "2026-11-20T03:00:00",
         "items": [{"sku": "LATTE", "accepted_quantity": 3}]},
    ],
}  # fmt: skip


def settle(story: Story) -> None:
    """Let Jurnal accept every command."""
    for number, row in enumerate(sorted(story.rows(CommandAdded), key=lambda row: (row.position, row.ordinal))):
        kind = "sales_invoices" if row.kind == "BookInvoice" else "receive_payments"
        amounts = {"amount": 20_000, "remaining": 15_000} if row.kind == "BookInvoice" else {"amount": 5_000}
        story.accept(
            row.command_id, msgspec.convert({"resource": kind, "jurnal_id": 100 + number, **amounts}, Document)
        )


def a_day() -> Story:
    """Tell of everything a shop does, with repeats, late reports and a second Live Mode."""
    story = Story(live=False)
    story.order(order_id="early")
    story.go_live()
    story.report("order", {"order_id": "order-1", "status": "completed"})
    story.order(transactions=[paid("t1", 5_000)], **BUYER)
    story.order(order_id="order-2", order_reference="#2", outlet_id="kiosk")
    story.order(order_id="order-3", order_reference="#3", **BUYER)
    story.order(transactions=[paid("t1", 5_000), paid("t2", 5_000)], **BUYER)
    for transfer_id in (TRANSFER["transfer_id"], "transfer-9"):
        story.report("transfer", {**TRANSFER, "transfer_id": transfer_id, "inventory_adjustments": []})
    story.report("transfer", TRANSFER)
    story.tell(own(LiveModeActivated(actor="again", activated_at=NOON), "settings", "setting:again"))
    story.set(OutletMapped(outlet_id="kiosk", outlet_name="Kiosk", warehouse="Kiosk"))
    story.set(MappingRemoved(mapped="outlet", scope="kiosk", name="Kiosk"))
    story.report("payout", {"reference_id": "PO-1", "status": "Processing"})
    story.report(
        "payout",
        {"reference_id": "PO-1", "status": "Completed", "date": "2026-11-20T18:00:00", "transactions_amount": 100,
         "total_fees": 1, "total_deposit": 99},
    )  # fmt: skip
    story.order(status="void", **BUYER)
    story.unreadable("order", "body", "no strict JSON")
    looked_up = MasterDataFound(kind="tax", key="PPN", jurnal_id=17, name="PPN", rate=Decimal(11))
    story.tell(own(looked_up, "master-data", "found:1"))
    for price in (10_000, 12_000):
        story.report("product", {"product_id": "p-1", "sku": " LATTE", "name": "Latte", "price": price})
    return story


@pytest.mark.parametrize("facts_max", [1, 3, 1_000])
async def test_the_tables_hold_what_a_fold_in_memory_gives(database_url: str, facts_max: int) -> None:
    """Row by row and column by column, whatever the size of a batch."""
    story = a_day()
    settle(story)
    async with service_pool(database_url) as pool:
        await append_story(pool, story)
        steps = await fold_all(pool, facts_max=facts_max)
        assert sum(step.facts for step in steps) == len(CATALOGUE) * len(story.facts)
        for table, row_type in (
            ("sync_record", SyncRecordRow),
            ("invoice_payment", InvoiceRow),
            ("in_transit_stock", InTransitRow),
            ("master_data", MasterDataRow),
            ("iseller_product", ProductRow),
            ("store_setting", SettingRow),
        ):
            expected = [
                {"store_id": STORE, **{name.rstrip("_"): value for name, value in msgspec.structs.asdict(row).items()}}
                for row in story.rows(row_type)
            ]
            found = await rows_of(pool, table)
            assert expected
            assert in_order(expected) == found
        settled = {row.command_id: row for row in story.rows(CommandSettled)}
        commands = {row["command_id"]: row for row in await rows_of(pool, "command")}
        assert len(commands) == len(settled) == len(story.commands)
        for row in story.rows(CommandAdded):
            stored = commands[row.command_id]
            assert " ".join(stored["needs"]) == row.needs
            assert all(stored[name] == value for name, value in msgspec.structs.asdict(row).items() if name != "needs")
            assert stored["state"] == settled[row.command_id].state
            assert stored["document"] == settled[row.command_id].document


@pytest.mark.servers
async def test_folding_from_the_start_again_gives_the_same_rows_and_sends_nothing(
    database_url: str, connection: Connection
) -> None:
    """The same commands under the same ids, all with Jurnal's last word, so there is nothing to send (I5)."""
    story = a_day()
    settle(story)
    async with service_pool(database_url) as pool:
        await append_story(pool, story)
        await fold_all(pool, facts_max=2)
        once = await all_rows(pool)
        for table in (*TABLES, "projection_cursor"):
            await connection.execute(f"DELETE FROM {table}")  # noqa: S608 - names of TABLES
        await fold_all(pool, facts_max=7)
        assert await all_rows(pool) == once
        now = await pool.fetchval("SELECT jurnalsync_clock() + interval '1 year'")
        assert await first_to_send(pool, CONNECTION.company_id, now) is None


async def test_a_stalled_stream_waits_while_all_others_go_on(database_url: str) -> None:
    """A fact that cannot be folded stops its own stream, says why, and shows as failed; it is never skipped."""
    story = Story()
    story.report("order", {"order_id": "order-1", "status": "completed"})
    async with service_pool(database_url) as pool:
        await tell(pool, story)
        unknown = NewFact(
            stream_id="order-order-1", type="OrderRepainted", schema_version=1, source_id="?", observed_at=NOON,
            body=b"{}",
        )  # fmt: skip
        story.new_facts.append(unknown)
        story.facts.append(story.facts[-1])
        story.order()
        story.order(order_id="order-2")
        await append_story(pool, story)
        steps = await fold_all(pool)
        stalls = [stall for step in steps for stall in step.stalls]
        assert {(stall.stream_id, stall.position) for stall in stalls} == {("order-order-1", 6)}
        assert all("no reader for fact type 'OrderRepainted' version 1" in stall.error for stall in stalls)
        assert [row["command_id"] for row in await rows_of(pool, "command")] == [f"inv-{STORE}.order-2"]
        assert await count_stalled(pool) == 1
        assert await count_lag(pool, list(CATALOGUE)) == dict.fromkeys(CATALOGUE, 0)
        page = await read_page(pool, STORE, Wanted(), rows_max=10)
        shown = {record.record_id: record.status for record in page.records}
        assert shown == {"sale-order-1": "Held", "sale-order-2": "Pending", "stalled-order-order-1": "Failed"}
        story.report("refund", {"order_id": "order-1"})
        await append_story(pool, story)
        assert [step.stalls for step in await fold_all(pool)] == [()] * len(CATALOGUE)


@pytest.mark.servers
async def test_of_two_runners_on_one_cursor_one_loses_and_nothing_is_written_twice(
    database_url: str, connection: Connection
) -> None:
    """Both read the same facts; the cursor moves once; the loser has written nothing."""
    story = a_day()
    projection = CATALOGUE["jurnal_commands"]
    async with service_pool(database_url) as pool:
        await append_story(pool, story)
        await Runner(pool, LedgerReader(pool)).step(STORE, projection, epoch=1, facts_max=1)
        async with connection.transaction():
            await connection.execute("SELECT 1 FROM projection_cursor FOR UPDATE")
            steps = [
                asyncio.create_task(
                    Runner(pool, LedgerReader(pool)).step(STORE, projection, epoch=1, facts_max=facts_max)
                )
                for facts_max in (1_000, 5)
            ]
            async with asyncio.timeout(10):
                while True:
                    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
                    if await connection.fetchval(waiting) >= 2:
                        break
                    await asyncio.sleep(0.01)
        outcomes = await asyncio.gather(*steps, return_exceptions=True)
        assert sum(isinstance(outcome, LeaseLost) for outcome in outcomes) == 1
        await fold_all(pool)
        found = [row["command_id"] for row in await rows_of(pool, "command")]
        assert sorted(found) == sorted(row.command_id for row in story.rows(CommandAdded))


@pytest.mark.servers
async def test_a_late_owner_cannot_move_the_cursor_and_writes_nothing(database_url: str) -> None:
    """Once a later epoch has folded, the earlier one is refused, and its rows with it."""
    story = a_day()
    async with service_pool(database_url) as pool:
        await append_story(pool, story)
        runner, projection = Runner(pool, LedgerReader(pool)), CATALOGUE["sync_status"]
        await runner.step(STORE, projection, epoch=2, facts_max=5)
        before = await all_rows(pool)
        with pytest.raises(LeaseLost, match="no longer at 5"):
            await runner.step(STORE, projection, epoch=1, facts_max=100)
        assert await all_rows(pool) == before
        assert (await runner.step(STORE, projection, epoch=2, facts_max=100)).position == len(story.facts)


async def test_a_step_folds_at_most_its_limit_and_nothing_when_there_is_nothing(database_url: str) -> None:
    """A step is bounded and says what it did; stores are folded apart."""
    async with service_pool(database_url) as pool:
        runner, projection = Runner(pool, LedgerReader(pool)), CATALOGUE["sync_status"]
        assert (await runner.step(STORE, projection, epoch=1, facts_max=10)).facts == 0
        await append_story(pool, Story())
        step = await runner.step(STORE, projection, epoch=1, facts_max=3)
        assert (step.facts, step.position, step.stalls) == (3, 3, ())
        assert (await runner.step(OTHER_STORE, projection, epoch=1, facts_max=3)).facts == 0
        assert (await count_lag(pool, ["sync_status", "master_data"])) == {"sync_status": 1, "master_data": 4}


async def test_the_worst_of_a_records_commands_shows(database_url: str) -> None:
    """Pending until accepted, Failed with Jurnal's reason when one is refused, Success with all documents."""
    payout = {"reference_id": "PO-1", "status": "Completed", "date": "2026-11-20T18:00:00",
              "transactions_amount": 100, "total_fees": 1, "total_deposit": 99}  # fmt: skip
    story = Story()
    story.report("payout", payout)
    async with service_pool(database_url) as pool:
        await tell(pool, story)
        assert await count_records(pool, STORE) == {"Pending": 1}
        deposit, fee = (f"{kind}-{STORE}.PO-1" for kind in ("dep", "fee"))
        story.accept(deposit, Document(resource="bank_deposits", jurnal_id=1))
        refusal = CommandRefused(attempted=Attempted(command_id=fee, attempt=1), reason="Account is archived")
        story.tell(own(refusal, "payout-PO-1", "refused:1"))
        await tell(pool, story)
        failed = Wanted(statuses=("Failed",), kinds=("payout",))
        (record,) = (await read_page(pool, STORE, failed, rows_max=9)).records
        assert (record.reason, [document.jurnal_id for document in record.documents]) == ("Account is archived", [1])
        story.accept(fee, Document(resource="bank_withdrawals", jurnal_id=2))
        await tell(pool, story)
        (record,) = (await read_page(pool, STORE, Wanted(), rows_max=9)).records
        assert (record.status, len(record.documents)) == ("Success", 2)


async def test_an_invoice_is_open_partial_or_paid_by_what_jurnal_confirmed(database_url: str) -> None:
    """Money that iSeller reports counts as received; the status follows Jurnal alone."""
    story = Story()
    story.order(transactions=[paid("t1", 5_000), paid("t2", 15_000, transaction_date="2026-11-20T18:40:00")])
    invoice, payment = (row.command_id for row in sorted(story.rows(CommandAdded), key=lambda row: row.ordinal))
    expected = []
    async with service_pool(database_url) as pool:
        for answer in (None, ("sales_invoices", 20_000, 15_000), ("receive_payments", 15_000, None)):
            if answer is not None:
                resource, amount, remaining = answer
                fields = {"resource": resource, "jurnal_id": 7, "amount": amount, "remaining": remaining}
                command_id = invoice if resource == "sales_invoices" else payment
                story.accept(command_id, msgspec.convert(fields, Document))
            await tell(pool, story)
            (row,) = await rows_of(pool, "invoice_payment")
            expected.append((row["status"], int(row["received"]), int(row["paid"])))
    assert expected == [("NotBooked", 20_000, 0), ("Partial", 20_000, 5_000), ("Paid", 20_000, 20_000)]


async def test_what_is_in_transit_is_read_by_transfer_and_by_sku(database_url: str) -> None:
    """Sums are by SKU; pages go on after a transfer and SKU."""
    story = Story()
    story.report("transfer", TRANSFER)
    async with service_pool(database_url) as pool:
        await tell(pool, story)
        assert await sum_in_transit(pool, STORE) == {"LATTE": 2}
        (row,) = await read_in_transit(pool, STORE, after=None, rows_max=10)
        assert tuple(map(int, (row.sent, row.received, row.in_transit))) == (5, 3, 2)
        assert await read_in_transit(pool, STORE, after=("transfer-1", "LATTE"), rows_max=10) == []


async def test_settings_are_read_as_they_stand_and_live_mode_began_once(database_url: str) -> None:
    """A second activation changes nothing; facts that are no settings do not matter."""
    story = Story()
    story.tell(own(LiveModeActivated(actor="again", activated_at=NOON), "settings", "setting:again"))
    story.tell(member(1))
    async with service_pool(database_url) as pool:
        await tell(pool, story)
        settings = await read_settings(pool, STORE)
        assert settings.connection == CONNECTION
        assert set(settings.outlets) == {"main", "branch"}
        assert settings.live_mode is not None
        assert (settings.live_mode[0], settings.live_mode[1].actor) == (4, "owner")
