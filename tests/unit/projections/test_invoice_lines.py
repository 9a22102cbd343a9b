"""What each kind of order line is in the invoice, and which stock leaves beside it."""

from decimal import Decimal
from typing import Any

import pytest

from projections.changes.waiting import SETTINGS_NEED
from tests.drawing import drawn, lines_of, parts_of, refused, ruled
from tests.story import line, taxed

D = Decimal
ADJUSTED = ruled(zero_prices="adjust_stock")


def part(sku: str, quantity: object, **fields: object) -> dict[str, Any]:
    """Return a part of a product."""
    return {"sku": sku, "quantity": quantity, **fields}


def modifier(sku: str | None, price: object, **fields: object) -> dict[str, Any]:
    """Return a modifier of the line d1."""
    return {
        **line(quantity=1, price=price),
        "sku": sku,
        "product_modifier_id": "m-1",
        "parent_order_detail_id": "d1",
        **fields,
    }


def host(**fields: object) -> dict[str, Any]:
    """Return the line d1, a latte of Rp 10,000."""
    return {**line(), "order_detail_id": "d1", "product_id": "p1", **fields}


def test_white_space_around_a_sku_does_not_count() -> None:
    """A variant's SKU with stray spaces is the product of that code."""
    assert lines_of(drawn(order_details=[line(" LATTE-L ", 2)])) == [("LATTE-L", "2", "10000", None)]


def test_each_line_remembers_the_order_line_it_stands_for() -> None:
    """Both halves of a split line name their order line; rounding names none."""
    invoice = drawn(
        order_details=[taxed(quantity=3, discount_amount=1_000, order_detail_id="d1", product_id="p1")],
        total_discount_amount=1_000,
        rounding_amount=10,
        total_amount="32200",
    )
    assert [(drawn_line.detail_id, drawn_line.product_id, drawn_line.tax) for drawn_line in invoice.lines] == [
        ("d1", "p1", D(11)),
        ("d1", "p1", D(11)),
        ("", "", D(0)),
    ]


@pytest.mark.parametrize("field", ["product_composites", "product_combos"])
def test_a_composite_is_a_line_and_its_parts_leave_the_stock_beside_it(field: str) -> None:
    """Two packages of 2 coffees and 0.25 kg of cake: the package is sold, its parts go by an adjustment."""
    parts = [part(" COFFEE ", 2), {"product_sku": "CAKE", "quantity": "0.25"}, part("SPOON", 0)]
    invoice = drawn(order_details=[host(quantity=2, **{field: parts})])
    assert lines_of(invoice) == [("LATTE", "2", "10000", None)]
    assert parts_of(invoice) == [("d1", "COFFEE", "4"), ("d1", "CAKE", "0.5")]


def test_a_part_that_is_a_line_of_its_own_does_not_leave_twice() -> None:
    """A combo whose chosen cake stands in the order under it: the cake leaves with its line, the coffee as a part."""
    cake = line("CAKE", 1, 0, parent_order_detail_id="d1", order_detail_id="d2")
    invoice = drawn(
        order_details=[host(product_combos=[part("COFFEE", 1), part("CAKE", 1)]), cake], total_amount=10_000
    )
    assert lines_of(invoice) == [("LATTE", "1", "10000", None), ("CAKE", "1", "0", None)]
    assert parts_of(invoice) == [("d1", "COFFEE", "1")]


@pytest.mark.parametrize(("broken", "word"), [(part(" ", 1), "SKU"), (part("CAKE", None), "quantity")])
def test_a_part_without_sku_or_quantity_is_refused_by_name(broken: dict[str, Any], word: str) -> None:
    """Stock that nobody can name would silently stay on the shelf."""
    reason = refused(order_details=[host(quantity=2, product_composites=[broken])]).reason
    assert reason == f"A part of LATTE has no {word}"


def test_parts_need_the_cost_account() -> None:
    """Without it the order waits for the settings, and says which one."""
    why = refused(rules=ruled(cost_account=None), order_details=[host(quantity=2, product_combos=[part("COFFEE", 1)])])
    assert "cost_account" in why.what_to_do
    assert why.needs == (SETTINGS_NEED,)


def test_a_modifier_with_a_sku_is_a_line_of_its_own() -> None:
    """Its price, its quantity; a price that is not told is 0."""
    invoice = drawn(order_details=[host(), modifier("SHOT", 5_000), modifier("CUP", None)], total_amount=15_000)
    assert lines_of(invoice) == [
        ("LATTE", "1", "10000", None),
        ("SHOT", "1", "5000", None),
        ("CUP", "1", "0", None),
    ]
    assert invoice.parts == ()


