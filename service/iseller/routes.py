"""Webhooks in: `POST /iseller/{store}/{type}`, or `/batch` in bulk. The answer comes after the durable commit."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from math import ceil
from typing import Any, Literal

import msgspec
import structlog
from aiohttp import web

from eventstore.clock import Clock
from eventstore.connection import CONNECTION_ERRORS
from eventstore.errors import AppendQueueFull, LedgerBehind, LedgerNotFound
from eventstore.facts.registry import REPORT_KINDS
from service.iseller.batch import LINES_MAX, EmptyBatch, TooManyLines, take_lines
from service.iseller.intake import Intake, Taken
from service.iseller.verify import RefusalCause, WebhookLimits, WebhookRefused, check
from service.telemetry.logs import LogEvent

Refusal = RefusalCause | Literal["unknown_store", "unknown_type", "too_large", "queue_full", "other"]

WEBHOOK_TYPES = ("order", "fulfillment", "refund", "member", "payout")
_STORE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}", re.ASCII)
_ENCODER = msgspec.json.Encoder()
_DATABASE_RETRY_SECONDS = 2
_UNKNOWN_STORE = "no store of this name is connected"


class BodyLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How large a webhook's body may be, and how long it may take to arrive."""

    body_bytes_max: int = 1024 * 1024
    batch_bytes_max: int = 16 * 1024 * 1024
    body_seconds_max: float = 30


def _ignore(_name: str) -> None:
    """Count nothing."""


class IntakeDependencies(msgspec.Struct, frozen=True, kw_only=True):
    """What the webhook routes need. `api_key_of` returns None for a store that is not connected.

    `wake_poller` is called with the store; `on_refused` and `on_taken` count refusals and outcomes.
    """

    intake: Intake
    clock: Clock
    api_key_of: Callable[[str], Awaitable[bytes | None]]
    wake_poller: Callable[[str], None]
    webhook_limits: WebhookLimits = WebhookLimits()
    body_limits: BodyLimits = BodyLimits()
    on_refused: Callable[[Refusal], None] = _ignore
    on_taken: Callable[[str], None] = _ignore


class _Signed(msgspec.Struct, frozen=True):
    """A body whose signature holds."""

    store_id: str
    body: bytes
    sent_at: datetime
    metadata: dict[str, object]


Take = Callable[[_Signed], Awaitable[web.Response]]


class _Refused(Exception):
    """The request is turned away before its signature was looked at."""

    def __init__(self, refusal: Refusal, status: int, detail: str) -> None:
        super().__init__(detail)
        self.refusal = refusal
        self.status = status
        self.detail = detail


def intake_routes(dependencies: IntakeDependencies) -> list[web.RouteDef]:
    """Return the routes of single webhooks and of batches."""
    webhook = _Webhook(dependencies)
    return [
        web.post("/iseller/{store}/batch", webhook.answer_batch),
        web.post("/iseller/{store}/{type}", webhook.answer),
    ]


