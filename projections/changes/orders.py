"""Orders: reports are snapshots, thin or full, late or repeated; changes are what is new in them.

Fields and lines come from the report observed last (ties: the later position); an absent field never overwrites a
known one; payments and refunds only accumulate, by their id. A status goes backwards only on a polled report.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from eventstore.chain import microseconds
from eventstore.event import Fact
from eventstore.facts.reports.orders import OrderReport, Transaction
from projections.changes.times import read_utc

_RETURNS = ("refund", "void")
_REVERSED = frozenset({"error", "failure", "failed", "void", "voided", "cancelled"})
_STATUS_RANK = {"draft": 0, "reserved": 1, "completed": 2, "void": 3, "cancelled": 3}


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """A successful `sale` transaction. `amount` in IDR as iSeller applied it."""

    transaction_id: str
    amount: Decimal
    received_at: datetime
    gateway: str
    payment_type_name: str | None


class OrderState(msgspec.Struct, frozen=True, kw_only=True, tag="order"):
    """All that is known of an order. `seen` holds when each field was observed, in microseconds."""

    order_id: str
    known: dict[str, Any] = {}
    seen: dict[str, int] = {}
    payments: dict[str, Payment] = {}
    told_payments: tuple[str, ...] = ()
    customer_position: int = 0
    completed: bool = False
    voided: bool = False
    refunds: int = 0
    returned: tuple[str, ...] = ()
    told_returned: int = 0
    in_scope: bool | None = None
    planned_paid: Decimal = Decimal(0)
    planned_total: Decimal | None = None
    told_total: Decimal | None = None
    reversed: tuple[str, ...] = ()
    told_reversed: int = 0

    @property
    def report(self) -> OrderReport:
        """The order as it stands, merged from all reports (without its transactions)."""
        return msgspec.convert(self.known, OrderReport, strict=False)


class OrderWaits(msgspec.Struct, frozen=True):
    """The order cannot be judged yet; `lacking` names what no report has told."""

    lacking: tuple[str, ...]


class OrderNotCompleted(msgspec.Struct, frozen=True):
    """A draft, a reservation, or an order voided before it was completed: nothing to book."""

    status: str


class OrderCompleted(msgspec.Struct, frozen=True):
    """The order is complete for the first time. `payments` are those known by now, oldest first."""

    order: OrderReport
    payments: tuple[Payment, ...]


class PaymentReceived(msgspec.Struct, frozen=True):
    """A payment came in after the order was completed."""

    payment: Payment


class OrderVoided(msgspec.Struct, frozen=True):
    """A completed order was voided."""


class OrderRefunded(msgspec.Struct, frozen=True):
    """Money or goods of a completed order went back."""


class OrderEdited(msgspec.Struct, frozen=True):
    """An order has another total than the one that was planned for Jurnal."""

    total: Decimal


class PaymentReversed(msgspec.Struct, frozen=True):
    """A payment that counted is reported as failed or void."""

    payment: Payment


OrderChange = (
    OrderWaits
    | OrderNotCompleted
    | OrderCompleted
    | PaymentReceived
    | OrderVoided
    | OrderRefunded
    | OrderEdited
    | PaymentReversed
)


def evolve_order(state: OrderState, fact: Fact, report: OrderReport) -> tuple[OrderState, list[OrderChange]]:
    """Take in one order report; return the new state and what changed."""
    polled = b'"poll"' in fact.metadata
    state = _merge(state, fact, report, polled=polled)
    for transaction in report.transactions or ():
        state = _with_payment(state, transaction, offset_hours=0)
    return _told(state)


def evolve_transaction(
    state: OrderState, transaction: Transaction, *, offset_hours: int
) -> tuple[OrderState, list[OrderChange]]:
    """Take in one polled transaction, whose times stand `offset_hours` east of UTC."""
    return _told(_with_payment(state, transaction, offset_hours=offset_hours))


def evolve_refund(state: OrderState) -> tuple[OrderState, list[OrderChange]]:
    """Take in a refund report."""
    changes: list[OrderChange] = [OrderRefunded()] if state.completed else []
    return msgspec.structs.replace(state, refunds=state.refunds + 1), changes


def _merge(state: OrderState, fact: Fact, report: OrderReport, *, polled: bool) -> OrderState:
    told = {
        name: value
        for name, value in msgspec.to_builtins(report, builtin_types=(Decimal,)).items()
        if value is not None and name != "transactions"
    }
    if report.transactions is not None:
        told["transactions"] = []  # that they were told counts; the payments themselves accumulate
    if (remaining := told.pop("remaining_on_accoun", None)) is not None:
        told.setdefault("remaining_on_account", remaining)
    at = microseconds(fact.observed_at)
    known, seen = dict(state.known), dict(state.seen)
    for name, value in told.items():
        older = at < seen.get(name, at)
        backwards = name == "status" and not polled and _rank(value) < _rank(known.get("status"))
        if older or backwards:
            continue
        known[name], seen[name] = value, at
    position = fact.position if report.customer_first_name is not None else state.customer_position
    return msgspec.structs.replace(state, known=known, seen=seen, customer_position=position)


def _rank(status: object) -> int:
    return _STATUS_RANK.get(str(status).lower(), -1)


def _with_payment(state: OrderState, transaction: Transaction, *, offset_hours: int) -> OrderState:
    identity, kind = transaction.transaction_id, (transaction.type or "").lower()
    status = (transaction.status or "").lower()
    if identity in state.payments and status in _REVERSED and identity not in state.reversed:
        return msgspec.structs.replace(state, reversed=(*state.reversed, identity))
    if identity is None or status != "success":
        return state
    if kind in _RETURNS and identity not in state.returned:
        return msgspec.structs.replace(state, returned=(*state.returned, identity))
    if (
        kind != "sale"
        or identity in state.payments
        or transaction.amount is None
        or transaction.transaction_date is None
    ):
        return state
    payment = Payment(
        transaction_id=identity,
        amount=transaction.amount,
        received_at=read_utc(transaction.transaction_date, offset_hours=offset_hours),
        gateway=(transaction.gateway or "").lower(),
        payment_type_name=transaction.payment_type_name,
    )
    return msgspec.structs.replace(state, payments={**state.payments, payment.transaction_id: payment})


def _told(state: OrderState) -> tuple[OrderState, list[OrderChange]]:
    if not state.completed:
        return _first_told(state)
    changes: list[OrderChange] = [
        PaymentReceived(payment) for payment in _in_order(state) if payment.transaction_id not in state.told_payments
    ]
    voided = _rank(state.known.get("status")) == _STATUS_RANK["void"]
    if voided and not state.voided:
        changes.append(OrderVoided())
    if len(state.returned) > state.told_returned:
        changes.append(OrderRefunded())
    changes += [PaymentReversed(state.payments[identity]) for identity in state.reversed[state.told_reversed :]]
    total = Decimal(state.known["total_amount"])
    if not voided and state.planned_total is not None and total not in (state.planned_total, state.told_total):
        changes.append(OrderEdited(total))
    state = msgspec.structs.replace(
        state,
        told_total=total,
        told_reversed=len(state.reversed),
        told_payments=tuple(payment.transaction_id for payment in _in_order(state)),
        voided=voided,
        told_returned=len(state.returned),
    )
    return state, changes


def _first_told(state: OrderState) -> tuple[OrderState, list[OrderChange]]:
    status = str(state.known.get("status", "")).lower()
    if status and status != "completed":
        return state, [OrderNotCompleted(status)]
    lacking = tuple(
        words
        for words, names in (
            ("status", ("status",)),
            ("lines", ("order_details",)),
            ("totals", ("total_amount", "total_order_amount", "order_date")),
            ("transactions", ("transactions",)),
        )
        if any(name not in state.known for name in names) or (words == "lines" and not state.known["order_details"])
    )
    if lacking:
        return state, [OrderWaits(lacking)]
    payments = tuple(_in_order(state))
    told = tuple(payment.transaction_id for payment in payments)
    refunded: list[OrderChange] = [OrderRefunded()] if state.refunds or state.returned else []
    state = msgspec.structs.replace(state, completed=True, told_payments=told, told_returned=len(state.returned))
    return state, [OrderCompleted(state.report, payments), *refunded]


def _in_order(state: OrderState) -> list[Payment]:
    return sorted(state.payments.values(), key=lambda payment: (payment.received_at, payment.transaction_id))
