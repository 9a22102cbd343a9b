"""Warehouse transfers and stock adjustments."""

import pytest

from tests.unit.sandbox_jurnal.shop import Reply, Shop, opened, settings


async def transfer(shop: Shop, source: object, target: object, quantity: object, number: str | None = None) -> Reply:
    """Post a transfer of shirts between two warehouses."""
    fields = {
        "from_warehouse_name": source,
        "to_warehouse_name": target,
        "transaction_date": "10/03/2026",
        "transaction_no": number,
        "custom_id": "never-seen",
        "memo": "sinkron TR-1",
        "warehouse_transfer_lines_attributes": [{"product_name": "Kemeja", "quantity": quantity}],
    }
    return await shop.call("POST", "warehouse_transfers", {"warehouse_transfer": fields})


async def shelves(shop: Shop, **query: str) -> dict[str, str]:
    """Return the shirts in each warehouse from the report."""
    reply = await shop.call("GET", "warehouse_stock_quantity", query=query)
    row = reply.body["warehouse_stock_quantity"]["list"][0]
    return {house["name"]: house["quantity"] for house in row["warehouses"]}


async def test_goods_in_transit_stand_in_their_warehouse_and_the_books_do_not_move(shop: Shop) -> None:
    """Two transfers carry five shirts through transit; inventory is worth the same all along."""
    await shop.receive(8, 45_000, "2026-03-01")
    before = await shop.balances()
    await transfer(shop, "Pusat", "Dalam Perjalanan", 5)
    on_the_way = await shelves(shop)
    await transfer(shop, "Dalam Perjalanan", "Cabang", 5)
    arrived = await shelves(shop)
    assert on_the_way == {"Unassigned": "0", "Pusat": "3", "Cabang": "0", "Dalam Perjalanan": "5"}
    assert arrived == {"Unassigned": "0", "Pusat": "3", "Cabang": "5", "Dalam Perjalanan": "0"}
    assert await shop.balances() == before
    assert before["Inventory"] == "360000"


async def test_a_transfer_answers_200_and_never_shows_its_custom_id(shop: Shop) -> None:
    """It is found by id and by number, and its lines stand under the singular key."""
    reply = await transfer(shop, "Pusat", "Cabang", "2.5", "TR/1")
    made = reply.body["warehouse_transfer"]
    assert reply.status == 200
    assert made["warehouse_transfer_line_attributes"][0]["quantity"] == "2.5"
    assert "custom_id" not in made
    assert await shop.show("warehouse_transfers", "TR%2F1") == await shop.show("warehouse_transfers", made["id"])
    assert (await shop.call("GET", "warehouse_transfers/never-seen")).status == 422


async def test_a_used_transfer_number_is_refused(shop: Shop) -> None:
    """The number is the only key of a transfer that is checked."""
    first = await transfer(shop, "Pusat", "Cabang", 1, "TR-1")
    second = await transfer(shop, "Pusat", "Cabang", 1, "TR-1")
    third = await transfer(shop, "Pusat", "Cabang", 1, "TR-2")
    assert (second.status, second.body["id"]) == (409, first.body["warehouse_transfer"]["id"])
    assert third.status == 200
    assert shop.sandbox.duplicates({"warehouse_transfer": ["TR-1", "never-seen"]}) == {"warehouse_transfer": 2}


async def test_a_deleted_transfer_puts_the_goods_back(shop: Shop) -> None:
    """Both warehouses are as before."""
    await shop.receive(8, 45_000, "2026-03-01")
    await transfer(shop, "Pusat", "Cabang", 5, "TR-1")
    assert (await shop.call("DELETE", "warehouse_transfers/TR-1")).status == 204
    assert (await shelves(shop))["Pusat"] == "8"
    assert (await shelves(shop))["Cabang"] == "0"


async def test_unassigned_is_warehouse_minus_one(shop: Shop) -> None:
    """It can be named by id and shows no name in a transfer."""
    lines = [{"product_name": "Kemeja", "quantity": 1}]
    made = await shop.make(
        "warehouse_transfers",
        "warehouse_transfer",
        from_warehouse_id=-1,
        to_warehouse_name="Pusat",
        transaction_date="2026-03-10",
        warehouse_transfer_lines_attributes=lines,
    )
    assert made["from_warehouse"] == {"id": -1, "name": None, "code": ""}
    assert (await shop.show("warehouses", -1))["name"] == "Unassigned"
    assert (await shelves(shop))["Unassigned"] == "-1"


