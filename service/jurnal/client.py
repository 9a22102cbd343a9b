"""Sends signed requests to Jurnal, each at most once and never late.

aiohttp's trace hooks run after a connection is there and right before bytes are written: that is where the deadline
is checked for the last time, and where a second writing of the same request is stopped.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import aiohttp
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed
from yarl import URL

from eventstore.clock import Clock
from service.jurnal.exchange import NoAnswer, Response, SignedRequest

ANSWER_BYTES_MAX = 10_000_000
BRIDGE_SECONDS_MAX = 1
CONNECT_SECONDS_MAX = 10
CONNECTIONS_MAX = 20
# Shorter than any gateway keeps a connection, so that a request seldom meets one that is just being closed.
KEEP_ALIVE_SECONDS = 10
_BRIDGE_WAIT_SECONDS = 0.1


class _TooLate(Exception):
    """The deadline passed before anything was written."""


class _WrittenBefore(Exception):
    """The request would go over the wire a second time."""


class _NotConnected(Exception):
    """No connection came about, so nothing was written."""


@dataclass(slots=True)
class _Passage:
    """One request's way to the wire. `latest` is the last moment it may be written."""

    clock: Clock
    latest: datetime
    started: bool = False
    stopped: bool = False

    def start(self) -> None:
        if self.started:
            raise _WrittenBefore
        self.check()
        self.started = True

    def check(self) -> None:
        if self.clock.now() >= self.latest:
            self.stopped = True
            raise _TooLate


async def _before_headers(
    _session: Any, context: SimpleNamespace, _sent: aiohttp.TraceRequestHeadersSentParams
) -> None:
    if isinstance(context.trace_request_ctx, _Passage):
        context.trace_request_ctx.start()


async def _before_body(_session: Any, context: SimpleNamespace, _sent: aiohttp.TraceRequestChunkSentParams) -> None:
    if isinstance(context.trace_request_ctx, _Passage):
        context.trace_request_ctx.check()


class _Gate(aiohttp.TraceConfig):
    """The hooks that hold a request back; a session is known by them."""

    def __init__(self) -> None:
        super().__init__()
        self.on_request_headers_sent.append(_before_headers)
        self.on_request_chunk_sent.append(_before_body)


def open_session(connector: aiohttp.BaseConnector | None = None) -> aiohttp.ClientSession:
    """Return the only kind of session that JurnalClient accepts; the caller closes it.

    `connector` is the way to Jurnal, sockets if it is None.
    """
    if connector is None:
        connector = aiohttp.TCPConnector(limit=CONNECTIONS_MAX, keepalive_timeout=KEEP_ALIVE_SECONDS)
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "jurnalsync"},
        trace_configs=[_Gate()],
    )


class JurnalClient:
    """One company's way to Jurnal. `base_url` is scheme and host; `proxy` fixes the address that Jurnal sees.

    `clock` is the one that deadlines were made by. `deadline_seconds` bounds a request from its signed Date on.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        clock: Clock,
        *,
        deadline_seconds: float = 90,
        proxy: str | None = None,
    ) -> None:
        assert any(isinstance(config, _Gate) for config in session.trace_configs), "open_session() made no such session"
        origin = URL(base_url)
        if not origin.is_absolute() or origin.path not in {"", "/"}:
            raise ValueError("the base URL is scheme and host alone; paths are signed whole")
        self._session = session
        self._origin = str(origin.origin())
        self._clock = clock
        self._deadline_seconds = deadline_seconds
        self._proxy = proxy

    async def send(self, request: SignedRequest, deadline: datetime) -> Response | NoAnswer:
        """Send once and read the whole answer. Only a GET whose connection fails is tried again, within a second."""
        latest = min(deadline, request.signed_at + timedelta(seconds=self._deadline_seconds))
        try:
            if request.method != "GET":
                return await self._send_once(request, latest)
            async for attempt in AsyncRetrying(
                retry=retry_if_exception_type(_NotConnected),
                stop=stop_after_delay(BRIDGE_SECONDS_MAX),
                wait=wait_fixed(_BRIDGE_WAIT_SECONDS),
                reraise=True,
            ):
                with attempt:
                    return await self._send_once(request, latest)
        except _NotConnected as failed:
            return NoAnswer(reason=f"Jurnal could not be reached ({failed})", reached_wire=False)
        raise AssertionError("a bridged request ends with an answer or an exception")

    async def _send_once(self, request: SignedRequest, latest: datetime) -> Response | NoAnswer:
        passage = _Passage(self._clock, latest)
        try:
            # Before a connection is made for nothing.
            passage.check()
            return await self._exchange(request, passage)
        except _TooLate:
            return _too_late()
        except _WrittenBefore:
            return NoAnswer(reason="the connection broke before the answer", reached_wire=True)
        except TimeoutError:
            reason = "no answer within the deadline" if passage.started else "no connection within the deadline"
            return NoAnswer(reason=reason, reached_wire=passage.started)
        except (aiohttp.ClientError, OSError) as failed:
            if passage.stopped:
                # Without its body a request is not whole, whatever of its headers had left.
                return _too_late()
            if not passage.started:
                raise _NotConnected(type(failed).__name__) from failed
            reason = f"the connection broke before the answer was whole ({type(failed).__name__})"
            return NoAnswer(reason=reason, reached_wire=True)

    async def _exchange(self, request: SignedRequest, passage: _Passage) -> Response | NoAnswer:
        left = max(0.001, (passage.latest - self._clock.now()).total_seconds())
        loop = asyncio.get_running_loop()
        asked_at = loop.time()
        async with self._session.request(
            request.method,
            # Encoded already: the path on the wire must be the one that was signed, byte for byte.
            URL(f"{self._origin}{request.path}", encoded=True),
            data=request.body or None,
            headers=request.headers,
            allow_redirects=False,
            proxy=self._proxy,
            # Without a ceiling threshold aiohttp rounds a long time-out up to a whole second past the deadline.
            timeout=aiohttp.ClientTimeout(total=left, sock_connect=CONNECT_SECONDS_MAX, ceil_threshold=left + 1),
            trace_request_ctx=passage,
        ) as response:
            body = bytearray()
            async for chunk in response.content.iter_chunked(65_536):
                body += chunk
                if len(body) > ANSWER_BYTES_MAX:
                    response.close()
                    return NoAnswer(reason="the answer is larger than any of Jurnal's", reached_wire=True)
            headers = {name.lower(): value for name, value in response.headers.items()}
            seconds = loop.time() - asked_at
            return Response(status=response.status, headers=headers, body=bytes(body), seconds=seconds)


def _too_late() -> NoAnswer:
    return NoAnswer(
        reason="the deadline passed before it could be written: this process stood still, or its clock is wrong",
        reached_wire=False,
        is_late=True,
    )
