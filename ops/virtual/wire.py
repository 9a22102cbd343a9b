"""HTTP without sockets: a real aiohttp client and a real aiohttp application, and between them what a network does.

Requests are carried whole, answers as they are written; the bytes are those that sockets would carry.
"""

import asyncio
import errno
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.client_proto import ResponseHandler

from ops.virtual.process import PROCESS, Process

_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length:"
# The end of a connection is heard of after the application has begun with what came before it.
_END_SECONDS = 0.001
_CONNECT_SECONDS = 0.001


@dataclass(frozen=True, kw_only=True, slots=True)
class Passage:
    """What becomes of one request; all in seconds from when it was written, None: never.

    `request_seconds` until it arrives, though its caller may be gone by then; `again_seconds` until it arrives once
    more; `answer_seconds` between the answer and its arrival; `reset_seconds` until the caller loses the connection.
    """

    request_seconds: float | None = 0
    again_seconds: float | None = None
    answer_seconds: float | None = 0
    reset_seconds: float | None = None


STRAIGHT = Passage()
Carrier = Callable[[bytes], Passage]


def straight(_request: bytes) -> Passage:
    """Carry a request as a good network does."""
    return STRAIGHT


class Wire:
    """The network in front of one web application, which runs in the process this was made in.

    `carrier` says what becomes of each request, and may be replaced at any time. `requests` counts those written.
    """

    def __init__(self, server: web.Server, carrier: Carrier = straight) -> None:
        self.carrier = carrier
        self.requests = 0
        self.context = copy_context()
        self._server = server
        self._process = PROCESS.get()

    @property
    def is_down(self) -> bool:
        """Whether nobody listens."""
        return self._process is not None and self._process.is_killed

    def open(self, client: "ClientEnd | None") -> "ServerEnd":
        """Open a connection to the application."""
        return self.context.run(ServerEnd, self._server, client)


# The wire that a request goes over; None: nobody listens.
Route = Callable[[aiohttp.ClientRequest], Wire | None]


def connector(route: Route) -> aiohttp.BaseConnector:
    """Return what connects a client session to applications; each request has a connection of its own."""
    return _Connector(route)


class _Connector(aiohttp.BaseConnector):
    def __init__(self, route: Route) -> None:
        # aiohttp measures how long a connection is kept in real time, and one would hide where the next request goes.
        super().__init__(force_close=True)
        self._route = route

    async def _create_connection(
        self,
        req: aiohttp.ClientRequest,
        traces: Any,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's own signature
    ) -> ResponseHandler:
        del traces, timeout
        process, wire = PROCESS.get(), self._route(req)
        if wire is None or not _may_connect(process, wire):
            raise aiohttp.ClientOSError(errno.ECONNREFUSED, f"nobody listens at {req.url.host}")
        # A connection takes a moment, in which a process may be stopped or killed.
        await asyncio.sleep(_CONNECT_SECONDS)
        if not _may_connect(process, wire):
            raise aiohttp.ClientOSError(errno.ECONNREFUSED, "the connection was refused")
        protocol = self._factory()
        protocol.connection_made(ClientEnd(wire, protocol))
        return protocol


def _may_connect(process: Process | None, wire: Wire) -> bool:
    return not wire.is_down and (process is None or not process.is_killed)


