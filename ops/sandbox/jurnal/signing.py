"""Mekari's HMAC: the date and the request line are signed with the client's secret."""

import base64
import hashlib
import hmac
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_AUTHORIZATION = re.compile(
    r'hmac username="(?P<username>[^"]+)",\s*algorithm="hmac-sha256",\s*'
    r'headers="date request-line",\s*signature="(?P<signature>[^"]+)"'
)


def signature(secret: str, date: str, method: str, path: str) -> str:
    """Return the base64 HMAC-SHA256 of the signing string; `path` is the raw request target with its query."""
    text = f"date: {date}\n{method} {path} HTTP/1.1"
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()).decode()


def digest(body: bytes) -> str:
    """Return the value of the Digest header for a body."""
    return "SHA-256=" + base64.b64encode(hashlib.sha256(body).digest()).decode()


def authorization(client_id: str, signed: str) -> str:
    """Return the Authorization header for a signature."""
    return f'hmac username="{client_id}", algorithm="hmac-sha256", headers="date request-line", signature="{signed}"'


def read_authorization(header: str) -> tuple[str, str] | None:
    """Split an Authorization header into client id and signature; None when it has another form."""
    match = _AUTHORIZATION.fullmatch(header.strip())
    return None if match is None else (match["username"], match["signature"])


def same(left: str, right: str) -> bool:
    """Compare two signatures in constant time."""
    return hmac.compare_digest(left.encode(), right.encode())


def seconds_off(date: str, now: datetime) -> float | None:
    """Return how many seconds a Date header lies from now, either way; None when it is no date."""
    try:
        sent = parsedate_to_datetime(date)
    except ValueError:
        return None
    if sent.tzinfo is None:
        sent = sent.replace(tzinfo=UTC)
    return abs((now - sent).total_seconds())
