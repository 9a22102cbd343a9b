"""A server that may be restarted at will, its template database, and the process that forks others."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from ops.sandbox.embedded_postgres import EmbeddedPostgres
from ops.virtual.clocks import DatabaseTime
from tests.conftest import prepare_template
from tests.faults.nursery import Nursery
from tests.faults.play import Stage
from tests.faults.sim_play import Ground
from tests.servers import memory

# What is acknowledged must survive an immediate restart of the server, so commits wait for the log to be written;
# that the machine itself stays up is given, so nothing waits for the disk.
SETTINGS = {"synchronous_commit": "on", "deadlock_timeout": "50ms", "max_connections": "100"}
_TEMPLATE = "faults_template"
_GROUND = "simulator_template"


@pytest.fixture(scope="session")
def restartable_server() -> Iterator[EmbeddedPostgres]:
    """Give a server that only these tests use."""
    with EmbeddedPostgres.start(durable=False, settings=SETTINGS, scratch_in=memory()) as server:
        yield server


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """Give the process that forks appenders."""
    with Nursery() as nursery:
        yield nursery


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stage(restartable_server: EmbeddedPostgres, nursery: Nursery) -> AsyncIterator[Stage]:
    """Give what plays share."""
    await restartable_server.create_database(_TEMPLATE)
    await prepare_template(restartable_server.url(_TEMPLATE))
    yield Stage(restartable_server, _TEMPLATE, nursery)


@pytest.fixture(scope="session")
def ground(restartable_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """Give what simulated worlds share."""
    asyncio.run(restartable_server.create_database(_GROUND))
    asyncio.run(prepare_template(restartable_server.url(_GROUND)))
    DatabaseTime.prepare(restartable_server.url(_GROUND), "jurnalsync_clock")
    key_file = tmp_path_factory.mktemp("keys") / "sealing.key"
    key_file.write_text(bytes(range(32)).hex())
    return Ground(restartable_server, _GROUND, key_file)


@pytest.fixture
async def stage_url(stage: Stage) -> AsyncIterator[str]:
    """Give the address of a new, migrated database on the stage's server, dropped after the test."""
    name = f"alone_{uuid.uuid4().hex[:12]}"
    await stage.server.create_database(name, stage.template)
    yield stage.server.url(name)
    await stage.server.drop_database(name)
