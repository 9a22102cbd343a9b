"""The sandbox's answers have the keys and JSON types of the fixtures."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.sandbox_jurnal.shop import Shop

FIXTURES = Path(__file__).parents[2] / "fixtures" / "jurnal"
SINGLES = {
    "sales_invoice": "sales_invoices",
    "receive_payment": "receive_payments",
    "sales_return": "sales_returns",
    "credit_memo": "credit_memos",
    "customer_credit_memo_refund": "customer_credit_memo_refund",
    "customer_apply_credit_memo": "customer_apply_credit_memo",
    "warehouse_transfer": "warehouse_transfers",
    "stock_adjustment": "stock_adjustments",
    "bank_deposit": "bank_deposits",
    "bank_withdrawal": "bank_withdrawals",
    "bank_transfer": "bank_transfers",
    "journal_entry": "journal_entries",
    "account": "accounts",
    "customer": "customers",
    "product": "products",
    "warehouse": "warehouses",
    "company_tax": "taxes",
    "tag": "tags",
    "term": "terms",
    "person": "contacts",
}
LISTS = {
    "accounts": "accounts",
    "customers": "customers",
    "contacts": "contacts",
    "warehouses": "warehouses",
    "sales_returns": "sales_returns",
    "credit_memos": "credit_memos",
    "aged_receivables": "aged_receivables",
    "warehouse_transfers": "warehouse_transfers",
    "company_taxes": "taxes",
    "payment_methods": "payment_methods",
    "tags": "tags",
    "terms": "terms",
    "companies_active": "companies/active",
    "profit_and_loss": "profit_and_loss",
    "balance_sheet": "balance_sheet",
    "trial_balance": "trial_balance",
    "general_ledger": "general_ledger",
    "warehouse_stock_quantity": "warehouse_stock_quantity",
    "select2_get_account": "select2_resources/get_account",
    "select2_get_person": "select2_resources/get_person",
    "select2_get_product": "select2_resources/get_product",
}


def fixture(name: str) -> Any:
    """Read one fixture."""
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


def kind(value: object) -> str:
    """Return the JSON type of a scalar; integers and fractions are one type."""
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else type(value).__name__


def differences(given: Any, wanted: Any, path: str = "") -> list[str]:
    """List where two values differ in keys or JSON types; null fits every type, an empty list every list."""
    if given is None or wanted is None:
        return []
    if isinstance(given, dict) and isinstance(wanted, dict):
        found = [f"{path}.{key}: only in {'answer' if key in given else 'fixture'}" for key in given.keys() ^ wanted]
        for key in given.keys() & wanted:
            found += differences(given[key], wanted[key], f"{path}.{key}")
        return found
    if isinstance(given, list) and isinstance(wanted, list):
        return [line for row in given for line in differences(row, wanted[0], f"{path}[]")] if wanted else []
    return [] if kind(given) == kind(wanted) else [f"{path}: {kind(given)}, not {kind(wanted)}"]


def _memo() -> dict[str, object]:
    """Return the attributes of a credit memo by hand."""
    line = {"account_name": "Sales Return", "description": "Potongan", "debit": 9_000, "line_tax_name": "PPN"}
    fields = {"person_name": "Pelanggan Tunai", "person_type": "customer", "transaction_date": "2026-03-09"}
    return fields | {"custom_id": "cm-a", "transaction_account_lines_attributes": [line]}


async def _credited(shop: Shop, invoice: Any) -> dict[str, Any]:
    """Take goods back, make a credit memo, pay a part of it out and use another part of it."""
    line = invoice["transaction_lines_attributes"][0]
    returned = {"transaction_line_id": line["id"], "return_quantity": 1}
    lines = "transaction_return_lines_attributes"
    sent = {"transaction_date": "2026-03-10", "invoice_id": invoice["id"], lines: [returned]}
    made = {"sales_return": await shop.make("sales_returns", "sales_return", **sent)}
    memo = made["credit_memo"] = await shop.make("credit_memos", "credit_memo", **_memo())
    person = {"person_id": invoice["person"]["id"]}
    refunded = [{"credit_memo_id": memo["id"], "refund_amount": 1_000, "description": "Tunai"}]
    made["customer_credit_memo_refund"] = await shop.make(
        "customer_credit_memo_refund",
        "customer_credit_memo_refund",
        transaction_date="2026-03-10",
        refund_from_name="Cash",
        credit_memo_refund_lines_attributes=refunded,
        **person,
    )
    made["customer_apply_credit_memo"] = await shop.make(
        "customer_apply_credit_memo",
        "customer_apply_credit_memo",
        selected_credit_memo_id=memo["id"],
        records_attributes=[{"transaction_id": invoice["id"], "amount": 500}],
        **person,
    )
    return made


async def busy(shop: Shop) -> dict[str, Any]:
    """Make one record of every kind and return the id of each."""
    await shop.make("tags", "tag", name="Kasir")
    await shop.receive(5, 45_000, "2026-03-01")
    line = {"product_name": "Kemeja", "quantity": 2, "rate": 75_000, "discount": 10, "line_tax_name": "PPN"}
    invoice = await shop.sell(
        custom_id="inv-a",
        transaction_lines_attributes=[line],
        warehouse_name="Pusat",
        deposit=10_000,
        deposit_to_name="Cash",
        tags=["Kasir"],
    )
    paid = {"transaction_no": invoice["transaction_no"], "amount": 5_000}
    day, number = "2026-03-09", "N-1"
    lines = "transaction_account_lines_attributes"
    credit = {"account_name": "Other Income", "credit": 7_000, "line_tax_name": "PPN"}
    debit = {"account_name": "Waste Goods Expense", "debit": 3_000}
    sent = {"from_warehouse_name": "Pusat", "to_warehouse_name": "Cabang", "transaction_date": day}
    moved = [{"product_name": "Kemeja", "quantity": 1}]
    made = {
        "receive_payment": await shop.make(
            "receive_payments",
            "receive_payment",
            transaction_date=day,
            records_attributes=[paid],
            payment_method_name="Cash",
            deposit_to_name="Bank BCA",
        ),
        "warehouse_transfer": await shop.make(
            "warehouse_transfers", "warehouse_transfer", **sent, warehouse_transfer_lines_attributes=moved
        ),
        "stock_adjustment": await shop.adjust({"product_name": "Kemeja", "difference": -1}, day),
        "bank_deposit": await shop.make(
            "bank_deposits", "bank_deposit", transaction_date=day, deposit_to_name="Bank BCA", **{lines: [credit]}
        ),
        "bank_withdrawal": await shop.make(
            "bank_withdrawals", "bank_withdrawal", transaction_date=day, refund_from_name="Cash", **{lines: [debit]}
        ),
        "bank_transfer": await shop.make(
            "bank_transfers",
            "bank_transfer",
            transaction_date=day,
            transaction_no=number,
            refund_from_name="Cash",
            deposit_to_name="Bank BCA",
            transfer_amount=1_000,
        ),
        "journal_entry": await shop.make(
            "journal_entries",
            "journal_entry",
            transaction_date=day,
            **{lines: [debit, {"account_name": "Cash", "credit": 3_000}]},
        ),
    }
    made |= {"sales_invoice": invoice, **await _credited(shop, invoice)}
    ids = {name: document["id"] for name, document in made.items()}
    company = shop.sandbox.company
    masters: dict[str, Any] = {"account": company.accounts, "customer": company.persons, "person": company.persons}
    masters |= {"product": company.products, "company_tax": company.taxes, "tag": company.tags, "term": company.terms}
    ids |= {name: next(iter(register)).id for name, register in masters.items()}
    return ids | {"warehouse": list(company.warehouses)[1].id}


@pytest.mark.parametrize("name", sorted(SINGLES))
async def test_one_record_has_the_keys_and_types_of_its_fixture(shop: Shop, name: str) -> None:
    """GET of a single record answers with exactly the fixture's keys."""
    ids = await busy(shop)
    reply = await shop.call("GET", f"{SINGLES[name]}/{ids[name]}")
    assert reply.status == 200
    assert differences(reply.body, fixture(name)) == []


