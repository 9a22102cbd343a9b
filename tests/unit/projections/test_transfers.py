"""Transfers between outlets: out of the source, through the transit warehouse, into the destination."""

from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from projections.jurnal_commands.fold import CommandAdded
from tests.story import Story
from tests.unit.projections.transfer_reports import (
    BACK,
    INTO,
    OUT,
    START,
    act,
    changes,
    decided,
    legs,
    receipt,
    sent,
    stock,
    transfer,
)

LOSS = "Waste Goods Expense"


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
    first = receipt("a1", decided("LATTE", 3))
    story.report("transfer", transfer(START))
    story.report("transfer", transfer(START, first))
    assert story.in_transit()["LATTE"] == (5, 3, 0, 0, 2)
    story.report("transfer", transfer(START, first, receipt("a2", decided("LATTE", 2), decided("MOCHA", 2))))
    assert legs(story) == [OUT, (*INTO, {"LATTE": 3}), (*INTO, {"LATTE": 2, "MOCHA": 2})]
    assert story.in_transit() == {"LATTE": (5, 5, 0, 0, 0), "MOCHA": (2, 2, 0, 0, 0)}
    assert set(story.states) == {"transfer-a0", "transfer-a1", "transfer-a2"}


def test_start_and_receipt_in_one_report_keep_their_order() -> None:
    """Whatever order the report lists them in, the goods leave before they arrive."""
    story = Story()
    story.report("transfer", transfer(receipt("a1", decided("LATTE", 5)), START))
    assert [leg[:2] for leg in legs(story)] == [OUT[:2], INTO]


def test_a_receipt_reported_before_its_start_waits_for_it() -> None:
    """It shows as held; the start may come in a later report, with or without the receipt: both are booked, once."""
    arrived = receipt("a1", decided("LATTE", 5), decided("MOCHA", 2))
    for second in (transfer(START), transfer(START, arrived)):
        story = Story()
        story.report("transfer", transfer(arrived))
        assert story.commands == []
        assert story.states == {"transfer-a1": "held"}
        assert story.records["transfer-a1"].reason == "Waits for the start of transfer TO-1 to be reported"
        story.report("transfer", second)
        assert len(legs(story)) == 2
        assert story.in_transit() == {"LATTE": (5, 5, 0, 0, 0), "MOCHA": (2, 2, 0, 0, 0)}


def test_accepted_cancelled_and_rejected_goods_leave_transit_each_their_own_way() -> None:
    """Accepted goods arrive, cancelled ones go back, rejected ones are written off; sent equals all of them."""
    story = Story()
    story.report("transfer", transfer(START, receipt("a1", decided("LATTE", 2, cancelled=2, rejected=1))))
    assert legs(story) == [OUT, (*INTO, {"LATTE": 2}), (*BACK, {"LATTE": 2})]
    assert changes(story) == [("iSeller in Transit", LOSS, {"LATTE": -1})]
    assert story.in_transit() == {"LATTE": (5, 2, 2, 1, 0), "MOCHA": (2, 0, 0, 0, 2)}
    assert story.states == {"transfer-a0": "booking", "transfer-a1": "booking"}
    commands = {row.command_id.split("-", 1)[0] for row in story.rows(CommandAdded) if row.record_id == "transfer-a1"}
    assert commands == {"trf", "ret", "adj"}


@pytest.mark.parametrize(
    ("choice", "arrived"),
    [
        ("Accept", {("Main Warehouse", "LATTE"): -5, ("Branch Warehouse", "LATTE"): 5}),
        ("Cancel", {("Main Warehouse", "LATTE"): -1, ("Branch Warehouse", "LATTE"): 1}),
        ("Reject", {("Main Warehouse", "LATTE"): -5, ("Branch Warehouse", "LATTE"): 1}),
    ],
)
def test_a_decision_on_all_remaining_goods_is_about_what_is_left(
    choice: str, arrived: dict[tuple[str, str], int]
) -> None:
    """Mark As Complete names no goods: they are what was sent less what was decided before."""
    start = act("a0", "Start", 20, sent("LATTE", 5))
    story = Story()
    story.report("transfer", transfer(start, receipt("a1", decided("LATTE", 1)), act("a2", choice, 22)))
    assert stock(story) == arrived
    assert story.in_transit()["LATTE"][4] == 0


