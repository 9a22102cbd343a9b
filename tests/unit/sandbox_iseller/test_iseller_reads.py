"""Reads of the sandbox iSeller."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ops.sandbox.iseller.wire import parse_utc, utc_text
from ops.sandbox.traffic import apply
from ops.sandbox.traffic_events import (
    OrderCompleted,
    OrderPaid,
    ShiftClosed,
    SupplierReturned,
    TransferReceived,
    TransferStarted,
)
from tests.unit.sandbox_iseller.stand import Stand, shop_of, standing, traffic

EVERY_INCLUDE = (
    "OrderDetails,Transactions,DiscountDetails,PromotionDetails,TrackInventory,MDR,"
    "ShippingDetail,UnfulfilledItems,ProfitDetails"
)


@pytest.mark.parametrize(
    "path",
    [
        "/api/v2/GetOrders",
        "/api/v2/GetTransactions",
        "/api/v2/GetRegisterShifts",
        "/api/v2/GetProducts",
        "/api/v3/GetTransfer",
    ],
)
async def test_a_missing_time_zone_is_an_error_with_http_200(path: str) -> None:
    """The error stands in the body only: status false and a message."""
    async with standing() as stand:
        status, envelope = await stand.read(path, created_after="2026-01-01T00:00:00")
        assert (status, envelope["status"]) == (200, False)
        assert "time_zone" in envelope["error_message"]


@pytest.mark.parametrize(
    ("name", "text"),
    [("created_after", ""), ("modified_after", "yesterday"), ("page", "0"), ("sort", "Amount")],
)
async def test_an_unreadable_parameter_is_named(name: str, text: str) -> None:
    """GetOrders says which parameter it could not read."""
    async with standing() as stand:
        envelope = await stand.orders(**{name: text})
        assert envelope["status"] is False
        assert name in envelope["error_message"]


async def test_modified_after_finds_only_the_orders_that_changed_since() -> None:
    """A later payment brings its order back, and no other."""
    async with standing() as stand:
        events = traffic().events
        paid_later = next(event for event in events if isinstance(event, OrderPaid))
        for event in events:
            if isinstance(event, OrderCompleted):
                apply(event, stand.shop)
        since = stand.clock.advance(10)
        assert (await stand.orders(modified_after=utc_text(since)))["orders"] == []
        stand.clock.advance(10)
        apply(paid_later, stand.shop)
        changed = (await stand.orders(modified_after=utc_text(since)))["orders"]
        assert [order["order_id"] for order in changed] == [paid_later.order_id]


async def test_modified_before_leaves_out_what_changed_after_it() -> None:
    """The upper bound of a window holds."""
    async with standing() as stand:
        before = stand.clock()
        stand.clock.advance(1)
        stand.play(traffic(orders=5))
        assert (await stand.orders(modified_before=utc_text(before)))["orders"] == []
        assert len((await stand.orders(modified_before=utc_text(stand.clock())))["orders"]) == 5


async def test_created_after_goes_by_when_the_sandbox_learned_of_an_order() -> None:
    """An order dated two days ago is new when it is applied; one applied before the bound is left out."""
    async with standing() as stand:
        first, second, *_ = [event for event in traffic().events if isinstance(event, OrderCompleted)]
        apply(first, stand.shop)
        bound = stand.clock.advance(1)
        apply(second, stand.shop)
        found = (await stand.orders(created_after=utc_text(bound)))["orders"]
        assert [order["order_id"] for order in found] == [second.order.order_id]
        assert second.at < bound


async def test_pages_hold_every_order_once_in_the_order_of_modification() -> None:
    """Paging by ModifiedDate until has_next_item is false misses and repeats nothing."""
    async with standing() as stand:
        stand.play(traffic(), seconds_between=1)
        found: list[str] = []
        page, has_next = 1, True
        while has_next:
            envelope = await stand.orders(page=str(page), page_size="7", sort="ModifiedDate")
            assert envelope["count"] == len(envelope["orders"]) <= 7
            found += [order["order_id"] for order in envelope["orders"]]
            page, has_next = page + 1, envelope["has_next_item"]
        by_modification = sorted(stand.shop.orders.values(), key=lambda state: state.modified_at)
        assert found == [state.order.order_id for state in by_modification]


async def test_a_page_is_never_larger_than_the_maximum() -> None:
    """A page_size above the limit is cut to it."""
    async with standing(page_size_max=10) as stand:
        stand.play(traffic())
        envelope = await stand.orders(page_size="5000")
        assert (envelope["count"], envelope["has_next_item"]) == (10, True)


async def test_parts_that_were_not_asked_for_are_absent() -> None:
    """Without includes an order has no lines, payments, discounts, promotions or shipping."""
    parts = {"order_details", "transactions", "discounts", "promotions", "shipping", "unfulfilled_items"}
    async with standing() as stand:
        stand.play(traffic(orders=3))
        bare = (await stand.orders())["orders"]
        full = (await stand.orders(includes=EVERY_INCLUDE))["orders"]
        assert all(parts.isdisjoint(order) for order in bare)
        assert all(parts <= order.keys() for order in full)


async def test_line_parts_and_mdr_are_switched_by_their_own_includes() -> None:
    """TrackInventory, DiscountDetails and MDR are absent from lines and transactions without their include."""
    async with standing() as stand:
        stand.play(traffic())
        some = (await stand.orders(includes="OrderDetails, Transactions"))["orders"]
        full = (await stand.orders(includes=EVERY_INCLUDE))["orders"]
        assert _keys(some, "order_details").isdisjoint({"track_inventory", "discounts", "promotions"})
        assert _keys(full, "order_details") >= {"track_inventory", "discounts", "promotions"}
        assert "mdr" not in _keys(some, "transactions")
        assert "mdr" in _keys(full, "transactions")


async def test_the_manuals_typos_are_kept() -> None:
    """Orders say remaining_on_accoun, lines say fulfilment_status with one l."""
    async with standing() as stand:
        stand.play(traffic())
        orders = (await stand.orders(includes=EVERY_INCLUDE))["orders"]
        assert all("remaining_on_accoun" in order and "remaining_on_account" not in order for order in orders)
        assert {"fulfilment_status"} == {key for key in _keys(orders, "order_details") if "ment_status" in key}
        on_account = [order for order in orders if order["on_account"]]
        assert on_account
        for order in on_account:
            paid = sum(transaction["amount"] for transaction in order["transactions"])
            assert order["remaining_on_accoun"] == order["total_amount"] - paid


async def test_transaction_dates_are_store_time_in_get_transactions_and_utc_in_orders() -> None:
    """The same transaction's date differs by the seven hours of Jakarta between the two reads."""
    async with standing() as stand:
        stand.play(traffic())
        orders = (await stand.orders(includes="Transactions"))["orders"]
        in_orders = {
            transaction["transaction_id"]: datetime.fromisoformat(transaction["transaction_date"])
            for order in orders
            for transaction in order["transactions"]
        }
        _, envelope = await stand.read("/api/v2/GetTransactions", time_zone="7")
        listed = {
            transaction["transaction_id"]: datetime.fromisoformat(transaction["transaction_date"])
            for transaction in envelope["transactions"]
        }
        assert in_orders
        assert listed == {transaction_id: at + timedelta(hours=7) for transaction_id, at in in_orders.items()}


