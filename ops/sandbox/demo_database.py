"""The demo's database: on a Postgres of its own, or a new one on the server that DATABASE_URL names."""

import uuid
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from ops.sandbox.embedded_postgres import EmbeddedPostgres, create_database, drop_database


class DemoDatabase:
    """One database. `open` makes it; `close` drops it from a given server, or stops the embedded one."""

    def __init__(self, server_url: str | None, major: int, kept_in: Path | None) -> None:
        self._server_url = server_url
        self._major = major
        self._kept_in = kept_in
        self._server: EmbeddedPostgres | None = None
        self.name = f"jurnalsync_demo_{uuid.uuid4().hex[:12]}"
        self.url = ""

    async def open(self) -> str:
        """Make it and return one line about where it is."""
        if self._server_url is not None:
            await create_database(self._server_url, self.name, "template0")
            parts = urlsplit(self._server_url)
            self.url = f"{parts.scheme}://{parts.netloc}/{self.name}" + (f"?{parts.query}" if parts.query else "")
            return f"new database {self.name} on the server that DATABASE_URL names"
        folder = None if self._kept_in is None else self._kept_in / "postgres"
        self._server = EmbeddedPostgres.start(self._major, durable=folder is not None, directory=folder)
        await self._server.create_database(self.name)
        self.url = self._server.url(self.name)
        return f"Postgres {self._major}, embedded, on port {self._server.port}"

    async def facts(self, store: str) -> int:
        """Return how many facts the store's ledger holds; positions have no gaps."""
        connection = await asyncpg.connect(self.url)
        try:
            position = await connection.fetchval("SELECT position FROM ledger_head WHERE store_id = $1", store)
        finally:
            await connection.close()
        return int(position or 0)

    async def close(self) -> None:
        """Let go of it; what was asked to be kept stays."""
        if self._server is not None:
            self._server.stop()
        elif self._server_url is not None and self.url and self._kept_in is None:
            await drop_database(self._server_url, self.name)
