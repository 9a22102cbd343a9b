"""Reports of an order are thin or full, early or late: what they come to."""

from projections.jurnal_commands.commands import BookInvoice
from tests.story import Story, full_order, line, paid

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
    """A webhook that says draft after void may be late; a poll that says so is the truth."""
    story = Story()
    story.order(status="void")
    assert story.states == {"sale-order-1": "skipped"}
    story.order(status="draft")
    assert story.states == {"sale-order-1": "skipped"}
    story.report("order", full_order(status="draft"), channel="poll")
    assert story.states == {"sale-order-1": "held"}


def test_a_report_that_cannot_be_read_shows_as_failed() -> None:
    """What the way in kept sealed and could not read is a line of its own."""
    story = Story()
    story.unreadable("order", "body", "no strict JSON")
    (record,) = story.records.values()
    assert (record.kind, record.state) == ("unreadable", "failed")
    assert record.reason == "iSeller sent a report that cannot be read: body: no strict JSON"


def test_a_webhook_that_tells_the_void_itself_takes_the_status_back() -> None:
    """It was made after the void, so it is no late one; a poll that says the same would be no further fact."""
    void = paid("v1", 20_000, type="void")
    story = Story()
    story.order(status="void", transactions=[void])
    story.order(status="draft", transactions=[void])
    assert story.states == {"sale-order-1": "held"}
