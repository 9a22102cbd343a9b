"""All kinds of orders with their payments, fulfilments, and what is taken back, voided or changed of them."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import count

from ops.sandbox.dice import Dice
from ops.sandbox.scenario import Customer, Scenario
from ops.sandbox.traffic_calendar import moment
from ops.sandbox.traffic_carts import Basket, fill
from ops.sandbox.traffic_events import CaughtUp, Event, OrderCompleted, OrderFulfilled, OrderPaid
from ops.sandbox.traffic_order import Order
from ops.sandbox.traffic_plans import Plan, make_plans
from ops.sandbox.traffic_taken_back import afterwards
from ops.sandbox.traffic_tenders import at_completion, later

_LAST_MINUTE = 22 * 60 + 50
# The shop catches up before anything of `traffic_plans.LATE` happens.
_CAUGHT_UP_MINUTE, _LATE_MINUTE = 22 * 60 + 55, 23 * 60 + 10


def make_sales(scenario: Scenario, seed: int, orders: int, days: tuple[date, date, date]) -> list[Event]:
    """Return what becomes of `orders` orders, in no particular order; the new order of an exchange is one more."""
    till, dice = Till(scenario, days), Dice(seed, "sales")
    events: list[Event] = []
    for plan in make_plans(scenario, seed, orders, days):
        events += till.order(plan, dice)
    return [*events, till.caught_up]


class Till:
    """Rings up orders as they are planned; numbers run through."""

    def __init__(self, scenario: Scenario, days: tuple[date, date, date]) -> None:
        self._scenario = scenario
        self.caught_up = CaughtUp(at=moment(scenario, days[-1], _CAUGHT_UP_MINUTE))
        self._numbers = {prefix: count(1001) for prefix in self._prefixes()}
        self._last = moment(scenario, days[-1], _LAST_MINUTE)
        self._late = moment(scenario, days[-1], _LATE_MINUTE)

    def _prefixes(self) -> list[str]:
        registers = [outlet.register_number for outlet in self._scenario.outlets]
        return [*registers, *(channel.name[0] for channel in self._scenario.channels)]

    def order(self, plan: Plan, dice: Dice) -> list[Event]:
        """Return the completion of one order and all that follows; the dice decide what the plan leaves open."""
        order = self._order(plan, dice, fill(self._scenario, dice, plan), plan.at)
        events: list[Event] = [OrderCompleted(at=plan.at, order=order)]
        unpaid = order.total_idr - sum(payment.amount_idr for payment in order.payments)
        paid_later = later(dice, plan, unpaid, plan.at, self._last)
        events += [OrderPaid(at=paid.at, order_id=order.order_id, payment=paid) for paid in paid_later]
        if not order.fulfilled and dice.chance(0.85):
            handed_over_at = min(plan.at + timedelta(minutes=dice.between(5, 600)), self._last)
            events.append(OrderFulfilled(at=handed_over_at, order_id=order.order_id))
        taken_back = afterwards(self._scenario, dice, plan, order, paid_later, (self._last, self._late))
        events += taken_back
        if plan.after == "exchange":
            events.append(self._exchanged_for(plan, dice, taken_back[0].at + timedelta(seconds=40)))
        return events

    def _exchanged_for(self, plan: Plan, dice: Dice, at: datetime) -> OrderCompleted:
        return OrderCompleted(at=at, order=self._order(plan, dice, fill(self._scenario, dice, plan), at))

    def _order(self, plan: Plan, dice: Dice, basket: Basket, at: datetime) -> Order:
        channel, customer = plan.channel, self._customer(plan, dice)
        prefix = channel.name[0] if channel else plan.outlet.register_number
        return Order(
            order_id=dice.guid(),
            order_reference=f"#{prefix}-{next(self._numbers[prefix])}",
            channel=channel.channel if channel else "pos",
            channel_detail=channel.detail if channel else None,
            outlet_code=plan.outlet.code,
            at=at,
            customer_id=None if customer is None else customer.customer_id,
            on_account=plan.money in {"on_account", "paid_later"},
            lines=basket.lines,
            order_discount_idr=basket.discount_idr,
            order_promotion_idr=basket.promotion_idr,
            rounding_idr=basket.rounding_idr,
            total_idr=basket.total_idr,
            fulfilled=channel is None and dice.chance(0.6),
            payments=at_completion(dice, plan, basket.total_idr, at),
            tax_inclusive=plan.outlet.tax_inclusive,
            charges=basket.charges,
        )

    def _customer(self, plan: Plan, dice: Dice) -> Customer | None:
        known: Sequence[Customer] = self._scenario.customers
        owes = plan.money not in {"paid", "split", "overpaid"}
        registered = owes or plan.channel is not None or plan.after == "refund_to_store_credit"
        return dice.pick(known) if registered or dice.chance(0.2) else None
