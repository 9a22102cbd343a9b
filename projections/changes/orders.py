"""Orders: reports are snapshots, thin or full, late or repeated; what they come to is told here, and judged elsewhere.

Fields and lines come from the report observed last (ties: the later position); an absent field never overwrites a
known one; payments and refunds only accumulate, by their id. A status goes backwards only on a polled report.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any, assert_never

import msgspec

from eventstore.chain import microseconds
from eventstore.event import Fact
from eventstore.facts.operators import RecordSkipped
from eventstore.facts.reports.orders import OrderReport, Transaction
from eventstore.facts.reports.refunds import RefundReport
from projections.changes.asked import Asked
from projections.changes.booking import BookedPayment, Booking
from projections.changes.refunds import (
    PlannedRefund,
    TakenBack,
    order_told,
    refund_told,
    return_transaction_told,
)
from projections.changes.times import read_utc
from projections.changes.verdict import Verdict, seen_to_by

OrderFact = OrderReport | Transaction | RefundReport | RecordSkipped

_RETURNS = ("refund", "void")
# What was refused of older ones waits for a person: each is written again with every change of the order.
_BEFORE_MAX = 8
_REVERSED = frozenset({"error", "failure", "failed", "void", "voided", "cancelled"})
_STATUS_RANK = {"draft": 0, "reserved": 1, "completed": 2, "void": 3, "cancelled": 3}
_DETAILS = (
    ("status", ("status",)),
    ("lines", ("order_details",)),
    ("totals", ("total_amount", "total_order_amount", "order_date")),
    ("transactions", ("transactions",)),
)


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """A `sale` transaction that was successful at one time. `amount` in IDR as iSeller applied it.

    `told_at`: the position of the fact that told it first.
    """

    transaction_id: str
    amount: Decimal
    received_at: datetime
    gateway: str
    payment_type_name: str | None
    told_at: int


class TransactionStatus(msgspec.Struct, frozen=True, array_like=True):
    """The status of a `sale` transaction in the report observed last, in microseconds."""

    observed: int
    status: str


class PlannedBefore(msgspec.Struct, frozen=True, array_like=True):
    """What was planned of an order when it had asked for `asked` commands, before something was taken back or changed.

    `refunds` and `over` as in `TakenBack`.
    """

    asked: int
    bookings: tuple[Booking, ...]
    refunds: dict[str, PlannedRefund]
    over: Decimal


class OrderState(msgspec.Struct, frozen=True, kw_only=True, tag="order"):
    """All that is known of an order, and what of it is planned or waits.

    `known`: its fields, `seen`: when each was observed, in microseconds. `payments` and `statuses`: by transaction.
    `completed_at`: the position of the fact that told it as completed first, 0 before. `released`: a sales window
    opened for it, or a person sent it. `bookings`: its invoices, the last one is the current. `verdicts`: by
    record, why what is not planned is not, and `shown` what the list shows of it. `skipped_records`: by record, who
    has seen to it and why. `asked`: what was planned, `refused`: what of it Jurnal refused, `anew_at`: the position at
    which such was planned anew last. `before`: what was planned before each time that something was taken back or
    changed, the newest last. `lacks`: by refused command, the commands whose products Jurnal has not. `not_allowed`:
    the changes and deletions of its invoices that Jurnal does not allow, their kinds by command.
    """

    order_id: str
    known: dict[str, Any] = {}
    seen: dict[str, int] = {}
    payments: dict[str, Payment] = {}
    statuses: dict[str, TransactionStatus] = {}
    taken_back: TakenBack = TakenBack()
    customer_position: int = 0
    completed_at: int = 0
    released: bool = False
    bookings: tuple[Booking, ...] = ()
    verdicts: dict[str, Verdict] = {}
    shown: dict[str, str] = {}
    skipped_records: dict[str, str] = {}
    asked: tuple[Asked, ...] = ()
    refused: tuple[str, ...] = ()
    anew_at: int = 0
    before: tuple[PlannedBefore, ...] = ()
    lacks: dict[str, tuple[str, ...]] = {}
    not_allowed: dict[str, str] = {}

    @property
    def stream_id(self) -> str:
        """The stream of the order's facts, and the lane of its commands."""
        return f"order-{self.order_id}"

    @property
    def report(self) -> OrderReport:
        """The order as it stands, merged from all reports (without its transactions)."""
        return msgspec.convert(self.known, OrderReport, strict=False)

    @property
    def reference(self) -> str:
        """The order's number as people know it."""
        return str(self.known.get("order_reference") or self.order_id)

    @property
    def status(self) -> str:
        """The order's status in lower case; empty if none was told."""
        return str(self.known.get("status", "")).lower()

    @property
    def is_voided(self) -> bool:
        """Whether the order is void or cancelled, as it stands."""
        return self.status in ("void", "cancelled")

    @property
    def booking(self) -> Booking | None:
        """The invoice that is planned last, whether or not it was taken back."""
        return self.bookings[-1] if self.bookings else None

    @property
    def lacking(self) -> tuple[str, ...]:
        """What no report has told yet and judging needs, in words."""
        return tuple(
            words
            for words, names in _DETAILS
            if any(name not in self.known for name in names) or (words == "lines" and not self.known["order_details"])
        )

    def in_order(self) -> list[Payment]:
        """Return all payments, the oldest first."""
        return sorted(self.payments.values(), key=lambda payment: (payment.received_at, payment.transaction_id))

    def is_reversed(self, payment: Payment) -> bool:
        """Tell whether a payment is reported as failed or void after it counted."""
        return self.statuses[payment.transaction_id].status in _REVERSED

    def pays_later(self, payment: Payment) -> bool:
        """Tell whether a transaction is the promise of an on-account sale and no money.

        iSeller documents no gateway of its own for it; `account_balance` on an order that is on account is taken for
        it: nobody pays in full out of a balance and owes the same sum.
        """
        return payment.gateway == "account_balance" and bool(self.known.get("on_account"))

    def money(self) -> list[Payment]:
        """Return the payments that are money in hand, the oldest first."""
        return [payment for payment in self.in_order() if not (self.is_reversed(payment) or self.pays_later(payment))]

    def needs(self) -> tuple[str, ...]:
        """Return everything that a record of the order waits for, each once."""
        return tuple(sorted({need for verdict in self.verdicts.values() for need in verdict.needs}))

    def paid_by(self) -> dict[str, BookedPayment]:
        """Return the money that is planned on the current invoice and on those it replaces, by its command.

        Each with all that came in by it: what was carried onto an invoice may be less.
        """
        found: dict[str, BookedPayment] = {}
        for number, each in enumerate(reversed(self.bookings)):
            if number and each.ended != "replaced":
                break
            found |= {payment.command_id: payment for payment in each.payments}
        return found

    def with_before(self, earlier: "OrderState", asked: int) -> "OrderState":
        """Return the same with what was planned when it was `earlier`, and had asked for so many commands."""
        told = earlier.taken_back
        before = PlannedBefore(asked, earlier.bookings, told.planned, told.over)
        return msgspec.structs.replace(self, before=(*self.before, before)[-_BEFORE_MAX:])

    def as_before(self, before: PlannedBefore) -> "OrderState":
        """Return the same with all unplanned that was planned since."""
        taken_back = msgspec.structs.replace(self.taken_back, planned=before.refunds, over=before.over)
        return msgspec.structs.replace(
            self,
            bookings=before.bookings,
            taken_back=taken_back,
            asked=self.asked[: before.asked],
            before=self.before[: self.before.index(before)],
        )

    def with_booking(self, booking: Booking) -> "OrderState":
        """Return the same with the current booking replaced."""
        return msgspec.structs.replace(self, bookings=(*self.bookings[:-1], booking))


