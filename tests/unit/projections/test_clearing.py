"""iSeller Pay money between the sale and the payout: what is unsettled, and since which day."""

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from eventstore.facts.settings import OutletMapped, PaymentMapping
from projections.changes.booking import BookedPayment
from projections.clearing.unsettled import (
    ClearingDayRow,
    Unsettled,
    UnsettledDay,
    after_commands,
    paid_out,
    taken,
)
from projections.jurnal_commands.commands import Command, DeleteInvoice, RefundCredit
from tests.story import Story, paid
from tests.unit.projections.taken_back import booked_invoice
from tests.unit.projections.test_payouts import payout

PAY = {"gateway": "iseller_pay"}


def sold(story: Story, number: int, day: int, amount: int = 20_000, **fields: object) -> None:
    """Let an order be paid by iSeller Pay on a day of November, at noon of the store's clock."""
    at = f"2026-11-{day:02}T05:00:00"
    story.order(
        order_id=f"order-{number}",
        order_date=at,
        transactions=[paid(f"t{number}", amount, transaction_date=at, **{**PAY, **fields})],
    )


def settled(story: Story, number: int, amount: int, fees: int = 500, **fields: object) -> None:
    """Let iSeller pay out."""
    told: dict[str, Any] = payout(
        reference_id=f"PO-{number}",
        transactions_amount=amount,
        total_fees=fees,
        total_deposit=amount - fees,
        **fields,
    )
    story.report("payout", told)


def unsettled(story: Story) -> dict[int, int]:
    """Return what is unsettled by day of November."""
    return {row.day.day: int(row.unsettled) for row in story.rows(ClearingDayRow) if row.unsettled}


def test_money_is_unsettled_by_the_day_it_was_taken_and_a_payout_settles_the_oldest() -> None:
    """Deposit and fees together leave the clearing account; what is left is of the youngest days."""
    story = Story()
    for number, day in enumerate((18, 18, 19, 20), start=1):
        sold(story, number, day)
    assert unsettled(story) == {18: 40_000, 19: 20_000, 20: 20_000}
    settled(story, 1, 50_000)
    assert unsettled(story) == {19: 10_000, 20: 20_000}
    settled(story, 2, 30_000)
    assert unsettled(story) == {}


def test_cash_and_payouts_that_failed_move_no_clearing() -> None:
    """Only money that is on its way from iSeller counts."""
    story = Story()
    sold(story, 1, 18, gateway="cash")
    sold(story, 2, 18)
    settled(story, 1, 20_000, status="Failed")
    settled(story, 2, 20_000, status="Processing")
    assert unsettled(story) == {18: 20_000}


def test_a_payout_told_before_its_payments_is_remembered() -> None:
    """Webhooks may overtake each other: the payments that come later are settled already."""
    story = Story()
    settled(story, 1, 30_000)
    sold(story, 1, 18)
    assert unsettled(story) == {}
    sold(story, 2, 19)
    assert unsettled(story) == {19: 10_000}


def test_money_that_waited_for_a_mapping_counts_when_it_is_booked() -> None:
    """The order of an unmapped outlet is no money in the clearing account yet."""
    story = Story()
    sold(story, 1, 18)
    kiosk = OutletMapped(
        outlet_id="kiosk",
        outlet_name="Kiosk",
        warehouse="Kiosk Warehouse",
        payments=(PaymentMapping("iseller_pay", "iSeller Pay Clearing"),),
    )
    at = "2026-11-17T05:00:00"
    story.order(
        order_id="order-2",
        order_date=at,
        outlet_id="kiosk",
        transactions=[paid("t2", 20_000, transaction_date=at, **PAY)],
    )
    assert unsettled(story) == {18: 20_000}
    story.set(kiosk)
    assert unsettled(story) == {17: 20_000, 18: 20_000}


def test_what_is_told_late_of_a_settled_day_counts_as_of_the_day_that_is_settled_last() -> None:
    """As if it had been told in time: the payout would have settled it first."""
    state = paid_out(
        taken(taken(Unsettled(), date(2026, 11, 18), Decimal(100)), date(2026, 11, 20), Decimal(50)), Decimal(120)
    )
    assert state.days == (UnsettledDay(date(2026, 11, 20), Decimal(30)),)
    late = taken(state, date(2026, 11, 1), Decimal(40))
    assert late.days == (UnsettledDay(date(2026, 11, 18), Decimal(40)), UnsettledDay(date(2026, 11, 20), Decimal(30)))


def _refund() -> RefundCredit:
    return RefundCredit(
        order_id="order-1",
        order_reference="#1",
        refund_id="r1",
        source="srn-1",
        transaction_date=date(2026, 11, 20),
        walk_in_contact="Walk-in",
        customer_id=None,
        account="iSeller Pay Clearing",
        amount=Decimal(30),
    )


@pytest.mark.parametrize(
    ("command", "left"),
    [
        (_refund(), 70),
        (msgspec.structs.replace(_refund(), account="Cash"), 100),
        (DeleteInvoice(order_id="order-1", order_reference="#1", invoice="inv-1"), 60),
        (DeleteInvoice(order_id="order-1", order_reference="#1", invoice="inv-2"), 100),
    ],
    ids=["refunded by iSeller", "refunded in cash", "deleted with its deposit", "another invoice"],
)
def test_money_that_iseller_gives_back_is_not_paid_out(command: Command, left: int) -> None:
    """Refunds out of the clearing account and deposits of deleted invoices are netted by iSeller."""
    booking = booked_invoice(
        total=Decimal(40),
        payments=(
            BookedPayment("t1", Decimal(40), "iSeller Pay Clearing", "", "inv-1", date(2026, 11, 18)),
            BookedPayment("t2", Decimal(5), "Cash", "", "pay-2", date(2026, 11, 18)),
        ),
    )
    before = taken(Unsettled(), date(2026, 11, 18), Decimal(100))
    after = after_commands(before, [command], "iSeller Pay Clearing", [booking])
    assert sum(day.amount for day in after.days) == left
