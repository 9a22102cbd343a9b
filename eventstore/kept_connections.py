"""Connections that stay with the appender while batches follow each other."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg

from eventstore.connection import Connection, Pool

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    # A connection, and when it was taken from the pool, by the loop's clock.
    _Taken: TypeAlias = tuple[PoolConnectionProxy[asyncpg.Record], float]

# Going through the pool costs about a quarter of a commit. After this time a connection goes back all the same, so that
# whoever else waits at the pool gets its turn.
_KEPT_SECONDS = 0.05


class KeptConnections:
    """Takes connections from a pool and gives them back a moment later, wanted or not."""

    def __init__(self, pool: Pool, *, kept_seconds: float = _KEPT_SECONDS) -> None:
        self._pool = pool
        self._kept_seconds = kept_seconds
        self._kept: list[_Taken] = []
        self._later: asyncio.Task[None] | None = None
        self._returns: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def one(self) -> AsyncIterator[Connection]:
        """Give a connection; after an error it goes back to the pool, which knows how to look after it."""
        loop = asyncio.get_running_loop()
        connection, taken_at = self._alive() or (await self._pool.acquire(), loop.time())
        try:
            yield connection
        except BaseException:
            await self._pool.release(connection)
            raise
        if loop.time() - taken_at > self._kept_seconds:
            await self._pool.release(connection)
            return
        self._kept.append((connection, taken_at))
        if self._later is None:
            # A task, not a timer: a loop that ends cancels its tasks, but would still run a timer's callback.
            self._later = self._start(self._give_back_later())

    async def give_back(self) -> None:
        """Give back what nobody uses now."""
        kept, self._kept = self._kept, []
        for connection, _ in kept:
            await self._pool.release(connection)

    def _alive(self) -> "_Taken | None":
        while self._kept:
            connection, taken_at = self._kept.pop()
            try:
                if not connection.is_closed():
                    return connection, taken_at
            except asyncpg.InterfaceError:
                # It broke while it was kept, and the pool has taken it back already.
                continue
            self._start(self._pool.release(connection))
        return None

    async def _give_back_later(self) -> None:
        await asyncio.sleep(self._kept_seconds)
        self._later = None
        await self.give_back()

    def _start(self, returning: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(returning)
        self._returns.add(task)
        task.add_done_callback(self._returns.discard)
        return task
