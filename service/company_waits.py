"""Why nothing of a company goes to Jurnal at the moment, in one sentence for the Accounting Sync list."""

from datetime import datetime
from zoneinfo import ZoneInfo

from eventstore.connection import Pool
from eventstore.statements import statement
from service.quota import CLOSED_WORDS

_IS_LED = statement(__package__, "read_is_led")
_WAITS = statement(__package__, "read_company_waits")


async def read_company_wait(pool: Pool, company_id: str, zone: ZoneInfo) -> str | None:
    """Return why and until when the company's commands wait, in the store's time; None while they go."""
    row = await pool.fetchrow(_WAITS, company_id)
    assert row is not None

    def told(at: datetime) -> str:
        return told_at(at, zone)

    if row["tried_at"] is not None:
        failure, since, tried_at = row["failure"], told(row["since"]), told(row["tried_at"])
        return f"Jurnal does not answer since {since} ({failure}); it is tried again at {tried_at}"
    if row["closed_scope"] is not None:
        return f"{CLOSED_WORDS[row['closed_scope']]}; it is tried again at {told(row['reopens_at'])}"
    if row["free_at"] is not None:
        return f"{row['spent']}; it goes on at {told(row['free_at'])}"
    return None


async def read_is_led(pool: Pool, company_id: str) -> bool:
    """Tell whether a replica has the company in its hands; none does where none runs, or each one's clock is wrong."""
    return bool(await pool.fetchval(_IS_LED, company_id))


def told_at(at: datetime, zone: ZoneInfo) -> str:
    """Return a moment as people of the store's zone say it; logs tell UTC, so the zone stands beside it."""
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M %Z")
