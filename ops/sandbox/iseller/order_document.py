"""An order as iSeller shows it, with the manual's own spellings."""

from decimal import Decimal
from typing import Any

from ops.sandbox.iseller.state import OrderState, TakenPayment
from ops.sandbox.iseller.wire import amount, store_text, utc_text
from ops.sandbox.scenario import Part, Scenario
from ops.sandbox.traffic_order import Order, OrderLine

EVERY_PART = frozenset(
    {
        "OrderDetails",
        "Transactions",
        "DiscountDetails",
        "PromotionDetails",
        "TrackInventory",
        "MDR",
        "ShippingDetail",
        "UnfulfilledItems",
        "ProfitDetails",
    }
)
_PRODUCT_TYPES = {"variant": "variant", "composite": "composite", "comboset": "comboset"}


def order_document(scenario: Scenario, state: OrderState, parts: frozenset[str]) -> dict[str, Any]:
    """Return the order with the asked-for parts (names of `includes`); moments in UTC."""
    order = state.order
    document: dict[str, Any] = {
        "order_id": order.order_id,
        "order_reference": order.order_reference,
        "channel": order.channel,
        "channel_detail": order.channel_detail,
        "marketplace_account": None,
        "order_date": utc_text(order.at),
        "closed_date": utc_text(order.at),
        "status": "completed" if state.void is None else "void",
        "payment_status": state.payment_status,
        "fulfillment_status": "fulfilled" if state.fulfilled else "none",
        "notes": None,
        "processing_method": "checkout",
        "cancel_date": state.void and utc_text(state.void.at),
        "cancel_reason": state.void and state.void.reason,
        "currency": "IDR",
        "order_type": "take_away",
        "billing": None,
        "device_location": None,
        "server_id": None,
        "server_first_name": None,
        "server_last_name": None,
    }
    document |= _place(scenario, order) | _customer(state) | _totals(scenario, state)
    if "OrderDetails" in parts:
        document["order_details"] = [_line(scenario, state, line, parts) for line in order.lines]
    if "Transactions" in parts:
        document["transactions"] = [
            transaction_document(scenario, order, taken, with_mdr="MDR" in parts, in_store_time=False)
            for taken in state.payments
        ]
    if "DiscountDetails" in parts:
        document["discounts"] = _discounts("Potongan pesanan", order.order_discount_idr)
    if "PromotionDetails" in parts:
        document["promotions"] = _promotions(order.order_promotion_idr)
    if "ShippingDetail" in parts:
        document["shipping"] = _shipping(order)
    if "UnfulfilledItems" in parts:
        document["unfulfilled_items"] = (
            [] if state.fulfilled else [_unfulfilled(scenario, line) for line in order.lines if line.modifies is None]
        )
    return document


def transaction_document(
    scenario: Scenario, order: Order, taken: TakenPayment, *, with_mdr: bool, in_store_time: bool
) -> dict[str, Any]:
    """Return one transaction; its date is UTC inside an order and store time in GetTransactions."""
    payment = taken.payment
    at = store_text(payment.at, scenario.time_zone) if in_store_time else utc_text(payment.at)
    document: dict[str, Any] = {
        "order_reference": order.order_reference,
        "order_id": order.order_id,
        "transaction_id": payment.transaction_id,
        "transaction_date": at,
        "channel": order.channel,
        "type": payment.type,
        "status": taken.status,
        "gateway": payment.gateway,
        "payment_type_id": payment.payment_type_id,
        "payment_type_name": payment.payment_type_name,
        "currency": "IDR",
        "amount": amount(payment.amount_idr),
        "bin_card": None,
        "additional_info": None,
    }
    if with_mdr:
        fee = {
            "payment_method_fee": amount(payment.fee_idr),
            "total_amount_fee": amount(payment.amount_idr - payment.fee_idr),
        }
        document["mdr"] = [fee] if payment.fee_idr else []
    return document


def _place(scenario: Scenario, order: Order) -> dict[str, Any]:
    outlet = scenario.outlet(order.outlet_code)
    at_register = order.channel == "pos"
    return {
        "outlet_id": outlet.outlet_id,
        "outlet_name": outlet.name,
        "outlet_code": outlet.code,
        "register_id": outlet.register_id if at_register else None,
        "register_name": outlet.register_name if at_register else None,
        "cashier_id": outlet.cashier_id if at_register else None,
        "cashier_first_name": outlet.cashier_first_name if at_register else None,
        "cashier_last_name": outlet.cashier_last_name if at_register else None,
    }


def _customer(state: OrderState) -> dict[str, Any]:
    customer = state.customer
    return {
        "customer_id": customer and customer.customer_id,
        "external_customer_id": customer and customer.external_customer_id,
        "customer_first_name": customer and customer.first_name,
        "customer_last_name": customer and customer.last_name,
        "customer_phone_number": customer and customer.phone_number,
        "customer_email": customer and customer.email,
    }


