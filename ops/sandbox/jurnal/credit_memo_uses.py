"""What credit memos are used for: paid out of Cash & Bank, or applied to invoices.

Neither has a key, a number or a memo of its own in its documented body; what is sent of these is dropped.
"""

from collections.abc import Collection, Iterable, Mapping
from fractions import Fraction

from ops.sandbox.jurnal import fields as read
from ops.sandbox.jurnal.accounts import Accounts, cash_account
from ops.sandbox.jurnal.books import Source, entry
from ops.sandbox.jurnal.company import Company
from ops.sandbox.jurnal.credit_answers import shown_credit
from ops.sandbox.jurnal.credit_memos import customer, spend
from ops.sandbox.jurnal.credit_records import (
    AppliedRecord,
    CreditMemo,
    CreditMemoPayment,
    CreditMemoRefund,
    RefundLine,
)
from ops.sandbox.jurnal.errors import POSITIVE, invalid
from ops.sandbox.jurnal.fields import Fields
from ops.sandbox.jurnal.invoice_answers import shown_status
from ops.sandbox.jurnal.payments import invoice_on_record
from ops.sandbox.jurnal.records import ZERO, Document, Person
from ops.sandbox.jurnal.resource import Json, Resource
from ops.sandbox.jurnal.sales import CLOSED
from ops.sandbox.jurnal.shapes import currency, day, decimal_string, number

NOT_ENOUGH = "(Amount cannot be greater than the remaining credit memo.)"
NO_MEMO = "Credit memo not exist"
NO_CASH = "refund account not exist"
UNDOCUMENTED = frozenset({"custom_id", "transaction_no", "memo", "tags"})


def _documented(fields: Fields) -> dict[str, object]:
    return {key: value for key, value in fields.items() if key not in UNDOCUMENTED}


def _positive(row: Fields, name: str) -> Fraction:
    amount = read.amount(row, name)
    if amount is None or amount <= 0:
        raise invalid({name: POSITIVE})
    return amount


def _credit_memo(company: Company, fields: Fields, name: str, person: Person) -> CreditMemo:
    """Find a credit memo of the person, or refuse with 422."""
    key = read.text(fields, name)
    memo = company.credit_memos.get(int(key)) if key is not None and key.isdecimal() else None
    if memo is None or memo.person is not person:
        raise invalid({name: NO_MEMO}, [NO_MEMO])
    return memo


def _left(memo: CreditMemo, known: Document | None) -> Fraction:
    """Return what a document may take out of a credit memo; its predecessor's part counts as there."""
    return memo.remaining + (ZERO if known is None else memo.spent.get(known.id, ZERO))


def _sums(rows: Iterable[tuple[int, Fraction]]) -> dict[int, Fraction]:
    sums: dict[int, Fraction] = {}
    for key, amount in rows:
        sums[key] = sums.get(key, ZERO) + amount
    return sums


def _person(person: Person) -> Json:
    return {"id": person.id, "display_name": person.name, "person_type": "customer"}


