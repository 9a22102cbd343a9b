"""An order of the shop as iSeller shows it: lines, charges, payments. Moments in UTC, amounts in rupiah."""

from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from ops.sandbox.scenario import Part


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """One successful transaction; `fee_idr` is what iSeller Pay keeps of it (0 for other gateways).

    `type` refund and void: the amount went back to the customer.
    """

    transaction_id: str
    at: datetime
    gateway: str
    payment_type_id: str | None
    payment_type_name: str
    amount_idr: Decimal
    fee_idr: Decimal
    type: Literal["sale", "refund", "void"] = "sale"


class OrderLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line as iSeller shows it: `discount_idr` is the whole line's own, `tax_idr` is rounded by iSeller.

    `quantity` is the weight of weighed goods. `tax_percentage` None is the store's. `parts`: what one unit is made of.
    `modifies`: the line that this one modifies.
    """

    order_detail_id: str
    sku: str
    quantity: Decimal
    price_idr: Decimal
    discount_idr: Decimal
    discount_percentage: Decimal
    taxable: bool
    tax_idr: Decimal
    promotion_idr: Decimal = Decimal(0)
    tax_percentage: Decimal | None = None
    parts: tuple[Part, ...] = ()
    modifies: str | None = None

    @property
    def gross_idr(self) -> Decimal:
        """Quantity times unit price."""
        return self.quantity * self.price_idr

    @property
    def before_order_idr(self) -> Decimal:
        """What the line is worth before discounts of the whole order."""
        return self.gross_idr - self.discount_idr - self.promotion_idr


class Charges(msgspec.Struct, frozen=True, kw_only=True):
    """Additional charges by the point at which iSeller reckons them, and shipping.

    `tax_idr`: the tax on the first two, in a shop that taxes charges.
    """

    order_idr: Decimal = Decimal(0)
    subtotal_idr: Decimal = Decimal(0)
    final_idr: Decimal = Decimal(0)
    shipping_idr: Decimal = Decimal(0)
    tax_idr: Decimal = Decimal(0)

    @property
    def total_idr(self) -> Decimal:
        """All of them, without their tax unless it is included."""
        return self.order_idr + self.subtotal_idr + self.final_idr + self.shipping_idr


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order at the moment it was completed; the totals are iSeller's own.

    `order_discount_idr` and `order_promotion_idr` are order-level; `payments` those taken at completion.
    """

    order_id: str
    order_reference: str
    channel: str
    outlet_code: str
    at: datetime
    customer_id: str | None
    on_account: bool
    lines: tuple[OrderLine, ...]
    order_discount_idr: Decimal
    order_promotion_idr: Decimal
    rounding_idr: Decimal
    total_idr: Decimal
    fulfilled: bool
    payments: tuple[Payment, ...]
    channel_detail: str | None = None
    tax_inclusive: bool = False
    charges: Charges = Charges()
