"""The keyed digest behind tokens and marks."""

import hmac

from hypothesis import given
from hypothesis import strategies as st

from eventstore.keyed import KeyedDigest


@given(key=st.binary(max_size=64), text=st.binary(max_size=200))
def test_a_keyed_digest_is_hmac_sha_256(key: bytes, text: bytes) -> None:
    """Tokens and marks are stored history: they stay what the standard library makes of them."""
    assert KeyedDigest(key).digest(text) == hmac.digest(key, text, "sha256")
