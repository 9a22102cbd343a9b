"""Accounts, customers, products, warehouses and the short lists."""

from tests.unit.sandbox_jurnal.shop import Shop, opened


async def test_a_company_starts_with_its_chart_and_defaults() -> None:
    """The default accounts carry their documented numbers; Cash, Net 30 and Unassigned are there."""
    async with opened() as shop:
        accounts = (await shop.call("GET", "accounts", query={"page_size": "200"})).body["accounts"]
        active = (await shop.call("GET", "companies/active")).body
        methods = (await shop.call("GET", "payment_methods")).body
        terms = (await shop.call("GET", "terms")).body["terms"]
        warehouses = (await shop.call("GET", "warehouses")).body["warehouses"]
    numbers = {row["name"]: row["number"] for row in accounts}
    assert numbers["Cash"] == "1-10001"
    assert numbers["Sales Discount"] == "4-40100"
    assert numbers["Inventory Adjustments"] == "8-80100"
    assert active["default_accounts"]["default_account_receiveable"]["number"] == "1-10100"
    assert [row["name"] for row in methods["payment_methods"]] == ["Cash"]
    assert [(row["name"], row["longetivity"]) for row in terms] == [("Net 30", 30)]
    assert [(row["id"], row["name"]) for row in warehouses] == [(-1, "Unassigned")]


async def test_a_used_display_name_answers_409_with_the_existing_id(shop: Shop) -> None:
    """Customers and contacts are one register of people."""
    known = shop.sandbox.company.persons.named("Pelanggan Tunai")
    assert known is not None
    for path, wrapper in (("customers", "customer"), ("contacts", "person")):
        reply = await shop.call("POST", path, {wrapper: {"display_name": "Pelanggan Tunai"}})
        assert (reply.status, reply.body["id"]) == (409, known.id)


async def test_a_customer_is_found_by_custom_id_and_owes_its_invoices(shop: Shop) -> None:
    """The balance is what remains on the customer's invoices."""
    await shop.make("customers", "customer", display_name="Toko Lain", custom_id="cust-1")
    await shop.sell(person_name="Toko Lain", deposit=1, deposit_to_name="Cash")
    shown = await shop.show("customers", "cust-1")
    assert (shown["balance"], shown["balance_currency_format"]) == (99_999, "Rp.  99.999,00")
    assert (await shop.call("DELETE", "customers/cust-1")).status == 422


async def test_an_invoice_is_owed_on_the_customers_own_account(shop: Shop) -> None:
    """The receivable account comes from the customer."""
    await shop.make("accounts", "account", name="Piutang B", category_name="Accounts Receivable (A/R)")
    await shop.make("customers", "customer", display_name="B", default_ar_account_name="Piutang B")
    await shop.sell(person_name="B")
    assert (await shop.balances())["Piutang B"] == "100000"


async def test_a_batch_of_customers_answers_row_by_row(shop: Shop) -> None:
    """A new one is made and a known one refused in its row."""
    rows = [{"customer": {"display_name": name}} for name in ("Baru", "Pelanggan Tunai")]
    reply = await shop.call("POST", "customers/batch_create", {"customers": rows})
    assert [row["customer"]["status"] for row in reply.body["customers"]] == [201, 409]


async def test_a_used_product_code_answers_409_with_the_existing_id(shop: Shop) -> None:
    """Code and custom_id are each used once; a product is found by id or custom_id, not by code."""
    made = await shop.make("products", "product", name="Topi", product_code="TP", unit_name="Pcs", custom_id="p-1")
    for keys in ({"product_code": "TP"}, {"product_code": "TP2", "custom_id": "p-1"}):
        fields = {"name": "Topi Lain", "unit_name": "Pcs"} | keys
        reply = await shop.call("POST", "products", {"product": fields})
        assert (reply.status, reply.body["id"]) == (409, made["id"])
    assert (await shop.show("products", "p-1"))["id"] == made["id"]
    assert (await shop.call("GET", "products/TP")).status == 422


async def test_a_tracked_product_needs_an_inventory_account(shop: Shop) -> None:
    """Another category answers 422; without one the default Inventory is taken."""
    fields = {"name": "Sepatu", "unit_name": "Pcs", "track_inventory": "true"}
    wrong = fields | {"inventory_asset_account_name": "Cash"}
    assert (await shop.call("POST", "products", {"product": wrong})).status == 422
    made = await shop.make("products", "product", **fields)
    assert made["inventory_asset_account"]["number"] == "1-10200"


async def test_products_come_ten_to_a_page(shop: Shop) -> None:
    """A larger page_size is cut to ten without a word."""
    for number in range(10):
        await shop.make("products", "product", name=f"Barang {number}", unit_name="Pcs")
    reply = await shop.call("GET", "products", query={"page_size": "100"})
    assert (len(reply.body["products"]), reply.body["total_count"], reply.body["total_pages"]) == (10, 12, 2)


async def test_look_ups_find_products_people_and_cash_accounts(shop: Shop) -> None:
    """select2 searches by part of a name or code, and type=cash shows Cash & Bank only."""
    by_code = await shop.call("GET", "select2_resources/get_product", query={"q": "kmj"})
    person = await shop.call("GET", "select2_resources/get_person", query={"q": "tunai", "type": "customer"})
    cash = await shop.call("GET", "select2_resources/get_account", query={"type": "cash", "priority": "cash-bank"})
    assert [row["name"] for row in by_code.body["data"]] == ["Kemeja"]
    assert [row["display_name"] for row in person.body["data"]] == ["Pelanggan Tunai"]
    assert {row["name"] for row in cash.body["data"]} == {"Cash", "Bank BCA"}


async def test_used_master_data_is_not_deleted(shop: Shop) -> None:
    """What a document names stays; what nobody names can go."""
    await shop.receive(1, 1, "2026-03-01")
    company = shop.sandbox.company
    kept = company.products.named("Kemeja"), company.warehouses.named("Pusat"), company.accounts.named("Inventory")
    gone = company.products.named("Jasa"), company.warehouses.named("Cabang"), company.accounts.named("Bank BCA")
    for paths, status in ((kept, 422), (gone, 204)):
        for plural, record in zip(("products", "warehouses", "accounts"), paths, strict=True):
            assert record is not None
            assert (await shop.call("DELETE", f"{plural}/{record.id}")).status == status


async def test_a_custom_id_of_digits_is_read_as_an_id_first(shop: Shop) -> None:
    """A numeric custom_id is found only while no record has that id."""
    made = await shop.make("tags", "tag", name="A", custom_id="77")
    assert (await shop.show("tags", "77"))["id"] == made["id"]
