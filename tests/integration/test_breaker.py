"""The breaker of a company: shared by replicas, one trial at a time, and nothing is lost while it is open."""

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest
from aiohttp import web

from eventstore.connection import Pool
from ops.sandbox.jurnal import FaultPlan
from service.breaker import Admitted, BreakerLimits, Breakers, Stopped, count_breakers
from service.company_waits import read_company_wait
from service.jurnal.exchange import API, JurnalRequest
from service.jurnal.pace import Purpose
from service.quota import Spent
from service.quota_wish import JAKARTA
from service.sync_wording import wording
from tests.integration.dispatcher.stand import COMPANY, Stand, open_stand
from tests.integration.quota_gateway import at
from tests.integration.stopped_clock import set_clock, stop_the_clock
from tests.ledger import service_pool

DEADLINE = timedelta(seconds=90)
LIMITS = BreakerLimits(failures=3, wait_seconds=30, wait_seconds_max=100)
DOWN = FaultPlan(status_before_commit=503)
TRIAL = """
import asyncio, sys
from datetime import timedelta
from uuid import uuid4
from service.breaker import BreakerLimits, Breakers
from tests.ledger import open_test_pool

async def main():
    pool = await open_test_pool(sys.argv[1])
    print(await Breakers(pool, uuid4(), BreakerLimits()).admit("one", deadline=timedelta(seconds=90)), flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.fixture
async def pool(database_url: str, connection: "asyncpg.Connection[asyncpg.Record]") -> AsyncIterator[Pool]:
    """Give a database whose clock stands still."""
    await stop_the_clock(connection)
    async with service_pool(database_url) as opened:
        yield opened


def replica(pool: Pool) -> Breakers:
    """Return one process's view."""
    return Breakers(pool, uuid4(), LIMITS)


async def end(breakers: Breakers, failure: str | None, company: str = "one") -> None:
    """Make a call that ends so."""
    admitted = await breakers.admit(company, deadline=DEADLINE)
    assert isinstance(admitted, Admitted)
    await breakers.note(company, admitted, failure)


async def stopped(breakers: Breakers, company: str = "one") -> Stopped:
    """Ask for a call that does not go."""
    answer = await breakers.admit(company, deadline=DEADLINE)
    assert isinstance(answer, Stopped)
    return answer


async def test_failures_in_a_row_open_it_for_all_replicas_and_for_one_company(pool: Pool) -> None:
    """Whichever replica met them; two companies do not share their Jurnal's troubles."""
    one, two = replica(pool), replica(pool)
    for breakers in (one, two, one):
        await end(breakers, "it answered 502")
    assert await stopped(two) == Stopped(at(30), "it answered 502", at(0))
    await end(two, None, "other")
    assert await count_breakers(pool) == {"closed": 0, "open": 1, "half_open": 0}


async def test_an_answer_between_failures_begins_the_row_anew(pool: Pool) -> None:
    """Only what happens in a row tells that Jurnal is not there."""
    breakers = replica(pool)
    for failure in ("reset", "reset", None, "reset", "reset"):
        await end(breakers, failure)
    assert isinstance(await breakers.admit("one", deadline=DEADLINE), Admitted)


