"""Sealing, for any JSON object: exact bytes come back, and nothing outside the allow-list stays readable."""

import json
import random
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from eventstore.facts.canonical import canonical_digest
from eventstore.personal import (
    TOKEN_BYTES,
    ClearPaths,
    Span,
    UnreadableBody,
    cut_at_strings,
    find_personal,
    persons_in,
    seal_spans,
    token,
    unseal,
)
from tests.ledger import STORE

CLEAR = ClearPaths("sku", "lines.sku", "lines.parts.quantity", "a.b", "tags")
SARI, BUDI = b"s" * 16, b"b" * 16
KEYS = {SARI: b"\x01" * 32, BUDI: b"\x02" * 32}

NAMES = st.one_of(st.sampled_from(["sku", "lines", "parts", "quantity", "a", "b", "tags", "a.b", ""]), st.text())
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**15), 10**15), st.text(),
    st.decimals(-(10**9), 10**9, places=4).map(float),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(NAMES, inner, max_size=4))
)
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=6)


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Draw an object and one of its spellings: escapes or UTF-8, white space in any place where JSON allows it."""
    ascii_only = draw(st.booleans())
    separators = draw(st.sampled_from([(",", ":"), (" ,\n", " : "), (",\t", "\r\n:")]))
    text = json.dumps(draw(OBJECTS), ensure_ascii=ascii_only, separators=separators)
    if draw(st.booleans()):
        # An escape where none is needed: "k" of a key or a value may be written \u006b.
        text = text.replace("k", "\\u006b").replace("/", "\\/")
    return draw(st.sampled_from(["", " ", "\n\t"])).encode() + text.encode() + b" "


def personal_in(body: bytes) -> list[Span]:
    """Return what is personal of a body."""
    return find_personal(cut_at_strings(body), msgspec.json.decode(body), CLEAR)


def sealed(body: bytes) -> tuple[bytes, bytes]:
    """Seal a body whose values belong to two persons in turn."""
    spans = personal_in(body)
    persons = [(SARI, BUDI)[number % 2] for number in range(len(spans))]
    return seal_spans(body, spans, persons, KEYS, store_id=STORE)


def readable(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Walk what a reader of the tokenised body sees, with the path of each value."""
    if isinstance(value, dict) and value:
        for name, member in value.items():
            segment = name.replace(".", "\\.") or "\\"
            yield from readable(member, f"{path}.{segment}" if path else segment)
    elif isinstance(value, list) and value:
        for element in value:
            yield from readable(element, path)
    else:
        yield path, value


@given(body=bodies())
def test_sealing_and_unsealing_gives_the_exact_bytes_back(body: bytes) -> None:
    """White space, escapes, number spellings and key order are all kept."""
    tokenised, part = sealed(body)
    assert unseal(tokenised, part, KEYS, store_id=STORE) == body
    assert set(persons_in(part)) <= {SARI, BUDI}


@given(body=bodies())
def test_nothing_outside_the_clear_paths_stays_readable(body: bytes) -> None:
    """Every value at another path is a token, or says nothing: true, false, null, empty."""
    tokenised, _ = sealed(body)
    for path, value in readable(json.loads(tokenised)):
        if path in CLEAR.scalars:
            continue
        says_nothing = value in (None, "", [], {}) or isinstance(value, bool)
        assert says_nothing or (isinstance(value, str) and value.startswith("sealed:")), (path, value)


@given(body=bodies())
def test_the_tokenised_body_keeps_everything_else(body: bytes) -> None:
    """The clear values are where and what they were."""
    tokenised, _ = sealed(body)
    clear = [(path, value) for path, value in readable(json.loads(tokenised)) if path in CLEAR.scalars]
    known = [(path, value) for path, value in readable(json.loads(body)) if path in CLEAR.scalars]
    assert clear == known


@given(fields=OBJECTS, seed=st.integers(0, 1_000))
def test_the_digest_of_a_tokenised_body_does_not_depend_on_its_spelling(fields: dict[str, Any], seed: int) -> None:
    """Key order and white space differ between a webhook and a poll; the source id must not."""

    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            names = list(value)
            random.Random(seed).shuffle(names)  # noqa: S311 - an order of keys, no secret
            return {name: shuffled(value[name]) for name in names}
        return [shuffled(element) for element in value] if isinstance(value, list) else value

    def digest(body: bytes) -> str:
        spans = personal_in(body)
        return canonical_digest(seal_spans(body, spans, [SARI] * len(spans), KEYS, store_id=STORE)[0])

    assert digest(json.dumps(fields).encode()) == digest(json.dumps(shuffled(fields), indent=1).encode())


