"""Reading a sales invoice's attributes into terms that hold, with everything it names resolved."""

from collections.abc import Collection, Iterable
from datetime import date, timedelta
from fractions import Fraction

from ops.sandbox.jurnal import fields as read
from ops.sandbox.jurnal.accounts import Accounts, cash_account
from ops.sandbox.jurnal.company import Company
from ops.sandbox.jurnal.contacts import NOT_EXIST
from ops.sandbox.jurnal.errors import BLANK, POSITIVE, invalid, refused
from ops.sandbox.jurnal.fields import Fields
from ops.sandbox.jurnal.invoice_arithmetic import PERCENT, VALUE, Amounts, Conditions, PricedLine, added_up
from ops.sandbox.jurnal.products import Products
from ops.sandbox.jurnal.records import ZERO, Account, Tax, Term, Warehouse
from ops.sandbox.jurnal.references import Warehouses
from ops.sandbox.jurnal.resource import Resource
from ops.sandbox.jurnal.sales import Invoice, InvoiceLine, Terms
from ops.sandbox.jurnal.shapes import decimal_string

WRITTEN = ("email", "address", "message", "source")
SHIPPING = ("ship_via", "tracking_no", "shipping_address")
DISCOUNT_TOO_LARGE = "Discount cannot exceed the total item amount"
NO_DEPOSIT_ACCOUNT = "deposit account not exist"


class InvoiceReader:
    """Turns attributes into Terms or raises Refusal; it changes nothing."""

    def __init__(self, company: Company, resource: Resource[Invoice]) -> None:
        self._company = company
        self._resource = resource
        self._accounts = Accounts(company)
        self._products = Products(company)
        self._warehouses = Warehouses(company)

    def terms(self, fields: Fields, known: Invoice | None = None) -> Terms:
        """Read the whole invoice, or what is to take the place of the known one's terms."""
        company, resource = self._company, self._resource
        transaction_date = read.required_day(fields, "transaction_date")
        company.check_open(transaction_date)
        person = resource.reference(company.persons, fields, "person", NOT_EXIST)
        if person is None:
            raise invalid({"person": BLANK})
        term, due_date = self._due(fields, transaction_date)
        warehouse = self._warehouses.named_in(fields, "warehouse")
        lines = self._lines(fields, warehouse, known)
        conditions = self._conditions(fields)
        amounts = added_up([_priced(line) for line in lines], conditions)
        if amounts.discount_price > amounts.subtotal - amounts.discount_per_lines:
            raise refused(DISCOUNT_TOO_LARGE, "discount_price")
        deposit, deposit_to = self._deposit(fields, amounts)
        shipped = read.flag(fields, "is_shipped", default=False)
        written = {key: read.text(fields, key) for key in WRITTEN}
        written |= {key: read.text(fields, key) if shipped else None for key in SHIPPING}
        return Terms(
            person=person,
            transaction_date=transaction_date,
            due_date=due_date,
            term=term,
            warehouse=warehouse,
            lines=lines,
            conditions=conditions,
            amounts=amounts,
            deposit=deposit,
            deposit_to=deposit_to,
            witholding_account=self._witholding_account(fields, conditions),
            written=written,
            is_shipped=shipped,
            shipping_date=read.day(fields, "shipping_date") if shipped else None,
        )

    def _due(self, fields: Fields, transaction_date: date) -> tuple[Term | None, date]:
        """Return the term (None shows as Custom) and the due date, which a known term can stand for."""
        name, due_date = read.text(fields, "term_name"), read.day(fields, "due_date")
        term = None if name is None else self._company.terms.named(name)
        if due_date is not None:
            return term, due_date
        if term is None:
            raise invalid({"due_date": BLANK})
        return term, transaction_date + timedelta(days=term.days)

    def _lines(self, fields: Fields, warehouse: Warehouse | None, known: Invoice | None) -> tuple[InvoiceLine, ...]:
        rows = read.rows(fields, "transaction_lines_attributes", "transaction_lines")
        before = () if known is None else known.terms.lines
        if self._company.settings.patched_lines == "merged":
            rows = _merged(before, rows)
        kept = [row for row in rows if not read.flag(row, "_destroy", default=False)]
        ids = {line.id for line in before}
        lines = tuple(self._line(row, place, ids) for place, row in enumerate(kept, start=1))
        if not lines:
            raise invalid({"transaction_lines": BLANK})
        if not self._company.settings.allow_negative_stock:
            self._check_stock(lines, warehouse or self._company.unassigned(), known)
        return lines

    def _line(self, row: Fields, place: int, ids: Collection[int]) -> InvoiceLine:
        product = self._products.on_line(row, place)
        quantity = read.amount(row, "quantity")
        quantity = Fraction(1) if quantity is None else quantity
        rate, written = read.amount(row, "rate"), read.amount(row, "amount")
        if rate is None:
            rate = product.sell_price if written is None or not quantity else written / quantity
        discount = read.amount(row, "discount") or ZERO
        refuse_zero = self._company.settings.zero_price_lines == "refused"
        if quantity <= 0 or rate < 0 or (refuse_zero and rate == 0):
            raise invalid({"transaction_lines.amount": "(Must be greater than 0)"})
        if not 0 <= discount <= 100:
            raise refused(DISCOUNT_TOO_LARGE, "transaction_lines")
        return InvoiceLine(
            id=self._resource.line_id(row, ids, "transaction_lines"),
            custom_id=read.text(row, "custom_id"),
            product=product,
            description=read.text(row, "description") or product.description,
            quantity=quantity,
            rate=rate,
            discount=discount,
            tax=self._tax(row),
        )

    def _tax(self, row: Fields) -> Tax | None:
        return self._resource.reference(self._company.taxes, row, "line_tax", "{} not exist")

    def _check_stock(self, lines: tuple[InvoiceLine, ...], warehouse: Warehouse, known: Invoice | None) -> None:
        """Refuse to take out more than is there; what the known invoice took out counts as there."""
        needed: dict[int, Fraction] = {}
        if known is not None and (known.terms.warehouse or self._company.unassigned()) is warehouse:
            for line in known.terms.lines:
                needed[line.product.id] = needed.get(line.product.id, ZERO) - line.quantity
        for line in lines:
            if line.product.tracked:
                needed[line.product.id] = needed.get(line.product.id, ZERO) + line.quantity
                if needed[line.product.id] > self._company.stock.on_hand(line.product, warehouse):
                    raise refused(f"Stock of {line.product.name} is not enough", "transaction_lines")

    def _conditions(self, fields: Fields) -> Conditions:
        kind = (read.text(fields, "discount_type_name") or PERCENT).capitalize()
        withheld = read.text(fields, "witholding_type")
        for field, value in (("discount_type_name", kind), ("witholding_type", withheld)):
            if value is not None and value.capitalize() not in {PERCENT, VALUE}:
                raise invalid({field: "must be Percent or Value"})
        unit = read.amount(fields, "discount_unit") or ZERO
        witholding_value = read.amount(fields, "witholding_value") or ZERO
        if unit < 0:
            raise invalid({"discount_unit": POSITIVE})
        if witholding_value < 0:
            raise invalid({"witholding_value": POSITIVE})
        shipped = read.flag(fields, "is_shipped", default=False)
        return Conditions(
            discount_type=kind,
            discount_unit=unit,
            shipping_price=(read.amount(fields, "shipping_price") or ZERO) if shipped else ZERO,
            witholding_type=withheld,
            witholding_value=witholding_value,
            tax_after_discount=read.flag(fields, "tax_after_discount", default=True),
            tax_inclusive=read.flag(fields, "use_tax_inclusive", default=False),
            tax_decimals=self._company.settings.tax_decimals,
        )

    def _deposit(self, fields: Fields, amounts: Amounts) -> tuple[Fraction, Account | None]:
        deposit = read.amount(fields, "deposit") or ZERO
        account = cash_account(self._accounts, fields, "deposit_to", NO_DEPOSIT_ACCOUNT)
        if deposit < 0:
            raise invalid({"amount_receive": POSITIVE})
        if deposit and account is None:
            raise invalid({"deposit_to_name": NO_DEPOSIT_ACCOUNT}, [NO_DEPOSIT_ACCOUNT])
        if deposit > amounts.due and not self._company.settings.overpayment_allowed:
            raise overpaid()
        return deposit, account

    def _witholding_account(self, fields: Fields, conditions: Conditions) -> Account | None:
        account = self._resource.reference(self._company.accounts, fields, "witholding_account", "{} not exist")
        if conditions.witholding_value and account is None:
            raise invalid({"witholding_account_name": BLANK})
        return account


