"""What can happen to an order once it is completed: given back, voided, restored, edited, a payment that failed."""

from datetime import datetime
from decimal import Decimal

import msgspec

from ops.sandbox.traffic_order import Order, Payment


class RefundedPiece(msgspec.Struct, frozen=True, kw_only=True):
    """So much of one order line was refunded."""

    order_detail_id: str
    quantity: Decimal


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    """Money or goods given back; `money` None: nothing had been paid. `restocked`: the goods are on the shelf again.

    `webhook`: iSeller sends its Refund webhook; a polled order tells every refund.
    """

    refund_id: str
    amount_idr: Decimal
    pieces: tuple[RefundedPiece, ...]
    restocked: bool
    money: Payment | None
    webhook: bool = True


class OrderRefunded(msgspec.Struct, frozen=True, kw_only=True):
    """A part or all of an order was given back."""

    at: datetime
    order_id: str
    refund: Refund


class OrderVoided(msgspec.Struct, frozen=True, kw_only=True):
    """An order was voided; its goods are on the shelf again, and `money` went back the way it came."""

    at: datetime
    order_id: str
    reason: str
    money: tuple[Payment, ...]


class VoidUndone(msgspec.Struct, frozen=True, kw_only=True):
    """A voided order counts again and was paid anew."""

    at: datetime
    order_id: str
    payments: tuple[Payment, ...]


class OrderEdited(msgspec.Struct, frozen=True, kw_only=True):
    """Lines and totals of a completed order were changed; `order` is what it says now, with its first payments."""

    at: datetime
    order: Order


class PaymentReversed(msgspec.Struct, frozen=True, kw_only=True):
    """A payment that had been successful turned out to have failed."""

    at: datetime
    order_id: str
    transaction_id: str


OrderAfterwards = OrderRefunded | OrderVoided | VoidUndone | OrderEdited | PaymentReversed
