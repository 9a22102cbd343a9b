"""Company-wide average cost of one product, worked out date by date (the rule stands in the README)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import groupby
from typing import Generic, TypeVar

from ops.sandbox.jurnal.records import ZERO

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Movement(Generic[S]):
    """A change of stock. `price` is set on a priced inflow only; `source` is whatever made it."""

    day: date
    quantity: Fraction
    price: Fraction | None
    source: S

    @property
    def priced(self) -> bool:
        """Tell whether it sets the average."""
        return self.price is not None and self.quantity > 0


@dataclass(frozen=True, slots=True)
class Change(Generic[S]):
    """What the inventory value gains on a day; without a source it is the correction for uncovered stock."""

    day: date
    amount: Fraction
    source: S | None


@dataclass(frozen=True, slots=True)
class Valuation(Generic[S]):
    """The changes of value in order of date, and quantity and average after the last."""

    changes: tuple[Change[S], ...]
    quantity: Fraction
    average: Fraction

    @property
    def value(self) -> Fraction:
        """Return what the stock is worth."""
        return self.quantity * self.average


def valued(movements: Iterable[Movement[S]], buy_price: Fraction) -> Valuation[S]:
    """Value a product's movements; the order within a date does not matter, nor the order given."""
    quantity, average = ZERO, buy_price
    changes: list[Change[S]] = []
    for day, group in groupby(sorted(movements, key=lambda movement: movement.day), key=lambda movement: movement.day):
        of_day = list(group)
        inflows = [movement for movement in of_day if movement.priced]
        opening_quantity, opening_average = quantity, average
        quantity, average = _after_inflows(quantity, average, inflows)
        changes.extend(Change(day, _worth(movement, average), movement.source) for movement in of_day)
        if opening_quantity < 0 and average != opening_average:
            changes.append(Change(day, opening_quantity * (average - opening_average), None))
        quantity += sum((movement.quantity for movement in of_day if not movement.priced), ZERO)
    return Valuation(tuple(changes), quantity, average)


def _after_inflows(quantity: Fraction, average: Fraction, inflows: Sequence[Movement[S]]) -> tuple[Fraction, Fraction]:
    """Return quantity and average after a date's priced inflows; uncovered stock does not weigh in."""
    if not inflows:
        return quantity, average
    received = sum((movement.quantity for movement in inflows), ZERO)
    cost = sum((_worth(movement, average) for movement in inflows), ZERO)
    covered = max(quantity, ZERO)
    return quantity + received, (covered * average + cost) / (covered + received)


def _worth(movement: Movement[S], average: Fraction) -> Fraction:
    """Return a movement's value: at its own price when it is a priced inflow, else at the average."""
    price = movement.price if movement.price is not None and movement.priced else average
    return movement.quantity * price
