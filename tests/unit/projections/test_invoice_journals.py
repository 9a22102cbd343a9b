"""What a journal entry beside the invoice moves: sales to another account, discounts onto their own."""

from typing import Any

import pytest

from eventstore.facts.settings import ChannelMapped, SalesAccountsMapped
from projections.changes.waiting import SETTINGS_NEED
from tests.drawing import drawn, journal_of, lines_of, refused, ruled
from tests.story import line, taxed

STORE = SalesAccountsMapped(scope="", account="Sales", products={"CAKE": "Cake Sales"})
MAIN_DRINKS = SalesAccountsMapped(scope="main", products={"LATTE": "Main Drinks", "TEA": "Main Drinks"})
RECLASS = ruled(sales_account_conflict="reclass")
DISCOUNTS = ruled(discount_account="Sales Discounts")


def test_nothing_is_journaled_where_every_product_sells_onto_its_own_account() -> None:
    """The store's own words are what Jurnal books by itself."""
    assert drawn(accounts=(STORE,), order_details=[line(), line("CAKE")]).journal == ()


def test_sales_onto_another_account_are_moved_there_by_the_nets() -> None:
    """Of a latte less 3,333 and a tea at the main outlet 16,667 are moved, tax and the cake are not."""
    invoice = drawn(
        rules=RECLASS,
        accounts=(STORE, MAIN_DRINKS),
        order_details=[taxed(discount_amount=3_333), taxed("TEA"), line("CAKE")],
        total_discount_amount=3_333,
        total_amount="28500.37",
    )
    assert journal_of(invoice) == [("Sales", "16667", "0"), ("Main Drinks", "0", "16667")]


def test_each_pair_of_accounts_is_moved_for_itself() -> None:
    """Two products of different own accounts onto one."""
    everything = SalesAccountsMapped(scope="main", account="Main Sales")
    invoice = drawn(rules=RECLASS, accounts=(STORE, everything), order_details=[line(), line("CAKE")])
    assert journal_of(invoice) == [
        ("Sales", "10000", "0"),
        ("Main Sales", "0", "10000"),
        ("Cake Sales", "10000", "0"),
        ("Main Sales", "0", "10000"),
    ]


def test_a_channel_has_its_own_accounts() -> None:
    """What a marketplace sells goes onto the marketplace's account."""
    tokopedia = ChannelMapped(
        channel="marketplace", channel_detail="tokopedia", channel_name="Tokopedia", warehouse="Main Warehouse"
    )
    onto = SalesAccountsMapped(scope="marketplace:tokopedia", account="Marketplace Sales")
    invoice = drawn(rules=RECLASS, place=tokopedia, accounts=(STORE, onto), order_details=[line(quantity=2)])
    assert journal_of(invoice) == [("Sales", "20000", "0"), ("Marketplace Sales", "0", "20000")]


def test_charges_and_rounding_are_not_moved() -> None:
    """Their products' sell accounts are the mapped ones already."""
    invoice = drawn(
        rules=RECLASS,
        accounts=(STORE, MAIN_DRINKS),
        order_details=[line()],
        total_additional_final_amount=700,
        rounding_amount=50,
        total_amount=10_750,
    )
    assert journal_of(invoice) == [("Sales", "10000", "0"), ("Main Drinks", "0", "10000")]


def test_another_account_is_refused_where_the_rules_say_so() -> None:
    """With the product and both accounts; the order waits for the settings."""
    why = refused(accounts=(STORE, MAIN_DRINKS), order_details=[line(quantity=2)])
    assert why.reason == "Sales of LATTE go to Main Drinks here, and Jurnal books them on Sales"
    assert why.needs == (SETTINGS_NEED,)


@pytest.mark.parametrize("conflict", ["reclass", "refuse"])
def test_another_account_than_an_unknown_one_is_refused(conflict: str) -> None:
    """Nobody can move what nobody knows the place of."""
    why = refused(
        rules=ruled(sales_account_conflict=conflict), accounts=(MAIN_DRINKS,), order_details=[line(quantity=2)]
    )
    assert "nobody said which account the product has in Jurnal" in why.reason
    assert why.needs == (SETTINGS_NEED,)


