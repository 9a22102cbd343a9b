"""The money of an order: each payment once, onto its account and date, never more than the invoice."""

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from eventstore.facts.settings import BooksClosed, PaymentMapping, SalesRulesSet
from projections.jurnal_commands.commands import BookInvoice, ReceivePayment
from projections.jurnal_commands.identity import invoice_command_id, payment_command_id
from tests.ledger import STORE
from tests.story import CONNECTION, Story, full_order, line, paid
from tests.unit.projections.shop_settings import (
    TOKOPEDIA,
    VOUCHER,
    WITH_VOUCHER,
    invoices,
    money,
    received,
    seen_to,
    shop,
    told,
)

D = Decimal
DEBIT = {"gateway": "external_debit", "payment_type_name": "EDC BCA"}
AT_20, NEXT_DAY = {"transaction_date": "2026-11-20T18:40:00"}, {"transaction_date": "2026-11-21T17:00:00"}
AT_50 = {"transaction_date": "2026-11-20T18:50:00"}
DAY, NEXT = "2026-11-21", "2026-11-22"


@pytest.mark.parametrize(
    ("transactions", "deposit", "payments"),
    [
        ([], 0, []),
        ([paid("t1", 20_000)], 20_000, []),
        ([paid("t1", 12_000), paid("t2", 8_000, **DEBIT, **AT_20)], 12_000, [("t2", 8_000, "Bank BCA", DAY)]),
        ([paid("t1", 5_000)], 5_000, []),
        ([paid("t1", 50_000)], 20_000, []),
        ([paid("t1", 15_000), paid("t2", 15_000, **AT_20)], 15_000, [("t2", 5_000, "Cash", DAY)]),
        ([paid("t1", 10_000), paid("t2", 15_000, **DEBIT, **AT_20)], 5_000, [("t2", 15_000, "Bank BCA", DAY)]),
        (
            [paid("t1", 5_000, **DEBIT), paid("t2", 10_000, **AT_20), paid("t3", 12_000, **DEBIT, **AT_50)],
            5_000,
            [("t2", 3_000, "Cash", DAY), ("t3", 12_000, "Bank BCA", DAY)],
        ),
        ([paid("t1", 5_000), paid("t2", 25_000, **DEBIT, **AT_20)], 20_000, []),
        ([paid("t1", 15_000, **DEBIT), paid("t2", 15_000, **DEBIT, **AT_20)], 15_000, [("t2", 5_000, "Bank BCA", DAY)]),
        ([paid("t1", 12_000, **VOUCHER), paid("t2", 20_000, **AT_20)], 8_000, []),
        ([paid("t1", 50_000), paid("t2", -30_000, **AT_20)], 20_000, []),
        ([paid("t1", 20_000, **NEXT_DAY)], 0, [("t1", 20_000, "Cash", NEXT)]),
        ([paid("t1", 5_000), paid("t2", 15_000, **NEXT_DAY)], 5_000, [("t2", 15_000, "Cash", NEXT)]),
        ([paid("t1", 12_000, **VOUCHER), paid("t2", 8_000, **AT_20)], 8_000, []),
        ([paid("t1", 0), paid("t2", 20_000, **AT_20)], 20_000, []),
    ],
    ids=[
        "nothing",
        "all at once",
        "split over two methods",
        "partial",
        "change is not ours",
        "over-payment trims the last",
        "change is given in cash",
        "change is given in cash, whichever comes last",
        "more than the cash was given back",
        "over-payment without cash trims the last",
        "change is given although a method is not mapped",
        "change that is told as a payment",
        "all on a later day",
        "partial, the rest later",
        "the first mapped one is the deposit",
        "no money",
    ],
)
def test_what_is_paid_at_the_sale_is_its_deposit_and_payments(
    transactions: list[dict[str, Any]], deposit: int, payments: list[tuple[str, int, str, str]]
) -> None:
    """The first payment of the day that has an account goes with the invoice, each other as a document of its own."""
    story = Story()
    story.order(transactions=transactions)
    assert story.the(BookInvoice).deposit == deposit
    assert received(story) == payments


def test_the_first_payment_known_is_the_deposit_and_each_other_a_payment() -> None:
    """Split payments: the earliest goes with the invoice, the rest follow it, each into its method's account."""
    story = Story()
    story.order(transactions=[paid("t2", 8_000, **DEBIT, **AT_20), paid("t1", 12_000)])
    invoice, payment = story.the(BookInvoice), story.the(ReceivePayment)
    assert (invoice.deposit, invoice.deposit_account, invoice.deposit_method) == (D(12_000), "Cash", "cash")
    assert (payment.amount, payment.account, payment.payment_method) == (D(8_000), "Bank BCA", "EDC BCA")
    assert story.needs(payment_command_id(STORE, "order-1", "t2")) == [invoice_command_id(STORE, "order-1")]
    assert story.invoice().received == 20_000


