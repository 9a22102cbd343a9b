"""Databases for a benchmark on its own server: migrated ones for ours, empty ones for the limit."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count

import asyncpg
import msgspec

from eventstore.appender import Appender
from eventstore.clock import SystemClock
from eventstore.connection import Pool, open_pool
from eventstore.store import LedgerReader, open_ledger
from ops.bench.limits import Limits, open_limits
from ops.bench.payload import OBSERVED_AT
from ops.bench.peer import Peer, open_peer
from ops.sandbox.embedded_postgres import EmbeddedPostgres
from service.migrate import migrate_all

STORE = "kopi-nusantara"
SERVICE_ROLE = "jurnalsync_service"
_TEMPLATE = "migrated"
_LOG_FILES = 40
SERVER_SETTINGS = {"min_wal_size": f"{_LOG_FILES * 16}MB"}


class Ours(msgspec.Struct, frozen=True):
    """Our side of a case: a migrated database, acted on as the service's role. `kept`: connections that keep plans."""

    url: str
    pool: Pool
    kept: Pool
    reader: LedgerReader
    appender: Appender


class Stand:
    """Gives every case its own pair of databases on one server, so that no case sees the table of another."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self._server = server
        self._numbers = count(1)

    async def prepare(self) -> None:
        """Migrate the database that ours are copied from, and let the server's log grow to the size it will keep.

        A server that has run for a while writes its log into files it has already. A new one makes each file of 16 MB
        when it needs it, and every commit waits for that, ours as well as the limit's.
        """
        connection = await asyncpg.connect(self._server.url())
        for _ in range(_LOG_FILES):
            await connection.execute("SELECT pg_logical_emit_message(true, '', '')")
            await connection.execute("SELECT pg_switch_wal()")
        await connection.execute("CHECKPOINT")
        await connection.close()
        await self._server.create_database(_TEMPLATE)
        await migrate_all(self._server.url(_TEMPLATE), service_role=SERVICE_ROLE)

    @asynccontextmanager
    async def pair(self, connections: int) -> AsyncIterator[tuple[Ours, Limits]]:
        """Open both sides with the same number of connections."""
        async with AsyncExitStack() as stack:
            ours = await stack.enter_async_context(self.ours(connections))
            limits = await stack.enter_async_context(self.limits(connections))
            yield ours, limits

    @asynccontextmanager
    async def ours(self, connections: int) -> AsyncIterator[Ours]:
        """Open an empty ledger."""
        name = f"ours_{next(self._numbers)}"
        await self._server.create_database(name, _TEMPLATE)
        url = self._server.url(name)
        pool = await open_pool(url, role=SERVICE_ROLE, connections_max=connections)
        kept = await open_pool(url, role=SERVICE_ROLE, connections_max=connections, plans="kept")
        appender = Appender(kept, SystemClock())
        try:
            await open_ledger(pool, STORE, recorded_at=OBSERVED_AT)
            yield Ours(url, pool, kept, LedgerReader(pool), appender)
        finally:
            await appender.flush()
            await kept.close()
            await pool.close()

    @asynccontextmanager
    async def limits(self, connections: int) -> AsyncIterator[Limits]:
        """Open the limit's empty tables."""
        name = f"limit_{next(self._numbers)}"
        await self._server.create_database(name)
        async with open_limits(self._server.url(name), connections=connections) as limits:
            yield limits

    @asynccontextmanager
    async def peer(self, connections: int) -> AsyncIterator[Peer | None]:
        """Open the outside anchor's empty table, or None where it is not installed."""
        name = f"peer_{next(self._numbers)}"
        await self._server.create_database(name)
        async with open_peer(self._server.url(name), connections=connections) as peer:
            yield peer
