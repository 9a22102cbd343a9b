"""How returns and the uses of credit memos differ from what was asked for, in words."""

from collections.abc import Iterator

from projections.jurnal_commands.commands import ApplyCredit, RefundCredit, ReturnSale
from service.jurnal.comparing import amount_differs, differs, name_differs, quantity_differences
from service.jurnal.marks import carries
from service.jurnal.reading import Record, block_of, rows_of, text_of


def of_return(command: ReturnSale, command_id: str, record: Record) -> Iterator[str]:
    """Compare mark, invoice, worth, warehouse and quantities; only the answer to a return's making shows codes."""
    if not carries(record.get("memo"), command_id):
        yield f"memo is {text_of(record, 'memo')}, without {command_id}"
    yield from differs("invoice_no", command.invoice_no, text_of(record, "invoice_no"))
    yield from amount_differs("return_amount", command.amount, record.get("return_amount"))
    yield from name_differs("warehouse", command.warehouse, record)
    back = [(line.product_code, line.quantity) for line in command.lines]
    yield from quantity_differences(back, [_coded(row) for row in returned_rows(record)], "return_quantity")


def returned_rows(record: Record) -> list[Record]:
    """Return the lines of a return."""
    return rows_of(record, "transaction_return_lines_attributes")


def _coded(row: Record) -> Record:
    code = text_of(block_of(block_of(row, "transaction_line"), "product"), "product_code")
    return {**row, "product": {"code": code}}


def of_refund(command: RefundCredit, command_id: str, record: Record) -> Iterator[str]:
    """Compare the line's mark, the amount and the account."""
    if not has_line_of(record, command_id):
        yield f"no line of the refund has {command_id} in its description"
    yield from amount_differs("original_amount", command.amount, record.get("original_amount"))
    found = text_of(record, "refund_from_name")
    if found is None or found.casefold() != command.account.casefold():
        yield f"refund_from is {found}, not {command.account}"


def has_line_of(record: Record, command_id: str) -> bool:
    """Tell whether a refund has a line with the identity in its description."""
    return any(carries(row.get("description"), command_id) for row in rows_of(record, "credit_memo_refund_lines"))


def of_application(command: ApplyCredit, record: Record) -> Iterator[str]:
    """Compare amount and invoice, which is all that an application shows of what it is for."""
    yield from amount_differs("original_amount", command.amount, record.get("original_amount"))
    paid = sorted({text_of(row, "transaction_no") or "" for row in rows_of(record, "records")})
    yield from differs("invoice", [command.invoice_no], paid)
