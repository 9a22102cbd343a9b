"""Any 2xx of a resource into a Document, and whether that document is what we asked for."""

from decimal import Decimal
from typing import assert_never

from eventstore.facts.answers import Document
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
from service.jurnal.differences import differences
from service.jurnal.reading import (
    Record,
    adjustment_number,
    block_of,
    read_decimal,
    read_json,
    record_in,
    settled_by,
    text_of,
)
from service.jurnal.resources import resource_of

DELETED = "Deleted"


def read_document(command: Command, body: bytes) -> tuple[Document, Record]:
    """Return what the ledger keeps of an answer, and the whole record. Raises UnreadableAnswer."""
    resource = resource_of(command)
    jurnal_id, record = record_in(read_json(body), resource.singular)
    # Only of an invoice and a credit memo is it money that is open; a bank document repeats its amount there.
    has_remaining = isinstance(command, (BookInvoice, UpdateInvoice, IssueCreditMemo))
    document = Document(
        resource=resource.plural,
        jurnal_id=jurnal_id,
        transaction_no=_number(command, record),
        status=text_of(block_of(record, "transaction_status"), "name"),
        amount=_amount(command, record),
        remaining=read_decimal(record.get("remaining")) if has_remaining else None,
    )
    return document, record


def deleted(document: Document) -> Document:
    """Return what the ledger keeps of a document that is gone."""
    return Document(
        resource=document.resource, jurnal_id=document.jurnal_id, transaction_no=document.transaction_no, status=DELETED
    )


def deleted_duplicate(command: DeleteDuplicate) -> Document:
    """Return what the ledger keeps of a duplicate that is gone."""
    return deleted(
        Document(resource=command.resource, jurnal_id=command.jurnal_id, transaction_no=command.number or None)
    )


def _amount(command: Command, record: Record) -> Decimal | None:
    match command:
        case (
            BookInvoice()
            | UpdateInvoice()
            | IssueCreditMemo()
            | RefundCredit()
            | ApplyCredit()
            | DepositPayout()
            | WithdrawPayoutFee()
        ):
            return read_decimal(record.get("original_amount"))
        case ReceivePayment():
            return settled_by(record)
        case ReturnSale():
            return read_decimal(record.get("return_amount"))
        case PostJournal():
            return read_decimal(record.get("total_debit"))
        case CreateCustomer() | CreateProduct() | TransferStock() | AdjustStock() | DeleteInvoice():
            return None
        case DeleteDuplicate():
            return None
        case _:
            assert_never(command)


def _number(command: Command, record: Record) -> str | None:
    if isinstance(command, AdjustStock):
        return adjustment_number(record)
    if isinstance(command, CreateProduct):
        return text_of(record, "product_code")
    return text_of(record, "transaction_no")


def matches(command: Command, command_id: str, record: Record) -> list[str]:
    """Return how a document differs from what its command asks for, in words; empty when it is that document."""
    return list(differences(command, command_id, record))
