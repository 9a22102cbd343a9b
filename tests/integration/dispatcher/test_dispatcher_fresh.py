"""A fresh sale on an idle system: one look, then place and attempt as one. Whatever speaks against it goes as ever."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from eventstore.connection import Pool
from ops.sandbox.jurnal import FaultPlan
from service.choosing import BatchLimits
from service.company_lease import CompanyLeases
from service.dispatched import Dispatched
from service.dispatcher import Dispatcher
from service.jurnal.pace import Limit, Purpose
from service.jurnal.package import Package
from service.operations import Operations, Word
from service.quota import QuotaBudget
from service.quota_wish import JAKARTA, Sharing
from service.reconciliation_ledger import ReconciliationLedger
from service.restore_guard import RestoreGuard
from tests.integration.dispatcher.stand import COMPANY, PLENTY, Process, Stand
from tests.ledger import STORE, open_test_pool

_ONE_A_MINUTE = (Limit(1, 60),)
_PLACES = "SELECT budget, hold_id FROM quota_hold UNION ALL SELECT day::text || calls, NULL FROM quota_day ORDER BY 1"


@pytest.fixture
async def young(database_url: str) -> AsyncIterator[Pool]:
    """Give the one connection on which a fresh sale goes."""
    pool = await open_test_pool(database_url, connections_max=1, plans="young")
    yield pool
    await pool.close()


def prompt(stand: Stand, young: Pool | None, **parts: Any) -> Process:
    """Start a process that looks for fresh sales, as the service does."""

    class Prompt(Dispatcher):
        def __init__(self, *given: Any, **more: Any) -> None:
            queue, calls = given[2], given[4]
            ledger = ReconciliationLedger(stand.pool, stand.appender, stand.clock)
            super().__init__(*given, **more, guard=RestoreGuard(stand.pool, queue, calls, ledger), young=young)

    return stand.process(kind=Prompt, **parts)


async def idle(stand: Stand, process: Process) -> None:
    """Book an order, and step until nothing is left to do."""
    await stand.order(1)
    await stand.until_quiet(process)


async def step(process: Process) -> Dispatched:
    """Make a step after commands of the store were folded."""
    return await process.dispatcher.step(COMPANY, (STORE,), STORE)


async def test_a_fresh_sale_on_an_idle_system_asks_the_database_twice_before_its_call(
    stand: Stand, database_url: str
) -> None:
    """What is due and may go; its place in the quota with its attempt. Without the look before it there are a dozen."""
    pool = await open_test_pool(database_url, connections_max=1)
    async with pool.acquire() as lent:
        only = lent._con  # type: ignore[attr-defined]  # noqa: SLF001 - a logger on asyncpg's proxy ends with the loan
    process = prompt(replace(stand, pool=pool), None)
    await idle(stand, process)
    # The first time it asks the driver reads what types an answer may have.
    await stand.order(2)
    assert (await step(process)).did == "sent"
    await stand.until_quiet(process)
    await stand.order(3)
    asked: list[str] = []
    only.add_query_logger(lambda record: asked.append(record.query))
    assert (await step(process)).did == "sent"
    # Behind a pooler each statement has a transaction around it.
    around = ("BEGIN", "COMMIT", "SET ", "SELECT set_config")
    statements = [query for query in asked if not query.startswith(around)]
    released = next(place for place, query in enumerate(statements) if "UPDATE quota_hold SET released_at" in query)
    assert released == 2, statements[:released]
    assert stand.documents("sales_invoice") == 3
    await pool.close()


async def test_a_fresh_sale_goes_on_its_own_connection_and_is_recorded_as_any_other(stand: Stand, young: Pool) -> None:
    """Its attempt has a row, its place a hold, its answer a fact; the step after it is an ordinary one."""
    process = prompt(stand, young)
    await idle(stand, process)
    await stand.order(2)
    done = await step(process)
    await stand.fold()
    assert (done.did, done.kind, done.rows) == ("sent", "BookInvoice", 1)
    assert await stand.commands() == {"inv.order-1": "accepted", "inv.order-2": "accepted"}
    rows = await stand.migrator.fetch("SELECT number, outcome FROM attempt WHERE command_id LIKE '%order-2'")
    assert [tuple(row) for row in rows] == [(1, "accepted")]
    calls = stand.sandbox.calls.total()
    assert (await step(process)).did == "nothing"
    assert stand.sandbox.calls.total() == calls


async def attempts_of_the_second(stand: Stand) -> int:
    """Return how many attempts are recorded of the second order."""
    return int(await stand.migrator.fetchval("SELECT count(*) FROM attempt WHERE command_id LIKE '%order-2'"))


async def paused(stand: Stand, _process: Process) -> None:
    """Pause the store."""
    await Operations(stand.pool, stand.reader, stand.appender, stand.clock).pause(STORE, Word("owner", "count"))


async def lease_lost(stand: Stand, _process: Process) -> None:
    """Let another process take the company over."""
    await stand.advance(11)
    assert await CompanyLeases(stand.pool, uuid4(), lease_seconds=60).acquire(COMPANY.company_id) is not None


async def lease_taken_anew(stand: Stand, _process: Process) -> None:
    """Let this process have lost the company and taken it again since."""
    await stand.migrator.execute("UPDATE company_lease SET epoch = epoch + 1")


async def breaker_open(stand: Stand, _process: Process) -> None:
    """Let Jurnal have failed too often."""
    await stand.migrator.execute(
        "INSERT INTO company_breaker VALUES ($1, 'open', 3, 5, 1, $2, NULL, $3, 'silence')",
        COMPANY.company_id, stand.clock.now() + timedelta(minutes=5), stand.clock.now(),
    )  # fmt: skip


async def ledger_behind(_stand: Stand, process: Process) -> None:
    """Let the database have lost what it had acknowledged."""
    assert process.dispatcher._guard is not None  # noqa: SLF001 - the wiring's own handle to it
    process.dispatcher._guard.forget()  # noqa: SLF001 - as wiring does


@pytest.mark.parametrize(
    ("change", "did"),
    [
        pytest.param(paused, ("nothing", ""), id="the store is paused"),
        pytest.param(lease_lost, ("not_ours", ""), id="another process has the company"),
        pytest.param(lease_taken_anew, ("probed", "looking"), id="the company was taken over again"),
        pytest.param(breaker_open, ("waited", "breaker"), id="Jurnal does not answer"),
        pytest.param(ledger_behind, ("probed", "looking"), id="the database was restored"),
    ],
)
async def test_whatever_speaks_against_a_fresh_sale_keeps_it_back(
    stand: Stand, young: Pool, change: Callable[[Stand, Process], Awaitable[None]], did: tuple[str, str]
) -> None:
    """It goes the ordinary way, which does what is to be done first; nothing is sent meanwhile."""
    process = prompt(stand, young)
    await idle(stand, process)
    await stand.order(2)
    await change(stand, process)
    done = await step(process)
    assert (done.did, done.outcome) == did
    assert stand.documents("sales_invoice") == 1


async def test_what_may_have_been_sent_is_looked_up_before_a_fresh_sale(stand: Stand, young: Pool) -> None:
    """A lost answer waits for its look-up; the sale that comes meanwhile goes the ordinary way, behind it."""
    process = prompt(stand, young)
    await idle(stand, process)
    await stand.order(2)
    stand.fail(FaultPlan(close_after_commit=True))
    await step(process)
    await stand.fold()
    assert (await step(process)).did == "nothing"
    await stand.order(3)
    await stand.advance(2)
    assert (await step(process)).did == "probed"


async def test_a_fresh_sale_without_a_place_in_the_quota_waits_and_says_so(stand: Stand, young: Pool) -> None:
    """Who is told to wait by the look is told by the ordinary way until when."""
    quota = QuotaBudget(stand.pool, egress_address="test", company_limits=PLENTY, address_limits=PLENTY)
    process = prompt(stand, young, calls=stand.calls(quota=quota), lease_seconds=600)
    await idle(stand, process)
    await stand.advance(120)
    assert (await process.step()).did == "nothing"
    quota._company_limits = _ONE_A_MINUTE  # noqa: SLF001 - the same budget, narrower from now on
    await quota.grant(COMPANY.company_id, Purpose.FRESH, deadline=timedelta(seconds=90))
    await stand.order(2)
    done = await step(process)
    assert (done.did, done.outcome) == ("waited", "quota")
    assert done.wait_until is not None
    assert stand.documents("sales_invoice") == 1


async def test_an_older_sale_takes_no_place_that_is_kept_for_todays(stand: Stand, young: Pool) -> None:
    """However idle the system is: of 30 a minute older ones may see 22 taken, today's 28."""
    quota = QuotaBudget(stand.pool, egress_address="test", company_limits=PLENTY, address_limits=PLENTY)
    limits = BatchLimits(rows_max=1)
    process = prompt(stand, young, calls=stand.calls(quota=quota), lease_seconds=600, limits=limits)
    await idle(stand, process)
    await stand.advance(120)
    assert (await process.step()).did == "nothing"
    quota._company_limits = (Limit(30, 60),)  # noqa: SLF001 - the same budget, narrower from now on
    for _ in range(23):
        await quota.grant(COMPANY.company_id, Purpose.FRESH, deadline=timedelta(seconds=90))
    old = "2026-11-10T02:00:00"
    await stand.order(2, order_date=old, transaction_date=old)
    done = await step(process)
    assert (done.did, done.outcome) == ("waited", "quota")
    assert stand.documents("sales_invoice") == 1
    await stand.order(3)
    assert (await step(process)).did == "sent"
    await stand.fold()
    assert {key: status for key, status in (await stand.statuses()).items() if status != "Success"} == {
        "sale-order-2": "Pending"
    }


