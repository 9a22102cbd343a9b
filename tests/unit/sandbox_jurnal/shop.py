"""A signed client for the sandbox Jurnal, and a company with the master data a shop needs."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from ops.sandbox.jurnal import Consumer, JurnalSandbox, SandboxSettings, signing
from ops.sandbox.jurnal.connections import Wait

API = "/public/jurnal/api/v1"
CLIENT = Consumer(client_id="toko", client_secret="rahasia", limit_minute=None, limit_hour=None)
SETTINGS = SandboxSettings(consumers=(CLIENT,), address_limit_minute=None, address_limit_hour=None)
NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(slots=True)
class Clock:
    """A clock that tests move; it starts at 10:00 on 10 March 2026 in Jakarta."""

    at: datetime = datetime(2026, 3, 10, 3, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Return the present instant."""
        return self.at

    def advance(self, **amount: float) -> None:
        """Move on by a timedelta."""
        self.at += timedelta(**amount)


@dataclass(slots=True)
class Reply:
    """Status, headers and decoded body of an answer."""

    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass(slots=True)
class Shop:
    """One sandbox with a client; every call is signed with the clock's time unless told otherwise."""

    sandbox: JurnalSandbox
    clock: Clock
    http: "TestClient[Any, Any]"
    consumer: Consumer = CLIENT
    numbers: dict[str, int] = field(default_factory=dict)

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, str] = NOTHING,
        headers: Mapping[str, str] = NOTHING,
        signed_at: datetime | None = None,
    ) -> Reply:
        """Send one signed request below the API's base path (or to an absolute /public path)."""
        target = path if path.startswith("/public") else f"{API}/{path}"
        target += "?" + urlencode(query) if query else ""
        date = format_datetime(signed_at or self.clock(), usegmt=True)
        signed = signing.signature(self.consumer.client_secret, date, method, target)
        sent = {"Date": date, "Authorization": signing.authorization(self.consumer.client_id, signed), **headers}
        data = None if body is None else json.dumps(body).encode()
        async with self.http.request(method, URL(target, encoded=True), data=data, headers=sent) as answer:
            text = await answer.text()
            return Reply(answer.status, answer.headers, json.loads(text) if text else None)

    async def make(self, plural: str, wrapper: str, **fields: object) -> Any:
        """Create a record and return what stands in the answer."""
        reply = await self.call("POST", plural, {wrapper: fields})
        assert reply.status in {200, 201}, reply.body
        return next(iter(reply.body.values()))

    async def show(self, plural: str, key: object) -> Any:
        """Return one record."""
        reply = await self.call("GET", f"{plural}/{key}")
        assert reply.status == 200, reply.body
        return next(iter(reply.body.values()))

    async def stock_up(self) -> None:
        """Make a customer, two products, a tax, two warehouses and a bank."""
        await self.make("customers", "customer", display_name="Pelanggan Tunai")
        await self.make("accounts", "account", name="Bank BCA", number="1-10003", category_name="Cash & Bank")
        await self.make("taxes", "tax", name="PPN", rate=11)
        await self.make("warehouses", "warehouse", name="Pusat", code="PST")
        await self.make("warehouses", "warehouse", name="Cabang", code="CBG")
        await self.make("warehouses", "warehouse", name="Dalam Perjalanan", code="TRN")
        await self.make(
            "products",
            "product",
            name="Kemeja",
            product_code="KMJ",
            unit_name="Pcs",
            track_inventory="true",
            buy_price_per_unit="40000",
        )
        await self.make("products", "product", name="Jasa", product_code="JSA", unit_name="Pcs")

    async def receive(self, quantity: object, price: object, date: str, warehouse: str = "Pusat") -> Any:
        """Take goods in at a price of their own."""
        line = {
            "product_name": "Kemeja",
            "difference": quantity,
            "use_custom_average_price": True,
            "average_price": price,
        }
        return await self.adjust(line, date, warehouse)

    async def adjust(self, line: Mapping[str, object], date: str, warehouse: str = "Pusat") -> Any:
        """Adjust the stock of one product."""
        fields = {"stock_adjustment_type": "General", "warehouse_name": warehouse, "date": date}
        return await self.make("stock_adjustments", "stock_adjustment", **fields, lines_attributes=[dict(line)])

    def invoice(self, **changes: object) -> dict[str, object]:
        """Return the attributes of an open invoice for one service at 100,000."""
        line = {"product_name": "Jasa", "quantity": 1, "rate": 100_000}
        fields: dict[str, object] = {
            "transaction_date": "2026-03-09",
            "due_date": "2026-04-08",
            "person_name": "Pelanggan Tunai",
            "transaction_lines_attributes": [line],
        }
        return fields | changes

    async def sell(self, **changes: object) -> Any:
        """Create an invoice and return it."""
        return await self.make("sales_invoices", "sales_invoice", **self.invoice(**changes))

    async def balances(self) -> dict[str, str]:
        """Return debits less credits of every account with a balance, exactly, as text."""
        return {name: str(amount) for name, amount in self.sandbox.exact_balances().items() if amount}


@asynccontextmanager
async def opened(
    settings: SandboxSettings = SETTINGS, clock: Clock | None = None, wait: Wait = asyncio.sleep
) -> AsyncIterator[Shop]:
    """Serve a sandbox and give its shop."""
    clock = clock or Clock()
    sandbox = JurnalSandbox(settings, clock, wait=wait)
    async with TestClient(TestServer(sandbox.app())) as http:
        yield Shop(sandbox, clock, http, settings.consumers[0])


def settings(**changes: Any) -> SandboxSettings:
    """Return the tests' settings with some changed."""
    return replace(SETTINGS, **changes)
