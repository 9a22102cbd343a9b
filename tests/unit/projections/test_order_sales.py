"""Which orders are sent to Jurnal, when, and what goes with them."""

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from eventstore.facts.operators import RecordRetried
from eventstore.facts.settings import (
    BooksClosed,
    ChannelMapped,
    OutletMapped,
    SalesAccountsMapped,
    SalesRulesSet,
    StoreConnected,
    TaxMapping,
)
from projections.jurnal_commands.commands import AdjustStock, BookInvoice, CreateCustomer, PostJournal, StockChange
from projections.jurnal_commands.identity import command_id, invoice_command_id
from tests.ledger import STORE
from tests.story import CONNECTION, Story, full_order, line, paid, taxed
from tests.unit.projections.shop_settings import (
    TOKOPEDIA,
    invoices,
    money,
    moved,
    received,
    seen_to,
    shop,
    told,
    word,
)

D = Decimal
KIOSK = OutletMapped(outlet_id="kiosk", outlet_name="Kiosk", warehouse="Kiosk Warehouse")
WEB = ChannelMapped(channel="web", channel_name="Web Shop", warehouse="Online Warehouse")
MARKETPLACES = ChannelMapped(channel="marketplace", channel_name="Marketplaces", warehouse="Marketplace Warehouse")
TOAST = line("TOAST", price=20_000, product_type="composite", order_detail_id="d1", product_composites=[
    {"product_sku": "BREAD", "quantity": 2}, {"product_sku": "JAM", "quantity": 1},
])  # fmt: skip


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("draft", "held"),
        ("reserved", "held"),
        ("Draft", "held"),
        ("void", "skipped"),
        ("cancelled", "skipped"),
        ("something new", "skipped"),
        ("completed", "booking"),
        ("Completed", "booking"),
    ],
)
def test_only_completed_orders_are_sent(status: str, state: str) -> None:
    """Drafts and reservations are held; what was voided before it was completed is none of Jurnal's business."""
    story = Story()
    story.order(status=status)
    assert story.states == {"sale-order-1": state}
    assert len(story.commands) == (state == "booking")


@pytest.mark.parametrize("status", ["draft", "reserved"])
def test_a_held_order_is_sent_once_it_is_completed(status: str) -> None:
    """With all that was told while it was held."""
    story = Story()
    story.order(status=status, transactions=[paid("t1", 5_000)])
    story.order(transactions=[paid("t1", 5_000)])
    assert story.the(BookInvoice).deposit == 5_000
    assert story.states == {"sale-order-1": "booking"}


def test_an_order_voided_while_it_is_held_keeps_its_trail() -> None:
    """It was completed, so it is booked, whenever its details come and whichever report comes first."""
    thin = {"order_id": "order-1", "order_reference": "#3101-1001"}
    for statuses in (("completed", "void"), ("void", "completed")):
        story = Story()
        for status in statuses:
            minute = {"completed": 30, "void": 31}[status]
            story.report("order", {**thin, "status": status}, observed_minute=minute)
        story.report("order", full_order(status="void"), observed_minute=32)
        assert story.states["sale-order-1"] == "booking"
        assert len(invoices(story)) == 1


def test_by_the_rule_an_order_voided_while_it_is_held_sends_nothing() -> None:
    """`send_nothing`: no sale and no return; undone, it is a sale again."""
    story = shop(SalesRulesSet(taken_back_unsent="send_nothing"))
    story.report("order", {"order_id": "order-1", "status": "completed"})
    story.order(status="void")
    assert story.commands == []
    assert story.states == {"sale-order-1": "skipped"}
    story.report("order", full_order(), channel="poll")
    assert story.states == {"sale-order-1": "booking"}


def test_an_order_completed_before_live_mode_is_skipped_for_good() -> None:
    """Neither the order nor its later payments, refunds and edits are booked once Live Mode begins."""
    story = Story(live=False)
    story.order()
    assert story.records["sale-order-1"].reason == "Before Live Mode"
    story.go_live()
    story.order(transactions=[paid("t1", 20_000)])
    story.order(total_amount=10_000, order_details=[line()])
    story.report("refund", {"order_id": "order-1", "refund_amount": 20_000})
    assert story.commands == []
    assert story.states["sale-order-1"] == "skipped"


def test_details_that_come_after_live_mode_do_not_fill_back_a_sale_from_before_it() -> None:
    """What counts is when the order was completed, not when everything of it was known."""
    story = Story(live=False)
    story.report("order", {"order_id": "order-1", "status": "completed"})
    story.go_live()
    story.order()
    assert story.commands == []
    assert story.records["sale-order-1"].reason == "Before Live Mode"


