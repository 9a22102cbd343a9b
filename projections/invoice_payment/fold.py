"""Folds orders and Jurnal's answers into the payment state of each invoice.

`received` is what iSeller says was paid; all else about money is what Jurnal confirmed. The status follows Jurnal
alone, by its own rule: nothing owed is Paid; less owed than the total, by whatever it is, is Partial; else Open.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

import msgspec

from eventstore.event import Fact
from eventstore.facts.answers import CommandAccepted, Document
from eventstore.facts.registry import Meaning
from eventstore.facts.settings import SETTINGS_STREAM, SYNC_STREAM_PREFIX
from projections.changes.booking import Booking
from projections.changes.orders import OrderState
from projections.document_fold import DOCUMENT_STATES, document_keys, tell
from projections.jurnal_commands.commands import BookInvoice
from projections.jurnal_commands.decision import Decision, Planned
from projections.projection import NOTHING, Evolved, Row, States, Table

_ZERO = Decimal(0)
_STREAMS = ("order-", "product-", "shift-", SETTINGS_STREAM, SYNC_STREAM_PREFIX)


class InvoiceRow(Row, frozen=True, kw_only=True):
    """One invoice. Amounts in IDR; owed is `total` - `paid` - `returned`. `jurnal_id` None until it is booked.

    `rounded`: what of the total is neither its lines and taxes nor iSeller's own rounding, signed.
    """

    transaction_no: str
    order_id: str
    order_reference: str
    jurnal_id: int | None
    transaction_date: date
    due_date: date
    total: Decimal
    received: Decimal
    paid: Decimal
    returned: Decimal
    status: str
    updated: int
    rounded: Decimal


class Owed(msgspec.Struct, frozen=True, array_like=True):
    """What Jurnal confirmed of one invoice. IDR.

    `paid`: deposit, payments and credits used; `returned`: what returns lowered what is owed by.
    """

    jurnal_id: int
    total: Decimal
    paid: Decimal
    returned: Decimal = _ZERO
    is_deleted: bool = False

    @property
    def remaining(self) -> Decimal:
        """What the customer still owes."""
        return max(_ZERO, self.total - self.paid - self.returned)


class InvoicesOwed(msgspec.Struct, frozen=True, kw_only=True, tag="invoices"):
    """The invoices of one order as Jurnal has them, by command; `counted` are the commands that made them so."""

    invoices: dict[str, Owed] = {}
    counted: tuple[str, ...] = ()


class InvoicePayment:
    """The projection `invoice_payment`."""

    name: ClassVar[str] = "invoice_payment"
    state_type: ClassVar[Any] = DOCUMENT_STATES | InvoicesOwed
    row_tables: ClassVar[Sequence[str]] = ("invoice_payment",)
    tables: ClassVar[Sequence[Table]] = (Table(__package__, "save_invoices", InvoiceRow),)

    def keys(self, fact: Fact, meaning: Meaning) -> Sequence[str]:
        """Return settings, order and its invoices, and what may wait for the fact."""
        if not fact.stream_id.startswith(_STREAMS):
            return ()
        return (*document_keys(fact, meaning), fact.stream_id, _key(fact.stream_id))

    def evolve(self, states: States, fact: Fact, meaning: Meaning) -> Evolved:
        """Open invoices when they are planned; count money when Jurnal confirms it."""
        if not fact.stream_id.startswith(_STREAMS):
            return NOTHING
        told = tell(states, fact, meaning)
        owed = states.get(_key(fact.stream_id))
        assert owed is None or isinstance(owed, InvoicesOwed)
        order = told.documents.get(fact.stream_id) or states.get(fact.stream_id)
        rows: list[Row] = []
        for document in told.documents.values():
            # What a setting, a window or a shift lets go is planned just now: nothing of it is confirmed yet.
            if isinstance(document, OrderState) and document is not order:
                rows += _rows(document, InvoicesOwed(), _booked(told.decisions), fact.position)
        if not isinstance(order, OrderState):
            return Evolved(told.states, rows) if told.states or rows else NOTHING
        known = owed or InvoicesOwed()
        after = _confirmed(known, order, meaning) if isinstance(meaning, CommandAccepted) else known
        if after is not known:
            told.states[_key(fact.stream_id)] = after
        booked = {asked.command_id for asked in order.asked if asked.kind == "BookInvoice"}
        return Evolved(told.states, [*rows, *_rows(order, after, booked, fact.position)])


def _key(stream_id: str) -> str:
    return f"invoices/{stream_id}"


def _booked(decisions: Iterable[Decision]) -> set[str]:
    return {
        decision.command_id
        for decision in decisions
        if isinstance(decision, Planned) and isinstance(decision.command, BookInvoice)
    }


def _confirmed(known: InvoicesOwed, order: OrderState, answer: CommandAccepted) -> InvoicesOwed:
    """Take in Jurnal's answer to a command of the order; told twice it counts once."""
    command_id = answer.attempted.command_id
    asked = next((each for each in order.asked if each.command_id == command_id), None)
    if asked is None or not asked.invoice or command_id in known.counted:
        return known
    owed = _owed(known.invoices.get(asked.invoice), asked.kind, answer.document)
    if owed is not None and asked.kind == "BookInvoice" and answer.found_by != "answer":
        # Found later than it was made, as after a restore: what was received since is confirmed by its own command.
        owed = msgspec.structs.replace(owed, paid=min(owed.paid, _deposit(order, command_id)))
    invoices = known.invoices if owed is None else {**known.invoices, asked.invoice: owed}
    return InvoicesOwed(invoices=invoices, counted=(*known.counted, command_id))