def test_discounts_go_onto_their_account_so_that_sales_stand_gross() -> None:
    """A latte less 3,000 of its own and 1,000 off the order, shared 412 and 588 over what the lines are worth."""
    invoice = drawn(
        rules=DISCOUNTS,
        accounts=(STORE,),
        order_details=[line(discount_amount=3_000), line("CAKE")],
        total_discount_amount=4_000,
        total_amount=16_000,
    )
    assert lines_of(invoice) == [("LATTE", "1", "6588", None), ("CAKE", "1", "9412", None)]
    assert journal_of(invoice) == [
        ("Sales Discounts", "3412", "0"),
        ("Sales", "0", "3412"),
        ("Sales Discounts", "588", "0"),
        ("Cake Sales", "0", "588"),
    ]


def test_of_a_discount_on_a_price_with_tax_only_the_net_is_a_discount() -> None:
    """1,110 off 11,100 with 11 % included: sales were 10,000, of which 1,000 is discount."""
    invoice = drawn(
        rules=DISCOUNTS,
        accounts=(STORE,),
        order_details=[taxed(price=11_100, discount_amount=1_110)],
        tax_inclusive=True,
        total_discount_amount=1_110,
        total_amount=9_990,
    )
    assert journal_of(invoice) == [("Sales Discounts", "1000", "0"), ("Sales", "0", "1000")]


def test_discounts_of_moved_sales_go_where_the_sales_went() -> None:
    """9,000 of net and 1,000 of discount: the main outlet's account shows 10,000."""
    invoice = drawn(
        rules=ruled(sales_account_conflict="reclass", discount_account="Sales Discounts"),
        accounts=(STORE, MAIN_DRINKS),
        order_details=[line(discount_amount=1_000)],
        total_discount_amount=1_000,
        total_amount=9_000,
    )
    assert journal_of(invoice) == [
        ("Sales", "9000", "0"),
        ("Main Drinks", "0", "9000"),
        ("Sales Discounts", "1000", "0"),
        ("Main Drinks", "0", "1000"),
    ]


@pytest.mark.parametrize("zero_prices", ["send", "adjust_stock"])
def test_goods_given_away_are_a_discount_whether_or_not_jurnal_takes_their_line(zero_prices: str) -> None:
    """The profit and loss must not depend on how the stock leaves."""
    invoice = drawn(
        rules=ruled(discount_account="Sales Discounts", zero_prices=zero_prices),
        accounts=(STORE,),
        order_details=[line(discount_amount=10_000)],
        total_discount_amount=10_000,
        total_amount=0,
    )
    assert journal_of(invoice) == [("Sales Discounts", "10000", "0"), ("Sales", "0", "10000")]


def test_a_discount_on_stored_value_raises_the_liability_and_not_the_revenue() -> None:
    """A balance of 100,000 for 90,000: the customer is owed all of it."""
    invoice = drawn(
        rules=ruled(stored_value_products={"TOPUP": "Customer Balance"}, discount_account="Sales Discounts"),
        order_details=[line("TOPUP", 1, 100_000, discount_amount=10_000)],
        total_discount_amount=10_000,
        total_amount=90_000,
    )
    assert lines_of(invoice) == [("TOPUP", "1", "90000", None)]
    assert journal_of(invoice) == [("Sales Discounts", "10000", "0"), ("Customer Balance", "0", "10000")]


def test_stored_value_is_never_moved_to_a_sales_account() -> None:
    """A place's account for all its sales is not for what it owes."""
    everything = SalesAccountsMapped(scope="main", account="Main Sales")
    rules = ruled(stored_value_products={"TOPUP": "Customer Balance"}, sales_account_conflict="reclass")
    invoice = drawn(rules=rules, accounts=(STORE, everything), order_details=[line("TOPUP", 2)])
    assert invoice.journal == ()


def test_a_discount_without_a_known_sales_account_waits_for_the_settings() -> None:
    """Only where there is a discount."""
    told: dict[str, Any] = {"rules": DISCOUNTS, "total_amount": 9_000, "total_discount_amount": 1_000}
    why = refused(order_details=[line(discount_amount=1_000)], **told)
    assert "nobody said which account takes sales of LATTE" in why.reason
    assert why.needs == (SETTINGS_NEED,)
    assert drawn(rules=DISCOUNTS, order_details=[line(quantity=2)]).journal == ()
