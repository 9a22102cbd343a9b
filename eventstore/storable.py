"""What of a fact Postgres or the hash cannot take, in words. Asked when one was refused, so the others pay nothing."""

import re
from collections.abc import Sequence
from datetime import UTC

from eventstore.chain import microseconds
from eventstore.errors import FactUnstorable
from eventstore.event import NewFact

# An index entry holds about 2,700 bytes, store and version included.
NAME_BYTES_MAX = 2_600
_SCHEMA_VERSION_MAX = 32_767
_STORE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}", re.ASCII)


def may_be_a_store(store_id: str) -> bool:
    """Tell whether a ledger of this name can exist."""
    return _STORE.fullmatch(store_id) is not None


def fault_of(facts: Sequence[NewFact]) -> FactUnstorable | None:
    """Say which field of the first fact that cannot be stored is wrong, and how; None if all can be."""
    return next(filter(None, map(_fault_of_one, facts)), None)


def _fault_of_one(fact: NewFact) -> FactUnstorable | None:
    for field in ("stream_id", "type", "source_id"):
        if fault := _fault_of_name(getattr(fact, field)):
            return FactUnstorable(field, fault)
    if not 0 < fact.schema_version <= _SCHEMA_VERSION_MAX:
        return FactUnstorable("schema_version", f"must be a number from 1 to {_SCHEMA_VERSION_MAX}")
    try:
        microseconds(fact.observed_at)
        fact.observed_at.astimezone(UTC)
    except (TypeError, OverflowError):
        return FactUnstorable("observed_at", "must be a time with its zone, between the years 1 and 9999 in UTC")
    for field in ("body", "sealed", "metadata"):
        if not isinstance(getattr(fact, field), bytes):
            return FactUnstorable(field, "must be bytes")
    return None


def _fault_of_name(name: object) -> str:
    if not isinstance(name, str) or not name:
        return "must be a text that is not empty"
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return "holds half a character, which UTF-8 cannot write"
    if size > NAME_BYTES_MAX:
        return f"has {size} bytes, and {NAME_BYTES_MAX} is what an index takes"
    return "holds a NUL character" if "\x00" in name else ""