async def test_a_transfer_shows_its_start_and_each_receipt_as_it_happens() -> None:
    """Status and stock actions follow the events; several Accept entries are partial receipts."""
    async with standing() as stand:
        events = traffic().events
        started = [event for event in events if isinstance(event, TransferStarted)][1]
        receipts = [
            event
            for event in events
            if isinstance(event, TransferReceived) and event.transfer_id == started.transfer_id
        ]
        apply(started, stand.shop)
        transfer = await _only_transfer(stand)
        assert (transfer["status"], _actions(transfer)) == ("In Transfer Process", ["Start"])
        assert (transfer["outlet_code"], transfer["destination_outlet_code"]) == ("MO", "KG")
        apply(receipts[0], stand.shop)
        assert _actions(await _only_transfer(stand)) == ["Start", "Accept"]
        apply(receipts[1], stand.shop)
        transfer = await _only_transfer(stand)
        assert (transfer["status"], _actions(transfer)) == ("Completed", ["Start", "Accept", "Accept"])
        sent = {piece["sku"]: piece["quantity"] for piece in transfer["inventory_adjustments"][0]["items"]}
        accepted: dict[str, Decimal] = {}
        for action in transfer["inventory_adjustments"][1:]:
            for piece in action["items"]:
                accepted[piece["sku"]] = accepted.get(piece["sku"], Decimal(0)) + piece["accepted_quantity"]
        assert accepted == sent


