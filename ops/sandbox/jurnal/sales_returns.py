"""Sales returns: goods back from an invoice, and the credit memo for what was paid already."""

from collections.abc import Iterable, Mapping
from fractions import Fraction

from ops.sandbox.jurnal import fields as read
from ops.sandbox.jurnal.books import Source, entry
from ops.sandbox.jurnal.company import Company
from ops.sandbox.jurnal.credit_records import CreditMemo, Returned, ReturnLine, SalesReturn
from ops.sandbox.jurnal.errors import BLANK, POSITIVE, invalid, unprocessable
from ops.sandbox.jurnal.fields import Fields
from ops.sandbox.jurnal.products import Products
from ops.sandbox.jurnal.records import ZERO, Account
from ops.sandbox.jurnal.references import Warehouses
from ops.sandbox.jurnal.resource import Json, Resource
from ops.sandbox.jurnal.return_arithmetic import given_back
from ops.sandbox.jurnal.sales import Invoice, InvoiceLine
from ops.sandbox.jurnal.sales_return_answers import shown_return, shown_return_made
from ops.sandbox.jurnal.stock import StockMove

TOO_MUCH = "(Return quantity cannot be greater than the quantity left to return.)"
NO_INVOICE = "Invoice not exist"
NO_LINE = "Transaction line not exist"
LINES = "transaction_return_lines"


