"""What Prometheus is told of all stores: what is held, how long a store is paused, how old money in the clearing is."""

from datetime import UTC, datetime, timedelta

from eventstore.clock import ManualClock
from eventstore.facts.operators import OPERATIONS_STREAM, StorePaused, StoreResumed
from eventstore.facts.settings import SalesRulesSet
from eventstore.store import LedgerReader
from service.observation import Observation
from service.quota_wish import Sharing
from service.telemetry.metrics import Metrics
from tests.folding import tell
from tests.ledger import NOON, service_pool
from tests.story import Story, own
from tests.unit.projections.test_clearing import settled, sold

# The end of 18 November in Jakarta.
DAY_OVER = datetime(2026, 11, 18, 17, tzinfo=UTC)


async def test_figures_follow_what_is_held_paused_and_unsettled(database_url: str) -> None:
    """Age counts from the end of the day the money was taken; overdue by the store's own settlement days."""
    story = Story()
    story.set(SalesRulesSet(settlement_days=3))
    sold(story, 1, 18)
    sold(story, 2, 19)
    story.order(order_id="order-3", status="draft")
    story.tell(own(StorePaused(actor="owner", reason="count"), OPERATIONS_STREAM, "pause:1"))
    metrics, clock = Metrics("1"), ManualClock(DAY_OVER + timedelta(days=3))

    def figures() -> tuple[float | None, ...]:
        names = ("paused_seconds", "clearing_oldest_unsettled_seconds", "clearing_overdue_stores")
        held = metrics.registry.get_sample_value("jurnalsync_commands", {"state": "held"})
        return (held, *(metrics.registry.get_sample_value(f"jurnalsync_{name}") for name in names))

    async with service_pool(database_url) as pool:
        observation = Observation(pool, LedgerReader(pool), clock, metrics, Sharing().package)
        await tell(pool, story)
        await observation.step()
        age = timedelta(days=3).total_seconds()
        assert figures() == (1, (clock.now() - NOON).total_seconds(), age, 0)
        clock.advance(timedelta(seconds=1))
        await observation.step()
        assert figures() == (1, (clock.now() - NOON).total_seconds(), age + 1, 1)
        settled(story, 1, 20_000)
        story.tell(own(StoreResumed(actor="owner", reason="counted"), OPERATIONS_STREAM, "resume:1"))
        await tell(pool, story)
        await observation.step()
        assert figures() == (1, 0, age + 1 - 86_400, 0)
        settled(story, 2, 20_000)
        await tell(pool, story)
        await observation.step()
        assert figures() == (1, 0, 0, 0)
