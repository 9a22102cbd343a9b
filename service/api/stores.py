"""What is answered about one store: how the ledger stands in Jurnal, single streams, and the switch to Live Mode."""

from collections.abc import Sequence
from typing import assert_never

import msgspec
from aiohttp import web

from eventstore.event import Fact
from service.api.requests import (
    InTransitQuery,
    InvoiceQuery,
    LiveModeRequest,
    RequestRefused,
    StreamQuery,
    SyncQuery,
    SyncRequest,
    body_of,
    path_part,
    query_of,
)
from service.api.responses import (
    InTransitPage,
    InvoicePage,
    PreflightReport,
    ShownInvoice,
    StreamFact,
    StreamPage,
    SyncAccepted,
    SyncPage,
    json_response,
    problem,
)
from service.api.rows import (
    INVOICE_STATUSES,
    SYNC_STATUSES,
    ApiActions,
    ApiQueries,
    InTransitFilter,
    LiveMode,
    NotReady,
    Store,
    SyncFilter,
    invoices_shown_as,
    shown_status,
)

STREAM_PAGE_BYTES_MAX = 8 * 1024 * 1024


class StoreAnswers:
    """The handlers below `/v1/stores/{store}`. An unknown store is answered 404 before anything else is read."""

    def __init__(self, queries: ApiQueries, actions: ApiActions) -> None:
        self._queries = queries
        self._actions = actions

    async def sync(self, request: web.Request) -> web.Response:
        """Answer a page of sync records and the count of each status."""
        store_id, _ = await self._store(request)
        asked = query_of(request, SyncQuery)
        wanted = SyncFilter(status=asked.status, kind=asked.kind, after_record_id=asked.after, rows_max=asked.limit + 1)
        rows = await self._queries.sync_records(store_id, wanted)
        counts = await self._queries.sync_counts(store_id)
        page = list(rows[: asked.limit])
        following = _next(request, after=page[-1].record_id) if len(rows) > asked.limit else None
        return json_response(
            SyncPage(records=page, counts={status: counts.get(status, 0) for status in SYNC_STATUSES}, next=following)
        )

    async def in_transit(self, request: web.Request) -> web.Response:
        """Answer a page of goods on their way and the totals by SKU."""
        store_id, _ = await self._store(request)
        asked = query_of(request, InTransitQuery)
        if (asked.after_transfer_id is None) != (asked.after_sku is None):
            detail = "Give after_transfer_id and after_sku together: they name one row."
            return problem(400, "invalid-parameter", "Invalid parameter", detail)
        after = None
        if asked.after_transfer_id is not None and asked.after_sku is not None:
            after = (asked.after_transfer_id, asked.after_sku)
        rows = await self._queries.in_transit(store_id, InTransitFilter(after=after, rows_max=asked.limit + 1))
        totals = dict(await self._queries.in_transit_totals(store_id))
        page = list(rows[: asked.limit])
        following = None
        if len(rows) > asked.limit:
            following = _next(request, after_transfer_id=page[-1].transfer_id, after_sku=page[-1].sku)
        return json_response(InTransitPage(rows=page, totals=totals, next=following))

    async def invoices(self, request: web.Request) -> web.Response:
        """Answer a page of invoices and the count of each status, as they are shown today."""
        store_id, store = await self._store(request)
        asked = query_of(request, InvoiceQuery)
        wanted = invoices_shown_as(
            asked.status, today=store.today, after_transaction_no=asked.after, rows_max=asked.limit + 1
        )
        rows = await self._queries.invoices(store_id, wanted)
        counts = dict.fromkeys(INVOICE_STATUSES, 0)
        for count in await self._queries.invoice_counts(store_id, store.today):
            counts[shown_status(count.status, past_due=count.past_due)] += count.invoices
        following = _next(request, after=rows[asked.limit - 1].transaction_no) if len(rows) > asked.limit else None
        shown = [
            ShownInvoice(
                order_reference=row.order_reference,
                transaction_no=row.transaction_no,
                date=row.date,
                due_date=row.due_date,
                total=row.total,
                paid=row.paid,
                remaining=row.remaining,
                status=shown_status(row.status, past_due=row.due_date < store.today),
            )
            for row in rows[: asked.limit]
        ]
        return json_response(InvoicePage(invoices=shown, counts=counts, today=store.today, next=following))

    async def stream(self, request: web.Request) -> web.Response:
        """Answer a page of one stream's facts as they are stored; nothing is ever unsealed here."""
        store_id, _ = await self._store(request)
        asked = query_of(request, StreamQuery)
        stream_id = path_part(request, "stream")
        rows: Sequence[Fact] = ()
        if stream_id is not None:
            rows = await self._queries.stream(store_id, stream_id, asked.after_version, asked.limit + 1)
        if stream_id is None or not (rows or asked.after_version):
            return problem(404, "unknown-stream", "Unknown stream", "The store's ledger has no fact in this stream.")
        page = _fitting(rows[: asked.limit])
        following = _next(request, after_version=page[-1].stream_version) if len(rows) > len(page) else None
        facts = [_shown(fact) for fact in page]
        return json_response(StreamPage(store=store_id, stream=stream_id, facts=facts, next=following))

    async def preflight(self, request: web.Request) -> web.Response:
        """Answer what stands between the store and Live Mode."""
        store_id, _ = await self._store(request)
        found = await self._queries.preflight(store_id)
        return json_response(
            PreflightReport(
                ready=not any(finding.blocks for finding in found.findings),
                findings=found.findings,
                live_mode=found.live_mode,
            )
        )

    async def activate_live_mode(self, request: web.Request) -> web.Response:
        """Switch Live Mode on; asked again, answer the first activation again."""
        store_id, _ = await self._store(request)
        asked = await body_of(request, LiveModeRequest)
        activated = await self._actions.activate_live_mode(store_id, asked.actor)
        match activated:
            case LiveMode():
                return json_response(activated)
            case NotReady(findings=findings):
                detail = "The preflight found what must be mended first; see findings, then send this again."
                return problem(409, "preflight-not-clean", "Preflight not clean", detail, findings=findings)
            case _:
                assert_never(activated)

    async def request_sync(self, request: web.Request) -> web.Response:
        """Let what waits of a range of dates go; asked again, nothing goes twice."""
        store_id, _ = await self._store(request)
        asked = await body_of(request, SyncRequest)
        if asked.last < asked.first:
            return problem(422, "invalid-range", "Invalid range", "The last date is before the first: swap the two.")
        position = await self._actions.request_sync(store_id, asked.first, asked.last, asked.actor, asked.reason)
        return json_response(SyncAccepted(position=position))

    async def deactivate_live_mode(self, request: web.Request) -> web.Response:
        """Refuse: Live Mode goes one way."""
        await self._store(request)
        detail = (
            "What happens after the switch would be missing in Jurnal, and its stock and receivables would be wrong"
            " for good. To stop sending for a while, stop the service: the ledger keeps what comes in once it is back."
        )
        return problem(
            405,
            "live-mode-is-one-way",
            "Live Mode cannot be switched off",
            detail,
            headers={"Allow": "POST"},
        )

    async def _store(self, request: web.Request) -> tuple[str, Store]:
        store_id = path_part(request, "store")
        store = None if store_id is None else await self._queries.store(store_id)
        if store_id is None or store is None:
            detail = "No such store is connected here; `jurnalsync setup apply` connects one."
            raise RequestRefused(problem(404, "unknown-store", "Unknown store", detail))
        return store_id, store


def _next(request: web.Request, **after: str | int) -> str:
    return str(request.rel_url.update_query(after))


def _fitting(facts: Sequence[Fact]) -> Sequence[Fact]:
    """Return the facts that fit on one page by their bytes, at least the first."""
    page_bytes = 0
    for count, fact in enumerate(facts):
        page_bytes += len(fact.body) + len(fact.metadata)
        if count and page_bytes > STREAM_PAGE_BYTES_MAX:
            return facts[:count]
    return facts


def _shown(fact: Fact) -> StreamFact:
    return StreamFact(
        position=fact.position,
        version=fact.stream_version,
        type=fact.type,
        schema_version=fact.schema_version,
        source_id=fact.source_id,
        observed_at=fact.observed_at,
        recorded_at=fact.recorded_at,
        hash=fact.hash.hex(),
        sealed=bool(fact.sealed),
        metadata=_json(fact.metadata),
        body=_json(fact.body),
    )


def _json(stored: bytes) -> msgspec.Raw:
    try:
        msgspec.json.decode(stored)
    except msgspec.DecodeError:
        return msgspec.Raw(msgspec.json.encode(stored.decode(errors="replace")))
    return msgspec.Raw(stored)
