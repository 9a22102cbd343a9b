"""What Jurnal refuses for what is mapped goes by itself once that is mended, and what it has is never sent again."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date

import msgspec
import pytest

from eventstore.facts.answers import LACKS_PRODUCT
from eventstore.facts.operators import CommandReleased, ProductsImportRequested
from eventstore.facts.settings import SETTINGS_STREAM, PaymentMapping, SalesRulesSet
from projections.catalogue import CATALOGUE
from projections.rebuild import SHADOW_SEARCH_PATH, Rebuilder
from tests.integration.dispatcher.stand import Stand, open_stand
from tests.ledger import STORE, open_test_pool
from tests.story import CONNECTION, line, own, paid
from tests.unit.projections.test_products_planned_anew import TEA
from tests.unit.sandbox_jurnal.shop import SETTINGS

INVOICE = f"inv-{STORE}.order-1"
WRONG = msgspec.structs.replace(CONNECTION, payments=(PaymentMapping("cash", "Kas Kecill"),))
RIGHT = msgspec.structs.replace(CONNECTION, payments=(PaymentMapping("cash", "Bank BCA"),))
NEXT_DAY = {"transaction_date": "2026-11-21T18:31:00"}


@pytest.fixture
async def closed_books(database_url: str) -> AsyncIterator[Stand]:
    """Give a store whose company has closed its books up to 15 November."""
    async with open_stand(database_url, settings=replace(SETTINGS, last_closing_date=date(2026, 11, 16))) as opened:
        await opened.connect()
        yield opened


async def word(stand: Stand, meaning: msgspec.Struct, stream: str, name: str) -> None:
    """Append a fact of our own and fold it."""
    await stand.appender.append(STORE, [own(meaning, stream, name)])
    await stand.fold()


async def no_difference(stand: Stand, database_url: str) -> None:
    """Rebuild in memory and in the shadow; each must find the rows as they are."""
    shadow = await open_test_pool(database_url, connections_max=2, search_path=SHADOW_SEARCH_PATH)
    for entries_max in (500_000, 1):
        rebuilder = Rebuilder(stand.pool, shadow, stand.reader, entries_max=entries_max)
        for projection in CATALOGUE.values():
            await rebuilder.fold(STORE, projection, lambda _position, _end: None)
            assert (await rebuilder.compare(STORE, projection)).differences == ()
    await shadow.close()


@pytest.mark.parametrize("transaction", [{}, NEXT_DAY], ids=["deposit", "payment"])
async def test_a_wrong_account_that_is_mapped_right_lets_its_money_go(
    stand: Stand, database_url: str, transaction: dict[str, object]
) -> None:
    """The deposit's account stands in the sale, a payment's in its own command; a retry afterwards does nothing."""
    await word(stand, WRONG, SETTINGS_STREAM, "s:2")
    await stand.order(1, transactions=[paid("t1", 20_000, **transaction)])
    process = stand.process()
    await stand.until_quiet(process)
    assert "Failed" in (await stand.statuses()).values()
    await word(stand, RIGHT, SETTINGS_STREAM, "s:3")
    await stand.advance(60)
    await stand.until_quiet(process)
    assert set((await stand.statuses()).values()) == {"Success"}
    await word(stand, CommandReleased(command_id=INVOICE, actor="o", reason="r"), f"command-{INVOICE}", "r")
    await stand.until_quiet(process)
    assert stand.documents("sales_invoice") == 1
    assert set((await stand.commands()).values()) == {"accepted"}
    await no_difference(stand, database_url)


async def test_what_finds_the_books_closed_goes_on_the_first_open_day(closed_books: Stand, database_url: str) -> None:
    """That they are closed is learnt by this refusal; nobody has to retry."""
    stand = closed_books
    await word(stand, SalesRulesSet(closed_period="first_open_day"), SETTINGS_STREAM, "rules:1")
    await stand.order(1, order_date="2026-11-10T05:00:00", closed_date="2026-11-10T05:00:00")
    await stand.until_quiet(stand.process())
    assert await stand.statuses() == {"sale-order-1": "Success"}
    assert stand.documents("sales_invoice") == 1
    await no_difference(stand, database_url)


async def test_a_transfer_that_finds_the_books_closed_goes_on_the_first_open_day(
    closed_books: Stand, database_url: str
) -> None:
    """As a sale does, once the rule is set."""
    stand = closed_books
    start = {
        "inventory_adjustment_id": "c1",
        "action": "Adjustment",
        "date": "2026-11-10T02:00:00",
        "items": [{"sku": "LATTE", "quantity": 5}],
    }
    fields = {
        "transfer_id": "count-1", "transfer_number": "SO-1", "type": "Opname", "outlet_id": "main",
        "outlet_name": "Main Outlet", "inventory_adjustments": [start],
    }  # fmt: skip
    await stand.report("transfer", fields)
    process = stand.process()
    await stand.until_quiet(process)
    await word(stand, SalesRulesSet(closed_period="first_open_day"), SETTINGS_STREAM, "rules:1")
    await stand.advance(60)
    await stand.until_quiet(process)
    record = (await stand.records())["transfer-c1"]
    assert record.status == "Success", record.reason
    await no_difference(stand, database_url)


async def test_a_release_that_is_on_its_way_keeps_its_body_and_books_once(stand: Stand, database_url: str) -> None:
    """Let go by its identity, then mended: what goes out is what was planned, until that is refused again."""
    await word(stand, WRONG, SETTINGS_STREAM, "s:2")
    await stand.order(1, transactions=[paid("t1", 20_000)])
    process = stand.process()
    await stand.until_quiet(process)
    before = await stand.migrator.fetchval("SELECT body FROM command WHERE command_id = $1", INVOICE)
    await word(stand, CommandReleased(command_id=INVOICE, actor="o", reason="r"), "order-order-1", "r")
    await word(stand, RIGHT, SETTINGS_STREAM, "s:3")
    assert await stand.migrator.fetchval("SELECT body FROM command WHERE command_id = $1", INVOICE) == before
    await stand.advance(60)
    await stand.until_quiet(process)
    assert await stand.statuses() == {"sale-order-1": "Success"}
    assert stand.documents("sales_invoice") == 1
    await no_difference(stand, database_url)


async def test_a_product_that_is_made_lets_its_sale_go(stand: Stand, database_url: str) -> None:
    """Refused for it and not for anything else; nobody has to retry, and it is booked once."""
    await stand.order(1, order_details=[line("TEA", 2, 10_000)])
    process = stand.process()
    await stand.until_quiet(process)
    assert await stand.statuses() == {"sale-order-1": "Failed"}
    (refused,) = await stand.told("CommandRefused")
    assert refused["fields"] == [f"{LACKS_PRODUCT}TEA"]
    tea = msgspec.structs.replace(TEA, stock=())
    asked = ProductsImportRequested(products=(tea,), stock_date=date(2026, 11, 20), actor="owner", reason="new")
    await word(stand, asked, "products-import", "import:1")
    await stand.advance(60)
    await stand.until_quiet(process)
    assert await stand.statuses() == {"sale-order-1": "Success", "product-p-tea": "Success"}
    assert stand.documents("sales_invoice") == 1
    await no_difference(stand, database_url)


async def test_a_refund_out_of_a_wrong_account_that_is_mapped_right_goes(stand: Stand, database_url: str) -> None:
    """Its sale and its return stay as Jurnal has them; the money goes out once."""
    cash = paid("t1", 20_000)
    await stand.order(1, transactions=[cash])
    process = stand.process()
    await stand.until_quiet(process)
    await word(stand, WRONG, SETTINGS_STREAM, "s:2")
    back = paid("r1", 10_000, type="refund", transaction_date="2026-11-20T19:30:00")
    refund = {
        "order_id": "order-1",
        "refund_date": "2026-11-20T19:30:00",
        "refund_amount": 10_000,
        "refund_details": [{"sku": "LATTE", "quantity": 1}],
        "units_returned": [{"sku": "LATTE", "stock": 1}],
    }
    await stand.order(1, transactions=[cash, back], refunded_orders=[refund])
    await stand.until_quiet(process)
    assert sorted((await stand.statuses()).values()) == ["Failed", "Success"]
    await word(stand, RIGHT, SETTINGS_STREAM, "s:3")
    await stand.advance(60)
    await stand.until_quiet(process)
    assert set((await stand.statuses()).values()) == {"Success"}
    assert set((await stand.commands()).values()) == {"accepted"}
    assert [int(each.amount) for each in stand.sandbox.company.credit_memo_refunds] == [10_000]
    await no_difference(stand, database_url)