def test_a_first_payment_of_a_later_day_is_no_deposit() -> None:
    """Jurnal dates a deposit as its invoice: money of another local day is a payment of its own."""
    story = Story()
    same_day, next_day = "2026-11-21T16:59:59", "2026-11-21T17:00:00"
    story.order(transactions=[paid("t1", 20_000, transaction_date=next_day)])
    story.order(order_id="order-2", transactions=[paid("t2", 20_000, transaction_date=same_day)])
    assert [int(invoice.deposit) for invoice in invoices(story)] == [0, 20_000]
    assert story.the(ReceivePayment).transaction_date.isoformat() == NEXT


def test_with_the_rule_every_payment_is_a_document_with_its_method() -> None:
    """`payment_method_kept`: no deposit, because Jurnal keeps no method of one."""
    story = shop(SalesRulesSet(payment_method_kept=True))
    story.order(transactions=[paid("t1", 20_000)])
    assert story.the(BookInvoice).deposit == 0
    assert received(story) == [("t1", 20_000, "Cash", DAY)]
    assert story.the(ReceivePayment).payment_method == "cash"


def test_a_sale_on_account_stays_open_and_later_payments_are_received_on_it_once() -> None:
    """A later report repeats the old payment and brings a new one by another method: only the new one is asked for."""
    story = Story()
    story.order(on_account=True)
    assert story.the(BookInvoice).deposit == 0
    story.order(on_account=True, transactions=[paid("t1", 5_000)])
    later = paid("t2", 15_000, **DEBIT, transaction_date="2026-11-25T17:30:00")
    story.order(on_account=True, transactions=[paid("t1", 5_000), later])
    assert received(story) == [("t1", 5_000, "Cash", DAY), ("t2", 15_000, "Bank BCA", "2026-11-26")]
    assert story.invoice().received == 20_000


def test_a_payment_that_comes_before_its_order_waits_for_it() -> None:
    """A polled transaction of an order nobody has told of yet becomes the deposit when the order comes."""
    story = Story()
    story.report("transaction", {**paid("t1", 20_000), "order_id": "order-1"}, channel="poll")
    assert story.commands == []
    story.order()
    assert story.the(BookInvoice).deposit == 20_000


def test_a_payment_told_while_the_sale_waits_is_booked_with_it() -> None:
    """Whatever the sale waits for, no payment told in the meantime is lost."""
    story = Story()
    story.order(order_details=[line(sku="", quantity=2)], transactions=[paid("t1", 5_000)])
    story.report("transaction", {**paid("t2", 15_000, **AT_20), "order_id": "order-1"}, channel="poll")
    assert story.states == {"sale-order-1": "failed"}
    story.order()
    assert story.the(BookInvoice).deposit == 5_000
    assert received(story) == [("t2", 15_000, "Cash", DAY)]


def test_a_payment_by_an_unmapped_method_is_failed_and_goes_by_itself_when_mapped() -> None:
    """Money of unknown whereabouts is never booked anywhere; the invoice stays open by it until a person maps it."""
    story = Story()
    story.order(transactions=[paid("t1", 20_000, gateway="voucher", payment_type_name="Voucher")])
    assert story.the(BookInvoice).deposit == 0
    record = story.records["payment-order-1-t1"]
    assert (record.state, record.amount) == ("failed", D(20_000))
    assert record.reason == "No account is mapped for payments by Voucher; the invoice stays open by this amount"
    told(story, WITH_VOUCHER)
    assert received(story) == [("t1", 20_000, "Bank BCA", DAY)]
    assert story.states == {"sale-order-1": "booking", "payment-order-1-t1": "booking"}


def test_more_money_than_the_total_is_booked_up_to_the_total() -> None:
    """An over-payment trims the last payment; one with nothing left to pay is skipped, visibly."""
    story = Story()
    story.order(transactions=[paid("t1", 15_000), paid("t2", 15_000, **AT_20)])
    story.order(transactions=[paid("t3", 1_000, transaction_date="2026-11-20T18:50:00")])
    record = story.records["payment-order-1-t3"]
    assert (record.state, record.reason) == ("skipped", "The invoice is paid in full already")
    assert money(story) == 20_000


