"""Judges what was taken back of an order: each refund, then its void. What waits or fails is judged again.

What of the order's money and refunds is not known yet could change what a refund is: so one of an invoice that still
owes something, one without its money and one without its goods wait until a report tells the whole order. A void waits
for the refunds before it, and what was refunded after it belongs to it.
"""

from datetime import datetime
from decimal import Decimal

import msgspec

from eventstore.event import Fact
from projections.changes.booking import BookedCredit, Booking
from projections.changes.orders import OrderState, Payment
from projections.changes.refunds import MoneyBack, PaidBack, PlannedRefund, Refund, RefundRecord, refunds_of
from projections.changes.settings import StoreSettings
from projections.changes.verdict import Verdict
from projections.changes.waiting import SETTINGS_NEED
from projections.jurnal_commands.commands import ApplyCredit
from projections.jurnal_commands.decide_voided import (
    NOT_BOOKED,
    VOIDED,
    WAITS_FOR_SALE,
    is_sale_skipped,
    judge_void,
    voided_at,
)
from projections.jurnal_commands.decision import Decision, Planned, SyncRecord
from projections.jurnal_commands.order_action import (
    booking_day,
    local_day,
    order_day,
    record_of,
    with_verdict,
    without_verdict,
)
from projections.jurnal_commands.payments import Purse, no_money, payment_record, purse_of
from projections.jurnal_commands.returned_goods import Picked, pick_goods
from projections.jurnal_commands.taking_back import (
    Back,
    PayOut,
    Taking,
    credited,
    keep,
    money_is_missing,
    need,
    onto_liabilities,
    pay_back,
    payable,
    refunded,
    return_goods,
    rupiah,
    with_credits,
)

_ZERO = Decimal(0)
_ASKED = "Nothing: iSeller is being asked"


def judge_taken_back(state: OrderState, settings: StoreSettings, fact: Fact) -> tuple[OrderState, list[Decision]]:
    """Judge every refund and the void of an order that are not planned yet."""
    decisions: list[Decision] = []
    # What an invoice that is booked anew owes is first of all what was carried onto it less for its refunds.
    refunds = tuple(sorted(refunds_of(state.taken_back), key=lambda each: not _is_carried(state, each)))
    planned = None
    # What was planned last may be why another one fails.
    while planned != state.taken_back.planned:
        planned = state.taken_back.planned
        for refund in refunds:
            state, judged = _judge(state, settings, fact, refund, refunds)
            decisions += judged
    for refund in refunds:
        state, superseded = _superseded(state, settings, refund)
        decisions += superseded
    state, judged = judge_void(state, settings, fact, is_open=any(_is_open(state, refund) for refund in refunds))
    state, closed = _paid_out(state, settings)
    return state, [*decisions, *judged, *closed]


def _judge(
    state: OrderState, settings: StoreSettings, fact: Fact, refund: Refund, refunds: tuple[Refund, ...]
) -> tuple[OrderState, list[Decision]]:
    known = state.taken_back.planned.get(refund.key)
    booking = state.booking
    if booking is not None and known is not None and known.revision == booking.revision:
        return state, []
    record = _record(state, settings, refund)
    if (verdict := _not_to_plan(state, settings, refund, refunds)) is not None:
        return with_verdict(state, record, verdict)
    assert booking is not None
    assert refund.at is not None
    day = booking_day(settings, max(local_day(state, settings, refund.at), booking.booked_on))
    if isinstance(day, Verdict):
        return with_verdict(state, record, day)
    key = refund.key if booking.revision == 1 else f"{refund.key}:{booking.revision}"
    planned = _plan(Taking(state, settings, fact, record, key, day), refund, known)
    if isinstance(planned, Verdict):
        return with_verdict(state, record, planned)
    state, back = planned
    return without_verdict(state, record), list(back)


def _record(state: OrderState, settings: StoreSettings, refund: Refund) -> SyncRecord:
    day = None if refund.at is None else local_day(state, settings, refund.at)
    return record_of(state, _record_id(state, refund.key), "refund", day, refund.amount)


def _record_id(state: OrderState, key: str) -> str:
    return f"refund-{state.order_id}-{key}"


def _is_carried(state: OrderState, refund: Refund) -> bool:
    """Tell whether the money of a refund was planned on an invoice that is booked anew since."""
    known = state.taken_back.planned.get(refund.key)
    return known is not None and known.is_carried


def _is_open(state: OrderState, refund: Refund) -> bool:
    """Tell whether a refund may still be planned."""
    verdict = state.verdicts.get(_record_id(state, refund.key))
    return verdict is not None and verdict.state != "skipped"


