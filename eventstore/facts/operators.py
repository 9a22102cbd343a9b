"""What a person decided, with name and reason. `actor` is a login or role, never a customer."""

from datetime import date
from decimal import Decimal

import msgspec


class CommandParked(msgspec.Struct, frozen=True, kw_only=True):
    """A command must not be sent until somebody releases it, e.g. because a changed rule made it after the fact."""

    command_id: str
    actor: str
    reason: str


class CommandReleased(msgspec.Struct, frozen=True, kw_only=True):
    """A parked or refused command may go (again)."""

    command_id: str
    actor: str
    reason: str


class StreamRetried(msgspec.Struct, frozen=True, kw_only=True):
    """The stalled stream this fact stands in is folded again from the fact it waits at."""

    actor: str
    reason: str


class StreamFactSkipped(msgspec.Struct, frozen=True, kw_only=True):
    """The fact at `position`, at which the stream waits, is left out; the stream goes on behind it."""

    position: int
    actor: str
    reason: str


class RecordRetried(msgspec.Struct, frozen=True, kw_only=True):
    """What of this fact's stream is not booked is judged again; `record_id` is the line somebody looked at."""

    record_id: str
    actor: str
    reason: str


class RecordSkipped(msgspec.Struct, frozen=True, kw_only=True):
    """What `record_id` stands for will not be booked by us: a person has seen to it. Nothing of it is sent any more."""

    record_id: str
    actor: str
    reason: str


class StorePaused(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing is sent to Jurnal for this store until it is resumed; everything else goes on."""

    actor: str
    reason: str


class StoreResumed(msgspec.Struct, frozen=True, kw_only=True):
    """Sending goes on where it was paused."""

    actor: str
    reason: str


class OpeningStock(msgspec.Struct, frozen=True):
    """What an outlet has of a product that Jurnal is to begin with; `unit_price` is what a unit was bought for, IDR."""

    outlet_id: str
    quantity: Decimal
    unit_price: Decimal


class ImportedProduct(msgspec.Struct, frozen=True, kw_only=True):
    """A product as iSeller had it when its import was asked for. Prices in IDR."""

    product_id: str
    sku: str
    name: str
    unit: str
    track_inventory: bool
    sell_price: Decimal
    buy_price: Decimal
    stock: tuple[OpeningStock, ...] = ()


class ProductsImportRequested(msgspec.Struct, frozen=True, kw_only=True):
    """These products, which Jurnal did not have, are to be made there, with the stock they have on `stock_date`."""

    products: tuple[ImportedProduct, ...]
    stock_date: date
    actor: str
    reason: str


OperatorFact = (
    CommandParked
    | CommandReleased
    | StreamRetried
    | StreamFactSkipped
    | RecordRetried
    | RecordSkipped
    | StorePaused
    | StoreResumed
    | ProductsImportRequested
)