class _Metadata(msgspec.Struct):
    channel: str = ""
    time_zone: int = 0


_METADATA = msgspec.json.Decoder(_Metadata)


def evolve_order(state: OrderState | None, fact: Fact, meaning: OrderFact) -> OrderState:
    """Take in one fact of an order's stream; what follows from it is judged afresh afterwards."""
    known = state or OrderState(order_id=fact.stream_id.removeprefix("order-"))
    match meaning:
        case OrderReport():
            return _reported(known, fact, meaning)
        case Transaction():
            return _with_transaction(known, fact, meaning, _METADATA.decode(fact.metadata).time_zone)
        case RefundReport():
            taken_back = refund_told(known.taken_back, meaning, microseconds(fact.observed_at))
            return msgspec.structs.replace(known, taken_back=taken_back)
        case RecordSkipped():
            seen_to = {**known.skipped_records, meaning.record_id: seen_to_by(meaning)}
            return msgspec.structs.replace(known, skipped_records=seen_to)
        case _:
            assert_never(meaning)


def _reported(state: OrderState, fact: Fact, report: OrderReport) -> OrderState:
    polled = _METADATA.decode(fact.metadata).channel == "poll"
    state = _merge(state, fact, report, polled=polled)
    for transaction in report.transactions or ():
        state = _with_transaction(state, fact, transaction, 0)
    state = msgspec.structs.replace(state, taken_back=order_told(state.taken_back, report, fact, polled=polled))
    # Also by a report that comes late: that it was completed stays true whatever came of it since. One that is told as
    # void first and was closed had been completed: the books must not depend on which webhook was lost.
    status = (report.status or "").lower()
    was_completed = status == "completed" or (_rank(status) == _STATUS_RANK["void"] and report.closed_date is not None)
    if was_completed and not state.completed_at:
        state = msgspec.structs.replace(state, completed_at=fact.position)
    return state


