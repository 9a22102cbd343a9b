"""What the shop remembers; `created_at` and `modified_at` are on the sandbox's clock, not business time."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec

from ops.sandbox.iseller.settings import WebhookType
from ops.sandbox.scenario import Customer
from ops.sandbox.traffic_afterwards import OrderVoided, Refund
from ops.sandbox.traffic_events import StockEvent, TransferReceived, TransferStarted
from ops.sandbox.traffic_order import Order, Payment


class TakenPayment(msgspec.Struct, kw_only=True):
    """A payment and when the sandbox learned of it; `status` is iSeller's."""

    payment: Payment
    created_at: datetime
    modified_at: datetime
    status: Literal["success", "failure"] = "success"


class TakenRefund(msgspec.Struct, frozen=True, kw_only=True):
    """A refund and when it happened."""

    at: datetime
    refund: Refund


class OrderState(msgspec.Struct, kw_only=True):
    """An order as it stands; `customer` is frozen at completion. `void` is what it says while it is voided."""

    order: Order
    customer: Customer | None
    payments: list[TakenPayment]
    fulfilled: bool
    created_at: datetime
    modified_at: datetime
    refunds: list[TakenRefund] = []
    void: OrderVoided | None = None

    @property
    def paid_idr(self) -> Decimal:
        """What was paid, less what a void gave back."""
        signs = {"sale": 1, "void": -1, "refund": 0}
        return sum(
            (
                signs[taken.payment.type] * taken.payment.amount_idr
                for taken in self.payments
                if taken.status == "success"
            ),
            Decimal(0),
        )

    @property
    def unpaid_idr(self) -> Decimal:
        """Total minus what was paid."""
        return self.order.total_idr - self.paid_idr

    @property
    def payment_status(self) -> str:
        """The word iSeller has for how far it is paid, or given back."""
        if self.void is not None:
            return "voided"
        refunded = sum((taken.refund.amount_idr for taken in self.refunds), Decimal(0))
        if refunded:
            return "refunded" if refunded >= self.order.total_idr else "partially_refunded"
        if self.unpaid_idr <= 0:
            return "paid"
        return "partially_paid" if self.paid_idr else "pending"


class TransferState(msgspec.Struct, kw_only=True):
    """A started transfer and its receipts so far."""

    started: TransferStarted
    receipts: list[TransferReceived]
    created_at: datetime
    modified_at: datetime

    @property
    def status(self) -> str:
        """In Transfer Process until everything is decided on."""
        sent = sum(piece.quantity for piece in self.started.pieces)
        decided = sum(
            piece.quantity
            for receipt in self.receipts
            for piece in (*receipt.pieces, *receipt.cancelled, *receipt.rejected)
        )
        return "Completed" if decided == sent else "In Transfer Process"


class StockState(msgspec.Struct, frozen=True, kw_only=True):
    """A stock action that is done at once."""

    event: StockEvent
    changed_at: datetime


class ShiftState(msgspec.Struct, kw_only=True):
    """A cashier session; `closed_on` is None while it is open."""

    register_shift_id: str
    outlet_code: str
    opened_on: datetime
    closed_on: datetime | None
    created_at: datetime
    modified_at: datetime


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook to be sent: the document as it stood when it happened."""

    type: WebhookType
    object_id: str
    document: dict[str, Any]
