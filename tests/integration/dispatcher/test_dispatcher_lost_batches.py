"""A call of several whose answer is lost: a list tells what is there; the rest waits for the fence and goes alone."""

import asyncio
from collections import Counter
from dataclasses import replace as change
from typing import Any

import pytest
from msgspec.structs import replace

from ops.sandbox.jurnal import FaultPlan
from ops.sandbox.jurnal.cash_bank import BankDeposits
from ops.sandbox.jurnal.records import CashMovement
from projections.jurnal_commands.commands import PostJournal
from tests.integration.dispatcher.asking import JOURNAL, Asked
from tests.integration.dispatcher.stand import Process, Stand, forget_keys
from tests.integration.dispatcher.test_dispatcher_batches import LATER, TEN, calls, warmed
from tests.integration.dispatcher.test_dispatcher_crashes import Died, DyingCalls
from tests.story import paid

BATCH = "POST /sales_invoices/batch_create"
PAYMENTS_BATCH = "POST /receive_payments/batch_create"
LOST = [
    FaultPlan(close_after_commit=True),
    FaultPlan(status_after_commit=502),
    FaultPlan(status_after_commit=504),
    FaultPlan(body_after_commit="truncated"),
]


@pytest.mark.parametrize("plan", LOST, ids=["reset", "502", "504", "truncated"])
async def test_a_lost_answer_to_a_batch_is_found_by_one_list_and_nothing_is_sent_again(
    stand: Stand, plan: FaultPlan
) -> None:
    """All of it was booked: one reading call tells so at once, and the next batch does not wait."""
    process = await warmed(stand)
    for number in range(1, 31):
        await stand.order(number)
    stand.fail(plan, path="batch_create")
    assert (await stand.step(process)).outcomes == {"Unknown": 30}
    assert set((await stand.statuses()).values()) == {"Processing", "Success"}
    looked = await stand.step(process)
    assert (looked.did, looked.rows, looked.outcomes) == ("probed", 30, {"Found": 30})
    assert calls(stand) == {BATCH: 1, "GET /sales_invoices": 1}
    assert set((await stand.statuses()).values()) == {"Success"}
    assert stand.documents("sales_invoice") == 31
    assert {answer["found_by"] for answer in (await stand.told("CommandAccepted"))[2:]} == {"probe"}


async def lost_payments(stand: Stand, plan: FaultPlan, orders: int) -> Process:
    """Return a process that has just sent the second payments of so many orders in one call, to no answer."""
    process = await warmed(stand, TEN)
    parts = [paid("t1", 5_000), paid("t2", 15_000, transaction_date=LATER)]
    for number in range(1, orders + 1):
        await stand.order(number, transactions=parts)
    assert (await stand.step(process)).outcomes == {"Accepted": orders}
    stand.fail(plan, path="receive_payments")
    assert (await stand.step(process)).outcomes == {"Unknown": orders}
    assert calls(stand) == {BATCH: 1, PAYMENTS_BATCH: 1}
    stand.sandbox.calls.clear()
    return process


async def all_paid(stand: Stand) -> bool:
    """Tell whether every order is booked and no invoice owes anything."""
    rows = await stand.migrator.fetch("SELECT DISTINCT status, total - paid AS owed FROM invoice_payment")
    return set((await stand.statuses()).values()) == {"Success"} and [tuple(row) for row in rows] == [("Paid", 0)]


@pytest.mark.parametrize(
    ("sorted_", "asked"),
    [
        ("as_asked", {"GET /receive_payments": 1}),
        # Jurnal takes no such order: the same list as it comes.
        ("refused", {"GET /receive_payments": 2}),
        # What is shown first is years old: the invoices tell.
        ("ignored", {"GET /receive_payments": 1, "GET /sales_invoices": 1}),
    ],
)
async def test_payments_lost_in_one_call_are_found_by_lists_whatever_their_order(
    stand: Stand, sorted_: str, asked: dict[str, int]
) -> None:
    """Ten invoices paid in parts: the lists show all ten payments, and they are not sent again."""
    stand.sandbox.change_settings(payments_sorted=sorted_, page_size_max=10)
    process = await lost_payments(stand, FaultPlan(close_after_commit=True), 10)
    assert (await stand.step(process)).outcomes == {"Found": 10}
    assert calls(stand) == asked
    assert await all_paid(stand)
    assert stand.documents("receive_payment") == 11


async def payouts(stand: Stand, number: int) -> None:
    """Let so many payouts be completed."""
    for each in range(1, number + 1):
        fields = {"reference_id": f"PO-{each}", "date": "2026-11-20T02:00:00", "status": "Completed"}
        amounts = {"transactions_amount": 100_000, "total_fees": 1_500, "total_deposit": 98_500}
        await stand.report("payout", {**fields, **amounts})


