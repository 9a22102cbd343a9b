"""Deciding a batch, pure: which facts are new, at which position and version, with which hash."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from eventstore.chain import fact_hash
from eventstore.event import Appended, AppendResult, Duplicate, Head, NewFact, VersionConflict


class Decided(msgspec.Struct, frozen=True):
    """What to write behind `before`, and one result for every fact of the batch.

    `facts` are the new ones, at the positions after `before` in their order; `stream_versions` and `hashes` belong to
    them one by one. `sources` and `versions` are what a later batch must know: source id → place, stream → version.
    """

    before: Head
    after: Head
    facts: list[NewFact]
    stream_versions: list[int]
    hashes: list[bytes]
    results: list[AppendResult]
    sources: dict[str, Appended]
    versions: dict[str, int]


def decide_batch(
    store_id: str,
    head: Head,
    recorded_at: datetime,
    facts: Sequence[NewFact],
    sources: Mapping[str, Appended],
    versions: Mapping[str, int],
) -> Decided:
    """Decide `facts` on the known `head`, source ids (→ the place they took) and stream versions."""
    taken: dict[str, Appended] = {}
    latest: dict[str, int] = {}
    position, previous = head.position, head.hash
    new: list[NewFact] = []
    stream_versions: list[int] = []
    hashes: list[bytes] = []
    results: list[AppendResult] = []
    for fact in facts:
        source_id, stream_id = fact.source_id, fact.stream_id
        original = taken.get(source_id) or sources.get(source_id)
        if original is not None:
            results.append(Duplicate(original.position, original.stream_version))
            continue
        stream_version = latest.get(stream_id) or versions.get(stream_id, 0)
        if fact.expected_version is not None and fact.expected_version != stream_version:
            results.append(VersionConflict(fact.expected_version, stream_version))
            continue
        position += 1
        stream_version += 1
        previous = fact_hash(previous, store_id, position, stream_version, recorded_at, fact)
        appended = Appended(position, stream_version)
        new.append(fact)
        stream_versions.append(stream_version)
        hashes.append(previous)
        results.append(appended)
        taken[source_id] = appended
        latest[stream_id] = stream_version
    after = Head(position, previous, recorded_at, head.archived) if new else head
    return Decided(head, after, new, stream_versions, hashes, results, taken, latest)
