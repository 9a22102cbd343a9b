"""Brings a database to the schema of this release: ledger, projections, service, in this order."""

import asyncpg

from eventstore.connection import Connection
from eventstore.migrate import apply_migrations, pending_migrations
from eventstore.transaction_scope import in_transactions

PACKAGES = ["eventstore", "projections", "service"]


async def migrate_all(url: str, *, service_role: str = "jurnalsync_service") -> list[str]:
    """Apply every missing migration and return their names. `url` logs in as the migrator, who owns the schema.

    Raises `MigrationError` with what to do.
    """
    # Also right through a pooler: every step of a migration is a transaction, and so is every look before it.
    connection = await asyncpg.connect(
        url, statement_cache_size=0, connection_class=in_transactions({"lock_timeout": "10s"})
    )
    try:
        return await apply_migrations(connection, PACKAGES, service_role=service_role)
    finally:
        await connection.close()


async def missing_migrations(connection: Connection) -> list[str]:
    """Return the migrations that this release needs and the database lacks."""
    return await pending_migrations(connection, PACKAGES)