def overpaid() -> Exception:
    """Return the refusal of more money than is owed."""
    return invalid({"amount_receive": "(Value received cannot be greater than remaining balance.)"})


def _priced(line: InvoiceLine) -> PricedLine:
    return PricedLine(
        quantity=line.quantity,
        rate=line.rate,
        discount=line.discount,
        tax_rate=ZERO if line.tax is None else line.tax.rate,
    )


def _merged(before: Iterable[InvoiceLine], rows: Iterable[Fields]) -> list[Fields]:
    """Put the rows of a change over the lines they name by id; other lines stand as they are, other rows are new."""
    merged: dict[str, Fields] = {str(line.id): _as_row(line) for line in before}
    for place, row in enumerate(rows):
        key = read.text(row, "id") or f"new {place}"
        renamed = tuple(stem for stem in ("product", "line_tax") if any(name.startswith(stem) for name in row))
        kept = {name: value for name, value in merged.get(key, {}).items() if not name.startswith(renamed)}
        merged[key] = {**kept, **row}
    return list(merged.values())


def _as_row(line: InvoiceLine) -> Fields:
    return {
        "id": line.id,
        "custom_id": line.custom_id,
        "product_id": line.product.id,
        "description": line.description,
        "quantity": decimal_string(line.quantity),
        "rate": decimal_string(line.rate),
        "discount": decimal_string(line.discount),
        "line_tax_id": None if line.tax is None else line.tax.id,
    }
