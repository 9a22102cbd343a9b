"""A real Postgres for every test that asks for one, and a database of its own for each of those tests.

DATABASE_URL names a server to use instead of the embedded one; its user must be allowed to create databases.
"""

import os
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio

from ops.sandbox.embedded_postgres import EmbeddedPostgres, create_database, drop_database

# Long runs take their seeds from the command line and write one report, whichever process played a seed.
pytest_plugins = ["tests.faults.soak"]


class PostgresServer(Protocol):
    """A server on which tests may create databases."""

    def url(self, database: str = "postgres") -> str:
        """Address of one of its databases."""


@dataclass(frozen=True, slots=True)
class GivenPostgres:
    """The server that DATABASE_URL names; it is used, never started or stopped."""

    given_url: str

    def url(self, database: str = "postgres") -> str:
        """Address of another database on the same server."""
        parts = urlsplit(self.given_url)
        return f"{parts.scheme}://{parts.netloc}/{database}" + (f"?{parts.query}" if parts.query else "")


async def prepare_template(url: str) -> None:
    """Apply every migration to the database that the tests' databases are copied from."""
    # Lazily: tests of the embedded server and of the sandbox must run where the service does not even import.
    from service.migrate import migrate_all  # noqa: PLC0415

    await migrate_all(url)


def _new_name(purpose: str) -> str:
    return f"jurnalsync_test_{purpose}_{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Give the server of this test process: DATABASE_URL's, or a throw-away one of its own."""
    given_url = os.environ.get("DATABASE_URL")
    if given_url:
        yield GivenPostgres(given_url)
        return
    with EmbeddedPostgres.start(durable=False) as server:
        yield server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def template_database(postgres_server: PostgresServer) -> AsyncIterator[str]:
    """Name of a database with all migrations applied, made once a test process. Nobody connects to it."""
    name = _new_name("template")
    await create_database(postgres_server.url(), name)
    try:
        await prepare_template(postgres_server.url(name))
        yield name
    finally:
        await drop_database(postgres_server.url(), name)


@pytest.fixture
async def empty_database_url(postgres_server: PostgresServer) -> AsyncIterator[str]:
    """Give the address of a new database with nothing in it, dropped after the test."""
    name = _new_name("empty")
    await create_database(postgres_server.url(), name, "template0")
    yield postgres_server.url(name)
    await drop_database(postgres_server.url(), name)


@pytest.fixture
async def database_url(postgres_server: PostgresServer, template_database: str) -> AsyncIterator[str]:
    """Give the address of a new, migrated database, dropped after the test."""
    name = _new_name("migrated")
    await create_database(postgres_server.url(), name, template_database)
    yield postgres_server.url(name)
    await drop_database(postgres_server.url(), name)


@pytest.fixture
async def second_database_url(postgres_server: PostgresServer, template_database: str) -> AsyncIterator[str]:
    """Give the address of another new, migrated database, dropped after the test."""
    name = _new_name("second")
    await create_database(postgres_server.url(), name, template_database)
    yield postgres_server.url(name)
    await drop_database(postgres_server.url(), name)


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Give one connection to this test's migrated database."""
    opened = await asyncpg.connect(database_url)
    yield opened
    await opened.close()