class _Webhook:
    def __init__(self, dependencies: IntakeDependencies) -> None:
        self._needs = dependencies
        self._log = structlog.get_logger()

    async def answer(self, request: web.Request) -> web.Response:
        type_ = request.match_info["type"]
        if type_ not in WEBHOOK_TYPES:
            return self._refuse("unknown_type", 404, f"known types are {', '.join(WEBHOOK_TYPES)}")
        return await self._serve(request, partial(self._take, type_), batch=False)

    async def answer_batch(self, request: web.Request) -> web.Response:
        return await self._serve(request, self._take_batch, batch=True)

    async def _serve(self, request: web.Request, take: Take, *, batch: bool) -> web.Response:
        store_id = request.match_info["store"]
        try:
            return await take(await self._verified(request, store_id, batch=batch))
        except _Refused as refused:
            return self._refuse(refused.refusal, refused.status, refused.detail)
        except WebhookRefused as refused:
            return self._refuse(refused.cause, 401, refused.reason, store_id)
        except LedgerNotFound:
            return self._refuse("unknown_store", 404, _UNKNOWN_STORE)
        except AppendQueueFull as full:
            self._needs.on_refused("queue_full")
            return _try_later("too many facts are waiting for the ledger", full.retry_after_seconds)
        except (LedgerBehind, *CONNECTION_ERRORS) as error:
            # The driver's texts may hold addresses; the name of the error is enough to find the cause.
            self._log.error(LogEvent.APPEND_FAILED, store=store_id, error=type(error).__name__)
            return _try_later("the ledger cannot be reached; nothing was acknowledged", _DATABASE_RETRY_SECONDS)

    async def _verified(self, request: web.Request, store_id: str, *, batch: bool) -> _Signed:
        api_key = await self._needs.api_key_of(store_id) if _STORE.fullmatch(store_id) else None
        if api_key is None:
            raise _Refused("unknown_store", 404, _UNKNOWN_STORE)
        if "Content-Encoding" in request.headers:
            # What aiohttp unpacked is not what was signed, and may be a thousand times what the limit counts.
            raise _Refused("other", 415, "a webhook's body comes as it was signed, without a Content-Encoding")
        limits = self._needs.body_limits
        bytes_max = limits.batch_bytes_max if batch else limits.body_bytes_max
        body = await _read_body(request, bytes_max, limits.body_seconds_max)
        timestamp, signature = request.headers.get("Timestamp"), request.headers.get("Signature")
        sent_at = check(
            api_key,
            body,
            timestamp=timestamp,
            signature=signature,
            now=self._needs.clock.now(),
            limits=self._needs.webhook_limits,
        )
        # The signature is not kept: with the API key, erased personal values could be guessed against it.
        channel = "batch" if batch else "webhook"
        metadata: dict[str, object] = {"channel": channel, "timestamp": timestamp}
        return _Signed(store_id, body, sent_at, metadata)

    async def _take(self, type_: str, signed: _Signed) -> web.Response:
        taken = await self._needs.intake.take(
            signed.store_id, REPORT_KINDS[type_], signed.body, observed_at=signed.sent_at, metadata=signed.metadata
        )
        if taken.thin or taken.outcome == "duplicate":
            self._needs.wake_poller(signed.store_id)
        self._needs.on_taken(taken.outcome)
        return _answer(taken)

    async def _take_batch(self, signed: _Signed) -> web.Response:
        try:
            results = await take_lines(
                self._needs.intake,
                signed.store_id,
                signed.body,
                line_bytes_max=self._needs.body_limits.body_bytes_max,
                observed_at=signed.sent_at,
                metadata=signed.metadata,
            )
        except TooManyLines:
            raise _Refused("too_large", 413, f"a batch holds at most {LINES_MAX} lines; send it in parts") from None
        except EmptyBatch:
            raise _Refused("other", 422, 'the batch holds no line; one is {"type": …, "report": {…}} in JSON') from None
        for result in results:
            self._needs.on_taken(result.outcome)
        return web.Response(body=_ENCODER.encode_lines(results), content_type="application/x-ndjson")

    def _refuse(self, refusal: Refusal, status: int, detail: str, store_id: str | None = None) -> web.Response:
        self._needs.on_refused(refusal)
        # A store that is not ours is anybody's text and stays out of the log.
        self._log.warning(LogEvent.WEBHOOK_REFUSED, store=store_id, cause=refusal)
        return problem(status, detail)


async def _read_body(request: web.Request, bytes_max: int, seconds_max: float) -> bytes:
    """Return the body, giving up as soon as it is over a limit, whether or not it announced its length."""
    too_large = _Refused("too_large", 413, f"the body is larger than {bytes_max} bytes")
    if (request.content_length or 0) > bytes_max:
        raise too_large
    content = request.content
    if content.is_eof():
        # A small body comes with its head: nothing to wait for, so no clock either.
        arrived = content.read_nowait()
        if len(arrived) > bytes_max:
            raise too_large
        return arrived
    body = bytearray()
    try:
        async with asyncio.timeout(seconds_max):
            async for chunk in content.iter_any():
                body += chunk
                if len(body) > bytes_max:
                    raise too_large
    except TimeoutError:
        raise _Refused("other", 408, f"the body did not arrive within {seconds_max:g} s") from None
    return bytes(body)


def _answer(taken: Taken) -> web.Response:
    if taken.outcome == "unreadable":
        return problem(
            422,
            "the body was kept but cannot be read; it shows as Failed in the sync status",
            field=taken.field,
            reason=taken.reason,
            position=taken.position,
        )
    return _json(200, {"position": taken.position, "outcome": taken.outcome}, "application/json")


def problem(status: int, detail: str, **members: str | int) -> web.Response:
    """Return an answer of type application/problem+json (RFC 9457)."""
    titles = {
        401: "Not signed by iSeller",
        404: "Not found",
        408: "Too slow",
        413: "Body too large",
        415: "Encoded body",
        422: "Unreadable",
        503: "Try later",
    }
    document = {"type": "about:blank", "title": titles[status], "status": status, "detail": detail, **members}
    return _json(status, document, "application/problem+json")


def _try_later(detail: str, retry_after_seconds: float) -> web.Response:
    answer = problem(503, detail)
    answer.headers["Retry-After"] = str(ceil(retry_after_seconds))
    return answer


def _json(status: int, document: dict[str, Any], content_type: str) -> web.Response:
    return web.Response(status=status, body=_ENCODER.encode(document), content_type=content_type)
