"""Products as GetProducts shows them."""

from datetime import datetime
from typing import Any

from ops.sandbox.iseller.wire import utc_text
from ops.sandbox.scenario import Product, Scenario


def product_document(scenario: Scenario, product: Product, modified_at: datetime) -> dict[str, Any]:
    """Return a product; what the outlets have of it is nothing the sandbox keeps."""
    buying = str(product.buy_prices_idr[0])
    return {
        "product_id": product.product_id,
        "product_header_id": product.product_id,
        "name": product.name,
        "type": "Goods",
        "product_type": "standard",
        "sku": product.sku,
        "price": str(product.price_idr),
        "taxable": product.taxable,
        "track_inventory": True,
        "allow_negative_stock": True,
        "unit_of_measurement": "Pcs",
        "buying_price": buying,
        "buying_prices": [{"outlet_id": outlet.outlet_id, "buying_price": buying} for outlet in scenario.outlets],
        "is_active": True,
        "modified_date": utc_text(modified_at),
    }
