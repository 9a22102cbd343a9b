"""Reading iSeller's answers, pure: case-tolerant envelopes, exact bytes of each object, and errors under HTTP 200."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

_ENVELOPE = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
_ANY = msgspec.json.Decoder(float_hook=Decimal)
_TIME = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,7}))?Z?", re.ASCII)
_MESSAGE_CHARACTERS_MAX = 300
# What a decoder raises for bytes that are no JSON it can hold.
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError)


class IsellerError(Exception):
    """iSeller did not do what was asked, or answered what cannot be read. `status` is the HTTP status, if any."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message[:_MESSAGE_CHARACTERS_MAX])
        self.status = status


class Page(msgspec.Struct, frozen=True):
    """The objects of one answer, each as its exact bytes; `observed_at` is the answer's own `time` (UTC)."""

    objects: list[bytes]
    has_next: bool
    observed_at: datetime


def read_page(body: bytes, array: str, *, asked_at: datetime) -> Page:
    """Read a list answer whose objects stand under `array`. Raises `IsellerError`, also for `status` false.

    An answer without a readable `time` was observed at `asked_at`: earlier than that it cannot have been made.
    """
    members = _members(body)
    objects = members.get(_spelled(array))
    if objects is None:
        raise IsellerError(f"the answer has no {array}")
    try:
        rows = [bytes(row) for row in _ARRAY.decode(objects)]
    except _UNREADABLE:
        raise IsellerError(f"{array} is no list") from None
    return Page(rows, _true(members, "has_next_item"), _time(members) or asked_at)


def read_object(body: bytes, name: str) -> Any:
    """Read an answer that holds one object under `name`. Raises `IsellerError`, also for `status` false."""
    members = _members(body)
    if (found := members.get(_spelled(name))) is None:
        raise IsellerError(f"the answer has no {name}")
    try:
        return _ANY.decode(found)
    except _UNREADABLE:
        raise IsellerError(f"{name} cannot be read") from None


def _members(body: bytes) -> Mapping[str, msgspec.Raw]:
    """Return the envelope's members by their one spelling, or raise if iSeller says that it failed."""
    try:
        members = {_spelled(key): value for key, value in _ENVELOPE.decode(body).items()}
    except _UNREADABLE:
        raise IsellerError("the answer is no JSON object") from None
    message = _text(members, "error_message") or _text(members, "erroe_message")
    if not _true(members, "status", absent=not message):
        raise IsellerError(f"iSeller says: {message or 'status false, without a message'}", 200)
    return members


def _spelled(key: str) -> str:
    return key.lower().replace("_", "")


def _plain(members: Mapping[str, msgspec.Raw], key: str) -> Any:
    raw = members.get(_spelled(key))
    try:
        return None if raw is None else _ANY.decode(raw)
    except _UNREADABLE:
        return None


def _text(members: Mapping[str, msgspec.Raw], key: str) -> str:
    value = _plain(members, key)
    return value if isinstance(value, str) else ""


def _true(members: Mapping[str, msgspec.Raw], key: str, *, absent: bool = False) -> bool:
    value = _plain(members, key)
    return absent if value is None else str(value).lower() == "true"


def _time(members: Mapping[str, msgspec.Raw]) -> datetime | None:
    match = _TIME.fullmatch(_text(members, "time"))
    if match is None:
        return None
    day, time, fraction = match.groups()
    try:
        return datetime.fromisoformat(f"{day}T{time}.{(fraction or '0')[:6]:0<6}").replace(tzinfo=UTC)
    except ValueError:
        return None
