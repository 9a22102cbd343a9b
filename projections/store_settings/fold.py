"""Folds settings facts into a table: the last of each name and key counts, but Live Mode begins only once."""

from collections.abc import Sequence
from typing import Any, ClassVar

from eventstore.event import Fact
from eventstore.facts.operators import StorePaused, StoreResumed
from eventstore.facts.registry import Meaning, encode
from eventstore.facts.settings import (
    BooksClosed,
    ChannelMapped,
    LiveModeActivated,
    MappingRemoved,
    OutletMapped,
    SalesAccountsMapped,
    SalesRulesSet,
    StoreConnected,
)
from projections.changes.settings import StoreSettings, channel_scope
from projections.projection import NOTHING, Evolved, Row, States, Table, last_row

# Pausing and resuming are two facts and one setting: the last of them counts.
SENDING = "Sending"
_REMOVED = {
    "outlet": OutletMapped.__name__,
    "channel": ChannelMapped.__name__,
    "sales_accounts": SalesAccountsMapped.__name__,
}


class SettingRow(Row, frozen=True, kw_only=True):
    """One setting; `key_` is the outlet, channel or scope it concerns, empty for the whole store."""

    key_fields: ClassVar[int] = 2

    name: str
    key_: str
    body: bytes
    position: int


class SettingRemoved(Row, frozen=True, kw_only=True):
    """A setting that stands no more."""

    key_fields: ClassVar[int] = 2

    name: str
    key_: str


def _removed(known: SettingRow | None, told: SettingRemoved) -> None:
    """Take the row away."""
    del known, told


def _merged(known: SettingRow, told: SettingRow) -> SettingRow:
    """Keep the beginning of Live Mode, replace all else; as `save_settings` does."""
    return known if told.name == "LiveModeActivated" else told


class StoreSettingsTable:
    """The projection `store_settings`."""

    name: ClassVar[str] = "store_settings"
    state_type: ClassVar[Any] = StoreSettings
    row_tables: ClassVar[Sequence[str]] = ("store_setting",)
    tables: ClassVar[Sequence[Table]] = (
        Table(__package__, "save_settings", SettingRow, merge=_merged),
        Table(__package__, "remove_settings", SettingRemoved, merge=last_row, stored=SettingRow, apply=_removed),
    )

    def keys(self, fact: Fact, meaning: Meaning) -> Sequence[str]:
        """Need no state."""
        del fact, meaning
        return ()

    def evolve(self, states: States, fact: Fact, meaning: Meaning) -> Evolved:
        """Remember a setting as it was given."""
        del states
        name = fact.type
        match meaning:
            case StoreConnected() | SalesRulesSet() | BooksClosed() | LiveModeActivated():
                key = ""
            case OutletMapped():
                key = meaning.outlet_id
            case ChannelMapped():
                key = channel_scope(meaning.channel, meaning.channel_detail)
            case SalesAccountsMapped():
                key = meaning.scope
            case MappingRemoved():
                return Evolved({}, (SettingRemoved(name=_REMOVED[meaning.mapped], key_=meaning.scope),))
            case StorePaused():
                return _row(SENDING, "", encode(meaning)[2], fact)
            case StoreResumed():
                return _row(SENDING, "", b"", fact)
            case _:
                return NOTHING
        # As this release writes it: readers of the table know no older version.
        return _row(name, key, encode(meaning)[2], fact)


def _row(name: str, key: str, body: bytes, fact: Fact) -> Evolved:
    return Evolved({}, (SettingRow(name=name, key_=key, body=body, position=fact.position),))
