"""What commands name is looked up in Jurnal once, on every page, and remembered as facts."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from ops.sandbox.jurnal import FaultPlan
from service.jurnal.needs import Need
from service.jurnal.pace import Limit
from service.master_data import LookupFailed, Missing
from service.quota import QuotaBudget
from tests.integration.dispatcher.stand import COMPANY, PLENTY, Stand, open_stand
from tests.ledger import STORE
from tests.story import line


@pytest.fixture
async def stand(database_url: str) -> AsyncIterator[Stand]:
    """Give a store that is live."""
    async with open_stand(database_url) as opened:
        await opened.connect()
        yield opened


async def many_products(stand: Stand, products: int) -> None:
    """Make products behind which the older ones stand on later pages."""
    for number in range(products):
        await stand.shop.make(
            "products", "product", name=f"More {number}", product_code=f"MORE-{number}", unit_name="Pcs"
        )


async def test_a_product_is_asked_for_by_its_code_in_one_call(stand: Stand) -> None:
    """However many products there are, their list is never read, and none but the wanted is remembered."""
    await many_products(stand, 25)
    directory = stand.process().directory
    needs = (Need("product", "LATTE"), Need("product", "MORE-14"), Need("product", "NO-SUCH"))
    assert await directory.resolve(STORE, COMPANY, needs) == Missing(needs[2:])
    found = await directory.resolve(STORE, COMPANY, needs[:2])
    assert isinstance(found, dict)
    assert {known.name for known in found.values()} == {"Product LATTE", "More 14"}
    assert (stand.lookups("/get_product"), stand.lookups("/products")) == (3, 0)
    assert {fact["key"] for fact in await stand.told("MasterDataFound")} == {"LATTE", "MORE-14"}


async def test_a_code_that_is_a_part_of_many_others_is_found_on_a_later_page(stand: Stand) -> None:
    """A search gives ten a page, newest first; only the very same code counts, in the same letters."""
    await stand.shop.make("products", "product", name="The one", product_code="MORE", unit_name="Pcs")
    await stand.shop.make("products", "product", name="Small", product_code="more", unit_name="Pcs")
    await many_products(stand, 25)
    found = await stand.process().directory.resolve(STORE, COMPANY, (Need("product", "MORE"),))
    assert isinstance(found, dict)
    assert [known.name for known in found.values()] == ["The one"]
    assert stand.lookups("/get_product") == 3


async def test_strangers_that_a_search_finds_are_not_remembered(stand: Stand) -> None:
    """A search for a contact shows people whose names only look alike: they have no place in the ledger."""
    for name in ("Walk-in Sari Contoh", "walk-in"):
        await stand.shop.make("customers", "customer", display_name=name)
    found = await stand.process().directory.resolve(STORE, COMPANY, (Need("contact", "Walk-in"),))
    assert isinstance(found, dict)
    assert [(fact["kind"], fact["key"]) for fact in await stand.told("MasterDataFound")] == [("contact", "Walk-in")]


async def test_accounts_are_found_though_their_list_tells_no_pages(stand: Stand) -> None:
    """The list of accounts tells how many there are and not how many pages; the oldest stand on the last one."""
    for number in range(101):
        await stand.shop.make(
            "accounts", "account", name=f"Bank {number}", number=f"1-2{number:04}", category_name="Cash & Bank"
        )
    found = await stand.process().directory.resolve(
        STORE, COMPANY, (Need("account", "Bank BCA"), Need("account", "Cash"))
    )
    assert isinstance(found, dict)
    assert stand.lookups("/accounts") == 2


async def test_payment_methods_are_found_though_their_list_tells_nothing(stand: Stand) -> None:
    """A list without any totals is read until a page is short."""
    for number in range(100):
        await stand.shop.make("payment_methods", "payment_method", name=f"Method {number}")
    found = await stand.process().directory.resolve(STORE, COMPANY, (Need("payment_method", "Cash"),))
    assert isinstance(found, dict)
    assert [need.key for need in found] == ["Cash"]
    assert stand.lookups("/payment_methods") == 2


async def test_what_was_looked_up_is_a_fact_and_is_never_asked_again(stand: Stand) -> None:
    """Many orders, one look-up a kind; the answers stand in the ledger."""
    process = stand.process()
    for number in (1, 2, 3):
        await stand.order(number)
    await stand.until_quiet(process)
    looked_up = {kind: stand.lookups(f"/{kind}") for kind in ("get_product", "warehouses", "get_person", "accounts")}
    assert looked_up == {"get_product": 1, "warehouses": 1, "get_person": 1, "accounts": 0}
    keys = {(fact["kind"], fact["key"]) for fact in await stand.told("MasterDataFound")}
    assert {("product", "LATTE"), ("warehouse", "Main Warehouse"), ("contact", "Walk-in")} <= keys


async def test_another_process_reads_what_is_known_from_the_projection(stand: Stand) -> None:
    """A restart costs no call."""
    await stand.order(1)
    await stand.until_quiet(stand.process())
    calls_before = _look_ups(stand)
    await stand.advance(11)
    await stand.order(2)
    await stand.until_quiet(stand.process())
    assert stand.documents("sales_invoice") == 2
    assert _look_ups(stand) == calls_before


def _look_ups(stand: Stand) -> int:
    """Return the reading calls, without the day's look at the company."""
    reads = {path: calls for (_, method, path), calls in stand.sandbox.calls.items() if method == "GET"}
    return sum(calls for path, calls in reads.items() if not path.endswith("companies/active"))


