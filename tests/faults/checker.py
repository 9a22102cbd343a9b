"""Judges a history: what of it can no correct ledger have done? Pure, and knows nothing of how the ledger works."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import pairwise

import msgspec

from eventstore.event import Appended, AppendResult, Fact, NewFact, VersionConflict
from tests.faults.history import Call, Evidence, Sight


class Wrong(StrEnum):
    """What a ledger must never do."""

    LOST = "acknowledged and not stored there"
    ALTERED = "stored with a content that nobody sent"
    APPENDED_TWICE = "two answers say that they appended the same fact"
    STORED_TWICE = "a source id is stored twice"
    POSITION = "positions are not 1..n"
    VERSION = "a version is twice in its stream or skipped"
    CONFLICT = "a conflict was answered that there was not, or none where there was one"
    ORDER = "a later call got an earlier position"
    CLOCK = "the recorded time goes back"
    SKIPPED = "a follower did not see every fact once and in order"
    ABSENT = "acknowledged and not readable at once"
    CHAIN = "the chain is broken"
    PROJECTION = "a projection is not the fold of its ledger"
    ALARM = "an error that nobody should meet"


class Violation(msgspec.Struct, frozen=True):
    """One thing that went wrong."""

    wrong: Wrong
    where: str


def violations(evidence: Evidence) -> list[Violation]:
    """Return everything that went wrong, the gravest kinds first."""
    found = [Violation(Wrong.ABSENT, where) for where in evidence.absent]
    found += [Violation(Wrong.CHAIN, where) for where in evidence.broken]
    found += [Violation(Wrong.PROJECTION, where) for where in evidence.misfolded]
    found += [Violation(Wrong.ALARM, where) for where in evidence.alarms]
    for store_id, facts in evidence.stored.items():
        calls = [call for call in evidence.calls if call.store_id == store_id]
        found += _wrong_in_ledger(store_id, facts, evidence.heads[store_id])
        found += _never_sent(facts, calls)
        found += _wrong_in_answers(facts, calls)
        found += _wrong_in_order(calls)
    for sight in evidence.sights:
        found += _wrong_in_sight(sight, evidence.stored[sight.store_id])
    return sorted(found, key=lambda violation: list(Wrong).index(violation.wrong))


def _wrong_in_ledger(store_id: str, facts: Sequence[Fact], head: int) -> Iterator[Violation]:
    positions = [fact.position for fact in facts]
    if positions != list(range(1, head + 1)):
        yield Violation(Wrong.POSITION, f"{store_id}: {len(facts)} facts, head {head}")
    for source_id, times in Counter(fact.source_id for fact in facts).items():
        if times > 1:
            yield Violation(Wrong.STORED_TWICE, f"{store_id} {source_id}: {times} times")
    versions: defaultdict[str, int] = defaultdict(int)
    for fact in facts:
        versions[fact.stream_id] += 1
        if fact.stream_version != versions[fact.stream_id]:
            yield Violation(Wrong.VERSION, f"{store_id} {fact.stream_id} at position {fact.position}")
    for before, after in pairwise(facts):
        if after.recorded_at < before.recorded_at:
            yield Violation(Wrong.CLOCK, f"{store_id} at position {after.position}")


def _content(fact: Fact | NewFact) -> tuple[object, ...]:
    return (
        fact.stream_id, fact.type, fact.schema_version, fact.source_id, fact.observed_at, fact.body, fact.sealed,
        fact.metadata,
    )  # fmt: skip


def _never_sent(facts: Sequence[Fact], calls: Sequence[Call]) -> Iterator[Violation]:
    sent = {_content(fact) for call in calls for fact in call.facts}
    for fact in facts:
        if _content(fact) not in sent:
            yield Violation(Wrong.ALTERED, f"{fact.store_id} at position {fact.position}")


def _wrong_in_answers(facts: Sequence[Fact], calls: Sequence[Call]) -> Iterator[Violation]:
    stored = {(fact.position, fact.stream_version, fact.source_id): fact for fact in facts}
    appended: Counter[int] = Counter()
    for sent, result in _answered(calls):
        if isinstance(result, VersionConflict):
            continue
        there = stored.get((result.position, result.stream_version, sent.source_id))
        if there is None:
            yield Violation(Wrong.LOST, f"{sent.source_id}: {result}")
        elif isinstance(result, Appended):
            appended[result.position] += 1
            if _content(there) != _content(sent):
                yield Violation(Wrong.ALTERED, f"{sent.source_id}: appended at {result.position} with another content")
            if sent.expected_version not in (None, result.stream_version - 1):
                yield Violation(Wrong.CONFLICT, f"{sent.source_id} expected {sent.expected_version}: {result}")
    for position, times in appended.items():
        if times > 1:
            yield Violation(Wrong.APPENDED_TWICE, f"position {position}: {times} answers")


def _answered(calls: Iterable[Call]) -> Iterator[tuple[NewFact, AppendResult]]:
    for call in calls:
        yield from zip(call.facts, call.results or (), strict=call.results is not None)


def _wrong_in_order(calls: Sequence[Call]) -> Iterator[Violation]:
    """Hold each answer against those given before its call began: they must lie before it."""
    answered = sorted((call for call in calls if call.ended is not None), key=lambda call: call.ended or 0)
    position, versions, done = 0, Counter[str](), 0
    for call in sorted(calls, key=lambda call: call.began):
        while done < len(answered) and (answered[done].ended or 0) < call.began:
            for fact, result in _answered([answered[done]]):
                versions[fact.stream_id] = max(versions[fact.stream_id], result.stream_version)
                if not isinstance(result, VersionConflict):
                    position = max(position, result.position)
            done += 1
        for fact, result in _answered([call]):
            if isinstance(result, Appended) and result.position <= position:
                yield Violation(Wrong.ORDER, f"{fact.source_id}: {result} after position {position} was answered")
            if isinstance(result, VersionConflict) and not _is_true_conflict(fact, result, versions[fact.stream_id]):
                yield Violation(Wrong.CONFLICT, f"{fact.source_id}: {result}, known {versions[fact.stream_id]}")


def _is_true_conflict(fact: NewFact, result: VersionConflict, known: int) -> bool:
    return (
        result.expected_version == fact.expected_version
        and result.stream_version != result.expected_version
        and result.stream_version >= known
    )


def _wrong_in_sight(sight: Sight, facts: Sequence[Fact]) -> Iterator[Violation]:
    ledger = [(fact.position, fact.source_id) for fact in facts]
    if sight.facts != ledger:
        missed = sorted(set(ledger) - set(sight.facts))
        again = len(sight.facts) - len(set(sight.facts))
        yield Violation(
            Wrong.SKIPPED,
            f"{sight.follower} of {sight.store_id}: missed {len(missed)} of {len(ledger)} {missed[:3]}, {again} twice",
        )
