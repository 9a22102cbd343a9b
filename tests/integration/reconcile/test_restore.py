"""After a restore from a backup that is behind Jurnal nothing is sent, and in the end nothing stands there twice."""

from collections.abc import AsyncIterator

import pytest

from eventstore.facts.settings import SETTINGS_STREAM, SalesRulesSet
from ops.sandbox.jurnal import FaultKind, FaultPlan, SeededFaults
from projections.differences.queries import count_differences
from projections.jurnal_commands.identity import transaction_no
from projections.jurnal_commands.queue import SendQueue
from projections.store_settings.queries import read_pause
from service.jurnal.pace import Limit
from service.jurnal.resources import LISTED
from service.operations import Operations, Word
from service.quota import QuotaBudget
from service.reconciliation_ledger import FREEZER, ReconciliationLedger
from service.restore_guard import RestoreGuard
from tests.integration.dispatcher.stand import COMPANY, PLENTY, Process, Stand, forget_keys
from tests.integration.reconcile.comparing import compare, invoice_fields
from tests.integration.reconcile.restoring import Backups, looking
from tests.ledger import STORE
from tests.story import own, paid

LOOKS = 8
STEPS_MAX = 100


@pytest.fixture
async def backups(stand: Stand, database_url: str) -> AsyncIterator[Backups]:
    """Give what copies and restores the stand's database."""
    taken = Backups(stand, database_url)
    yield taken
    await taken.drop()


async def lost(stand: Stand, backups: Backups) -> dict[str, int]:
    """Book a day, restore a copy from the middle of it; return what stands in Jurnal."""
    process = looking(stand)
    await stand.order(1)
    await stand.until_quiet(process)
    await stand.order(2)
    copy = await backups.take()
    process = looking(stand)
    await stand.advance(60)
    await later(stand)
    await stand.until_quiet(process)
    booked = stand.sandbox.documents()
    await backups.restore(copy)
    return booked


async def later(stand: Stand) -> None:
    """Let iSeller report what happened after the copy, again when it is polled."""
    await stand.order(3, transactions=[paid("t1", 8_000), paid("t2", 12_000)])
    await stand.transfer()


async def resume(stand: Stand) -> None:
    """Let a person look and resume."""
    operations = Operations(stand.pool, stand.reader, stand.appender, stand.clock)
    await operations.resume(STORE, Word("owner", "all looked at"))
    await stand.fold()


async def frozen(stand: Stand, process: Process) -> bool:
    """Step until nothing more is done; tell whether the store froze."""
    await stand.until_quiet(process, seconds_max=600)
    pause = await read_pause(stand.pool, STORE)
    return pause is not None and pause.fact.actor == FREEZER


async def test_after_a_restore_nothing_is_sent_and_a_person_sees_why(stand: Stand, backups: Backups) -> None:
    """A command of before the copy looks due: Jurnal is looked at first, and the store freezes with the reason."""
    booked = await lost(stand, backups)
    posts = sum(calls for (_, method, _), calls in stand.sandbox.calls.items() if method == "POST")
    assert await frozen(stand, looking(stand))
    assert posts == sum(calls for (_, method, _), calls in stand.sandbox.calls.items() if method == "POST")
    assert stand.sandbox.documents() == booked
    (told,) = await stand.told("SendingFrozen")
    assert told["documents"] == 4
    pause = await read_pause(stand.pool, STORE)
    assert pause is not None
    assert "never sent" in pause.fact.reason
    assert (await count_differences(stand.pool))["unknown"] == 4


