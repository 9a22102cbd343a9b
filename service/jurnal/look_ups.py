"""What must be read of Jurnal right before a command about an earlier document can be sent. Pure: see `Steps`.

Never kept for another send: an invoice's lines and a credit's rest change under our hands.
"""

from collections.abc import Mapping
from decimal import Decimal

from projections.jurnal_commands.commands import (
    ApplyCredit,
    Command,
    DeleteDuplicate,
    DeleteInvoice,
    RefundCredit,
    ReturnLine,
    ReturnSale,
    UpdateInvoice,
)
from service.jurnal.comparing import AMOUNT_DIFFERENCE_IDR_MAX
from service.jurnal.credit_differences import returned_rows
from service.jurnal.exchange import Steps
from service.jurnal.mark_of import mark_of
from service.jurnal.needs import Need, ResolvedIds
from service.jurnal.outcome import Absent, ProbeFailed, record_outcome
from service.jurnal.reading import Record, block_of, id_of, ids_of, read_decimal, rows_of, text_of
from service.jurnal.resources import CREDIT_MEMOS, LISTED, SALES_INVOICES, SALES_RETURNS, Resource, read
from service.jurnal.standing import (
    NOTHING_STANDS,
    CreditNow,
    Earlier,
    InvoiceNow,
    LineBack,
    LineNow,
    NotStanding,
    Standing,
)
from service.jurnal.wording import rupiah

# Rates of two lines of one product may differ by a hundredth.
_RATE_DIFFERENCE_IDR = Decimal("0.005")
_NOTHING = Decimal(0)
Stands = Standing | NotStanding | ProbeFailed


def earlier_needed(command: Command) -> str | None:
    """Return the command whose document must be known before `command` can be prepared or looked for."""
    match command:
        case DeleteInvoice():
            return command.invoice
        case RefundCredit() | ApplyCredit():
            return command.source
        case _:
            return None


def standing_for(  # noqa: PLR0911 - one branch for each command that hangs on something
    command: Command, ids: ResolvedIds, earlier: Earlier | None
) -> Steps[Stands]:
    """Read what a command hangs on. `earlier` answers `earlier_needed`."""
    match command:
        case UpdateInvoice():
            invoice = yield from invoice_now(command.invoice)
            return Standing(invoice=invoice) if isinstance(invoice, InvoiceNow) else invoice
        case DeleteDuplicate():
            return (yield from _for_deletion(command))
        case ReturnSale():
            return (yield from _for_return(command, ids))
        case RefundCredit():
            assert earlier is not None, "a refund names what made its credit"
            credit = yield from credit_now(earlier)
            if not isinstance(credit, CreditNow):
                return credit
            return _too_little(credit, command.amount) or Standing(credit=credit)
        case ApplyCredit():
            assert earlier is not None, "an application names what made its credit"
            return (yield from _for_application(command, earlier))
        case _:
            return NOTHING_STANDS


def read_record(resource: Resource, key: str | int) -> Steps[Record | Absent | ProbeFailed]:
    """Read one record."""
    answer = yield read(resource, str(key))
    return record_outcome(resource, answer)


def invoice_now(key: str) -> Steps[InvoiceNow | NotStanding | ProbeFailed]:
    """Read an invoice by its custom_id."""
    record = yield from read_record(SALES_INVOICES, key)
    match record:
        case Absent():
            return NotStanding(
                f"Jurnal has no invoice {key} any more: somebody deleted it or changed its key. "
                "Book what is left to do in Jurnal, then skip this"
            )
        case ProbeFailed():
            return record
        case _:
            return _invoice(record)


def _invoice(record: Record) -> InvoiceNow:
    jurnal_id = id_of(record)
    assert jurnal_id is not None, "a record that was read has an id"
    return InvoiceNow(
        jurnal_id=jurnal_id,
        number=text_of(record, "transaction_no") or "",
        remaining=read_decimal(record.get("remaining")) or _NOTHING,
        lines=tuple(_lines(record)),
        return_ids=ids_of(record, "sales_returns"),
        credit_memo_ids=ids_of(record, "credit_memos"),
        payment_ids=ids_of(record, "payments"),
    )


