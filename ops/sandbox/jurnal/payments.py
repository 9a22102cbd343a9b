"""Receive payments: money for one or many invoices."""

from collections.abc import Collection, Iterable, Mapping
from fractions import Fraction

from ops.sandbox.jurnal import fields as read
from ops.sandbox.jurnal.accounts import Accounts, cash_account, shown_account
from ops.sandbox.jurnal.books import Source, entry
from ops.sandbox.jurnal.company import Company
from ops.sandbox.jurnal.contacts import NOT_EXIST, shown_person
from ops.sandbox.jurnal.errors import BLANK, POSITIVE, Refusal, invalid, unprocessable
from ops.sandbox.jurnal.fields import Fields
from ops.sandbox.jurnal.invoice_answers import shown_status, token
from ops.sandbox.jurnal.invoice_reading import NO_DEPOSIT_ACCOUNT, overpaid
from ops.sandbox.jurnal.records import ZERO, Account, Payment, PaymentMethod, PaymentRecord
from ops.sandbox.jurnal.references import PaymentMethods
from ops.sandbox.jurnal.resource import Json, Resource, shown_tags, stamps
from ops.sandbox.jurnal.sales import PAID, Invoice
from ops.sandbox.jurnal.shapes import currency, day, decimal_string, number

METHOD_MISSING = ["Payment method must be sent", "Payment method name must be sent"]


def keep_payment(company: Company, payment: Payment) -> None:
    """Keep a payment and let its invoices know it."""
    company.receive_payments.add(payment)
    attach_payment(company, payment)


def attach_payment(company: Company, payment: Payment) -> None:
    """Let the invoices of a kept payment know it."""
    for record in payment.records:
        invoice = company.sales_invoices.get(record.invoice_id)
        assert invoice is not None, "a payment pays known invoices"
        invoice.payments[payment.id] = payment


def invoice_on_record(company: Company, row: Fields) -> Invoice:
    """Find the invoice that a record names by transaction_no, transaction_id or both; 422 when there is none."""
    invoices = company.sales_invoices
    number_, key = read.text(row, "transaction_no"), read.text(row, "transaction_id")
    by_number = None if number_ is None else invoices.named(number_)
    by_key = None if key is None or not key.isdecimal() else invoices.get(int(key))
    invoice = by_number or by_key
    if invoice is None or (number_ and key and by_number is not by_key):
        raise invalid({"transaction_no": "Invoice not exist"}, ["Invoice not exist"])
    return invoice


def post_payment(company: Company, payment: Payment) -> None:
    """Post a payment: Cash & Bank and what is withheld against receivables."""
    settled = sum((record.amount for record in payment.records), ZERO)
    changes: list[tuple[Account, Fraction]] = [(payment.deposit_to, settled - payment.witholding_amount)]
    if payment.witholding_account is not None:
        changes.append((payment.witholding_account, payment.witholding_amount))
    changes.append((payment.person.receivable, -settled))
    source = Source("Receive Payment", payment.name, payment.memo or "")
    company.journal.post(("receive_payment", payment.id), entry(payment.transaction_date, source, changes))


