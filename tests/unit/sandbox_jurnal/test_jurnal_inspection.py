"""What the sandbox counts for tests and the demo."""

from tests.unit.sandbox_jurnal.shop import Shop


async def test_documents_are_counted_by_type(shop: Shop) -> None:
    """Live records count; deleted ones do not."""
    await shop.sell(custom_id="a", deposit=1, deposit_to_name="Cash")
    await shop.sell(custom_id="b")
    await shop.call("DELETE", "sales_invoices/b")
    counted = shop.sandbox.documents()
    assert (counted["sales_invoice"], counted["deposit_payment"], counted["customer"]) == (1, 1, 1)


async def test_a_reference_in_any_field_of_two_documents_is_a_duplicate(shop: Shop) -> None:
    """Memo, reference, number and custom_id count; a reference inside a longer word does not."""
    await shop.sell(reference_no="ORD-1")
    await shop.sell(memo="pesanan ORD-1, toko A")
    await shop.sell(custom_id="ORD-12")
    await shop.sell(transaction_no="ORD-2")
    found = shop.sandbox.duplicates({"sales_invoice": ["ORD-1", "ORD-2", "ORD-3"], "bank_deposit": ["ORD-1"]})
    assert found == {"sales_invoice": 1, "bank_deposit": 0}
