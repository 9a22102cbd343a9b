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


class SalesSync(msgspec.Struct, frozen=True):
    """When sales are sent, with their payments and what is taken back of them.

    `real_time`: as they come. `shift_closing`: when the shift of their register is closed; orders without a register go
    at `times`. `scheduled`: at `times`. Times are HH:MM on the store's clock, ascending.
    """

    mode: Literal["real_time", "shift_closing", "scheduled"]
    times: tuple[str, ...] = ()


class StoredValue(msgspec.Struct, frozen=True):
    """A way to pay out of what the merchant owes the customer: points, store credit, gift cards, stored value.

    Money by it goes through the stored-value clearing account onto `liability_account`. `payment_type_name` None: all
    payment types of the gateway.
    """

    gateway: str
    liability_account: str
    payment_type_name: str | None = None


class ByActor(msgspec.Struct, frozen=True, kw_only=True):
    """A setting that somebody made. `actor`: a login or role; facts of earlier releases do not tell it."""

    actor: str | msgspec.UnsetType = msgspec.UNSET


class StoreConnected(ByActor, frozen=True, kw_only=True):
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


class OutletMapped(ByActor, frozen=True, kw_only=True):
    """An outlet in scope. None leaves the store's own account."""

    outlet_id: str
    outlet_name: str
    warehouse: str
    payout_account: str | None = None
    mdr_account: str | None = None
    time_zone: str | None = None
    payments: tuple[PaymentMapping, ...] = ()


class ChannelMapped(ByActor, frozen=True, kw_only=True):
    """A sales channel in scope, before the outlet of its orders. None leaves the store's own account.

    `channel`: web, marketplace or food_delivery; `channel_detail`: one marketplace or food app of it, None all others.
    """

    channel: str
    channel_name: str
    warehouse: str
    channel_detail: str | None = None
    payout_account: str | None = None
    mdr_account: str | None = None
    time_zone: str | None = None
    payments: tuple[PaymentMapping, ...] = ()


class SalesAccountsMapped(ByActor, frozen=True, kw_only=True):
    """Which account takes sales: `account` in general (None: the product's own in Jurnal), `products` by SKU.

    `scope`: an outlet's id, a channel (`web`, `marketplace:tokopedia`), or empty for the whole store. The store's own
    words must be what the products say in Jurnal; another word of an outlet or channel is a case of
    `SalesRulesSet.sales_account_conflict`.
    """

    scope: str
    account: str | None = None
    products: dict[str, str] = {}


class MappingRemoved(ByActor, frozen=True, kw_only=True):
    """An outlet, a channel or the sales accounts of a scope are mapped no more. What is booked of it stays.

    `scope`: the outlet's id, the channel (`web`, `marketplace:tokopedia`), or what the sales accounts were for. `name`:
    what it was called.
    """

    mapped: Literal["outlet", "channel", "sales_accounts"]
    scope: str
    name: str


class SalesRulesSet(ByActor, frozen=True, kw_only=True):
    """How the store's sales are booked. Accounts and product codes are Jurnal's; None: not mapped, what needs it waits.

    `charge_product`, `shipping_product`: untracked products whose sell account takes additional charges and shipping.
    `charges_taxed`: charges before the final total bear the tax of the order's lines. `discount_account`: takes
    discounts by a journal entry an invoice (None: sales stand net). `cost_account`: across from the stock of parts of
    composites and of goods given away. `waste_account`: goods taken back and thrown away. `sales_return_account`: money
    given back without goods. `stored_value_products`: SKUs that are sold as stored value, with their liability.

    `zero_prices`: whether Jurnal takes lines of Rp 0 or their stock goes by an adjustment. `sales_account_conflict`:
    an outlet that sells a product onto another account gets a journal entry an invoice, or the preflight refuses it.
    `payment_method_kept`: no deposits, every payment is a document with its method. `same_day_void`: a void on the
    sale's own day of an invoice with nothing but its deposit. `void_restocks`: voided goods go back on the shelf.
    `taken_back_unsent`: a sale that is refunded or voided while it is held. `closed_period`: a document of a closed
    period goes on the first open day, or fails. `customer_ids`: iSeller's customer id is also Jurnal's. A payout is
    overdue `settlement_days` after its money was taken. `opening_account`: across from the opening stock of products
    that were imported into Jurnal.
    """

    sync: SalesSync = SalesSync("real_time")
    charge_product: str | None = None
    shipping_product: str | None = None
    charges_taxed: bool = False
    discount_account: str | None = None
    cost_account: str | None = None
    waste_account: str | None = None
    sales_return_account: str | None = None
    stored_value_clearing: str | None = None
    stored_value: tuple[StoredValue, ...] = ()
    stored_value_products: dict[str, str] = {}
    zero_prices: Literal["send", "adjust_stock"] = "send"
    sales_account_conflict: Literal["reclass", "refuse"] = "refuse"
    payment_method_kept: bool = False
    same_day_void: Literal["return", "delete"] = "return"
    void_restocks: bool = True
    taken_back_unsent: Literal["keep_trail", "send_nothing"] = "keep_trail"
    closed_period: Literal["first_open_day", "fail"] = "fail"
    customer_ids: bool = True
    settlement_days: int = 7
    opening_account: str | None = None


class BooksClosed(msgspec.Struct, frozen=True, kw_only=True):
    """Jurnal takes nothing dated `until` or earlier, as its company says; a later word replaces it."""

    until: date


class LiveModeActivated(msgspec.Struct, frozen=True, kw_only=True):
    """From this position on everything is booked in Jurnal. There is no way back."""

    actor: str
    activated_at: datetime


class SyncWindowOpened(msgspec.Struct, frozen=True, kw_only=True):
    """A scheduled time came: what waits for it and happened up to `until` may go."""

    scope: Literal["transfers", "sales"]
    until: datetime


class SyncRequested(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody asked to send what waits and happened from `first` to `last`, dates of the store, both included."""

    scope: Literal["transfers", "sales"]
    first: date
    last: date
    actor: str
    reason: str


Mapping = StoreConnected | OutletMapped | ChannelMapped | SalesAccountsMapped | SalesRulesSet
MappingFact = Mapping | MappingRemoved
Setting = MappingFact | BooksClosed | LiveModeActivated
SyncFact = SyncWindowOpened | SyncRequested
