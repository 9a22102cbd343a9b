"""A connected store in Live Mode beside a Jurnal company, in virtual time."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.dispatcher.stand import Stand, open_stand


@pytest.fixture
async def stand(database_url: str) -> AsyncIterator[Stand]:
    """Give a store that is live."""
    async with open_stand(database_url) as opened:
        await opened.connect()
        yield opened
