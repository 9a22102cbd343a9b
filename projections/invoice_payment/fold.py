"""Folds orders and Jurnal's answers into the payment state of each invoice.

`received` is what iSeller says was paid; `paid` what Jurnal confirmed. The status follows Jurnal alone.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

import msgspec

from eventstore.event import Fact
from eventstore.facts.answers import CommandAccepted
from eventstore.facts.registry import Meaning
from projections.changes.orders import OrderState
from projections.document_fold import DOCUMENT_STATES, document_keys, tell
from projections.jurnal_commands.commands import BookInvoice
from projections.jurnal_commands.decision import Planned
from projections.jurnal_commands.identity import transaction_no
from projections.projection import NOTHING, Evolved, Row, States, Table

_ZERO = Decimal(0)


class InvoiceRow(Row, frozen=True, kw_only=True):
    """One invoice. Amounts in IDR; `jurnal_id` None until it is booked."""

    order_id: str
    order_reference: str
    transaction_no: str
    jurnal_id: int | None
    transaction_date: date
    due_date: date
    total: Decimal
    received: Decimal
    paid: Decimal
    status: str
    updated: int


class InvoiceState(msgspec.Struct, frozen=True, kw_only=True, tag="invoice"):
    """An invoice since it was planned. `counted` are the commands whose money is in `paid`."""

    order_reference: str
    transaction_no: str
    transaction_date: date
    due_date: date
    total: Decimal
    jurnal_id: int | None = None
    paid: Decimal = _ZERO
    counted: tuple[str, ...] = ()


class InvoicePayment:
    """The projection `invoice_payment`."""

    name: ClassVar[str] = "invoice_payment"
    state_type: ClassVar[Any] = DOCUMENT_STATES | InvoiceState
    row_tables: ClassVar[Sequence[str]] = ("invoice_payment",)
    tables: ClassVar[Sequence[Table]] = (Table(__package__, "save_invoices", InvoiceRow),)

    def keys(self, fact: Fact, meaning: Meaning) -> Sequence[str]:
        """Return settings, order and invoice."""
        if not fact.stream_id.startswith(("order-", "settings")):
            return ()
        return (*document_keys(fact, meaning), fact.stream_id, _key(fact))

    def evolve(self, states: States, fact: Fact, meaning: Meaning) -> Evolved:
        """Open the invoice when it is planned; count money when Jurnal confirms it."""
        if not fact.stream_id.startswith(("order-", "settings")):
            return NOTHING
        told = tell(states, fact, meaning)
        invoice = states.get(_key(fact))
        assert invoice is None or isinstance(invoice, InvoiceState)
        for decision in told.decisions:
            if isinstance(decision, Planned) and isinstance(decision.command, BookInvoice):
                invoice = _planned(decision.command_id, decision.command)
        if isinstance(meaning, CommandAccepted) and invoice is not None:
            invoice = _confirmed(invoice, meaning)
        order = told.documents.get(fact.stream_id) or states.get(fact.stream_id)
        if invoice is None or not isinstance(order, OrderState):
            return Evolved(told.states, ())
        return Evolved({**told.states, _key(fact): invoice}, (_row(invoice, order, fact.position),))


def _key(fact: Fact) -> str:
    return f"invoice/{fact.stream_id}"


def _planned(command_id: str, command: BookInvoice) -> InvoiceState:
    return InvoiceState(
        order_reference=command.order_reference,
        transaction_no=transaction_no(command_id, command.order_reference),
        transaction_date=command.transaction_date,
        due_date=command.due_date,
        total=command.total,
    )


def _confirmed(invoice: InvoiceState, answer: CommandAccepted) -> InvoiceState:
    document, command_id = answer.document, answer.attempted.command_id
    if command_id in invoice.counted:
        return invoice
    paid, jurnal_id = invoice.paid, invoice.jurnal_id
    if document.resource == "sales_invoices":
        jurnal_id = document.jurnal_id
        paid += (document.amount or _ZERO) - (document.remaining or _ZERO)
    elif document.resource == "receive_payments":
        paid += document.amount or _ZERO
    return msgspec.structs.replace(invoice, paid=paid, jurnal_id=jurnal_id, counted=(*invoice.counted, command_id))


def _row(invoice: InvoiceState, order: OrderState, position: int) -> InvoiceRow:
    if invoice.jurnal_id is None:
        status = "NotBooked"
    elif invoice.paid >= invoice.total:
        status = "Paid"
    else:
        status = "Partial" if invoice.paid > 0 else "Open"
    return InvoiceRow(
        order_id=order.order_id,
        order_reference=invoice.order_reference,
        transaction_no=invoice.transaction_no,
        jurnal_id=invoice.jurnal_id,
        transaction_date=invoice.transaction_date,
        due_date=invoice.due_date,
        total=invoice.total,
        received=sum((payment.amount for payment in order.payments.values()), _ZERO),
        paid=invoice.paid,
        status=status,
        updated=position,
    )
