"""Jurnal's side of a simulated world: a company with its master data, its wire, and a record of all it ever held."""

from collections.abc import Callable
from datetime import datetime
from email.utils import format_datetime
from typing import Any

import msgspec
from aiohttp import ClientRequest, ClientSession, web
from yarl import URL

from ops.sandbox.jurnal import Consumer, JurnalSandbox, SandboxSettings, signing
from ops.sandbox.jurnal.connections import Wait
from ops.sandbox.jurnal.inspection import records_by_type
from ops.sandbox.jurnal.records import Payment, Record
from ops.sandbox.jurnal.register import Register
from ops.virtual.wire import Route, Wire, connector

BASE_URL = "http://jurnal.test"
DATE_SKEW_SECONDS = 40
CALLS_A_MINUTE = 60
_API = "/public/jurnal/api/v1"
_SECRET = "rahasia"
_PREPARER = Consumer(client_id="accountant", client_secret=_SECRET, limit_minute=None, limit_hour=None)
_LIABILITY = "Other Current Liabilities"
# What the made-up stores' settings name.
_MASTER_DATA: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("accounts", "account", {"name": "Bank BCA", "number": "1-10002", "category_name": "Cash & Bank"}),
    ("accounts", "account", {"name": "iSeller Pay Clearing", "number": "1-10003", "category_name": "Cash & Bank"}),
    ("accounts", "account", {"name": "iSeller Pay MDR", "number": "6-60050", "category_name": "Expenses"}),
    ("accounts", "account", {"name": "Goods Received", "number": "2-20205", "category_name": _LIABILITY}),
    ("taxes", "tax", {"name": "PPN", "rate": "11"}),
    *(
        ("warehouses", "warehouse", {"name": name, "code": f"W{number}"})
        for number, name in enumerate(("Main Warehouse", "Branch Warehouse", "iSeller in Transit"))
    ),
    ("customers", "customer", {"display_name": "Walk-in"}),
    *(
        (
            "products",
            "product",
            {
                "name": f"Product {code}",
                "product_code": code,
                "unit_name": "Pcs",
                "track_inventory": code != "ISELLER-ROUNDING",
            },
        )
        for code in ("LATTE", "MOCHA", "ISELLER-ROUNDING")
    ),
)
# What Jurnal makes itself of another document; it has no key of ours.
_OF_ITSELF = frozenset({"deposit_payment", "return_credit_memo"})


class Twice(msgspec.Struct, frozen=True):
    """A document that stood in the books while another with its key did."""

    kind: str
    key: str
    at: datetime


class Jurnal:
    """One company behind its gateway. `twice`: documents that were ever there more than once at a time."""

    def __init__(self, company_id: str, now: Callable[[], datetime], wait: Wait, settings: dict[str, Any]) -> None:
        consumer = consumer_of(company_id)
        self.company_id = company_id
        self.sandbox = JurnalSandbox(
            SandboxSettings(
                consumers=(consumer, _PREPARER),
                address_limit_minute=None,
                address_limit_hour=None,
                date_skew_seconds_max=DATE_SKEW_SECONDS,
                **settings,
            ),
            now,
            wait=wait,
        )
        self.twice: list[Twice] = []
        self.made = 0
        self._now = now
        self._runner = web.AppRunner(self.sandbox.app(), access_log=None)

    async def open(self) -> Wire:
        """Listen, make the master data, and watch the books from then on."""
        await self._runner.setup()
        assert self._runner.server is not None
        wire = Wire(self._runner.server)
        async with ClientSession(connector=connector(lambda _request: wire)) as session:
            for plural, wrapper, fields in _MASTER_DATA:
                await self._make(session, plural, {wrapper: fields})
        self._watch()
        return wire

    async def close(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()

    async def _make(self, session: ClientSession, plural: str, body: object) -> None:
        target = f"{_API}/{plural}"
        date = format_datetime(self._now(), usegmt=True)
        signed = signing.signature(_PREPARER.client_secret, date, "POST", target)
        headers = {"Date": date, "Authorization": signing.authorization(_PREPARER.client_id, signed)}
        url = URL(BASE_URL + target, encoded=True)
        async with session.post(url, data=msgspec.json.encode(body), headers=headers) as answer:
            assert answer.status in {200, 201}, await answer.text()

    def _watch(self) -> None:
        company = self.sandbox.company
        registers: tuple[Register[Any], ...] = tuple(
            value for value in vars(company).values() if isinstance(value, Register)
        )
        for register in registers:
            vars(register)["add"] = self._watched(register)

    def _watched(self, register: Register[Any]) -> Callable[[Any], Any]:
        add = type(register).add

        def watched(record: Record) -> Record:
            is_new = register.get(record.id) is None
            if is_new and not (isinstance(record, Payment) and record.is_deposit):
                self.made += 1
                kind = type(record).__name__
                if record.custom_id is not None and register.keyed(record.custom_id) is not None:
                    self.twice.append(Twice(kind, record.custom_id, self._now()))
                elif register.named(record.name) is not None:
                    self.twice.append(Twice(kind, record.name, self._now()))
            kept: Record = add(register, record)
            return kept

        return watched

    def documents(self) -> list[tuple[str, Record]]:
        """Return what stands in the books now, with its type; what Jurnal makes itself is left out."""
        return [(kind, record) for kind, record in records_by_type(self.sandbox.company) if kind not in _OF_ITSELF]


def consumer_of(company_id: str) -> Consumer:
    """Return the API client of a company."""
    return Consumer(client_id=company_id, client_secret=_SECRET, limit_minute=CALLS_A_MINUTE, limit_hour=3_600)


def route_to(wires: dict[str, Wire]) -> Route:
    """Tell requests apart by whose they are, as the gateway does."""

    def route(request: ClientRequest) -> Wire | None:
        sent = signing.read_authorization(request.headers.get("Authorization", ""))
        return None if sent is None else wires.get(sent[0])

    return route
