"""Whether somebody took more out of a credit than the ledger did. Pure.

Jurnal lists no refunds and no uses of credits, but what is left of a credit memo: it tells of all of them.
"""

from collections.abc import Sequence
from decimal import Decimal

from eventstore.facts.reconciliation import CreditFoundUsedDifferently
from projections.jurnal_commands.commands import IssueCreditMemo, RefundCredit
from service.jurnal.comparing import AMOUNT_DIFFERENCE_IDR_MAX
from service.jurnal.listing import ListedDocument
from service.jurnal.marks import carries
from service.jurnal.reading import Record, id_of, read_decimal, rows_of
from service.jurnal.resources import CREDIT_MEMOS
from service.reconciling import Expected, compared


def source_of(expected: Expected) -> str | None:
    """Return the command that made the credit a document is, or is paid out of; None where it tells of none."""
    match expected.booked.command:
        case IssueCreditMemo():
            return expected.booked.command_id
        case RefundCredit(source=source):
            return source
        case _:
            return None


def credit_memo_of(expected: Expected, record: Record | None) -> int | None:
    """Return the credit memo that a document is, or that the record of a refund names."""
    if isinstance(expected.booked.command, IssueCreditMemo):
        return expected.jurnal_id
    rows = rows_of(record or {}, "credit_memo_refund_lines")
    ours = (row for row in rows if carries(row.get("description"), expected.booked.command_id))
    return next((id_of(row, "credit_memo_id") for row in ours), None)


def listed_memo(memo_id: int, listed: Sequence[ListedDocument]) -> Record | None:
    """Return a credit memo as a list showed it."""
    return next((one.record for one in listed if one.resource == CREDIT_MEMOS and one.jurnal_id == memo_id), None)


def used_in(memo: Record) -> Decimal | None:
    """Return what has been taken out of a credit memo, IDR; None where it is not shown."""
    amount, left = read_decimal(memo.get("original_amount")), read_decimal(memo.get("remaining"))
    return None if amount is None or left is None else amount - left


def is_used_more(memo: Record, by_ledger: Decimal) -> bool:
    """Tell whether more was taken out of it than the ledger did."""
    used = used_in(memo)
    return used is not None and used - by_ledger > AMOUNT_DIFFERENCE_IDR_MAX


def used_differently(expected: Expected, memo: Record, by_ledger: Decimal) -> CreditFoundUsedDifferently:
    """Return that a credit was used by somebody else, too; told with the document of ours that shows it."""
    used = used_in(memo)
    assert used is not None, "it is more than the ledger's"
    source = source_of(expected)
    document = compared(expected, f"used_differently:{CREDIT_MEMOS.plural}:{source}", memo)
    return CreditFoundUsedDifferently(document=document, ledger_used=by_ledger, jurnal_used=used)
