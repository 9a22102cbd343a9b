"""How a completed order becomes an invoice whose total is iSeller's, line by line."""

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from projections.jurnal_commands.commands import BookInvoice, InvoiceLine
from tests.story import CONNECTION, Story, line, taxed

D = Decimal


def booked(**fields: object) -> BookInvoice:
    """Tell one full order and return its invoice."""
    story = Story()
    story.order(**fields)
    return story.the(BookInvoice)


def sold(*lines: tuple[str, int, object, str | None]) -> tuple[InvoiceLine, ...]:
    """Return invoice lines of (SKU, quantity, rate, tax)."""
    return tuple(
        InvoiceLine(product_code=sku, quantity=D(quantity), rate=D(str(rate)), tax_name=tax)
        for sku, quantity, rate, tax in lines
    )


def test_an_order_is_booked_on_its_local_date_and_due_after_the_term() -> None:
    """01:30 in Jakarta is a day later than 18:30 UTC; the term is 30 days; the warehouse is the outlet's."""
    invoice = booked()
    assert invoice.transaction_date == date(2026, 11, 21)
    assert invoice.due_date == date(2026, 12, 21)
    assert (invoice.warehouse, invoice.walk_in_contact, invoice.customer_id) == ("Main Warehouse", "Walk-in", None)
    assert (invoice.total, invoice.deposit, invoice.deposit_account) == (D(20_000), D(0), None)
    assert invoice.lines == sold(("LATTE", 2, 10_000, None))


def test_the_stores_clock_counts_where_the_outlet_has_none() -> None:
    """18:30 UTC is the same day in London; an outlet's own clock: `test_outlets_own_words.py`."""
    story = Story(connection=msgspec.structs.replace(CONNECTION, time_zone="Europe/London"))
    story.order()
    assert story.the(BookInvoice).transaction_date == date(2026, 11, 20)


def test_a_line_discount_that_divides_evenly_keeps_one_line() -> None:
    """3 x 10,000 less 3,333 is 26,667, which is 3 x 8,889."""
    invoice = booked(
        order_details=[line(quantity=3, discount_amount=3_333)], total_discount_amount=3_333, total_amount=26_667
    )
    assert invoice.lines == sold(("LATTE", 3, 8_889, None))


def test_a_line_that_does_not_divide_evenly_is_split_into_two_whole_rates() -> None:
    """3 x 10,000 less 1,000 is 29,000: two at 9,667 and one at 9,666."""
    invoice = booked(
        order_details=[line(quantity=3, discount_amount=1_000)], total_discount_amount=1_000, total_amount=29_000
    )
    assert invoice.lines == sold(("LATTE", 2, 9_667, None), ("LATTE", 1, 9_666, None))


def test_an_order_discount_is_shared_by_largest_remainder_and_ties_go_to_the_first_line() -> None:
    """1,000 over three equal lines is 334, 333, 333; over 1:2 it is 333 and 667."""
    equal = booked(order_details=[line("A"), line("B"), line("C")], total_discount_amount=1_000, total_amount=29_000)
    assert [piece.rate for piece in equal.lines] == [D(9_666), D(9_667), D(9_667)]
    unequal = booked(order_details=[line("A"), line("B", 1, 20_000)], total_discount_amount=1_000, total_amount=29_000)
    assert [piece.rate for piece in unequal.lines] == [D(9_667), D(19_333)]


def test_a_promotion_on_a_line_stays_on_its_line_and_the_rest_is_shared() -> None:
    """Of 3,000 promotions, 1,000 are the first line's; 2,000 are shared over 9,000 and 10,000."""
    first = line("A", promotions=[{"promotion_amount": 1_000}])
    invoice = booked(order_details=[first, line("B")], total_promotion_amount=3_000, total_amount=17_000)
    assert [piece.rate for piece in invoice.lines] == [D(8_053), D(8_947)]


@pytest.mark.parametrize(
    ("total", "rounding", "rounding_line", "header_discount"),
    [
        ("29600", "0", None, "0.37"),
        ("29601", "0", "0.63", "0"),
        ("29600.37", "0", None, "0"),
        ("29700", "99.63", "99.63", "0"),
        ("29500", "-100.37", None, "100.37"),
    ],
    ids=["tax cut to whole", "tax raised to whole", "tax in two decimals", "rounded up", "rounded down"],
)
def test_rounding_goes_to_the_rounding_product_or_the_header_discount(
    total: str, rounding: str, rounding_line: str | None, header_discount: str
) -> None:
    """What nets and exact tax (2,933.37) leave is an untaxed line above zero, a discount after tax below zero."""
    invoice = booked(
        order_details=[taxed(quantity=3, discount_amount=3_333)],
        total_discount_amount=3_333,
        rounding_amount=rounding,
        total_amount=total,
    )
    rest = () if rounding_line is None else (("ISELLER-ROUNDING", 1, rounding_line, None),)
    assert invoice.lines == sold(("LATTE", 3, 8_889, "PPN"), *rest)
    assert invoice.header_discount == D(header_discount)


def test_included_tax_is_taken_out_of_the_price() -> None:
    """11,100 with 11 % included is 10,000 net; Jurnal adds the tax again."""
    invoice = booked(order_details=[taxed(price=11_100)], tax_inclusive=True, total_amount=11_100)
    assert invoice.lines == sold(("LATTE", 1, 10_000, "PPN"))
    assert invoice.header_discount == 0


def test_a_weighed_line_that_does_not_divide_evenly_is_split_like_any_other() -> None:
    """0.258 kg at 10,000 less 1 is 2,579: 0.032 kg at 9,997 and 0.226 kg at 9,996 are exactly that."""
    weighed = line(quantity="0.258", discount_amount=1)
    invoice = booked(order_details=[weighed], total_discount_amount=1, total_amount=2_579)
    assert [(piece.quantity, piece.rate) for piece in invoice.lines] == [(D("0.032"), D(9_997)), (D("0.226"), D(9_996))]
    assert invoice.header_discount == 0


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"order_details": [line(sku=" ", product_name="Latte")]}, ["Line 1 (Latte) has no SKU"]),
        ({"order_details": [line(quantity=0)]}, ["Line 1 (LATTE) has no quantity or price"]),
        ({"order_details": [taxed(tax_percentage="12.50")]}, ["No Jurnal tax is mapped for 12.5 %"]),
        ({"total_amount": 25_000}, ["Rp 25000", "Rp 20000"]),
        ({"total_discount_amount": 30_000}, ["discounts exceed its prices"]),
        ({"currency": "USD"}, ["USD"]),
    ],
    ids=["no SKU", "no quantity", "unmapped tax", "another total", "discounted below zero", "not rupiah"],
)
def test_an_order_that_cannot_be_drawn_is_failed_with_what_is_wrong(fields: dict[str, Any], words: list[str]) -> None:
    """Nothing is sent; the record says what does not fit, with both numbers, and what a person can do."""
    story = Story()
    story.order(**fields)
    assert story.commands == []
    record = story.records["sale-order-1"]
    assert record.state == "failed"
    assert record.what_to_do
    assert record.reason is not None
    assert all(word in record.reason for word in words), record.reason