class ReceivePayments(Resource[Payment]):
    """receive_payments: list, get, create, batch, change, delete."""

    singular = "receive_payment"
    plural = "receive_payments"
    batch_status = 200
    can_change = True

    def __init__(self, company: Company) -> None:
        super().__init__(company, company.receive_payments)
        self._accounts = Accounts(company)
        self._methods = PaymentMethods(company)

    def create(self, fields: Fields, *, check_custom_id: bool = True) -> Payment:
        """Receive money for invoices; more than is owed is refused."""
        payment = self._read(fields, None, check_custom_id=check_custom_id)
        keep_payment(self.company, payment)
        post_payment(self.company, payment)
        return payment

    def in_order(self, query: Mapping[str, str]) -> list[Payment]:
        """Return payments in the order asked for, as far as this company lets them be sorted: none is documented."""
        match self.company.settings.payments_sorted:
            case "refused" if "sort_key" in query:
                raise unprocessable()
            case "ignored":
                return list(self.listed(query))
            case _:
                return super().in_order(query)

    def change(self, record: Payment, fields: Fields) -> Payment:
        """Replace a payment; a deposit's own changes with its invoice only."""
        if record.is_deposit:
            raise unprocessable()
        payment = self._read(fields, record)
        self._detach(record)
        self.register.replace(record, payment)
        attach_payment(self.company, payment)
        post_payment(self.company, payment)
        return payment

    def _read(self, fields: Fields, known: Payment | None, *, check_custom_id: bool = True) -> Payment:
        heading = self.heading(fields, known, check_custom_id=check_custom_id)
        before = () if known is None else known.records
        rows = read.rows(fields, "records_attributes", "records")
        settled = [self._settles(row, {record.id for record in before}) for row in rows]
        self._check_amounts(settled, before)
        person = settled[0][0].terms.person
        named = self.reference(self.company.persons, fields, "person", NOT_EXIST)
        if named is not None and named is not person:
            raise invalid({"person_name": NOT_EXIST}, [NOT_EXIST])
        deposit_to = cash_account(self._accounts, fields, "deposit_to", NO_DEPOSIT_ACCOUNT)
        if deposit_to is None:
            raise invalid({"deposit_to_name": NO_DEPOSIT_ACCOUNT}, [NO_DEPOSIT_ACCOUNT])
        witholding = self._witholding(fields, sum((record.amount for _, record in settled), ZERO))
        return Payment(
            **heading,
            person=person,
            method=self._method(fields),
            deposit_to=deposit_to,
            records=tuple(record for _, record in settled),
            witholding_account=witholding[0],
            witholding_type=read.text(fields, "witholding_type"),
            witholding_value=read.amount(fields, "witholding_value") or ZERO,
            witholding_amount=witholding[1],
        )

    def _settles(self, row: Fields, ids: Collection[int]) -> tuple[Invoice, PaymentRecord]:
        """Read one record: the invoice by number or id, and the amount."""
        invoice = invoice_on_record(self.company, row)
        amount = read.amount(row, "amount")
        if amount is None or amount <= 0:
            raise invalid({"amount": POSITIVE})
        record = PaymentRecord(
            id=self.line_id(row, ids, "records"),
            invoice_id=invoice.id,
            amount=amount,
            description=read.text(row, "description") or "",
        )
        return invoice, record

    def _check_amounts(self, settled: list[tuple[Invoice, PaymentRecord]], before: Iterable[PaymentRecord]) -> None:
        if len({invoice.terms.person.id for invoice, _ in settled}) > 1:
            raise invalid({"person_name": NOT_EXIST}, [NOT_EXIST])
        sums: dict[int, Fraction] = {}
        for record in before:
            sums[record.invoice_id] = sums.get(record.invoice_id, ZERO) - record.amount
        for invoice, record in settled:
            sums[invoice.id] = sums.get(invoice.id, ZERO) + record.amount
            if sums[invoice.id] > invoice.remaining and not self.company.settings.overpayment_allowed:
                raise overpaid()

    def _method(self, fields: Fields) -> PaymentMethod:
        """Find the payment method; an unknown name is made, an unknown id refused."""
        key, name = read.text(fields, "payment_method_id"), read.text(fields, "payment_method_name")
        if key is None and name is None:
            row = {"payment_method": METHOD_MISSING[:1], "payment_method_name": METHOD_MISSING[1:]}
            raise Refusal(422, {"error_full_messages": METHOD_MISSING}, row)
        if key is None and name is not None:
            return self._methods.named(name)
        found = self.reference(self.company.payment_methods, fields, "payment_method", "Payment method not exist")
        assert found is not None, "an id was sent, so it is found or refused"
        return found

    def _witholding(self, fields: Fields, total: Fraction) -> tuple[Account | None, Fraction]:
        """Return the account and the amount withheld from a payment."""
        account = self.reference(self.company.accounts, fields, "witholding_account", "{} not exist")
        value = read.amount(fields, "witholding_value") or ZERO
        if value and account is None:
            raise invalid({"witholding_account_name": BLANK})
        percent = (read.text(fields, "witholding_type") or "percent").lower() == "percent"
        return account, total * value / 100 if percent else value

    def delete(self, record: Payment) -> None:
        """Delete a payment; a deposit's own goes with its invoice only."""
        self.company.check_open(record.transaction_date)
        if record.is_deposit:
            raise unprocessable()
        self._detach(record)
        self.company.journal.remove(("receive_payment", record.id))
        self.register.remove(record)

    def _detach(self, payment: Payment) -> None:
        for settled in payment.records:
            invoice = self.company.sales_invoices.get(settled.invoice_id)
            if invoice is not None:
                invoice.payments.pop(payment.id, None)

    def listed(self, query: Mapping[str, str]) -> Iterable[Payment]:
        """Return all payments, or those of `invoice_id`."""
        key = query.get("invoice_id")
        if key is None:
            return self.register
        invoice = self.company.sales_invoices.get(int(key)) if key.isdecimal() else None
        return [] if invoice is None else list(invoice.payments.values())

    def show(self, record: Payment) -> Json:
        """Return a payment; the balances of its invoices are those of now."""
        total = sum((settled.amount for settled in record.records), ZERO) - record.witholding_amount
        method = record.method
        return {
            "id": record.id,
            "transaction_no": record.name,
            "token": token(record.id),
            "memo": record.memo,
            "custom_id": record.custom_id,
            "status": "approved",
            "transaction_status": shown_status(PAID),
            **stamps(record),
            "deletable": not record.is_deposit,
            "editable": not record.is_deposit,
            "transaction_date": day(record.transaction_date),
            "person": shown_person(record.person),
            "transaction_type": {"id": 2, "name": "Receive Payment"},
            "payment_method": {"id": None, "name": None} if method is None else {"id": method.id, "name": method.name},
            "deposit_to": shown_account(record.deposit_to),
            "is_draft": False,
            "witholding": _witheld(record),
            "total": number(total),
            "total_currency_format": currency(total),
            "records": [self._record(settled) for settled in record.records],
            "is_reconciled": False,
            "attachments": [],
            **shown_tags(record),
            "currency_code": "IDR",
            "currency_rate": 1,
        }

    def _record(self, record: PaymentRecord) -> Json:
        invoice = self.company.sales_invoices.get(record.invoice_id)
        assert invoice is not None, "an invoice with payments stays"
        total, remaining = invoice.terms.amounts.original_amount, invoice.remaining
        return {
            "id": record.id,
            "transaction_id": invoice.id,
            "amount": decimal_string(record.amount),
            "description": record.description,
            "transaction_type_id": 1,
            "transaction_type": "Invoice",
            "transaction_no": invoice.name,
            "amount_currency_format": currency(record.amount),
            "transaction_due_date": day(invoice.terms.due_date),
            "transaction_total": number(total),
            "transaction_total_currency_format": currency(total),
            "transaction_balance_due": number(remaining),
            "transaction_balance_due_currency_format": currency(remaining),
        }


def _witheld(payment: Payment) -> Json:
    account = shown_account(payment.witholding_account)
    return {
        "witholding_account_name": account["name"],
        "witholding_account_number": account["number"],
        "account_id": account["id"],
        "value": decimal_string(payment.witholding_value),
        "type": payment.witholding_type,
        "amount": number(payment.witholding_amount),
        "amount_currency_format": currency(payment.witholding_amount),
        "category": account["category"],
    }
