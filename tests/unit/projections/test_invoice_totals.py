"""Taxes, discounts and rounding: Jurnal's total is iSeller's, or the order is refused with what differs."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from projections.changes.waiting import SETTINGS_NEED
from projections.jurnal_commands.invoice import content_of
from tests.drawing import TAXED, drawn, lines_of, order_report, plain, refused
from tests.story import line, taxed

D = Decimal


def test_several_rates_in_one_order_are_taxed_each_for_itself() -> None:
    """11 % of 10,000, 10 % of 20,000, nothing of what is not taxable or has no rate; a rate alone says taxable."""
    details = [
        taxed(),
        taxed("CAKE", 1, 20_000, tax_percentage="10.00"),
        taxed("TEA", taxable=False),
        taxed("MILK", tax_percentage=0),
        taxed("SALT", tax_percentage=None),
        taxed("RICE", taxable=None),
    ]
    invoice = drawn(order_details=details, total_amount=74_200)
    assert [tax for *_, tax in lines_of(invoice)] == ["PPN", "PB1", None, None, None, "PPN"]
    assert (invoice.remainder, invoice.header_discount) == (D(0), D(0))


def test_a_rate_that_nobody_mapped_waits_for_the_settings() -> None:
    """The message names it as the set-up would."""
    why = refused(order_details=[taxed(tax_percentage="12.50")], total_amount=11_250)
    assert why.reason == "No Jurnal tax is mapped for 12.5 %"
    assert why.needs == (SETTINGS_NEED,)


def test_line_and_order_discount_and_tax_in_one_order() -> None:
    """25,000 less 3,333 and 18,000, 5,000 off the order, 11 % of the first only (2,082.96), which iSeller rounds."""
    details = [taxed(price=25_000, discount_amount=3_333), line("TEA", 1, 18_000)]
    invoice = drawn(order_details=details, total_discount_amount=8_333, total_amount=36_750)
    assert lines_of(invoice) == [
        ("LATTE", "1", "18936", "PPN"),
        ("TEA", "1", "15731", None),
        ("ISELLER-ROUNDING", "1", "0.04", None),
    ]
    assert (invoice.header_discount, invoice.remainder) == (D(0), D("0.04"))


def test_a_discount_told_in_percent_only_is_whole_rupiah() -> None:
    """12.5 % of 9,999 is 1,249.875: 1,250. Where the amount is told, too, the amount counts."""
    invoice = drawn(
        order_details=[
            line(price=9_999, discount_percentage="12.5"),
            line("TEA", discount_percentage=10, discount_amount=999),
        ],
        total_discount_amount=2_249,
        total_amount=17_750,
    )
    assert lines_of(invoice) == [("LATTE", "1", "8749", None), ("TEA", "1", "9001", None)]


def test_promotions_of_line_and_order_add_up_with_discounts() -> None:
    """1,000 and 500 on the line; of 3,500 in all 2,000 are the order's."""
    first = line("A", discount_amount=500, promotions=[{"promotion_amount": 600}, {"promotion_amount": 400}])
    invoice = drawn(
        order_details=[first, line("B", 1, 11_500)],
        total_discount_amount=1_500,
        total_promotion_amount=2_000,
        total_amount=18_000,
    )
    assert lines_of(invoice) == [("A", "1", "7650", None), ("B", "1", "10350", None)]


def test_included_tax_of_several_rates_is_taken_out_of_discounted_prices() -> None:
    """10,000 less 1,000 at 11 % and at 10 % included: the remainder is a thousandth of a rupiah."""
    invoice = drawn(
        order_details=[taxed(), taxed("CAKE", tax_percentage=10)],
        tax_inclusive=True,
        total_discount_amount=2_000,
        total_amount=18_000,
    )
    assert lines_of(invoice)[:2] == [("LATTE", "1", "8108.11", "PPN"), ("CAKE", "1", "8181.82", "PB1")]
    assert invoice.header_discount == D("0.0041")
    assert invoice.remainder == D("-0.0041")


