"""Goods of suppliers, counts and adjustments: each one stock adjustment against its mapped account."""

from decimal import Decimal

import pytest

from projections.jurnal_commands.commands import AdjustStock
from tests.story import Story
from tests.unit.projections.transfer_reports import (
    act,
    changes,
    correction,
    decided,
    delivery,
    receipt,
    sent,
    to_supplier,
)

SENT = act("a0", "Start", 20, sent("LATTE", 5, buying_price=4_000))


def test_goods_of_a_supplier_come_in_at_the_price_they_were_bought_for() -> None:
    """Stock In at the receiving outlet, across from the mapped account; one record a receipt."""
    story = Story()
    story.report("transfer", delivery(SENT, receipt("a1", decided("LATTE", 3, buying_price="4125.50"))))
    command = story.the(AdjustStock)
    assert changes(story) == [("Main Warehouse", "Goods Received", {"LATTE": 3})]
    assert command.lines[0].price == Decimal("4125.50")
    assert {record_id: row.kind for record_id, row in story.records.items()} == {"transfer-a1": "goods_received"}


def test_a_receipt_without_a_price_takes_that_of_its_delivery() -> None:
    """Once started, the purchase price can no longer be edited."""
    story = Story()
    story.report("transfer", delivery(SENT, receipt("a1", decided("LATTE", 3))))
    assert story.the(AdjustStock).lines[0].price == 4_000


def test_goods_without_any_purchase_price_are_failed_until_it_is_told() -> None:
    """Nothing is guessed: a price makes the worth of the stock."""
    story = Story()
    story.report("transfer", delivery(receipt("a1", decided("LATTE", 3))))
    assert story.records["transfer-a1"].reason == "iSeller tells no purchase price of LATTE"
    story.report("transfer", delivery(SENT, receipt("a1", decided("LATTE", 3))))
    assert story.states["transfer-a1"] == "booking"


def test_rejected_goods_of_a_supplier_move_nothing() -> None:
    """They never came in, so nothing is written off either."""
    story = Story()
    story.report("transfer", delivery(SENT, receipt("a1", decided("LATTE", 0, rejected=5))))
    assert (story.commands, story.states) == ([], {"transfer-a1": "skipped"})


def test_the_receiving_outlet_of_a_delivery_may_stand_in_either_field() -> None:
    """Which of the two iSeller fills for a Transfer In is not documented."""
    story = Story()
    ends = {"destination_outlet_id": "branch", "destination_outlet_name": "Branch"}
    story.report("transfer", delivery(SENT, receipt("a1", decided("LATTE", 3)), **ends))
    assert changes(story) == [("Branch Warehouse", "Goods Received", {"LATTE": 3})]


def test_goods_that_go_back_to_a_supplier_leave_when_they_are_sent() -> None:
    """Stock Out without a price of its own; what the supplier does with them is not our stock."""
    story = Story()
    gone = act("c0", "Start", 20, sent("LATTE", 2, buying_price=4_000))
    story.report("transfer", to_supplier(gone, act("c1", "Accept", 21, decided("LATTE", 2))))
    assert changes(story) == [("Main Warehouse", "Goods Received", {"LATTE": -2})]
    assert story.the(AdjustStock).lines[0].price is None
    assert story.records["transfer-c0"].kind == "goods_returned"


@pytest.mark.parametrize(
    ("line", "difference"),
    [
        ({"counted_quantity": 7, "system_quantity": 9}, -2),
        ({"counted_quantity": 9, "system_quantity": 7}, 2),
        ({"counted_quantity": 9, "system_quantity": 7, "difference": 3}, 3),
    ],
)
def test_a_count_is_booked_as_its_difference_on_its_day(line: dict[str, int], difference: int) -> None:
    """Never as an absolute quantity: what was sold since would be undone."""
    story = Story()
    story.report("transfer", correction(act("c1", "Opname", 20, {"sku": "LATTE", **line})))
    assert changes(story) == [("Main Warehouse", "Inventory Adjustments", {"LATTE": difference})]
    assert str(story.the(AdjustStock).transaction_date) == "2026-11-20"
    assert story.records["transfer-c1"].kind == "stock_count"


def test_a_count_between_two_sales_changes_neither_of_them() -> None:
    """Differences add up in any order: invoices and count ask for what they asked for without the other."""
    count = correction(act("c1", "Opname", 20, {"sku": "LATTE", "counted_quantity": 7, "system_quantity": 9}))
    story = Story()
    story.order()
    story.report("transfer", count)
    story.order(order_id="order-2", order_reference="#3101-1002")
    assert changes(story) == [("Main Warehouse", "Inventory Adjustments", {"LATTE": -2})]
    assert len(story.commands) == 3


def test_a_count_that_finds_what_was_expected_is_skipped() -> None:
    """No difference, no document."""
    story = Story()
    line = {"sku": "LATTE", "counted_quantity": 7, "system_quantity": 7}
    story.report("transfer", correction(act("c1", "Opname", 20, line)))
    assert (story.commands, story.records["transfer-c1"].reason) == ([], "It changes no stock")


def test_an_adjustment_goes_in_and_out_by_its_sign() -> None:
    """Both ways against the mapped account."""
    story = Story()
    story.report("transfer", correction(act("c1", "Adjustment", 20, sent("LATTE", -2), sent("MOCHA", 3))))
    assert changes(story) == [("Main Warehouse", "Inventory Adjustments", {"LATTE": -2, "MOCHA": 3})]
    assert story.records["transfer-c1"].kind == "stock_adjustment"


def test_a_count_before_live_mode_is_skipped() -> None:
    """Also when it is told again afterwards."""
    story = Story(live=False)
    report = correction(act("c1", "Adjustment", 20, sent("LATTE", -2)))
    story.report("transfer", report)
    story.go_live()
    story.report("transfer", report)
    assert (story.commands, story.states) == ([], {"transfer-c1": "skipped"})


def test_a_count_repeated_in_later_reports_is_booked_once() -> None:
    """Each stock action has one command, by its id."""
    story = Story()
    count = act("c1", "Adjustment", 20, sent("LATTE", -2))
    story.report("transfer", correction(count))
    story.report("transfer", correction(count, act("c2", "Adjustment", 21, sent("LATTE", 1))))
    assert [quantities for *_, quantities in changes(story)] == [{"LATTE": -2}, {"LATTE": 1}]
