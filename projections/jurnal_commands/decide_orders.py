"""Orders: a completed one is an invoice, its first known payment the deposit, every other payment one of its own."""

from datetime import date, timedelta
from decimal import Decimal
from typing import assert_never

import msgspec

from eventstore.event import Fact
from eventstore.facts.reports.orders import OrderReport
from projections.changes.orders import (
    OrderChange,
    OrderCompleted,
    OrderEdited,
    OrderNotCompleted,
    OrderRefunded,
    OrderState,
    OrderVoided,
    OrderWaits,
    Payment,
    PaymentReceived,
    PaymentReversed,
)
from projections.changes.settings import StoreSettings
from projections.changes.times import local_date, read_utc
from projections.jurnal_commands.commands import BookInvoice, CreateCustomer, ReceivePayment
from projections.jurnal_commands.decision import Decision, Noted, Planned, SyncRecord
from projections.jurnal_commands.identity import command_id, customer_command_id, invoice_command_id, transaction_no
from projections.jurnal_commands.invoice import draw_invoice
from projections.jurnal_commands.invoice_drawn import NotDrawable

_ZERO = Decimal(0)


def decide_order(
    state: OrderState, settings: StoreSettings, fact: Fact, changes: list[OrderChange]
) -> tuple[OrderState, list[Decision]]:
    """Return what `changes` of one order ask of Jurnal, and the state with what was planned."""
    decisions: list[Decision] = []
    for change in changes:
        match change:
            case OrderWaits():
                decisions.append(_waits(state, settings, fact, change))
            case OrderNotCompleted():
                decisions.append(
                    Noted(
                        record=_sale(state, settings),
                        state="held" if change.status in ("draft", "reserved") else "skipped",
                        reason=f"The order's status is {change.status}; only completed orders are booked",
                    )
                )
            case OrderCompleted():
                state, planned = _completed(state, settings, fact, change)
                decisions += planned
            case PaymentReceived():
                if state.in_scope:
                    state, planned = _payment(state, settings, fact, change.payment)
                    decisions += planned
            case OrderVoided() | OrderRefunded():
                decisions.append(_taken_back(state, settings, change))
            case OrderEdited():
                decisions.append(_edited(state, settings, change))
            case PaymentReversed():
                decisions.append(_reversed(state, settings, change))
            case _:
                assert_never(change)
    return state, decisions


def _sale(state: OrderState, settings: StoreSettings) -> SyncRecord:
    known = state.known
    at = known.get("order_date")
    zone = settings.time_zone(known.get("outlet_id")) if settings.connection is not None else "UTC"
    amount = known.get("total_amount")
    return SyncRecord(
        record_id=f"sale-{state.order_id}",
        kind="sale",
        reference=known.get("order_reference") or state.order_id,
        outlet=known.get("outlet_name"),
        business_date=local_date(read_utc(at), zone) if at else None,
        amount=Decimal(amount) if amount is not None else None,
    )


def _waits(state: OrderState, settings: StoreSettings, fact: Fact, change: OrderWaits) -> Noted:
    if not settings.is_live(fact.position):
        return _before_live_mode(_sale(state, settings))
    return Noted(
        record=_sale(state, settings),
        state="held",
        reason=f"Waiting for the order's details ({', '.join(change.lacking)})",
        what_to_do="Nothing: iSeller is being asked for them",
    )


def _before_live_mode(record: SyncRecord) -> Noted:
    return Noted(record=record, state="skipped", reason="Before Live Mode")


def _completed(
    state: OrderState, settings: StoreSettings, fact: Fact, change: OrderCompleted
) -> tuple[OrderState, list[Decision]]:
    order, record = change.order, _sale(state, settings)
    out_of_scope = msgspec.structs.replace(state, in_scope=False)
    if not settings.is_live(fact.position) or settings.connection is None:
        return out_of_scope, [_before_live_mode(record)]
    outlet = settings.outlets.get(order.outlet_id or "")
    if outlet is None:
        name = order.outlet_name or order.outlet_id or "without a name"
        skipped = Noted(
            record=record,
            state="skipped",
            reason=f"Outlet {name} is not mapped",
            what_to_do="Map the outlet to a Jurnal warehouse and its accounts",
        )
        return _undecided(state), [skipped]
    connection = settings.connection
    drawn = draw_invoice(order, settings, outlet)
    if isinstance(drawn, NotDrawable):
        failed = Noted(record=record, state="failed", reason=drawn.reason, what_to_do=drawn.what_to_do)
        return _undecided(state), [failed]
    assert order.total_amount is not None
    assert order.order_date is not None
    transaction_date = local_date(read_utc(order.order_date), settings.time_zone(order.outlet_id))
    deposit, account = _deposit(order, settings, change.payments, transaction_date)
    invoice = BookInvoice(
        order_id=state.order_id,
        order_reference=order.order_reference or state.order_id,
        transaction_date=transaction_date,
        due_date=transaction_date + timedelta(days=connection.term_days),
        warehouse=outlet.warehouse,
        walk_in_contact=connection.walk_in_contact,
        customer_id=order.customer_id,
        lines=tuple(drawn_line.line for drawn_line in drawn.lines),
        header_discount=drawn.header_discount,
        total=order.total_amount,
        deposit=deposit,
        deposit_account=account,
    )
    decisions, needs = _customer(state, order, fact.store_id)
    decisions.append(
        Planned(
            command_id=command_id(fact.store_id, invoice),
            command=invoice,
            lane=fact.stream_id,
            record=record,
            needs=needs,
        )
    )
    state = msgspec.structs.replace(
        state, in_scope=True, planned_paid=deposit, planned_total=order.total_amount, told_total=order.total_amount
    )
    for payment in change.payments[1 if account is not None else 0 :]:
        state, planned = _payment(state, settings, fact, payment)
        decisions += planned
    return state, decisions


