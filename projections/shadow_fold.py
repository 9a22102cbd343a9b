"""A rebuild in the shadow: tables of the same names in a schema of their own, written by the live fold's statements.

It takes what memory cannot hold, and what only the database can tell: whether a row or a state can be stored at all.
"""

from collections.abc import Callable, Sequence

from eventstore.connection import Connection, Pool
from eventstore.statements import statement
from eventstore.store import LedgerReader
from projections.difference import DIFFERENCES_MAX, Difference, Found
from projections.projection import Projection
from projections.runner import Runner

_FACTS_MAX = 5_000
_CLEAR = statement(__package__, "clear_shadow")
_CLEAR_ROWS = statement(__package__, "clear_shadow_rows")
_DIFFERENCES = statement(__package__, "shadow_differences")
_STATES_DIFFER = statement(__package__, "shadow_states_differ")
_NEW_DUE = statement(__package__, "new_due_commands")
_VANISHED = statement(__package__, "vanished_commands")
_SWAP_ROWS = (statement(__package__, "swap_out_rows"), statement(__package__, "swap_in_rows"))
_SWAP_STATES = (
    statement(__package__, "swap_out_states"),
    statement(__package__, "swap_in_states"),
    statement(__package__, "swap_out_stalls"),
    statement(__package__, "swap_in_stalls"),
)


class ShadowFold:
    """One projection of one store, folded from the first fact on into the shadow. `shadow_pool` is opened for it."""

    def __init__(self, shadow_pool: Pool, reader: LedgerReader, store_id: str, projection: Projection) -> None:
        self.position = 0
        self._shadow_pool = shadow_pool
        self._runner = Runner(shadow_pool, reader, live=False)
        self._store_id = store_id
        self._projection = projection

    async def fold_to(self, end: int, on_progress: Callable[[int, int], None]) -> None:
        """Fold on to position `end`; what an earlier rebuild left is cleared first."""
        if self.position == 0:
            await self._clear()
        while self.position < end:
            facts_max = min(_FACTS_MAX, end - self.position)
            folded = await self._runner.step(self._store_id, self._projection, epoch=1, facts_max=facts_max)
            self.position = folded.position
            on_progress(self.position, end)

    async def compare(self, connection: Connection) -> Found:
        """Tell what differs from the live rows, whose cursor the caller holds."""
        differences: list[Difference] = []
        for table, sql in self._each(_DIFFERENCES):
            records = await connection.fetch(sql, self._store_id, DIFFERENCES_MAX)
            differences += [Difference(table, record["side"], record["row"]) for record in records]
        appeared: list[str] = []
        vanished: list[str] = []
        if "command" in self._projection.row_tables:
            appeared = [record["command_id"] for record in await connection.fetch(_NEW_DUE, self._store_id)]
            vanished = [record["command_id"] for record in await connection.fetch(_VANISHED, self._store_id)]
        states_differ = await connection.fetchval(_STATES_DIFFER, self._store_id, self._projection.name)
        return Found(
            differences=tuple(differences),
            changed=bool(differences) or bool(states_differ),
            appeared=tuple(appeared),
            vanished=tuple(vanished),
        )

    async def swap(self, connection: Connection) -> None:
        """Make the live rows those of the shadow, touching none that is as it should be."""
        for sql in _SWAP_ROWS:
            for _, named in self._each(sql):
                await connection.execute(named, self._store_id)
        for sql in _SWAP_STATES:
            await connection.execute(sql, self._store_id, self._projection.name)

    async def _clear(self) -> None:
        async with self._shadow_pool.acquire() as connection, connection.transaction():
            for table in ("projection_cursor", "projection_state", "stalled_stream"):
                await connection.execute(_CLEAR.replace(":table", table), self._store_id, self._projection.name)
            for _, sql in self._each(_CLEAR_ROWS):
                await connection.execute(sql, self._store_id)

    def _each(self, sql: str) -> list[tuple[str, str]]:
        """Return each table with the statement for it; names come from the catalogue, never from outside."""
        keys: dict[str, Sequence[str]] = {
            table.target: [field.rstrip("_") for field in table.stored.__struct_fields__[: table.stored.key_fields]]
            for table in self._projection.tables
        }
        return [
            (table, sql.replace(":table", table).replace(":keys", ", ".join(keys[table])))
            for table in self._projection.row_tables
        ]