def test_an_order_begun_before_live_mode_and_completed_after_it_is_booked() -> None:
    """What counts is the fact that completes the order."""
    story = Story(live=False)
    story.order(status="draft")
    story.go_live()
    story.order()
    assert story.states == {"sale-order-1": "booking"}


def test_an_order_of_an_unmapped_outlet_is_skipped_and_says_so() -> None:
    """An outlet that nobody mapped is out of scope, until somebody maps it: then its orders go by themselves."""
    story = Story()
    story.order(outlet_id="kiosk", outlet_name="Kiosk", transactions=[paid("t1", 20_000)])
    story.order(order_id="order-2", outlet_id="stand", outlet_name="Stand")
    assert story.commands == []
    record = story.records["sale-order-1"]
    assert (record.state, record.reason) == ("skipped", "Outlet Kiosk is not mapped")
    told(story, KIOSK)
    assert (story.the(BookInvoice).warehouse, story.the(BookInvoice).deposit) == ("Kiosk Warehouse", D(20_000))
    assert story.states == {"sale-order-1": "booking", "sale-order-2": "skipped"}


@pytest.mark.parametrize(
    ("mappings", "order", "warehouse"),
    [
        ((), {"channel": "web"}, "Main Warehouse"),
        ((WEB,), {"channel": "web"}, "Online Warehouse"),
        ((WEB,), {"channel": "online", "outlet_id": None}, "Online Warehouse"),
        ((WEB,), {"channel": "pos"}, "Main Warehouse"),
        ((MARKETPLACES,), {"channel": "marketplace", "channel_detail": "Shopee"}, "Marketplace Warehouse"),
        ((MARKETPLACES, TOKOPEDIA), {"channel": "marketplace", "channel_detail": "Tokopedia"}, "Online Warehouse"),
        ((MARKETPLACES, TOKOPEDIA), {"channel": "marketplace", "channel_detail": "shopee"}, "Marketplace Warehouse"),
    ],
    ids=["outlet", "channel first", "web shop without outlet", "pos", "every marketplace", "its own first", "another"],
)
def test_an_order_is_booked_where_its_channel_is_mapped_else_its_outlet(
    mappings: tuple[ChannelMapped, ...], order: dict[str, Any], warehouse: str
) -> None:
    """The most exact mapping counts."""
    story = Story()
    for mapping in mappings:
        told(story, mapping)
    story.order(**order)
    assert story.the(BookInvoice).warehouse == warehouse


def test_an_order_of_an_unmapped_channel_is_skipped_and_goes_by_itself_when_mapped() -> None:
    """Neither the channel nor the outlet of the order is in scope; mapping the channel is enough."""
    story = Story()
    story.order(channel="marketplace", channel_detail="Tokopedia", outlet_id=None, outlet_name=None)
    assert story.commands == []
    record = story.records["sale-order-1"]
    assert (record.state, record.reason) == (
        "skipped",
        "Neither channel Tokopedia nor outlet without a name is mapped",
    )
    told(story, TOKOPEDIA)
    assert story.the(BookInvoice).warehouse == "Online Warehouse"


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
    story = shop(SalesRulesSet(cost_account="Cost of Sales"))
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


def test_a_sale_that_a_person_has_seen_to_is_never_booked() -> None:
    """Not with its next report, and not when what it waited for comes."""
    story = Story()
    story.order(outlet_id="kiosk", outlet_name="Kiosk")
    seen_to(story, "sale-order-1")
    told(story, KIOSK)
    story.order(outlet_id="kiosk", outlet_name="Kiosk", transactions=[paid("t1", 20_000)])
    assert story.commands == []
    record = story.records["sale-order-1"]
    assert (record.state, record.reason) == ("skipped", "Seen to by owner: booked by hand")


def test_trying_again_books_nothing_twice() -> None:
    """A person's retry judges what is not planned, and only that."""
    story = Story()
    story.order(transactions=[paid("t1", 20_000)])
    word(story, RecordRetried(record_id="sale-order-1", actor="owner", reason="looked at it"))
    assert len(story.commands) == 1


@pytest.mark.parametrize(
    "setting",
    [CONNECTION, KIOSK, TOKOPEDIA, SalesRulesSet(cost_account="Cost of Sales"), BooksClosed(until=date(2026, 11, 1))],
    ids=lambda setting: type(setting).__name__,
)
def test_no_setting_books_a_planned_sale_again(
    setting: StoreConnected | OutletMapped | ChannelMapped | SalesRulesSet | BooksClosed,
) -> None:
    """What is planned stays planned, on the settings of its moment."""
    story = Story()
    story.order(transactions=[paid("t1", 5_000, gateway="voucher"), paid("t2", 15_000)])
    before = story.commands
    told(story, setting)
    assert story.commands == before
