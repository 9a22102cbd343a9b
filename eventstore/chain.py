"""The hash chain: each fact's hash covers the one before, its header and its content.

    hash = sha256(previous hash ‖ for each header field: 4-byte length ‖ bytes ‖ content digest)
    content digest = sha256(for body, sealed part, metadata: 8-byte length ‖ bytes)

Header fields in order: store, position, stream, stream version, type, schema version, source id,
observed_at, recorded_at. Numbers are 8-byte big-endian; times are microseconds since 1970-01-01 UTC.
`ops/verifier` recomputes this without importing it.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from struct import Struct

from eventstore.event import Fact, NewFact

GENESIS = bytes(32)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LENGTH = Struct(">I").pack
_LENGTH_8 = Struct(">Q").pack
_NUMBER = Struct(">Iq").pack


@lru_cache(maxsize=1_024)
def microseconds(at: datetime) -> int:
    """Return whole microseconds since 1970-01-01 UTC. Raises `OverflowError` for the first and the last time of all."""
    if not _FIRST < at < _LAST:
        raise OverflowError("the driver stores the first and the last time as infinity, which reads back as another")
    return (at - _EPOCH) // _MICROSECOND


def content_digest(body: bytes, sealed: bytes, metadata: bytes) -> bytes:
    """Return the 32-byte digest of a fact's content."""
    return sha256(
        b"".join((_LENGTH_8(len(body)), body, _LENGTH_8(len(sealed)), sealed, _LENGTH_8(len(metadata)), metadata))
    ).digest()


def fact_hash(
    previous: bytes,
    store_id: str,
    position: int,
    stream_version: int,
    recorded_at: datetime,
    fact: NewFact,
) -> bytes:
    """Return the 32-byte chain hash of `fact` at `position` of the ledger of `store_id`."""
    store, stream = store_id.encode(), fact.stream_id.encode()
    type_, source = fact.type.encode(), fact.source_id.encode()
    return sha256(
        b"".join(
            (
                previous,
                _LENGTH(len(store)),
                store,
                _NUMBER(8, position),
                _LENGTH(len(stream)),
                stream,
                _NUMBER(8, stream_version),
                _LENGTH(len(type_)),
                type_,
                _NUMBER(8, fact.schema_version),
                _LENGTH(len(source)),
                source,
                _NUMBER(8, microseconds(fact.observed_at)),
                _NUMBER(8, microseconds(recorded_at)),
                content_digest(fact.body, fact.sealed, fact.metadata),
            )
        )
    ).digest()


def recompute_hash(previous: bytes, fact: Fact) -> bytes:
    """Return the hash that a stored fact must have behind `previous`."""
    new = NewFact(
        stream_id=fact.stream_id,
        type=fact.type,
        schema_version=fact.schema_version,
        source_id=fact.source_id,
        observed_at=fact.observed_at,
        body=fact.body,
        sealed=fact.sealed,
        metadata=fact.metadata,
    )
    return fact_hash(previous, fact.store_id, fact.position, fact.stream_version, fact.recorded_at, new)
