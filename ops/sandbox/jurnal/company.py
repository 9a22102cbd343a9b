"""The state of the one company: its chart of accounts, master data, documents, journal and stock."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from itertools import count
from zoneinfo import ZoneInfo

from ops.sandbox.jurnal.books import Journal
from ops.sandbox.jurnal.credit_records import CreditMemo, CreditMemoPayment, CreditMemoRefund, SalesReturn
from ops.sandbox.jurnal.faults import FaultKind
from ops.sandbox.jurnal.periods import closed_books
from ops.sandbox.jurnal.records import (
    Account,
    BankTransfer,
    CashMovement,
    JournalEntry,
    Payment,
    PaymentMethod,
    Person,
    Product,
    Record,
    StockAdjustment,
    Tag,
    Tax,
    Term,
    Warehouse,
    WarehouseTransfer,
)
from ops.sandbox.jurnal.register import Register
from ops.sandbox.jurnal.sales import Invoice
from ops.sandbox.jurnal.settings import SandboxSettings
from ops.sandbox.jurnal.stock import StockLedger

# name -> (number, category)
CHART: dict[str, tuple[str, int]] = {
    "Cash": ("1-10001", 3),
    "Accounts Receivable": ("1-10100", 1),
    "Inventory": ("1-10200", 4),
    "Prepaid expenses": ("1-10402", 2),
    "VAT In": ("1-10500", 2),
    "Fixed Assets - Office Equipment": ("1-10705", 5),
    "Accounts Payable": ("2-20100", 8),
    "Unearned Revenue": ("2-20203", 10),
    "VAT Out": ("2-20500", 10),
    "Opening Balance Equity": ("3-30999", 12),
    "Service Revenue": ("4-40000", 13),
    "Sales Discount": ("4-40100", 13),
    "Sales Return": ("4-40200", 13),
    "Cost of Sales": ("5-50000", 15),
    "Shipping/Freight & Delivery": ("5-50300", 15),
    "Cost of Production": ("5-50500", 15),
    "Waste Goods Expense": ("6-60216", 16),
    "Other Income": ("7-70099", 14),
    "Inventory Adjustments": ("8-80100", 17),
}
COMPANY_ID = 4101
UNASSIGNED_ID = -1


class Company:
    """One Jurnal company in memory. Nothing here waits, so an operation is seen whole or not at all.

    `injected` counts faults by kind; of a race and of a check left out, the used keys they let through.
    """

    def __init__(self, settings: SandboxSettings, now: Callable[[], datetime]) -> None:
        self.settings = settings
        self.now = now
        self._zone = ZoneInfo(settings.time_zone)
        self._ids = count(100_001)
        self.accounts: Register[Account] = Register()
        self.chart: dict[str, Account] = {}
        self.persons: Register[Person] = Register()
        self.products: Register[Product] = Register()
        self.products_by_code: dict[str, Product] = {}
        self.warehouses: Register[Warehouse] = Register()
        self.taxes: Register[Tax] = Register()
        self.payment_methods: Register[PaymentMethod] = Register()
        self.tags: Register[Tag] = Register()
        self.terms: Register[Term] = Register()
        self.sales_invoices: Register[Invoice] = Register()
        self.receive_payments: Register[Payment] = Register()
        self.sales_returns: Register[SalesReturn] = Register()
        self.credit_memos: Register[CreditMemo] = Register()
        self.credit_memo_refunds: Register[CreditMemoRefund] = Register()
        self.credit_memo_payments: Register[CreditMemoPayment] = Register()
        self.warehouse_transfers: Register[WarehouseTransfer] = Register()
        self.stock_adjustments: Register[StockAdjustment] = Register()
        self.bank_deposits: Register[CashMovement] = Register()
        self.bank_withdrawals: Register[CashMovement] = Register()
        self.bank_transfers: Register[BankTransfer] = Register()
        self.journal_entries: Register[JournalEntry] = Register()
        self.injected: Counter[FaultKind] = Counter()
        self._keys_checked = True
        self.journal = Journal()
        self.stock = StockLedger(self.journal)
        self._begin()

    def _begin(self) -> None:
        made = self.now()
        for name, (number, category_id) in CHART.items():
            account = Account(
                id=self.new_id(), name=name, number=number, category_id=category_id, created_at=made, updated_at=made
            )
            self.chart[name] = self.accounts.add(account)
        self.payment_methods.add(PaymentMethod(id=self.new_id(), name="Cash", created_at=made, updated_at=made))
        self.terms.add(Term(id=self.new_id(), name="Net 30", days=30, created_at=made, updated_at=made))
        self.warehouses.add(
            Warehouse(
                id=UNASSIGNED_ID,
                name="Unassigned",
                code="",
                address="",
                description="",
                created_at=made,
                updated_at=made,
            )
        )

    def new_id(self) -> int:
        """Return the next id; one sequence serves every kind."""
        return next(self._ids)

    def today(self) -> date:
        """Return the date in the company's time zone."""
        return self.now().astimezone(self._zone).date()

    def unassigned(self) -> Warehouse:
        """Return the default warehouse."""
        found = self.warehouses.get(UNASSIGNED_ID)
        assert found is not None, "Unassigned cannot be deleted"
        return found

    def sees(self, record: Record) -> bool:
        """Tell whether a check for repeats sees a record; one younger than the race it may have lost is not seen."""
        age = (self.now() - record.created_at).total_seconds()
        if not self._keys_checked:
            self.injected[FaultKind.BATCH_UNCHECKED] += 1
            return False
        if age < self.settings.key_race_seconds:
            self.injected[FaultKind.KEY_RACE] += 1
            return False
        return True

    @contextmanager
    def unchecked_keys(self) -> Iterator[None]:
        """Let no check for repeats see anything meanwhile."""
        self._keys_checked = False
        try:
            yield
        finally:
            self._keys_checked = True

    def check_open(self, *days: date) -> None:
        """Refuse when the books are closed for one of the dates."""
        for day in days:
            refusal = closed_books(self.settings, day)
            if refusal is not None:
                raise refusal

    def credit_account(self, person: Person) -> Account:
        """Return the account that holds a customer's credit memos."""
        held_in = self.settings.credit_memos_held_in
        return person.receivable if held_in == "receivable" else self.chart["Unearned Revenue"]
