"""Folds a ledger again into a shadow, tells every row that differs, and swaps the store's rows in one transaction.

The shadow stands in a schema of its own with tables of the same names, so the live fold's own statements write it.
Readers see the old rows until the swap is committed, then the new ones. Sends are never touched: a command that a
changed rule makes for a fact folded long ago is parked by a fact of its own, and waits for an operator.
"""

from collections.abc import Callable, Sequence

import msgspec

from eventstore.connection import Connection, Pool
from eventstore.errors import LedgerError
from eventstore.statements import statement
from eventstore.store import LedgerReader
from projections.projection import Projection
from projections.runner import Runner

SHADOW_SEARCH_PATH = "projection_shadow, public"
_FACTS_MAX = 5_000
_DIFFERENCES_MAX = 1_000
_LOCK_CURSOR = statement(__package__, "lock_cursor")
_CURSOR = statement(__package__, "read_cursor")
_CLEAR = statement(__package__, "clear_shadow")
_CLEAR_ROWS = statement(__package__, "clear_shadow_rows")
_DIFFERENCES = statement(__package__, "shadow_differences")
_SWAP_OUT = statement(__package__, "swap_out_rows")
_SWAP_IN = statement(__package__, "swap_in_rows")
_SWAP_STATES_OUT = statement(__package__, "swap_out_states")
_SWAP_STATES_IN = statement(__package__, "swap_in_states")
_SWAP_STALLS_OUT = statement(__package__, "swap_out_stalls")
_SWAP_STALLS_IN = statement(__package__, "swap_in_stalls")
_NEW_DUE = statement(__package__, "new_due_commands")
_VANISHED = statement(__package__, "vanished_commands")


class NothingToRebuild(LedgerError):
    """The projection has not folded this store yet."""


class Difference(msgspec.Struct, frozen=True):
    """A row that stands on one side only; a changed row stands on both. `row` is its JSON."""

    table: str
    side: str
    row: str


class Rebuilt(msgspec.Struct, frozen=True, kw_only=True):
    """What a rebuild found, and whether it was swapped in.

    `appeared` are commands that the rules of this release make and the live fold did not; `vanished` the reverse.
    """

    facts: int
    differences: tuple[Difference, ...]
    swapped: bool
    appeared: tuple[str, ...] = ()
    vanished: tuple[str, ...] = ()


class Rebuilder:
    """Rebuilds projections. `shadow_pool` is opened with `SHADOW_SEARCH_PATH`."""

    def __init__(self, pool: Pool, shadow_pool: Pool, reader: LedgerReader) -> None:
        self._pool = pool
        self._shadow_pool = shadow_pool
        self._shadow = Runner(shadow_pool, reader, live=False)

    async def fold(self, store_id: str, projection: Projection, on_progress: Callable[[int, int], None]) -> int:
        """Fold the shadow from the first fact to where the live projection stands; returns the position.

        `on_progress` is told the position and the end. Raises `NothingToRebuild`.
        """
        await self._clear(store_id, projection)
        position = 0
        while position < (end := await self._live_position(store_id, projection)):
            position = await self._fold_to(store_id, projection, position, end)
            on_progress(position, end)
        return position

    async def compare(self, store_id: str, projection: Projection) -> Rebuilt:
        """Catch up with the live projection, hold it, and tell what differs. Nothing is swapped."""
        async with self._pool.acquire() as connection, connection.transaction():
            return await self._caught_up(connection, store_id, projection, swap=False)

    async def swap(self, store_id: str, projection: Projection) -> Rebuilt:
        """Catch up, hold the live projection, and put the shadow's rows in its place, all or nothing.

        Commands that appeared and are due are not swapped in: then `swapped` is False, and the caller appends
        `CommandParked` for each of `appeared` and tries again.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            return await self._caught_up(connection, store_id, projection, swap=True)

    async def _caught_up(self, connection: Connection, store_id: str, projection: Projection, *, swap: bool) -> Rebuilt:
        end = await connection.fetchval(_LOCK_CURSOR, store_id, projection.name)
        position = await self._shadow_position(store_id, projection)
        while position < end:
            position = await self._fold_to(store_id, projection, position, end)
        differences = await self._differences(connection, store_id, projection)
        appeared: tuple[str, ...] = ()
        vanished: tuple[str, ...] = ()
        if "command" in projection.row_tables:
            appeared = tuple(record["command_id"] for record in await connection.fetch(_NEW_DUE, store_id))
            vanished = tuple(record["command_id"] for record in await connection.fetch(_VANISHED, store_id))
        if swap and not appeared:
            await self._swap_rows(connection, store_id, projection)
        return Rebuilt(
            facts=position,
            differences=differences,
            swapped=swap and not appeared,
            appeared=appeared,
            vanished=vanished,
        )

    async def _fold_to(self, store_id: str, projection: Projection, position: int, end: int) -> int:
        folded = await self._shadow.step(store_id, projection, epoch=1, facts_max=min(_FACTS_MAX, end - position))
        return folded.position

    async def _live_position(self, store_id: str, projection: Projection) -> int:
        position = await self._pool.fetchval(_CURSOR, store_id, projection.name)
        if position is None:
            raise NothingToRebuild(f"{projection.name} has not folded {store_id!r} yet; start the service first")
        assert isinstance(position, int)
        return position

    async def _shadow_position(self, store_id: str, projection: Projection) -> int:
        position = await self._shadow_pool.fetchval(_CURSOR, store_id, projection.name)
        return position or 0

    async def _clear(self, store_id: str, projection: Projection) -> None:
        async with self._shadow_pool.acquire() as connection, connection.transaction():
            for sql in _each(_CLEAR, ("projection_cursor", "projection_state", "stalled_stream")):
                await connection.execute(sql, store_id, projection.name)
            for sql in _each(_CLEAR_ROWS, projection.row_tables):
                await connection.execute(sql, store_id)

    async def _differences(
        self, connection: Connection, store_id: str, projection: Projection
    ) -> tuple[Difference, ...]:
        found: list[Difference] = []
        for table, sql in zip(projection.row_tables, _each(_DIFFERENCES, projection.row_tables), strict=True):
            records = await connection.fetch(sql, store_id, _DIFFERENCES_MAX)
            found += [Difference(table, record["side"], record["row"]) for record in records]
        return tuple(found)

    async def _swap_rows(self, connection: Connection, store_id: str, projection: Projection) -> None:
        for out, into in zip(
            _each(_SWAP_OUT, projection.row_tables), _each(_SWAP_IN, projection.row_tables), strict=True
        ):
            await connection.execute(out, store_id)
            await connection.execute(into, store_id)
        for sql in (_SWAP_STATES_OUT, _SWAP_STATES_IN, _SWAP_STALLS_OUT, _SWAP_STALLS_IN):
            await connection.execute(sql, store_id, projection.name)


def _each(sql: str, tables: Sequence[str]) -> list[str]:
    """Return the statement for each table; names come from the catalogue, never from outside."""
    assert all(table.replace("_", "").isalpha() for table in tables)
    return [sql.replace(":table", table) for table in tables]