def _lines(record: Record) -> list[LineNow]:
    return [
        LineNow(
            line_id=line_id,
            product_id=id_of(block_of(row, "product")),
            tax_id=id_of(block_of(row, "line_tax")),
            quantity=read_decimal(row.get("quantity")) or _NOTHING,
            rate=read_decimal(row.get("rate")) or _NOTHING,
            has_return=row.get("has_return_line") is True,
        )
        for row in rows_of(record, "transaction_lines_attributes")
        if (line_id := id_of(row)) is not None
    ]


def credit_now(earlier: Earlier) -> Steps[CreditNow | NotStanding | ProbeFailed]:
    """Read the credit memo that a command made by hand, or that Jurnal made for a return."""
    if not isinstance(earlier.command, ReturnSale):
        return (yield from _credit_memo(earlier.document.jurnal_id))
    invoice = yield from invoice_now(earlier.command.invoice)
    if not isinstance(invoice, InvoiceNow):
        return invoice
    memo_id = _credit_memo_of(invoice, earlier.document.jurnal_id)
    if memo_id is None:
        return NotStanding(
            f"Jurnal shows no credit memo for the return {earlier.document.transaction_no} of invoice "
            f"{invoice.number}. If the invoice was not paid, there is nothing to pay back: skip this"
        )
    return (yield from _credit_memo(memo_id))


def _credit_memo_of(invoice: InvoiceNow, return_id: int) -> int | None:
    """Return the credit memo of a return: nothing names it, but Jurnal makes it right after its return.

    So it has the first id after that of its return, before that of the next one.
    """
    if len(invoice.return_ids) == 1 and len(invoice.credit_memo_ids) == 1:
        return invoice.credit_memo_ids[0]
    following = min((other for other in invoice.return_ids if other > return_id), default=None)
    found = [memo for memo in invoice.credit_memo_ids if memo > return_id and (following is None or memo < following)]
    return found[0] if len(found) == 1 else None


def _credit_memo(memo_id: int) -> Steps[CreditNow | NotStanding | ProbeFailed]:
    record = yield from read_record(CREDIT_MEMOS, memo_id)
    match record:
        case Absent():
            return NotStanding(f"Jurnal has no credit memo with the id {memo_id} any more: somebody deleted it")
        case ProbeFailed():
            return record
        case _:
            person_id = id_of(block_of(record, "person"))
            amount, left = read_decimal(record.get("original_amount")), read_decimal(record.get("remaining"))
            if person_id is None or amount is None or left is None:
                return ProbeFailed(reason="Jurnal's credit memo shows no person or no amount")
            number = text_of(record, "transaction_no") or str(memo_id)
            return CreditNow(jurnal_id=memo_id, number=number, person_id=person_id, amount=amount, remaining=left)


def _too_little(credit: CreditNow, amount: Decimal) -> NotStanding | None:
    if credit.remaining + AMOUNT_DIFFERENCE_IDR_MAX >= amount:
        return None
    return NotStanding(
        f"Credit memo {credit.number} has {rupiah(credit.remaining)} of {rupiah(credit.amount)} left, less than the "
        f"{rupiah(amount)} to be used. Somebody used it in Jurnal: undo that and retry, or skip this"
    )


def _for_application(command: ApplyCredit, earlier: Earlier) -> Steps[Stands]:
    invoice = yield from invoice_now(command.invoice)
    if not isinstance(invoice, InvoiceNow):
        return invoice
    if invoice.remaining + AMOUNT_DIFFERENCE_IDR_MAX < command.amount:
        return NotStanding(
            f"Invoice {invoice.number} owes {rupiah(invoice.remaining)}, less than the {rupiah(command.amount)} "
            "to be paid by credit. Somebody paid it in Jurnal: undo that and retry, or skip this"
        )
    credit = yield from credit_now(earlier)
    if not isinstance(credit, CreditNow):
        return credit
    return _too_little(credit, command.amount) or Standing(invoice=invoice, credit=credit)


