"""Says why a refund is not planned yet, or never: what is not known of it, and what contradicts it.

What of the order's money and refunds is not known yet could change what a refund is: so one of an invoice that still
owes something, one without its money and one without its goods wait until a report tells the whole order.
"""

from datetime import datetime
from decimal import Decimal

from projections.changes.orders import OrderState
from projections.changes.refunds import Refund, refunds_of
from projections.changes.settings import StoreSettings
from projections.changes.verdict import Verdict
from projections.jurnal_commands.decide_voided import NOT_BOOKED, VOIDED, WAITS_FOR_SALE, is_sale_skipped, voided_at
from projections.jurnal_commands.paid_since import owed_at
from projections.jurnal_commands.return_arithmetic import payable
from projections.jurnal_commands.taking_back import money_is_missing, rupiah

_ZERO = Decimal(0)
_ASKED = "Nothing: iSeller is being asked"
WAITS_FOR_MONEY = Verdict("held", "Waits for all payments of the order to be told", _ASKED)


def refund_record_id(state: OrderState, key: str) -> str:
    """Return the name of a refund's line."""
    return f"refund-{state.order_id}-{key}"


def is_carried(state: OrderState, refund: Refund) -> bool:
    """Tell whether the money of a refund was planned on an invoice that is booked anew since."""
    known = state.taken_back.planned.get(refund.key)
    return known is not None and known.is_carried


def first_to_plan(state: OrderState) -> datetime | None:
    """Return when the first refund happened that is not planned on the current invoice; None if there is none."""
    refunds = refunds_of(state.taken_back)
    return min((refund.at for refund in refunds if refund.at and not is_planned(state, refund)), default=None)


def is_planned(state: OrderState, refund: Refund) -> bool:
    """Tell whether a refund is planned on the current invoice."""
    known = state.taken_back.planned.get(refund.key)
    return known is not None and state.booking is not None and known.revision == state.booking.revision


def not_to_plan(
    state: OrderState, settings: StoreSettings, refund: Refund, refunds: tuple[Refund, ...]
) -> Verdict | None:
    """Return why a refund is not planned; `refunds`: all of the order."""
    for key in refund.keys:
        if (seen_to := state.skipped_records.get(refund_record_id(state, key))) is not None:
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
    return _unknown(state, settings, refund, at) or _contradicted(state, refund, refunds, at)


def _unknown(state: OrderState, settings: StoreSettings, refund: Refund, at: datetime) -> Verdict | None:
    """Return what is not known yet and would make it another refund."""
    known = state.taken_back
    if money_is_missing(state, settings):
        return Verdict("held", "Waits for a payment of the order that is not booked yet")
    record = refund.record
    if (record is None or not record.tells_goods) and not known.knows_records_of(at, refund.key):
        return Verdict("held", "Waits for what was refunded to be told", _ASKED)
    # A webhook is stamped as it is sent: it may have been made before this refund, and tells no records to see that by.
    if known.knows_records_of(at, refund.key) or is_carried(state, refund):
        return None
    if not refund.money and refund.amount:
        return Verdict("held", "Waits for the money of the refund to be told", _ASKED)
    if payable(owed_at(state, at)) > 0:
        return WAITS_FOR_MONEY
    return None


def _contradicted(state: OrderState, refund: Refund, refunds: tuple[Refund, ...], at: datetime) -> Verdict | None:
    """Return why a refund cannot be: other money went back than was refunded, or more than came in."""
    if is_carried(state, refund):
        return None
    planned = state.taken_back.planned
    if (alone := _beside_each_other(state, refund, refunds)) is not None:
        return alone
    before = sum((each.paid for each in refunds if each.key in planned and each.key != refund.key), _ZERO)
    received = sum((payment.amount for payment in state.money()), _ZERO)
    if refund.paid and before + refund.paid > received:
        if not state.taken_back.knows_money_of(at, refund.key):
            return WAITS_FOR_MONEY
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
        and refund_record_id(state, each.key) not in state.skipped_records
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


def without_money(amount: Decimal, remaining: Decimal) -> Verdict:
    """Return that nothing paid a refund which is more than what is owed."""
    return Verdict(
        "failed",
        f"iSeller tells a refund of {rupiah(amount)}, and no transaction paid it; the invoice owes"
        f" {rupiah(payable(remaining))}",
        "Look in iSeller how the money went back. If a transaction of it is reported the refund is booked by itself;"
        " else enter it in Jurnal by hand and skip the record",
    )
