"""One clock in Python and one in the database; tests replace both."""

from datetime import UTC, datetime, timedelta
from typing import Protocol

from eventstore.connection import Connection
from eventstore.statements import statement

_DATABASE_NOW = statement(__package__, "database_now")


class Clock(Protocol):
    """Wall-clock time in UTC."""

    def now(self) -> datetime:
        """Return the current time, timezone-aware, UTC."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the machine's time in UTC."""
        return datetime.now(UTC)


class ManualClock:
    """A clock that moves only when told to."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        """Return the time last set."""
        return self._now

    def advance(self, by: timedelta) -> None:
        """Move forward (or, to test jumps, backward) by `by`."""
        self._now += by


async def database_now(connection: Connection) -> datetime:
    """Return the database's time: leases, deadlines and quotas of all replicas are compared with it alone."""
    now = await connection.fetchval(_DATABASE_NOW)
    assert isinstance(now, datetime)
    return now
