"""The transfer that iSeller makes by itself for cancelled goods is never booked a second time."""

from itertools import permutations
from typing import Any

import pytest

from projections.jurnal_commands.fold import CommandAdded
from tests.story import Story
from tests.unit.projections.transfer_reports import (
    BACK,
    OUT,
    START,
    act,
    changes,
    decided,
    delivery,
    home,
    legs,
    receipt,
    sent,
    stock,
    to_supplier,
    transfer,
)

CANCELLED = transfer(START, receipt("a1", decided("LATTE", 3, cancelled=2), decided("MOCHA", 2)))
RETURN_START = act("b0", "Start", 21, sent("LATTE", 2))
RETURN_ARRIVED = act("b1", "Accept", 23, decided("LATTE", 2))
ENDS_WITH = {
    ("Main Warehouse", "LATTE"): -3, ("Main Warehouse", "MOCHA"): -2,
    ("Branch Warehouse", "LATTE"): 3, ("Branch Warehouse", "MOCHA"): 2,
}  # fmt: skip
NAMED = {"reference_transfer_id": "transfer-1"}


@pytest.mark.parametrize("link", [{}, NAMED], ids=["unnamed", "named"])
def test_a_return_of_cancelled_goods_is_skipped_because_they_are_booked_back_already(link: dict[str, Any]) -> None:
    """The cancelled goods go back once, with the cancellation; the return says where it is booked."""
    story = Story()
    story.report("transfer", CANCELLED)
    story.report("transfer", home(RETURN_START, **link))
    story.report("transfer", home(RETURN_START, RETURN_ARRIVED, **link))
    assert stock(story) == ENDS_WITH
    assert (story.states["transfer-b0"], story.states["transfer-b1"]) == ("skipped", "skipped")
    assert story.records["transfer-b0"].reason == "Brings back what was cancelled of transfer TO-1: booked there"
    assert story.in_transit() == {"LATTE": (5, 3, 2, 0, 0), "MOCHA": (2, 2, 0, 0, 0)}


@pytest.mark.parametrize("link", [{}, NAMED], ids=["unnamed", "named"])
def test_a_return_reported_before_its_cancellation_ends_with_the_same_stock(link: dict[str, Any]) -> None:
    """It was booked like any other transfer, so the cancelled goods first arrive where it took them from."""
    story = Story()
    story.report("transfer", transfer(START))
    story.report("transfer", home(RETURN_START, **link))
    story.report("transfer", CANCELLED)
    story.report("transfer", home(RETURN_START, RETURN_ARRIVED, **link))
    assert stock(story) == ENDS_WITH
    assert story.states["transfer-b0"] == "booking"


def test_a_transfer_the_other_way_with_other_goods_is_no_return() -> None:
    """Exactly the cancelled goods, or it is a transfer of its own."""
    story = Story()
    story.report("transfer", CANCELLED)
    story.report("transfer", home(act("b0", "Start", 21, sent("LATTE", 1))))
    assert story.states["transfer-b0"] == "booking"


def test_a_transfer_that_started_long_before_the_cancellation_is_no_return() -> None:
    """More than a week is more than reports are late."""
    story = Story()
    story.report("transfer", CANCELLED)
    story.report("transfer", home(act("b0", "Start", 13, sent("LATTE", 2))))
    assert story.states["transfer-b0"] == "booking"


def test_of_two_equal_pairs_it_does_not_matter_which_is_taken_for_which() -> None:
    """The later return first, then the earlier cancellation: both pairs are found, and the stock is right."""
    start = act("a0", "Start", 20, sent("LATTE", 4))
    first, second = receipt("a1", decided("LATTE", 0, cancelled=2)), receipt("a4", decided("LATTE", 0, cancelled=2))
    other = {"transfer_id": "transfer-9", "transfer_number": "TO-9"}
    story = Story()
    story.report("transfer", home(act("c0", "Start", 24, sent("LATTE", 2)), act("c1", "Accept", 24), **other))
    story.report("transfer", transfer(start, first))
    story.report("transfer", home(RETURN_START, RETURN_ARRIVED))
    story.report("transfer", transfer(start, first, second))
    assert stock(story) == {}


def test_each_cancellation_has_one_return() -> None:
    """A second transfer with the same goods is booked like any other."""
    story = Story()
    story.report("transfer", CANCELLED)
    story.report("transfer", home(RETURN_START))
    second = {"transfer_id": "transfer-9", "transfer_number": "TO-9"}
    story.report("transfer", home(act("c0", "Start", 22, sent("LATTE", 2)), **second))
    assert (story.states["transfer-b0"], story.states["transfer-c0"]) == ("skipped", "booking")


