"""Small shops, drawn piece by piece: what fails shrinks to the few orders, settings and reports that it needs."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from operator import attrgetter
from typing import get_args

import msgspec
from hypothesis import strategies as st

from ops.sandbox.dice import Dice
from ops.sandbox.scenario import Scenario
from ops.sandbox.scenario_everything import everything_as
from ops.sandbox.scenario_mode import Mode
from ops.sandbox.traffic import Traffic, arranged
from ops.sandbox.traffic_calendar import business_days, moment
from ops.sandbox.traffic_events import Event, OrderCompleted, OrderPaid, SupplierReturned, TransferStarted
from ops.sandbox.traffic_goods import make_transfers
from ops.sandbox.traffic_plans import (
    LATE,
    LATEST_MINUTE,
    MONEY_OF,
    OPENING_MINUTE,
    After,
    Content,
    Money,
    Plan,
    monies_of,
    unfit,
)
from ops.sandbox.traffic_sales import Till
from ops.sandbox.traffic_stock import make_stock_events
from tests.books.turns import TURNS, Turn, taken

_ORDERS_MAX = 5
_CONTENTS_MAX = 4
_SEEDS_MAX = 50
# The five-piece transfer is always there; of the four after it and of the stock processes, any may be.
_MOVES = 20
_MONEY_BEFORE: tuple[Money, ...] = ("paid", "partial", "partial", "partial", "on_account", "split", "points")


class OrderShape(msgspec.Struct, frozen=True, kw_only=True):
    """One order. `place`: 0 and 1 are the outlets, from 2 on the channels. The seed decides prices and quantities.

    `turns`: what it goes through, of an order of the first day.
    """

    day: int
    minute: int
    place: int
    contents: frozenset[Content]
    money: Money
    after: After
    seed: int
    turns: tuple[Turn, ...] = ()


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """A shop's days. `moves`: which transfers and stock processes happen, by their place in the list of all."""

    mode: Mode
    orders: tuple[OrderShape, ...]
    moves: frozenset[int]
    returns_name_origin: bool


@st.composite
def _orders(draw: st.DrawFn) -> OrderShape:
    after: After = draw(st.sampled_from(("nothing", *(each for each in get_args(After) if each != "nothing"))))
    turns = draw(TURNS) if after == "nothing" and draw(st.booleans()) else ()
    place = 0 if after in MONEY_OF else draw(st.integers(0, 1 if turns else 4))
    money: Money = "paid"
    if place < 2:
        fitting = monies_of(after)
        money = draw(st.sampled_from(fitting if after in MONEY_OF else ("paid", *fitting)))
        money = draw(st.sampled_from(_MONEY_BEFORE)) if turns else money
    contents = draw(st.frozensets(st.sampled_from(get_args(Content)), max_size=_CONTENTS_MAX))
    return OrderShape(
        day=2 if after in LATE else draw(st.integers(0, 0 if turns else 2)),
        minute=draw(st.integers(OPENING_MINUTE, LATEST_MINUTE)),
        place=place,
        contents=contents - unfit("full_refund" if turns else after, money),
        money=money,
        after=after,
        seed=draw(st.integers(0, _SEEDS_MAX)),
        turns=turns,
    )


def _choices(annotation: object) -> st.SearchStrategy[object]:
    return st.booleans() if annotation is bool else st.sampled_from(get_args(annotation))


MODES = st.builds(Mode, **{field.name: _choices(field.type) for field in msgspec.structs.fields(Mode)})
SHAPES = st.builds(
    Shape,
    mode=MODES,
    # Two orders of one seed would be one order: their ids come from it.
    orders=st.lists(_orders(), min_size=1, max_size=_ORDERS_MAX, unique_by=attrgetter("seed")).map(tuple),
    moves=st.frozensets(st.integers(0, _MOVES - 1), max_size=4),
    returns_name_origin=st.booleans(),
)


def _order(place: int, after: After, contents: str, money: Money = "paid", *, seed: int) -> OrderShape:
    """Return an order of the last day, an hour after the one of the seed before."""
    drawn = frozenset(content for content in get_args(Content) if content in contents.split())
    return OrderShape(day=2, minute=600 + 60 * seed, place=place, contents=drawn, money=money, after=after, seed=seed)


_REFUND = Turn(kind="refund", percent=50, tender="cash")
_PAY = Turn(kind="pay", percent=130, tender="card")
_VOID = Turn(kind="void", percent=0)


def _turned(place: int, money: Money, *turns: Turn, seed: int) -> OrderShape:
    """Return an order of the first day that goes through these turns."""
    order = _order(place, "nothing", "", money, seed=seed)
    return msgspec.structs.replace(order, day=0, turns=turns)


