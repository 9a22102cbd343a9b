"""Reading Jurnal's answers: any 2xx of a resource into a Document, and whether that document is what we asked for.

Amounts come as text or number, dates as DD/MM/YYYY or YYYY-MM-DD, depending on the resource and its age.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, assert_never

import msgspec

from eventstore.facts.answers import Document
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
from service.jurnal.payloads import customer_mark
from service.jurnal.resources import number_of, resource_of

# Jurnal may keep fewer decimals than we send; it never keeps less than a cent.
AMOUNT_DIFFERENCE_IDR_MAX = Decimal("0.01")
Record = Mapping[str, Any]
_DECODE = msgspec.json.Decoder(float_hook=Decimal).decode
_ISO_DAY = re.compile(r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})")
_LOCAL_DAY = re.compile(r"(?P<day>\d{2})[/-](?P<month>\d{2})[/-](?P<year>\d{4})")


class UnreadableAnswer(ValueError):
    """The body is not what its resource documents: cut short, no JSON, or without the record."""


def read_json(body: bytes) -> Any:
    """Return the body's JSON with decimals exact. Raises UnreadableAnswer."""
    try:
        return _DECODE(body)
    except (msgspec.DecodeError, UnicodeDecodeError, InvalidOperation) as failed:
        raise UnreadableAnswer("the answer is not JSON") from failed


def read_decimal(value: Any) -> Decimal | None:
    """Return an amount or quantity that stands as number or plain text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, str, Decimal)):
        return None
    try:
        read = Decimal(value)
    except InvalidOperation:
        return None
    return read if read.is_finite() else None


def read_date(value: Any) -> date | None:
    """Return a date in either of Jurnal's spellings; None for anything else."""
    if not isinstance(value, str):
        return None
    found = _ISO_DAY.match(value) or _LOCAL_DAY.match(value)
    if found is None:
        return None
    try:
        return date(int(found["year"]), int(found["month"]), int(found["day"]))
    except ValueError:
        return None


def read_document(command: Command, body: bytes) -> tuple[Document, Record]:
    """Return what the ledger keeps of an answer, and the whole record. Raises UnreadableAnswer."""
    resource = resource_of(command)
    answer = read_json(body)
    record = answer.get(resource.singular) if isinstance(answer, dict) else None
    if not isinstance(record, dict):
        raise UnreadableAnswer(f"the answer holds no {resource.singular}")
    jurnal_id = record.get("id")
    if isinstance(jurnal_id, bool) or not isinstance(jurnal_id, int):
        raise UnreadableAnswer(f"the {resource.singular} of the answer has no id")
    is_invoice = isinstance(command, BookInvoice)
    document = Document(
        resource=resource.plural,
        jurnal_id=jurnal_id,
        transaction_no=_number(command, record),
        status=_text(_block(record, "transaction_status"), "name"),
        amount=_amount(command, record),
        # Only an invoice's remaining is money owed; a bank document repeats its amount there.
        remaining=read_decimal(record.get("remaining")) if is_invoice else None,
    )
    return document, record


def _amount(command: Command, record: Record) -> Decimal | None:
    match command:
        case BookInvoice() | DepositPayout() | WithdrawPayoutFee():
            return read_decimal(record.get("original_amount"))
        case ReceivePayment():
            return _settled(record)
        case CreateCustomer() | TransferStock() | AdjustStock():
            return None
        case _:
            assert_never(command)


def _settled(payment: Record) -> Decimal | None:
    """Return what a payment settles on all invoices; its `total` is net of what is withheld."""
    amounts = [read_decimal(row.get("amount")) for row in _rows(payment, "records")]
    if not amounts or None in amounts:
        return read_decimal(payment.get("total"))
    return sum((amount for amount in amounts if amount is not None), Decimal(0))


def matches(command: Command, command_id: str, record: Record) -> list[str]:
    """Return how a document differs from what its command asks for, in words; empty when it is that document."""
    return list(_differences(command, command_id, record))


def _differences(command: Command, command_id: str, record: Record) -> Iterator[str]:
    if record.get("deleted_at") is not None:
        yield "the document was deleted in Jurnal"
    match command:
        case CreateCustomer():
            yield from _customer_differences(command, command_id, record)
            return
        case BookInvoice():
            yield from _key_differences(command, command_id, record)
            yield from _invoice_differences(command, record)
        case ReceivePayment():
            yield from _differs("custom_id", command_id, _text(record, "custom_id"))
            yield from _payment_differences(command, record)
        case TransferStock():
            # A transfer's answer has no custom_id.
            yield from _differs("transaction_no", number_of(command, command_id), _text(record, "transaction_no"))
            yield from _transfer_differences(command, record)
        case AdjustStock():
            # Neither custom_id nor a number of its own: the number stands in its entry only.
            yield from _differs("transaction_no", number_of(command, command_id), _number(command, record))
            yield from _adjustment_differences(command, record)
            return
        case DepositPayout():
            yield from _key_differences(command, command_id, record)
            yield from _amount_differs("original_amount", command.amount, record.get("original_amount"))
            yield from _name_differs("deposit_to", command.account, record)
        case WithdrawPayoutFee():
            yield from _key_differences(command, command_id, record)
            yield from _amount_differs("original_amount", command.amount, record.get("original_amount"))
            yield from _name_differs("refund_from", command.clearing_account, record)
        case _:
            assert_never(command)
    yield from _differs("transaction_date", command.transaction_date, read_date(record.get("transaction_date")))


