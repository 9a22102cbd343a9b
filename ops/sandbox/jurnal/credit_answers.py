"""What answers about credit memos and their uses have in common."""

from fractions import Fraction

from ops.sandbox.jurnal.invoice_answers import token
from ops.sandbox.jurnal.records import ZERO, Document
from ops.sandbox.jurnal.resource import Json, shown_tags, stamps
from ops.sandbox.jurnal.shapes import currency, day, decimal_string


def shown_credit(document: Document, amount: Fraction) -> Json:
    """Return the keys that a credit memo, a refund and an application of one all show."""
    return {
        "id": document.id,
        "transaction_no": document.name,
        "token": token(document.id),
        "email": None,
        "address": None,
        "memo": document.memo,
        "original_amount": decimal_string(amount),
        **stamps(document),
        "witholding_value": decimal_string(ZERO),
        "witholding_type": "percent",
        "custom_id": None,
        "tax_amount": decimal_string(ZERO),
        "deletable": True,
        "editable": True,
        "audited_by": None,
        "transaction_date": day(document.transaction_date),
        "due_date": None,
        "subtotal": 0,
        "subtotal_currency_format": currency(ZERO),
        "is_reconciled": False,
        "attachments": [],
        **shown_tags(document),
        "currency_code": "IDR",
        "currency_rate": 1,
    }