@pytest.mark.parametrize("name", sorted(LISTS))
async def test_a_list_or_report_has_the_keys_and_types_of_its_fixture(shop: Shop, name: str) -> None:
    """Lists, look-ups and reports answer with exactly the fixture's keys, envelope included."""
    await busy(shop)
    query = {"start_date": "01/03/2026", "end_date": "31/03/2026"} if "/" not in LISTS[name] else {}
    reply = await shop.call("GET", LISTS[name], query=query)
    assert reply.status == 200
    assert differences(reply.body, fixture(name)) == []


async def test_making_a_return_or_a_credit_memo_answers_in_a_shape_of_its_own(shop: Shop) -> None:
    """POST and PATCH of these two say more than GET does, or name the person by another key."""
    line = {"product_name": "Jasa", "quantity": 2, "rate": 75_000, "discount": 10, "line_tax_name": "PPN"}
    invoice = await shop.sell(transaction_lines_attributes=[line])
    made = await _credited(shop, invoice)
    memo = await shop.make("credit_memos", "credit_memo", **_memo() | {"custom_id": "cm-b"})
    changed = await shop.call("PATCH", f"credit_memos/{memo['id']}", {"credit_memo": _memo() | {"custom_id": "cm-b"}})
    assert differences({"sales_return": made["sales_return"]}, fixture("sales_return_made")) == []
    assert differences({"credit_memo": memo}, fixture("credit_memo_made")) == []
    assert differences(changed.body, fixture("credit_memo_made")) == []


