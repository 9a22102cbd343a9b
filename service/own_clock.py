"""Whether this process's clock agrees with the database's.

Deadlines are made of the database's time, and compared with the process's own clock right before a request is written.
A clock that is ahead by a deadline lets nothing be written, one that is behind lets a call hang for as much longer: a
process whose clock is off leaves the companies to others.
"""

from collections.abc import Callable
from datetime import datetime

import structlog

from eventstore.clock import Clock
from eventstore.connection import Connection, Pool
from eventstore.database_clock import database_now
from service.telemetry.logs import LogEvent

_LOG = structlog.get_logger()


class OwnClock:
    """What is known of how far this process's clock is off; positive: ahead. Seconds."""

    def __init__(
        self, clock: Clock, *, off_seconds_max: float, on_compared: Callable[[float, bool], None] = lambda *_: None
    ) -> None:
        """`on_compared` is told how far the clock is off, and whether that is too far."""
        self._clock = clock
        self._off_seconds_max = off_seconds_max
        self._on_compared = on_compared
        self.off_seconds = 0.0
        self.is_wrong = False

    def now(self) -> datetime:
        """Return the time by this process's clock."""
        return self._clock.now()

    def compare(self, asked_at: datetime, told: datetime) -> bool:
        """Compare with what the database told between `asked_at`, by this clock, and now; True: it is right.

        However long the answer took, and whatever slept meanwhile: only what no wait explains counts.
        """
        ahead = max(0.0, (asked_at - told).total_seconds())
        behind = max(0.0, (told - self._clock.now()).total_seconds())
        self.off_seconds = ahead - behind
        was_wrong, self.is_wrong = self.is_wrong, abs(self.off_seconds) > self._off_seconds_max
        self._on_compared(self.off_seconds, self.is_wrong)
        if self.is_wrong and not was_wrong:
            _LOG.error(LogEvent.CLOCK_DISTRUSTED, off_seconds=self.off_seconds, off_seconds_max=self._off_seconds_max)
        elif was_wrong and not self.is_wrong:
            _LOG.info(LogEvent.CLOCK_TRUSTED, off_seconds=self.off_seconds)
        return not self.is_wrong

    async def ask(self, connection: Connection) -> bool:
        """Ask the database for its time, and compare."""
        asked_at = self._clock.now()
        return self.compare(asked_at, await database_now(connection))

    async def look(self, pool: Pool) -> bool:
        """Ask on a connection of the pool's."""
        async with pool.acquire() as connection:
            return await self.ask(connection)

    def told(self) -> str:
        """Return how the clock stands, in words."""
        if self.off_seconds == 0:
            return "agrees with the database's"
        side = "ahead of" if self.off_seconds > 0 else "behind"
        left = "; this process sends nothing to Jurnal until it is right" if self.is_wrong else ""
        return f"{abs(self.off_seconds):.1f} s {side} the database's{left}"
