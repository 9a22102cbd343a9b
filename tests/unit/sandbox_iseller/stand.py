"""A sandbox iSeller on a port, a service that notes what it is sent, and a clock that only the test moves."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from ops.sandbox import scenario_everything
from ops.sandbox.iseller.server import IsellerSandbox
from ops.sandbox.iseller.settings import IsellerSettings
from ops.sandbox.iseller.shop import Shop
from ops.sandbox.scenario import KOPI_NUSANTARA, Scenario
from ops.sandbox.traffic import Traffic, apply, generate

TODAY = date(2026, 11, 20)
API_KEY = "made-up-api-key"


def exact_json(body: bytes) -> dict[str, Any]:
    """Read a JSON object with its decimals exact."""
    document: dict[str, Any] = json.loads(body, parse_float=Decimal)
    return document


class Clock:
    """The sandbox's clock; it stands still until told."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 20, 2, 54, 20, 47643, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Return the moment."""
        return self.moment

    def advance(self, seconds: float) -> datetime:
        """Move on and return the new moment."""
        self.moment += timedelta(seconds=seconds)
        return self.moment


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """One request as the service got it."""

    path: str
    timestamp: str
    signature: str
    content_type: str
    body: bytes

    @property
    def type(self) -> str:
        """The last part of the path."""
        return self.path.rsplit("/", 1)[-1]

    @property
    def document(self) -> dict[str, Any]:
        """The body read as JSON."""
        return exact_json(self.body)


class Service:
    """Notes every webhook and answers with `status`; `arrived` is set when `awaited` of them came."""

    def __init__(self) -> None:
        self.status = 200
        self.received: list[Received] = []
        self.awaited = 0
        self.arrived = asyncio.Event()

    async def take(self, request: web.Request) -> web.Response:
        """Note a webhook."""
        self.received.append(
            Received(
                path=request.path,
                timestamp=request.headers["Timestamp"],
                signature=request.headers["Signature"],
                content_type=request.headers["Content-Type"],
                body=await request.read(),
            )
        )
        if len(self.received) == self.awaited:
            self.arrived.set()
        return web.Response(status=self.status)


class Stand:
    """Everything a test of the sandbox's HTTP needs."""

    def __init__(self, sandbox: IsellerSandbox, service: Service, clock: Clock, session: ClientSession) -> None:
        self.sandbox = sandbox
        self.shop = sandbox.shop
        self.service = service
        self.clock = clock
        self.session = session
        self.url = ""

    def play(self, traffic: Traffic, seconds_between: float = 0) -> None:
        """Let every event happen, the clock moving on after each."""
        for event in traffic.events:
            apply(event, self.shop)
            self.clock.advance(seconds_between)

    async def deliver_all(self, seconds_between: float = 60, steps_max: int = 200) -> None:
        """Step until nothing is pending."""
        for _ in range(steps_max):
            if (await self.sandbox.deliver_due(self.session)).pending == 0:
                return
            self.clock.advance(seconds_between)
        raise AssertionError("webhooks are still pending")

    async def grant(self, **form: str) -> tuple[int, dict[str, Any]]:
        """Ask for a token; return status and answer."""
        client = {"client_id": "made-up-client", "client_secret": "made-up-secret"}
        async with self.session.post(f"{self.url}/oauth/token", data=client | form) as answer:
            return answer.status, exact_json(await answer.read())

    async def token(self) -> str:
        """Return a good access token."""
        _, grant = await self.grant(grant_type="client_credentials")
        return str(grant["access_token"])

    async def read(self, path: str, token: str | None = None, **form: str) -> tuple[int, dict[str, Any]]:
        """Call a read; return status and envelope."""
        headers = {"Authorization": f"Bearer {token or await self.token()}"}
        async with self.session.post(f"{self.url}{path}", data=form, headers=headers) as answer:
            return answer.status, exact_json(await answer.read())

    async def orders(self, **form: str) -> dict[str, Any]:
        """Call GetOrders with what is mandatory."""
        given = {"time_zone": "7", "created_after": "2026-01-01T00:00:00"} | form
        _, envelope = await self.read("/api/v2/GetOrders", **given)
        return envelope


def traffic(seed: int = 7, orders: int = 40, *, everything: bool = False) -> Traffic:
    """Return the demo shop's days ending `TODAY`."""
    return generate(shop_of(seed, everything=everything), seed, orders, TODAY, everything=everything)


def shop_of(seed: int, *, everything: bool) -> Scenario:
    """Return the shop of a run."""
    return scenario_everything.everything(seed) if everything else KOPI_NUSANTARA


@asynccontextmanager
async def standing(scenario: Scenario = KOPI_NUSANTARA, **changes: Any) -> AsyncIterator[Stand]:
    """Start a sandbox with these settings changed."""
    clock, service = Clock(), Service()
    receiving = web.Application()
    receiving.router.add_post("/iseller/{store}/{type}", service.take)
    async with TestServer(receiving) as service_server, ClientSession() as session:
        settings = IsellerSettings(
            store=KOPI_NUSANTARA.store,
            api_key=API_KEY,
            client_id="made-up-client",
            client_secret="made-up-secret",
            service_url=str(service_server.make_url("")),
        )
        settings = msgspec.structs.replace(settings, **changes)
        sandbox = IsellerSandbox(settings, Shop(scenario, clock), clock)
        async with TestServer(sandbox.app()) as server:
            stand = Stand(sandbox, service, clock, session)
            stand.url = str(server.make_url("")).rstrip("/")
            yield stand
