"""Reads iSeller's products as they were last reported."""

from collections.abc import Sequence

from eventstore.connection import Pool
from eventstore.statements import statement
from projections.master_data.fold import ProductRow

_READ = statement(__package__, "read_products")


async def read_products(pool: Pool, store_id: str) -> Sequence[ProductRow]:
    """Return a store's products in the order of their SKUs; those without one first."""
    return [ProductRow(**dict(record)) for record in await pool.fetch(_READ, store_id)]
