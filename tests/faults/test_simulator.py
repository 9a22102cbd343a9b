"""Whole worlds in virtual time: whatever breaks, every document is in Jurnal exactly once (I1-I8)."""

from collections.abc import Callable

import pytest

from tests.faults.sim_plan import Plan, make_plan
from tests.faults.sim_play import Ground, Verdict, play
from tests.faults.soak import SIMULATOR, Played

# Ranges of others are for `-m soak`.
SEEDS_IN_THE_SUITE = 60
_SHOWN_MAX = 20


def _told(plan: Plan, verdict: Verdict) -> str:
    """Say all that is needed to understand what went wrong."""
    told = [f"seed {plan.seed}: {len(verdict.wrong)} violations", *verdict.wrong[:_SHOWN_MAX], "", "what was planned:"]
    told += [f"{plan.replicas} replicas, {plan.stores}, {plan.faults}, {plan.wire}, race {plan.key_race_seconds} s"]
    told += [*map(str, plan.troubles), "", "what happened last:", *verdict.trace[-_SHOWN_MAX:], ""]
    return "\n".join(
        [*told, *verdict.events[-_SHOWN_MAX:], "", f"play it again: {SIMULATOR.replay_command(plan.seed)}"]
    )


@pytest.mark.parametrize("seed", range(SEEDS_IN_THE_SUITE))
def test_every_document_is_in_jurnal_once_whatever_breaks(seed: int, ground: Ground) -> None:
    """Replicas are killed, stopped, set wrong, answers lost, requests late and repeated: the books come out right."""
    plan = make_plan(seed)
    verdict = play(plan, ground)
    assert not verdict.wrong, _told(plan, verdict)


# Killed, stopped and set wrong: at a time, a question, a look-up or a send; in the last one Jurnal restarts.
@pytest.mark.parametrize("seed", [4, 6, 26, 36, 28])
def test_a_seed_is_the_same_run_every_time(seed: int, ground: Ground) -> None:
    """What a seed found once it finds again: the same requests at the same instants."""
    plan = make_plan(seed)
    first, second = play(plan, ground), play(plan, ground)
    assert first.trace == second.trace
    assert len(first.trace) > 20


@pytest.mark.soak
def test_every_document_is_in_jurnal_once_in_a_long_run(
    soak_seed: int, ground: Ground, record_property: Callable[[str, object], None]
) -> None:
    """The same, over as many seeds as one has time for."""
    SIMULATOR.note(record_property, Played(soak_seed))
    plan = make_plan(soak_seed)
    verdict = play(plan, ground)
    SIMULATOR.note(
        record_property,
        Played(
            soak_seed,
            str(ground.server.major),
            {
                "webhooks acknowledged": verdict.acknowledged,
                "requests to Jurnal": sum(" > " in line for line in verdict.trace),
                "documents made in Jurnal": verdict.documents,
                "facts stored": verdict.facts,
            },
            verdict.injected,
            verdict.wrong[:_SHOWN_MAX],
        ),
    )
    assert not verdict.wrong, _told(plan, verdict)
