"""Changes and what refuses them: PATCH of every document, closed books, the plan, keys in a race."""

from datetime import date, timedelta
from typing import Any

import pytest

from ops.sandbox.jurnal import FaultKind
from tests.unit.sandbox_jurnal.shop import Shop, opened, settings

DAY = "2026-03-09"
ACCOUNT_LINES = "transaction_account_lines_attributes"


async def change(shop: Shop, plural: str, wrapper: str, key: object, **fields: object) -> Any:
    """Change a record and return what stands in the answer."""
    reply = await shop.call("PATCH", f"{plural}/{key}", {wrapper: fields})
    assert reply.status in {200, 201}, reply.body
    return reply.body[wrapper]


def movement(side: str, amount: int, **changes: object) -> dict[str, object]:
    """Return the attributes of a bank document with one line on Other Income."""
    stem = "deposit_to_name" if side == "credit" else "refund_from_name"
    line = {"account_name": "Other Income", side: amount}
    return {"transaction_date": DAY, stem: "Cash", ACCOUNT_LINES: [line]} | changes


def entry_of(amount: int) -> list[dict[str, object]]:
    """Return the lines of a journal entry from Cash to Bank BCA."""
    return [{"account_name": "Bank BCA", "debit": amount}, {"account_name": "Cash", "credit": amount}]


@pytest.mark.parametrize(("kind", "side"), [("bank_deposit", "credit"), ("bank_withdrawal", "debit")])
async def test_a_changed_bank_document_is_posted_anew_and_keeps_what_is_not_sent(
    shop: Shop, kind: str, side: str
) -> None:
    """Only the new amount stands in the books; id, keys and memo stay, a line named by its id keeps it."""
    made = await shop.make(f"{kind}s", kind, **movement(side, 7_000, custom_id="b-1", memo="satu"))
    line_id = made["transaction_account_lines"][0]["id"]
    line = {"id": line_id, "account_name": "Other Income", side: 9_000}
    changed = await change(shop, f"{kind}s", kind, "b-1", **movement(side, 0, **{ACCOUNT_LINES: [line]}))
    kept = ("id", "custom_id", "transaction_no", "memo", "created_at")
    assert [changed[key] for key in kept] == [made[key] for key in kept]
    assert changed["transaction_account_lines"][0]["id"] == line_id
    sign = 1 if side == "credit" else -1
    assert await shop.balances() == {"Cash": str(sign * 9_000), "Other Income": str(-sign * 9_000)}
    wrong = movement(side, 1, **{ACCOUNT_LINES: [line | {"id": 1}]})
    assert (await shop.call("PATCH", f"{kind}s/b-1", {kind: wrong})).status == 422


async def test_a_changed_transfer_and_journal_entry_are_posted_anew(shop: Shop) -> None:
    """The entry before is gone from the books; a used number of another document answers 409."""
    fields = {"transaction_date": DAY, "refund_from_name": "Cash", "deposit_to_name": "Bank BCA"}
    first = await shop.make("bank_transfers", "bank_transfer", **fields, transaction_no="T1", transfer_amount=5)
    await shop.make("bank_transfers", "bank_transfer", **fields, transaction_no="T2", transfer_amount=1)
    await change(shop, "bank_transfers", "bank_transfer", first["id"], **fields, transfer_amount=7)
    taken = fields | {"transaction_no": "T2", "transfer_amount": 7}
    assert (await shop.call("PATCH", f"bank_transfers/{first['id']}", {"bank_transfer": taken})).status == 409
    sent = {"transaction_date": DAY, "custom_id": "je-1"}
    await shop.make("journal_entries", "journal_entry", **sent, **{ACCOUNT_LINES: entry_of(100)})
    await change(shop, "journal_entries", "journal_entry", "je-1", **sent, **{ACCOUNT_LINES: entry_of(200)})
    assert await shop.balances() == {"Cash": "-208", "Bank BCA": "208"}
    unbalanced = sent | {ACCOUNT_LINES: [*entry_of(1), {"account_name": "Cash", "debit": 1}]}
    assert (await shop.call("PATCH", "journal_entries/je-1", {"journal_entry": unbalanced})).status == 422
    assert await shop.balances() == {"Cash": "-208", "Bank BCA": "208"}


