"""The canonical content: one digest for every spelling of the same, another for anything else."""

import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import msgspec
import pytest

from eventstore.facts.canonical import canonical_digest, differing_field, source_id
from eventstore.facts.registry import REPORT_KINDS

ORDER: dict[str, Any] = {
    "order_id": "o-1",
    "channel": "web",
    "status": "completed",
    "order_date": "2026-11-20T02:54:20.0476430",
    "total_amount": 55_000,
    "remaining_on_account": "10.5",
    "fulfillment_status": "fulfilled",
    "order_details": [{"sku": "LATTE", "quantity": 2}, {"sku": "MOCHA", "quantity": 1}],
    "customer_email": "sealed:AAAAAAAAAAAAAAAAAAAAAA",
}


def digest(order: dict[str, Any]) -> str:
    """Return the digest of an order as JSON."""
    return canonical_digest(json.dumps(order).encode())


def _renamed(old: str, new: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda order: {new if name == old else name: value for name, value in order.items()}


def _with(**fields: object) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda order: {**order, **fields}


SPELLINGS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "number with zeros": _with(total_amount=55_000.0),
    "number as text": _with(total_amount="55000.0000"),
    "channel online": _with(channel="online"),
    "capitals": _with(status="Completed"),
    "typo of the live API": _renamed("remaining_on_account", "remaining_on_accoun"),
    "British fulfilment": _renamed("fulfillment_status", "fulfilment_status"),
    "absent as null": _with(cancel_reason=None),
    "absent as empty": _with(cancel_reason="", promotions=[], billing={}),
    "key order": lambda order: dict(reversed(order.items())),
    "time with Z": _with(order_date="2026-11-20T02:54:20.047643Z"),
    "time in Jakarta": _with(order_date="2026-11-20 09:54:20.047643+07:00"),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_spellings_of_one_content_have_one_digest(spelling: str) -> None:
    """A webhook and a poll of the same content are one fact, however each writes it."""
    assert digest(SPELLINGS[spelling](ORDER)) == digest(ORDER)


def test_white_space_does_not_count() -> None:
    """An indented body is the same content."""
    assert canonical_digest(json.dumps(ORDER, indent=4).encode()) == digest(ORDER)


CONTENTS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "amount": _with(total_amount=55_001),
    "a hair more": _with(total_amount="55000.0001"),
    "status": _with(status="void"),
    "time": _with(order_date="2026-11-20T02:54:20.0476431"),
    "line order": _with(order_details=list(reversed(ORDER["order_details"]))),
    "one line less": _with(order_details=ORDER["order_details"][:1]),
    "a field more": _with(notes="sealed:x"),
    "a token": _with(customer_email="sealed:BAAAAAAAAAAAAAAAAAAAAA"),
    "false is not absent": _with(on_account=False),
    "zero is not absent": _with(rounding_amount=0),
    "capitals of a code": _with(order_id="O-1"),
}


@pytest.mark.parametrize("content", CONTENTS)
def test_another_content_has_another_digest(content: str) -> None:
    """What differs in anything but spelling is a fact of its own."""
    assert digest(CONTENTS[content](ORDER)) != digest(ORDER)


def test_numbers_are_compared_in_all_their_digits() -> None:
    """More digits than the default decimal context holds still make two contents."""
    long, longer = b'{"a":123456789012345.000000000000000001}', b'{"a":123456789012345.000000000000000002}'
    assert canonical_digest(long) != canonical_digest(longer)


@pytest.mark.parametrize("text", ["2026-02-30T00:00:00", "2026-11-20T24:61:00", "0001-01-01T00:00:00+14:00"])
def test_what_only_looks_like_a_time_is_text(text: str) -> None:
    """A 30th of February is content like any other; it must not stop the report from being kept."""
    assert digest(_with(closed_date=text)(ORDER)) != digest(ORDER)


def test_a_source_id_is_kind_id_and_digest() -> None:
    """The same order told twice has one source id."""
    body = json.dumps(ORDER).encode()
    assert source_id(REPORT_KINDS["order"], body, "o-1") == f"order:o-1:{canonical_digest(body)}"


def test_kinds_with_identifying_fields_need_no_digest() -> None:
    """A transaction is its id and status; a shift that is still open says so."""
    transaction = b'{"transaction_id":"t-1","status":"Success","amount":5}'
    assert source_id(REPORT_KINDS["transaction"], transaction, "o-1") == "transaction:t-1:success"
    shift = b'{"register_shift_id":"s-1"}'
    assert source_id(REPORT_KINDS["register_shift"], shift, "s-1") == "register_shift:s-1:open"


def test_another_amount_under_one_source_id_is_named_with_both_values() -> None:
    """An immutable field that changed is an incident; another spelling or an absent field is none."""
    kind = REPORT_KINDS["transaction"]
    original = b'{"transaction_id":"t-1","status":"success","amount":"5.00","gateway":"cash"}'
    assert differing_field(kind, original, original.replace(b'"5.00"', b"6")) == ("amount", "5", "6")
    assert differing_field(kind, original, b'{"transaction_id":"t-1","amount":5,"gateway":"CASH"}') is None
    assert differing_field(kind, original, original.replace(b'"t-1"', b'"t-1","transaction_date":"x"')) is None


@pytest.mark.parametrize(
    ("told", "canonical"),
    [
        (-0.0, "0"),
        ("-5.50", "-5.5"),
        ("0999-02-03 04:05:06", "999-02-03T04:05:06.0000000"),
        ("2026-02-03T04:05:06.12-00:30", "2026-02-03T04:35:06.1200000"),
    ],
)
def test_the_digest_is_taken_over_the_spelling_it_always_had(told: object, canonical: str) -> None:
    """Digests stand in stored source ids: a spelling once chosen stays, odd or not."""
    digest = sha256(msgspec.json.encode({"x": canonical})).hexdigest()[:32]
    assert canonical_digest(msgspec.json.encode({"x": told})) == digest
