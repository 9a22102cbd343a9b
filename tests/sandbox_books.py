"""A sandbox company that books a story's commands at once, each as its documented body: what the books then say.

Accounts, taxes and products are made when a command first names them. Nothing here knows how a command came about.
"""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from ops.sandbox.jurnal import JurnalSandbox
from ops.sandbox.jurnal.accounts import Accounts
from ops.sandbox.jurnal.contacts import Customers
from ops.sandbox.jurnal.credit_memo_uses import CreditMemoPayments, CreditMemoRefunds
from ops.sandbox.jurnal.credit_memos import CreditMemos
from ops.sandbox.jurnal.credit_records import CreditMemo
from ops.sandbox.jurnal.invoices import SalesInvoices
from ops.sandbox.jurnal.journal_entries import JournalEntries
from ops.sandbox.jurnal.payments import ReceivePayments
from ops.sandbox.jurnal.products import Products
from ops.sandbox.jurnal.references import Taxes, Warehouses
from ops.sandbox.jurnal.sales import Invoice, InvoiceLine
from ops.sandbox.jurnal.sales_returns import SalesReturns
from ops.sandbox.jurnal.stock_adjustments import StockAdjustments
from projections.jurnal_commands.commands import (
    DECODER,
    AdjustStock,
    ApplyCredit,
    BookInvoice,
    Command,
    DeleteInvoice,
    IssueCreditMemo,
    PostJournal,
    ReceivePayment,
    RefundCredit,
    ReturnLine,
    ReturnSale,
    UpdateInvoice,
)
from projections.jurnal_commands.identity import transaction_no
from tests.story import Story
from tests.unit.sandbox_jurnal.shop import SETTINGS

# An exact amount or quantity, which compares with whole ones.
Amount = Fraction | int
CUSTOMER = "Walk-in"
BUY_PRICE = 4_000
_NOW = datetime(2026, 11, 30, 5, tzinfo=UTC)
# Every other account that is new is Cash & Bank.
_CATEGORIES = {
    "Store Credit": "Other Current Liabilities",
    "Customer Points": "Other Current Liabilities",
    "Gift Cards": "Other Current Liabilities",
    "Waste": "Expenses",
    "Discounts": "Income",
}


