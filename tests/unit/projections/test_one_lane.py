"""Given a sale of which something goes back, then all of it goes to Jurnal in the one lane of its order."""

from collections.abc import Callable

import msgspec
import pytest

from projections.jurnal_commands.commands import DECODER, ApplyCredit, RefundCredit
from projections.jurnal_commands.fold import CommandAdded
from tests.story import Story, line, paid
from tests.unit.projections.taken_back import (
    CASH,
    NEXT_DAY,
    RULES,
    given_back,
    in_words,
    polled,
    refund,
    sold,
    voided,
)

WASTED = ["return 2026-11-21: 1 LATTE at 10000 = 10000", "stock 2026-11-21: -1 LATTE against Waste"]
BOTH = [given_back("r1"), given_back("r2", at=NEXT_DAY)]
THREE = {
    "order_details": [line("LATTE", 3, 10_000, order_detail_id="d1", product_id="p1")],
    "total_amount": 30_000,
    "total_order_amount": 30_000,
}
ONE = {
    "order_details": [line("LATTE", 1, 10_000, order_detail_id="d1", product_id="p1")],
    "total_amount": 10_000,
    "total_order_amount": 10_000,
}


def thrown_away() -> Story:
    """Take one latte back that does not go on the shelf."""
    story = sold()
    polled(story, transactions=[CASH, given_back()], refunded_orders=[refund(units_returned=[])])
    return story


def thrown_away_when_voided() -> Story:
    """Void the sale where nothing of a void goes back on the shelf."""
    story = sold(msgspec.structs.replace(RULES, void_restocks=False))
    voided(story)
    return story


def given_back_in_two_ways() -> Story:
    """Pay one credit out in cash and onto store credit."""
    story = sold()
    money = [given_back("r1", 6_000), given_back("r2", 4_000, gateway="store_credit")]
    polled(story, transactions=[CASH, *money], refunded_orders=[refund()])
    return story


def given_back_twice() -> Story:
    """Take the lattes back one by one."""
    story = sold()
    polled(story, transactions=[CASH, *BOTH], refunded_orders=[refund(), refund(at=NEXT_DAY)])
    return story


def let_off() -> Story:
    """Take 3,000 off what is owed."""
    story = sold(transactions=[])
    polled(story, transactions=[], refunded_orders=[refund(3_000, 0)])
    return story


def booked_anew() -> Story:
    """Edit a sale that was paid in two ways: its credit pays the new invoice."""
    two_ways = [paid("t1", 12_000), paid("t2", 8_000)]
    story = sold(transactions=two_ways)
    polled(story, **THREE, transactions=two_ways)
    return story


def used_and_paid_out() -> Story:
    """Make the sale smaller: of one credit a part pays the new invoice, and the rest goes back in cash."""
    story = sold()
    polled(story, **ONE)
    polled(story, **ONE, transactions=[CASH, given_back(at=NEXT_DAY)])
    return story


# What is told; how often each credit is used, and by what.
CASES: dict[str, tuple[Callable[[], Story], list[str]]] = {
    "goods thrown away": (thrown_away, ["refund 2026-11-21: 10000 out of Cash"]),
    "a void whose goods are thrown away": (thrown_away_when_voided, ["refund 2026-11-21: 20000 out of Cash"]),
    "one credit paid out in two ways": (
        given_back_in_two_ways,
        ["refund 2026-11-21: 6000 out of Cash", "refund 2026-11-21: 4000 out of Clearing"],
    ),
    "two refunds": (given_back_twice, ["refund 2026-11-21: 10000 out of Cash", "refund 2026-11-22: 10000 out of Cash"]),
    "a credit that is applied": (let_off, ["apply: 3000"]),
    "a credit that pays the new invoice": (booked_anew, ["apply: 20000"]),
    "a credit that is applied and paid out": (
        used_and_paid_out,
        ["apply: 10000", "refund 2026-11-22: 10000 out of Cash"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_uses_a_credit_goes_in_the_lane_of_its_order_behind_what_made_it(case: str) -> None:
    """A lane sends one after the other, so of one credit two uses are never under way at once."""
    tell, uses = CASES[case]
    story = tell()
    rows = sorted(story.rows(CommandAdded), key=lambda row: (row.position, row.ordinal))
    commands = [(row, DECODER.decode(row.body)) for row in rows]
    using = [(row, command) for row, command in commands if isinstance(command, RefundCredit | ApplyCredit)]
    assert [in_words(command) for _, command in using] == uses
    assert {row.lane for row in rows} == {"order-order-1"}
    places = {row.command_id: place for place, row in enumerate(rows)}
    for row, command in using:
        assert places[command.source] < places[row.command_id]
        assert command.source in row.needs.split()


def test_goods_that_are_thrown_away_follow_their_return_in_its_lane() -> None:
    """They are back before they leave for good, and never leave without having come back."""
    story = thrown_away()
    rows = sorted(story.rows(CommandAdded), key=lambda row: (row.position, row.ordinal))
    taken, wasted = rows[1:3]
    assert [in_words(DECODER.decode(row.body)) for row in (taken, wasted)] == WASTED
    assert taken.lane == wasted.lane == "order-order-1"
    assert taken.command_id in wasted.needs.split()
