"""Reports of an order are thin or full, early or late: what they come to."""

from decimal import Decimal

from eventstore.facts.settings import OutletMapped
from projections.jurnal_commands.commands import BookInvoice, CreateCustomer, ReceivePayment
from tests.story import Story, full_order, line, own, paid

THIN = {"order_id": "order-1", "order_reference": "#3101-1001", "status": "completed"}


def test_a_thin_order_is_held_until_its_details_come() -> None:
    """Without lines, totals and transactions nothing is booked, and the record says what is lacking."""
    story = Story()
    story.report("order", THIN)
    assert story.commands == []
    assert story.states == {"sale-order-1": "held"}
    assert story.records["sale-order-1"].reason == "Waiting for the order's details (lines, totals, transactions)"
    story.order()
    assert story.the(BookInvoice).total == 20_000
    assert story.states == {"sale-order-1": "booking"}


def test_transactions_must_have_been_told_even_if_there_are_none() -> None:
    """No transactions and not told of any are two things: only the first is an unpaid order."""
    story = Story()
    story.report("order", {name: value for name, value in full_order().items() if name != "transactions"})
    assert story.records["sale-order-1"].reason == "Waiting for the order's details (transactions)"


def test_what_a_thin_report_does_not_say_never_overwrites_what_is_known() -> None:
    """The full report comes while the order is a draft; the thin one completes it; the lines are the full one's."""
    story = Story()
    story.order(status="draft")
    assert story.states == {"sale-order-1": "held"}
    story.report("order", THIN)
    assert story.the(BookInvoice).lines[0].product_code == "LATTE"


def test_an_older_report_that_arrives_late_changes_nothing_that_is_known() -> None:
    """Fields count by when iSeller observed them, not by when they arrived."""
    story = Story()
    story.order(status="draft", order_details=[line("NEW", quantity=2)], observed_minute=None)
    story.report("order", full_order(status="draft", order_details=[line("OLD", quantity=2)]), observed_minute=0)
    story.report("order", THIN)
    assert story.the(BookInvoice).lines[0].product_code == "NEW"


def test_an_older_report_still_tells_what_nobody_knew() -> None:
    """A late report fills what newer, thinner ones left open."""
    story = Story()
    story.report("order", THIN, observed_minute=60)
    story.report("order", full_order(), observed_minute=30)
    assert story.the(BookInvoice).total == 20_000


def test_of_two_reports_observed_at_once_the_later_position_counts() -> None:
    """A tie is decided by the ledger's order."""
    story = Story()
    story.report("order", full_order(status="draft", order_details=[line("A", 2)]), observed_minute=30)
    story.report("order", full_order(status="draft", order_details=[line("B", 2)]), observed_minute=30)
    story.report("order", THIN, observed_minute=31)
    assert story.the(BookInvoice).lines[0].product_code == "B"


def test_only_a_poll_takes_a_status_back() -> None:
    """A webhook that says completed after void may be late; a poll that says so is the truth."""
    story = Story()
    story.order(status="void")
    assert story.states == {"sale-order-1": "skipped"}
    story.order(status="completed")
    assert story.states == {"sale-order-1": "skipped"}
    story.report("order", full_order(), channel="poll")
    assert story.states == {"sale-order-1": "booking"}


def test_the_first_payment_known_is_the_deposit_and_each_other_a_payment() -> None:
    """Split payments: the earliest goes with the invoice, the rest follow it, each into its method's account."""
    story = Story()
    story.order(
        transactions=[
            paid("t2", 8_000, gateway="external_debit", payment_type_name="EDC BCA",
                 transaction_date="2026-11-20T18:40:00"),
            paid("t1", 12_000),
        ]
    )  # fmt: skip
    invoice, payment = story.the(BookInvoice), story.the(ReceivePayment)
    assert (invoice.deposit, invoice.deposit_account) == (Decimal(12_000), "Cash")
    assert (payment.amount, payment.account, payment.payment_method) == (Decimal(8_000), "Bank BCA", "EDC BCA")
    assert story.invoice().received == 20_000


def test_a_first_payment_of_a_later_day_is_no_deposit() -> None:
    """Jurnal dates a deposit as its invoice: money of another local day is a payment of its own."""
    story = Story()
    same_day, next_day = "2026-11-21T16:59:59", "2026-11-21T17:00:00"
    story.order(transactions=[paid("t1", 20_000, transaction_date=next_day)])
    story.order(order_id="order-2", transactions=[paid("t2", 20_000, transaction_date=same_day)])
    invoices = [command for command in story.commands if isinstance(command, BookInvoice)]
    assert [int(invoice.deposit) for invoice in invoices] == [0, 20_000]
    assert story.the(ReceivePayment).transaction_date.isoformat() == "2026-11-22"


