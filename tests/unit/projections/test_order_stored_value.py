"""Points, gift cards and other stored value: what the merchant owed the customer pays the invoice, and is no money."""

from typing import Any

import msgspec
import pytest

from eventstore.facts.settings import SalesRulesSet, StoredValue
from projections.jurnal_commands.commands import BookInvoice
from projections.jurnal_commands.identity import command_id, invoice_command_id, payment_command_id
from tests.ledger import STORE
from tests.story import Story, paid
from tests.unit.projections.shop_settings import POINTS, STORED, journals, moved, received, shop, told

RULES = SalesRulesSet(stored_value_clearing="Stored Value Clearing", stored_value=STORED)
DEBIT = {"gateway": "external_debit", "payment_type_name": "EDC BCA"}
DAY, NEXT = "2026-11-21", "2026-11-22"
LATER = {"transaction_date": "2026-11-20T18:40:00"}
NEXT_DAY = {"transaction_date": "2026-11-21T17:00:00"}


def test_stored_value_at_the_sale_is_its_deposit_out_of_the_clearing_account() -> None:
    """The clearing account receives it and gives it back to the liability the same day, once the invoice stands."""
    story = shop(RULES)
    story.order(transactions=[paid("t1", 20_000, **POINTS)])
    invoice = story.the(BookInvoice)
    assert (int(invoice.deposit), invoice.deposit_account) == (20_000, "Stored Value Clearing")
    (entry,) = journals(story)
    assert entry.lines == moved("Customer Points", "Stored Value Clearing", 20_000)
    assert (entry.transaction_date.isoformat(), entry.journal_id) == (DAY, "order-1:stored:t1")
    assert story.needs(command_id(STORE, entry)) == [invoice_command_id(STORE, "order-1")]
    assert story.states == {"sale-order-1": "booking", "payment-order-1-t1": "booking"}


def test_stored_value_beside_money_is_received_on_the_invoice_and_cleared_the_same_day() -> None:
    """A payment of its own, of its own date; the entry waits for it."""
    story = shop(RULES)
    story.order(transactions=[paid("t1", 12_000), paid("t2", 8_000, **POINTS, **NEXT_DAY)])
    assert received(story) == [("t2", 8_000, "Stored Value Clearing", NEXT)]
    (entry,) = journals(story)
    assert entry.lines == moved("Customer Points", "Stored Value Clearing", 8_000)
    assert entry.transaction_date.isoformat() == NEXT
    assert story.needs(command_id(STORE, entry)) == [payment_command_id(STORE, "order-1", "t2")]


def test_only_what_the_invoice_takes_comes_out_of_the_liability() -> None:
    """A trimmed payment moves the trimmed sum: the clearing account is empty again."""
    story = shop(RULES)
    story.order(transactions=[paid("t1", 15_000, **DEBIT), paid("t2", 9_000, **POINTS, **LATER)])
    assert received(story) == [("t2", 5_000, "Stored Value Clearing", DAY)]
    assert journals(story)[0].lines == moved("Customer Points", "Stored Value Clearing", 5_000)


def test_a_deposit_that_is_trimmed_moves_what_the_invoice_took() -> None:
    """The rest of the points was never taken."""
    story = shop(RULES)
    story.order(transactions=[paid("t1", 50_000, **POINTS)])
    assert story.the(BookInvoice).deposit == 20_000
    assert journals(story)[0].lines == moved("Customer Points", "Stored Value Clearing", 20_000)


def test_an_account_balance_pays_an_order_that_is_not_on_account() -> None:
    """What the customer had paid in before is stored value like any other, if it is mapped as such."""
    balance = StoredValue("account_balance", "Customer Balances")
    story = shop(msgspec.structs.replace(RULES, stored_value=(balance,)))
    story.order(on_account=False, transactions=[paid("t1", 20_000, gateway="account_balance")])
    assert story.the(BookInvoice).deposit_account == "Stored Value Clearing"
    assert journals(story)[0].lines == moved("Customer Balances", "Stored Value Clearing", 20_000)


@pytest.mark.parametrize("at", [{}, NEXT_DAY], ids=["at the sale", "later"])
def test_stored_value_without_a_clearing_account_is_failed_and_goes_by_itself_when_mapped(at: dict[str, Any]) -> None:
    """The invoice stays open by it; the rule lets exactly it go, as a payment of its own day."""
    story = shop(SalesRulesSet(stored_value=STORED))
    story.order(transactions=[paid("t1", 20_000, **POINTS, **at)])
    assert story.the(BookInvoice).deposit == 0
    record = story.records["payment-order-1-t1"]
    assert record.state == "failed"
    assert "stored_value_clearing" in (record.what_to_do or "")
    told(story, RULES)
    assert received(story) == [("t1", 20_000, "Stored Value Clearing", NEXT if at else DAY)]
    assert journals(story)[0].lines == moved("Customer Points", "Stored Value Clearing", 20_000)
    assert story.states["payment-order-1-t1"] == "booking"


def test_one_payment_type_of_a_gateway_may_be_stored_value_and_the_others_money() -> None:
    """Cash is money; the house's coupons that its cashiers take as a kind of cash are not."""
    coupons = StoredValue("cash", "Coupons", payment_type_name="House Coupon")
    story = shop(msgspec.structs.replace(RULES, stored_value=(coupons,)))
    coupon = paid("t2", 8_000, payment_type_name="House Coupon", **LATER)
    story.order(transactions=[paid("t1", 12_000, payment_type_name="Cash"), coupon])
    assert story.the(BookInvoice).deposit_account == "Cash"
    assert [entry.lines for entry in journals(story)] == [moved("Coupons", "Stored Value Clearing", 8_000)]


def test_money_proper_moves_nothing_beside_its_payment() -> None:
    """No entry for cash, with or without the rules."""
    story: Story = shop(RULES)
    story.order(transactions=[paid("t1", 12_000), paid("t2", 8_000, **LATER)])
    assert journals(story) == []
