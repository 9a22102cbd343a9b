"""What tests and the demo count behind the API's back."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from ops.sandbox.jurnal.company import Company
from ops.sandbox.jurnal.credit_records import CreditMemo, CreditMemoRefund
from ops.sandbox.jurnal.records import Document, Payment, Record, StockAdjustment, WarehouseTransfer

_TOKEN = re.compile(r"[A-Za-z0-9._-]+")


def records_by_type(company: Company) -> Iterator[tuple[str, Record]]:
    """Go through all live records with their type.

    What Jurnal makes itself (a deposit's payment, a return's credit memo) is a type of its own.
    """
    registers: dict[str, Iterable[Record]] = {
        "customer": company.persons,
        "product": company.products,
        "warehouse": company.warehouses,
        "sales_invoice": company.sales_invoices,
        "receive_payment": company.receive_payments,
        "sales_return": company.sales_returns,
        "credit_memo": company.credit_memos,
        "customer_credit_memo_refund": company.credit_memo_refunds,
        "customer_apply_credit_memo": company.credit_memo_payments,
        "warehouse_transfer": company.warehouse_transfers,
        "stock_adjustment": company.stock_adjustments,
        "bank_deposit": company.bank_deposits,
        "bank_withdrawal": company.bank_withdrawals,
        "bank_transfer": company.bank_transfers,
        "journal_entry": company.journal_entries,
    }
    for kind, register in registers.items():
        for record in register:
            if isinstance(record, Payment) and record.is_deposit:
                yield "deposit_payment", record
            elif isinstance(record, CreditMemo) and record.from_return_id is not None:
                yield "return_credit_memo", record
            else:
                yield kind, record


def documents(company: Company) -> dict[str, int]:
    """Count live records per type."""
    return dict(Counter(kind for kind, _ in records_by_type(company)))


def duplicates(company: Company, references: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """Count, per type, the documents that carry a given reference, beyond as many as it is given times.

    A reference is carried when it is the whole of memo, reference_no, transaction_no or custom_id
    (of a refund: of a line's description),
    or stands in one of them between characters other than letters, digits, dot, underscore and hyphen.
    """
    carriers: dict[str, dict[str, set[int]]] = {kind: {} for kind in references}
    for kind, record in records_by_type(company):
        if kind in carriers:
            for word in _words(record):
                carriers[kind].setdefault(word, set()).add(record.id)
    return {
        kind: sum(
            max(0, len(carriers[kind].get(reference, ())) - times) for reference, times in Counter(wanted).items()
        )
        for kind, wanted in references.items()
    }


def _words(record: Record) -> set[str]:
    texts = [record.name, record.custom_id]
    if isinstance(record, Document):
        texts += [record.memo, record.reference_no]
    if isinstance(record, (WarehouseTransfer, StockAdjustment)):
        texts.append(record.sent_custom_id)
    if isinstance(record, CreditMemoRefund):
        texts += [line.description for line in record.lines]
    sent = [text for text in texts if text]
    tokens = {token for text in sent for token in _TOKEN.findall(text)}
    return {*sent, *tokens, *(token.rstrip(".") for token in tokens)}