@given(value=VALUES, path=st.text(max_size=20))
def test_tokens_are_equal_for_equal_values_of_one_person_only(value: Any, path: str) -> None:
    """Equal content gives equal tokens, so a repeat is a duplicate; persons and paths cannot be compared."""
    plain = json.dumps(value, ensure_ascii=False).encode()
    escaped = json.dumps(value, ensure_ascii=True, indent=2).encode()
    made = token(KEYS[SARI], path, plain)
    assert made == token(KEYS[SARI], path, escaped)
    assert len(made) == TOKEN_BYTES
    assert made != token(KEYS[BUDI], path, plain)
    assert made != token(KEYS[SARI], path + "x", plain)


@given(body=bodies())
def test_without_a_persons_key_their_values_stay_tokens_and_the_others_come_back(body: bytes) -> None:
    """An erased person is unreadable for good; everybody else is not touched."""
    spans = personal_in(body)
    tokenised, part = sealed(body)
    partly = unseal(tokenised, part, {SARI: KEYS[SARI]}, store_id=STORE)
    pieces, copied = [], 0
    for number, span in enumerate(spans):
        original = body[span.start : span.end]
        pieces += [body[copied : span.start], token(KEYS[BUDI], span.path, original) if number % 2 else original]
        copied = span.end
    assert partly == b"".join(pieces) + body[copied:]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"sku":"A","sku":"B"}', "sku"),
        (b'{"sku":"A","s\\u006bu":"B"}', "sku"),
        (b'{"lines":[{"sku":"A","sku":"A"}]}', "lines.sku"),
        (b'{"secret":{"x":1,"x":1}}', "secret.x"),
    ],
    ids=["at the top", "escaped", "in a list", "inside a sealed value"],
)
def test_a_key_that_stands_twice_is_refused(body: bytes, field: str) -> None:
    """Which of the two counts would be a guess."""
    with pytest.raises(UnreadableBody) as refused:
        personal_in(body)
    assert refused.value.field == field


def test_a_dotted_or_empty_key_cannot_pass_for_a_declared_path() -> None:
    """`{"a.b": …}` is not the declared `a.b`."""
    body = b'{"a.b":"Sari","a":{"b":"clear"},"":{"sku":"Sari"}}'
    tokenised, _ = sealed(body)
    assert b"Sari" not in tokenised
    assert b'"clear"' in tokenised


def test_a_number_among_others_is_found_where_it_stands() -> None:
    """Numbers of one list and of the object before it stand between the same two strings."""
    body = b'{"lines":[{"sku":71},72,true,-7.3e0,[74],{"x":{"y":75},"sku":null},76],"tags":[77]}'
    assert [(body[span.start : span.end], span.path) for span in personal_in(body)] == [
        (b"72", "lines"),
        (b"-7.3e0", "lines"),
        (b"74", "lines"),
        (b'{"y":75}', "lines.x"),
        (b"76", "lines"),
    ]


def test_brackets_in_strings_do_not_end_a_sealed_object() -> None:
    """A sealed object ends where its own bracket stands."""
    body = b'{"x": {"a}":"]}","b":[{"c":"\\"}"},{}],"d":[]} ,"sku":"}"}'
    assert [body[span.start : span.end] for span in personal_in(body)] == [b'{"a}":"]}","b":[{"c":"\\"}"},{}],"d":[]}']


def test_more_names_than_are_remembered_are_sealed_alike() -> None:
    """Names that nobody declared take a bounded amount of memory, and their values are sealed all the same."""
    clear = ClearPaths("sku")
    fields = {f"name {number}": "Sari" for number in range(1_000)}
    body = msgspec.json.encode({**fields, "sku": "A"})
    for _ in range(2):
        spans = find_personal(cut_at_strings(body), msgspec.json.decode(body), clear)
        assert [span.path for span in spans] == list(fields)
    assert len(clear.root) < len(fields)


def test_a_swapped_store_or_person_does_not_open() -> None:
    """What is sealed is bound to its store and its person."""
    tokenised, part = sealed(b'{"name":"Sari"}')
    with pytest.raises(InvalidTag):
        unseal(tokenised, part, KEYS, store_id="other")
    (person, nonce, ciphertext), *_ = msgspec.msgpack.decode(part)
    assert person == SARI
    swapped = msgspec.msgpack.encode([(BUDI, nonce, ciphertext)])
    with pytest.raises(InvalidTag):
        unseal(tokenised, swapped, KEYS, store_id=STORE)
