"""What is answered about one store: how the ledger stands in Jurnal, single streams, and the switch to Live Mode."""

from collections.abc import Sequence
from decimal import Decimal
from typing import assert_never

import msgspec
from aiohttp import web

from eventstore.event import Fact
from service.api.known_store import known_store
from service.api.requests import (
    DifferenceQuery,
    InTransitQuery,
    InvoiceQuery,
    LiveModeRequest,
    StreamQuery,
    body_of,
    path_part,
    query_of,
)
from service.api.responses import (
    DifferencePage,
    InTransitPage,
    InvoicePage,
    PreflightReport,
    Rounded,
    ShownInvoice,
    StorePage,
    StreamFact,
    StreamPage,
    json_response,
    problem,
)
from service.api.rows import (
    INVOICE_STATUSES,
    ApiActions,
    ApiQueries,
    DifferenceFilter,
    InTransitFilter,
    LiveMode,
    NotReady,
    invoices_shown_as,
    shown_status,
)

STREAM_PAGE_BYTES_MAX = 8 * 1024 * 1024


class StoreAnswers:
    """The handlers below `/v1/stores/{store}`. An unknown store is answered 404 before anything else is read."""

    def __init__(self, queries: ApiQueries, actions: ApiActions) -> None:
        self._queries = queries
        self._actions = actions

    async def overview(self, request: web.Request) -> web.Response:
        """Answer whether the store is live and sends, and what iSeller still owes it."""
        store_id, store = await known_store(self._queries, request)
        days = tuple(await self._queries.unsettled(store_id))
        return json_response(
            StorePage(
                store=store_id,
                today=store.today,
                live_mode=store.live_mode,
                paused=store.paused,
                unsettled_total=sum((day.amount for day in days), Decimal(0)),
                unsettled=days,
            )
        )

    async def in_transit(self, request: web.Request) -> web.Response:
        """Answer a page of goods on their way and the totals by SKU."""
        store_id, _ = await known_store(self._queries, request)
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
        store_id, store = await known_store(self._queries, request)
        asked = query_of(request, InvoiceQuery)
        wanted = invoices_shown_as(
            asked.status, today=store.today, after_transaction_no=asked.after, rows_max=asked.limit + 1
        )
        rows = await self._queries.invoices(store_id, wanted)
        counts = dict.fromkeys(INVOICE_STATUSES, 0)
        counted = await self._queries.invoice_counts(store_id, store.today)
        for count in counted:
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
        rounded = Rounded(
            invoices=sum(count.rounded_invoices for count in counted),
            amount=sum((count.rounded for count in counted), Decimal(0)),
        )
        page = InvoicePage(invoices=shown, counts=counts, rounded=rounded, today=store.today, next=following)
        return json_response(page)

    async def differences(self, request: web.Request) -> web.Response:
        """Answer a page of what differs between the ledger and Jurnal."""
        store_id, _ = await known_store(self._queries, request)
        asked = query_of(request, DifferenceQuery)
        wanted = DifferenceFilter(kind=asked.kind, after=asked.after or "", rows_max=asked.limit + 1)
        rows = await self._queries.differences(store_id, wanted)
        following = _next(request, after=rows[asked.limit - 1].difference_id) if len(rows) > asked.limit else None
        return json_response(DifferencePage(differences=list(rows[: asked.limit]), next=following))

    async def stream(self, request: web.Request) -> web.Response:
        """Answer a page of one stream's facts as they are stored; nothing is ever unsealed here."""
        store_id, _ = await known_store(self._queries, request)
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
        store_id, _ = await known_store(self._queries, request)
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
        store_id, _ = await known_store(self._queries, request)
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

    async def deactivate_live_mode(self, request: web.Request) -> web.Response:
        """Refuse: Live Mode goes one way."""
        await known_store(self._queries, request)
        detail = (
            "What happens after the switch would be missing in Jurnal, and its stock and receivables would be wrong"
            " for good. To stop sending for a while, pause the store: what comes in is kept, and goes when you resume."
        )
        return problem(
            405,
            "live-mode-is-one-way",
            "Live Mode cannot be switched off",
            detail,
            headers={"Allow": "POST"},
        )


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
