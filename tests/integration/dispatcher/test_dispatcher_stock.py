"""Stock documents in Jurnal: written off, received, counted; each once, whatever happens on the wire."""

from fractions import Fraction
from typing import Any

import msgspec
import pytest

from eventstore.facts.settings import SETTINGS_STREAM, StoreConnected
from ops.sandbox.jurnal import FaultPlan
from projections.in_transit_stock.queries import sum_in_transit
from projections.jurnal_commands.identity import transaction_no
from tests.integration.dispatcher.stand import Stand
from tests.ledger import STORE
from tests.story import CONNECTION, own
from tests.unit.projections.transfer_reports import START, act, correction, decided, delivery, receipt, sent, transfer

DAMAGED = transfer(START, receipt("a1", decided("LATTE", 2, cancelled=1, rejected=1)))
DELIVERED = delivery(
    receipt("d1", decided("LATTE", 4, buying_price=2_500)), transfer_id="delivery-1", transfer_number="TI-1"
)
LOST = FaultPlan(close_after_commit=True)


async def held(stand: Stand, warehouse: str, sku: str = "LATTE") -> int:
    """Return what Jurnal holds of a product."""
    company = stand.sandbox.company
    product = next(product for product in company.products if product.code == sku)
    return int(company.stock.on_hand(product, next(each for each in company.warehouses if each.name == warehouse)))


async def connected(stand: Stand, **changed: object) -> None:
    """Change the store's connection."""
    setting: StoreConnected = msgspec.structs.replace(CONNECTION, **changed)
    await stand.appender.append(STORE, [own(setting, SETTINGS_STREAM, f"settings:{changed}")])
    await stand.fold()


async def test_each_decision_of_a_receipt_stands_in_jurnal(stand: Stand) -> None:
    """Accepted, sent back, written off; transit equal on both sides, and one line of the list for all three."""
    await stand.report("transfer", DAMAGED)
    await stand.until_quiet(stand.process())
    assert await held(stand, "Branch Warehouse") == 2
    assert await held(stand, "Main Warehouse") == -4
    assert await held(stand, "iSeller in Transit") == 1
    assert await sum_in_transit(stand.pool, STORE) == {"LATTE": 1, "MOCHA": 2}
    assert (stand.documents("warehouse_transfer"), stand.documents("stock_adjustment")) == (3, 1)
    assert await stand.statuses() == {"transfer-a0": "Success", "transfer-a1": "Success"}
    (adjusted,) = [
        told for told in await stand.told("CommandAccepted") if told["document"]["resource"] == "stock_adjustments"
    ]
    assert adjusted["document"]["transaction_no"].startswith("ADJ-TO-1-")


async def test_goods_of_a_supplier_stand_in_jurnal_at_what_they_were_bought_for(stand: Stand) -> None:
    """Inventory against the mapped account, to the rupiah."""
    await stand.report("transfer", DELIVERED)
    await stand.until_quiet(stand.process())
    balances = stand.sandbox.exact_balances()
    assert balances["Inventory"] == Fraction(10_000) == -balances["Goods Received"]
    assert await held(stand, "Main Warehouse") == 4


async def test_a_count_changes_jurnals_stock_by_its_difference(stand: Stand) -> None:
    """Also when a sale went before it on its way to Jurnal."""
    await stand.report("transfer", DELIVERED)
    await stand.order()
    count = act("c1", "Opname", 22, {"sku": "LATTE", "counted_quantity": 3, "system_quantity": 4})
    await stand.report("transfer", correction(count))
    await stand.until_quiet(stand.process())
    assert await held(stand, "Main Warehouse") == 4 - 2 - 1
    assert stand.sandbox.exact_balances()["Inventory Adjustments"] == Fraction(2_500)


async def test_a_stock_adjustment_whose_answer_was_lost_is_found_by_its_number_and_not_made_again(stand: Stand) -> None:
    """Jurnal shows no custom_id of it; the number in its entry is the only key."""
    await stand.report("transfer", DELIVERED)
    stand.fail(LOST, path="stock_adjustments")
    await stand.until_quiet(stand.process())
    assert stand.documents("stock_adjustment") == 1
    assert await stand.statuses() == {"transfer-d1": "Success"}
    (answer,) = await stand.told("CommandAccepted")
    assert answer["found_by"] == "probe"


async def test_a_stock_adjustment_that_never_arrived_is_made_after_the_fence(stand: Stand) -> None:
    """Absent counts only when the signed Date is dead; then it is sent once more."""
    await stand.report("transfer", DELIVERED)
    stand.fail(FaultPlan(status_before_commit=502), path="stock_adjustments")
    await stand.until_quiet(stand.process())
    assert stand.documents("stock_adjustment") == 1
    assert await held(stand, "Main Warehouse") == 4


async def test_a_foreign_document_under_our_number_is_never_taken_for_ours(stand: Stand) -> None:
    """What differs is said: a person used the number for something else."""
    await stand.report("transfer", DELIVERED)
    (command_id,) = [row["command_id"] for row in await stand.migrator.fetch("SELECT command_id FROM command")]
    number = transaction_no(command_id, "TI-1")
    shop = {"date": "20/11/2026", "warehouse_name": "Main Warehouse", "account_name": "Goods Received"}
    line = {"product_code": "LATTE", "difference": 1}
    await stand.shop.make(
        "stock_adjustments", "stock_adjustment", stock_adjustment_type="General", transaction_no=number,
        lines_attributes=[line], **shop,
    )  # fmt: skip
    await stand.until_quiet(stand.process())
    assert await stand.statuses() == {"transfer-d1": "Failed"}
    assert "difference of LATTE is 1, not 4" in ((await stand.records())["transfer-d1"].reason or "")


@pytest.mark.parametrize(
    ("setting", "report", "record"),
    [
        ("loss_account", DAMAGED, "transfer-a1"),
        ("goods_received_account", DELIVERED, "transfer-d1"),
        ("stock_adjustment_account", correction(act("c1", "Adjustment", 20, sent("LATTE", 2))), "transfer-c1"),
    ],
)
async def test_a_record_that_waited_for_an_account_is_booked_once_it_is_mapped(
    stand: Stand, setting: str, report: dict[str, Any], record: str
) -> None:
    """From Failed with what to do to Success, by the setting alone."""
    await connected(stand, **{setting: None})
    await stand.report("transfer", report)
    await stand.until_quiet(stand.process())
    assert (await stand.statuses())[record] == "Failed"
    assert setting in ((await stand.records())[record].what_to_do or "")
    await connected(stand)
    await stand.until_quiet(stand.process())
    assert (await stand.statuses())[record] == "Success"
