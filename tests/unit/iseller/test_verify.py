"""Signature and timestamp of a webhook."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.iseller.verify import WebhookLimits, WebhookRefused, check, parse_timestamp, signature_of

KEY = b"made-up-api-key"
BODY = b'{"order_id":"1"}'
SENT = "2019-11-29T06:06:40.0476436Z"
SENT_AT = datetime(2019, 11, 29, 6, 6, 40, 47643, tzinfo=UTC)


def checked(
    *,
    key: bytes = KEY,
    body: bytes = BODY,
    timestamp: str | None = SENT,
    signature: str | None = None,
    signed: bool = True,
    after_seconds: float = 0,
) -> datetime:
    """Check a webhook that arrives so long after it was sent."""
    given = signature_of(KEY, BODY, SENT) if signed and signature is None else signature
    now = SENT_AT + timedelta(seconds=after_seconds)
    return check(key, body, timestamp=timestamp, signature=given, now=now, limits=WebhookLimits())


def test_a_signature_is_the_uppercase_hex_digest_of_key_body_and_timestamp() -> None:
    """As iSeller's webhook notes describe it: a plain SHA-256, not an HMAC."""
    expected = sha256(KEY + BODY + SENT.encode()).hexdigest().upper()
    assert signature_of(KEY, BODY, SENT) == expected
    assert len(expected) == 64


def test_a_signed_webhook_tells_when_it_was_sent() -> None:
    """The seventh digit of the fraction is cut off, the moment is UTC."""
    assert checked() == SENT_AT


@pytest.mark.parametrize(
    ("text", "microsecond"),
    [
        ("2019-11-29T06:06:40Z", 0),
        ("2019-11-29T06:06:40.5Z", 500_000),
        ("2019-11-29T06:06:40.0000009Z", 0),
        ("2019-11-29T06:06:40.9999999Z", 999_999),
    ],
)
def test_a_timestamp_has_up_to_seven_digits(text: str, microsecond: int) -> None:
    """A fraction is optional and never rounded up."""
    assert parse_timestamp(text) == datetime(2019, 11, 29, 6, 6, 40, microsecond, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2019-11-29T06:06:40",
        "2019-11-29T06:06:40+07:00",
        "2019-13-29T06:06:40Z",
        " " + SENT,
        SENT + "\n",
    ],
)
def test_another_form_of_time_is_refused(text: str) -> None:
    """Only UTC with a Z is what iSeller sends."""
    with pytest.raises(WebhookRefused):
        parse_timestamp(text)


@given(st.text())
def test_any_text_is_a_time_or_refused(text: str) -> None:
    """Nothing else is ever raised: the header is anybody's text."""
    try:
        moment = parse_timestamp(text)
    except WebhookRefused:
        return
    assert moment.tzinfo is UTC


@pytest.mark.parametrize(
    ("changes", "cause", "words"),
    [
        ({"timestamp": None}, "signature", "Timestamp header is missing"),
        ({"signed": False}, "signature", "Signature header is missing"),
        ({"signature": ""}, "signature", "Signature header is missing"),
        ({"body": BODY + b" "}, "signature", "does not match"),
        ({"key": b"another"}, "signature", "does not match"),
        ({"timestamp": "2019-11-29T06:06:41.0476436Z"}, "signature", "does not match"),
        ({"signature": signature_of(KEY, BODY, SENT).lower()}, "signature", "does not match"),
        ({"signature": "ÿ\udcff"}, "signature", "does not match"),
        ({"after_seconds": 7 * 86_400 + 1}, "stale", "older"),
        ({"after_seconds": -301}, "future", "ahead"),
    ],
)
def test_what_is_not_iseller_now_is_refused_with_a_reason(changes: dict[str, str], cause: str, words: str) -> None:
    """The reason helps the merchant and names neither the key nor the expected signature."""
    with pytest.raises(WebhookRefused, match=words) as refused:
        checked(**changes)  # type: ignore[arg-type]  # each case changes one argument of its own type
    assert refused.value.cause == cause
    assert KEY.decode() not in refused.value.reason
    assert signature_of(KEY, BODY, SENT) not in refused.value.reason


@pytest.mark.parametrize("after_seconds", [7 * 86_400, -300])
def test_the_limits_themselves_are_taken(after_seconds: float) -> None:
    """A retry seven days old and a clock five minutes ahead are still iSeller."""
    assert checked(after_seconds=after_seconds) == SENT_AT