async def test_a_changed_payment_may_take_up_to_what_was_owed_before_it(shop: Shop) -> None:
    """Its own amount counts as owed; the invoice knows the new one; a deposit's own payment is not changed."""
    invoice = await shop.sell(deposit=40_000, deposit_to_name="Cash")
    fields = {"transaction_date": DAY, "payment_method_name": "Cash", "deposit_to_name": "Cash"}
    record = {"transaction_id": invoice["id"], "amount": 10_000}
    made = await shop.make("receive_payments", "receive_payment", **fields, records_attributes=[record])
    record |= {"id": made["records"][0]["id"]}
    for amount, status in ((60_001, 422), (60_000, 200)):
        body = {"receive_payment": fields | {"records_attributes": [record | {"amount": amount}]}}
        assert (await shop.call("PATCH", f"receive_payments/{made['id']}", body)).status == status
    assert (await shop.show("sales_invoices", invoice["id"]))["transaction_status"]["name"] == "Paid"
    assert await shop.balances() == {"Cash": "100000", "Service Revenue": "-100000"}
    deposit = next(payment for payment in shop.sandbox.company.receive_payments if payment.is_deposit)
    assert (await shop.call("PATCH", f"receive_payments/{deposit.id}", body)).status == 422


async def test_a_payment_moved_to_another_invoice_leaves_the_first_owed_again(shop: Shop) -> None:
    """The invoice it settled before does not know it any more."""
    first, second = await shop.sell(), await shop.sell()
    fields = {"transaction_date": DAY, "payment_method_name": "Cash", "deposit_to_name": "Cash"}
    records = [[{"transaction_id": invoice["id"], "amount": 10_000}] for invoice in (first, second)]
    made = await shop.make("receive_payments", "receive_payment", **fields, records_attributes=records[0])
    await change(shop, "receive_payments", "receive_payment", made["id"], **fields, records_attributes=records[1])
    remaining = [(await shop.show("sales_invoices", made["id"]))["remaining"] for made in (first, second)]
    assert remaining == ["100000.0", "90000.0"]


async def test_a_changed_adjustment_is_read_as_if_the_one_before_had_never_been(shop: Shop) -> None:
    """A count of 8 after a count of 5 records 0 and moves 8; the answer is 201; a refusal changes nothing."""
    fields = {"stock_adjustment_type": "Waste", "date": DAY, "warehouse_name": "Pusat", "maintain_actual": True}
    lines = [{"product_name": "Kemeja", "actual_quantity": 5}]
    made = await shop.make("stock_adjustments", "stock_adjustment", **fields, lines_attributes=lines)
    body = {"stock_adjustment": fields | {"lines_attributes": [lines[0] | {"actual_quantity": 8}]}}
    reply = await shop.call("PATCH", f"stock_adjustments/{made['id']}", body)
    assert reply.status == 201
    line = reply.body["stock_adjustment"]["stock_adjustment_lines_attributes"][0]
    assert (line["recorded_quantity"], line["difference"]) == (0, 8)
    body["stock_adjustment"]["lines_attributes"] = [{"product_name": "Tidak Ada", "actual_quantity": 1}]
    assert (await shop.call("PATCH", f"stock_adjustments/{made['id']}", body)).status == 422
    assert await shop.balances() == {"Inventory": "320000", "Waste Goods Expense": "-320000"}


@pytest.mark.parametrize(
    ("kind", "account", "against"),
    [
        ("General", None, "Inventory Adjustments"),
        ("Waste", None, "Waste Goods Expense"),
        ("Production", None, "Cost of Production"),
        ("General", "Cost of Sales", "Cost of Sales"),
    ],
)
async def test_a_write_off_goes_to_the_account_given_or_to_that_of_its_type(
    shop: Shop, kind: str, account: str | None, against: str
) -> None:
    """Stock out at the average, debited to the account."""
    await shop.receive(4, 50_000, "2026-03-01")
    fields = {"stock_adjustment_type": kind, "date": DAY, "warehouse_name": "Pusat", "account_name": account}
    lines = [{"product_name": "Kemeja", "difference": -1}]
    before = shop.sandbox.exact_balances()[against]
    await shop.make("stock_adjustments", "stock_adjustment", **fields, lines_attributes=lines)
    assert shop.sandbox.exact_balances()[against] - before == 50_000


