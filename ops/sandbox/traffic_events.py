"""What can happen in the demo's shop: frozen events, moments in UTC, amounts in rupiah.

An event is the record that both the sandbox iSeller shows and the expected books are computed from.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Literal

import msgspec

from ops.sandbox.scenario import Customer
from ops.sandbox.traffic_afterwards import OrderAfterwards
from ops.sandbox.traffic_order import Order, Payment


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """So many pieces of one SKU."""

    sku: str
    quantity: Decimal


class Payout(msgspec.Struct, frozen=True, kw_only=True):
    """One deposit of iSeller Pay money; deposit + fees = transactions."""

    reference_id: str
    at: datetime
    outlet_code: str | None
    transaction_ids: tuple[str, ...]
    transactions_amount_idr: Decimal
    fees_idr: Decimal
    deposit_idr: Decimal


class StockBought(msgspec.Struct, frozen=True, kw_only=True):
    """A priced inflow, posted to Jurnal by the accountant; iSeller knows nothing of it."""

    at: datetime
    date: date
    sku: str
    outlet_code: str
    warehouse: str
    quantity: Decimal
    unit_price_idr: Decimal


class OrderCompleted(msgspec.Struct, frozen=True, kw_only=True):
    """An order was completed, paid or not."""

    at: datetime
    order: Order


class OrderPaid(msgspec.Struct, frozen=True, kw_only=True):
    """A later payment of an order that was not fully paid when completed."""

    at: datetime
    order_id: str
    payment: Payment


class OrderFulfilled(msgspec.Struct, frozen=True, kw_only=True):
    """All goods of an order were handed over."""

    at: datetime
    order_id: str


class CaughtUp(msgspec.Struct, frozen=True, kw_only=True):
    """The shop rests until what happened so far has been told and booked.

    What is undone or edited has two meanings, whether or not it had been booked before; here it had been.
    """

    at: datetime


class MemberChanged(msgspec.Struct, frozen=True, kw_only=True):
    """A customer registered or changed their details."""

    at: datetime
    customer: Customer


class TransferStarted(msgspec.Struct, frozen=True, kw_only=True):
    """Goods left `source_code` for `destination_code`."""

    at: datetime
    transfer_id: str
    transfer_number: str
    inventory_adjustment_id: str
    source_code: str
    destination_code: str
    pieces: tuple[Piece, ...]
    return_of: str | None = None


class TransferReceived(msgspec.Struct, frozen=True, kw_only=True):
    """One receipt of a transfer: what was accepted (`pieces`), sent back, and thrown away in it.

    `remaining`: the one decision was pressed for all that remained, so iSeller tells no goods.
    """

    at: datetime
    transfer_id: str
    inventory_adjustment_id: str
    pieces: tuple[Piece, ...]
    cancelled: tuple[Piece, ...] = ()
    rejected: tuple[Piece, ...] = ()
    remaining: Literal["Accept", "Cancel", "Reject"] | None = None


class PricedPiece(msgspec.Struct, frozen=True, kw_only=True):
    """So many pieces of one SKU, bought at so much each."""

    sku: str
    quantity: Decimal
    price_idr: Decimal


class SupplierDelivered(msgspec.Struct, frozen=True, kw_only=True):
    """A supplier's goods were sent and received: `pieces` were accepted, the others never came in."""

    at: datetime
    transfer_id: str
    transfer_number: str
    start_id: str
    inventory_adjustment_id: str
    outlet_code: str
    pieces: tuple[PricedPiece, ...]
    cancelled: tuple[Piece, ...] = ()
    rejected: tuple[Piece, ...] = ()


class SupplierReturned(msgspec.Struct, frozen=True, kw_only=True):
    """Goods left for a supplier. `return_of`: iSeller made this by itself for cancelled goods that never came in."""

    at: datetime
    transfer_id: str
    transfer_number: str
    inventory_adjustment_id: str
    outlet_code: str
    pieces: tuple[Piece, ...]
    return_of: str | None = None


class CountedPiece(msgspec.Struct, frozen=True, kw_only=True):
    """What stock taking found of one SKU, and what iSeller thought there was."""

    sku: str
    counted: Decimal
    system: Decimal


class StockCounted(msgspec.Struct, frozen=True, kw_only=True):
    """Stock taking at an outlet."""

    at: datetime
    transfer_id: str
    transfer_number: str
    inventory_adjustment_id: str
    outlet_code: str
    pieces: tuple[CountedPiece, ...]


class StockAdjusted(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody corrected an outlet's stock; negative quantities went out."""

    at: datetime
    transfer_id: str
    transfer_number: str
    inventory_adjustment_id: str
    outlet_code: str
    reason: str
    pieces: tuple[Piece, ...]


class PayoutWaiting(msgspec.Struct, frozen=True, kw_only=True):
    """A payout waits for confirmation."""

    at: datetime
    payout: Payout


class PayoutCompleted(msgspec.Struct, frozen=True, kw_only=True):
    """A payout's deposit reached the bank."""

    at: datetime
    payout: Payout


class PayoutUntold(msgspec.Struct, frozen=True, kw_only=True):
    """A payout's deposit reached the bank, and its webhook never came: the merchant enters it from iSeller's report."""

    at: datetime
    payout: Payout


class PayoutFailed(msgspec.Struct, frozen=True, kw_only=True):
    """A payout failed; its transactions stay unsettled."""

    at: datetime
    payout: Payout


class ShiftOpened(msgspec.Struct, frozen=True, kw_only=True):
    """A cashier opened an outlet's register."""

    at: datetime
    register_shift_id: str
    outlet_code: str


class ShiftClosed(msgspec.Struct, frozen=True, kw_only=True):
    """The cashier closed it again."""

    at: datetime
    register_shift_id: str


StockEvent = SupplierDelivered | SupplierReturned | StockCounted | StockAdjusted

Event = (
    StockBought
    | OrderCompleted
    | OrderPaid
    | OrderFulfilled
    | OrderAfterwards
    | CaughtUp
    | PayoutUntold
    | MemberChanged
    | TransferStarted
    | TransferReceived
    | StockEvent
    | PayoutWaiting
    | PayoutCompleted
    | PayoutFailed
    | ShiftOpened
    | ShiftClosed
)