async def test_a_budget_that_jurnal_closed_keeps_a_fresh_sale_back(stand: Stand, young: Pool) -> None:
    """A 429 holds for what goes at once, too."""
    process = prompt(stand, young)
    await idle(stand, process)
    await stand.order(2)
    await stand.migrator.execute(
        "UPDATE quota_budget SET closed_until = $1, closed_scope = 'minute', closed_at = $2",
        stand.clock.now() + timedelta(seconds=60), stand.clock.now(),
    )  # fmt: skip
    done = await step(process)
    assert (done.did, done.outcome) == ("waited", "quota")
    assert stand.documents("sales_invoice") == 1


async def test_a_used_up_package_keeps_a_fresh_sale_back(stand: Stand, young: Pool) -> None:
    """However free the minute is, the month is not."""
    sharing = Sharing(package=Package(1_000, JAKARTA))
    quota = QuotaBudget(
        stand.pool, egress_address="test", company_limits=PLENTY, address_limits=PLENTY, sharing=sharing
    )
    process = prompt(stand, young, calls=stand.calls(quota=quota))
    await idle(stand, process)
    await stand.migrator.execute("UPDATE quota_day SET calls = 1000")
    await stand.order(2)
    done = await step(process)
    assert (done.did, done.outcome) == ("waited", "quota")
    assert stand.documents("sales_invoice") == 1


