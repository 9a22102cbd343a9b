"""Folds a ledger again beside the running service, tells every row that differs, and swaps in one transaction.

Readers see the old rows until the swap is committed, then the new ones; rows that are as they should be are not
touched. Sends never are: a command that a changed rule makes for a fact folded long ago is parked by a fact of its own,
and waits for an operator.
"""

from collections.abc import Callable
from typing import Protocol

import asyncpg
import msgspec

from eventstore.commit import is_connection_loss
from eventstore.connection import Connection, Pool
from eventstore.errors import LedgerError
from eventstore.statements import statement
from eventstore.store import LedgerReader
from projections.difference import Difference, Found
from projections.memory_fold import MemoryFold, ShadowNeeded
from projections.projection import Projection
from projections.shadow_fold import ShadowFold

SHADOW_SEARCH_PATH = "projection_shadow, public"
# States and rows kept in memory, about a kilobyte each; a store with more is folded in the shadow, more slowly.
_ENTRIES_MAX = 500_000
_LOCK_CURSOR = statement(__package__, "lock_cursor")
_CURSOR = statement(__package__, "read_cursor")
_NEXT_GENERATION = statement(__package__, "next_generation")

OnProgress = Callable[[int, int], None]


class NothingToRebuild(LedgerError):
    """The projection has not folded this store yet."""


class Rebuilt(msgspec.Struct, frozen=True, kw_only=True):
    """What a rebuild found, and whether it was swapped in.

    `appeared` are commands that the rules of this release make and the live fold did not; `vanished` the reverse.
    """

    facts: int
    differences: tuple[Difference, ...]
    swapped: bool
    appeared: tuple[str, ...] = ()
    vanished: tuple[str, ...] = ()


class _Fold(Protocol):
    """A fold from the first fact on, wherever it is kept."""

    position: int

    async def fold_to(self, end: int, on_progress: OnProgress) -> None:
        """Fold on to position `end`."""

    async def compare(self, connection: Connection) -> Found:
        """Tell what differs from the live rows."""

    async def swap(self, connection: Connection) -> None:
        """Make the live rows those of this fold."""


class Rebuilder:
    """Rebuilds projections, one at a time. `shadow_pool` is opened with `SHADOW_SEARCH_PATH`."""

    def __init__(self, pool: Pool, shadow_pool: Pool, reader: LedgerReader, *, entries_max: int = _ENTRIES_MAX) -> None:
        self._pool = pool
        self._shadow_pool = shadow_pool
        self._reader = reader
        self._entries_max = entries_max
        self._fold: _Fold | None = None

    async def fold(self, store_id: str, projection: Projection, on_progress: OnProgress) -> int:
        """Fold from the first fact to where the live projection stands; returns the position.

        `on_progress` is told the position and the end. Raises `NothingToRebuild`.
        """
        self._fold = None
        fold: _Fold = MemoryFold(self._pool, self._reader, store_id, projection, entries_max=self._entries_max)
        try:
            await self._catch_up(fold, store_id, projection, on_progress)
        except ShadowNeeded:
            fold = await self._fold_in_shadow(store_id, projection, on_progress)
        self._fold = fold
        return fold.position

    async def compare(self, store_id: str, projection: Projection) -> Rebuilt:
        """Catch up with the live projection, hold it, and tell what differs. Nothing is swapped."""
        return await self._finish(store_id, projection, swap=False)

    async def swap(self, store_id: str, projection: Projection) -> Rebuilt:
        """Catch up, hold the live projection, and put what was folded in its place, all or nothing.

        Commands that appeared and are due are not swapped in: then `swapped` is False, and the caller appends
        `CommandParked` for each of `appeared` and tries again.
        """
        return await self._finish(store_id, projection, swap=True)

    async def _finish(self, store_id: str, projection: Projection, *, swap: bool) -> Rebuilt:
        assert self._fold is not None, "fold first"
        if isinstance(self._fold, MemoryFold):
            try:
                return await self._finish_with(self._fold, store_id, projection, swap=swap)
            except ShadowNeeded:
                pass
            except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                if is_connection_loss(error):
                    raise
            # The database knows better than memory what it can store.
            self._fold = await self._fold_in_shadow(store_id, projection, _tell_nobody)
        return await self._finish_with(self._fold, store_id, projection, swap=swap)

    async def _finish_with(self, fold: _Fold, store_id: str, projection: Projection, *, swap: bool) -> Rebuilt:
        async with self._pool.acquire() as connection, connection.transaction():
            cursor = await connection.fetchrow(_LOCK_CURSOR, store_id, projection.name)
            assert cursor is not None, "a cursor is never removed"
            await fold.fold_to(cursor["position"], _tell_nobody)
            found = await fold.compare(connection)
            swapped = swap and not found.appeared
            if swapped and found.changed:
                await fold.swap(connection)
                await connection.execute(_NEXT_GENERATION, store_id, projection.name)
        return Rebuilt(
            facts=fold.position,
            differences=found.differences,
            swapped=swapped,
            appeared=found.appeared,
            vanished=found.vanished,
        )

    async def _fold_in_shadow(self, store_id: str, projection: Projection, on_progress: OnProgress) -> _Fold:
        fold = ShadowFold(self._shadow_pool, self._reader, store_id, projection)
        await self._catch_up(fold, store_id, projection, on_progress)
        return fold

    async def _catch_up(self, fold: _Fold, store_id: str, projection: Projection, on_progress: OnProgress) -> None:
        """Fold to where the live projection stands, which may move on meanwhile."""
        while fold.position < (end := await self._live_position(store_id, projection)):
            await fold.fold_to(end, on_progress)

    async def _live_position(self, store_id: str, projection: Projection) -> int:
        position = await self._pool.fetchval(_CURSOR, store_id, projection.name)
        if position is None:
            raise NothingToRebuild(f"{projection.name} has not folded {store_id!r} yet; start the service first")
        assert isinstance(position, int)
        return position


def _tell_nobody(_position: int, _end: int) -> None:
    """Catching up under the lock is short."""
