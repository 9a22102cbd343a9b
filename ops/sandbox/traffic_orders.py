"""Orders as iSeller would total them, with later payments and fulfilments."""

from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import count
from typing import Literal

import msgspec

from ops.sandbox.dice import Dice
from ops.sandbox.scenario import Outlet, Product, Scenario
from ops.sandbox.traffic_calendar import moment
from ops.sandbox.traffic_events import Event, OrderCompleted, OrderFulfilled, OrderPaid
from ops.sandbox.traffic_order import Order, OrderLine
from ops.sandbox.traffic_payments import later_payments, payments_at_completion

Kind = Literal["paid", "split", "on_account", "partial"]

_LINE_DISCOUNTS_IDR = (1_111, 2_500, 3_333)
_ORDER_DISCOUNTS_IDR = (3_333, 5_000, 7_777, 10_001)
_PROMOTIONS_IDR = (2_500, 4_999)
_OPENING_MINUTE = 6 * 60 + 15
_LAST_ORDER_MINUTE = 22 * 60 + 30
_LAST_MINUTE = 23 * 60 + 50


class Cart(msgspec.Struct, frozen=True, kw_only=True):
    """Lines and order-level discounts before anybody pays; total and rounding are iSeller's."""

    lines: tuple[OrderLine, ...]
    discount_idr: Decimal
    promotion_idr: Decimal
    rounding_idr: Decimal
    total_idr: Decimal


def make_order_events(scenario: Scenario, seed: int, orders: int, days: tuple[date, ...]) -> list[Event]:
    """Return the completions, later payments and fulfilments of `orders` orders, in no particular order."""
    dice = Dice(seed, "orders")
    moments = sorted(
        moment(scenario, dice.pick(days), dice.between(_OPENING_MINUTE, _LAST_ORDER_MINUTE), dice.between(0, 59))
        for _ in range(orders)
    )
    last_moment = moment(scenario, days[-1], _LAST_MINUTE)
    references = {outlet.code: count(1001) for outlet in scenario.outlets}
    web_references = count(1001)
    events: list[Event] = []
    for at, kind in zip(moments, _kinds(dice, orders), strict=True):
        online = kind == "paid" and dice.chance(0.08)
        outlet = scenario.outlets[0] if online or dice.chance(0.6) else scenario.outlets[1]
        number = next(web_references if online else references[outlet.code])
        reference = f"#W-{number}" if online else f"#{outlet.register_number}-{number}"
        order = _order(scenario, dice, kind, outlet, at, reference)
        events.append(OrderCompleted(at=at, order=order))
        events.extend(
            OrderPaid(at=payment.at, order_id=order.order_id, payment=payment)
            for payment in later_payments(dice, order, kind, last_moment)
        )
        if not order.fulfilled and dice.chance(0.85):
            handed_over_at = min(at + timedelta(minutes=dice.between(5, 600)), last_moment)
            events.append(OrderFulfilled(at=handed_over_at, order_id=order.order_id))
    return events


def _kinds(dice: Dice, orders: int) -> list[Kind]:
    shares: tuple[tuple[Kind, int], ...] = (("split", 8), ("on_account", 15), ("partial", 7))
    kinds: list[Kind] = [kind for kind, percent in shares for _ in range(round(orders * percent / 100))]
    kinds.extend("paid" for _ in range(orders - len(kinds)))
    kinds = kinds[:orders]
    dice.shuffle(kinds)
    return kinds


def _order(scenario: Scenario, dice: Dice, kind: Kind, outlet: Outlet, at: datetime, reference: str) -> Order:
    online = reference.startswith("#W-")
    cart = _cart(scenario, dice, outlet)
    registered = kind == "on_account" or online or dice.chance(0.2)
    customer = dice.pick(scenario.customers) if registered else None
    return Order(
        order_id=dice.guid(),
        order_reference=reference,
        channel="web" if online else "pos",
        outlet_code=outlet.code,
        at=at,
        customer_id=None if customer is None else customer.customer_id,
        on_account=kind == "on_account",
        lines=cart.lines,
        order_discount_idr=cart.discount_idr,
        order_promotion_idr=cart.promotion_idr,
        rounding_idr=cart.rounding_idr,
        total_idr=cart.total_idr,
        fulfilled=not online and dice.chance(0.6),
        payments=payments_at_completion(dice, kind, cart.total_idr, at, online=online),
    )


def _cart(scenario: Scenario, dice: Dice, outlet: Outlet) -> Cart:
    products = dice.picks(scenario.products, dice.between(1, 4))
    untaxed = [_line(dice, product) for product in products]
    nets = [line.gross_idr - line.discount_idr for line in untaxed]
    discount = _at_most_a_third(
        Decimal(dice.pick(_ORDER_DISCOUNTS_IDR)) if dice.chance(0.25) else Decimal(0), sum(nets)
    )
    promotion = _at_most_a_third(Decimal(dice.pick(_PROMOTIONS_IDR)) if dice.chance(0.1) else Decimal(0), sum(nets))
    kept_share = 1 - Fraction(discount + promotion) / Fraction(sum(nets))
    rate = Fraction(scenario.tax_percentage) / 100
    lines = tuple(
        msgspec.structs.replace(line, tax_idr=_round(net * kept_share * rate, outlet.tax_decimals))
        if line.taxable
        else line
        for line, net in zip(untaxed, (Fraction(net) for net in nets), strict=True)
    )
    exact_total = sum(nets) - discount - promotion + sum(line.tax_idr for line in lines)
    multiple = outlet.rounding_multiple_idr
    total = (exact_total / multiple).quantize(Decimal(1), ROUND_HALF_UP) * multiple
    return Cart(
        lines=lines,
        discount_idr=discount,
        promotion_idr=promotion,
        rounding_idr=total - exact_total,
        total_idr=total,
    )


def _line(dice: Dice, product: Product) -> OrderLine:
    quantity = Decimal(dice.between(1, 6))
    gross = quantity * product.price_idr
    discount = percentage = Decimal(0)
    if dice.chance(0.1):
        percentage = Decimal(7)
        discount = _round(Fraction(gross) * 7 / 100, 0)
    elif dice.chance(0.25):
        discount = _at_most_a_third(Decimal(dice.pick(_LINE_DISCOUNTS_IDR)), gross)
    return OrderLine(
        order_detail_id=dice.guid(),
        sku=product.sku,
        quantity=quantity,
        price_idr=product.price_idr,
        discount_idr=discount,
        discount_percentage=percentage,
        taxable=product.taxable,
        tax_idr=Decimal(0),
    )


def _at_most_a_third(discount: Decimal, whole: Decimal | int) -> Decimal:
    return discount if discount * 3 <= whole else Decimal(0)


def _round(amount: Fraction, decimals: int) -> Decimal:
    scaled = amount * 10**decimals
    return Decimal(int(scaled + Fraction(1, 2))).scaleb(-decimals)
