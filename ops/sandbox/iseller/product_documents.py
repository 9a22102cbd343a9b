"""Products as GetProducts shows them."""

from datetime import datetime
from typing import Any

from ops.sandbox.iseller.wire import amount, utc_text
from ops.sandbox.scenario import Product, Scenario


def product_document(scenario: Scenario, product: Product, modified_at: datetime) -> dict[str, Any]:
    """Return a product; what the outlets have of it is nothing the sandbox keeps."""
    buying = amount(product.buy_prices_idr[0])
    return {
        "product_id": product.product_id,
        "product_header_id": product.product_id,
        "name": product.name,
        "description": None,
        "type": "product",
        "product_type": "standard" if product.in_stock and product.kind != "variant" else product.kind,
        "vendor": scenario.store_name,
        "attribute": [],
        "tags": [],
        "barcode": None,
        "sku": product.sku,
        "price": amount(product.price_idr),
        "outlet_prices": [],
        "taxable": product.taxable,
        "track_inventory": product.in_stock,
        "allow_negative_stock": True,
        "sold_count": 0,
        "unit_of_measurement": "Kg" if product.kind == "weighed" else "Pcs",
        "buying_prices": [{"outlet_id": outlet.outlet_id, "buying_price": buying} for outlet in scenario.outlets],
        "buying_price": buying,
        "ingredients": [
            {
                "product_id": scenario.product(part.sku).product_id,
                "name": scenario.product(part.sku).name,
                "sku": part.sku,
                "quantity": amount(part.quantity),
            }
            for part in product.parts
        ],
        "variant_options": [{"option": "Ukuran", "value": product.variant}] if product.variant else [],
        "bundles": [],
        "modifier_groups": [],
        "images": [],
        "need_scale": product.kind == "weighed",
        "is_active": True,
        "modified_date": utc_text(modified_at),
    }