class SalesReturns(Resource[SalesReturn]):
    """sales_returns: list, get, create, change, delete; the keys sent are dropped unless the settings keep them."""

    singular = "sales_return"
    plural = "sales_returns"
    can_change = True

    def __init__(self, company: Company) -> None:
        super().__init__(company, company.sales_returns)
        self._products = Products(company)
        self._warehouses = Warehouses(company)

    def create(self, fields: Fields, *, check_custom_id: bool = True) -> SalesReturn:
        """Take goods back; what the invoice does not owe any more becomes a credit memo."""
        del check_custom_id
        made = self._read(self._documented(fields), None)
        self.register.add(made)
        self._book(made)
        return made

    def change(self, record: SalesReturn, fields: Fields) -> SalesReturn:
        """Replace a return of the same invoice; refused once its credit memo was used."""
        self._check_unspent(record)
        returns = self._invoice_of(record).returns
        del returns[record.id]
        try:
            made = self._read(self._documented(fields), record)
        finally:
            returns[record.id] = record
        self._unbook(record)
        self.register.replace(record, made)
        self._book(made)
        return made

    def delete(self, record: SalesReturn) -> None:
        """Delete a return and its credit memo; refused once the credit memo was used."""
        self.company.check_open(record.transaction_date)
        self._check_unspent(record)
        self._unbook(record)
        self.register.remove(record)
        if record.credit_memo_id is not None:
            self._drop_credit_memo(record)

    def _documented(self, fields: Fields) -> Fields:
        """Leave out the keys, which no documented body has."""
        if self.company.settings.returns_keep_keys:
            return fields
        return {key: value for key, value in fields.items() if key not in {"custom_id", "transaction_no"}}

    def _read(self, fields: Fields, known: SalesReturn | None) -> SalesReturn:
        heading = self.heading(fields, known)
        invoice = self._invoice(fields, known)
        lines = self._lines(fields, invoice, () if known is None else known.lines)
        return SalesReturn(
            **heading,
            invoice_id=invoice.id,
            person=invoice.terms.person,
            warehouse=self._warehouses.named_in(fields, "warehouse") or invoice.terms.warehouse,
            message=read.text(fields, "message"),
            lines=lines,
            credit_memo_id=None if known is None else known.credit_memo_id,
        )

    def _invoice(self, fields: Fields, known: SalesReturn | None) -> Invoice:
        """Find the invoice by id, number or both; a change stays with its invoice."""
        invoices = self.company.sales_invoices
        key, number = read.text(fields, "invoice_id"), read.text(fields, "invoice_no")
        by_key = invoices.get(int(key)) if key is not None and key.isdecimal() else None
        by_number = None if number is None else invoices.named(number)
        found = by_key or by_number
        if key is None and number is None and known is not None:
            found = invoices.get(known.invoice_id)
        elif key is not None and number is not None and by_key is not by_number:
            found = None
        if found is None or (known is not None and found.id != known.invoice_id):
            raise invalid({"invoice_no": NO_INVOICE}, [NO_INVOICE])
        return found

    def _lines(self, fields: Fields, invoice: Invoice, before: Iterable[ReturnLine]) -> tuple[ReturnLine, ...]:
        """Read the lines; the whole of an invoice line's rows may not exceed what is left of it."""
        ids = {line.id for line in before}
        left = {line.id: invoice.quantity_left(line) for line in invoice.terms.lines}
        tax_left = self._tax_left(invoice)
        lines: list[ReturnLine] = []
        for row in read.rows(fields, f"{LINES}_attributes", LINES):
            quantity = read.amount(row, "return_quantity")
            if quantity is None or quantity < 0:
                raise invalid({"return_quantity": BLANK if quantity is None else POSITIVE})
            line = self._invoice_line(row, invoice, left, quantity)
            left[line.id] -= quantity
            if left[line.id] < 0:
                raise invalid({"return_quantity": TOO_MUCH})
            if quantity:
                emptied = tax_left[line.id] if left[line.id] == 0 else None
                returned = self._returned(invoice, line, quantity, emptied)
                tax_left[line.id] -= returned.tax
                line_id = self.line_id(row, ids, LINES)
                lines.append(ReturnLine(id=line_id, invoice_line_id=line.id, quantity=quantity, returned=returned))
        if not lines:
            raise invalid({"return_quantity": POSITIVE})
        return tuple(lines)

    def _tax_left(self, invoice: Invoice) -> dict[int, Fraction]:
        """Return the tax of every invoice line that was not given back yet."""
        amounts = zip(invoice.terms.lines, invoice.terms.amounts.lines, strict=True)
        left = {line.id: charged.tax for line, charged in amounts}
        for made in invoice.returns.values():
            for line in made.lines:
                left[line.invoice_line_id] -= line.returned.tax
        return left

    def _returned(self, invoice: Invoice, line: InvoiceLine, quantity: Fraction, emptied: Fraction | None) -> Returned:
        terms = invoice.terms
        return given_back(
            terms.amounts,
            terms.lines.index(line),
            quantity=quantity,
            of_quantity=line.quantity,
            tax_left=emptied,
            tax_decimals=terms.conditions.tax_decimals,
        )

    def _invoice_line(
        self, row: Fields, invoice: Invoice, left: Mapping[int, Fraction], quantity: Fraction
    ) -> InvoiceLine:
        """Find the invoice line by transaction_line_id, product_id and product_name, of which all sent must agree.

        Of several lines of a product the first with enough left is meant.
        """
        sent = {name: read.text(row, name) for name in ("transaction_line_id", "product_id", "product_name")}
        if not any(sent.values()):
            raise invalid({LINES: BLANK})
        found = [
            line
            for line in invoice.terms.lines
            if sent["transaction_line_id"] in {None, str(line.id)}
            and sent["product_id"] in {None, str(line.product.id)}
            and sent["product_name"] in {None, line.product.name}
        ]
        if not found:
            raise invalid({LINES: NO_LINE}, [NO_LINE])
        return next((line for line in found if left[line.id] >= quantity), found[0])

    def _credit_memo(self, made: SalesReturn) -> CreditMemo | None:
        return None if made.credit_memo_id is None else self.company.credit_memos.get(made.credit_memo_id)

    def _check_unspent(self, record: SalesReturn) -> None:
        memo = self._credit_memo(record)
        if memo is not None and memo.spent:
            raise unprocessable()

    def _invoice_of(self, made: SalesReturn) -> Invoice:
        invoice = self.company.sales_invoices.get(made.invoice_id)
        assert invoice is not None, "an invoice with returns stays"
        return invoice

    def _book(self, made: SalesReturn) -> None:
        """Lower what the invoice owes, make or restate the credit memo, post, and put the goods back."""
        company = self.company
        invoice = self._invoice_of(made)
        made.settled = min(made.amount, invoice.remaining)
        invoice.returns[made.id] = made
        self._keep_credit_memo(made, made.amount - made.settled)
        source = Source("Sales Return", made.name, made.memo or "")
        postings = entry(made.transaction_date, source, self._changes(made, invoice))
        company.journal.post((self.singular, made.id), postings)
        lines = {line.id: line for line in invoice.terms.lines}
        warehouse = made.warehouse or company.unassigned()
        moves: list[StockMove] = []
        for line in made.lines:
            product = lines[line.invoice_line_id].product
            moves.append(
                StockMove(product, warehouse, made.transaction_date, line.quantity, product.buy_account, source)
            )
        company.stock.move(made.id, moves)

    def _unbook(self, made: SalesReturn) -> None:
        invoice = self._invoice_of(made)
        del invoice.returns[made.id]
        self.company.journal.remove((self.singular, made.id))
        lines = {line.id: line for line in invoice.terms.lines}
        self.company.stock.undo(made.id, {lines[line.invoice_line_id].product for line in made.lines})

    def _keep_credit_memo(self, made: SalesReturn, amount: Fraction) -> None:
        """Let the credit memo of a return be of the amount; none for nothing."""
        memos, memo = self.company.credit_memos, self._credit_memo(made)
        if not amount:
            if memo is not None:
                self._drop_credit_memo(made)
            return
        if memo is None:
            memo = CreditMemo(
                id=self.company.new_id(),
                name=memos.free_number(),
                created_at=made.created_at,
                updated_at=made.updated_at,
                transaction_date=made.transaction_date,
                person=made.person,
                lines=(),
                original_amount=amount,
                from_return_id=made.id,
            )
            memos.add(memo)
            made.credit_memo_id = memo.id
        memo.original_amount, memo.transaction_date = amount, made.transaction_date
        memo.updated_at = made.updated_at

    def _drop_credit_memo(self, made: SalesReturn) -> None:
        memo = self._credit_memo(made)
        assert memo is not None, "the credit memo of a return goes with it only"
        self.company.credit_memos.remove(memo)
        made.credit_memo_id = None

    def _changes(self, made: SalesReturn, invoice: Invoice) -> Iterable[tuple[Account, Fraction]]:
        """Return the accounts a return changes; debits are positive."""
        terms, person = invoice.terms, made.person
        taxes = {line.id: line.tax for line in terms.lines}
        for line in made.lines:
            yield self.company.chart["Sales Return"], line.returned.net
            tax = taxes[line.invoice_line_id]
            if tax is not None:
                yield tax.sell_account, line.returned.tax
        if terms.witholding_account is not None:
            yield terms.witholding_account, -sum((line.returned.witholding for line in made.lines), ZERO)
        yield person.receivable, -made.settled
        yield self.company.credit_account(person), made.settled - made.amount

    def show(self, record: SalesReturn) -> Json:
        """Return a sales return as it is read."""
        return shown_return(self.company, record)

    def show_made(self, record: SalesReturn) -> Json:
        """Return a sales return as its making is answered, which says more."""
        return shown_return_made(self.company, record)

    def show_row(self, record: SalesReturn) -> Json:
        """Return the row of a list, which names no attachments."""
        return {key: value for key, value in self.show(record).items() if key != "attachments"}
