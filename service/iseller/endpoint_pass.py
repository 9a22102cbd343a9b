"""Reading one endpoint from its cursor to now, in slices of modification time.

A pass starts at the cursor minus an overlap, once per store-local date some days back (the sweep). A slice is one page
where possible: a list that changes between two of its pages skips objects, a single page cannot.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from eventstore.facts.reports.kind import ReportKind
from eventstore.store import LedgerReader
from service.iseller.client import GET_ORDERS, GET_TRANSACTIONS, Endpoint, IsellerClient
from service.iseller.cursor import PollCursors
from service.iseller.envelope import IsellerError, Page
from service.iseller.intake import Intake

ORDER_INCLUDES = (
    "OrderDetails,Transactions,DiscountDetails,PromotionDetails,TrackInventory,MDR,ShippingDetail,UnfulfilledItems,"
    "ProfitDetails"
)
# iSeller's moments are asked for in whole seconds, so no slice can be shorter. Each reaches as much behind its start:
# nobody documents whether the bounds themselves are included.
_SECOND = timedelta(seconds=1)
_SLICE_MAX = timedelta(days=366)
# iSeller did not exist before; nothing of a store is older.
_FIRST = datetime(2010, 1, 1, tzinfo=UTC)


class PassSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How far back an endpoint is read, and how much at a time.

    `created_days_max`: how old an order may be whose changes are still read (GetOrders demands a bound on creation).
    `pages_per_slice_max` bounds the pages of one second's objects.
    """

    overlap_seconds: float = 600
    sweep_days: int = 9
    sweep_local_hour: int = 2
    created_days_max: int = 400
    page_facts_max: int = 100
    pages_per_step_max: int = 10
    pages_per_slice_max: int = 200


class EndpointPolled(msgspec.Struct, kw_only=True):
    """What one step read of one endpoint, in objects. `finished`: it has been read up to now."""

    pages: int = 0
    appended: int = 0
    duplicates: int = 0
    unreadable: int = 0
    finished: bool = False


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One step's view of one endpoint of one store; `done` is counted up."""

    store_id: str
    url: str
    endpoint: Endpoint
    kind: ReportKind
    time_zone: ZoneInfo
    started_at: datetime
    done: EndpointPolled

    @property
    def time_zone_hours(self) -> int:
        """The store's offset from UTC in whole hours, as iSeller's `time_zone` parameter takes it."""
        offset = self.started_at.astimezone(self.time_zone).utcoffset()
        assert offset is not None
        return offset // timedelta(hours=1)


