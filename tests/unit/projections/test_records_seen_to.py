"""What a person has seen to is skipped for good; what a person asks to retry is judged again."""

import pytest

from eventstore.facts.operators import RecordRetried, RecordSkipped
from eventstore.facts.settings import OutletMapped, SalesRulesSet, SalesSync, SyncRequested, SyncWindowOpened
from projections.jurnal_commands.fold import CommandSkipped
from tests.ledger import NOON
from tests.story import Story, paid
from tests.unit.projections.transfer_reports import START, decided, legs, receipt, transfer

KIOSK = {"destination_outlet_id": "kiosk", "destination_outlet_name": "Kiosk"}
MAPPED = OutletMapped(outlet_id="kiosk", outlet_name="Kiosk", warehouse="Kiosk Warehouse")
SEEN_TO = ("skipped", "Seen to by owner: booked by hand")


def skip(story: Story, record_id: str, stream_id: str) -> None:
    """Let a person see to a record by hand."""
    story.say(RecordSkipped(record_id=record_id, actor="owner", reason="booked by hand"), stream_id)


def why(story: Story, record_id: str) -> tuple[str, str | None]:
    """Return state and reason of a record."""
    record = story.records[record_id]
    return record.state, record.reason


def skipped(story: Story) -> set[str]:
    """Return the commands that were settled as skipped."""
    return {row.command_id for row in story.rows(CommandSkipped)}


def test_a_held_sale_that_a_person_has_seen_to_is_skipped_for_good() -> None:
    """No window, setting, retry or report brings it back."""
    story = Story()
    story.set(SalesRulesSet(sync=SalesSync("scheduled", ("18:00",))))
    story.order()
    skip(story, "sale-order-1", "order-order-1")
    assert why(story, "sale-order-1") == SEEN_TO
    story.sync(SyncWindowOpened(scope="sales", until=NOON.replace(month=12)))
    story.set(SalesRulesSet())
    story.say(RecordRetried(record_id="sale-order-1", actor="owner", reason="oops"), "order-order-1")
    story.order(total_amount=40_000, total_order_amount=40_000)
    assert why(story, "sale-order-1") == SEEN_TO
    assert story.commands == []


def test_a_failed_transfer_that_a_person_has_seen_to_is_skipped_for_good() -> None:
    """Mapping the outlet afterwards books its receipt's goods from nowhere: they wait for their start."""
    story = Story()
    story.report("transfer", transfer(START, receipt("a1", decided("LATTE", 5)), **KIOSK))
    skip(story, "transfer-a0", "transfer-transfer-1")
    assert why(story, "transfer-a0") == SEEN_TO
    story.set(MAPPED)
    assert why(story, "transfer-a0") == SEEN_TO
    assert legs(story) == []
    skip(story, "transfer-a1", "transfer-transfer-1")
    assert why(story, "transfer-a1") == SEEN_TO


def test_a_planned_transfer_that_a_person_has_seen_to_is_skipped_and_its_receipt_goes_on() -> None:
    """Only the start's own command ends."""
    story = Story()
    story.report("transfer", transfer(START, receipt("a1", decided("LATTE", 5))))
    skip(story, "transfer-a0", "transfer-transfer-1")
    assert skipped(story) == {"trf-kopi-nusantara.a0"}
    assert story.states == {"transfer-a0": "booking", "transfer-a1": "booking"}


def test_all_commands_of_a_record_are_skipped_and_no_others() -> None:
    """A sale's invoice, not its payment, which shows as skipped because it needs the invoice."""
    story = Story()
    story.order(transactions=[paid("t1", 20_000, transaction_date="2026-11-22T01:00:00")])
    skip(story, "sale-order-1", "order-order-1")
    assert skipped(story) == {"inv-kopi-nusantara.order-1"}


def test_a_payment_is_skipped_alone() -> None:
    """Its sale stands."""
    story = Story()
    story.order(transactions=[paid("t1", 20_000, transaction_date="2026-11-22T01:00:00")])
    skip(story, "payment-order-1-t1", "order-order-1")
    (command_id,) = skipped(story)
    assert command_id.startswith("pay-kopi-nusantara.")


@pytest.mark.parametrize(
    ("record_id", "stream_id", "commands"),
    [
        ("payout-P1", "payout-P1", {"dep-kopi-nusantara.P1", "fee-kopi-nusantara.P1"}),
        ("customer-c1", "customer-c1", set()),
        ("sale-nobody", "order-nobody", set()),
    ],
    ids=["payout", "customer", "unknown"],
)
def test_records_without_a_state_of_their_own_are_known_by_name(
    record_id: str, stream_id: str, commands: set[str]
) -> None:
    """Their commands follow from the record's name; an unknown record has none, and a customer is never skipped."""
    story = Story()
    skip(story, record_id, stream_id)
    assert skipped(story) == commands


def test_a_retry_judges_again_and_says_nothing_new_where_nothing_changed() -> None:
    """Neither a transfer nor a sale is booked twice, and what waits goes on waiting."""
    story = Story()
    story.order(outlet_id="kiosk", outlet_name="Kiosk")
    story.report("transfer", transfer(START))
    before = story.records
    for stream_id in ("order-order-1", "transfer-transfer-1", "payout-P1"):
        story.say(RecordRetried(record_id="any", actor="owner", reason="again"), stream_id)
    assert story.records == before
    assert len(story.commands) == 1


def test_a_person_may_send_what_waits_and_nothing_that_was_seen_to() -> None:
    """A range of dates lets go what waits; a skipped sale among them stays."""
    story = Story()
    story.set(SalesRulesSet(sync=SalesSync("scheduled", ("18:00",))))
    story.order()
    story.order(order_id="order-2")
    skip(story, "sale-order-1", "order-order-1")
    day = NOON.date().replace(day=21)
    story.sync(SyncRequested(scope="sales", first=day, last=day, actor="owner", reason="now"))
    assert story.states == {"sale-order-1": "skipped", "sale-order-2": "booking"}
