"""A person accepts a difference: it counts no more, nothing is sent for it, and it comes up again when it changes."""

from decimal import Decimal

import msgspec
import pytest

from projections.catalogue import CATALOGUE
from projections.differences.queries import Listed, count_differences, list_differences
from projections.rebuild import Rebuilder
from service.accepting import CannotAccept, accept
from service.difference_wording import what_to_do
from service.operations import Operations
from service.reconciliation_ledger import ReconciliationLedger
from tests.integration.dispatcher.stand import Stand
from tests.integration.reconcile.comparing import WORD, ask_repair, compare, invoice_fields, only
from tests.ledger import STORE

INVOICE = f"inv-{STORE}.order-1"


async def accept_now(stand: Stand, *difference_ids: str) -> list[str]:
    """Accept what stands, or these; return the ids of what was not accepted before."""
    operations = Operations(stand.pool, stand.reader, stand.appender, stand.clock)
    wanted = difference_ids or tuple(each.difference_id for each in await standing(stand))
    accepted = await accept(stand.pool, operations, STORE, wanted, WORD)
    await stand.fold()
    return [each.difference_id for each in accepted]


async def standing(stand: Stand) -> list[Listed]:
    """Return what stands, accepted or not."""
    return await list_differences(stand.pool, STORE, rows_max=9)


async def counted(stand: Stand) -> int:
    """Return what the figure of differences that stand tells."""
    return sum((await count_differences(stand.pool)).values())


async def move(stand: Stand, day: str) -> None:
    """Let a bookkeeper move the sale to another day in Jurnal, and compare."""
    stand.sandbox.by_hand.edit("sales_invoices", INVOICE, **invoice_fields(transaction_date=day))
    await compare(stand)


async def booked(stand: Stand) -> None:
    """Book a sale."""
    await stand.order()
    await stand.until_quiet(stand.process())


async def deleted_on_purpose(stand: Stand) -> None:
    """Book a sale, delete it in Jurnal, find it missing, and accept that."""
    await booked(stand)
    stand.sandbox.by_hand.delete("sales_invoices", INVOICE)
    await compare(stand)
    assert len(await accept_now(stand)) == 1


async def test_what_was_accepted_counts_no_more_and_says_who_and_why(stand: Stand) -> None:
    """It stays in the list, and in the ledger with name and reason; a comparison finds it again and tells no news."""
    await deleted_on_purpose(stand)
    compared = await compare(stand)
    assert (len(compared.found), compared.new, compared.accepted, compared.resolved) == (1, (), 1, 0)
    assert await counted(stand) == 0
    (listed,) = await standing(stand)
    assert (listed.accepted_by, listed.accepted_reason) == ("accountant", "checked with the shop")
    told = "Nothing: accountant accepted it (checked with the shop); it comes up again if it changes"
    assert what_to_do(listed) == told
    (fact,) = await stand.told("DifferenceAccepted")
    assert (fact["actor"], fact["reason"], fact["difference_id"]) == (WORD.actor, WORD.reason, listed.difference_id)
    assert len(await stand.facts("DocumentFoundMissing")) == 1


async def test_nothing_is_sent_for_what_was_accepted_and_no_repair_touches_it(stand: Stand) -> None:
    """Deleted on purpose, it stays deleted, though all that can be is repaired."""
    await deleted_on_purpose(stand)
    writes = _writes(stand)
    assert await ask_repair(stand) == []
    await stand.advance(60)
    await stand.until_quiet(stand.process())
    assert list(stand.sandbox.company.sales_invoices) == []
    assert _writes(stand) == writes


def _writes(stand: Stand) -> int:
    return sum(calls for (_, method, _), calls in stand.sandbox.calls.items() if method != "GET")


