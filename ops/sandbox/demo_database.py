"""The demo's database: on a Postgres of its own, or a new one on the server that DATABASE_URL names."""

import uuid
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from ops.sandbox.embedded_postgres import EmbeddedPostgres, create_database, drop_database

# The login owns nothing and inherits nothing: all it can do is act as the service's role.
_SERVICE_LOGIN = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'jurnalsync_login') THEN
        CREATE ROLE jurnalsync_login LOGIN NOINHERIT;
    END IF;
    GRANT jurnalsync_service TO jurnalsync_login;
END $$
"""


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

    async def make_service_login(self) -> str:
        """Make a login that may do no more than the service's role, and return the address with it.

        On a server of somebody else's the given login serves: making logins there is not ours to do.
        """
        if self._server is None:
            return self.url
        connection = await asyncpg.connect(self.url)
        try:
            await connection.execute(_SERVICE_LOGIN)
        finally:
            await connection.close()
        return self._server.url(self.name, "jurnalsync_login")

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
