"""A refund after which the customer owes more than Jurnal's return leaves: money that he had paid went back.

A return lowers what an invoice owes by its goods. Of money that went back beside it, what the goods are worth had been
paid and is owed again; no document raises what an invoice owes, so the order is booked anew and that much of its credit
is left to be paid out.
"""

from decimal import Decimal

from projections.changes.refunds import RefundRecord
from projections.changes.verdict import Verdict
from projections.jurnal_commands.invoice import content_of
from projections.jurnal_commands.return_arithmetic import worth
from projections.jurnal_commands.returned_goods import pick_goods
from projections.jurnal_commands.standing_credit import standing_credit
from projections.jurnal_commands.taking_back import PayOut, Taking, payable, rupiah

_ZERO = Decimal(0)
_BY_HAND = "book the refund in Jurnal by hand and skip the record"


def owed_again(
    taking: Taking, record: RefundRecord | None, outs: tuple[PayOut, ...], *, is_replayed: bool
) -> Decimal | Verdict:
    """Return what the credit of booking the order anew has to leave for the money of a refund, 0 if it need not be."""
    booking = taking.booking
    money = sum((out.amount for out in outs), _ZERO)
    if record is None or not record.has_goods or payable(booking.remaining) <= 0 or not money:
        return _ZERO
    invoice = taking.invoice
    picked = pick_goods(invoice, record, is_replayed=is_replayed)
    if isinstance(picked, Verdict):
        return _ZERO
    goods = worth(booking, invoice.left, picked.quantities, taking.tax_decimals)
    credit = payable(goods - min(goods, booking.remaining))
    standing = standing_credit(taking.state)
    back = payable(min(money, goods))
    if back - credit - standing <= 0:
        return _ZERO
    if content_of(taking.state.report) != booking.content:
        return Verdict(
            "failed",
            "The order was changed in iSeller since its invoice, which owes more after this refund and would have to be"
            " booked anew",
            f"Mend what keeps the change from being booked; if a person booked it, {_BY_HAND}",
        )
    given_back = sum((each.amount for each in booking.credits if each.lines), _ZERO)
    paid = payable(booking.total - given_back - booking.remaining)
    if back - standing > paid:
        return Verdict(
            "failed",
            f"iSeller gives back {rupiah(money)} of an invoice on which {rupiah(paid)} stand as paid",
            f"Compare the payments of the order in iSeller with those in Jurnal; {_BY_HAND}",
        )
    return back - standing
