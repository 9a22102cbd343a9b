"""Additional charges and shipping are lines of their own, on the products that the rules name."""

from typing import Any

import pytest

from projections.changes.waiting import SETTINGS_NEED
from tests.drawing import drawn, lines_of, refused, ruled
from tests.story import line, taxed

TAXED = ruled(charges_taxed=True)


def words_of(**told: Any) -> list[tuple[str, str | None]]:
    """Return product and description of what is charged beside the goods."""
    lines = (drawn_line.line for drawn_line in drawn(**told).lines)
    return [(line.product_code, line.description) for line in lines if line.product_code != "LATTE"]


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("total_additional_order_amount", "Additional charge on the order"),
        ("total_additional_subtotal_amount", "Additional charge before tax"),
        ("total_additional_final_amount", "Additional charge on the total"),
    ],
)
def test_each_calculation_point_of_a_charge_has_a_line_that_says_which(field: str, words: str) -> None:
    """1,000 on a taxed latte, untaxed where nobody says that charges are taxed."""
    told = {"order_details": [taxed()], field: 1_000, "total_amount": 12_100}
    assert lines_of(drawn(**told)) == [("LATTE", "1", "10000", "PPN"), ("ISELLER-CHARGE", "1", "1000", None)]
    assert words_of(**told) == [("ISELLER-CHARGE", words)]


def test_charges_before_the_final_total_bear_the_tax_of_the_orders_lines() -> None:
    """1,000 + 500 + 200 on a latte with 11 % and an untaxed cake: the first two are taxed, the last is not."""
    invoice = drawn(
        rules=TAXED,
        order_details=[taxed(), line("CAKE")],
        total_additional_order_amount=1_000,
        total_additional_subtotal_amount=500,
        total_additional_final_amount=200,
        total_amount=22_965,
    )
    assert lines_of(invoice)[2:] == [
        ("ISELLER-CHARGE", "1", "1000", "PPN"),
        ("ISELLER-CHARGE", "1", "500", "PPN"),
        ("ISELLER-CHARGE", "1", "200", None),
    ]
    assert invoice.remainder == 0


def test_a_charge_on_several_rates_is_shared_by_what_is_sold_at_each() -> None:
    """1,001 over nets of 10,000 at 11 % and 20,000 at 10 %: 334 and 667, each with its tax."""
    invoice = drawn(
        rules=TAXED,
        order_details=[taxed(), taxed("CAKE", 2, 15_000, discount_amount=10_000, tax_percentage=10)],
        total_discount_amount=10_000,
        total_additional_subtotal_amount=1_001,
        total_amount="34204.44",
    )
    assert lines_of(invoice)[2:] == [("ISELLER-CHARGE", "1", "334", "PPN"), ("ISELLER-CHARGE", "1", "667", "PB1")]
    assert invoice.remainder == 0


def test_a_taxed_charge_is_rounded_like_a_taxed_line() -> None:
    """One latte and one charge: up to two rupiah of rounding."""
    told = {"rules": TAXED, "order_details": [taxed()], "total_additional_subtotal_amount": 1_000}
    assert drawn(**told, total_amount=12_212).remainder == 2
    assert "Rp 12213" in refused(**told, total_amount=12_213).reason


def test_a_taxed_charge_on_given_away_goods_bears_the_first_of_their_taxes() -> None:
    """A service charge of 1,000 on a free latte: 110 of tax."""
    invoice = drawn(
        rules=TAXED, order_details=[taxed(price=0)], total_additional_order_amount=1_000, total_amount=1_110
    )
    assert lines_of(invoice)[1:] == [("ISELLER-CHARGE", "1", "1000", "PPN")]


def test_a_taxed_charge_on_untaxed_goods_is_untaxed() -> None:
    """There is no rate that it could bear."""
    invoice = drawn(rules=TAXED, order_details=[line()], total_additional_order_amount=1_000, total_amount=11_000)
    assert lines_of(invoice)[1:] == [("ISELLER-CHARGE", "1", "1000", None)]


def test_tax_included_in_prices_is_included_in_charges() -> None:
    """1,110 with 11 % included is 1,000; the charge on the total is after tax and stands whole."""
    invoice = drawn(
        rules=TAXED,
        order_details=[taxed(price=11_100)],
        tax_inclusive=True,
        total_additional_subtotal_amount=1_110,
        total_additional_final_amount=300,
        total_amount=12_510,
    )
    assert lines_of(invoice) == [
        ("LATTE", "1", "10000", "PPN"),
        ("ISELLER-CHARGE", "1", "1000", "PPN"),
        ("ISELLER-CHARGE", "1", "300", None),
    ]


def test_discounts_beyond_all_lines_are_off_the_charge_before_discounts() -> None:
    """A staff meal: 10,000 and 1,000 of service, 100 % off. Jurnal gets a latte of Rp 0 and no charge."""
    told: dict[str, Any] = {"order_details": [line()], "total_additional_order_amount": 1_000}
    free = drawn(**told, total_discount_amount=11_000, total_amount=0)
    assert lines_of(free) == [("LATTE", "1", "0", None)]
    half = drawn(**told, total_discount_amount=10_600, total_amount=400)
    assert lines_of(half) == [("LATTE", "1", "0", None), ("ISELLER-CHARGE", "1", "400", None)]


def test_shipping_is_an_untaxed_line_of_its_product() -> None:
    """Of a web order with taxed goods."""
    told = {"order_details": [taxed()], "total_shipping_amount": 9_000, "total_amount": 20_100}
    assert lines_of(drawn(**told))[1:] == [("ISELLER-SHIPPING", "1", "9000", None)]
    assert words_of(**told) == [("ISELLER-SHIPPING", "Shipping")]


def test_a_marketplace_order_with_amounts_of_zero_has_only_its_goods() -> None:
    """Nothing is asked of settings that nothing needs."""
    invoice = drawn(
        rules=ruled(charge_product=None, shipping_product=None, cost_account=None),
        channel="web",
        channel_detail="tokopedia",
        order_details=[line()],
        total_additional_order_amount=0,
        total_additional_subtotal_amount="0.0000",
        total_additional_final_amount=0,
        total_shipping_amount="0.00",
        total_amount=10_000,
    )
    assert lines_of(invoice) == [("LATTE", "1", "10000", None)]


@pytest.mark.parametrize(
    ("field", "setting"),
    [
        ("total_additional_order_amount", "charge_product"),
        ("total_additional_subtotal_amount", "charge_product"),
        ("total_additional_final_amount", "charge_product"),
        ("total_shipping_amount", "shipping_product"),
    ],
)
def test_a_charge_without_its_product_waits_for_the_setting(field: str, setting: str) -> None:
    """The message names amount and setting."""
    told = {"order_details": [line()], field: 1_000, "total_amount": 11_000}
    why = refused(rules=ruled(charge_product=None, shipping_product=None), **told)
    assert "Rp 1000" in why.reason
    assert setting in why.what_to_do
    assert why.needs == (SETTINGS_NEED,)


def test_a_charge_below_zero_is_refused() -> None:
    """Jurnal's lines are positive; nobody knows what it would be."""
    why = refused(order_details=[line()], total_additional_final_amount=-500, total_amount=9_500)
    assert why.reason == "Additional charge on the total is Rp -500"
