"""Sets a store up from one file: secrets into the credentials table, everything else as facts, only what differs."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Literal
from zoneinfo import available_timezones

import msgspec

from eventstore.appender import Appender
from eventstore.clock import Clock
from eventstore.connection import Pool
from eventstore.credentials import Credentials
from eventstore.event import Appended, NewFact
from eventstore.facts.registry import decode, encode
from eventstore.facts.settings import (
    SETTINGS_STREAM,
    LiveModeActivated,
    OutletMapped,
    PaymentMapping,
    StoreConnected,
    TaxMapping,
    TransferSync,
)
from eventstore.store import LedgerReader, open_ledger
from service.credential_names import ISELLER_API_KEY, ISELLER_OAUTH, JURNAL_HMAC

_SETTING_FACTS_MAX = 100_000
_STORE_KEY = ""
_STORE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_PERCENTAGE = re.compile(r"0|[1-9]\d*(\.\d*[1-9])?|0\.\d*[1-9]")


class SetupError(Exception):
    """The file cannot be applied; the text says which entry and what to do. Nothing was changed."""


class _Iseller(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    url: str
    api_key_file: str
    client_id: str
    client_secret_file: str


class _Jurnal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    client_id: str
    client_secret_file: str


class _Payment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    gateway: str
    account: str
    payment_type: str | None = None
    method: str | None = None

    def mapping(self) -> PaymentMapping:
        return PaymentMapping(
            gateway=self.gateway.lower(),
            account=self.account,
            payment_type_name=self.payment_type,
            payment_method=self.method,
        )


class _TransferSync(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    mode: Literal["real_time", "scheduled", "manual"]
    times: tuple[str, ...] = ()


class _Outlet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    name: str
    warehouse: str
    payout_account: str | None = None
    mdr_account: str | None = None
    time_zone: str | None = None
    payments: tuple[_Payment, ...] = ()


class StoreFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A store's set-up as its file says it. Accounts, taxes, warehouses and contacts are Jurnal's names."""

    store: str
    company: str
    time_zone: str
    transit_warehouse: str
    walk_in_contact: str
    clearing_account: str
    payout_account: str
    mdr_account: str
    rounding_product: str
    iseller: _Iseller
    jurnal: _Jurnal
    outlets: tuple[_Outlet, ...]
    term_days: int = 30
    tax_decimals: int | None = None
    taxes: dict[str, str] = {}
    payments: tuple[_Payment, ...] = ()
    loss_account: str | None = None
    goods_received_account: str | None = None
    stock_adjustment_account: str | None = None
    transfer_sync: _TransferSync = _TransferSync("real_time")


class Applied(msgspec.Struct, frozen=True):
    """What changed: one line a setting, empty if the store stood so already."""

    store_id: str
    changes: tuple[str, ...]


