"""Why nothing of a company goes to Jurnal at the moment, in one sentence for the Accounting Sync list."""

from datetime import datetime
from zoneinfo import ZoneInfo

from eventstore.connection import Pool
from eventstore.statements import statement
from service.quota import CLOSED_WORDS

_WAITS = statement(__package__, "read_company_waits")


async def read_company_wait(pool: Pool, company_id: str, zone: ZoneInfo) -> str | None:
    """Return why and until when the company's commands wait, in the store's time; None while they go."""
    row = await pool.fetchrow(_WAITS, company_id)
    assert row is not None

    def told(at: datetime) -> str:
        return at.astimezone(zone).strftime("%Y-%m-%d %H:%M")

    if row["tried_at"] is not None:
        failure, since, tried_at = row["failure"], told(row["since"]), told(row["tried_at"])
        return f"Jurnal does not answer since {since} ({failure}); it is tried again at {tried_at}"
    if row["closed_scope"] is not None:
        return f"{CLOSED_WORDS[row['closed_scope']]}; it is tried again at {told(row['reopens_at'])}"
    if row["free_at"] is not None:
        return f"{row['spent']}; it goes on at {told(row['free_at'])}"
    return None
