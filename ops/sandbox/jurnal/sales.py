"""A sales invoice with its lines, what was received for it and came back, and its status."""

from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from ops.sandbox.jurnal.credit_records import CreditMemoPayment, SalesReturn
from ops.sandbox.jurnal.invoice_arithmetic import Amounts, Conditions
from ops.sandbox.jurnal.records import ZERO, Account, Document, Payment, Person, Product, Tax, Term, Warehouse

OPEN = (1, "Open", "Belum Dibayar")
CLOSED = (2, "Closed", "Selesai")
PAID = (3, "Paid", "Lunas")
PARTIAL = (4, "Partial", "Terbayar Sebagian")
OVERDUE = (5, "Overdue", "Lewat Jatuh Tempo")
Status = tuple[int, str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class InvoiceLine:
    """One line as it was accepted."""

    id: int
    custom_id: str | None
    product: Product
    description: str | None
    quantity: Fraction
    rate: Fraction
    discount: Fraction
    tax: Tax | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """All that an invoice says, read from a request and resolved; a change replaces it whole."""

    person: Person
    transaction_date: date
    due_date: date
    term: Term | None
    warehouse: Warehouse | None
    lines: tuple[InvoiceLine, ...]
    conditions: Conditions
    amounts: Amounts
    deposit: Fraction
    deposit_to: Account | None
    witholding_account: Account | None
    written: dict[str, str | None]
    is_shipped: bool
    shipping_date: date | None


@dataclass(kw_only=True, slots=True, eq=False)
class Invoice(Document):
    """A sales invoice. `payments` holds the deposit's own payment too, `applied` the credit memos used for it."""

    terms: Terms
    payments: dict[int, Payment] = field(default_factory=dict)
    applied: dict[int, CreditMemoPayment] = field(default_factory=dict)
    returns: dict[int, SalesReturn] = field(default_factory=dict)
    is_reconciled: bool = False

    @property
    def deposit_payment(self) -> Payment | None:
        """Return the payment Jurnal made for the deposit."""
        return next((payment for payment in self.payments.values() if payment.is_deposit), None)

    @property
    def only_deposit(self) -> bool:
        """Tell whether nothing but its deposit was received for it."""
        return not self.applied and all(payment.is_deposit for payment in self.payments.values())

    @property
    def payment_received(self) -> Fraction:
        """Return what separate payments and credit memos settled; the deposit is not among it."""
        paid = (
            record.amount
            for payment in self.payments.values()
            if not payment.is_deposit
            for record in payment.records
            if record.invoice_id == self.id
        )
        used = (
            record.amount
            for application in self.applied.values()
            for record in application.records
            if record.invoice_id == self.id
        )
        return sum(paid, ZERO) + sum(used, ZERO)

    @property
    def returned(self) -> Fraction:
        """Return by how much its returns lowered what is owed."""
        return sum((made.settled for made in self.returns.values()), ZERO)

    def quantity_left(self, line: InvoiceLine) -> Fraction:
        """Return how much of a line has not come back."""
        return line.quantity - sum((made.quantity_of(line.id) for made in self.returns.values()), ZERO)

    @property
    def amount_received(self) -> Fraction:
        """Return deposit and payments together."""
        return self.terms.deposit + self.payment_received

    @property
    def remaining(self) -> Fraction:
        """Return what is still owed, never below zero."""
        return max(ZERO, self.terms.amounts.due - self.amount_received - self.returned)

    def status(self, today: date) -> Status:
        """Return the status on a day: nothing left is Paid, then past due is Overdue, then Partial or Open."""
        if self.remaining == 0:
            return PAID
        if self.terms.due_date < today:
            return OVERDUE
        return PARTIAL if self.amount_received > 0 or self.returns else OPEN
