"""What changes when a setting replaces another: one line a field, nested ones too. Pure."""

from collections.abc import Iterator
from typing import Any, assert_never

import msgspec

from eventstore.facts.settings import (
    ChannelMapped,
    Mapping,
    MappingRemoved,
    OutletMapped,
    SalesAccountsMapped,
    SalesRulesSet,
    StoreConnected,
)

_NOTHING = "not set"
# What tells the elements of a list apart; the rest of their fields is what can change.
_IDENTITIES = ("gateway", "payment_type_name", "percentage")


def subject_of(setting: Mapping) -> str:
    """Return what a setting is about, as people say it."""
    match setting:
        case StoreConnected():
            return "store"
        case OutletMapped():
            return f"outlet {setting.outlet_name}"
        case ChannelMapped():
            return f"channel {setting.channel_name}"
        case SalesAccountsMapped():
            return f"sales accounts of {setting.scope}" if setting.scope else "sales accounts"
        case SalesRulesSet():
            return "sales"
        case _:
            assert_never(setting)


def removal(removed: MappingRemoved) -> str:
    """Return the line for a mapping that is taken away."""
    match removed.mapped:
        case "outlet" | "channel":
            return f"{removed.mapped} {removed.name}: mapped no more"
        case "sales_accounts":
            return f"sales accounts of {removed.scope}: taken away" if removed.scope else "sales accounts: taken away"
        case _:
            assert_never(removed.mapped)


def difference(known: Mapping | None, setting: Mapping) -> list[str]:
    """Return a line for each field that changes, from what to what; one line for a setting that is new."""
    subject = subject_of(setting)
    if known is None:
        return [f"{subject}: new"]
    before, after = (dict(_fields(msgspec.to_builtins(told), "")) for told in (known, setting))
    names = [*after, *(name for name in before if name not in after)]
    changed = [name for name in names if before.get(name) != after.get(name)]
    return [f"{subject}: {name} {before.get(name, _NOTHING)} → {after.get(name, _NOTHING)}" for name in changed]


def _fields(value: Any, entry: str) -> Iterator[tuple[str, str]]:
    """Give each field by its path, e.g. `payments cash/EDC BCA account`; what is not set is left out."""
    match value:
        case dict():
            for name, element in value.items():
                yield from _fields(element, f"{entry} {name}" if entry else name)
        case [dict(), *_]:
            for element in value:
                identity = "/".join(element[name] for name in _IDENTITIES if element.get(name))
                for name, field in element.items():
                    if name not in _IDENTITIES:
                        yield from _fields(field, f"{entry} {identity} {name}")
        case list() | tuple():
            if value:
                yield entry, ", ".join(map(str, value))
        case None:
            return
        case _:
            yield entry, str(value).lower() if isinstance(value, bool) else str(value)
