"""Each kind of difference between the ledger and Jurnal is found by name, and what agrees is not."""

from dataclasses import replace
from decimal import Decimal

import pytest

from eventstore.facts.settings import SETTINGS_STREAM, SalesRulesSet
from ops.sandbox.jurnal import FaultPlan
from projections.differences.queries import list_differences
from service.comparison import ComparisonStopped
from tests.integration.dispatcher.stand import Stand
from tests.integration.reconcile.comparing import ask_repair, compare, invoice_fields, kinds, make_again, only
from tests.ledger import STORE
from tests.story import own, paid

INVOICE = f"inv-{STORE}.order-1"


async def test_what_agrees_has_no_difference(stand: Stand) -> None:
    """A sale with two payments, a transfer and a payout: nothing found; nine lists, and the goods of the transfer."""
    await stand.order(transactions=[paid("t1", 10_000), paid("t2", 10_000)])
    await stand.transfer()
    await stand.report("payout", {
        "reference_id": "PO-1", "date": "2026-11-20T02:00:00", "status": "Completed",
        "transactions_amount": 100_000, "total_fees": 1_500, "total_deposit": 98_500,
    })  # fmt: skip
    await stand.until_quiet(stand.process())
    before = sum(stand.sandbox.calls.values())
    compared = await compare(stand)
    assert (compared.found, compared.reconciled.compared) == ((), 5)
    assert sum(stand.sandbox.calls.values()) - before == 9 + 1


async def test_a_document_that_somebody_deleted_is_missing(stand: Stand) -> None:
    """It is read by its id and by its key before it is said, and can be sent again."""
    await stand.order()
    await stand.until_quiet(stand.process())
    stand.sandbox.by_hand.delete("sales_invoices", INVOICE)
    found = only(await compare(stand))
    assert type(found).__name__ == "DocumentFoundMissing"
    assert (found.document.command_id, found.document.repair) == (INVOICE, "resend")
    assert found.document.ledger_amount == Decimal(20_000)
    (listed,) = await list_differences(stand.pool, STORE, rows_max=10)
    assert (listed.kind, listed.transaction_no) == ("missing", found.document.transaction_no)


