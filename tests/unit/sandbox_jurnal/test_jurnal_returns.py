"""Sales returns: what comes back, what stays owed, the credit memo, the books and the stock."""

from typing import Any

import pytest

from tests.unit.sandbox_jurnal.shop import Reply, Shop, opened, settings

LINES = "transaction_return_lines_attributes"
KEMEJA = {"product_name": "Kemeja", "quantity": 4, "rate": 75_000, "line_tax_name": "PPN"}


async def give_back(shop: Shop, invoice: Any, quantity: object = 1, **changes: object) -> Reply:
    """Send a return of the invoice's first line."""
    line = {"transaction_line_id": invoice["transaction_lines_attributes"][0]["id"], "return_quantity": quantity}
    fields = {"transaction_date": "2026-03-10", "invoice_id": invoice["id"], LINES: [line]}
    return await shop.call("POST", "sales_returns", {"sales_return": fields | changes})


async def returned(shop: Shop, invoice: Any, quantity: object = 1, **changes: object) -> Any:
    """Send a return that is accepted."""
    reply = await give_back(shop, invoice, quantity, **changes)
    assert reply.status == 201, reply.body
    return reply.body["sales_return"]


async def sold(shop: Shop, **changes: object) -> Any:
    """Sell four shirts of an inflow at 50,000."""
    await shop.receive(10, 50_000, "2026-03-01")
    lines = {"transaction_lines_attributes": [KEMEJA], "warehouse_name": "Pusat"}
    return await shop.sell(**(lines | changes))


async def test_a_return_gives_back_what_the_documented_example_does(shop: Shop) -> None:
    """One of a hundred at 12,000,000 less 10 % and 10 %, 10 % withheld: 8,748,000."""
    line = {"product_name": "Jasa", "quantity": 100, "rate": 12_000_000, "discount": 10}
    withheld = {"witholding_account_name": "Prepaid expenses", "witholding_type": "percent", "witholding_value": 10}
    invoice = await shop.sell(transaction_lines_attributes=[line], discount_unit=10, **withheld)
    made = await returned(shop, invoice)
    wanted = {
        "discount_lines": 1_200_000,
        "discount_whole": 1_080_000,
        "returned_witholding_amount": 972_000,
        "returned_tax": 0,
        "return_amount": 8_748_000,
    }
    assert {key: made[key] for key in wanted} == wanted
    assert made[LINES][0]["line_return_amount"] == 10_800_000


async def test_a_return_of_what_is_owed_lowers_it_and_reverses_sale_tax_and_cost(shop: Shop) -> None:
    """The invoice owes less, Sales Return and the tax are debited, and the goods are back at their average."""
    invoice = await sold(shop)
    made = await returned(shop, invoice)
    shown = await shop.show("sales_invoices", invoice["id"])
    assert made["return_amount"] == 83_250
    assert (shown["remaining"], shown["transaction_status"]["name"]) == ("249750.0", "Partial")
    assert [row["id"] for row in shown["sales_returns"]] == [made["id"]]
    assert (shown["editable"], shown["deletable"], shown["has_credit_memos"]) == (False, False, False)
    assert shown["transaction_lines_attributes"][0]["has_return_line"] is True
    assert await shop.balances() == {
        "Accounts Receivable": "249750",
        "Service Revenue": "-300000",
        "Sales Return": "75000",
        "VAT Out": "-24750",
        "Inventory": "350000",
        "Cost of Sales": "150000",
        "Inventory Adjustments": "-500000",
    }
    pusat, kemeja = (shop.sandbox.company.warehouses.named("Pusat"), shop.sandbox.company.products.named("Kemeja"))
    assert pusat is not None
    assert kemeja is not None
    assert shop.sandbox.company.stock.on_hand(kemeja, pusat) == 7


async def test_a_return_of_what_is_paid_makes_a_credit_memo(shop: Shop) -> None:
    """Nothing is owed, so the whole amount stands as a credit memo that hangs on the invoice."""
    invoice = await sold(shop, deposit=333_000, deposit_to_name="Cash")
    await returned(shop, invoice)
    shown = await shop.show("sales_invoices", invoice["id"])
    memo = await shop.show("credit_memos", shown["credit_memos"][0]["id"])
    assert (shown["has_credit_memos"], shown["credit_memo_balance"]) == (True, 83_250)
    assert (shown["transaction_status"]["name"], shown["remaining"]) == ("Paid", "0.0")
    assert (memo["remaining"], memo["original_amount"], memo["transaction_status"]["name"]) == (
        "83250.0",
        "83250.0",
        "Open",
    )
    assert memo["transaction_account_lines_attributes"] == []
    assert (memo["deletable"], memo["editable"]) == (False, False)
    assert (await shop.balances())["Accounts Receivable"] == "-83250"


