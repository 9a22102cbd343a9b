"""The hash chain, recomputed from its written format by code that shares nothing with it."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from struct import pack

import msgspec
import pytest

from eventstore.batch import decide_batch
from eventstore.chain import GENESIS, fact_hash
from eventstore.event import Appended, Duplicate, Head, NewFact, VersionConflict
from tests.ledger import NOON, STORE, member

FACT = NewFact(
    stream_id="order-é",
    type="OrderReported",
    schema_version=3,
    source_id="order:1:abc",
    observed_at=datetime(2026, 11, 20, 2, 54, 20, 47643, tzinfo=UTC),
    body=b'{"a":1}',
    sealed=b"\x93\x01",
    metadata=b'{"channel":"poll"}',
)


def recomputed(previous: bytes, store: str, position: int, version: int, recorded_at: datetime, fact: NewFact) -> bytes:
    """Follow the format as written: previous, length-prefixed header fields in order, digest of the content."""

    def micros(at: datetime) -> int:
        since = at - datetime(1970, 1, 1, tzinfo=UTC)
        return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds

    content = sha256()
    for part in (fact.body, fact.sealed, fact.metadata):
        content.update(pack(">Q", len(part)) + part)
    numbers = [pack(">q", number) for number in (position, version, fact.schema_version)]
    header = [
        store.encode(), numbers[0], fact.stream_id.encode(), numbers[1], fact.type.encode(), numbers[2],
        fact.source_id.encode(), pack(">q", micros(fact.observed_at)), pack(">q", micros(recorded_at)),
    ]  # fmt: skip
    whole = previous + b"".join(pack(">I", len(field)) + field for field in header) + content.digest()
    return sha256(whole).digest()


def test_the_hash_follows_its_written_format() -> None:
    """An auditor with the format in hand gets the same 32 bytes."""
    known = fact_hash(b"p" * 32, STORE, 7, 2, NOON, FACT)
    assert known == recomputed(b"p" * 32, STORE, 7, 2, NOON, FACT)
    assert known.hex() == "21ce5608f37b499244cbccb836749d05a9186c75b1d13840a5051d54d0d23449"


CHANGES = {
    "stream_id": "order-è",
    "type": "OrderReporteD",
    "schema_version": 4,
    "source_id": "order:1:abd",
    "observed_at": FACT.observed_at + timedelta(microseconds=1),
    "body": b'{"a":2}',
    "sealed": b"\x93\x02",
    "metadata": b'{"channel":"polk"}',
}


@pytest.mark.parametrize("field", CHANGES)
def test_any_changed_field_of_a_fact_changes_its_hash(field: str) -> None:
    """One byte or one microsecond is enough; `expected_version` is a wish of the caller and stored nowhere."""
    changed = msgspec.structs.replace(FACT, **{field: CHANGES[field]})
    assert fact_hash(GENESIS, STORE, 7, 2, NOON, changed) != fact_hash(GENESIS, STORE, 7, 2, NOON, FACT)
    assert set(CHANGES) == set(FACT.__struct_fields__) - {"expected_version"}


def test_predecessor_place_and_time_are_hashed_too() -> None:
    """The same fact elsewhere, later, or after another has another hash."""
    hashes = {
        fact_hash(GENESIS, STORE, 7, 2, NOON, FACT),
        fact_hash(b"\x01" + GENESIS[1:], STORE, 7, 2, NOON, FACT),
        fact_hash(GENESIS, STORE + "s", 7, 2, NOON, FACT),
        fact_hash(GENESIS, STORE, 8, 2, NOON, FACT),
        fact_hash(GENESIS, STORE, 7, 3, NOON, FACT),
        fact_hash(GENESIS, STORE, 7, 2, NOON + timedelta(microseconds=1), FACT),
    }
    assert len(hashes) == 6


def test_bytes_cannot_move_from_one_part_to_the_next() -> None:
    """Every part is prefixed with its length, so a boundary cannot be shifted unseen."""
    moved = msgspec.structs.replace(FACT, body=FACT.body + FACT.sealed[:1], sealed=FACT.sealed[1:])
    renamed = msgspec.structs.replace(FACT, stream_id=FACT.stream_id[:-1], type=FACT.stream_id[-1] + FACT.type)
    hashes = {fact_hash(GENESIS, STORE, 7, 2, NOON, fact) for fact in (FACT, moved, renamed)}
    assert len(hashes) == 3


def test_a_batch_gives_out_positions_versions_and_hashes_in_its_order() -> None:
    """New facts follow each other; a repeat inside the batch answers the first; a wrong version fails alone."""
    facts = [
        member(1, stream="a"),
        member(1, stream="a"),
        member(2, stream="a", version=0),
        member(3, stream="a", version=1),
        member(4, stream="b"),
    ]
    decided = decide_batch(STORE, Head(10, b"h" * 32, NOON), NOON, facts, {}, {"b": 6})
    assert decided.results == [
        Appended(11, 1), Duplicate(11, 1), VersionConflict(0, 1), Appended(12, 2), Appended(13, 7),
    ]  # fmt: skip
    assert (decided.facts, decided.stream_versions) == ([facts[0], facts[3], facts[4]], [1, 2, 7])
    first, second, third = decided.hashes
    assert first == recomputed(b"h" * 32, STORE, 11, 1, NOON, facts[0])
    assert second == recomputed(first, STORE, 12, 2, NOON, facts[3])
    assert third == recomputed(second, STORE, 13, 7, NOON, facts[4])
    assert (decided.before.position, decided.after) == (10, Head(13, third, NOON))
