"""How far each endpoint was read, kept so that a restart goes on where the last process stopped."""

from datetime import date, datetime

import msgspec

from eventstore.connection import Pool
from eventstore.statements import statement

_READ = statement(__package__, "read_cursor")
_BEGIN = statement(__package__, "begin_pass")
_MOVE = statement(__package__, "move_cursor")


class PollCursor(msgspec.Struct, frozen=True, kw_only=True):
    """Everything modified up to `modified_after` was read and appended (UTC).

    `reading_after` is where a pass in progress goes on, `swept_on` the store's local date of the last sweep.
    """

    modified_after: datetime
    reading_after: datetime | None
    swept_on: date


class PollCursors:
    """Reads and moves the cursors; `modified_after` never goes back."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def read(self, store_id: str, endpoint: str) -> PollCursor | None:
        """Return the cursor, or None before the first poll."""
        record = await self._pool.fetchrow(_READ, store_id, endpoint)
        return None if record is None else PollCursor(**record)

    async def begin_pass(self, store_id: str, endpoint: str, *, reading_after: datetime, swept_on: date) -> None:
        """Start a pass at `reading_after`; the very first one starts the cursor there."""
        await self._pool.execute(_BEGIN, store_id, endpoint, reading_after, swept_on)

    async def move(
        self, store_id: str, endpoint: str, *, modified_after: datetime, reading_after: datetime | None
    ) -> None:
        """Note that everything up to `modified_after` is appended; None ends the pass."""
        await self._pool.execute(_MOVE, store_id, endpoint, modified_after, reading_after)
