"""Plans one refund that is known whole: its goods, then its money. The rules: TAKEN_BACK.md."""

from decimal import Decimal

import msgspec

from projections.changes.booking import BookedCredit
from projections.changes.orders import OrderState, Payment
from projections.changes.refunds import MoneyBack, PaidBack, PlannedRefund, Refund
from projections.changes.verdict import Verdict
from projections.changes.waiting import SETTINGS_NEED
from projections.jurnal_commands.decision import Decision
from projections.jurnal_commands.order_action import local_day, place_of, unmapped
from projections.jurnal_commands.payments import Purse, never_booked, purse_of
from projections.jurnal_commands.refund_checks import WAITS_FOR_MONEY, without_money
from projections.jurnal_commands.return_arithmetic import payable
from projections.jurnal_commands.returned_goods import Picked, pick_goods
from projections.jurnal_commands.standing_credit import out_of_standing_credit
from projections.jurnal_commands.taking_back import (
    Back,
    PayOut,
    Taking,
    credit_applied,
    credited,
    keep,
    less,
    need,
    onto_liabilities,
    pay_back,
    refunded,
    return_goods,
    with_credits,
)

_ZERO = Decimal(0)


def plan_refund(
    taking: Taking, refund: Refund, outs: tuple[PayOut, ...], known: PlannedRefund | None, *, beyond: Decimal
) -> tuple[OrderState, list[Decision]] | Verdict:
    """Plan one refund: its goods, then its money (`outs`); `known`: how it was planned on an earlier invoice.

    `beyond`: what payments since had taken of the invoice beyond what it leaves to pay.
    """
    record = refund.record
    if record is None or not record.has_goods:
        is_over = known is not None and (known.is_carried or (not outs and known.unbooked > 0))
        back = Back([], ()) if is_over else _money_alone(taking, refund, outs, beyond)
    else:
        picked = pick_goods(taking.invoice, record, is_replayed=known is not None)
        back = _goods_and_money(taking, refund, picked, outs, known)
    if isinstance(back, Verdict):
        return back
    paid = tuple(PaidBack(out.account, out.liability, out.amount) for out in less(outs, back.unbooked))
    identities = tuple(each.transaction_id for each in refund.money)
    made = _made(taking, back)
    worth = sum((credit.amount for credit in made), _ZERO)
    told = taking.state.taken_back
    if known is not None and known.is_carried:
        kept = sum((credit.paid_out for credit in made), _ZERO)
        told = msgspec.structs.replace(told, over=max(told.over + worth - known.worth - kept, _ZERO))
        paid, worth = known.paid, known.worth
    unbooked = back.unbooked if known is None else known.unbooked
    planned = PlannedRefund(taking.booking.revision, identities, paid, worth, unbooked=unbooked)
    state = msgspec.structs.replace(taking.state, taken_back=told.with_planned(refund.key, planned))
    return with_credits(state, back.credits), list(back.decisions)


def _made(taking: Taking, back: Back) -> list[BookedCredit]:
    """Return the returns that were planned, without the credits of before that were used up."""
    known = {credit.source for booking in taking.state.bookings for credit in booking.credits}
    return [credit for credit in back.credits if credit.lines and credit.source not in known]


def paid_again(taking: Taking, known: PlannedRefund) -> tuple[PayOut, ...]:
    """Return the money of a refund on an invoice that is booked anew, unless what was left of it was carried there."""
    if known.is_carried:
        return ()
    return tuple(
        PayOut(f"{taking.key}:{number}", paid.account, paid.liability, paid.amount, taking.day)
        for number, paid in enumerate(known.paid, start=1)
    )


def pay_outs(taking: Taking, money: tuple[MoneyBack, ...]) -> tuple[PayOut, ...] | Verdict:
    """Return where the money of a refund goes back to, and when, or which setting is missing for it."""
    outs: list[PayOut] = []
    if money and place_of(taking.state, taking.settings) is None:
        return unmapped(taking.state, "refund")
    for each in money:
        way = each.payment_type_name or each.gateway
        paid = Payment(
            transaction_id=each.transaction_id,
            amount=each.amount,
            received_at=each.at,
            gateway=each.gateway,
            payment_type_name=each.payment_type_name,
            told_at=0,
        )
        purse = purse_of(taking.state, taking.settings, paid)
        if not isinstance(purse, Purse):
            return Verdict(
                "failed",
                f"No account is mapped for refunds by {way}",
                f"Map {way} to a Cash & Bank account, or to a liability and a clearing account; the refund is then"
                " booked by itself",
                (SETTINGS_NEED,),
            )
        local = max(local_day(taking.state, taking.settings, each.at), taking.day)
        mark = taking.key if len(money) == 1 else f"{taking.key}:{each.transaction_id}"
        outs.append(PayOut(mark, purse.account, purse.liability, each.amount, local))
    return tuple(outs)


