"""Judges what became of a booked order: lines or amounts were edited, or its void was undone.

An edited order updates its invoice where Jurnal takes that: nothing but its deposit hangs on it, its day is open, and
Jurnal has not refused it.
Else all that is left comes back on the invoice's own date and the order is booked anew, with the credit applied to the
new invoice. What the customer paid beyond the new one stays his credit until its refund is told.
"""

from decimal import Decimal

import msgspec

from eventstore.event import Fact
from projections.changes.booking import BookedEntry, Booking
from projections.changes.orders import OrderState
from projections.changes.refunds import refunds_of
from projections.changes.settings import StoreSettings
from projections.changes.shifts import Shifts
from projections.changes.verdict import Verdict
from projections.jurnal_commands.booking_anew import book_anew, change_key, change_number
from projections.jurnal_commands.commands import BookInvoice, JournalLine, UpdateInvoice
from projections.jurnal_commands.decide_voided import voided_at
from projections.jurnal_commands.decision import Decision, Planned, SyncRecord
from projections.jurnal_commands.identity import update_command_id
from projections.jurnal_commands.invoice import content_of
from projections.jurnal_commands.order_action import (
    booking_day,
    order_day,
    record_of,
    sale_record,
    with_verdict,
    without_verdict,
)
from projections.jurnal_commands.sale import plan_sale
from projections.jurnal_commands.taking_back import (
    Taking,
    entry,
    rupiah,
    side,
    stock_of_parts,
)

_ZERO = Decimal(0)
_TAKEN_BACK = Verdict("skipped", "The order is again as it was booked, or was taken back")


def judge_changed(
    state: OrderState, settings: StoreSettings, fact: Fact, shifts: Shifts
) -> tuple[OrderState, list[Decision]]:
    """Judge whether the current invoice is still that of the order, before its money is planned."""
    booking = state.booking
    assert booking is not None
    if booking.ended:
        return _restored(state, settings, fact, shifts) if state.status == "completed" else (state, [])
    record = _record(state, settings)
    # A voided order comes back as it was booked, unless a refund before its void may be about what was edited, or its
    # goods are lost: of these, those that were sold when the change was to be booked.
    is_lost = not settings.rules.void_restocks and _update_of(booking, fact) in state.not_allowed
    is_moot = state.is_voided and not is_lost and not _has_refund_to_plan(state, booking)
    if is_moot or content_of(state.report) == booking.content:
        known = state.verdicts.get(record.record_id)
        waits = known is not None and known.state != "skipped"
        return with_verdict(state, record, _TAKEN_BACK) if waits else (state, [])
    planned = _edited(state, settings, fact, shifts, record)
    if isinstance(planned, Verdict):
        return with_verdict(state, record, planned)
    state, decisions = planned
    return without_verdict(state, record), decisions


def _has_refund_to_plan(state: OrderState, booking: Booking) -> bool:
    """Tell whether a refund before the void is still to be planned on this invoice."""
    planned, void = state.taken_back.planned, voided_at(state)
    return any(
        (refund.key not in planned or planned[refund.key].revision != booking.revision)
        and (refund.at is None or void is None or refund.at < void)
        for refund in refunds_of(state.taken_back)
    )


def _edited(
    state: OrderState, settings: StoreSettings, fact: Fact, shifts: Shifts, record: SyncRecord
) -> tuple[OrderState, list[Decision]] | Verdict:
    booking = state.booking
    assert booking is not None
    if (seen_to := state.skipped_records.get(record.record_id)) is not None:
        return Verdict("skipped", seen_to)
    # Drawn as if it were booked now, to see what would be another than it is.
    undrawn = msgspec.structs.replace(state, bookings=state.bookings[:-1], released=True)
    drawn, decisions = plan_sale(
        undrawn, settings, fact, shifts, booking.revision, record=record, day=booking.booked_on
    )
    new = drawn.booking
    if new is None or new.revision != booking.revision:
        return drawn.verdicts[record.record_id]
    if _is_same(booking, new):
        # iSeller told it otherwise, and in Jurnal it is the same.
        return state.with_booking(msgspec.structs.replace(booking, content=new.content)), []
    invoice = next((each.command for each in decisions if isinstance(each, Planned) and _is_invoice(each)), None)
    is_allowed = _update_of(booking, fact) not in state.not_allowed
    if isinstance(invoice, BookInvoice) and is_allowed and _may_update(booking, new):
        return _updated(Taking(state, settings, fact, record, change_key(state), booking.booked_on), new, invoice)
    return _booked_anew(state, settings, fact, shifts, record)


def _update_of(booking: Booking, fact: Fact) -> str:
    """Return the identity of the next update of an invoice."""
    return update_command_id(fact.store_id, booking.command_id, booking.changes + 1)


