"""The store's settings as they stood when a fact was folded."""

import msgspec

from eventstore.facts.settings import LiveModeActivated, OutletMapped, PaymentMapping, Setting, StoreConnected


class StoreSettings(msgspec.Struct, frozen=True, kw_only=True, tag="settings"):
    """Connection, outlets by iSeller's id, and the position from which on everything is booked (None: not live)."""

    connection: StoreConnected | None = None
    outlets: dict[str, OutletMapped] = {}
    live_from: int | None = None

    def is_live(self, position: int) -> bool:
        """Tell whether a fact at `position` is to be booked."""
        return self.live_from is not None and position > self.live_from

    def time_zone(self, outlet_id: str | None) -> str:
        """Return the outlet's time zone, else the store's."""
        assert self.connection is not None
        outlet = self.outlets.get(outlet_id or "")
        return (outlet.time_zone if outlet else None) or self.connection.time_zone

    def payment_mapping(
        self, outlet_id: str | None, gateway: str, payment_type_name: str | None
    ) -> PaymentMapping | None:
        """Return where money goes: a payment type before its gateway, the outlet's word before the store's."""
        assert self.connection is not None
        outlet = self.outlets.get(outlet_id or "")
        mappings = [*(outlet.payments if outlet else ()), *self.connection.payments]
        for name in (payment_type_name, None):
            for mapping in mappings:
                if mapping.gateway == gateway and mapping.payment_type_name == name:
                    return mapping
        return None


def evolve_settings(settings: StoreSettings, fact: Setting, position: int) -> StoreSettings:
    """Take in one setting."""
    match fact:
        case StoreConnected():
            return msgspec.structs.replace(settings, connection=fact)
        case OutletMapped():
            return msgspec.structs.replace(settings, outlets={**settings.outlets, fact.outlet_id: fact})
        case LiveModeActivated():
            first = settings.live_from if settings.live_from is not None else position
            return msgspec.structs.replace(settings, live_from=first)
