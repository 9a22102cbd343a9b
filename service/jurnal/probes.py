"""Whether what a command asked for is in Jurnal, when its answer was lost. Pure: see `Steps`.

By key where the document has one; through its parent, by the identity in memo or line, where it has none. Using a
credit for an invoice leaves no mark at all: only what was left and owed before tells.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeVar

import msgspec

from projections.jurnal_commands.commands import (
    ApplyCredit,
    Command,
    DeleteDuplicate,
    DeleteInvoice,
    IssueCreditMemo,
    RefundCredit,
    ReturnSale,
    UpdateInvoice,
)
from service.jurnal.comparing import AMOUNT_DIFFERENCE_IDR_MAX
from service.jurnal.credit_differences import has_line_of
from service.jurnal.documents import deleted, deleted_duplicate
from service.jurnal.exchange import Steps
from service.jurnal.look_ups import credit_now, invoice_now, read_record
from service.jurnal.marks import carries, is_marked
from service.jurnal.outcome import Absent, Ambiguous, Found, ProbeFailed, ProbeOutcome, probe_outcome, rows_outcome
from service.jurnal.reading import Record, id_of, ids_of, read_decimal, rows_of, text_of
from service.jurnal.resources import SALES_INVOICES, number_of, probe_for, read, resource_of, search
from service.jurnal.standing import CreditNow, Earlier, InvoiceNow, NotStanding
from service.jurnal.wording import rupiah

Stands = TypeVar("Stands", CreditNow, InvoiceNow)
_CREDIT_MEMO_TYPE = 13
_REFUND_TYPE = 15
# More refunds than one company pays out while an attempt is unknown.
_REFUNDS_READ_MAX = 60
_SKEW = timedelta(seconds=300)


class Before(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the lost attempt: when it was signed, and what its credit had left and its invoice owed, IDR.

    `vouched`: a person released the command since, and answers for what cannot be looked up.
    """

    signed_at: datetime | None = None
    credit: Decimal | None = None
    owed: Decimal | None = None
    vouched: bool = False


def probing(  # noqa: PLR0911 - one branch for each way to look
    command: Command, command_id: str, earlier: Earlier | None, before: Before
) -> Steps[ProbeOutcome]:
    """Look for what a command made. `earlier` is what `look_ups.earlier_needed` names."""
    match command:
        case UpdateInvoice():
            return (yield from _changed(command, command_id))
        case DeleteInvoice():
            assert earlier is not None, "a delete is sent for a known invoice"
            found = probe_outcome(command, (yield probe_for(command, command_id)))
            if isinstance(found, Absent):
                return Found(document=deleted(earlier.document), record={})
            return Absent() if isinstance(found, Found) else found
        case DeleteDuplicate():
            found = probe_outcome(command, (yield probe_for(command, command_id)))
            if isinstance(found, Absent):
                return Found(document=deleted_duplicate(command), record={})
            return Absent() if isinstance(found, Found) else found
        case ReturnSale():
            return (yield from _returned(command, command_id, before))
        case IssueCreditMemo():
            return (yield from _issued(command, command_id))
        case RefundCredit():
            assert earlier is not None, "a refund names what made its credit"
            return (yield from _refunded(command, command_id, earlier, before))
        case ApplyCredit():
            assert earlier is not None, "an application names what made its credit"
            return (yield from _applied(command, earlier, before))
        case _:
            return probe_outcome(command, (yield probe_for(command, command_id)))


def _changed(command: UpdateInvoice, command_id: str) -> Steps[ProbeOutcome]:
    """Tell by the invoice's memo, which every change writes anew.

    A change that is made twice leaves what one leaves. It waits for the fence all the same: an attempt that wakes up
    after the next change would undo that one.
    """
    found = probe_outcome(command, (yield probe_for(command, command_id)))
    return found if not isinstance(found, Found) or carries(found.record.get("memo"), command_id) else Absent()


