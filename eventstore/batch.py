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
    """The rows to write, the time they are recorded at, and one result for every fact of the batch."""

    rows: list[Row]
    recorded_at: datetime
    results: list[AppendResult]

    def head(self, before: Head) -> Head:
        """Return the ledger's end once the rows are written behind `before`."""
        if not self.rows:
            return before
        return Head(self.rows[-1].position, self.rows[-1].hash, self.recorded_at, before.archived)


def decide_batch(
    store_id: str,
    head: Head,
    recorded_at: datetime,
    facts: Sequence[NewFact],
    sources: Mapping[str, tuple[int, int]],
    versions: Mapping[str, int],
) -> Decided:
    """Decide `facts` on the known `head`, source ids (→ position, stream version) and stream versions."""
    taken: dict[str, tuple[int, int]] = {}
    latest: dict[str, int] = {}
    position, previous = head.position, head.hash
    rows: list[Row] = []
    results: list[AppendResult] = []
    for fact in facts:
        original = taken.get(fact.source_id) or sources.get(fact.source_id)
        if original is not None:
            results.append(Duplicate(*original))
            continue
        stream_version = latest.get(fact.stream_id) or versions.get(fact.stream_id, 0)
        if fact.expected_version is not None and fact.expected_version != stream_version:
            results.append(VersionConflict(fact.expected_version, stream_version))
            continue
        position, stream_version = position + 1, stream_version + 1
        previous = fact_hash(previous, store_id, position, stream_version, recorded_at, fact)
        rows.append(Row(position, stream_version, previous, fact))
        results.append(Appended(position, stream_version))
        taken[fact.source_id] = (position, stream_version)
        latest[fact.stream_id] = stream_version
    return Decided(rows, recorded_at, results)
