"""Judges the void of an order: everything that is left comes back, and all money goes back where it came from."""

from datetime import date, datetime
from decimal import Decimal

import msgspec

from eventstore.chain import microseconds
from eventstore.event import Fact
from projections.changes.booking import Booking
from projections.changes.orders import OrderState
from projections.changes.refunds import PaidBack, PlannedRefund
from projections.changes.settings import StoreSettings
from projections.changes.times import read_utc
from projections.changes.verdict import Verdict
from projections.jurnal_commands.commands import DeleteInvoice
from projections.jurnal_commands.decision import Decision, Planned, SyncRecord
from projections.jurnal_commands.identity import deletion_command_id
from projections.jurnal_commands.order_action import (
    booking_day,
    local_day,
    order_day,
    record_of,
    with_verdict,
    without_verdict,
)
from projections.jurnal_commands.returned_goods import pick_all
from projections.jurnal_commands.standing_credit import out_of_standing_credit
from projections.jurnal_commands.taking_back import (
    PayOut,
    Taking,
    entry,
    money_is_missing,
    pay_back,
    return_goods,
    side,
    stock_of_parts,
    waste,
    with_credits,
)

_ZERO = Decimal(0)
# A way to pay: its account, and the liability behind it or nothing.
Purse = tuple[str, str]
VOIDED = Verdict("skipped", "Went back with the void of the order")
_ASKED = "Nothing: iSeller is being asked"
_UNDONE = Verdict("skipped", "The order was completed again before its void was booked")
NOT_BOOKED = Verdict("skipped", "The sale itself is not booked")
WAITS_FOR_SALE = Verdict("held", "Waits for its sale to be booked")
_UNDATED = Verdict(
    "failed",
    "iSeller does not tell when the order was voided",
    "Look the void up in iSeller, take the invoice back in Jurnal by hand and skip the record",
)


def voided_at(state: OrderState) -> datetime | None:
    """Return when an order was voided (UTC), as it or the last of its void transactions tells."""
    told = state.known.get("cancel_date")
    if told:
        return read_utc(told)
    return max(state.taken_back.voided.values(), default=None)


def is_sale_skipped(state: OrderState) -> bool:
    """Tell whether the sale itself will not be booked."""
    sale = state.verdicts.get(f"sale-{state.order_id}")
    return sale is not None and sale.state == "skipped"


def judge_void(
    state: OrderState, settings: StoreSettings, fact: Fact, *, is_open: bool
) -> tuple[OrderState, list[Decision]]:
    """Judge the void of an order; `is_open`: a refund of it may still be planned."""
    at = voided_at(state)
    record = _record(state, settings, fact, at)
    if not state.is_voided:
        return _undone(state, record)
    # Of an order that was never completed nothing could be taken back, and the line of a skipped sale says why.
    if not state.completed_at or (state.booking is not None and state.booking.ended):
        return state, []
    if state.booking is None and is_sale_skipped(state) and record.record_id not in state.verdicts:
        return state, []
    planned = _judged(state, settings, fact, record, at, is_open=is_open)
    if isinstance(planned, Verdict):
        return with_verdict(state, record, planned)
    state, decisions = planned
    return without_verdict(state, record), list(decisions)


def _undone(state: OrderState, record: SyncRecord) -> tuple[OrderState, list[Decision]]:
    """Close the lines of voids that waited when the order was completed again."""
    decisions: list[Decision] = []
    for identity, verdict in state.verdicts.items():
        if identity.startswith(f"void-{state.order_id}") and verdict.state != "skipped":
            state, noted = with_verdict(state, msgspec.structs.replace(record, record_id=identity), _UNDONE)
            decisions += noted
    return state, decisions


def _judged(
    state: OrderState, settings: StoreSettings, fact: Fact, record: SyncRecord, at: datetime | None, *, is_open: bool
) -> tuple[OrderState, list[Planned]] | Verdict:
    booking = state.booking
    if booking is None:
        return NOT_BOOKED if is_sale_skipped(state) else WAITS_FOR_SALE
    if (seen_to := state.skipped_records.get(record.record_id)) is not None:
        return Verdict("skipped", seen_to)
    day = _day(state, settings, booking, at, is_open=is_open)
    if isinstance(day, Verdict):
        return day
    assert at is not None
    key = "void" if booking.revision == 1 else f"void:{booking.revision}"
    taking = Taking(state, settings, fact, record, key, day)
    same_day = local_day(state, settings, at) == order_day(state, settings)
    may_delete = same_day and _may_delete(settings, booking) and not _is_not_deleted(state, fact)
    return _deleted(taking) if may_delete else _returned(taking)


def _record(state: OrderState, settings: StoreSettings, fact: Fact, at: datetime | None) -> SyncRecord:
    again = "" if state.booking is None or state.booking.revision == 1 else f"-{state.booking.revision}"
    if _is_not_deleted(state, fact):
        # The deletion has a line of its own, which this one takes the place of.
        again = f"{again}-returned"
    day = None if at is None else local_day(state, settings, at)
    total = state.known.get("total_amount")
    amount = None if total is None else Decimal(total)
    return record_of(state, f"void-{state.order_id}{again}", "void", day, amount)


