"""Products (GetProducts, public API v2; field names are iSeller's)."""

from decimal import Decimal

import msgspec

from eventstore.facts.reports.kind import ReportKind, prefixed
from eventstore.personal import ClearPaths


class BuyingPrice(msgspec.Struct, frozen=True, kw_only=True):
    """What a unit costs at an outlet, IDR."""

    outlet_id: str | None = None
    buying_price: Decimal | None = None


class OutletInventory(msgspec.Struct, frozen=True, kw_only=True):
    """What an outlet has of a product."""

    outlet_id: str | None = None
    outlet_code: str | None = None
    outlet_name: str | None = None
    unit_in_stock: Decimal | None = None


class ProductReport(msgspec.Struct, frozen=True, kw_only=True):
    """A product or one variant of it. Prices in IDR; `sku` may be blank, and may have white space around it."""

    product_id: str
    product_header_id: str | None = None
    name: str | None = None
    type: str | None = None
    product_type: str | None = None
    sku: str | None = None
    price: Decimal | None = None
    track_inventory: bool | None = None
    unit_of_measurement: str | None = None
    buying_price: Decimal | None = None
    buying_prices: tuple[BuyingPrice, ...] | None = None
    inventories: tuple[OutletInventory, ...] | None = None
    is_active: bool | None = None
    modified_date: str | None = None


_PART = ("product_id", "name", "product_name", "variant_name", "category", "sku", "quantity")

PRODUCT = ReportKind(
    name="product",
    fact_type="ProductReported",
    schema_version=1,
    struct=ProductReport,
    id_field="product_id",
    stream_prefix="product-",
    clear=ClearPaths(
        "product_id", "product_header_id", "name", "description", "type", "product_type", "vendor", "attribute", "tags",
        "barcode", "sku", "price", "taxable", "track_inventory", "allow_negative_stock", "sold_count",
        "unit_of_measurement", "buying_price", "images", "need_scale", "is_active", "created_date", "modified_date",
        *prefixed("outlet_prices", "outlet_id", "outlet_code", "outlet_name", "price"),
        *prefixed("buying_prices", "outlet_id", "buying_price"),
        *prefixed("inventories", "outlet_id", "outlet_code", "outlet_name", "unit_in_stock"),
        *prefixed("ingredients", *_PART), *prefixed("bundles", *_PART),
        *prefixed("variant_options", "option", "value"),
        *prefixed("modifier_groups", "modifier_group_id", "name"),
    ),
)  # fmt: skip