@pytest.mark.parametrize("path", ["bank_deposits", "bank_withdrawals"])
async def test_bank_documents_lost_in_one_call_are_found_by_one_list(stand: Stand, path: str) -> None:
    """Twelve of a kind take one reading call, not twelve; none is sent again."""
    await payouts(stand, 12)
    process = stand.process()
    stand.fail(FaultPlan(close_after_commit=True), path=path)
    while (done := await stand.step(process)).outcomes != {"Unknown": 12}:
        assert done.did == "sent"
    stand.sandbox.calls.clear()
    assert (await stand.step(process)).outcomes == {"Found": 12}
    assert calls(stand) == {f"GET /{path}": 1}
    await stand.until_quiet(process)
    assert set((await stand.statuses()).values()) == {"Success"}
    assert (stand.documents("bank_deposit"), stand.documents("bank_withdrawal")) == (12, 12)


async def lost_journals(stand: Stand) -> tuple[Asked, Process, list[PostJournal]]:
    """Lose the answer to a call of twelve journal entries that Jurnal booked."""
    asked = Asked(stand)
    journals = [replace(JOURNAL, journal_id=f"o{each}:stored:t1") for each in range(12)]
    for each, journal in enumerate(journals):
        await asked.ask(journal, lane=f"order-o{each}")
    await stand.migrator.execute("UPDATE send SET kind = 'PostJournal'")
    process = stand.process()
    stand.fail(FaultPlan(close_after_commit=True), path="journal_entries")
    assert (await stand.step(process)).outcomes == {"Unknown": 12}
    stand.sandbox.calls.clear()
    return asked, process, journals


async def test_journal_entries_lost_in_one_call_are_found_by_one_list_and_not_sent_again(stand: Stand) -> None:
    """Their list shows accounts and amounts: one reading call tells of all."""
    asked, process, journals = await lost_journals(stand)
    assert (await stand.step(process)).outcomes == {"Found": 12}
    await stand.until_quiet(process)
    assert calls(stand) == {"GET /journal_entries": 1}
    assert [await asked.state_of(journal) for journal in journals] == [("accepted", "")] * 12
    assert {answer["found_by"] for answer in await stand.told("CommandAccepted")} == {"probe"}
    assert stand.documents("journal_entry") == 12


async def test_a_lost_journal_entry_that_somebody_changed_is_refused_with_the_difference(stand: Stand) -> None:
    """Found under our key on another account: for a person, and its neighbours are accepted."""
    _, process, _ = await lost_journals(stand)
    first = next(iter(stand.sandbox.company.journal_entries))
    cash = next(account for account in stand.sandbox.company.accounts if account.name == "Cash")
    first.lines = tuple(change(line, account=cash) if line.account.name == "Bank BCA" else line for line in first.lines)
    await stand.until_quiet(process)
    assert Counter((await stand.commands()).values()) == {"refused": 1, "accepted": 11}
    (refused,) = await stand.told("CommandRefused")
    assert "the change of bank bca is 0, not -5000; the change of cash is -5000" in refused["reason"]
    assert stand.documents("journal_entry") == 12


