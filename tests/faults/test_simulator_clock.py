"""A replica whose clock is off leaves its companies to the others, in a whole world of virtual time."""

from datetime import datetime

import msgspec
import pytest

from service.own_clock import OwnClock
from tests.faults.sim_plan import FAULTS_END, Plan, Trouble, WireShares, make_plan
from tests.faults.sim_play import Ground, Verdict, play

# Companies are taken once there is business, at 25 s, and whoever comes first keeps them: the other sleeps meanwhile.
_ASLEEP_FROM, _ASLEEP_SECONDS = 20, 15.0
# The deadline of these worlds is 15 s.
_WRONG_FROM, _AHEAD_SECONDS = 45, 60.0
_WRONG, _OTHER = 0, 1


def _plan() -> Plan:
    """Return a world of two replicas in which nothing goes wrong but the clock of the one that sends."""
    asleep = Trouble(
        kind="stop", moment="time", number=_ASLEEP_FROM, is_written=False, replica=_OTHER, seconds=_ASLEEP_SECONDS
    )
    wrong = Trouble(
        kind="clock", moment="time", number=_WRONG_FROM, is_written=False, replica=_WRONG, seconds=_AHEAD_SECONDS
    )
    return msgspec.structs.replace(
        make_plan(3),
        replicas=2,
        faults={},
        wire=WireShares(),
        overdue_share=0.0,
        key_race_seconds=0.0,
        troubles=(asleep, wrong),
        restart_at=None,
    )


def _senders(verdict: Verdict, *, repaired: bool) -> set[str]:
    """Return who sent documents while the clock was wrong, or once it was right again."""
    sends = [line.split() for line in verdict.trace if " POST " in line]
    (wrong_at,) = [float(line.split()[0]) for line in verdict.trace if " clock replica " in line]
    since, until = (FAULTS_END, float("inf")) if repaired else (wrong_at, FAULTS_END)
    return {words[2] for words in sends if since < float(words[0]) <= until}


def test_a_replica_whose_clock_is_ahead_leaves_its_company_to_another(ground: Ground) -> None:
    """It says so and lets the company go, so that all is sent at once by the one whose clock is right."""
    verdict = play(_plan(), ground)
    assert not verdict.wrong
    assert [event.split()[2] for event in verdict.events if " clock_" in event] == ["clock_distrusted", "clock_trusted"]
    assert _senders(verdict, repaired=False) == {"1.1"}
    assert _senders(verdict, repaired=True) == set()


def test_a_replica_that_does_not_compare_its_clock_stops_its_company(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the same world nothing is sent for as long as its clock is wrong: it keeps the company, and writes nothing."""

    def never(_clock: OwnClock, _asked_at: datetime, _told: datetime) -> bool:
        return True

    monkeypatch.setattr(OwnClock, "compare", never)
    verdict = play(_plan(), ground)
    assert not verdict.wrong
    assert _senders(verdict, repaired=False) == set()
    assert _senders(verdict, repaired=True)
