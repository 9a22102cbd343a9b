"""Connections that keep nothing in their session: what a pooler in transaction mode (PgBouncer) can carry.

Behind such a pooler each transaction may run on another server connection. A role set once would act on somebody else's
statements and be missing from ours; a statement prepared in one transaction is not there in the next.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias, TypeVar, cast

import asyncpg
import msgspec

from eventstore.statements import statement

if TYPE_CHECKING:
    PlainConnection: TypeAlias = asyncpg.Connection[asyncpg.Record]
else:
    PlainConnection = asyncpg.Connection
Method = TypeVar("Method", bound=Callable[..., Any])


def in_transactions(settings: Mapping[str, str]) -> type[PlainConnection]:
    """Return a connection class whose every statement runs in a transaction that begins by setting `settings`.

    The settings go with the BEGIN in one message and end with the transaction. Open such connections with
    `statement_cache_size=0`: a statement without a name lives no longer than the transaction it is used in.
    """
    literal = "'" + msgspec.json.encode(settings).decode().replace("'", "''") + "'"
    set_all = statement(__package__, "set_for_transaction").replace(":settings", literal)

    execute_scoped = _scoped(PlainConnection.execute)

    class TransactionScoped(PlainConnection):
        async def execute(self, query: str, *args: object, **options: Any) -> str:
            # What asyncpg's own transaction() sends to begin; a nested one sends a SAVEPOINT.
            if query.startswith("BEGIN") and not self.is_in_transaction():
                return await super().execute(f"{query} {set_all}", **options)
            return await execute_scoped(self, query, *args, **options)

        fetch = _scoped(PlainConnection.fetch)
        fetchrow = _scoped(PlainConnection.fetchrow)
        fetchval = _scoped(PlainConnection.fetchval)
        executemany = _scoped(PlainConnection.executemany)
        copy_records_to_table = _scoped(PlainConnection.copy_records_to_table)

        async def prepare(self, *_args: object, **_options: object) -> NoReturn:
            """Nothing prepared may outlive its transaction."""
            raise AssertionError("a connection through a pooler keeps no prepared statement; use fetch or execute")

    return TransactionScoped


def _scoped(method: Method) -> Method:
    async def run(connection: PlainConnection, *args: object, **options: object) -> object:
        if connection.is_in_transaction():
            return await method(connection, *args, **options)
        async with connection.transaction():
            return await method(connection, *args, **options)

    return cast("Method", run)
