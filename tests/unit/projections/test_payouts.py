"""Payouts: what reaches the bank is deposited, the fee is withdrawn from clearing."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from eventstore.facts.operators import RecordRetried, RecordSkipped
from eventstore.facts.settings import BooksClosed, OutletMapped, SalesRulesSet
from projections.jurnal_commands.commands import DepositPayout, WithdrawPayoutFee
from projections.sync_status.fold import RecordSeenTo
from tests.story import Story, own
from tests.unit.projections.shop_settings import shop, told

KIOSK = OutletMapped(
    outlet_id="kiosk",
    outlet_name="Kiosk",
    warehouse="Kiosk Warehouse",
    payout_account="Bank Mandiri",
    mdr_account="Kiosk MDR",
)


def payout(**fields: object) -> dict[str, Any]:
    """Return a completed payout of 100,000 less 1,500 fees."""
    return {
        "reference_id": "PO-1",
        "date": "2026-11-20T18:00:00",
        "status": "Completed",
        "transactions_amount": 100_000,
        "total_fees": 1_500,
        "total_deposit": 98_500,
        **fields,
    }


def test_a_completed_payout_is_a_deposit_of_what_reached_the_bank_and_a_withdrawal_of_the_fee() -> None:
    """Both on the local date; the two together empty the clearing account of the payout's transactions."""
    story = Story()
    story.report("payout", payout())
    deposit, fee = story.the(DepositPayout), story.the(WithdrawPayoutFee)
    assert (deposit.account, deposit.clearing_account, deposit.amount) == (
        "Bank BCA", "iSeller Pay Clearing", Decimal(98_500),
    )  # fmt: skip
    assert (fee.clearing_account, fee.fee_account, fee.amount) == (
        "iSeller Pay Clearing", "iSeller Pay MDR", Decimal(1_500),
    )  # fmt: skip
    assert deposit.transaction_date == fee.transaction_date == date(2026, 11, 21)
    assert story.states == {"payout-PO-1": "booking"}


def test_a_payout_without_fees_asks_for_a_deposit_only() -> None:
    """Nothing is withdrawn for nothing."""
    story = Story()
    story.report("payout", payout(total_fees=0, total_deposit=100_000))
    assert [type(command) for command in story.commands] == [DepositPayout]


def test_a_payout_under_way_is_held_until_it_is_completed() -> None:
    """Announced money is not money."""
    story = Story()
    story.report("payout", payout(status="Processing"))
    assert (story.commands, story.states) == ([], {"payout-PO-1": "held"})
    story.report("payout", payout())
    assert story.states == {"payout-PO-1": "booking"}


def test_a_payout_that_failed_is_not_under_way_again_because_that_was_told_late() -> None:
    """Webhooks may overtake each other; only a completion is still believed."""
    story = Story()
    story.report("payout", payout(status="Failed"))
    story.report("payout", payout(status="Waiting"))
    assert story.states == {"payout-PO-1": "skipped"}
    story.report("payout", payout())
    assert story.states == {"payout-PO-1": "booking"}


def test_a_payout_completed_twice_is_booked_once() -> None:
    """Whatever is reported after completion asks for nothing."""
    story = Story()
    story.report("payout", payout())
    story.report("payout", payout(total_deposit=1))
    story.report("payout", payout(status="Failed"))
    assert len(story.commands) == 2
    assert story.states == {"payout-PO-1": "booking"}


def test_a_failed_payout_is_skipped() -> None:
    """No money moved."""
    story = Story()
    story.report("payout", payout(status="Failed"))
    assert (story.commands, story.states) == ([], {"payout-PO-1": "skipped"})


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"total_deposit": 98_000}, "Deposit Rp 98000 and fees Rp 1500 are not the transactions' Rp 100000"),
        ({"transactions_amount": None}, "lacks its date or amounts"),
        ({"outlet_id": "kiosk"}, "outlet is not mapped"),
    ],
    ids=["unbalanced", "incomplete", "unmapped outlet"],
)
def test_a_payout_that_does_not_add_up_is_failed_and_not_booked(fields: dict[str, Any], words: str) -> None:
    """The record says what is wrong, with the numbers."""
    story = Story()
    story.report("payout", payout(**fields))
    assert story.commands == []
    record = story.records["payout-PO-1"]
    assert record.state == "failed"
    assert record.reason is not None
    assert words in record.reason


def test_a_payout_before_live_mode_is_skipped() -> None:
    """And stays so."""
    story = Story(live=False)
    story.report("payout", payout())
    story.go_live()
    story.report("payout", payout())
    assert (story.commands, story.states) == ([], {"payout-PO-1": "skipped"})


@pytest.mark.parametrize(("deposit", "fees"), [("-2000", "3000"), ("1500", "-500")])
def test_a_payout_with_a_negative_part_is_failed_whole(deposit: str, fees: str) -> None:
    """Half a payout is never booked: both parts or a line for a person."""
    story = Story()
    story.report("payout", payout(total_deposit=deposit, total_fees=fees, transactions_amount="1000"))
    assert story.commands == []
    assert set(story.states.values()) == {"failed"}


