"""Credit memos: made by hand or by a return, paid out, applied to invoices."""

from typing import Any

import pytest

from tests.unit.sandbox_jurnal.shop import Reply, Shop, opened, settings
from tests.unit.sandbox_jurnal.test_jurnal_returns import returned, sold

REFUND, APPLY = "customer_credit_memo_refund", "customer_apply_credit_memo"


async def credit(shop: Shop, amount: object = 50_000, **changes: object) -> Any:
    """Make a credit memo by hand on the sales return account."""
    line = {"account_name": "Sales Return", "description": "Potongan", "debit": amount}
    fields = {"person_name": "Pelanggan Tunai", "person_type": "customer", "transaction_date": "2026-03-09"}
    lines = {"transaction_account_lines_attributes": [line]}
    return await shop.make("credit_memos", "credit_memo", **{**fields, **lines, **changes})


async def pay_out(shop: Shop, credited: Any, amount: object, **changes: object) -> Reply:
    """Pay a part of a credit memo out of Cash."""
    line = {"credit_memo_id": credited["id"], "refund_amount": amount, "description": "rf-1"}
    fields = {"person_id": credited["person"]["id"], "transaction_date": "2026-03-10", "refund_from_name": "Cash"}
    fields |= {"credit_memo_refund_lines_attributes": [line]} | changes
    return await shop.call("POST", REFUND, {REFUND: fields})


async def apply(shop: Shop, memo: Any, invoice: Any, amount: object) -> Reply:
    """Use a part of a credit memo for an invoice."""
    record = {"transaction_id": invoice["id"], "amount": amount}
    fields = {"person_id": memo["person"]["id"], "selected_credit_memo_id": memo["id"], "records_attributes": [record]}
    return await shop.call("POST", APPLY, {APPLY: fields})


async def test_a_credit_memo_by_hand_debits_its_lines_and_credits_receivables(shop: Shop) -> None:
    """The total is the lines and their taxes, and stands open until it is used."""
    line = {"account_name": "Sales Return", "debit": 50_000, "line_tax_name": "PPN"}
    memo = await credit(shop, custom_id="cm-1", transaction_account_lines_attributes=[line])
    assert (memo["remaining"], memo["tax_amount"], memo["transaction_status"]["name"]) == ("55500.0", "5500.0", "Open")
    assert await shop.balances() == {"Sales Return": "50000", "VAT Out": "5500", "Accounts Receivable": "-55500"}
    assert (await shop.show("credit_memos", "cm-1"))["id"] == memo["id"]
    customer = await shop.show("customers", memo["person"]["id"])
    assert customer["balance"] == -55_500


async def test_a_credit_memo_is_a_customers_and_its_lines_are_debits(shop: Shop) -> None:
    """A vendor's, a credited line and an unknown account are refused, a used key with 409."""
    line = {"account_name": "Sales Return", "debit": 1}
    good: dict[str, object] = {"person_name": "Pelanggan Tunai", "transaction_date": "2026-03-09", "custom_id": "cm-1"}
    good["transaction_account_lines_attributes"] = [line]
    for wrong in (
        {"person_type": "vendor"},
        {"person_name": "Tidak Ada"},
        {"transaction_account_lines_attributes": [{"account_name": "Sales Return", "credit": 1}]},
        {"transaction_account_lines_attributes": [{"account_name": "Tidak Ada", "debit": 1}]},
    ):
        assert (await shop.call("POST", "credit_memos", {"credit_memo": good | wrong})).status == 422
    first = await shop.call("POST", "credit_memos", {"credit_memo": good})
    again = await shop.call("POST", "credit_memos", {"credit_memo": good})
    assert (first.status, again.status, again.body["id"]) == (200, 409, first.body["credit_memo"]["id"])


async def test_a_refund_pays_a_part_and_then_no_more_than_is_left(shop: Shop) -> None:
    """What remains goes down by what is paid; too much is refused and changes nothing."""
    memo = await credit(shop)
    assert (await pay_out(shop, memo, 20_000)).status == 200
    shown = await shop.show("credit_memos", memo["id"])
    assert (shown["remaining"], shown["transaction_status"]["name"]) == ("30000.0", "Partial")
    assert (shown["deletable"], shown["editable"]) == (False, False)
    assert (await pay_out(shop, memo, 30_001)).status == 422
    assert (await pay_out(shop, memo, 30_000)).status == 200
    shown = await shop.show("credit_memos", memo["id"])
    assert (shown["remaining"], shown["transaction_status"]["name"]) == ("0.0", "Paid")
    assert await shop.balances() == {"Sales Return": "50000", "Cash": "-50000"}


async def test_the_lines_of_one_refund_share_what_is_left(shop: Shop) -> None:
    """Two lines of one credit memo cannot each take all of it."""
    memo = await credit(shop)
    line = {"credit_memo_id": memo["id"], "refund_amount": 30_000}
    assert (await pay_out(shop, memo, 1, credit_memo_refund_lines_attributes=[line, line])).status == 422
    assert (await shop.show("credit_memos", memo["id"]))["remaining"] == "50000.0"


