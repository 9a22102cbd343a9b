"""The API served over one store."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from service.api.responses import (
    problems,
)
from tests.integration.api.shop import (
    TOKEN,
    Client,
    Shop,
    routes_over,
)


@pytest.fixture
def shop() -> Shop:
    """Give a store that is not live yet."""
    return Shop()


@pytest.fixture
def app(shop: Shop) -> web.Application:
    """Serve the API over `shop`."""
    served = web.Application(middlewares=[problems])
    served.add_routes(routes_over(shop, TOKEN))
    return served


@pytest.fixture
async def api(app: web.Application) -> AsyncIterator[Client]:
    """Give a client that carries the token."""
    async with TestClient(TestServer(app), headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        yield client