def test_a_payout_of_nothing_is_skipped_visibly() -> None:
    """A completed payout without money has a line that says so."""
    story = Story()
    story.report("payout", payout(total_deposit="0", total_fees="0", transactions_amount="0"))
    assert story.commands == []
    assert set(story.states.values()) == {"skipped"}


def test_a_completed_payout_without_its_fees_waits_for_the_report_that_brings_them() -> None:
    """A missing fee is not a fee of nothing: the payout is failed until it is told, then booked whole."""
    story = Story()
    story.report("payout", payout(total_fees=None))
    assert story.commands == []
    assert set(story.states.values()) == {"failed"}
    story.report("payout", payout())
    assert len(story.commands) == 2
    assert set(story.states.values()) == {"booking"}


def word(story: Story, said: RecordRetried | RecordSkipped) -> None:
    """Let a person say something about the payout."""
    story.tell(own(said, "payout-PO-1", f"word:{len(story.facts) + 1}"))


def test_a_payout_of_an_unmapped_outlet_goes_by_itself_once_the_outlet_is_mapped() -> None:
    """On the outlet's own accounts, and exactly once, whatever else is mapped before and after."""
    story = Story()
    story.report("payout", payout(outlet_id="kiosk"))
    story.set(OutletMapped(outlet_id="other", outlet_name="Other", warehouse="Other Warehouse"))
    assert (story.commands, story.states) == ([], {"payout-PO-1": "failed"})
    story.set(KIOSK)
    story.set(KIOSK)
    deposit, fee = story.the(DepositPayout), story.the(WithdrawPayoutFee)
    assert (deposit.account, fee.fee_account) == ("Bank Mandiri", "Kiosk MDR")
    record = story.records["payout-PO-1"]
    assert (record.state, record.outlet, record.stream_id) == ("booking", "Kiosk", "payout-PO-1")


def test_a_payout_of_a_closed_period_waits_for_it_or_goes_on_the_first_open_day() -> None:
    """As the rule says; a period that is opened again lets it go on its own date."""
    strict = shop(SalesRulesSet(closed_period="fail"))
    told(strict, BooksClosed(until=date(2026, 11, 30)))
    strict.report("payout", payout())
    assert (strict.commands, strict.states) == ([], {"payout-PO-1": "failed"})
    told(strict, BooksClosed(until=date(2026, 10, 31)))
    assert strict.the(DepositPayout).transaction_date == date(2026, 11, 21)
    lenient = shop(SalesRulesSet(closed_period="first_open_day"))
    told(lenient, BooksClosed(until=date(2026, 11, 30)))
    lenient.report("payout", payout())
    assert lenient.the(WithdrawPayoutFee).transaction_date == date(2026, 12, 1)
    assert lenient.records["payout-PO-1"].business_date == date(2026, 12, 1)


def test_a_payout_that_a_person_has_seen_to_is_not_booked_any_more() -> None:
    """Neither its completion nor its outlet's mapping brings it back."""
    story = Story()
    story.report("payout", payout(outlet_id="kiosk"))
    word(story, RecordSkipped(record_id="payout-PO-1", actor="owner", reason="booked by hand"))
    story.set(KIOSK)
    word(story, RecordRetried(record_id="payout-PO-1", actor="owner", reason="try"))
    record = story.records["payout-PO-1"]
    assert (story.commands, record.state, record.reason) == ([], "skipped", "Seen to by owner: booked by hand")


def test_a_payout_judged_again_by_hand_is_booked_once() -> None:
    """A retry of what is booked, and of what is still wrong, says nothing new."""
    story = Story()
    story.report("payout", payout())
    word(story, RecordRetried(record_id="payout-PO-1", actor="owner", reason="try"))
    assert len(story.commands) == 2
    wrong = Story()
    wrong.report("payout", payout(total_deposit=1))
    word(wrong, RecordRetried(record_id="payout-PO-1", actor="owner", reason="try"))
    assert (wrong.commands, wrong.states) == ([], {"payout-PO-1": "failed"})


def test_refunds_beyond_the_payments_of_a_payout_are_failed_with_all_figures() -> None:
    """A negative payout balances and is still no deposit: a person sees what iSeller netted."""
    story = Story()
    story.report("payout", payout(transactions_amount=-40_000, total_fees=3_000, total_deposit=-43_000))
    record = story.records["payout-PO-1"]
    assert (story.commands, record.state) == ([], "failed")
    assert record.reason == (
        "The payout has a negative deposit or fee: deposit Rp -43000, fees Rp 3000, transactions less refunds Rp -40000"
    )


def test_a_report_that_cannot_be_read_and_was_seen_to_shows_as_skipped() -> None:
    """Nothing of it can be judged; the person's word ends it."""
    story = Story()
    story.unreadable("payout", "total_fees", "is no number")
    said = RecordSkipped(record_id="unreadable-1", actor="owner", reason="entered by hand")
    story.tell(own(said, "unreadable-1", "word:1"))
    (row,) = story.rows(RecordSeenTo)
    assert (row.record_id, row.reason) == ("unreadable-1", "Seen to by owner: entered by hand")