def test_where_jurnal_rounds_its_tax_it_does_so_line_by_line() -> None:
    """11 % of 5 rupiah is 0.55, twice: Jurnal charges 1 for each line and not 1 for both."""
    whole = msgspec.structs.replace(TAXED, tax_decimals=0)
    invoice = drawn(connection=whole, order_details=[taxed("A", 1, 5), taxed("B", 1, 5)], total_amount=12)
    assert (invoice.header_discount, invoice.remainder) == (D(0), D(0))


@pytest.mark.parametrize(
    ("total", "rounding", "remainder", "rounding_line", "header_discount"),
    [
        ("31092", "0", "0.9", "0.9", "0"),
        ("31090", "0", "-1.1", None, "1.1"),
        ("31000", "-91", "-0.1", None, "91.1"),
        ("31150", "59", "-0.1", "58.9", "0"),
    ],
    ids=["tax raised", "tax cut", "rounded down", "rounded up"],
)
def test_what_is_rounded_beyond_isellers_own_rounding_is_counted(
    total: str, rounding: str, remainder: str, rounding_line: str | None, header_discount: str
) -> None:
    """Two taxed lines of 31,091.1 exactly: up to a rupiah each is rounding of tax, and its sum is told."""
    details = [taxed(price=10_010), taxed("CAKE", 1, 18_000)]
    invoice = drawn(order_details=details, rounding_amount=rounding, total_amount=total)
    rest = [] if rounding_line is None else [("ISELLER-ROUNDING", "1", rounding_line, None)]
    assert lines_of(invoice)[2:] == rest
    assert (plain(invoice.remainder), plain(invoice.header_discount)) == (remainder, header_discount)


@pytest.mark.parametrize(
    ("details", "exact", "most"),
    [
        ([taxed(), taxed("CAKE")], 22_200, 2),
        ([line(), line("CAKE")], 20_000, 1),
        ([line(), line("CAKE"), line("HAM", "0.5")], 25_000, 1),
        ([line("BEEF", "0.5"), line("HAM", "0.5")], 10_000, 2),
    ],
    ids=["two taxed", "none", "one weighed", "two weighed"],
)
def test_more_than_a_rupiah_for_each_taxed_or_weighed_line_is_no_rounding(
    details: list[dict[str, Any]], exact: int, most: int
) -> None:
    """At least one rupiah an order; a hundredth more is refused."""
    assert drawn(order_details=details, total_amount=exact + most).remainder == most
    assert f"Rp {exact + most}.01" in refused(order_details=details, total_amount=f"{exact + most}.01").reason


def test_a_line_discounted_below_zero_is_refused_by_name() -> None:
    """Unless it is weighed, and the discount rounded: 2,579.742 less 2,580 is nothing."""
    why = refused(order_details=[line(), line("TEA", discount_amount=10_001)], total_amount=9_999)
    assert why.reason == "Line 2 (TEA): its discounts exceed its price"
    weighed = line(quantity="0.258", price=9_999, discount_amount=2_580)
    assert lines_of(drawn(order_details=[weighed], total_discount_amount=2_580, total_amount=0)) == [
        ("LATTE", "0.258", "0", None)
    ]