def _day(
    state: OrderState, settings: StoreSettings, booking: Booking, at: datetime | None, *, is_open: bool
) -> date | Verdict:
    """Return the void's date in the books, or why it waits."""
    if at is None:
        if state.taken_back.records_seen_at >= state.seen["status"]:
            return _UNDATED
        return Verdict("held", "Waits for the date of the void to be told", _ASKED)
    if is_open:
        return Verdict("held", "Waits for a refund of the order that is not booked yet")
    if money_is_missing(state, settings):
        return Verdict("held", "Waits for a payment of the order that is not booked yet")
    if booking.remaining > 0 and not _knows_money(state, at):
        return Verdict("held", "Waits for all payments of the order to be told", _ASKED)
    return booking_day(settings, max(local_day(state, settings, at), booking.booked_on))


def _knows_money(state: OrderState, at: datetime) -> bool:
    """Tell whether all money by the void is known, also of a till that was offline and tells it bit by bit."""
    return state.taken_back.money_seen_at >= max(microseconds(at), state.seen["status"])


def _may_delete(settings: StoreSettings, booking: Booking) -> bool:
    """Tell whether Jurnal lets the invoice be deleted: nothing but its deposit hangs on it, and its day is open."""
    first = settings.first_open_day()
    return (
        settings.rules.same_day_void == "delete"
        and bool(booking.lines)
        and not booking.credits
        and all(payment.command_id == booking.command_id for payment in booking.payments)
        and (first is None or booking.booked_on >= first)
    )


def _is_not_deleted(state: OrderState, fact: Fact) -> bool:
    """Tell whether Jurnal does not let the current invoice be deleted."""
    booking = state.booking
    return booking is not None and deletion_command_id(fact.store_id, booking.command_id) in state.not_allowed


def _deleted(taking: Taking) -> tuple[OrderState, list[Planned]] | Verdict:
    booking, state = taking.booking, taking.state
    everything = pick_all(taking.invoice, restocked=taking.settings.rules.void_restocks)
    parts: dict[str, Decimal] = {}
    for part in everything.parts:
        parts[part.product_code] = parts.get(part.product_code, _ZERO) + part.quantity
    deleted = taking.planned(
        DeleteInvoice(order_id=state.order_id, order_reference=state.reference, invoice=booking.command_id)
    )
    back, thrown_away = stock_of_parts(taking, parts), waste(taking, everything.wasted)
    if isinstance(back, Verdict):
        return back
    if isinstance(thrown_away, Verdict):
        return thrown_away
    decisions = [deleted, *back, *thrown_away]
    if booking.journal:
        undone = [side(each.account, -each.amount) for each in booking.journal]
        decisions.append(entry(taking, "reclass-back", booking.booked_on, *undone))
    for payment in booking.payments:
        if payment.liability:
            sides = (side(payment.account, payment.amount), side(payment.liability, -payment.amount))
            decisions.append(entry(taking, f"stored-back:{payment.transaction_id}", payment.paid_on, *sides))
    ended = msgspec.structs.replace(booking, ended="deleted", ended_on=taking.day)
    return state.with_booking(ended), decisions


def _returned(taking: Taking) -> tuple[OrderState, list[Planned]] | Verdict:
    goods = return_goods(taking, pick_all(taking.invoice, restocked=taking.settings.rules.void_restocks))
    if isinstance(goods, Verdict):
        return goods
    (made,) = goods.credits
    due, refunds = _due(taking)
    all_outs = _pay_outs(taking, due)
    outs, left_over = out_of_standing_credit(taking, all_outs, sum((out.amount for out in all_outs), _ZERO))
    money = pay_back(taking, made, outs)
    if isinstance(money, Verdict):
        return money
    state = with_credits(taking.state, (*money.credits, *left_over.credits))
    state = msgspec.structs.replace(state, taken_back=msgspec.structs.replace(state.taken_back, planned=refunds))
    assert state.booking is not None
    ended = msgspec.structs.replace(state.booking, ended="returned", ended_on=taking.day)
    return state.with_booking(ended), [*goods.decisions, *left_over.decisions, *money.decisions]


def _due(taking: Taking) -> tuple[dict[Purse, Decimal], dict[str, PlannedRefund]]:
    """Return what of each way to pay goes back, and the refunds with what they took off it.

    A void that is undone books all payments again: then that much has to leave each way again, whatever way the refund
    itself had gone.
    """
    booking = taking.booking
    due: dict[Purse, Decimal] = {}
    for payment in sorted(taking.state.paid_by().values(), key=lambda each: (each.paid_on, each.transaction_id)):
        purse = (payment.account, payment.liability)
        due[purse] = due.get(purse, _ZERO) + payment.amount
    refunds = dict(taking.state.taken_back.planned)
    for key, planned in refunds.items():
        if planned.revision == booking.revision:
            taken = tuple(part for paid in planned.paid for part in _taken(due, paid))
            refunds[key] = msgspec.structs.replace(planned, paid=taken)
    return due, refunds


def _taken(due: dict[Purse, Decimal], paid: PaidBack) -> list[PaidBack]:
    """Take what was given back off what came in: by the same way first, then of what came in last."""
    left, parts = paid.amount, []
    own = (paid.account, paid.liability)
    for purse in (own, *reversed([purse for purse in due if purse != own])):
        part = min(left, due.get(purse, _ZERO))
        if part:
            due[purse] -= part
            left -= part
            parts.append(PaidBack(*purse, part))
    return [*parts, PaidBack(*own, left)] if left else parts


def _pay_outs(taking: Taking, due: dict[Purse, Decimal]) -> tuple[PayOut, ...]:
    return tuple(
        PayOut(f"{taking.key}:{number}", account, liability, amount, taking.day)
        for number, ((account, liability), amount) in enumerate(due.items(), start=1)
        if amount
    )
