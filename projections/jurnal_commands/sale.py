"""Plans the sale of a completed order: its invoice, and what of stock and accounts moves beside it."""

from datetime import date, timedelta
from decimal import Decimal

import msgspec

from eventstore.event import Fact
from eventstore.facts.reports.orders import OrderReport
from projections.changes.booking import BookedEntry, BookedLine, BookedPayment, Booking
from projections.changes.orders import OrderState, Payment
from projections.changes.refunds import refunds_of
from projections.changes.settings import Place, StoreSettings
from projections.changes.shifts import Shifts
from projections.changes.verdict import Verdict
from projections.jurnal_commands.commands import AdjustStock, BookInvoice, PostJournal, StockChange
from projections.jurnal_commands.customers import customer_of
from projections.jurnal_commands.decision import Decision, Planned, SyncRecord
from projections.jurnal_commands.identity import invoice_command_id, transaction_no
from projections.jurnal_commands.invoice import content_of, draw_invoice
from projections.jurnal_commands.invoice_drawn import Drawn, NotDrawable
from projections.jurnal_commands.order_action import (
    booking_day,
    order_day,
    place_of,
    planned,
    sale_record,
    unmapped,
    with_verdict,
    without_verdict,
)
from projections.jurnal_commands.payments import (
    Purse,
    no_money,
    payment_record,
    purse_of,
    stored_value_moved,
    without_change,
)
from projections.jurnal_commands.sales_window import waits_for_sales_sync

_ZERO = Decimal(0)


class Ready(msgspec.Struct, frozen=True):
    """A sale that nothing keeps from being planned: its place, what is drawn of it, and its date in the books."""

    place: Place
    drawn: Drawn
    day: date


def plan_sale(
    state: OrderState,
    settings: StoreSettings,
    fact: Fact,
    shifts: Shifts,
    revision: int = 1,
    *,
    record: SyncRecord | None = None,
    day: date | None = None,
    due: date | None = None,
) -> tuple[OrderState, list[Decision]]:
    """Plan the invoice of a completed order with what stands beside it, or keep why it waits.

    A sale that is booked anew (`revision` above 1) is told as `record`, dated `day`, owed by `due`, waits for no sync
    and takes no deposit.
    """
    record = record or sale_record(state, settings)
    order = state.report
    ready = _judged(state, order, settings, day)
    held = waits_for_sales_sync(state, settings, fact, shifts) if revision == 1 else None
    if isinstance(ready, Verdict):
        # What fails meanwhile misses no window: once it is mended it goes at once.
        waits_too = held.needs if held is not None and ready.state == "failed" else ()
        return with_verdict(state, record, msgspec.structs.replace(ready, needs=(*ready.needs, *waits_too)))
    if held is not None:
        return with_verdict(state, record, held)
    first = _deposit(state, settings) if ready.drawn.lines and revision == 1 else None
    invoice = _invoice(state, settings, ready, revision, first)
    invoice = msgspec.structs.replace(invoice, due_date=due or invoice.due_date)
    booking = _booking(order, fact, ready.drawn, invoice)
    decisions: list[Decision] = []
    if ready.drawn.lines:
        customer = customer_of(state, order, settings, fact.store_id)
        needs = tuple(first_needed.command_id for first_needed in customer)
        decisions += [*customer, planned(state, fact, record, invoice, needs)]
    decisions += _beside(state, settings, fact, record, ready.drawn, booking)
    if first is not None:
        booked, moved = _deposited(state, settings, fact, booking, invoice.deposit, *first)
        booking = msgspec.structs.replace(booking, payments=(booked,))
        decisions += moved
    state = without_verdict(msgspec.structs.replace(state, bookings=(*state.bookings, booking)), record)
    return state, decisions


def _judged(state: OrderState, order: OrderReport, settings: StoreSettings, day: date | None) -> Ready | Verdict:
    place = place_of(state, settings)
    if place is None:
        return unmapped(state, "sale")
    drawn = draw_invoice(order, settings, place)
    if isinstance(drawn, NotDrawable):
        return Verdict("failed", drawn.reason, drawn.what_to_do, drawn.needs)
    told = day or order_day(state, settings)
    assert told is not None
    booked_on = booking_day(settings, told)
    return booked_on if isinstance(booked_on, Verdict) else Ready(place, drawn, booked_on)


