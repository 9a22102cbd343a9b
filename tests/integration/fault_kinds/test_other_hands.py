"""A person works in Jurnal's own pages, Jurnal restarts, two requests race: the books stay right, the list says so."""

import asyncio

import pytest

from ops.sandbox.jurnal import Arrival, FaultKind, FaultPlan
from tests.integration.dispatcher.stand import COMPANY
from tests.integration.dispatcher.test_dispatcher_fence import BlindDispatcher
from tests.integration.fault_kinds.telling import (
    BEING_SENT,
    BOOKED,
    DIFFERING,
    IN_ITS_TURN,
    NUMBER,
    Case,
    not_known,
    nothing,
)
from tests.story import paid

BROKEN = "the connection broke before the answer was whole (ServerDisconnectedError)"


async def lost(case: Case) -> None:
    """Book the sale, and lose the answer."""
    case.plan_course(FaultPlan(close_after_commit=True))
    await case.look()
    await case.stand.step(case.process())
    await case.look()


async def test_edited_by_hand_before_it_was_found_is_for_a_person(case: Case) -> None:
    """Found and different: refused, with what it is and what it should be; nothing is sent again."""
    await lost(case)
    line = {"product_name": "Product LATTE", "quantity": 2, "rate": 9_000}
    fields = {"transaction_date": "2026-11-21", "due_date": "2026-12-21", "person_name": "Walk-in"}
    fields["warehouse_name"] = "Main Warehouse"
    case.stand.sandbox.by_hand.edit("sales_invoices", _key(case), **fields, transaction_lines_attributes=[line])
    await case.run(case.process())
    assert case.lines[:3] == [IN_ITS_TURN, BEING_SENT, not_known(BROKEN)]
    differs = f"Jurnal holds {NUMBER}, but it differs: original_amount is 18000.0, not 20000. {DIFFERING}"
    assert case.lines[3:] == [("Failed", differs, case.retry)]
    assert case.states == ["due", "sending", "unknown", "done"]
    assert [told[:3] for told in await case.told()] == [("Unanswered", 1, None), ("Refused", 1, 200)]
    assert case.stand.documents("sales_invoice") == 1
    assert case.stand.sandbox.exact_balances()["Accounts Receivable"] == 18_000


async def test_deleted_by_hand_before_it_was_found_is_booked_again_once(case: Case) -> None:
    """What a person took away before anybody had heard of it is absent: after the fence it goes once more."""
    await lost(case)
    case.stand.sandbox.by_hand.delete("sales_invoices", _key(case))
    await case.run(case.process())
    assert case.lines == [
        IN_ITS_TURN, BEING_SENT, not_known(BROKEN), not_known("Not found yet"), IN_ITS_TURN, BEING_SENT, BOOKED,
    ]  # fmt: skip
    await case.stands_once()


async def test_deleted_by_hand_before_its_payment_leaves_the_payment_for_a_person(case: Case) -> None:
    """The invoice is gone: its payment is refused in words that say so, and what to do."""
    process = case.process()
    await case.run(process)
    case.stand.sandbox.by_hand.delete("sales_invoices", _key(case))
    await case.stand.order(1, transactions=[paid("t1", 20_000)])
    (payment,) = [record_id for record_id in await case.stand.records() if record_id.startswith("payment")]
    case.record_id = payment
    await case.run(process)
    gone = "Jurnal does not have the invoice this is about: Invoice not exist. Somebody deleted or renumbered it: "
    what_to_do = "book what is left to do in Jurnal, then skip this"
    assert case.lines[-1] == ("Failed", f"{gone}{what_to_do}", case.retry)
    assert (case.stand.documents("sales_invoice"), case.stand.documents("receive_payment")) == (0, 0)
    assert case.stand.sandbox.exact_difference() == 0


async def test_restart_in_the_middle_of_a_call_loses_nothing_and_doubles_nothing(case: Case) -> None:
    """Jurnal goes down with the request in its hands, is not there for a minute, and comes back without it."""
    case.plan_course(FaultPlan(delay_before_commit_seconds=30))

    async def restart() -> None:
        await asyncio.wait_for(case.time.waits.wait(), 10)
        case.stand.sandbox.restart(down_seconds=60)

    case.while_sent = restart
    process = case.process()
    await case.look()
    await case.stand.step(process)
    case.while_sent = nothing
    await case.run(process)
    down = not_known("the connection broke before the answer")
    assert case.lines == [
        IN_ITS_TURN, BEING_SENT, not_known(BROKEN), down, not_known("Not found yet"), IN_ITS_TURN, BEING_SENT, BOOKED,
    ]  # fmt: skip
    assert case.states == ["due", "sending", "unknown", "due", "sending", "done"]
    await case.stands_once()


async def test_key_race_is_not_run_by_looking_first(case: Case) -> None:
    """Jurnal does not see a key within 3 s of its use: only who sends again without looking makes two of it."""
    case.stand.sandbox.change_settings(key_race_seconds=3)
    case.plan(FaultKind.RESET_AFTER_COMMIT)
    process = case.process()
    await case.run(process)
    assert case.lines == [IN_ITS_TURN, BEING_SENT, not_known(BROKEN), BOOKED]
    await case.stands_once()
    await process.dispatcher.release(COMPANY)
    await case.stand.order(2)
    case.plan(FaultKind.RESET_AFTER_COMMIT)
    await case.stand.until_quiet(case.process(kind=BlindDispatcher))
    assert case.stand.documents("sales_invoice") == 3


@pytest.mark.parametrize("late_seconds", [31, 32, 60, 299])
async def test_key_race_with_a_request_that_wakes_up_late_is_not_run_behind_the_whole_fence(
    case: Case, late_seconds: float
) -> None:
    """Where a lost invoice waits until its Date has died, nothing can arrive beside the next one."""
    case.stand.sandbox.change_settings(key_race_seconds=3)
    arrivals = [Arrival(late_seconds=late_seconds, kind=FaultKind.LATE_REQUEST)]
    case.stand.sandbox.gate.on_the_way = lambda request: (
        arrivals.pop() if arrivals and request.method == "POST" else None
    )
    await case.run(case.process())
    assert case.lines[-1] == BOOKED
    await case.stands_once()
    # It was open all the time: the same number a second later is taken.
    number = {"product_name": "Product LATTE", "quantity": 1, "rate": 1}
    fields = {"transaction_date": "2026-11-21", "due_date": "2026-12-21", "person_name": "Walk-in"}
    for _ in range(2):
        await case.stand.shop.make(
            "sales_invoices", "sales_invoice", **fields, transaction_no="N-1", transaction_lines_attributes=[number]
        )


def _key(case: Case) -> str:
    (invoice,) = case.stand.sandbox.company.sales_invoices
    return str(invoice.id)
