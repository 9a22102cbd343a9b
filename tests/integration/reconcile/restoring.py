"""A database that is copied, goes on, and is restored to the copy; and processes that look before they send."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from eventstore.connection import open_pool
from ops.sandbox.embedded_postgres import create_database, drop_database
from service.dispatcher import Dispatcher
from service.reconciliation_ledger import ReconciliationLedger
from service.restore_guard import RestoreGuard
from tests.integration.dispatcher.stand import Process, Stand
from tests.integration.stopped_clock import set_clock
from tests.ledger import SERVICE_ROLE


def looking(stand: Stand, **parts: Any) -> Process:
    """Start a process that looks before it sends, as the service does."""

    class Looking(Dispatcher):
        def __init__(self, *given: Any, **more: Any) -> None:
            queue, calls = given[2], given[4]
            ledger = ReconciliationLedger(stand.pool, stand.appender, stand.clock)
            super().__init__(*given, **more, guard=RestoreGuard(stand.pool, queue, calls, ledger))

    return stand.process(kind=Looking, **parts)


@dataclass
class Backups:
    """Copies of the stand's database, dropped in the end."""

    stand: Stand
    url: str
    copies: list[str] = field(default_factory=list)

    async def take(self) -> str:
        """Copy the database as it is now; return the copy's address."""
        copy = _named(self.url, f"{_name(self.url)}_copy{len(self.copies)}")
        await self._away()
        await create_database(_named(self.url, "postgres"), _name(copy), _name(self.url))
        self.copies.append(copy)
        await self.use(self.url)
        return copy

    async def restore(self, copy: str) -> None:
        """Go on with the copy, at the time it is now."""
        await self._away()
        await self.use(copy)
        await self.stand.advance(60)

    async def use(self, url: str) -> None:
        """Connect everything to a database."""
        self.stand.pool = await open_pool(url, role=SERVICE_ROLE, connections_max=6)
        self.stand.migrator = await asyncpg.connect(url)
        self.stand.__post_init__()
        await set_clock(self.stand.migrator, self.stand.clock.now())

    async def _away(self) -> None:
        await self.stand.appender.flush()
        await self.stand.pool.close()
        await self.stand.migrator.close()

    async def drop(self) -> None:
        """Drop all copies."""
        await self._away()
        for copy in self.copies:
            await drop_database(_named(self.url, "postgres"), _name(copy))


def _name(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")


def _named(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
