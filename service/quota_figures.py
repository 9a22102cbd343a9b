"""What is left of the month's package, and which budgets are closed: sums over companies, for metrics."""

from collections import Counter

from eventstore.connection import Pool
from eventstore.database_clock import database_now
from eventstore.statements import statement
from service.jurnal.package import Package, local_day

_CLOSED = statement(__package__, "read_closed_budgets")
_MONTH = statement(__package__, "sum_month")
_SCOPES = ("minute", "hour", "month")


async def count_closed(pool: Pool) -> dict[str, int]:
    """Return how many companies' budgets are closed, by the limit that Jurnal named."""
    counts = Counter(record["closed_scope"] for record in await pool.fetch(_CLOSED))
    return {scope: counts[scope] for scope in _SCOPES}


async def read_package_left(pool: Pool, package: Package) -> int:
    """Return what the company with the most calls this month has left; 0 without a package."""
    if package.calls_per_month is None:
        return 0
    async with pool.acquire() as connection:
        today = local_day(package, await database_now(connection))
        records = await connection.fetch(_MONTH, today.replace(day=1), today)
    return max(0, package.calls_per_month - max((record["calls"] for record in records), default=0))
