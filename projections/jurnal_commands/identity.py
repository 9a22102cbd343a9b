"""The identity of a command: a pure function of the business object and the kind, made once, never changed.

Jurnal's `custom_id` is the identity itself: a prefix of letters, the store, a full stop (which no store's name
holds), and iSeller's own id, in `[A-Za-z0-9._-]`, at most 100 characters. A `#` or `/` would disable Jurnal's look-up,
and a bare number could be taken for one of its own ids.
"""

import re
from hashlib import sha256
from typing import assert_never

from projections.jurnal_commands.commands import (
    AdjustStock,
    ApplyCredit,
    BookInvoice,
    Command,
    CreateCustomer,
    CreateProduct,
    DeleteDuplicate,
    DeleteInvoice,
    DepositPayout,
    IssueCreditMemo,
    OrderCommand,
    PostJournal,
    ReceivePayment,
    RefundCredit,
    ReturnSale,
    TransferStock,
    UpdateInvoice,
    WithdrawPayoutFee,
)

_PLAIN = re.compile(r"[A-Za-z0-9._-]{1,50}")
_NOT_ALLOWED = re.compile(r"[^A-Za-z0-9._-]+")


def command_id(store_id: str, command: Command) -> str:  # noqa: PLR0911 - one branch for each command
    """Return the command's identity, which is also its `custom_id` in Jurnal."""
    match command:
        case CreateCustomer():
            return customer_command_id(store_id, command.customer_id)
        case CreateProduct():
            return product_command_id(store_id, command.product_code)
        case TransferStock():
            return _identity("ret" if command.is_return else "trf", store_id, command.adjustment_id)
        case AdjustStock():
            return _identity("adj", store_id, command.adjustment_id)
        case PostJournal():
            return _identity("jnl", store_id, command.journal_id)
        case DepositPayout():
            return _identity("dep", store_id, command.reference_id)
        case WithdrawPayoutFee():
            return _identity("fee", store_id, command.reference_id)
        case DeleteDuplicate():
            return _identity("dup", store_id, f"{command.resource}.{command.jurnal_id}")
        case _:
            return _order_command_id(store_id, command)


def _order_command_id(store_id: str, command: OrderCommand) -> str:  # noqa: PLR0911 - one branch for each command
    order_id = command.order_id
    match command:
        case BookInvoice():
            return invoice_command_id(store_id, order_id, command.revision)
        case ReceivePayment():
            return payment_command_id(store_id, order_id, command.transaction_id, command.revision)
        case UpdateInvoice():
            return update_command_id(store_id, command.invoice, command.change)
        case DeleteInvoice():
            return deletion_command_id(store_id, command.invoice)
        case ReturnSale():
            return _identity("srn", store_id, f"{order_id}:{command.return_id}")
        case IssueCreditMemo():
            return _identity("crm", store_id, f"{order_id}:{command.credit_id}")
        case RefundCredit():
            return _identity("rfd", store_id, f"{order_id}:{command.refund_id}")
        case ApplyCredit():
            return _identity("apl", store_id, f"{order_id}:{command.apply_id}")
        case _:
            assert_never(command)


def customer_command_id(store_id: str, customer_id: str) -> str:
    """Return the identity of the command that makes a customer known."""
    return _identity("cus", store_id, customer_id)


def product_command_id(store_id: str, product_code: str) -> str:
    """Return the identity of the command that makes a product."""
    return _identity("prd", store_id, product_code)


def invoice_command_id(store_id: str, order_id: str, revision: int = 1) -> str:
    """Return the identity of the command that books an order's invoice, for the `revision`-th time."""
    return _identity("inv", store_id, order_id if revision == 1 else f"{revision}:{order_id}")


def payment_command_id(store_id: str, order_id: str, transaction_id: str, revision: int = 1) -> str:
    """Return the identity of the command that receives a payment: transaction ids may repeat between orders."""
    again = "" if revision == 1 else f"{revision}:"
    return _identity("pay", store_id, f"{again}{order_id}:{transaction_id}")


def update_command_id(store_id: str, invoice: str, change: int) -> str:
    """Return the identity of the command that changes an invoice (a command's id) for the `change`-th time."""
    return _identity("upd", store_id, f"{change}:{invoice}")


def deletion_command_id(store_id: str, invoice: str) -> str:
    """Return the identity of the command that deletes an invoice (a command's id)."""
    return _identity("del", store_id, invoice)


def return_command_id(store_id: str, adjustment_id: str) -> str:
    """Return the identity of the command that moves a stock action's cancelled goods back."""
    return _identity("ret", store_id, adjustment_id)


def transaction_no(command_id: str, reference: str) -> str:
    """Return the document number people see: iSeller's reference, and 8 hex digits that keep it unique."""
    prefix = command_id.split("-", 1)[0].upper()
    readable = _NOT_ALLOWED.sub("-", reference).strip("-")[:40]
    return f"{prefix}-{readable}-{sha256(command_id.encode()).hexdigest()[:8]}"


def is_number_of(number: str, command_id: str) -> bool:
    """Tell whether a document number was made from this identity: its last 8 digits prove it."""
    return number.rpartition("-")[2] == sha256(command_id.encode()).hexdigest()[:8]


def commands_of_record(store_id: str, record_id: str) -> tuple[str, ...]:
    """Return the commands of a record that is told by its name alone and may be skipped.

    Not of a customer: all its sales need the contact, the later ones too, and would never be booked.
    """
    kind, _, object_id = record_id.partition("-")
    prefixes = {"product": ("prd",), "payout": ("dep", "fee"), "duplicate": ("dup",)}.get(kind, ())
    return tuple(_identity(prefix, store_id, object_id) for prefix in prefixes)


def _identity(prefix: str, store_id: str, object_id: str) -> str:
    if _PLAIN.fullmatch(object_id):
        return f"{prefix}-{store_id}.{object_id}"
    # Longer than any plain id, so the two can never be the same.
    return f"{prefix}-{store_id}.x{sha256(object_id.encode()).hexdigest()}"[:100]
