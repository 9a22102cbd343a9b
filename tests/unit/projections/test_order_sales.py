"""Which orders are sent to Jurnal and when."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from eventstore.facts.operators import RecordRetried
from eventstore.facts.settings import (
    SYNC_STREAM_PREFIX,
    BooksClosed,
    ChannelMapped,
    OutletMapped,
    SalesRulesSet,
    SalesSync,
    StoreConnected,
    SyncWindowOpened,
    TaxMapping,
)
from projections.jurnal_commands.commands import BookInvoice
from tests.story import CONNECTION, Story, full_order, line, own, paid, taxed
from tests.unit.projections.shop_settings import (
    TOKOPEDIA,
    WITH_VOUCHER,
    invoices,
    seen_to,
    shop,
    told,
    waiting,
    word,
)

D = Decimal
KIOSK = OutletMapped(outlet_id="kiosk", outlet_name="Kiosk", warehouse="Kiosk Warehouse")
WEB = ChannelMapped(channel="web", channel_name="Web Shop", warehouse="Online Warehouse")
MARKETPLACES = ChannelMapped(channel="marketplace", channel_name="Marketplaces", warehouse="Marketplace Warehouse")


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


@pytest.mark.parametrize(
    ("restocked", "state"), [(2, "skipped"), (1, "booking"), (None, "booking")], ids=["all", "some", "not told"]
)
def test_by_the_rule_an_order_refunded_while_it_is_held_sends_nothing_if_its_goods_came_back(
    restocked: int | None, state: str
) -> None:
    """Goods that did not come back left the stock: then the sale keeps its trail."""
    story = shop(SalesRulesSet(taken_back_unsent="send_nothing"))
    story.report("order", {"order_id": "order-1", "status": "completed"})
    units = None if restocked is None else [{"sku": "LATTE", "stock": restocked}]
    refunded = {"refund_date": "2026-11-20T20:00:00", "refund_amount": 20_000, "units_returned": units}
    sold = [{"sku": "LATTE", "quantity": 2}]
    story.report("refund", {"order_id": "order-1", **refunded, "refund_details": sold})
    story.order(transactions=[paid("t1", 20_000)])
    assert story.states["sale-order-1"] == state


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
    """Neither the channel nor an outlet of the order is in scope; mapping the channel is enough."""
    story = Story()
    story.order(order_id="order-2", channel="web", outlet_id="kiosk", outlet_name="Kiosk")
    assert story.records["sale-order-2"].reason == "Neither channel web nor outlet Kiosk is mapped"
    story.order(channel="marketplace", channel_detail="Tokopedia", outlet_id=None, outlet_name=None)
    assert story.commands == []
    record = story.records["sale-order-1"]
    assert (record.state, record.reason) == ("skipped", "Channel Tokopedia is not mapped")
    told(story, TOKOPEDIA)
    assert story.the(BookInvoice).warehouse == "Online Warehouse"


def test_a_sale_that_fails_while_it_waits_for_its_window_goes_at_once_when_it_is_mended() -> None:
    """It missed no window; one that no window has opened for waits on."""
    daily = SalesRulesSet(sync=SalesSync("scheduled", ("23:00",)))
    strange = {"order_details": [taxed(price=10_000, tax_percentage=10, tax_amount=1_000)], "total_amount": 11_000}
    for opened, state in ((True, "booking"), (False, "held")):
        story = shop(daily)
        story.order(**strange)
        assert story.states == {"sale-order-1": "failed"}
        if opened:
            window = SyncWindowOpened(scope="sales", until=datetime(2026, 11, 21, 16, tzinfo=UTC))
            story.tell(own(window, f"{SYNC_STREAM_PREFIX}sales", f"window:{len(story.facts)}"))
        assert story.states == {"sale-order-1": "failed"}
        told(story, msgspec.structs.replace(CONNECTION, taxes=(*CONNECTION.taxes, TaxMapping("10", "PB1"))))
        assert story.states == {"sale-order-1": state}


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


def test_what_is_noted_is_noted_once() -> None:
    """A report that changes nothing does not touch the line of a record that waits."""
    story = Story()
    story.order(transactions=[paid("t1", 20_000, gateway="voucher")])
    noted = story.records["payment-order-1-t1"]
    story.order(transactions=[paid("t1", 20_000, gateway="voucher")])
    assert story.records["payment-order-1-t1"] == noted


def test_an_order_that_is_planned_whole_waits_for_nothing() -> None:
    """Nothing that comes later has to look at it again, and it needs no room among what waits."""
    story = Story()
    story.order(outlet_id="kiosk", outlet_name="Kiosk", transactions=[paid("t1", 20_000, gateway="voucher")])
    assert waiting(story) == {"outlet:kiosk", "settings"}
    told(story, KIOSK)
    assert waiting(story) == {"settings"}
    told(story, WITH_VOUCHER)
    assert waiting(story) == set()


def test_a_sale_before_live_mode_that_was_told_thin_is_shown_with_its_number_once_that_is_told() -> None:
    """The reason stays the same; the line of the list says more."""
    story = Story(live=False)
    story.report("order", {"order_id": "order-1", "status": "completed"})
    assert story.records["sale-order-1"].reference == "order-1"
    story.order()
    record = story.records["sale-order-1"]
    assert (record.reference, record.amount, record.state) == ("#3101-1001", Decimal(20_000), "skipped")