def test_a_modifier_without_a_sku_of_its_own_is_the_product_it_stands_for_in_its_quantity() -> None:
    """One 'large' for Rp 5,000 is two shots at Rp 2,500: two leave the stock."""
    large = modifier("", 5_000, modifier_product_sku="SHOT", modifier_product_quantity=2)
    assert lines_of(drawn(order_details=[host(), large], total_amount=15_000))[1:] == [("SHOT", "2", "2500", None)]


def test_a_modifier_with_its_own_sku_takes_its_product_as_a_part() -> None:
    """'Large' is an untracked product; the two shots in it leave by the adjustment."""
    large = modifier("LARGE", 5_000, modifier_product_sku="SHOT", modifier_product_quantity=2, order_detail_id="d2")
    invoice = drawn(order_details=[host(), large], total_amount=15_000)
    assert lines_of(invoice)[1:] == [("LARGE", "1", "5000", None)]
    assert parts_of(invoice) == [("d2", "SHOT", "2")]


def test_of_a_modifier_that_is_composite_only_its_parts_leave() -> None:
    """Two of a syrup mix of 30 and 20 ml each."""
    mix = modifier(
        "",
        1_000,
        quantity=2,
        order_detail_id="d2",
        modifier_product_sku="MIX",
        modifier_product_composites=[part("SUGAR", 30), part("CARAMEL", 20)],
    )
    invoice = drawn(order_details=[host(), mix], total_amount=12_000)
    assert lines_of(invoice)[1:] == [("MIX", "2", "1000", None)]
    assert parts_of(invoice) == [("d2", "SUGAR", "60"), ("d2", "CARAMEL", "40")]


def test_a_modifier_without_sku_and_price_is_nothing() -> None:
    """'Less ice' leaves no line; what it is made of leaves with the line it belongs to."""
    no_sugar = modifier(None, None, quantity=None)
    sleeve = modifier(" ", 0, modifier_product_composites=[part("SLEEVE", 1)])
    invoice = drawn(order_details=[host(), no_sugar, sleeve], total_amount=10_000)
    assert lines_of(invoice) == [("LATTE", "1", "10000", None)]
    assert parts_of(invoice) == [("d1", "SLEEVE", "1")]


def test_a_modifier_without_sku_raises_the_price_of_its_line() -> None:
    """Two lattes at 10,000 with 3,000 of oat milk, 1,000 of it discounted: 22,000, which is 2 x 11,000."""
    oat = modifier("", 3_000, discount_amount=1_000)
    details = [oat, host(quantity=2), line("CAKE")]
    invoice = drawn(order_details=details, total_discount_amount=1_000, total_amount=32_000)
    assert lines_of(invoice) == [("LATTE", "2", "11000", None), ("CAKE", "1", "10000", None)]


def test_a_modifier_of_a_modifier_raises_the_price_of_the_nearest_line() -> None:
    """'Extra hot' of 'oat milk' of a latte: both are in the latte's price."""
    oat = modifier("", 3_000, order_detail_id="d2")
    hot = line("", 1, 500, product_modifier_id="m-2", parent_order_detail_id="d2")
    assert lines_of(drawn(order_details=[host(), oat, hot], total_amount=13_500)) == [("LATTE", "1", "13500", None)]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"parent_order_detail_id": None}, "belongs to no line"),
        ({"parent_order_detail_id": "gone"}, "belongs to no line"),
        ({"taxable": True, "tax_percentage": 11}, "taxed otherwise than its line"),
    ],
    ids=["no parent", "an unknown parent", "another tax"],
)
def test_a_priced_modifier_without_sku_that_fits_no_line_is_refused(fields: dict[str, Any], words: str) -> None:
    """Its price would have to go onto a product that it is not, or bear another tax."""
    oat = {**modifier("", 3_000, product_name="Oat milk"), **fields}
    reason = refused(order_details=[host(), oat], total_amount=13_000).reason
    assert reason.startswith("Line 2 (Oat milk)")
    assert words in reason