async def test_the_lines_of_a_change_keep_their_ids_and_replace_the_rest(shop: Shop) -> None:
    """A line named by its id keeps it, one without is new, one left out is gone, an unknown id is refused."""
    lines = [{"product_name": "Jasa", "quantity": 1, "rate": rate} for rate in (10_000, 20_000)]
    invoice = await shop.sell(transaction_lines_attributes=lines)
    first = invoice["transaction_lines_attributes"][0]["id"]
    sent = [lines[0] | {"id": first, "rate": 15_000}, {"product_name": "Jasa", "quantity": 1, "rate": 1_000}]
    fields = shop.invoice(transaction_lines_attributes=sent)
    changed = await change(shop, "sales_invoices", "sales_invoice", invoice["id"], **fields)
    rates = {line["id"]: line["rate"] for line in changed["transaction_lines_attributes"]}
    assert rates[first] == "15000.0"
    assert sorted(rates.values()) == ["1000.0", "15000.0"]
    unknown = shop.invoice(transaction_lines_attributes=[lines[0] | {"id": 1}])
    assert (await shop.call("PATCH", f"sales_invoices/{invoice['id']}", {"sales_invoice": unknown})).status == 422
    assert (await shop.call("POST", "sales_invoices", {"sales_invoice": unknown})).status == 422


async def test_the_lines_of_a_change_may_add_to_those_before() -> None:
    """The other reading of PATCH: lines not named stay, _destroy takes one out, what is not sent of one stays."""
    async with opened(settings(patched_lines="merged")) as shop:
        await shop.stock_up()
        lines = [{"product_name": "Jasa", "quantity": 2, "rate": rate} for rate in (10_000, 20_000, 30_000)]
        invoice = await shop.sell(transaction_lines_attributes=lines)
        ids = [line["id"] for line in invoice["transaction_lines_attributes"]]
        sent: list[dict[str, object]] = [{"id": ids[0], "rate": 11_000}, {"id": ids[1], "_destroy": True}]
        sent.append({"id": ids[2], "line_tax_name": "PPN"})
        sent.append({"product_name": "Jasa", "rate": 5_000})
        fields = shop.invoice(transaction_lines_attributes=sent)
        changed = await change(shop, "sales_invoices", "sales_invoice", invoice["id"], **fields)
        rows = [(line["id"], line["amount"]) for line in changed["transaction_lines_attributes"]]
        assert rows[:2] == [(ids[0], "22000.0"), (ids[2], "60000.0")]
        assert changed["original_amount"] == "93600.0"


async def test_a_change_counts_the_goods_it_took_before_as_there() -> None:
    """Where stock may not fall below zero, an invoice of all goods can be changed and not exceeded."""
    async with opened(settings(allow_negative_stock=False)) as shop:
        await shop.stock_up()
        await shop.receive(5, 40_000, "2026-03-01")
        line = {"product_name": "Kemeja", "quantity": 5, "rate": 75_000}
        invoice = await shop.sell(transaction_lines_attributes=[line], warehouse_name="Pusat")
        for quantity, status in ((4, 200), (5, 200), (6, 422)):
            rows = [line | {"quantity": quantity}]
            fields = shop.invoice(transaction_lines_attributes=rows, warehouse_name="Pusat")
            reply = await shop.call("PATCH", f"sales_invoices/{invoice['id']}", {"sales_invoice": fields})
            assert reply.status == status, quantity


async def test_a_customer_is_changed_in_what_is_sent_and_keeps_its_name_to_itself(shop: Shop) -> None:
    """Other attributes stay; a used name answers 409; the receivable account stays while money is owed on it."""
    await shop.make(
        "accounts", "account", name="Piutang Toko", number="1-10101", category_name="Accounts Receivable (A/R)"
    )
    other = await shop.make("customers", "customer", display_name="Budi", email="someone@example.com", custom_id="c-1")
    changed = await change(shop, "customers", "customer", "c-1", display_name="Budi Baru", phone="0800000000")
    assert (changed["id"], changed["email"], changed["phone"]) == (other["id"], "someone@example.com", "0800000000")
    taken = await shop.call("PATCH", "customers/c-1", {"customer": {"display_name": "Pelanggan Tunai"}})
    assert taken.status == 409
    account = shop.sandbox.company.accounts.named("Piutang Toko")
    assert account is not None
    moved = {"person": {"default_ar_account_id": account.id}}
    assert (await shop.call("PATCH", f"contacts/{other['id']}", moved)).status == 200
    await shop.sell(person_name="Budi Baru")
    assert (await shop.balances())["Piutang Toko"] == "100000"
    back = {"customer": {"default_ar_account_name": "Accounts Receivable"}}
    assert (await shop.call("PATCH", "customers/c-1", back)).status == 422


