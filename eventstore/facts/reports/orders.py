"""Orders, their transactions and fulfilments (public API v2; field names and typos are iSeller's)."""

from decimal import Decimal

import msgspec

from eventstore.facts.reports.kind import ReportKind, prefixed
from eventstore.facts.reports.refunds import REFUND_PATHS, RefundReport
from eventstore.personal import ClearPaths


class Transaction(msgspec.Struct, frozen=True, kw_only=True):
    """One payment, refund or void of an order. `amount` in IDR; `transaction_date` UTC inside an order."""

    transaction_id: str | None = None
    order_id: str | None = None
    order_reference: str | None = None
    transaction_date: str | None = None
    type: str | None = None
    status: str | None = None
    gateway: str | None = None
    payment_type_id: str | None = None
    payment_type_name: str | None = None
    currency: str | None = None
    amount: Decimal | None = None


class Promotion(msgspec.Struct, frozen=True, kw_only=True):
    """A promotion on an order or a line, IDR."""

    promotion_amount: Decimal | None = None


class ProductPart(msgspec.Struct, frozen=True, kw_only=True):
    """A product that another one is made of; `quantity` in one unit of that one."""

    product_id: str | None = None
    sku: str | None = None
    product_sku: str | None = None
    quantity: Decimal | None = None