async def test_the_credit_memos_of_a_customer_have_the_fixtures_shape(shop: Shop) -> None:
    """They stand in an envelope of rows and a count, newest first; a customer that is none answers as missing."""
    await busy(shop)
    person = shop.sandbox.company.persons.named("Pelanggan Tunai")
    assert person is not None
    reply = await shop.call("GET", f"customer/{person.id}/credit_memos")
    assert reply.body["total_count"] == 1
    assert differences(reply.body, fixture("customer_credit_memos")) == []
    assert (await shop.call("GET", "customer/1/credit_memos")).status == 422


async def test_the_transaction_look_up_has_the_fixtures_shape_and_needs_its_parameters(shop: Shop) -> None:
    """select2 get_transaction finds an invoice by number and refuses to search without q, page and type."""
    invoice = await shop.sell(transaction_no="INV/7")
    reply = await shop.call("GET", "select2_resources/get_transaction", query={"q": "INV/7", "page": "1", "type": "1"})
    assert differences(reply.body, fixture("select2_get_transaction")) == []
    assert reply.body["data"][0]["id"] == invoice["id"]
    refused = await shop.call("GET", "select2_resources/get_transaction", query={"q": "INV/7"})
    assert (refused.status, refused.body) == (422, {"errors": "please define keyword parameter, page, and type"})


async def test_stock_per_warehouse_has_the_fixtures_shape_and_needs_ids(shop: Shop) -> None:
    """The stock service answers quantities per warehouse as numbers, and 400 without ids."""
    await shop.receive(5, 45_000, "2026-03-01")
    path = "/public/jurnal/scm/public/lo/v1/products/get_product_quantity_per_warehouse"
    product = shop.sandbox.company.products.named("Kemeja")
    assert product is not None
    reply = await shop.call("GET", path, query={"ids": str(product.id)})
    assert differences(reply.body, fixture("product_quantity_per_warehouse")) == []
    shelves = {row["name"]: row["quantity"] for row in reply.body["data"][0]["warehouse_inventory"]}
    assert shelves == {"Unassigned": 0, "Pusat": 5, "Cabang": 0, "Dalam Perjalanan": 0}
    refused = await shop.call("GET", path)
    assert (refused.status, refused.body) == (400, {"message": "Query ids cannot be empty", "status": 400})


async def test_a_payment_method_alone_stands_without_a_wrapper(shop: Shop) -> None:
    """GET of one payment method has the record at the top level."""
    reply = await shop.call("GET", f"payment_methods/{next(iter(shop.sandbox.company.payment_methods)).id}")
    assert differences(reply.body, fixture("payment_method")["payment_method"]) == []
    assert reply.body["name"] == "Cash"


def test_the_comparison_of_shapes_sees_a_missing_key_and_a_changed_type() -> None:
    """The comparison is not blind: it reports both kinds of difference."""
    assert differences({"a": 1}, {"a": 1, "b": 2}) == [".b: only in fixture"]
    assert differences({"rows": [{"a": "1"}]}, {"rows": [{"a": 1}]}) == [".rows[].a: str, not number"]
