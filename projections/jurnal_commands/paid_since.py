"""What was paid after something that is told only now: it is planned as if it had been told first.

Payments are filled into an invoice in the order in which they came in, refunds between them. What such a payment took
beyond what is left to it then goes back, or counts as paid by the one that came in before it.
"""

from datetime import datetime
from decimal import Decimal

import msgspec

from projections.changes.booking import BookedPayment
from projections.changes.orders import OrderState, Payment

_ZERO = Decimal(0)


class Cut(msgspec.Struct, frozen=True, array_like=True):
    """So much less of a payment, IDR."""

    payment: BookedPayment
    amount: Decimal


def paid_since(state: OrderState, at: datetime) -> tuple[BookedPayment, ...]:
    """Return the payments on the current invoice that came in after a moment, the oldest first."""
    return _booked(state, [payment for payment in state.in_order() if payment.came_after(at)])


def paid_behind(state: OrderState, payment: Payment) -> tuple[BookedPayment, ...]:
    """Return the payments on the current invoice that came in after this one, the oldest first."""
    payments = state.in_order()
    return _booked(state, payments[payments.index(payment) + 1 :])


def owed_at(state: OrderState, at: datetime) -> Decimal:
    """Return what was owed of the current invoice at a moment, IDR."""
    assert state.booking is not None
    return state.booking.remaining + sum((payment.amount for payment in paid_since(state, at)), _ZERO)


def lessened(
    state: OrderState, payments: tuple[BookedPayment, ...], amount: Decimal
) -> tuple[OrderState, tuple[Cut, ...]]:
    """Return the order with so much less of these payments, the last ones first, and how much less of each."""
    cuts: dict[str, Cut] = {}
    for payment in reversed(payments):
        cut = min(amount, payment.amount)
        if cut > 0:
            amount -= cut
            cuts[payment.command_id] = Cut(payment, cut)
    if not cuts:
        return state, ()
    bookings = tuple(
        msgspec.structs.replace(
            booking,
            payments=tuple(
                msgspec.structs.replace(each, amount=each.amount - cuts[each.command_id].amount)
                if each.command_id in cuts
                else each
                for each in booking.payments
            ),
        )
        for booking in state.bookings
    )
    return msgspec.structs.replace(state, bookings=bookings), tuple(cuts.values())


def _booked(state: OrderState, payments: list[Payment]) -> tuple[BookedPayment, ...]:
    assert state.booking is not None
    return tuple(
        known
        for payment in payments
        for known in state.booking.payments
        if known.transaction_id == payment.transaction_id
    )
