"""Store leases on the database's clock: one owner at a time, and a late one is fenced."""

from datetime import timedelta
from uuid import UUID

import pytest

from eventstore.connection import Connection
from eventstore.lease import StoreLeases
from tests.ledger import OTHER_STORE, STORE, service_pool

ONE, TWO = UUID(int=1), UUID(int=2)

pytestmark = pytest.mark.servers


async def let_pass(connection: Connection, by: timedelta) -> None:
    """Replace the database's clock by one that is that far ahead."""
    seconds = by.total_seconds()
    await connection.execute(
        "CREATE OR REPLACE FUNCTION jurnalsync_clock() RETURNS timestamptz LANGUAGE sql VOLATILE"
        f" AS $$ SELECT clock_timestamp() + interval '{seconds} seconds' $$"
    )


async def test_a_lease_is_held_by_one_and_renewed_under_the_same_epoch(database_url: str) -> None:
    """While it is held the other gets nothing; stores and purposes are apart."""
    async with service_pool(database_url) as pool:
        one, two = (StoreLeases(pool, owner, lease_seconds=10) for owner in (ONE, TWO))
        assert await one.acquire(STORE, "fold") == 1
        assert await two.acquire(STORE, "fold") is None
        assert await one.acquire(STORE, "fold") == 1
        assert await two.acquire(STORE, "poll") == 1
        assert await two.acquire(OTHER_STORE, "fold") == 1


async def test_an_expired_lease_is_taken_over_under_a_higher_epoch(database_url: str, connection: Connection) -> None:
    """The epoch grows with every change of owner, and also when the owner itself comes back late."""
    async with service_pool(database_url) as pool:
        one, two = (StoreLeases(pool, owner, lease_seconds=10) for owner in (ONE, TWO))
        assert await one.acquire(STORE, "fold") == 1
        await let_pass(connection, timedelta(seconds=9))
        assert await two.acquire(STORE, "fold") is None
        await let_pass(connection, timedelta(seconds=11))
        assert await two.acquire(STORE, "fold") == 2
        assert await one.acquire(STORE, "fold") is None
        await let_pass(connection, timedelta(seconds=60))
        assert await two.acquire(STORE, "fold") == 3


async def test_a_released_lease_can_be_taken_at_once_but_only_its_owner_releases_it(database_url: str) -> None:
    """A process that ends politely makes nobody wait."""
    async with service_pool(database_url) as pool:
        one, two = (StoreLeases(pool, owner, lease_seconds=10) for owner in (ONE, TWO))
        assert await one.acquire(STORE, "fold") == 1
        await two.release(STORE, "fold")
        assert await two.acquire(STORE, "fold") is None
        await one.release(STORE, "fold")
        assert await two.acquire(STORE, "fold") == 2
