"""The Accounting Sync list and what a person decides by it: retry, skip, sync by hand, pause, resume."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from service.api.known_store import known_store
from service.api.requests import (
    DecisionRequest,
    RequestRefused,
    RetryRequest,
    SyncQuery,
    SyncRequest,
    body_of,
    named,
    path_part,
    place_of,
    query_of,
)
from service.api.responses import (
    RetriedPage,
    SendingChanged,
    SyncPage,
    json_response,
    problem,
)
from service.api.rows import (
    SYNC_STATUSES,
    ApiActions,
    ApiQueries,
    Decided,
    Decision,
    NotDecided,
    SyncFilter,
    SyncPageWanted,
)


class SyncListAnswers:
    """The handlers about sync records and sending. An unknown store is answered 404 before anything else is read."""

    def __init__(self, queries: ApiQueries, actions: ApiActions) -> None:
        self._queries = queries
        self._actions = actions

    async def sync(self, request: web.Request) -> web.Response:
        """Answer a page of sync records, and with the first one the count of each status."""
        store_id, store = await known_store(self._queries, request)
        asked = query_of(request, SyncQuery)
        _refuse_backwards(asked.filter)
        is_first = asked.after is None
        page = await self._queries.sync_page(
            store_id,
            SyncPageWanted(
                filter=asked.filter,
                sort=asked.sort,
                after=place_of(asked.after),
                rows_max=asked.limit,
                counted=is_first,
            ),
        )
        following = None if page.next is None else str(request.rel_url.update_query(after=named(page.next)))
        counts = {status: page.counts.get(status, 0) for status in SYNC_STATUSES} if is_first else None
        return json_response(SyncPage(records=page.records, counts=counts, paused=store.paused, next=following))

    async def retry(self, request: web.Request) -> web.Response:
        """Let one record go again."""
        return await self._decide(request, self._actions.retry, "nothing-to-retry", "Nothing to retry")

    async def skip(self, request: web.Request) -> web.Response:
        """Leave one record to the person who has seen to it."""
        return await self._decide(request, self._actions.skip, "nothing-to-skip", "Nothing to skip")

    async def retry_many(self, request: web.Request) -> web.Response:
        """Let every record go again that the filters find, a bounded number a call."""
        store_id, _ = await known_store(self._queries, request)
        asked = await body_of(request, RetryRequest)
        _refuse_backwards(asked.filter)
        done = await self._actions.retry_many(
            store_id, asked.filter, place_of(asked.after), asked.limit, asked.decision
        )
        return json_response(
            RetriedPage(
                retried=done.retried,
                untouched=dict(done.untouched),
                left=done.left,
                next=None if done.next is None else named(done.next),
            )
        )

    async def request_sync(self, request: web.Request) -> web.Response:
        """Let what waits of a range of dates go; asked again, nothing goes twice."""
        store_id, _ = await known_store(self._queries, request)
        asked = await body_of(request, SyncRequest)
        _refuse_backwards(SyncFilter(first=asked.first, last=asked.last))
        return json_response(
            await self._actions.request_sync(store_id, asked.scope, asked.first, asked.last, asked.decision)
        )

    async def pause(self, request: web.Request) -> web.Response:
        """Send nothing for the store until it is resumed; paused already, answer where that stands."""
        return await self._change_sending(request, self._actions.pause)

    async def resume(self, request: web.Request) -> web.Response:
        """Go on sending."""
        return await self._change_sending(request, self._actions.resume)

    async def _change_sending(
        self, request: web.Request, change: Callable[[str, Decision], Awaitable[int]]
    ) -> web.Response:
        store_id, _ = await known_store(self._queries, request)
        asked = await body_of(request, DecisionRequest)
        return json_response(SendingChanged(position=await change(store_id, asked.decision)))

    async def _decide(
        self,
        request: web.Request,
        decide: Callable[[str, str, Decision], Awaitable[Decided | NotDecided]],
        name: str,
        title: str,
    ) -> web.Response:
        store_id, _ = await known_store(self._queries, request)
        asked = await body_of(request, DecisionRequest)
        record_id = path_part(request, "record")
        done = NotDecided(None) if record_id is None else await decide(store_id, record_id, asked.decision)
        if isinstance(done, Decided):
            return json_response(done)
        if done.detail is None:
            detail = "The list has no such record; its `record_id` stands in the sync list."
            return problem(404, "unknown-record", "Unknown record", detail)
        return problem(409, name, title, done.detail)


def _refuse_backwards(wanted: SyncFilter) -> None:
    if wanted.first is not None and wanted.last is not None and wanted.last < wanted.first:
        detail = "The last date is before the first: swap the two."
        raise RequestRefused(problem(422, "invalid-range", "Invalid range", detail))