async def test_a_product_is_changed_in_what_is_sent_and_its_stock_stays_where_it_is(shop: Shop) -> None:
    """Name, code and prices change; the code found by is the new one; tracking stays once goods moved."""
    product = shop.sandbox.company.products.named("Kemeja")
    assert product is not None
    path = f"products/{product.id}"
    changed = await change(shop, "products", "product", product.id, product_code="KMJ2", sell_price_per_unit=80_000)
    assert (changed["name"], changed["product_code"], changed["sell_price_per_unit"]) == ("Kemeja", "KMJ2", "80000.0")
    line = {"product_code": "KMJ2", "quantity": 1}
    assert (await shop.sell(transaction_lines_attributes=[line]))["original_amount"] == "80000.0"
    assert (await shop.call("PATCH", path, {"product": {"product_code": "JSA"}})).status == 409
    assert (await shop.call("PATCH", path, {"product": {"track_inventory": "false"}})).status == 422


async def test_an_archived_product_is_on_no_new_document_until_it_is_active_again(shop: Shop) -> None:
    """The documents that name it stay; deactivate and activate answer the product."""
    product = shop.sandbox.company.products.named("Jasa")
    assert product is not None
    await shop.sell()
    archived = await shop.call("POST", f"products/{product.id}/deactivate")
    assert (archived.status, archived.body["product"]["archive"]) == (200, True)
    refused = await shop.call("POST", "sales_invoices", {"sales_invoice": shop.invoice()})
    assert refused.body["error_full_messages"] == ["Product in transaction lines attributes on row 1 not available"]
    assert (await shop.call("POST", f"products/{product.id}/activate")).body["product"]["archive"] is False
    await shop.sell()


async def test_each_line_is_sold_on_the_account_of_its_product(shop: Shop) -> None:
    """Two products with accounts of their own share an invoice."""
    await shop.make("accounts", "account", name="Penjualan Kopi", number="4-40001", category_name="Income")
    await shop.make("products", "product", name="Kopi", unit_name="Pcs", sell_account_name="Penjualan Kopi")
    lines = [{"product_name": name, "quantity": 1, "rate": 10_000} for name in ("Kopi", "Jasa")]
    await shop.sell(transaction_lines_attributes=lines)
    balances = await shop.balances()
    assert (balances["Penjualan Kopi"], balances["Service Revenue"]) == ("-10000", "-10000")


async def test_shipping_counts_for_shipped_invoices_only(shop: Shop) -> None:
    """Without is_shipped the price and the address are dropped without a word."""
    shipping = {"shipping_price": 9_000, "ship_via": "Kurir", "shipping_date": DAY}
    dropped = await shop.sell(**shipping)
    shipped = await shop.sell(**shipping, is_shipped=True)
    assert [made["original_amount"] for made in (dropped, shipped)] == ["100000.0", "109000.0"]
    assert [made["ship_via"] for made in (dropped, shipped)] == [None, "Kurir"]
    assert (await shop.balances())["Other Income"] == "-9000"


async def _closable(shop: Shop) -> dict[str, tuple[int, dict[str, Any]]]:
    """Make one document of every kind on the 9th; return path and wrapper with a body that changes each."""
    invoice = await shop.sell(deposit=50_000, deposit_to_name="Cash")
    rows = [{"product_name": "Jasa", "return_quantity": "0.1"}]
    returned = {"transaction_date": DAY, "invoice_id": invoice["id"], "transaction_return_lines_attributes": rows}
    cash = {"payment_method_name": "Cash", "deposit_to_name": "Cash", "transaction_date": DAY}
    paid = cash | {"records_attributes": [{"transaction_id": invoice["id"], "amount": 1}]}
    lines = [{"product_name": "Kemeja", "difference": 1}]
    bodies: dict[str, dict[str, Any]] = {
        "sales_returns": returned,
        "receive_payments": paid,
        "credit_memos": CREDIT,
        "bank_deposits": movement("credit", 5),
        "bank_withdrawals": movement("debit", 5),
        "journal_entries": {"transaction_date": DAY, ACCOUNT_LINES: entry_of(5)},
        "stock_adjustments": {"date": DAY, "warehouse_name": "Pusat", "lines_attributes": lines},
    }
    made: dict[str, tuple[int, dict[str, Any]]] = {}
    for plural, body in bodies.items():
        made[plural] = ((await shop.make(plural, SINGULAR[plural], **body))["id"], body)
    free = await shop.sell()
    return made | {"sales_invoices": (free["id"], shop.invoice())}