class CreditMemoRefunds(Resource[CreditMemoRefund]):
    """customer_credit_memo_refund: get, create, change, delete; there is no list."""

    singular = "customer_credit_memo_refund"
    plural = "customer_credit_memo_refund"
    created_status = 200
    can_list = False
    can_change = True

    def __init__(self, company: Company) -> None:
        super().__init__(company, company.credit_memo_refunds)
        self._accounts = Accounts(company)

    def create(self, fields: Fields, *, check_custom_id: bool = True) -> CreditMemoRefund:
        """Pay credit memos out; more than is left of one is refused."""
        del check_custom_id
        refund = self._read(_documented(fields), None)
        self._book(refund)
        return self.register.add(refund)

    def change(self, record: CreditMemoRefund, fields: Fields) -> CreditMemoRefund:
        """Replace a refund."""
        refund = self._read(_documented(fields), record)
        self._book(refund, record.lines)
        return self.register.replace(record, refund)

    def delete(self, record: CreditMemoRefund) -> None:
        """Delete a refund; its credit memos have their amounts again."""
        self.company.check_open(record.transaction_date)
        spend(self.company, record.id, {}, [line.credit_memo_id for line in record.lines])
        self.company.journal.remove((self.singular, record.id))
        self.register.remove(record)

    def _read(self, fields: Fields, known: CreditMemoRefund | None) -> CreditMemoRefund:
        heading = self.heading(fields, known)
        person = customer(self, fields)
        cash = cash_account(self._accounts, fields, "refund_from", NO_CASH)
        if cash is None:
            raise invalid({"refund_from_id": NO_CASH}, [NO_CASH])
        ids = () if known is None else tuple(line.id for line in known.lines)
        rows = read.rows(fields, "credit_memo_refund_lines_attributes", "credit_memo_refund_lines")
        lines = tuple(self._line(row, person, ids) for row in rows)
        for memo_id, amount in _sums((line.credit_memo_id, line.amount) for line in lines).items():
            memo = self.company.credit_memos.get(memo_id)
            assert memo is not None, "the lines named it"
            if amount > _left(memo, known):
                raise invalid({"refund_amount": NOT_ENOUGH})
        return CreditMemoRefund(**heading, person=person, refund_from=cash, lines=lines)

    def _line(self, row: Fields, person: Person, ids: Collection[int]) -> RefundLine:
        memo = _credit_memo(self.company, row, "credit_memo_id", person)
        return RefundLine(
            id=self.line_id(row, ids, "credit_memo_refund_lines"),
            credit_memo_id=memo.id,
            description=read.text(row, "description"),
            amount=_positive(row, "refund_amount"),
        )

    def _book(self, refund: CreditMemoRefund, before: Iterable[RefundLine] = ()) -> None:
        amounts = _sums((line.credit_memo_id, line.amount) for line in refund.lines)
        spend(self.company, refund.id, amounts, [line.credit_memo_id for line in before])
        described = "; ".join(line.description for line in refund.lines if line.description)
        source = Source("Credit Memo Refund", refund.name, described)
        changes = ((self.company.credit_account(refund.person), refund.amount), (refund.refund_from, -refund.amount))
        self.company.journal.post((self.singular, refund.id), entry(refund.transaction_date, source, changes))

    def show(self, record: CreditMemoRefund) -> Json:
        """Return a refund."""
        amount = record.amount
        return {
            **shown_credit(record, amount),
            "remaining": number(amount),
            "remaining_currency_format": currency(amount),
            "balance_due": number(amount),
            "balance_due_currency_format": currency(amount),
            "credit_memo_refund_lines": [
                {
                    "id": line.id,
                    "credit_memo_id": line.credit_memo_id,
                    "description": line.description,
                    "refund_amount": decimal_string(line.amount),
                }
                for line in record.lines
            ],
            "transaction_type": {"id": 15, "name": "Credit Memo Refund"},
            "transaction_status": shown_status(CLOSED),
            "refund_from_id": record.refund_from.id,
            "refund_from_name": record.refund_from.name,
            "person": _person(record.person),
        }


