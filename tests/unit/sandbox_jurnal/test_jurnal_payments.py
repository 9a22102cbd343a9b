"""Receive payments: settling invoices, methods, refusals and deletes."""

from typing import Any

from tests.unit.sandbox_jurnal.shop import Reply, Shop


async def pay(shop: Shop, amount: object, **changes: object) -> Reply:
    """Post a payment for invoice INV-1."""
    fields: dict[str, object] = {
        "transaction_date": "2026-03-10",
        "records_attributes": [{"transaction_no": "INV-1", "amount": amount}],
        "payment_method_name": "Cash",
        "deposit_to_name": "Bank BCA",
    }
    return await shop.call("POST", "receive_payments", {"receive_payment": fields | changes})


async def test_a_payment_settles_an_invoice(shop: Shop) -> None:
    """Part of the amount makes it Partial, the rest makes it Paid, and the bank holds the money."""
    await shop.sell(transaction_no="INV-1", custom_id="inv-a")
    first = await pay(shop, 40_000)
    partial = await shop.show("sales_invoices", "inv-a")
    await pay(shop, 60_000)
    paid = await shop.show("sales_invoices", "inv-a")
    assert first.status == 201
    assert first.body["receive_payment"]["records"][0]["transaction_balance_due"] == 60_000
    assert (partial["transaction_status"]["name"], partial["remaining"]) == ("Partial", "60000.0")
    assert (paid["transaction_status"]["name"], paid["payment_received_amount"]) == ("Paid", "100000.0")
    assert await shop.balances() == {"Bank BCA": "100000", "Service Revenue": "-100000"}
    listed = await shop.call("GET", f"sales_invoices/{paid['id']}/receive_payments")
    assert [row["total"] for row in listed.body["receive_payments"]] == [40_000, 60_000]


async def test_more_than_remains_is_refused(shop: Shop) -> None:
    """One rupiah too much answers 422 under amount_receive, also when split over two records."""
    await shop.sell(transaction_no="INV-1")
    over = await pay(shop, 100_001)
    record = {"transaction_no": "INV-1", "amount": 50_001}
    split = await pay(shop, 0, records_attributes=[record, record])
    for reply in (over, split):
        assert reply.status == 422
        assert reply.body["amount_receive"] == "(Value received cannot be greater than remaining balance.)"
    assert shop.sandbox.documents().get("receive_payment") is None


async def test_an_unknown_method_name_is_made_and_none_is_refused(shop: Shop) -> None:
    """A name nobody used becomes a payment method; neither name nor id answers 422."""
    await shop.sell(transaction_no="INV-1")
    made = await pay(shop, 1, payment_method_name="QRIS")
    none = await pay(shop, 1, payment_method_name=None)
    assert made.body["receive_payment"]["payment_method"]["name"] == "QRIS"
    assert none.status == 422
    assert none.body["error_full_messages"] == ["Payment method must be sent", "Payment method name must be sent"]


async def test_a_used_custom_id_answers_409_alone_and_in_a_batch(shop: Shop) -> None:
    """Unlike invoices, a batch of payments checks custom_id."""
    await shop.sell(transaction_no="INV-1")
    first = await pay(shop, 1, custom_id="pay-a")
    second = await pay(shop, 1, custom_id="pay-a")
    fields: dict[str, Any] = {
        "transaction_date": "2026-03-10",
        "records_attributes": [{"transaction_no": "INV-1", "amount": 1}],
        "payment_method_name": "Cash",
        "deposit_to_name": "Cash",
        "custom_id": "pay-a",
    }
    unknown = fields | {"custom_id": "pay-b", "records_attributes": [{"transaction_no": "INV-9", "amount": 1}]}
    body = {"receive_payments": [{"receive_payment": fields}, {"receive_payment": unknown}]}
    batch = await shop.call("POST", "receive_payments/batch_create", body)
    rows = [row["receive_payment"] for row in batch.body["receive_payments"]]
    assert (second.status, second.body["id"]) == (409, first.body["receive_payment"]["id"])
    assert (batch.status, [row["status"] for row in rows]) == (200, [409, 422])
    assert rows[0]["content"] == {"custom_id": ["has already been taken"]}
    assert rows[1]["content"] == {"transaction_no": ["Invoice not exist"]}


async def test_what_is_withheld_stays_off_the_bank(shop: Shop) -> None:
    """Withholding of 5 % settles the invoice in full and goes to its own account."""
    await shop.sell(transaction_no="INV-1")
    reply = await pay(
        shop, 100_000, witholding_account_name="Prepaid expenses", witholding_value=5, witholding_type="percent"
    )
    assert reply.body["receive_payment"]["total"] == 95_000
    assert await shop.balances() == {"Bank BCA": "95000", "Prepaid expenses": "5000", "Service Revenue": "-100000"}


async def test_a_deleted_payment_is_owed_again(shop: Shop) -> None:
    """Its invoice goes back to Open and the bank is empty."""
    await shop.sell(transaction_no="INV-1", custom_id="inv-a")
    await pay(shop, 100_000, custom_id="pay-a")
    assert (await shop.call("DELETE", "receive_payments/pay-a")).status == 204
    invoice = await shop.show("sales_invoices", "inv-a")
    assert (invoice["transaction_status"]["name"], invoice["payments"]) == ("Open", [])
    assert await shop.balances() == {"Accounts Receivable": "100000", "Service Revenue": "-100000"}


async def test_a_deposits_own_payment_goes_with_its_invoice_only(shop: Shop) -> None:
    """Deleting it by itself answers 422."""
    invoice = await shop.sell(deposit=5, deposit_to_name="Cash")
    assert (await shop.call("DELETE", f"receive_payments/{invoice['payments'][0]['id']}")).status == 422


async def test_payments_are_listed_by_invoice(shop: Shop) -> None:
    """invoice_id narrows the list."""
    invoice = await shop.sell(transaction_no="INV-1")
    other = await shop.sell(deposit=5, deposit_to_name="Cash")
    await pay(shop, 1)
    reply = await shop.call("GET", "receive_payments", query={"invoice_id": str(invoice["id"])})
    assert [row["records"][0]["transaction_id"] for row in reply.body["receive_payments"]] == [invoice["id"]]
    everything = await shop.call("GET", "receive_payments")
    assert everything.body["total_count"] == 2
    assert other["id"] != invoice["id"]
