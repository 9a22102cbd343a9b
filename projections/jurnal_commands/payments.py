"""Plans the money of an order: each payment once, together never more than the invoice, onto the account it is in."""

from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec

from eventstore.event import Fact
from projections.changes.booking import BookedPayment, Booking
from projections.changes.orders import OrderState, Payment
from projections.changes.settings import StoreSettings
from projections.changes.times import read_utc
from projections.changes.verdict import Verdict
from projections.changes.waiting import SETTINGS_NEED
from projections.jurnal_commands.commands import JournalLine, PostJournal, ReceivePayment
from projections.jurnal_commands.decision import Decision, Planned, SyncRecord
from projections.jurnal_commands.identity import command_id, payment_command_id
from projections.jurnal_commands.order_action import (
    booking_day,
    local_day,
    place_of,
    planned,
    record_of,
    unmapped,
    with_verdict,
    without_verdict,
)
from projections.jurnal_commands.paid_since import Cut, lessened, paid_behind
from projections.jurnal_commands.return_arithmetic import payable

_ZERO = Decimal(0)
_CASH = "cash"
_REVERSED = Verdict(
    "failed",
    "iSeller reports this payment as failed or void after it counted",
    "Look at the payment in iSeller; if the money did not come in, delete its payment in Jurnal by hand",
)

_BOOKED_ALREADY = Verdict("skipped", "It is booked with a payment that came in after it, onto the same account")


class Purse(msgspec.Struct, frozen=True):
    """Where the money of a payment goes. `liability`: the account it comes out of, empty for money proper."""

    account: str
    method: str
    liability: str = ""


def plan_payments(
    state: OrderState, settings: StoreSettings, fact: Fact, until: datetime | None = None
) -> tuple[OrderState, list[Decision]]:
    """Plan every payment that came in by `until` and is not on the current invoice yet, or keep why it waits."""
    decisions: list[Decision] = []
    for payment in state.in_order():
        if until is not None and payment.came_after(until):
            break
        booking = state.booking
        assert booking is not None
        standing = _standing(state, booking, payment, fact.store_id)
        left = without_change(state, payment, booking.total) - (standing or _ZERO)
        # Of what is planned already, only more that the invoice takes by now is news.
        if standing is None or (standing and (booking.ended or min(left, payable(booking.remaining)) <= 0)):
            continue
        record = payment_record(state, settings, payment)
        judged = _judged(state, settings, booking, payment, record, left)
        if isinstance(judged, Verdict):
            state, noted = with_verdict(state, record, judged)
            decisions += noted
            continue
        state, received = _received(state, fact, payment, record, judged)
        decisions += received
    return state, decisions


def _received(
    state: OrderState, fact: Fact, payment: Payment, record: SyncRecord, judged: tuple[Purse, date, Decimal]
) -> tuple[OrderState, list[Decision]]:
    """Plan so much of a payment: what the invoice takes is received, the rest was by payments that came in after it."""
    purse, day, amount = judged
    booking = state.booking
    assert booking is not None
    beyond = max(amount - payable(booking.remaining), _ZERO)
    receipt = ReceivePayment(
        order_id=state.order_id,
        order_reference=state.reference,
        transaction_id=payment.transaction_id,
        transaction_date=day,
        invoice_no=booking.invoice_no,
        amount=amount - beyond,
        account=purse.account,
        payment_method=purse.method,
        revision=booking.revision,
    )
    identity = command_id(fact.store_id, receipt)
    booked = BookedPayment(payment.transaction_id, receipt.amount, purse.account, purse.liability, identity, day)
    decisions: list[Decision] = []
    if receipt.amount:
        decisions.append(planned(state, fact, record, receipt, (booking.command_id,)))
        decisions += stored_value_moved(state, fact, record, booked, booking.revision)
    state, cuts = lessened(state, paid_behind(state, payment), beyond)
    decisions += _received_instead(state, fact, record, booked, cuts)
    booking = state.booking
    assert booking is not None
    booked = msgspec.structs.replace(booked, amount=amount)
    state = state.with_booking(msgspec.structs.replace(booking, payments=(*booking.payments, booked)))
    if decisions:
        return without_verdict(state, record), decisions
    return with_verdict(state, record, _BOOKED_ALREADY)