async def test_one_warehouse_shows_its_stock_and_its_documents(shop: Shop) -> None:
    """GET of a warehouse lists quantities as text with a decimal, and one row per document."""
    await shop.receive(8, 45_000, "2026-03-01")
    await transfer(shop, "Pusat", "Cabang", 3, "TR-1")
    warehouse = shop.sandbox.company.warehouses.named("Pusat")
    assert warehouse is not None
    shown = await shop.show("warehouses", warehouse.id)
    assert [(row["name"], row["quantity"]) for row in shown["warehouse_inventory"]] == [("Kemeja", "5.0")]
    rows = [(row["transaction_type_id"], row["quantity"]) for row in shown["transactions"]]
    assert rows == [(26, "8"), (25, "-3")]


@pytest.mark.parametrize(("allowed", "status"), [(True, 200), (False, 422)])
async def test_stock_below_zero_passes_or_not_as_set(*, allowed: bool, status: int) -> None:
    """A transfer of more than there is follows the company's flag, and so does a sale."""
    async with opened(settings(allow_negative_stock=allowed)) as shop:
        await shop.stock_up()
        reply = await transfer(shop, "Pusat", "Cabang", 1)
        line = {"product_name": "Kemeja", "quantity": 1, "rate": 1}
        fields = shop.invoice(transaction_lines_attributes=[line], warehouse_name="Dalam Perjalanan")
        sale = await shop.call("POST", "sales_invoices", {"sales_invoice": fields})
    assert (reply.status, sale.status) == (status, 201 if allowed else 422)


async def test_a_count_sets_the_quantity_and_books_the_difference(shop: Shop) -> None:
    """Two shirts missing leave at the average; the number shows only under entry."""
    await shop.receive(8, 45_000, "2026-03-01")
    made = await shop.make(
        "stock_adjustments",
        "stock_adjustment",
        stock_adjustment_type="Waste",
        maintain_actual=True,
        transaction_no="SC-1",
        custom_id="never-seen",
        warehouse_name="Pusat",
        date="05/03/2026",
        lines_attributes=[{"product_name": "Kemeja", "actual_quantity": 6, "difference": 99}],
    )
    line = made["stock_adjustment_lines_attributes"][0]
    assert (line["recorded_quantity"], line["actual_quantity"], line["difference"]) == (8, 6, -2)
    assert made["entry"] == {"transaction_number": "Stock Count#SC-1"}
    assert "custom_id" not in made
    assert "transaction_no" not in made
    assert (await shop.balances())["Waste Goods Expense"] == "90000"


async def test_an_adjustment_is_found_by_number_only_when_the_query_says_so(shop: Shop) -> None:
    """search_by and transaction_type must both be sent."""
    line = {"product_name": "Kemeja", "difference": 1}
    made = await shop.make(
        "stock_adjustments", "stock_adjustment", transaction_no="SA-1", date="2026-03-05", lines_attributes=[line]
    )
    query = {"search_by": "transaction_no", "transaction_type": "adjustment"}
    found = await shop.call("GET", "stock_adjustments/SA-1", query=query)
    assert found.body["stock_adjustment"]["id"] == made["id"]
    assert (await shop.call("GET", "stock_adjustments/SA-1")).status == 422


async def test_found_goods_come_in_at_the_average(shop: Shop) -> None:
    """A stock in without its own price is worth the average."""
    await shop.receive(2, 45_000, "2026-03-01")
    await shop.adjust({"product_name": "Kemeja", "difference": 1, "average_price": 99}, "2026-03-02")
    assert (await shop.balances())["Inventory"] == "135000"


async def test_a_deleted_adjustment_takes_its_worth_along(shop: Shop) -> None:
    """Books and stock are as before it."""
    made = await shop.receive(2, 45_000, "2026-03-01")
    assert (await shop.call("DELETE", f"stock_adjustments/{made['id']}")).status == 204
    assert await shop.balances() == {}
    assert (await shelves(shop))["Pusat"] == "0"


async def test_stock_can_be_asked_as_of_a_date(shop: Shop) -> None:
    """The report and the stock service leave later documents out."""
    await shop.receive(2, 45_000, "2026-03-01")
    await shop.receive(3, 45_000, "2026-03-05")
    assert (await shelves(shop, end_date="04/03/2026"))["Pusat"] == "2"
    path = "/public/jurnal/scm/public/lo/v1/products/get_product_quantity_per_warehouse"
    product = shop.sandbox.company.products.named("Kemeja")
    assert product is not None
    query = {"ids": str(product.id), "transaction_date": "2026-03-04"}
    assert (await shop.call("GET", path, query=query)).body["data"][0]["quantity"] == 2
