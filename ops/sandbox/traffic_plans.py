"""What each order of a whole day is to be: where it is sold, what is in it, how it is paid, what comes after."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Generic, Literal, get_args

import msgspec

from ops.sandbox.dice import Choice, Dice
from ops.sandbox.scenario import Channel, Outlet, Scenario
from ops.sandbox.traffic_calendar import local_date, moment

Content = Literal[
    "variant",
    "composite",
    "comboset",
    "modifiers",
    "weighed",
    "free_price",
    "free_discount",
    "line_percent",
    "line_rupiah",
    "line_promotion",
    "order_discount",
    "order_promotion",
    "order_charge",
    "subtotal_charge",
    "final_charge",
    "stray_sku",
    "top_up",
]
Money = Literal[
    "paid",
    "split",
    "partial",
    "on_account",
    "paid_later",
    "overpaid",
    "points",
    "gift_card",
    "store_credit",
    "account_balance",
]
After = Literal[
    "nothing",
    "partial_refund",
    "refund_thrown_away",
    "refund_money_only",
    "refund_to_store_credit",
    "full_refund",
    "refund_unpaid",
    "refund_partly_paid",
    "void_same_day",
    "void_later",
    "exchange",
    "void_undone",
    "edit_unpaid",
    "edit_with_deposit",
    "edit_with_payments",
    "payment_reversed",
]
# What has two meanings, whether or not it was booked before: only on the last day, after the shop has caught up.
LATE: tuple[After, ...] = ("void_undone", "edit_unpaid", "edit_with_deposit", "edit_with_payments", "payment_reversed")
LATEST_MINUTE = 22 * 60 + 30
OPENING_MINUTE = 6 * 60 + 15
MONEY_OF: dict[After, Money] = {
    "refund_unpaid": "on_account",
    "refund_partly_paid": "partial",
    "edit_unpaid": "on_account",
    "edit_with_payments": "split",
    "payment_reversed": "paid_later",
}
# However it was paid, what is given back is the same; of a void, whatever part was paid.
_MONEY_BACK: tuple[Money, ...] = ("split", "overpaid", "points", "gift_card", "store_credit", "account_balance")
_MONEY_VOIDED: tuple[Money, ...] = (*_MONEY_BACK, "partial")
_UNTOUCHED_SHARE = 0.68
_LATE_SHARE = 40
_CONTENTS_MAX = 3


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One order to come; `channel` None is the outlet's register."""

    at: datetime
    outlet: Outlet
    channel: Channel | None
    contents: frozenset[Content]
    money: Money
    after: After


class _Deck(Generic[Choice]):
    """Draws every choice once before any comes again."""

    def __init__(self, dice: Dice, choices: Sequence[Choice]) -> None:
        self._dice = dice
        self._choices = list(choices)
        self._left: list[Choice] = []

    def draw(self) -> Choice:
        if not self._left:
            self._left = list(self._choices)
            self._dice.shuffle(self._left)
        return self._left.pop()


def make_plans(scenario: Scenario, seed: int, orders: int, days: tuple[date, ...]) -> list[Plan]:
    """Plan `orders` orders; from a hundred on, every kind of everything occurs."""
    dice = Dice(seed, "plans")
    moments = sorted(
        moment(scenario, dice.pick(days), dice.between(OPENING_MINUTE, LATEST_MINUTE), dice.between(0, 59))
        for _ in range(orders)
    )
    contents, monies = _Deck(dice, get_args(Content)), _Deck(dice, (*get_args(Money), *["paid"] * 12))
    places = _Deck(dice, (*scenario.channels, *[None] * 3 * len(scenario.channels)))
    afters = _afters(scenario, dice, moments, days[-1])
    plans = []
    for at, after in zip(moments, afters, strict=True):
        channel = places.draw() if after not in MONEY_OF else None
        outlet = scenario.outlet(channel.outlet_code) if channel else dice.pick(scenario.outlets)
        money: Money = MONEY_OF.get(after) or ("paid" if channel else _money(dice, after, monies))
        drawn = frozenset(contents.draw() for _ in range(dice.between(0, _CONTENTS_MAX)))
        plans.append(
            Plan(
                at=at,
                outlet=outlet,
                channel=channel,
                contents=drawn - unfit(after, money),
                money=money,
                after=after,
            )
        )
    return plans


def _money(dice: Dice, after: After, monies: "_Deck[Money]") -> Money:
    """Return how an order is paid; mostly at once if something comes after."""
    if after == "nothing":
        return monies.draw()
    if after in LATE or dice.chance(0.5):
        return "paid"
    return dice.pick(monies_of(after))


def monies_of(after: After) -> tuple[Money, ...]:
    """Return how an order may be paid, beside all at once, for something to come after it."""
    if after == "nothing":
        return get_args(Money)
    if after in MONEY_OF:
        return (MONEY_OF[after],)
    if after in LATE:
        return ("paid",)
    return _MONEY_VOIDED if after in {"void_same_day", "void_later"} else _MONEY_BACK


def _afters(scenario: Scenario, dice: Dice, moments: Sequence[datetime], today: date) -> list[After]:
    """Return what comes after each order; what has two meanings only to some of the last day."""
    early = [after for after in get_args(After) if after not in LATE and after != "nothing"]
    deck, late = _Deck(dice, early), _Deck(dice, LATE)
    last_day = [index for index, at in enumerate(moments) if local_date(scenario, at) == today]
    wanted = min(len(last_day) // 2, max(len(LATE), len(moments) // _LATE_SHARE))
    chosen = set(dice.picks(last_day, wanted))
    return [
        late.draw() if index in chosen else "nothing" if dice.chance(_UNTOUCHED_SHARE) else deck.draw()
        for index in range(len(moments))
    ]


def unfit(after: After, money: Money) -> frozenset[Content]:
    """Return what must not be in an order: nobody gives back a top-up, or pays one with what it tops up."""
    unfit: set[Content] = set()
    if after != "nothing" or money not in {"paid", "split"}:
        unfit.add("top_up")
    if after == "exchange" or (after not in {"nothing", "refund_money_only"} and "refund" in after):
        # Whether modifiers come back with the goods that they were added to is nowhere told.
        unfit |= {"modifiers"}
    return frozenset(unfit)