def test_a_payment_after_the_invoice_is_received_on_it_once() -> None:
    """A later report repeats the old payment and brings a new one: only the new one is asked for."""
    story = Story()
    story.order(on_account=True)
    assert story.the(BookInvoice).deposit == 0
    story.order(transactions=[paid("t1", 5_000)])
    story.order(transactions=[paid("t1", 5_000), paid("t2", 15_000, transaction_date="2026-11-25T17:30:00")])
    payments = [command for command in story.commands if isinstance(command, ReceivePayment)]
    assert [(payment.transaction_id, int(payment.amount)) for payment in payments] == [("t1", 5_000), ("t2", 15_000)]
    assert payments[1].transaction_date.isoformat() == "2026-11-26"


def test_a_payment_that_comes_before_its_order_waits_for_it() -> None:
    """A polled transaction of an order nobody has told of yet becomes the deposit when the order comes."""
    story = Story()
    story.report("transaction", {**paid("t1", 20_000), "order_id": "order-1"}, channel="poll")
    assert story.commands == []
    story.order()
    assert story.the(BookInvoice).deposit == 20_000


def test_a_polled_transaction_stands_in_store_time_and_is_the_same_payment() -> None:
    """01:31 in Jakarta is the 18:31 UTC that the order told: one payment, dated the local day."""
    story = Story()
    story.order(on_account=True)
    polled = {**paid("t1", 20_000, transaction_date="2026-11-21T01:31:00"), "order_id": "order-1"}
    story.report("transaction", polled, channel="poll", time_zone=7)
    story.order(transactions=[paid("t1", 20_000)])
    payment = story.the(ReceivePayment)
    assert payment.transaction_date.isoformat() == "2026-11-21"
    assert payment.amount == 20_000


def test_a_pending_or_failed_transaction_is_no_payment() -> None:
    """Only success counts, and the same transaction counts when it succeeds later."""
    story = Story()
    story.order(transactions=[paid("t1", 20_000, status="pending"), paid("t2", 20_000, status="failure")])
    assert story.the(BookInvoice).deposit == 0
    story.order(transactions=[paid("t1", 20_000)])
    assert story.the(ReceivePayment).transaction_id == "t1"


def test_a_payment_by_an_unmapped_method_is_failed_and_the_invoice_stays_open() -> None:
    """Money of unknown whereabouts is never booked anywhere."""
    story = Story()
    story.order(transactions=[paid("t1", 20_000, gateway="voucher", payment_type_name="Gift Card")])
    assert story.the(BookInvoice).deposit == 0
    record = story.records["payment-order-1-t1"]
    assert record.state == "failed"
    assert record.reason is not None
    assert "Gift Card" in record.reason


def test_more_money_than_the_total_is_booked_up_to_the_total() -> None:
    """An over-payment trims the last payment; one with nothing left to pay is skipped, visibly."""
    story = Story()
    later = {"transaction_date": "2026-11-20T18:40:00"}
    story.order(transactions=[paid("t1", 15_000), paid("t2", 15_000, **later)])
    assert story.the(BookInvoice).deposit == 15_000
    assert story.the(ReceivePayment).amount == 5_000
    story.order(transactions=[paid("t3", 1_000, transaction_date="2026-11-20T18:50:00")])
    assert story.states["payment-order-1-t3"] == "skipped"
    single = Story()
    single.order(transactions=[paid("t1", 50_000)])
    assert single.the(BookInvoice).deposit == 20_000


def test_an_order_completed_before_live_mode_is_skipped_for_good() -> None:
    """Neither the order nor its later payments are booked once Live Mode begins."""
    story = Story(live=False)
    story.order()
    assert story.records["sale-order-1"].reason == "Before Live Mode"
    story.go_live()
    story.order(transactions=[paid("t1", 20_000)])
    assert story.commands == []


def test_an_order_begun_before_live_mode_and_completed_after_it_is_booked() -> None:
    """What counts is the fact that completes the order."""
    story = Story(live=False)
    story.order(status="draft")
    story.go_live()
    story.order()
    assert story.states == {"sale-order-1": "booking"}


def test_an_order_of_an_unmapped_outlet_is_skipped_and_says_so() -> None:
    """An outlet that nobody mapped is out of scope."""
    story = Story()
    story.order(outlet_id="kiosk", outlet_name="Kiosk")
    assert story.commands == []
    record = story.records["sale-order-1"]
    assert (record.state, record.reason) == ("skipped", "Outlet Kiosk is not mapped")


