"""A shop with master data, served for one test."""

from collections.abc import AsyncIterator

import pytest

from tests.unit.sandbox_jurnal.shop import Shop, opened


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    """Serve a company with a customer, products, a tax, warehouses and a bank."""
    async with opened() as served:
        await served.stock_up()
        yield served
