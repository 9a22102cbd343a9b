"""A sales invoice as answers show it."""

from collections.abc import Iterable
from fractions import Fraction

from ops.sandbox.jurnal.accounts import shown_account
from ops.sandbox.jurnal.company import Company
from ops.sandbox.jurnal.invoice_arithmetic import VALUE
from ops.sandbox.jurnal.products import shown_unit
from ops.sandbox.jurnal.records import ZERO, Document
from ops.sandbox.jurnal.resource import Json, shown_tags, stamps
from ops.sandbox.jurnal.sales import Invoice, InvoiceLine, Status
from ops.sandbox.jurnal.shapes import CURRENCY, currency, day, decimal_string, number

NO_TAX = {"id": None, "name": None, "rate": None}


def shown_status(status: Status) -> Json:
    """Return the transaction_status block."""
    key, name, bahasa = status
    return {"id": key, "name": name, "name_bahasa": bahasa}


def token(document_id: int) -> str:
    """Return the share token of a document; it opens nothing here."""
    return f"sandbox-share-{document_id}"


def shown_invoice(company: Company, invoice: Invoice) -> Json:
    """Return all keys of one invoice."""
    terms = invoice.terms
    return {
        "id": invoice.id,
        "transaction_no": invoice.name,
        "selected_po_id": None,
        "selected_pq_id": None,
        "token": token(invoice.id),
        "memo": invoice.memo,
        "reference_no": invoice.reference_no,
        **terms.written,
        "source": terms.written["source"] or "apikey",
        "shipping_address": terms.written["shipping_address"] or "",
        "status": "approved",
        "custom_id": invoice.custom_id,
        **stamps(invoice),
        "deletable": invoice.only_deposit and not invoice.returns and not invoice.is_reconciled,
        "editable": not invoice.returns and not invoice.is_reconciled,
        "audited_by": None,
        "transaction_date": day(terms.transaction_date),
        "due_date": day(terms.due_date),
        "shipping_date": day(terms.shipping_date),
        **_amounts(invoice),
        "is_shipped": terms.is_shipped,
        "tax_after_discount": terms.conditions.tax_after_discount,
        "use_tax_inclusive": terms.conditions.tax_inclusive,
        "has_deliveries": False,
        "transaction_status": shown_status(invoice.status(company.today())),
        "transaction_lines_attributes": [_line(company, invoice, place) for place in range(len(terms.lines))],
        **_related(company, invoice),
        **_parties(invoice),
        **shown_tags(invoice),
        "tax": NO_TAX,
        "tax_details": _tax_details(invoice),
        "attachments": [],
        "email_previews": {"times_sent": 0, "sent_to_list": []},
        "is_reconciled": False,
        "currency_code": "IDR",
        "currency_rate": 1,
        "company_currency": CURRENCY,
    }


def _amounts(invoice: Invoice) -> Json:
    """Return the sums, as text and formatted; what is withheld is a number."""
    terms, amounts = invoice.terms, invoice.terms.amounts
    written = {
        "remaining": invoice.remaining,
        "original_amount": amounts.original_amount,
        "shipping_price": amounts.shipping_price,
        "tax_amount": amounts.tax_amount,
        "discount_price": amounts.discount_price,
        "amount_receive": invoice.amount_received,
        "subtotal": amounts.subtotal,
        "deposit": terms.deposit,
        "discount_per_lines": amounts.discount_per_lines,
        "payment_received_amount": invoice.payment_received,
    }
    shown: Json = {key: decimal_string(value) for key, value in written.items()}
    shown |= {f"{key}_currency_format": currency(value) for key, value in written.items()}
    kind = terms.conditions.discount_type
    value = kind == VALUE
    return shown | {
        "witholding_value": decimal_string(terms.conditions.witholding_value),
        "witholding_type": terms.conditions.witholding_type,
        "witholding_amount": number(amounts.witholding_amount),
        "witholding_amount_currency_format": currency(amounts.witholding_amount),
        "discount_type": {"id": 2 if value else 1, "name": kind, "name_bahasa": "Nilai" if value else "Persen"},
        "discount_unit": decimal_string(terms.conditions.discount_unit),
    }


