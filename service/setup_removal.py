"""What is to be mapped no more: what somebody names, or what a set-up file leaves out, on an explicit word. Pure."""

from collections.abc import Collection, Iterator
from typing import Literal

from eventstore.facts.settings import MappingRemoved
from projections.changes.settings import StoreSettings

Mapped = Literal["outlet", "channel", "sales_accounts"]


def removals(known: StoreSettings, mapped: Mapped, scope: str) -> list[MappingRemoved]:
    """Return the facts that take a mapping away, with the sales accounts of its own; none where it does not stand."""
    return [
        MappingRemoved(mapped=each, scope=scope, name=name)
        for each, name in (*_own_accounts(known, mapped, scope), (mapped, _name(known, mapped, scope)))
        if name is not None
    ]


def gone(known: StoreSettings, outlets: Collection[str], channels: Collection[str]) -> list[MappingRemoved]:
    """Return what takes away all that stands and is not among these; a file that names none speaks of none."""
    told: tuple[tuple[Mapped, Collection[str], Collection[str]], ...] = (
        ("outlet", known.outlets, outlets),
        ("channel", known.channels, channels),
    )
    return [
        removed
        for mapped, standing, named in told
        for scope in standing
        if named and scope not in named
        for removed in removals(known, mapped, scope)
    ]


def _own_accounts(known: StoreSettings, mapped: Mapped, scope: str) -> Iterator[tuple[Mapped, str | None]]:
    """Give the sales accounts of an outlet or channel: mapped again, it must not find what it had once."""
    if mapped != "sales_accounts" and _name(known, mapped, scope) is not None:
        yield "sales_accounts", _name(known, "sales_accounts", scope)


def _name(known: StoreSettings, mapped: Mapped, scope: str) -> str | None:
    """Return what a mapping that stands is called; None for one that does not."""
    match mapped:
        case "outlet":
            return known.outlets[scope].outlet_name if scope in known.outlets else None
        case "channel":
            return known.channels[scope].channel_name if scope in known.channels else None
        case "sales_accounts":
            return scope if scope in known.sales_accounts else None
