"""A made-up store's ledger on a real Postgres: how tests open it, and facts to append."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from eventstore.appender import Appender
from eventstore.clock import ManualClock
from eventstore.connection import Plans, Pool, open_pool
from eventstore.event import Appended, AppendResult, NewFact
from eventstore.keyring import MasterKey
from eventstore.store import open_ledger
from tests.servers import leads_through_pooler

STORE = "kopi-nusantara"
OTHER_STORE = "teh-tawar"
SERVICE_ROLE = "jurnalsync_service"
NOON = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
MASTER = MasterKey(bytes(range(32)))


async def open_test_pool(
    url: str, *, connections_max: int = 4, search_path: str | None = None, plans: Plans = "anew"
) -> Pool:
    """Open a pool that acts as the service role, in the way the address asks for."""
    size = 0 if leads_through_pooler(url) else 100
    return await open_pool(
        url,
        role=SERVICE_ROLE,
        connections_max=connections_max,
        statement_cache_size=size,
        search_path=search_path,
        plans=plans,
    )


@asynccontextmanager
async def service_pool(url: str, *, connections_max: int = 4) -> AsyncIterator[Pool]:
    """Give a pool that acts as the service role, with the ledgers of both stores opened."""
    pool = await open_test_pool(url, connections_max=connections_max)
    try:
        for store_id in (STORE, OTHER_STORE):
            await open_ledger(pool, store_id, recorded_at=NOON)
        yield pool
    finally:
        pool.terminate()


def appender_on(pool: Pool) -> Appender:
    """Return an appender whose clock stands at noon."""
    return Appender(pool, ManualClock(NOON))


def member(number: int, *, stream: str | None = None, source: str | None = None, version: int | None = None) -> NewFact:
    """Return the fact that a made-up customer was reported."""
    return NewFact(
        stream_id=stream or f"customer-{number}",
        type="MemberReported",
        schema_version=1,
        source_id=source or f"member:{number}",
        observed_at=NOON,
        body=b'{"customer_id":"%d"}' % number,
        metadata=b'{"channel":"webhook"}',
        expected_version=version,
    )


def positions(results: list[AppendResult]) -> list[int]:
    """Return the positions of results that were all appended."""
    assert all(isinstance(result, Appended) for result in results), results
    return [result.position for result in results if isinstance(result, Appended)]
