"""Reading the attributes of a request: numbers may be JSON numbers or numeric text, absent and null are the same."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from ops.sandbox.jurnal.errors import BLANK, invalid
from ops.sandbox.jurnal.shapes import read_day

Fields = Mapping[str, Any]


def text(fields: Fields, name: str) -> str | None:
    """Return an attribute as text; None when absent, null or blank."""
    value = fields.get(name)
    if value is None or isinstance(value, (dict, list)):
        return None
    return str(value).strip() or None


def required_text(fields: Fields, name: str) -> str:
    """Return an attribute as text, or refuse with 422."""
    value = text(fields, name)
    if value is None:
        raise invalid({name: BLANK})
    return value


def amount(fields: Fields, name: str) -> Fraction | None:
    """Return an attribute as an exact number; None when absent, 422 when it is no number."""
    value = fields.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, (int, str, Decimal)):
        raise invalid({name: "is not a number"})
    try:
        read = Decimal(value)
        return Fraction(read)
    except (InvalidOperation, ValueError, OverflowError):
        raise invalid({name: "is not a number"}) from None


def flag(fields: Fields, name: str, *, default: bool) -> bool:
    """Return an attribute as a truth value; "true" and 1 count."""
    value = fields.get(name)
    return default if value is None else str(value).lower() in {"true", "1"}


def day(fields: Fields, name: str) -> date | None:
    """Return an attribute as a date; None when absent, 422 when it is no date."""
    value = text(fields, name)
    if value is None:
        return None
    read = read_day(value)
    if read is None:
        raise invalid({name: "is not valid"})
    return read


def required_day(fields: Fields, name: str) -> date:
    """Return an attribute as a date, or refuse with 422."""
    read = day(fields, name)
    if read is None:
        raise invalid({name: BLANK})
    return read


def rows(fields: Fields, name: str, label: str) -> list[Fields]:
    """Return a non-empty list of line attributes, or refuse with 422 naming `label`."""
    value = fields.get(name)
    if not isinstance(value, list) or not value or not all(isinstance(row, dict) for row in value):
        raise invalid({label: BLANK if not value else "is invalid"})
    return value
