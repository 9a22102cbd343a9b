"""Every kind of product that an order may hold: its lines on the invoice, and which stock leaves beside it."""

from typing import Any

import pytest

from eventstore.facts.settings import SalesRulesSet
from projections.jurnal_commands.commands import AdjustStock, BookInvoice
from tests.story import Story, line
from tests.unit.projections.shop_settings import shop, told
from tests.unit.projections.transfer_reports import changes

RULES = SalesRulesSet(cost_account="Cost of Sales")
BEANS_AND_MILK = [{"sku": "BEAN", "quantity": 3}, {"sku": "MILK", "quantity": "0.5"}]
CHOSEN = [{"sku": "COFFEE", "quantity": 1}, {"sku": "CAKE", "quantity": 1}]
EXTRA: dict[str, Any] = {
    "product_modifier_id": "m1",
    "product_modifier_name": "Extra",
    "parent_order_detail_id": "d1",
    "order_detail_id": "d2",
}


def latte(sku: str = "LATTE", **fields: object) -> dict[str, Any]:
    """Return a line of two at Rp 10,000."""
    return line(sku, 2, 10_000, order_detail_id="d1", product_id="p1", **fields)


# The order's lines; what each is on the invoice, as quantity, product and rate; the parts that leave the stock.
KINDS: dict[str, tuple[list[dict[str, Any]], list[str], dict[str, int]]] = {
    "standard": ([latte(product_type="standard")], ["2 LATTE 10000"], {}),
    "variant": (
        [latte("LATTE-L", product_type="variant", product_variant_id="v1", product_variant_name="Large")],
        ["2 LATTE-L 10000"],
        {},
    ),
    "two variants of one product": (
        [
            latte("LATTE-L", product_type="variant"),
            {**latte("LATTE-S", product_type="variant"), "order_detail_id": "d2"},
        ],
        ["2 LATTE-L 10000", "2 LATTE-S 10000"],
        {},
    ),
    "composite": (
        [latte(product_type="composite", product_composites=BEANS_AND_MILK)],
        ["2 LATTE 10000"],
        {"BEAN": -6, "MILK": -1},
    ),
    "composite_variant": (
        [latte("LATTE-L", product_type="composite_variant", product_composites=BEANS_AND_MILK)],
        ["2 LATTE-L 10000"],
        {"BEAN": -6, "MILK": -1},
    ),
    "comboset": (
        [latte("LUNCH", product_type="comboset", product_combos=CHOSEN)],
        ["2 LUNCH 10000"],
        {"COFFEE": -2, "CAKE": -2},
    ),
    "a modifier that is a product": (
        [latte(), {**line("SHOT", 2, 5_000), **EXTRA}],
        ["2 LATTE 10000", "2 SHOT 5000"],
        {},
    ),
    "a modifier that stands for a product": (
        [latte(), {**line("", 2, 5_000), **EXTRA, "modifier_product_sku": "SHOT", "modifier_product_quantity": 2}],
        ["2 LATTE 10000", "4 SHOT 2500"],
        {},
    ),
    "a modifier made of parts": (
        [latte(), {**line("MIX", 2, 1_000), **EXTRA, "modifier_product_composites": [{"sku": "SUGAR", "quantity": 5}]}],
        ["2 LATTE 10000", "2 MIX 1000"],
        {"SUGAR": -10},
    ),
    "a modifier that is no product": ([latte(), {**line("", 2, 1_000), **EXTRA}], ["2 LATTE 11000"], {}),
    "a modifier for nothing": ([latte(), {**line("", 2, 0), **EXTRA}], ["2 LATTE 10000"], {}),
    "weighed": ([latte("BEEF", weight_quantity="0.25")], ["0.25 BEEF 10000"], {}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_product_is_invoiced_and_its_parts_leave_the_stock(kind: str) -> None:
    """The invoice is iSeller's total; parts go by one adjustment of the same warehouse and day, against their cost."""
    lines, invoiced, parts = KINDS[kind]
    story = shop(RULES)
    total = 2_500 if kind == "weighed" else sum(each["quantity"] * each["base_price"] for each in lines)
    for _ in range(2):
        story.order(order_details=lines, total_order_amount=total, total_amount=total)
    invoice = story.the(BookInvoice)
    found = [f"{each.quantity.normalize():f} {each.product_code} {each.rate.normalize():f}" for each in invoice.lines]
    assert (int(invoice.total), found) == (total, invoiced)
    assert changes(story) == ([("Main Warehouse", "Cost of Sales", parts)] if parts else [])
    if parts:
        assert story.the(AdjustStock).transaction_date == invoice.transaction_date


def test_of_a_product_whose_parts_cannot_be_told_nothing_is_sent() -> None:
    """Half of a sale is never booked: a part without its SKU is named, and goes once iSeller tells it."""
    broken = latte(product_type="composite", product_composites=[{"sku": "", "quantity": 1}])
    story: Story = shop()
    told(story, RULES)
    story.order(order_details=[broken])
    assert (story.commands, story.records["sale-order-1"].reason) == ([], "A part of LATTE has no SKU")
    story.order(order_details=[latte(product_type="composite", product_composites=BEANS_AND_MILK)])
    assert len(story.commands) == 2
