"""What customers owe on a date: invoices and credit memos with everything that lowered them until then."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from ops.sandbox.jurnal.company import Company
from ops.sandbox.jurnal.credit_records import CreditMemo, CreditMemoPayment
from ops.sandbox.jurnal.records import ZERO, Payment, Person
from ops.sandbox.jurnal.resource import Json
from ops.sandbox.jurnal.sales import Invoice
from ops.sandbox.jurnal.shapes import day, decimal_string, number, read_day

# key of a customer's row, key of the totals, and the most days past due that fall under them
AGES = (
    ("period_1_to_30_days", "total_1_to_30_days", 30),
    ("period_31_to_60_days", "total_31_to_60_days", 60),
    ("period_61_to_90_days", "total_61_to_90_days", 90),
    ("period_more_to_90_days", "total_more_to_90_days", None),
)


@dataclass(frozen=True, slots=True)
class Owed:
    """An amount a person owes since a date; a credit memo owes the person and is negative."""

    person: Person
    since: date
    amount: Fraction


def owed_at(company: Company, last: date) -> Iterator[Owed]:
    """Go through what is open at the end of a date."""
    for invoice in company.sales_invoices:
        if invoice.transaction_date <= last:
            yield Owed(invoice.terms.person, invoice.terms.due_date, _open_invoice(invoice, last))
    for memo in company.credit_memos:
        if memo.transaction_date <= last:
            yield Owed(memo.person, memo.transaction_date, -_open_memo(company, memo, last))


def _open_invoice(invoice: Invoice, last: date) -> Fraction:
    """Return what an invoice owed on a date; below zero where more was received than is owed."""
    settling: tuple[Payment | CreditMemoPayment, ...] = (*invoice.payments.values(), *invoice.applied.values())
    received = (
        record.amount
        for payment in settling
        if payment.transaction_date <= last
        for record in payment.records
        if record.invoice_id == invoice.id
    )
    returned = (made.settled for made in invoice.returns.values() if made.transaction_date <= last)
    return invoice.terms.amounts.due - sum(received, ZERO) - sum(returned, ZERO)


def _open_memo(company: Company, memo: CreditMemo, last: date) -> Fraction:
    open_amount = memo.original_amount
    for document_id, amount in memo.spent.items():
        used = company.credit_memo_refunds.get(document_id) or company.credit_memo_payments.get(document_id)
        assert used is not None, "a credit memo is used by documents that exist"
        if used.transaction_date <= last:
            open_amount -= amount
    return open_amount


def aged_receivables(company: Company, query: Mapping[str, str]) -> Json:
    """Return what each customer owes at end_date (or start_date, as its header calls it) by days past due.

    What is not due yet counts among the first 30 days.
    """
    last = read_day(query.get("end_date", "")) or read_day(query.get("start_date", "")) or company.today()
    rows: dict[int, Json] = {}
    sums: dict[int, dict[str, Fraction]] = {}
    for owed in owed_at(company, last):
        if owed.amount:
            key = _age(owed.since, last)
            of_person = sums.setdefault(owed.person.id, {period: ZERO for period, _, _ in AGES})
            of_person[key] += owed.amount
            rows[owed.person.id] = {"id": owed.person.id, "name": owed.person.name}
    customers = [
        {
            **rows[key],
            "total_percustomer": number(sum(ages.values(), ZERO)),
            **{period: number(amount) for period, amount in ages.items()},
        }
        for key, ages in sorted(sums.items(), key=lambda pair: (str(rows[pair[0]]["name"]), pair[0]))
    ]
    totals = {name: sum((ages[period] for ages in sums.values()), ZERO) for period, name, _ in AGES}
    grand = {"grandtotal": number(sum(totals.values(), ZERO))}
    return {
        "aged_receivables": {
            "header": {"start_date": day(last), "currency": "(in IDR)"},
            "customers": customers,
            "total": grand | {name: decimal_string(amount) for name, amount in totals.items()},
        }
    }


def _age(since: date, last: date) -> str:
    days = (last - since).days
    return next(period for period, _, most in AGES if most is None or days <= most)