async def test_once_resumed_all_of_it_is_found_and_nothing_booked_twice(
    stand: Stand, backups: Backups, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever Jurnal checks: a batch takes used keys. What iSeller tells again is adopted, what is new is sent."""
    booked = await lost(stand, backups)
    process = looking(stand)
    assert await frozen(stand, process)
    await later(stand)
    await resume(stand)
    forget_keys(monkeypatch)
    await stand.until_quiet(process)
    assert stand.sandbox.documents() == booked
    assert set((await stand.statuses()).values()) == {"Success"}
    await stand.order(9)
    await stand.until_quiet(process)
    assert stand.documents("sales_invoice") == booked["sales_invoice"] + 1
    compared = await compare(stand)
    assert (compared.found, compared.resolved) == ((), 4)


@pytest.mark.parametrize(
    ("documents", "plan", "state"),
    [
        ("sales", FaultPlan(status_before_commit=429), "waiting"),
        ("a return", FaultPlan(status_before_commit=504), "due"),
    ],
    ids=["sales that Jurnal put off", "a return that was found absent"],
)
async def test_what_was_tried_before_the_copy_and_booked_after_it_is_not_booked_twice(
    stand: Stand, backups: Backups, monkeypatch: pytest.MonkeyPatch, documents: str, plan: FaultPlan, state: str
) -> None:
    """An attempt that came to nothing is no proof for those after it, which the restored ledger does not know of."""
    process = looking(stand)
    await stand.order(9, transactions=[paid("t1", 20_000)])
    await stand.until_quiet(process)
    if documents == "sales":
        await stand.order(1)
        await stand.order(2)
    else:
        rules = SalesRulesSet(sales_return_account="Sales Return")
        await stand.appender.append(STORE, [own(rules, SETTINGS_STREAM, "rules")])
        await stand.advance(2 * 86_400)
        await stand.order(9, transactions=[paid("t1", 20_000)], status="void", cancel_date="2026-11-22T10:00:00")
    stand.fail(plan)
    for _ in range(STEPS_MAX):
        done = await stand.step(process)
        if await tried(stand, state):
            break
        wakes = await stand.next_wake(done) if done.did in ("nothing", "waited") else None
        await stand.advance(0 if wakes is None else (wakes - stand.clock.now()).total_seconds())
    copy = await backups.take()
    await stand.until_quiet(looking(stand))
    booked = stand.sandbox.documents()
    await backups.restore(copy)
    forget_keys(monkeypatch)
    process = looking(stand)
    assert await frozen(stand, process)
    await resume(stand)
    await stand.until_quiet(process)
    assert stand.sandbox.documents() == booked
    assert "due" not in (await stand.commands()).values()


async def tried(stand: Stand, state: str) -> bool:
    """Tell whether what was tried is in this state, and nothing else is under way."""
    rows = await stand.migrator.fetch("SELECT state, attempt FROM send WHERE state <> 'done'")
    return any(row["state"] == state and row["attempt"] == 1 for row in rows)


async def test_what_a_person_took_away_after_it_was_found_is_sent_once(stand: Stand) -> None:
    """Once looked up for a finding, a command goes; it is not looked up for the same one for ever."""
    await stand.order(1)
    name = f"inv-{STORE}.order-1"
    keys = {"custom_id": name, "transaction_no": transaction_no(name, "#3101-1001")}
    await stand.shop.make("sales_invoices", "sales_invoice", **invoice_fields(**keys))
    assert (await compare(stand)).frozen
    stand.sandbox.by_hand.delete("sales_invoices", name)
    await resume(stand)
    did = await stand.until_quiet(stand.process())
    assert did.count("sent") == 1
    assert (stand.documents("sales_invoice"), await stand.commands()) == (1, {"inv.order-1": "accepted"})


async def test_without_looking_first_a_restored_ledger_books_twice(
    stand: Stand, backups: Backups, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the guard is for: the same story without it."""
    booked = await lost(stand, backups)
    forget_keys(monkeypatch)
    await later(stand)
    await stand.until_quiet(stand.process())
    assert stand.documents("sales_invoice") > booked["sales_invoice"]


async def test_a_process_that_starts_after_the_resume_freezes_it_no_second_time(
    stand: Stand, backups: Backups, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was found is known by now, and what is told again by iSeller is still looked up."""
    booked = await lost(stand, backups)
    assert await frozen(stand, looking(stand))
    await resume(stand)
    await stand.advance(60)
    process = looking(stand)
    assert not await frozen(stand, process)
    forget_keys(monkeypatch)
    await later(stand)
    await stand.until_quiet(process)
    assert stand.sandbox.documents() == booked
    assert len(await stand.facts("SendingFrozen")) == 1


async def test_a_comparison_that_finds_what_is_due_in_jurnal_freezes_the_store(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command would go any moment: it stops, is looked up and adopted, and nothing is found any more."""
    await stand.order(1)
    name = f"inv-{STORE}.order-1"
    keys = {"custom_id": name, "transaction_no": transaction_no(name, "#3101-1001")}
    await stand.shop.make("sales_invoices", "sales_invoice", **invoice_fields(**keys))
    assert (await compare(stand)).frozen
    forget_keys(monkeypatch)
    assert "sent" not in await stand.until_quiet(stand.process())
    assert await stand.commands() == {"inv.order-1": "accepted"}
    await resume(stand)
    assert (stand.documents("sales_invoice"), (await compare(stand)).found) == (1, ())


async def test_two_processes_that_see_it_freeze_it_once(stand: Stand, backups: Backups) -> None:
    """The same documents are the same freeze."""
    await lost(stand, backups)
    first, second = looking(stand), looking(stand)
    await stand.until_quiet(first, seconds_max=1)
    await stand.advance(60)
    await stand.until_quiet(second, seconds_max=600)
    assert len(await stand.facts("SendingFrozen")) == 1
    assert len(await stand.facts("StorePaused")) == 1


@pytest.mark.parametrize(
    "plan", [FaultPlan(close_after_commit=True), FaultPlan(status_after_commit=502)], ids=["reset", "502"]
)
async def test_a_send_that_was_cut_off_is_no_restore(stand: Stand, plan: FaultPlan) -> None:
    """Its attempt was recorded before it went out: it is looked up as ever, and sending goes on."""
    await stand.order(1)
    stand.fail(plan, path="sales_invoices")
    await stand.step(stand.process())
    await stand.order(2)
    await stand.advance(60)
    assert not await frozen(stand, looking(stand))
    assert (stand.documents("sales_invoice"), await stand.facts("SendingFrozen")) == (2, [])


async def test_a_start_costs_one_look_of_nine_calls_and_only_before_a_send(stand: Stand) -> None:
    """An idle company is not asked; under one lease it is asked once."""
    process = looking(stand)
    before = sum(stand.sandbox.calls.values())
    assert (await stand.step(process)).did == "nothing"
    assert sum(stand.sandbox.calls.values()) == before
    for number in (1, 2):
        await stand.order(number)
        await stand.until_quiet(process)
    assert sum(calls for (_, _, path), calls in stand.sandbox.calls.items() if path.endswith("/credit_memos")) == 1


async def test_a_copy_that_a_person_made_in_jurnal_freezes_nothing(stand: Stand) -> None:
    """It has our memo, and no key of ours."""
    process = stand.process()
    await stand.order(1)
    await stand.until_quiet(process)
    memo = f"iSeller #9 order-9 inv-{STORE}.order-9"
    await stand.shop.make("sales_invoices", "sales_invoice", **invoice_fields(memo=memo))
    await stand.order(2)
    await stand.advance(60)
    assert not await frozen(stand, looking(stand))


async def test_nothing_is_sent_before_the_look_is_through(stand: Stand) -> None:
    """The quota stops it in the middle: it goes on there in the next window, and then the sale goes."""
    await stand.order(1)
    quota = QuotaBudget(stand.pool, egress_address="few", company_limits=(Limit(5, 60),), address_limits=PLENTY)
    process = looking(stand, calls=stand.calls(quota=quota))
    waited = [await stand.step(process) for _ in range(6)][-1]
    assert (waited.did, stand.documents("sales_invoice")) == ("waited", 0)
    for _ in range(200):
        if stand.documents("sales_invoice"):
            break
        if (await stand.step(process)).did == "waited":
            await stand.advance(5)
    assert sum(calls for (_, _, path), calls in stand.sandbox.calls.items() if path.endswith("/credit_memos")) == 1


async def test_jurnal_must_answer_the_look_before_anything_is_sent(stand: Stand) -> None:
    """A list that fails is read again; until then nothing goes."""
    await stand.order(1)
    stand.fail(FaultPlan(status_before_commit=503), method="GET", times=2)
    process = looking(stand)
    for _ in range(2):
        assert (await stand.step(process)).outcome == "looking"
        assert stand.documents("sales_invoice") == 0
    await stand.advance(10)
    await stand.until_quiet(process)
    assert stand.documents("sales_invoice") == 1


def lists_read(stand: Stand) -> dict[str, int]:
    """Return how often each of the nine lists was asked for."""
    asked = {path: calls for (_, method, path), calls in stand.sandbox.calls.items() if method == "GET"}
    return {name: sum(calls for path, calls in asked.items() if path.endswith(f"/{name}")) for name in LISTED}


async def test_a_list_that_fails_is_read_again_alone_and_ever_more_seldom(stand: Stand) -> None:
    """What Jurnal answered is kept: it is no older than the lease, and nobody has sent since."""
    await stand.order(1)
    process, failing = looking(stand, lease_seconds=60), "journal_entries"
    stand.fail(FaultPlan(status_before_commit=503), method="GET", path=failing, times=3)
    waits = []
    while not stand.documents("sales_invoice"):
        done = await stand.step(process)
        if done.wait_until is not None:
            waits.append((done.wait_until - stand.clock.now()).total_seconds())
            # Asked too early, it makes no call.
            assert (await stand.step(process)).wait_until == done.wait_until
            await stand.advance(waits[-1])
    assert waits == [5, 10, 20]
    assert lists_read(stand) == {**dict.fromkeys(LISTED, 1), failing: 4}


async def test_with_a_tenth_of_the_calls_lost_the_look_costs_a_tenth_more(stand: Stand) -> None:
    """Each of eight comes to an end, where nine calls in a row would come through in two of five."""
    await stand.order(1)
    stand.sandbox.inject(SeededFaults(7, {FaultKind.RESET_AFTER_COMMIT: 0.1}, methods=("GET",)))
    queue, ledger = SendQueue(stand.pool), ReconciliationLedger(stand.pool, stand.appender, stand.clock)
    guard, steps = RestoreGuard(stand.pool, queue, stand.calls(), ledger), 0
    for epoch in range(1, LOOKS + 1):
        while (looked := await guard.step(COMPANY, (STORE,), epoch, stand.clock.now())) is not True:
            steps += 1
            assert steps < 2 * 9 * LOOKS, "it begins anew again and again"
            if looked is not False:
                await stand.advance((looked - stand.clock.now()).total_seconds())
    calls = sum(lists_read(stand).values())
    assert stand.sandbox.injected[FaultKind.RESET_AFTER_COMMIT] == calls - 9 * LOOKS
    assert calls < 9 * LOOKS * 1.25


async def test_what_was_read_under_a_lease_of_before_is_read_again(stand: Stand) -> None:
    """Another may have sent meanwhile: what is concluded is no older than the lease it is concluded under."""
    await stand.order(1)
    first, second = looking(stand), looking(stand)
    for _ in range(4):
        await stand.step(first)
    assert sum(lists_read(stand).values()) == 4
    await stand.advance(11)
    await stand.step(second)
    await second.leases.release(COMPANY.company_id)
    await stand.until_quiet(first)
    assert stand.documents("sales_invoice") == 1
    assert sum(lists_read(stand).values()) == 4 + 1 + 9


async def test_a_database_that_was_restored_under_a_running_process_is_looked_at_again(
    stand: Stand, backups: Backups
) -> None:
    """The lease may have its old epoch again: it is another server, or another database."""
    queue = SendQueue(stand.pool)
    guard = RestoreGuard(
        stand.pool, queue, stand.calls(), ReconciliationLedger(stand.pool, stand.appender, stand.clock)
    )
    while await guard.step(COMPANY, (STORE,), 1, stand.clock.now()) is not True:
        pass
    copy = await backups.take()
    await backups.restore(copy)
    guard._pool = stand.pool  # noqa: SLF001 - the pool of a process finds the restored database by itself
    queue._pool = stand.pool  # noqa: SLF001
    guard._calls = stand.calls()  # noqa: SLF001
    assert await guard.step(COMPANY, (STORE,), 1, stand.clock.now()) is False


async def test_a_database_that_was_restored_in_the_middle_of_a_look_is_looked_at_from_the_beginning(
    stand: Stand, backups: Backups
) -> None:
    """What was read before belongs to what the ledger knew before."""
    queue = SendQueue(stand.pool)
    ledger = ReconciliationLedger(stand.pool, stand.appender, stand.clock)
    guard = RestoreGuard(stand.pool, queue, stand.calls(), ledger)
    for _ in range(4):
        assert await guard.step(COMPANY, (STORE,), 1, stand.clock.now()) is False
    copy = await backups.take()
    await backups.restore(copy)
    guard._pool = queue._pool = stand.pool  # noqa: SLF001 - the pool of a process finds the restored database by itself
    guard._calls = stand.calls()  # noqa: SLF001
    while await guard.step(COMPANY, (STORE,), 1, stand.clock.now()) is not True:
        pass
    assert sum(lists_read(stand).values()) == 4 + 9


async def test_a_database_that_lost_what_it_had_acknowledged_is_looked_at_again(stand: Stand, backups: Backups) -> None:
    """The process goes on, its lease too, on a server that lacks the last facts: it looks anew before it sends."""
    process = looking(stand)
    await stand.order(1)
    await stand.until_quiet(process)
    await stand.order(2)
    copy = await backups.take()
    process = looking(stand)
    await stand.advance(60)
    await stand.until_quiet(process)
    await backups.restore(copy)
    process = looking(stand)
    assert process.dispatcher._guard is not None  # noqa: SLF001 - the wiring's own handle to it
    process.dispatcher._guard.forget()  # noqa: SLF001 - as wiring does when the ledger is behind
    assert await frozen(stand, process)
