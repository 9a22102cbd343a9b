"""What the shop remembers; `created_at` and `modified_at` are on the sandbox's clock, not business time."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from ops.sandbox.iseller.settings import WebhookType
from ops.sandbox.scenario import Customer
from ops.sandbox.traffic_events import Order, Payment, StockEvent, TransferReceived, TransferStarted


class TakenPayment(msgspec.Struct, frozen=True, kw_only=True):
    """A payment and when the sandbox learned of it."""

    payment: Payment
    created_at: datetime


class OrderState(msgspec.Struct, kw_only=True):
    """An order as it stands; `customer` is frozen at completion."""

    order: Order
    customer: Customer | None
    payments: list[TakenPayment]
    fulfilled: bool
    created_at: datetime
    modified_at: datetime

    @property
    def unpaid_idr(self) -> Decimal:
        """Total minus what was paid."""
        return self.order.total_idr - sum(taken.payment.amount_idr for taken in self.payments)

    @property
    def payment_status(self) -> str:
        """The word iSeller has for how far it is paid."""
        if self.unpaid_idr == 0:
            return "paid"
        return "partially_paid" if self.payments else "pending"


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
