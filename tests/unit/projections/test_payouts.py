"""Payouts: what reaches the bank is deposited, the fee is withdrawn from clearing."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from projections.jurnal_commands.commands import DepositPayout, WithdrawPayoutFee
from tests.story import Story


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
