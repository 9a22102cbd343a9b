"""Reading Jurnal's JSON: amounts come as text or number, dates as DD/MM/YYYY or YYYY-MM-DD, by resource and age."""

import re
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

Record = Mapping[str, Any]
_DECODE = msgspec.json.Decoder(float_hook=Decimal).decode
_ISO_DAY = re.compile(r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})")
_LOCAL_DAY = re.compile(r"(?P<day>\d{2})[/-](?P<month>\d{2})[/-](?P<year>\d{4})")


class UnreadableAnswer(ValueError):
    """The body is not what its resource documents: cut short, no JSON, or without the record."""


def read_json(body: bytes) -> Any:
    """Return the body's JSON with decimals exact. Raises UnreadableAnswer."""
    try:
        return _DECODE(body)
    except (msgspec.DecodeError, UnicodeDecodeError, InvalidOperation) as failed:
        raise UnreadableAnswer("the answer is not JSON") from failed


def read_decimal(value: Any) -> Decimal | None:
    """Return an amount or quantity that stands as number or plain text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, str, Decimal)):
        return None
    try:
        read = Decimal(value)
    except InvalidOperation:
        return None
    return read if read.is_finite() else None


def read_date(value: Any) -> date | None:
    """Return a date in either of Jurnal's spellings; None for anything else."""
    if not isinstance(value, str):
        return None
    found = _ISO_DAY.match(value) or _LOCAL_DAY.match(value)
    if found is None:
        return None
    try:
        return date(int(found["year"]), int(found["month"]), int(found["day"]))
    except ValueError:
        return None


def read_last_closed_day(company: Any) -> date | None:
    """Return the last day of a company's closed books; None: all are open.

    Jurnal names the day it closed the books on, and refuses what is dated before it.
    """
    closing = read_date(company.get("last_closing_the_book_date")) if isinstance(company, dict) else None
    return None if closing is None else closing - timedelta(days=1)


def text_of(record: Record, key: str) -> str | None:
    """Return a text that is not empty."""
    value = record.get(key)
    return value if isinstance(value, str) and value else None


def block_of(record: Record, key: str) -> Record:
    """Return a part of a record; empty where it is none."""
    value = record.get(key)
    return value if isinstance(value, dict) else {}


def rows_of(record: Record, key: str) -> list[Record]:
    """Return the rows of a list; none where it is no list."""
    value = record.get(key)
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def id_of(record: Record, key: str = "id") -> int | None:
    """Return an id that stands as a number."""
    value = record.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def ids_of(record: Record, key: str) -> tuple[int, ...]:
    """Return the ids of a list's rows, in its order."""
    return tuple(found for row in rows_of(record, key) if (found := id_of(row)) is not None)


def record_in(answer: Any, singular: str) -> tuple[int, Record]:
    """Return the id and the record that an answer wraps. Raises UnreadableAnswer."""
    record = answer.get(singular) if isinstance(answer, dict) else None
    if not isinstance(record, dict):
        raise UnreadableAnswer(f"the answer holds no {singular}")
    jurnal_id = id_of(record)
    if jurnal_id is None:
        raise UnreadableAnswer(f"the {singular} of the answer has no id")
    return jurnal_id, record


def settled_by(payment: Record) -> Decimal | None:
    """Return what a payment settles on all invoices; its `total` is net of what is withheld."""
    amounts = [read_decimal(row.get("amount")) for row in rows_of(payment, "records")]
    if not amounts or None in amounts:
        return read_decimal(payment.get("total"))
    return sum((amount for amount in amounts if amount is not None), Decimal(0))


def adjustment_number(record: Record) -> str | None:
    """Return a stock adjustment's number, which stands behind its kind, as in `Stock In/Out#1001`."""
    kind, _, number = (text_of(block_of(record, "entry"), "transaction_number") or "").partition("#")
    return number or kind or None
