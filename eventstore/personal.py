"""Finding personal values inside exact bytes, sealing them, and getting the exact bytes back.

Clear is an allow-list: every value at a path that is not declared clear is replaced by a token of fixed length, whole
(a string, a number, or an entire object or array). `true`, `false`, `null`, "" and empty containers stay as they are.
Sealed part: msgpack array of [person, nonce, ciphertext], AES-256-GCM under the person's data key; its plaintext is a
msgpack array of [offset in the tokenised body, original bytes].
"""

import json
import os
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from decimal import Decimal
from itertools import accumulate, islice
from typing import Any

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from eventstore.keyed import KeyedDigest

TOKEN_PREFIX = "sealed:"  # noqa: S105 - the visible start of every token, no secret
TOKEN_BYTES = len(TOKEN_PREFIX) + 22 + 2
_PREFIX = TOKEN_PREFIX.encode()
_NONCE_BYTES = 12
_MSGPACK = msgspec.msgpack.Encoder()

_STRING = re.compile(rb'"([^"\\]*(?:\\.[^"\\]*)*)"', re.DOTALL)
_NUMBER = re.compile(rb"-?[0-9][0-9.eE+\-]*")
_BRACKET = re.compile(rb"[{}\[\]]")
# A place has fewer members in iSeller's reports; names beyond these are looked at anew each time.
_NAMES_REMEMBERED_MAX = 256
_CONTAINER = -1


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
        self.root = _Place(self, "")


class _Place(dict[str, "_Place"]):
    """A path, what may stand there in clear, and the places of the members below it."""

    __slots__ = ("clear_container", "clear_paths", "clear_scalar", "path")

    def __init__(self, clear: ClearPaths, path: str) -> None:
        super().__init__()
        self.clear_paths = clear
        self.path = path
        self.clear_scalar = path in clear.scalars
        self.clear_container = not path or self.clear_scalar or path in clear.containers

    def __missing__(self, name: str) -> "_Place":
        # Escaped, a key such as "order_details.sku" or "" cannot pass for a declared path.
        segment = name.replace(".", "\\.") or "\\"
        place = _Place(self.clear_paths, f"{self.path}.{segment}" if self.path else segment)
        if len(self) < _NAMES_REMEMBERED_MAX:
            self[name] = place
        return place


class Span(msgspec.Struct, frozen=True):
    """A value to seal: its place in the clear body and its path."""

    start: int
    end: int
    path: str


def cut_at_strings(body: bytes) -> list[bytes]:
    """Return structure, string, structure, …, string, structure of a JSON text; strings stand without their quotes."""
    # Without an escape every quotation mark begins or ends a string.
    return _STRING.split(body) if b"\\" in body else body.split(b'"')


def find_personal(pieces: list[bytes], document: Mapping[str, Any], clear: ClearPaths) -> list[Span]:
    """Return the values to seal of a JSON object, in order. `pieces` are its text cut at the strings.

    Raises `UnreadableBody` for a key that stands twice: which of the two counts would be a guess.
    """
    search = _Search(pieces)
    search.look_at(document, clear.root)
    if search.at != len(pieces) - 1:
        # Of a key that stands twice the document holds one, so strings are left over.
        members = json.loads(b'"'.join(pieces), object_pairs_hook=_Members, parse_int=str, parse_float=str)
        path = _path_of_repeated(members, clear.root)
        assert path is not None
        raise UnreadableBody(path, "this key stands twice in one object")
    return search.spans()


