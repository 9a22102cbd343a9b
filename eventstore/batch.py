"""Deciding a batch, pure: which facts are new, at which position and version, with which hash."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from eventstore.chain import fact_hash
from eventstore.event import Appended, AppendResult, Duplicate, Head, NewFact, VersionConflict


class Row(msgspec.Struct, frozen=True):
    """A fact with the place it will take."""

    position: int
    stream_version: int
    hash: bytes
    fact: NewFact


class Decided(msgspec.Struct, frozen=True):
    """The rows to write, and one result for every fact of the batch."""

    rows: list[Row]
    results: list[AppendResult]


def decide_batch(
    store_id: str,
    head: Head,
    recorded_at: datetime,
    facts: Sequence[NewFact],
    sources: Mapping[str, tuple[int, int]],
    versions: Mapping[str, int],
) -> Decided:
    """Decide `facts` on the known `head`, source ids (→ position, stream version) and stream versions."""
    known, latest = dict(sources), dict(versions)
    position, previous = head.position, head.hash
    rows: list[Row] = []
    results: list[AppendResult] = []
    for fact in facts:
        if (original := known.get(fact.source_id)) is not None:
            results.append(Duplicate(*original))
            continue
        stream_version = latest.get(fact.stream_id, 0)
        if fact.expected_version is not None and fact.expected_version != stream_version:
            results.append(VersionConflict(fact.expected_version, stream_version))
            continue
        position, stream_version = position + 1, stream_version + 1
        previous = fact_hash(previous, store_id, position, stream_version, recorded_at, fact)
        rows.append(Row(position, stream_version, previous, fact))
        results.append(Appended(position, stream_version))
        known[fact.source_id] = (position, stream_version)
        latest[fact.stream_id] = stream_version
    return Decided(rows, results)