CREDIT = {
    "person_name": "Pelanggan Tunai",
    "transaction_date": DAY,
    ACCOUNT_LINES: [{"account_name": "Sales Return", "debit": 9_000}],
}
SINGULAR = {
    "sales_returns": "sales_return",
    "receive_payments": "receive_payment",
    "credit_memos": "credit_memo",
    "bank_deposits": "bank_deposit",
    "bank_withdrawals": "bank_withdrawal",
    "journal_entries": "journal_entry",
    "stock_adjustments": "stock_adjustment",
    "sales_invoices": "sales_invoice",
}


async def test_books_closed_while_running_refuse_to_make_change_and_delete(shop: Shop) -> None:
    """No kind of document gets into, changes in or leaves closed books; the closing date itself is open."""
    made = await _closable(shop)
    before = await shop.balances()
    shop.sandbox.change_settings(last_closing_date=date(2026, 3, 10))
    for plural, (key, body) in made.items():
        wrapped = {SINGULAR[plural]: body}
        for method, path in (("POST", plural), ("PATCH", f"{plural}/{key}"), ("DELETE", f"{plural}/{key}")):
            reply = await shop.call(method, path, wrapped)
            assert (reply.status, set(reply.body)) == (422, {"transaction_date", "id", "error_full_messages"}), path
    assert await shop.balances() == before
    active = await shop.call("GET", "companies/active")
    assert active.body["company"]["last_closing_the_book_date"] == "10/03/2026"
    shop.sandbox.change_settings(last_closing_date=date(2026, 3, 9))
    key, body = made["bank_deposits"]
    assert (await shop.call("PATCH", f"bank_deposits/{key}", {"bank_deposit": body})).status == 200
    shop.sandbox.change_settings(closing_date_included=True, closed_books_status=403)
    assert (await shop.call("DELETE", f"bank_deposits/{key}")).status == 403


async def test_transfers_refunds_and_applications_are_refused_in_closed_books_too(shop: Shop) -> None:
    """The rest of the kinds: neither made nor deleted; an application is of today, so only books ahead refuse it."""
    memo = await shop.make("credit_memos", "credit_memo", **CREDIT)
    invoice, person = await shop.sell(), {"person_name": "Pelanggan Tunai"}
    goods = {"from_warehouse_name": "Pusat", "to_warehouse_name": "Cabang", "transaction_date": DAY}
    money = {"refund_from_name": "Cash", "deposit_to_name": "Bank BCA", "transaction_date": DAY}
    refund = {"refund_from_name": "Cash", "transaction_date": DAY}
    rows = [{"credit_memo_id": memo["id"], "refund_amount": 1}]
    record = [{"transaction_id": invoice["id"], "amount": 1}]
    moved = [{"product_name": "Kemeja", "quantity": 1}]
    bodies: dict[str, dict[str, Any]] = {
        "warehouse_transfers": goods | {"warehouse_transfer_lines_attributes": moved},
        "bank_transfers": money | {"transfer_amount": 1},
        "customer_credit_memo_refund": person | refund | {"credit_memo_refund_lines_attributes": rows},
        "customer_apply_credit_memo": person | {"selected_credit_memo_id": memo["id"], "records_attributes": record},
    }
    made = {}
    for place, (plural, body) in enumerate(bodies.items()):
        body["transaction_no"] = f"N-{place}"
        made[plural] = (await shop.make(plural, plural.removesuffix("s"), **body))["id"]
        body["transaction_no"] = f"M-{place}"
    before = await shop.balances()
    shop.sandbox.change_settings(last_closing_date=date(2026, 3, 11))
    for plural, body in bodies.items():
        for method, path in (("POST", plural), ("DELETE", f"{plural}/{made[plural]}")):
            reply = await shop.call(method, path, {plural.removesuffix("s"): body})
            assert (reply.status, "transaction_date" in reply.body) == (422, True), path
    assert await shop.balances() == before


