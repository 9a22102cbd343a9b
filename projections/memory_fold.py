"""A rebuild in memory: the whole ledger of a store folded there, compared row by row, and only what differs written."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Any

import asyncpg
import msgspec

from eventstore.connection import Connection, Pool
from eventstore.follow import FollowedFact, PageReader
from eventstore.statements import statement
from eventstore.store import LedgerReader
from projections.difference import DIFFERENCES_MAX, Difference, Found
from projections.folding import Folding, read_each, read_waiting
from projections.projection import Projection, Row
from projections.writing import save_states

# What a page holds is gone through several times, and the next one waits in the socket: larger ones fit neither the
# processor's cache nor the socket's buffer, and cost a third more.
_PAGE_FACTS = 500
_PAGE_ROWS = 500
_STATES_A_STATEMENT = 5_000
_LIVE_ROWS = statement(__package__, "live_rows")
_LIVE_STATES = statement(__package__, "live_states")
_STALLED = statement(__package__, "read_stalled")
_DELETE_ROWS = statement(__package__, "delete_rows")
_DELETE_STATES = statement(__package__, "delete_states")


class ShadowNeeded(Exception):
    """Memory cannot hold the fold, or cannot know what the live fold met in the database: the shadow must decide."""


class _Target:
    """The rows of one table as the fold leaves them, by key; after a comparison, what of the live table must change."""

    def __init__(self, name: str, stored: type[Row]) -> None:
        self.name = name
        self.columns = tuple(field.rstrip("_") for field in stored.__struct_fields__)
        self.key_fields = stored.key_fields
        self.rows: dict[Any, Row] = {}
        self.wrong_keys: list[Any] = []
        self.missing: list[Row] = []

    def statement(self, sql: str) -> str:
        """Return a statement for this table; its names come from the catalogue, never from outside."""
        keys = self.columns[: self.key_fields]
        arrays = ", ".join(f"${number}::text[]" for number in range(2, 2 + len(keys)))
        named = sql.replace(":columns", ", ".join(self.columns)).replace(":keys", ", ".join(keys))
        return named.replace(":arrays", arrays).replace(":table", self.name)

    def key_columns(self) -> list[list[str]]:
        """Return the wrong keys, one list a column."""
        keys = self.wrong_keys if self.key_fields > 1 else [(key,) for key in self.wrong_keys]
        return [list(column) for column in zip(*keys, strict=True)]


# Where rows of a type go: the rows so far, what gives the key, and what makes one of two (None: the last one stands).
_Way = tuple[dict[Any, Row], Callable[[Any], Any], Callable[[Any, Any], Row | None] | None]


class MemoryFold:
    """One projection of one store, folded from the first fact on. Raises `ShadowNeeded` where memory does not do."""

    def __init__(
        self, pool: Pool, reader: LedgerReader, store_id: str, projection: Projection, *, entries_max: int
    ) -> None:
        self.position = 0
        self._pool = pool
        self._reader = reader
        self._store_id = store_id
        self._projection = projection
        self._entries_max = entries_max
        self._targets = {
            table.target: _Target(table.target, table.stored) for table in projection.tables if not table.live_only
        }
        self._ways: dict[type[Row], _Way] = {
            table.row: (self._targets[table.target].rows, table.key_of, table.apply)
            for table in projection.tables
            if not table.live_only
        }
        self._folding = Folding(projection, {}, {}, self._add)
        self._changed_states: dict[str, bytes] = {}
        self._vanished_states: list[str] = []

    async def fold_to(self, end: int, on_progress: Callable[[int, int], None]) -> None:
        """Fold on to position `end`."""
        pages = PageReader(self._pool, self._reader, self._store_id, _PAGE_FACTS)
        try:
            while self.position < end:
                page = await pages.after(self.position, end)
                assert page, f"the ledger of {self._store_id} ends before its projection at {end}"
                await self._folding.fold(page, read_each(page), self._waiting)
                self.position = page[-1].position
                on_progress(self.position, end)
                if len(self._folding.states) + sum(map(len, self._rows())) > self._entries_max:
                    raise ShadowNeeded
        finally:
            await pages.close()

    async def compare(self, connection: Connection) -> Found:
        """Tell what differs from the live rows, whose cursor the caller holds."""
        live_stalls = await connection.fetch(_STALLED, self._store_id, self._projection.name)
        if {stall["stream_id"]: stall["position"] for stall in live_stalls} != self._folding.stalled:
            # A stream may wait because the database could not store what it came to; only storing it tells.
            raise ShadowNeeded
        differences: list[Difference] = []
        for target in self._targets.values():
            differences += await self._compare_rows(connection, target)
        await self._compare_states(connection)
        changed = bool(self._changed_states or self._vanished_states) or any(
            target.wrong_keys or target.missing for target in self._targets.values()
        )
        appeared, vanished = self._commands()
        return Found(differences=tuple(differences), changed=changed, appeared=appeared, vanished=vanished)

    async def swap(self, connection: Connection) -> None:
        """Write what `compare` found, in the caller's transaction."""
        for target in self._targets.values():
            if target.wrong_keys:
                await connection.execute(target.statement(_DELETE_ROWS), self._store_id, *target.key_columns())
            if target.missing:
                await connection.copy_records_to_table(
                    target.name,
                    schema_name="public",
                    columns=("store_id", *target.columns),
                    records=((self._store_id, *msgspec.structs.astuple(row)) for row in target.missing),
                )
        name = self._projection.name
        changed = list(self._changed_states.items())
        for start in range(0, len(changed), _STATES_A_STATEMENT):
            await save_states(connection, self._store_id, name, dict(changed[start : start + _STATES_A_STATEMENT]))
        if self._vanished_states:
            await connection.execute(_DELETE_STATES, self._store_id, name, self._vanished_states)

    def _add(self, row: Row) -> None:
        way = self._ways.get(row.__class__)
        if way is None:
            return
        rows, key_of, apply = way
        if apply is None:
            rows[key_of(row)] = row
            return
        key = key_of(row)
        stored = apply(rows.get(key), row)
        if stored is not None:
            rows[key] = stored
        else:
            rows.pop(key, None)

    def _rows(self) -> Iterable[dict[Any, Row]]:
        return (target.rows for target in self._targets.values())

    async def _waiting(self, operator: FollowedFact, waits_at: int) -> Sequence[FollowedFact]:
        return await read_waiting(self._reader, operator, waits_at)

    async def _compare_rows(self, connection: Connection, target: _Target) -> list[Difference]:
        rows, key_fields = target.rows, target.key_fields
        as_record: Callable[[Row], object] = msgspec.structs.astuple
        wrong: list[tuple[Any, tuple[Any, ...]]] = []
        live_keys: list[Any] = []
        same = 0
        async for page in _pages(connection, target.statement(_LIVE_ROWS), self._store_id):
            for record in page:
                key = record[:key_fields] if key_fields > 1 else record[0]
                live_keys.append(key)
                row = rows.get(key)
                if row is not None and record == as_record(row):
                    same += 1
                else:
                    wrong.append((key, tuple(record)))
        target.wrong_keys = [key for key, _ in wrong]
        if same == len(rows):
            target.missing = []
        else:
            kept = set(live_keys).difference(target.wrong_keys)
            target.missing = [row for key, row in rows.items() if key not in kept]
        return [
            Difference(target.name, side, _as_json(dict(zip(target.columns, row, strict=True))))
            for side, found in (
                ("live", [row for _, row in wrong[:DIFFERENCES_MAX]]),
                ("rebuilt", [msgspec.structs.astuple(row) for row in target.missing[:DIFFERENCES_MAX]]),
            )
            for row in found
        ]

    async def _compare_states(self, connection: Connection) -> None:
        encode = msgspec.msgpack.Encoder().encode
        rebuilt = {key: encode(state) for key, state in self._folding.states.items()}
        self._vanished_states = []
        async for page in _pages(connection, _LIVE_STATES, self._store_id, self._projection.name):
            for key, state in page:
                known = rebuilt.get(key)
                if known is None:
                    self._vanished_states.append(key)
                elif known == state:
                    del rebuilt[key]
        self._changed_states = rebuilt

    def _commands(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the ids of due commands that the live table lacks, and of live ones that are not made any more."""
        target = self._targets.get("command")
        if target is None:
            return (), ()
        wrong = set(target.wrong_keys)
        missing: list[Any] = target.missing
        new = [row for row in missing if row.command_id not in wrong]
        appeared = sorted((row.position, row.ordinal, row.command_id) for row in new if row.state == "due")
        vanished = sorted(key for key in wrong if key not in target.rows)
        return tuple(command_id for _, _, command_id in appeared), tuple(vanished)


async def _pages(connection: Connection, sql: str, *arguments: object) -> AsyncIterator[list[asyncpg.Record]]:
    """Give the rows of a statement page by page, the next on its way while the last is looked at."""
    cursor = await connection.cursor(sql, *arguments)
    page = await cursor.fetch(_PAGE_ROWS)
    while page:
        following = asyncio.create_task(cursor.fetch(_PAGE_ROWS))
        await asyncio.sleep(0)
        try:
            yield page
        finally:
            page = await following


def _as_json(row: Mapping[str, Any]) -> str:
    readable = {
        name: value.decode(errors="replace") if isinstance(value, bytes) else value for name, value in row.items()
    }
    return msgspec.json.Encoder(decimal_format="number").encode(readable).decode()
