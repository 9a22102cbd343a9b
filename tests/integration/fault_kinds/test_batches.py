"""Several sales in one call, of which something goes wrong: each stands once, and each line says its own."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

import pytest

from ops.sandbox.jurnal import FaultKind, FaultPlan
from ops.sandbox.jurnal.faults import Spans
from projections.jurnal_commands.identity import invoice_command_id
from projections.jurnal_commands.queue import Move, Send
from service.dispatched import Dispatched
from service.dispatcher import Dispatcher
from service.jurnal_calls import Company
from tests.integration.dispatcher.stand import COMPANY
from tests.integration.fault_kinds.telling import BEING_SENT, IN_ITS_TURN, Case, Told, not_known
from tests.ledger import STORE

SALES = 3
BATCHES = "/public/jurnal/api/v1/sales_invoices/batch_create"
INVOICES = "/public/jurnal/api/v1/sales_invoices"


class _BlindBatches(Dispatcher):
    """Sends again together whatever was not answered together, without looking: what must never ship."""

    async def _look_up(self, company: Company, lost: Sequence[Send], now: datetime) -> Dispatched:
        again = [Move(send=send, state="due", due_at=now) for send in lost]
        await self._waiting._queue.move(again, now=now)  # noqa: SLF001 - a part that breaks
        return Dispatched("probed", lost[0].kind, company.company_id)


async def three_sales(case: Case) -> None:
    """Let two more sales be completed, so that the next call takes three."""
    for number in range(2, SALES + 1):
        await case.stand.order(number)


def posts(case: Case, path: str) -> int:
    """Return how many calls sent something there."""
    return case.stand.sandbox.calls["toko", "POST", path]


async def test_row_refused_stops_itself_and_none_of_its_neighbours(case: Case) -> None:
    """One row of three says 422 inside a 200: it is for a person, the others are booked; released, it goes alone."""
    await three_sales(case)
    case.plan(FaultKind.ROW_REFUSED)
    process = case.process()
    await case.run(process)
    statuses = await case.stand.statuses()
    (refused,) = [record_id for record_id, status in statuses.items() if status == "Failed"]
    assert sorted(statuses.values()) == ["Failed", "Success", "Success"]
    assert case.stand.documents("sales_invoice") == SALES - 1
    case.record_id, order_id = refused, refused.removeprefix("sale-")
    await case.look()
    why = "Jurnal refuses the document as it stands: base: Something went wrong. Put right what Jurnal says, then retry"
    assert case.lines[-1] == ("Failed", why, case.retry)
    await case.release(order_id)
    await case.run(process)
    assert case.lines[-1][0] == "Success"
    assert [told[:3] for told in await case.told(invoice_command_id(STORE, order_id))] == [
        ("Refused", 1, 422),
        ("ConfirmedAbsent", 1, 422),
        ("Accepted", 2, 201),
    ]
    assert (posts(case, BATCHES), posts(case, INVOICES)) == (1, 1)
    await case.stands_once(sales=SALES)


@pytest.mark.parametrize("row_seconds", [1, 60])
async def test_batch_still_committing_while_it_is_listed_is_waited_for(case: Case, row_seconds: float) -> None:
    """504 before the second row: what stands there is booked, what is not yet there is no absence."""
    await three_sales(case)
    case.plan(FaultKind.BATCH_STILL_COMMITTING, spans=Spans(between_rows=(row_seconds, row_seconds)))
    await case.run(case.process())
    unclear = not_known("Jurnal answered 504: An unexpected error occurred")
    assert case.lines[:3] == [IN_ITS_TURN, BEING_SENT, unclear]
    assert case.lines[-1][0] == "Success"
    assert set((await case.stand.statuses()).values()) == {"Success"}
    for number in range(1, SALES + 1):
        answers = await case.told(invoice_command_id(STORE, f"order-{number}"))
        assert [(told.fact, told.attempt, told.word) for told in answers][1:] == [("Accepted", 1, "probe")]
    assert (posts(case, BATCHES), posts(case, INVOICES)) == (1, 0)
    await case.stands_once(sales=SALES)


async def test_batch_unchecked_makes_two_only_of_what_is_sent_again_without_looking(case: Case) -> None:
    """Jurnal checks no key of a batch: a lost one is looked up, row by row, and nothing of it goes twice."""
    case.stand.sandbox.change_settings(batch_keys_checked="none")
    await three_sales(case)
    case.plan(FaultKind.RESET_AFTER_COMMIT)
    process = case.process()
    await case.run(process)
    assert set((await case.stand.statuses()).values()) == {"Success"}
    assert (posts(case, BATCHES), posts(case, INVOICES)) == (1, 0)
    await case.stands_once(sales=SALES)
    await process.dispatcher.release(COMPANY)
    for number in (4, 5):
        await case.stand.order(number)
    case.plan(FaultKind.RESET_AFTER_COMMIT)
    await case.stand.until_quiet(case.process(kind=_BlindBatches))
    assert case.stand.documents("sales_invoice") == SALES + 2 * 2


@pytest.mark.parametrize("late_seconds", [40, 299])
async def test_late_request_of_a_batch_stands_once_although_nothing_is_checked(case: Case, late_seconds: float) -> None:
    """It comes while it is waited for, or dies at Jurnal; only then each of its rows goes by itself."""
    case.stand.sandbox.change_settings(batch_keys_checked="none", key_race_seconds=3)
    await three_sales(case)
    case.plan(FaultKind.LATE_REQUEST, spans=Spans(late=(late_seconds, late_seconds)))
    await case.run(case.process())
    assert set((await case.stand.statuses()).values()) == {"Success"}
    assert (posts(case, BATCHES), posts(case, INVOICES)) == (1, 0)
    await case.stands_once(sales=SALES)


async def test_late_request_of_a_batch_that_is_older_than_jurnals_skew_goes_row_by_row(case: Case) -> None:
    """Refused at Jurnal when it arrives: after the whole fence each sale is sent by itself, where keys are checked."""
    await three_sales(case)
    case.plan(FaultKind.LATE_REQUEST, spans=Spans(late=(301, 301)))
    await case.run(case.process())
    # Who is not let in is not counted.
    assert (posts(case, BATCHES), posts(case, INVOICES)) == (0, SALES)
    absent = [fact.observed_at for fact in await case.stand.facts("CommandConfirmedAbsent")]
    assert len(absent) == SALES
    assert all(earlier <= later for earlier, later in pairwise(absent))
    answers = await case.told()
    assert answers[-1] == Told("Accepted", 2, 201, "answer")
    await case.stands_once(sales=SALES)


async def test_body_truncated_of_a_batch_is_no_word_on_any_row(case: Case) -> None:
    """200 and half of the rows: each is looked up."""
    await three_sales(case)
    case.plan_course(FaultPlan(body_after_commit="truncated", kind=FaultKind.BODY_TRUNCATED))
    await case.run(case.process())
    assert (posts(case, BATCHES), posts(case, INVOICES)) == (1, 0)
    await case.stands_once(sales=SALES)
