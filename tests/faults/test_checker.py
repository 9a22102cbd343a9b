"""The checker has teeth: stores with one thing broken are caught by the very play that the ledger passes."""

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from eventstore.event import Appended, Duplicate, Fact, NewFact, VersionConflict
from tests.faults.checker import Wrong, violations
from tests.faults.history import Evidence, Sight
from tests.faults.plain_store import Build
from tests.faults.plan import make_plan
from tests.faults.play import Stage, play
from tests.ledger import NOON, STORE, member

SEEDS_TRIED_MAX = 6
_KEPT = Fact.__struct_fields__
BROKEN = {
    Build.SEQUENCE: Wrong.SKIPPED,
    Build.TRANSACTION_ORDER: Wrong.SKIPPED,
    Build.EARLY_ANSWER: Wrong.ABSENT,
    Build.BLIND_RETRY: Wrong.STORED_TWICE,
    Build.BLIND_HEAD: Wrong.POSITION,
}


def test_a_seed_always_makes_the_same_plan() -> None:
    """Calls, expectations and faults are chosen before anything runs."""
    assert make_plan(7) == make_plan(7)
    assert make_plan(7) != make_plan(8)


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_plain_store_with_nothing_broken_passes(seed: int, stage: Stage) -> None:
    """What is caught below is what was broken, not that the store is a plain one."""
    assert violations(await play(make_plan(seed), stage, Build.PLAIN)) == []


@pytest.mark.parametrize(("build", "wrong"), BROKEN.items())
async def test_a_store_with_one_thing_broken_is_caught(build: Build, wrong: Wrong, stage: Stage) -> None:
    """Within a few seeds, and for what is broken in it."""
    for seed in range(SEEDS_TRIED_MAX):
        found = violations(await play(make_plan(seed), stage, build))
        if wrong in {violation.wrong for violation in found}:
            return
    pytest.fail(f"{build}: not caught in {SEEDS_TRIED_MAX} seeds")


def _good_history() -> Evidence:
    """Make a history in memory: four calls of one fact, a repeat of the second, one follower."""
    evidence = Evidence(heads={STORE: 4}, sights=[Sight("follower", STORE)])
    facts = evidence.stored.setdefault(STORE, [])
    for number in range(1, 5):
        call = evidence.begin(STORE, (member(number, stream="one"),))
        evidence.end(call, [Appended(number, number)])
        sent = {name: getattr(call.facts[0], name) for name in NewFact.__struct_fields__ if name in _KEPT}
        facts.append(Fact(store_id=STORE, position=number, stream_version=number, recorded_at=NOON, hash=b"", **sent))
        evidence.sights[0].facts.append((number, f"member:{number}"))
    evidence.end(evidence.begin(STORE, evidence.calls[1].facts), [Duplicate(2, 2)])
    return evidence


def _ledger(evidence: Evidence) -> list[Fact]:
    return next(iter(evidence.stored.values()))


def _without_the_last(evidence: Evidence) -> None:
    _ledger(evidence).pop()
    evidence.heads = {store_id: len(facts) for store_id, facts in evidence.stored.items()}


def _with_a_gap(evidence: Evidence) -> None:
    _ledger(evidence).pop(1)


def _with_a_fact_twice(evidence: Evidence) -> None:
    facts = _ledger(evidence)
    facts.append(msgspec.structs.replace(facts[0], position=len(facts) + 1))


def _with_another_body(evidence: Evidence) -> None:
    facts = _ledger(evidence)
    facts[0] = msgspec.structs.replace(facts[0], body=b"{}")


def _with_time_going_back(evidence: Evidence) -> None:
    facts = _ledger(evidence)
    facts[1] = msgspec.structs.replace(facts[1], recorded_at=facts[0].recorded_at - timedelta(seconds=1))


def _with_a_follower_that_blinked(evidence: Evidence) -> None:
    evidence.sights[0].facts.pop(2)


def _with_a_follower_that_saw_double(evidence: Evidence) -> None:
    evidence.sights[0].facts.insert(2, evidence.sights[0].facts[2])


def _with_two_who_appended(evidence: Evidence) -> None:
    evidence.end(evidence.begin(STORE, evidence.calls[0].facts), [Appended(1, 1)])


def _with_a_conflict_about_nothing(evidence: Evidence) -> None:
    fact = member(9, stream="one", version=9)
    evidence.end(evidence.begin(STORE, (fact,)), [VersionConflict(9, 3)])


def _with_an_append_that_should_have_conflicted(evidence: Evidence) -> None:
    first = evidence.calls[0]
    first.facts = (msgspec.structs.replace(first.facts[0], expected_version=5),)


def _with_a_repeat_that_names_another_place(evidence: Evidence) -> None:
    evidence.calls[-1].results = [Duplicate(3, 3)]


@pytest.mark.parametrize(
    ("tamper", "wrong"),
    [
        (_without_the_last, Wrong.LOST),
        (_with_a_gap, Wrong.POSITION),
        (_with_a_gap, Wrong.VERSION),
        (_with_a_fact_twice, Wrong.STORED_TWICE),
        (_with_another_body, Wrong.ALTERED),
        (_with_time_going_back, Wrong.CLOCK),
        (_with_a_follower_that_blinked, Wrong.SKIPPED),
        (_with_a_follower_that_saw_double, Wrong.SKIPPED),
        (_with_two_who_appended, Wrong.APPENDED_TWICE),
        (_with_two_who_appended, Wrong.ORDER),
        (_with_a_conflict_about_nothing, Wrong.CONFLICT),
        (_with_an_append_that_should_have_conflicted, Wrong.CONFLICT),
        (_with_a_repeat_that_names_another_place, Wrong.LOST),
    ],
)
def test_a_history_that_was_tampered_with_is_caught(tamper: Callable[[Evidence], None], wrong: Wrong) -> None:
    """Each rule of the checker sees what breaks it in a history that is right but for this."""
    evidence = _good_history()
    assert violations(evidence) == []
    tamper(evidence)
    assert wrong in {violation.wrong for violation in violations(evidence)}
