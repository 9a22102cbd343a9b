"""Any history of a shop, told in any order, ends with books that another account of it says are right (I3, I4)."""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import count
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ops.sandbox.expected import ExpectedBooks, expected_books
from ops.sandbox.scenario_everything import everything
from ops.sandbox.traffic import generate
from projections.in_transit_stock.queries import read_in_transit
from projections.sync_status.queries import count_records
from tests.books.history import history_of
from tests.books.stand import Merchant, open_merchant
from tests.ledger import open_test_pool

TODAY = date(2026, 11, 20)
_NUMBERS = count(1)


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Give a loop: hypothesis calls its examples from code that is not asynchronous."""
    made = asyncio.new_event_loop()
    yield made
    made.close()


def test_any_history_ends_with_the_books_of_an_independent_account(
    loop: asyncio.AbstractEventLoop, database_url: str, tmp_path: Path
) -> None:
    """Trial balance, profit and loss, stock, transit, receivables, clearing, liabilities and taxes, to the fraction."""

    @settings(
        max_examples=6,
        deadline=None,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(
        seed=st.integers(0, 100_000),
        orders=st.integers(8, 24),
        order=st.integers(0, 1_000),
        repeated=st.sampled_from((0.0, 0.3, 1.0)),
        lost=st.sampled_from((0.0, 0.2, 0.6)),
    )
    def told(seed: int, orders: int, order: int, repeated: float, lost: float) -> None:
        loop.run_until_complete(_lived(database_url, tmp_path, seed, orders, order, repeated, lost))

    told()


async def _lived(
    database_url: str, folder: Path, seed: int, orders: int, order: int, repeated: float, lost: float
) -> None:
    scenario = msgspec.structs.replace(everything(seed), store=f"kopi-{next(_NUMBERS)}")
    traffic = generate(scenario, seed, orders, TODAY, everything=True)
    history = history_of(scenario, traffic, returns_name_origin=seed % 2 == 1)
    pool = await open_test_pool(database_url)
    try:
        async with open_merchant(pool, folder, scenario, history.buys) as merchant:
            await merchant.hear(history.delivered(order, repeated=repeated, lost=lost))
            await merchant.settle()
            await _compare(merchant, expected_books(scenario, traffic))
    finally:
        await pool.close()


async def _compare(merchant: Merchant, expected: ExpectedBooks) -> None:
    sandbox, accountant, store = merchant.sandbox, merchant.accountant, merchant.scenario.store
    records = await count_records(merchant.pool, store)
    assert not {"Pending", "Processing"} & {status for status, found in records.items() if found}, records
    assert sandbox.exact_difference() == 0
    assert _known(sandbox.exact_balances()) == _known(expected.exact)
    profit_and_loss = await accountant.profit_and_loss(*merchant.days(TODAY))
    assert _moved(profit_and_loss) == _moved(expected.profit_and_loss)
    assert await accountant.receivables(TODAY) == expected.receivables
    stock = await accountant.stock(TODAY)
    for warehouse, pieces in expected.stock.items():
        assert _moved(stock.get(warehouse, {})) == _moved(pieces), warehouse
    rows = await read_in_transit(merchant.pool, store, after=None, rows_max=10_000)
    for row in rows:
        assert row.sent == row.received + row.returned + row.rejected + row.in_transit, row
    travelling: dict[str, Decimal] = {}
    for row in rows:
        travelling[row.sku] = travelling.get(row.sku, Decimal(0)) + row.in_transit
    assert _moved(travelling) == _moved(expected.in_transit)
    assert _moved(stock.get(merchant.scenario.transit_warehouse, {})) == _moved(travelling)
    shown = await accountant.invoice_statuses()
    assert _moved(shown) == _moved(expected.invoices)


def _known(balances: dict[str, Fraction]) -> dict[str, Fraction]:
    return {account: balance for account, balance in balances.items() if balance}


def _moved(amounts: Mapping[str, Decimal | int]) -> dict[str, Decimal | int]:
    return {name: amount for name, amount in amounts.items() if amount}