def test_two_cancellations_of_one_transfer_have_a_return_each_in_any_order() -> None:
    """A return that names its transfer waits for no other cancellation of it than its own."""
    one = transfer(START, receipt("a1", decided("MOCHA", 0, cancelled=1)))
    both = transfer(
        START, receipt("a1", decided("MOCHA", 0, cancelled=1)), receipt("a2", decided("LATTE", 0, cancelled=2))
    )
    latte = home(act("b0", "Start", 22, sent("LATTE", 2)), act("b1", "Accept", 23), **NAMED)
    mocha = home(act("c0", "Start", 21, sent("MOCHA", 1)), act("c1", "Accept", 23), transfer_id="transfer-9", **NAMED)
    for order in permutations((one, both, latte, mocha)):
        story = Story()
        for report in order:
            story.report("transfer", report)
        assert stock(story)["Main Warehouse", "LATTE"] == -3
        assert stock(story)["Main Warehouse", "MOCHA"] == -1
        assert "Branch Warehouse" not in {warehouse for warehouse, _ in stock(story)}


def test_goods_rejected_when_they_come_back_are_written_off_where_they_stand() -> None:
    """With the cancellation they were booked back to the main outlet, so the loss is taken out of it."""
    story = Story()
    story.report("transfer", CANCELLED)
    story.report("transfer", home(RETURN_START, act("b1", "Accept", 23, decided("LATTE", 1, rejected=1))))
    assert changes(story) == [("Main Warehouse", "Waste Goods Expense", {"LATTE": -1})]
    (needs,) = [row.needs for row in _commands(story) if row.command_id.startswith("adj-")]
    assert needs.endswith(".a1")
    assert needs.startswith("ret-")


def test_a_return_of_goods_that_left_before_live_mode_books_nothing_of_them() -> None:
    """They never stood in Jurnal's transit, so neither their way back nor their loss is booked, and nothing waits."""
    story = Story(live=False)
    story.report("transfer", transfer(START))
    story.go_live()
    story.report("transfer", CANCELLED)
    story.report("transfer", home(RETURN_START, act("b1", "Accept", 23, decided("LATTE", 1, rejected=1))))
    assert story.commands == []
    assert set(story.states.values()) == {"skipped"}


def test_goods_cancelled_when_they_come_back_go_to_the_branch_again_and_their_return_is_skipped() -> None:
    """A return of a return: the goods end at the branch, moved there once."""
    story = Story()
    story.report("transfer", CANCELLED)
    story.report("transfer", home(RETURN_START, act("b1", "Accept", 23, decided("LATTE", 0, cancelled=2))))
    again = {"transfer_id": "transfer-4", "transfer_number": "TO-4"}
    story.report("transfer", transfer(act("c0", "Start", 23, sent("LATTE", 2)), **again))
    assert legs(story)[-1] == ("Main Warehouse", "Branch Warehouse", {"LATTE": 2})
    assert stock(story)["Branch Warehouse", "LATTE"] == 5
    assert story.states["transfer-c0"] == "skipped"


def test_what_was_cancelled_of_a_delivery_never_came_in_and_its_return_takes_nothing_out() -> None:
    """Accepted goods come in; the automatic transfer to the supplier is skipped, in either order of reports."""
    start = act("a0", "Start", 20, sent("LATTE", 5, buying_price=4_000))
    came = delivery(start, receipt("a1", decided("LATTE", 3, cancelled=2, buying_price=4_000)))
    back = to_supplier(act("b0", "Start", 21, sent("LATTE", 2)))
    for reports in ((came, back), (back, came)):
        story = Story()
        for report in reports:
            story.report("transfer", report)
        assert stock(story) == {("Main Warehouse", "LATTE"): 3}
        if back is reports[0]:
            assert [line.price for line in story.commands[-1].lines] == [4_000, None]  # type: ignore[union-attr]


def test_cancelled_goods_of_a_transfer_go_back_by_a_command_of_their_own() -> None:
    """So each leg is found again in Jurnal under its own number."""
    story = Story()
    story.report("transfer", CANCELLED)
    assert legs(story)[0] == OUT
    assert legs(story)[2] == (*BACK, {"LATTE": 2})
    assert len({row.command_id for row in _commands(story)}) == 3


def _commands(story: Story) -> list[CommandAdded]:
    return story.rows(CommandAdded)
