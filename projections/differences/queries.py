"""Reads differences between the ledger and Jurnal."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

import msgspec

from eventstore.connection import Pool
from eventstore.statements import statement
from projections.differences.fold import DifferenceRow

_LIST = statement(__package__, "list_differences")
_OF_DAYS = statement(__package__, "read_open_of_days")
_OF_RESOURCES = statement(__package__, "read_open_of_resources")
_ACCEPTED = statement(__package__, "read_accepted")
_BY_ID = statement(__package__, "read_open_by_id")
_DECIDED = statement(__package__, "read_decided_at")
_UNKNOWN = statement(__package__, "read_open_unknown")
_LIST_OF_DAYS = statement(__package__, "list_of_days")
_REPAIRABLE = statement(__package__, "read_repairable")
_COUNT = statement(__package__, "count_differences")
_SAID = (
    "difference_id", "kind", "resource", "command_id", "jurnal_id", "kept_id", "transaction_no", "business_date",
    "ledger_amount", "jurnal_amount", "detail", "repair",
)  # fmt: skip
KINDS = ("missing", "duplicate", "altered", "unknown", "paid_differently", "used_differently")


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One difference that stands; amounts in IDR, ids 0 and texts empty where there is none.

    `repair`: what `--repair` would do; `repair_at`, `accepted_at`: the positions where a person asked for it, or
    accepted the difference, 0 for nobody.
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
    accepted_at: int = 0
    accepted_by: str = ""
    accepted_reason: str = ""


def as_found(difference: Listed | DifferenceRow) -> tuple[object, ...]:
    """Return what a finding says, whenever it was made: what a person accepted stays so while this is the same."""
    return tuple(getattr(difference, name) for name in _SAID)


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
    """Return what can be repaired of a range of business dates, and nobody accepted or asked to repair yet."""
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


async def read_decided_at(pool: Pool, store_id: str, difference_ids: list[str]) -> dict[str, int]:
    """Return where each difference was last resolved or accepted; those that never were are left out."""
    records = await pool.fetch(_DECIDED, store_id, difference_ids)
    return {record["difference_id"]: record["decided_at"] for record in records}


async def read_open_by_id(pool: Pool, store_id: str, difference_ids: list[str]) -> list[Listed]:
    """Return those of some differences that stand, accepted or not."""
    return [Listed(**record) for record in await pool.fetch(_BY_ID, store_id, difference_ids)]


async def read_accepted(pool: Pool, store_id: str, difference_ids: list[str]) -> dict[str, tuple[object, ...]]:
    """Return what is accepted of some differences that stand, as `as_found` says it."""
    records = await pool.fetch(_ACCEPTED, store_id, difference_ids)
    return {record["difference_id"]: as_found(Listed(**record)) for record in records}


async def read_open_unknown(pool: Pool, store_id: str) -> frozenset[str]:
    """Return the commands of documents that the ledger did not know, as far as these stand open."""
    return frozenset(record["command_id"] for record in await pool.fetch(_UNKNOWN, store_id))


async def count_differences(pool: Pool) -> dict[str, int]:
    """Return how many differences of all stores stand that nobody accepted, by kind."""
    counted = {record["kind"]: record["differences"] for record in await pool.fetch(_COUNT)}
    return {kind: counted.get(kind, 0) for kind in KINDS}