def _superseded(state: OrderState, settings: StoreSettings, refund: Refund) -> tuple[OrderState, list[Decision]]:
    """Close the lines of money that stood alone until its record came."""
    decisions: list[Decision] = []
    for money in refund.money:
        identity = _record_id(state, money.transaction_id)
        if money.transaction_id != refund.key and identity in state.verdicts:
            record = _record(state, settings, Refund(money.transaction_id, None, (money,)))
            state, noted = with_verdict(state, record, Verdict("skipped", f"Is part of the refund {refund.key}"))
            decisions += noted
    return state, decisions


def _paid_out(state: OrderState, settings: StoreSettings) -> tuple[OrderState, list[Decision]]:
    """Close the lines of credits that stood with the customer and are paid out since."""
    if any(payable(credit.credit - credit.paid_out) for booking in state.bookings for credit in booking.credits):
        return state, []
    decisions: list[Decision] = []
    for identity, verdict in state.verdicts.items():
        if identity.startswith(f"credit-{state.order_id}-") and verdict.state == "held":
            record = record_of(state, identity, "change", order_day(state, settings), None)
            state, noted = with_verdict(state, record, Verdict("skipped", "It was paid out since"))
            decisions += noted
    return state, decisions


def _not_to_plan(
    state: OrderState, settings: StoreSettings, refund: Refund, refunds: tuple[Refund, ...]
) -> Verdict | None:
    for key in refund.keys:
        if (seen_to := state.skipped_records.get(_record_id(state, key))) is not None:
            return Verdict("skipped", seen_to)
    booking = state.booking
    if booking is None:
        return NOT_BOOKED if is_sale_skipped(state) else WAITS_FOR_SALE
    at = refund.at
    if at is None or refund.amount is None:
        return Verdict(
            "failed",
            f"iSeller tells a refund without its {'date' if at is None else 'amount'}",
            "Look the refund up in iSeller, enter it in Jurnal by hand and skip the record",
        )
    void = voided_at(state)
    if booking.ended or (state.is_voided and void is not None and at >= void):
        return VOIDED
    return _unknown(state, settings, booking, refund, at) or _contradicted(state, settings, refund, refunds, at)


def _unknown(
    state: OrderState, settings: StoreSettings, booking: Booking, refund: Refund, at: datetime
) -> Verdict | None:
    """Return what is not known yet and would make it another refund."""
    known = state.taken_back
    if money_is_missing(state, settings):
        return Verdict("held", "Waits for a payment of the order that is not booked yet")
    record = refund.record
    if (record is None or not record.tells_goods) and not known.knows_records_of(at, refund.key):
        return Verdict("held", "Waits for what was refunded to be told", _ASKED)
    if known.knows_money_of(at, refund.key) or _is_carried(state, refund):
        return None
    if not refund.money and refund.amount:
        return Verdict("held", "Waits for the money of the refund to be told", _ASKED)
    if booking.remaining > 0:
        return Verdict("held", "Waits for all payments of the order to be told", _ASKED)
    return None


def _contradicted(
    state: OrderState, settings: StoreSettings, refund: Refund, refunds: tuple[Refund, ...], at: datetime
) -> Verdict | None:
    """Return why a refund cannot be: other money went back than was refunded, or more than came in."""
    if _is_carried(state, refund):
        return None
    planned = state.taken_back.planned
    if (alone := _beside_each_other(state, refund, refunds)) is not None:
        return alone
    before = sum((each.paid for each in refunds if each.key in planned and each.key != refund.key), _ZERO)
    received = _received(state, settings)
    if refund.paid and before + refund.paid > received:
        if not state.taken_back.knows_money_of(at, refund.key):
            return Verdict("held", "Waits for all payments of the order to be told", _ASKED)
        return Verdict(
            "failed",
            f"iSeller gives back {rupiah(before + refund.paid)}; {rupiah(received)} were paid",
            "Compare the payments and refunds of the order in iSeller; correct the difference in Jurnal by hand and"
            " skip the record",
        )
    return None


def _beside_each_other(state: OrderState, refund: Refund, refunds: tuple[Refund, ...]) -> Verdict | None:
    """Return that a record stands without money and money without a record: booked both, they would count twice."""
    if refund.money and refund.record is not None:
        return None
    open_refunds = [
        each
        for each in refunds
        if each.key not in state.taken_back.planned
        and each.amount != 0
        and _record_id(state, each.key) not in state.skipped_records
    ]
    records = [each for each in open_refunds if not each.money]
    money = [each for each in open_refunds if each.record is None]
    if not records or not money or refund.amount == 0:
        return None
    told, paid = (sum((each.amount or _ZERO for each in some), _ZERO) for some in (records, money))
    return Verdict(
        "failed",
        f"iSeller tells refunds of {rupiah(told)} without money, and money of {rupiah(paid)} without a refund",
        "Compare the refunds of the order with its transactions in iSeller; enter them in Jurnal by hand and skip the"
        " records",
    )


