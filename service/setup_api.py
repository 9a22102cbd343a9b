"""Settings as the API reads and changes them: a patch merged into what stands becomes facts, only what differs."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from eventstore.facts.settings import (
    ChannelMapped,
    Mapping,
    MappingFact,
    MappingRemoved,
    OutletMapped,
    SalesAccountsMapped,
    SalesRulesSet,
    StoreConnected,
    TransferSync,
)
from service.api.settings_routes import (
    SettingsCalls,
    SettingsChanged,
    SettingsMoved,
    SettingsPatch,
    SettingsRefused,
    StoreSettingsPage,
)
from service.setup import StoreSetup
from service.setup_error import SettingsOvertaken, SetupError
from service.setup_facts import plain_payments, plain_rules, plain_times
from service.setup_ledger import KnownSettings
from service.setup_removal import Mapped, removals
from service.setup_shape import shaped

# They stand and fall with the secrets, which no call of the API may hold.
_WITH_SECRETS = ("company_id", "iseller_url", "iseller_fingerprint", "jurnal_fingerprint")


def settings_calls(setup: StoreSetup) -> SettingsCalls:
    """Return what the API reads and changes settings with."""

    async def read(store_id: str) -> StoreSettingsPage:
        known = await setup.known(store_id)
        return StoreSettingsPage(
            version=known.version,
            store=known.connection,
            outlets=known.outlets,
            channels=known.channels,
            sales_accounts=known.sales_accounts,
            rules=known.rules,
            books_closed=known.books_closed,
            live_from=known.live_from,
        )

    async def change(
        store_id: str, patch: SettingsPatch, version: int
    ) -> SettingsChanged | SettingsRefused | SettingsMoved:
        try:
            applied = await setup.map(
                store_id,
                lambda known: patched(known, patch),
                actor=patch.actor,
                dry_run=patch.dry_run,
                expected_version=version,
            )
        except SettingsOvertaken as overtaken:
            return SettingsMoved(overtaken.version)
        except SetupError as error:
            return SettingsRefused(tuple(str(error).splitlines()))
        return SettingsChanged(version=applied.version, changes=applied.changes)

    return SettingsCalls(read=read, change=change)


def patched(known: KnownSettings, patch: SettingsPatch) -> list[MappingFact]:
    """Return the settings that a patch makes of those that stand. Raises `SetupError` with all that is wrong."""
    settings: list[MappingFact] = list(_removed(known, patch))
    problems: list[str] = []
    for where, standing, told, kind in _parts(known, patch):
        problems += [
            f"{where}.{name} stands and falls with the secrets; change it with a set-up file"
            for name in (_WITH_SECRETS if kind is StoreConnected else ())
            if name in told
        ]
        merged = _merged(standing, told)
        try:
            settings.append(_plain(shaped(merged, kind)))
        except SetupError as error:
            problems += [f"{where}: {line}" for line in str(error).splitlines()]
        else:
            problems += [f"{where}: {name} names it and cannot be changed" for name in _moved(standing, merged, kind)]
    if problems:
        raise SetupError("\n".join(problems))
    return settings


def _removed(known: KnownSettings, patch: SettingsPatch) -> Iterator[MappingRemoved]:
    """Give what a patch takes away, each once."""
    told: tuple[tuple[Mapped, Iterable[str]], ...] = (
        ("sales_accounts", (scope for scope, part in patch.sales_accounts.items() if part is None)),
        ("outlet", (outlet_id for outlet_id, part in patch.outlets.items() if part is None)),
        ("channel", (scope for scope, part in patch.channels.items() if part is None)),
    )
    for mapped, scopes in told:
        for scope in scopes:
            removed = removals(known, mapped, scope)
            yield from removed
            known = known.with_changes(removed)


Part = tuple[str, dict[str, Any], dict[str, Any], type[Mapping]]


def _parts(known: KnownSettings, patch: SettingsPatch) -> Iterator[Part]:
    if patch.store:
        yield "store", _built(known.connection), patch.store, StoreConnected
    for outlet_id, told in _told(patch.outlets):
        standing = _built(known.outlets.get(outlet_id)) or {"outlet_id": outlet_id}
        yield f"outlets {outlet_id!r}", standing, told, OutletMapped
    for scope, told in _told(patch.channels):
        channel, _, detail = scope.partition(":")
        named = {"channel": channel, "channel_detail": detail or None}
        yield f"channels {scope!r}", _built(known.channels.get(scope)) or named, told, ChannelMapped
    for scope, told in _told(patch.sales_accounts):
        standing = _built(known.sales_accounts.get(scope)) or {"scope": scope}
        yield f"sales_accounts {scope!r}", standing, told, SalesAccountsMapped
    if patch.rules:
        yield "rules", _built(known.rules), patch.rules, SalesRulesSet


def _told(parts: dict[str, dict[str, Any] | None]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from ((scope, told) for scope, told in parts.items() if told is not None)


def _built(setting: Mapping | None) -> dict[str, Any]:
    built: dict[str, Any] = {} if setting is None else msgspec.to_builtins(setting)
    return built


def _merged(standing: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    """Merge as RFC 7396 does: null takes a member away, objects merge, everything else replaces."""
    merged = dict(standing)
    for name, value in told.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict) and isinstance(merged.get(name), dict):
            merged[name] = _merged(merged[name], value)
        else:
            merged[name] = value
    return merged


def _moved(standing: dict[str, Any], merged: dict[str, Any], kind: type[Mapping]) -> Iterator[str]:
    """Name the fields that tell a setting apart and would become others: it would be another setting."""
    names = {
        OutletMapped: ("outlet_id",),
        ChannelMapped: ("channel", "channel_detail"),
        SalesAccountsMapped: ("scope",),
    }
    yield from (name for name in names.get(kind, ()) if standing.get(name) != merged.get(name))


def _plain(setting: Mapping) -> Mapping:
    """Return a setting in one spelling, as a set-up file would make it."""
    match setting:
        case SalesRulesSet():
            return plain_rules(setting)
        case StoreConnected():
            sync = TransferSync(setting.transfer_sync.mode, plain_times(setting.transfer_sync.times))
            payments = plain_payments(setting.payments)
            return msgspec.structs.replace(setting, payments=payments, transfer_sync=sync)
        case OutletMapped() | ChannelMapped():
            return msgspec.structs.replace(setting, payments=plain_payments(setting.payments))
        case _:
            return setting
