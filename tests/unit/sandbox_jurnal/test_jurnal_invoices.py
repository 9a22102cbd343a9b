"""Sales invoices: arithmetic, status, keys, deposits, changes and deletes."""

import asyncio
from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from ops.sandbox.jurnal.invoice_arithmetic import Conditions, PricedLine, added_up
from tests.unit.sandbox_jurnal.shop import Shop, opened, settings

MILLION = 1_000_000


def priced(quantity: object, rate: object, discount: object = 0, tax: object = 0) -> PricedLine:
    """Return a line of exact numbers."""
    numbers = (Fraction(str(value)) for value in (quantity, rate, discount, tax))
    return PricedLine(**dict(zip(("quantity", "rate", "discount", "tax_rate"), numbers, strict=True)))


async def test_an_invoice_with_every_discount_adds_up_as_jurnal_does(shop: Shop) -> None:
    """Line discount, header discount, tax, withholding, shipping and deposit give Jurnal's own figures."""
    line = {"product_name": "Jasa", "quantity": 1, "rate": "12000000", "discount": 10, "line_tax_name": "PPN10"}
    await shop.make("taxes", "tax", name="PPN10", rate=10)
    invoice = await shop.sell(
        transaction_lines_attributes=[line],
        discount_unit=10,
        discount_type_name="percent",
        witholding_account_name="Prepaid expenses",
        witholding_value=10,
        witholding_type="percent",
        is_shipped=True,
        shipping_price=10_000,
        deposit=30_000,
        deposit_to_name="Cash",
    )
    wanted = {
        "subtotal": "12000000.0",
        "discount_per_lines": "1200000.0",
        "discount_price": "1080000.0",
        "tax_amount": "972000.0",
        "original_amount": "10702000.0",
        "witholding_amount": 972_000,
        "deposit": "30000.0",
        "amount_receive": "30000.0",
        "payment_received_amount": "0.0",
        "remaining": "9700000.0",
        "original_amount_currency_format": "Rp.  10.702.000,00",
    }
    assert {key: invoice[key] for key in wanted} == wanted
    assert invoice["transaction_lines_attributes"][0]["amount"] == "10800000.0"
    assert invoice["tax_details"][0]["name"] == "PPN10 10.0%"
    assert await shop.balances() == {
        "Cash": "30000",
        "Accounts Receivable": "9700000",
        "Prepaid expenses": "972000",
        "Sales Discount": "2280000",
        "Service Revenue": "-12000000",
        "VAT Out": "-972000",
        "Other Income": "-10000",
    }


def test_a_header_discount_of_a_value_is_spread_before_tax() -> None:
    """With tax_after_discount the discount lowers each line's tax base in proportion."""
    lines = [priced(1, 100_000, tax=11), priced(1, 50_000)]
    amounts = added_up(lines, Conditions(discount_type="Value", discount_unit=Fraction(15_000)))
    assert amounts.tax_amount == Fraction(9_900)
    assert amounts.original_amount == Fraction(144_900)


def test_a_header_discount_after_tax_leaves_tax_alone() -> None:
    """With tax_after_discount=false tax is taken on the net before the header discount."""
    conditions = Conditions(discount_type="Value", discount_unit=Fraction(15_000), tax_after_discount=False)
    amounts = added_up([priced(1, 100_000, tax=11), priced(1, 50_000)], conditions)
    assert amounts.tax_amount == Fraction(11_000)
    assert amounts.original_amount == Fraction(146_000)


def test_prices_with_tax_inside_are_taken_apart() -> None:
    """use_tax_inclusive leaves the total at quantity times rate and finds the tax inside it."""
    amounts = added_up([priced(2, 55_500, tax=11)], Conditions(tax_inclusive=True))
    assert [amounts.subtotal, amounts.tax_amount, amounts.original_amount] == [100_000, 11_000, 111_000]


def test_tax_is_exact_unless_decimals_are_set() -> None:
    """11 % of 12,345 stays 1,357.95; with no decimals it is 1,358."""
    line = priced(1, 12_345, tax=11)
    assert added_up([line], Conditions()).tax_amount == Fraction("1357.95")
    assert added_up([line], Conditions(tax_decimals=0)).tax_amount == 1_358


async def test_a_fractional_tax_shows_its_decimals_and_can_be_paid_exactly(shop: Shop) -> None:
    """Amounts keep their decimals and a payment of the same decimals settles them."""
    line = {"product_name": "Jasa", "quantity": "1.5", "rate": 8_230, "line_tax_name": "PPN"}
    invoice = await shop.sell(
        transaction_lines_attributes=[line], deposit="13702.95", deposit_to_name="Cash", custom_id="pecahan"
    )
    assert (invoice["tax_amount"], invoice["original_amount"]) == ("1357.95", "13702.95")
    assert invoice["transaction_lines_attributes"][0]["quantity"] == 1.5
    assert invoice["transaction_status"]["name"] == "Paid"


async def test_a_discount_above_the_lines_is_refused(shop: Shop) -> None:
    """A value larger than the net of the lines answers 422 and leaves nothing behind."""
    fields = shop.invoice(discount_type_name="Value", discount_unit=100_001)
    reply = await shop.call("POST", "sales_invoices", {"sales_invoice": fields})
    assert reply.status == 422
    assert reply.body["error_full_messages"] == ["Discount cannot exceed the total item amount"]
    assert len(shop.sandbox.company.sales_invoices) == 0


@pytest.mark.parametrize(
    ("deposit", "due_date", "status"),
    [
        (0, "2026-03-10", "Open"),
        (1, "2026-03-10", "Partial"),
        (0, "2026-03-09", "Overdue"),
        (1, "2026-03-09", "Overdue"),
        (100_000, "2026-03-09", "Paid"),
    ],
)
async def test_the_status_follows_what_remains_and_the_due_date(
    shop: Shop, deposit: int, due_date: str, status: str
) -> None:
    """Nothing left is Paid, past due is Overdue even when partly paid, else Partial or Open; today is not past."""
    invoice = await shop.sell(deposit=deposit, deposit_to_name="Cash", due_date=due_date)
    assert invoice["transaction_status"]["name"] == status


async def test_an_open_invoice_becomes_overdue_when_jakarta_wakes_past_its_due_date(shop: Shop) -> None:
    """Overdue is worked out at read, on the date of the company's time zone."""
    invoice = await shop.sell(due_date="2026-03-10")
    shop.clock.advance(hours=13, minutes=59)
    before = (await shop.show("sales_invoices", invoice["id"]))["transaction_status"]["name"]
    shop.clock.advance(minutes=1)
    after = (await shop.show("sales_invoices", invoice["id"]))["transaction_status"]["name"]
    assert (before, after) == ("Open", "Overdue")


async def test_a_due_date_may_come_from_the_term(shop: Shop) -> None:
    """A known term stands for the due date; an unknown one shows as Custom and needs a due date."""
    by_term = await shop.sell(due_date=None, term_name="Net 30")
    custom = await shop.sell(term_name="Net 77")
    fields = shop.invoice(due_date=None, term_name="Net 77")
    refused = await shop.call("POST", "sales_invoices", {"sales_invoice": fields})
    assert (by_term["due_date"], by_term["term"]["name"]) == ("08/04/2026", "Net 30")
    assert custom["term"]["name"] == "Custom"
    assert (refused.status, refused.body["due_date"]) == (422, "can't be blank")


async def test_a_deposit_becomes_a_payment_without_a_method(shop: Shop) -> None:
    """Jurnal makes the payment itself; it counts as deposit and not as payment received."""
    invoice = await shop.sell(deposit=100_000, deposit_to_name="Bank BCA")
    payment = await shop.show("receive_payments", invoice["payments"][0]["id"])
    assert payment["payment_method"] == {"id": None, "name": None}
    assert (payment["custom_id"], payment["total"]) == (None, 100_000)
    assert invoice["payment_received_amount"] == "0.0"
    assert shop.sandbox.documents()["deposit_payment"] == 1
    assert "receive_payment" not in shop.sandbox.documents()


async def test_a_deposit_goes_to_cash_and_bank_only(shop: Shop) -> None:
    """Another account, or none, answers 422 with Jurnal's words."""
    for name in ("Inventory", "Tidak Ada", None):
        fields = shop.invoice(deposit=5, deposit_to_name=name)
        reply = await shop.call("POST", "sales_invoices", {"sales_invoice": fields})
        assert (reply.status, reply.body["error_full_messages"]) == (422, ["deposit account not exist"])


@pytest.mark.parametrize(("allowed", "status"), [(False, 422), (True, 201)])
async def test_a_deposit_above_the_total_passes_or_not_as_set(*, allowed: bool, status: int) -> None:
    """One rupiah too much answers 422 unless the company allows over-payment; then nothing remains."""
    async with opened(settings(overpayment_allowed=allowed)) as shop:
        await shop.stock_up()
        fields = shop.invoice(deposit=100_001, deposit_to_name="Cash")
        reply = await shop.call("POST", "sales_invoices", {"sales_invoice": fields})
    assert reply.status == status
    assert reply.body.get("sales_invoice", {}).get("remaining", "0.0") == "0.0"


async def test_an_account_is_named_by_id_or_name_and_both_must_agree(shop: Shop) -> None:
    """An id alone is enough; a name that belongs to another account answers 422, a name in place of an id too."""
    cash = shop.sandbox.company.chart["Cash"].id
    assert (await shop.sell(deposit=1, deposit_to_id=cash))["deposit_to"]["name"] == "Cash"
    for keys in ({"deposit_to_id": cash, "deposit_to_name": "Bank BCA"}, {"deposit_to_id": "Cash"}):
        fields = shop.invoice(deposit=1, **keys)
        assert (await shop.call("POST", "sales_invoices", {"sales_invoice": fields})).status == 422


async def test_used_keys_answer_409_with_the_id_of_the_existing_invoice(shop: Shop) -> None:
    """A used custom_id and a used number answer together, with the documented words."""
    first = await shop.sell(custom_id="inv-a", transaction_no="INV/1")
    fields = shop.invoice(custom_id="inv-a", transaction_no="INV/1")
    reply = await shop.call("POST", "sales_invoices", {"sales_invoice": fields})
    assert reply.status == 409
    assert reply.body == {
        "custom_id": "(Custom id attribute had already been used.)",
        "transaction_no": "(Transaction number had already been used)",
        "id": first["id"],
        "error_full_messages": [
            "Custom (Custom id attribute had already been used.)",
            "Transaction no (Transaction number had already been used)",
        ],
    }


async def test_two_posts_of_one_custom_id_at_once_make_one_invoice(shop: Shop) -> None:
    """The check and the insert are one step here."""
    body = {"sales_invoice": shop.invoice(custom_id="inv-a")}
    replies = await asyncio.gather(*(shop.call("POST", "sales_invoices", body) for _ in range(5)))
    assert sorted(reply.status for reply in replies) == [201, 409, 409, 409, 409]
    assert len(shop.sandbox.company.sales_invoices) == 1


async def test_a_batch_checks_numbers_and_not_custom_ids(shop: Shop) -> None:
    """A repeated custom_id passes in a batch, a repeated number is refused in its row, and HTTP says 201."""
    rows = [
        shop.invoice(custom_id="inv-a", transaction_no="B-1"),
        shop.invoice(custom_id="inv-a", transaction_no="B-2"),
        shop.invoice(transaction_no="B-1"),
        shop.invoice(person_name="Siapa"),
    ]
    body = {"sales_invoices": [{"sales_invoice": row} for row in rows]}
    reply = await shop.call("POST", "sales_invoices/batch_create", body)
    answers = [row["sales_invoice"] for row in reply.body["sales_invoices"]]
    assert reply.status == 201
    assert [row["status"] for row in answers] == [201, 201, 409, 422]
    assert answers[2]["content"] == {"transaction_no": ["(Transaction number had already been used)"]}
    assert answers[2]["body"]["sales_invoice"]["source"] == "apikey"
    assert answers[3]["content"] == {"person_name": ["person not exist"]}
    assert shop.sandbox.duplicates({"sales_invoice": ["inv-a"]}) == {"sales_invoice": 1}


async def test_unknown_names_are_refused(shop: Shop) -> None:
    """A contact, product or tax that is not there answers 422 and is not made."""
    cases: list[tuple[dict[str, Any], str]] = [
        ({"person_name": "Siapa"}, "person not exist"),
        (
            {"transaction_lines_attributes": [{"product_name": "Hantu"}]},
            "Product in transaction lines attributes on row 1 not available",
        ),
        ({"transaction_lines_attributes": [{"product_name": "Jasa", "line_tax_name": "XX"}]}, "XX not exist"),
        ({"warehouse_name": "Bulan"}, "Warehouse not exist"),
    ]
    for changes, message in cases:
        reply = await shop.call("POST", "sales_invoices", {"sales_invoice": shop.invoice(**changes)})
        assert (reply.status, reply.body["error_full_messages"]) == (422, [message])


async def test_lines_find_their_product_by_id_custom_id_name_or_code(shop: Shop) -> None:
    """Any one of the four names a product; an id wins over a name, and name and code must agree."""
    product = await shop.make(
        "products", "product", name="Topi", product_code="TP", unit_name="Pcs", custom_id="p-topi"
    )
    for key in (
        {"product_id": product["id"], "product_name": "Jasa"},
        {"product_custom_id": "p-topi"},
        {"product_code": "TP"},
    ):
        invoice = await shop.sell(transaction_lines_attributes=[{**key, "quantity": 1, "rate": 1}])
        assert invoice["transaction_lines_attributes"][0]["product"]["name"] == "Topi"
    line = {"product_name": "Jasa", "product_code": "TP"}
    fields = shop.invoice(transaction_lines_attributes=[line])
    assert (await shop.call("POST", "sales_invoices", {"sales_invoice": fields})).status == 422


async def test_an_invoice_is_found_by_id_and_by_custom_id(shop: Shop) -> None:
    """Both stand in the path; what is missing answers as set."""
    invoice = await shop.sell(custom_id="inv-a")
    assert await shop.show("sales_invoices", "inv-a") == await shop.show("sales_invoices", invoice["id"])
    missing = await shop.call("GET", "sales_invoices/inv-b")
    assert (missing.status, missing.body) == (422, {"errors": "Data not found."})


async def test_a_missing_record_answers_404_when_so_set() -> None:
    """missing_answer=404 changes status and text."""
    async with opened(settings(missing_answer=404)) as shop:
        missing = await shop.call("GET", "sales_invoices/inv-b")
    assert (missing.status, missing.body) == (404, {"errors": "Record not found"})


async def test_invoices_are_listed_newest_first_with_links_to_neighbours(shop: Shop) -> None:
    """sort_key=created_at pages through all invoices; an unknown sort_key answers 422."""
    made = [(await shop.sell())["id"] for _ in range(5)]
    query = {"page": "2", "page_size": "2", "sort_key": "created_at", "sort_order": "desc"}
    reply = await shop.call("GET", "sales_invoices", query=query)
    assert [row["id"] for row in reply.body["sales_invoices"]] == [made[2], made[1]]
    assert (reply.body["total_count"], reply.body["current_page"], reply.body["total_pages"]) == (5, 2, 3)
    assert set(reply.body["links"]) == {"prev_link", "next_link"}
    refused = await shop.call("GET", "sales_invoices", query={"sort_key": "transaction_no"})
    assert refused.status == 422


async def test_a_deleted_invoice_leaves_no_trace_in_books_and_stock(shop: Shop) -> None:
    """Its deposit's payment goes with it and its custom_id is free again."""
    line = {"product_name": "Kemeja", "quantity": 1, "rate": 90_000}
    invoice = await shop.sell(
        transaction_lines_attributes=[line],
        deposit=10,
        deposit_to_name="Cash",
        custom_id="inv-a",
        warehouse_name="Pusat",
    )
    assert (await shop.call("DELETE", "sales_invoices/inv-a")).status == 204
    assert await shop.balances() == {}
    assert (await shop.call("GET", f"receive_payments/{invoice['payments'][0]['id']}")).status == 422
    assert (await shop.show("products", invoice["transaction_lines_attributes"][0]["product"]["id"]))["quantity"] == "0"
    assert (await shop.sell(custom_id="inv-a"))["id"] != invoice["id"]


async def test_an_invoice_with_a_separate_payment_is_not_deleted(shop: Shop) -> None:
    """The guard answers 422 and deletable says so; without the payment it can go."""
    invoice = await shop.sell(custom_id="inv-a")
    payment = await shop.make(
        "receive_payments",
        "receive_payment",
        transaction_date="2026-03-10",
        records_attributes=[{"transaction_id": invoice["id"], "amount": 1}],
        payment_method_name="Cash",
        deposit_to_name="Cash",
    )
    assert (await shop.show("sales_invoices", "inv-a"))["deletable"] is False
    assert (await shop.call("DELETE", "sales_invoices/inv-a")).status == 422
    assert (await shop.call("DELETE", f"receive_payments/{payment['id']}")).status == 204
    assert (await shop.call("DELETE", "sales_invoices/inv-a")).status == 204


async def test_a_change_replaces_the_invoice_and_keeps_the_deposits_payment(shop: Shop) -> None:
    """PATCH needs the lines, posts the new figures in place of the old, and restates the deposit."""
    invoice = await shop.sell(custom_id="inv-a", deposit=10, deposit_to_name="Cash", memo="lama")
    line = {"product_name": "Jasa", "quantity": 2, "rate": 70_000}
    fields = shop.invoice(transaction_lines_attributes=[line], deposit=20, deposit_to_name="Cash")
    reply = await shop.call("PATCH", "sales_invoices/inv-a", {"sales_invoice": fields})
    changed = reply.body["sales_invoice"]
    assert (changed["original_amount"], changed["remaining"], changed["memo"]) == ("140000.0", "139980.0", "lama")
    assert changed["payments"] == invoice["payments"]
    assert await shop.balances() == {"Cash": "20", "Accounts Receivable": "139980", "Service Revenue": "-140000"}
    refused = await shop.call("PATCH", "sales_invoices/inv-a", {"sales_invoice": {"memo": "baru"}})
    assert refused.status == 422


async def test_closed_books_refuse_an_earlier_date() -> None:
    """A transaction_date before the last closing answers 422 under that key."""
    async with opened(settings(last_closing_date=date(2026, 3, 9))) as shop:
        await shop.stock_up()
        day_before = shop.invoice(transaction_date="2026-03-08")
        refused = await shop.call("POST", "sales_invoices", {"sales_invoice": day_before})
        accepted = await shop.sell(transaction_date="09/03/2026")
    assert (refused.status, "transaction_date" in refused.body) == (422, True)
    assert accepted["transaction_date"] == "09/03/2026"


@pytest.mark.parametrize(("switch", "status"), [("accepted", 201), ("refused", 422)])
async def test_a_line_of_price_zero_passes_or_not_as_set(switch: Any, status: int) -> None:
    """The documentation is silent about zero prices, so both are played."""
    async with opened(settings(zero_price_lines=switch)) as shop:
        await shop.stock_up()
        line = {"product_name": "Jasa", "quantity": 1, "rate": 0}
        fields = shop.invoice(transaction_lines_attributes=[line])
        reply = await shop.call("POST", "sales_invoices", {"sales_invoice": fields})
    assert reply.status == status
