"""The canonical content of a report: the same content told twice, in whatever spelling, has one digest.

It is taken over the tokenised body, so that no digest can be tried against guessed personal values.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

import msgspec

from eventstore.facts.reports.kind import ReportKind

# Spellings that mean one field. The manual and the live API differ in these.
_FIELD_SPELLINGS: Mapping[str, str] = {
    "remaining_on_accoun": "remaining_on_account",
    "erroe_message": "error_message",
    "fulfilment_status": "fulfillment_status",
}
_CHANNEL_SPELLINGS: Mapping[str, str] = {"online": "web"}
_WORD_FIELDS = frozenset({"channel", "status", "payment_status", "fulfillment_status", "type", "gateway"})
_NUMBER_OR_TIME_STARTS = frozenset("-0123456789")
_NUMBER = re.compile(r"^-?(0|[1-9]\d*)(\.\d+)?$")
_TIME = re.compile(r"^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,7}))?(Z|[+-]\d{2}:?\d{2})?$")
_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(order="deterministic")


def canonical_digest(body: bytes) -> str:
    """Return 32 hex digits over the canonical content of a tokenised body."""
    return sha256(_ENCODER.encode(_canonical(_DECODER.decode(body), ""))).hexdigest()[:32]


def source_id(kind: ReportKind, body: bytes, object_id: str) -> str:
    """Return the identity of a report: kind, iSeller's id, and either its identifying fields or its digest."""
    if kind.identity_fields:
        fields = _DECODER.decode(body)
        values = [_identifying(kind, name, fields.get(name)) for name in kind.identity_fields]
        return ":".join([kind.name, *("open" if value is None else str(value) for value in values)])
    return f"{kind.name}:{object_id}:{canonical_digest(body)}"


def differing_field(kind: ReportKind, original: bytes, reported: bytes) -> tuple[str, str, str] | None:
    """Return the first immutable field in which two reports under one source id differ, with both values."""
    before, after = _DECODER.decode(original), _DECODER.decode(reported)
    for name in kind.immutable_fields:
        old, new = _canonical(before.get(name), name), _canonical(after.get(name), name)
        if old is not None and new is not None and old != new:
            return name, str(old), str(new)
    return None


def _identifying(kind: ReportKind, name: str, told: Any) -> Any:
    value = _canonical(told, name)
    spellings = kind.identity_spellings.get(name)
    return value if spellings is None else spellings.get(value, value)


def _canonical(value: Any, name: str) -> Any:
    match value:
        case str():
            return _text(value, name)
        case dict():
            members = {}
            for key, member in value.items():
                spelling = _FIELD_SPELLINGS.get(key, key)
                # Most members are texts: asked here, they save a call.
                canonical = _text(member, spelling) if type(member) is str else _canonical(member, spelling)
                if canonical is not None:
                    members[spelling] = canonical
            return members or None
        case list():
            return [_canonical(element, name) for element in value] or None
        case bool() | None:
            return value
        case int():
            return str(value)
        case Decimal():
            return _number(value)
        case _:
            raise AssertionError(f"JSON holds no {type(value)}")


def _text(value: str, name: str) -> str | None:
    if not value:
        return None
    if value[0] in _NUMBER_OR_TIME_STARTS:
        if _NUMBER.match(value):
            return _number(Decimal(value))
        if (match := _TIME.match(value)) is not None and (time := _time(match)) is not None:
            return time
    if name in _WORD_FIELDS:
        lowered = value.lower()
        return _CHANNEL_SPELLINGS.get(lowered, lowered) if name == "channel" else lowered
    return value


def _number(value: Decimal) -> str:
    # Not normalize(): it rounds to 28 digits, and would make one content of two.
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _time(match: re.Match[str]) -> str | None:
    """Write a time in UTC; one without offset is UTC already. None for what only looks like a time (30 February)."""
    date, time, fraction, zone = match.groups()
    try:
        at = datetime.fromisoformat(f"{date}T{time}" if zone in (None, "Z") else f"{date}T{time}{zone}")
        if at.tzinfo is not None:
            at = at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    # The year without leading zeros: digests were always made so, and strftime takes four times as long.
    return f"{at.year}{at.isoformat()[4:19]}.{(fraction or '').ljust(7, '0')[:7]}"