async def test_what_jurnal_put_off_does_not_go_before_its_time_because_something_was_folded(
    stand: Stand, young: Pool
) -> None:
    """It is seen by the look at the queue's front, and its time with it."""
    process = prompt(stand, young)
    await idle(stand, process)
    await stand.order(2)
    stand.fail(FaultPlan(status_before_commit=401))
    assert (await step(process)).outcome == "TryLater"
    await stand.fold()
    assert (await step(process)).did == "nothing"
    assert (await step(process)).did == "nothing"
    await stand.advance(5)
    assert (await step(process)).did == "sent"


async def test_two_fresh_sales_on_an_idle_system_go_in_one_call(stand: Stand, young: Pool) -> None:
    """What goes by itself costs a call each."""
    process = prompt(stand, young)
    await idle(stand, process)
    await stand.order(2)
    await stand.order(3)
    assert (await step(process)).rows == 2


async def test_a_place_that_was_taken_since_the_look_is_asked_for_anew(
    stand: Stand, young: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes that read the same budget cannot both take its last place."""
    quota = QuotaBudget(stand.pool, egress_address="test", company_limits=PLENTY, address_limits=PLENTY)
    process = prompt(stand, young, calls=stand.calls(quota=quota), lease_seconds=600)
    await idle(stand, process)
    await stand.advance(120)
    assert (await process.step()).did == "nothing"
    quota._company_limits = _ONE_A_MINUTE  # noqa: SLF001 - as above
    await stand.order(2)
    prepare = process.dispatcher._inquiry.prepare  # noqa: SLF001 - what happens between the look and the place

    async def outrun(*given: Any) -> Any:
        await quota.grant(COMPANY.company_id, Purpose.FRESH, deadline=timedelta(seconds=90))
        return await prepare(*given)

    monkeypatch.setattr(process.dispatcher._inquiry, "prepare", outrun)  # noqa: SLF001 - as above
    done = await step(process)
    assert (done.did, done.outcome) == ("waited", "quota")
    assert stand.documents("sales_invoice") == 1
    # Nor does an attempt begin whose place is another's.
    assert await attempts_of_the_second(stand) == 0


async def test_a_place_is_given_back_whose_attempt_cannot_begin(
    stand: Stand, young: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was decided since the look counts, and the call that is not made counts nowhere."""
    process = prompt(stand, young)
    await idle(stand, process)
    await stand.order(2)
    before = await stand.migrator.fetch(_PLACES)
    prepare = process.dispatcher._inquiry.prepare  # noqa: SLF001 - what happens between the look and the place

    async def outrun(*given: Any) -> Any:
        await paused(stand, process)
        return await prepare(*given)

    monkeypatch.setattr(process.dispatcher._inquiry, "prepare", outrun)  # noqa: SLF001 - as above
    assert (await step(process)).did == "not_ours"
    assert stand.documents("sales_invoice") == 1
    assert await attempts_of_the_second(stand) == 0
    assert await stand.migrator.fetch(_PLACES) == before


async def test_a_fresh_sale_that_waits_for_its_place_sees_what_is_decided_meanwhile(stand: Stand, young: Pool) -> None:
    """Place and attempt are one statement, which must not wait: all of it would be as it was before."""
    process = prompt(stand, young, lease_seconds=600)
    await idle(stand, process)
    await stand.order(2)
    async with stand.pool.acquire() as other:
        async with other.transaction():
            await other.execute("SELECT FROM quota_budget FOR UPDATE")
            stepping = asyncio.create_task(step(process))
            while not await stand.migrator.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):  # noqa: ASYNC110 - a database has no event to wait for
                await asyncio.sleep(0.01)
            await paused(stand, process)
        assert (await stepping).did == "not_ours"
    assert stand.documents("sales_invoice") == 1


async def test_plans_that_have_grown_old_are_not_used_and_made_anew_while_nobody_waits(
    stand: Stand, young: Pool
) -> None:
    """A sale that finds them old goes the ordinary way; the idle step behind it lets new ones be made."""
    async with young.acquire() as lent:
        only = lent._con  # type: ignore[attr-defined]  # noqa: SLF001 - a logger on asyncpg's proxy ends with the loan
    process = prompt(stand, young)
    await idle(stand, process)
    fresh = process.dispatcher._fresh  # noqa: SLF001 - plans age by real time, which no test waits for
    assert fresh is not None
    fresh._planned_at -= 61  # noqa: SLF001 - as above
    asked: list[str] = []
    only.add_query_logger(lambda record: asked.append(record.query))
    await stand.order(2)
    assert (await step(process)).did == "sent"
    assert asked == []
    await stand.until_quiet(process)
    assert "DISCARD PLANS\n" in asked
    await stand.order(3)
    asked.clear()
    assert (await step(process)).did == "sent"
    assert any("INSERT INTO attempt" in query for query in asked)