class CreditMemoPayments(Resource[CreditMemoPayment]):
    """customer_apply_credit_memo: get, create, change, delete; there is no list and its date is today."""

    singular = "customer_apply_credit_memo"
    plural = "customer_apply_credit_memo"
    created_status = 200
    can_list = False
    can_change = True

    def __init__(self, company: Company) -> None:
        super().__init__(company, company.credit_memo_payments)

    def create(self, fields: Fields, *, check_custom_id: bool = True) -> CreditMemoPayment:
        """Settle invoices with a credit memo; more than is left of it or owed is refused."""
        del check_custom_id
        application = self._read(fields, None)
        self._book(application)
        return self.register.add(application)

    def change(self, record: CreditMemoPayment, fields: Fields) -> CreditMemoPayment:
        """Replace an application; its date stays."""
        application = self._read(fields, record)
        self._unbook(record)
        self._book(application)
        return self.register.replace(record, application)

    def delete(self, record: CreditMemoPayment) -> None:
        """Delete an application; the credit memo has its amount again and the invoices are owed."""
        self.company.check_open(record.transaction_date)
        self._unbook(record)
        self.register.remove(record)

    def _read(self, fields: Fields, known: CreditMemoPayment | None) -> CreditMemoPayment:
        date = self.company.today() if known is None else known.transaction_date
        heading = self.heading({**_documented(fields), "transaction_date": date.isoformat()}, known)
        person = customer(self, fields)
        memo = _credit_memo(self.company, fields, "selected_credit_memo_id", person)
        before = () if known is None else known.records
        rows = read.rows(fields, "records_attributes", "records")
        records = tuple(self._record(row, person, tuple(record.id for record in before)) for row in rows)
        sums = _sums((record.invoice_id, record.amount) for record in records)
        self._check_amounts(sums, _sums((record.invoice_id, record.amount) for record in before))
        if sum(sums.values()) > _left(memo, known):
            raise invalid({"amount": NOT_ENOUGH})
        return CreditMemoPayment(**heading, person=person, credit_memo_id=memo.id, records=records)

    def _record(self, row: Fields, person: Person, ids: Collection[int]) -> AppliedRecord:
        invoice = invoice_on_record(self.company, row)
        if invoice.terms.person is not person:
            raise invalid({"transaction_id": "Invoice not exist"}, ["Invoice not exist"])
        record_id = self.line_id(row, ids, "records")
        return AppliedRecord(id=record_id, invoice_id=invoice.id, amount=_positive(row, "amount"))

    def _check_amounts(self, sums: Mapping[int, Fraction], before: Mapping[int, Fraction]) -> None:
        for invoice_id, amount in sums.items():
            invoice = self.company.sales_invoices.get(invoice_id)
            assert invoice is not None, "the records named it"
            if amount - before.get(invoice_id, ZERO) > invoice.remaining:
                raise invalid({"amount_receive": "(Value received cannot be greater than remaining balance.)"})

    def _book(self, application: CreditMemoPayment) -> None:
        """Take the amount out of the credit memo and let the invoices know; the books move between accounts only."""
        company, person = self.company, application.person
        spend(company, application.id, {application.credit_memo_id: application.amount})
        for record in application.records:
            invoice = company.sales_invoices.get(record.invoice_id)
            assert invoice is not None, "an invoice that was settled stays"
            invoice.applied[application.id] = application
        held_in = company.credit_account(person)
        if held_in is not person.receivable:
            source = Source("Credit Memo Payment", application.name)
            changes = ((held_in, application.amount), (person.receivable, -application.amount))
            postings = entry(application.transaction_date, source, changes)
            company.journal.post((self.singular, application.id), postings)

    def _unbook(self, application: CreditMemoPayment) -> None:
        spend(self.company, application.id, {}, [application.credit_memo_id])
        for record in application.records:
            invoice = self.company.sales_invoices.get(record.invoice_id)
            assert invoice is not None, "an invoice that was settled stays"
            invoice.applied.pop(application.id, None)
        self.company.journal.remove((self.singular, application.id))

    def show(self, record: CreditMemoPayment) -> Json:
        """Return an application; the balances of its invoices are those of now."""
        amount = record.amount
        return {
            **shown_credit(record, amount),
            "remaining": decimal_string(amount),
            "remaining_currency_format": currency(amount),
            "balance_due": number(amount),
            "balance_due_currency_format": currency(amount),
            "witholding_amount_currency_format": currency(ZERO),
            "witholding_amount": 0,
            "records": [self._shown(applied) for applied in record.records],
            "transaction_type": {"id": 14, "name": "Credit Memo Payment"},
            "transaction_status": shown_status(CLOSED),
            "person": _person(record.person),
        }

    def _shown(self, record: AppliedRecord) -> Json:
        invoice = self.company.sales_invoices.get(record.invoice_id)
        assert invoice is not None, "an invoice that was settled stays"
        total, remaining = invoice.terms.amounts.original_amount, invoice.remaining
        return {
            "id": record.id,
            "transaction_id": invoice.id,
            "amount": decimal_string(record.amount),
            "description": "",
            "transaction_type_id": 1,
            "transaction_type": "Sales Invoice",
            "transaction_no": invoice.name,
            "amount_currency_format": currency(record.amount),
            "transaction_due_date": day(invoice.terms.due_date),
            "transaction_total": number(total),
            "transaction_total_currency_format": currency(total),
            "transaction_balance_due": number(remaining),
            "transaction_balance_due_currency_format": currency(remaining),
        }
