"""The shop's state: events go in, documents for reads and notices for webhooks come out."""

from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime

from ops.sandbox.iseller.documents import fulfilment_document, member_document, payout_document, refund_document
from ops.sandbox.iseller.order_document import EVERY_PART, order_document
from ops.sandbox.iseller.settings import WebhookType
from ops.sandbox.iseller.state import (
    Notice,
    OrderState,
    ShiftState,
    StockState,
    TakenPayment,
    TakenRefund,
    TransferState,
)
from ops.sandbox.scenario import Customer, Scenario
from ops.sandbox.traffic_afterwards import OrderEdited, OrderRefunded, OrderVoided, PaymentReversed, VoidUndone
from ops.sandbox.traffic_events import (
    MemberChanged,
    OrderCompleted,
    OrderFulfilled,
    OrderPaid,
    Payout,
    ShiftClosed,
    ShiftOpened,
    StockEvent,
    TransferReceived,
    TransferStarted,
)
from ops.sandbox.traffic_order import Payment


class Shop:
    """One store; `now` is the sandbox's clock and stamps what was created and modified when.

    `returns_name_origin`: a transfer that brings back cancelled goods names the one they are of. How the real one
    links the two is unknown, so both ways can be had.
    """

    def __init__(self, scenario: Scenario, now: Callable[[], datetime], *, returns_name_origin: bool = False) -> None:
        self.scenario = scenario
        self.returns_name_origin = returns_name_origin
        self.stock_actions: dict[str, StockState] = {}
        self.orders: dict[str, OrderState] = {}
        self.transfers: dict[str, TransferState] = {}
        self.shifts: dict[str, ShiftState] = {}
        self.members: dict[str, Customer] = {}
        self.payout_statuses: dict[str, str] = {}
        self.notices: deque[Notice] = deque()
        self._now = now

    def complete_order(self, event: OrderCompleted) -> None:
        """Take a completed order and whatever was paid with it; notifies Order."""
        now, order = self._now(), event.order
        state = OrderState(
            order=order,
            customer=None if order.customer_id is None else self._customer(order.customer_id),
            payments=_taken(order.payments, now),
            fulfilled=order.fulfilled,
            created_at=now,
            modified_at=now,
        )
        if order.order_id in self.orders:
            raise AssertionError(f"order {order.order_id} completed twice")
        self.orders[order.order_id] = state
        self._notify_order(state)

    def take_payment(self, event: OrderPaid) -> None:
        """Take a later payment; notifies Order."""
        state = self.orders[event.order_id]
        state.payments += _taken([event.payment], self._now())
        self._changed(state)

    def fulfil_order(self, event: OrderFulfilled) -> None:
        """Hand over all goods of an order; notifies Fulfillment."""
        state = self.orders[event.order_id]
        state.fulfilled = True
        state.modified_at = self._now()
        self._notify("fulfillment", event.order_id, fulfilment_document(self.scenario, state.order, event.at))

    def refund_order(self, event: OrderRefunded) -> None:
        """Give goods or money back; notifies Order, and Refund unless that webhook never comes."""
        state = self.orders[event.order_id]
        taken = TakenRefund(at=event.at, refund=event.refund)
        state.refunds.append(taken)
        if event.refund.money is not None:
            state.payments += _taken([event.refund.money], self._now())
        if event.refund.webhook:
            self._notify("refund", event.order_id, refund_document(self.scenario, state.order, taken))
        self._changed(state)

    def void_order(self, event: OrderVoided) -> None:
        """Void an order, with its money; notifies Order."""
        state = self.orders[event.order_id]
        state.void = event
        state.payments += _taken(event.money, self._now())
        self._changed(state)

    def undo_void(self, event: VoidUndone) -> None:
        """Let a voided order count again; notifies Order."""
        state = self.orders[event.order_id]
        state.void = None
        state.payments += _taken(event.payments, self._now())
        self._changed(state)

    def edit_order(self, event: OrderEdited) -> None:
        """Change lines and totals; notifies Order."""
        state = self.orders[event.order.order_id]
        state.order = event.order
        self._changed(state)

    def reverse_payment(self, event: PaymentReversed) -> None:
        """Let a payment have failed after all; notifies Order."""
        state = self.orders[event.order_id]
        for taken in state.payments:
            if taken.payment.transaction_id == event.transaction_id:
                taken.status, taken.modified_at = "failure", self._now()
        self._changed(state)

    def change_member(self, event: MemberChanged) -> None:
        """Remember a customer's details; notifies Member."""
        self.members[event.customer.customer_id] = event.customer
        self._notify("member", event.customer.customer_id, member_document(event.customer, self._now()))

    def start_transfer(self, event: TransferStarted) -> None:
        """Let goods leave their outlet; iSeller notifies nobody of transfers."""
        now = self._now()
        self.transfers[event.transfer_id] = TransferState(started=event, receipts=[], created_at=now, modified_at=now)

    def receive_transfer(self, event: TransferReceived) -> None:
        """Decide on some of a transfer's goods."""
        state = self.transfers[event.transfer_id]
        state.receipts.append(event)
        state.modified_at = self._now()

    def change_stock(self, event: StockEvent) -> None:
        """Let goods of a supplier come or go, or correct an outlet's stock; iSeller notifies nobody of it."""
        self.stock_actions[event.transfer_id] = StockState(event=event, changed_at=self._now())

    def report_payout(self, payout: Payout, status: str) -> None:
        """Move a payout to a status (waiting, processing, completed, failed); notifies Payout."""
        self.payout_statuses[payout.reference_id] = status
        self._notify("payout", payout.reference_id, payout_document(self.scenario, payout, status))

    def open_shift(self, event: ShiftOpened) -> None:
        """Open a register."""
        now = self._now()
        self.shifts[event.register_shift_id] = ShiftState(
            register_shift_id=event.register_shift_id,
            outlet_code=event.outlet_code,
            opened_on=event.at,
            closed_on=None,
            created_at=now,
            modified_at=now,
        )

    def close_shift(self, event: ShiftClosed) -> None:
        """Close it."""
        state = self.shifts[event.register_shift_id]
        state.closed_on = event.at
        state.modified_at = self._now()

    def _customer(self, customer_id: str) -> Customer:
        """Return a customer's details as last told, else as the scenario knows them."""
        known = {customer.customer_id: customer for customer in self.scenario.customers}
        return self.members.get(customer_id, known[customer_id])

    def _changed(self, state: OrderState) -> None:
        state.modified_at = self._now()
        self._notify_order(state)

    def _notify_order(self, state: OrderState) -> None:
        document = order_document(self.scenario, state, EVERY_PART)
        # Webhooks say "online" where the API says "web".
        if document["channel"] == "web":
            document["channel"] = "online"
        self._notify("order", state.order.order_id, document)

    def _notify(self, webhook_type: WebhookType, object_id: str, document: dict[str, object]) -> None:
        self.notices.append(Notice(type=webhook_type, object_id=object_id, document=document))


def _taken(payments: Iterable[Payment], now: datetime) -> list[TakenPayment]:
    return [TakenPayment(payment=payment, created_at=now, modified_at=now) for payment in payments]
