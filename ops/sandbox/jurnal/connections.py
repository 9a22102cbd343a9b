"""The connections of the gateway: they wait, are cut, and leave work behind that goes on without a caller."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from aiohttp import web

T = TypeVar("T")
Wait = Callable[[float], Awaitable[None]]


class ConnectionCut(Exception):
    """The connection of a request is gone before its answer."""


class Connections:
    """Every connection and everything that waits. `wait` is how seconds pass: asyncio.sleep, or a test's own time."""

    def __init__(self, wait: Wait) -> None:
        self._wait = wait
        self._cut = asyncio.Event()
        self._transports: set[asyncio.BaseTransport] = set()
        self._under_way: set[asyncio.Task[Any]] = set()
        self._failure: BaseException | None = None

    def keep(self, request: web.Request) -> None:
        """Remember the connection of a request, to be able to cut it."""
        self._transports = {transport for transport in self._transports if not transport.is_closing()}
        if request.transport is not None:
            self._transports.add(request.transport)

    async def pause(self, seconds: float) -> None:
        """Let seconds pass. Raises ConnectionCut when all connections are cut meanwhile."""
        if seconds <= 0:
            return
        cut = asyncio.ensure_future(self._cut.wait())
        passed = asyncio.ensure_future(self._wait(seconds))
        try:
            await asyncio.wait((passed, cut), return_when=asyncio.FIRST_COMPLETED)
            if cut.done():
                raise ConnectionCut
            passed.result()
        finally:
            for waiting in (passed, cut):
                waiting.cancel()

    def begin(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Begin work that goes on whether or not its caller is still there."""
        task = asyncio.ensure_future(work)
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._under_way.discard(task)
        failure = None if task.cancelled() else task.exception()
        if failure is not None and not isinstance(failure, ConnectionCut):
            self._failure = self._failure or failure

    async def finished(self) -> None:
        """Wait for all work under way. Raises what first went wrong in it, which its caller may not have seen."""
        while self._under_way:
            await asyncio.wait(self._under_way)
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def cut_all(self) -> None:
        """Cut every connection and end everything that waits; what is half done stays half done."""
        self._cut.set()
        self._cut = asyncio.Event()
        for transport in self._transports:
            transport.close()
        self._transports.clear()


def hang_up(request: web.Request) -> web.Response:
    """Cut the connection of one request; the answer given back gets nowhere."""
    if request.transport is not None:
        request.transport.close()
    return web.Response(status=502)
