"""Store leases: who may fold or poll a store, on the database's clock, fenced by an epoch, shared fairly."""

import asyncio
import math
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Literal
from uuid import UUID

from eventstore.connection import Pool
from eventstore.statements import statement

_ACQUIRE = statement(__package__, "acquire_leases")
_RELEASE = statement(__package__, "release_leases")
_READ = statement(__package__, "read_leases")
# Who wants to fold sits on a seat: a lease whose name no store can have. Seats tell how many share the stores.
_SEAT = "replica "

Purpose = Literal["fold", "poll"]


class StoreLeases:
    """Takes and renews store leases for one process; `owner` is that process's own UUID."""

    def __init__(self, pool: Pool, owner: UUID, *, lease_seconds: float) -> None:
        self._pool = pool
        self._owner = owner
        self._duration = timedelta(seconds=lease_seconds)

    @property
    def lease_seconds(self) -> float:
        """How long a lease lives unless it is renewed."""
        return self._duration.total_seconds()

    async def acquire(self, store_id: str, purpose: Purpose) -> int | None:
        """Take or renew the lease. Returns its epoch, or None while another process holds it."""
        return (await self.acquire_all([store_id], purpose)).get(store_id)

    async def acquire_all(self, store_ids: Collection[str], purpose: Purpose) -> dict[str, int]:
        """Take or renew leases. Returns the epoch of each that this process holds now."""
        # Sorted: two processes then lock in one order.
        records = await self._pool.fetch(_ACQUIRE, sorted(store_ids), purpose, self._owner, self._duration)
        return {record["store_id"]: record["epoch"] for record in records}

    async def release(self, store_id: str, purpose: Purpose) -> None:
        """Give the lease up at once, so that another process need not wait for it to run out."""
        await self.release_all([store_id], purpose)

    async def release_all(self, store_ids: Collection[str], purpose: Purpose) -> None:
        """Give leases up at once."""
        await self._pool.execute(_RELEASE, sorted(store_ids), purpose, self._owner)

    async def holders(self, purpose: Purpose) -> dict[str, UUID]:
        """Return who holds what now, seats included."""
        return {record["store_id"]: record["owner"] for record in await self._pool.fetch(_READ, purpose)}

    @property
    def owner(self) -> UUID:
        """This process."""
        return self._owner


class SharedStores:
    """The stores that this process folds: its fair share of all, renewed at half the life of a lease.

    Between renewals memory answers, and only for as long as the lease surely lives. The cursor's guard is what keeps a
    store from being folded twice; these leases keep processes from trying.
    """

    def __init__(self, leases: StoreLeases) -> None:
        self._leases = leases
        self._epochs: dict[str, int] = {}
        self._seat: str | None = None
        self._good_until = 0.0
        self._renew_at = 0.0

    def held(self) -> dict[str, int]:
        """Return the epoch of each store that this process surely holds; empty once the leases may have run out."""
        return dict(self._epochs) if asyncio.get_running_loop().time() < self._good_until else {}

    def holds(self, store_id: str) -> bool:
        """Tell whether this process surely holds a store."""
        return store_id in self._epochs and asyncio.get_running_loop().time() < self._good_until

    def is_due(self) -> bool:
        """Tell whether it is time to renew."""
        return asyncio.get_running_loop().time() >= self._renew_at

    async def renew(self, store_ids: Sequence[str]) -> list[str]:
        """Renew what is held, take what is free up to a fair share, give up what is more; returns what was given up."""
        started = asyncio.get_running_loop().time()
        holders = await self._leases.holders("fold")
        seats = {name: owner for name, owner in holders.items() if name.startswith(_SEAT)}
        seated = {*seats.values(), self._leases.owner}
        share = math.ceil(len(store_ids) / len(seated))
        mine = [store_id for store_id in store_ids if holders.get(store_id) == self._leases.owner]
        free = [store_id for store_id in store_ids if store_id not in holders]
        surplus = mine[share:]
        wanted = [*mine[:share], *free[: max(0, share - len(mine))], self._seat_in(seats)]
        taken = await self._leases.acquire_all(wanted, "fold")
        self._seat = next((name for name in taken if name.startswith(_SEAT)), None)
        self._epochs = {name: epoch for name, epoch in taken.items() if name != self._seat}
        # Counted from before the question was asked: the database's clock began later.
        self._good_until = started + self._leases.lease_seconds
        self._renew_at = started + self._leases.lease_seconds / 2
        if surplus:
            await self._leases.release_all(surplus, "fold")
        return surplus

    def renew_soon(self) -> None:
        """Look at the next opportunity: something may be free."""
        self._renew_at = 0.0

    async def release(self) -> list[str]:
        """Give all up at the end, the seat too; returns the stores."""
        released = list(self._epochs)
        await self._leases.release_all([*released, *([self._seat] if self._seat else [])], "fold")
        self._epochs, self._seat = {}, None
        return released

    def _seat_in(self, seats: dict[str, UUID]) -> str:
        """Return the seat to sit on: the one held, else the first that nobody does."""
        own = next((name for name, owner in seats.items() if owner == self._leases.owner), None)
        if own is not None:
            return own
        number = next(number for number in range(1, len(seats) + 2) if f"{_SEAT}{number}" not in seats)
        return f"{_SEAT}{number}"
