"""How the API writes amounts, quantities and dates. Amounts are exact fractions of a rupiah until here."""

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

_DECIMALS_MAX = 10
CURRENCY = {"code": "IDR", "symbol": "Rp."}


def half_up(value: Fraction, decimals: int = 0) -> Fraction:
    """Round half up by magnitude: 0.5 becomes 1 and -0.5 becomes -1."""
    scale = 10**decimals
    magnitude = (abs(value) * scale * 2 + 1) // 2
    return Fraction(magnitude if value >= 0 else -magnitude, scale)


def decimal_string(value: Fraction) -> str:
    """Write "10692000.0": at least one decimal, ten at most."""
    scaled = abs(half_up(value, _DECIMALS_MAX)) * 10**_DECIMALS_MAX
    whole, rest = divmod(int(scaled), 10**_DECIMALS_MAX)
    decimals = f"{rest:0{_DECIMALS_MAX}d}".rstrip("0") or "0"
    sign = "-" if value < 0 and scaled else ""
    return f"{sign}{whole}.{decimals}"


def number(value: Fraction) -> int | Decimal:
    """Give a JSON number: an integer when the value is whole."""
    return value.numerator if value.denominator == 1 else Decimal(decimal_string(value))


def quantity_string(value: Fraction) -> str:
    """Write a quantity as text, "1" or "2.5"."""
    return decimal_string(value).removesuffix(".0")


def _grouped(value: Fraction) -> str:
    """Write the magnitude as "10.692.000,00"."""
    whole, rest = divmod(int(abs(half_up(value, 2)) * 100), 100)
    return f"{whole:,}".replace(",", ".") + f",{rest:02d}"


def currency(value: Fraction) -> str:
    """Write "Rp.  10.692.000,00", a negative amount in parentheses."""
    text = f"Rp.  {_grouped(value)}"
    return f"({text})" if value < 0 else text


def with_minus(value: Fraction) -> str:
    """Write a report amount as profit and loss and balance sheet do: " 1,00" or "- 1,00"."""
    return ("- " if value < 0 else " ") + _grouped(value)


def with_parentheses(value: Fraction) -> str:
    """Write a report amount as the other reports do: " 1,00" or "( 1,00)"."""
    return f"( {_grouped(value)})" if value < 0 else f" {_grouped(value)}"


def day(value: date | None) -> str | None:
    """Write a date as DD/MM/YYYY."""
    return None if value is None else value.strftime("%d/%m/%Y")


def moment(value: datetime) -> str:
    """Write an instant in UTC with milliseconds."""
    instant = value.astimezone(UTC)
    return instant.strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03d}Z"


def read_day(text: str) -> date | None:
    """Read YYYY-MM-DD, DD-MM-YYYY or DD/MM/YYYY; None when it is none of them."""
    parts = text.strip()[:10].replace("/", "-").split("-")
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        return None
    first, month, last = (int(part) for part in parts)
    year, of_month = (first, last) if len(parts[0]) == 4 else (last, first)
    try:
        return date(year, month, of_month)
    except ValueError:
        return None
