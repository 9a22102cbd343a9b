"""Which products an import makes, and what it says of those it leaves out."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from eventstore.facts.operators import ImportedProduct, OpeningStock
from eventstore.facts.reports.products import BuyingPrice, OutletInventory, ProductReport
from service.product_import_plan import plan_import
from service.product_list import JurnalProduct

LATTE = ProductReport(
    product_id="p1",
    sku="LATTE",
    name="Latte",
    product_type="standard",
    price=Decimal(25000),
    buying_price=Decimal(4100),
    track_inventory=True,
    unit_of_measurement="Cup",
    is_active=True,
    buying_prices=(BuyingPrice(outlet_id="main", buying_price=Decimal(4000)),),
    inventories=(
        OutletInventory(outlet_id="main", outlet_name="Main Outlet", unit_in_stock=Decimal(12)),
        OutletInventory(outlet_id="branch", outlet_name="Branch", unit_in_stock=Decimal(3)),
        OutletInventory(outlet_id="kiosk", outlet_name="Kiosk", unit_in_stock=Decimal(0)),
    ),
)


def there(code: str, *, name: str = "Other", archived: bool = False) -> dict[str, JurnalProduct]:
    """Return Jurnal's products: this one."""
    product = JurnalProduct(
        jurnal_id=1, code=code, name=name, sell_account="Sales", track_inventory=True, is_archived=archived
    )
    return {code: product}


def told(**fields: Any) -> ProductReport:
    """Return the product with some of it changed."""
    return msgspec.structs.replace(LATTE, **fields)


def test_a_product_that_jurnal_has_not_is_imported_as_it_stands() -> None:
    """Prices, unit, tracking; no stock unless it is asked for."""
    plan = plan_import([LATTE], {}, with_stock=False)
    assert plan.products == (
        ImportedProduct(
            product_id="p1",
            sku="LATTE",
            name="Latte",
            unit="Cup",
            track_inventory=True,
            sell_price=Decimal(25000),
            buy_price=Decimal(4100),
        ),
    )
    assert (plan.skipped, plan.known) == ((), 0)


def test_stock_comes_at_the_outlet_s_buying_price_else_the_product_s() -> None:
    """Nothing of an outlet that has none."""
    (product,) = plan_import([LATTE], {}, with_stock=True).products
    assert product.stock == (
        OpeningStock("main", Decimal(12), Decimal(4000)),
        OpeningStock("branch", Decimal(3), Decimal(4100)),
    )


def test_an_untracked_product_has_no_stock() -> None:
    """Jurnal would take none of it."""
    (product,) = plan_import([told(track_inventory=False)], {}, with_stock=True).products
    assert product.stock == ()


def test_negative_stock_is_told_and_left_out() -> None:
    """Nothing can be opened with less than nothing."""
    minus = OutletInventory(outlet_id="main", outlet_name="Main Outlet", unit_in_stock=Decimal(-2))
    plan = plan_import([told(inventories=(minus,))], {}, with_stock=True)
    assert plan.products[0].stock == ()
    assert plan.skipped == ("LATTE: the stock of Main Outlet is -2; count it in iSeller first",)


def test_a_sku_that_jurnal_has_is_known_and_no_line() -> None:
    """Only what Jurnal has not is imported; white space around iSeller's makes no second one."""
    plan = plan_import([LATTE, told(product_id="p2", sku=" LATTE")], there("LATTE"), with_stock=True)
    assert (plan.products, plan.skipped, plan.known) == ((), (), 2)


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"sku": None}, "Latte: has no SKU; give it one in iSeller"),
        ({"sku": "  "}, "Latte: has no SKU; give it one in iSeller"),
        ({"sku": "LATTE "}, "LATTE: its SKU 'LATTE ' has white space around it; take it away in iSeller"),
        ({"is_active": False}, "LATTE: is not sold any more in iSeller"),
        ({"product_type": "Composite"}, "LATTE: is made of other products; make it in Jurnal by hand, untracked"),
        ({"product_type": "comboset"}, "LATTE: is made of other products"),
    ],
)
def test_what_is_left_out_is_told_with_the_reason(fields: dict[str, Any], line: str) -> None:
    """One line each; the others are imported."""
    other = told(product_id="p9", sku="MOCHA", name="Mocha")
    plan = plan_import([told(**fields), other], {}, with_stock=False)
    assert [product.sku for product in plan.products] == ["MOCHA"]
    assert plan.skipped[0].startswith(line)


def test_a_product_that_is_archived_in_jurnal_is_told() -> None:
    """It is there, and cannot be sold."""
    plan = plan_import([LATTE], there("LATTE", archived=True), with_stock=False)
    assert (plan.products, plan.skipped) == ((), ("LATTE: archived in Jurnal; take it into use again there",))


def test_a_sku_that_two_products_have_is_imported_once_and_told() -> None:
    """Jurnal would keep both as one."""
    plan = plan_import([LATTE, told(product_id="p2", name="Latte L")], {}, with_stock=False)
    assert len(plan.products) == 1
    assert plan.skipped == ("LATTE: has the same SKU as 'Latte'; Jurnal would keep both as one",)


def test_names_are_made_unique_with_the_sku() -> None:
    """Variants share a name, and Jurnal takes each once; so does one that Jurnal has under another code."""
    variants = [LATTE, told(product_id="p2", sku="LATTE-L")]
    assert [product.name for product in plan_import(variants, {}, with_stock=False).products] == [
        "Latte",
        "Latte (LATTE-L)",
    ]
    (one,) = plan_import([LATTE], there("OTHER", name="Latte"), with_stock=False).products
    assert one.name == "Latte (LATTE)"


def test_a_long_name_is_cut_to_what_jurnal_takes() -> None:
    """255 characters, the SKU kept whole."""
    (one,) = plan_import([told(name="L" * 300)], there("X", name="L" * 255), with_stock=False).products
    assert (len(one.name), one.name[-8:]) == (255, " (LATTE)")
