"""A process whose clock is off the database's: it writes nothing, says so, and leaves the company to others."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
import structlog.testing

from eventstore.clock import Clock, ManualClock
from service.breaker import Admitted, BreakerLimits, Breakers, count_breakers
from service.jurnal.exchange import API, JurnalRequest, NoAnswer
from service.jurnal.pace import Purpose
from service.own_clock import OwnClock
from tests.integration.dispatcher.stand import COMPANY, Process, Stand
from tests.ledger import NOON

DEADLINE_SECONDS = 90
OFF_SECONDS_MAX = 45
READING = JurnalRequest(method="GET", path=f"{API}/accounts?page=1")


class ClockOff(Clock):
    """A clock that shows another one's time and so many seconds more."""

    def __init__(self, right: Clock) -> None:
        self._right = right
        self.ahead_seconds = 0.0

    def now(self) -> datetime:
        """Return the time it shows."""
        return self._right.now() + timedelta(seconds=self.ahead_seconds)


def process_of(stand: Stand, clock: Clock) -> Process:
    """Start a process that has this clock."""
    return stand.process(calls=stand.calls(clock=clock), own_clock=OwnClock(clock, off_seconds_max=OFF_SECONDS_MAX))


@pytest.mark.parametrize("off_seconds", [DEADLINE_SECONDS + 1, OFF_SECONDS_MAX + 1, -OFF_SECONDS_MAX - 1])
async def test_a_process_whose_clock_is_ahead_gives_its_company_up_until_it_is_right(
    stand: Stand, off_seconds: float
) -> None:
    """At once, so that another goes on in the same second; or behind: then its deadlines would end too late."""
    clock = ClockOff(stand.clock)
    wrong, other = process_of(stand, clock), process_of(stand, stand.clock)
    assert (await stand.step(wrong)).did == "nothing"
    assert (await stand.step(other)).did == "not_ours"
    await stand.order()
    clock.ahead_seconds = off_seconds
    with structlog.testing.capture_logs() as logs:
        assert (await stand.step(wrong)).did == "not_ours"
        assert (await stand.step(other)).did == "sent"
        assert (await stand.step(wrong)).did == "not_ours"
        await other.leases.release(COMPANY.company_id)
        held = await stand.migrator.fetchrow("SELECT * FROM company_lease")
        assert (await stand.step(wrong)).did == "not_ours"
        # It does not even take it for a moment, in which another would be turned away.
        assert await stand.migrator.fetchrow("SELECT * FROM company_lease") == held
        clock.ahead_seconds = OFF_SECONDS_MAX
        await stand.order(2)
        assert (await stand.step(wrong)).did == "sent"
    told = [(line["event"], line["off_seconds"]) for line in logs if line["event"].startswith("clock_")]
    assert told == [("clock_distrusted", off_seconds), ("clock_trusted", OFF_SECONDS_MAX)]
    assert stand.documents("sales_invoice") == 2
    assert await count_breakers(stand.pool) == {"closed": 0, "open": 0, "half_open": 0}


async def test_a_call_that_came_too_late_is_no_failure_of_jurnals(stand: Stand) -> None:
    """However many there are, the breaker stays closed for everybody, and no place of the quota is taken."""
    clock = ClockOff(stand.clock)
    breakers = Breakers(stand.pool, uuid4(), BreakerLimits(failures=2))
    calls = stand.calls(clock=clock, breakers=breakers)
    clock.ahead_seconds = DEADLINE_SECONDS
    for _ in range(3):
        answer = await calls.read(COMPANY, READING, Purpose.FRESH)
        assert isinstance(answer, NoAnswer)
        assert "its clock is wrong" in answer.reason
    assert await breakers.look(COMPANY.company_id) is None
    assert await stand.migrator.fetchval("SELECT count(*) FROM quota_hold WHERE released_at > $1", NOON) == 0


async def test_a_trial_that_came_too_late_is_the_next_ones(stand: Stand) -> None:
    """It is not waited for until its deadline, and does not make the wait longer."""
    clock = ClockOff(stand.clock)
    limits = BreakerLimits(failures=1, wait_seconds=30)
    wrong, other = (Breakers(stand.pool, uuid4(), limits) for _ in range(2))
    deadline = timedelta(seconds=DEADLINE_SECONDS)
    failed = await wrong.admit(COMPANY.company_id, deadline=deadline)
    assert isinstance(failed, Admitted)
    await wrong.note(COMPANY.company_id, failed, "it answered 502")
    await stand.advance(30)
    clock.ahead_seconds = DEADLINE_SECONDS
    assert isinstance(await stand.calls(clock=clock, breakers=wrong).read(COMPANY, READING, Purpose.FRESH), NoAnswer)
    trial = await other.admit(COMPANY.company_id, deadline=deadline)
    assert isinstance(trial, Admitted)
    assert trial.is_trial


@pytest.mark.parametrize(
    ("asked", "told", "heard", "off_seconds"),
    [(0, 0.2, 3_600, 0), (0, 3_600, 3_600, 0), (10, 0, 60, 10), (0, 60, 40, -20)],
    ids=["the answer was slow", "the question was slow", "ahead", "behind"],
)
def test_only_what_no_wait_explains_counts_as_off(asked: float, told: float, heard: float, off_seconds: float) -> None:
    """A slow database, or a process that slept over its answer, is not taken for a wrong clock."""

    def at(seconds: float) -> datetime:
        return NOON + timedelta(seconds=seconds)

    clock = OwnClock(ManualClock(at(heard)), off_seconds_max=5)
    assert clock.compare(at(asked), at(told)) == (off_seconds == 0)
    assert clock.off_seconds == off_seconds
