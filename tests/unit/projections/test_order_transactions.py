"""Which transactions are money: successful ones that still stand, are no promise, and pay a sale of ours."""

from decimal import Decimal

from projections.jurnal_commands.commands import BookInvoice
from tests.story import Story, paid
from tests.unit.projections.shop_settings import money, received

D = Decimal
NEXT_DAY = {"transaction_date": "2026-11-21T17:00:00"}
DAY, NEXT = "2026-11-21", "2026-11-22"


def test_a_pending_or_failed_transaction_is_no_payment() -> None:
    """Only success counts, and the same transaction counts when it succeeds later."""
    story = Story()
    story.order(transactions=[paid("t1", 20_000, status="pending"), paid("t2", 20_000, status="failure")])
    assert story.the(BookInvoice).deposit == 0
    story.order(transactions=[paid("t1", 20_000)])
    assert received(story) == [("t1", 20_000, "Cash", DAY)]


def test_the_promise_of_an_on_account_sale_is_no_money() -> None:
    """A tender by account balance of an order on account is what the customer owes; real money pays it later."""
    story = Story()
    promise = paid("t1", 20_000, gateway="account_balance")
    story.order(on_account=True, transactions=[promise])
    assert story.the(BookInvoice).deposit == 0
    assert story.records["payment-order-1-t1"].reason == "Sold on account: the customer pays later"
    assert story.invoice().received == 0
    story.order(on_account=True, transactions=[promise, paid("t2", 20_000, **NEXT_DAY)])
    assert received(story) == [("t2", 20_000, "Cash", NEXT)]


def test_a_payment_reported_void_after_it_counted_shows_as_failed() -> None:
    """A success that turns into a void is told to a person; the money is not taken back silently."""
    story = Story()
    story.order(transactions=[paid("t1", 20_000)])
    story.order(transactions=[paid("t1", 20_000, status="void")])
    record = story.records["reversed-order-1-t1"]
    assert (record.state, record.amount) == ("failed", D(20_000))
    story.order(transactions=[paid("t1", 20_000)])
    assert story.states["reversed-order-1-t1"] == "skipped"
    assert money(story) == 20_000


def test_a_payment_reported_void_before_it_was_planned_is_not_booked() -> None:
    """What came and went before the sale was known is no money, in whatever order it is told."""
    for first, second in (("success", "void"), ("void", "success")):
        story = Story()
        minutes = {"success": 30, "void": 31}
        for status in (first, second):
            transaction = {**paid("t1", 20_000, status=status), "order_id": "order-1"}
            story.report("transaction", transaction, observed_minute=minutes[status])
        story.order()
        assert money(story) == 0
        assert story.records["payment-order-1-t1"].reason == "iSeller reports this payment as failed or void"


def test_money_since_live_mode_for_a_sale_from_before_it_is_skipped_and_seen() -> None:
    """The sale is in nobody's books of ours, so its payment cannot be either; the list says so."""
    story = Story(live=False)
    story.order(on_account=True, transactions=[paid("t0", 5_000)])
    story.go_live()
    story.order(on_account=True, transactions=[paid("t0", 5_000), paid("t1", 15_000)])
    assert story.commands == []
    assert story.states == {"sale-order-1": "skipped", "payment-order-1-t1": "skipped"}
    assert (story.records["payment-order-1-t1"].reason or "").startswith("Before Live Mode")


def test_a_polled_transaction_stands_in_store_time_and_is_the_same_payment() -> None:
    """01:31 in Jakarta is the 18:31 UTC that the order told: one payment, dated the local day."""
    story = Story()
    story.order(on_account=True)
    polled = {**paid("t1", 20_000, transaction_date="2026-11-21T01:31:00"), "order_id": "order-1"}
    story.report("transaction", polled, channel="poll", time_zone=7)
    story.order(transactions=[paid("t1", 20_000)])
    assert received(story) == [("t1", 20_000, "Cash", DAY)]
