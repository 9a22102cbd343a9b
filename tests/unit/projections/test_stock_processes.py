"""Every way in which goods move, by name: when it is sent, in which period, and that nothing moves before its start."""

from datetime import UTC, date, datetime
from typing import Any, Literal

import msgspec
import pytest

from eventstore.facts.settings import BooksClosed, SalesRulesSet, SyncRequested, SyncWindowOpened, TransferSync
from tests.story import CONNECTION, Story
from tests.unit.projections.edge_stories import words
from tests.unit.projections.shop_settings import told
from tests.unit.projections.transfer_reports import (
    START,
    act,
    correction,
    decided,
    delivery,
    legs,
    receipt,
    sent,
    to_supplier,
    transfer,
)

COUNT = {"sku": "LATTE", "counted_quantity": 7, "system_quantity": 9}
BEHIND = "Waits for the start of the transfer, which is not booked yet"
MOVED = "stock of Main Warehouse"
# What iSeller tells of each, and what Jurnal is asked for.
PROCESSES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "goods sent to another outlet": (
        transfer(START),
        ["move 5 LATTE, 2 MOCHA: Main Warehouse to iSeller in Transit"],
    ),
    "goods received, sent back and thrown away": (
        transfer(START, receipt("a1", decided("LATTE", 2, cancelled=2, rejected=1), day=20)),
        [
            "move 5 LATTE, 2 MOCHA: Main Warehouse to iSeller in Transit",
            "move 2 LATTE: iSeller in Transit to Branch Warehouse",
            "move 2 LATTE: iSeller in Transit to Main Warehouse",
            "stock of iSeller in Transit: -1 LATTE against Waste Goods Expense",
        ],
    ),
    "goods of a supplier": (
        delivery(receipt("a1", decided("LATTE", 3, buying_price=4_000), day=20)),
        [f"{MOVED}: 3 LATTE against Goods Received"],
    ),
    "goods back to a supplier": (
        to_supplier(act("c0", "Start", 20, sent("LATTE", 2))),
        [f"{MOVED}: -2 LATTE against Goods Received"],
    ),
    "a count": (correction(act("c1", "Opname", 20, COUNT)), [f"{MOVED}: -2 LATTE against Inventory Adjustments"]),
    "an adjustment": (
        correction(act("c1", "Adjustment", 20, sent("LATTE", 2))),
        [f"{MOVED}: 2 LATTE against Inventory Adjustments"],
    ),
}
EACH = pytest.mark.parametrize("process", PROCESSES)
THAT_DAY = date(2026, 11, 20)
# 18:00 of that day in Jakarta.
SIX = datetime(2026, 11, 20, 11, tzinfo=UTC)


def asked(story: Story) -> list[str]:
    """Return in words what Jurnal is asked for."""
    return [words(command) for command in story.commands]


@EACH
@pytest.mark.parametrize("mode", ["scheduled", "manual"])
def test_every_movement_of_goods_waits_for_the_transfer_sync(
    process: str, mode: Literal["scheduled", "manual"]
) -> None:
    """Held with what it waits for, a receipt for its start; the window, or a person's dates, let it go once."""
    report, commands = PROCESSES[process]
    sync = TransferSync(mode, ("18:00",) if mode == "scheduled" else ())
    story = Story(connection=msgspec.structs.replace(CONNECTION, transfer_sync=sync))
    story.report("transfer", report)
    reasons = {
        "scheduled": "Waits for the transfer sync of 2026-11-20 18:00",
        "manual": "Transfers of this store are sent by hand",
    }
    assert set(story.states.values()) == {"held"}
    assert {record.reason for record in story.records.values()} - {BEHIND} == {reasons[mode]}
    assert story.commands == []
    for _ in range(2):
        if mode == "scheduled":
            story.sync(SyncWindowOpened(scope="transfers", until=SIX))
        else:
            story.sync(
                SyncRequested(scope="transfers", first=THAT_DAY, last=THAT_DAY, actor="owner", reason="month end")
            )
        assert asked(story) == commands
    story.report("transfer", report)
    assert asked(story) == commands


@EACH
def test_every_movement_of_goods_in_a_closed_period_is_as_the_rule_says(process: str) -> None:
    """On the first open day; or failed with what to do, and on its own day once the period is opened."""
    report, commands = PROCESSES[process]
    closed = BooksClosed(until=date(2026, 11, 25))
    moved, strict = Story(), Story()
    told(moved, SalesRulesSet(closed_period="first_open_day"))
    told(strict, SalesRulesSet(closed_period="fail"))
    for story in (moved, strict):
        told(story, closed)
        story.report("transfer", report)
    assert asked(moved) == commands
    assert {str(command.transaction_date) for command in moved.commands} == {"2026-11-26"}  # type: ignore[union-attr]
    assert strict.commands == []
    failed = [record for record in strict.records.values() if record.state == "failed"]
    assert failed
    assert all("2026-11-26" in (record.reason or "") and record.what_to_do for record in failed)
    told(strict, BooksClosed(until=date(2026, 11, 19)))
    assert asked(strict) == commands
    assert {str(command.transaction_date) for command in strict.commands} == {"2026-11-20"}  # type: ignore[union-attr]


@pytest.mark.parametrize("pending", [transfer(), transfer(inventory_adjustments=None)], ids=["no action", "not told"])
@pytest.mark.parametrize("mode", ["real_time", "manual"])
def test_a_transfer_that_nobody_started_moves_nothing(
    pending: dict[str, Any], mode: Literal["real_time", "manual"]
) -> None:
    """Written down and not sent off, it may still be changed; the goods leave with its start, as it is then."""
    story = Story(connection=msgspec.structs.replace(CONNECTION, transfer_sync=TransferSync(mode)))
    for _ in range(2):
        story.report("transfer", pending)
        story.sync(SyncRequested(scope="transfers", first=THAT_DAY, last=THAT_DAY, actor="owner", reason="now"))
    assert (story.commands, story.states, story.in_transit()) == ([], {"transfer-transfer-1": "held"}, {})
    story.report("transfer", transfer(START))
    story.sync(SyncRequested(scope="transfers", first=THAT_DAY, last=THAT_DAY, actor="owner", reason="now"))
    assert legs(story) == [("Main Warehouse", "iSeller in Transit", {"LATTE": 5, "MOCHA": 2})]
