"""What the API asks for, answered from the projections."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Literal, assert_never, cast
from zoneinfo import ZoneInfo

from eventstore.appender import Appender
from eventstore.clock import Clock
from eventstore.connection import Pool
from eventstore.event import Fact
from eventstore.store import LedgerReader
from projections.clearing.queries import read_unsettled
from projections.differences.queries import list_differences
from projections.in_transit_stock.queries import read_in_transit, sum_in_transit
from projections.invoice_payment.queries import count_invoices, read_invoices
from projections.store_settings.queries import CurrentSettings, read_pause, read_settings
from projections.sync_status.queries import ListedRecord, Place, Wanted, read_page
from service.api import rows
from service.company_waits import read_company_wait
from service.difference_wording import what_happened, what_to_do
from service.live_mode import Activated, LiveMode
from service.operations import Decided, NothingToDo, OneDecided, Operations, UnknownRecord, Word
from service.preflight import Preflight
from service.preflight_finding import Finding
from service.sync_wording import paused_words, wording


class ApiAnswers:
    """Joins the API to the projections, the preflight and Live Mode."""

    def __init__(
        self,
        pool: Pool,
        reader: LedgerReader,
        appender: Appender,
        clock: Clock,
        preflight: Preflight,
        live_mode: LiveMode,
        operations: Operations,
        wake_poller: Callable[[str], None],
    ) -> None:
        self._pool = pool
        self._appender = appender
        self._reader = reader
        self._clock = clock
        self._preflight = preflight
        self._live_mode = live_mode
        self._operations = operations
        self._wake_poller = wake_poller

    def queries(self) -> rows.ApiQueries:
        """Return the questions with their answers."""
        return rows.ApiQueries(
            store=self._store,
            sync_page=self._sync_page,
            unsettled=self._unsettled,
            in_transit=self._in_transit,
            in_transit_totals=self._in_transit_totals,
            invoices=self._invoices,
            invoice_counts=self._invoice_counts,
            differences=self._differences,
            stream=self._stream,
            preflight=self._check,
        )

    def actions(self) -> rows.ApiActions:
        """Return what the API does."""
        return rows.ApiActions(
            activate_live_mode=self._activate,
            request_sync=self._request_sync,
            retry=self._retry,
            skip=self._skip,
            retry_many=self._retry_many,
            pause=self._pause,
            resume=self._resume,
        )

    async def _store(self, store_id: str) -> rows.Store | None:
        if store_id not in await self._reader.stores():
            return None
        settings = await read_settings(self._pool, store_id)
        paused = await self._operations.paused(store_id)
        return rows.Store(
            today=self._today(settings),
            paused=None
            if paused is None
            else rows.Paused(position=paused.position, since=paused.since, actor=paused.actor, reason=paused.reason),
            live_mode=None if settings.live_mode is None else _live(Activated(*settings.live_mode)),
        )

    def _today(self, settings: CurrentSettings) -> dt.date:
        zone = settings.connection.time_zone if settings.connection is not None else "UTC"
        return self._clock.now().astimezone(ZoneInfo(zone)).date()

    async def _sync_page(self, store_id: str, wanted: rows.SyncPageWanted) -> rows.SyncPageFound:
        page = await read_page(
            self._pool,
            store_id,
            _wanted(wanted.filter),
            rows_max=wanted.rows_max,
            after=_place(wanted.after),
            sort=wanted.sort,
            counted=wanted.counted,
        )
        pause = await read_pause(self._pool, store_id)
        paused = None if pause is None else paused_words(pause.fact.actor, pause.fact.reason)
        waits = await self._waits(store_id)
        return rows.SyncPageFound(
            records=tuple(_record(record, paused, waits) for record in page.records),
            next=_sync_place(page.next),
            counts=cast("Mapping[rows.SyncStatus, int]", page.counts),
        )

    async def _waits(self, store_id: str) -> str | None:
        connection = (await read_settings(self._pool, store_id)).connection
        if connection is None:
            return None
        return await read_company_wait(self._pool, connection.company_id, ZoneInfo(connection.time_zone))

    async def _unsettled(self, store_id: str) -> Sequence[rows.UnsettledDay]:
        settings = await read_settings(self._pool, store_id)
        since = self._today(settings) - dt.timedelta(days=settings.rules.settlement_days)
        return [
            rows.UnsettledDay(date=each.day, amount=each.amount, overdue=each.day < since)
            for each in await read_unsettled(self._pool, store_id)
        ]

    async def _in_transit(self, store_id: str, wanted: rows.InTransitFilter) -> Sequence[rows.InTransitRow]:
        found = await read_in_transit(self._pool, store_id, after=wanted.after, rows_max=wanted.rows_max)
        return [
            rows.InTransitRow(
                transfer_id=row.transfer_id,
                transfer_number=row.transfer_number,
                sku=row.sku,
                sent=row.sent,
                received=row.received,
                returned=row.returned,
                rejected=row.rejected,
                in_transit=row.in_transit,
            )
            for row in found
        ]

    async def _in_transit_totals(self, store_id: str) -> Mapping[str, Decimal]:
        return await sum_in_transit(self._pool, store_id)

    async def _invoices(self, store_id: str, wanted: rows.InvoiceFilter) -> Sequence[rows.Invoice]:
        found = await read_invoices(
            self._pool,
            store_id,
            statuses=wanted.statuses,
            due_before=wanted.due_before,
            due_from=wanted.due_from,
            after_transaction_no=wanted.after_transaction_no,
            rows_max=wanted.rows_max,
        )
        return [
            rows.Invoice(
                order_id=invoice.order_id,
                order_reference=invoice.order_reference,
                transaction_no=invoice.transaction_no,
                date=invoice.transaction_date,
                due_date=invoice.due_date,
                total=invoice.total,
                paid=invoice.paid,
                remaining=invoice.total - invoice.paid - invoice.returned,
                status=cast("rows.PaidStatus", invoice.status),
            )
            for invoice in found
        ]

    async def _invoice_counts(self, store_id: str, day: dt.date) -> Sequence[rows.InvoiceCount]:
        return [
            rows.InvoiceCount(
                cast("rows.PaidStatus", count.status),
                count.past_due,
                count.invoices,
                count.rounded_invoices,
                count.rounded,
            )
            for count in await count_invoices(self._pool, store_id, due_before=day)
        ]

    async def _differences(self, store_id: str, wanted: rows.DifferenceFilter) -> Sequence[rows.Difference]:
        kinds = () if wanted.kind is None else (wanted.kind,)
        found = await list_differences(self._pool, store_id, kinds=kinds, after=wanted.after, rows_max=wanted.rows_max)
        return [
            rows.Difference(
                difference_id=each.difference_id,
                kind=cast("rows.DifferenceKind", each.kind),
                resource=each.resource,
                transaction_no=each.transaction_no,
                jurnal_id=each.jurnal_id or None,
                business_date=each.business_date,
                ledger_amount=each.ledger_amount,
                jurnal_amount=each.jurnal_amount,
                what_happened=what_happened(each),
                what_to_do=what_to_do(each),
                repair=cast("Literal['', 'resend', 'delete']", each.repair),
                found_position=each.found_at,
                found_at=each.found_on,
                accepted_position=each.accepted_at,
                accepted_by=each.accepted_by,
                accepted_reason=each.accepted_reason,
            )
            for each in found
        ]

    async def _stream(self, store_id: str, stream_id: str, after_version: int, facts_max: int) -> Sequence[Fact]:
        return await self._reader.read_stream(store_id, stream_id, after_version=after_version, facts_max=facts_max)

    async def _check(self, store_id: str) -> rows.Preflight:
        since = await self._live_mode.since(store_id)
        problems = await self._preflight.check(store_id)
        return rows.Preflight(
            findings=tuple(_finding(problem) for problem in problems), live_mode=_live(since) if since else None
        )

    async def _request_sync(
        self, store_id: str, scope: rows.SyncScope, first: dt.date, last: dt.date, decision: rows.Decision
    ) -> rows.SyncAsked:
        asked = await self._operations.sync_range(store_id, scope, first, last, _word(decision))
        self._wake_poller(store_id)
        return rows.SyncAsked(position=asked.position, retried=asked.retried, left=asked.left)

    async def _retry(self, store_id: str, record_id: str, decision: rows.Decision) -> rows.Decided | rows.NotDecided:
        return _decided(await self._operations.retry(store_id, record_id, _word(decision)))

    async def _skip(self, store_id: str, record_id: str, decision: rows.Decision) -> rows.Decided | rows.NotDecided:
        return _decided(await self._operations.skip(store_id, record_id, _word(decision)))

    async def _retry_many(
        self,
        store_id: str,
        wanted: rows.SyncFilter,
        after: rows.SyncPlace | None,
        records_max: int,
        decision: rows.Decision,
    ) -> rows.RetriedMany:
        done = await self._operations.retry_many(
            store_id, _wanted(wanted), _word(decision), after=_place(after), records_max=records_max
        )
        return rows.RetriedMany(
            retried=done.retried, untouched=done.untouched, left=done.left, next=_sync_place(done.next)
        )

    async def _pause(self, store_id: str, decision: rows.Decision) -> int:
        return await self._operations.pause(store_id, _word(decision))

    async def _resume(self, store_id: str, decision: rows.Decision) -> int:
        return await self._operations.resume(store_id, _word(decision))

    async def _activate(self, store_id: str, actor: str) -> rows.LiveMode | rows.NotReady:
        result = await self._live_mode.activate(store_id, actor)
        if isinstance(result, Activated):
            return _live(result)
        return rows.NotReady(tuple(_finding(problem) for problem in result.problems))


def _wanted(wanted: rows.SyncFilter) -> Wanted:
    return Wanted(
        statuses=wanted.statuses,
        kinds=wanted.kinds,
        outlet=wanted.outlet,
        first=wanted.first,
        last=wanted.last,
        text=wanted.text,
    )


def _place(place: rows.SyncPlace | None) -> Place | None:
    return None if place is None else Place(place.at, place.record_id)


def _sync_place(place: Place | None) -> rows.SyncPlace | None:
    return None if place is None else rows.SyncPlace(place.at, place.record_id)


def _word(decision: rows.Decision) -> Word:
    return Word(decision.actor, decision.reason)


def _decided(decided: OneDecided) -> rows.Decided | rows.NotDecided:
    match decided:
        case Decided():
            return rows.Decided(positions=decided.positions)
        case NothingToDo():
            return rows.NotDecided(decided.detail)
        case UnknownRecord():
            return rows.NotDecided(None)
        case _:
            assert_never(decided)


def _record(record: ListedRecord, paused: str | None, waits: str | None) -> rows.SyncRecord:
    words = wording(record, paused=paused, waits=waits)
    return rows.SyncRecord(
        record_id=record.record_id,
        kind=record.kind,
        reference=record.reference,
        status=cast("rows.SyncStatus", record.status),
        updated_position=record.updated,
        outlet=record.outlet,
        date=record.business_date,
        amount=record.amount,
        reason=words.reason,
        what_to_do=words.what_to_do,
        documents=tuple(
            rows.JurnalDocument(
                resource=document.resource,
                jurnal_id=document.jurnal_id,
                transaction_no=document.transaction_no,
                status=document.status,
            )
            for document in record.documents
        ),
    )


def _finding(found: Finding) -> rows.Finding:
    return rows.Finding(
        check=found.check,
        subject=found.subject,
        problem=found.problem,
        what_to_do=found.what_to_do,
        blocks=found.blocks,
    )


def _live(activated: Activated) -> rows.LiveMode:
    return rows.LiveMode(
        position=activated.position, activated_at=activated.fact.activated_at, actor=activated.fact.actor
    )
