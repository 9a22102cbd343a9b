"""The store's settings as they stood when a fact was folded."""

from datetime import date, timedelta
from typing import TypeVar, assert_never

import msgspec

from eventstore.facts.settings import (
    BooksClosed,
    ByActor,
    ChannelMapped,
    LiveModeActivated,
    MappingRemoved,
    OutletMapped,
    PaymentMapping,
    SalesAccountsMapped,
    SalesRulesSet,
    Setting,
    StoreConnected,
    StoredValue,
)

Place = OutletMapped | ChannelMapped
M = TypeVar("M", bound=ByActor)
_OUTLET_CHANNELS = frozenset({"", "pos"})
# iSeller's webhooks and its API spell the web shop differently.
_CHANNELS = {"online": "web"}


def unsigned(setting: M) -> M:
    """Return a setting without who made it."""
    return msgspec.structs.replace(setting, actor=msgspec.UNSET)


def channel_scope(channel: str, channel_detail: str | None) -> str:
    """Return the name of a channel in settings: `web`, `marketplace:tokopedia`."""
    return f"{channel}:{channel_detail}" if channel_detail else channel


class StoreSettings(msgspec.Struct, frozen=True, kw_only=True, tag="settings"):
    """All settings; `outlets` by iSeller's id, `channels` and `sales_accounts` by scope.

    `live_from`: the position from which on everything is booked (None: not live). `books_closed`: Jurnal takes nothing
    of that date or an earlier one.
    """

    connection: StoreConnected | None = None
    outlets: dict[str, OutletMapped] = {}
    channels: dict[str, ChannelMapped] = {}
    sales_accounts: dict[str, SalesAccountsMapped] = {}
    rules: SalesRulesSet = SalesRulesSet()
    books_closed: date | None = None
    live_from: int | None = None

    def is_live(self, position: int) -> bool:
        """Tell whether a fact at `position` is to be booked."""
        return self.live_from is not None and position > self.live_from

    def place(self, outlet_id: str | None, channel: str | None, channel_detail: str | None = None) -> Place | None:
        """Return what an order is mapped by: its channel if that is mapped, else its outlet; None: out of scope."""
        told = (channel or "").lower()
        if told not in _OUTLET_CHANNELS:
            told = _CHANNELS.get(told, told)
            for scope in (channel_scope(told, (channel_detail or "").lower()), told):
                if scope in self.channels:
                    return self.channels[scope]
        return self.outlets.get(outlet_id or "")

    def time_zone(self, outlet_id: str | None) -> str:
        """Return the outlet's time zone, else the store's."""
        assert self.connection is not None
        return self.zone_of(self.outlets.get(outlet_id or ""))

    def zone_of(self, place: Place | None) -> str:
        """Return the time zone of a place, else the store's."""
        assert self.connection is not None
        return (place.time_zone if place else None) or self.connection.time_zone

    def payment_at(self, place: Place | None, gateway: str, payment_type_name: str | None) -> PaymentMapping | None:
        """Return where money goes: a payment type before its gateway, the place's word before the store's."""
        assert self.connection is not None
        mappings = [*(place.payments if place else ()), *self.connection.payments]
        for name in (payment_type_name, None):
            for mapping in mappings:
                if mapping.gateway == gateway and mapping.payment_type_name == name:
                    return mapping
        return None

    def stored_value(self, gateway: str, payment_type_name: str | None) -> StoredValue | None:
        """Return the liability that money of this kind comes out of; None for money proper."""
        for name in (payment_type_name, None):
            for known in self.rules.stored_value:
                if known.gateway == gateway and known.payment_type_name == name:
                    return known
        return None

    def sales_account(self, place: Place, sku: str) -> tuple[str | None, str | None]:
        """Return the account that takes sales of `sku` at a place, and the product's own; None: not said."""
        store = self.sales_accounts.get("")
        own = (store.products.get(sku) or store.account) if store else None
        if isinstance(place, OutletMapped):
            scope = place.outlet_id
        else:
            scope = channel_scope(place.channel, place.channel_detail)
        here = self.sales_accounts.get(scope)
        wanted = (here.products.get(sku) or here.account) if here else None
        return wanted or own, own

    def first_open_day(self) -> date | None:
        """Return the first day that Jurnal still takes documents of; None: all days."""
        return None if self.books_closed is None else self.books_closed + timedelta(days=1)


def evolve_settings(  # noqa: PLR0911 - one branch for each setting
    settings: StoreSettings, fact: Setting, position: int
) -> StoreSettings:
    """Take in one setting; who made it changes nothing of what is booked."""
    if isinstance(fact, ByActor):
        fact = unsigned(fact)
    match fact:
        case StoreConnected():
            return msgspec.structs.replace(settings, connection=fact)
        case OutletMapped():
            return msgspec.structs.replace(settings, outlets={**settings.outlets, fact.outlet_id: fact})
        case ChannelMapped():
            scope = channel_scope(fact.channel, fact.channel_detail)
            return msgspec.structs.replace(settings, channels={**settings.channels, scope: fact})
        case SalesAccountsMapped():
            return msgspec.structs.replace(settings, sales_accounts={**settings.sales_accounts, fact.scope: fact})
        case MappingRemoved():
            return _without(settings, fact)
        case SalesRulesSet():
            return msgspec.structs.replace(settings, rules=fact)
        case BooksClosed():
            return msgspec.structs.replace(settings, books_closed=fact.until)
        case LiveModeActivated():
            first = settings.live_from if settings.live_from is not None else position
            return msgspec.structs.replace(settings, live_from=first)


def _without(settings: StoreSettings, removed: MappingRemoved) -> StoreSettings:
    match removed.mapped:
        case "outlet":
            return msgspec.structs.replace(settings, outlets=_but(settings.outlets, removed.scope))
        case "channel":
            return msgspec.structs.replace(settings, channels=_but(settings.channels, removed.scope))
        case "sales_accounts":
            return msgspec.structs.replace(settings, sales_accounts=_but(settings.sales_accounts, removed.scope))
        case _:
            assert_never(removed.mapped)


def _but(mapped: dict[str, M], scope: str) -> dict[str, M]:
    return {name: mapping for name, mapping in mapped.items() if name != scope}
