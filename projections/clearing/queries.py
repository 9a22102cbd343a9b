"""Reads what iSeller holds of a store's money."""

from datetime import date

from eventstore.connection import Pool
from eventstore.statements import statement
from projections.clearing.unsettled import UnsettledDay

_DAYS = statement(__package__, "read_days")
_OLDEST = statement(__package__, "oldest_days")


async def read_unsettled(pool: Pool, store_id: str) -> list[UnsettledDay]:
    """Return the days with money that is not paid out yet, oldest first."""
    return [UnsettledDay(row["day"], row["unsettled"]) for row in await pool.fetch(_DAYS, store_id)]


async def read_oldest(pool: Pool) -> dict[str, date]:
    """Return the oldest day with money that is not paid out yet, by store."""
    return {row["store_id"]: row["day"] for row in await pool.fetch(_OLDEST)}
