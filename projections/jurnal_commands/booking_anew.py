"""Books an order anew: all that is left of its invoice comes back, a new one is made, and the money goes onto that.

Jurnal's invoices only ever owe less. So one whose order was changed where Jurnal takes no update, and one that is to
owe more again because money went back, is replaced by a new one.
"""

from datetime import date
from decimal import Decimal

import msgspec

from projections.changes.booking import BookedCredit, BookedPayment, Booking
from projections.changes.orders import OrderState
from projections.changes.shifts import Shifts
from projections.changes.verdict import Verdict
from projections.jurnal_commands.commands import UpdateInvoice
from projections.jurnal_commands.decision import Decision
from projections.jurnal_commands.return_arithmetic import payable
from projections.jurnal_commands.returned_goods import pick_all
from projections.jurnal_commands.sale import plan_sale
from projections.jurnal_commands.taking_back import Taking, credit_applied, return_goods, with_credits

_ZERO = Decimal(0)


class BookedAnew(msgspec.Struct, frozen=True):
    """The order on its new invoice, what is planned for that, and what of the customer's credit is not applied, IDR."""

    state: OrderState
    decisions: list[Decision]
    left_over: Decimal


def change_number(state: OrderState) -> int:
    """Return which change of the order's invoices the next one is; one that Jurnal does not allow was one, too."""
    given_up = sum(kind == UpdateInvoice.__name__ for kind in state.not_allowed.values())
    return sum(booking.changes + 1 for booking in state.bookings) + given_up


def change_key(state: OrderState) -> str:
    """Return the key under which the next change takes back what was booked."""
    return f"change:{change_number(state)}"


def book_anew(
    taking: Taking,
    shifts: Shifts,
    *,
    kept: Decimal = _ZERO,
    since: tuple[BookedPayment, ...] = (),
    beyond: Decimal = _ZERO,
) -> BookedAnew | Verdict:
    """Plan that the current invoice comes back whole on the day of `taking`, and a new one that its credit pays.

    `kept`: what of the credit is not applied to the new invoice, IDR; of the payments `since`, none of it is kept.
    `beyond`: what of the credit leaves it for those payments, which are told without it.
    """
    old = taking.booking
    goods = return_goods(taking, pick_all(taking.invoice, restocked=True))
    if isinstance(goods, Verdict):
        return goods
    (made,) = goods.credits
    credit = payable(made.credit + beyond) - beyond
    state = _ended(with_credits(taking.state, goods.credits), taking.day)
    state, sold = plan_sale(
        state,
        taking.settings,
        taking.fact,
        shifts,
        old.revision + 1,
        record=taking.record,
        day=taking.day,
        due=max(old.due_on or taking.day, taking.day),
    )
    new = state.booking
    assert new is not None
    if new.revision == old.revision:
        return state.verdicts[taking.record.record_id]
    applied = min(credit - kept, new.total) if new.lines else _ZERO
    used = msgspec.structs.replace(made, paid_out=applied)
    state = with_credits(_carried(state, old, applied, since), (used,))
    decisions: list[Decision] = [*goods.decisions, *sold]
    if applied:
        after = msgspec.structs.replace(taking, state=state)
        decisions.append(credit_applied(after, made.source, applied, after.booking.command_id))
    return BookedAnew(state, decisions, credit - applied)


def _ended(state: OrderState, day: date) -> OrderState:
    booking = state.booking
    assert booking is not None
    return state.with_booking(msgspec.structs.replace(booking, ended="replaced", ended_on=day))


def _carried(state: OrderState, old: Booking, applied: Decimal, since: tuple[BookedPayment, ...]) -> OrderState:
    """Return the state with the money of the old invoice on the new one: so it goes back where it came from."""
    whole = {payment.command_id for payment in since}
    left = applied - sum((payment.amount for payment in old.payments if payment.command_id in whole), _ZERO)
    payments: list[BookedPayment] = []
    for payment in old.payments:
        amount = payment.amount if payment.command_id in whole else min(payment.amount, left)
        left -= _ZERO if payment.command_id in whole else amount
        payments.append(msgspec.structs.replace(payment, amount=amount))
    # The rest of the credit is no money: a refund without goods had lowered what the old invoice owed.
    lowered = (BookedCredit("", left, _ZERO, _ZERO),) if left else ()
    planned = {
        key: msgspec.structs.replace(refund, is_carried=True) if refund.revision == old.revision else refund
        for key, refund in state.taken_back.planned.items()
    }
    new = state.booking
    assert new is not None
    state = state.with_booking(msgspec.structs.replace(new, payments=tuple(payments), credits=(*new.credits, *lowered)))
    return msgspec.structs.replace(
        state, taken_back=msgspec.structs.replace(state.taken_back, planned=planned, over=_ZERO)
    )