class SandboxBooks:
    """The books of one company; `invoices`, `credits`: what a command made, by its identity."""

    def __init__(self, *, untracked: tuple[str, ...] = ("ISELLER-ROUNDING",), **settings: Any) -> None:
        self._untracked = untracked
        self.sandbox = JurnalSandbox(replace(SETTINGS, **settings), lambda: _NOW)
        company = self.sandbox.company
        Customers(company).create({"display_name": CUSTOMER})
        for name in ("Main Warehouse", "Branch Warehouse"):
            Warehouses(company).create({"name": name, "code": name})
        self.invoices: dict[str, Invoice] = {}
        self.credits: dict[str, CreditMemo | None] = {}
        self.returned: dict[str, Fraction] = {}

    def book(self, story: Story) -> "SandboxBooks":
        """Book every command of a story but those that others took the place of, in their order; a refusal raises."""
        for row in story.lane:
            if row.state != "superseded":
                self.book_one(row.command_id, DECODER.decode(row.body))
        return self

    @property
    def balances(self) -> dict[str, Amount]:
        """Debits less credits of every account that has a balance, exactly."""
        return {name: amount for name, amount in self.sandbox.exact_balances().items() if amount}

    def stock(self, code: str) -> Amount:
        """Return the stock of a product in all warehouses."""
        company = self.sandbox.company
        product = company.products_by_code[code]
        return sum((company.stock.on_hand(product, warehouse) for warehouse in company.warehouses), Fraction(0))

    def owed(self) -> Amount:
        """Return what is owed of all invoices."""
        return sum((invoice.remaining for invoice in self.sandbox.company.sales_invoices), Fraction(0))

    def credit_left(self) -> Amount:
        """Return what is left of all credits."""
        return sum((memo.remaining for memo in self.sandbox.company.credit_memos), Fraction(0))

    def book_one(self, identity: str, command: Command) -> None:  # noqa: C901 - one branch for each command
        """Book one command; a refusal raises."""
        company = self.sandbox.company
        match command:
            case BookInvoice():
                self.invoices[identity] = SalesInvoices(company).create(self._invoice(identity, command))
            case UpdateInvoice():
                known = self.invoices[command.invoice]
                SalesInvoices(company).change(known, self._invoice(command.invoice, command.content))
            case DeleteInvoice():
                SalesInvoices(company).delete(self.invoices.pop(command.invoice))
            case ReceivePayment():
                ReceivePayments(company).create(self._payment(command))
            case ReturnSale():
                self._return(identity, command)
            case IssueCreditMemo():
                self.credits[identity] = CreditMemos(company).create(self._credit_memo(command))
            case RefundCredit():
                CreditMemoRefunds(company).create(self._refund(command))
            case ApplyCredit():
                CreditMemoPayments(company).create(self._application(command))
            case AdjustStock():
                StockAdjustments(company).create(self._adjustment(command))
            case PostJournal():
                JournalEntries(company).create(self._entry(command))
            case _:
                raise AssertionError(f"{type(command).__name__} is no part of these stories")

    def _account(self, name: str) -> str:
        company = self.sandbox.company
        if name not in {account.name for account in company.accounts}:
            category = _CATEGORIES.get(name, "Cash & Bank")
            number = f"1-9{len(list(company.accounts)):04}"
            Accounts(company).create({"name": name, "number": number, "category_name": category})
        return name

    def _product(self, code: str) -> str:
        if code not in self.sandbox.company.products_by_code:
            fields = {"name": code, "product_code": code, "unit_name": "Pcs", "buy_price_per_unit": BUY_PRICE}
            Products(self.sandbox.company).create({**fields, "track_inventory": code not in self._untracked})
        return code

    def _tax(self, name: str) -> str:
        if name not in {tax.name for tax in self.sandbox.company.taxes}:
            Taxes(self.sandbox.company).create({"name": name, "rate": {"PPN": 11, "PB1": 10}[name]})
        return name

    def _invoice(self, identity: str, command: BookInvoice) -> dict[str, object]:
        lines = []
        for line in command.lines:
            fields = {"product_name": self._product(line.product_code), "quantity": line.quantity, "rate": line.rate}
            lines.append(fields | ({"line_tax_name": self._tax(line.tax_name)} if line.tax_name else {}))
        fields = {
            "transaction_date": command.transaction_date.isoformat(),
            "due_date": command.due_date.isoformat(),
            "transaction_no": transaction_no(identity, command.order_reference),
            "custom_id": identity,
            "person_name": CUSTOMER,
            "warehouse_name": command.warehouse,
            "tax_after_discount": command.header_discount <= 0,
            "transaction_lines_attributes": lines,
        }
        if command.header_discount:
            fields |= {"discount_type_name": "value", "discount_unit": command.header_discount}
        if command.deposit:
            assert command.deposit_account is not None
            fields |= {"deposit": command.deposit, "deposit_to_name": self._account(command.deposit_account)}
        return fields

    def _payment(self, command: ReceivePayment) -> dict[str, object]:
        return {
            "transaction_date": command.transaction_date.isoformat(),
            "records_attributes": [{"transaction_no": command.invoice_no, "amount": command.amount}],
            "payment_method_name": command.payment_method,
            "deposit_to_name": self._account(command.account),
        }

    def _return(self, identity: str, command: ReturnSale) -> None:
        invoice = self.invoices[command.invoice]
        left = {line.id: invoice.quantity_left(line) for line in invoice.terms.lines}
        rows = [row for line in command.lines for row in _rows(invoice, line, left)]
        made = SalesReturns(self.sandbox.company).create(
            {
                "transaction_date": command.transaction_date.isoformat(),
                "invoice_id": invoice.id,
                "warehouse_name": command.warehouse,
                "transaction_return_lines_attributes": rows,
            }
        )
        self.returned[identity] = made.amount - Fraction(command.amount)
        memo = made.credit_memo_id
        self.credits[identity] = None if memo is None else self.sandbox.company.credit_memos.get(memo)

    def _credit_memo(self, command: IssueCreditMemo) -> dict[str, object]:
        return {
            "person_name": CUSTOMER,
            "person_type": "customer",
            "transaction_date": command.transaction_date.isoformat(),
            "transaction_account_lines_attributes": [
                {"account_name": self._account(command.account), "debit": command.amount}
            ],
        }

    def _refund(self, command: RefundCredit) -> dict[str, object]:
        return {
            "person_name": CUSTOMER,
            "transaction_date": command.transaction_date.isoformat(),
            "refund_from_name": self._account(command.account),
            "credit_memo_refund_lines_attributes": [
                {"credit_memo_id": self._credit(command.source), "refund_amount": command.amount}
            ],
        }

    def _application(self, command: ApplyCredit) -> dict[str, object]:
        return {
            "person_name": CUSTOMER,
            "selected_credit_memo_id": self._credit(command.source),
            "records_attributes": [{"transaction_id": self.invoices[command.invoice].id, "amount": command.amount}],
        }

    def _credit(self, source: str) -> int:
        memo = self.credits[source]
        assert memo is not None, f"{source} left no credit"
        return memo.id

    def _adjustment(self, command: AdjustStock) -> dict[str, object]:
        lines = [
            {"product_name": self._product(each.product_code), "difference": each.quantity} for each in command.lines
        ]
        return {
            "stock_adjustment_type": "General",
            "account_name": self._account(command.account),
            "date": command.transaction_date.isoformat(),
            "warehouse_name": command.warehouse,
            "lines_attributes": lines,
        }

    def _entry(self, command: PostJournal) -> dict[str, object]:
        lines = [
            {
                "account_name": self._account(each.account),
                ("debit" if each.debit else "credit"): each.debit or each.credit,
            }
            for each in command.lines
        ]
        return {"transaction_date": command.transaction_date.isoformat(), "transaction_account_lines_attributes": lines}


def _rows(invoice: Invoice, wanted: ReturnLine, left: dict[int, Fraction]) -> list[dict[str, object]]:
    """Return what to send of a returned quantity: the lines of that product and rate that have some left."""
    rows, open_ = [], Fraction(wanted.quantity)
    for line in invoice.terms.lines:
        part = min(open_, left[line.id]) if _is_meant(line, wanted) else Fraction(0)
        if part:
            left[line.id] -= part
            open_ -= part
            rows.append({"transaction_line_id": line.id, "return_quantity": _decimal(part)})
    assert not open_, f"{wanted} is not on the invoice"
    return rows


def _is_meant(line: InvoiceLine, wanted: ReturnLine) -> bool:
    return (line.product.code, line.rate) == (wanted.product_code, Fraction(wanted.rate))


def _decimal(quantity: Fraction) -> Decimal:
    return Decimal(quantity.numerator) / Decimal(quantity.denominator)