def _received_instead(
    state: OrderState, fact: Fact, record: SyncRecord, booked: BookedPayment, cuts: tuple[Cut, ...]
) -> list[Planned]:
    """Return the entries that move money which came in later, and stands on the invoice, onto the payment's account."""
    booking = state.booking
    assert booking is not None
    entries = []
    for number, cut in enumerate(cuts, start=1):
        debit, credit = (each.liability or each.account for each in (booked, cut.payment))
        if debit == credit:
            continue
        moved = PostJournal(
            journal_id=f"{state.order_id}:before:{booked.transaction_id}:{booking.revision}:{number}",
            reference=state.reference,
            transaction_date=max(booked.paid_on, cut.payment.paid_on),
            lines=(JournalLine(account=debit, debit=cut.amount), JournalLine(account=credit, credit=cut.amount)),
        )
        entries.append(planned(state, fact, record, moved, (booking.command_id,)))
    return entries


def payment_record(state: OrderState, settings: StoreSettings, payment: Payment) -> SyncRecord:
    """Return the line of one payment."""
    day = local_day(state, settings, payment.received_at)
    identity = f"payment-{state.order_id}-{payment.transaction_id}"
    return record_of(state, identity, "payment", day, payment.amount)


def purse_of(state: OrderState, settings: StoreSettings, payment: Payment) -> Purse | Verdict:
    """Return where a payment goes, or which setting is missing for it."""
    place = place_of(state, settings)
    if place is None:
        return unmapped(state, "payment")
    way = payment.payment_type_name or payment.gateway
    stored = settings.stored_value(payment.gateway, payment.payment_type_name)
    mapping = settings.payment_at(place, payment.gateway, payment.payment_type_name)
    if stored is not None:
        if settings.rules.stored_value_clearing is None:
            return Verdict(
                "failed",
                f"No clearing account is mapped for payments by {way}; the invoice stays open by this amount",
                "Name it as stored_value_clearing in the set-up file and apply the file; the payment is then booked by"
                " itself",
                (SETTINGS_NEED,),
            )
        method = mapping.payment_method if mapping is not None else None
        return Purse(settings.rules.stored_value_clearing, method or way, stored.liability_account)
    if mapping is None:
        return Verdict(
            "failed",
            f"No account is mapped for payments by {way}; the invoice stays open by this amount",
            f"Map {way} to a Cash & Bank account; the payment is then booked by itself",
            (SETTINGS_NEED,),
        )
    return Purse(mapping.account, mapping.payment_method or way)


def without_change(state: OrderState, payment: Payment, total: Decimal) -> Decimal:
    """Return what is left of a payment once its change is given: out of cash, the cash that was taken last first.

    Change is given as the order is completed, and of what is paid later as that comes in.
    """
    closed = state.known.get("closed_date")
    until = max(payment.received_at, read_utc(closed) if closed else datetime.max.replace(tzinfo=UTC))
    taken = [each for each in state.money() if not each.came_after(until)]
    back = sum((money.amount for money in state.taken_back.money.values() if money.at <= until), _ZERO)
    excess = sum((each.amount for each in taken), _ZERO) - back - total
    for each in reversed(taken):
        if each.gateway != _CASH or excess <= 0:
            continue
        change = min(each.amount, excess)
        if each == payment:
            return payment.amount - change
        excess -= change
    return payment.amount


def never_booked(state: OrderState, settings: StoreSettings, at: datetime, *, with_cash: bool) -> Decimal:
    """Return what was paid by a moment beyond what the invoice took, and did not go back yet.

    Of cash it is change, as a rule.
    """
    if state.taken_back.voided:
        # What was paid before a void and after it is undone is told side by side.
        return _ZERO
    booked: dict[str, Decimal] = {}
    for known in state.paid_by().values():
        booked[known.transaction_id] = booked.get(known.transaction_id, _ZERO) + known.amount
    beyond = sum(
        (
            max(payment.amount - booked.get(payment.transaction_id, _ZERO), _ZERO)
            for payment in state.money()
            if (with_cash or payment.gateway != _CASH)
            and not payment.came_after(at)
            and payment_record(state, settings, payment).record_id not in state.skipped_records
        ),
        _ZERO,
    )
    gone = sum((refund.unbooked for refund in state.taken_back.planned.values()), _ZERO)
    return max(beyond - gone, _ZERO)


