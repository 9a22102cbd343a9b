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
from ops.sandbox.scenario import Scenario
from ops.sandbox.scenario_everything import everything
from ops.sandbox.traffic import Traffic, generate
from tests.books.delivery import DELIVERIES, Delivery, Drawn, Way, seeded
from tests.books.difference import differences
from tests.books.history import history_of
from tests.books.shapes import EVERY_SETTING, METHODS_KEPT, PAID_AFTER_REFUNDS, SHAPES, Shape, lived
from tests.books.stand import open_merchant
from tests.ledger import open_test_pool

TODAY = date(2026, 11, 20)
_NUMBERS = count(1)
_SETTINGS = settings(
    deadline=None,
    database=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)


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

    @settings(_SETTINGS, max_examples=1, phases=(Phase.explicit, Phase.generate))
    @given(
        seed=st.integers(0, 100_000),
        orders=st.integers(8, 24),
        order=st.integers(0, 1_000),
        repeated=st.sampled_from((0.0, 0.3, 1.0)),
        lost=st.sampled_from((0.0, 0.2, 0.6)),
    )
    @example(seed=5978, orders=58, order=208, repeated=1.0, lost=0.6)  # something of everything
    def told(seed: int, orders: int, order: int, repeated: float, lost: float) -> None:
        scenario = everything(seed)
        traffic = generate(scenario, seed, orders, TODAY, everything=True)
        delivery = seeded(order, repeated=repeated, lost=lost)
        loop.run_until_complete(
            _booked(database_url, tmp_path, scenario, traffic, delivery, returns_name_origin=seed % 2 == 1)
        )

    told()


def test_any_few_orders_with_any_settings_end_with_the_books_of_an_independent_account(
    loop: asyncio.AbstractEventLoop, database_url: str, tmp_path: Path
) -> None:
    """Settings, orders, stock processes and the way they are told are drawn one by one: what fails shrinks."""

    @settings(_SETTINGS, max_examples=5)
    @given(shape=SHAPES, told=DELIVERIES)
    @example(shape=EVERY_SETTING, told=Drawn())
    @example(shape=METHODS_KEPT, told=Drawn())
    @example(shape=PAID_AFTER_REFUNDS, told=Drawn(ways=(Way(lost=True),)))
    def happened(shape: Shape, told: Drawn) -> None:
        scenario, traffic = lived(shape, TODAY)
        loop.run_until_complete(
            _booked(
                database_url,
                tmp_path,
                scenario,
                traffic,
                told.delivery,
                returns_name_origin=shape.returns_name_origin,
            )
        )

    happened()


async def _booked(
    database_url: str,
    folder: Path,
    scenario: Scenario,
    traffic: Traffic,
    delivery: Delivery,
    *,
    returns_name_origin: bool,
) -> None:
    """Let all of it be told and booked for a store of its own, and compare."""
    scenario = msgspec.structs.replace(scenario, store=f"kopi-{next(_NUMBERS)}")
    history = history_of(scenario, traffic, returns_name_origin=returns_name_origin)
    pool = await open_test_pool(database_url)
    try:
        async with open_merchant(pool, folder, scenario, history.buys) as merchant:
            await merchant.hear(history.delivered(delivery))
            await merchant.settle()
            found = await differences(merchant, expected_books(scenario, traffic), TODAY)
            assert not found, "\n".join(["the books differ:", *found])
    finally:
        await pool.close()