def _received(state: OrderState, settings: StoreSettings) -> Decimal:
    """Return all money that came in, booked or not."""
    return sum(
        (
            payment.amount
            for payment in state.in_order()
            if no_money(state, payment, payment_record(state, settings, payment)) is None
        ),
        _ZERO,
    )


def _plan(taking: Taking, refund: Refund, known: PlannedRefund | None) -> tuple[OrderState, list[Planned]] | Verdict:
    """Plan one refund: its goods, then its money; `known`: how it was planned on an earlier invoice."""
    is_carried = known is not None and known.is_carried
    outs = _pay_outs(taking, refund.money) if known is None else _paid_again(taking, known)
    if isinstance(outs, Verdict):
        return outs
    record = refund.record
    if record is None or not (record.refunded or record.restocked):
        back = Back([], ()) if is_carried else _money_alone(taking, refund.amount or _ZERO, outs)
    else:
        picked = pick_goods(taking.invoice, record, is_replayed=known is not None)
        back = _goods_and_money(taking, record, picked, outs, known)
    if isinstance(back, Verdict):
        return back
    paid = tuple(PaidBack(out.account, out.liability, out.amount) for out in outs)
    identities = tuple(each.transaction_id for each in refund.money)
    worth = sum((credit.amount for credit in back.credits if credit.lines), _ZERO)
    told = taking.state.taken_back
    if known is not None and known.is_carried:
        kept = sum((credit.paid_out for credit in back.credits if credit.lines), _ZERO)
        told = msgspec.structs.replace(told, over=max(told.over + worth - known.worth - kept, _ZERO))
        paid, worth = known.paid, known.worth
    planned = PlannedRefund(taking.booking.revision, identities, paid, worth)
    state = msgspec.structs.replace(taking.state, taken_back=told.with_planned(refund.key, planned))
    return with_credits(state, back.credits), back.decisions


def _paid_again(taking: Taking, known: PlannedRefund) -> tuple[PayOut, ...]:
    """Return the money of a refund on an invoice that is booked anew, unless what was left of it was carried there."""
    if known.is_carried:
        return ()
    return tuple(
        PayOut(f"{taking.key}:{number}", paid.account, paid.liability, paid.amount, taking.day)
        for number, paid in enumerate(known.paid, start=1)
    )


def _pay_outs(taking: Taking, money: tuple[MoneyBack, ...]) -> tuple[PayOut, ...] | Verdict:
    outs: list[PayOut] = []
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
    record: RefundRecord,
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
    if known is not None and known.is_carried:
        money = _evened_out(taking, made, known.worth - made.amount)
    elif not outs and record.amount and made.credit > 0:
        return _without_money(record.amount, taking.booking.remaining)
    else:
        money = pay_back(taking, made, outs)
    if isinstance(money, Verdict):
        return money
    return Back([*goods.decisions, *money.decisions], money.credits)


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


def _without_money(amount: Decimal, remaining: Decimal) -> Verdict:
    return Verdict(
        "failed",
        f"iSeller tells a refund of {rupiah(amount)}, and no transaction paid it; the invoice owes"
        f" {rupiah(payable(remaining))}",
        "Look in iSeller how the money went back. If a transaction of it is reported the refund is booked by itself;"
        " else enter it in Jurnal by hand and skip the record",
    )


def _money_alone(taking: Taking, amount: Decimal, outs: tuple[PayOut, ...]) -> Back | Verdict:
    """Plan money without goods: out of a credit that stands, or out of one made by hand."""
    if not amount:
        return Verdict("skipped", "It takes back neither goods nor money")
    if not outs:
        return _less_owed(taking, amount)
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
        return pay_back(taking, None, outs)
    paid = [refunded(taking, standing.source, out) for out in outs]
    used = msgspec.structs.replace(standing, paid_out=standing.paid_out + amount)
    return Back([*paid, *onto_liabilities(taking, outs)], (used,))


def _less_owed(taking: Taking, amount: Decimal) -> Back | Verdict:
    """Plan that a customer owes less of an invoice, without goods."""
    booking = taking.booking
    if booking.remaining < amount:
        return _without_money(amount, booking.remaining)
    if taking.settings.rules.sales_return_account is None:
        return need("sales_return_account", "money given back without goods")
    memo = credited(taking, amount)
    applied = ApplyCredit(
        order_id=taking.state.order_id,
        order_reference=taking.state.reference,
        apply_id=taking.key,
        source=memo.command_id,
        invoice=booking.command_id,
        invoice_no=booking.invoice_no,
        walk_in_contact=booking.walk_in_contact,
        customer_id=booking.customer_id,
        amount=amount,
    )
    lowered = BookedCredit(memo.command_id, amount, _ZERO, _ZERO)
    return Back([memo, taking.planned(applied, memo.command_id)], (lowered,))