def _is_invoice(planned: Planned) -> bool:
    return isinstance(planned.command, BookInvoice)


def _record(state: OrderState, settings: StoreSettings) -> SyncRecord:
    identity = f"change-{state.order_id}-{change_number(state)}"
    total = Decimal(state.known["total_amount"])
    return record_of(state, identity, "change", order_day(state, settings), total)


def _restored(
    state: OrderState, settings: StoreSettings, fact: Fact, shifts: Shifts
) -> tuple[OrderState, list[Decision]]:
    """Plan a new invoice of an order whose void was undone, on the date of the void: as if there had been none."""
    booking = state.booking
    assert booking is not None
    return plan_sale(
        state,
        settings,
        fact,
        shifts,
        booking.revision + 1,
        record=sale_record(state, settings),
        day=booking.ended_on,
    )


def _is_same(booking: Booking, new: Booking) -> bool:
    return (booking.total, booking.header_discount, booking.lines, booking.parts, booking.journal) == (
        new.total,
        new.header_discount,
        new.lines,
        new.parts,
        new.journal,
    )


def _may_update(booking: Booking, new: Booking) -> bool:
    """Tell whether Jurnal takes the change as an update, and the money on the invoice is still right."""
    return (
        bool(booking.lines)
        and not booking.credits
        and all(payment.command_id == booking.command_id for payment in booking.payments)
        and booking.payments in ((), new.payments)
        and new.booked_on == booking.booked_on
    )


def _updated(taking: Taking, new: Booking, invoice: BookInvoice) -> tuple[OrderState, list[Decision]] | Verdict:
    booking, state = taking.booking, taking.state
    if not booking.payments:
        # A payment that came since is received on it, as on any invoice.
        invoice = msgspec.structs.replace(invoice, deposit=_ZERO, deposit_account=None, deposit_method=None)
    update = taking.planned(
        UpdateInvoice(
            order_id=state.order_id,
            order_reference=state.reference,
            invoice=booking.command_id,
            change=booking.changes + 1,
            content=invoice,
        )
    )
    parts: dict[str, Decimal] = {}
    for part in booking.parts:
        parts[part.product_code] = parts.get(part.product_code, _ZERO) + part.quantity
    for part in new.parts:
        parts[part.product_code] = parts.get(part.product_code, _ZERO) - part.quantity
    moved = stock_of_parts(taking, parts, update.command_id)
    if isinstance(moved, Verdict):
        return moved
    decisions: list[Decision] = [update, *moved]
    if sides := _moved_on(booking.journal, new.journal):
        decisions.append(entry(taking, "reclass", booking.booked_on, *sides, needs=update.command_id))
    changed = msgspec.structs.replace(new, payments=booking.payments, changes=booking.changes + 1)
    return state.with_booking(changed), decisions


def _moved_on(before: tuple[BookedEntry, ...], after: tuple[BookedEntry, ...]) -> list[JournalLine]:
    """Return what is still to be moved between accounts when so much was moved before."""
    moved: dict[str, Decimal] = {}
    for each in after:
        moved[each.account] = moved.get(each.account, _ZERO) + each.amount
    for each in before:
        moved[each.account] = moved.get(each.account, _ZERO) - each.amount
    return [side(account, amount) for account, amount in moved.items() if amount]


def _booked_anew(
    state: OrderState, settings: StoreSettings, fact: Fact, shifts: Shifts, record: SyncRecord
) -> tuple[OrderState, list[Decision]] | Verdict:
    old = state.booking
    assert old is not None
    day = booking_day(settings, old.booked_on)
    if isinstance(day, Verdict):
        return day
    key = change_key(state)
    anew = book_anew(Taking(state, settings, fact, record, key, day), shifts)
    if isinstance(anew, Verdict):
        return anew
    state, noted = _left_over(anew.state, settings, key, anew.left_over)
    return state, [*anew.decisions, *noted]


def _left_over(
    state: OrderState, settings: StoreSettings, key: str, amount: Decimal
) -> tuple[OrderState, list[Decision]]:
    """Show what the customer paid beyond the new invoice: nobody said that it went back."""
    if not amount:
        return state, []
    identity = f"credit-{state.order_id}-{key.removeprefix('change:')}"
    record = record_of(state, identity, "change", order_day(state, settings), amount)
    verdict = Verdict(
        "held",
        f"{rupiah(amount)} that were paid beyond the changed order stay the customer's credit in Jurnal",
        "Nothing, if iSeller reports their refund: it is paid out of this credit. Else agree it with the customer",
    )
    return with_verdict(state, record, verdict)
