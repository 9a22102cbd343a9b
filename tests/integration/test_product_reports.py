"""Products as iSeller reports them, read by SKU."""

from decimal import Decimal

from projections.master_data.queries import read_products
from tests.folding import tell
from tests.ledger import STORE, service_pool
from tests.story import Story


def product(product_id: str = "p-latte", **fields: object) -> dict[str, object]:
    """Return a report of a product."""
    return {
        "product_id": product_id,
        "sku": "LATTE",
        "name": "Latte",
        "product_type": "Standard",
        "price": "25000.0000",
        "buying_price": 4100,
        "track_inventory": True,
        "unit_of_measurement": "Cup",
        **fields,
    }


async def test_a_product_is_read_as_it_was_last_reported(database_url: str) -> None:
    """One row a product, those without a SKU first; white space is kept beside what is compared."""
    story = Story()
    story.report("product", product(price=1))
    story.report("product", {"product_id": "p-blank", "name": "Gift wrap", "sku": None})
    story.report("product", product("p-mocha", sku=" MOCHA ", is_active=False))
    story.report("product", product())
    async with service_pool(database_url) as pool:
        await tell(pool, story)
        blank, latte, mocha = await read_products(pool, STORE)
    assert (blank.sku, blank.is_active, blank.track_inventory) == ("", True, False)
    assert (latte.sku, latte.price, latte.buying_price, latte.unit) == ("LATTE", Decimal(25000), Decimal(4100), "Cup")
    assert latte.product_type == "standard"
    assert (mocha.sku, mocha.told_sku, mocha.is_active) == ("MOCHA", " MOCHA ", False)
