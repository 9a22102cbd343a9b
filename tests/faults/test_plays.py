"""Whatever breaks: acknowledged is stored, once, in order, and everybody who follows sees the same."""

from collections.abc import Callable

import pytest

from tests.faults.checker import Violation, violations
from tests.faults.plan import make_plan
from tests.faults.play import Stage, play
from tests.faults.soak import PLAYS, Played

SEEDS_IN_THE_SUITE = 30
_SHOWN_MAX = 20


def _told(seed: int, found: list[Violation]) -> str:
    told = [f"{violation.wrong}: {violation.where}" for violation in found[:_SHOWN_MAX]]
    return "\n".join([f"seed {seed}: {len(found)} violations", *told, f"play it again: {PLAYS.replay_command(seed)}"])


@pytest.mark.parametrize("seed", range(SEEDS_IN_THE_SUITE))
async def test_nothing_is_lost_skipped_or_repeated_whatever_breaks(seed: int, stage: Stage) -> None:
    """Several processes append, connections and processes are killed, answers lost: the ledger is what it promises."""
    found = violations(await play(make_plan(seed), stage))
    assert not found, _told(seed, found)


@pytest.mark.soak
async def test_nothing_is_lost_skipped_or_repeated_in_a_long_run(
    soak_seed: int, stage: Stage, record_property: Callable[[str, object], None]
) -> None:
    """The same, over as many seeds as one has time for."""
    postgres = f"{stage.server.major}"
    PLAYS.note(record_property, Played(soak_seed, postgres))
    evidence = await play(make_plan(soak_seed), stage)
    found = violations(evidence)
    PLAYS.note(
        record_property,
        Played(
            soak_seed,
            postgres,
            {
                "appends acknowledged": evidence.acknowledged,
                "appends never answered": evidence.unanswered,
                "facts stored": sum(map(len, evidence.stored.values())),
            },
            evidence.injected,
            tuple(f"{violation.wrong}: {violation.where}" for violation in found[:_SHOWN_MAX]),
        ),
    )
    assert not found, _told(soak_seed, found)
