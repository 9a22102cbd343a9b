"""Sales invoices: kept, posted, changed and deleted, with the payment Jurnal makes for a deposit."""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import ClassVar

from ops.sandbox.jurnal import fields as read
from ops.sandbox.jurnal.books import Source, entry
from ops.sandbox.jurnal.company import Company
from ops.sandbox.jurnal.contacts import NOT_EXIST
from ops.sandbox.jurnal.errors import invalid, unprocessable
from ops.sandbox.jurnal.fields import Fields
from ops.sandbox.jurnal.invoice_answers import shown_invoice
from ops.sandbox.jurnal.invoice_reading import InvoiceReader, overpaid
from ops.sandbox.jurnal.payments import keep_payment, post_payment
from ops.sandbox.jurnal.records import Account, Payment, PaymentRecord
from ops.sandbox.jurnal.resource import Json, Resource, SortKey
from ops.sandbox.jurnal.sales import Invoice, Terms
from ops.sandbox.jurnal.stock import StockMove


class SalesInvoices(Resource[Invoice]):
    """sales_invoices: list, get, create, batch (which does not check custom_id), change, delete."""

    singular = "sales_invoice"
    plural = "sales_invoices"
    batch_status = 201
    batch_checks_custom_id = False
    can_change = True
    sort_keys: ClassVar[Mapping[str, SortKey]] = {
        "created_at": lambda invoice: invoice.id,
        "transaction_date": lambda invoice: invoice.transaction_date,
        "get_number": lambda invoice: invoice.name,
        "people_display_name": lambda invoice: invoice.terms.person.name,
        "person_id": lambda invoice: invoice.terms.person.id,
        "remaining": lambda invoice: invoice.remaining,
        "original_amount": lambda invoice: invoice.terms.amounts.original_amount,
    }

    def __init__(self, company: Company) -> None:
        super().__init__(company, company.sales_invoices)
        self._reader = InvoiceReader(company, self)

    def create(self, fields: Fields, *, check_custom_id: bool = True) -> Invoice:
        """Keep and post an invoice; a deposit becomes a payment of its own."""
        custom_id, sent_number = read.text(fields, "custom_id"), read.text(fields, "transaction_no")
        self.check_keys(custom_id if check_custom_id else None, sent_number)
        terms = self._reader.terms(fields)
        made = self.company.now()
        invoice = Invoice(
            id=self.company.new_id(),
            name=sent_number or self.register.free_number(),
            custom_id=custom_id,
            created_at=made,
            updated_at=made,
            transaction_date=terms.transaction_date,
            memo=read.text(fields, "memo"),
            reference_no=read.text(fields, "reference_no"),
            tags=self.tags(fields),
            terms=terms,
        )
        self.register.add(invoice)
        self._book(invoice)
        return invoice

    def change(self, record: Invoice, fields: Fields) -> Invoice:
        """Replace what an invoice says; separate payments stay, the deposit's payment keeps its id.

        Refused once goods came back or it is reconciled, and to another customer once somebody paid.
        """
        if record.returns or record.is_reconciled:
            raise unprocessable()
        missing = [name for name in ("due_date", "person_name") if not _sent(fields, name)]
        if missing:
            raise invalid(dict.fromkeys(missing, "can't be blank"))
        custom_id = read.text(fields, "custom_id") or record.custom_id
        number = read.text(fields, "transaction_no") or record.name
        self.check_keys(custom_id, number, of=record)
        self.company.check_open(record.transaction_date)
        terms = self._reader.terms(fields, record)
        if terms.person is not record.terms.person and not record.only_deposit:
            raise invalid({"person_name": NOT_EXIST}, [NOT_EXIST])
        received = record.payment_received
        if received and received + terms.deposit > terms.amounts.due:
            raise overpaid()
        self._unbook(record)
        self.register.rename(record, number, custom_id)
        record.terms, record.transaction_date = terms, terms.transaction_date
        record.updated_at = self.company.now()
        for name in ("memo", "reference_no"):
            if name in fields:
                setattr(record, name, read.text(fields, name))
        record.tags = self.tags(fields)
        self._book(record)
        return record

    def delete(self, record: Invoice) -> None:
        """Delete an invoice and its deposit's payment; refused while a payment or return exists, or once reconciled."""
        self.company.check_open(record.transaction_date)
        if record.returns or record.is_reconciled or not record.only_deposit:
            raise unprocessable()
        self._unbook(record)
        payment = record.deposit_payment
        if payment is not None:
            self.company.receive_payments.remove(payment)
            self.company.journal.remove(("receive_payment", payment.id))
        self.register.remove(record)

    def _book(self, invoice: Invoice) -> None:
        """Post the invoice, move its stock, and make or restate the deposit's payment."""
        source = Source("Sales Invoice", invoice.name, invoice.memo or "")
        terms = invoice.terms
        self.company.journal.post(
            ("sales_invoice", invoice.id), entry(terms.transaction_date, source, self._changes(terms))
        )
        warehouse = terms.warehouse or self.company.unassigned()
        self.company.stock.move(
            invoice.id,
            [
                StockMove(
                    line.product, warehouse, terms.transaction_date, -line.quantity, line.product.buy_account, source
                )
                for line in terms.lines
            ],
        )
        for line in terms.lines:
            line.product.sold_quantity += line.quantity
        self._book_deposit(invoice)

    def _unbook(self, invoice: Invoice) -> None:
        self.company.journal.remove(("sales_invoice", invoice.id))
        self.company.stock.undo(invoice.id, {line.product for line in invoice.terms.lines})
        for line in invoice.terms.lines:
            line.product.sold_quantity -= line.quantity

    def _changes(self, terms: Terms) -> Iterable[tuple[Account, Fraction]]:
        """Return the accounts an invoice changes; debits are positive."""
        amounts, chart = terms.amounts, self.company.chart
        yield terms.person.receivable, amounts.due
        yield chart["Sales Discount"], amounts.discount_price + amounts.discount_per_lines
        if terms.witholding_account is not None:
            yield terms.witholding_account, amounts.witholding_amount
        for line, of_line in zip(terms.lines, amounts.lines, strict=True):
            yield line.product.sell_account, -of_line.gross
            if line.tax is not None:
                yield line.tax.sell_account, -of_line.tax
        yield chart["Other Income"], -amounts.shipping_price

    def _book_deposit(self, invoice: Invoice) -> None:
        terms, payment = invoice.terms, invoice.deposit_payment
        if payment is not None and not terms.deposit:
            del invoice.payments[payment.id]
            self.company.receive_payments.remove(payment)
            self.company.journal.remove(("receive_payment", payment.id))
        if not terms.deposit or terms.deposit_to is None:
            return
        record = PaymentRecord(id=self.company.new_id(), invoice_id=invoice.id, amount=terms.deposit)
        if payment is None:
            payment = self._new_deposit(invoice, terms.deposit_to, record)
            keep_payment(self.company, payment)
        payment.records, payment.deposit_to, payment.person = (record,), terms.deposit_to, terms.person
        payment.transaction_date = terms.transaction_date
        post_payment(self.company, payment)

    def _new_deposit(self, invoice: Invoice, account: Account, record: PaymentRecord) -> Payment:
        made = self.company.now()
        return Payment(
            id=self.company.new_id(),
            name=self.company.receive_payments.free_number(),
            created_at=made,
            updated_at=made,
            transaction_date=invoice.transaction_date,
            person=invoice.terms.person,
            method=None,
            deposit_to=account,
            records=(record,),
            is_deposit=True,
        )

    def listed(self, query: Mapping[str, str]) -> Iterable[Invoice]:
        """Return all invoices; there is no filter by key."""
        del query
        return self.register

    def show(self, record: Invoice) -> Json:
        """Return an invoice with its status of today."""
        return shown_invoice(self.company, record)


def _sent(fields: Fields, name: str) -> bool:
    return read.text(fields, name) is not None or read.text(fields, name.replace("_name", "_id")) is not None
