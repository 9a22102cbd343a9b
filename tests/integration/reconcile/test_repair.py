"""A proven duplicate goes and a proven absence is sent again, as a person asked: once, whatever happens on the wire."""

import pytest

from ops.sandbox.jurnal import FaultPlan
from projections.differences.queries import list_differences
from tests.integration.dispatcher.stand import Process, Stand
from tests.integration.reconcile.comparing import (
    ask_repair,
    compare,
    invoice_fields,
    make_again,
)
from tests.ledger import STORE
from tests.story import paid

INVOICE = f"inv-{STORE}.order-1"


async def two_invoices(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """Book a sale twice in Jurnal; return the id of the one that the ledger knows and of the other."""
    await stand.order()
    await stand.until_quiet(stand.process())
    (known,) = stand.sandbox.company.sales_invoices
    again = await make_again(stand, "sales_invoices", "sales_invoice", monkeypatch, **invoice_fields(custom_id=INVOICE))
    assert len((await compare(stand)).found) == 1
    return known.id, again["id"]


async def deleted_and_asked_for(stand: Stand) -> Process:
    """Book a sale, delete it in Jurnal by hand and ask to send it again; return the process that booked it."""
    process = stand.process()
    await stand.order()
    await stand.until_quiet(process)
    stand.sandbox.by_hand.delete("sales_invoices", INVOICE)
    await compare(stand)
    await ask_repair(stand)
    return process


def invoice_ids(stand: Stand) -> list[int]:
    """Return the ids of the invoices in Jurnal."""
    return [invoice.id for invoice in stand.sandbox.company.sales_invoices]


async def test_without_a_word_nothing_is_repaired(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """A comparison alone changes nothing in Jurnal."""
    both = await two_invoices(stand, monkeypatch)
    await stand.until_quiet(stand.process())
    assert invoice_ids(stand) == list(both)


async def test_a_duplicate_is_deleted_and_the_known_one_stays(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """The word stands in the ledger with name and reason, the delete in the Accounting Sync list, the end is found."""
    known, again = await two_invoices(stand, monkeypatch)
    assert await ask_repair(stand) == ["delete"]
    assert await ask_repair(stand) == []
    await stand.until_quiet(stand.process())
    assert invoice_ids(stand) == [known]
    (asked,) = await stand.told("DuplicateDeletionRequested")
    assert (asked["actor"], asked["reason"], asked["kept_id"]) == ("accountant", "checked with the shop", known)
    assert (await stand.statuses())[f"duplicate-sales_invoices.{again}"] == "Success"
    assert ((await compare(stand)).resolved, await list_differences(stand.pool, STORE, rows_max=9)) == (1, [])


@pytest.mark.parametrize(
    "plan",
    [FaultPlan(close_after_commit=True), FaultPlan(status_after_commit=502), FaultPlan(status_before_commit=504)],
    ids=["reset after it was done", "502 after it was done", "504, never arrived"],
)
async def test_a_delete_whose_answer_is_lost_is_looked_up_first(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, plan: FaultPlan
) -> None:
    """Done: it is found gone, and no second DELETE goes out. Not done: it goes again after the fence."""
    known, again = await two_invoices(stand, monkeypatch)
    await ask_repair(stand)
    stand.fail(plan, method="DELETE")
    await stand.advance(60)
    process = stand.process()
    await stand.step(process)
    assert (await stand.sends())[f"dup.sales_invoices.{again}"] == "unknown"
    await stand.until_quiet(process)
    assert invoice_ids(stand) == [known]
    deletes = sum(calls for (_, method, _), calls in stand.sandbox.calls.items() if method == "DELETE")
    assert deletes == (2 if plan.status_before_commit else 1)


async def test_nothing_is_deleted_once_the_other_one_is_gone(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody deleted the one to be kept: the duplicate is the only one left, and stays."""
    known, again = await two_invoices(stand, monkeypatch)
    await ask_repair(stand)
    stand.sandbox.company.sales_invoices.remove(
        next(each for each in stand.sandbox.company.sales_invoices if each.id == known)
    )
    await stand.until_quiet(stand.process())
    assert invoice_ids(stand) == [again]
    record = (await stand.records())[f"duplicate-sales_invoices.{again}"]
    assert record.status == "Failed"
    assert "nothing is deleted" in (record.reason or "")


async def test_a_duplicate_that_became_another_document_stays(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody gave it a key and a memo of its own after it was found: it is read once more before the DELETE."""
    both = await two_invoices(stand, monkeypatch)
    await ask_repair(stand)
    other = next(each for each in stand.sandbox.company.sales_invoices if each.id == both[1])
    other.custom_id, other.memo = "wholesale-7", "for the wholesaler"
    await stand.until_quiet(stand.process())
    assert invoice_ids(stand) == list(both)
    record = (await stand.records())[f"duplicate-sales_invoices.{both[1]}"]
    assert (record.status, "nothing is deleted" in (record.reason or "")) == ("Failed", True)


async def test_a_duplicate_with_payments_stays_and_says_why(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jurnal lets go of no invoice that somebody paid separately."""
    known, again = await two_invoices(stand, monkeypatch)
    await stand.shop.make(
        "receive_payments",
        "receive_payment",
        transaction_date="2026-11-21",
        records_attributes=[{"transaction_id": again, "amount": 5_000}],
        payment_method_name="Cash",
        deposit_to_name="Cash",
    )
    await ask_repair(stand)
    await stand.until_quiet(stand.process())
    assert invoice_ids(stand) == [known, again]
    assert "does not let go of this duplicate" in (
        (await stand.records())[f"duplicate-sales_invoices.{again}"].reason or ""
    )


async def test_what_is_missing_is_sent_again_under_its_identity(stand: Stand) -> None:
    """Invoice and payment were deleted; both go again, in their order, and the books are as before."""
    process = stand.process()
    await stand.order(transactions=[paid("t1", 8_000), paid("t2", 12_000)])
    await stand.until_quiet(process)
    before = await stand.shop.balances()
    (payment,) = [each for each in stand.sandbox.company.receive_payments if each.custom_id]
    stand.sandbox.by_hand.delete("receive_payments", payment.custom_id)
    stand.sandbox.by_hand.delete("sales_invoices", INVOICE)
    assert len((await compare(stand)).found) == 2
    assert await ask_repair(stand) == ["resend", "resend"]
    assert (await stand.statuses())["sale-order-1"] != "Success"
    await stand.until_quiet(process)
    assert await stand.shop.balances() == before
    assert (stand.documents("sales_invoice"), stand.documents("receive_payment")) == (1, 1)
    assert set((await stand.statuses()).values()) == {"Success"}
    compared = await compare(stand)
    assert (compared.found, compared.resolved) == ((), 2)


async def test_what_came_back_before_it_was_sent_again_is_found_and_not_sent(stand: Stand) -> None:
    """Somebody made it again under our key: it is looked up first, accepted, and not looked up for ever."""
    process = stand.process()
    await stand.order()
    await stand.until_quiet(process)
    (known,) = stand.sandbox.company.sales_invoices
    stand.sandbox.by_hand.delete("sales_invoices", INVOICE)
    await compare(stand)
    await ask_repair(stand)
    await stand.shop.make(
        "sales_invoices",
        "sales_invoice",
        **invoice_fields(custom_id=INVOICE, transaction_no=known.name, reference_no="#3101-1001"),
    )
    assert "sent" not in await stand.until_quiet(process)
    assert (stand.documents("sales_invoice"), await stand.commands()) == (1, {"inv.order-1": "accepted"})
    assert (await stand.step(process)).did == "nothing"


async def test_a_resend_that_jurnal_refuses_is_refused(stand: Stand) -> None:
    """What was booked before it was asked for says nothing against the refusal."""
    process = await deleted_and_asked_for(stand)
    stand.fail(FaultPlan(status_before_commit=422), path="sales_invoices", times=9)
    await stand.until_quiet(process, seconds_max=900)
    assert await stand.commands() == {"inv.order-1": "refused"}
    assert len(await stand.told("CommandRefused")) == 1


async def test_a_resend_whose_answer_is_lost_makes_no_second_document(stand: Stand) -> None:
    """The old identity, the usual way: unknown, looked up, found."""
    process = await deleted_and_asked_for(stand)
    stand.fail(FaultPlan(close_after_commit=True), path="sales_invoices")
    await stand.until_quiet(process)
    assert (stand.documents("sales_invoice"), await stand.commands()) == (1, {"inv.order-1": "accepted"})
