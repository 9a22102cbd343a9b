"""What has the right shape and cannot be used: once it is a fact, it could not be taken back. Pure."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, assert_never
from zoneinfo import available_timezones

import msgspec

from eventstore.facts.settings import (
    ChannelMapped,
    Mapping,
    MappingFact,
    MappingRemoved,
    OutletMapped,
    PaymentMapping,
    SalesAccountsMapped,
    SalesRulesSet,
    SalesSync,
    StoreConnected,
    TransferSync,
)
from projections.changes.settings import StoreSettings
from service.setup_difference import subject_of

CHANNELS = ("web", "marketplace", "food_delivery")
_STORE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_PERCENTAGE = re.compile(r"0|[1-9]\d*(\.\d*[1-9])?|0\.\d*[1-9]")
_TAX_DECIMALS_MAX = 6


def store_problems(store_id: str) -> Iterator[str]:
    """Tell why a store cannot have this name."""
    if not _STORE.fullmatch(store_id):
        yield f"store {store_id!r} must be up to 40 of a-z, 0-9 and -, not beginning with -"


def setting_problems(changed: Sequence[MappingFact], after: StoreSettings) -> list[str]:
    """Tell what is wrong with each of the settings that change; `after` is how all of them would stand then."""
    return [
        f"{subject_of(setting)}: {problem}"
        for setting in changed
        if not isinstance(setting, MappingRemoved)
        for problem in (*_text_problems(msgspec.to_builtins(setting), ""), *_problems(setting, after))
    ]


def _problems(setting: Mapping, after: StoreSettings) -> Iterator[str]:
    match setting:
        case StoreConnected():
            yield from _zone_problems(setting.time_zone)
            yield from _connection_problems(setting)
            yield from _sync_problems("transfer_sync", setting.transfer_sync)
            yield from _payment_problems(setting.payments)
        case OutletMapped():
            yield from _zone_problems(setting.time_zone)
            yield from _payment_problems(setting.payments)
        case ChannelMapped():
            if setting.channel not in CHANNELS:
                yield f"channel {setting.channel!r} is none of {', '.join(CHANNELS)}; orders of pos go by their outlet"
            yield from _zone_problems(setting.time_zone)
            yield from _payment_problems(setting.payments)
        case SalesAccountsMapped():
            if setting.scope and setting.scope not in (*after.outlets, *after.channels):
                yield f"no outlet or channel {setting.scope!r} is mapped; map it first"
        case SalesRulesSet():
            yield from _sync_problems("sync", setting.sync)
            yield from _rule_problems(setting)
        case _:
            assert_never(setting)


def _text_problems(value: Any, entry: str) -> Iterator[str]:
    """Tell names that Jurnal and iSeller would never match: empty, or with white space around them."""
    match value:
        case dict():
            for name, element in value.items():
                # A scope may be empty: it is the whole store.
                if name != "scope" or element:
                    yield from _text_problems(element, f"{entry}.{name}" if entry else name)
                if name != name.strip() or not name:
                    yield f"{entry} {name!r} is empty or has white space around it; write it as it stands in iSeller"
        case list() | tuple():
            for number, element in enumerate(value, start=1):
                yield from _text_problems(element, f"{entry} no. {number}")
        case str():
            if not value.strip():
                yield f"{entry} is empty; fill it in, or leave it out"
            elif value != value.strip() or not value.isprintable():
                yield f"{entry} {value!r} has white space around it or control characters; take them away"
        case _:
            return


def _zone_problems(time_zone: str | None) -> Iterator[str]:
    if time_zone is not None and time_zone not in available_timezones():
        yield f"time_zone {time_zone!r} is no time zone; they are named like Asia/Jakarta"


def _connection_problems(connection: StoreConnected) -> Iterator[str]:
    if not connection.iseller_url.startswith(("https://", "http://")):
        yield f"url {connection.iseller_url!r} of iSeller must begin with https://"
    if connection.term_days < 0:
        yield f"term_days {connection.term_days} must not be negative"
    if connection.tax_decimals is not None and not 0 <= connection.tax_decimals <= _TAX_DECIMALS_MAX:
        yield f"tax_decimals {connection.tax_decimals} must be from 0 to {_TAX_DECIMALS_MAX}"
    for tax in connection.taxes:
        if not _PERCENTAGE.fullmatch(tax.percentage):
            yield f"taxes: {tax.percentage!r} must be a percentage without trailing zeros, such as 11 or 1.1"
    for percentage, times in Counter(tax.percentage for tax in connection.taxes).items():
        if times > 1:
            yield f"taxes: {percentage!r} stands there {times} times; keep one of them"


def _sync_problems(name: str, sync: TransferSync | SalesSync) -> Iterator[str]:
    for text in sync.times:
        if not _TIME_OF_DAY.fullmatch(text):
            yield f"{name}: {text!r} must be a time of day from 00:00 to 23:59, such as 21:30"
    if sync.mode in ("scheduled", "shift_closing") and not sync.times:
        why = "orders without a register go at them" if sync.mode == "shift_closing" else "a schedule needs times"
        yield f'{name}: mode "{sync.mode}" needs times, such as times = ["21:30"]: {why}'
    if sync.mode in ("real_time", "manual") and sync.times:
        yield f'{name}: times have no meaning with mode "{sync.mode}"; leave them out'


def _payment_problems(payments: Sequence[PaymentMapping]) -> Iterator[str]:
    told = Counter((payment.gateway, payment.payment_type_name) for payment in payments)
    for (gateway, kind), times in told.items():
        if times > 1:
            yield f"payments: {_way(gateway, kind)} stands there {times} times; keep one of them"


def _rule_problems(rules: SalesRulesSet) -> Iterator[str]:
    told = Counter((stored.gateway, stored.payment_type_name) for stored in rules.stored_value)
    for (gateway, kind), times in told.items():
        if times > 1:
            yield f"stored_value: {_way(gateway, kind)} stands there {times} times; keep one of them"
    if rules.settlement_days < 1:
        yield f"settlement_days {rules.settlement_days} must be 1 or more"


def _way(gateway: str, payment_type_name: str | None) -> str:
    return f"gateway {gateway!r}" + (f" with payment_type_name {payment_type_name!r}" if payment_type_name else "")
