"""Reads settings as they stand."""

from datetime import date
from typing import Any

import msgspec
from asyncpg import Record

from eventstore.connection import Pool
from eventstore.facts.operators import StorePaused
from eventstore.facts.settings import (
    BooksClosed,
    ChannelMapped,
    LiveModeActivated,
    OutletMapped,
    SalesAccountsMapped,
    SalesRulesSet,
    StoreConnected,
)
from eventstore.statements import statement
from projections.changes.settings import StoreSettings
from projections.store_settings.fold import SENDING

_READ = statement(__package__, "read_settings")
_PAUSE = statement(__package__, "read_pause")
_PAUSED = statement(__package__, "read_paused")


class Pause(msgspec.Struct, frozen=True):
    """Sending of a store is paused, by the fact at `position`."""

    position: int
    fact: StorePaused


class CurrentSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A store's settings now; `outlets` by iSeller's id, `channels` and `sales_accounts` by scope.

    `live_mode` comes with the position of its fact. `paused`: who paused sending and why; None while it goes on.
    """

    connection: StoreConnected | None = None
    outlets: dict[str, OutletMapped] = {}
    channels: dict[str, ChannelMapped] = {}
    sales_accounts: dict[str, SalesAccountsMapped] = {}
    rules: SalesRulesSet = SalesRulesSet()
    books_closed: date | None = None
    live_mode: tuple[int, LiveModeActivated] | None = None
    paused: StorePaused | None = None

    def as_folded(self) -> StoreSettings:
        """Return them as a fold at the ledger's end has them."""
        return StoreSettings(
            connection=self.connection,
            outlets=self.outlets,
            channels=self.channels,
            sales_accounts=self.sales_accounts,
            rules=self.rules,
            books_closed=self.books_closed,
            live_from=None if self.live_mode is None else self.live_mode[0],
        )


async def read_settings(pool: Pool, store_id: str) -> CurrentSettings:
    """Return the settings of a store; empty for one that nobody has set up."""
    told: dict[str, Any] = {"outlets": {}, "channels": {}, "sales_accounts": {}}
    for record in await pool.fetch(_READ, store_id):
        key, body = record["key"], record["body"]
        match record["name"]:
            case "StoreConnected":
                told["connection"] = msgspec.json.decode(body, type=StoreConnected)
            case "OutletMapped":
                told["outlets"][key] = msgspec.json.decode(body, type=OutletMapped)
            case "ChannelMapped":
                told["channels"][key] = msgspec.json.decode(body, type=ChannelMapped)
            case "SalesAccountsMapped":
                told["sales_accounts"][key] = msgspec.json.decode(body, type=SalesAccountsMapped)
            case "SalesRulesSet":
                told["rules"] = msgspec.json.decode(body, type=SalesRulesSet)
            case "BooksClosed":
                told["books_closed"] = msgspec.json.decode(body, type=BooksClosed).until
            case "LiveModeActivated":
                told["live_mode"] = (record["position"], msgspec.json.decode(body, type=LiveModeActivated))
            case name if name == SENDING:
                told["paused"] = msgspec.json.decode(body, type=StorePaused) if body else None
            case name:
                raise AssertionError(f"unknown setting {name}")
    return CurrentSettings(**told)


async def read_pause(pool: Pool, store_id: str) -> Pause | None:
    """Return who paused a store and why; None while it sends."""
    record = await pool.fetchrow(_PAUSE, store_id)
    return None if record is None else _pause(record)


async def read_paused(pool: Pool) -> dict[str, Pause]:
    """Return all stores that are paused."""
    return {record["store_id"]: _pause(record) for record in await pool.fetch(_PAUSED)}


def _pause(record: Record) -> Pause:
    return Pause(record["position"], msgspec.json.decode(record["body"], type=StorePaused))
