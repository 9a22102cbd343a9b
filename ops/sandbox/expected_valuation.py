"""The written valuation rule, for the expected books: company-wide average per product, by transaction date."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from fractions import Fraction

import msgspec


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """A priced inflow (`unit_price` set) or goods that go at the average (`unit_price` None); `quantity` is positive.

    `account` stands across from goods that go; none is cost of sales. A negative quantity comes in at the average.
    """

    date: date
    quantity: Fraction
    unit_price: Fraction | None
    account: str | None = None


class Valuation(msgspec.Struct, frozen=True, kw_only=True):
    """What one product's movements come to; `value` is what still stands in inventory, `others` by account."""

    quantity: Fraction
    value: Fraction
    cost_of_sales: Fraction
    others: dict[str, Fraction] = {}


def value_product(movements: Iterable[Movement], buy_price: Fraction) -> Valuation:
    """Take each date's inflows as one sum, then let everything else of the date go at the resulting average.

    `buy_price` is the average before the first inflow. Goods sold before they were bought are trued up, to cost of
    sales, on the date of the inflow that covers them.
    """
    by_date: dict[date, list[Movement]] = defaultdict(list)
    for movement in movements:
        by_date[movement.date].append(movement)
    quantity, average, cost_of_sales = Fraction(0), buy_price, Fraction(0)
    others: dict[str, Fraction] = defaultdict(Fraction)
    for day in sorted(by_date):
        bought = Fraction(0)
        bought_value = Fraction(0)
        sold = Fraction(0)
        gone: dict[str, Fraction] = defaultdict(Fraction)
        for movement in by_date[day]:
            if movement.unit_price is None and movement.account is not None:
                gone[movement.account] += movement.quantity
            elif movement.unit_price is None:
                sold += movement.quantity
            else:
                bought += movement.quantity
                bought_value += movement.quantity * movement.unit_price
        if bought > 0:
            if quantity < 0:
                covering_average = bought_value / bought
                cost_of_sales += -quantity * (covering_average - average)
                average = covering_average
            else:
                average = (quantity * average + bought_value) / (quantity + bought)
        cost_of_sales += sold * average
        for account, pieces in gone.items():
            others[account] += pieces * average
        quantity += bought - sold - sum(gone.values())
    return Valuation(quantity=quantity, value=quantity * average, cost_of_sales=cost_of_sales, others=dict(others))