def test_a_decision_on_all_remaining_goods_of_nothing_is_skipped() -> None:
    """Pressed again when nothing is left, it moves nothing."""
    story = Story()
    story.report("transfer", transfer(START, act("a1", "Accept", 21), act("a2", "Accept", 22)))
    assert story.states == {"transfer-a0": "booking", "transfer-a1": "booking", "transfer-a2": "skipped"}


@pytest.mark.parametrize("choice", ["Cancel", "Reject"])
def test_a_cancellation_or_rejection_may_be_an_action_of_its_own(choice: str) -> None:
    """With goods named by their quantity, it decides on those goods only."""
    story = Story()
    story.report("transfer", transfer(START, act("a1", choice, 21, sent("LATTE", 2))))
    returned, rejected = (2, 0) if choice == "Cancel" else (0, 2)
    assert story.in_transit()["LATTE"] == (5, 0, returned, rejected, 3)


def test_an_over_receipt_is_failed_with_both_figures_and_transit_stays() -> None:
    """Nothing of it is booked, not even the part that was sent; a corrected report is booked."""
    story = Story()
    story.report("transfer", transfer(START, receipt("a1", decided("LATTE", 4, rejected=2), decided("MOCHA", 1))))
    record = story.records["transfer-a1"]
    assert (record.state, record.reason) == ("failed", "The receipt decides on 6 of LATTE, but 5 are in transit")
    assert "iSeller" in (record.what_to_do or "")
    assert story.in_transit() == {"LATTE": (5, 0, 0, 0, 5), "MOCHA": (2, 0, 0, 0, 2)}
    story.report("transfer", transfer(START, receipt("a1", decided("LATTE", 4, rejected=1), decided("MOCHA", 1))))
    assert story.states["transfer-a1"] == "booking"
    assert story.in_transit() == {"LATTE": (5, 4, 0, 1, 0), "MOCHA": (2, 1, 0, 0, 1)}


def test_two_receipts_that_are_too_much_together_book_the_first() -> None:
    """What was decided first counts; the later one is failed with what is left."""
    story = Story()
    story.report("transfer", transfer(START, receipt("a2", decided("LATTE", 3)), receipt("a1", decided("LATTE", 3))))
    assert story.states["transfer-a1"] == "booking"
    assert story.records["transfer-a2"].reason == "The receipt decides on 3 of LATTE, but 2 are in transit"


def test_a_receipt_of_goods_that_were_never_sent_is_failed() -> None:
    """An unknown SKU names itself; nothing of the receipt is booked."""
    story = Story()
    story.report("transfer", transfer(START, receipt("a1", decided("TEA", 1), decided("LATTE", 1))))
    record = story.records["transfer-a1"]
    assert record.state == "failed"
    assert record.reason == "The receipt decides on 1 of TEA, which the transfer never sent"
    assert legs(story) == [OUT]


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        (act("a0", "Start", 20, sent("", 5)), "A product without SKU is among the goods"),
        (act("a0", "Start", 20, sent("LATTE", -5)), "A quantity is negative"),
    ],
)
def test_goods_that_cannot_be_booked_are_failed_until_they_are_told_rightly(
    action: dict[str, Any], reason: str
) -> None:
    """A later report of the same action with other goods is judged afresh."""
    story = Story()
    story.report("transfer", transfer(action))
    assert (story.states, story.records["transfer-a0"].reason) == ({"transfer-a0": "failed"}, reason)
    story.report("transfer", transfer(START))
    assert story.states == {"transfer-a0": "booking"}


def test_white_space_in_a_sku_is_no_part_of_it() -> None:
    """Start and receipt may spell it differently."""
    story = Story()
    story.report("transfer", transfer(act("a0", "Start", 20, sent(" LATTE ", 5)), receipt("a1", decided("LATTE", 5))))
    assert story.in_transit() == {"LATTE": (5, 5, 0, 0, 0)}


def test_lines_of_one_sku_are_one_quantity() -> None:
    """A report may list a product twice."""
    story = Story()
    story.report("transfer", transfer(act("a0", "Start", 20, sent("LATTE", "1.5"), sent("LATTE", "0.5"))))
    assert story.in_transit() == {"LATTE": (2, 0, 0, 0, 2)}


def test_an_action_that_changes_after_it_was_booked_is_failed_beside_it() -> None:
    """What is booked stays booked; the change is said once, with both tellings."""
    story = Story()
    story.report("transfer", transfer(START))
    story.report("transfer", transfer(act("a0", "Start", 20, sent("LATTE", 4), sent("MOCHA", 2))))
    record = story.records["transfer-a0-changed"]
    assert record.reason == "iSeller now tells 4 of LATTE, 2 of MOCHA; booked was 5 of LATTE, 2 of MOCHA"
    assert story.states["transfer-a0"] == "booking"
    assert legs(story) == [OUT]