def _returned(command: ReturnSale, command_id: str, before: Before) -> Steps[ProbeOutcome]:
    """Go through the returns of the invoice for the one with our identity in its memo."""
    invoice = yield from read_record(SALES_INVOICES, command.invoice)
    if isinstance(invoice, (Absent, ProbeFailed)):
        return invoice
    alike = []
    for return_id in ids_of(invoice, "sales_returns"):
        found = probe_outcome(command, (yield read(resource_of(command), str(return_id))))
        if isinstance(found, ProbeFailed):
            return found
        if isinstance(found, Absent):
            continue
        if carries(found.record.get("memo"), command_id):
            return found
        is_alike = _equal(read_decimal(found.record.get("return_amount")), command.amount)
        if is_alike and not is_marked(found.record.get("memo")) and is_since(found.record, before.signed_at):
            alike.append(found.document.transaction_no or str(return_id))
    if alike and not before.vouched:
        return Ambiguous(
            reason=f"Invoice {command.invoice_no} has return {', '.join(alike)} of the same {rupiah(command.amount)}, "
            "made at about that time without our memo: it may be ours. If it is, skip this; if not, retry it"
        )
    return Absent()


def _issued(command: IssueCreditMemo, command_id: str) -> Steps[ProbeOutcome]:
    """Look for the number: whether a credit memo is found by custom_id is not documented."""
    number = number_of(command, command_id)
    rows = rows_outcome((yield search(_CREDIT_MEMO_TYPE, number)))
    if isinstance(rows, (Absent, ProbeFailed)):
        return rows if isinstance(rows, ProbeFailed) else ProbeFailed(reason="Jurnal cannot be searched by number now")
    for row in rows[0]:
        memo_id = id_of(row)
        if memo_id is not None and text_of(row, "transaction_no") == number:
            return probe_outcome(command, (yield read(resource_of(command), str(memo_id))))
    return Absent()


def _refunded(command: RefundCredit, command_id: str, earlier: Earlier, before: Before) -> Steps[ProbeOutcome]:
    """Go by what is left of the credit memo first, then look through the newest refunds for our identity in a line."""
    credit = _or_unclear((yield from credit_now(earlier)))
    if not isinstance(credit, CreditNow):
        return credit
    fell = None if before.credit is None else before.credit - credit.remaining
    if fell is not None and _equal(fell, Decimal(0)):
        return Absent()
    found = yield from _refund_with_mark(command, command_id, before.signed_at)
    if not isinstance(found, (Absent, Ambiguous)):
        return found
    is_too_little_gone = fell is not None and fell + AMOUNT_DIFFERENCE_IDR_MAX < command.amount
    if before.vouched or is_too_little_gone:
        return Absent()
    if fell is None or isinstance(found, Ambiguous):
        return found
    had = rupiah(credit.remaining + fell)
    return Ambiguous(
        reason=f"Credit memo {credit.number} had {had} left before {rupiah(command.amount)} were to be paid out of it, "
        f"and has {rupiah(credit.remaining)} now, but Jurnal shows no refund with our mark. "
        "If the refund is there, skip this; if not, retry it"
    )


def _refund_with_mark(
    command: RefundCredit, command_id: str, signed_at: datetime | None
) -> Steps[Found | Absent | ProbeFailed | Ambiguous]:
    page, seen = 1, 0
    while True:
        rows = rows_outcome((yield search(_REFUND_TYPE, "", page)))
        if isinstance(rows, ProbeFailed):
            return rows
        if isinstance(rows, Absent):
            return Ambiguous(reason="Jurnal does not list its refunds: look for it there; if it is not there, retry it")
        told, seen = yield from _refund_on_page(command, command_id, signed_at, rows[0], seen)
        if told is not None:
            return told
        if not rows[0] or not rows[1]:
            return Absent()
        page += 1