def _totals(scenario: Scenario, state: OrderState) -> dict[str, Any]:
    order = state.order
    gross = sum((line.gross_idr for line in order.lines), Decimal(0))
    charges = order.charges
    discount = sum((line.discount_idr for line in order.lines), order.order_discount_idr)
    promotion = sum((line.promotion_idr for line in order.lines), order.order_promotion_idr)
    buying_price = sum(
        (line.quantity * scenario.product(line.sku).buy_prices_idr[0] for line in order.lines), Decimal(0)
    )
    added = charges.order_idr + charges.subtotal_idr
    return {
        "total_order_amount": amount(gross),
        "discount_percentage": 0,
        "total_discount_amount": amount(discount),
        "total_promotion_amount": amount(promotion),
        "subtotal": amount(gross + added - discount - promotion),
        "total_tax_amount": amount(sum((line.tax_idr for line in order.lines), charges.tax_idr)),
        "total_additional_final_amount": amount(charges.final_idr),
        "total_additional_subtotal_amount": amount(charges.subtotal_idr),
        "total_additional_order_amount": amount(charges.order_idr),
        "rounding_amount": amount(order.rounding_idr),
        "total_amount": amount(order.total_idr),
        "buying_price": amount(buying_price),
        "total_shipping_amount": amount(charges.shipping_idr),
        "total_weight": 0,
        "tax_inclusive": order.tax_inclusive,
        "on_account": order.on_account,
        # The manual's spelling.
        "remaining_on_accoun": amount(state.unpaid_idr if order.on_account else Decimal(0)),
    }


def _line(scenario: Scenario, state: OrderState, line: OrderLine, parts: frozenset[str]) -> dict[str, Any]:
    product = scenario.product(line.sku)
    weighed = product.kind == "weighed"
    percentage = scenario.tax_percentage if line.tax_percentage is None else line.tax_percentage
    document: dict[str, Any] = _product(scenario, line) | {
        "order_detail_id": line.order_detail_id,
        "order_type": "take_away",
        "notes": None,
        "vendor": scenario.store_name,
        # The manual's spelling: one l on lines.
        "fulfilment_status": "fulfilled" if state.fulfilled else "none",
        "quantity": 1 if weighed else int(line.quantity),
        "base_price": amount(line.price_idr),
        "discount_amount": amount(line.discount_idr),
        "discount_percentage": amount(line.discount_percentage),
        "taxable": line.taxable,
        "tax_percentage": amount(percentage if line.taxable else Decimal(0)),
        "tax_amount": amount(line.tax_idr),
        "require_shipping": False,
        "weight": 0,
        "weight_quantity": line.quantity if weighed else 0,
        "units_used": [],
        "serial_numbers": [],
        "cogs": [
            {
                "product_id": product.product_id,
                "sku": line.sku.strip(),
                "quantity": amount(line.quantity),
                "buying_price": amount(product.buy_prices_idr[0]),
            }
        ],
        "server_name": None,
    }
    if line.modifies is not None:
        document["parent_order_detail_id"] = line.modifies
    if "DiscountDetails" in parts:
        document["discounts"] = _discounts("Potongan barang", line.discount_idr)
    if "PromotionDetails" in parts:
        document["promotions"] = _promotions(line.promotion_idr)
    if "TrackInventory" in parts:
        document["track_inventory"] = product.in_stock
    return document


def _product(scenario: Scenario, line: OrderLine) -> dict[str, Any]:
    product = scenario.product(line.sku)
    made_of = [_part(scenario, part) for part in line.parts]
    modifier = product if line.modifies is not None else None
    return {
        "product_id": product.product_id if modifier is None else None,
        "product_name": product.name,
        "product_generic_name": product.name,
        "product_type": _PRODUCT_TYPES.get(product.kind, "standard"),
        "product_variant_id": product.product_id if product.variant else None,
        "product_variant_name": product.variant,
        "product_modifier_id": modifier and modifier.product_id,
        "product_modifier_name": modifier and modifier.name,
        "sku": line.sku if modifier is None else None,
        "type": "product",
        "modifier_product_type": modifier and ("composite" if made_of else "standard"),
        "modifier_product_id": modifier and modifier.product_id,
        # A modifier that costs nothing and is no product of its own has no SKU.
        "modifier_product_sku": line.sku if modifier and (line.price_idr or modifier.in_stock) else None,
        "modifier_product_composites": made_of if modifier else [],
        "product_composites": made_of if product.kind == "composite" else [],
        "product_combos": made_of if product.kind == "comboset" else [],
    }


def _part(scenario: Scenario, part: Part) -> dict[str, Any]:
    product = scenario.product(part.sku)
    return {
        "product_id": product.product_id,
        "product_name": product.name,
        "sku": part.sku,
        "quantity": amount(part.quantity),
    }


def _discounts(name: str, discount_idr: Decimal) -> list[dict[str, Any]]:
    return [{"discount_name": name, "discount_amount": amount(discount_idr)}] if discount_idr else []


def _promotions(promotion_idr: Decimal) -> list[dict[str, Any]]:
    if not promotion_idr:
        return []
    promotion = {"promotion_id": "PROMO-1", "promotion_name": "Promo Akhir Pekan"}
    return [promotion | {"promotion_amount": amount(promotion_idr)}]


def _shipping(order: Order) -> dict[str, Any] | None:
    if not order.charges.shipping_idr:
        return None
    return {"shipping_name": "Kurir Toko", "service_code": None, "tracking_number": None}


def _unfulfilled(scenario: Scenario, line: OrderLine) -> dict[str, Any]:
    product = scenario.product(line.sku)
    return {"product_id": product.product_id, "sku": line.sku.strip(), "quantity": int(line.quantity)}