# Few of its fields are told of any one line, and an order's state keeps its lines: what is not told takes no room.
class OrderLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line. `base_price` is a unit price, `discount_amount` the line's own discount, both IDR.

    A line with `product_modifier_id` is a modifier of the line `parent_order_detail_id`.
    """

    order_detail_id: str | None = None
    product_id: str | None = None
    product_name: str | None = None
    product_type: str | None = None
    sku: str | None = None
    quantity: Decimal | None = None
    base_price: Decimal | None = None
    discount_amount: Decimal | None = None
    discount_percentage: Decimal | None = None
    subtotal: Decimal | None = None
    taxable: bool | None = None
    tax_percentage: Decimal | None = None
    tax_amount: Decimal | None = None
    track_inventory: bool | None = None
    parent_order_detail_id: str | None = None
    product_modifier_id: str | None = None
    product_modifier_name: str | None = None
    modifier_product_id: str | None = None
    modifier_product_sku: str | None = None
    modifier_product_quantity: Decimal | None = None
    weight_quantity: Decimal | None = None
    promotions: tuple[Promotion, ...] | None = None
    product_composites: tuple[ProductPart, ...] | None = None
    product_combos: tuple[ProductPart, ...] | None = None
    modifier_product_composites: tuple[ProductPart, ...] | None = None


class OrderReport(msgspec.Struct, frozen=True, kw_only=True):
    """An order as reported, whole or thin. Times are UTC without offset; amounts IDR."""

    order_id: str
    order_reference: str | None = None
    channel: str | None = None
    channel_detail: str | None = None
    order_date: str | None = None
    closed_date: str | None = None
    status: str | None = None
    payment_status: str | None = None
    fulfillment_status: str | None = None
    cancel_date: str | None = None
    cancel_reason: str | None = None
    outlet_id: str | None = None
    outlet_code: str | None = None
    outlet_name: str | None = None
    register_id: str | None = None
    customer_id: str | None = None
    external_customer_id: str | None = None
    customer_first_name: str | None = None
    customer_last_name: str | None = None
    currency: str | None = None
    total_order_amount: Decimal | None = None
    total_discount_amount: Decimal | None = None
    total_promotion_amount: Decimal | None = None
    total_additional_order_amount: Decimal | None = None
    total_additional_subtotal_amount: Decimal | None = None
    total_additional_final_amount: Decimal | None = None
    total_shipping_amount: Decimal | None = None
    total_tax_amount: Decimal | None = None
    subtotal: Decimal | None = None
    rounding_amount: Decimal | None = None
    total_amount: Decimal | None = None
    tax_inclusive: bool | None = None
    on_account: bool | None = None
    remaining_on_account: Decimal | None = None
    remaining_on_accoun: Decimal | None = None
    order_details: tuple[OrderLine, ...] | None = None
    transactions: tuple[Transaction, ...] | None = None
    refunded_orders: tuple[RefundReport, ...] | None = None


_TRANSACTION = (
    "order_reference", "order_id", "transaction_id", "transaction_date", "channel", "type", "status", "gateway",
    "payment_type_id", "payment_type_name", "currency", "amount", "mdr.payment_method_fee", "mdr.total_amount_fee",
)  # fmt: skip
_DISCOUNT = ("discount_name", "discount_amount")
_PROMOTION = ("promotion_id", "promotion_name", "promotion_amount")
_COST = ("product_id", "sku", "quantity", "buying_price")
_PART = ("product_id", "product_name", "variant_name", "sku", "product_sku", "category", "quantity")
_LINE = (
    "order_detail_id", "parent_order_detail_id", "product_id", "product_name", "product_generic_name", "product_type",
    "product_variant_id", "product_variant_name", "product_modifier_id", "product_modifier_name", "order_type",
    "vendor", "sku", "fulfilment_status", "fulfillment_status", "quantity", "base_price", "discount_amount",
    "discount_order_amount", "discount_percentage", "additional_charge", "subtotal", "total_order_amount", "taxable",
    "tax_percentage", "tax_amount", "tax_name", "require_shipping", "weight", "weight_quantity", "track_inventory",
    "type", "modifier_product_type", "modifier_product_id", "modifier_product_sku", "modifier_product_quantity",
    "promotion_type", "serial_numbers",
    *prefixed("promotions", *_PROMOTION), *prefixed("discounts", *_DISCOUNT), *prefixed("cogs", *_COST),
    *prefixed("product_composites", *_PART), *prefixed("product_combos", *_PART),
    *prefixed("modifier_product_composites", *_PART), *prefixed("units_used", *_PART),
)  # fmt: skip
_ORDER = (
    "external_customer_id", "order_id", "order_reference", "channel", "channel_detail", "marketplace_account",
    "order_date", "closed_date", "modified_date", "created_date", "status", "payment_status", "fulfillment_status",
    "fulfilment_status", "processing_method", "cancel_date", "outlet_id", "outlet_name", "outlet_code", "register_id",
    "register_name", "customer_id", "server_id", "cashier_id", "currency", "total_order_amount", "discount_percentage",
    "total_discount_amount", "total_promotion_amount", "subtotal", "total_tax_amount", "total_additional_final_amount",
    "total_additional_subtotal_amount", "total_additional_order_amount", "rounding_amount", "total_amount",
    "buying_price", "total_shipping_amount", "total_weight", "tax_inclusive", "on_account", "remaining_on_account",
    "remaining_on_accoun", "order_type", "total_bonus",
    *prefixed("order_details", *_LINE), *prefixed("promotions", *_PROMOTION), *prefixed("discounts", *_DISCOUNT),
    *prefixed("transactions", *_TRANSACTION), *prefixed("refunded_orders", *REFUND_PATHS),
    *prefixed("unfulfilled_items", "product_id", "sku", "quantity"),
)  # fmt: skip

ORDER = ReportKind(
    name="order",
    fact_type="OrderReported",
    schema_version=1,
    struct=OrderReport,
    id_field="order_id",
    stream_prefix="order-",
    clear=ClearPaths(*_ORDER),
    persons={
        "customer_": "customer_id",
        "billing": "customer_id",
        "shipping": "customer_id",
        "server_": "server_id",
        "cashier_": "cashier_id",
    },
)

TRANSACTION = ReportKind(
    name="transaction",
    fact_type="TransactionReported",
    schema_version=1,
    struct=Transaction,
    id_field="order_id",
    stream_prefix="order-",
    clear=ClearPaths(*_TRANSACTION),
    identity_fields=("transaction_id", "status"),
    immutable_fields=("amount", "currency", "gateway"),
)


class FulfilledUnit(msgspec.Struct, frozen=True, kw_only=True):
    """Goods handed over."""

    product_id: str | None = None
    sku: str | None = None
    stock: Decimal | None = None


class FulfillmentReport(msgspec.Struct, frozen=True, kw_only=True):
    """Goods of an order were handed over (StoreOrderFulfilled)."""

    order_id: str
    order_reference: str | None = None
    fulfill_date: str | None = None
    units_fulfilled: tuple[FulfilledUnit, ...] | None = None


_UNIT = ("product_name", "product_id", "sku", "stock", "serial_numbers")

FULFILLMENT = ReportKind(
    name="fulfillment",
    fact_type="FulfillmentReported",
    schema_version=1,
    struct=FulfillmentReport,
    id_field="order_id",
    stream_prefix="order-",
    clear=ClearPaths(
        "order_id", "order_reference", "channel", "order_date", "fulfill_date", *prefixed("units_fulfilled", *_UNIT)
    ),
)
