"""Reads what is in transit."""

from decimal import Decimal

import msgspec

from eventstore.connection import Pool
from eventstore.statements import statement

_PAGE = statement(__package__, "read_in_transit")
_TOTALS = statement(__package__, "sum_in_transit")


class InTransit(msgspec.Struct, frozen=True, kw_only=True):
    """One SKU of one transfer. Quantities in the product's unit."""

    transfer_id: str
    transfer_number: str
    sku: str
    sent: Decimal
    received: Decimal
    returned: Decimal
    rejected: Decimal
    in_transit: Decimal


async def read_in_transit(
    pool: Pool, store_id: str, *, after: tuple[str, str] | None, rows_max: int
) -> list[InTransit]:
    """Return rows in the order of transfer and SKU."""
    transfer_id, sku = after or ("", "")
    return [InTransit(**record) for record in await pool.fetch(_PAGE, store_id, transfer_id, sku, rows_max)]


async def sum_in_transit(pool: Pool, store_id: str) -> dict[str, Decimal]:
    """Return what is in transit of every SKU that ever travelled."""
    return {record["sku"]: record["in_transit"] for record in await pool.fetch(_TOTALS, store_id)}
