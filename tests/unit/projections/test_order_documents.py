"""What goes to Jurnal with a sale: its customer, its parts, what moves between accounts, and on which date."""

from datetime import date
from decimal import Decimal

import msgspec

from eventstore.facts.settings import BooksClosed, SalesAccountsMapped, SalesRulesSet, TaxMapping
from projections.jurnal_commands.commands import AdjustStock, BookInvoice, CreateCustomer, PostJournal, StockChange
from projections.jurnal_commands.identity import command_id, invoice_command_id
from tests.ledger import STORE
from tests.story import CONNECTION, Story, line, paid, taxed
from tests.unit.projections.shop_settings import money, moved, received, shop, told

D = Decimal
TOAST = line("TOAST", price=20_000, product_type="composite", order_detail_id="d1", product_composites=[
    {"product_sku": "BREAD", "quantity": 2}, {"product_sku": "JAM", "quantity": 1},
])  # fmt: skip


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


def test_a_refused_sale_is_judged_afresh_by_its_next_report() -> None:
    """A line without SKU, once mended in iSeller, is booked; a refusal is never final."""
    story = Story()
    story.order(order_details=[line(sku="", quantity=2)])
    assert story.states == {"sale-order-1": "failed"}
    story.order()
    assert story.states == {"sale-order-1": "booking"}


def test_an_unmapped_tax_fails_the_sale_and_mapping_it_books_it() -> None:
    """No report is needed for it: the setting is what it waited for."""
    story = Story()
    story.order(order_details=[taxed(price=10_000, tax_percentage=10, tax_amount=1_000)], total_amount=11_000)
    assert story.states == {"sale-order-1": "failed"}
    told(story, msgspec.structs.replace(CONNECTION, taxes=(*CONNECTION.taxes, TaxMapping("10", "PB1"))))
    assert story.the(BookInvoice).lines[0].tax_name == "PB1"


def test_parts_of_a_composite_leave_the_stock_by_an_adjustment_beside_the_invoice() -> None:
    """Against the cost of sales, of the sale's date and warehouse, once the invoice stands; one line a product."""
    story = shop(SalesRulesSet(cost_account="Cost of Sales"))
    story.order(order_details=[TOAST, {**TOAST, "order_detail_id": "d2"}], total_amount=40_000)
    adjustment = story.the(AdjustStock)
    assert (adjustment.warehouse, adjustment.account) == ("Main Warehouse", "Cost of Sales")
    assert adjustment.lines == (StockChange("BREAD", D(-4)), StockChange("JAM", D(-2)))
    assert (adjustment.transaction_date, adjustment.adjustment_id) == (date(2026, 11, 21), "order-1:parts:1")
    assert story.needs(command_id(STORE, adjustment)) == [invoice_command_id(STORE, "order-1")]
    assert story.states == {"sale-order-1": "booking"}


def test_parts_without_an_account_for_their_cost_fail_the_sale_until_it_is_mapped() -> None:
    """Half of a sale is never booked."""
    story = Story()
    story.order(order_details=[TOAST])
    assert story.commands == []
    assert story.states == {"sale-order-1": "failed"}
    told(story, SalesRulesSet(cost_account="Cost of Sales"))
    assert [type(command).__name__ for command in story.commands] == ["BookInvoice", "AdjustStock"]


def test_an_order_of_nothing_but_goods_given_away_is_their_stock_alone() -> None:
    """Where Jurnal refuses lines of Rp 0 there is no invoice to book, and nothing waits for one."""
    story = shop(SalesRulesSet(cost_account="Cost of Sales", zero_prices="adjust_stock"))
    story.order(order_details=[line(price=0)], total_order_amount=0, total_amount=0)
    adjustment = story.the(AdjustStock)
    assert story.commands == [adjustment]
    assert story.needs(command_id(STORE, adjustment)) == []


def test_a_product_that_an_outlet_sells_onto_another_account_is_moved_there_by_a_journal() -> None:
    """Dr the product's own account, Cr the outlet's; beside the invoice, of its date, needing it."""
    story = shop(SalesRulesSet(sales_account_conflict="reclass"))
    told(story, SalesAccountsMapped(scope="", account="Sales"))
    told(story, SalesAccountsMapped(scope="main", account="Sales Main"))
    story.order()
    journal = story.the(PostJournal)
    assert journal.lines == moved("Sales", "Sales Main", 20_000)
    assert (journal.transaction_date, journal.journal_id) == (date(2026, 11, 21), "order-1:reclass:1")
    assert story.needs(command_id(STORE, journal)) == [invoice_command_id(STORE, "order-1")]


def test_a_sale_of_a_closed_period_goes_on_the_first_open_day() -> None:
    """Invoice, deposit and what stands beside it, all of them; its term runs from there."""
    story = shop(SalesRulesSet(cost_account="Cost of Sales", closed_period="first_open_day"))
    told(story, BooksClosed(until=date(2026, 11, 30)))
    story.order(order_details=[TOAST], transactions=[paid("t1", 15_000), paid("t2", 5_000)])
    invoice = story.the(BookInvoice)
    assert (invoice.transaction_date, invoice.due_date) == (date(2026, 12, 1), date(2026, 12, 31))
    assert story.the(AdjustStock).transaction_date == date(2026, 12, 1)
    assert received(story) == [("t2", 5_000, "Cash", "2026-12-01")]
    assert money(story) == 20_000
    assert story.records["sale-order-1"].business_date == date(2026, 11, 21)


def test_by_the_rule_a_sale_of_a_closed_period_fails_until_the_period_is_opened() -> None:
    """It says which day, and the company's next word lets it go."""
    story = shop(SalesRulesSet(closed_period="fail"))
    told(story, BooksClosed(until=date(2026, 11, 21)))
    story.order()
    record = story.records["sale-order-1"]
    assert record.state == "failed"
    assert "2026-11-21" in (record.reason or "")
    told(story, BooksClosed(until=date(2026, 11, 20)))
    assert story.the(BookInvoice).transaction_date == date(2026, 11, 21)
