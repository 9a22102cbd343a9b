"""A finding is one fact however often it is made, and its end is a fact too."""

from datetime import date

from projections.catalogue import CATALOGUE
from projections.differences.queries import count_differences, list_differences
from projections.rebuild import Rebuilder
from tests.integration.dispatcher.stand import Stand
from tests.integration.reconcile.comparing import ask_repair, compare, invoice_fields
from tests.ledger import STORE

INVOICE = f"inv-{STORE}.order-1"


async def test_the_same_finding_is_one_fact_however_often_it_is_made(stand: Stand) -> None:
    """A second comparison finds it again, and the ledger holds it already."""
    await stand.order()
    await stand.until_quiet(stand.process())
    stand.sandbox.by_hand.delete("sales_invoices", INVOICE)
    first, second = await compare(stand), await compare(stand)
    assert [len(each.found) for each in (first, second)] == [1, 1]
    assert [len(each.new) for each in (first, second)] == [1, 0]
    assert len(await stand.facts("DocumentFoundMissing")) == 1


async def test_another_finding_of_the_same_document_is_another_fact(stand: Stand) -> None:
    """Altered once more: both are told, the list shows the last."""
    await stand.order()
    await stand.until_quiet(stand.process())
    for day in ("2026-11-22", "2026-11-23"):
        stand.sandbox.by_hand.edit("sales_invoices", INVOICE, **invoice_fields(transaction_date=day))
        await compare(stand)
    assert len(await stand.facts("DocumentFoundAltered")) == 2
    (listed,) = await list_differences(stand.pool, STORE, rows_max=10)
    assert listed.detail == "transaction_date is 2026-11-23, not 2026-11-21"


async def test_a_difference_that_is_gone_is_resolved_and_one_that_comes_back_is_found_anew(stand: Stand) -> None:
    """Put right by hand, and wrong again as before: found, resolved, found."""
    await stand.order()
    await stand.until_quiet(stand.process())
    for day in ("2026-11-22", "2026-11-21", "2026-11-22"):
        stand.sandbox.by_hand.edit("sales_invoices", INVOICE, **invoice_fields(transaction_date=day))
        await compare(stand)
    kinds = [fact.type for fact in await stand.facts() if fact.type in ("DocumentFoundAltered", "DifferenceResolved")]
    assert kinds == ["DocumentFoundAltered", "DifferenceResolved", "DocumentFoundAltered"]
    assert (await count_differences(stand.pool))["altered"] == 1


async def test_a_comparison_of_other_days_resolves_nothing(stand: Stand) -> None:
    """What was not looked for is not gone."""
    await stand.order()
    await stand.until_quiet(stand.process())
    stand.sandbox.by_hand.delete("sales_invoices", INVOICE)
    await compare(stand)
    assert (await compare(stand, first=date(2026, 11, 1), last=date(2026, 11, 19))).resolved == 0
    assert (await count_differences(stand.pool))["missing"] == 1


async def test_a_rebuild_makes_the_same_differences(stand: Stand) -> None:
    """The read model is what the facts say."""
    await stand.order()
    await stand.until_quiet(stand.process())
    stand.sandbox.by_hand.delete("sales_invoices", INVOICE)
    await compare(stand)
    await ask_repair(stand)
    rebuilder = Rebuilder(stand.pool, stand.pool, stand.reader)
    for name in ("differences", "jurnal_commands"):
        await rebuilder.fold(STORE, CATALOGUE[name], lambda _position, _end: None)
        assert (await rebuilder.compare(STORE, CATALOGUE[name])).differences == ()
