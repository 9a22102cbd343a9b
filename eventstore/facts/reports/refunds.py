"""Refunds (StoreOrderRefund): goods that came back stand apart from what was refunded."""

from decimal import Decimal

import msgspec

from eventstore.facts.reports.kind import ReportKind, prefixed
from eventstore.personal import ClearPaths


class ReturnedUnit(msgspec.Struct, frozen=True, kw_only=True):
    """Goods put back on the shelf."""

    product_id: str | None = None
    sku: str | None = None
    stock: Decimal | None = None


class RefundedLine(msgspec.Struct, frozen=True, kw_only=True):
    """What was refunded, whether or not it came back."""

    product_id: str | None = None
    sku: str | None = None
    quantity: Decimal | None = None


class RefundReport(msgspec.Struct, frozen=True, kw_only=True):
    """A refund of an order; iSeller documents no id of its own. `refund_amount` in IDR, `refund_date` UTC."""

    order_id: str
    order_reference: str | None = None
    refund_date: str | None = None
    refund_amount: Decimal | None = None
    units_returned: tuple[ReturnedUnit, ...] | None = None
    refund_details: tuple[RefundedLine, ...] | None = None


REFUND_PATHS = (
    "order_id", "order_reference", "channel", "order_date", "refund_date", "refund_amount",
    *prefixed("units_returned", "product_name", "product_id", "sku", "stock", "serial_numbers"),
    *prefixed("refund_details", "product_id", "sku", "quantity"),
    *prefixed("refund_details.cogs", "product_id", "sku", "quantity", "buying_price"),
)  # fmt: skip

REFUND = ReportKind(
    name="refund",
    fact_type="RefundReported",
    schema_version=1,
    struct=RefundReport,
    id_field="order_id",
    stream_prefix="order-",
    clear=ClearPaths(*REFUND_PATHS),
)
