"""Text as Jurnal accepts it: no emoji, no control characters, not too long."""

import re
import unicodedata
from decimal import Decimal

TEXT_CHARACTERS_MAX = 250
_EMAIL = re.compile(r"[A-Za-z0-9._%+'-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_NOT_IN_PHONES = re.compile(r"[^0-9+() -]+")


def plain(text: str, *, characters_max: int = TEXT_CHARACTERS_MAX) -> str:
    """Return text on one line without emoji, cut to its limit."""
    kept = "".join(character if _is_plain(character) else " " for character in text)
    return " ".join(kept.split())[:characters_max].rstrip()


def _is_plain(character: str) -> bool:
    category = unicodedata.category(character)
    # Emoji are symbols, the parts that join and colour them are marks of format; none stands in a name or a number.
    return character <= "\uffff" and category[0] != "C" and category not in {"So", "Me"} and character != "\ufe0f"


def email_or_none(text: str | None) -> str | None:
    """Return an address that Jurnal's strict check passes, else None: one bad address must not stop a sale."""
    stripped = (text or "").strip()
    return stripped if len(stripped) <= TEXT_CHARACTERS_MAX and _EMAIL.fullmatch(stripped) else None


def phone_or_none(text: str | None) -> str | None:
    """Return a telephone number in plain characters, None when nothing is left."""
    kept = _NOT_IN_PHONES.sub("", text or "").strip()[:30]
    return kept if any(character.isdigit() for character in kept) else None


def exact_number(value: Decimal) -> int | Decimal:
    """Return what JSON writes digit by digit: an integer where the value is whole, else all its digits."""
    return int(value) if value == value.to_integral_value() else value


def rupiah(amount: Decimal) -> str:
    """Return an amount as people read it, e.g. "Rp 1,250,000"."""
    shown = exact_number(amount)
    return f"Rp {shown:,}"
