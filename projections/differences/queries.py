"""Reads differences between the ledger and Jurnal."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

import msgspec

from eventstore.connection import Pool
from eventstore.statements import statement

_LIST = statement(__package__, "list_differences")
_OF_DAYS = statement(__package__, "read_open_of_days")
_OF_RESOURCES = statement(__package__, "read_open_of_resources")
_RESOLVED = statement(__package__, "read_resolved_at")
_UNKNOWN = statement(__package__, "read_open_unknown")
_LIST_OF_DAYS = statement(__package__, "list_of_days")
_REPAIRABLE = statement(__package__, "read_repairable")
_COUNT = statement(__package__, "count_differences")
KINDS = ("missing", "duplicate", "altered", "unknown", "paid_differently", "used_differently")


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One difference that stands; amounts in IDR, ids 0 and texts empty where there is none.

    `repair`: what `--repair` would do; `repair_at`: the position where a person asked for it, 0 for nobody.
    """

    difference_id: str
    kind: str
    resource: str
    command_id: str
    jurnal_id: int
    kept_id: int
    transaction_no: str
    business_date: date
    ledger_amount: Decimal | None
    jurnal_amount: Decimal | None
    detail: str
    repair: str
    repair_at: int
    found_at: int
    found_on: datetime


async def list_differences(
    pool: Pool, store_id: str, *, kinds: tuple[str, ...] = (), after: str = "", rows_max: int
) -> list[Listed]:
    """Return the open differences behind the id `after`, in the order of their ids."""
    records = await pool.fetch(_LIST, store_id, list(kinds), after, rows_max)
    return [Listed(**record) for record in records]


async def list_of_days(pool: Pool, store_id: str, first: date, last: date, *, rows_max: int) -> list[Listed]:
    """Return the open differences of a range of business dates, oldest first."""
    return [Listed(**record) for record in await pool.fetch(_LIST_OF_DAYS, store_id, first, last, rows_max)]


async def read_repairable(pool: Pool, store_id: str, first: date, last: date) -> list[Listed]:
    """Return the open differences of a range of business dates that can be repaired and nobody asked to yet."""
    return [Listed(**record) for record in await pool.fetch(_REPAIRABLE, store_id, first, last)]


class Open(msgspec.Struct, frozen=True):
    """A difference that stands since the fact at `found_at`; `business_date` puts it into a range."""

    difference_id: str
    kind: str
    resource: str
    command_id: str
    found_at: int
    business_date: date


async def read_open_of_resources(pool: Pool, store_id: str, resources: Sequence[str]) -> list[Open]:
    """Return the open differences of some resources, whatever their day."""
    return [Open(**record) for record in await pool.fetch(_OF_RESOURCES, store_id, list(resources))]


async def read_open_of_days(pool: Pool, store_id: str, first: date, last: date) -> list[Open]:
    """Return the open differences of a range of business dates."""
    return [Open(**record) for record in await pool.fetch(_OF_DAYS, store_id, first, last)]


async def read_resolved_at(pool: Pool, store_id: str, difference_ids: list[str]) -> dict[str, int]:
    """Return where each difference was last said to be resolved; those that never were are left out."""
    records = await pool.fetch(_RESOLVED, store_id, difference_ids)
    return {record["difference_id"]: record["resolved_at"] for record in records}


async def read_open_unknown(pool: Pool, store_id: str) -> frozenset[str]:
    """Return the commands of documents that the ledger did not know, as far as these stand open."""
    return frozenset(record["command_id"] for record in await pool.fetch(_UNKNOWN, store_id))


async def count_differences(pool: Pool) -> dict[str, int]:
    """Return how many differences of all stores stand open, by kind."""
    counted = {record["kind"]: record["differences"] for record in await pool.fetch(_COUNT)}
    return {kind: counted.get(kind, 0) for kind in KINDS}