def test_a_registered_customer_comes_first_and_the_invoice_needs_it() -> None:
    """Two orders of one customer make one customer; both invoices need it."""
    story = Story()
    buyer = {"customer_id": "c0ffee00-1", "external_customer_id": "C-1", "customer_first_name": "sealed:x"}
    story.order(**buyer)
    story.order(order_id="order-2", order_reference="#3101-1002", **buyer)
    kinds = [type(command).__name__ for command in story.commands]
    assert kinds == ["CreateCustomer", "BookInvoice", "BookInvoice"]
    customer = story.the(CreateCustomer)
    assert (customer.code, customer.position) == ("C-1", 5)
    assert story.needs("inv-kopi-nusantara.order-1") == story.needs("inv-kopi-nusantara.order-2") == [
        "cus-kopi-nusantara.c0ffee00-1"
    ]  # fmt: skip


def test_a_void_after_booking_is_visible_as_failed() -> None:
    """This release books no returns: a person must, and is told."""
    story = Story()
    story.order()
    story.order(status="void")
    assert story.states == {"sale-order-1": "booking", "voided-order-1": "failed"}
    assert story.records["voided-order-1"].what_to_do == "Enter the return in Jurnal by hand"


def test_a_refund_after_booking_is_visible_whether_reported_or_polled_as_a_transaction() -> None:
    """A refund webhook, a refund transaction, and both together show as one failed record."""
    by_report, by_transaction = Story(), Story()
    for story in (by_report, by_transaction):
        story.order()
    by_report.report("refund", {"order_id": "order-1", "refund_amount": 20_000})
    by_transaction.order(transactions=[paid("r1", 20_000, type="refund")])
    expected = {"sale-order-1": "booking", "refunded-order-1": "failed"}
    assert by_report.states == by_transaction.states == expected
    by_report.order(transactions=[paid("r1", 20_000, type="refund")])
    assert by_report.states == expected


def test_a_refund_that_arrives_before_its_order_is_not_forgotten() -> None:
    """Webhooks may overtake each other: the refund shows as soon as the sale is booked."""
    story = Story()
    story.report("refund", {"order_id": "order-1", "refund_amount": 20_000})
    story.order()
    assert story.states == {"sale-order-1": "booking", "refunded-order-1": "failed"}


def test_a_refund_of_an_order_that_is_not_booked_is_skipped() -> None:
    """What was never booked needs no return."""
    story = Story(live=False)
    story.order()
    story.go_live()
    story.report("refund", {"order_id": "order-1", "refund_amount": 20_000})
    assert story.states["refunded-order-1"] == "skipped"


def test_a_report_that_cannot_be_read_shows_as_failed() -> None:
    """What the way in kept sealed and could not read is a line of its own."""
    story = Story()
    story.unreadable("order", "body", "no strict JSON")
    (record,) = story.records.values()
    assert (record.kind, record.state) == ("unreadable", "failed")
    assert record.reason == "iSeller sent a report that cannot be read: body: no strict JSON"


def test_a_refused_sale_is_judged_afresh_by_its_next_report() -> None:
    """An unmapped outlet, once mapped, and a line without SKU, once mended, are booked; a refusal is never final."""
    story = Story()
    story.order(outlet_id="kiosk", outlet_name="Kiosk")
    assert story.states["sale-order-1"] == "skipped"
    story.tell(own(OutletMapped(outlet_id="kiosk", outlet_name="Kiosk", warehouse="Kiosk"), "settings", "settings:k"))
    story.order(outlet_id="kiosk", outlet_name="Kiosk", closed_date="2026-11-20T19:00:00")
    assert story.the(BookInvoice).warehouse == "Kiosk"
    assert story.states["sale-order-1"] == "booking"


def test_an_order_changed_after_its_invoice_shows_as_failed_with_both_totals() -> None:
    """Books that became wrong are never shown as Success alone."""
    story = Story()
    story.order()
    story.order(total_amount=40_000, total_order_amount=40_000)
    record = story.records["edited-order-1"]
    assert record.state == "failed"
    assert record.reason is not None
    assert "40000" in record.reason
    assert "20000" in record.reason


def test_a_payment_reported_void_after_it_counted_shows_as_failed() -> None:
    """A success that turns into a void is told to a person; the money is not taken back silently."""
    story = Story()
    story.order(transactions=[paid("t1", 20_000)])
    story.order(transactions=[paid("t1", 20_000, status="void")])
    assert story.records["reversed-order-1-t1"].state == "failed"


def test_two_orders_may_use_one_transaction_id() -> None:
    """Neither payment is lost: a payment's identity names its order too."""
    story = Story()
    story.order()
    story.order(order_id="order-2", order_reference="#2")
    story.order(transactions=[paid("t1", 5_000)])
    story.order(order_id="order-2", order_reference="#2", transactions=[paid("t1", 6_000)])
    amounts = sorted(command.amount for command in story.commands if isinstance(command, ReceivePayment))
    assert amounts == [5_000, 6_000]