def test_an_older_telling_of_an_action_changes_nothing() -> None:
    """A report that is observed earlier and arrives later does not contradict the newer one."""
    story = Story()
    story.report("transfer", transfer(START), observed_minute=60)
    story.report("transfer", transfer(act("a0", "Start", 20, sent("LATTE", 4))), observed_minute=30)
    assert story.states == {"transfer-a0": "booking"}


def test_a_transfer_with_an_unmapped_end_is_failed_whole() -> None:
    """Half a transfer is never booked, also when the other half comes later."""
    story = Story()
    unmapped = {"destination_outlet_id": "kiosk", "destination_outlet_name": "Kiosk"}
    story.report("transfer", transfer(START, **unmapped))
    story.report("transfer", transfer(START, receipt("a1", decided("LATTE", 5)), **unmapped))
    assert story.commands == []
    assert story.records["transfer-a0"].reason == "Outlet Kiosk is not mapped, and half a transfer is never booked"
    assert story.records["transfer-a1"].state == "held"
    assert story.in_transit() == {}


def test_a_transfer_between_outlets_that_are_both_unmapped_is_skipped() -> None:
    """Neither is in scope; both are named."""
    story = Story()
    ends = {"outlet_id": "stall", "outlet_name": "Stall", "destination_outlet_id": "kiosk",
            "destination_outlet_name": "Kiosk"}  # fmt: skip
    story.report("transfer", transfer(START, **ends))
    record = story.records["transfer-a0"]
    assert (record.state, record.reason) == ("skipped", "Outlets Stall and Kiosk are not mapped")


def test_a_transfer_started_before_live_mode_is_skipped_with_its_receipts() -> None:
    """Its goods never stood in the transit warehouse, so they cannot leave it."""
    story = Story(live=False)
    story.report("transfer", transfer(START))
    story.go_live()
    story.report("transfer", transfer(START, receipt("a1", decided("LATTE", 5))))
    assert story.commands == []
    assert story.states == {"transfer-a0": "skipped", "transfer-a1": "skipped"}
    assert story.records["transfer-a0"].reason == "Before Live Mode"


def test_a_transfer_of_an_unknown_type_is_skipped_by_its_name() -> None:
    """A type nobody has heard of is shown, not guessed at."""
    story = Story()
    story.report("transfer", transfer(START, type="Out", out_type="To Moon"))
    assert story.states == {"transfer-transfer-1": "skipped"}
    assert story.records["transfer-transfer-1"].reason == "Out To Moon is not booked"


def test_the_legs_are_dated_on_the_local_day_of_their_outlet() -> None:
    """18:30 UTC is the next day in Jakarta."""
    story = Story()
    late = {**START, "date": "2026-11-20T18:30:00"}
    story.report("transfer", transfer(late))
    assert str(story.records["transfer-a0"].business_date) == "2026-11-21"


def test_whatever_the_order_split_and_repetition_of_reports_each_action_is_booked_once() -> None:
    """Every order of whole and partial reports ends with the same stock, each action booked at most once."""
    one, two = receipt("a1", decided("LATTE", 3, rejected=1)), receipt("a2", decided("MOCHA", 2), decided("LATTE", 1))
    parts = (transfer(START), transfer(one), transfer(two), transfer(START, one, two))
    for order in permutations(parts):
        story = Story()
        for report in (*order, order[0]):
            story.report("transfer", report)
        assert stock(story) == {
            ("Main Warehouse", "LATTE"): -5, ("Main Warehouse", "MOCHA"): -2,
            ("Branch Warehouse", "LATTE"): 4, ("Branch Warehouse", "MOCHA"): 2,
        }  # fmt: skip
        assert story.in_transit() == {"LATTE": (5, 4, 0, 1, 0), "MOCHA": (2, 2, 0, 0, 0)}
        assert len(story.commands) == 4


def test_quantities_are_exact() -> None:
    """Weighed goods keep every digit."""
    story = Story()
    story.report("transfer", transfer(act("a0", "Start", 20, sent("BEANS", "0.258"))))
    (command,) = story.commands
    assert [line.quantity for line in command.lines] == [Decimal("0.258")]  # type: ignore[union-attr]
