"""What each new connection asks its server about the types that come with it, asked once in this process."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg

# Below it a type comes with the server, and is the same in each of its major version.
_FIRST_OF_OUR_OWN = 16_384
# asyncpg can be told in no other way what a server would answer.
_ASKS = "_introspect_types"
_known: dict[tuple[int, frozenset[int]], object] = {}


@contextmanager
def types_known() -> Iterator[None]:
    """Let asyncpg ask about a set of built-in types on the first connection only, not 28 times a simulated world."""
    asked: Callable[..., Any] = getattr(asyncpg.Connection, _ASKS)

    async def answered(connection: Any, oids: Iterable[int], seconds_max: float) -> object:
        wanted = (connection.get_server_version().major, frozenset(oids))
        if wanted not in _known:
            described = await asked(connection, oids, seconds_max)
            if max(wanted[1]) >= _FIRST_OF_OUR_OWN:
                return described
            _known[wanted] = described
        return _known[wanted]

    setattr(asyncpg.Connection, _ASKS, answered)
    try:
        yield
    finally:
        setattr(asyncpg.Connection, _ASKS, asked)
