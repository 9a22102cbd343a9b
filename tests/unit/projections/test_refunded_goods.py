"""Given a refund, when it names goods, then exactly what they stand for on the invoice and in the stock comes back."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from projections.changes.booking import BookedLine
from projections.jurnal_commands.commands import ReturnLine, ReturnSale
from projections.jurnal_commands.return_arithmetic import left_of, payable, worth
from tests.sandbox_books import BUY_PRICE, SandboxBooks
from tests.story import line, paid, taxed
from tests.unit.projections.taken_back import (
    CASH,
    LATTES,
    NEXT_DAY,
    RULES,
    SAME_DAY,
    after_sale,
    booked_invoice,
    given_back,
    polled,
    refund,
    sold,
)

D = Decimal
NO_SHELF: dict[str, Any] = {"units_returned": []}
ONE_BACK = ["return 2026-11-21: 1 LATTE at 10000 = 10000", "refund 2026-11-21: 10000 out of Cash"]


def test_split_rates_come_back_piece_by_piece_and_add_up() -> None:
    """Rp 10,000 for three are 3,334 and twice 3,333: the amount of each refund says which piece it means."""
    three = [line("LATTE", 3, D(10_000) / 3, order_detail_id="d1", product_id="p1")]
    three[0]["base_price"], three[0]["discount_amount"] = 3_500, 500
    fields: dict[str, Any] = {"order_details": three, "total_amount": 10_000, "total_order_amount": 10_500}
    story = sold(transactions=[paid("t1", 10_000)], total_discount_amount=500, **fields)
    backs = [(3_333, SAME_DAY, "r1"), (3_334, NEXT_DAY, "r2")]
    polled(
        story,
        transactions=[paid("t1", 10_000), *(given_back(name, amount, at=at) for amount, at, name in backs)],
        refunded_orders=[refund(amount, at=at) for amount, at, _ in backs],
        total_discount_amount=500,
        **fields,
    )
    returned = [command for command in story.commands if isinstance(command, ReturnSale)]
    assert [command.lines[0].rate for command in returned] == [D(3_333), D(3_334)]
    assert [command.amount for command in returned] == [D(3_333), D(3_334)]


def test_rounding_and_charges_come_back_with_the_last_piece() -> None:
    """The first return has its own worth only; the second brings the rounding line with it."""
    fields = {"total_amount": 20_030, "rounding_amount": 30}
    story = sold(transactions=[paid("t1", 20_030)], **fields)
    money = [given_back("r1", 10_000), given_back("r2", 10_030, at=NEXT_DAY)]
    backs = [refund(10_000), refund(10_030, at=NEXT_DAY)]
    polled(story, transactions=[paid("t1", 20_030), *money], refunded_orders=backs, **fields)
    returned = [command for command in story.commands if isinstance(command, ReturnSale)]
    assert [command.amount for command in returned] == [D(10_000), D(10_030)]
    rounding = ReturnLine(product_code="ISELLER-ROUNDING", quantity=D(1), rate=D(30))
    assert rounding not in returned[0].lines
    assert rounding in returned[1].lines
    assert SandboxBooks().book(story).balances.keys() == {"Service Revenue", "Sales Return"}


def test_tax_comes_back_with_its_line() -> None:
    """11 % of each piece; all back leaves no tax."""
    fields: dict[str, Any] = {"order_details": [taxed("LATTE", 2, 10_000, order_detail_id="d1", product_id="p1")]}
    fields |= {"total_amount": 22_200, "total_order_amount": 20_000, "total_tax_amount": 2_200}
    story = sold(transactions=[paid("t1", 22_200)], **fields)
    money = [given_back("r1", 11_100), given_back("r2", 11_100, at=NEXT_DAY)]
    backs = [refund(11_100), refund(11_100, at=NEXT_DAY)]
    polled(story, transactions=[paid("t1", 22_200), *money], refunded_orders=backs, **fields)
    returned = [command.amount for command in story.commands if isinstance(command, ReturnSale)]
    assert returned == [D(11_100), D(11_100)]
    assert SandboxBooks().book(story).balances.keys() == {"Service Revenue", "Sales Return"}


PARTS = {"product_composites": [{"sku": "BEAN", "quantity": 3}, {"sku": "MILK", "quantity": 1}]}


@pytest.mark.parametrize(
    ("back", "stock"),
    [
        ({}, ["stock 2026-11-21: 3 BEAN, 1 MILK against Cost of Sales"]),
        (NO_SHELF, []),
        (
            {"units_returned": [{"sku": "BEAN", "stock": 3}, {"sku": "MILK", "stock": 1}]},
            ["stock 2026-11-21: 3 BEAN, 1 MILK against Cost of Sales"],
        ),
    ],
    ids=["back on the shelf", "not back", "told as parts"],
)
def test_the_parts_of_a_composite_come_back_if_it_goes_back_on_the_shelf(
    back: dict[str, Any], stock: list[str]
) -> None:
    """Against the cost account, as they left; thrown away they stay what they cost."""
    fields: dict[str, Any] = {"order_details": [{**LATTES[0], **PARTS}]}
    story = sold(**fields)
    polled(story, transactions=[CASH, given_back()], refunded_orders=[refund(**back)], **fields)
    assert after_sale(story)[1:] == [ONE_BACK[0], *stock, ONE_BACK[1]]


def test_a_modifier_comes_back_with_its_line_unless_it_is_named() -> None:
    """Half of the lattes, half of their syrup."""
    syrup = line("SYRUP", 2, 2_000, order_detail_id="d2", product_modifier_id="m1", parent_order_detail_id="d1")
    fields: dict[str, Any] = {"order_details": [LATTES[0], syrup], "total_amount": 24_000, "total_order_amount": 24_000}
    story = sold(transactions=[paid("t1", 24_000)], **fields)
    money = [paid("t1", 24_000), given_back(amount=12_000)]
    polled(story, transactions=money, refunded_orders=[refund(12_000)], **fields)
    assert after_sale(story) == [
        "return 2026-11-21: 1 LATTE at 10000, 1 SYRUP at 2000 = 12000",
        "refund 2026-11-21: 12000 out of Cash",
    ]


def test_a_weighed_product_comes_back_by_weight_or_by_the_piece() -> None:
    """0.5 kg at Rp 20,000: one piece means all of it."""
    weighed = line("LATTE", 1, 20_000, order_detail_id="d1", product_id="p1", weight_quantity="0.5")
    fields: dict[str, Any] = {"order_details": [weighed], "total_amount": 10_000, "total_order_amount": 10_000}
    for quantity in (1, "0.5"):
        story = sold(transactions=[paid("t1", 10_000)], **fields)
        polled(
            story,
            transactions=[paid("t1", 10_000), given_back()],
            refunded_orders=[refund(quantity=quantity)],
            **fields,
        )
        assert after_sale(story)[0] == "return 2026-11-21: 0.5 LATTE at 20000 = 10000"


DAYS = [f"2026-11-{day}T03:00:00" for day in (22, 23, 24)]


def one_by_one(amounts: tuple[int, int, int], lines: list[Any], total: int, rounding: int) -> list[ReturnSale]:
    """Let three pieces of an order come back one after the other, and return the documents."""
    fields = {"order_details": lines, "total_amount": total, "rounding_amount": rounding}
    story = sold(transactions=[paid("t1", total)], **fields)
    for number in (1, 2, 3):
        told = list(zip(amounts, DAYS, strict=True))[:number]
        money = [given_back(f"r{amount}-{at}", amount, at=at) for amount, at in told]
        records = [refund(amount, at=at) for amount, at in told]
        polled(story, transactions=[paid("t1", total), *money], refunded_orders=records, **fields)
    assert SandboxBooks().book(story).stock("LATTE") == 0
    return [command for command in story.commands if isinstance(command, ReturnSale)]


def test_the_last_piece_of_weighed_goods_is_all_that_is_left_of_their_weight() -> None:
    """Three pieces weigh 1 kg: a third has no end of digits, and three such thirds are less than all of it."""
    weighed = line("LATTE", 3, 10_000, order_detail_id="d1", product_id="p1", weight_quantity="1")
    returned = one_by_one((3_333, 3_333, 3_364), [weighed], 10_030, 30)
    assert sum(command.lines[0].quantity for command in returned) == 1
    rounding = ReturnLine(product_code="ISELLER-ROUNDING", quantity=D(1), rate=D(30))
    assert [rounding in command.lines for command in returned] == [False, False, True]


def test_the_last_piece_brings_back_all_that_is_left_of_what_was_added_to_it() -> None:
    """One syrup for three lattes: a third of it with each of two, and the rest with the last."""
    lattes = line("LATTE", 3, 10_000, order_detail_id="d1", product_id="p1")
    syrup = line("SYRUP", 1, 2_000, order_detail_id="d2", product_modifier_id="m1", parent_order_detail_id="d1")
    returned = one_by_one((10_667, 10_667, 10_696), [lattes, syrup], 32_030, 30)
    assert sum(part.quantity for command in returned for part in command.lines if part.product_code == "SYRUP") == 1
    rounding = ReturnLine(product_code="ISELLER-ROUNDING", quantity=D(1), rate=D(30))
    assert [rounding in command.lines for command in returned] == [False, False, True]


def test_what_can_be_paid_of_a_return_loses_no_hundredth_to_shares_without_end() -> None:
    """Rp 2 off twelve lines: half of them are worth Rp 5,999, and not a hundredth less for each sixth that was cut."""
    lines = tuple(BookedLine(f"d{n}", "", f"SKU{n}", D(1), D(1_000), D(0)) for n in range(12))
    booking = booked_invoice(total=D(11_998), header_discount=D(2), lines=lines)
    half = dict.fromkeys(range(6), D(1))
    assert payable(worth(booking, left_of(booking, None), half, None)) == D(5_999)


def test_goods_that_were_given_away_and_come_back_to_be_thrown_away_are_waste() -> None:
    """As they are where Jurnal takes their line of Rp 0: no cost of sales, and none of them in stock."""
    free = line("MUFFIN", 1, 0, order_detail_id="d2", product_id="p2")
    rules = msgspec.structs.replace(RULES, zero_prices="adjust_stock")
    story = sold(rules, order_details=[*LATTES, free])
    goods = [{"sku": "LATTE", "quantity": 2}, {"sku": "MUFFIN", "quantity": 1}]
    back = refund(20_000, refund_details=goods, **NO_SHELF)
    polled(story, order_details=[*LATTES, free], transactions=[CASH, given_back(amount=20_000)], refunded_orders=[back])
    books = SandboxBooks().book(story)
    assert (books.balances.get("Cost of Sales", 0), books.balances["Waste"]) == (0, 3 * BUY_PRICE)
    assert (books.stock("LATTE"), books.stock("MUFFIN")) == (-2, -1)


def test_stored_value_that_is_taken_back_is_owed_no_more() -> None:
    """Its sale was no revenue, so its return is none lost."""
    rules = msgspec.structs.replace(RULES, stored_value_products={"LATTE": "Gift Cards"})
    story = sold(rules)
    polled(story, transactions=[CASH, given_back()], refunded_orders=[refund()])
    assert after_sale(story) == [
        ONE_BACK[0],
        "entry 2026-11-21: 10000 Gift Cards to 10000 Sales Return",
        ONE_BACK[1],
    ]