def _deposit(order: OrderState, command_id: str) -> Decimal:
    payments = (payment for booking in order.bookings for payment in booking.payments)
    return sum((payment.amount for payment in payments if payment.command_id == command_id), _ZERO)


def _owed(known: Owed | None, kind: str, document: Document) -> Owed | None:
    amount = document.amount or _ZERO
    if kind == "BookInvoice":
        return Owed(document.jurnal_id, amount, amount - (document.remaining or _ZERO))
    if known is None:
        return None
    match kind:
        case "UpdateInvoice":
            paid = amount - (document.remaining or _ZERO) - known.returned
            return msgspec.structs.replace(known, total=amount, paid=paid)
        case "DeleteInvoice":
            return msgspec.structs.replace(known, is_deleted=True)
        case "ReturnSale":
            # What a return is worth beyond what is owed becomes a credit of the customer.
            return msgspec.structs.replace(known, returned=known.returned + min(amount, known.remaining))
        case _:
            return msgspec.structs.replace(known, paid=known.paid + amount)


def _rows(order: OrderState, owed: InvoicesOwed, booked: set[str], position: int) -> list[InvoiceRow]:
    received = sum((payment.amount for payment in order.money()), _ZERO)
    return [
        _row(order, booking, owed.invoices.get(booking.command_id), received, position)
        for booking in order.bookings
        if booking.command_id in booked
    ]


def _row(order: OrderState, booking: Booking, owed: Owed | None, received: Decimal, position: int) -> InvoiceRow:
    return InvoiceRow(
        transaction_no=booking.invoice_no,
        order_id=order.order_id,
        order_reference=order.reference,
        jurnal_id=None if owed is None else owed.jurnal_id,
        transaction_date=booking.booked_on,
        due_date=booking.due_on or booking.booked_on,
        total=booking.total if owed is None else owed.total,
        received=received,
        paid=_ZERO if owed is None else owed.paid,
        returned=_ZERO if owed is None else owed.returned,
        status=_status(owed),
        updated=position,
        rounded=booking.rounded,
    )


def _status(owed: Owed | None) -> str:
    if owed is None:
        return "NotBooked"
    if owed.is_deleted:
        return "Deleted"
    if owed.remaining == 0:
        return "Paid"
    return "Partial" if owed.remaining < owed.total else "Open"
