"""Jurnal answers, and the answer is no: it waits, is looked up or is for a person, and the list says which."""

from typing import Literal

import pytest

from ops.sandbox.jurnal import FaultKind, FaultPlan
from ops.sandbox.jurnal.faults import Spans
from tests.integration.fault_kinds.telling import (
    BEING_SENT,
    BOOKED,
    DIFFERING,
    IN_ITS_TURN,
    NUMBER,
    TRIED_AGAIN,
    Case,
    Told,
    not_known,
)
from tests.ledger import STORE

ONCE = ["due", "sending", "done"]
TWICE = ["due", "sending", "unknown", "due", "sending", "done"]
WAITED = ["due", "sending", "waiting", "sending", "done"]


async def test_minute_limit_is_waited_for(case: Case) -> None:
    """A 429 without a Retry-After: the next full minute, then it goes."""
    case.plan(FaultKind.MINUTE_LIMIT)
    await case.run(case.process())
    limited = "Jurnal's limit of calls per minute is reached"
    waits = ("Pending", f"{limited}; it is tried again at 2026-11-20 12:01 WIB", "Nothing: it goes by itself")
    assert case.lines == [IN_ITS_TURN, BEING_SENT, waits, BEING_SENT, BOOKED]
    assert case.states == WAITED
    assert await case.told() == [Told("Postponed", 1, 429, limited), Told("Accepted", 2, 201, "answer")]
    await case.stands_once()


async def test_month_limit_is_no_limit_of_the_minute(case: Case) -> None:
    """The package is spent: nothing is tried for hours, then one call a day looks whether it was renewed."""
    case.plan(FaultKind.MONTH_LIMIT)
    await case.run(case.process(), hours=30)
    spent = "The month's package of Jurnal calls is used up"
    waits = ("Pending", f"{spent}; it is tried again at 2026-11-21 12:00 WIB", "Nothing: it goes by itself")
    assert case.lines == [IN_ITS_TURN, BEING_SENT, waits, BEING_SENT, BOOKED]
    assert case.states == WAITED
    assert [told[:3] for told in await case.told()] == [("Postponed", 1, 429), ("Accepted", 2, 201)]
    await case.stands_once()


async def test_clock_skew_is_told_and_tried_again(case: Case) -> None:
    """Jurnal refuses the Date: nothing is booked, the line names the clock, and it goes once the clocks agree."""
    case.plan(FaultKind.CLOCK_SKEW)
    await case.run(case.process())
    what_to_do = "Check this machine's clock, and that the credential is valid and may do this"
    why = f"Jurnal does not let us in: Unauthorized. {what_to_do}"
    assert case.lines == [IN_ITS_TURN, BEING_SENT, ("Pending", why, TRIED_AGAIN), BEING_SENT, BOOKED]
    assert case.states == WAITED
    assert await case.told() == [Told("Postponed", 1, 401, why), Told("Accepted", 2, 201, "answer")]
    await case.stands_once()


async def test_custom_id_taken_by_the_document_itself_is_success(case: Case) -> None:
    """Somebody on the way delivered it twice: the 409 is read, compared, and counts as booked."""
    case.plan(FaultKind.CUSTOM_ID_TAKEN)
    await case.run(case.process())
    assert case.lines == [IN_ITS_TURN, BEING_SENT, BOOKED]
    assert [told[:3] for told in await case.told()] == [("Unanswered", 1, 409), ("Accepted", 1, 409)]
    assert (await case.told())[-1].word == "conflict"
    await case.stands_once()


async def test_number_taken_by_another_document_is_for_a_person(case: Case) -> None:
    """The number is somebody else's: both are shown, nothing is sent again, and it goes when the number is free."""
    stand = case.stand
    other = {"product_name": "Product MOCHA", "quantity": 1, "rate": 7_000}
    fields = {"transaction_date": "2026-11-19", "due_date": "2026-12-19", "person_name": "Walk-in"}
    made = await stand.shop.make("sales_invoices", "sales_invoice", **fields, transaction_lines_attributes=[other])
    case.plan(FaultKind.NUMBER_TAKEN)
    process = case.process()
    await case.run(process)
    status, why, what_to_do = case.lines[-1]
    assert (status, what_to_do) == ("Failed", case.retry)
    assert why.startswith(f"Jurnal holds {made['transaction_no']}, but it differs: ")
    assert "original_amount is 7000.0, not 20000" in why
    assert stand.documents("sales_invoice") == 1
    stand.sandbox.by_hand.delete("sales_invoices", made["id"])
    await case.release()
    await case.run(process)
    assert case.lines[-1] == BOOKED
    await case.stands_once()


@pytest.mark.parametrize(("usual", "other"), [(422, 404), (404, 422)])
async def test_other_absent_means_absent_as_well(case: Case, usual: int, other: Literal[404, 422]) -> None:
    """Lost on its way, looked up, and "not there" comes with either status: it goes once more."""
    case.stand.sandbox.change_settings(missing_answer=usual)
    process = case.process()
    case.plan_course(FaultPlan(status_before_commit=502))
    await case.look()
    await case.stand.step(process)
    await case.look()
    case.plan(FaultKind.OTHER_ABSENT, method="GET", path="/sales_invoices/", spans=Spans(absent=(other,)))
    await case.run(process)
    assert not_known("Not found yet") in case.lines
    assert case.lines[-1] == BOOKED
    assert [told[0] for told in await case.told()] == ["Unanswered", "ConfirmedAbsent", "Accepted"]
    await case.stands_once()


async def test_fields_dropped_that_identify_nothing_do_no_harm(case: Case) -> None:
    """Jurnal drops the memo without a word; the document is the one that was asked for."""
    case.plan(FaultKind.FIELDS_DROPPED, spans=Spans(droppable=("memo",)))
    await case.run(case.process())
    assert case.lines == [IN_ITS_TURN, BEING_SENT, BOOKED]
    await case.stands_once()


@pytest.mark.parametrize("answer_is_lost", [False, True])
async def test_fields_dropped_with_the_key_among_them_stands_once(case: Case, answer_is_lost: bool) -> None:
    """Without its custom_id no look-up finds it; its number is the second guard."""
    plan = FaultPlan(
        fields_dropped=frozenset({"custom_id"}), close_after_commit=answer_is_lost, kind=FaultKind.FIELDS_DROPPED
    )
    case.plan_course(plan)
    await case.run(case.process())
    differs = f"Jurnal holds {NUMBER}, but it differs: custom_id is missing, not inv-{STORE}.order-1. {DIFFERING}"
    assert case.lines[-1] == ("Failed", differs, case.retry)
    assert case.states == (TWICE if answer_is_lost else ONCE)
    await case.stands_once()
