"""Rebuilds of a ledger whose beginning stands in archive files."""

from datetime import timedelta
from pathlib import Path

import pytest

from eventstore.archive import archive_before
from eventstore.connection import open_pool
from eventstore.errors import HistoryError
from eventstore.store import LedgerReader
from projections.catalogue import CATALOGUE
from projections.rebuild import SHADOW_SEARCH_PATH, Rebuilder
from tests.folding import all_rows, tell
from tests.ledger import NOON, STORE, service_pool
from tests.story import Story, paid


@pytest.mark.parametrize("name", sorted(CATALOGUE))
async def test_a_rebuild_of_an_archived_ledger_gives_the_same_rows(
    database_url: str, tmp_path: Path, name: str
) -> None:
    """The first facts are folded from the files, the rest from the table; without the folder it says what to name."""
    story = Story()
    story.order(transactions=[paid("t1", 20_000)])
    owner = await open_pool(database_url, role=None, connections_max=2)
    shadow = await open_pool(database_url, role="jurnalsync_service", connections_max=2, search_path=SHADOW_SEARCH_PATH)
    async with service_pool(database_url) as pool:
        await tell(pool, story)
        await archive_before(owner, STORE, NOON + timedelta(seconds=1), tmp_path, file_facts_max=3)
        assert await pool.fetchval("SELECT count(*) FROM facts WHERE store_id = $1", STORE) == 0
        for number in range(2, 5):
            story.order(order_id=f"order-{number}", order_reference=f"#{number}")
        await tell(pool, story)
        before = await all_rows(pool)
        rebuilder = Rebuilder(pool, shadow, LedgerReader(pool, tmp_path))
        await rebuilder.fold(STORE, CATALOGUE[name], lambda _position, _end: None)
        result = await rebuilder.swap(STORE, CATALOGUE[name])
        assert (result.differences, result.swapped) == ((), True)
        assert await all_rows(pool) == before
        with pytest.raises(HistoryError, match="JURNALSYNC_ARCHIVE_FOLDER"):
            await Rebuilder(pool, shadow, LedgerReader(pool)).fold(STORE, CATALOGUE[name], lambda _at, _end: None)
    shadow.terminate()
    owner.terminate()