class EndpointPass:
    """Moves the passes of all stores and endpoints; safe to share between tasks of different stores."""

    def __init__(
        self,
        client: IsellerClient,
        intake: Intake,
        reader: LedgerReader,
        cursors: PollCursors,
        settings: PassSettings | None = None,
    ) -> None:
        self._client = client
        self._intake = intake
        self._reader = reader
        self._cursors = cursors
        self._settings = settings if settings is not None else PassSettings()
        # How long a slice fitted one page last time; only a guess, so it may be lost.
        self._slices: dict[tuple[str, str], timedelta] = {}

    async def step(self, run: Run) -> None:
        """Read up to `pages_per_step_max` pages; the cursor moves only behind what was appended.

        Raises `IsellerError`, `AppendQueueFull` and the database's errors; the next step goes on where this one broke.
        """
        after = await self._begin(run)
        key = (run.store_id, run.endpoint.name)
        while run.done.pages < self._settings.pages_per_step_max:
            slice_ = self._slices.get(key)
            until = None if slice_ is None else after + slice_
            page = await self._take_page(run, after, until, 1)
            now = _whole_seconds(page.observed_at)
            end = now if until is None else min(until, now)
            if page.has_next and end - after >= 2 * _SECOND:
                self._slices[key] = _whole_duration((end - after) / 2)
                continue
            if page.has_next:
                await self._take_rest(run, after, until)
            elif slice_ is not None and 2 * len(page.objects) <= self._settings.page_facts_max:
                self._slices[key] = min(2 * slice_, _SLICE_MAX)
            reached = until is None or until >= now
            await self._cursors.move(
                run.store_id, run.endpoint.name, modified_after=end, reading_after=None if reached else end
            )
            if reached:
                run.done.finished = True
                return
            after = end

    async def _begin(self, run: Run) -> datetime:
        """Return where to read from, starting a pass unless one is in progress."""
        cursor = await self._cursors.read(run.store_id, run.endpoint.name)
        if cursor is not None and cursor.reading_after is not None:
            return cursor.reading_after
        local = run.started_at.astimezone(run.time_zone)
        swept_on: date = local.date()
        swept = _FIRST if run.endpoint.seldom else run.started_at - timedelta(days=self._settings.sweep_days)
        after = _whole_seconds(swept)
        if cursor is not None:
            overlapping = _whole_seconds(cursor.modified_after - timedelta(seconds=self._settings.overlap_seconds))
            is_sweep = swept_on > cursor.swept_on and local.hour >= self._settings.sweep_local_hour
            if is_sweep and not run.endpoint.seldom:
                after = min(after, overlapping)
            else:
                after, swept_on = overlapping, cursor.swept_on
        await self._cursors.begin_pass(run.store_id, run.endpoint.name, reading_after=after, swept_on=swept_on)
        return after

    async def _take_rest(self, run: Run, after: datetime, until: datetime | None) -> None:
        """Read the further pages of a slice that is as short as a slice can be."""
        for number in range(2, self._settings.pages_per_slice_max + 1):
            page = await self._take_page(run, after, until, number)
            if not page.has_next:
                return
        raise IsellerError(
            f"{run.endpoint.name} has more than {self._settings.pages_per_slice_max} pages at {_utc_text(after)} UTC"
        )

    async def _take_page(self, run: Run, after: datetime, until: datetime | None, number: int) -> Page:
        head = await self._reader.head(run.store_id)
        page = await self._client.read_page(
            run.store_id, run.url, run.endpoint, self._parameters(run, after, until, number)
        )
        metadata: dict[str, object] = {"channel": "poll", "endpoint": run.endpoint.name}
        if run.endpoint == GET_TRANSACTIONS:
            # Here, and only here, iSeller writes the store's wall clock without an offset.
            metadata["time_zone"] = run.time_zone_hours
        taken = await self._intake.take_polled(
            run.store_id,
            run.kind,
            page.objects,
            observed_at=page.observed_at,
            metadata=metadata,
            ledger_position_before=head.position,
        )
        run.done.pages += 1
        run.done.appended += sum(one.outcome == "appended" for one in taken)
        run.done.duplicates += sum(one.outcome == "duplicate" for one in taken)
        run.done.unreadable += sum(one.outcome == "unreadable" for one in taken)
        return page

    def _parameters(self, run: Run, after: datetime, until: datetime | None, number: int) -> dict[str, str]:
        parameters = {
            "time_zone": str(run.time_zone_hours),
            "modified_after": _utc_text(after - _SECOND),
            "sort": "ModifiedDate",
            "page": str(number),
            "page_size": str(self._settings.page_facts_max),
        }
        if until is not None:
            parameters["modified_before"] = _utc_text(until)
        if run.endpoint == GET_ORDERS:
            parameters["includes"] = ORDER_INCLUDES
            parameters["created_after"] = _utc_text(after - timedelta(days=self._settings.created_days_max))
        return parameters


def _utc_text(at: datetime) -> str:
    """Write a moment as iSeller reads it: UTC, whole seconds, no offset."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"


def _whole_seconds(at: datetime) -> datetime:
    return at.replace(microsecond=0)


def _whole_duration(duration: timedelta) -> timedelta:
    return max(_SECOND, timedelta(seconds=duration // _SECOND))
