"""What says that a projection is the fold of its ledger would say so if it were not."""

import asyncpg
import pytest

from eventstore.store import LedgerReader
from projections.store_settings.fold import StoreSettingsTable
from tests.faults.folding import EveryFact, fold_to_the_end, misfolded
from tests.ledger import STORE, appender_on, member, service_pool
from tests.story import BRANCH, MAIN, own

PROJECTIONS = (EveryFact(), StoreSettingsTable())
FACTS = [member(1), own(MAIN, "settings", "one"), member(2), own(BRANCH, "settings", "two")]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE projection_state SET state = '\\x92cd0009c400' WHERE key = 'the ledger'",
        "DELETE FROM projection_state WHERE key = 'customer-1'",
        "DELETE FROM store_setting WHERE key = 'main'",
        "UPDATE store_setting SET position = 1 WHERE key = 'branch'",
    ],
)
async def test_a_projection_that_was_changed_behind_its_back_is_found(change: str, stage_url: str) -> None:
    """A state or a row more, less or other than the fold from the first fact gives."""
    async with service_pool(stage_url) as pool:
        await appender_on(pool).append(STORE, FACTS)
        await fold_to_the_end(pool, PROJECTIONS, [STORE])
        ledgers = {STORE: await LedgerReader(pool).read_after(STORE, 0, 100)}
        assert await misfolded(stage_url, pool, PROJECTIONS, ledgers) == []
        owner = await asyncpg.connect(stage_url)
        assert await owner.execute(change) in ("UPDATE 1", "DELETE 1")
        await owner.close()
        assert len(await misfolded(stage_url, pool, PROJECTIONS, ledgers)) >= 1