def _for_return(command: ReturnSale, ids: ResolvedIds) -> Steps[Stands]:
    invoice = yield from invoice_now(command.invoice)
    if not isinstance(invoice, InvoiceNow):
        return invoice
    left = {line.line_id: line.quantity for line in invoice.lines}
    if any(line.has_return for line in _alike(command, invoice, ids)):
        returned = yield from _returned_before(invoice)
        if isinstance(returned, ProbeFailed):
            return returned
        left = {line_id: quantity - returned.get(line_id, _NOTHING) for line_id, quantity in left.items()}
    back: list[LineBack] = []
    for line in command.lines:
        taken = _taken(line, _lines_of(line, invoice, ids), left)
        if taken is None:
            return NotStanding(
                f"Invoice {invoice.number} in Jurnal has no line of {line.product_code} at {rupiah(line.rate)} with "
                f"{line.quantity.normalize():f} left to return: it was changed or returned there. "
                "Book the return in Jurnal, then skip this"
            )
        back += taken
    return Standing(invoice=invoice, lines_back=tuple(back))


def _for_deletion(command: DeleteDuplicate) -> Steps[Stands]:
    """Read both documents once more: only while the one that stays is there, is the other a duplicate."""
    resource = LISTED[command.resource]
    for jurnal_id in (command.kept_id, command.jurnal_id):
        record = yield from read_record(resource, jurnal_id)
        if isinstance(record, ProbeFailed):
            return record
        if isinstance(record, Absent) and jurnal_id == command.jurnal_id:
            return NOTHING_STANDS
        if isinstance(record, Absent) or mark_of(resource, record) != command.marked:
            return NotStanding(
                f"Of the two documents {command.number} in Jurnal, {jurnal_id} is gone or is another one by now: "
                "nothing is deleted. Skip this, and compare again: jurnalsync reconcile"
            )
    return NOTHING_STANDS


def _alike(command: ReturnSale, invoice: InvoiceNow, ids: ResolvedIds) -> list[LineNow]:
    """Return the lines between which the quantities that came back before must decide."""
    several = [lines for wanted in command.lines if len(lines := _lines_of(wanted, invoice, ids)) > 1]
    return [line for lines in several for line in lines]


def _lines_of(wanted: ReturnLine, invoice: InvoiceNow, ids: ResolvedIds) -> list[LineNow]:
    product_id = ids[Need("product", wanted.product_code)].jurnal_id
    return [
        line
        for line in invoice.lines
        if line.product_id == product_id and abs(line.rate - wanted.rate) < _RATE_DIFFERENCE_IDR
    ]


def _taken(wanted: ReturnLine, lines: list[LineNow], left: dict[int, Decimal]) -> list[LineBack] | None:
    """Take the quantity from one line that has enough of it, else from several; None where there is too little."""
    enough = [line for line in lines if left[line.line_id] >= wanted.quantity]
    open_, taken = wanted.quantity, []
    for line in enough[:1] or lines:
        quantity = min(open_, left[line.line_id])
        if quantity > 0:
            left[line.line_id] -= quantity
            open_ -= quantity
            taken.append(LineBack(line.line_id, quantity))
    return None if open_ > 0 else taken


def _returned_before(invoice: InvoiceNow) -> Steps[Mapping[int, Decimal] | ProbeFailed]:
    """Add up what came back of each line; Jurnal's invoice tells only that something did."""
    sums: dict[int, Decimal] = {}
    for return_id in invoice.return_ids:
        record = yield from read_record(SALES_RETURNS, return_id)
        if isinstance(record, ProbeFailed):
            return record
        rows = [] if isinstance(record, Absent) else returned_rows(record)
        for row in rows:
            line_id, quantity = id_of(row, "transaction_line_id"), read_decimal(row.get("return_quantity"))
            if line_id is not None and quantity is not None:
                sums[line_id] = sums.get(line_id, _NOTHING) + quantity
    return sums
