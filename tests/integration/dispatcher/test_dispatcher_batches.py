"""Several documents in one call: as few calls as there can be, and each row's own answer."""

from collections.abc import Mapping

from ops.sandbox.jurnal import FaultPlan
from service.choosing import BatchLimits
from tests.integration.dispatcher.stand import Process, Stand
from tests.story import line, paid

API = "/public/jurnal/api/v1"
TEN = BatchLimits(rows_max=10)
LATER = "2026-11-20T18:40:00"


async def warmed(stand: Stand, limits: BatchLimits | None = None) -> Process:
    """Return a process that knows the company's master data: an order before was booked."""
    process = stand.process(limits=limits)
    await stand.order(900, transactions=[paid("w1", 5_000), paid("w2", 15_000, transaction_date=LATER)])
    await stand.until_quiet(process)
    stand.sandbox.calls.clear()
    return process


def calls(stand: Stand) -> Mapping[str, int]:
    """Return how many calls Jurnal got since, by method and path."""
    return {f"{method} {path.removeprefix(API)}": count for (_, method, path), count in stand.sandbox.calls.items()}


async def test_a_hundred_paid_sales_that_are_due_go_in_one_call(stand: Stand) -> None:
    """One POST and nothing else: no reading call before it, no second one after it."""
    process = await warmed(stand)
    for number in range(1, 101):
        await stand.order(number, transactions=[paid("t1", 20_000)])
    done = await stand.step(process)
    assert (done.did, done.rows, done.outcomes) == ("sent", 100, {"Accepted": 100})
    assert calls(stand) == {"POST /sales_invoices/batch_create": 1}
    assert stand.documents("sales_invoice") == 101
    assert set((await stand.statuses()).values()) == {"Success"}


async def test_a_fresh_sale_on_an_idle_system_goes_at_once_by_itself(stand: Stand) -> None:
    """One call of the endpoint that refuses a used key; nothing waits for others to come."""
    process = await warmed(stand)
    await stand.order(1)
    done = await stand.step(process)
    assert (done.did, done.rows, done.outcome) == ("sent", 1, "Accepted")
    assert calls(stand) == {"POST /sales_invoices": 1}


async def test_a_backlog_takes_a_call_for_each_full_batch_of_invoices_and_payments(stand: Stand) -> None:
    """Fifty orders, one in five paid in two parts, ten rows a call: five calls for invoices, one for payments."""
    process = await warmed(stand, TEN)
    for number in range(1, 51):
        parts = [paid("t1", 5_000), paid("t2", 15_000, transaction_date=LATER)]
        await stand.order(number, transactions=parts if number % 5 == 0 else [paid("t1", 20_000)])
    await stand.until_quiet(process)
    assert calls(stand) == {"POST /sales_invoices/batch_create": 5, "POST /receive_payments/batch_create": 1}
    assert set((await stand.statuses()).values()) == {"Success"}


async def test_a_refused_row_does_not_block_its_neighbours_and_shows_its_own_words(stand: Stand) -> None:
    """What Jurnal said of one row is that row's reason; the rest of the call is booked."""
    process = await warmed(stand)
    for number in range(1, 6):
        await stand.order(number)
    stand.fail(FaultPlan(row_refused=2), path="batch_create")
    done = await stand.step(process)
    assert (done.rows, done.outcome, done.outcomes) == (5, "Accepted", {"Accepted": 4, "Refused": 1})
    records = await stand.records()
    failed = [record for record in records.values() if record.status == "Failed"]
    assert [record.record_id for record in failed] == ["sale-order-3"]
    assert failed[0].reason is not None
    assert "Something went wrong" in failed[0].reason
    assert stand.documents("sales_invoice") == 5


async def test_a_document_that_cannot_be_prepared_drops_out_and_the_others_go_together(stand: Stand) -> None:
    """Jurnal has no such product: that sale is refused unsent, the others go in their one call."""
    process = await warmed(stand)
    for number in range(1, 5):
        await stand.order(number, **({"order_details": [line("NO-SUCH", quantity=2)]} if number == 2 else {}))
    done = await stand.step(process)
    assert done.outcomes == {"Accepted": 3}
    assert (await stand.statuses())["sale-order-2"] == "Failed"
    assert stand.documents("sales_invoice") == 4
