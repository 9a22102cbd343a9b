"""The records of the company: master data and documents. Amounts are exact fractions of a rupiah."""

from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

ZERO = Fraction(0)


@dataclass(kw_only=True, slots=True, eq=False)
class Record:
    """Anything with an id. `name` is a master record's name or a document's transaction_no."""

    id: int
    name: str
    custom_id: str | None = None
    created_at: datetime
    updated_at: datetime


@dataclass(kw_only=True, slots=True, eq=False)
class Account(Record):
    """An account of the chart; a parent takes no postings."""

    number: str
    category_id: int
    description: str | None = None
    is_parent: bool = False
    parent: "Account | None" = None


@dataclass(kw_only=True, slots=True, eq=False)
class Person(Record):
    """A contact; `written` are the plain attributes as they were sent."""

    roles: frozenset[str]
    receivable: Account
    payable: Account
    written: dict[str, str | None]
    archived: bool = False


@dataclass(kw_only=True, slots=True, eq=False)
class Tax(Record):
    """A tax with its rate in percent and the accounts it posts to."""

    rate: Fraction
    is_witholding: bool
    sell_account: Account
    buy_account: Account


@dataclass(kw_only=True, slots=True, eq=False)
class Product(Record):
    """A product or service; only a tracked one has stock and an inventory account."""

    code: str | None
    description: str | None
    unit: str
    tracked: bool
    is_sold: bool
    is_bought: bool
    sell_account: Account
    buy_account: Account
    inventory_account: Account | None
    sell_price: Fraction
    buy_price: Fraction
    sell_tax: Tax | None
    buy_tax: Tax | None
    archived: bool = False
    sold_quantity: Fraction = ZERO


@dataclass(kw_only=True, slots=True, eq=False)
class Warehouse(Record):
    """A place for stock; id -1 is Unassigned."""

    code: str
    address: str
    description: str


@dataclass(kw_only=True, slots=True, eq=False)
class PaymentMethod(Record):
    """A way to pay; known to Jurnal by name only."""


@dataclass(kw_only=True, slots=True, eq=False)
class Tag(Record):
    """A label on transactions."""


@dataclass(kw_only=True, slots=True, eq=False)
class Term(Record):
    """Payment terms: days until due."""

    days: int


@dataclass(kw_only=True, slots=True, eq=False)
class Document(Record):
    """A transaction; its `name` is the transaction_no."""

    transaction_date: date
    memo: str | None = None
    reference_no: str | None = None
    tags: tuple[Tag, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountLine:
    """A debit or a credit to an account inside a document, with the tax it carries."""

    id: int
    account: Account
    description: str | None
    debit: Fraction
    credit: Fraction
    tax: Tax | None = None


@dataclass(kw_only=True, slots=True, eq=False)
class JournalEntry(Document):
    """A manual entry: lines with equal debits and credits."""

    lines: tuple[AccountLine, ...]


@dataclass(kw_only=True, slots=True, eq=False)
class CashMovement(Document):
    """A bank deposit (lines credited) or a bank withdrawal (lines debited) of one Cash & Bank account."""

    cash_account: Account
    person: Person | None
    lines: tuple[AccountLine, ...]
    subtotal: Fraction
    tax_amount: Fraction


@dataclass(kw_only=True, slots=True, eq=False)
class BankTransfer(Document):
    """Money between two Cash & Bank accounts."""

    from_account: Account
    to_account: Account
    amount: Fraction


@dataclass(frozen=True, kw_only=True, slots=True)
class TransferLine:
    """A quantity of a product on its way between warehouses."""

    id: int
    product: Product
    quantity: Fraction


@dataclass(kw_only=True, slots=True, eq=False)
class WarehouseTransfer(Document):
    """Stock from one warehouse to another; `sent_custom_id` is kept for inspection, the API never shows it."""

    from_warehouse: Warehouse
    to_warehouse: Warehouse
    lines: tuple[TransferLine, ...]
    sent_custom_id: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class AdjustmentLine:
    """A counted or adjusted quantity; `price` only when the line carries its own."""

    id: int
    product: Product
    recorded: Fraction
    actual: Fraction
    price: Fraction | None

    @property
    def difference(self) -> Fraction:
        """Return what the line adds to the stock."""
        return self.actual - self.recorded


@dataclass(kw_only=True, slots=True, eq=False)
class StockAdjustment(Document):
    """A stock count or a stock in/out of one warehouse; `sent_custom_id` as for transfers."""

    kind: str
    is_count: bool
    account: Account
    warehouse: Warehouse
    lines: tuple[AdjustmentLine, ...]
    sent_custom_id: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentRecord:
    """The part of a payment that settles one invoice."""

    id: int
    invoice_id: int
    amount: Fraction
    description: str = ""


@dataclass(kw_only=True, slots=True, eq=False)
class Payment(Document):
    """Money received for invoices, by invoice id; a deposit's own payment has no method."""

    person: Person
    method: PaymentMethod | None
    deposit_to: Account
    records: tuple[PaymentRecord, ...]
    is_deposit: bool = False
    witholding_account: Account | None = None
    witholding_type: str | None = None
    witholding_value: Fraction = ZERO
    witholding_amount: Fraction = ZERO
