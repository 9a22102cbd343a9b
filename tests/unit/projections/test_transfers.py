"""Transfers between outlets: out of the source, through the transit warehouse, into the destination."""

from typing import Any

from projections.jurnal_commands.commands import TransferStock
from tests.story import Story

START = {
    "inventory_adjustment_id": "a0",
    "action": "Start",
    "date": "2026-11-20T02:00:00",
    "items": [{"sku": "LATTE", "quantity": 5}, {"sku": "MOCHA", "quantity": 2}],
}


def accepted(identity: str, *items: dict[str, Any]) -> dict[str, Any]:
    """Return a receipt of `items`."""
    return {
        "inventory_adjustment_id": identity,
        "action": "Accept",
        "date": f"2026-11-21T0{identity[-1]}:00:00",
        "items": list(items),
    }


def received(sku: str, quantity: int, *, cancelled: int = 0, rejected: int = 0) -> dict[str, Any]:
    """Return one line of a receipt."""
    return {
        "sku": sku,
        "accepted_quantity": quantity,
        "cancelled_quantity": cancelled,
        "rejected_quantity": rejected,
    }


def transfer(*actions: dict[str, Any], **fields: object) -> dict[str, Any]:
    """Return a transfer from the main outlet to the branch with these stock actions."""
    return {
        "transfer_id": "transfer-1",
        "transfer_number": "TO-1",
        "type": "Out",
        "out_type": "To Outlet",
        "outlet_id": "main",
        "outlet_name": "Main Outlet",
        "destination_outlet_id": "branch",
        "destination_outlet_name": "Branch",
        "inventory_adjustments": list(actions),
        **fields,
    }


def legs(story: Story) -> list[tuple[str, str, dict[str, int]]]:
    """Return from, to and quantities of every move asked for."""
    return [
        (
            command.from_warehouse,
            command.to_warehouse,
            {part.product_code: int(part.quantity) for part in command.lines},
        )
        for command in story.commands
        if isinstance(command, TransferStock)
    ]


OUT = ("Main Warehouse", "iSeller in Transit", {"LATTE": 5, "MOCHA": 2})


def test_a_started_transfer_stands_in_transit() -> None:
    """The goods leave the source for the transit warehouse; nothing arrives yet."""
    story = Story()
    story.report("transfer", transfer(START))
    assert legs(story) == [OUT]
    assert story.in_transit() == {"LATTE": (5, 0, 0, 0, 5), "MOCHA": (2, 0, 0, 0, 2)}
    assert story.states == {"transfer-a0": "booking"}


def test_each_partial_receipt_moves_what_arrived_and_only_once() -> None:
    """Two receipts in two reports, the second report repeating the first: two moves, and nothing left in transit."""
    story = Story()
    first = accepted("a1", received("LATTE", 3))
    story.report("transfer", transfer(START))
    story.report("transfer", transfer(START, first))
    assert story.in_transit()["LATTE"] == (5, 3, 0, 0, 2)
    story.report("transfer", transfer(START, first, accepted("a2", received("LATTE", 2), received("MOCHA", 2))))
    into = ("iSeller in Transit", "Branch Warehouse")
    assert legs(story) == [OUT, (*into, {"LATTE": 3}), (*into, {"LATTE": 2, "MOCHA": 2})]
    assert story.in_transit() == {"LATTE": (5, 5, 0, 0, 0), "MOCHA": (2, 2, 0, 0, 0)}
    assert set(story.states) == {"transfer-a0", "transfer-a1", "transfer-a2"}


def test_start_and_receipt_in_one_report_keep_their_order() -> None:
    """Whatever order the report lists them in, the goods leave before they arrive."""
    story = Story()
    story.report("transfer", transfer(accepted("a1", received("LATTE", 5)), START))
    assert [leg[:2] for leg in legs(story)] == [
        ("Main Warehouse", "iSeller in Transit"),
        ("iSeller in Transit", "Branch Warehouse"),
    ]


def test_a_receipt_reported_before_its_start_waits_for_it() -> None:
    """The start may come in a later report, with or without the receipt: both are booked, once."""
    receipt = accepted("a1", received("LATTE", 5), received("MOCHA", 2))
    for second in (transfer(START), transfer(START, receipt)):
        story = Story()
        story.report("transfer", transfer(receipt))
        assert story.commands == []
        story.report("transfer", second)
        assert len(legs(story)) == 2
        assert story.in_transit() == {"LATTE": (5, 5, 0, 0, 0), "MOCHA": (2, 2, 0, 0, 0)}


def test_cancelled_and_rejected_goods_are_visible_as_failed_and_leave_transit() -> None:
    """Sent = received + returned + rejected + in transit; what this release does not book is for a person."""
    story = Story()
    story.report("transfer", transfer(START, accepted("a1", received("LATTE", 2, cancelled=2, rejected=1))))
    assert story.in_transit()["LATTE"] == (5, 2, 2, 1, 0)
    assert story.states["transfer-a1-refused"] == "failed"
    assert legs(story)[1:] == [("iSeller in Transit", "Branch Warehouse", {"LATTE": 2})]


def test_a_transfer_with_an_unmapped_end_is_failed_whole() -> None:
    """Half a transfer is never booked, also when the other half comes later."""
    story = Story()
    unmapped = {"destination_outlet_id": "kiosk", "destination_outlet_name": "Kiosk"}
    story.report("transfer", transfer(START, **unmapped))
    story.report("transfer", transfer(START, accepted("a1", received("LATTE", 5)), **unmapped))
    assert story.commands == []
    assert story.records["transfer-a0"].reason == "Outlet Kiosk is not mapped, and half a transfer is never booked"
    assert story.in_transit() == {}


def test_a_transfer_started_before_live_mode_is_skipped_with_its_receipts() -> None:
    """Its goods never stood in the transit warehouse, so they cannot leave it."""
    story = Story(live=False)
    story.report("transfer", transfer(START))
    story.go_live()
    story.report("transfer", transfer(START, accepted("a1", received("LATTE", 5))))
    assert story.commands == []
    assert story.states == {"transfer-a0": "skipped"}


def test_a_transfer_that_is_not_between_outlets_is_skipped() -> None:
    """Goods from a supplier are not ours to book."""
    story = Story()
    story.report("transfer", transfer(START, type="In", out_type=None))
    assert story.states == {"transfer-transfer-1": "skipped"}
