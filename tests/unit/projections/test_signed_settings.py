"""Who made a setting stands in the ledger, and changes nothing of what is booked."""

import msgspec

from eventstore.facts.settings import ByActor, SalesAccountsMapped, SalesRulesSet
from projections.jurnal_commands.fold import CommandAdded
from projections.store_settings.fold import SettingRow
from projections.sync_status.fold import SyncRecordRow
from tests.story import BRANCH, CONNECTION, MAIN, Story, paid
from tests.unit.projections.transfer_reports import START, transfer

SETTINGS: tuple[ByActor, ...] = (
    CONNECTION,
    MAIN,
    BRANCH,
    SalesRulesSet(settlement_days=3),
    SalesAccountsMapped(scope="", account="Sales"),
)


def told(actor: str | msgspec.UnsetType) -> Story:
    """Tell a shop whose settings were all made by one person."""
    story = Story()
    for setting in SETTINGS:
        story.set(msgspec.structs.replace(setting, actor=actor))  # type: ignore[arg-type]
    story.order(transactions=[paid("t1", 20_000)])
    story.report("transfer", transfer(START))
    return story


def test_who_made_a_setting_changes_nothing_of_what_is_booked() -> None:
    """The same commands and lines; only the settings as they stand name the person."""
    signed, unsigned = told("owner"), told(msgspec.UNSET)
    for kind in (CommandAdded, SyncRecordRow):
        assert signed.rows(kind) == unsigned.rows(kind)
    named = {row.name for row in signed.rows(SettingRow) if b'"actor":"owner"' in row.body}
    assert named == {"LiveModeActivated", *(type(setting).__name__ for setting in SETTINGS)}
