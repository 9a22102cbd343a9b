"""Reads settings as they stand."""

import msgspec

from eventstore.connection import Pool
from eventstore.facts.settings import LiveModeActivated, OutletMapped, StoreConnected
from eventstore.statements import statement

_READ = statement(__package__, "read_settings")


class CurrentSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A store's settings now. `live_mode` comes with the position of its fact."""

    connection: StoreConnected | None = None
    outlets: dict[str, OutletMapped] = {}
    live_mode: tuple[int, LiveModeActivated] | None = None


async def read_settings(pool: Pool, store_id: str) -> CurrentSettings:
    """Return the settings of a store; empty for one that nobody has set up."""
    connection: StoreConnected | None = None
    outlets: dict[str, OutletMapped] = {}
    live_mode: tuple[int, LiveModeActivated] | None = None
    for record in await pool.fetch(_READ, store_id):
        match record["name"]:
            case "StoreConnected":
                connection = msgspec.json.decode(record["body"], type=StoreConnected)
            case "OutletMapped":
                outlets[record["key"]] = msgspec.json.decode(record["body"], type=OutletMapped)
            case "LiveModeActivated":
                live_mode = (record["position"], msgspec.json.decode(record["body"], type=LiveModeActivated))
            case name:
                raise AssertionError(f"unknown setting {name}")
    return CurrentSettings(connection=connection, outlets=outlets, live_mode=live_mode)
