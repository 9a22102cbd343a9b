"""The company lease: one process at a time sends to a Jurnal company, on the database's clock, fenced by an epoch."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import UUID

from eventstore.connection import CONNECTION_ERRORS, Pool
from eventstore.questions import Question
from eventstore.statements import statement
from service.own_clock import OwnClock

_ACQUIRE = statement(__package__, "acquire_company_lease")
_READ_YOUNG = statement(__package__, "read_young_lease")
_RELEASE = statement(__package__, "release_company_lease")


class CompanyLeases:
    """Takes and renews company leases for one process; `owner` is that process's own UUID."""

    def __init__(self, pool: Pool, owner: UUID, *, lease_seconds: float, own_clock: OwnClock | None = None) -> None:
        """`own_clock`: while it is wrong this process takes no lease, and gives up what it holds; None: it is right."""
        self._pool = pool
        self.owner = owner
        self._duration = timedelta(seconds=lease_seconds)
        self._own_clock = own_clock

    async def acquire(self, company_id: str) -> tuple[int, datetime] | None:
        """Take the lease, or renew it once half its life is over: a look at a younger one writes nothing.

        Returns its epoch and the database's time, or None while another holds it, or had better hold it.
        """
        clock = self._own_clock
        if clock is None:
            return await self._acquire(company_id, self._duration / 2)
        if clock.is_wrong and not await clock.look(self._pool):
            return None
        asked_at = clock.now()
        taken = await self._acquire(company_id, self._duration / 2)
        if taken is not None and not clock.compare(asked_at, taken[1]):
            await self.release(company_id)
            return None
        return taken

    async def _acquire(self, company_id: str, renewed_below: timedelta) -> tuple[int, datetime] | None:
        record = await self._pool.fetchrow(_ACQUIRE, company_id, self.owner, self._duration, renewed_below)
        return None if record is None else (record["epoch"], record["now"])

    def reading(self, company_id: str) -> Question:
        """Return what reads the epoch of a lease that `acquire` would only look at, and the database's time."""
        return Question(_READ_YOUNG, (company_id, self.owner, self._duration / 2))

    @contextlib.asynccontextmanager
    async def kept(self, company_id: str) -> AsyncIterator[None]:
        """Renew the lease for as long as the block runs: a call to Jurnal may take longer than a lease lives."""
        renewal = asyncio.create_task(self._renew(company_id))
        try:
            yield
        finally:
            renewal.cancel()
            await asyncio.gather(renewal, return_exceptions=True)

    async def _renew(self, company_id: str) -> None:
        while True:
            await asyncio.sleep(self._duration.total_seconds() / 3)
            # A lease lost here costs nothing but the wait: the attempt is fenced by its own row and Date.
            with contextlib.suppress(*CONNECTION_ERRORS):
                await self._acquire(company_id, self._duration)

    async def release(self, company_id: str) -> None:
        """Give the lease up at once, so that another process need not wait for it to run out."""
        await self._pool.execute(_RELEASE, company_id, self.owner)
