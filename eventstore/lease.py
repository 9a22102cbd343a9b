"""Store leases: who may fold or poll a store, on the database's clock, fenced by an epoch."""

from datetime import timedelta
from typing import Literal
from uuid import UUID

from eventstore.connection import Pool
from eventstore.database_clock import database_now
from eventstore.statements import statement

_ACQUIRE = statement(__package__, "acquire_lease")
_RELEASE = statement(__package__, "release_lease")

Purpose = Literal["fold", "poll"]


class StoreLeases:
    """Takes and renews store leases for one process; `owner` is that process's own UUID."""

    def __init__(self, pool: Pool, owner: UUID, *, lease_seconds: float) -> None:
        self._pool = pool
        self._owner = owner
        self._duration = timedelta(seconds=lease_seconds)

    async def acquire(self, store_id: str, purpose: Purpose) -> int | None:
        """Take or renew the lease. Returns its epoch, or None while another process holds it."""
        async with self._pool.acquire() as connection:
            now = await database_now(connection)
            epoch = await connection.fetchval(_ACQUIRE, store_id, purpose, self._owner, now, now + self._duration)
        assert epoch is None or isinstance(epoch, int)
        return epoch

    async def release(self, store_id: str, purpose: Purpose) -> None:
        """Give the lease up at once, so that another process need not wait for it to run out."""
        async with self._pool.acquire() as connection:
            await connection.execute(_RELEASE, store_id, purpose, self._owner, await database_now(connection))