async def test_the_few_that_a_list_lacks_are_asked_for_by_their_keys_at_once(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list as it comes may show others first: up to ten are then read, and need not wait for the fence."""
    await payouts(stand, 12)
    process = stand.process()
    stand.fail(FaultPlan(status_after_commit=502), path="bank_deposits")
    while (done := await stand.step(process)).outcomes != {"Unknown": 12}:
        assert done.did == "sent"
    stand.sandbox.calls.clear()
    monkeypatch.setattr(BankDeposits, "show_row", _without_the_first)
    assert (await stand.step(process)).outcomes == {"Found": 12}
    assert calls(stand) == {"GET /bank_deposits": 1, "GET /bank_deposits/{id}": 1}
    assert stand.documents("bank_deposit") == 12


def _without_the_first(deposits: BankDeposits, record: CashMovement) -> dict[str, Any]:
    """Show a deposit in a list, the first one as somebody else's."""
    row = deposits.show(record)
    return {**row, "custom_id": None} if record is next(iter(deposits.register)) else row


async def test_a_list_without_the_lost_payments_proves_nothing_before_the_fence(stand: Stand) -> None:
    """Nothing was booked: 420 s after its Date each is looked for by its key, and only then paid, by itself."""
    process = await lost_payments(stand, FaultPlan(status_before_commit=502), 3)
    signed_at = stand.clock.now()
    await stand.until_quiet(process)
    absent = await stand.facts("CommandConfirmedAbsent")
    assert [(fact.observed_at - signed_at).total_seconds() for fact in absent] == [420, 420, 420]
    # Both lists are read when they are lost, and once more at the fence.
    assert calls(stand) == {
        "GET /receive_payments": 2, "GET /sales_invoices": 2, "GET /receive_payments/{id}": 3,
        "POST /receive_payments": 3,
    }  # fmt: skip
    assert await all_paid(stand)
    assert stand.documents("receive_payment") == 4


async def test_what_never_arrived_waits_for_the_whole_fence_and_then_goes_alone(stand: Stand) -> None:
    """Nothing was booked: 420 s after its Date each is looked for once by its key, then sent by itself."""
    process = await warmed(stand)
    for number in range(1, 4):
        await stand.order(number)
    signed_at = stand.clock.now()
    stand.fail(FaultPlan(status_before_commit=502), path="batch_create")
    await stand.until_quiet(process)
    absent = await stand.facts("CommandConfirmedAbsent")
    assert [(fact.observed_at - signed_at).total_seconds() for fact in absent] == [420, 420, 420]
    # The list is read once when they are lost, and once more at the fence.
    assert calls(stand) == {
        BATCH: 1, "GET /sales_invoices": 2, "GET /sales_invoices/{id}": 3, "POST /sales_invoices": 3,
    }  # fmt: skip
    assert stand.documents("sales_invoice") == 4
    assert set((await stand.statuses()).values()) == {"Success"}


async def test_other_lanes_go_on_while_a_lost_batch_waits_for_its_fence(stand: Stand) -> None:
    """The slot is given back after one look: new sales are booked meanwhile, the payment of a lost one is not."""
    process = await warmed(stand)
    parts = [paid("t1", 5_000), paid("t2", 15_000, transaction_date=LATER)]
    for number in range(1, 4):
        await stand.order(number, transactions=parts)
    stand.fail(FaultPlan(status_before_commit=502), path="batch_create")
    await stand.step(process)
    await stand.step(process)
    for number in range(4, 6):
        await stand.order(number)
    assert (await stand.step(process)).outcomes == {"Accepted": 2}
    assert (await stand.step(process)).did == "nothing"
    await stand.until_quiet(process)
    assert stand.documents("sales_invoice") == 6
    assert set((await stand.statuses()).values()) == {"Success"}


async def test_what_is_still_committing_is_counted_as_far_as_it_is_there_and_the_rest_is_found_later(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A 504 while rows go in one by one: each document once, though no key is checked at all."""
    forget_keys(monkeypatch)
    process = await warmed(stand)
    for number in range(1, 6):
        await stand.order(number)
    stand.fail(FaultPlan(row_seconds=0.15, answered_early=True), path="batch_create")
    assert (await stand.step(process)).outcomes == {"Unknown": 5}
    first = await stand.step(process)
    assert first.outcomes["Absent"] > 0
    # The sandbox goes on in real time; the fence is virtual.
    await asyncio.sleep(0.9)
    await stand.until_quiet(process)
    assert stand.documents("sales_invoice") == 6
    assert calls(stand)[BATCH] == 1
    assert "POST /sales_invoices" not in calls(stand)
    assert set((await stand.statuses()).values()) == {"Success"}


@pytest.mark.parametrize("wakes_after_seconds", [5, 35, 250, 299, 419])
async def test_a_batch_that_wakes_up_late_is_found_or_dies_but_never_stands_twice(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, wakes_after_seconds: int
) -> None:
    """The batch endpoint checks no key: the whole fence alone holds, a quiet period would not."""
    forget_keys(monkeypatch)
    process = await warmed(stand)
    for number in range(1, 4):
        await stand.order(number)
    signed_at = stand.clock.now()
    stand.hold_next = "batch_create"
    await stand.until_quiet(process, seconds_max=wakes_after_seconds)
    await stand.advance(wakes_after_seconds - (stand.clock.now() - signed_at).total_seconds())
    assert await stand.deliver_held() == (201 if wakes_after_seconds <= 300 else 401)
    await stand.until_quiet(process)
    assert stand.documents("sales_invoice") == 4
    assert set((await stand.statuses()).values()) == {"Success"}


@pytest.mark.parametrize("point", ["before", "after"])
async def test_wherever_a_process_dies_with_a_batch_each_document_stands_once(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    """Who comes next finds the attempts past their deadline, looks them up by one list, and sends what is absent."""
    forget_keys(monkeypatch)
    await warmed(stand)
    for number in range(1, 6):
        await stand.order(number)
    await stand.advance(11)
    dying = stand.process(calls=DyingCalls(stand, "before" if point == "before" else "after"))
    with pytest.raises(Died):
        await dying.step()
    assert list((await stand.sends()).values()).count("sending") == 5
    await stand.until_quiet(stand.process())
    assert stand.documents("sales_invoice") == 6
    assert calls(stand).get(BATCH, 0) == (0 if point == "before" else 1)
    assert set((await stand.statuses()).values()) == {"Success"}
    outcomes = await stand.migrator.fetch("SELECT DISTINCT outcome FROM attempt ORDER BY 1")
    assert [row["outcome"] for row in outcomes] == ["accepted", "unknown"]