def _key_differences(command: Command, command_id: str, record: Record) -> Iterator[str]:
    yield from _differs("custom_id", command_id, _text(record, "custom_id"))
    yield from _differs("transaction_no", number_of(command, command_id), _text(record, "transaction_no"))


def _customer_differences(command: CreateCustomer, command_id: str, record: Record) -> Iterator[str]:
    """Compare custom_id, or where none is shown the mark in the display name; names stay unsaid."""
    custom_id = _text(record, "custom_id")
    if custom_id is not None:
        yield from _differs("custom_id", command_id, custom_id)
    elif not (_text(record, "display_name") or "").endswith(customer_mark(command)):
        yield f"display_name does not end with {customer_mark(command)}"


def _invoice_differences(command: BookInvoice, record: Record) -> Iterator[str]:
    yield from _amount_differs("original_amount", command.total, record.get("original_amount"))
    yield from _amount_differs("deposit", max(command.deposit, Decimal(0)), record.get("deposit") or 0)
    yield from _name_differs("warehouse", command.warehouse, record)
    if command.deposit > 0 and command.deposit_account is not None:
        yield from _name_differs("deposit_to", command.deposit_account, record)


def _payment_differences(command: ReceivePayment, record: Record) -> Iterator[str]:
    yield from _amount_differs("amount", command.amount, _settled(record))
    yield from _name_differs("deposit_to", command.account, record)
    paid = sorted({_text(row, "transaction_no") or "" for row in _rows(record, "records")})
    yield from _differs("invoice", [command.invoice_no], paid)


def _transfer_differences(command: TransferStock, record: Record) -> Iterator[str]:
    yield from _name_differs("from_warehouse", command.from_warehouse, record)
    yield from _name_differs("to_warehouse", command.to_warehouse, record)
    # The key of the lines is singular in answers; accept the plural of requests too.
    rows = _rows(record, "warehouse_transfer_line_attributes") or _rows(record, "warehouse_transfer_lines_attributes")
    yield from _quantity_differences([(line.product_code, line.quantity) for line in command.lines], rows, "quantity")


def _adjustment_differences(command: AdjustStock, record: Record) -> Iterator[str]:
    yield from _name_differs("warehouse", command.warehouse, record)
    yield from _name_differs("account", command.account, record)
    yield from _differs("date", command.transaction_date, read_date(record.get("date")))
    rows = _rows(record, "stock_adjustment_lines_attributes")
    changes = [(line.product_code, line.quantity) for line in command.lines]
    yield from _quantity_differences(changes, rows, "difference")


def _quantity_differences(wanted: list[tuple[str, Decimal]], rows: list[Record], field: str) -> Iterator[str]:
    """Compare quantities by product code, or their sum where a product of the answer shows no code."""
    codes = [_text(_block(row, "product"), "code") for row in rows]
    by_code = all(codes) and bool(rows)
    asked = _summed((code if by_code else "", quantity) for code, quantity in wanted)
    found = _summed(
        (code or "" if by_code else "", read_decimal(row.get(field)) or Decimal(0))
        for code, row in zip(codes, rows, strict=True)
    )
    for code in sorted({*asked, *found}):
        what = f"{field} of {code}" if code else field
        yield from _amount_differs(what, asked.get(code, Decimal(0)), found.get(code, Decimal(0)))


def _number(command: Command, record: Record) -> str | None:
    """Return a document's number; of a stock adjustment it stands behind its kind, as in `Stock In/Out#1001`."""
    if not isinstance(command, AdjustStock):
        return _text(record, "transaction_no")
    kind, _, number = (_text(_block(record, "entry"), "transaction_number") or "").partition("#")
    return number or kind or None


def _summed(quantities: Iterator[tuple[str, Decimal]]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for code, quantity in quantities:
        sums[code] = sums.get(code, Decimal(0)) + quantity
    return sums


def _differs(what: str, wanted: object, found: object) -> Iterator[str]:
    if wanted != found:
        yield f"{what} is {found}, not {wanted}"


def _amount_differs(what: str, wanted: Decimal, found: Any) -> Iterator[str]:
    read = read_decimal(found)
    if read is None or abs(read - wanted) > AMOUNT_DIFFERENCE_IDR_MAX:
        yield f"{what} is {read}, not {wanted}"


def _name_differs(stem: str, wanted: str, record: Record) -> Iterator[str]:
    """Compare the name in a block; letter case is not Jurnal's to tell apart, and Unassigned is told without a name."""
    block = _block(record, stem)
    found = _text(block, "name") or ("Unassigned" if block.get("id") == -1 else None)
    if found is None or found.casefold() != wanted.casefold():
        yield f"{stem} is {found}, not {wanted}"


def _text(record: Record, key: str) -> str | None:
    value = record.get(key)
    return value if isinstance(value, str) and value else None


def _block(record: Record, key: str) -> Record:
    value = record.get(key)
    return value if isinstance(value, dict) else {}


def _rows(record: Record, key: str) -> list[Record]:
    value = record.get(key)
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []
