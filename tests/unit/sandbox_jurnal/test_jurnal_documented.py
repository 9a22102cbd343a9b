"""Every invoice that Jurnal documents, made again: the same sums and the same status.

The fixture holds the figures of all examples of the public specification, each once; quantities, rates, discounts and
taxes in, everything else compared.
"""

import json
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from ops.sandbox.jurnal.invoice_arithmetic import Conditions, PricedLine, added_up
from tests.unit.sandbox_jurnal.shop import Clock, Shop, opened, settings

DOCUMENTED = json.loads(
    (Path(__file__).parents[2] / "fixtures" / "jurnal" / "documented_invoices.json").read_text(encoding="utf-8")
)
# Two examples have nothing on them; the interface refuses to make such an invoice today.
EMPTY = [wanted for wanted in DOCUMENTED if all(Fraction(line[0]) == 0 for line in wanted["lines"])]
MADE = [wanted for wanted in DOCUMENTED if wanted not in EMPTY]
COMPARED = (
    "subtotal",
    "discount_per_lines",
    "discount_price",
    "tax_amount",
    "shipping_price",
    "original_amount",
    "witholding_amount",
    "deposit",
    "amount_receive",
    "remaining",
)


async def _stocked(shop: Shop, wanted: Any) -> list[dict[str, object]]:
    """Make the taxes and products of an example's lines; return the lines to send."""
    await shop.make("customers", "customer", display_name="Pelanggan Tunai")
    for rate in sorted({line[3] for line in wanted["lines"]}):
        await shop.make("taxes", "tax", name=f"Pajak {rate}", rate=rate)
    for number, _ in enumerate(wanted["lines"]):
        await shop.make("products", "product", name=f"Barang {number}", product_code=f"B{number}", unit_name="Pcs")
    return [
        {
            "product_code": f"B{number}",
            "quantity": line[0],
            "rate": line[1],
            "discount": line[2],
            "line_tax_name": f"Pajak {line[3]}",
        }
        for number, line in enumerate(wanted["lines"])
    ]


async def _made_again(shop: Shop, wanted: Any) -> Any:
    """Send an example's invoice, pay and return what was paid and returned, and read it."""
    invoice = await shop.make(
        "sales_invoices",
        "sales_invoice",
        transaction_date=wanted["as_of"],
        due_date=wanted["due"],
        person_name="Pelanggan Tunai",
        is_shipped=True,
        shipping_price=wanted["shipping_price"],
        discount_type_name=wanted["discount"][0],
        discount_unit=wanted["discount"][1],
        witholding_account_name="Prepaid expenses",
        witholding_type=wanted["witholding"][0],
        witholding_value=wanted["witholding"][1],
        tax_after_discount=wanted["tax_after_discount"],
        deposit=wanted["deposit"],
        deposit_to_name="Cash",
        transaction_lines_attributes=await _stocked(shop, wanted),
    )
    paid = Fraction(wanted["amount_receive"]) - Fraction(wanted["deposit"])
    if paid:
        await shop.make(
            "receive_payments",
            "receive_payment",
            transaction_date=wanted["as_of"],
            records_attributes=[{"transaction_id": invoice["id"], "amount": float(paid)}],
            payment_method_name="Cash",
            deposit_to_name="Cash",
        )
    if wanted["returns"]:
        line = invoice["transaction_lines_attributes"][0]
        returned = {"transaction_line_id": line["id"], "return_quantity": wanted["lines"][0][0]}
        sent = {"transaction_date": wanted["as_of"], "invoice_id": invoice["id"]}
        await shop.make("sales_returns", "sales_return", **sent, transaction_return_lines_attributes=[returned])
    return await shop.show("sales_invoices", invoice["id"])


@pytest.mark.parametrize("wanted", MADE, ids=[str(place) for place, _ in enumerate(MADE)])
async def test_a_documented_invoice_has_its_documented_sums_and_status(wanted: Any) -> None:
    """Sums of lines and invoice, what remains, the status on the day of the example, and whether it can be edited."""
    noon = datetime.combine(date.fromisoformat(wanted["as_of"]), datetime.min.time(), UTC).replace(hour=5)
    async with opened(settings(overpayment_allowed=True), Clock(noon)) as shop:
        invoice = await _made_again(shop, wanted)
        assert shop.sandbox.exact_difference() == 0
    assert {key: Fraction(invoice[key]) for key in COMPARED} == {key: Fraction(wanted[key]) for key in COMPARED}
    shown = [Fraction(line["amount"]) for line in invoice["transaction_lines_attributes"]]
    assert shown == [Fraction(line[4]) for line in wanted["lines"]]
    assert invoice["transaction_status"]["name"] == wanted["status"]
    assert invoice["editable"] is wanted["editable"]


def test_a_documented_invoice_without_goods_adds_up_to_nothing() -> None:
    """A line of quantity 0, or no line at all, makes every sum 0, whatever the discount."""
    assert len(EMPTY) == 2
    for wanted in EMPTY:
        lines = [
            PricedLine(quantity=Fraction(line[0]), rate=Fraction(line[1]), discount=Fraction(line[2]))
            for line in wanted["lines"]
        ]
        amounts = added_up(lines, Conditions(discount_unit=Fraction(wanted["discount"][1])))
        assert amounts.due == amounts.original_amount == Fraction(wanted["original_amount"]) == 0


def test_the_examples_hold_every_status_and_a_return() -> None:
    """The fixture is the whole of what is documented: all four statuses, taxes, what is withheld, over-payment."""
    assert {wanted["status"] for wanted in DOCUMENTED} == {"Open", "Partial", "Paid", "Overdue"}
    assert sum(wanted["returns"] for wanted in DOCUMENTED) == 3
    assert any(Fraction(wanted["amount_receive"]) > Fraction(wanted["original_amount"]) for wanted in DOCUMENTED)
