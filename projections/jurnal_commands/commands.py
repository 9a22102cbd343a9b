"""The commands: what may be asked of Jurnal. Imperative, a closed union, named in Jurnal's and the mapping's words.

Accounts, warehouses, taxes and contacts are names and products are codes; the dispatcher turns them into Jurnal's ids
when it sends. No personal value stands in a command: `CreateCustomer` points at the fact that holds it sealed.
"""

from datetime import date
from decimal import Decimal
from typing import get_args

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
    """Make a registered customer known to Jurnal. `position` is the fact with the sealed name.

    `own_id`: iSeller's id of the customer, which Jurnal is to use too; None: an identity of ours.
    """

    customer_id: str
    code: str
    position: int
    own_id: str | None = None


class BookInvoice(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Book a completed order. `total` is what iSeller says and Jurnal's `original_amount` must equal, IDR.

    `customer_id` None is the walk-in contact. `header_discount` is taken off after tax. `deposit` > 0 is the first
    payment, received into `deposit_account` by `deposit_method`. `revision`: 1, and one more each time the order is
    booked anew.
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
    deposit_method: str | None = None
    revision: int = 1


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
    revision: int = 1


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
    """Change one warehouse's stock against an account; `adjustment_id` is iSeller's stock action behind it.

    For the goods of an order `transfer_id` and `transfer_number` are the order's id and reference.
    """

    transfer_id: str
    transfer_number: str
    adjustment_id: str
    transaction_date: date
    warehouse: str
    account: str
    lines: tuple[StockChange, ...]


class ReturnLine(msgspec.Struct, frozen=True, kw_only=True):
    """So much of the invoice line that has this product and rate (IDR, net)."""

    product_code: str
    quantity: Decimal
    rate: Decimal


class JournalLine(msgspec.Struct, frozen=True, kw_only=True):
    """One side of a journal entry in IDR; exactly one of `debit` and `credit` is above zero."""

    account: str
    debit: Decimal = Decimal(0)
    credit: Decimal = Decimal(0)


class UpdateInvoice(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Give the invoice that `invoice` made (a command's id) the content of `content`: the `change`-th one."""

    order_id: str
    order_reference: str
    invoice: str
    change: int
    content: BookInvoice


class DeleteInvoice(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Delete the invoice that `invoice` made (a command's id), with its deposit."""

    order_id: str
    order_reference: str
    invoice: str


class ReturnSale(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Return lines of the invoice that `invoice` made (a command's id); goods come back to `warehouse`.

    `return_id` is unique within the order. `amount`: what it is worth by Jurnal's arithmetic, tax included, IDR.
    """

    order_id: str
    order_reference: str
    return_id: str
    invoice: str
    invoice_no: str
    transaction_date: date
    warehouse: str
    lines: tuple[ReturnLine, ...]
    amount: Decimal


class IssueCreditMemo(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Credit a customer by hand, against `account`: money given back without goods."""

    order_id: str
    order_reference: str
    credit_id: str
    transaction_date: date
    walk_in_contact: str
    customer_id: str | None
    account: str
    amount: Decimal


class RefundCredit(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Pay a credit out of a Cash & Bank `account`. `source`: the command (a return or credit memo) that made it."""

    order_id: str
    order_reference: str
    refund_id: str
    source: str
    transaction_date: date
    walk_in_contact: str
    customer_id: str | None
    account: str
    amount: Decimal


class ApplyCredit(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Use a credit to pay the invoice that `invoice` made. `source`: the command that made the credit."""

    order_id: str
    order_reference: str
    apply_id: str
    source: str
    invoice: str
    invoice_no: str
    walk_in_contact: str
    customer_id: str | None
    amount: Decimal


class PostJournal(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Post a journal entry; debits equal credits. `journal_id` tells what for, unique within the store."""

    journal_id: str
    reference: str
    transaction_date: date
    lines: tuple[JournalLine, ...]


class CreateProduct(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Make a product that iSeller has and Jurnal has not. Prices in IDR; accounts None are Jurnal's defaults."""

    product_code: str
    name: str
    unit: str
    track_inventory: bool
    sell_price: Decimal
    buy_price: Decimal
    sell_account: str | None = None
    inventory_account: str | None = None
    cost_account: str | None = None


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


class DeleteDuplicate(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Delete the document `jurnal_id`, the second one with the mark of the command `marked`; `kept_id` stays.

    `resource`: as in Jurnal's paths. `number`: what people call the one that goes. `amount` in IDR, where it has one.
    """

    resource: str
    jurnal_id: int
    kept_id: int
    marked: str
    number: str
    amount: Decimal | None


OrderCommand = (
    BookInvoice
    | ReceivePayment
    | UpdateInvoice
    | DeleteInvoice
    | ReturnSale
    | IssueCreditMemo
    | RefundCredit
    | ApplyCredit
)
Command = (
    OrderCommand
    | CreateCustomer
    | CreateProduct
    | TransferStock
    | AdjustStock
    | PostJournal
    | DepositPayout
    | WithdrawPayoutFee
    | DeleteDuplicate
)

KINDS = tuple(kind.__name__ for kind in get_args(Command))
ENCODER = msgspec.json.Encoder(order="deterministic", decimal_format="string")
DECODER: msgspec.json.Decoder[Command] = msgspec.json.Decoder(Command)
