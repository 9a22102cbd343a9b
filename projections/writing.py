"""Writing what a batch came to: states, rows and the guarded cursor in one statement, which writes all or nothing."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import msgspec

from eventstore.connection import Connection, Pool
from eventstore.statements import statement
from projections.folding import Folding
from projections.projection import Projection, Row, Table

_MOVE_CURSOR = statement(__package__, "move_cursor")
_SAVE_STATES = statement(__package__, "save_states")
_SAVED = statement(__package__, "saved")
_STALL = statement(__package__, "stall_stream")
_RESUME = statement(__package__, "resume_stream")
_PARAMETER = re.compile(r"\$(\d+)")
_SHARED_PARAMETERS = 2


class Cursor(msgspec.Struct, frozen=True):
    """How far a projection has folded a store, and how often a rebuild was swapped in under it."""

    position: int
    generation: int


class Part(msgspec.Struct, frozen=True):
    """A statement whose first parameters are store and projection, and the parameters that follow them."""

    sql: str
    arguments: Sequence[Any]


class BatchRows:
    """The rows of one batch, one a key, in rounds: what one statement of a round touches, no other of it does.

    Two tables may write one target (a command is added, settled, parked); their order must not be lost in a batch.
    """

    def __init__(self, projection: Projection, *, live: bool) -> None:
        self._tables = {table.row: table for table in projection.tables if live or not table.live_only}
        targets = [table.target for table in projection.tables]
        self._shared = {target for target in targets if targets.count(target) > 1}
        self._touched: dict[tuple[str, Any], Table] = {}
        self._rounds: list[dict[Table, dict[Any, Row]]] = [{}]

    def add(self, row: Row) -> None:
        """Take in a row."""
        table = self._tables.get(type(row))
        if table is None:
            return
        key = table.key_of(row)
        if table.target in self._shared and self._touched.setdefault((table.target, key), table) is not table:
            self._rounds.append({})
            self._touched = {(table.target, key): table}
        rows = self._rounds[-1].setdefault(table, {})
        known = rows.get(key)
        rows[key] = row if known is None else table.merge(known, row)

    def rounds(self) -> list[list[Part]]:
        """Return what to execute, round by round; there is always a first one."""
        return [[Part(table.sql, table.columns(rows)) for table, rows in one.items()] for one in self._rounds]


class Move(msgspec.Struct, frozen=True):
    """A cursor's way from `known` to `position`, by the holder of a lease of this epoch.

    `hash` is that of the fact at `position` if it was folded from memory, else None.
    """

    store_id: str
    projection: str
    known: Cursor
    position: int
    epoch: int
    hash: bytes | None


async def save(pool: Pool, move: Move, folding: Folding, rows: BatchRows) -> bool:
    """Write a batch if cursor and ledger are as they were known; else write nothing and return False."""
    rounds = rows.rounds()
    guard = Part(_MOVE_CURSOR, (move.known.position, move.position, move.epoch, move.known.generation, move.hash))
    first = [*_states(folding), *rounds[0]]
    async with pool.acquire() as connection:
        if len(rounds) == 1 and not folding.stalls and not folding.resumed:
            return await _execute(connection, move, guard, first)
        async with connection.transaction():
            if not await _execute(connection, move, guard, first):
                return False
            for one in rounds[1:]:
                for part in one:
                    await connection.execute(part.sql, move.store_id, move.projection, *part.arguments)
            for stream_id in folding.resumed:
                await connection.execute(_RESUME, move.store_id, move.projection, stream_id)
            for stall in folding.stalls:
                await connection.execute(
                    _STALL, move.store_id, move.projection, stall.stream_id, stall.position, stall.error
                )
    return True


async def save_states(connection: Connection, store_id: str, projection: str, states: Mapping[str, bytes]) -> None:
    """Write states, encoded, by key."""
    await connection.execute(_SAVE_STATES, store_id, projection, list(states), list(states.values()))


def _states(folding: Folding) -> list[Part]:
    if not folding.changed:
        return []
    changed = sorted(folding.changed)
    return [Part(_SAVE_STATES, (changed, [msgspec.msgpack.encode(folding.states[key]) for key in changed]))]


async def _execute(connection: Connection, move: Move, guard: Part, parts: Sequence[Part]) -> bool:
    sql = _joined((guard.sql, *(part.sql for part in parts)))
    arguments = [argument for part in (guard, *parts) for argument in part.arguments]
    moved = await connection.fetchval(sql, move.store_id, move.projection, *arguments)
    return bool(moved)


@cache
def _joined(statements: tuple[str, ...]) -> str:
    """Return one statement that moves the cursor by the first of `statements` and does the others if it moved.

    Each of the others takes the store from the cursor's row, so it finds nothing to do where the cursor did not move.
    """
    clauses = []
    shift = 0
    for number, sql in enumerate(statements):
        mine = sql if number == 0 else sql.replace("projection_cursor c", "moved c")
        assert mine != sql or number == 0, "the statement does not take the store from the cursor"
        clauses.append(f"{'moved' if number == 0 else f'part_{number}'} AS ({_shifted(mine, shift)})")
        shift += max(int(found) for found in _PARAMETER.findall(sql)) - _SHARED_PARAMETERS
    return f"WITH {', '.join(clauses)} {_SAVED}"


def _shifted(sql: str, shift: int) -> str:
    """Return the statement with the parameters behind store and projection numbered further on."""
    return _PARAMETER.sub(lambda found: f"${int(found[1]) + (shift if int(found[1]) > _SHARED_PARAMETERS else 0)}", sql)
