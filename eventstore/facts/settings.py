"""Settings as facts: who is connected to what, how outlets and payments map, and when Live Mode began."""

from datetime import datetime
from typing import Literal

import msgspec

SETTINGS_STREAM = "settings"


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


class StoreConnected(msgspec.Struct, frozen=True, kw_only=True):
    """The store's connection to one Jurnal company, with what holds for all its outlets.

    Accounts, taxes, warehouses and contacts are named as in Jurnal; secrets are named by reference and fingerprint.
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


Setting = StoreConnected | OutletMapped | LiveModeActivated
SettingName = Literal["StoreConnected", "OutletMapped", "LiveModeActivated"]