class _End(asyncio.Transport, ABC):
    """One end of a connection; what comes to it comes in its order."""

    def __init__(self, protocol: Any) -> None:
        super().__init__()
        self._protocol = protocol
        self._context = copy_context()
        self._loop = asyncio.get_running_loop()
        self._coming: deque[Callable[[], None]] = deque()
        self._last_at = 0.0
        self._is_closed = False
        self._process = PROCESS.get()
        if self._process is not None:
            self._process.connections[self] = None

    def come(self, seconds: float, what: Callable[[], None]) -> None:
        """Let something come to this end after a time, behind what is on its way already."""
        self._coming.append(what)
        self._last_at = max(self._last_at, self._loop.time() + seconds)
        if self._last_at > self._loop.time():
            self._loop.call_at(self._last_at, self._arrived, context=self._context)
        else:
            self._loop.call_soon(self._arrived, context=self._context)

    def _arrived(self) -> None:
        what = self._coming.popleft()
        what()

    def hears(self, data: bytes, seconds: float = 0) -> None:
        """Let bytes come."""

        def come() -> None:
            if not self._is_closed:
                self._protocol.data_received(data)

        self.come(seconds, come)

    def lose(self, exc: Exception | None, seconds: float = 0) -> None:
        """Let the end of the connection come."""
        self._last_at += _END_SECONDS
        self.come(seconds, lambda: self._lost(exc))

    def _lost(self, exc: Exception | None) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        if self._process is not None:
            self._process.connections.pop(self, None)
        self._protocol.connection_lost(exc)

    def sever(self) -> None:
        """Break, as seen from both ends."""
        self.abort()

    def close(self) -> None:
        """End the connection from this side."""
        if not self._is_closed:
            self._tell_other()
            self._loop.call_soon(self._lost, None, context=self._context)

    def abort(self) -> None:
        """End the connection from this side."""
        self.close()

    @abstractmethod
    def _tell_other(self) -> None:
        """Let the other end hear that this one has ended."""

    def is_closing(self) -> bool:
        """Tell whether it has ended."""
        return self._is_closed

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Know the peer's address, which the sandbox counts calls by."""
        return ("127.0.0.1", 0) if name == "peername" else default

    def get_write_buffer_size(self) -> int:
        """Return 0: what is written has left."""
        return 0

    def pause_reading(self) -> None:
        """Take all the same: memory is the only buffer there is."""

    def resume_reading(self) -> None:
        """Go on."""


class ClientEnd(_End):
    """What the client writes to: it hands on whole requests."""

    def __init__(self, wire: Wire, protocol: ResponseHandler) -> None:
        super().__init__(protocol)
        self._wire = wire
        self._server: ServerEnd | None = None
        self._written = bytearray()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Gather a request, and carry it once it is whole."""
        self._written += data
        while not self._is_closed and (end := _end_of_request(self._written)):
            request = bytes(self._written[:end])
            del self._written[:end]
            self._carry(request)

    def _carry(self, request: bytes) -> None:
        self._wire.requests += 1
        passage = self._wire.carrier(request)
        if passage.request_seconds is not None:
            server = self._at_server()
            server.answer_seconds = passage.answer_seconds
            server.hears(request, passage.request_seconds)
        if passage.again_seconds is not None:
            self._wire.open(None).hears(request, passage.again_seconds)
        if passage.reset_seconds is not None:
            self.lose(ConnectionResetError(errno.ECONNRESET, "the connection was reset"), passage.reset_seconds)

    def _at_server(self) -> "ServerEnd":
        if self._server is None:
            self._server = self._wire.open(self)
        return self._server

    def _lost(self, exc: Exception | None) -> None:
        super()._lost(exc)
        self._tell_other()

    def _tell_other(self) -> None:
        if self._server is not None:
            self._server.lose(None)
            self._server = None


class ServerEnd(_End):
    """What the application writes to. Without a client its answers get nowhere."""

    def __init__(self, server: web.Server, client: ClientEnd | None) -> None:
        protocol = server()
        super().__init__(protocol)
        self.answer_seconds: float | None = 0
        self._client = client
        protocol.connection_made(self)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send a part of an answer, or lose it."""
        if self._client is not None and self.answer_seconds is not None and not self._is_closed:
            self._client.hears(bytes(data), self.answer_seconds)

    def _tell_other(self) -> None:
        # A lost answer is followed by nothing: the client waits until its own patience ends.
        if self._client is not None and self.answer_seconds is not None:
            self._client.lose(None, self.answer_seconds)
        self._client = None


def _end_of_request(written: bytearray) -> int:
    """Return where the first request ends, 0 while it is not whole. Bodies have their length told."""
    head = written.find(_END_OF_HEAD)
    if head < 0:
        return 0
    told = written[:head].lower().find(_LENGTH)
    length = 0
    if told >= 0:
        length = int(written[told + len(_LENGTH) : head].split(b"\r\n", 1)[0])
    end = head + len(_END_OF_HEAD) + length
    return end if len(written) >= end else 0
