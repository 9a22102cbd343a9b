"""A sales invoice with its lines, what was received for it, and its status."""

from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

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
    """A sales invoice. `payments` holds the deposit's own payment too."""

    terms: Terms
    payments: dict[int, Payment] = field(default_factory=dict)

    @property
    def deposit_payment(self) -> Payment | None:
        """Return the payment Jurnal made for the deposit."""
        return next((payment for payment in self.payments.values() if payment.is_deposit), None)

    @property
    def payment_received(self) -> Fraction:
        """Return what separate payments settled; the deposit is not among it."""
        records = (
            record
            for payment in self.payments.values()
            if not payment.is_deposit
            for record in payment.records
            if record.invoice_id == self.id
        )
        return sum((record.amount for record in records), ZERO)

    @property
    def amount_received(self) -> Fraction:
        """Return deposit and payments together."""
        return self.terms.deposit + self.payment_received

    @property
    def remaining(self) -> Fraction:
        """Return what is still owed, never below zero."""
        return max(ZERO, self.terms.amounts.due - self.amount_received)

    def status(self, today: date) -> Status:
        """Return the status on a day: nothing left is Paid, then past due is Overdue, then Partial or Open."""
        if self.remaining == 0:
            return PAID
        if self.terms.due_date < today:
            return OVERDUE
        return PARTIAL if self.amount_received > 0 else OPEN
