"""What of Jurnal's a command names, and must be known before it can be sent."""

from collections.abc import Iterable, Mapping
from typing import Literal, assert_never

import msgspec

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
    PostJournal,
    ReceivePayment,
    RefundCredit,
    ReturnSale,
    TransferStock,
    UpdateInvoice,
    WithdrawPayoutFee,
)

NeedKind = Literal["account", "contact", "customer", "payment_method", "product", "tax", "warehouse"]


class Need(msgspec.Struct, frozen=True):
    """A thing of Jurnal's that a command names. A `customer` is known by its CreateCustomer, the rest by look-up."""

    kind: NeedKind
    key: str


class Known(msgspec.Struct, frozen=True):
    """A thing of Jurnal's master data: its id, and its name as Jurnal spells it."""

    jurnal_id: int
    name: str


Needed = tuple[Need, ...]
ResolvedIds = Mapping[Need, Known]


def needed(command: Command) -> Needed:
    """Return what must be looked up before a command can be sent, each once, in the order it is named."""
    return tuple(dict.fromkeys(_needs(command)))


def _needs(command: Command) -> list[Need]:  # noqa: C901, PLR0911, PLR0912 - one branch for each command
    match command:
        case CreateCustomer() | DeleteInvoice() | DeleteDuplicate() | ApplyCredit():
            return []
        case BookInvoice():
            return _invoice_needs(command)
        case UpdateInvoice():
            return _invoice_needs(command.content)
        case ReceivePayment():
            return [Need("account", command.account), Need("payment_method", command.payment_method)]
        case ReturnSale():
            return [Need("warehouse", command.warehouse), *_products(line.product_code for line in command.lines)]
        case IssueCreditMemo():
            return [buyer(command), Need("account", command.account)]
        case RefundCredit():
            return [Need("account", command.account)]
        case TransferStock():
            ends = [Need("warehouse", command.from_warehouse), Need("warehouse", command.to_warehouse)]
            return [*ends, *_products(line.product_code for line in command.lines)]
        case AdjustStock():
            place = [Need("warehouse", command.warehouse), Need("account", command.account)]
            return [*place, *_products(line.product_code for line in command.lines)]
        case PostJournal():
            return _accounts(*(line.account for line in command.lines))
        case CreateProduct():
            return _accounts(command.sell_account, command.inventory_account, command.cost_account)
        case DepositPayout():
            return [*_accounts(command.account, command.clearing_account), Need("contact", command.contact)]
        case WithdrawPayoutFee():
            return [*_accounts(command.clearing_account, command.fee_account), Need("contact", command.contact)]
        case _:
            assert_never(command)


def _accounts(*names: str | None) -> list[Need]:
    return [Need("account", name) for name in names if name is not None]


def _products(codes: Iterable[str]) -> list[Need]:
    return [Need("product", code) for code in codes]


def _invoice_needs(invoice: BookInvoice) -> list[Need]:
    taxes = [Need("tax", line.tax_name) for line in invoice.lines if line.tax_name is not None]
    products = _products(line.product_code for line in invoice.lines)
    return [buyer(invoice), Need("warehouse", invoice.warehouse), *products, *taxes, *deposit_need(invoice)]


def buyer(command: BookInvoice | IssueCreditMemo) -> Need:
    """Return the contact of a sale: the registered customer, else the walk-in one."""
    if command.customer_id is None:
        return Need("contact", command.walk_in_contact)
    return Need("customer", command.customer_id)


def deposit_need(invoice: BookInvoice) -> list[Need]:
    """Return the account that takes an invoice's deposit; none without a deposit."""
    if invoice.deposit <= 0:
        return []
    assert invoice.deposit_account is not None, "a deposit goes into an account"
    return [Need("account", invoice.deposit_account)]
