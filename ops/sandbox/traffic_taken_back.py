"""What becomes of orders afterwards: refunds of every kind, voids and their undoing, exchanges, edits."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import msgspec

from ops.sandbox.dice import Dice
from ops.sandbox.scenario import Scenario
from ops.sandbox.traffic_afterwards import (
    OrderAfterwards,
    OrderEdited,
    OrderRefunded,
    OrderVoided,
    PaymentReversed,
    Refund,
    RefundedPiece,
    VoidUndone,
)
from ops.sandbox.traffic_calendar import local_date, moment
from ops.sandbox.traffic_carts import Taxing, rounded, totalled
from ops.sandbox.traffic_order import Order, OrderLine, Payment
from ops.sandbox.traffic_plans import Plan
from ops.sandbox.traffic_tenders import CASH, STORE_CREDIT, Tender, gives_back, pays

_REASONS = ("Salah pesan", "Barang rusak", "Pelanggan berubah pikiran")
_SAME_DAY_MINUTES_MAX = 60
_LAST_VOID_MINUTE = 23 * 60 + 40
Moments = tuple[datetime, datetime]


def afterwards(
    scenario: Scenario, dice: Dice, plan: Plan, order: Order, paid_later: Sequence[Payment], moments: Moments
) -> list[OrderAfterwards]:
    """Return what was planned for after the order. `moments`: the last of the usual, and that of `LATE` things."""
    last, late = moments
    paid = [*order.payments, *paid_later]
    match plan.after:
        case "nothing":
            return []
        case "void_same_day" | "void_later":
            return [_voided(dice, order, paid, _void_moment(scenario, dice, plan, order, last))]
        case "void_undone":
            void = _voided(dice, order, paid, min(order.at + timedelta(minutes=dice.between(3, 90)), last))
            anew = tuple(pays(dice, _tender(payment), payment.amount_idr, late) for payment in paid)
            return [void, VoidUndone(at=late, order_id=order.order_id, payments=anew)]
        case "edit_unpaid" | "edit_with_deposit" | "edit_with_payments":
            return [OrderEdited(at=late, order=edited(scenario, dice, plan, order))]
        case "payment_reversed":
            return [
                PaymentReversed(at=late, order_id=order.order_id, transaction_id=payment.transaction_id)
                for payment in paid_later[:1]
            ]
        case _:
            at = _later(dice, order, paid_later, last)
            in_part = plan.after == "refund_partly_paid"
            return _in_part(dice, order, paid, at) if in_part else [_refunded(dice, plan, order, paid, at)]


def edited(scenario: Scenario, dice: Dice, plan: Plan, order: Order) -> Order:
    """Return the order with one or two pieces more of its first line."""
    first, *rest = order.lines
    share = first.discount_idr / first.quantity
    # A discount stays what it was a piece, in whole rupiah.
    more = first.quantity + dice.between(1, 2)
    raised = msgspec.structs.replace(first, quantity=more, discount_idr=(share * more).quantize(Decimal(1)))
    basket = totalled(
        (raised, *rest),
        Taxing.at(scenario, plan.outlet, online=plan.channel is not None),
        order.order_discount_idr,
        order.order_promotion_idr,
        order.charges,
    )
    return msgspec.structs.replace(
        order,
        lines=basket.lines,
        charges=basket.charges,
        rounding_idr=basket.rounding_idr,
        total_idr=basket.total_idr,
    )


def _void_moment(scenario: Scenario, dice: Dice, plan: Plan, order: Order, last: datetime) -> datetime:
    if plan.after == "void_same_day":
        end = moment(scenario, local_date(scenario, order.at), _LAST_VOID_MINUTE)
        return min(order.at + timedelta(minutes=dice.between(3, _SAME_DAY_MINUTES_MAX)), end, last)
    return min(order.at + timedelta(hours=dice.between(20, 30)), last)


def _voided(dice: Dice, order: Order, paid: Sequence[Payment], at: datetime) -> OrderVoided:
    came = [payment for payment in paid if payment.at <= at]
    # The change was given back at the sale.
    change = max(sum((payment.amount_idr for payment in came), Decimal(0)) - order.total_idr, Decimal(0))
    kept = {CASH.gateway: change}
    money = tuple(
        gives_back(dice, payment, payment.amount_idr - kept.get(payment.gateway, 0), at, void=True) for payment in came
    )
    return OrderVoided(at=at, order_id=order.order_id, reason=dice.pick(_REASONS), money=money)


def _later(dice: Dice, order: Order, paid_later: Sequence[Payment], last: datetime) -> datetime:
    start = max([order.at, *(payment.at for payment in paid_later)])
    at = start + timedelta(minutes=dice.between(10, 1_500))
    return min(at, max(last, start + timedelta(minutes=2)))


def _refunded(dice: Dice, plan: Plan, order: Order, paid: Sequence[Payment], at: datetime) -> OrderRefunded:
    pieces: tuple[RefundedPiece, ...] = ()
    if plan.after == "refund_money_only":
        amount = _quarter(order.total_idr)
    elif plan.after in {"full_refund", "refund_unpaid"} and (plan.after == "full_refund" or dice.chance(0.5)):
        amount, pieces = order.total_idr, tuple(_all_of(line) for line in order.lines if line.modifies is None)
    else:
        pieces = _some(dice, order)
        amount = min(order.total_idr, sum((worth_of(order, piece) for piece in pieces), Decimal(0)))
    money = None
    if plan.after != "refund_unpaid":
        tender = STORE_CREDIT if plan.after == "refund_to_store_credit" else _back_by(dice, paid)
        money = gives_back(dice, pays(dice, tender, amount, at), amount, at)
    refund = Refund(
        refund_id=dice.guid(),
        amount_idr=amount if money else Decimal(0),
        pieces=pieces,
        restocked=plan.after != "refund_thrown_away",
        money=money,
        webhook=dice.chance(0.85),
    )
    return OrderRefunded(at=at, order_id=order.order_id, refund=refund)


def _in_part(dice: Dice, order: Order, paid: Sequence[Payment], at: datetime) -> list[OrderAfterwards]:
    """Return refunds of an order that owes: of what goods are worth, of less or of more, never beyond what is paid."""
    pieces = _some(dice, order)
    first, left = pieces[0], sum((payment.amount_idr for payment in paid), Decimal(0))
    if len(pieces) == 1 and first.quantity == int(first.quantity) > 1:
        one = msgspec.structs.replace(first, quantity=Decimal(1))
        pieces = (msgspec.structs.replace(first, quantity=first.quantity - 1), one)
    refunds: list[OrderAfterwards] = []
    for number, piece in enumerate(pieces):
        worth = worth_of(order, piece)
        amount = min(worth + dice.pick((Decimal(0), Decimal(0), -(worth // 2), Decimal(1_000))), left)
        if amount <= 0:
            continue
        left -= amount
        moment_of_it = at + timedelta(seconds=number)
        money = gives_back(dice, pays(dice, _back_by(dice, paid), amount, at), amount, moment_of_it)
        refund = Refund(
            refund_id=dice.guid(),
            amount_idr=amount,
            pieces=(piece,),
            restocked=dice.chance(0.8),
            money=money,
            webhook=dice.chance(0.85),
        )
        refunds.append(OrderRefunded(at=moment_of_it, order_id=order.order_id, refund=refund))
    return refunds


def _quarter(total_idr: Decimal) -> Decimal:
    return max(Decimal(500), total_idr / 4 // 500 * 500)


def _all_of(line: OrderLine) -> RefundedPiece:
    return RefundedPiece(order_detail_id=line.order_detail_id, quantity=line.quantity)


def _some(dice: Dice, order: Order) -> tuple[RefundedPiece, ...]:
    """Return a part of one line, or all of it and some of another."""
    sold = [line for line in order.lines if line.before_order_idr > 0 and line.modifies is None]
    lines = dice.picks(sold, min(len(sold), dice.between(1, 2)))
    return tuple(
        RefundedPiece(
            order_detail_id=line.order_detail_id,
            quantity=line.quantity
            if line.quantity != int(line.quantity) or line.quantity == 1
            else Decimal(dice.between(1, int(line.quantity))),
        )
        for line in lines
    )


def worth_of(order: Order, piece: RefundedPiece) -> Decimal:
    """Return what iSeller gives back for it: its share of the line's price, discounts and tax, in whole rupiah."""
    line = next(line for line in order.lines if line.order_detail_id == piece.order_detail_id)
    worth = sum((line.before_order_idr for line in order.lines), Decimal(0))
    kept = 1 - Fraction(order.order_discount_idr + order.order_promotion_idr) / Fraction(worth)
    value = Fraction(line.before_order_idr) * kept + (0 if order.tax_inclusive else Fraction(line.tax_idr))
    return rounded(value * Fraction(piece.quantity) / Fraction(line.quantity), 0)


def _back_by(dice: Dice, paid: Sequence[Payment]) -> Tender:
    """Give money back the way it came, or in cash; never by what a channel's own wallet paid with points."""
    by = _tender(paid[0])
    return CASH if by.gateway in {"cash", "points", "gift_card", "account_balance"} or dice.chance(0.2) else by


def _tender(payment: Payment) -> Tender:
    return Tender(payment.gateway, payment.payment_type_name)
