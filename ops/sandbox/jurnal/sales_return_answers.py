"""Sales returns as answers show them: reading one says less than making one."""

from fractions import Fraction

from ops.sandbox.jurnal.company import Company
from ops.sandbox.jurnal.credit_records import ReturnLine, SalesReturn
from ops.sandbox.jurnal.invoice_answers import line_tax, shown_status, token
from ops.sandbox.jurnal.records import ZERO, Person
from ops.sandbox.jurnal.resource import Json, shown_tags, stamps
from ops.sandbox.jurnal.sales import CLOSED, Invoice, InvoiceLine
from ops.sandbox.jurnal.shapes import currency, day, decimal_string, moment, number

PERSON = ("title", "first_name", "middle_name", "last_name", "tax_no", "email", "address", "billing_address", "phone")


def shown_return(company: Company, made: SalesReturn) -> Json:
    """Return a sales return as GET shows it."""
    invoice, lines = _invoice(company, made)
    return {
        "id": made.id,
        "transaction_no": made.name,
        "message": made.message or "",
        "email": invoice.terms.written["email"],
        "memo": made.memo or "",
        "custom_id": made.custom_id,
        "transaction_date": day(made.transaction_date),
        "invoice_no": invoice.name,
        **_sums(made),
        "transaction_return_lines_attributes": [
            {
                "id": line.id,
                "return_quantity": decimal_string(line.quantity),
                "transaction_line_id": line.invoice_line_id,
                "transaction_line": _read_line(lines[line.invoice_line_id], invoice),
            }
            for line in made.lines
        ],
        **_ends(made),
        "attachments": [],
    }


def shown_return_made(company: Company, made: SalesReturn) -> Json:
    """Return a sales return as POST and PATCH answer it."""
    invoice, lines = _invoice(company, made)
    terms = invoice.terms
    status = shown_status(CLOSED) | {"created_at": moment(made.created_at), "updated_at": moment(made.updated_at)}
    spent = made.credit_memo_id is not None and _spent(company, made.credit_memo_id)
    return {
        "id": made.id,
        "transaction_no": made.name,
        "token": token(made.id),
        "message": made.message,
        "email": terms.written["email"],
        "memo": made.memo,
        "custom_id": made.custom_id,
        "status": "approved",
        "transaction_status": status,
        "address": terms.written["address"],
        "shipping_address": terms.written["shipping_address"] or "",
        "deleted_at": None,
        "deletable": not spent,
        "editable": not spent,
        "audited_by": None,
        "transaction_date": day(made.transaction_date),
        "due_date": day(terms.due_date),
        "shipping_date": day(terms.shipping_date),
        "invoice_no": invoice.name,
        "invoice_date": day(invoice.transaction_date),
        "invoice_id": invoice.id,
        "invoice_tax_after_discount": terms.conditions.tax_after_discount,
        "invoice_has_discount_lines": bool(terms.amounts.discount_per_lines),
        "has_discount_in_invoice": bool(terms.amounts.discount_price),
        **_sums(made),
        "transaction_type": {"id": 12, "name": "Sales Return"},
        "transaction_return_lines_attributes": [
            _made_line(line, lines[line.invoice_line_id], invoice) for line in made.lines
        ],
        **_ends(made),
        "is_reconciled": False,
        "attachments": [],
    }


def _invoice(company: Company, made: SalesReturn) -> tuple[Invoice, dict[int, InvoiceLine]]:
    invoice = company.sales_invoices.get(made.invoice_id)
    assert invoice is not None, "an invoice with returns stays"
    return invoice, {line.id: line for line in invoice.terms.lines}


def _spent(company: Company, memo_id: int) -> bool:
    memo = company.credit_memos.get(memo_id)
    return memo is not None and bool(memo.spent)


def _sums(made: SalesReturn) -> Json:
    """Return what comes back, as numbers and formatted."""
    returned = [line.returned for line in made.lines]
    sums = {
        "returned_tax": sum((line.tax for line in returned), ZERO),
        "discount_lines": sum((line.line_discount for line in returned), ZERO),
        "discount_whole": sum((line.header_discount for line in returned), ZERO),
        "return_amount": made.amount,
        "returned_witholding_amount": sum((line.witholding for line in returned), ZERO),
    }
    shown: Json = {key: number(value) for key, value in sums.items()}
    return shown | {f"{key}_currency_format": currency(value) for key, value in sums.items()}


def _ends(made: SalesReturn) -> Json:
    warehouse = made.warehouse
    return {
        "person": _person(made.person),
        "warehouse": {
            "id": None if warehouse is None else warehouse.id,
            "name": None if warehouse is None else warehouse.name,
            "code": None if warehouse is None else warehouse.code,
        },
        **shown_tags(made),
        **{key: value for key, value in stamps(made).items() if key != "deleted_at"},
        "currency_code": "IDR",
        "currency_rate": 1,
    }


def _person(person: Person) -> Json:
    return {"id": person.id, "name": person.name, **{key: person.written[key] for key in (*PERSON, "fax")}}


def _amount(line: InvoiceLine, invoice: Invoice) -> Fraction:
    return invoice.terms.amounts.lines[invoice.terms.lines.index(line)].amount


def _priced(line: InvoiceLine, invoice: Invoice) -> Json:
    amount = _amount(line, invoice)
    return {
        "description": line.description,
        "rate": decimal_string(line.rate),
        "amount": decimal_string(amount),
        "discount": decimal_string(line.discount),
        "unit": line.product.unit,
        "amount_currency_format": currency(amount),
        "rate_currency_format": currency(line.rate),
    }


def _read_line(line: InvoiceLine, invoice: Invoice) -> Json:
    return _priced(line, invoice) | {
        "product": line.product.name,
        "quantity": decimal_string(line.quantity),
        "tax": line.tax is not None,
    }


def _made_line(line: ReturnLine, of: InvoiceLine, invoice: Invoice) -> Json:
    product = of.product
    return {
        "id": line.id,
        "transaction_line_id": line.invoice_line_id,
        "return_quantity": number(line.quantity),
        "line_return_amount": number(line.returned.amount),
        "line_return_amount_currency_format": currency(line.returned.amount),
        "transaction_line": _priced(of, invoice)
        | {
            "product": {"id": product.id, "product_code": product.code, "name": product.name},
            "quantity": number(of.quantity),
            "tax": None,
            "line_tax": line_tax(of),
        },
    }