async def test_a_refund_keeps_its_description_and_drops_what_no_body_documents(shop: Shop) -> None:
    """custom_id, number and memo are gone without a word; the general ledger and inspection know the description."""
    memo = await credit(shop)
    reply = await pay_out(shop, memo, 1_000, custom_id="rf-2", memo="rf-2", transaction_no="RF/2")
    refund = reply.body[REFUND]
    assert (refund["custom_id"], refund["memo"], refund["transaction_no"]) == (None, None, "10001")
    assert refund["credit_memo_refund_lines"][0]["description"] == "rf-1"
    assert shop.sandbox.duplicates({REFUND: ["rf-1", "rf-2"]}) == {REFUND: 0}
    await pay_out(shop, memo, 1_000)
    assert shop.sandbox.duplicates({REFUND: ["rf-1"]}) == {REFUND: 1}
    found = await shop.call("GET", "select2_resources/get_transaction", query={"q": "", "page": "1", "type": "15"})
    assert [row["transaction_no"] for row in found.body["data"]] == ["10002", "10001"]


async def test_a_refund_comes_out_of_cash_and_bank_for_the_memos_customer(shop: Shop) -> None:
    """Another kind of account, another customer and an unknown credit memo are refused."""
    memo = await credit(shop)
    other = await shop.make("customers", "customer", display_name="Orang Lain")
    assert (await pay_out(shop, memo, 1, refund_from_name="Inventory")).status == 422
    assert (await pay_out(shop, memo, 1, person_id=other["id"])).status == 422
    unknown = {"credit_memo_id": 1, "refund_amount": 1}
    assert (await pay_out(shop, memo, 1, credit_memo_refund_lines_attributes=[unknown])).status == 422
    assert (await shop.show("credit_memos", memo["id"]))["remaining"] == "50000.0"


async def test_an_applied_credit_memo_settles_both_sides(shop: Shop) -> None:
    """What remains goes down on credit memo and invoice alike, and the books stand as they stood."""
    memo, invoice = await credit(shop), await shop.sell()
    before = await shop.balances()
    reply = await apply(shop, memo, invoice, 30_000)
    assert reply.status == 200
    shown = await shop.show("sales_invoices", invoice["id"])
    assert (shown["remaining"], shown["payment_received_amount"]) == ("70000.0", "30000.0")
    assert shown["transaction_status"]["name"] == "Partial"
    assert [row["id"] for row in shown["payments"]] == [reply.body[APPLY]["id"]]
    assert (await shop.show("credit_memos", memo["id"]))["remaining"] == "20000.0"
    assert await shop.balances() == before
    assert reply.body[APPLY]["records"][0]["transaction_balance_due"] == 70_000


async def test_no_more_is_applied_than_is_left_or_owed(shop: Shop) -> None:
    """Both limits hold on their own."""
    memo, small = await credit(shop, 150_000), await shop.sell()
    assert (await apply(shop, memo, small, 100_001)).status == 422
    assert (await apply(shop, memo, small, 100_000)).status == 200
    assert (await apply(shop, memo, await shop.sell(), 50_001)).status == 422
    assert (await shop.show("credit_memos", memo["id"]))["remaining"] == "50000.0"


async def test_an_invoice_settled_by_a_credit_memo_is_not_deleted(shop: Shop) -> None:
    """It is a separate payment; once the application is gone so is the guard, and both sides are as before."""
    memo, invoice = await credit(shop), await shop.sell()
    applied = (await apply(shop, memo, invoice, 30_000)).body[APPLY]
    assert (await shop.call("DELETE", f"sales_invoices/{invoice['id']}")).status == 422
    assert (await shop.call("DELETE", f"{APPLY}/{applied['id']}")).status == 204
    assert (await shop.show("credit_memos", memo["id"]))["remaining"] == "50000.0"
    assert (await shop.show("sales_invoices", invoice["id"]))["remaining"] == "100000.0"
    assert (await shop.call("DELETE", f"sales_invoices/{invoice['id']}")).status == 204


async def test_a_used_credit_memo_is_neither_changed_nor_deleted(shop: Shop) -> None:
    """A refund guards it; when the refund is deleted the credit memo is free again."""
    memo = await credit(shop)
    refund = (await pay_out(shop, memo, 1)).body[REFUND]
    path = f"credit_memos/{memo['id']}"
    line = {"account_name": "Sales Return", "debit": 60_000}
    fields = {"person_name": "Pelanggan Tunai", "transaction_date": "2026-03-09"}
    body = {"credit_memo": fields | {"transaction_account_lines_attributes": [line]}}
    assert [(await shop.call(method, path, body)).status for method in ("DELETE", "PATCH")] == [422, 422]
    assert (await shop.call("DELETE", f"{REFUND}/{refund['id']}")).status == 204
    assert (await shop.call("PATCH", path, body)).body["credit_memo"]["remaining"] == "60000.0"
    assert (await shop.call("DELETE", path)).status == 204
    assert await shop.balances() == {}


