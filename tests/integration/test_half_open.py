"""Connections to Postgres that look alive and pass nothing: given up in time, and what they held is freed."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from eventstore.appender import Appender
from eventstore.clock import SystemClock
from eventstore.connection import CONNECTION_ERRORS, Connection, ConnectionLimits, Pool, closing, open_pool
from eventstore.event import Appended
from eventstore.store import LedgerReader, open_ledger
from tests.ledger import NOON, SERVICE_ROLE, STORE, member
from tests.proxy import BOTH_WAYS, PostgresProxy, Way

LIMITS = ConnectionLimits(connect_seconds_max=0.5, command_seconds_max=0.5, idle_transaction_seconds_max=1)
# A command is given up, then its cancelling is; each of them in its own time.
GIVEN_UP_SECONDS_MAX = 10
DEAD = [
    pytest.param(BOTH_WAYS, id="both"),
    pytest.param(frozenset({Way.TO_SERVER}), id="to_server"),
    pytest.param(frozenset({Way.TO_CLIENT}), id="to_client"),
]


@pytest.fixture
async def proxy(database_url: str) -> AsyncIterator[PostgresProxy]:
    """Give a way to the database that can go dead."""
    async with PostgresProxy(database_url) as opened:
        yield opened


@pytest.fixture
async def pool(proxy: PostgresProxy) -> AsyncIterator[Pool]:
    """Give a pool behind it, with little patience."""
    opened = await open_pool(proxy.url, role=SERVICE_ROLE, connections_max=2, limits=LIMITS)
    async with closing(opened):
        await open_ledger(opened, STORE, recorded_at=NOON)
        yield opened


@pytest.mark.parametrize("ways", DEAD)
async def test_a_half_open_connection_is_given_up_and_the_next_one_works(
    proxy: PostgresProxy, pool: Pool, ways: frozenset[Way]
) -> None:
    """Neither the command, nor its cancelling, nor a new connection is waited for for ever."""
    proxy.go_dead(ways)
    for _ in range(2):
        began = time.monotonic()
        with pytest.raises(CONNECTION_ERRORS):
            async with pool.acquire() as connection, connection.transaction():
                await connection.fetchval("SELECT 1")
        assert time.monotonic() - began < GIVEN_UP_SECONDS_MAX
    proxy.mend()
    assert await pool.fetchval("SELECT 1") == 1


@pytest.mark.parametrize("ways", DEAD)
async def test_an_append_whose_connection_goes_half_open_is_stored_once(
    proxy: PostgresProxy, pool: Pool, connection: Connection, ways: frozenset[Way]
) -> None:
    """Written or not, nobody hears: it is tried until the way is mended, and stands once at the place it is told."""
    appender = Appender(pool, SystemClock())
    await appender.append(STORE, [member(1)])
    proxy.go_dead(ways)
    appending = asyncio.create_task(appender.append(STORE, [member(2)]))
    proxy.accepted.clear()
    async with asyncio.timeout(GIVEN_UP_SECONDS_MAX):
        await proxy.accepted.wait()
    proxy.mend()
    async with asyncio.timeout(GIVEN_UP_SECONDS_MAX):
        assert positions_of(await appending) == [2]
    stored = await LedgerReader(pool).read_after(STORE, 0, 10)
    assert [fact.source_id for fact in stored] == ["member:1", "member:2"]
    assert await connection.fetchval("SELECT position FROM ledger_head") == 2


def positions_of(results: object) -> list[int]:
    """Return the positions of appended facts, whether just now or by a try that nobody heard of."""
    assert isinstance(results, list | tuple)
    return [result.position for result in results]


async def test_what_a_half_open_connection_has_locked_is_freed(
    proxy: PostgresProxy, pool: Pool, database_url: str
) -> None:
    """Its server process waits in a transaction for a client that is gone: others append after its limit."""
    async with pool.acquire() as stuck:
        transaction = stuck.transaction()
        await transaction.start()
        await stuck.execute("SELECT 1 FROM ledger_head FOR UPDATE")
        proxy.go_dead()
        other = await open_pool(database_url, role=SERVICE_ROLE, connections_max=1)
        async with closing(other), asyncio.timeout(GIVEN_UP_SECONDS_MAX):
            assert await Appender(other, SystemClock()).append(STORE, [member(1)]) == [Appended(1, 1)]
        with pytest.raises(CONNECTION_ERRORS):
            await transaction.rollback()


async def test_a_process_with_half_open_connections_ends_in_time(proxy: PostgresProxy) -> None:
    """Closing its pool says nothing to a server that does not answer: it is dropped."""
    began = time.monotonic()
    async with closing(await open_pool(proxy.url, role=SERVICE_ROLE, connections_max=2, limits=LIMITS)) as opened:
        await opened.fetchval("SELECT 1")
        proxy.go_dead()
    assert time.monotonic() - began < GIVEN_UP_SECONDS_MAX


async def test_no_pool_is_open_that_nothing_answers(proxy: PostgresProxy) -> None:
    """A start behind a dead way fails in time, and says so."""
    proxy.go_dead()
    with pytest.raises(TimeoutError):
        await open_pool(proxy.url, role=SERVICE_ROLE, connections_max=2, limits=LIMITS)