def test_cash_that_is_paid_again_after_some_was_given_back_is_no_change() -> None:
    """The order was made smaller, money went back, and it was made larger again: all three count."""
    back = paid("r1", 5_000, type="refund", transaction_date="2026-11-20T18:45:00")
    again = paid("t2", 5_000, transaction_date="2026-11-20T18:50:00")
    smaller = {"order_details": [line(quantity=1, price=15_000)], "total_order_amount": 15_000, "total_amount": 15_000}
    story = shop(SalesRulesSet(sales_return_account="Sales Returns", stored_value_clearing="Stored Value Clearing"))
    story.order(transactions=[paid("t1", 20_000)])
    story.report("order", full_order(**smaller, transactions=[paid("t1", 20_000), back]), channel="poll")
    story.order(transactions=[paid("t1", 20_000), back, again])
    assert received(story) == [("t2", 5_000, "Cash", DAY)]
    assert "failed" not in story.states.values()


def test_fractions_of_a_rupiah_are_received_exactly() -> None:
    """Amounts are decimals from the report to the command."""
    story = Story()
    half = {"order_details": [line(quantity=2, price=10_000.25)], "total_order_amount": 20_000.5}
    story.order(**half, total_amount=20_000.5, transactions=[paid("t1", 12_000.2), paid("t2", 9_000, **AT_20)])
    assert story.the(BookInvoice).deposit == D("12000.2")
    assert story.the(ReceivePayment).amount == D("8000.3")


def test_two_orders_may_use_one_transaction_id() -> None:
    """Neither payment is lost: a payment's identity names its order too."""
    story = Story()
    for number, amount in ((1, 5_000), (2, 6_000)):
        order: dict[str, Any] = {"order_id": f"order-{number}", "order_reference": f"#{number}"}
        story.order(**order)
        story.order(**order, transactions=[paid("t1", amount)])
    assert received(story) == [("t1", 5_000, "Cash", DAY), ("t1", 6_000, "Cash", DAY)]


def test_money_of_a_channel_goes_to_the_channels_account() -> None:
    """The channel's word comes before the store's, also for the date."""
    story = Story()
    told(story, TOKOPEDIA)
    story.order(
        channel="marketplace",
        channel_detail="Tokopedia",
        order_date="2026-11-20T14:30:00",
        transactions=[paid("t1", 20_000, gateway="custom", transaction_date="2026-11-20T15:30:00")],
    )
    invoice = story.the(BookInvoice)
    assert (invoice.transaction_date, invoice.deposit) == (date(2026, 11, 20), D(0))
    assert received(story) == [("t1", 20_000, "Tokopedia Clearing", DAY)]


def test_a_payment_type_has_an_account_before_its_gateway() -> None:
    """A gateway's account is the default of its payment types."""
    by_gateway = PaymentMapping("external_debit", "Bank Mandiri")
    story = shop(connection=msgspec.structs.replace(CONNECTION, payments=(by_gateway, *CONNECTION.payments)))
    story.order(transactions=[paid("t1", 8_000, **DEBIT), paid("t2", 12_000, gateway="external_debit", **AT_20)])
    assert story.the(BookInvoice).deposit_account == "Bank BCA"
    assert received(story) == [("t2", 12_000, "Bank Mandiri", DAY)]


def test_a_payment_of_a_closed_period_goes_on_the_first_open_day() -> None:
    """By the rule, or it fails and goes when the period is opened again."""
    story = shop(SalesRulesSet(closed_period="first_open_day"))
    story.order(on_account=True)
    told(story, BooksClosed(until=date(2026, 11, 24)))
    story.order(on_account=True, transactions=[paid("t1", 5_000)])
    assert received(story) == [("t1", 5_000, "Cash", "2026-11-25")]
    strict = shop(SalesRulesSet(closed_period="fail"))
    strict.order(on_account=True)
    told(strict, BooksClosed(until=date(2026, 11, 24)))
    strict.order(on_account=True, transactions=[paid("t1", 5_000)])
    assert strict.states["payment-order-1-t1"] == "failed"
    told(strict, BooksClosed(until=date(2026, 10, 31)))
    assert received(strict) == [("t1", 5_000, "Cash", DAY)]


def test_a_payment_that_a_person_has_seen_to_is_not_booked_any_more() -> None:
    """Mapping its method later does not book it a second time."""
    story = Story()
    story.order(transactions=[paid("t1", 20_000, **VOUCHER)])
    seen_to(story, "payment-order-1-t1")
    record = story.records["payment-order-1-t1"]
    assert (record.state, record.reason) == ("skipped", "Seen to by owner: booked by hand")
    told(story, WITH_VOUCHER)
    story.order(transactions=[paid("t1", 20_000, **VOUCHER)], closed_date="2026-11-20T19:00:00")
    assert received(story) == []