async def test_a_return_pays_what_is_owed_first_and_the_rest_becomes_credit(shop: Shop) -> None:
    """Partly paid: what remains goes to 0, only what is beyond it becomes a credit memo."""
    invoice = await sold(shop, deposit=300_000, deposit_to_name="Cash")
    await returned(shop, invoice)
    shown = await shop.show("sales_invoices", invoice["id"])
    assert (shown["remaining"], shown["credit_memo_balance"]) == ("0.0", 50_250)


async def test_credit_memos_may_be_held_in_a_liability() -> None:
    """The switch moves what customers have to their credit off their receivables."""
    async with opened(settings(credit_memos_held_in="unearned_revenue")) as shop:
        await shop.stock_up()
        invoice = await sold(shop, deposit=300_000, deposit_to_name="Cash")
        await returned(shop, invoice)
        balances = await shop.balances()
        assert "Accounts Receivable" not in balances
        assert balances["Unearned Revenue"] == "-50250"
        assert shop.sandbox.exact_difference() == 0


@pytest.mark.parametrize(("first", "second", "status"), [(3, 1, 201), (3, 2, 422), (4, "0.1", 422), (5, None, 422)])
async def test_no_more_comes_back_than_was_sold(shop: Shop, first: int, second: object, status: int) -> None:
    """All returns of a line together stay within its quantity; a refusal leaves nothing behind."""
    invoice = await sold(shop)
    reply = await give_back(shop, invoice, first)
    if second is not None:
        assert reply.status == 201
        reply = await give_back(shop, invoice, second)
    assert reply.status == status
    made = sum(len(row.lines) for row in shop.sandbox.company.sales_returns)
    assert made == (status == 201) + (second is not None)


async def test_rows_of_one_request_share_the_quantity_left(shop: Shop) -> None:
    """Two rows of the same line cannot each take all of it."""
    invoice = await sold(shop)
    row = {"product_name": "Kemeja", "return_quantity": 3}
    assert (await give_back(shop, invoice, 1, **{LINES: [row, row]})).status == 422
    assert len(shop.sandbox.company.sales_returns) == 0


async def test_a_line_is_named_by_its_id_or_product_and_all_must_agree(shop: Shop) -> None:
    """transaction_line_id, product_id and product_name each find the line; a contradiction is refused."""
    invoice = await sold(shop)
    line = invoice["transaction_lines_attributes"][0]
    names = {"transaction_line_id": line["id"], "product_id": line["product"]["id"], "product_name": "Kemeja"}
    for key, value in names.items():
        assert (await give_back(shop, invoice, 1, **{LINES: [{key: value, "return_quantity": 1}]})).status == 201
    wrong = {"transaction_line_id": line["id"], "product_name": "Jasa", "return_quantity": 1}
    assert (await give_back(shop, invoice, 1, **{LINES: [wrong]})).status == 422
    assert (await give_back(shop, invoice, 1, **{LINES: [{"return_quantity": 1}]})).status == 422


async def test_the_invoice_is_named_by_id_or_number_and_both_must_agree(shop: Shop) -> None:
    """An unknown invoice, or an id and a number of two, answers 422."""
    invoice, other = await sold(shop, transaction_no="A"), await shop.sell(transaction_no="B")
    assert (await give_back(shop, invoice, 1, invoice_id=None, invoice_no="A")).status == 201
    refused = await give_back(shop, invoice, 1, invoice_id=invoice["id"], invoice_no=other["transaction_no"])
    assert (refused.status, refused.body["error_full_messages"]) == (422, ["Invoice not exist"])


async def test_goods_go_to_the_invoices_warehouse_unless_another_is_named(shop: Shop) -> None:
    """The default is where they were sold from."""
    invoice = await sold(shop)
    first = await returned(shop, invoice)
    second = await returned(shop, invoice, 1, warehouse_name="Cabang")
    assert [made["warehouse"]["name"] for made in (first, second)] == ["Pusat", "Cabang"]


@pytest.mark.parametrize("kept", [False, True])
async def test_the_keys_of_a_return_are_dropped_unless_so_set(*, kept: bool) -> None:
    """No documented body has custom_id or transaction_no, so both are dropped without a word; memo stays."""
    async with opened(settings(returns_keep_keys=kept)) as shop:
        await shop.stock_up()
        invoice = await sold(shop)
        made = await returned(shop, invoice, 1, custom_id="ret-1", transaction_no="R/1", memo="ret-1")
        assert made["memo"] == "ret-1"
        assert (made["custom_id"], made["transaction_no"]) == (("ret-1", "R/1") if kept else (None, "10001"))