@pytest.mark.parametrize(("before", "after"), [("2026-03-10", DAY), (DAY, "2026-03-10")])
async def test_a_document_is_moved_neither_into_nor_out_of_closed_books(shop: Shop, before: str, after: str) -> None:
    """The date before and the date after a change must both be open."""
    deposit = await shop.make("bank_deposits", "bank_deposit", **movement("credit", 5, transaction_date=before))
    invoice = await shop.sell(transaction_date=before)
    shop.sandbox.change_settings(last_closing_date=date(2026, 3, 10))
    body = {"bank_deposit": movement("credit", 5, transaction_date=after)}
    assert (await shop.call("PATCH", f"bank_deposits/{deposit['id']}", body)).status == 422
    fields = {"sales_invoice": shop.invoice(transaction_date=after)}
    assert (await shop.call("PATCH", f"sales_invoices/{invoice['id']}", fields)).status == 422


async def test_a_plan_without_inventory_has_no_warehouses_and_tracks_nothing() -> None:
    """Warehouses, transfers and adjustments answer 403, a tracked product is made untracked without a word."""
    async with opened(settings(plan_with_inventory=False)) as shop:
        for plural in ("warehouses", "warehouse_transfers", "stock_adjustments"):
            reply = await shop.call("GET", plural)
            assert (reply.status, reply.body) == (403, {"message": "Not allowed to access"})
        product = await shop.make("products", "product", name="Kemeja", unit_name="Pcs", track_inventory="true")
        active = await shop.call("GET", "companies/active")
    assert product["track_inventory"] is False
    assert active.body["feature"]["warehouse"] is False


@pytest.mark.parametrize(("age_seconds", "status"), [(0, 201), (1.9, 201), (2, 409)])
async def test_a_key_is_not_seen_until_its_record_is_as_old_as_the_race(age_seconds: float, status: int) -> None:
    """Two posts closer together than the window make two documents, as read-then-insert does."""
    async with opened(settings(key_race_seconds=2)) as shop:
        await shop.stock_up()
        shop.clock.at += timedelta(seconds=10)
        await shop.sell(custom_id="inv-1", transaction_no="N-1")
        shop.clock.at += timedelta(seconds=age_seconds)
        fields = shop.invoice(custom_id="inv-1", transaction_no="N-1")
        reply = await shop.call("POST", "sales_invoices", {"sales_invoice": fields})
        assert reply.status == status
        assert shop.sandbox.duplicates({"sales_invoice": ["inv-1"]}) == {"sales_invoice": int(status == 201)}
        assert shop.sandbox.injected[FaultKind.KEY_RACE] == (2 if status == 201 else 0)


async def test_no_key_is_ever_seen_when_the_race_never_ends(shop: Shop) -> None:
    """The switch for a company whose checks cannot be relied on at all, and back."""
    shop.sandbox.change_settings(key_race_seconds=float("inf"))
    for _ in range(2):
        await shop.sell(custom_id="inv-1")
    shop.sandbox.change_settings(key_race_seconds=0)
    fields = {"sales_invoice": shop.invoice(custom_id="inv-1")}
    assert (await shop.call("POST", "sales_invoices", fields)).status == 409


@pytest.mark.parametrize(("checked", "statuses"), [("documented", [201, 409]), ("none", [201, 201])])
async def test_a_batch_may_check_no_keys_at_all(checked: Any, statuses: list[int]) -> None:
    """As documented, bank deposits of a batch refuse a used key row by row; the switch makes both."""
    async with opened(settings(batch_keys_checked=checked)) as shop:
        await shop.stock_up()
        rows = [{"bank_deposit": movement("credit", 5, custom_id="bd", transaction_no="BD")} for _ in range(2)]
        reply = await shop.call("POST", "bank_deposits/batch_create", {"bank_deposits": rows})
        assert [row["bank_deposit"]["status"] for row in reply.body["bank_deposits"]] == statuses