async def test_a_product_that_jurnal_does_not_have_is_named_in_the_refusal(stand: Stand) -> None:
    """The order fails with the SKU; nothing was sent, and the next order goes on."""
    await stand.order(1, order_details=[line("NO-SUCH", quantity=2)])
    await stand.order(2)
    await stand.until_quiet(stand.process())
    record = (await stand.records())["sale-order-1"]
    assert (record.status, record.reason) == (
        "Failed",
        "Jurnal has no product NO-SUCH. Make it in Jurnal and retry, or map another one: it then goes by itself",
    )
    assert (await stand.statuses())["sale-order-2"] == "Success"
    assert stand.documents("sales_invoice") == 1


async def test_white_space_around_a_code_makes_no_other_product(stand: Stand) -> None:
    """Neither iSeller's nor Jurnal's blanks hide a product."""
    await stand.shop.make("products", "product", name="Spaced", product_code=" SPACED ", unit_name="Pcs")
    await stand.order(1, order_details=[line("SPACED  ", quantity=2)])
    await stand.until_quiet(stand.process())
    assert (await stand.statuses())["sale-order-1"] == "Success"


async def test_a_payment_method_that_jurnal_does_not_have_is_no_obstacle(stand: Stand) -> None:
    """Jurnal makes it when a payment names it."""
    found = await stand.process().directory.resolve(STORE, COMPANY, (Need("payment_method", "Voucher"),))
    assert found == {}


async def test_a_look_up_that_fails_is_no_absence(stand: Stand) -> None:
    """Jurnal's 503 says nothing about a product: the order waits and goes later."""
    await stand.order()
    stand.fail(FaultPlan(status_before_commit=503), method="GET", path="/get_product")
    process = stand.process()
    done = await stand.step(process)
    assert (done.did, done.outcome) == ("waited", "Jurnal answered 503 to a look-up")
    await stand.until_quiet(process)
    assert await stand.statuses() == {"sale-order-1": "Success"}


async def test_a_long_list_is_read_over_several_windows_of_the_quota(stand: Stand) -> None:
    """What was read is kept: the look-up goes on at the page where the quota was spent, and ends."""
    for number in range(400):
        await stand.shop.make("payment_methods", "payment_method", name=f"Method {number}")
    quota = QuotaBudget(stand.pool, egress_address="narrow", company_limits=(Limit(2, 60),), address_limits=PLENTY)
    directory = stand.process(calls=stand.calls(quota=quota)).directory
    needs = (Need("payment_method", "Cash"),)
    for _ in range(2):
        waits = await directory.resolve(STORE, COMPANY, needs)
        assert isinstance(waits, LookupFailed)
        assert waits.wait is not None
        await stand.advance((waits.wait.free_at - stand.clock.now()) / timedelta(seconds=1))
    found = await directory.resolve(STORE, COMPANY, needs)
    assert isinstance(found, dict)
    assert stand.lookups("/payment_methods") == 5


async def test_many_codes_are_asked_for_over_several_windows_of_the_quota(stand: Stand) -> None:
    """Those that Jurnal does not have are not asked for again in each window, or the look-up would never end."""
    quota = QuotaBudget(stand.pool, egress_address="narrow", company_limits=(Limit(2, 60),), address_limits=PLENTY)
    directory = stand.process(calls=stand.calls(quota=quota)).directory
    needs = tuple(Need("product", f"NO-SUCH-{number}") for number in range(5))
    for _ in range(2):
        waits = await directory.resolve(STORE, COMPANY, needs)
        assert isinstance(waits, LookupFailed)
        assert waits.wait is not None
        await stand.advance((waits.wait.free_at - stand.clock.now()) / timedelta(seconds=1))
    assert await directory.resolve(STORE, COMPANY, needs) == Missing(needs)
    assert stand.lookups("/get_product") == 5


async def test_what_is_missing_is_asked_for_again(stand: Stand) -> None:
    """Absence is not remembered: a product made meanwhile is found."""
    directory = stand.process().directory
    needs = (Need("product", "NEW"),)
    assert await directory.resolve(STORE, COMPANY, needs) == Missing(needs)
    await stand.shop.make("products", "product", name="New", product_code="NEW", unit_name="Pcs")
    assert isinstance(await directory.resolve(STORE, COMPANY, needs), dict)