async def test_a_deleted_return_is_owed_again_and_takes_its_credit_memo_along(shop: Shop) -> None:
    """Nothing is left of it: books, stock and credit memo are as before."""
    invoice = await sold(shop, deposit=300_000, deposit_to_name="Cash")
    before = await shop.balances()
    made = await returned(shop, invoice)
    assert (await shop.call("DELETE", f"sales_returns/{made['id']}")).status == 204
    shown = await shop.show("sales_invoices", invoice["id"])
    assert (shown["remaining"], shown["sales_returns"], shown["credit_memos"]) == ("33000.0", [], [])
    assert await shop.balances() == before
    assert len(shop.sandbox.company.credit_memos) == 0
    assert shop.sandbox.documents()["sales_invoice"] == 1


async def test_a_changed_return_is_worked_out_anew(shop: Shop) -> None:
    """PATCH replaces the quantities; the line keeps its id and the credit memo its own."""
    invoice = await sold(shop, deposit=333_000, deposit_to_name="Cash")
    made = await returned(shop, invoice)
    memo_id = (await shop.show("sales_invoices", invoice["id"]))["credit_memos"][0]["id"]
    line = {"id": made[LINES][0]["id"], "product_name": "Kemeja", "return_quantity": 2}
    fields = {"transaction_date": "2026-03-10", "invoice_no": invoice["transaction_no"], LINES: [line]}
    reply = await shop.call("PATCH", f"sales_returns/{made['id']}", {"sales_return": fields})
    assert reply.status == 200
    assert reply.body["sales_return"]["return_amount"] == 166_500
    assert reply.body["sales_return"][LINES][0]["id"] == made[LINES][0]["id"]
    assert (await shop.show("credit_memos", memo_id))["remaining"] == "166500.0"
    too_much = fields | {LINES: [line | {"return_quantity": 5}]}
    assert (await shop.call("PATCH", f"sales_returns/{made['id']}", {"sales_return": too_much})).status == 422
    assert (await shop.show("credit_memos", memo_id))["remaining"] == "166500.0"


async def test_an_invoice_with_a_return_is_neither_changed_nor_deleted(shop: Shop) -> None:
    """Both are refused with 422 until the return is gone."""
    invoice = await sold(shop)
    made = await returned(shop, invoice)
    fields = shop.invoice()
    path = f"sales_invoices/{invoice['id']}"
    assert (await shop.call("PATCH", path, {"sales_invoice": fields})).status == 422
    refused = await shop.call("DELETE", path)
    assert (refused.status, refused.body) == (422, {"errors": "Unprocessable Entity"})
    assert (await shop.call("DELETE", f"sales_returns/{made['id']}")).status == 204
    assert (await shop.call("DELETE", path)).status == 204
    assert shop.sandbox.exact_balances()["Accounts Receivable"] == 0


async def test_an_invoice_that_is_reconciled_is_neither_changed_nor_deleted(shop: Shop) -> None:
    """Both are refused with 422; goods may come back all the same."""
    invoice = await sold(shop)
    shop.sandbox.by_hand.reconcile(invoice["id"])
    path = f"sales_invoices/{invoice['id']}"
    bare = {"errors": "Unprocessable Entity"}
    for refused in (await shop.call("PATCH", path, {"sales_invoice": shop.invoice()}), await shop.call("DELETE", path)):
        assert (refused.status, refused.body) == (422, bare)
    shown = await shop.show("sales_invoices", invoice["id"])
    assert (shown["editable"], shown["deletable"]) == (False, False)
    assert (await returned(shop, invoice))["id"]


async def test_rounded_taxes_of_the_parts_add_up_to_the_tax_charged() -> None:
    """Tax of whole rupiah on 3 at 3,333 is 1,100; two parts give back 367 each, the one that empties the line 366."""
    async with opened(settings(tax_decimals=0)) as shop:
        await shop.stock_up()
        line = {"product_name": "Jasa", "quantity": 3, "rate": 3_333, "line_tax_name": "PPN"}
        invoice = await shop.sell(transaction_lines_attributes=[line])
        taxes = [(await returned(shop, invoice))["returned_tax"] for _ in range(3)]
        assert (invoice["tax_amount"], taxes) == ("1100.0", [367, 367, 366])
        assert shop.sandbox.exact_balances()["VAT Out"] == 0
        assert shop.sandbox.exact_balances()["Accounts Receivable"] == 0


async def test_all_goods_back_in_parts_leave_no_sale_tax_or_cost(shop: Shop) -> None:
    """Three parts of an invoice with every discount return it whole: receivables, tax and cost are 0."""
    invoice = await sold(
        shop, discount_type_name="Value", discount_unit=10_001, transaction_lines_attributes=[KEMEJA | {"discount": 7}]
    )
    for quantity in ("1.5", "0.5", 2):
        await returned(shop, invoice, quantity)
    balances = shop.sandbox.exact_balances()
    assert [balances[name] for name in ("Accounts Receivable", "VAT Out", "Cost of Sales")] == [0, 0, 0]
    assert balances["Service Revenue"] + balances["Sales Discount"] + balances["Sales Return"] == 0
