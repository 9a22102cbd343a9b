"""Cash & Bank: deposits, withdrawals and transfers."""

from collections.abc import Iterable
from fractions import Fraction
from typing import ClassVar

from ops.sandbox.jurnal import fields as read
from ops.sandbox.jurnal.account_lines import Side, line_tax, read_lines, shown_taxed_line, tax_details
from ops.sandbox.jurnal.accounts import Accounts, cash_account, shown_account
from ops.sandbox.jurnal.books import Source, entry
from ops.sandbox.jurnal.company import Company
from ops.sandbox.jurnal.contacts import NOT_EXIST
from ops.sandbox.jurnal.errors import BLANK, POSITIVE, invalid
from ops.sandbox.jurnal.fields import Fields
from ops.sandbox.jurnal.invoice_answers import shown_status, token
from ops.sandbox.jurnal.records import ZERO, Account, BankTransfer, CashMovement, Person
from ops.sandbox.jurnal.register import Register
from ops.sandbox.jurnal.resource import Json, Resource, shown_tags, stamps
from ops.sandbox.jurnal.sales import CLOSED
from ops.sandbox.jurnal.shapes import currency, day, decimal_string, number


class _CashMovements(Resource[CashMovement]):
    """What deposits and withdrawals share; a deposit's lines are credited, a withdrawal's debited."""

    batch_status = 200
    can_change = True
    side: ClassVar[Side]
    stem: ClassVar[str]
    no_account: ClassVar[str]
    transaction_type: ClassVar[str]

    def __init__(self, company: Company, register: Register[CashMovement]) -> None:
        super().__init__(company, register)
        self._accounts = Accounts(company)

    def create(self, fields: Fields, *, check_custom_id: bool = True) -> CashMovement:
        """Keep and post a document; the total is its lines and their taxes."""
        document = self._read(fields, None, check_custom_id=check_custom_id)
        self._post(document)
        return self.register.add(document)

    def change(self, record: CashMovement, fields: Fields) -> CashMovement:
        """Replace a document and its entry."""
        document = self._read(fields, record)
        self._post(document)
        return self.register.replace(record, document)

    def _read(self, fields: Fields, known: CashMovement | None, *, check_custom_id: bool = True) -> CashMovement:
        heading = self.heading(fields, known, check_custom_id=check_custom_id)
        cash = cash_account(self._accounts, fields, self.stem, self.no_account)
        if cash is None:
            raise invalid({f"{self.stem}_name": self.no_account}, [self.no_account])
        person = self.reference(self.company.persons, fields, "person", NOT_EXIST)
        lines = read_lines(self, fields, (self.side,), () if known is None else known.lines)
        return CashMovement(
            **heading,
            cash_account=cash,
            person=person,
            lines=lines,
            subtotal=sum((line.debit + line.credit for line in lines), ZERO),
            tax_amount=sum((line_tax(line) for line in lines), ZERO),
        )

    def _post(self, document: CashMovement) -> None:
        source = Source(self.transaction_type, document.name, document.memo or "")
        postings = entry(document.transaction_date, source, self._changes(document))
        self.company.journal.post((self.singular, document.id), postings)

    def _changes(self, document: CashMovement) -> Iterable[tuple[Account, Fraction]]:
        """Return the accounts a document changes: into cash and out of the lines, or the reverse."""
        into = 1 if self.side == "credit" else -1
        yield document.cash_account, into * (document.subtotal + document.tax_amount)
        for line in document.lines:
            yield line.account, line.debit - line.credit
            if line.tax is not None:
                account = line.tax.sell_account if into == 1 else line.tax.buy_account
                yield account, -into * line_tax(line)

    def delete(self, record: CashMovement) -> None:
        """Delete a document and its entry."""
        self.company.check_open(record.transaction_date)
        self.company.journal.remove((self.singular, record.id))
        self.register.remove(record)

    def show(self, record: CashMovement) -> Json:
        """Return a document."""
        total = record.subtotal + record.tax_amount
        return {
            "id": record.id,
            "transaction_no": record.name,
            "token": token(record.id),
            "memo": record.memo or "",
            "custom_id": record.custom_id,
            "tax_amount": decimal_string(record.tax_amount),
            "remaining": decimal_string(total),
            **stamps(record),
            "deletable": True,
            "editable": True,
            "transaction_date": day(record.transaction_date),
            "transaction_status": shown_status(CLOSED),
            "person": _person(record.person),
            self.stem: shown_account(record.cash_account),
            "original_amount": number(total),
            "original_amount_currency_format": currency(total),
            "transaction_account_lines": [shown_taxed_line(line) for line in record.lines],
            "attachments": [],
            "tax_details": tax_details(record.lines),
            **shown_tags(record),
            "locked": False,
            "is_reconciled": False,
            "subtotal": number(record.subtotal),
            "subtotal_currency_format": currency(record.subtotal),
            "witholding_amount": 0,
            "witholding_amount_currency_format": currency(ZERO),
            "witholding_account": shown_account(None),
            "currency_code": "IDR",
            "currency_rate": 1,
        }


