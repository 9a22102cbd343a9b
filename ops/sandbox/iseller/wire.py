"""How iSeller writes moments and amounts in JSON."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

_ENCODER = msgspec.json.Encoder(decimal_format="number")


def encode(document: Any) -> bytes:
    """Return JSON with decimals as exact numbers."""
    return _ENCODER.encode(document)


def amount(value: Decimal) -> Decimal:
    """Return rupiah with the four decimals of iSeller's answers, e.g. 55000.0000."""
    return value.quantize(Decimal("0.0001"))


def utc_text(at: datetime) -> str:
    """Return UTC without an offset; a fraction, if any, has seven digits."""
    return _text(at.astimezone(UTC))


def store_text(at: datetime, time_zone: ZoneInfo) -> str:
    """Return the store's wall clock without an offset, as GetTransactions does."""
    return _text(at.astimezone(time_zone))


def timestamp_header(at: datetime) -> str:
    """Return the webhook header's form: UTC, always seven digits, and a Z."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}0Z"


def parse_utc(text: str) -> datetime:
    """Read a UTC moment without an offset, up to seven fractional digits; `ValueError` when it is none."""
    whole, _, fraction = text.strip().removesuffix("Z").partition(".")
    at = datetime.fromisoformat(f"{whole}.{fraction[:6]:0<6}" if fraction else whole)
    if at.tzinfo is not None:
        raise ValueError("a date without an offset is expected")
    return at.replace(tzinfo=UTC)


def _text(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S.%f}0" if at.microsecond else f"{at:%Y-%m-%dT%H:%M:%S}"
