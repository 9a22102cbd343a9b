"""What each new connection asks its server about types it always has, asked once a run of Python."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg

# Below it a type comes with the server, and is the same in each of its major version.
_FIRST_OF_OUR_OWN = 16_384
_known: dict[tuple[int, frozenset[int]], object] = {}


@contextmanager
def types_known() -> Iterator[None]:
    """Let asyncpg ask about a set of built-in types on its first connection only: 5 ms each, 15 times a process."""
    asked: Callable[..., Any] = asyncpg.Connection._introspect_types  # noqa: SLF001 - it can be told in no other way

    async def answered(self: Any, oids: Iterable[int], timeout: float) -> object:
        wanted = (self.get_server_version().major, frozenset(oids))
        if wanted not in _known:
            described = await asked(self, oids, timeout)
            if max(wanted[1]) >= _FIRST_OF_OUR_OWN:
                return described
            _known[wanted] = described
        return _known[wanted]

    asyncpg.Connection._introspect_types = answered  # type: ignore[method-assign]  # noqa: SLF001 - as above
    try:
        yield
    finally:
        asyncpg.Connection._introspect_types = asked  # type: ignore[method-assign]  # noqa: SLF001 - as above
