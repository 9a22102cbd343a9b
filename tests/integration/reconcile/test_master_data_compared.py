"""Products and customers that the service made, and what a person did to them in Jurnal."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from projections.differences.queries import count_differences, list_of_days
from projections.jurnal_commands.commands import CreateProduct
from projections.jurnal_commands.identity import command_id
from service.difference_wording import what_to_do
from tests.integration.dispatcher.asking import PRODUCT, Asked, booked
from tests.integration.dispatcher.stand import Stand
from tests.integration.reconcile.comparing import LAST, ask_repair, compare, only
from tests.ledger import STORE

KEY = command_id(STORE, PRODUCT)
MADE = 25


def product(number: int) -> CreateProduct:
    """Return one of many products."""
    return msgspec.structs.replace(PRODUCT, product_code=f"KOPI-{number}", name=f"Kopi {number}")


def archive(stand: Stand, key: str, *, archived: bool = True) -> None:
    """Let a person put a product out of use, or into use again."""
    known = stand.sandbox.company.products.keyed(key)
    assert known is not None
    known.archived = archived


async def looks(stand: Stand) -> int:
    """Compare, and return how many products were read."""
    before = stand.lookups("/products/{id}")
    await compare(stand)
    return stand.lookups("/products/{id}") - before


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": "Kopi Sepuluh"}, "name is Kopi Sepuluh, not Kopi Sembilan"),
        ({"product_code": "KOPI-10"}, "product_code is KOPI-10, not KOPI-9"),
        ({}, "the product is archived"),
    ],
    ids=["name", "code", "archive"],
)
async def test_a_product_that_somebody_changed_is_altered(stand: Stand, changes: dict[str, Any], told: str) -> None:
    """It is told with every range until it is right again; only a person can put it right."""
    await booked(Asked(stand), PRODUCT)
    assert (await compare(stand)).found == ()
    if changes:
        stand.sandbox.by_hand.edit("products", KEY, **changes)
    else:
        archive(stand, KEY)
    found = only(await compare(stand))
    assert type(found).__name__ == "DocumentFoundAltered"
    assert (found.document.resource, found.differences) == ("products", (told,))
    tomorrow = LAST + timedelta(days=1)
    again = await compare(stand, first=tomorrow, last=tomorrow)
    assert (len(again.found), again.new, again.resolved) == (1, (), 0)
    (listed,) = await list_of_days(stand.pool, STORE, tomorrow, tomorrow, rows_max=10)
    assert "sales are refused" in what_to_do(listed)
    assert await ask_repair(stand) == []
    stand.sandbox.by_hand.edit("products", KEY, name=PRODUCT.name, product_code=PRODUCT.product_code)
    archive(stand, KEY, archived=False)
    assert (await compare(stand)).resolved == 1


async def test_a_product_that_somebody_deleted_is_missing_and_not_made_again(stand: Stand) -> None:
    """Whether it is to come back, only a person knows."""
    await booked(Asked(stand), PRODUCT)
    stand.sandbox.by_hand.delete("products", KEY)
    found = only(await compare(stand))
    assert type(found).__name__ == "DocumentFoundMissing"
    assert (found.document.command_id, found.document.repair) == (KEY, "")
    assert await ask_repair(stand) == []
    assert (await count_differences(stand.pool))["missing"] == 1


async def test_a_customer_that_somebody_deleted_or_gave_another_key_is_told_without_a_name(stand: Stand) -> None:
    """No sale could name it any more; the difference names the customer by our identity alone."""
    customer = await sold_to_sari(stand)
    stand.sandbox.by_hand.edit("customers", customer, custom_id="another")
    found = only(await compare(stand))
    assert found.document.resource == "customers"
    assert "Sari" not in msgspec.json.encode(found).decode()


async def sold_to_sari(stand: Stand) -> int:
    """Book a sale to a customer of ours; return Jurnal's id of the contact."""
    await stand.order(customer_id="c-1", customer_first_name="Sari", customer_last_name="Contoh")
    await stand.until_quiet(stand.process())
    (made,) = [each for each in stand.sandbox.company.persons if "Sari" in each.name]
    assert isinstance(made.id, int)
    return made.id


async def test_a_customer_that_somebody_renamed_is_altered_and_neither_name_is_told(stand: Stand) -> None:
    """With every range until it is right again, in the same call; no name leaves its seal, nor Jurnal's the call."""
    customer = await sold_to_sari(stand)
    (shown,) = [each.name for each in stand.sandbox.company.persons if each.id == customer]
    before = stand.lookups("/customers/{id}")
    assert (await compare(stand)).found == ()
    assert stand.lookups("/customers/{id}") - before == 1
    stand.sandbox.by_hand.edit("customers", customer, display_name="Dewi Wijaya")
    found = only(await compare(stand))
    assert stand.lookups("/customers/{id}") - before == 2
    assert type(found).__name__ == "DocumentFoundAltered"
    assert (found.document.resource, found.differences) == (
        "customers",
        ("display_name is not the name that iSeller told",),
    )
    tomorrow = LAST + timedelta(days=1)
    again = await compare(stand, first=tomorrow, last=tomorrow)
    assert (len(again.found), again.new, again.resolved) == (1, (), 0)
    (listed,) = await list_of_days(stand.pool, STORE, LAST, LAST, rows_max=10)
    assert "under the name that iSeller has" in what_to_do(listed)
    stored = await stand.pool.fetch("SELECT d::text AS told FROM difference d")
    facts = [fact.body.decode() for fact in await stand.reader.read_after(STORE, 0, 1_000)]
    told = "".join([*(row["told"] for row in stored), *facts])
    assert not [name for name in ("Sari", "Contoh", "Dewi", "Wijaya") if name in told]
    assert await ask_repair(stand) == []
    stand.sandbox.by_hand.edit("customers", customer, display_name=shown)
    assert (await compare(stand)).resolved == 1


@pytest.mark.parametrize("shown", ["Sari Contoh", "sari  contoh"], ids=["without our mark", "as people read it"])
async def test_a_customer_whose_name_reads_the_same_is_not_altered(stand: Stand, shown: str) -> None:
    """What stands in brackets behind it tells two of one name apart, and is a person's to drop."""
    stand.sandbox.by_hand.edit("customers", await sold_to_sari(stand), display_name=shown)
    assert (await compare(stand)).found == ()


async def test_a_customer_without_a_name_may_be_given_any(stand: Stand) -> None:
    """There is nothing to compare it with."""
    await stand.order(customer_id="c-1")
    await stand.until_quiet(stand.process())
    (made,) = [each for each in stand.sandbox.company.persons if each.name.startswith("iSeller ")]
    stand.sandbox.by_hand.edit("customers", made.id, display_name="Dewi Wijaya")
    assert (await compare(stand)).found == ()


async def test_of_many_some_are_read_each_time_and_in_turn_all(stand: Stand) -> None:
    """Twenty a comparison, however many there are, and those that differed: what it did not read stays."""
    await booked(Asked(stand), *(product(number) for number in range(MADE)))
    assert await looks(stand) == 20
    for number in range(MADE):
        archive(stand, command_id(STORE, product(number)))
    told = []
    for day in range(2):
        last = LAST + timedelta(days=day)
        told.append(len((await compare(stand, first=last, last=last)).found))
        assert (await count_differences(stand.pool))["altered"] == told[-1]
    assert told == [20, MADE]