def _refund_on_page(
    command: RefundCredit, command_id: str, signed_at: datetime | None, rows: tuple[Record, ...], seen: int
) -> Steps[tuple[Found | Absent | ProbeFailed | Ambiguous | None, int]]:
    """Read the refunds of one page of the list; return what they tell, if anything, and how many were seen by now."""
    for refund_id in filter(None, map(id_of, rows)):
        found = probe_outcome(command, (yield read(resource_of(command), str(refund_id))))
        if isinstance(found, ProbeFailed):
            return found, seen
        if isinstance(found, Absent):
            continue
        if has_line_of(found.record, command_id):
            return found, seen
        seen += 1
        # Newest first: what was made before the attempt was signed cannot be ours.
        if not is_since(found.record, signed_at):
            return Absent(), seen
        if seen >= _REFUNDS_READ_MAX:
            reason = (
                f"None of the newest {seen} refunds in Jurnal has our mark, and there are more: look for it there. "
                "If it is there, skip this; if not, retry it"
            )
            return Ambiguous(reason=reason), seen
    return None, seen


def _applied(command: ApplyCredit, earlier: Earlier, before: Before) -> Steps[ProbeOutcome]:
    """Compare what the credit memo has left and the invoice owes with what they had and owed before the attempt.

    One application is in flight per credit memo, so that both fell by exactly the amount tells that it was made.
    """
    credit = _or_unclear((yield from credit_now(earlier)))
    if not isinstance(credit, CreditNow):
        return credit
    if before.credit is not None and _equal(credit.remaining, before.credit):
        return Absent()
    invoice = _or_unclear((yield from invoice_now(command.invoice)))
    if not isinstance(invoice, InvoiceNow):
        return invoice
    if before.credit is not None and before.owed is not None:
        fell = (before.credit - credit.remaining, before.owed - invoice.remaining)
        if all(_equal(amount, command.amount) for amount in fell):
            found = yield from _application(command, invoice)
            if not isinstance(found, Absent):
                return found
    return Absent() if before.vouched else _unclear(command, credit, invoice, before)


def _application(command: ApplyCredit, invoice: InvoiceNow) -> Steps[Found | Absent | ProbeFailed]:
    """Find the newest application of the amount among what paid the invoice, for its id and number."""
    for payment_id in invoice.payment_ids:
        found = probe_outcome(command, (yield read(resource_of(command), str(payment_id))))
        if isinstance(found, ProbeFailed):
            return found
        if isinstance(found, Found) and _settles(found.record, invoice.jurnal_id, command.amount):
            return found
    return Absent()


def _settles(record: Record, invoice_id: int, amount: Decimal) -> bool:
    return any(
        id_of(row, "transaction_id") == invoice_id and _equal(read_decimal(row.get("amount")), amount)
        for row in rows_of(record, "records")
    )


def _unclear(command: ApplyCredit, credit: CreditNow, invoice: InvoiceNow, before: Before) -> Ambiguous:
    if before.credit is None or before.owed is None:
        had = "what they had and owed before is not known"
    else:
        had = f"they had {rupiah(before.credit)} and owed {rupiah(before.owed)} before"
    return Ambiguous(
        reason=f"Whether {rupiah(command.amount)} of credit memo {credit.number} were used for invoice "
        f"{invoice.number} cannot be told: it has {rupiah(credit.remaining)} left and the invoice owes "
        f"{rupiah(invoice.remaining)}, {had}. If the credit was used, skip this; if not, retry it"
    )


def _or_unclear(found: Stands | NotStanding | ProbeFailed) -> Stands | Ambiguous | ProbeFailed:
    """Leave it to a person where what a command hangs on is gone."""
    return Ambiguous(reason=found.reason) if isinstance(found, NotStanding) else found


def _equal(found: Decimal | None, wanted: Decimal) -> bool:
    return found is not None and abs(found - wanted) <= AMOUNT_DIFFERENCE_IDR_MAX


def is_since(record: Mapping[str, object], signed_at: datetime | None) -> bool:
    """Tell whether a record may have been made by an attempt signed then; clocks may differ by what Jurnal accepts."""
    if signed_at is None:
        return True
    try:
        made_at = datetime.fromisoformat(str(record.get("created_at")))
    except ValueError:
        return True
    return made_at.tzinfo is None or made_at >= signed_at - _SKEW
