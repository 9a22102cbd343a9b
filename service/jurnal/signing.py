"""Mekari's HMAC: the Date and the request line are signed, the body is told by its digest.

The Date is the fence of an attempt, so it is given by the caller, before the attempt is recorded, and never refreshed.
"""

import hashlib
import hmac
import re
from base64 import b64encode
from datetime import UTC, datetime
from email.utils import format_datetime

from service.jurnal.exchange import JurnalRequest, SignedRequest

_BODIES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_PATH = re.compile(r"/[!\"$-~]*")


def sign(secret: str, method: str, path: str, signed_at: datetime, body: bytes, client_id: str) -> dict[str, str]:
    """Return all headers of a request. `path` holds the query, exactly as it is sent."""
    assert _PATH.fullmatch(path), "a path is percent-encoded before it is signed"
    date = format_datetime(signed_at.astimezone(UTC), usegmt=True)
    text = f"date: {date}\n{method} {path} HTTP/1.1"
    signature = b64encode(hmac.digest(secret.encode(), text.encode(), "sha256")).decode()
    headers = {
        "Accept": "application/json",
        "Authorization": (
            f'hmac username="{client_id}", algorithm="hmac-sha256", '
            f'headers="date request-line", signature="{signature}"'
        ),
        "Date": date,
    }
    if method in _BODIES:
        headers["Content-Type"] = "application/json"
        headers["Digest"] = f"SHA-256={b64encode(hashlib.sha256(body).digest()).decode()}"
    return headers


def sign_request(request: JurnalRequest, *, client_id: str, secret: str, signed_at: datetime) -> SignedRequest:
    """Return the request as it goes over the wire."""
    # The Date header has no fractions: the fence counts from what Jurnal reads.
    whole = signed_at.astimezone(UTC).replace(microsecond=0)
    return SignedRequest(
        method=request.method,
        path=request.path,
        body=request.body,
        headers=sign(secret, request.method, request.path, whole, request.body, client_id),
        signed_at=whole,
        digest=hashlib.sha256(request.body).hexdigest(),
    )