# Settings away from what is usual, with the orders that feel them.
EVERY_SETTING = Shape(
    mode=Mode(
        zero_prices="adjust_stock",
        same_day_void="delete",
        discounts="shown",
        sales_account_conflict="reclass",
        charges_taxed=True,
        customer_ids=False,
        sales_sync="shift_closing",
        transfer_sync="manual",
        prices_with_tax="branch",
    ),
    orders=(
        _order(1, "void_same_day", "composite order_discount subtotal_charge", seed=1),
        _order(1, "edit_with_deposit", "free_price order_charge order_discount line_rupiah", seed=2),
        _order(3, "partial_refund", "order_promotion final_charge", seed=3),
        _order(1, "edit_with_payments", "comboset line_rupiah order_charge", "split", seed=4),
        _order(0, "void_undone", "weighed subtotal_charge", seed=5),
    ),
    moves=frozenset({4}),
    returns_name_origin=True,
)
METHODS_KEPT = Shape(
    mode=Mode(
        same_day_void="delete",
        payment_method_kept=True,
        sales_sync="scheduled",
        transfer_sync="scheduled",
        prices_with_tax="main",
    ),
    orders=(
        _order(0, "void_same_day", "line_promotion order_charge", seed=1),
        _order(0, "edit_with_deposit", "free_discount", seed=2),
        _order(1, "full_refund", "order_discount", "gift_card", seed=3),
    ),
    moves=frozenset(),
    returns_name_origin=False,
)

# Each order is told late, all at once, and not as it happened: what is paid after a refund, beyond what is owed or not.
PAID_AFTER_REFUNDS = Shape(
    mode=Mode(),
    orders=(
        _turned(0, "partial", _REFUND, msgspec.structs.replace(_PAY, percent=100), seed=1),
        _turned(1, "partial", msgspec.structs.replace(_REFUND, more=2_000), _PAY, _REFUND, _VOID, seed=2),
        _turned(0, "on_account", msgspec.structs.replace(_REFUND, more=None), _PAY, _PAY, _REFUND, seed=3),
        _turned(0, "points", _PAY, msgspec.structs.replace(_REFUND, more=2_000), _REFUND, seed=4),
    ),
    moves=frozenset(),
    returns_name_origin=False,
)


def lived(shape: Shape, today: date) -> tuple[Scenario, Traffic]:
    """Return the shop of a shape and what happened in it over three days."""
    scenario, days = everything_as(shape.mode), business_days(today)
    till = Till(scenario, days)
    sales: list[Event] = [till.caught_up]
    for order in sorted(shape.orders, key=lambda each: _at(scenario, each, days)):
        sold = till.order(_plan(scenario, order, days), Dice(order.seed, "sales"))
        sales += [event for event in sold if not (order.turns and isinstance(event, OrderPaid))]
        sales += _taken(order, sold)
    return scenario, arranged(scenario, 1, today, sales, _moved(scenario, shape, days), everything=True)


def _taken(shape: OrderShape, sold: Sequence[Event]) -> Iterator[Event]:
    completed = next(event for event in sold if isinstance(event, OrderCompleted))
    return taken(completed.order, shape.turns, shape.seed)


def _at(scenario: Scenario, order: OrderShape, days: Sequence[date]) -> datetime:
    return moment(scenario, days[order.day], order.minute)


def _plan(scenario: Scenario, order: OrderShape, days: Sequence[date]) -> Plan:
    channel = scenario.channels[order.place - 2] if order.place > 1 else None
    outlet = scenario.outlet(channel.outlet_code) if channel else scenario.outlets[order.place]
    return Plan(
        at=_at(scenario, order, days),
        outlet=outlet,
        channel=channel,
        contents=order.contents,
        money=order.money,
        after=order.after,
    )


def _moved(scenario: Scenario, shape: Shape, days: tuple[date, date, date]) -> list[Event]:
    """Return the transfers and stock processes of a shape, each whole: with all its receipts and what came back."""
    first, *others = _processes([*make_transfers(scenario, 1, days), *make_stock_events(scenario, 1, days)])
    return [*first, *(event for place in sorted(shape.moves) for event in others[place % len(others)])]


def _processes(events: Sequence[Event]) -> list[list[Event]]:
    processes: dict[str, list[Event]] = {}
    origins: dict[str, str] = {}
    for event in events:
        identity = event.transfer_id  # type: ignore[union-attr]
        if isinstance(event, TransferStarted | SupplierReturned) and event.return_of is not None:
            origins[identity] = event.return_of
        processes.setdefault(origins.get(identity, identity), []).append(event)
    return list(processes.values())
