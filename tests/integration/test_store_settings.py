"""Settings as they stand, read outside a fold."""

from datetime import date

from eventstore.facts.operators import StorePaused, StoreResumed
from eventstore.facts.settings import (
    BooksClosed,
    ChannelMapped,
    SalesAccountsMapped,
    SalesRulesSet,
)
from projections.store_settings.queries import CurrentSettings, read_settings
from tests.folding import tell
from tests.ledger import STORE, service_pool
from tests.story import CONNECTION, Story, own

TOKOPEDIA = ChannelMapped(
    channel="marketplace", channel_name="Tokopedia", warehouse="Main Warehouse", channel_detail="tokopedia"
)
PAUSED = StorePaused(actor="ibu.rina", reason="Stock count")
RESUMED = StoreResumed(actor="ibu.rina", reason="Counted")


def told(story: Story, *settings: object) -> Story:
    """Tell settings one after the other."""
    for setting in settings:
        story.tell(own(setting, "settings", f"setting:{len(story.facts) + 1}"))  # type: ignore[arg-type]
    return story


async def settings_after(database_url: str, story: Story) -> CurrentSettings:
    """Read them from the table."""
    async with service_pool(database_url) as pool:
        await tell(pool, story)
        return await read_settings(pool, STORE)


async def test_every_setting_is_read_as_it_was_last_given(database_url: str) -> None:
    """The last of each name and of each outlet, channel or scope; what the fold has is the same."""
    web = ChannelMapped(channel="web", channel_name="Web shop", warehouse="Main Warehouse")
    store_wide = SalesAccountsMapped(scope="", account="Sales", products={"LATTE": "Coffee"})
    of_branch = SalesAccountsMapped(scope="branch", account="Branch Sales")
    story = told(
        Story(),
        TOKOPEDIA,
        web,
        SalesAccountsMapped(scope="", account="Older"),
        store_wide,
        of_branch,
        SalesRulesSet(settlement_days=3),
        SalesRulesSet(settlement_days=4, charge_product="CHARGE"),
        BooksClosed(until=date(2026, 9, 30)),
        BooksClosed(until=date(2026, 10, 31)),
    )
    settings = await settings_after(database_url, story)
    assert settings.connection == CONNECTION
    assert settings.channels == {"marketplace:tokopedia": TOKOPEDIA, "web": web}
    assert settings.sales_accounts == {"": store_wide, "branch": of_branch}
    assert settings.rules == SalesRulesSet(settlement_days=4, charge_product="CHARGE")
    assert settings.books_closed == date(2026, 10, 31)
    folded = settings.as_folded()
    assert (folded.channels, folded.rules, folded.live_from) == (settings.channels, settings.rules, 4)


async def test_a_store_that_nobody_has_set_up_has_the_defaults(database_url: str) -> None:
    """Nothing is mapped, nothing is closed, nothing is paused."""
    async with service_pool(database_url) as pool:
        assert await read_settings(pool, STORE) == CurrentSettings()


async def test_a_store_is_paused_until_it_is_resumed(database_url: str) -> None:
    """The last of the two facts counts, and says who and why."""
    async with service_pool(database_url) as pool:
        story = told(Story(), PAUSED)
        await tell(pool, story)
        assert (await read_settings(pool, STORE)).paused == PAUSED
        await tell(pool, told(story, RESUMED))
        assert (await read_settings(pool, STORE)).paused is None
        again = StorePaused(actor="pak.budi", reason="Audit")
        await tell(pool, told(story, again))
        assert (await read_settings(pool, STORE)).paused == again
