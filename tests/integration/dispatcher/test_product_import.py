"""An import of products, from iSeller's list to Jurnal's products and stock; asking again makes nothing twice."""

from collections.abc import AsyncIterator
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from eventstore.facts.settings import SETTINGS_STREAM, LiveModeActivated, SalesAccountsMapped, SalesRulesSet
from service.iseller.client import IsellerClient
from service.product_import import ProductImport
from service.product_import_plan import ImportPlan
from service.product_list import ProductList
from service.setup_error import SetupError
from service.setup_ledger import KnownSettings, read_known
from tests.integration.dispatcher.stand import Stand, open_stand
from tests.ledger import NOON, STORE
from tests.story import CONNECTION, own

TEA: dict[str, Any] = {
    "product_id": "p-tea",
    "sku": "TEA",
    "name": "Tea",
    "product_type": "standard",
    "price": "12000.0000",
    "buying_price": 3000,
    "track_inventory": True,
    "unit_of_measurement": "Cup",
    "inventories": [
        {"outlet_id": "main", "unit_in_stock": 10},
        {"outlet_id": "branch", "unit_in_stock": 2.5},
        {"outlet_id": "kiosk", "unit_in_stock": 7},
    ],
    "buying_prices": [{"outlet_id": "main", "buying_price": 2800}],
}
PRODUCTS = [TEA, {"product_id": "p-latte", "sku": "LATTE"}, {"product_id": "p-wrap", "sku": "", "name": "Gift wrap"}]
RULES = SalesRulesSet(opening_account="Opening Balance Equity")


@pytest.fixture
async def stand(database_url: str) -> AsyncIterator[Stand]:
    """Give a connected store that is not live, with an account across from opening stock."""
    async with open_stand(database_url) as opened:
        await opened.credentials.write(
            STORE, "iseller-oauth", b'{"client_id":"c","client_secret":"s"}', updated_at=NOON
        )
        async with TestServer(_iseller(), host="127.0.0.1") as server:
            url = str(server.make_url("")).rstrip("/")
            await opened.connect(msgspec.structs.replace(CONNECTION, iseller_url=url), live=False)
            await opened.appender.append(STORE, [own(RULES, SETTINGS_STREAM, "rules:1")])
            await opened.fold()
            yield opened


def _iseller() -> web.Application:
    """Return an iSeller with these products, two a page."""

    async def token(_request: web.Request) -> web.Response:
        return web.json_response({"access_token": "a", "expires_in": 3600})

    async def page(request: web.Request) -> web.Response:
        first = 2 * (int(str((await request.post())["page"])) - 1)
        rows = PRODUCTS[first : first + 2]
        return web.json_response({"status": True, "products": rows, "has_next_item": first + 2 < len(PRODUCTS)})

    app = web.Application()
    app.router.add_post("/oauth/token", token)
    app.router.add_post("/api/v2/GetProducts", page)
    return app


async def ask(stand: Stand, *, with_stock: bool = True, dry_run: bool = False) -> ImportPlan:
    """Plan and request an import, as the command does."""
    async with ClientSession() as session:
        importing = ProductImport(
            iseller=IsellerClient(session, stand.credentials, stand.pool, stand.clock),
            products=ProductList(stand.calls(), stand.clock),
            appender=stand.appender,
            clock=stand.clock,
            wait=stand.advance,
        )
        known: KnownSettings = await read_known(stand.reader, STORE)
        plan = await importing.plan(STORE, known, with_stock=with_stock)
        if not dry_run:
            await importing.request(STORE, known, plan, "ibu.rina", "New store")
    await stand.fold()
    return plan


def stock_of(stand: Stand, code: str) -> dict[str, Fraction]:
    """Return Jurnal's stock of a product by warehouse."""
    company = stand.sandbox.company
    product = company.products_by_code[code]
    return {house.name: quantity for house in company.warehouses if (quantity := company.stock.on_hand(product, house))}


async def test_what_jurnal_has_not_is_made_with_its_opening_stock(stand: Stand) -> None:
    """Once, at the buying price of the outlet; an outlet that is not mapped is told; before Live Mode."""
    plan = await ask(stand)
    assert ([product.sku for product in plan.products], plan.known) == (["TEA"], 1)
    assert plan.skipped == ("Gift wrap: has no SKU; give it one in iSeller",)
    await stand.until_quiet(stand.process())
    made = stand.sandbox.company.products_by_code["TEA"]
    assert (made.name, made.unit, made.tracked, made.sell_price) == ("Tea", "Cup", True, Fraction(12000))
    assert stock_of(stand, "TEA") == {"Main Warehouse": Fraction(10), "Branch Warehouse": Fraction("2.5")}
    assert stand.sandbox.company.stock.average(made) * Fraction("12.5") == 10 * 2800 + Fraction("2.5") * 3000
    assert await stand.statuses() == {
        "product-p-tea": "Success",
        "opening-main-p-tea": "Success",
        "opening-branch-p-tea": "Success",
        "opening-kiosk-p-tea": "Skipped",
    }


async def test_asking_twice_makes_nothing_twice(stand: Stand) -> None:
    """At once, before anything was made, and later, when Jurnal has it: one product, its stock once."""
    await ask(stand)
    await ask(stand)
    await stand.until_quiet(stand.process())
    assert (await ask(stand)).products == ()
    await stand.until_quiet(stand.process())
    assert stock_of(stand, "TEA") == {"Main Warehouse": Fraction(10), "Branch Warehouse": Fraction("2.5")}
    assert len([product for product in stand.sandbox.company.products if product.code == "TEA"]) == 1


async def test_a_dry_run_only_tells(stand: Stand) -> None:
    """No fact, nothing in Jurnal."""
    assert len((await ask(stand, dry_run=True)).products) == 1
    assert await stand.facts("ProductsImportRequested") == []
    assert (await stand.step(stand.process())).did == "nothing"


async def test_without_stock_only_the_product_is_made_on_the_account_that_is_mapped(stand: Stand) -> None:
    """The store's word for the product becomes its sell account."""
    word = SalesAccountsMapped(scope="", products={"TEA": "Other Income"})
    await stand.appender.append(STORE, [own(word, SETTINGS_STREAM, "accounts:1")])
    await stand.fold()
    await ask(stand, with_stock=False)
    await stand.until_quiet(stand.process())
    assert stand.sandbox.company.products_by_code["TEA"].sell_account.name == "Other Income"
    assert stock_of(stand, "TEA") == {}


async def test_opening_stock_needs_its_account(stand: Stand) -> None:
    """Before anything is asked for."""
    await stand.appender.append(STORE, [own(SalesRulesSet(), SETTINGS_STREAM, "rules:2")])
    with pytest.raises(SetupError, match=r"name it as sales\.opening_account"):
        await ask(stand)


async def test_a_live_store_begins_with_no_stock_any_more(stand: Stand) -> None:
    """What was sold since waits for its product, and would leave the stock twice."""
    live = LiveModeActivated(actor="owner", activated_at=NOON)
    await stand.appender.append(STORE, [own(live, SETTINGS_STREAM, "live-mode")])
    with pytest.raises(SetupError, match="Live Mode is on"):
        await ask(stand)
    assert len((await ask(stand, with_stock=False)).products) == 1
