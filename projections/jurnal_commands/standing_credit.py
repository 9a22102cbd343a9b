"""What earlier invoices of an order left as the customer's credit, and money that is paid out of it."""

from decimal import Decimal

import msgspec

from projections.changes.booking import BookedCredit
from projections.changes.orders import OrderState
from projections.jurnal_commands.decision import Planned
from projections.jurnal_commands.return_arithmetic import payable
from projections.jurnal_commands.taking_back import Back, PayOut, Taking, onto_liabilities, refunded

_ZERO = Decimal(0)


def standing_credit(state: OrderState) -> Decimal:
    """Return what stands of it, IDR."""
    return sum((_left(credit) for credit in _earlier(state)), _ZERO)


def out_of_standing_credit(taking: Taking, outs: tuple[PayOut, ...], most: Decimal) -> tuple[tuple[PayOut, ...], Back]:
    """Pay out of it first, at `most` so much; return what is still to be paid, and what was planned."""
    decisions: list[Planned] = []
    used: list[BookedCredit] = []
    for credit in _earlier(taking.state):
        left = min(_left(credit), most)
        most -= left
        paid = _ZERO
        for number, out in enumerate(outs):
            amount = min(left - paid, out.amount)
            if amount:
                part = msgspec.structs.replace(out, mark=f"{out.mark}:{len(used)}", amount=amount)
                decisions += [refunded(taking, credit.source, part), *onto_liabilities(taking, (part,))]
                rest = msgspec.structs.replace(out, amount=out.amount - amount)
                outs = (*outs[:number], rest, *outs[number + 1 :])
                paid += amount
        if paid:
            used.append(msgspec.structs.replace(credit, paid_out=credit.paid_out + paid))
    return tuple(out for out in outs if out.amount), Back(decisions, tuple(used))


def _earlier(state: OrderState) -> list[BookedCredit]:
    return [credit for booking in state.bookings[:-1] for credit in booking.credits]


def _left(credit: BookedCredit) -> Decimal:
    return payable(credit.credit - credit.paid_out)