class _Search:
    """Walks a document beside its pieces: both hold the same keys, strings and numbers in the same order.

    `at` is the structure behind the last string passed, `numbers` counts the numbers of it that were passed.
    """

    __slots__ = ("_found", "_numbers", "_pieces", "at")

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces
        self._found: list[tuple[int, int, str]] = []
        self._numbers = 0
        self.at = 0

    def look_at(self, value: Any, place: _Place) -> None:
        """Note what is personal of the value at `place`."""
        kind = type(value)
        if kind is dict and place.clear_container:
            self._look_at_members(value, place)
        elif kind is list and place.clear_container:
            for element in value:
                self.look_at(element, place)
        elif kind is dict or kind is list:
            if value:
                self._found.append((self.at, _CONTAINER, place.path))
            self._pass_by(value)
        elif kind is str:
            self.at += 2
            self._numbers = 0
            if value and not place.clear_scalar:
                self._found.append((self.at - 1, 0, place.path))
        elif value is not None and kind is not bool:
            if not place.clear_scalar:
                self._found.append((self.at, self._numbers, place.path))
            self._numbers += 1

    def _look_at_members(self, members: Mapping[str, Any], place: _Place) -> None:
        """Note what is personal in an object. Most members are strings, which are looked at here to save a call."""
        at = self.at
        for name, member in members.items():
            inner = place[name]
            self._numbers = 0
            if type(member) is str:
                at += 4
                if member and not inner.clear_scalar:
                    self._found.append((at - 1, 0, inner.path))
            else:
                self.at = at + 2
                self.look_at(member, inner)
                at = self.at
        self.at = at

    def _pass_by(self, value: Any) -> None:
        """Move behind a value that is sealed together with what it stands in."""
        kind = type(value)
        if kind is dict:
            for member in value.values():
                self.at += 2
                self._numbers = 0
                self._pass_by(member)
        elif kind is list:
            for element in value:
                self._pass_by(element)
        elif kind is str:
            self.at += 2
            self._numbers = 0
        elif value is not None and kind is not bool:
            self._numbers += 1

    def spans(self) -> list[Span]:
        """Return where the values stand that were noted."""
        spans = []
        start = before = 0
        for at, number, path in self._found:
            start += _length(self._pieces[before:at])
            before = at
            if at % 2:
                spans.append(Span(start - 1, start + len(self._pieces[at]) + 1, path))
            elif number == _CONTAINER:
                spans.append(self._container(at, start, path))
            else:
                match = next(islice(_NUMBER.finditer(self._pieces[at]), number, None))
                spans.append(Span(start + match.start(), start + match.end(), path))
        return spans

    def _container(self, at: int, start: int, path: str) -> Span:
        """Return the object or array that begins with the first bracket of the structure `at`, itself at `start`."""
        first = None
        depth = 0
        for structure in range(at, len(self._pieces), 2):
            for match in _BRACKET.finditer(self._pieces[structure]):
                if first is None:
                    first = start + match.start()
                depth += 1 if match[0] in b"{[" else -1
                if depth == 0:
                    return Span(first, start + _length(self._pieces[at:structure]) + match.end(), path)
        raise AssertionError("a container that was read has an end")


def _length(pieces: list[bytes]) -> int:
    """Return how much of the text these pieces are, a quotation mark behind each."""
    return sum(map(len, pieces)) + len(pieces)


class _Members(list[tuple[str, Any]]):
    """The members of an object as they stand, keys that stand twice included."""


def _path_of_repeated(value: Any, place: _Place) -> str | None:
    """Return the first path that stands twice in one object."""
    if isinstance(value, _Members):
        names = set()
        for name, member in value:
            inner = place[name]
            if name in names:
                return inner.path
            names.add(name)
            if (path := _path_of_repeated(member, inner)) is not None:
                return path
    elif isinstance(value, list):
        for element in value:
            if (path := _path_of_repeated(element, place)) is not None:
                return path
    return None


def token(data_key: bytes, path: str, value: bytes) -> bytes:
    """Return the token that stands for the JSON `value` at `path`.

    Equal values of one person give equal tokens, whatever their white space, escapes and key order.
    """
    return _token(KeyedDigest(data_key), path, value)


def _token(key: KeyedDigest, path: str, value: bytes) -> bytes:
    mark = key.digest(b"%b\x00%b" % (path.encode(), _one_spelling(value)))[:16]
    return b'"%b%b"' % (_PREFIX, urlsafe_b64encode(mark)[:22])


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
    keys = {person: KeyedDigest(data_keys[person]) for person in dict.fromkeys(persons)}
    originals: dict[bytes, list[tuple[int, bytes]]] = {person: [] for person in keys}
    pieces: list[bytes] = []
    copied = written = 0
    for span, person in zip(spans, persons, strict=True):
        original = body[span.start : span.end]
        pieces += (body[copied : span.start], _token(keys[person], span.path, original))
        written += span.start - copied
        originals[person].append((written, original))
        written += TOKEN_BYTES
        copied = span.end
    pieces.append(body[copied:])
    parts = []
    for person, values in originals.items():
        nonce = os.urandom(_NONCE_BYTES)
        plain = _MSGPACK.encode(values)
        parts.append((person, nonce, AESGCM(data_keys[person]).encrypt(nonce, plain, store_id.encode() + person)))
    return b"".join(pieces), _MSGPACK.encode(parts)


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