@pytest.mark.parametrize("names_origin", [True, False])
async def test_a_return_of_cancelled_goods_names_its_transfer_only_if_told_to(names_origin: bool) -> None:
    """Which of the two the real iSeller does is unknown."""
    async with standing(shop_of(7, everything=True)) as stand:
        stand.shop.returns_name_origin = names_origin
        stand.play(traffic(everything=True))
        _, envelope = await stand.read("/api/v3/GetTransfer", time_zone="7", page_size="100")
        origins = {row["transfer_id"]: row.get("reference_transfer_id") for row in envelope["transfers"]}
        known = {state.started.transfer_id: state.started.return_of for state in stand.shop.transfers.values()}
        known |= {
            state.event.transfer_id: state.event.return_of if isinstance(state.event, SupplierReturned) else None
            for state in stand.shop.stock_actions.values()
        }
        assert any(known.values())
        assert origins == (known if names_origin else dict.fromkeys(known))


async def test_every_kind_of_stock_action_is_read_from_one_list() -> None:
    """Transfers, goods of suppliers, stock taking and adjustments are objects of GetTransfer."""
    async with standing(shop_of(7, everything=True)) as stand:
        stand.play(traffic(everything=True))
        _, envelope = await stand.read("/api/v3/GetTransfer", time_zone="7", page_size="100")
        rows = envelope["transfers"]
        assert {(row["type"], row.get("out_type")) for row in rows} == {
            ("Out", "To Outlet"),
            ("Out", "Return Supplier"),
            ("In", None),
            ("Opname", None),
            ("Adjustment", None),
        }
        actions = [action for row in rows for action in row["inventory_adjustments"]]
        bare = {action["action"] for action in actions if action["items"] is None}
        assert bare == {"Accept", "Cancel", "Reject"}
        assert {action["action"] for action in actions} == {*bare, "Start", "Opname", "Adjustment"}


async def test_an_open_shift_has_no_closed_date() -> None:
    """GetRegisterShifts shows null until the shift is closed."""
    async with standing() as stand:
        whole = traffic(orders=1)
        closing = next(index for index, event in enumerate(whole.events) if isinstance(event, ShiftClosed))
        stand.play(whole.until(closing))
        _, envelope = await stand.read("/api/v2/GetRegisterShifts", time_zone="7")
        assert {shift["closed_date"] for shift in envelope["register_shifts"]} == {None}
        apply(whole.events[closing], stand.shop)
        _, envelope = await stand.read("/api/v2/GetRegisterShifts", time_zone="7")
        assert [shift["closed_date"] for shift in envelope["register_shifts"]].count(None) == 1


async def test_outlets_and_the_store_are_named_as_seen_live() -> None:
    """GetOutlets answers with a capital O, GetStoreInfo with an object; time is the sandbox's."""
    async with standing() as stand:
        _, outlets = await stand.read("/api/v3/GetOutlets", time_zone="7")
        assert [outlet["outlet_code"] for outlet in outlets["Outlets"]] == ["MO", "KG"]
        assert parse_utc(outlets["time"]) == stand.clock()
        _, store = await stand.read("/api/v2/GetStoreInfo", time_zone="7")
        assert store["store_info"]["store_name"] == "Kopi Nusantara"


async def test_amounts_are_json_numbers_with_four_decimals() -> None:
    """An amount is written 55000.0000, not as text and not through a float."""
    async with standing() as stand:
        stand.play(traffic(orders=1))
        headers = {"Authorization": f"Bearer {await stand.token()}"}
        form = {"time_zone": "7", "created_after": "2026-01-01T00:00:00"}
        async with stand.session.post(f"{stand.url}/api/v2/GetOrders", data=form, headers=headers) as answer:
            text = await answer.text()
        total = next(iter(stand.shop.orders.values())).order.total_idr
        assert f'"total_amount":{total.quantize(Decimal("0.0001"))},' in text


def _keys(orders: list[dict[str, Any]], part: str) -> set[str]:
    return {key for order in orders for row in order[part] for key in row}


def _actions(transfer: dict[str, Any]) -> list[str]:
    return [adjustment["action"] for adjustment in transfer["inventory_adjustments"]]


async def _only_transfer(stand: Stand) -> dict[str, Any]:
    _, envelope = await stand.read("/api/v3/GetTransfer", time_zone="7")
    (transfer,) = envelope["transfers"]
    assert isinstance(transfer, dict)
    return transfer
