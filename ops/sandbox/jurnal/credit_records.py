"""What customers give back and what they are owed for it. Amounts are exact fractions of a rupiah."""

from dataclasses import dataclass, field
from fractions import Fraction

from ops.sandbox.jurnal.records import ZERO, Account, AccountLine, Document, Person, Warehouse


@dataclass(frozen=True, kw_only=True, slots=True)
class Returned:
    """What a returned quantity was sold for: `amount` as its invoice line shows it, the rest as it was posted."""

    amount: Fraction
    gross: Fraction
    line_discount: Fraction
    header_discount: Fraction
    tax: Fraction
    witholding: Fraction

    @property
    def net(self) -> Fraction:
        """Return what the customer paid for the goods without tax."""
        return self.gross - self.line_discount - self.header_discount

    @property
    def total(self) -> Fraction:
        """Return what the customer gets back."""
        return self.net + self.tax - self.witholding


@dataclass(frozen=True, kw_only=True, slots=True)
class ReturnLine:
    """A quantity of one invoice line that came back."""

    id: int
    invoice_line_id: int
    quantity: Fraction
    returned: Returned


@dataclass(kw_only=True, slots=True, eq=False)
class SalesReturn(Document):
    """Goods back from an invoice. `settled` lowered what the invoice owes; the rest became a credit memo."""

    invoice_id: int
    person: Person
    warehouse: Warehouse | None
    message: str | None
    lines: tuple[ReturnLine, ...]
    settled: Fraction = ZERO
    credit_memo_id: int | None = None

    @property
    def amount(self) -> Fraction:
        """Return what the customer gets back."""
        return sum((line.returned.total for line in self.lines), ZERO)

    def quantity_of(self, invoice_line_id: int) -> Fraction:
        """Return how much of an invoice line came back."""
        return sum((line.quantity for line in self.lines if line.invoice_line_id == invoice_line_id), ZERO)


@dataclass(kw_only=True, slots=True, eq=False)
class CreditMemo(Document):
    """What a customer has to its credit; one that a return made has no lines. `spent` is by document id."""

    person: Person
    lines: tuple[AccountLine, ...]
    original_amount: Fraction
    tax_amount: Fraction = ZERO
    from_return_id: int | None = None
    spent: dict[int, Fraction] = field(default_factory=dict)

    @property
    def remaining(self) -> Fraction:
        """Return what is left of it."""
        return self.original_amount - sum(self.spent.values(), ZERO)


@dataclass(frozen=True, kw_only=True, slots=True)
class RefundLine:
    """The part of a refund that comes out of one credit memo."""

    id: int
    credit_memo_id: int
    description: str | None
    amount: Fraction


@dataclass(kw_only=True, slots=True, eq=False)
class CreditMemoRefund(Document):
    """Money paid back out of Cash & Bank for credit memos."""

    person: Person
    refund_from: Account
    lines: tuple[RefundLine, ...]

    @property
    def amount(self) -> Fraction:
        """Return what was paid."""
        return sum((line.amount for line in self.lines), ZERO)


@dataclass(frozen=True, kw_only=True, slots=True)
class AppliedRecord:
    """The part of a credit memo that settles one invoice."""

    id: int
    invoice_id: int
    amount: Fraction


@dataclass(kw_only=True, slots=True, eq=False)
class CreditMemoPayment(Document):
    """One credit memo used to settle invoices."""

    person: Person
    credit_memo_id: int
    records: tuple[AppliedRecord, ...]

    @property
    def amount(self) -> Fraction:
        """Return what was used of the credit memo."""
        return sum((record.amount for record in self.records), ZERO)
