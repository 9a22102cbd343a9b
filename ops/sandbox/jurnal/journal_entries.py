"""Manual journal entries."""

from ops.sandbox.jurnal.account_lines import read_lines, shown_line
from ops.sandbox.jurnal.books import Source, entry
from ops.sandbox.jurnal.company import Company
from ops.sandbox.jurnal.errors import invalid
from ops.sandbox.jurnal.fields import Fields
from ops.sandbox.jurnal.invoice_answers import shown_status
from ops.sandbox.jurnal.records import ZERO, JournalEntry
from ops.sandbox.jurnal.resource import Json, Resource, shown_tags, stamps
from ops.sandbox.jurnal.sales import CLOSED
from ops.sandbox.jurnal.shapes import currency, day, number


class JournalEntries(Resource[JournalEntry]):
    """journal_entries: list, get, create, batch, change, delete; debits equal credits."""

    singular = "journal_entry"
    plural = "journal_entries"
    batch_status = 200
    can_change = True

    def __init__(self, company: Company) -> None:
        super().__init__(company, company.journal_entries)

    def create(self, fields: Fields, *, check_custom_id: bool = True) -> JournalEntry:
        """Keep and post an entry; an unbalanced one is refused."""
        document = self._read(fields, None, check_custom_id=check_custom_id)
        self._post(document)
        return self.register.add(document)

    def change(self, record: JournalEntry, fields: Fields) -> JournalEntry:
        """Replace an entry."""
        document = self._read(fields, record)
        self._post(document)
        return self.register.replace(record, document)

    def _read(self, fields: Fields, known: JournalEntry | None, *, check_custom_id: bool = True) -> JournalEntry:
        heading = self.heading(fields, known, check_custom_id=check_custom_id)
        lines = read_lines(self, fields, ("debit", "credit"), () if known is None else known.lines)
        if sum((line.debit - line.credit for line in lines), ZERO):
            raise invalid({"transaction_account_lines": "total debit must be equal to total credit"})
        return JournalEntry(**heading, lines=lines)

    def _post(self, document: JournalEntry) -> None:
        source = Source("Journal Entry", document.name, document.memo or "")
        changes = [(line.account, line.debit - line.credit) for line in document.lines]
        self.company.journal.post((self.singular, document.id), entry(document.transaction_date, source, changes))

    def delete(self, record: JournalEntry) -> None:
        """Delete an entry."""
        self.company.check_open(record.transaction_date)
        self.company.journal.remove((self.singular, record.id))
        self.register.remove(record)

    def show(self, record: JournalEntry) -> Json:
        """Return an entry with its totals."""
        debit = sum((line.debit for line in record.lines), ZERO)
        credit = sum((line.credit for line in record.lines), ZERO)
        return {
            "id": record.id,
            "custom_id": record.custom_id,
            "transaction_no": record.name,
            "memo": record.memo or "",
            "transaction_date": day(record.transaction_date),
            "transaction_status": shown_status(CLOSED),
            "transaction_account_lines": [shown_line(line) for line in record.lines],
            "total_debit": number(debit),
            "total_credit": number(credit),
            "total_debit_currency_format": currency(debit),
            "total_credit_currency_format": currency(credit),
            "attachments": [],
            **shown_tags(record),
            "locked": False,
            "reconciled": False,
            **{key: value for key, value in stamps(record).items() if key != "deleted_at"},
            "currency_code": "IDR",
            "currency_rate": 1,
        }
