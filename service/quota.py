"""Jurnal's quota as a durable budget that all replicas share: a call holds its place until it can count no longer."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import msgspec

from eventstore.connection import Pool
from eventstore.database_clock import database_now
from eventstore.statements import statement
from service.jurnal.pace import FreeAt, Hold, Limit, left, place

_OPEN = statement(__package__, "open_budgets")
_LOCK = statement(__package__, "lock_budgets")
_HOLDS = statement(__package__, "read_holds")
_TAKE = statement(__package__, "take_holds")
_RELEASE = statement(__package__, "release_holds")
_FORGET = statement(__package__, "forget_holds")


class Granted(msgspec.Struct, frozen=True):
    """A place in every budget a call counts in; give it back with `release` when its answer is there."""

    hold_id: UUID
    budgets: tuple[str, ...]


class Spent(msgspec.Struct, frozen=True):
    """No place before `free_at` (database time)."""

    free_at: datetime


class QuotaBudget:
    """Grants places in the budget of a company and in that of this process's egress address.

    `on_left` is told, per window in seconds, how many calls the tighter of the two has left, at every grant.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        egress_address: str,
        company_limits: Sequence[Limit],
        address_limits: Sequence[Limit],
        on_left: Callable[[int, int], None] | None = None,
    ) -> None:
        self._on_left = on_left
        self._pool = pool
        self._address = f"address:{egress_address}"
        self._company_limits = company_limits
        self._address_limits = address_limits
        self._longest = timedelta(seconds=max(limit.window_seconds for limit in (*company_limits, *address_limits)))

    async def grant(self, company_id: str, *, deadline: timedelta) -> Granted | Spent:
        """Take a place for one call that is over after `deadline` at the latest, or learn when one is free."""
        company = f"company:{company_id}"
        budgets = sorted((company, self._address))
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(_OPEN, budgets)
            await connection.fetch(_LOCK, budgets)
            now = await database_now(connection)
            oldest = now - self._longest
            calls_left: dict[int, int] = {}
            free_at = now
            for budget, limits in ((company, self._company_limits), (self._address, self._address_limits)):
                records = await connection.fetch(_HOLDS, budget, oldest)
                holds = [Hold(granted_at=record["granted_at"], deadline=record["released_at"]) for record in records]
                for limit in limits:
                    free = left(holds, limit, now)
                    calls_left[limit.window_seconds] = min(free, calls_left.get(limit.window_seconds, free))
                decided = place(holds, limits, now)
                if isinstance(decided, FreeAt):
                    free_at = max(free_at, decided.at)
            if free_at > now:
                self._tell(calls_left, taken=0)
                return Spent(free_at)
            granted = Granted(uuid4(), tuple(budgets))
            await connection.execute(_TAKE, budgets, granted.hold_id, now, now + deadline)
            await connection.execute(_FORGET, budgets, oldest)
            self._tell(calls_left, taken=1)
            return granted

    def _tell(self, calls_left: Mapping[int, int], *, taken: int) -> None:
        if self._on_left is not None:
            for window_seconds, calls in calls_left.items():
                self._on_left(window_seconds, calls - taken)

    async def release(self, granted: Granted) -> None:
        """Note that the call is over: its place is free one window from now."""
        async with self._pool.acquire() as connection:
            now = await database_now(connection)
            await connection.execute(_RELEASE, list(granted.budgets), granted.hold_id, now)
