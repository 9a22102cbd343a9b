"""Connections and pools as every part of the house opens them."""

from typing import TYPE_CHECKING, TypeAlias

import asyncpg

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
else:
    Connection = asyncpg.Connection
    Pool = asyncpg.Pool

# A connection that dies mid-statement can surface as InternalClientError, which is not a PostgresError.
CONNECTION_ERRORS = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.OperatorInterventionError,
)


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
    plans_kept: bool = False,
) -> Pool:
    """Open a pool whose connections act as `role` (None keeps the login's own rights) in UTC.

    A plan made while a table was empty would be kept as it grows, and with every key leading with the store it may
    walk a whole ledger for one row: so plans are made anew for each execution (about 0.1 ms), and JIT is off. Only the
    appender's connections keep theirs (`plans_kept`): its one statement finds rows by their whole key only.
    """
    settings = {
        "application_name": name,
        "timezone": "UTC",
        "jit": "off",
        "plan_cache_mode": "force_generic_plan" if plans_kept else "force_custom_plan",
    }
    if search_path is not None:
        settings["search_path"] = search_path
    if role is not None:
        settings["role"] = role
    pool = await asyncpg.create_pool(
        url,
        min_size=1,
        max_size=connections_max,
        statement_cache_size=statement_cache_size,
        server_settings=settings,
        command_timeout=30,
        reset=_leave_as_it_is,
    )
    assert pool is not None
    return pool
