"""Waking followers in other processes: NOTIFY after commits, coalesced; a hint that may be lost, polling is the truth.

Never inside the transaction that appends: there it would cost five times the append.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import asyncpg

from eventstore.connection import CONNECTION_ERRORS
from eventstore.statements import statement

Line: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

_CHANNEL = "jurnalsync_appended"
_GIVEN_UP = "*"  # no store can have this name
_NOTIFY = statement(__package__, "notify_stores")
_QUIET_SECONDS = 0.05
_RECONNECT_SECONDS = 5.0


async def open_line(url: str, *, statement_cache_size: int) -> Line:
    """Open a connection for a `WakeLine`: it reads and writes no table, so it needs no role."""
    return await asyncpg.connect(
        url,
        statement_cache_size=statement_cache_size,
        server_settings={"application_name": "jurnalsync wake"},
        timeout=_RECONNECT_SECONDS,
    )


class WakeLine:
    """One connection that listens for stores that others appended to, and tells others of ours.

    `on_told` is called with a store's id, or None where a store was given up or anything may have been missed. Behind a
    pooler in transaction mode nothing is ever heard: then polling alone wakes.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[Line]],
        on_told: Callable[[str | None], None],
        *,
        reconnect_seconds: float = _RECONNECT_SECONDS,
    ) -> None:
        self._connect = connect
        self._reconnect_seconds = reconnect_seconds
        self._on_told = on_told
        self._line: Line | None = None
        self._retry_at = 0.0
        self._untold: set[str] = set()
        self._next_at = 0.0
        self._telling: asyncio.Task[None] | None = None

    @property
    def is_open(self) -> bool:
        """Whether the connection stands."""
        return self._line is not None and not self._line.is_closed()

    async def keep(self) -> None:
        """Open the connection, or open it again where it was lost; quick if it stands."""
        if self.is_open or asyncio.get_running_loop().time() < self._retry_at:
            return
        self._retry_at = asyncio.get_running_loop().time() + self._reconnect_seconds
        try:
            line = await self._connect()
            try:
                async with asyncio.timeout(_RECONNECT_SECONDS):
                    await line.add_listener(_CHANNEL, self._heard)
            except BaseException:
                line.terminate()
                raise
        except (*CONNECTION_ERRORS, asyncpg.PostgresError, TimeoutError):
            return
        line.add_termination_listener(self._lost)
        self._line = line
        self._on_told(None)

    def appended(self, store_id: str) -> None:
        """Tell other processes that this one appended to a store: at once, or with others after a short quiet."""
        self._tell_soon(store_id)

    def given_up(self) -> None:
        """Tell other processes that there is a store to take over."""
        self._tell_soon(_GIVEN_UP)

    def _tell_soon(self, payload: str) -> None:
        self._untold.add(payload)
        if self._telling is None and self.is_open:
            self._telling = asyncio.create_task(self._tell())

    async def close(self) -> None:
        """Tell what is still to be told, and end."""
        if self._telling is not None:
            await asyncio.gather(self._telling, return_exceptions=True)
        if self._line is not None:
            line, self._line = self._line, None
            line.remove_termination_listener(self._lost)
            with contextlib.suppress(*CONNECTION_ERRORS, asyncpg.PostgresError, TimeoutError):
                await line.close(timeout=2)

    async def _tell(self) -> None:
        """Send what is to be told, once a quiet time, until there is nothing; what cannot be sent is polled for."""
        try:
            while self._untold:
                await asyncio.sleep(max(0.0, self._next_at - asyncio.get_running_loop().time()))
                self._next_at = asyncio.get_running_loop().time() + _QUIET_SECONDS
                store_ids, self._untold = sorted(self._untold), set()
                if self._line is not None:
                    await self._line.execute(_NOTIFY, store_ids, timeout=_RECONNECT_SECONDS)
        except (*CONNECTION_ERRORS, asyncpg.PostgresError, TimeoutError):
            self._untold.clear()
        finally:
            self._telling = None

    def _heard(self, _line: object, pid: int, _channel: str, payload: object) -> None:
        # What this process told, its own followers know already.
        if self._line is None or pid != self._line.get_server_pid():
            self._on_told(None if payload == _GIVEN_UP else str(payload))

    def _lost(self, _line: object) -> None:
        self._line = None
        self._untold.clear()
        self._on_told(None)
