"""Credit memos of customers: made by hand, or by Jurnal for a return of what was paid already."""

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction

from ops.sandbox.jurnal import fields as read
from ops.sandbox.jurnal.account_lines import line_tax, read_lines, shown_taxed_line, tax_details
from ops.sandbox.jurnal.books import Source, entry
from ops.sandbox.jurnal.company import Company
from ops.sandbox.jurnal.contacts import NOT_EXIST
from ops.sandbox.jurnal.credit_answers import shown_credit
from ops.sandbox.jurnal.credit_records import CreditMemo
from ops.sandbox.jurnal.errors import invalid, missing, unprocessable
from ops.sandbox.jurnal.fields import Fields
from ops.sandbox.jurnal.invoice_answers import shown_status
from ops.sandbox.jurnal.records import ZERO, Account, Person
from ops.sandbox.jurnal.resource import Json, R, Resource
from ops.sandbox.jurnal.sales import OPEN, PAID, PARTIAL, Status
from ops.sandbox.jurnal.shapes import currency, decimal_string


class CreditMemos(Resource[CreditMemo]):
    """credit_memos: list, get, create, change, delete; a customer's lines are debited."""

    singular = "credit_memo"
    plural = "credit_memos"
    created_status = 200
    can_change = True

    def __init__(self, company: Company) -> None:
        super().__init__(company, company.credit_memos)

    def create(self, fields: Fields, *, check_custom_id: bool = True) -> CreditMemo:
        """Keep and post a credit memo; the total is its lines and their taxes."""
        memo = self._read(fields, None, check_custom_id=check_custom_id)
        self._post(memo)
        return self.register.add(memo)

    def change(self, record: CreditMemo, fields: Fields) -> CreditMemo:
        """Replace a credit memo nobody used; one of a return changes with it only."""
        self._check_free(record)
        memo = self._read(fields, record)
        self._post(memo)
        return self.register.replace(record, memo)

    def delete(self, record: CreditMemo) -> None:
        """Delete a credit memo nobody used; one of a return goes with it only."""
        self.company.check_open(record.transaction_date)
        self._check_free(record)
        self.company.journal.remove((self.singular, record.id))
        self.register.remove(record)

    def _check_free(self, record: CreditMemo) -> None:
        if record.spent or record.from_return_id is not None:
            raise unprocessable()

    def _read(self, fields: Fields, known: CreditMemo | None, *, check_custom_id: bool = True) -> CreditMemo:
        heading = self.heading(fields, known, check_custom_id=check_custom_id)
        if (read.text(fields, "person_type") or "customer").lower() != "customer":
            raise invalid({"person_type": "is not valid"})
        person = customer(self, fields)
        lines = read_lines(self, fields, ("debit",), () if known is None else known.lines)
        tax = sum((line_tax(line) for line in lines), ZERO)
        return CreditMemo(
            **heading,
            person=person,
            lines=lines,
            original_amount=sum((line.debit for line in lines), ZERO) + tax,
            tax_amount=tax,
        )

    def _post(self, memo: CreditMemo) -> None:
        source = Source("Credit Memo", memo.name, memo.memo or "")
        postings = entry(memo.transaction_date, source, self._changes(memo))
        self.company.journal.post((self.singular, memo.id), postings)

    def _changes(self, memo: CreditMemo) -> Iterator[tuple[Account, Fraction]]:
        for line in memo.lines:
            yield line.account, line.debit
            if line.tax is not None:
                yield line.tax.sell_account, line_tax(line)
        yield self.company.credit_account(memo.person), -memo.original_amount

    def of_person(self, person_type: str, key: str) -> Json:
        """Return the credit memos of a customer (a vendor has none here), newest first."""
        person = self.company.persons.at(key)
        if person is None or person_type not in person.roles:
            raise missing(self.company.settings.missing_answer)
        rows = [self.show_row(memo) for memo in self.register if memo.person is person]
        return {"credit_memos": rows[::-1], "total_count": len(rows)}

    def show(self, record: CreditMemo) -> Json:
        """Return a credit memo."""
        return self._shown(record, "display_name")

    def show_made(self, record: CreditMemo) -> Json:
        """Return a credit memo as its making is answered, which names the person by another key."""
        return self._shown(record, "person_name")

    def show_row(self, record: CreditMemo) -> Json:
        """Return the row of a list, which names the person as the making does."""
        return self.show_made(record)

    def _shown(self, record: CreditMemo, name_key: str) -> Json:
        free = not record.spent and record.from_return_id is None
        return {
            **shown_credit(record, record.original_amount),
            "remaining": decimal_string(record.remaining),
            "remaining_currency_format": currency(record.remaining),
            "balance_due_currency_format": currency(record.remaining),
            "custom_id": record.custom_id,
            "tax_amount": decimal_string(record.tax_amount),
            "deletable": free,
            "editable": free,
            "witholding_amount_currency_format": currency(ZERO),
            "witholding_amount": 0,
            "transaction_type": {"id": 13, "name": "Credit Memo"},
            "transaction_status": shown_status(status(record)),
            "transaction_account_lines_attributes": [shown_taxed_line(line) for line in record.lines],
            "account_category": ", ".join(line.account.name for line in record.lines),
            "person": {"id": record.person.id, name_key: record.person.name},
            "tax_details": tax_details(record.lines),
        }


def status(memo: CreditMemo) -> Status:
    """Return the status: Open while untouched, Partial, and Paid when nothing is left."""
    if memo.remaining == memo.original_amount:
        return OPEN
    return PARTIAL if memo.remaining else PAID


def customer(resource: Resource[R], fields: Fields) -> Person:
    """Find the customer a request names by person_id, person_name or both, or refuse with 422."""
    person = resource.reference(resource.company.persons, fields, "person", NOT_EXIST)
    if person is None or "customer" not in person.roles:
        raise invalid({"person_name": NOT_EXIST}, [NOT_EXIST])
    return person


def spend(company: Company, document_id: int, amounts: Mapping[int, Fraction], before: Iterable[int] = ()) -> None:
    """Let a document take amounts, by credit memo id, out of credit memos; what it took `before` goes back."""
    for memo_id in {*before, *amounts}:
        memo = company.credit_memos.get(memo_id)
        assert memo is not None, "a credit memo that was used stays"
        memo.spent.pop(document_id, None)
        if memo_id in amounts:
            memo.spent[document_id] = amounts[memo_id]
