"""The signature that Mekari checks, held to the vectors of its documentation."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from service.jurnal.exchange import JurnalRequest
from service.jurnal.signing import sign, sign_request

SECRET = "YOUR_MEKARI_API_CLIENT_SECRET"
SIGNED_AT = datetime(2021, 11, 10, 7, 24, 29, tzinfo=UTC)
PATH = "/v2/klikpajak/v1/efaktur/out?auto_approval=false"


def test_the_documented_signature_is_reproduced() -> None:
    """Date and request line with its query, signed with the secret, give the published value."""
    headers = sign(SECRET, "POST", PATH, SIGNED_AT, b"{}", "client")
    assert headers["Date"] == "Wed, 10 Nov 2021 07:24:29 GMT"
    assert headers["Authorization"] == (
        'hmac username="client", algorithm="hmac-sha256", headers="date request-line", '
        'signature="6+Ah/UTmbqd+DDqlh6zYZ0HuCwVhtElYDOoucRPCaFg="'
    )


def test_the_documented_digest_is_reproduced() -> None:
    """The Digest header is the base64 SHA-256 of the body's bytes."""
    headers = sign(SECRET, "POST", "/a", SIGNED_AT, b'{"hello": "world"}', "client")
    assert headers["Digest"] == "SHA-256=X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE="
    assert headers["Content-Type"] == headers["Accept"] == "application/json"


def test_a_get_has_no_digest_and_no_content_type() -> None:
    """A request without a body says nothing about one."""
    assert set(sign(SECRET, "GET", "/a", SIGNED_AT, b"", "client")) == {"Accept", "Authorization", "Date"}


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_every_write_carries_a_digest(method: str) -> None:
    """Whatever may have a body is documented to carry its digest."""
    assert "Digest" in sign(SECRET, method, "/a", SIGNED_AT, b"", "client")


def test_the_date_is_gmt_whatever_zone_the_caller_uses() -> None:
    """An instant told in Jakarta time is the same Date."""
    jakarta = SIGNED_AT.astimezone(timezone(timedelta(hours=7)))
    assert sign(SECRET, "GET", "/a", jakarta, b"", "client") == sign(SECRET, "GET", "/a", SIGNED_AT, b"", "client")


def test_a_signed_request_keeps_what_the_date_header_tells() -> None:
    """The fence counts from the whole second in the header, and the digest is the hex SHA-256 of the body."""
    request = JurnalRequest(method="POST", path=PATH, body=b'{"hello": "world"}')
    signed = sign_request(
        request, client_id="client", secret=SECRET, signed_at=SIGNED_AT + timedelta(microseconds=999_999)
    )
    assert signed.signed_at == SIGNED_AT
    assert signed.digest == "5f8f04f6a3a892aaabbddb6cf273894493773960d4a325b105fee46eef4304f1"
    assert (signed.method, signed.path, signed.body) == ("POST", PATH, request.body)
    assert signed.headers == sign(SECRET, "POST", PATH, SIGNED_AT, request.body, "client")


@pytest.mark.parametrize("path", ["a", "/a b", "/a#b", "/toko-é", "/a\r\nHost: b"])
def test_a_path_that_is_not_percent_encoded_is_never_signed(path: str) -> None:
    """What cannot stand in a request line as it is would be signed as one thing and sent as another."""
    with pytest.raises(AssertionError):
        sign(SECRET, "GET", path, SIGNED_AT, b"", "client")
