"""Everything but orders and stock as iSeller shows it; moments in UTC without an offset."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from ops.sandbox.iseller.state import ShiftState, TakenRefund
from ops.sandbox.iseller.wire import amount, utc_text
from ops.sandbox.scenario import Customer, Outlet, Product, Scenario
from ops.sandbox.traffic_events import Payout
from ops.sandbox.traffic_order import Order


def fulfilment_document(scenario: Scenario, order: Order, at: datetime) -> dict[str, Any]:
    """Return StoreOrderFulfilled for all goods of an order."""
    return {
        "order_id": order.order_id,
        "order_reference": order.order_reference,
        "channel": "online" if order.channel == "web" else order.channel,
        "order_date": utc_text(order.at),
        "fulfill_date": utc_text(at),
        "units_fulfilled": [
            {
                "product_name": scenario.product(line.sku).name,
                "product_id": scenario.product(line.sku).product_id,
                "sku": line.sku.strip(),
                "stock": amount(line.quantity),
                "serial_numbers": [],
            }
            for line in order.lines
            if line.modifies is None
        ],
    }


def refund_document(scenario: Scenario, order: Order, taken: TakenRefund) -> dict[str, Any]:
    """Return StoreOrderRefund; `units_returned` are the goods that are on the shelf again."""
    refund = taken.refund
    lines = {line.order_detail_id: line for line in order.lines}
    back = [(scenario.product(lines[piece.order_detail_id].sku), piece.quantity) for piece in refund.pieces]
    return {
        "order_id": order.order_id,
        "order_reference": order.order_reference,
        "channel": "online" if order.channel == "web" else order.channel,
        "order_date": utc_text(order.at),
        "refund_date": utc_text(taken.at),
        "refund_amount": amount(refund.amount_idr),
        "units_returned": [
            {
                "product_name": product.name,
                "product_id": product.product_id,
                "sku": product.sku,
                "stock": amount(quantity),
                "serial_numbers": [],
            }
            for product, quantity in back
            if refund.restocked
        ],
        "refund_details": [
            {
                "product_id": product.product_id,
                "sku": product.sku,
                "quantity": amount(quantity),
                "cogs": [
                    {
                        "product_id": product.product_id,
                        "sku": product.sku,
                        "quantity": amount(quantity),
                        "buying_price": amount(product.buy_prices_idr[0]),
                    }
                ],
            }
            for product, quantity in back
        ],
    }


def product_document(scenario: Scenario, product: Product) -> dict[str, Any]:
    """Return a product as GetProducts shows it; nobody asks the sandbox for stock, so it tells none."""
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
        "buying_prices": [],
        "buying_price": amount(product.buy_prices_idr[0]),
        "inventories": [
            {
                "outlet_id": outlet.outlet_id,
                "outlet_code": outlet.code,
                "outlet_name": outlet.name,
                "unit_in_stock": amount(Decimal(0)),
            }
            for outlet in scenario.outlets
        ],
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
        "modified_date": None,
    }


def member_document(customer: Customer, modified_at: datetime) -> dict[str, Any]:
    """Return a customer's details."""
    return {
        "customer_id": customer.customer_id,
        "external_customer_id": customer.external_customer_id,
        "first_name": customer.first_name,
        "last_name": customer.last_name,
        "phone_number": customer.phone_number,
        "email": customer.email,
        "modified_date": utc_text(modified_at),
    }


def payout_document(scenario: Scenario, payout: Payout, status: str) -> dict[str, Any]:
    """Return a payout; `outlet_id` is null when it covers the whole store."""
    return {
        "reference_id": payout.reference_id,
        "date": utc_text(payout.at),
        "status": status,
        "transactions_amount": amount(payout.transactions_amount_idr),
        "total_fees": amount(payout.fees_idr),
        "total_deposit": amount(payout.deposit_idr),
        "currency": "IDR",
        "outlet_id": None if payout.outlet_code is None else scenario.outlet(payout.outlet_code).outlet_id,
    }


def shift_document(scenario: Scenario, state: ShiftState) -> dict[str, Any]:
    """Return a register shift; `closed_date` is null while it is open."""
    outlet = scenario.outlet(state.outlet_code)
    return {
        "register_name": outlet.register_name,
        "register_id": outlet.register_id,
        "register_shift_id": state.register_shift_id,
        "outlet_id": outlet.outlet_id,
        "open_date": utc_text(state.opened_on),
        "closed_date": None if state.closed_on is None else utc_text(state.closed_on),
    }


def outlet_document(outlet: Outlet) -> dict[str, Any]:
    """Return an outlet in the field names seen on a live store."""
    return {
        "id": outlet.outlet_id,
        "outlet_code": outlet.code,
        "name": outlet.name,
        "phone": None,
        "address": None,
        "email": None,
        "is_active": True,
        "outlet_groups": [],
    }


def store_document(scenario: Scenario) -> dict[str, Any]:
    """Return what GetStoreInfo says of the store."""
    return {
        "store_name": scenario.store_name,
        "store_domain": f"{scenario.store}.isellershop.com",
        "currency": "IDR",
        "time_zone": scenario.time_zone_name,
    }
