"""Acknowledged is stored, once, whatever dies when."""

import asyncio

import asyncpg

from eventstore.appender import Appender, AppenderLimits
from eventstore.clock import SystemClock
from eventstore.connection import CONNECTION_ERRORS, Pool
from eventstore.event import AppendResult, VersionConflict
from eventstore.store import LedgerReader
from eventstore.verify import Whole, verify_ledger
from ops.sandbox.embedded_postgres import EmbeddedPostgres
from service.migrate import migrate_all
from tests.ledger import STORE, member, service_pool

LIMITS = AppenderLimits(batch_facts_max=10, reconnect_wait_seconds=0.02, reconnect_attempts_max=500)


async def stored_once(pool: Pool, acknowledged: dict[str, AppendResult]) -> None:
    """Assert that every acknowledged fact stands once, where its answer said, in a whole ledger."""
    reader = LedgerReader(pool)
    stored = {fact.source_id: fact.position for fact in await reader.read_after(STORE, 0, 10_000)}
    for source_id, result in acknowledged.items():
        assert not isinstance(result, VersionConflict)
        assert stored[source_id] == result.position
    assert len(stored) == (await reader.head(STORE)).position
    assert isinstance(await verify_ledger(reader, STORE), Whole)


class Load:
    """Appends one fact a call, all at once; `acknowledged` are the answers so far."""

    def __init__(self, appender: Appender, facts: int) -> None:
        self.acknowledged: dict[str, AppendResult] = {}
        self._answered = asyncio.Semaphore(0)
        self._appender = appender
        self.done = asyncio.gather(*map(self._one, range(facts)))

    async def _one(self, number: int) -> None:
        (result,) = await self._appender.append(STORE, [member(number)])
        self.acknowledged[f"member:{number}"] = result
        self._answered.release()

    async def wait_for_more(self, answers: int) -> None:
        """Return when that many more calls were answered."""
        for _ in range(answers):
            await self._answered.acquire()


async def test_every_acknowledged_append_is_stored_once_although_backends_are_killed(database_url: str) -> None:
    """A lost connection at commit is ambiguous: the repeat answers what was written, and writes what was not."""
    async with service_pool(database_url) as pool:
        admin = await asyncpg.connect(database_url)
        load = Load(Appender(pool, SystemClock(), LIMITS), 600)
        killed = 0
        for _ in range(11):
            await load.wait_for_more(50)
            killed += await admin.fetchval(
                "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = 'jurnalsync'"
            )
        await load.done
        await admin.close()
        assert killed >= 11
        assert len(load.acknowledged) == 600
        await stored_once(pool, load.acknowledged)


async def test_every_acknowledged_append_is_stored_once_although_the_server_crashes_under_load() -> None:
    """Postgres dies at once and recovers from its log: acknowledged means on disk, and the appender goes on."""
    with EmbeddedPostgres.start(settings={"max_connections": "20"}) as server:
        await migrate_all(server.url())
        async with service_pool(server.url()) as pool:
            load = Load(Appender(pool, SystemClock(), LIMITS), 400)
            await load.wait_for_more(100)
            server.restart("immediate")
            assert not load.done.done()
            await load.done
            assert len(load.acknowledged) == 400
            await stored_once(pool, load.acknowledged)


async def test_an_appender_that_cannot_reach_the_database_says_so_and_recovers(database_url: str) -> None:
    """After its attempts the callers get the error, nothing stays queued, and the next append works."""
    async with service_pool(database_url, connections_max=1) as pool:
        appender = Appender(pool, SystemClock(), AppenderLimits(reconnect_wait_seconds=0, reconnect_attempts_max=2))
        name = await pool.fetchval("SELECT current_database()")
        admin = await asyncpg.connect(database_url, database="postgres")
        await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
        (answer,) = await asyncio.gather(appender.append(STORE, [member(1)]), return_exceptions=True)
        assert isinstance(answer, CONNECTION_ERRORS)
        assert appender.queued_facts == 0
        await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        await admin.close()
        await appender.append(STORE, [member(1), member(2)])
        assert (await LedgerReader(pool).head(STORE)).position == 2