def _line(company: Company, invoice: Invoice, place: int) -> Json:
    line, amounts = invoice.terms.lines[place], invoice.terms.amounts.lines[place]
    product = line.product
    return {
        "id": line.id,
        "custom_id": line.custom_id,
        "description": line.description,
        "amount": decimal_string(amounts.amount),
        "discount": decimal_string(line.discount),
        "rate": decimal_string(line.rate),
        "tax": None,
        "line_tax": line_tax(line),
        "amount_currency_format": currency(amounts.amount),
        "rate_currency_format": currency(line.rate),
        "has_return_line": invoice.quantity_left(line) < line.quantity,
        "quantity": number(line.quantity),
        "product": {
            "id": product.id,
            "name": product.name,
            "code": product.code,
            "product_custom_id": product.custom_id,
            "archive": product.archived,
            "quantity": number(company.stock.total(product)),
            "track_inventory": product.tracked,
        },
        "unit": shown_unit(product),
    }


def line_tax(line: InvoiceLine) -> Json:
    """Return the tax block of an invoice line."""
    if line.tax is None:
        return NO_TAX
    return {"id": line.tax.id, "name": line.tax.name, "rate": decimal_string(line.tax.rate)}


def _related(company: Company, invoice: Invoice) -> Json:
    """Return the documents that hang on an invoice, newest first; a credit memo used for it is a payment too."""
    payments = _rows([*invoice.payments.values(), *invoice.applied.values()])
    memos = [
        memo
        for made in invoice.returns.values()
        if made.credit_memo_id is not None and (memo := company.credit_memos.get(made.credit_memo_id)) is not None
    ]
    return {
        "payments": payments,
        "has_payments": bool(payments),
        "earliest_payment_date": payments[0]["transaction_date"] if payments else "",
        "sales_returns": _rows(invoice.returns.values()),
        "sales_deliveries": [],
        "credit_memos": _rows(memos),
        "has_credit_memos": bool(memos),
        "credit_memo_balance": number(sum((memo.remaining for memo in memos), ZERO)),
        "sales_quote": {"id": None, "transaction_no": None},
    }


def _rows(documents: Iterable[Document]) -> list[Json]:
    newest = sorted(documents, key=lambda made: (made.transaction_date, made.id), reverse=True)
    return [
        {"id": made.id, "transaction_no": made.name, "transaction_date": day(made.transaction_date)} for made in newest
    ]


def _parties(invoice: Invoice) -> Json:
    terms = invoice.terms
    person, warehouse, term = terms.person, terms.warehouse, terms.term
    kept = ("title", "first_name", "middle_name", "last_name", "tax_no", "email", "address", "billing_address", "phone")
    return {
        "person": {
            "id": person.id,
            "display_name": person.name,
            **{key: person.written[key] for key in (*kept, "fax")},
        },
        "warehouse": {
            "id": None if warehouse is None else warehouse.id,
            "name": None if warehouse is None else warehouse.name,
            "code": None if warehouse is None else warehouse.code,
        },
        "deposit_to": shown_account(terms.deposit_to),
        "witholding_account": shown_account(terms.witholding_account),
        "term": {"id": None, "name": "Custom", "longetivity": 0}
        if term is None
        else {"id": term.id, "name": term.name, "longetivity": term.days},
    }


def _tax_details(invoice: Invoice) -> list[Json]:
    """Return one row per tax, named with its rate."""
    sums: dict[str, Fraction] = {}
    for line, amounts in zip(invoice.terms.lines, invoice.terms.amounts.lines, strict=True):
        if line.tax is not None:
            name = f"{line.tax.name} {decimal_string(line.tax.rate)}%"
            sums[name] = sums.get(name, ZERO) + amounts.tax
    return [
        {"name": name, "tax_amount": number(tax), "tax_amount_currency_format": currency(tax)}
        for name, tax in sums.items()
    ]
