"""Whether a webhook is iSeller's: signature and timestamp, pure.

`Signature` is the uppercase hex SHA-256 of API key, raw body and the `Timestamp` header, in this order.
"""

import hmac
import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Literal

import msgspec

RefusalCause = Literal["signature", "stale", "future"]

_TIMESTAMP = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,7}))?Z", re.ASCII)


class WebhookRefused(Exception):
    """The webhook cannot be shown to come from iSeller now; the text helps the merchant and holds no secret."""

    def __init__(self, cause: RefusalCause, reason: str) -> None:
        super().__init__(reason)
        self.cause = cause
        self.reason = reason


class WebhookLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How old a timestamp may be (a retry may carry its first one) and how far ahead of our clock."""

    stale_seconds_max: float = 7 * 86_400
    future_seconds_max: float = 300


def parse_timestamp(text: str) -> datetime:
    """Read a `Timestamp` header such as 2019-11-29T06:06:40.0476436Z; the seventh digit (100 ns) is cut off.

    Raises `WebhookRefused`.
    """
    match = _TIMESTAMP.fullmatch(text)
    try:
        if match is not None:
            whole, fraction = match.groups()
            return datetime.fromisoformat(f"{whole}.{(fraction or '0')[:6]:0<6}").replace(tzinfo=UTC)
    except ValueError:
        pass
    raise WebhookRefused("signature", "the Timestamp header is no UTC time such as 2019-11-29T06:06:40.0476436Z")


def signature_of(api_key: bytes, body: bytes, timestamp_text: str) -> str:
    """Return the `Signature` header that iSeller sends with this body and `Timestamp` header."""
    return sha256(api_key + body + timestamp_text.encode("utf-8", "surrogateescape")).hexdigest().upper()


def check(
    api_key: bytes,
    body: bytes,
    *,
    timestamp: str | None,
    signature: str | None,
    now: datetime,
    limits: WebhookLimits,
) -> datetime:
    """Return when iSeller sent the webhook (UTC), or raise `WebhookRefused`.

    The signature comes first: nobody learns anything of our clock or limits without the API key.
    """
    if not timestamp:
        raise WebhookRefused("signature", "the Timestamp header is missing")
    if not signature:
        raise WebhookRefused("signature", "the Signature header is missing")
    expected = signature_of(api_key, body, timestamp).encode()
    if not hmac.compare_digest(expected, signature.encode("utf-8", "surrogateescape")):
        raise WebhookRefused(
            "signature",
            "the Signature header does not match this body and Timestamp: "
            "is the API key stored for this store the one shown in iSeller under Apps, Webhook?",
        )
    sent_at = parse_timestamp(timestamp)
    if now - sent_at > timedelta(seconds=limits.stale_seconds_max):
        raise WebhookRefused("stale", f"the Timestamp is older than {limits.stale_seconds_max:g} s")
    if sent_at - now > timedelta(seconds=limits.future_seconds_max):
        raise WebhookRefused(
            "future", f"the Timestamp is more than {limits.future_seconds_max:g} s ahead of this service's clock"
        )
    return sent_at
