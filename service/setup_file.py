"""A store's set-up as its TOML file says it. One name an idea: the words of the facts that it becomes."""

import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec

from eventstore.facts.settings import PaymentMapping, SalesRulesSet, TransferSync
from service.setup_error import SetupError
from service.setup_shape import shaped


class SalesAccounts(msgspec.Struct, frozen=True):
    """Which account takes sales: `account` in general, `products` by SKU."""

    account: str | None = None
    products: dict[str, str] = {}


class IsellerAccess(msgspec.Struct, frozen=True):
    """Where the store's iSeller stands, and the files that hold its secrets."""

    url: str
    api_key_file: str
    client_id: str
    client_secret_file: str


class JurnalAccess(msgspec.Struct, frozen=True):
    """The API client of the Jurnal company, and the file that holds its secret."""

    client_id: str
    client_secret_file: str


class OutletEntry(msgspec.Struct, frozen=True):
    """An outlet. `payments` and `sales_accounts` left out stay as they stand; an empty list takes them away."""

    id: str
    name: str
    warehouse: str
    payout_account: str | None = None
    mdr_account: str | None = None
    time_zone: str | None = None
    payments: tuple[PaymentMapping, ...] | None = None
    sales_accounts: SalesAccounts | None = None


class ChannelEntry(msgspec.Struct, frozen=True):
    """A sales channel: web, marketplace or food_delivery, all of it or one `channel_detail` such as tokopedia."""

    channel: str
    name: str
    warehouse: str
    channel_detail: str | None = None
    payout_account: str | None = None
    mdr_account: str | None = None
    time_zone: str | None = None
    payments: tuple[PaymentMapping, ...] | None = None
    sales_accounts: SalesAccounts | None = None


class StoreFile(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file. Accounts, taxes, warehouses and contacts are Jurnal's names, products its codes.

    What a file leaves out of `payments`, `sales`, `sales_accounts`, `outlets` and `channels` stays as it stands, so
    that mappings made by CSV or through the API survive; `sales` and `sales_accounts` count whole where they stand.
    """

    store: str
    company: str
    time_zone: str
    transit_warehouse: str
    walk_in_contact: str
    clearing_account: str
    payout_account: str
    mdr_account: str
    rounding_product: str
    iseller: IsellerAccess
    jurnal: JurnalAccess
    outlets: tuple[OutletEntry, ...] = ()
    channels: tuple[ChannelEntry, ...] = ()
    term_days: int = 30
    tax_decimals: int | None = None
    taxes: dict[str, str] = {}
    payments: tuple[PaymentMapping, ...] | None = None
    loss_account: str | None = None
    goods_received_account: str | None = None
    stock_adjustment_account: str | None = None
    transfer_sync: TransferSync = TransferSync("real_time")
    sales: SalesRulesSet | None = None
    sales_accounts: SalesAccounts | None = None


def read_store_file(path: Path) -> StoreFile:
    """Read a set-up file. Raises `SetupError` with a line for everything that is wrong with it."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SetupError(f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SetupError("is no text in UTF-8; save it so") from error
    except tomllib.TOMLDecodeError as error:
        raise SetupError(f"is not TOML: {error}") from error
    file = shaped(raw, StoreFile)
    if problems := list(_repeated(file)):
        raise SetupError("\n".join(problems))
    return file


def _repeated(file: StoreFile) -> Iterator[str]:
    for outlet_id, times in Counter(outlet.id for outlet in file.outlets).items():
        if times > 1:
            yield f"outlets: id {outlet_id!r} stands there {times} times; keep one of them"
    channels = Counter((entry.channel.lower(), (entry.channel_detail or "").lower()) for entry in file.channels)
    for (channel, detail), times in channels.items():
        if times > 1:
            of = f" with channel_detail {detail!r}" if detail else ""
            yield f"channels: channel {channel!r}{of} stands there {times} times; keep one of them"