def _goods_and_money(
    taking: Taking,
    refund: Refund,
    picked: Picked | Verdict,
    outs: tuple[PayOut, ...],
    known: PlannedRefund | None,
) -> Back | Verdict:
    if isinstance(picked, Verdict):
        return picked
    goods = return_goods(taking, picked)
    if isinstance(goods, Verdict):
        return goods
    (made,) = goods.credits
    unbooked = _unbooked(taking, refund, outs, payable(made.credit)) if known is None else _ZERO
    if isinstance(unbooked, Verdict):
        return unbooked
    if known is not None and known.is_carried:
        money = _evened_out(taking, made, known.worth - made.amount)
    elif not outs and refund.amount and made.credit > 0:
        return without_money(refund.amount, taking.booking.remaining)
    else:
        money = _pay_back(taking, made, less(outs, unbooked))
    if isinstance(money, Verdict):
        return money
    return Back([*goods.decisions, *money.decisions], money.credits, unbooked)


def _pay_back(taking: Taking, made: BookedCredit, outs: tuple[PayOut, ...]) -> Back | Verdict:
    """Pay out of the credit that the goods made; what is beyond it out of one that stands, else of one by hand."""
    beyond = max(sum((out.amount for out in outs), _ZERO) - payable(made.credit), _ZERO)
    outs, standing = out_of_standing_credit(taking, outs, beyond)
    money = pay_back(taking, made, outs)
    if isinstance(money, Verdict):
        return money
    return Back([*standing.decisions, *money.decisions], (*money.credits, *standing.credits))


def _unbooked(taking: Taking, refund: Refund, outs: tuple[PayOut, ...], credit: Decimal) -> Decimal | Verdict:
    """Return what goes back beyond a credit and was never booked: more was paid than the invoice took.

    Of cash that is the change, unless no record of a refund explains the money.
    """
    missing = sum((out.amount for out in outs), _ZERO) - credit
    if missing <= 0:
        return _ZERO
    assert refund.at is not None
    if not taking.state.taken_back.knows_money_of(refund.at, refund.key):
        return WAITS_FOR_MONEY
    return min(missing, never_booked(taking.state, taking.settings, refund.at, with_cash=refund.record is None))


def _evened_out(taking: Taking, made: BookedCredit, more: Decimal) -> Back | Verdict:
    """Plan what the goods are worth less (`more` above zero) or more on this invoice than on the one before.

    The customer got their money by what they were worth there, and what was left of it was carried here.
    """
    more = payable(more - taking.state.taken_back.over)
    owes = payable(taking.booking.remaining - (made.amount - made.credit))
    if more > 0 and owes > 0:
        less = _less_owed(taking, min(more, owes))
        return less if isinstance(less, Verdict) else Back(less.decisions, (made, *less.credits))
    kept = max(min(payable(made.credit), -more), _ZERO)
    decisions = keep(taking, made.source, kept)
    if isinstance(decisions, Verdict):
        return decisions
    return Back(decisions, (msgspec.structs.replace(made, paid_out=kept),))


def _money_alone(taking: Taking, refund: Refund, outs: tuple[PayOut, ...], beyond: Decimal) -> Back | Verdict:
    """Plan money without goods: out of a credit that stands, of what was never booked, or of a credit made by hand."""
    amount = refund.amount or _ZERO
    if not amount:
        return Verdict("skipped", "It takes back neither goods nor money")
    if not outs:
        return _less_owed(taking, amount, beyond)
    standing = next(
        (
            credit
            for booking in taking.state.bookings
            for credit in booking.credits
            if payable(credit.credit - credit.paid_out) >= amount
        ),
        None,
    )
    if standing is None:
        is_again = refund.key in taking.state.taken_back.planned
        unbooked = _ZERO if is_again else _unbooked(taking, refund, outs, _ZERO)
        if isinstance(unbooked, Verdict):
            return unbooked
        back = pay_back(taking, None, less(outs, unbooked))
        return back if isinstance(back, Verdict) else msgspec.structs.replace(back, unbooked=unbooked)
    paid = [refunded(taking, standing.source, out) for out in outs]
    used = msgspec.structs.replace(standing, paid_out=standing.paid_out + amount)
    return Back([*paid, *onto_liabilities(taking, outs)], (used,))


def _less_owed(taking: Taking, amount: Decimal, beyond: Decimal = _ZERO) -> Back | Verdict:
    """Plan that a customer owes less of an invoice, without goods; of it, `beyond` is paid already."""
    booking = taking.booking
    if booking.remaining < amount:
        return without_money(amount, booking.remaining)
    if taking.settings.rules.sales_return_account is None:
        return need("sales_return_account", "money given back without goods")
    memo = credited(taking, amount)
    lowered = BookedCredit(memo.command_id, amount, _ZERO, _ZERO)
    unpaid = amount - beyond
    return Back([memo, *([credit_applied(taking, memo.command_id, unpaid)] if unpaid else [])], (lowered,))
