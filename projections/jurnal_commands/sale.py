"""Plans the sale of a completed order: its invoice, and what of stock and accounts moves beside it."""

from datetime import date, timedelta
from decimal import Decimal

import msgspec

from eventstore.event import Fact
from projections.changes.booking import BookedLine, BookedPayment, Booking
from projections.changes.orders import OrderState, Payment
from projections.changes.settings import Place, StoreSettings
from projections.changes.shifts import Shifts
from projections.changes.verdict import Verdict
from projections.changes.waiting import SETTINGS_NEED, outlet_need
from projections.jurnal_commands.commands import AdjustStock, BookInvoice, CreateCustomer, PostJournal, StockChange
from projections.jurnal_commands.decision import Decision, Planned, SyncRecord
from projections.jurnal_commands.identity import customer_command_id, invoice_command_id, transaction_no
from projections.jurnal_commands.invoice import content_of, draw_invoice
from projections.jurnal_commands.invoice_drawn import Drawn, NotDrawable
from projections.jurnal_commands.order_action import (
    booking_day,
    order_day,
    place_of,
    planned,
    sale_record,
    with_verdict,
    without_verdict,
)
from projections.jurnal_commands.payments import Purse, payment_record, pays_later, purse_of, stored_value_moved
from projections.jurnal_commands.sales_window import waits_for_sales_sync

_ZERO = Decimal(0)


def plan_sale(
    state: OrderState,
    settings: StoreSettings,
    fact: Fact,
    shifts: Shifts,
    revision: int = 1,
) -> tuple[OrderState, list[Decision]]:
    """Plan the invoice of a completed order with what stands beside it, for the `revision`-th time, or why it waits."""
    record = sale_record(state, settings)
    place = place_of(state, settings)
    if place is None:
        return with_verdict(state, record, _unmapped(state))
    order = state.report
    drawn = draw_invoice(order, settings, place)
    if isinstance(drawn, NotDrawable):
        return with_verdict(state, record, Verdict("failed", drawn.reason, drawn.what_to_do, drawn.needs))
    told = order_day(state, settings)
    assert told is not None
    day = booking_day(settings, told)
    if isinstance(day, Verdict):
        return with_verdict(state, record, day)
    if drawn.parts and settings.rules.cost_account is None:
        return with_verdict(state, record, _no_cost_account())
    if revision == 1 and (held := waits_for_sales_sync(state, settings, fact, shifts)):
        return with_verdict(state, record, held)
    decisions, needs = _customer(state, fact.store_id)
    invoice, payments, moved = _invoice(state, settings, fact, place, drawn, day, revision)
    booking = _booking(state, fact, drawn, invoice, payments)
    if drawn.lines:
        decisions.append(planned(state, fact, record, invoice, needs))
    decisions += _beside(state, settings, fact, record, drawn, booking, place)
    state = without_verdict(msgspec.structs.replace(state, bookings=(*state.bookings, booking)), record)
    return state, [*decisions, *moved]


def _unmapped(state: OrderState) -> Verdict:
    known = state.known
    outlet = known.get("outlet_id")
    name = known.get("outlet_name") or outlet or "without a name"
    needs = (SETTINGS_NEED, outlet_need(outlet)) if outlet else (SETTINGS_NEED,)
    channel = str(known.get("channel") or "").lower()
    if channel in ("", "pos"):
        return Verdict(
            "skipped",
            f"Outlet {name} is not mapped",
            "Map the outlet to a Jurnal warehouse and its accounts; the sale is then booked by itself",
            needs,
        )
    return Verdict(
        "skipped",
        f"Neither channel {known.get('channel_detail') or channel} nor outlet {name} is mapped",
        "Map the channel or the outlet to a Jurnal warehouse and its accounts; the sale is then booked by itself",
        needs,
    )


def _no_cost_account() -> Verdict:
    return Verdict(
        "failed",
        "No account is mapped for the cost of parts and of goods given away",
        "Name it as cost_account in the set-up file and apply the file; the sale is then booked by itself",
        (SETTINGS_NEED,),
    )