async def test_when_the_wait_is_over_one_call_tries_and_its_answer_closes(
    pool: Pool, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """Everybody else waits for it, its own process too."""
    one, two = replica(pool), replica(pool)
    for _ in range(3):
        await end(one, "reset")
    await set_clock(connection, at(29))
    await stopped(two)
    await set_clock(connection, at(30))
    trials = await asyncio.gather(*(each.admit("one", deadline=DEADLINE) for each in (one, two, one, two)))
    (trial,) = (each for each in trials if isinstance(each, Admitted))
    assert trial.is_trial
    assert (await count_breakers(pool))["half_open"] == 1
    for each in (one, two):
        await each.note("one", trial, None)
    assert isinstance(await one.admit("one", deadline=DEADLINE), Admitted)
    assert isinstance(await two.admit("one", deadline=DEADLINE), Admitted)


async def test_a_trial_that_fails_waits_twice_as_long_up_to_the_longest(
    pool: Pool, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """30, 60, then never more than 100 seconds; after an answer it begins at 30 again."""
    breakers, now = replica(pool), 0.0
    for _ in range(3):
        await end(breakers, "reset")
    for wait in (30, 60, 100, 100):
        until = (await stopped(breakers)).until
        assert until == at(now + wait)
        now += wait
        await set_clock(connection, until)
        await end(breakers, "reset")
    await set_clock(connection, at(now + 100))
    await end(breakers, None)
    for _ in range(3):
        await end(breakers, "reset")
    assert (await stopped(breakers)).until == at(now + 100 + 30)


async def test_the_answer_to_a_call_of_before_changes_nothing(
    pool: Pool, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """It was admitted before the opening: neither may it close, nor count in the new row."""
    breakers = replica(pool)
    late = await breakers.admit("one", deadline=DEADLINE)
    assert isinstance(late, Admitted)
    for _ in range(3):
        await end(breakers, "reset")
    await breakers.note("one", after_a_failure(late), None)
    await stopped(breakers)
    await set_clock(connection, at(30))
    await end(breakers, None)
    for _ in range(5):
        await breakers.note("one", late, "no answer within the deadline")
    assert isinstance(await breakers.admit("one", deadline=DEADLINE), Admitted)


def after_a_failure(admitted: Admitted) -> Admitted:
    """Return the same call, known to come after a failure: its answer is written."""
    return Admitted(admitted.epoch, 1, admitted.is_trial)


async def test_a_killed_trial_is_taken_over_after_its_deadline_and_its_late_answer_is_fenced(
    database_url: str, pool: Pool, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """SIGKILL while half open: the other replica waits for the deadline, not for ever."""
    other = replica(pool)
    for _ in range(3):
        await end(other, "reset")
    await set_clock(connection, at(30))
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", TRIAL, database_url, stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    assert b"is_trial=True" in await asyncio.wait_for(child.stdout.readline(), 30)
    child.kill()
    await child.wait()
    assert (await stopped(other)).until == at(120)
    await set_clock(connection, at(119))
    await stopped(other)
    await set_clock(connection, at(120))
    trial = await other.admit("one", deadline=DEADLINE)
    assert isinstance(trial, Admitted)
    killed = Admitted(trial.epoch - 1, trial.failures, is_trial=True)
    await other.note("one", killed, None)
    await stopped(other)
    await other.note("one", trial, None)
    assert isinstance(await other.admit("one", deadline=DEADLINE), Admitted)


@pytest.fixture
async def stand(database_url: str) -> AsyncIterator[Stand]:
    """Give a live store beside its Jurnal company, with its master data looked up."""
    async with open_stand(database_url) as opened:
        await opened.connect()
        await opened.order(99)
        await opened.until_quiet(opened.process())
        yield opened


async def test_while_jurnal_is_down_nothing_is_lost_and_it_is_left_alone(stand: Stand) -> None:
    """Orders into an hour of 503: few calls, the list says why and until when, and all are booked in the end."""
    asked: list[web.Request] = []

    def down(request: web.Request) -> FaultPlan:
        asked.append(request)
        return DOWN

    stand.sandbox.gate.fault = down
    processes = (stand.process(), stand.process())
    for number in range(1, 11):
        await stand.order(number)
    for second in range(180):
        await stand.step(processes[second % 2])
        await stand.advance(20)
    assert len(asked) <= 5 + 10
    waits = await read_company_wait(stand.pool, COMPANY.company_id, JAKARTA)
    assert waits is not None
    assert waits.startswith("Jurnal does not answer since 2026-11-20 12:0")
    assert "; it is tried again at 2026-11-20 1" in waits
    assert (await stand.statuses())["sale-order-9"] == "Processing"
    await stand.order(11)
    record = (await stand.records())["sale-order-11"]
    assert (record.status, wording(record, paused=None, waits=waits).reason) == ("Pending", waits)
    stand.sandbox.gate.fault = lambda _request: None
    await stand.until_quiet(processes[0])
    assert await read_company_wait(stand.pool, COMPANY.company_id, JAKARTA) is None
    assert set((await stand.statuses()).values()) == {"Success"}
    assert stand.documents("sales_invoice") == 12


async def test_what_may_have_been_sent_is_looked_up_before_anything_else_is_tried(stand: Stand) -> None:
    """The first call after the wait reads, though ten orders are due and the look-up is not yet."""
    asked: list[tuple[str, str]] = []

    def down(request: web.Request) -> FaultPlan:
        asked.append((request.method, request.path))
        return FaultPlan(status_after_commit=502) if len(asked) == 1 else DOWN

    stand.sandbox.gate.fault = down
    await stand.order(1)
    process = stand.process()
    await stand.step(process)
    for number in range(2, 12):
        await stand.order(number)
    while (done := await stand.step(process)).outcome != "breaker":
        await stand.advance(0.5)
    made = len(asked)
    assert done.wait_until is not None
    # As late as it may be: the look-ups wait up to a minute between two.
    await stand.migrator.execute("UPDATE send SET due_at = due_at + interval '40 seconds' WHERE state = 'unknown'")
    await stand.advance((done.wait_until - stand.clock.now()).total_seconds())
    await stand.step(process)
    assert [method for method, _ in asked[made:]] == ["GET"]
    stand.sandbox.gate.fault = lambda _request: None
    await stand.until_quiet(process)
    assert stand.documents("sales_invoice") == 12


async def test_look_ups_of_a_preflight_are_stopped_too_and_cost_no_place(stand: Stand) -> None:
    """Whoever calls: no request goes out, and the quota has its place back."""
    breakers = replica(stand.pool)
    for _ in range(3):
        await end(breakers, "reset", COMPANY.company_id)
    calls, asked = sum(stand.sandbox.calls.values()), JurnalRequest(method="GET", path=f"{API}/accounts")
    used = await stand.migrator.fetchval("SELECT sum(calls) FROM quota_day")
    answer = await stand.calls().read(COMPANY, asked, Purpose.FRESH)
    assert isinstance(answer, Spent)
    assert answer.reason.startswith("Jurnal does not answer since 2026-11-20 05:")
    assert sum(stand.sandbox.calls.values()) == calls
    assert await stand.migrator.fetchval("SELECT sum(calls) FROM quota_day") == used