def _invoice(
    state: OrderState, settings: StoreSettings, ready: Ready, revision: int, first: tuple[Payment, Purse] | None
) -> BookInvoice:
    connection = settings.connection
    assert connection is not None
    total = Decimal(state.known["total_amount"])
    deposit = min(without_change(state, first[0], total), total) if first else _ZERO
    return BookInvoice(
        order_id=state.order_id,
        order_reference=state.reference,
        transaction_date=ready.day,
        due_date=ready.day + timedelta(days=connection.term_days),
        warehouse=ready.place.warehouse,
        walk_in_contact=connection.walk_in_contact,
        customer_id=state.known.get("customer_id"),
        lines=tuple(piece.line for piece in ready.drawn.lines),
        header_discount=ready.drawn.header_discount,
        total=total,
        deposit=deposit,
        deposit_account=first[1].account if first else None,
        deposit_method=first[1].method if first else None,
        revision=revision,
    )


def _deposit(state: OrderState, settings: StoreSettings) -> tuple[Payment, Purse] | None:
    """Return the first payment that may go with the invoice: of the order's own day, with a mapped account.

    Jurnal dates a deposit as the invoice, so money of another day has to be a payment of its own.
    """
    total = Decimal(state.known["total_amount"])
    if settings.rules.payment_method_kept or total <= 0:
        return None
    day = order_day(state, settings)
    refunds = [refund.at for refund in refunds_of(state.taken_back) if refund.at is not None]
    for payment in state.in_order():
        if refunds and payment.came_after(min(refunds)):
            break
        record = payment_record(state, settings, payment)
        if record.business_date != day or no_money(state, payment, record) is not None:
            continue
        purse = purse_of(state, settings, payment)
        if isinstance(purse, Purse) and without_change(state, payment, total) > 0:
            return payment, purse
    return None


def _deposited(
    state: OrderState,
    settings: StoreSettings,
    fact: Fact,
    booking: Booking,
    amount: Decimal,
    payment: Payment,
    purse: Purse,
) -> tuple[BookedPayment, list[Planned]]:
    """Return the deposit as it stands on the invoice, and what moves it out of a liability."""
    identity, day = payment.transaction_id, booking.booked_on
    booked = BookedPayment(identity, amount, purse.account, purse.liability, booking.command_id, day)
    record = payment_record(state, settings, payment)
    return booked, stored_value_moved(state, fact, record, booked, booking.revision)


def _booking(order: OrderReport, fact: Fact, drawn: Drawn, invoice: BookInvoice) -> Booking:
    identity = invoice_command_id(fact.store_id, invoice.order_id, invoice.revision)
    return Booking(
        revision=invoice.revision,
        command_id=identity,
        invoice_no=transaction_no(identity, invoice.order_reference),
        booked_on=invoice.transaction_date,
        due_on=invoice.due_date,
        warehouse=invoice.warehouse,
        walk_in_contact=invoice.walk_in_contact,
        customer_id=invoice.customer_id,
        total=invoice.total,
        header_discount=drawn.header_discount,
        lines=tuple(
            BookedLine(
                piece.detail_id,
                piece.product_id,
                piece.line.product_code,
                piece.line.quantity,
                piece.line.rate,
                piece.tax,
            )
            for piece in drawn.lines
        ),
        content=content_of(order),
        parts=drawn.parts,
        journal=tuple(BookedEntry(line.account, line.debit - line.credit) for line in drawn.journal),
        rounded=drawn.remainder,
    )


def _beside(
    state: OrderState, settings: StoreSettings, fact: Fact, record: SyncRecord, drawn: Drawn, booking: Booking
) -> list[Planned]:
    """Return what goes beside the invoice: the stock of parts, and what moves between accounts."""
    beside: list[Planned] = []
    needs = (booking.command_id,) if drawn.lines else ()
    if drawn.parts:
        assert settings.rules.cost_account is not None
        taken: dict[str, Decimal] = {}
        for part in drawn.parts:
            taken[part.product_code] = taken.get(part.product_code, _ZERO) - part.quantity
        adjustment = AdjustStock(
            transfer_id=state.order_id,
            transfer_number=state.reference,
            adjustment_id=f"{state.order_id}:parts:{booking.revision}",
            transaction_date=booking.booked_on,
            warehouse=booking.warehouse,
            account=settings.rules.cost_account,
            lines=tuple(StockChange(code, quantity) for code, quantity in taken.items()),
        )
        beside.append(planned(state, fact, record, adjustment, needs))
    if drawn.journal:
        journal = PostJournal(
            journal_id=f"{state.order_id}:reclass:{booking.revision}",
            reference=state.reference,
            transaction_date=booking.booked_on,
            lines=drawn.journal,
        )
        beside.append(planned(state, fact, record, journal, needs))
    return beside
