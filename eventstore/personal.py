"""Finding personal values inside exact bytes, sealing them, and getting the exact bytes back.

Clear is an allow-list: every value at a path that is not declared clear is replaced by a token of fixed length, whole
(a string, a number, or an entire object or array). `true`, `false`, `null`, "" and empty containers stay as they are.
Sealed part: msgpack array of [person, nonce, ciphertext], AES-256-GCM under the person's data key; its plaintext is a
msgpack array of [offset in the tokenised body, original bytes].
"""

import hmac
import os
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from decimal import Decimal
from itertools import accumulate

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

TOKEN_PREFIX = "sealed:"  # noqa: S105 - the visible start of every token, no secret
TOKEN_BYTES = len(TOKEN_PREFIX) + 22 + 2
_NONCE_BYTES = 12

_STRING = rb'"(?:[^"\\\x00-\x1f]|\\.)*"'
# One match a member, an element or a bracket: white space, commas and colons need no match of their own.
_MEMBER = re.compile(
    rb"(?:(?P<key>" + _STRING + rb")\s*:\s*)?"
    rb"(?:(?P<open>[{\[])|(?P<scalar>" + _STRING + rb"|-?[0-9][0-9.eE+\-]*)|(?P<plain>true|false|null))"
    rb"|(?P<close>[}\]])"
)


class UnreadableBody(Exception):
    """The body is no strict JSON object; `field` and `reason` say what to mend."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class ClearPaths:
    """The paths whose values are not personal, e.g. `order_details.sku` (array indexes are left out)."""

    def __init__(self, *paths: str) -> None:
        self.scalars = frozenset(paths)
        self.containers = frozenset(
            prefix
            for path in paths
            for prefix in accumulate(path.split("."), lambda a, b: f"{a}.{b}")
            if prefix != path
        )


class Span(msgspec.Struct, frozen=True):
    """A value to seal: its place in the clear body and its path."""

    start: int
    end: int
    path: str


class _Level:
    __slots__ = ("keys", "path", "sealed", "start")

    def __init__(self, path: str, start: int, *, sealed: bool) -> None:
        self.path = path
        self.start = start
        self.sealed = sealed
        self.keys: set[str] = set()


def find_personal(body: bytes, clear: ClearPaths) -> list[Span]:
    """Return the values of the JSON object `body` to seal, in order.

    The body must have been read as JSON before: this walk finds places and does not judge syntax.
    Raises `UnreadableBody` for a key that stands twice: which of the two counts would be a guess.
    """
    spans: list[Span] = []
    levels: list[_Level] = []
    for match in _MEMBER.finditer(body):
        if match.lastgroup == "close":
            level = levels.pop()
            outer_sealed = bool(levels) and levels[-1].sealed
            if level.sealed and not outer_sealed and body[level.start + 1 : match.start()].strip():
                spans.append(Span(level.start, match.end(), level.path))
            continue
        path = _path(levels, match["key"])
        sealed = bool(levels) and levels[-1].sealed
        if match.lastgroup == "open":
            hidden = sealed or (bool(path) and path not in clear.containers and path not in clear.scalars)
            levels.append(_Level(path, match.start("open"), sealed=hidden))
        elif match.lastgroup == "scalar" and not sealed and path not in clear.scalars and match["scalar"] != b'""':
            spans.append(Span(match.start("scalar"), match.end("scalar"), path))
    return spans


def _path(levels: list[_Level], key: bytes | None) -> str:
    if not levels:
        return ""
    level = levels[-1]
    if key is None:
        return level.path
    # Compared as a reader sees it: "order_id" and its spelling with \u escapes are one key.
    name = msgspec.json.decode(key, type=str) if b"\\" in key else key[1:-1].decode()
    # Escaped, a key such as "order_details.sku" or "" cannot pass for a declared path.
    segment = name.replace(".", "\\.") or "\\"
    path = f"{level.path}.{segment}" if level.path else segment
    if name in level.keys:
        raise UnreadableBody(path, "this key stands twice in one object")
    level.keys.add(name)
    return path


def token(data_key: bytes, path: str, value: bytes) -> bytes:
    """Return the token that stands for the JSON `value` at `path`.

    Equal values of one person give equal tokens, whatever their white space, escapes and key order.
    """
    mark = hmac.digest(data_key, path.encode() + b"\x00" + _one_spelling(value), "sha256")[:16]
    return b'"' + TOKEN_PREFIX.encode() + urlsafe_b64encode(mark)[:22] + b'"'


_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(order="sorted")


def _one_spelling(value: bytes) -> bytes:
    # Most values are strings without escapes, which have one spelling already.
    if value.startswith(b'"') and b"\\" not in value:
        return value
    return _ENCODER.encode(_DECODER.decode(value))


def seal_spans(
    body: bytes, spans: list[Span], persons: list[bytes], data_keys: Mapping[bytes, bytes], *, store_id: str
) -> tuple[bytes, bytes]:
    """Return the tokenised body and the sealed part.

    `persons[i]` is the 16-byte mark of the person that `spans[i]` belongs to; `data_keys` has a 32-byte key for each.
    """
    if not spans:
        return body, b""
    pieces: list[bytes] = []
    originals: dict[bytes, list[tuple[int, bytes]]] = {}
    copied = written = 0
    for span, person in zip(spans, persons, strict=True):
        original = body[span.start : span.end]
        kept = body[copied : span.start]
        replacement = token(data_keys[person], span.path, original)
        originals.setdefault(person, []).append((written + len(kept), original))
        pieces += (kept, replacement)
        written += len(kept) + len(replacement)
        copied = span.end
    pieces.append(body[copied:])
    parts = []
    for person, values in originals.items():
        nonce = os.urandom(_NONCE_BYTES)
        plain = msgspec.msgpack.encode(values)
        parts.append((person, nonce, AESGCM(data_keys[person]).encrypt(nonce, plain, store_id.encode() + person)))
    return b"".join(pieces), msgspec.msgpack.encode(parts)


_SEALED = msgspec.msgpack.Decoder(list[tuple[bytes, bytes, bytes]])
_VALUES = msgspec.msgpack.Decoder(list[tuple[int, bytes]])


def persons_in(sealed: bytes) -> list[bytes]:
    """Return the marks of the persons whose values a sealed part holds."""
    return [person for person, _, _ in _SEALED.decode(sealed)] if sealed else []


def unseal(body: bytes, sealed: bytes, data_keys: Mapping[bytes, bytes], *, store_id: str) -> bytes:
    """Return the exact original bytes; values of persons without a key (erased) stay tokens."""
    if not sealed:
        return body
    originals: list[tuple[int, bytes]] = []
    for person, nonce, ciphertext in _SEALED.decode(sealed):
        if person in data_keys:
            plain = AESGCM(data_keys[person]).decrypt(nonce, ciphertext, store_id.encode() + person)
            originals += _VALUES.decode(plain)
    pieces: list[bytes] = []
    copied = 0
    for offset, original in sorted(originals):
        pieces += (body[copied:offset], original)
        copied = offset + TOKEN_BYTES
    pieces.append(body[copied:])
    return b"".join(pieces)