@pytest.mark.parametrize(
    ("fields", "difference"),
    [
        (
            {"order_details": [taxed(tax_amount=1_100), taxed("CAKE", tax_amount=2_200)]},
            "Line 2 (CAKE): the tax is Rp 2200 in iSeller and Rp 1100 by its price",
        ),
        (
            {"order_details": [line(subtotal=10_000), line("CAKE", subtotal=12_000)]},
            "Line 2 (CAKE): the subtotal is Rp 12000 in iSeller and Rp 10000 by its price",
        ),
        (
            {"order_details": [line(), line("CAKE")], "total_order_amount": 24_000},
            "the order's total of prices is Rp 24000 in iSeller and Rp 20000 by its lines",
        ),
        (
            {"order_details": [line(discount_amount=2_000)], "total_discount_amount": 500},
            "the order's discount is Rp 500 in iSeller and Rp 2000 by its lines",
        ),
        (
            {"order_details": [taxed()], "total_tax_amount": 2_100},
            "the order's tax is Rp 2100 in iSeller and Rp 1100 by its lines",
        ),
        (
            {"order_details": [line()], "total_additional_final_amount": 700, "rounding_amount": -50},
            "the total is Rp 25000 in iSeller and Rp 10650 by its own parts",
        ),
        (
            {"order_details": [line(discount_amount=2_000, subtotal=10_000)], "total_discount_amount": 2_000},
            "the total is Rp 25000 in iSeller and Rp 8000 by its own parts",
        ),
    ],
    ids=["a line's tax", "its subtotal", "the prices", "the discount", "the tax", "its parts", "a gross subtotal"],
)
def test_an_order_that_does_not_add_up_is_refused_with_what_differs_first(
    fields: dict[str, Any], difference: str
) -> None:
    """Both totals, and the place where a person should look."""
    why = refused(**fields, total_amount="25000.0000")
    assert why.reason.startswith("iSeller says the total is Rp 25000, its lines, charges, taxes and rounding give Rp ")
    assert why.reason.endswith(difference)


def test_a_total_below_zero_is_refused() -> None:
    """Jurnal has no invoice of less than nothing."""
    why = refused(order_details=[line(price=0)], rounding_amount=-50, total_amount=-50)
    assert why.reason == "The total is Rp -50"


def test_content_is_the_same_however_it_is_told() -> None:
    """Neither spelling, order of lines, white space, what is not told nor what Jurnal does not hold counts."""
    one = order_report(order_details=[taxed(" LATTE "), line("CAKE", 1, "10000.0000", discount_amount=None)])
    other = order_report(
        order_details=[line("CAKE", "1.0", discount_amount=0, promotions=[]), taxed("LATTE", tax_percentage="11.00")],
        total_shipping_amount=0,
        payment_status="paid",
        customer_id="c0ffee00",
        closed_date="2026-11-20T19:00:00",
    )
    assert content_of(one) == content_of(other)
    assert len(content_of(one)) == 16


@pytest.mark.parametrize(
    "edit",
    [
        {"quantity": 2},
        {"base_price": 9_999},
        {"sku": "MOCHA"},
        {"discount_amount": 1},
        {"promotions": [{"promotion_amount": 1}]},
        {"tax_percentage": 10},
        {"taxable": False},
        {"weight_quantity": "0.5"},
        {"product_composites": [{"sku": "CUP", "quantity": 1}]},
        {"product_combos": [{"sku": "CUP", "quantity": 1}]},
        {"product_modifier_id": "m", "modifier_product_sku": "SHOT"},
        {"product_modifier_id": "m", "parent_order_detail_id": "d1"},
    ],
    ids="+".join,
)
def test_an_edited_line_is_another_content(edit: dict[str, Any]) -> None:
    """Whatever of it could change in Jurnal."""
    before, after = order_report(order_details=[taxed()]), order_report(order_details=[taxed(**edit)])
    assert content_of(before) != content_of(after)


@pytest.mark.parametrize(
    "field",
    [
        "total_amount",
        "total_discount_amount",
        "total_promotion_amount",
        "total_additional_order_amount",
        "total_additional_subtotal_amount",
        "total_additional_final_amount",
        "total_shipping_amount",
        "rounding_amount",
    ],
)
def test_an_edited_amount_is_another_content(field: str) -> None:
    """Of the order as a whole, and so is a line more or less, or tax that prices include."""
    assert content_of(order_report()) != content_of(order_report(**{field: 1}))


def test_a_line_more_and_included_tax_are_another_content() -> None:
    """Also a second line like the first."""
    assert content_of(order_report()) != content_of(order_report(order_details=[line(quantity=2), line(quantity=2)]))
    assert content_of(order_report()) != content_of(order_report(tax_inclusive=True))