def read_store_file(path: Path) -> StoreFile:
    """Read a set-up file. Raises `SetupError`."""
    try:
        file = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), StoreFile)
    except OSError as error:
        raise SetupError(f"cannot read {path}: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise SetupError(f"{path} is not TOML: {error}") from error
    except msgspec.ValidationError as error:
        raise SetupError(f"{path}: {error}") from error
    if problems := list(_problems(file)):
        raise SetupError("\n".join(f"{path}: {problem}" for problem in problems))
    return file


def _problems(file: StoreFile) -> Iterator[str]:
    """Tell what has the right shape and cannot be used: once it is a fact, it could not be taken back."""
    if not _STORE.fullmatch(file.store):
        yield f"store {file.store!r} must be up to 40 of a-z, 0-9 and -, not beginning with -"
    for zone, entry in [
        (file.time_zone, "time_zone"),
        *((outlet.time_zone, f"time_zone of outlet {outlet.name}") for outlet in file.outlets),
    ]:
        if zone is not None and zone not in available_timezones():
            yield f"{entry} {zone!r} is no time zone; they are named like Asia/Jakarta"
    for percentage in file.taxes:
        if not _PERCENTAGE.fullmatch(percentage):
            yield f"taxes: {percentage!r} must be a percentage without trailing zeros, such as 11 or 1.1"
    if file.term_days < 0:
        yield f"term_days {file.term_days} must not be negative"
    yield from _transfer_sync_problems(file.transfer_sync)
    yield from _repeated(file)


def _transfer_sync_problems(sync: _TransferSync) -> Iterator[str]:
    for text in sync.times:
        if not _TIME_OF_DAY.fullmatch(text):
            yield f"transfer_sync: {text!r} must be a time of day from 00:00 to 23:59, such as 21:30"
    if sync.mode == "scheduled" and not sync.times:
        yield 'transfer_sync: a schedule needs times, such as times = ["21:30"]'
    if sync.mode != "scheduled" and sync.times:
        yield f'transfer_sync: times have a meaning only with mode = "scheduled", not with {sync.mode!r}'


def _repeated(file: StoreFile) -> Iterator[str]:
    for outlet_id, times in Counter(outlet.id for outlet in file.outlets).items():
        if times > 1:
            yield f"outlets: id {outlet_id!r} stands there {times} times"
    for where, payments in [
        ("payments", file.payments),
        *((f"outlet {outlet.name}", outlet.payments) for outlet in file.outlets),
    ]:
        for (gateway, kind), times in Counter((each.gateway.lower(), each.payment_type) for each in payments).items():
            if times > 1:
                yield f"{where}: gateway {gateway!r} with payment_type {kind!r} stands there {times} times"


class StoreSetup:
    """Applies set-up files."""

    def __init__(
        self, pool: Pool, reader: LedgerReader, appender: Appender, credentials: Credentials, clock: Clock
    ) -> None:
        self._pool = pool
        self._reader = reader
        self._appender = appender
        self._credentials = credentials
        self._clock = clock

    async def apply(self, path: Path) -> Applied:
        """Apply the file at `path`; secrets are read from the files it names, relative to it. Raises `SetupError`."""
        file = read_store_file(path)
        secrets = _secrets(file, path.parent)
        await open_ledger(self._pool, file.store, recorded_at=self._clock.now())
        known, version, is_live = await self._known(file.store)
        connected = known.get(_STORE_KEY)
        if is_live and isinstance(connected, StoreConnected) and connected.company_id != file.company:
            raise SetupError(
                f"{path}: company {file.company!r} must stay {connected.company_id!r}: Live Mode is on, and what was"
                " booked stands in that company; set another store up for the new one"
            )
        wanted: list[StoreConnected | OutletMapped] = [_connection(file, self._credentials, secrets)]
        wanted += [_outlet(outlet) for outlet in file.outlets]
        now = self._clock.now()
        different = [setting for setting in wanted if known.get(_key(setting)) != setting]
        facts = [setting_fact(setting, version + number, now) for number, setting in enumerate(different)]
        # One by one: in a batch, those behind the one that was overtaken would still find the version they expect.
        for fact in facts:
            (result,) = await self._appender.append(file.store, [fact])
            # A concurrent change shows as a wrong version, or as a fact that took the same number in the stream.
            if not isinstance(result, Appended):
                raise SetupError("somebody else changed the settings at the same time; look at them and apply again")
        changes = []
        for reference, secret in secrets.items():
            if await self._credentials.read(file.store, reference) != secret:
                await self._credentials.write(file.store, reference, secret, updated_at=now)
                changes.append(f"credential {reference}: stored, fingerprint {self._credentials.fingerprint(secret)}")
        for setting in different:
            changes += _difference(known.get(_key(setting)), setting)
        return Applied(file.store, tuple(changes))

    async def _known(self, store_id: str) -> tuple[dict[str, StoreConnected | OutletMapped], int, bool]:
        """Return each setting as it stands, the version of their stream, and whether Live Mode is on."""
        known: dict[str, StoreConnected | OutletMapped] = {}
        version, is_live = 0, False
        for fact in await self._reader.read_stream(store_id, SETTINGS_STREAM, facts_max=_SETTING_FACTS_MAX):
            version = fact.stream_version
            meaning = decode(fact)
            if isinstance(meaning, StoreConnected | OutletMapped):
                known[_key(meaning)] = meaning
            is_live = is_live or isinstance(meaning, LiveModeActivated)
        return known, version, is_live


def setting_fact(setting: StoreConnected | OutletMapped | LiveModeActivated, version: int, at: datetime) -> NewFact:
    """Return a setting as the fact that follows `version` in the settings stream."""
    name, schema_version, body = encode(setting)
    return NewFact(
        stream_id=SETTINGS_STREAM,
        type=name,
        schema_version=schema_version,
        source_id=f"settings:{version + 1}",
        observed_at=at,
        body=body,
        expected_version=version,
    )


def _secrets(file: StoreFile, folder: Path) -> dict[str, bytes]:
    def read(name: str) -> str:
        try:
            secret = (folder / name).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SetupError(f"cannot read the secret file {name}: {error.strerror}") from error
        if not secret:
            raise SetupError(f"the secret file {name} is empty")
        return secret

    oauth = {"client_id": file.iseller.client_id, "client_secret": read(file.iseller.client_secret_file)}
    hmac = {"client_id": file.jurnal.client_id, "client_secret": read(file.jurnal.client_secret_file)}
    return {
        ISELLER_API_KEY: read(file.iseller.api_key_file).encode(),
        ISELLER_OAUTH: msgspec.json.encode(oauth),
        JURNAL_HMAC: msgspec.json.encode(hmac),
    }


def _connection(file: StoreFile, credentials: Credentials, secrets: dict[str, bytes]) -> StoreConnected:
    return StoreConnected(
        company_id=file.company,
        time_zone=file.time_zone,
        iseller_url=file.iseller.url,
        iseller_fingerprint=credentials.fingerprint(secrets[ISELLER_OAUTH]),
        jurnal_fingerprint=credentials.fingerprint(secrets[JURNAL_HMAC]),
        transit_warehouse=file.transit_warehouse,
        walk_in_contact=file.walk_in_contact,
        clearing_account=file.clearing_account,
        payout_account=file.payout_account,
        mdr_account=file.mdr_account,
        rounding_product_code=file.rounding_product,
        term_days=file.term_days,
        tax_decimals=file.tax_decimals,
        taxes=tuple(TaxMapping(percentage, name) for percentage, name in sorted(file.taxes.items())),
        payments=tuple(payment.mapping() for payment in file.payments),
        loss_account=file.loss_account,
        goods_received_account=file.goods_received_account,
        stock_adjustment_account=file.stock_adjustment_account,
        transfer_sync=TransferSync(file.transfer_sync.mode, tuple(sorted(set(file.transfer_sync.times)))),
    )


def _outlet(outlet: _Outlet) -> OutletMapped:
    return OutletMapped(
        outlet_id=outlet.id,
        outlet_name=outlet.name,
        warehouse=outlet.warehouse,
        payout_account=outlet.payout_account,
        mdr_account=outlet.mdr_account,
        time_zone=outlet.time_zone,
        payments=tuple(payment.mapping() for payment in outlet.payments),
    )


def _key(setting: StoreConnected | OutletMapped) -> str:
    return setting.outlet_id if isinstance(setting, OutletMapped) else _STORE_KEY


def _difference(known: StoreConnected | OutletMapped | None, setting: StoreConnected | OutletMapped) -> list[str]:
    subject = f"outlet {setting.outlet_name}" if isinstance(setting, OutletMapped) else "store"
    if known is None:
        return [f"{subject}: new"]
    before, after = msgspec.structs.asdict(known), msgspec.structs.asdict(setting)
    return [f"{subject}: {name} {before[name]} → {after[name]}" for name in after if before[name] != after[name]]