async def test_the_credit_memo_of_a_return_goes_with_it_only_and_guards_it(shop: Shop) -> None:
    """It cannot be changed or deleted by itself, and once it is used its return cannot either."""
    invoice = await sold(shop, deposit=333_000, deposit_to_name="Cash")
    made = await returned(shop, invoice)
    memo_id = (await shop.show("sales_invoices", invoice["id"]))["credit_memos"][0]["id"]
    memo = await shop.show("credit_memos", memo_id)
    assert (await shop.call("DELETE", f"credit_memos/{memo_id}")).status == 422
    refund = (await pay_out(shop, memo, 83_250)).body[REFUND]
    assert (await shop.call("DELETE", f"sales_returns/{made['id']}")).status == 422
    assert (await shop.call("DELETE", f"{REFUND}/{refund['id']}")).status == 204
    assert (await shop.call("DELETE", f"sales_returns/{made['id']}")).status == 204


async def test_a_changed_refund_and_application_count_their_own_amounts_as_free(shop: Shop) -> None:
    """PATCH may take up to all that was left before, and not more."""
    memo, invoice = await credit(shop), await shop.sell()
    refund = (await pay_out(shop, memo, 20_000)).body[REFUND]
    line = {"id": refund["credit_memo_refund_lines"][0]["id"], "credit_memo_id": memo["id"]}
    fields = {"person_id": memo["person"]["id"], "transaction_date": "2026-03-10", "refund_from_name": "Cash"}
    for amount, status in ((50_001, 422), (10_000, 200)):
        lines = {"credit_memo_refund_lines_attributes": [line | {"refund_amount": amount}]}
        assert (await shop.call("PATCH", f"{REFUND}/{refund['id']}", {REFUND: fields | lines})).status == status
    assert (await shop.show("credit_memos", memo["id"]))["remaining"] == "40000.0"
    applied = (await apply(shop, memo, invoice, 15_000)).body[APPLY]
    record = {"id": applied["records"][0]["id"], "transaction_id": invoice["id"]}
    changed = {"person_id": memo["person"]["id"], "selected_credit_memo_id": memo["id"]}
    for amount, status in ((40_001, 422), (40_000, 200)):
        records = {"records_attributes": [record | {"amount": amount}]}
        assert (await shop.call("PATCH", f"{APPLY}/{applied['id']}", {APPLY: changed | records})).status == status
    assert (await shop.show("credit_memos", memo["id"]))["remaining"] == "0.0"
    assert (await shop.show("sales_invoices", invoice["id"]))["remaining"] == "60000.0"
    assert (await shop.balances())["Cash"] == "-10000"


async def test_refunds_and_applications_have_no_list(shop: Shop) -> None:
    """The documentation knows them by id only."""
    assert [(await shop.call("GET", name)).status for name in (REFUND, APPLY)] == [405, 405]


@pytest.mark.parametrize("held_in", ["receivable", "unearned_revenue"])
async def test_aged_receivables_agree_with_the_books_as_of_any_date(held_in: Any) -> None:
    """Their total is receivables (and what the liability for credit memos holds) at the end of every date."""
    async with opened(settings(credit_memos_held_in=held_in)) as shop:
        await shop.stock_up()
        invoice = await sold(shop, deposit=300_000, deposit_to_name="Cash", due_date="2026-03-09")
        await returned(shop, invoice, 2)
        memo = await credit(shop, 10_000)
        await pay_out(shop, memo, 4_000)
        await apply(shop, memo, await shop.sell(due_date="2025-12-01"), 5_000)
        for last in ("08/03/2026", "09/03/2026", "10/03/2026", "01/05/2026"):
            report = (await shop.call("GET", "aged_receivables", query={"end_date": last})).body["aged_receivables"]
            day, month, year = last.split("/")
            sheet = await shop.call("GET", "balance_sheet", query={"end_date": f"{year}-{month}-{day}"})
            rows = [
                row["data"][0]["balance_raw"] * (-1 if row["name"] == "Unearned Revenue" else 1)
                for section in ("current_assets", "current_liabilities")
                for row in sheet.body["balance_sheet"][section]["accounts"]["array"]
                if row["name"] in {"Accounts Receivable", "Unearned Revenue"}
            ]
            assert report["total"]["grandtotal"] == sum(rows)
            assert report["total"]["grandtotal"] == sum(row["total_percustomer"] for row in report["customers"])
        assert report["total"]["total_more_to_90_days"] == "95000.0"
        assert shop.sandbox.exact_difference() == 0
