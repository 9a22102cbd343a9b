"""The hash chain: each fact's hash covers the one before, its header and its content.

    hash = sha256(previous hash ‖ for each header field: 4-byte length ‖ bytes ‖ content digest)
    content digest = sha256(for body, sealed part, metadata: 8-byte length ‖ bytes)

Header fields in order: store, position, stream, stream version, type, schema version, source id,
observed_at, recorded_at. Numbers are 8-byte big-endian; times are microseconds since 1970-01-01 UTC.
`ops/verifier` recomputes this without importing it.
"""

from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from struct import Struct

from eventstore.event import Fact, NewFact

GENESIS = bytes(32)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER_BYTES = 8
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_LENGTH = Struct(">I").pack
_LENGTH_8 = Struct(">Q").pack
_LENGTHS_8 = Struct(">QQ").pack
_NUMBER = Struct(">Iq").pack
_NUMBER_THEN_LENGTH = Struct(">qI").pack
_join = b"".join


def microseconds(at: datetime) -> int:
    """Return whole microseconds since 1970-01-01 UTC. Raises `OverflowError` for the first and the last time of all."""
    if not _FIRST < at < _LAST:
        raise OverflowError("the driver stores the first and the last time as infinity, which reads back as another")
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def fact_hash(
    previous: bytes,
    store_id: str,
    position: int,
    stream_version: int,
    recorded_at: datetime,
    fact: NewFact | Fact,
) -> bytes:
    """Return the 32-byte chain hash of `fact` at `position` of the ledger of `store_id`."""
    stream, source = fact.stream_id.encode(), fact.source_id.encode()
    return sha256(
        _join(
            (
                previous,
                _store_field(store_id),
                _NUMBER_THEN_LENGTH(position, len(stream)),
                stream,
                _NUMBER(_NUMBER_BYTES, stream_version),
                _kind_fields(fact.type, fact.schema_version),
                _LENGTH(len(source)),
                source,
                _time_field(fact.observed_at),
                _time_field(recorded_at),
                _content_digest(fact.body, fact.sealed, fact.metadata),
            )
        )
    ).digest()


def recompute_hash(previous: bytes, fact: Fact) -> bytes:
    """Return the hash that a stored fact must have behind `previous`."""
    return fact_hash(previous, fact.store_id, fact.position, fact.stream_version, fact.recorded_at, fact)


def _content_digest(body: bytes, sealed: bytes, metadata: bytes) -> bytes:
    if not sealed:
        # Most facts seal nothing: the lengths of both following parts then stand side by side.
        return sha256(_join((_LENGTH_8(len(body)), body, _LENGTHS_8(0, len(metadata)), metadata))).digest()
    return sha256(
        _join((_LENGTH_8(len(body)), body, _LENGTH_8(len(sealed)), sealed, _LENGTH_8(len(metadata)), metadata))
    ).digest()


# A batch has one store, one time of recording and few types: their bytes are made once.
@lru_cache(maxsize=1_024)
def _store_field(store_id: str) -> bytes:
    """Return the store's field and the length of the number that follows it."""
    store = store_id.encode()
    return _LENGTH(len(store)) + store + _LENGTH(_NUMBER_BYTES)


@lru_cache(maxsize=1_024)
def _kind_fields(kind: str, schema_version: int) -> bytes:
    encoded = kind.encode()
    return _LENGTH(len(encoded)) + encoded + _NUMBER(_NUMBER_BYTES, schema_version)


@lru_cache(maxsize=1_024)
def _time_field(at: datetime) -> bytes:
    return _NUMBER(_NUMBER_BYTES, microseconds(at))
