"""What the API asks for and what it gets: one Struct per row, one callable per question. Wiring fills them in.

Amounts in IDR, quantities in the product's unit; both as Decimal, shown as plain decimal strings.
"""

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, get_args

import msgspec

from eventstore.event import Fact

SyncStatus = Literal["Held", "Pending", "Processing", "Success", "Failed", "Skipped", "Superseded"]
PaidStatus = Literal["Open", "Partial", "Paid"]
InvoiceStatus = Literal["Open", "Partial", "Paid", "Overdue"]
SYNC_STATUSES: tuple[SyncStatus, ...] = get_args(SyncStatus)
INVOICE_STATUSES: tuple[InvoiceStatus, ...] = get_args(InvoiceStatus)


class Store(msgspec.Struct, frozen=True):
    """A store as far as the API needs it: `today` is the local date there."""

    today: dt.date


class JurnalDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A document in Jurnal; its id and number are unknown until Jurnal has answered."""

    resource: str
    jurnal_id: int | None = None
    transaction_no: str | None = None
    status: str | None = None


class SyncRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the Accounting Sync list. `held_until` only where a time is known; `amount` None for goods."""

    record_id: str
    kind: str
    reference: str
    status: SyncStatus
    updated_position: int
    outlet: str | None = None
    date: dt.date | None = None
    amount: Decimal | None = None
    reason: str | None = None
    what_to_do: str | None = None
    held_until: dt.datetime | None = None
    documents: tuple[JurnalDocument, ...] = ()


class SyncFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Records in the order of `record_id`, after `after_record_id`, `rows_max` at most; None filters nothing."""

    status: SyncStatus | None
    kind: str | None
    after_record_id: str | None
    rows_max: int


class InTransitRow(msgspec.Struct, frozen=True, kw_only=True):
    """One SKU of one transfer: sent = received + returned + rejected + in transit."""

    transfer_id: str
    transfer_number: str
    sku: str
    sent: Decimal
    received: Decimal
    returned: Decimal
    rejected: Decimal
    in_transit: Decimal


class InTransitFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Rows in the order of (transfer_id, sku), after the given pair, `rows_max` at most."""

    after: tuple[str, str] | None
    rows_max: int


class Invoice(msgspec.Struct, frozen=True, kw_only=True):
    """One invoice as the projection holds it: total = paid + remaining."""

    order_id: str
    order_reference: str
    transaction_no: str
    date: dt.date
    due_date: dt.date
    total: Decimal
    paid: Decimal
    remaining: Decimal
    status: PaidStatus


class InvoiceFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Invoices in the order of their numbers, after `after_transaction_no`, `rows_max` at most.

    Wanted: status in `statuses`, and `due_date` < `due_before` and ≥ `due_from` where given.
    """

    statuses: tuple[PaidStatus, ...]
    due_before: dt.date | None
    due_from: dt.date | None
    after_transaction_no: str | None
    rows_max: int


class InvoiceCount(msgspec.Struct, frozen=True):
    """How many invoices hold this status; `past_due` tells those whose due date is before the day asked for."""

    status: PaidStatus
    past_due: bool
    invoices: int


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something the preflight found: which check, about what, and what to do. `blocks`: it keeps Live Mode off."""

    check: str
    subject: str
    problem: str
    what_to_do: str
    blocks: bool = True


class LiveMode(msgspec.Struct, frozen=True, kw_only=True):
    """Live Mode is on, since this fact."""

    position: int
    activated_at: dt.datetime
    actor: str


class Preflight(msgspec.Struct, frozen=True, kw_only=True):
    """What stands between the store and Live Mode; `live_mode` once it is on."""

    findings: tuple[Finding, ...]
    live_mode: LiveMode | None = None


class NotReady(msgspec.Struct, frozen=True):
    """Live Mode was not activated: the preflight found these."""

    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiQueries:
    """What the API reads. The first argument is the store; `store` alone may be asked for one that does not exist.

    `stream` takes stream id, version to read after, and the most facts wanted.
    """

    store: Callable[[str], Awaitable[Store | None]]
    sync_records: Callable[[str, SyncFilter], Awaitable[Sequence[SyncRecord]]]
    sync_counts: Callable[[str], Awaitable[Mapping[SyncStatus, int]]]
    in_transit: Callable[[str, InTransitFilter], Awaitable[Sequence[InTransitRow]]]
    in_transit_totals: Callable[[str], Awaitable[Mapping[str, Decimal]]]
    invoices: Callable[[str, InvoiceFilter], Awaitable[Sequence[Invoice]]]
    invoice_counts: Callable[[str, dt.date], Awaitable[Sequence[InvoiceCount]]]
    stream: Callable[[str, str, int, int], Awaitable[Sequence[Fact]]]
    preflight: Callable[[str], Awaitable[Preflight]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiActions:
    """What the API does. `activate_live_mode` takes store and actor; once on, it answers the first activation again.

    `request_sync` takes store, first and last date, actor and reason, and answers the position of the request.
    """

    activate_live_mode: Callable[[str, str], Awaitable[LiveMode | NotReady]]
    request_sync: Callable[[str, dt.date, dt.date, str, str], Awaitable[int]]


def shown_status(status: PaidStatus, *, past_due: bool) -> InvoiceStatus:
    """Return the status a person sees: what is not paid by its due date is Overdue."""
    return "Overdue" if past_due and status != "Paid" else status


def invoices_shown_as(
    status: InvoiceStatus | None, *, today: dt.date, after_transaction_no: str | None, rows_max: int
) -> InvoiceFilter:
    """Return the filter that finds exactly the invoices `shown_status` shows as `status` today."""
    statuses: tuple[PaidStatus, ...] = ("Open", "Partial", "Paid")
    due_before = due_from = None
    if status == "Overdue":
        statuses, due_before = ("Open", "Partial"), today
    elif status is not None:
        statuses = (status,)
        due_from = None if status == "Paid" else today
    return InvoiceFilter(
        statuses=statuses,
        due_before=due_before,
        due_from=due_from,
        after_transaction_no=after_transaction_no,
        rows_max=rows_max,
    )