def _undecided(state: OrderState) -> OrderState:
    """Return the state as if the order had not been completed yet: its next report is judged afresh."""
    return msgspec.structs.replace(state, completed=False, in_scope=None, told_payments=())


def _edited(state: OrderState, settings: StoreSettings, change: OrderEdited) -> Noted:
    record = _sale(state, settings)
    return Noted(
        record=msgspec.structs.replace(record, record_id=f"edited-{state.order_id}"),
        state="failed",
        reason=f"The order was changed to Rp {change.total:f}; its invoice was planned with Rp {state.planned_total:f}",
        what_to_do="Correct the invoice in Jurnal by hand",
    )


def _reversed(state: OrderState, settings: StoreSettings, change: PaymentReversed) -> Noted:
    record = _sale(state, settings)
    return Noted(
        record=msgspec.structs.replace(
            record,
            record_id=f"reversed-{state.order_id}-{change.payment.transaction_id}",
            kind="payment",
            amount=change.payment.amount,
        ),
        state="failed",
        reason="iSeller reports this payment as failed or void after it counted",
        what_to_do="Look at the payment in iSeller, and take it back in Jurnal by hand if it is there",
    )


def _deposit(
    order: OrderReport, settings: StoreSettings, payments: tuple[Payment, ...], transaction_date: date
) -> tuple[Decimal, str | None]:
    """Return the first payment and its account; none if it came on a later day or its method is not mapped.

    Jurnal dates a deposit as the invoice, so money of another day has to be a payment of its own.
    """
    if not payments:
        return _ZERO, None
    first = payments[0]
    if local_date(first.received_at, settings.time_zone(order.outlet_id)) != transaction_date:
        return _ZERO, None
    mapping = settings.payment_mapping(order.outlet_id, first.gateway, first.payment_type_name)
    assert order.total_amount is not None
    amount = min(first.amount, order.total_amount)
    return (amount, mapping.account) if mapping is not None and amount > 0 else (_ZERO, None)


def _customer(state: OrderState, order: OrderReport, store_id: str) -> tuple[list[Decision], tuple[str, ...]]:
    if order.customer_id is None:
        return [], ()
    customer = CreateCustomer(
        customer_id=order.customer_id,
        code=order.external_customer_id or order.customer_id[:8],
        position=state.customer_position,
    )
    identity = customer_command_id(store_id, order.customer_id)
    record = SyncRecord(record_id=f"customer-{order.customer_id}", kind="customer", reference=customer.code)
    planned = Planned(command_id=identity, command=customer, lane=f"customer-{order.customer_id}", record=record)
    return [planned], (identity,)


def _payment(
    state: OrderState, settings: StoreSettings, fact: Fact, payment: Payment
) -> tuple[OrderState, list[Decision]]:
    order = state.report
    zone = settings.time_zone(order.outlet_id)
    reference = order.order_reference or state.order_id
    record = SyncRecord(
        record_id=f"payment-{state.order_id}-{payment.transaction_id}",
        kind="payment",
        reference=reference,
        outlet=order.outlet_name,
        business_date=local_date(payment.received_at, zone),
        amount=payment.amount,
    )
    mapping = settings.payment_mapping(order.outlet_id, payment.gateway, payment.payment_type_name)
    if mapping is None:
        way = payment.payment_type_name or payment.gateway
        unmapped = Noted(
            record=record,
            state="failed",
            reason=f"No account is mapped for payments by {way}; the invoice stays open by this amount",
            what_to_do=f"Map {way} to a Cash & Bank account",
        )
        return state, [unmapped]
    assert order.total_amount is not None
    amount = min(payment.amount, order.total_amount - state.planned_paid)
    if amount <= 0:
        return state, [Noted(record=record, state="skipped", reason="The invoice is paid in full already")]
    receipt = ReceivePayment(
        order_id=state.order_id,
        order_reference=reference,
        transaction_id=payment.transaction_id,
        transaction_date=local_date(payment.received_at, zone),
        invoice_no=transaction_no(invoice_command_id(fact.store_id, state.order_id), reference),
        amount=amount,
        account=mapping.account,
        payment_method=mapping.payment_method or payment.payment_type_name or payment.gateway,
    )
    planned = Planned(
        command_id=command_id(fact.store_id, receipt),
        command=receipt,
        lane=fact.stream_id,
        record=record,
        needs=(invoice_command_id(fact.store_id, state.order_id),),
    )
    return msgspec.structs.replace(state, planned_paid=state.planned_paid + amount), [planned]


def _taken_back(state: OrderState, settings: StoreSettings, change: OrderVoided | OrderRefunded) -> Noted:
    record = _sale(state, settings)
    what = "voided" if isinstance(change, OrderVoided) else "refunded"
    back = msgspec.structs.replace(record, record_id=f"{what}-{state.order_id}", kind="refund")
    if not state.in_scope:
        return Noted(record=back, state="skipped", reason="The sale itself is not booked")
    return Noted(
        record=back,
        state="failed",
        reason=f"The order was {what} after it was booked; this release does not book that",
        what_to_do="Enter the return in Jurnal by hand",
    )
