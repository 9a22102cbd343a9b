"""How a document of Jurnal's differs from what its command asks for, in words, document by document."""

from collections.abc import Iterator
from decimal import Decimal
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
    PostJournal,
    ReceivePayment,
    RefundCredit,
    ReturnSale,
    TransferStock,
    UpdateInvoice,
    WithdrawPayoutFee,
)
from service.jurnal import credit_differences
from service.jurnal.comparing import amount_differs, differs, name_differs, quantity_differences, summed
from service.jurnal.marks import customer_mark
from service.jurnal.reading import (
    Record,
    adjustment_number,
    block_of,
    read_date,
    read_decimal,
    rows_of,
    settled_by,
    text_of,
)
from service.jurnal.resources import customer_key, number_of


def differences(  # noqa: C901, PLR0912 - one branch for each command
    command: Command, command_id: str, record: Record
) -> Iterator[str]:
    """Yield how a document differs from what its command asks for, in words."""
    if record.get("deleted_at") is not None:
        yield "the document was deleted in Jurnal"
    match command:
        case CreateCustomer():
            yield from _customer_differences(command, command_id, record)
            return
        case CreateProduct():
            yield from _product_differences(command, record)
            return
        case BookInvoice():
            yield from _key_differences(command, command_id, record)
            yield from _invoice_differences(command, record)
        case UpdateInvoice():
            yield from differs("custom_id", command.invoice, text_of(record, "custom_id"))
            yield from _changed_invoice_differences(command, record)
            return
        case DeleteInvoice() | DeleteDuplicate():
            return
        case ReturnSale():
            yield from credit_differences.of_return(command, command_id, record)
        case IssueCreditMemo():
            yield from _key_differences(command, command_id, record)
            yield from amount_differs("original_amount", command.amount, record.get("original_amount"))
        case RefundCredit():
            yield from credit_differences.of_refund(command, command_id, record)
        case ApplyCredit():
            yield from credit_differences.of_application(command, record)
            return
        case PostJournal():
            yield from _key_differences(command, command_id, record)
            yield from _journal_differences(command, record)
        case ReceivePayment():
            yield from differs("custom_id", command_id, text_of(record, "custom_id"))
            yield from _payment_differences(command, record)
        case TransferStock():
            # A transfer's answer has no custom_id.
            yield from differs("transaction_no", number_of(command, command_id), text_of(record, "transaction_no"))
            yield from _transfer_differences(command, record)
        case AdjustStock():
            # Neither custom_id nor a number of its own: the number stands in its entry only.
            yield from differs("transaction_no", number_of(command, command_id), adjustment_number(record))
            yield from _adjustment_differences(command, record)
            return
        case DepositPayout():
            yield from _key_differences(command, command_id, record)
            yield from amount_differs("original_amount", command.amount, record.get("original_amount"))
            yield from name_differs("deposit_to", command.account, record)
        case WithdrawPayoutFee():
            yield from _key_differences(command, command_id, record)
            yield from amount_differs("original_amount", command.amount, record.get("original_amount"))
            yield from name_differs("refund_from", command.clearing_account, record)
        case _:
            assert_never(command)
    yield from differs("transaction_date", command.transaction_date, read_date(record.get("transaction_date")))


def _key_differences(command: Command, command_id: str, record: Record) -> Iterator[str]:
    yield from differs("custom_id", command_id, text_of(record, "custom_id"))
    yield from differs("transaction_no", number_of(command, command_id), text_of(record, "transaction_no"))


def _customer_differences(command: CreateCustomer, command_id: str, record: Record) -> Iterator[str]:
    """Compare custom_id, or where none is shown the mark in the display name; names stay unsaid.

    Where iSeller's id is somebody else's in Jurnal, the customer has an identity of ours.
    """
    custom_id = text_of(record, "custom_id")
    if custom_id == command_id:
        return
    if custom_id is not None:
        yield from differs("custom_id", customer_key(command, command_id), custom_id)
    elif not (text_of(record, "display_name") or "").endswith(customer_mark(command)):
        yield f"display_name does not end with {customer_mark(command)}"


def _invoice_differences(command: BookInvoice, record: Record) -> Iterator[str]:
    yield from amount_differs("original_amount", command.total, record.get("original_amount"))
    yield from amount_differs("deposit", max(command.deposit, Decimal(0)), record.get("deposit") or 0)
    yield from name_differs("warehouse", command.warehouse, record)
    if command.deposit > 0 and command.deposit_account is not None:
        yield from name_differs("deposit_to", command.deposit_account, record)


def _changed_invoice_differences(command: UpdateInvoice, record: Record) -> Iterator[str]:
    content = command.content
    yield from _invoice_differences(content, record)
    yield from differs("transaction_date", content.transaction_date, read_date(record.get("transaction_date")))
    yield from differs("due_date", content.due_date, read_date(record.get("due_date")))
    sold = [(line.product_code, line.quantity) for line in content.lines]
    yield from quantity_differences(sold, rows_of(record, "transaction_lines_attributes"), "quantity")


def _journal_differences(command: PostJournal, record: Record) -> Iterator[str]:
    """Compare what each account gets, debits less credits."""
    asked = summed((line.account.casefold(), line.debit - line.credit) for line in command.lines)
    found = summed(
        (
            (text_of(block_of(row, "account"), "name") or "").casefold(),
            (read_decimal(row.get("debit")) or Decimal(0)) - (read_decimal(row.get("credit")) or Decimal(0)),
        )
        for row in rows_of(record, "transaction_account_lines")
    )
    for account in sorted({*asked, *found}):
        nothing = Decimal(0)
        yield from amount_differs(f"the change of {account}", asked.get(account, nothing), found.get(account, nothing))


def _product_differences(command: CreateProduct, record: Record) -> Iterator[str]:
    """Compare what documents depend on: a product that somebody made by hand under the same code serves as well."""
    yield from differs("product_code", command.product_code, (text_of(record, "product_code") or "").strip())
    yield from differs("track_inventory", command.track_inventory, record.get("track_inventory") is True)
    if record.get("archive") is True:
        yield "the product is archived"
    if command.sell_account is not None:
        yield from name_differs("sell_account", command.sell_account, record)


def _payment_differences(command: ReceivePayment, record: Record) -> Iterator[str]:
    yield from amount_differs("amount", command.amount, settled_by(record))
    yield from name_differs("deposit_to", command.account, record)
    paid = sorted({text_of(row, "transaction_no") or "" for row in rows_of(record, "records")})
    yield from differs("invoice", [command.invoice_no], paid)


def _transfer_differences(command: TransferStock, record: Record) -> Iterator[str]:
    yield from name_differs("from_warehouse", command.from_warehouse, record)
    yield from name_differs("to_warehouse", command.to_warehouse, record)
    # The key of the lines is singular in answers; accept the plural of requests too.
    rows = rows_of(record, "warehouse_transfer_line_attributes") or rows_of(
        record, "warehouse_transfer_lines_attributes"
    )
    yield from quantity_differences([(line.product_code, line.quantity) for line in command.lines], rows, "quantity")


def _adjustment_differences(command: AdjustStock, record: Record) -> Iterator[str]:
    yield from name_differs("warehouse", command.warehouse, record)
    yield from name_differs("account", command.account, record)
    yield from differs("date", command.transaction_date, read_date(record.get("date")))
    rows = rows_of(record, "stock_adjustment_lines_attributes")
    changes = [(line.product_code, line.quantity) for line in command.lines]
    yield from quantity_differences(changes, rows, "difference")
