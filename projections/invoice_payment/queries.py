"""Reads invoices and how much of them is paid; those that Jurnal has not (any more) are left out."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

import msgspec

from eventstore.connection import Pool
from eventstore.statements import statement

_PAGE = statement(__package__, "read_invoices")
_COUNTS = statement(__package__, "count_invoices")
_OWED = statement(__package__, "read_owed")


class ListedInvoice(msgspec.Struct, frozen=True, kw_only=True):
    """One invoice in Jurnal; owed is total - paid - returned, IDR."""

    order_id: str
    order_reference: str
    transaction_no: str
    transaction_date: date
    due_date: date
    total: Decimal
    paid: Decimal
    returned: Decimal
    status: str


class StatusCount(msgspec.Struct, frozen=True):
    """How many invoices hold `status`; `past_due` tells those due before the day asked for.

    `rounded_invoices`: how many of them needed rounding of ours, `rounded`: how much it comes to, IDR, signed.
    """

    status: str
    past_due: bool
    invoices: int
    rounded_invoices: int
    rounded: Decimal


async def read_invoices(
    pool: Pool,
    store_id: str,
    *,
    statuses: tuple[str, ...],
    due_before: date | None,
    due_from: date | None,
    after_transaction_no: str | None,
    rows_max: int,
) -> list[ListedInvoice]:
    """Return booked invoices in the order of their numbers."""
    records = await pool.fetch(
        _PAGE, store_id, list(statuses), due_before, due_from, after_transaction_no or "", rows_max
    )
    return [ListedInvoice(**record) for record in records]


async def read_owed(pool: Pool, store_id: str, numbers: Iterable[str]) -> dict[str, Decimal]:
    """Return what is owed on each of these invoices that stands in Jurnal, IDR."""
    return {record["transaction_no"]: record["owed"] for record in await pool.fetch(_OWED, store_id, list(numbers))}


async def count_invoices(pool: Pool, store_id: str, *, due_before: date) -> list[StatusCount]:
    """Return how many booked invoices hold each status, those due before a day apart."""
    records = await pool.fetch(_COUNTS, store_id, due_before)
    return [StatusCount(**record) for record in records]
