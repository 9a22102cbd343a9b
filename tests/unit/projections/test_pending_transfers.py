"""A transfer of which no goods have moved is one line that books nothing, and its goods' own records replace it."""

from datetime import date
from typing import Any

import pytest

from eventstore.facts.operators import RecordRetried, RecordSkipped
from tests.story import Story
from tests.unit.projections.transfer_reports import (
    OUT,
    START,
    correction,
    decided,
    delivery,
    legs,
    receipt,
    sent,
    to_supplier,
    transfer,
)

LINE = "transfer-transfer-1"
NOT_STARTED = "It is not started in iSeller yet: no goods have left"
PENDING = transfer(status="Pending", created_date="2026-11-19T18:30:00")


def shown(story: Story, record_id: str = LINE) -> tuple[str, str | None]:
    """Return state and reason of a record."""
    record = story.records[record_id]
    return record.state, record.reason


@pytest.mark.parametrize(
    "pending",
    [
        PENDING,
        transfer(),
        transfer(inventory_adjustments=None),
        to_supplier(transfer_id="transfer-1", status="Pending"),
    ],
    ids=["pending", "no status", "nothing told", "to a supplier"],
)
def test_a_transfer_that_nobody_started_is_held_with_what_to_do(pending: dict[str, Any]) -> None:
    """Where it stands and how to send it; Jurnal is asked for nothing, and no setting is waited for."""
    story = Story()
    for _ in range(2):
        story.report("transfer", pending)
        assert list(story.records) == [LINE]
        assert shown(story) == ("held", NOT_STARTED)
    record = story.records[LINE]
    assert "Start Transfer" in (record.what_to_do or "")
    assert (record.kind, record.outlet) == ("transfer_pending", "Main Outlet")
    assert story.commands == []


def test_it_stands_on_the_day_on_which_it_was_written_where_its_outlet_is() -> None:
    """18:30 UTC is the next day in Jakarta; without a date told it has none."""
    story = Story()
    story.report("transfer", PENDING)
    story.report("transfer", transfer(transfer_id="transfer-2"))
    assert story.records[LINE].business_date == date(2026, 11, 20)
    assert story.records["transfer-transfer-2"].business_date is None


@pytest.mark.parametrize(
    ("move", "record_id"),
    [(START, "transfer-a0"), (receipt("a1", decided("LATTE", 5)), "transfer-a1")],
    ids=["start", "receipt before its start"],
)
def test_the_first_record_of_its_goods_replaces_it_whatever_is_told_first(move: dict[str, Any], record_id: str) -> None:
    """Never both; what is told late, or once more, does not bring it back."""
    story = Story()
    story.report("transfer", PENDING, observed_minute=10)
    story.report("transfer", transfer(move), observed_minute=20)
    assert list(story.records) == [record_id]
    for minute in (5, 15, 30):
        story.report("transfer", PENDING, observed_minute=minute)
        assert list(story.records) == [record_id]
    late = Story()
    late.report("transfer", transfer(move), observed_minute=20)
    late.report("transfer", PENDING, observed_minute=10)
    assert list(late.records) == [record_id]


def test_what_was_written_before_live_mode_is_booked_if_it_starts_after_it() -> None:
    """A plan is no event: only the day of its start decides."""
    story = Story(live=False)
    story.report("transfer", PENDING)
    assert shown(story) == ("held", NOT_STARTED)
    story.go_live()
    story.report("transfer", transfer(START))
    assert legs(story) == [OUT]
    assert list(story.records) == ["transfer-a0"]


@pytest.mark.parametrize("word", ["Cancelled", "void", "DELETED"])
def test_a_transfer_cancelled_before_its_start_is_skipped(word: str) -> None:
    """By the status observed last: an older pending one that comes late does not wake it, a newer one does."""
    story = Story()
    story.report("transfer", PENDING, observed_minute=10)
    story.report("transfer", transfer(status=word), observed_minute=20)
    assert shown(story) == ("skipped", "It was cancelled in iSeller before any goods moved")
    assert story.records[LINE].what_to_do is None
    story.report("transfer", PENDING, observed_minute=15)
    assert story.states == {LINE: "skipped"}
    story.report("transfer", PENDING, observed_minute=30)
    assert story.states == {LINE: "held"}


def test_a_status_that_speaks_of_goods_that_nobody_told_says_so() -> None:
    """To press Start Transfer a second time would be wrong advice."""
    story = Story()
    story.report("transfer", transfer(status="In Transfer Process"))
    assert shown(story) == (
        "held",
        "Its status in iSeller is In Transfer Process, but iSeller has not told which goods left",
    )
    assert "Start Transfer" not in (story.records[LINE].what_to_do or "")


def test_goods_of_a_supplier_stand_in_the_list_until_they_are_received() -> None:
    """They come in with their receipt, so that their start alone replaces nothing."""
    story = Story()
    priced = {"inventory_adjustment_id": "a0", "action": "Start", "date": "2026-11-20T02:00:00"}
    for actions in ((), ({**priced, "items": [sent("LATTE", 3, buying_price=4_000)]},)):
        story.report("transfer", delivery(*actions, status="Pending"))
        assert shown(story) == ("held", "It is not received in iSeller yet: no goods have come in")
        assert "Receive" in (story.records[LINE].what_to_do or "")
    story.report("transfer", delivery(receipt("a1", decided("LATTE", 3, buying_price=4_000))))
    assert list(story.records) == ["transfer-a1"]


def test_a_count_that_tells_no_goods_is_no_transfer() -> None:
    """Nobody starts a count."""
    story = Story()
    story.report("transfer", correction())
    assert story.records == {}


def test_its_line_follows_what_is_changed_before_it_starts() -> None:
    """Another outlet, another number: what the list shows is the transfer as it is now."""
    story = Story()
    story.report("transfer", PENDING)
    story.report("transfer", transfer(outlet_id="branch", outlet_name="Branch", transfer_number="TO-9"))
    assert (story.records[LINE].outlet, story.records[LINE].reference) == ("Branch", "TO-9")


def test_a_retry_changes_nothing_and_a_person_may_see_to_it_until_it_starts() -> None:
    """Seen to as a plan only: goods that leave later are booked all the same, or the stock would be wrong."""
    story = Story()
    story.report("transfer", PENDING)
    story.say(RecordRetried(record_id=LINE, actor="owner", reason="try"), LINE)
    assert story.states == {LINE: "held"}
    story.say(RecordSkipped(record_id=LINE, actor="owner", reason="never mind"), LINE)
    assert shown(story) == ("skipped", "Seen to by owner: never mind")
    story.report("transfer", transfer(status="Draft"))
    assert story.states == {LINE: "skipped"}
    story.report("transfer", transfer(START))
    assert list(story.records) == ["transfer-a0"]
    assert legs(story) == [OUT]
