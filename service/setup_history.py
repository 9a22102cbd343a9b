"""Who changed which setting when, read from the ledger. Pure."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from eventstore.event import Fact
from eventstore.facts.registry import decode
from eventstore.facts.settings import BooksClosed, LiveModeActivated, MappingRemoved, Setting
from projections.changes.settings import unsigned
from service.setup_difference import difference, removal
from service.setup_ledger import KnownSettings, with_fact

NOT_TOLD = "not told"
_LOOKED_AT = "Jurnal"


class SettingMade(msgspec.Struct, frozen=True):
    """One setting as it was made: where it stands, who made it, and a line for each field that it changed."""

    position: int
    at: datetime
    actor: str
    changes: tuple[str, ...]


def history_of(facts: Iterable[Fact]) -> list[SettingMade]:
    """Return what each fact of the settings stream changed, oldest first; earlier releases name nobody."""
    made: list[SettingMade] = []
    known = KnownSettings()
    for fact in facts:
        meaning = decode(fact)
        if isinstance(meaning, Setting):
            made.append(SettingMade(fact.position, fact.recorded_at, _actor(meaning), _changes(known, meaning)))
        known = with_fact(known, fact)
    return made


def _actor(setting: Setting) -> str:
    if isinstance(setting, BooksClosed):
        return _LOOKED_AT
    return NOT_TOLD if setting.actor is msgspec.UNSET else str(setting.actor)


def _changes(known: KnownSettings, setting: Setting) -> tuple[str, ...]:
    match setting:
        case BooksClosed():
            return (f"books: closed until {setting.until}",)
        case LiveModeActivated():
            return ("Live Mode: on",)
        case MappingRemoved():
            return (removal(setting),)
        case _:
            told = unsigned(setting)
            return tuple(difference(known.standing(told), told))
