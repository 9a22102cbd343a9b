"""What each new connection asks its server about the types that come with it, asked once in this process."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg

# Below it a type comes with the server, and is the same in each of its major version.
_FIRST_OF_OUR_OWN = 16_384
# asyncpg can be told in no other way what a server would answer.
_ASKS = "_introspect_types"
_SECONDS_MAX = 10.0
# What a program has arrays of: bool, bytea, int2, int4, text, varchar, int8, date, timestamptz, numeric, record, uuid.
_ARRAYS = (1000, 1001, 1005, 1007, 1009, 1015, 1016, 1182, 1185, 1231, 2287, 2951)
# Rows that describe a type, and the statement that read them.
_Described = tuple[list[asyncpg.Record], Any]
_known: dict[tuple[int, int], _Described] = {}


async def learn_types(url: str) -> None:
    """Ask about what most programs have arrays of, so that a first run asks no more than those after it."""
    connection = await asyncpg.connect(url)
    try:
        await getattr(connection, _ASKS)(_ARRAYS, _SECONDS_MAX)
    finally:
        await connection.close()


@contextmanager
def types_known() -> Iterator[None]:
    """Let asyncpg ask about a built-in type on the first connection only, not 28 times a simulated world."""
    asks: Callable[..., Any] = getattr(asyncpg.Connection, _ASKS)

    async def described(connection: Any, oid: int, seconds_max: float) -> _Described:
        wanted = (connection.get_server_version().major, oid)
        if wanted not in _known:
            _known[wanted] = await asks(connection, (oid,), seconds_max)
        return _known[wanted]

    async def answered(connection: Any, oids: Iterable[int], seconds_max: float) -> _Described:
        wanted = sorted(oids)
        if wanted[-1] >= _FIRST_OF_OUR_OWN:
            own: _Described = await asks(connection, wanted, seconds_max)
            return own
        told = [await described(connection, oid, seconds_max) for oid in wanted]
        return [row for rows, _ in told for row in rows], told[-1][1]

    setattr(asyncpg.Connection, _ASKS, answered)
    try:
        yield
    finally:
        setattr(asyncpg.Connection, _ASKS, asks)
