"""The connections of the gateway: they wait, are cut, and leave work behind that goes on without a caller."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from aiohttp import web

Wait = Callable[[float], Awaitable[None]]


class ConnectionCut(Exception):
    """The connection of a request is gone before its answer."""


class Connections:
    """Every connection and everything that waits. `wait` is how seconds pass: asyncio.sleep, or a test's own time."""

    def __init__(self, wait: Wait) -> None:
        self._wait = wait
        self._cut = asyncio.Event()
        self._transports: set[asyncio.BaseTransport] = set()
        self._unseen: set[asyncio.Task[Any]] = set()

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

    def go_on(self, work: Coroutine[Any, Any, object]) -> None:
        """Let work go on that no caller waits for."""
        task = asyncio.ensure_future(_quietly(work))
        self._unseen.add(task)
        task.add_done_callback(self._unseen.discard)

    async def finished(self) -> None:
        """Wait for all work that no caller waits for."""
        while self._unseen:
            await asyncio.gather(*self._unseen)

    def cut_all(self) -> None:
        """Cut every connection and end everything that waits; what is half done stays half done."""
        self._cut.set()
        self._cut = asyncio.Event()
        for transport in self._transports:
            transport.close()
        self._transports.clear()


async def _quietly(work: Coroutine[Any, Any, object]) -> None:
    """Run work to its end, or to the cut."""
    try:
        await work
    except ConnectionCut:
        return


def hang_up(request: web.Request) -> web.Response:
    """Cut the connection of one request; the answer given back gets nowhere."""
    if request.transport is not None:
        request.transport.close()
    return web.Response(status=502)
