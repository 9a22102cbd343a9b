"""What a set-up file becomes: settings as facts, and secrets for the credentials table."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from eventstore.facts.settings import (
    ChannelMapped,
    MappingRemoved,
    OutletMapped,
    PaymentMapping,
    SalesAccountsMapped,
    SalesRulesSet,
    SalesSync,
    StoreConnected,
    TaxMapping,
    TransferSync,
)
from eventstore.facts.settings import Mapping as MappingFact
from projections.changes.settings import channel_scope
from service.credential_names import ISELLER_API_KEY, ISELLER_OAUTH, JURNAL_HMAC
from service.setup_error import SetupError
from service.setup_file import ChannelEntry, OutletEntry, SalesAccounts, StoreFile
from service.setup_ledger import KnownSettings
from service.setup_removal import gone

Fingerprints = Mapping[str, str]


def secrets_of(file: StoreFile, folder: Path) -> dict[str, bytes]:
    """Return the secrets that a file names, by their reference. Raises `SetupError` for all that cannot be read."""
    read: dict[str, str] = {}
    problems = []
    for name in (file.iseller.api_key_file, file.iseller.client_secret_file, file.jurnal.client_secret_file):
        try:
            read[name] = (folder / name).read_text(encoding="utf-8").strip()
        except OSError as error:
            problems.append(f"cannot read the secret file {name}: {error.strerror}")
        else:
            # A secret that is not there yet must not overwrite one that is.
            problems += [] if read[name] else [f"the secret file {name} is empty"]
    if problems:
        raise SetupError("\n".join(problems))
    oauth = {"client_id": file.iseller.client_id, "client_secret": read[file.iseller.client_secret_file]}
    hmac = {"client_id": file.jurnal.client_id, "client_secret": read[file.jurnal.client_secret_file]}
    return {
        ISELLER_API_KEY: read[file.iseller.api_key_file].encode(),
        ISELLER_OAUTH: msgspec.json.encode(oauth),
        JURNAL_HMAC: msgspec.json.encode(hmac),
    }


def settings_of(file: StoreFile, fingerprints: Fingerprints, known: KnownSettings) -> list[MappingFact]:
    """Return every setting that a file speaks of; what it leaves out is taken from those that stand."""
    return [
        _connection(file, fingerprints, known),
        *(_outlet(entry, known) for entry in file.outlets),
        *(_channel(entry, known) for entry in file.channels),
        *_sales_accounts(file),
        *([] if file.sales is None else [plain_rules(file.sales)]),
    ]


def gone_of(file: StoreFile, known: KnownSettings) -> list[MappingRemoved]:
    """Return what takes away the outlets and channels that stand and that a file leaves out."""
    return gone(known, {entry.id for entry in file.outlets}, {_scope(entry) for entry in file.channels})


def plain_rules(rules: SalesRulesSet) -> SalesRulesSet:
    """Return rules in one spelling: gateways in lower case, times ascending and once each."""
    stored_value = tuple(
        msgspec.structs.replace(stored, gateway=stored.gateway.lower()) for stored in rules.stored_value
    )
    sync = SalesSync(rules.sync.mode, plain_times(rules.sync.times))
    return msgspec.structs.replace(rules, stored_value=stored_value, sync=sync)


def plain_payments(payments: tuple[PaymentMapping, ...]) -> tuple[PaymentMapping, ...]:
    """Return payment mappings with their gateways in lower case, as iSeller's are compared."""
    return tuple(msgspec.structs.replace(payment, gateway=payment.gateway.lower()) for payment in payments)


def plain_times(times: tuple[str, ...]) -> tuple[str, ...]:
    """Return times of day ascending and once each."""
    return tuple(sorted(set(times)))


def _connection(file: StoreFile, fingerprints: Fingerprints, known: KnownSettings) -> StoreConnected:
    connected = known.connection
    return StoreConnected(
        company_id=file.company,
        time_zone=file.time_zone,
        iseller_url=file.iseller.url,
        iseller_fingerprint=fingerprints[ISELLER_OAUTH],
        jurnal_fingerprint=fingerprints[JURNAL_HMAC],
        transit_warehouse=file.transit_warehouse,
        walk_in_contact=file.walk_in_contact,
        clearing_account=file.clearing_account,
        payout_account=file.payout_account,
        mdr_account=file.mdr_account,
        rounding_product_code=file.rounding_product,
        term_days=file.term_days,
        tax_decimals=file.tax_decimals,
        taxes=tuple(TaxMapping(percentage, name) for percentage, name in sorted(file.taxes.items())),
        payments=_payments(file.payments, connected.payments if connected else ()),
        loss_account=file.loss_account,
        goods_received_account=file.goods_received_account,
        stock_adjustment_account=file.stock_adjustment_account,
        transfer_sync=TransferSync(file.transfer_sync.mode, plain_times(file.transfer_sync.times)),
    )


def _outlet(entry: OutletEntry, known: KnownSettings) -> OutletMapped:
    mapped = known.outlets.get(entry.id)
    return OutletMapped(
        outlet_id=entry.id,
        outlet_name=entry.name,
        warehouse=entry.warehouse,
        payout_account=entry.payout_account,
        mdr_account=entry.mdr_account,
        time_zone=entry.time_zone,
        payments=_payments(entry.payments, mapped.payments if mapped else ()),
    )


def _channel(entry: ChannelEntry, known: KnownSettings) -> ChannelMapped:
    mapped = known.channels.get(_scope(entry))
    return ChannelMapped(
        channel=entry.channel.lower(),
        channel_name=entry.name,
        warehouse=entry.warehouse,
        channel_detail=entry.channel_detail.lower() if entry.channel_detail else None,
        payout_account=entry.payout_account,
        mdr_account=entry.mdr_account,
        time_zone=entry.time_zone,
        payments=_payments(entry.payments, mapped.payments if mapped else ()),
    )


def _scope(entry: ChannelEntry) -> str:
    return channel_scope(entry.channel.lower(), (entry.channel_detail or "").lower())


def _payments(
    told: tuple[PaymentMapping, ...] | None, standing: tuple[PaymentMapping, ...]
) -> tuple[PaymentMapping, ...]:
    return standing if told is None else plain_payments(told)


def _sales_accounts(file: StoreFile) -> Iterator[SalesAccountsMapped]:
    told: list[tuple[str, SalesAccounts | None]] = [
        ("", file.sales_accounts),
        *((entry.id, entry.sales_accounts) for entry in file.outlets),
        *((_scope(entry), entry.sales_accounts) for entry in file.channels),
    ]
    for scope, accounts in told:
        if accounts is not None:
            yield SalesAccountsMapped(scope=scope, account=accounts.account, products=accounts.products)
