"""Whose contact it is: iSeller may have two customers with one id, and a person may have made the contact before."""

import pytest

from eventstore.facts.operators import CommandReleased, RecordSkipped
from ops.sandbox.jurnal import FaultPlan
from projections.jurnal_commands.identity import customer_command_id
from service.operations import NothingToDo, Operations, Word
from tests.integration.dispatcher.stand import Process, Stand
from tests.ledger import STORE
from tests.story import own, paid

LOST = FaultPlan(close_after_commit=True)
ANI = {"customer_id": "g1", "customer_first_name": "Ani", "external_customer_id": "C-001"}
BUDI = {"customer_id": "g2", "customer_first_name": "Budi", "external_customer_id": "C-001"}


def contacts(stand: Stand) -> dict[str | None, str]:
    """Return the display names of the contacts that have a key, by key."""
    return {person.custom_id: person.name for person in stand.sandbox.company.persons if person.custom_id}


async def made_ids(stand: Stand) -> list[int]:
    """Return the contacts that customers stand on."""
    told = await stand.told("CommandAccepted")
    return [fact["document"]["jurnal_id"] for fact in told if fact["attempted"]["command_id"].startswith("cus-")]


async def release(stand: Stand, customer_id: str, process: Process) -> None:
    """Let a person retry a customer, and what comes of it."""
    identity = customer_command_id(STORE, customer_id)
    word = CommandReleased(command_id=identity, actor="owner", reason="looked at it")
    await stand.appender.append(STORE, [own(word, f"command-{identity}", f"release:{stand.clock.now()}")])
    await stand.advance(1)
    await stand.fold()
    await stand.until_quiet(process)


async def refused_reason(stand: Stand) -> str:
    """Return why the only refused command was refused."""
    (refused,) = await stand.told("CommandRefused")
    reason: str = refused["reason"]
    return reason


@pytest.mark.parametrize("lost", [False, True])
async def test_two_customers_of_one_id_never_become_one_contact(stand: Stand, *, lost: bool) -> None:
    """The second one's key is taken: Budi's sale is not booked on Ani, also when the answer about him was lost."""
    process = stand.process()
    await stand.order(1, **ANI)
    await stand.until_quiet(process)
    await stand.order(2, **BUDI)
    if lost:
        stand.fail(LOST, path="/customers")
    await stand.until_quiet(process)
    assert (await stand.statuses())["customer-g2"] == "Failed"
    assert (await stand.statuses())["sale-order-1"] == "Success"
    assert stand.documents("sales_invoice") == 1
    reason = await refused_reason(stand)
    assert reason.startswith("Jurnal's contact with the custom_id C-001 is another customer's of this store: ")
    assert "Ani" not in reason
    assert "Budi" not in reason


async def test_two_customers_of_one_id_and_one_name_are_two_all_the_same(stand: Stand) -> None:
    """What no name can tell apart the ledger does, also before the first answer is folded."""
    process = stand.process()
    await stand.order(1, **ANI)
    await stand.order(2, **{**BUDI, "customer_first_name": "ANI"})
    for _ in range(2):
        await process.step()
    await stand.until_quiet(process)
    assert len(await made_ids(stand)) == 1
    assert "another customer's of this store: iSeller has two customers with one id." in await refused_reason(stand)
    await release(stand, "g2", process)
    assert sorted(contacts(stand).values()) == ["ANI (g2)", "Ani (C-001)"]


async def test_two_customers_of_one_name_and_a_number_that_jurnal_cannot_look_up_are_two_contacts(stand: Stand) -> None:
    """As two stores of a company have them: nothing is refused, and no sale waits for a person."""
    process = stand.process()
    await stand.order(1, **{**ANI, "external_customer_id": "1001"})
    await stand.order(2, **{**BUDI, "customer_first_name": "Ani", "external_customer_id": "1001"})
    await stand.until_quiet(process)
    assert sorted(contacts(stand).values()) == ["Ani (1001 g1)", "Ani (1001 g2)"]
    assert stand.documents("sales_invoice") == 2


