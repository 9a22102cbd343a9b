"""Which of Jurnal's resources a command makes, and where it is found again."""

from typing import assert_never
from urllib.parse import quote

import msgspec

from projections.jurnal_commands.commands import (
    AdjustStock,
    BookInvoice,
    Command,
    CreateCustomer,
    DepositPayout,
    ReceivePayment,
    TransferStock,
    WithdrawPayoutFee,
)
from projections.jurnal_commands.identity import transaction_no
from service.jurnal.exchange import API, JurnalRequest


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
WAREHOUSE_TRANSFERS = Resource("warehouse_transfers", "warehouse_transfer")
STOCK_ADJUSTMENTS = Resource("stock_adjustments", "stock_adjustment")
BANK_DEPOSITS = Resource("bank_deposits", "bank_deposit")
BANK_WITHDRAWALS = Resource("bank_withdrawals", "bank_withdrawal")


def resource_of(command: Command) -> Resource:  # noqa: PLR0911 - one branch for each command
    """Return the resource a command makes one of."""
    match command:
        case CreateCustomer():
            return CUSTOMERS
        case BookInvoice():
            return SALES_INVOICES
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
        case _:
            assert_never(command)


def reference_of(command: Command) -> str:
    """Return what people call the thing behind a command."""
    match command:
        case CreateCustomer():
            return command.code
        case BookInvoice() | ReceivePayment():
            return command.order_reference
        case TransferStock() | AdjustStock():
            return command.transfer_number
        case DepositPayout() | WithdrawPayoutFee():
            return command.reference_id
        case _:
            assert_never(command)


def number_of(command: Command, command_id: str) -> str:
    """Return the document number a command asks for."""
    return transaction_no(command_id, reference_of(command))


def probe_for(command: Command, command_id: str) -> JurnalRequest:
    """Ask whether a command's document is there: by custom_id, or by its number where that is the only key it shows."""
    match command:
        case TransferStock():
            return _read(command, number_of(command, command_id))
        case AdjustStock():
            # "movement" is Stock In/Out; both words are needed, or the number is taken for an id.
            found_by = "?search_by=transaction_no&transaction_type=movement"
            return _read(command, number_of(command, command_id), found_by)
        case _:
            return _read(command, command_id)


def reading_of(command: Command, jurnal_id: int) -> JurnalRequest:
    """Ask for the record that a conflict names, to see whether it is ours."""
    return _read(command, str(jurnal_id))


def _read(command: Command, key: str, query: str = "") -> JurnalRequest:
    return JurnalRequest(method="GET", path=f"{resource_of(command).path}/{quote(key, safe='')}{query}")
