"""A refund after which the customer owes more than Jurnal's return leaves: money that he had paid went back.

A return lowers what an invoice owes by its goods. Of money that went back beside it, what the goods are worth had been
paid and is owed again; no document raises what an invoice owes, so the order is booked anew and that much of its credit
is left to be paid out.
"""

from decimal import Decimal

import msgspec

from projections.changes.booking import BookedPayment
from projections.changes.refunds import RefundRecord
from projections.changes.verdict import Verdict
from projections.jurnal_commands.commands import IssueCreditMemo, ReturnSale
from projections.jurnal_commands.decision import Decision, Planned
from projections.jurnal_commands.invoice import content_of
from projections.jurnal_commands.paid_since import lessened
from projections.jurnal_commands.return_arithmetic import payable, worth
from projections.jurnal_commands.returned_goods import pick_goods
from projections.jurnal_commands.standing_credit import standing_credit
from projections.jurnal_commands.taking_back import PayOut, Taking, onto_liabilities, refunded, rupiah

_ZERO = Decimal(0)
_BY_HAND = "book the refund in Jurnal by hand and skip the record"


def owed_again(taking: Taking, owed: Decimal, goods: Decimal, outs: tuple[PayOut, ...]) -> Decimal | Verdict:
    """Return what the credit of booking the order anew has to leave for the money of a refund, 0 if it need not be.

    `owed`: what was owed of the invoice before it; `goods`: what they are worth. IDR.
    """
    booking = taking.booking
    money = sum((out.amount for out in outs), _ZERO)
    if payable(owed) <= 0 or not goods or not money:
        return _ZERO
    credit = payable(goods - min(goods, owed))
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
    paid = payable(booking.total - given_back - owed)
    if back - standing > paid:
        return Verdict(
            "failed",
            f"iSeller gives back {rupiah(money)} of an invoice on which {rupiah(paid)} stand as paid",
            f"Compare the payments of the order in iSeller with those in Jurnal; {_BY_HAND}",
        )
    return back - standing


def worth_of_goods(taking: Taking, record: RefundRecord | None, *, is_replayed: bool) -> Decimal:
    """Return what the goods of a refund are worth on the invoice, IDR; 0 if it has none, or none that are left."""
    if record is None or not record.has_goods:
        return _ZERO
    invoice = taking.invoice
    picked = pick_goods(invoice, record, is_replayed=is_replayed)
    if isinstance(picked, Verdict):
        return _ZERO
    return worth(taking.booking, invoice.left, picked.quantities, taking.tax_decimals)


def taken_beyond(taking: Taking, since: tuple[BookedPayment, ...], left: Decimal, *, most: Decimal) -> Decimal:
    """Return what payments since a refund took of the invoice beyond what it left to pay, IDR.

    `most`: what the goods are worth that make the credit which this leaves; 0: another credit is enough for it.
    """
    beyond = max(sum((payment.amount for payment in since), _ZERO) - payable(left), _ZERO)
    return min(beyond, payable(most - min(most, taking.booking.remaining))) if most else beyond


def without_excess(
    taking: Taking, since: tuple[BookedPayment, ...], amount: Decimal
) -> tuple[Taking, tuple[PayOut, ...]]:
    """Return the order with so much less of the payments since a refund, and how it goes back as it came in."""
    state, cuts = lessened(taking.state, since, amount)
    outs = tuple(
        PayOut(
            f"{taking.key}:since:{number}",
            cut.payment.account,
            cut.payment.liability,
            cut.amount,
            max(cut.payment.paid_on, taking.day),
        )
        for number, cut in enumerate(cuts, start=1)
    )
    return msgspec.structs.replace(taking, state=state), outs


def gone_back(taking: Taking, decisions: list[Decision], outs: tuple[PayOut, ...]) -> list[Decision]:
    """Return what is planned of a refund, and after it what leaves the credit that it makes for payments since."""
    if not outs:
        return decisions
    source = next(
        each.command_id
        for each in decisions
        if isinstance(each, Planned) and isinstance(each.command, ReturnSale | IssueCreditMemo)
    )
    return [*decisions, *(refunded(taking, source, out) for out in outs), *onto_liabilities(taking, outs)]
