"""The route table of the API: every path, what it may be asked, and what it answers."""

from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

from service.api.authorization import BearerToken
from service.api.openapi import Endpoint, openapi
from service.api.requests import (
    DecisionRequest,
    DifferenceQuery,
    InTransitQuery,
    InvoiceQuery,
    LiveModeRequest,
    RequestRefused,
    RetryRequest,
    StreamQuery,
    SyncQuery,
    SyncRequest,
)
from service.api.responses import (
    DifferencePage,
    InTransitPage,
    InvoicePage,
    PreflightReport,
    RetriedPage,
    SendingChanged,
    StorePage,
    StreamPage,
    SyncPage,
)
from service.api.rows import ApiActions, ApiQueries, Decided, LiveMode, SyncAsked
from service.api.settings_routes import SettingsCalls, settings_endpoints
from service.api.stores import StoreAnswers
from service.api.sync_list import SyncListAnswers

Handler = Callable[[web.Request], Awaitable[web.Response]]

_STORE = "/v1/stores/{store}"


def api_routes(queries: ApiQueries, actions: ApiActions, settings: SettingsCalls, token: str) -> list[web.RouteDef]:
    """Return the routes under /v1, every one behind the bearer `token`. Raises `ValueError` for an empty one."""
    bearer = BearerToken(token)
    return [
        web.route(endpoint.method, endpoint.path, _guarded(bearer, endpoint.handler))
        for endpoint in api_endpoints(queries, actions, settings)
    ]


def api_endpoints(queries: ApiQueries, actions: ApiActions, settings: SettingsCalls) -> list[Endpoint]:
    """Return what `api_routes` serves, unguarded and described."""
    answers, listed = StoreAnswers(queries, actions), SyncListAnswers(queries, actions)
    endpoints = [*_reading(answers), *_listing(listed), *_sending(listed), *_going_live(answers)]
    endpoints += settings_endpoints(queries, settings)

    async def describe(_request: web.Request) -> web.Response:
        return web.Response(body=msgspec.json.encode(openapi(endpoints)), content_type="application/json")

    endpoints.append(
        Endpoint(
            method="GET",
            path="/v1/openapi.json",
            name="openapi",
            summary="This description, OpenAPI 3.1",
            handler=describe,
            answers={200: None},
        )
    )
    return endpoints


def _reading(answers: StoreAnswers) -> list[Endpoint]:
    return [
        Endpoint(
            method="GET",
            path=_STORE,
            name="store",
            summary="Whether the store is live and sends, and what iSeller still owes it",
            handler=answers.overview,
            answers={200: StorePage},
            refusals=(404,),
        ),
        Endpoint(
            method="GET",
            path=f"{_STORE}/in-transit",
            name="in-transit",
            summary="Goods between two outlets, by transfer and SKU",
            handler=answers.in_transit,
            query=InTransitQuery,
            answers={200: InTransitPage},
            refusals=(400, 404),
        ),
        Endpoint(
            method="GET",
            path=f"{_STORE}/invoices",
            name="invoices",
            summary="Invoices and what is paid of them",
            handler=answers.invoices,
            query=InvoiceQuery,
            answers={200: InvoicePage},
            refusals=(400, 404),
        ),
        Endpoint(
            method="GET",
            path=f"{_STORE}/differences",
            name="differences",
            summary="Where the ledger and Jurnal differ, with what to do",
            handler=answers.differences,
            query=DifferenceQuery,
            answers={200: DifferencePage},
            refusals=(400, 404),
        ),
        Endpoint(
            method="GET",
            path=f"{_STORE}/streams/{{stream}}",
            name="stream",
            summary="The facts of one business object as stored, personal values as tokens",
            handler=answers.stream,
            query=StreamQuery,
            answers={200: StreamPage},
            refusals=(400, 404),
        ),
    ]


def _listing(answers: SyncListAnswers) -> list[Endpoint]:
    return [
        Endpoint(
            method="GET",
            path=f"{_STORE}/sync",
            name="sync",
            summary="Business documents on their way to Jurnal, and how many stand where",
            handler=answers.sync,
            query=SyncQuery,
            answers={200: SyncPage},
            refusals=(400, 404, 422),
        ),
        Endpoint(
            method="POST",
            path=f"{_STORE}/sync/retry",
            name="retry-many",
            summary="Let every record go again that the filters find; repeat it with `after` until nothing is left",
            handler=answers.retry_many,
            body=RetryRequest,
            answers={200: RetriedPage},
            refusals=(400, 404, 413, 422),
        ),
        *(
            Endpoint(
                method="POST",
                path=f"{_STORE}/sync/{{record}}/{name}",
                name=name,
                summary=summary,
                handler=handler,
                body=DecisionRequest,
                answers={200: Decided},
                refusals=(400, 404, 409, 413, 422),
            )
            for name, summary, handler in (
                ("retry", "Let a record go again that failed, is held or was skipped", answers.retry),
                (
                    "skip",
                    "Leave a record to the person who has seen to it: nothing of it is sent any more",
                    answers.skip,
                ),
            )
        ),
    ]


def _sending(answers: SyncListAnswers) -> list[Endpoint]:
    return [
        Endpoint(
            method="POST",
            path=f"{_STORE}/sync-requests",
            name="request-sync",
            summary="Send what waits or failed of a range of dates; repeating it is harmless",
            handler=answers.request_sync,
            body=SyncRequest,
            answers={200: SyncAsked},
            refusals=(400, 404, 413, 422),
        ),
        *(
            Endpoint(
                method="POST",
                path=f"{_STORE}/{name}",
                name=name,
                summary=summary,
                handler=handler,
                body=DecisionRequest,
                answers={200: SendingChanged},
                refusals=(400, 404, 413, 422),
            )
            for name, summary, handler in (
                ("pause", "Send nothing to Jurnal for this store until it is resumed", answers.pause),
                ("resume", "Go on sending to Jurnal for this store", answers.resume),
            )
        ),
    ]


def _going_live(answers: StoreAnswers) -> list[Endpoint]:
    return [
        Endpoint(
            method="GET",
            path=f"{_STORE}/preflight",
            name="preflight",
            summary="What stands between the store and Live Mode",
            handler=answers.preflight,
            answers={200: PreflightReport},
            refusals=(404,),
        ),
        Endpoint(
            method="POST",
            path=f"{_STORE}/live-mode",
            name="activate-live-mode",
            summary="Start booking in Jurnal; there is no way back",
            handler=answers.activate_live_mode,
            body=LiveModeRequest,
            answers={200: LiveMode},
            refusals=(400, 404, 409, 413, 422),
        ),
        Endpoint(
            method="DELETE",
            path=f"{_STORE}/live-mode",
            name="deactivate-live-mode",
            summary="Always refused: Live Mode cannot be switched off",
            handler=answers.deactivate_live_mode,
            refusals=(404, 405),
        ),
    ]


def _guarded(bearer: BearerToken, handler: Handler) -> Handler:
    async def guarded(request: web.Request) -> web.Response:
        refusal = bearer.refusal(request)
        if refusal is not None:
            return refusal
        try:
            return await handler(request)
        except RequestRefused as refused:
            return refused.response

    return guarded