async def test_a_second_document_with_our_key_is_a_duplicate(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that the ledger knows stays; the other is proven by key, day and amount."""
    await stand.order()
    await stand.until_quiet(stand.process())
    (known,) = stand.sandbox.company.sales_invoices
    again = await make_again(stand, "sales_invoices", "sales_invoice", monkeypatch, **invoice_fields(custom_id=INVOICE))
    found = only(await compare(stand))
    assert type(found).__name__ == "DocumentFoundTwice"
    assert (found.kept_id, found.document.jurnal_id, found.document.repair) == (known.id, again["id"], "delete")


async def test_a_copy_with_another_amount_or_only_our_memo_is_not_proven(stand: Stand) -> None:
    """A person may have meant it: it is told, and no repair touches it."""
    await stand.order()
    await stand.until_quiet(stand.process())
    (known,) = stand.sandbox.company.sales_invoices
    await stand.shop.make("sales_invoices", "sales_invoice", **invoice_fields(memo=known.memo))
    found = only(await compare(stand))
    assert type(found).__name__ == "DocumentFoundTwice"
    assert found.document.repair == ""
    assert found.differences == ("one of them has our memo, but not our key",)


async def test_a_copy_of_a_return_is_not_proven_a_duplicate(stand: Stand) -> None:
    """Jurnal shows no key of returns, and a person who copies one copies its memo: the second may be meant."""
    rules = SalesRulesSet(sales_return_account="Sales Return")
    await stand.appender.append(STORE, [own(rules, SETTINGS_STREAM, "rules")])
    await stand.order(transactions=[paid("t1", 20_000)])
    await stand.until_quiet(stand.process())
    await stand.advance(2 * 86_400)
    await stand.order(transactions=[paid("t1", 20_000)], status="void", cancel_date="2026-11-22T10:00:00")
    await stand.until_quiet(stand.process())
    returns = stand.sandbox.company.sales_returns
    (ours,) = returns
    returns.add(replace(ours, id=ours.id + 1_000, name="10099"))
    found = only(await compare(stand))
    assert (found.document.repair, found.differences) == ("", ("each of them has our memo, but not our key",))
    assert await ask_repair(stand) == []


async def test_an_invoice_that_somebody_changed_is_altered(stand: Stand) -> None:
    """Amount and lines are told, with what the ledger asked for."""
    await stand.order()
    await stand.until_quiet(stand.process())
    line = {"product_name": "Product LATTE", "quantity": 4, "rate": 10_000}
    fields = invoice_fields(transaction_date="2026-11-22", transaction_lines_attributes=[line])
    stand.sandbox.by_hand.edit("sales_invoices", INVOICE, **fields)
    compared = await compare(stand)
    assert kinds(compared) == ["altered", "paid_differently"]
    altered = next(each for each in compared.found if type(each).__name__ == "DocumentFoundAltered")
    assert (altered.document.ledger_amount, altered.document.jurnal_amount) == (Decimal(20_000), Decimal(40_000))
    told = "; ".join(altered.differences)  # type: ignore[union-attr]
    for words in ("original_amount is 40000.0, not 20000", "transaction_date is 2026-11-22", "quantity of LATTE is 4"):
        assert words in told


async def test_a_document_with_our_key_that_the_ledger_never_made_is_unknown(stand: Stand) -> None:
    """It has the identity of a command that there is not."""
    await stand.shop.make("sales_invoices", "sales_invoice", **invoice_fields(custom_id=f"inv-{STORE}.order-77"))
    found = only(await compare(stand))
    assert type(found).__name__ == "DocumentFoundUnknown"
    assert found.document.command_id == f"inv-{STORE}.order-77"
    assert found.reason == "The ledger has no command of this identity"


async def test_what_is_on_its_way_is_not_unknown(stand: Stand) -> None:
    """An invoice whose answer was lost is looked up by the dispatcher, and is no difference."""
    await stand.order()
    stand.fail(FaultPlan(status_after_commit=502))
    assert (await stand.step(stand.process())).outcome == "Unknown"
    compared = await compare(stand)
    assert (compared.found, compared.frozen) == ((), False)


async def test_documents_that_are_not_ours_are_counted_and_summed(stand: Stand) -> None:
    """Somebody else's invoice is no error; a deposit's own payment and another store's documents are not counted."""
    await stand.order(transactions=[paid("t1", 20_000)])
    await stand.until_quiet(stand.process())
    for custom_id in (None, "theirs-1", "inv-other-store.order-1"):
        await stand.shop.make("sales_invoices", "sales_invoice", **invoice_fields(custom_id=custom_id))
    compared = await compare(stand)
    assert compared.found == ()
    (invoices,) = compared.reconciled.foreign
    assert (invoices.resource, invoices.documents, invoices.amount) == ("sales_invoices", 2, Decimal(40_000))


async def test_an_invoice_that_somebody_paid_by_hand_is_paid_differently(stand: Stand) -> None:
    """What is owed there and here is told, and the payment counts as no foreign one."""
    await stand.order()
    await stand.until_quiet(stand.process())
    (known,) = stand.sandbox.company.sales_invoices
    await stand.shop.make(
        "receive_payments",
        "receive_payment",
        transaction_date="2026-11-21",
        records_attributes=[{"transaction_no": known.name, "amount": 5_000}],
        payment_method_name="Cash",
        deposit_to_name="Cash",
    )
    compared = await compare(stand)
    found = only(compared)
    assert type(found).__name__ == "InvoiceFoundPaidDifferently"
    assert (found.ledger_remaining, found.jurnal_remaining) == (20_000, 15_000)
    assert compared.reconciled.foreign == ()


async def test_what_is_not_booked_is_counted_with_why(stand: Stand) -> None:
    """A line of the range that failed or waits is in no list of Jurnal's; its reason says why."""
    await stand.order()
    stand.fail(FaultPlan(status_before_commit=422))
    await stand.step(stand.process())
    compared = await compare(stand)
    assert compared.found == ()
    (told,) = compared.reconciled.not_booked
    assert (told.status, told.records) == ("Failed", 1)
    assert told.reason


async def test_a_document_moved_to_a_day_outside_the_range_is_altered_and_not_missing(stand: Stand) -> None:
    """The ledger's business date puts it into the range, wherever Jurnal has it now."""
    await stand.order()
    await stand.until_quiet(stand.process())
    stand.sandbox.by_hand.edit("sales_invoices", INVOICE, **invoice_fields(transaction_date="2026-10-01"))
    found = only(await compare(stand))
    assert type(found).__name__ == "DocumentFoundAltered"
    assert found.differences == ("transaction_date is 2026-10-01, not 2026-11-21",)


async def test_what_jurnal_does_not_list_is_read_one_by_one(stand: Stand) -> None:
    """A list that is refused costs a call a document; that it could show no second one is said."""
    await stand.transfer()
    await stand.until_quiet(stand.process())
    stand.fail(FaultPlan(status_before_commit=422), method="GET", path="warehouse_transfers")
    compared = await compare(stand)
    assert (compared.found, compared.reconciled.not_listed) == ((), ("warehouse_transfers",))
    assert stand.lookups("/warehouse_transfers/{id}") == 1


async def test_a_plan_without_inventory_hides_transfers_and_nothing_is_said_of_them(stand: Stand) -> None:
    """They are neither missing nor resolved: nobody can look."""
    await stand.transfer()
    await stand.order()
    await stand.until_quiet(stand.process())
    stand.sandbox.change_settings(plan_with_inventory=False)
    compared = await compare(stand)
    assert (compared.found, compared.reconciled.compared) == ((), 1)
    assert compared.reconciled.not_listed == ("stock_adjustments", "warehouse_transfers")


async def test_nothing_is_concluded_from_a_jurnal_that_fails(stand: Stand) -> None:
    """A list that cannot be read ends the comparison, and no document is called missing."""
    await stand.order()
    await stand.until_quiet(stand.process())
    stand.fail(FaultPlan(status_before_commit=502), method="GET", times=20)
    with pytest.raises(ComparisonStopped, match="502"):
        await compare(stand)
    assert await stand.facts("RangeReconciled") == []
    stand.sandbox.gate.fault = lambda _request: None
    assert (await compare(stand)).found == ()