def _merge(state: OrderState, fact: Fact, report: OrderReport, *, polled: bool) -> OrderState:
    told = {
        name: value
        for name, value in msgspec.to_builtins(report, builtin_types=(Decimal,)).items()
        if value is not None and name not in ("transactions", "refunded_orders")
    }
    if report.transactions is not None:
        told["transactions"] = []  # that they were told counts; the payments themselves accumulate
    if (remaining := told.pop("remaining_on_accoun", None)) is not None:
        told.setdefault("remaining_on_account", remaining)
    at = microseconds(fact.observed_at)
    known, seen = dict(state.known), dict(state.seen)
    # A webhook that tells the void's own transaction was made after it: a poll that says the same is no further fact.
    is_believed = polled or any((each.type or "").lower() == "void" for each in report.transactions or ())
    for name, value in told.items():
        older = at < seen.get(name, at)
        backwards = name == "status" and not is_believed and _rank(value) < _rank(known.get("status"))
        if older or backwards:
            continue
        known[name], seen[name] = value, at
    position = fact.position if report.customer_first_name is not None else state.customer_position
    return msgspec.structs.replace(state, known=known, seen=seen, customer_position=position)


def _rank(status: object) -> int:
    return _STATUS_RANK.get(str(status).lower(), -1)


def _with_transaction(state: OrderState, fact: Fact, transaction: Transaction, offset_hours: int) -> OrderState:
    identity, kind = transaction.transaction_id, (transaction.type or "").lower()
    status = (transaction.status or "").lower()
    if identity is None:
        return state
    told = transaction.transaction_date
    at = None if told is None else read_utc(told, offset_hours=offset_hours)
    if kind in _RETURNS:
        if status != "success":
            return state
        taken_back = return_transaction_told(state.taken_back, transaction, at, microseconds(fact.observed_at))
        return msgspec.structs.replace(state, taken_back=taken_back)
    if kind != "sale":
        return state
    state = _with_status(state, identity, TransactionStatus(microseconds(fact.observed_at), status))
    if status != "success" or identity in state.payments or transaction.amount is None or at is None:
        return state
    payment = Payment(
        transaction_id=identity,
        amount=transaction.amount,
        received_at=at,
        gateway=(transaction.gateway or "").lower(),
        payment_type_name=transaction.payment_type_name,
        told_at=fact.position,
    )
    return msgspec.structs.replace(state, payments={**state.payments, identity: payment})


def _with_status(state: OrderState, identity: str, told: TransactionStatus) -> OrderState:
    known = state.statuses.get(identity)
    if not told.status or (known is not None and told.observed < known.observed):
        return state
    return msgspec.structs.replace(state, statuses={**state.statuses, identity: told})
