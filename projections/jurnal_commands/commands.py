"""The commands: what may be asked of Jurnal. Imperative, a closed union, named in Jurnal's and the mapping's words.

Accounts, warehouses, taxes and contacts are names and products are codes; the dispatcher turns them into Jurnal's ids
when it sends. No personal value stands in a command: `CreateCustomer` points at the fact that holds it sealed.
"""

from datetime import date
from decimal import Decimal

import msgspec


class InvoiceLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line: `rate` is the net unit price in IDR after all discounts; `tax_name` None is untaxed."""

    product_code: str
    quantity: Decimal
    rate: Decimal
    tax_name: str | None = None
    description: str | None = None


class StockLine(msgspec.Struct, frozen=True):
    """A quantity of one product."""

    product_code: str
    quantity: Decimal


class StockChange(msgspec.Struct, frozen=True):
    """A change of one product's stock, negative for goods out. `price`: what a unit that comes in was bought for, IDR.

    None leaves the worth to Jurnal's average.
    """

    product_code: str
    quantity: Decimal
    price: Decimal | None = None


class CreateCustomer(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Make a registered customer known to Jurnal. `position` is the fact with the sealed name."""

    customer_id: str
    code: str
    position: int


class BookInvoice(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Book a completed order. `total` is what iSeller says and Jurnal's `original_amount` must equal, IDR.

    `customer_id` None is the walk-in contact. `header_discount` is taken off after tax. `deposit` > 0 is the first
    payment, received into `deposit_account`.
    """

    order_id: str
    order_reference: str
    transaction_date: date
    due_date: date
    warehouse: str
    walk_in_contact: str
    customer_id: str | None
    lines: tuple[InvoiceLine, ...]
    header_discount: Decimal
    total: Decimal
    deposit: Decimal
    deposit_account: str | None


class ReceivePayment(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Receive a payment on an invoice that is booked already."""

    order_id: str
    order_reference: str
    transaction_id: str
    transaction_date: date
    invoice_no: str
    amount: Decimal
    account: str
    payment_method: str


class TransferStock(msgspec.Struct, frozen=True, kw_only=True, tag=True, omit_defaults=True):
    """Move goods from one warehouse to another; `adjustment_id` is iSeller's stock action behind it.

    `is_return`: cancelled goods go back; the goods that the same action accepts are moved by a command of their own.
    """

    transfer_id: str
    transfer_number: str
    adjustment_id: str
    transaction_date: date
    from_warehouse: str
    to_warehouse: str
    lines: tuple[StockLine, ...]
    is_return: bool = False


class AdjustStock(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Change one warehouse's stock against an account; `adjustment_id` is iSeller's stock action behind it."""

    transfer_id: str
    transfer_number: str
    adjustment_id: str
    transaction_date: date
    warehouse: str
    account: str
    lines: tuple[StockChange, ...]


class DepositPayout(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Book a completed payout as a deposit of exactly what reaches the bank, out of the clearing account."""

    reference_id: str
    transaction_date: date
    account: str
    clearing_account: str
    contact: str
    amount: Decimal


class WithdrawPayoutFee(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Book a payout's fees: out of the clearing account, onto the fee account."""

    reference_id: str
    transaction_date: date
    clearing_account: str
    fee_account: str
    contact: str
    amount: Decimal


Command = (
    CreateCustomer | BookInvoice | ReceivePayment | TransferStock | AdjustStock | DepositPayout | WithdrawPayoutFee
)

ENCODER = msgspec.json.Encoder(order="deterministic", decimal_format="string")
DECODER: msgspec.json.Decoder[Command] = msgspec.json.Decoder(Command)
