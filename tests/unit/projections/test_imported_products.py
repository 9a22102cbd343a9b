"""What an import asks of Jurnal: each product once, on its account, and what its outlets begin with."""

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from eventstore.facts.operators import ImportedProduct, OpeningStock, ProductsImportRequested
from eventstore.facts.settings import SalesAccountsMapped, SalesRulesSet
from projections.jurnal_commands.commands import AdjustStock, CreateProduct
from tests.story import Story, own
from tests.unit.projections.shop_settings import told

OPENING = SalesRulesSet(opening_account="Opening Balance")
TOP_UPS = SalesRulesSet(opening_account="Opening Balance", stored_value_products={"TEA": "Gift Cards"})
TEA = ImportedProduct(
    product_id="p-tea",
    sku="TEA",
    name="Tea",
    unit="Cup",
    track_inventory=True,
    sell_price=Decimal(12_000),
    buy_price=Decimal(3_000),
    stock=(OpeningStock(outlet_id="main", quantity=Decimal(10), unit_price=Decimal(2_800)),),
)
AT_KIOSK = msgspec.structs.replace(TEA, stock=(msgspec.structs.replace(TEA.stock[0], outlet_id="kiosk"),))
DRINKS = SalesAccountsMapped(scope="", account="Sales", products={"TEA": "Drinks"})
SALES = SalesAccountsMapped(scope="", account="Sales")
STOCK = ["10 of TEA at 2800 against Opening Balance"]


def imported(story: Story, *products: ImportedProduct) -> None:
    """Let a person import products."""
    asked = ProductsImportRequested(products=products, stock_date=date(2026, 11, 20), actor="owner", reason="new store")
    story.tell(own(asked, "products-import", f"import:{len(story.facts) + 1}"))


# The rules, the sales accounts and the product; its sell account, whether Jurnal tracks it, the stock, the records.
CASES: dict[str, tuple[SalesRulesSet, tuple[SalesAccountsMapped, ...], ImportedProduct, Any]] = {
    "with stock": (OPENING, (), TEA, (None, True, STOCK, {"booking"})),
    "on the store's account": (OPENING, (SALES,), TEA, ("Sales", True, STOCK, {"booking"})),
    "on its own account": (OPENING, (DRINKS,), TEA, ("Drinks", True, STOCK, {"booking"})),
    "without stock": (
        OPENING,
        (),
        msgspec.structs.replace(TEA, stock=()),
        (None, True, [], {"booking"}),
    ),
    "untracked": (
        OPENING,
        (),
        msgspec.structs.replace(TEA, track_inventory=False),
        (None, False, [], {"booking"}),
    ),
    "a top-up": (TOP_UPS, (DRINKS,), TEA, ("Gift Cards", False, [], {"booking"})),
    "stock of an outlet that is not mapped": (OPENING, (), AT_KIOSK, (None, True, [], {"booking", "skipped"})),
    "stock without an account": (SalesRulesSet(), (), TEA, (None, True, [], {"booking", "failed"})),
}


@pytest.mark.parametrize("live", [False, True], ids=["before Live Mode", "live"])
@pytest.mark.parametrize("case", CASES)
def test_an_imported_product_is_made_once_on_its_account_with_what_there_is_of_it(case: str, *, live: bool) -> None:
    """Asked for twice it is made once; what cannot be opened says so in a line of its own."""
    rules, accounts, product, (sell_account, tracked, stock, states) = CASES[case]
    story = Story(live=live)
    told(story, rules)
    for account in accounts:
        told(story, account)
    for _ in range(2):
        imported(story, product)
    made = story.the(CreateProduct)
    assert (made.product_code, made.sell_account, made.track_inventory) == ("TEA", sell_account, tracked)
    opened = [command for command in story.commands if isinstance(command, AdjustStock)]
    assert [
        f"{each.lines[0].quantity} of {each.lines[0].product_code} at {each.lines[0].price} against {each.account}"
        for each in opened
    ] == stock
    assert set(story.states.values()) == states
