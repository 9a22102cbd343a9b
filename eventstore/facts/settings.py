"""Settings as facts: who is connected to what, how outlets and payments map, and when Live Mode began."""

from datetime import date, datetime
from typing import Literal

import msgspec

SETTINGS_STREAM = "settings"
SYNC_STREAM_PREFIX = "sync-"


class TaxMapping(msgspec.Struct, frozen=True):
    """An iSeller tax rate (percent, as a decimal string without trailing zeros) and the name of Jurnal's tax."""

    percentage: str
    tax_name: str


class PaymentMapping(msgspec.Struct, frozen=True):
    """Where money of one way to pay goes. `payment_type_name` None: the gateway's default; `account`: Cash & Bank."""

    gateway: str
    account: str
    payment_type_name: str | None = None
    payment_method: str | None = None


class TransferSync(msgspec.Struct, frozen=True):
    """When transfers and stock documents are sent.

    `scheduled`: at `times`, HH:MM on the store's clock, ascending. `manual`: when somebody asks for a range of dates.
    `real_time`: as they come; iSeller's own add-on has no such mode for Jurnal V2.
    """

    mode: Literal["real_time", "scheduled", "manual"]
    times: tuple[str, ...] = ()


class StoreConnected(msgspec.Struct, frozen=True, kw_only=True):
    """The store's connection to one Jurnal company, with what holds for all its outlets.

    Accounts, taxes, warehouses and contacts are named as in Jurnal; secrets are named by reference and fingerprint.
    `loss_account` takes rejected goods, `goods_received_account` stands across from goods of suppliers,
    `stock_adjustment_account` takes counts and adjustments; None: not mapped, and what needs it waits.
    """

    company_id: str
    time_zone: str
    iseller_url: str
    iseller_fingerprint: str
    jurnal_fingerprint: str
    transit_warehouse: str
    walk_in_contact: str
    clearing_account: str
    payout_account: str
    mdr_account: str
    rounding_product_code: str
    term_days: int
    taxes: tuple[TaxMapping, ...]
    payments: tuple[PaymentMapping, ...]
    tax_decimals: int | None = None
    loss_account: str | None = None
    goods_received_account: str | None = None
    stock_adjustment_account: str | None = None
    transfer_sync: TransferSync = TransferSync("real_time")


class OutletMapped(msgspec.Struct, frozen=True, kw_only=True):
    """An outlet in scope. None leaves the store's own account."""

    outlet_id: str
    outlet_name: str
    warehouse: str
    payout_account: str | None = None
    mdr_account: str | None = None
    time_zone: str | None = None
    payments: tuple[PaymentMapping, ...] = ()


class LiveModeActivated(msgspec.Struct, frozen=True, kw_only=True):
    """From this position on everything is booked in Jurnal. There is no way back."""

    actor: str
    activated_at: datetime


class SyncWindowOpened(msgspec.Struct, frozen=True, kw_only=True):
    """A scheduled time came: what waits for it and happened up to `until` may go."""

    scope: Literal["transfers"]
    until: datetime


class SyncRequested(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody asked to send what waits and happened from `first` to `last`, dates of the store, both included."""

    scope: Literal["transfers"]
    first: date
    last: date
    actor: str
    reason: str


Setting = StoreConnected | OutletMapped | LiveModeActivated
SyncFact = SyncWindowOpened | SyncRequested
SettingName = Literal["StoreConnected", "OutletMapped", "LiveModeActivated"]
