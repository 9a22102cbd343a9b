"""What the API asks for, answered from the projections."""

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import cast
from zoneinfo import ZoneInfo

from eventstore.appender import Appender
from eventstore.clock import Clock
from eventstore.connection import Pool
from eventstore.event import Fact
from eventstore.facts.settings import SyncRequested
from eventstore.store import LedgerReader
from projections.in_transit_stock.queries import read_in_transit, sum_in_transit
from projections.invoice_payment.queries import count_invoices, read_invoices
from projections.store_settings.queries import read_settings
from projections.sync_status.queries import ListedRecord, count_records, read_records
from service.api import rows
from service.live_mode import Activated, LiveMode
from service.preflight import Preflight
from service.preflight_finding import Finding
from service.scheduler import request_sync


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
    ) -> None:
        self._pool = pool
        self._appender = appender
        self._reader = reader
        self._clock = clock
        self._preflight = preflight
        self._live_mode = live_mode

    def queries(self) -> rows.ApiQueries:
        """Return the questions with their answers."""
        return rows.ApiQueries(
            store=self._store,
            sync_records=self._sync_records,
            sync_counts=self._sync_counts,
            in_transit=self._in_transit,
            in_transit_totals=self._in_transit_totals,
            invoices=self._invoices,
            invoice_counts=self._invoice_counts,
            stream=self._stream,
            preflight=self._check,
        )

    def actions(self) -> rows.ApiActions:
        """Return what the API does."""
        return rows.ApiActions(activate_live_mode=self._activate, request_sync=self._request_sync)

    async def _store(self, store_id: str) -> rows.Store | None:
        if store_id not in await self._reader.stores():
            return None
        settings = await read_settings(self._pool, store_id)
        zone = settings.connection.time_zone if settings.connection is not None else "UTC"
        return rows.Store(today=self._clock.now().astimezone(ZoneInfo(zone)).date())

    async def _sync_records(self, store_id: str, wanted: rows.SyncFilter) -> Sequence[rows.SyncRecord]:
        records = await read_records(
            self._pool,
            store_id,
            status=wanted.status,
            kind=wanted.kind,
            after_record_id=wanted.after_record_id,
            rows_max=wanted.rows_max,
        )
        return [_record(record) for record in records]

    async def _sync_counts(self, store_id: str) -> Mapping[rows.SyncStatus, int]:
        return cast("Mapping[rows.SyncStatus, int]", await count_records(self._pool, store_id))

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
            rows.InvoiceCount(cast("rows.PaidStatus", count.status), count.past_due, count.invoices)
            for count in await count_invoices(self._pool, store_id, due_before=day)
        ]

    async def _stream(self, store_id: str, stream_id: str, after_version: int, facts_max: int) -> Sequence[Fact]:
        return await self._reader.read_stream(store_id, stream_id, after_version=after_version, facts_max=facts_max)

    async def _check(self, store_id: str) -> rows.Preflight:
        since = await self._live_mode.since(store_id)
        problems = await self._preflight.check(store_id)
        return rows.Preflight(
            findings=tuple(_finding(problem) for problem in problems), live_mode=_live(since) if since else None
        )

    async def _request_sync(self, store_id: str, first: dt.date, last: dt.date, actor: str, reason: str) -> int:
        requested = SyncRequested(scope="transfers", first=first, last=last, actor=actor, reason=reason)
        return await request_sync(self._appender, self._clock, store_id, requested)

    async def _activate(self, store_id: str, actor: str) -> rows.LiveMode | rows.NotReady:
        result = await self._live_mode.activate(store_id, actor)
        if isinstance(result, Activated):
            return _live(result)
        return rows.NotReady(tuple(_finding(problem) for problem in result.problems))


def _record(record: ListedRecord) -> rows.SyncRecord:
    return rows.SyncRecord(
        record_id=record.record_id,
        kind=record.kind,
        reference=record.reference,
        status=cast("rows.SyncStatus", record.status),
        updated_position=record.updated,
        outlet=record.outlet,
        date=record.business_date,
        amount=record.amount,
        reason=record.reason,
        what_to_do=record.what_to_do,
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
