"""The reads: what is asked for, what matches, which page of it. Pure but for the shop's state."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

import msgspec

from ops.sandbox.iseller.documents import (
    outlet_document,
    product_document,
    refund_document,
    shift_document,
    store_document,
)
from ops.sandbox.iseller.order_document import order_document, transaction_document
from ops.sandbox.iseller.shop import Shop
from ops.sandbox.iseller.state import OrderState
from ops.sandbox.iseller.stock_documents import stock_document, transfer_document
from ops.sandbox.iseller.wire import parse_utc

_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)
# When the shop's products were entered.
_ENTERED = datetime(2026, 1, 1, tzinfo=UTC)

Row = TypeVar("Row")


class BadQueryError(Exception):
    """A parameter is missing or unreadable; iSeller answers HTTP 200 with `status` false and this text."""


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of a read; moments are on the sandbox's clock, `page` counts from 1."""

    created_after: datetime
    modified_after: datetime
    modified_before: datetime
    page: int
    page_size: int
    by_modified: bool
    parts: frozenset[str]


class Page(msgspec.Struct, frozen=True):
    """The rows of one page and whether another follows."""

    rows: list[dict[str, Any]]
    has_next: bool


def parse_query(form: Mapping[str, str], page_size_max: int, *, created_after_required: bool) -> Query:
    """Read the parameters; `BadQueryError` says which one is wrong."""
    if not form.get("time_zone", "").strip().lstrip("+-").isdigit():
        raise BadQueryError("time_zone is required and must be an integer")
    if created_after_required and not form.get("created_after"):
        raise BadQueryError("created_after is required")
    sort = form.get("sort", "CreatedDate")
    if sort not in {"CreatedDate", "ModifiedDate"}:
        raise BadQueryError("sort must be CreatedDate or ModifiedDate")
    return Query(
        created_after=_moment(form, "created_after", _FIRST),
        modified_after=_moment(form, "modified_after", _FIRST),
        modified_before=_moment(form, "modified_before", _LAST),
        page=_number(form, "page", 1),
        page_size=min(_number(form, "page_size", page_size_max), page_size_max),
        by_modified=sort == "ModifiedDate",
        parts=frozenset(part.strip() for part in form.get("includes", "").split(",")),
    )


def orders_page(shop: Shop, query: Query) -> Page:
    """Return GetOrders' rows."""
    return _page(
        [(state.created_at, state.modified_at, state) for state in shop.orders.values()],
        query,
        lambda state: order_document(shop.scenario, state, query.parts) | _refunded(shop, state),
    )


def transactions_page(shop: Shop, query: Query) -> Page:
    """Return GetTransactions' rows; their dates are in the store's zone."""
    return _page(
        [
            (taken.created_at, taken.modified_at, (state.order, taken))
            for state in shop.orders.values()
            for taken in state.payments
        ],
        query,
        lambda paid: transaction_document(shop.scenario, *paid, with_mdr=True, in_store_time=True),
    )


def transfers_page(shop: Shop, query: Query) -> Page:
    """Return GetTransfer's rows: transfers and all other stock actions."""
    named = shop.returns_name_origin
    transfers = [
        (state.created_at, state.modified_at, partial(transfer_document, shop.scenario, state, names_origin=named))
        for state in shop.transfers.values()
    ]
    others = [
        (state.changed_at, state.changed_at, partial(stock_document, shop.scenario, state, names_origin=named))
        for state in shop.stock_actions.values()
    ]
    return _page(transfers + others, query, lambda document: document())


def shifts_page(shop: Shop, query: Query) -> Page:
    """Return GetRegisterShifts' rows."""
    return _page(
        [(state.created_at, state.modified_at, state) for state in shop.shifts.values()],
        query,
        lambda state: shift_document(shop.scenario, state),
    )


def outlets_page(shop: Shop, query: Query) -> Page:
    """Return GetOutlets' rows; outlets never change."""
    return _page(
        [(_FIRST, _LAST, outlet) for outlet in (*shop.scenario.outlets, *shop.scenario.later_outlets)],
        query,
        outlet_document,
    )


def products_page(shop: Shop, query: Query) -> Page:
    """Return GetProducts' rows; products never change."""
    products = (*shop.scenario.products, *shop.scenario.menu)
    return _page([(_ENTERED, _ENTERED, each) for each in products], query, partial(product_document, shop.scenario))


def store_info(shop: Shop) -> dict[str, Any]:
    """Return GetStoreInfo's object."""
    return store_document(shop.scenario)


def _refunded(shop: Shop, state: OrderState) -> dict[str, Any]:
    """Return what only a read tells of an order: its refunds, if there are any."""
    refunds = [refund_document(shop.scenario, state.order, taken) for taken in state.refunds]
    return {"refunded_orders": refunds} if refunds else {}


def _page(stamped: list[tuple[datetime, datetime, Row]], query: Query, show: Callable[[Row], dict[str, Any]]) -> Page:
    """Filter, sort and cut; both `…_after` bounds are inclusive, `modified_before` too."""
    matching = [
        row
        for row in stamped
        if row[0] >= query.created_after and query.modified_after <= row[1] <= query.modified_before
    ]
    # Rows of one moment keep the order in which they were made: the sort is stable.
    matching.sort(key=lambda row: row[1] if query.by_modified else row[0])
    start = (query.page - 1) * query.page_size
    rows = [show(row) for _, _, row in matching[start : start + query.page_size]]
    return Page(rows, len(matching) > start + query.page_size)


def _moment(form: Mapping[str, str], name: str, default: datetime) -> datetime:
    text = form.get(name)
    if not text:
        return default
    try:
        return parse_utc(text)
    except ValueError as error:
        raise BadQueryError(f"{name} is not a date") from error


def _number(form: Mapping[str, str], name: str, default: int) -> int:
    text = form.get(name) or str(default)
    if not text.isdigit() or int(text) < 1:
        raise BadQueryError(f"{name} must be a number from 1")
    return int(text)