class BankDeposits(_CashMovements):
    """bank_deposits: money in."""

    singular = "bank_deposit"
    plural = "bank_deposits"
    side = "credit"
    stem = "deposit_to"
    no_account = "deposit account not exist"
    transaction_type = "Bank Deposit"


class BankWithdrawals(_CashMovements):
    """bank_withdrawals: money out."""

    singular = "bank_withdrawal"
    plural = "bank_withdrawals"
    created_status = 200
    side = "debit"
    stem = "refund_from"
    no_account = "refund account not exist"
    transaction_type = "Bank Withdrawal"

    def show(self, record: CashMovement) -> Json:
        """Return a withdrawal, which shows more than a deposit does."""
        return super().show(record) | {
            "source": "apikey",
            "remaining_currency_format": currency(record.subtotal + record.tax_amount),
            "audited_by": None,
            "witholding_type": None,
            "witholding_value": 0,
        }


class BankTransfers(Resource[BankTransfer]):
    """bank_transfers: between two Cash & Bank accounts; date, number and amount are required."""

    singular = "bank_transfer"
    plural = "bank_transfers"
    created_status = 200
    batch_status = 200
    can_change = True

    def __init__(self, company: Company) -> None:
        super().__init__(company, company.bank_transfers)
        self._accounts = Accounts(company)

    def create(self, fields: Fields, *, check_custom_id: bool = True) -> BankTransfer:
        """Keep and post a transfer."""
        transfer = self._read(fields, None, check_custom_id=check_custom_id)
        self._post(transfer)
        return self.register.add(transfer)

    def change(self, record: BankTransfer, fields: Fields) -> BankTransfer:
        """Replace a transfer and its entry."""
        transfer = self._read(fields, record)
        self._post(transfer)
        return self.register.replace(record, transfer)

    def _read(self, fields: Fields, known: BankTransfer | None, *, check_custom_id: bool = True) -> BankTransfer:
        heading = self.heading(fields, known, check_custom_id=check_custom_id, number_required=True)
        amount = read.amount(fields, "transfer_amount")
        if amount is None or amount <= 0:
            raise invalid({"transfer_amount": BLANK if amount is None else POSITIVE})
        return BankTransfer(
            **heading,
            from_account=self._account(fields, "refund_from", "refund account not exist"),
            to_account=self._account(fields, "deposit_to", "deposit account not exist"),
            amount=amount,
        )

    def _post(self, transfer: BankTransfer) -> None:
        changes = ((transfer.to_account, transfer.amount), (transfer.from_account, -transfer.amount))
        source = Source("Bank Transfer", transfer.name, transfer.memo or "")
        self.company.journal.post((self.singular, transfer.id), entry(transfer.transaction_date, source, changes))

    def _account(self, fields: Fields, stem: str, message: str) -> Account:
        account = cash_account(self._accounts, fields, stem, message)
        if account is None:
            raise invalid({f"{stem}_name": message}, [message])
        return account

    def delete(self, record: BankTransfer) -> None:
        """Delete a transfer and its entry."""
        self.company.check_open(record.transaction_date)
        self.company.journal.remove((self.singular, record.id))
        self.register.remove(record)

    def show(self, record: BankTransfer) -> Json:
        """Return a transfer."""
        return {
            "id": record.id,
            "transfer_amount": decimal_string(record.amount),
            "transaction_no": record.name,
            "memo": record.memo or "",
            "custom_id": record.custom_id,
            "transaction_date": day(record.transaction_date),
            "transaction_status": shown_status(CLOSED),
            "refund_from": shown_account(record.from_account),
            "original_amount": number(record.amount),
            "original_amount_currency_format": currency(record.amount),
            "deposit_to": shown_account(record.to_account),
            "attachments": [],
            **shown_tags(record),
            "locked": False,
            "is_reconciled": False,
        }


def _person(person: Person | None) -> Json:
    if person is None:
        return {"id": None, "name": None, "is_customer": False, "is_vendor": False}
    roles = {f"is_{role}": role in person.roles for role in ("customer", "vendor")}
    return {"id": person.id, "name": person.name, **roles}
