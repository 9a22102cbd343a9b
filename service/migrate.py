"""Brings a database to the schema of this release: ledger, projections, service, in this order."""

from collections.abc import Sequence

import asyncpg

from eventstore.connection import Connection
from eventstore.errors import MigrationError
from eventstore.migrate import apply_migrations, pending_migrations
from eventstore.transaction_scope import in_transactions

PACKAGES = ["eventstore", "projections", "service"]
_LOCK_SECONDS_MAX = 10
SETTINGS = {
    "lock_timeout": f"{_LOCK_SECONDS_MAX}s",
    # A killed migrator must not hold its locks until the statement it was in ends by itself.
    "client_connection_check_interval": "500ms",
}


async def migrate_all(
    url: str, *, service_role: str = "jurnalsync_service", packages: Sequence[str] = PACKAGES
) -> list[str]:
    """Apply every missing migration and return their names. `url` logs in as the migrator, who owns the schema.

    Raises `MigrationError` with what to do.
    """
    # Also right through a pooler: every step of a migration is a transaction, and so is every look before it.
    connection = await asyncpg.connect(url, statement_cache_size=0, connection_class=in_transactions(SETTINGS))
    try:
        return await apply_migrations(connection, packages, service_role=service_role)
    except asyncpg.LockNotAvailableError as error:
        raise MigrationError(
            f"another migrator or a long transaction held a lock for {_LOCK_SECONDS_MAX} s; nothing of the migration"
            " at hand was applied: end what holds it, or wait, and run `jurnalsync migrate` again"
        ) from error
    finally:
        await connection.close()


async def missing_migrations(connection: Connection) -> list[str]:
    """Return the migrations that this release needs and the database lacks."""
    return await pending_migrations(connection, PACKAGES)
