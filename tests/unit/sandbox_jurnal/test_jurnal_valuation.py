"""The valuation rule, on its own and through the API."""

from datetime import date
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from ops.sandbox.jurnal.valuation import Movement, valued
from tests.unit.sandbox_jurnal.shop import Shop

Row = tuple[int, int, int | None]


def moves(*rows: Row) -> list[Movement[str]]:
    """Return movements from rows of day of March, quantity and price."""
    return [
        Movement(
            date(2026, 3, day), Fraction(quantity), None if price is None else Fraction(price), f"{day}:{quantity}"
        )
        for day, quantity, price in rows
    ]


def changes(*rows: Row, buy_price: int = 40) -> list[tuple[int, Fraction, str | None]]:
    """Return the value changes as (day, amount, source)."""
    valuation = valued(moves(*rows), Fraction(buy_price))
    return [(change.day.day, change.amount, change.source) for change in valuation.changes]


def test_several_prices_of_a_date_are_one_sum_before_anything_goes_out() -> None:
    """2 at 30 and 1 at 60 make an average of 40, whatever the order they were sent in."""
    assert changes((1, -1, None), (1, 2, 30), (1, 1, 60)) == [
        (1, Fraction(-40), "1:-1"),
        (1, Fraction(60), "1:2"),
        (1, Fraction(60), "1:1"),
    ]


def test_the_average_weighs_what_was_there_with_what_came() -> None:
    """1 left at 30 and 2 at 60 make 50."""
    assert valued(moves((1, 2, 30), (1, -1, None), (2, 2, 60)), Fraction(0)).average == 50


def test_returns_and_found_goods_come_in_at_the_average_and_do_not_change_it() -> None:
    """An inflow without a price is worth the average of its date."""
    valuation = valued(moves((1, 2, 30), (2, 5, None), (2, 2, 60)), Fraction(0))
    assert valuation.average == 45
    assert [change.amount for change in valuation.changes] == [60, 225, 120]


def test_stock_below_zero_is_corrected_when_goods_come_in() -> None:
    """3 sold uncovered at 40; the next inflow's price of 50 stands alone and 3 x 10 goes to cost of sales."""
    assert changes((1, -3, None), (2, 5, 50)) == [
        (1, Fraction(-120), "1:-3"),
        (2, Fraction(250), "2:5"),
        (2, Fraction(-30), None),
    ]


def test_an_inflow_that_does_not_cover_all_still_revalues_all() -> None:
    """The value left is the quantity left times the new average, below zero too."""
    valuation = valued(moves((1, -5, None), (2, 2, 50)), Fraction(40))
    assert sum(change.amount for change in valuation.changes) == valuation.value == -150


def test_before_any_inflow_the_buy_price_holds() -> None:
    """Without an inflow the average is the product's buy price."""
    assert changes((1, -2, None), buy_price=35) == [(1, Fraction(-70), "1:-2")]


def test_the_last_average_holds_while_the_stock_is_empty() -> None:
    """What goes out after the stock ran out goes out at the last known average."""
    assert changes((1, 1, 30), (2, -1, None), (3, -1, None))[-1] == (3, Fraction(-30), "3:-1")


@given(
    st.lists(
        st.tuples(st.integers(1, 9), st.integers(-20, 20), st.none() | st.integers(0, 500)), min_size=1, max_size=30
    )
)
def test_the_value_is_always_quantity_times_average(rows: list[Row]) -> None:
    """However the movements fall, the changes add up to what is left at the last average."""
    valuation = valued(moves(*rows), Fraction(40))
    assert sum((change.amount for change in valuation.changes), Fraction(0)) == valuation.value


@given(
    st.lists(st.tuples(st.integers(1, 5), st.integers(-9, 9), st.none() | st.integers(1, 90)), max_size=12),
    st.randoms(use_true_random=False),
)
def test_the_order_of_entry_changes_nothing(rows: list[Row], random: object) -> None:
    """Ids and order of entry do not matter, dates do."""
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    first, second = valued(moves(*rows), Fraction(40)), valued(moves(*shuffled), Fraction(40))
    assert (first.value, first.average) == (second.value, second.average)
    assert sorted(map(repr, first.changes)) == sorted(map(repr, second.changes))


async def test_a_sale_costs_the_average_of_its_date(shop: Shop) -> None:
    """Two prices of one date average before the sale of that date."""
    await shop.receive(2, 30_000, "2026-03-01")
    await shop.receive(1, 60_000, "2026-03-01")
    line = {"product_name": "Kemeja", "quantity": 1, "rate": 90_000}
    await shop.sell(transaction_lines_attributes=[line], transaction_date="2026-03-01", warehouse_name="Pusat")
    assert await shop.balances() == {
        "Accounts Receivable": "90000",
        "Inventory": "80000",
        "Service Revenue": "-90000",
        "Cost of Sales": "40000",
        "Inventory Adjustments": "-120000",
    }


async def test_a_backdated_inflow_recalculates_every_later_sale(shop: Shop) -> None:
    """Goods entered later for an earlier date change the cost of what was sold after that date."""
    await shop.receive(1, 60_000, "2026-03-02")
    line = {"product_name": "Kemeja", "quantity": 1, "rate": 90_000}
    await shop.sell(transaction_lines_attributes=[line], transaction_date="2026-03-03")
    before = (await shop.balances())["Cost of Sales"]
    await shop.receive(1, 30_000, "2026-03-01")
    after = (await shop.balances())["Cost of Sales"]
    assert (before, after) == ("60000", "45000")


async def test_uncovered_sales_are_corrected_through_cost_of_sales(shop: Shop) -> None:
    """Sold at the buy price of 40,000, bought at 45,500: cost of sales ends at what the goods cost."""
    line = {"product_name": "Kemeja", "quantity": 2, "rate": 90_000}
    await shop.sell(transaction_lines_attributes=[line], transaction_date="2026-03-01")
    sold = (await shop.balances())["Cost of Sales"]
    await shop.receive(2, "45500", "2026-03-02")
    balances = await shop.balances()
    assert (sold, balances["Cost of Sales"]) == ("80000", "91000")
    assert "Inventory" not in balances