async def test_what_was_accepted_comes_up_again_when_jurnal_changes_further(stand: Stand) -> None:
    """Moved to a day that is accepted, then to another one; also back to one that was found before it."""
    await booked(stand)
    await move(stand, "2026-11-22")
    await move(stand, "2026-11-23")
    assert len(await accept_now(stand)) == 1
    assert await counted(stand) == 0
    await move(stand, "2026-11-22")
    (listed,) = await standing(stand)
    assert (await counted(stand), listed.accepted_at, listed.accepted_by) == (1, 0, "")
    assert listed.detail == "transaction_date is 2026-11-22, not 2026-11-21"
    assert len(await accept_now(stand)) == 1
    await compare(stand)
    assert await counted(stand) == 0


async def test_what_was_accepted_comes_up_again_when_the_ledger_changes(stand: Stand) -> None:
    """The same document is missing, and stands with another amount in the ledger now."""
    await deleted_on_purpose(stand)
    found = only(await compare(stand))
    document = msgspec.structs.replace(found.document, ledger_amount=Decimal(30_000))
    ledger = ReconciliationLedger(stand.pool, stand.appender, stand.clock)
    noted = await ledger.note(STORE, [msgspec.structs.replace(found, document=document)])
    await stand.fold()
    assert (len(noted.new), noted.accepted, await counted(stand)) == (1, 0, 1)


async def test_what_was_accepted_and_is_gone_counts_when_it_comes_back(stand: Stand) -> None:
    """Put right by hand, and wrong again as before: what a person said was said of the first time."""
    await booked(stand)
    await move(stand, "2026-11-22")
    await accept_now(stand)
    await move(stand, "2026-11-21")
    assert await standing(stand) == []
    await move(stand, "2026-11-22")
    assert await counted(stand) == 1


async def test_only_what_the_person_saw_is_accepted(stand: Stand) -> None:
    """Found otherwise between the look and the word: the word is of what was seen, and what is there now counts."""
    await booked(stand)
    await move(stand, "2026-11-22")
    (seen,) = await standing(stand)
    stand.sandbox.by_hand.edit("sales_invoices", INVOICE, **invoice_fields(transaction_date="2026-11-23"))
    operations = Operations(stand.pool, stand.reader, stand.appender, stand.clock)
    found = only(await compare(stand))
    document = msgspec.structs.replace(found.document, jurnal_amount=Decimal(1))
    ledger = ReconciliationLedger(stand.pool, stand.appender, stand.clock)
    await ledger.note(STORE, [msgspec.structs.replace(found, document=document)])
    # Not folded yet: the word is of the finding before it.
    await accept(stand.pool, operations, STORE, [seen.difference_id], WORD)
    await stand.fold()
    (listed,) = await standing(stand)
    assert (listed.accepted_at, listed.jurnal_amount, await counted(stand)) == (0, Decimal(1), 1)


async def test_accepted_twice_is_accepted_once_and_what_does_not_stand_is_refused(stand: Stand) -> None:
    """All or none: the name of what is wrong, and what to do."""
    await deleted_on_purpose(stand)
    assert await accept_now(stand) == []
    assert len(await stand.facts("DifferenceAccepted")) == 1
    with pytest.raises(CannotAccept, match="no difference missing:nothing stands: take the id from"):
        await accept_now(stand, "missing:nothing")


async def test_what_somebody_asked_to_repair_cannot_be_accepted(stand: Stand) -> None:
    """The two words would contradict each other."""
    await booked(stand)
    stand.sandbox.by_hand.delete("sales_invoices", INVOICE)
    await compare(stand)
    assert await ask_repair(stand) == ["resend"]
    with pytest.raises(CannotAccept, match="somebody asked to repair"):
        await accept_now(stand)


async def test_a_rebuild_keeps_what_was_accepted(stand: Stand) -> None:
    """The word is a fact; the read model only repeats it."""
    await deleted_on_purpose(stand)
    rebuilder = Rebuilder(stand.pool, stand.pool, stand.reader)
    for name in ("differences", "jurnal_commands"):
        await rebuilder.fold(STORE, CATALOGUE[name], lambda _position, _end: None)
        assert (await rebuilder.compare(STORE, CATALOGUE[name])).differences == ()
    assert (await standing(stand))[0].accepted_by == "accountant"
