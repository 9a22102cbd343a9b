"""One sale to book, and the kind of fault that a test is named after: it must have happened when the test ends."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.dispatcher.stand import open_stand
from tests.integration.fault_kinds.named import kind_of
from tests.integration.fault_kinds.telling import Case
from tests.ledger import NOON
from tests.unit.sandbox_jurnal.shop import Clock
from tests.unit.sandbox_jurnal.virtual_time import Time


@pytest.fixture
async def case(database_url: str, request: pytest.FixtureRequest) -> AsyncIterator[Case]:
    """Give a live store with one completed sale of Rp 20,000."""
    time = Time(Clock(NOON))
    async with open_stand(database_url, time=time) as stand:
        await stand.connect()
        await stand.order()
        yield Case(stand, time)
        kind = kind_of(request.node.name)
        assert kind is not None, "a test of this folder is named after a kind of fault"
        assert stand.sandbox.injected[kind] > 0, f"{kind} did not happen, so nothing was tested"
