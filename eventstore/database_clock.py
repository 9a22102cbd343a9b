"""The one clock of the database; tests replace the SQL function behind it."""

from datetime import datetime

from eventstore.connection import Connection
from eventstore.statements import statement

_DATABASE_NOW = statement(__package__, "database_now")


async def database_now(connection: Connection) -> datetime:
    """Return the database's time: leases, deadlines and quotas of all replicas are compared with it alone."""
    now = await connection.fetchval(_DATABASE_NOW)
    assert isinstance(now, datetime)
    return now
