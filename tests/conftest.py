"""A real Postgres for every test that asks for one, and a database of its own for each of those tests.

DATABASE_URL names a server to use instead of the embedded one; its user must be allowed to create databases.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from urllib.parse import urlsplit

import asyncpg
import pytest

from ops.sandbox.embedded_postgres import create_database, drop_database
from tests.servers import GIVEN, KINDS, MAIN, PostgresServer, Servers, why_missing

# Long runs take their seeds from the command line and write one report, whichever process played a seed.
pytest_plugins = ["tests.faults.soak"]


async def prepare_template(url: str) -> None:
    """Apply every migration to the database that the tests' databases are copied from."""
    # Lazily: tests of the embedded server and of the sandbox must run where the service does not even import.
    from service.migrate import migrate_all  # noqa: PLC0415

    await migrate_all(url)


def _new_name(purpose: str) -> str:
    return f"jurnalsync_test_{purpose}_{uuid.uuid4().hex[:12]}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test marked `servers` on every kind of server."""
    if metafunc.definition.get_closest_marker("servers") is not None and "server_kind" in metafunc.fixturenames:
        metafunc.parametrize("server_kind", KINDS, indirect=True)


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Give what starts servers for this test process, and ends them with it."""
    with ExitStack() as stack:
        started = Servers(stack)
        yield started
        if MAIN == GIVEN and (given := started.direct(GIVEN).url()) in started.templates:
            asyncio.run(drop_database(given, started.templates[given]))


@pytest.fixture
def server_kind(request: pytest.FixtureRequest) -> str:
    """Name the kind of server this test runs on; skips where the machine has none."""
    kind: str = getattr(request, "param", MAIN)
    if reason := why_missing(kind):
        pytest.skip(reason)
    return kind


@pytest.fixture
def postgres_server(servers: Servers, server_kind: str) -> PostgresServer:
    """Give the server itself: DATABASE_URL's, or a throw-away one of its own."""
    return servers.direct(server_kind)


@pytest.fixture
async def template_database(servers: Servers, server_kind: str) -> str:
    """Name of a database with all migrations applied, made once a server. Nobody connects to it."""
    server = servers.direct(server_kind)
    if server.url() not in servers.templates:
        name = _new_name("template")
        await create_database(server.url(), name)
        await prepare_template(server.url(name))
        servers.templates[server.url()] = name
    return servers.templates[server.url()]


def _name_in(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")


@asynccontextmanager
async def _database(server: PostgresServer, purpose: str, template: str) -> AsyncIterator[str]:
    """Make a database on `server`, and drop it in the end."""
    name = _new_name(purpose)
    await create_database(server.url(), name, template)
    try:
        yield name
    finally:
        await drop_database(server.url(), name)


@pytest.fixture
async def direct_empty_database_url(postgres_server: PostgresServer) -> AsyncIterator[str]:
    """Give the address of a new database with nothing in it around any pooler, dropped after the test."""
    async with _database(postgres_server, "empty", "template0") as name:
        yield postgres_server.url(name)


@pytest.fixture
def empty_database_url(servers: Servers, server_kind: str, direct_empty_database_url: str) -> str:
    """Give the address of a new database with nothing in it, as the service has it."""
    return servers.reached(server_kind).url(_name_in(direct_empty_database_url))


@pytest.fixture
async def direct_database_url(postgres_server: PostgresServer, template_database: str) -> AsyncIterator[str]:
    """Give the address of a new, migrated database around any pooler, dropped after the test."""
    async with _database(postgres_server, "migrated", template_database) as name:
        yield postgres_server.url(name)


@pytest.fixture
def database_url(servers: Servers, server_kind: str, direct_database_url: str) -> str:
    """Give the address of the test's migrated database as the service has it: through the pooler, if there is one."""
    return servers.reached(server_kind).url(_name_in(direct_database_url))


@pytest.fixture
async def second_database_url(servers: Servers, server_kind: str, template_database: str) -> AsyncIterator[str]:
    """Give the address of another new, migrated database, dropped after the test."""
    async with _database(servers.direct(server_kind), "second", template_database) as name:
        yield servers.reached(server_kind).url(name)


@pytest.fixture
async def connection(direct_database_url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Give one connection to this test's migrated database, around any pooler: a session of its own."""
    opened = await asyncpg.connect(direct_database_url)
    yield opened
    await opened.close()
