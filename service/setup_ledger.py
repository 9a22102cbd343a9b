"""A store's settings in its ledger: as they stand, and one fact for each that is changed."""

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never

import msgspec

from eventstore.appender import Appender
from eventstore.event import Appended, Fact, NewFact
from eventstore.facts.registry import decode, encode
from eventstore.facts.settings import (
    SETTINGS_STREAM,
    BooksClosed,
    ChannelMapped,
    LiveModeActivated,
    Mapping,
    MappingFact,
    MappingRemoved,
    OutletMapped,
    SalesAccountsMapped,
    SalesRulesSet,
    Setting,
    StoreConnected,
)
from eventstore.store import LedgerReader
from projections.changes.settings import StoreSettings, channel_scope, evolve_settings
from service.setup_error import SettingsOvertaken

_SETTING_FACTS_MAX = 100_000


class KnownSettings(StoreSettings, frozen=True, kw_only=True, tag="known"):
    """A store's settings as the ledger has them at `version` of their stream."""

    version: int = 0

    def standing(self, setting: Mapping) -> Mapping | None:
        """Return what a setting would replace; rules that nobody has set are the defaults."""
        match setting:
            case StoreConnected():
                return self.connection
            case OutletMapped():
                return self.outlets.get(setting.outlet_id)
            case ChannelMapped():
                return self.channels.get(channel_scope(setting.channel, setting.channel_detail))
            case SalesAccountsMapped():
                return self.sales_accounts.get(setting.scope)
            case SalesRulesSet():
                return self.rules
            case _:
                assert_never(setting)

    def changed_by(self, settings: Sequence[MappingFact]) -> list[MappingFact]:
        """Return those of `settings` that differ from what stands; what is taken away stands, as its maker saw to."""
        return [
            setting for setting in settings if isinstance(setting, MappingRemoved) or self.standing(setting) != setting
        ]

    def with_changes(self, settings: Sequence[MappingFact]) -> "KnownSettings":
        """Return the settings as they would stand."""
        known = self
        for setting in settings:
            known = _evolved(known, setting, position=0)
        return known


async def read_known(reader: LedgerReader, store_id: str) -> KnownSettings:
    """Return a store's settings from the ledger itself; those of a store that nobody has set up are empty."""
    known = KnownSettings()
    for fact in await read_setting_facts(reader, store_id):
        known = with_fact(known, fact)
    return known


async def read_setting_facts(reader: LedgerReader, store_id: str) -> Sequence[Fact]:
    """Return the facts of a store's settings, oldest first."""
    return await reader.read_stream(store_id, SETTINGS_STREAM, facts_max=_SETTING_FACTS_MAX)


def with_fact(known: KnownSettings, fact: Fact) -> KnownSettings:
    """Return the settings after a fact of their stream."""
    meaning = decode(fact)
    if isinstance(meaning, Setting):
        known = _evolved(known, meaning, fact.position)
    return msgspec.structs.replace(known, version=fact.stream_version)


def _evolved(known: KnownSettings, setting: Setting, position: int) -> KnownSettings:
    evolved = evolve_settings(known, setting, position)
    assert isinstance(evolved, KnownSettings)
    return evolved


async def append_settings(
    reader: LedgerReader,
    appender: Appender,
    store_id: str,
    settings: Sequence[MappingFact],
    *,
    version: int,
    at: datetime,
    actor: str | None,
) -> None:
    """Append settings behind `version` of their stream, made by `actor` if that is told. Raises `SettingsOvertaken`."""
    by = msgspec.UNSET if actor is None else actor
    # One by one: in a batch, those behind the one that was overtaken would still find the version they expect.
    for number, setting in enumerate(settings):
        made = msgspec.structs.replace(setting, actor=by)
        (result,) = await appender.append(store_id, [setting_fact(made, version + number, at)])
        # A concurrent change shows as a wrong version, or as a fact that took the same number in the stream.
        if not isinstance(result, Appended):
            raise SettingsOvertaken((await read_known(reader, store_id)).version)


def setting_fact(setting: MappingFact | LiveModeActivated | BooksClosed, version: int, at: datetime) -> NewFact:
    """Return a setting as the fact that follows `version` in the settings stream."""
    name, schema_version, body = encode(setting)
    return NewFact(
        stream_id=SETTINGS_STREAM,
        type=name,
        schema_version=schema_version,
        source_id=f"settings:{version + 1}",
        observed_at=at,
        body=body,
        expected_version=version,
    )
