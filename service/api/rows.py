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
SyncSort = Literal["newest", "date"]
SyncScope = Literal["transfers", "sales"]
PaidStatus = Literal["Open", "Partial", "Paid"]
InvoiceStatus = Literal["Open", "Partial", "Paid", "Overdue"]
SYNC_STATUSES: tuple[SyncStatus, ...] = get_args(SyncStatus)
INVOICE_STATUSES: tuple[InvoiceStatus, ...] = get_args(InvoiceStatus)


class Paused(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing is sent to Jurnal for the store, since the fact at `position`."""

    position: int
    since: dt.datetime
    actor: str
    reason: str


class LiveMode(msgspec.Struct, frozen=True, kw_only=True):
    """Live Mode is on, since this fact."""

    position: int
    activated_at: dt.datetime
    actor: str


class Store(msgspec.Struct, frozen=True):
    """A store as far as the API needs it: `today` is the local date there."""

    today: dt.date
    paused: Paused | None = None
    live_mode: LiveMode | None = None


class UnsettledDay(msgspec.Struct, frozen=True, kw_only=True):
    """iSeller Pay money of one day that is not paid out; `overdue`: for longer than the store's settlement takes."""

    date: dt.date
    amount: Decimal
    overdue: bool


class JurnalDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A document in Jurnal; its id and number are unknown until Jurnal has answered."""

    resource: str
    jurnal_id: int | None = None
    transaction_no: str | None = None
    status: str | None = None


class SyncRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the Accounting Sync list; `amount` None for goods. `reason` and `what_to_do` are words for people."""

    record_id: str
    kind: str
    reference: str
    status: SyncStatus
    updated_position: int
    reason: str
    what_to_do: str
    outlet: str | None = None
    date: dt.date | None = None
    amount: Decimal | None = None
    documents: tuple[JurnalDocument, ...] = ()


class SyncFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which records: of these statuses and kinds (empty: all), an outlet, dates `first` to `last`, with a text."""

    statuses: tuple[SyncStatus, ...] = ()
    kinds: tuple[str, ...] = ()
    outlet: str | None = None
    first: dt.date | None = None
    last: dt.date | None = None
    text: str | None = None


class SyncPlace(msgspec.Struct, frozen=True):
    """A record's place in the list, as one number and its id."""

    at: int
    record_id: str


class SyncPageWanted(msgspec.Struct, frozen=True, kw_only=True):
    """Records after a place, `rows_max` at most, in the order asked for; `counted`: with the count of each status."""

    filter: SyncFilter
    sort: SyncSort
    after: SyncPlace | None
    rows_max: int
    counted: bool


class SyncPageFound(msgspec.Struct, frozen=True, kw_only=True):
    """Records of one moment; `next` is the place to go on behind. `counts` of the same filters, whatever the status."""

    records: tuple[SyncRecord, ...]
    next: SyncPlace | None
    counts: Mapping[SyncStatus, int]


class Decision(msgspec.Struct, frozen=True):
    """Who decides something, and why; both are kept in the ledger."""

    actor: str
    reason: str


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """The decision stands in the ledger at these positions; what it does shows in the list."""

    positions: tuple[int, ...]


class NotDecided(msgspec.Struct, frozen=True):
    """Nothing was decided: there is no such record (`detail` None), or it is not one that this can be decided of."""

    detail: str | None


class SyncAsked(msgspec.Struct, frozen=True, kw_only=True):
    """The request stands in the ledger at `position`; what it lets go shows in the sync list.

    `retried` records of the range failed before and go again; `left` more stand behind them.
    """

    position: int
    retried: int
    left: int


class RetriedMany(msgspec.Struct, frozen=True, kw_only=True):
    """Which records go again; `left` stand behind them. `untouched` ones cannot, for the reason given."""

    retried: tuple[str, ...]
    untouched: Mapping[str, str]
    left: int
    next: SyncPlace | None


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
    """How many invoices hold this status; `past_due` tells those whose due date is before the day asked for.

    `rounded_invoices` and `rounded`: how many of them took rounding of ours, and how much in all.
    """

    status: PaidStatus
    past_due: bool
    invoices: int
    rounded_invoices: int = 0
    rounded: Decimal = Decimal(0)


DifferenceKind = Literal["missing", "duplicate", "altered", "unknown", "paid_differently", "used_differently"]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Where the ledger and Jurnal differ. `repair`: what `reconcile --repair` would do, empty for nothing.

    `accepted_position`: where a person accepted it, with name and reason; 0 for nobody.
    """

    difference_id: str
    kind: DifferenceKind
    resource: str
    transaction_no: str
    jurnal_id: int | None
    business_date: dt.date
    ledger_amount: Decimal | None
    jurnal_amount: Decimal | None
    what_happened: str
    what_to_do: str
    repair: Literal["", "resend", "delete"]
    found_position: int
    found_at: dt.datetime
    accepted_position: int
    accepted_by: str
    accepted_reason: str


class DifferenceFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Open differences in the order of their ids, behind `after`; no `kind`: all."""

    kind: DifferenceKind | None
    after: str
    rows_max: int


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something the preflight found: which check, about what, and what to do. `blocks`: it keeps Live Mode off."""

    check: str
    subject: str
    problem: str
    what_to_do: str
    blocks: bool = True


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
    sync_page: Callable[[str, SyncPageWanted], Awaitable[SyncPageFound]]
    unsettled: Callable[[str], Awaitable[Sequence[UnsettledDay]]]
    in_transit: Callable[[str, InTransitFilter], Awaitable[Sequence[InTransitRow]]]
    in_transit_totals: Callable[[str], Awaitable[Mapping[str, Decimal]]]
    invoices: Callable[[str, InvoiceFilter], Awaitable[Sequence[Invoice]]]
    invoice_counts: Callable[[str, dt.date], Awaitable[Sequence[InvoiceCount]]]
    differences: Callable[[str, DifferenceFilter], Awaitable[Sequence[Difference]]]
    stream: Callable[[str, str, int, int], Awaitable[Sequence[Fact]]]
    preflight: Callable[[str], Awaitable[Preflight]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiActions:
    """What the API does. `activate_live_mode` takes store and actor; once on, it answers the first activation again.

    `request_sync` takes store, scope, first and last date. `retry` and `skip` take store and record, `retry_many` the
    place to go on behind and the most records of a call. `pause` and `resume` answer the position that counts.
    """

    activate_live_mode: Callable[[str, str], Awaitable[LiveMode | NotReady]]
    request_sync: Callable[[str, SyncScope, dt.date, dt.date, Decision], Awaitable[SyncAsked]]
    retry: Callable[[str, str, Decision], Awaitable[Decided | NotDecided]]
    skip: Callable[[str, str, Decision], Awaitable[Decided | NotDecided]]
    retry_many: Callable[[str, SyncFilter, SyncPlace | None, int, Decision], Awaitable[RetriedMany]]
    pause: Callable[[str, Decision], Awaitable[int]]
    resume: Callable[[str, Decision], Awaitable[int]]


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
