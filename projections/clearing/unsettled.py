"""iSeller Pay money that is not paid out yet, by the day it was taken: a payout settles the oldest first. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

import msgspec

from projections.changes.asked import Asked
from projections.changes.booking import Booking
from projections.jurnal_commands.commands import (
    BookInvoice,
    Command,
    DeleteInvoice,
    DepositPayout,
    ReceivePayment,
    RefundCredit,
    WithdrawPayoutFee,
)
from projections.jurnal_commands.moved_money import moved_by
from projections.projection import Row, Table

CLEARING_KEY = "clearing"
_ZERO = Decimal(0)
_DELETION = DeleteInvoice.__name__


class ClearingDayRow(Row, frozen=True, kw_only=True):
    """What was taken on `day` and is not paid out, IDR."""

    day: date
    unsettled: Decimal
    updated: int


CLEARING_TABLE = Table(__package__, "save_days", ClearingDayRow)


class UnsettledDay(msgspec.Struct, frozen=True, array_like=True):
    """What was taken on a day and is not paid out, IDR, above zero."""

    day: date
    amount: Decimal


class Unsettled(msgspec.Struct, frozen=True, tag="clearing"):
    """The days with unsettled money, oldest first. `ahead`: what was paid out before its payments were told, IDR.

    All of `settled_through` and of the days before it is settled: money told late for an older day counts as of that
    one, as it would if it had been told in time.
    """

    days: tuple[UnsettledDay, ...] = ()
    ahead: Decimal = _ZERO
    settled_through: date | None = None


def taken(known: Unsettled, day: date, amount: Decimal) -> Unsettled:
    """Add money that iSeller took on a day."""
    covered = min(amount, known.ahead)
    if covered:
        known = msgspec.structs.replace(known, ahead=known.ahead - covered, settled_through=_later(known, day))
    if amount == covered:
        return known
    counted_on = _later(known, day)
    by_day = {each.day: each.amount for each in known.days}
    by_day[counted_on] = by_day.get(counted_on, _ZERO) + amount - covered
    return msgspec.structs.replace(known, days=tuple(UnsettledDay(*each) for each in sorted(by_day.items())))


def paid_out(known: Unsettled, amount: Decimal) -> Unsettled:
    """Settle the oldest money by an amount."""
    left, through = amount, known.settled_through
    days = list(known.days)
    while left and days:
        oldest = days[0]
        settled = min(left, oldest.amount)
        left -= settled
        if settled == oldest.amount:
            days.pop(0)
            through = oldest.day
        else:
            days[0] = UnsettledDay(oldest.day, oldest.amount - settled)
    return Unsettled(tuple(days), known.ahead + left, through)


def after_commands(
    known: Unsettled,
    commands: Sequence[Command],
    clearing_account: str,
    bookings: Sequence[Booking],
    superseded: Sequence[Asked] = (),
) -> Unsettled:
    """Return what is unsettled once `commands` are planned; `bookings` are those of their order.

    `superseded`: what moves nothing any more, because the commands take its place.
    """
    if superseded:
        return _moved_otherwise(known, commands, clearing_account, bookings, superseded)
    for command in commands:
        match command:
            case BookInvoice() if command.deposit_account == clearing_account and command.deposit:
                known = taken(known, command.transaction_date, command.deposit)
            case ReceivePayment() if command.account == clearing_account:
                known = taken(known, command.transaction_date, command.amount)
            case RefundCredit() if command.account == clearing_account:
                # iSeller gives the money back and keeps it from a later payout.
                known = paid_out(known, command.amount)
            case DeleteInvoice():
                known = paid_out(known, _deposited(command.invoice, clearing_account, bookings))
            case DepositPayout() | WithdrawPayoutFee() if command.clearing_account == clearing_account:
                known = paid_out(known, command.amount)
    return known


def rows_between(before: Unsettled, after: Unsettled, position: int) -> list[ClearingDayRow]:
    """Return the rows of the days that changed."""
    was, is_now = ({each.day: each.amount for each in state.days} for state in (before, after))
    return [
        ClearingDayRow(day=day, unsettled=is_now.get(day, _ZERO), updated=position)
        for day in sorted(was.keys() | is_now.keys())
        if was.get(day) != is_now.get(day)
    ]


def _moved_otherwise(
    known: Unsettled,
    commands: Iterable[Command],
    clearing_account: str,
    bookings: Sequence[Booking],
    superseded: Iterable[Asked],
) -> Unsettled:
    """Count only what is moved otherwise: taken off and put back, the same money would seem older than it is."""
    came: dict[date, Decimal] = defaultdict(Decimal)
    went = _ZERO
    both = [(1, moved_by(command), _deleted(command)) for command in commands]
    both += [(-1, asked.moved, asked.invoice if asked.kind == _DELETION else "") for asked in superseded]
    for sign, moved, deleted in both:
        went += sign * _deposited(deleted, clearing_account, bookings)
        if moved is not None and moved.account == clearing_account:
            came[moved.day] += sign * max(moved.amount, _ZERO)
            went -= sign * min(moved.amount, _ZERO)
    for day, amount in sorted(came.items()):
        known = taken(known, day, amount) if amount > 0 else _not_taken(known, day, -amount)
    return paid_out(known, went) if went > 0 else _not_paid_out(known, -went)


def _not_taken(known: Unsettled, day: date, amount: Decimal) -> Unsettled:
    """Take money off the day it counts on; what a payout settled of it since was paid out ahead of other money."""
    by_day = {each.day: each.amount for each in known.days}
    counted_on = _later(known, day)
    left = min(amount, by_day.get(counted_on, _ZERO))
    days = tuple(
        UnsettledDay(each, rest)
        for each, held in sorted(by_day.items())
        if (rest := held - left * (each == counted_on))
    )
    return Unsettled(days, known.ahead + amount - left, known.settled_through)


def _not_paid_out(known: Unsettled, amount: Decimal) -> Unsettled:
    """Count money as not settled after all: of the oldest day that has some, which it would have been taken off."""
    covered = min(amount, known.ahead)
    known = msgspec.structs.replace(known, ahead=known.ahead - covered)
    oldest = known.days[0].day if known.days else known.settled_through
    return taken(known, oldest, amount - covered) if oldest is not None and amount > covered else known


def _deleted(command: Command) -> str:
    """Return the invoice that a command deletes, or nothing."""
    return command.invoice if isinstance(command, DeleteInvoice) else ""


def _deposited(invoice: str, clearing_account: str, bookings: Sequence[Booking]) -> Decimal:
    payments = (payment for booking in bookings if booking.command_id == invoice for payment in booking.payments)
    return sum((payment.amount for payment in payments if payment.account == clearing_account), _ZERO)


def _later(known: Unsettled, day: date) -> date:
    return day if known.settled_through is None else max(day, known.settled_through)
