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
    OutletMapped,
    SalesAccountsMapped,
    SalesRulesSet,
    StoreConnected,
)
from projections.changes.settings import StoreSettings, channel_scope
from projections.projection import NOTHING, Evolved, Row, States, Table

# Pausing and resuming are two facts and one setting: the last of them counts.
SENDING = "Sending"


class SettingRow(Row, frozen=True, kw_only=True):
    """One setting; `key_` is the outlet, channel or scope it concerns, empty for the whole store."""

    key_fields: ClassVar[int] = 2

    name: str
    key_: str
    body: bytes
    position: int


def _merged(known: SettingRow, told: SettingRow) -> SettingRow:
    """Keep the beginning of Live Mode, replace all else; as `save_settings` does."""
    return known if told.name == "LiveModeActivated" else told


class StoreSettingsTable:
    """The projection `store_settings`."""

    name: ClassVar[str] = "store_settings"
    state_type: ClassVar[Any] = StoreSettings
    row_tables: ClassVar[Sequence[str]] = ("store_setting",)
    tables: ClassVar[Sequence[Table]] = (Table(__package__, "save_settings", SettingRow, merge=_merged),)

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