@pytest.mark.parametrize(
    ("fields", "total", "quantity", "rate"),
    [
        ({"quantity": 1, "weight_quantity": "0.258"}, None, "0.258", "10000"),
        ({"quantity": None, "weight_quantity": "0.258"}, "2580", "0.258", "10000"),
        ({"quantity": 1, "weight_quantity": "0.5"}, "10000", "0.5", "20000"),
        ({"quantity": 3, "weight_quantity": "1"}, "30000", "3", "10000"),
        ({"quantity": 3, "weight_quantity": "0"}, "30000", "3", "10000"),
        ({"quantity": "0.258"}, "2580", "0.258", "10000"),
        ({"quantity": 2, "weight_quantity": "0.5", "price": 0}, "0", "0.5", "0"),
    ],
    ids=["by weight", "no pieces", "priced as weighed", "pieces that tell a weight", "no weight", "a fraction", "free"],
)
def test_a_weighed_line_counts_by_its_weight_unless_the_orders_total_says_pieces(
    fields: dict[str, Any], total: str | None, quantity: str, rate: str
) -> None:
    """What is weighed leaves the stock by weight; the total of prices tells what one price is for."""
    invoice = drawn(
        order_details=[line(**fields)], total_order_amount=total, total_amount="2580" if total is None else total
    )
    assert lines_of(invoice) == [("LATTE", quantity, rate, None)]


def test_a_line_of_zero_is_sent_where_jurnal_takes_it() -> None:
    """A free cookie and a latte discounted to nothing are lines of Rp 0, so their stock leaves with the invoice."""
    details = [line(discount_amount=10_000), line("COOKIE", 2, 0), line("CAKE")]
    invoice = drawn(order_details=details, total_discount_amount=10_000, total_amount=10_000)
    assert lines_of(invoice) == [("LATTE", "1", "0", None), ("COOKIE", "2", "0", None), ("CAKE", "1", "10000", None)]
    assert invoice.parts == ()


def test_where_jurnal_takes_no_line_of_zero_the_stock_goes_by_the_adjustment() -> None:
    """The same order; what keeps no stock leaves nothing, of a composite only the parts."""
    details = [
        line(discount_amount=10_000, order_detail_id="d1"),
        line("COOKIE", 2, 0, order_detail_id="d2"),
        line("ADVICE", 1, 0, track_inventory=False),
        line("BOX", 1, 0, order_detail_id="d4", product_composites=[part("CUP", 3)]),
        line("CAKE"),
    ]
    invoice = drawn(rules=ADJUSTED, order_details=details, total_discount_amount=10_000, total_amount=10_000)
    assert lines_of(invoice) == [("CAKE", "1", "10000", None)]
    assert sorted(parts_of(invoice)) == [("d1", "LATTE", "1"), ("d2", "COOKIE", "2"), ("d4", "CUP", "3")]


def test_less_than_a_rupiah_each_is_split_in_hundredths() -> None:
    """Rp 2 over three cookies: no third cookie at Rp 0, which Jurnal might refuse."""
    invoice = drawn(order_details=[line("COOKIE", 3, 1, discount_amount=1)], total_discount_amount=1, total_amount=2)
    assert lines_of(invoice) == [("COOKIE", "2", "0.67", None), ("COOKIE", "1", "0.66", None)]


def test_an_order_of_nothing_but_free_goods_has_no_invoice() -> None:
    """Only the adjustment of its stock; no line, no discount."""
    invoice = drawn(rules=ADJUSTED, order_details=[line("COOKIE", 2, 0, order_detail_id="d1")], total_amount=0)
    assert lines_of(invoice) == []
    assert invoice.header_discount == 0
    assert parts_of(invoice) == [("d1", "COOKIE", "2")]


def test_free_goods_need_the_cost_account_where_jurnal_takes_no_line_of_zero() -> None:
    """The order waits for the settings, and says which one."""
    rules = ruled(zero_prices="adjust_stock", cost_account=None)
    why = refused(rules=rules, order_details=[line("COOKIE", 2, 0)], total_amount=0)
    assert "cost_account" in why.what_to_do
    assert why.needs == (SETTINGS_NEED,)


def test_stored_value_sold_is_untaxed_and_bears_nothing_of_an_order_discount() -> None:
    """A top-up of 100,000 beside a latte with 1,000 off the order: the customer owns all of the 100,000."""
    top_up = taxed("TOPUP", 1, 100_000)
    invoice = drawn(
        rules=ruled(stored_value_products={"TOPUP": "Customer Balance"}),
        order_details=[top_up, line()],
        total_discount_amount=1_000,
        total_amount=109_000,
    )
    assert lines_of(invoice) == [("TOPUP", "1", "100000", None), ("LATTE", "1", "9000", None)]


def test_an_order_discount_on_nothing_but_stored_value_is_refused() -> None:
    """There is no revenue that it could be taken off."""
    rules = ruled(stored_value_products={"TOPUP": "Customer Balance"})
    why = refused(rules=rules, order_details=[line("TOPUP")], total_discount_amount=1_000, total_amount=9_000)
    assert "discounts exceed" in why.reason