def _invoice(
    state: OrderState, settings: StoreSettings, fact: Fact, place: Place, drawn: Drawn, day: date, revision: int
) -> tuple[BookInvoice, tuple[BookedPayment, ...], list[Planned]]:
    connection = settings.connection
    assert connection is not None
    total = Decimal(state.known["total_amount"])
    deposit, account, method = _ZERO, None, None
    payments: tuple[BookedPayment, ...] = ()
    moved: list[Planned] = []
    first = None if settings.rules.payment_method_kept or not drawn.lines else _deposit(state, settings, total)
    if first is not None:
        payment, purse = first
        deposit, account, method = min(payment.amount, total), purse.account, purse.method
        identity = invoice_command_id(fact.store_id, state.order_id, revision)
        booked = BookedPayment(payment.transaction_id, deposit, account, purse.liability, identity, day)
        payments = (booked,)
        moved = stored_value_moved(state, fact, payment_record(state, settings, payment), booked, revision)
    invoice = BookInvoice(
        order_id=state.order_id,
        order_reference=state.reference,
        transaction_date=day,
        due_date=day + timedelta(days=connection.term_days),
        warehouse=place.warehouse,
        walk_in_contact=connection.walk_in_contact,
        customer_id=state.known.get("customer_id"),
        lines=tuple(drawn_line.line for drawn_line in drawn.lines),
        header_discount=drawn.header_discount,
        total=total,
        deposit=deposit,
        deposit_account=account,
        deposit_method=method,
        revision=revision,
    )
    return invoice, payments, moved


def _deposit(state: OrderState, settings: StoreSettings, total: Decimal) -> tuple[Payment, Purse] | None:
    """Return the first payment that may go with the invoice: of the order's own day, with a mapped account.

    Jurnal dates a deposit as the invoice, so money of another day has to be a payment of its own.
    """
    day = order_day(state, settings)
    for payment in state.in_order():
        record = payment_record(state, settings, payment)
        if state.is_reversed(payment) or pays_later(state, payment) or record.record_id in state.skipped_records:
            continue
        purse = purse_of(state, settings, payment)
        if record.business_date == day and isinstance(purse, Purse) and min(payment.amount, total) > 0:
            return payment, purse
    return None


def _booking(
    state: OrderState, fact: Fact, drawn: Drawn, invoice: BookInvoice, payments: tuple[BookedPayment, ...]
) -> Booking:
    identity = invoice_command_id(fact.store_id, state.order_id, invoice.revision)
    return Booking(
        revision=invoice.revision,
        command_id=identity,
        invoice_no=transaction_no(identity, state.reference),
        booked_on=invoice.transaction_date,
        warehouse=invoice.warehouse,
        walk_in_contact=invoice.walk_in_contact,
        customer_id=invoice.customer_id,
        total=invoice.total,
        header_discount=drawn.header_discount,
        lines=tuple(
            BookedLine(
                drawn_line.detail_id,
                drawn_line.product_id,
                drawn_line.line.product_code,
                drawn_line.line.quantity,
                drawn_line.line.rate,
                drawn_line.tax,
            )
            for drawn_line in drawn.lines
        ),
        content=content_of(state.report),
        parts=drawn.parts,
        payments=payments,
    )


def _beside(
    state: OrderState,
    settings: StoreSettings,
    fact: Fact,
    record: SyncRecord,
    drawn: Drawn,
    booking: Booking,
    place: Place,
) -> list[Planned]:
    """Return what goes beside the invoice: the stock of parts, and what moves between accounts."""
    beside: list[Planned] = []
    needs = (booking.command_id,) if drawn.lines else ()
    if drawn.parts:
        assert settings.rules.cost_account is not None
        quantities: dict[str, Decimal] = {}
        for part in drawn.parts:
            quantities[part.product_code] = quantities.get(part.product_code, _ZERO) - part.quantity
        adjustment = AdjustStock(
            transfer_id=state.order_id,
            transfer_number=state.reference,
            adjustment_id=f"{state.order_id}:parts:{booking.revision}",
            transaction_date=booking.booked_on,
            warehouse=place.warehouse,
            account=settings.rules.cost_account,
            lines=tuple(StockChange(code, quantity) for code, quantity in quantities.items()),
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


def _customer(state: OrderState, store_id: str) -> tuple[list[Decision], tuple[str, ...]]:
    order = state.report
    if order.customer_id is None:
        return [], ()
    customer = CreateCustomer(
        customer_id=order.customer_id,
        code=order.external_customer_id or order.customer_id[:8],
        position=state.customer_position,
    )
    identity = customer_command_id(store_id, order.customer_id)
    lane = f"customer-{order.customer_id}"
    record = SyncRecord(record_id=lane, kind="customer", reference=customer.code)
    return [Planned(command_id=identity, command=customer, lane=lane, record=record)], (identity,)