async def test_a_customer_whose_id_is_anothers_gets_a_contact_of_its_own_when_retried(stand: Stand) -> None:
    """Under an identity of ours, and the sale that waited is booked on it."""
    process = stand.process()
    await stand.order(1, **ANI)
    await stand.order(2, **BUDI)
    await stand.until_quiet(process)
    await release(stand, "g2", process)
    assert contacts(stand) == {"C-001": "Ani (C-001)", customer_command_id(STORE, "g2"): "Budi (g2)"}
    assert len(set(await made_ids(stand))) == 2
    assert set((await stand.statuses()).values()) == {"Success"}
    assert {invoice.terms.person.name for invoice in stand.sandbox.company.sales_invoices} == set(
        contacts(stand).values()
    )


async def test_a_lost_contact_of_its_own_is_found_again(stand: Stand) -> None:
    """The answer to the second try is lost: its contact is looked for under our identity, and not made twice."""
    process = stand.process()
    await stand.order(1, **ANI)
    await stand.order(2, **BUDI)
    await stand.until_quiet(process)
    stand.fail(LOST, path="/customers")
    await release(stand, "g2", process)
    assert len(contacts(stand)) == 2
    assert set((await stand.statuses()).values()) == {"Success"}


@pytest.mark.parametrize("name", ["Ani", "ani  (C-001)"])
async def test_a_contact_that_a_person_made_with_the_id_and_the_name_is_taken_over(stand: Stand, name: str) -> None:
    """That is what one id in both systems means."""
    await stand.shop.make("customers", "customer", display_name=name, custom_id="C-001")
    await stand.order(1, **ANI)
    await stand.until_quiet(stand.process())
    assert len(contacts(stand)) == 1
    assert set((await stand.statuses()).values()) == {"Success"}


async def test_a_contact_of_another_name_is_taken_over_once_a_person_named_it_so(stand: Stand) -> None:
    """Refused until then: the reason says that the name tells them apart."""
    await stand.shop.make("customers", "customer", display_name="Ibu Ani", custom_id="C-001")
    process = stand.process()
    await stand.order(1, **ANI)
    await stand.until_quiet(process)
    assert (await stand.statuses())["customer-g1"] == "Failed"
    reason = await refused_reason(stand)
    assert reason.startswith("Jurnal's contact with the custom_id C-001 has another name than iSeller's customer.")
    assert "Ani" not in reason
    (person,) = [person for person in stand.sandbox.company.persons if person.custom_id == "C-001"]
    stand.sandbox.company.persons.rename(person, "Ani (C-001)", "C-001")
    await release(stand, "g1", process)
    assert await made_ids(stand) == [person.id]
    assert set((await stand.statuses()).values()) == {"Success"}


async def test_a_customer_that_was_said_to_be_skipped_silences_none_of_its_sales(stand: Stand) -> None:
    """The word of an earlier release: the contact is made all the same, and its sales and payments are booked."""
    await stand.order(1, **ANI, transactions=[paid("t1", 10_000), paid("t2", 10_000)])
    word = RecordSkipped(record_id="customer-g1", actor="owner", reason="made by hand")
    await stand.appender.append(STORE, [own(word, "customer-g1", "skip")])
    await stand.fold()
    await stand.order(2, **ANI)
    await stand.until_quiet(stand.process())
    statuses = await stand.statuses()
    assert {"customer-g1", "sale-order-1", "sale-order-2"} <= set(statuses)
    assert set(statuses.values()) == {"Success"}


async def test_a_customer_cannot_be_skipped_but_a_contact_made_by_hand_is_found_and_used(stand: Stand) -> None:
    """The refusal names the custom_id; after the retry the sale that waited stands on that contact."""
    process = stand.process()
    await stand.order(1, **ANI)
    await stand.order(2, **BUDI)
    await stand.until_quiet(process)
    operations = Operations(stand.pool, stand.reader, stand.appender, stand.clock)
    refused = await operations.skip(STORE, "customer-g2", Word("owner", "made by hand"))
    assert isinstance(refused, NothingToDo)
    identity = customer_command_id(STORE, "g2")
    assert f"make the contact with the custom_id {identity} in Jurnal" in refused.detail
    assert await stand.told("RecordSkipped") == []
    await stand.shop.make("customers", "customer", display_name="Pak Budi", custom_id=identity)
    await operations.retry(STORE, "customer-g2", Word("owner", "made by hand"))
    await stand.advance(1)
    await stand.fold()
    await stand.until_quiet(process)
    assert set((await stand.statuses()).values()) == {"Success"}
    people = [invoice.terms.person.name for invoice in stand.sandbox.company.sales_invoices]
    assert people == ["Ani (C-001)", "Pak Budi"]
