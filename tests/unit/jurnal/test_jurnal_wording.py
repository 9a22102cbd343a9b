"""Text as Jurnal accepts it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.jurnal.wording import email_or_none, exact_number, phone_or_none, plain


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("Kopi ☕ susu", "Kopi susu"),
        ("Ibu \U0001f469\U0001f3fd\u200d\U0001f373 Sari", "Ibu Sari"),
        ("1\ufe0f\u20e3 porsi", "1 porsi"),
        ("dua\nbaris\tdan\x00 nol", "dua baris dan nol"),
        ("Café à l'été", "Café à l'été"),
        ("Rp 10.000 + 5%", "Rp 10.000 + 5%"),
    ],
)
def test_emoji_and_control_characters_become_blanks(written: str, sent: str) -> None:
    """Jurnal refuses emoji in a memo; letters of any language stay."""
    assert plain(written) == sent


@given(st.text(max_size=400))
def test_plain_text_is_short_and_stays_as_it_is(text: str) -> None:
    """The limit of 250 characters holds for any text, and cleaning twice changes nothing more."""
    cleaned = plain(text)
    assert len(cleaned) <= 250
    assert plain(cleaned) == cleaned


@pytest.mark.parametrize("address", ["budi@contoh.co.id", "a.b+c@contoh.id"])
def test_a_plain_address_is_sent(address: str) -> None:
    """An address in the ordinary form passes, with blanks around it cut off."""
    assert email_or_none(f" {address} ") == address


@pytest.mark.parametrize("address", [None, "", "budi", "budi@contoh", "bu di@contoh.id", "é@contoh.id", "a@b@c.id"])
def test_a_doubtful_address_is_left_out(address: str | None) -> None:
    """Jurnal's check is strict, and a customer without an address is better than a sale that waits."""
    assert email_or_none(address) is None


def test_a_telephone_number_keeps_plain_characters_only() -> None:
    """Words go, digits and their separators stay; nothing but words is no number."""
    assert phone_or_none("WA: +62 (812) 000-111") == "+62 (812) 000-111"
    assert phone_or_none("tidak ada - ") is None
    assert phone_or_none(None) is None


def test_whole_amounts_are_written_without_exponent_or_decimals() -> None:
    """1E+6 and 1000000.00 are both 1000000 in JSON; anything else keeps its digits."""
    assert repr([exact_number(Decimal(text)) for text in ("1E+6", "1000000.00", "-3", "0.10")]) == (
        "[1000000, 1000000, -3, Decimal('0.10')]"
    )