def stored_value_moved(
    state: OrderState, fact: Fact, record: SyncRecord, booked: BookedPayment, revision: int
) -> list[Planned]:
    """Return the entry that moves what a payment took out of a liability into the clearing account; none for money."""
    if not booked.liability:
        return []
    again = "" if revision == 1 else f"{revision}:"
    entry = PostJournal(
        journal_id=f"{again}{state.order_id}:stored:{booked.transaction_id}",
        reference=state.reference,
        transaction_date=booked.paid_on,
        lines=(
            JournalLine(account=booked.liability, debit=booked.amount),
            JournalLine(account=booked.account, credit=booked.amount),
        ),
    )
    return [planned(state, fact, record, entry, (booked.command_id,))]


def judge_reversed(state: OrderState, settings: StoreSettings) -> tuple[OrderState, list[Decision]]:
    """Show every planned payment that iSeller takes back by itself; with a void of the order it goes back anyway."""
    decisions: list[Decision] = []
    booking = state.booking
    assert booking is not None
    planned_on_it = {known.transaction_id for known in booking.payments}
    for payment in state.in_order():
        identity = f"reversed-{state.order_id}-{payment.transaction_id}"
        stands = payment.transaction_id in planned_on_it and not booking.ended and not state.is_voided
        if stands and state.is_reversed(payment):
            verdict = _REVERSED
        elif identity in state.verdicts:
            verdict = Verdict("skipped", "The payment stands again, or went back with the order")
        else:
            continue
        day = local_day(state, settings, payment.received_at)
        state, noted = with_verdict(state, record_of(state, identity, "payment", day, payment.amount), verdict)
        decisions += noted
    return state, decisions


def _standing(state: OrderState, booking: Booking, payment: Payment, store_id: str) -> Decimal | None:
    """Return what of a payment stands on an invoice; None once a document on this one has its name.

    A deposit, or money on an invoice that is booked anew since, may have been more than that invoice took.
    """
    booked = {name: known for name, known in state.paid_by().items() if known.transaction_id == payment.transaction_id}
    own = payment_command_id(store_id, state.order_id, payment.transaction_id, booking.revision)
    if own in booked or any(known.liability for known in booked.values()):
        return None
    return sum((known.amount for known in booked.values()), _ZERO)


def _judged(
    state: OrderState, settings: StoreSettings, booking: Booking, payment: Payment, record: SyncRecord, left: Decimal
) -> tuple[Purse, date, Decimal] | Verdict:
    """Return where, on which date and how much of a payment is booked on the invoice, or why it is not."""
    reason = "The sale was taken back" if booking.ended else no_money(state, payment, record)
    if reason is not None:
        return Verdict("skipped", reason)
    behind = sum((each.amount for each in paid_behind(state, payment)), _ZERO)
    amount = min(left, payable(booking.remaining + behind))
    if amount <= 0:
        return Verdict("skipped", "The invoice is paid in full already")
    purse = purse_of(state, settings, payment)
    if isinstance(purse, Verdict):
        return purse
    assert record.business_date is not None
    # Jurnal receives nothing on an invoice before the invoice: a sale that is booked anew keeps its payments' dates
    # only as far as they are not before it.
    day = booking_day(settings, max(record.business_date, booking.booked_on if booking.revision > 1 else date.min))
    return day if isinstance(day, Verdict) else (purse, day, amount)


def no_money(state: OrderState, payment: Payment, record: SyncRecord) -> str | None:
    """Return why a payment will not be booked whatever is mapped; None if it is money for the invoice."""
    if record.record_id in state.skipped_records:
        return state.skipped_records[record.record_id]
    if state.is_reversed(payment):
        return "iSeller reports this payment as failed or void"
    if state.pays_later(payment):
        return "Sold on account: the customer pays later"
    return None if payment.amount > 0 else "No money came in by it"
