"""Connections and pools as every part of the house opens them."""

import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import asyncpg

from eventstore.errors import PoolerNotDeclared
from eventstore.transaction_scope import in_transactions

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
else:
    Connection = asyncpg.Connection
    Pool = asyncpg.Pool

# The database cannot do it now and may later, and nothing is wrong with what was asked. A connection that dies
# mid-statement can surface as InternalClientError, which is not a PostgresError; no room on the disk and no connection
# left are InsufficientResourcesError; a server that is read-only is a standby that was not promoted yet. The last three
# are what a database says at the door while somebody restores, renames or closes it, or changes a login.
CONNECTION_ERRORS = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.ObjectNotInPrerequisiteStateError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InvalidAuthorizationSpecificationError,
)


# Made for each execution, kept for good, or kept for a while.
Plans: TypeAlias = Literal["anew", "kept", "young"]


class ConnectionLimits(NamedTuple):
    """How long anything with the database may take, in seconds; no connection that looks alive is waited for for ever.

    `idle_transaction_seconds_max`: the server ends a transaction that nobody goes on with, and frees what it locks.
    """

    connect_seconds_max: float = 10
    command_seconds_max: float = 30
    idle_transaction_seconds_max: float = 120


LIMITS = ConnectionLimits()


async def _leave_as_it_is(_connection: Connection) -> None:
    """Send nothing when a connection goes back: nobody sets session state, and asyncpg's reset is a round trip."""


async def open_pool(
    url: str,
    *,
    role: str | None,
    connections_max: int,
    statement_cache_size: int = 100,
    name: str = "jurnalsync",
    search_path: str | None = None,
    plans: Plans = "anew",
    limits: ConnectionLimits = LIMITS,
) -> Pool:
    """Open a pool whose connections act as `role` (None keeps the login's own rights) in UTC.

    A plan made while a table was empty would be kept as it grows, and with every key leading with the store it may
    walk a whole ledger for one row: so plans are made anew for each execution (about 0.1 ms), and JIT is off. Only the
    connections that facts and batches of projections are written on keep theirs (`kept`): what these statements
    look up they find by its whole key, and a plan that walks a table to it is not open to them. On any other plans may
    be used again (`young`) where whoever asks has them made anew before they are old.
    `statement_cache_size` 0 keeps nothing in a session, which is what a pooler in transaction mode needs.
    Raises `PoolerNotDeclared` if the address is a pooler's and the size is not 0.
    """
    planned = {"plan_cache_mode": "force_custom_plan" if plans == "anew" else "force_generic_plan"}
    if plans == "kept":
        planned |= dict.fromkeys(("enable_seqscan", "enable_hashjoin", "enable_mergejoin", "enable_sort"), "off")
    idle = f"{limits.idle_transaction_seconds_max * 1_000:.0f}"
    settings = {"timezone": "UTC", "jit": "off", "idle_in_transaction_session_timeout": idle, **planned}
    if search_path is not None:
        settings["search_path"] = search_path
    if role is not None:
        settings["role"] = role
    named = {"application_name": name}
    through_pooler = statement_cache_size == 0
    try:
        pool = await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=connections_max,
            statement_cache_size=statement_cache_size,
            connection_class=in_transactions(settings) if through_pooler else asyncpg.Connection,
            server_settings=named if through_pooler else named | settings,
            timeout=limits.connect_seconds_max,
            command_timeout=limits.command_seconds_max,
            reset=_leave_as_it_is,
        )
    except asyncpg.ProtocolViolationError as error:
        # Postgres knows these settings; a pooler that cannot carry them refuses the connection.
        raise PoolerNotDeclared(str(error)) from error
    assert pool is not None
    if not through_pooler:
        try:
            await _refuse_a_hidden_pooler(pool)
        except BaseException:
            pool.terminate()
            raise
    return pool


@contextlib.asynccontextmanager
async def closing(pool: Pool) -> AsyncIterator[Pool]:
    """Close a pool in the end; connections that do not answer any more are dropped, which loses nothing."""
    try:
        yield pool
    finally:
        try:
            await pool.close()
        except CONNECTION_ERRORS:
            pool.terminate()


async def _refuse_a_hidden_pooler(pool: Pool) -> None:
    """Raise `PoolerNotDeclared` where another process answers than the one that greeted: only a pooler does that."""
    async with pool.acquire() as connection:
        answering = await connection.fetchval("SELECT pg_backend_pid()")
        if answering != connection.get_server_pid():
            raise PoolerNotDeclared("another server process answers than the one that greeted")
