"""Folds settings facts into a table: the last of each name and key counts, but Live Mode begins only once."""

from collections.abc import Sequence
from typing import Any, ClassVar

from eventstore.event import Fact
from eventstore.facts.registry import Meaning, encode
from eventstore.facts.settings import LiveModeActivated, OutletMapped, StoreConnected
from projections.changes.settings import StoreSettings
from projections.projection import NOTHING, Evolved, Row, States, Table


class SettingRow(Row, frozen=True, kw_only=True):
    """One setting; `key_` is the outlet's id where it concerns an outlet."""

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
        match meaning:
            case StoreConnected() | LiveModeActivated():
                key = ""
            case OutletMapped():
                key = meaning.outlet_id
            case _:
                return NOTHING
        # As this release writes it: readers of the table know no older version.
        _, _, body = encode(meaning)
        return Evolved({}, (SettingRow(name=fact.type, key_=key, body=body, position=fact.position),))
