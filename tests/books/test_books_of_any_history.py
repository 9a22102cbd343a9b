"""Any history of a shop, told in any order, ends with books that another account of it says are right (I3, I4)."""

import asyncio
from collections.abc import Iterator
from datetime import date
from itertools import count
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from ops.sandbox.expected import expected_books
from ops.sandbox.scenario_everything import everything
from ops.sandbox.traffic import generate
from tests.books.difference import differences
from tests.books.history import history_of
from tests.books.stand import open_merchant
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
        max_examples=4,
        deadline=None,
        database=None,
        derandomize=True,
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
    @example(seed=5978, orders=58, order=208, repeated=1.0, lost=0.6)  # something of everything
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
            found = await differences(merchant, expected_books(scenario, traffic), TODAY)
            assert not found, "\n".join(["the books differ:", *found])
    finally:
        await pool.close()
