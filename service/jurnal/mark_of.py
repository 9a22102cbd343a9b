"""Whose a document of Jurnal's is, by its key or by the identity in its memo: what comparing both sides goes by."""

import re

from projections.jurnal_commands.identity import is_number_of
from service.jurnal.reading import Record, adjustment_number, text_of
from service.jurnal.resources import STOCK_ADJUSTMENTS, WAREHOUSE_TRANSFERS, Resource

# What identities of the commands that make one of a resource begin with, see `projections/jurnal_commands/identity.py`.
_PREFIXES = {
    "sales_invoices": ("inv",),
    "receive_payments": ("pay",),
    "sales_returns": ("srn",),
    "credit_memos": ("crm",),
    "journal_entries": ("jnl",),
    "warehouse_transfers": ("trf", "ret"),
    "stock_adjustments": ("adj",),
    "bank_deposits": ("dep",),
    "bank_withdrawals": ("fee",),
}
_IDENTITY = re.compile(r"(?P<prefix>[a-z]{3})-(?P<store>[a-z0-9][a-z0-9-]{0,39})\.[A-Za-z0-9._-]+")


def mark_of(resource: Resource, record: Record) -> str | None:
    """Return the identity of the command that made a document; None of one that is not ours."""
    return key_of(resource, record) or _in_memo(resource, record)


def key_of(resource: Resource, record: Record) -> str | None:
    """Return the identity that a document has as its key; where Jurnal shows no keys, the one its number proves."""
    custom_id = text_of(record, "custom_id")
    if custom_id is not None and _is_identity(resource, custom_id):
        return custom_id
    if resource not in (WAREHOUSE_TRANSFERS, STOCK_ADJUSTMENTS):
        return None
    mark = _in_memo(resource, record)
    return mark if mark is not None and is_number_of(number_in(resource, record) or "", mark) else None


def number_in(resource: Resource, record: Record) -> str | None:
    """Return the document's number."""
    return adjustment_number(record) if resource == STOCK_ADJUSTMENTS else text_of(record, "transaction_no")


def store_of(mark: str) -> str:
    """Return the store of an identity."""
    found = _IDENTITY.fullmatch(mark)
    assert found is not None, "a mark is an identity"
    return found["store"]


def _in_memo(resource: Resource, record: Record) -> str | None:
    words = (text_of(record, "memo") or "").split()
    return next((word for word in reversed(words) if _is_identity(resource, word)), None)


def _is_identity(resource: Resource, word: str) -> bool:
    found = _IDENTITY.fullmatch(word)
    return found is not None and found["prefix"] in _PREFIXES[resource.plural]
