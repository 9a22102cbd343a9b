"""The made-up store of the quota's benchmark: its Jurnal company, its settings, and its paid orders."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import msgspec

from eventstore.appender import Appender
from eventstore.clock import Clock
from eventstore.connection import Pool
from eventstore.credentials import Credentials
from eventstore.event import NewFact
from eventstore.facts.registry import REPORT_KINDS, encode
from eventstore.facts.settings import (
    SETTINGS_STREAM,
    LiveModeActivated,
    OutletMapped,
    PaymentMapping,
    SalesRulesSet,
    Setting,
    StoreConnected,
)
from eventstore.keyring import Keyring, MasterKey
from eventstore.store import LedgerReader, open_ledger
from ops.bench.stand import STORE
from ops.sandbox.demo_accountant import Accountant
from ops.sandbox.jurnal import Consumer, SandboxSettings
from service.credential_names import ISELLER_API_KEY, JURNAL_HMAC
from service.iseller.intake import Intake
from service.jurnal_calls import HmacCredential

API_KEY = "made-up-api-key"
COMPANY_ID = "kopi-company"
_MADE_UP = "made-up"
OURS = HmacCredential("jurnalsync", _MADE_UP)
# Who sets the company up is another consumer, as a person is: the service's quota is its own.
BOOKKEEPER = Consumer(client_id="bookkeeper", client_secret=_MADE_UP, limit_minute=None, limit_hour=None)
SPLIT_EVERY = 5
_TAKEN_AT_ONCE = 500
_CONNECTED = StoreConnected(
    company_id=COMPANY_ID,
    time_zone="Asia/Jakarta",
    iseller_url="http://iseller.test",
    iseller_fingerprint="aaaaaaaaaaaa",
    jurnal_fingerprint="bbbbbbbbbbbb",
    transit_warehouse="In Transit",
    walk_in_contact="Walk-in",
    clearing_account="Clearing",
    payout_account="Bank",
    mdr_account="Fees",
    rounding_product_code="ROUNDING",
    term_days=30,
    taxes=(),
    payments=(
        PaymentMapping("cash", "Cash"),
        PaymentMapping("external_debit", "Bank", payment_type_name="EDC"),
    ),
    loss_account="Waste Goods Expense",
    goods_received_account="Goods Received",
    stock_adjustment_account="Inventory Adjustments",
)


def documented(*, limited: bool) -> SandboxSettings:
    """Return Jurnal with its documented quota, or without one."""
    ours = Consumer(client_id=OURS.client_id, client_secret=OURS.client_secret)
    if limited:
        return SandboxSettings(consumers=(ours, BOOKKEEPER))
    unlimited = Consumer(client_id=OURS.client_id, client_secret=OURS.client_secret, limit_minute=None, limit_hour=None)
    return SandboxSettings(consumers=(unlimited, BOOKKEEPER), address_limit_minute=None, address_limit_hour=None)


async def set_company_up(session: aiohttp.ClientSession, url: str, clock: Clock) -> None:
    """Make what the store's settings and orders name."""
    person = Accountant(session, url, BOOKKEEPER, clock.now)
    for name, number, category in (
        ("Bank", "1-10002", "Cash & Bank"),
        ("Clearing", "1-10003", "Cash & Bank"),
        ("Fees", "6-60050", "Expenses"),
        ("Goods Received", "2-20205", "Other Current Liabilities"),
    ):
        await person.make("accounts", "account", name=name, number=number, category_name=category)
    for name, code in (("Main", "MAIN"), ("In Transit", "TRANSIT")):
        await person.make("warehouses", "warehouse", name=name, code=code)
    await person.make("customers", "customer", display_name="Walk-in")
    await person.make("products", "product", name="Latte", product_code="LATTE", unit_name="Pcs", track_inventory=True)


class Till:
    """Brings the store's settings and orders into its ledger, the orders by the intake that webhooks go through."""

    def __init__(self, pool: Pool, clock: Clock, master: MasterKey) -> None:
        self._pool = pool
        self._clock = clock
        self._master = master
        self._appender = Appender(pool, clock)
        self._intake = Intake(LedgerReader(pool), self._appender, Keyring(pool, master), clock)

    async def connect(self, rules: SalesRulesSet) -> None:
        """Open the ledger, set the store up, and turn Live Mode on."""
        now = self._clock.now()
        await open_ledger(self._pool, STORE, recorded_at=now)
        credentials = Credentials(self._pool, self._master)
        await credentials.write(STORE, JURNAL_HMAC, msgspec.json.encode(OURS), updated_at=now)
        await credentials.write(STORE, ISELLER_API_KEY, API_KEY.encode(), updated_at=now)
        settings: tuple[Setting, ...] = (
            _CONNECTED,
            OutletMapped(outlet_id="main", outlet_name="Main", warehouse="Main"),
            rules,
            LiveModeActivated(actor="owner", activated_at=now),
        )
        facts = [_own(setting, number, now) for number, setting in enumerate(settings)]
        await self._appender.append(STORE, facts)

    async def sell(self, first: int, orders: int) -> None:
        """Take in the reports of so many paid orders."""
        now = self._clock.now()
        observed = [(msgspec.json.encode(order(number, now)), number) for number in range(first, first + orders)]
        for start in range(0, orders, _TAKEN_AT_ONCE):
            for body, _ in observed[start : start + _TAKEN_AT_ONCE]:
                await self._intake.take(
                    STORE, REPORT_KINDS["order"], body, observed_at=now, metadata={"channel": "webhook"}
                )


def order(number: int, at: datetime, *, is_split: bool | None = None) -> dict[str, Any]:
    """Return a paid order of Rp 20,000; of five, one is paid half in cash and half by card."""
    split = number % SPLIT_EVERY == 0 if is_split is None else is_split
    return {
        "order_id": f"{number:032x}",
        "order_reference": f"#3101-{number}",
        "channel": "pos",
        "status": "completed",
        "payment_status": "paid",
        "order_date": _told(at),
        "closed_date": _told(at),
        "outlet_id": "main",
        "outlet_name": "Main",
        "total_order_amount": 20_000,
        "total_amount": 20_000,
        "order_details": [{"sku": "LATTE", "quantity": 2, "base_price": 10_000, "taxable": False}],
        "transactions": list(_paid(number, at, 2 if split else 1)),
    }


def _paid(number: int, at: datetime, parts: int) -> Iterator[dict[str, Any]]:
    for part, gateway in zip(range(parts), ("cash", "external_debit"), strict=False):
        yield {
            "transaction_id": f"{number:028x}-{part}",
            "type": "sale",
            "status": "success",
            "gateway": gateway,
            "payment_type_name": {"cash": "Cash", "external_debit": "EDC"}[gateway],
            "amount": 20_000 // parts,
            "transaction_date": _told(at + timedelta(seconds=part)),
        }


def _told(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _own(setting: Setting, number: int, at: datetime) -> NewFact:
    name, version, body = encode(setting)
    return NewFact(
        stream_id=SETTINGS_STREAM, type=name, schema_version=version, source_id=f"settings:{number}", observed_at=at,
        body=body,
    )  # fmt: skip
