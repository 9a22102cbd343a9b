"""Which of Jurnal's resources a command makes, and where it is found again."""

import re
from typing import assert_never
from urllib.parse import quote

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
from projections.jurnal_commands.identity import transaction_no
from service.jurnal.exchange import API, JurnalRequest

_KEY = re.compile(r"[A-Za-z0-9._-]{1,100}")


class Resource(msgspec.Struct, frozen=True):
    """A resource: `plural` stands in its path, `singular` wraps requests and answers."""

    plural: str
    singular: str

    @property
    def path(self) -> str:
        """Return the path of the collection."""
        return f"{API}/{self.plural}"


CUSTOMERS = Resource("customers", "customer")
SALES_INVOICES = Resource("sales_invoices", "sales_invoice")
RECEIVE_PAYMENTS = Resource("receive_payments", "receive_payment")
SALES_RETURNS = Resource("sales_returns", "sales_return")
CREDIT_MEMOS = Resource("credit_memos", "credit_memo")
CREDIT_REFUNDS = Resource("customer_credit_memo_refund", "customer_credit_memo_refund")
CREDIT_APPLICATIONS = Resource("customer_apply_credit_memo", "customer_apply_credit_memo")
JOURNAL_ENTRIES = Resource("journal_entries", "journal_entry")
PRODUCTS = Resource("products", "product")
WAREHOUSE_TRANSFERS = Resource("warehouse_transfers", "warehouse_transfer")
STOCK_ADJUSTMENTS = Resource("stock_adjustments", "stock_adjustment")
BANK_DEPOSITS = Resource("bank_deposits", "bank_deposit")
BANK_WITHDRAWALS = Resource("bank_withdrawals", "bank_withdrawal")
# What commands make one of and Jurnal lists, for comparing; refunds and uses of credits it lists not.
LISTED = {
    resource.plural: resource
    for resource in (
        SALES_INVOICES,
        RECEIVE_PAYMENTS,
        SALES_RETURNS,
        CREDIT_MEMOS,
        JOURNAL_ENTRIES,
        WAREHOUSE_TRANSFERS,
        STOCK_ADJUSTMENTS,
        BANK_DEPOSITS,
        BANK_WITHDRAWALS,
    )
}


def resource_of(command: Command) -> Resource:  # noqa: C901, PLR0911, PLR0912 - one branch for each command
    """Return the resource a command makes, changes or deletes one of."""
    match command:
        case CreateCustomer():
            return CUSTOMERS
        case CreateProduct():
            return PRODUCTS
        case BookInvoice() | UpdateInvoice() | DeleteInvoice():
            return SALES_INVOICES
        case ReturnSale():
            return SALES_RETURNS
        case IssueCreditMemo():
            return CREDIT_MEMOS
        case RefundCredit():
            return CREDIT_REFUNDS
        case ApplyCredit():
            return CREDIT_APPLICATIONS
        case PostJournal():
            return JOURNAL_ENTRIES
        case ReceivePayment():
            return RECEIVE_PAYMENTS
        case TransferStock():
            return WAREHOUSE_TRANSFERS
        case AdjustStock():
            return STOCK_ADJUSTMENTS
        case DepositPayout():
            return BANK_DEPOSITS
        case WithdrawPayoutFee():
            return BANK_WITHDRAWALS
        case DeleteDuplicate():
            return LISTED[command.resource]
        case _:
            assert_never(command)


def reference_of(command: Command) -> str:  # noqa: PLR0911 - one branch for each way to name it
    """Return what people call the thing behind a command."""
    match command:
        case CreateCustomer():
            return command.code
        case CreateProduct():
            return command.product_code
        case PostJournal():
            return command.reference
        case TransferStock() | AdjustStock():
            return command.transfer_number
        case DepositPayout() | WithdrawPayoutFee():
            return command.reference_id
        case DeleteDuplicate():
            return command.number
        case (
            BookInvoice()
            | ReceivePayment()
            | UpdateInvoice()
            | DeleteInvoice()
            | ReturnSale()
            | IssueCreditMemo()
            | RefundCredit()
            | ApplyCredit()
        ):
            return command.order_reference
        case _:
            assert_never(command)


def number_of(command: Command, command_id: str) -> str:
    """Return the document number a command asks for; of a change or a delete, that of the document it is about."""
    if isinstance(command, DeleteDuplicate):
        return command.number
    if isinstance(command, (UpdateInvoice, DeleteInvoice)):
        return transaction_no(command.invoice, command.order_reference)
    return transaction_no(command_id, reference_of(command))


def probe_for(command: Command, command_id: str) -> JurnalRequest:
    """Ask for what a command made, by custom_id, or by its number where that is the only key it shows.

    Of a change or a delete: ask for its document.
    """
    match command:
        case TransferStock():
            return read(resource_of(command), number_of(command, command_id))
        case AdjustStock():
            # "movement" is Stock In/Out; both words are needed, or the number is taken for an id.
            found_by = "?search_by=transaction_no&transaction_type=movement"
            return read(resource_of(command), number_of(command, command_id), found_by)
        case UpdateInvoice() | DeleteInvoice():
            return read(SALES_INVOICES, command.invoice)
        case DeleteDuplicate():
            return read(resource_of(command), str(command.jurnal_id))
        case CreateCustomer():
            return read(CUSTOMERS, customer_key(command, command_id))
        case _:
            return read(resource_of(command), command_id)


def reading_of(command: Command, jurnal_id: int) -> JurnalRequest:
    """Ask for the record that a conflict names, to see whether it is ours."""
    return read(resource_of(command), str(jurnal_id))


def is_keyed(command: Command) -> bool:
    """Tell whether a document that has our key is ours: what a conflict names may be read by its id."""
    return not isinstance(
        command, (UpdateInvoice, DeleteInvoice, DeleteDuplicate, ReturnSale, RefundCredit, ApplyCredit)
    )


def read(resource: Resource, key: str, query: str = "") -> JurnalRequest:
    """Ask for one record by what its path takes: an id, mostly a custom_id too."""
    return JurnalRequest(method="GET", path=f"{resource.path}/{quote(key, safe='')}{query}")


def search(type_id: int, words: str, page: int = 1) -> JurnalRequest:
    """Ask for transactions of a type by a part of their number, newest first."""
    query = f"q={quote(words, safe='')}&page={page}&type={type_id}"
    return JurnalRequest(method="GET", path=f"{API}/select2_resources/get_transaction?{query}")


def customer_key(command: CreateCustomer, command_id: str) -> str:
    """Return a customer's custom_id: iSeller's own where Jurnal can find it again by it, else the identity."""
    own = command.own_id or ""
    # A bare number could be taken for one of Jurnal's own ids, other signs break the path.
    return own if _KEY.fullmatch(own) and not own.isdecimal() else command_id
