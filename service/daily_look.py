"""Looks once a day up to which day a company's books are closed, so that what is decided later keeps clear of it.

It takes no call from today's trade: it is asked for as comparing is, beside the sends and not before one.
"""

from datetime import timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from eventstore.clock import Clock
from eventstore.connection import Pool
from eventstore.statements import statement
from projections.store_settings.queries import read_settings
from service.jurnal.pace import Purpose
from service.jurnal_calls import Company
from service.master_data import LookupFailed, MasterDataDirectory

_BEGIN = statement(__package__, "begin_daily_look")
_END = statement(__package__, "end_daily_look")
# A look that found no place or no answer is tried again after this long.
_TRY_AGAIN = timedelta(minutes=5)

Looked = Literal["not_due", "looked", "failed"]


class DailyLook:
    """Looks for one store a step. Any number of processes may step: the database knows when it was done."""

    def __init__(self, pool: Pool, directory: MasterDataDirectory, clock: Clock) -> None:
        self._pool = pool
        self._directory = directory
        self._clock = clock

    async def step(self, store_id: str) -> Looked:
        """Look if the store is live and was not looked at today, by its own time. It is done only when it was made."""
        settings = await read_settings(self._pool, store_id)
        connection = settings.connection
        if connection is None or settings.live_mode is None:
            return "not_due"
        today = self._clock.now().astimezone(ZoneInfo(connection.time_zone)).date()
        if await self._pool.fetchval(_BEGIN, store_id, today, _TRY_AGAIN) is None:
            return "not_due"
        company = Company(connection.company_id, store_id)
        if isinstance(await self._directory.books_closed(store_id, company, Purpose.RECONCILE), LookupFailed):
            return "failed"
        await self._pool.execute(_END, store_id, today)
        return "looked"
