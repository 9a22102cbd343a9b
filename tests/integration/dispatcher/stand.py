"""A store, its ledger, a Jurnal company over real HTTP, and dispatchers that are stepped by hand in virtual time.

The database's clock is replaced by a row that `Stand.advance` moves together with Python's and the sandbox's clock.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import aiohttp
import asyncpg
import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from eventstore.appender import Appender
from eventstore.clock import Clock, ManualClock
from eventstore.connection import Pool, open_pool
from eventstore.credentials import Credentials
from eventstore.event import Fact
from eventstore.facts.registry import REPORT_KINDS
from eventstore.facts.settings import SETTINGS_STREAM, LiveModeActivated, StoreConnected
from eventstore.keyring import Keyring
from eventstore.store import LedgerReader, open_ledger
from ops.sandbox.jurnal import FaultPlan, JurnalSandbox, SandboxSettings
from ops.sandbox.jurnal.resource import Resource
from projections.catalogue import CATALOGUE
from projections.jurnal_commands.queue import SendQueue
from projections.runner import Runner
from projections.sync_status.queries import ListedRecord, Wanted, read_page
from service.answer_ledger import AnswerLedger
from service.breaker import BreakerLimits, Breakers
from service.choosing import BatchLimits
from service.company_lease import CompanyLeases
from service.credential_names import JURNAL_HMAC
from service.dispatched import Dispatched
from service.dispatcher import Dispatcher
from service.fence import Fence
from service.inquiry import Inquiry
from service.iseller.intake import Intake
from service.jurnal.client import JurnalClient, open_session
from service.jurnal.pace import Limit
from service.jurnal_calls import Company, HmacCredential, JurnalCalls
from service.master_data import MasterDataDirectory
from service.own_clock import OwnClock
from service.people import People
from service.quota import QuotaBudget
from tests.integration.stopped_clock import set_clock, stop_the_clock
from tests.ledger import MASTER, NOON, SERVICE_ROLE, STORE
from tests.story import BRANCH, CONNECTION, MAIN, full_order, own
from tests.unit.sandbox_jurnal.shop import CLIENT, SETTINGS, Shop
from tests.unit.sandbox_jurnal.shop import Clock as SandboxClock
from tests.unit.sandbox_jurnal.virtual_time import Time

COMPANY = Company(CONNECTION.company_id, STORE)
# Shorter than any step is long: no test is about this limit unless it says so.
PLENTY = (Limit(1_000_000, 60),)
STEPS_MAX = 400


@dataclass
class Process:
    """What one running service has of its own: its lease owner, its look-ups, its dispatcher."""

    leases: CompanyLeases
    calls: JurnalCalls
    directory: MasterDataDirectory
    dispatcher: Dispatcher

    async def step(self) -> Dispatched:
        """Make one step for the company."""
        return await self.dispatcher.step(COMPANY, (STORE,))


@dataclass
class HeldRequest:
    """A request that got stuck on its way, whole and signed."""

    method: str
    target: URL
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Stand:
    """Everything of one store, and the way to Jurnal with what may happen on it."""

    pool: Pool
    migrator: "asyncpg.Connection[asyncpg.Record]"
    clock: ManualClock
    time: Time
    shop: Shop
    session: aiohttp.ClientSession
    url: str
    held: list[HeldRequest] = field(default_factory=list)
    hold_next: str | None = None

    def __post_init__(self) -> None:
        self.reader = LedgerReader(self.pool)
        self.appender = Appender(self.pool, self.clock)
        self.keyring = Keyring(self.pool, MASTER)
        self.credentials = Credentials(self.pool, MASTER)
        self.intake = Intake(self.reader, self.appender, self.keyring, self.clock)
        self.runner = Runner(self.pool, self.reader)

    @property
    def sandbox(self) -> JurnalSandbox:
        """Return the Jurnal on the other side."""
        return self.shop.sandbox

    def calls(
        self,
        *,
        deadline_seconds: float = 90,
        quota: QuotaBudget | None = None,
        breakers: Breakers | None = None,
        url: str | None = None,
        on_call: Callable[[str, str, float], None] | None = None,
        on_date: Callable[[float], None] | None = None,
        clock: Clock | None = None,
    ) -> JurnalCalls:
        """Return the way to Jurnal of one process, whose `clock` may be wrong."""
        client = JurnalClient(self.session, url or self.url, clock or self.clock, deadline_seconds=deadline_seconds)
        plenty = QuotaBudget(self.pool, egress_address="test", company_limits=PLENTY, address_limits=PLENTY)
        return JurnalCalls(
            client,
            self.credentials,
            quota or plenty,
            breakers or Breakers(self.pool, uuid4(), BreakerLimits()),
            deadline_seconds=deadline_seconds,
            on_call=on_call,
            on_date=on_date,
        )

    def process(
        self,
        *,
        calls: JurnalCalls | None = None,
        fence: Fence | None = None,
        queue: SendQueue | None = None,
        kind: type[Dispatcher] = Dispatcher,
        lease_seconds: float = 10,
        appender: Appender | None = None,
        limits: BatchLimits | None = None,
        own_clock: OwnClock | None = None,
    ) -> Process:
        """Start another process on the same database."""
        calls = calls or self.calls()
        queue = queue or SendQueue(self.pool)
        leases = CompanyLeases(self.pool, uuid4(), lease_seconds=lease_seconds, own_clock=own_clock)
        directory = MasterDataDirectory(self.pool, self.appender, queue, calls, self.clock)
        people = People(self.reader, self.keyring)
        answers = AnswerLedger(self.pool, appender or self.appender, self.reader)
        inquiry = Inquiry(queue, calls, directory, people)
        dispatcher = kind(
            self.pool, answers, queue, leases, calls, inquiry, fence or Fence(), limits=limits or BatchLimits()
        )
        return Process(leases, calls, directory, dispatcher)

    async def advance(self, seconds: float) -> None:
        """Let time pass everywhere."""
        self.clock.advance(timedelta(seconds=seconds))
        await set_clock(self.migrator, self.clock.now())
        await self.time.advance(seconds)

    async def connect(self, connection: StoreConnected = CONNECTION, *, live: bool = True) -> None:
        """Connect the store, map its outlets, and turn Live Mode on."""
        secret = HmacCredential(CLIENT.client_id, CLIENT.client_secret)
        await self.credentials.write(STORE, JURNAL_HMAC, msgspec.json.encode(secret), updated_at=NOON)
        settings = [own(connection, SETTINGS_STREAM, "settings:1")]
        settings += [own(outlet, SETTINGS_STREAM, f"outlet:{outlet.outlet_id}") for outlet in (MAIN, BRANCH)]
        if live:
            settings.append(own(LiveModeActivated(actor="owner", activated_at=NOON), SETTINGS_STREAM, "live-mode"))
        await self.appender.append(STORE, settings)
        await self.fold()

    async def report(self, kind: str, fields: Mapping[str, object]) -> None:
        """Let iSeller report something a second later, and fold it."""
        await self.advance(1)
        body = msgspec.json.encode(fields)
        await self.intake.take(
            STORE, REPORT_KINDS[kind], body, observed_at=self.clock.now(), metadata={"channel": "webhook"}
        )
        await self.fold()

    async def order(self, number: int = 1, **fields: object) -> None:
        """Let iSeller report a completed order of Rp 20,000, unpaid."""
        names = {"order_id": f"order-{number}", "order_reference": f"#3101-{1000 + number}"}
        await self.report("order", full_order(**{**names, **fields}))

    async def transfer(self, number: int = 1, *more: dict[str, Any]) -> None:
        """Let iSeller report that five pieces left for the branch."""
        start = {
            "inventory_adjustment_id": f"start-{number}",
            "action": "Start",
            "date": "2026-11-20T02:00:00",
            "items": [{"sku": "LATTE", "quantity": 5}],
        }
        fields = {
            "transfer_id": f"transfer-{number}",
            "transfer_number": f"TO-{number}",
            "type": "Out",
            "out_type": "To Outlet",
            "outlet_id": "main",
            "outlet_name": "Main Outlet",
            "destination_outlet_id": "branch",
            "destination_outlet_name": "Branch",
            "inventory_adjustments": [start, *more],
        }
        await self.report("transfer", fields)

    async def fold(self) -> None:
        """Fold everything into every projection."""
        for projection in CATALOGUE.values():
            while (await self.runner.step(STORE, projection, epoch=1, facts_max=1_000)).facts:
                pass

    async def step(self, process: Process) -> Dispatched:
        """Make one step and fold what came of it."""
        done = await process.step()
        await self.fold()
        return done

    async def until_quiet(self, process: Process, *, seconds_max: float = 7_200) -> list[str]:
        """Step, fold and let time pass until nothing is left to wait for; return what the steps did."""
        did: list[str] = []
        ends = self.clock.now() + timedelta(seconds=seconds_max)
        for _ in range(STEPS_MAX):
            done = await self.step(process)
            did.append(done.did)
            if done.did in ("sent", "probed", "refused"):
                continue
            wakes = await self.next_wake(done)
            if wakes is None or wakes > ends:
                return did
            await self.advance((wakes - self.clock.now()).total_seconds())
        raise AssertionError(f"still busy after {STEPS_MAX} steps: {did[-10:]}")

    async def next_wake(self, done: Dispatched) -> datetime | None:
        """Return when something may be done next; None when nothing waits for the time."""
        if done.did == "not_ours":
            expires_at = await self.migrator.fetchval("SELECT min(expires_at) FROM company_lease")
            assert isinstance(expires_at, datetime)
            return expires_at
        wakes = await self.migrator.fetchval(
            """
            SELECT min(CASE state WHEN 'sending' THEN deadline_at ELSE due_at END) FROM send
            WHERE state <> 'done' AND CASE state WHEN 'sending' THEN deadline_at ELSE due_at END > $1
            """,
            self.clock.now(),
        )
        assert wakes is None or isinstance(wakes, datetime)
        return min(filter(None, (wakes, done.wait_until)), default=None)

    async def sends(self) -> dict[str, str]:
        """Return the state of each command's send, e.g. `inv.order-1`: `done`."""
        rows = await self.migrator.fetch("SELECT command_id, state FROM send ORDER BY command_id")
        return {_short(row["command_id"]): row["state"] for row in rows}

    async def commands(self) -> dict[str, str]:
        """Return each command's state as the fold wrote it, e.g. `inv.order-1`: `accepted`."""
        rows = await self.migrator.fetch("SELECT command_id, state FROM command ORDER BY command_id")
        return {_short(row["command_id"]): row["state"] for row in rows}

    async def records(self) -> dict[str, ListedRecord]:
        """Return the Accounting Sync list."""
        page = await read_page(self.pool, STORE, Wanted(), rows_max=1_000)
        return {record.record_id: record for record in page.records}

    async def statuses(self) -> dict[str, str]:
        """Return the status of every line of the Accounting Sync list."""
        return {record_id: record.status for record_id, record in (await self.records()).items()}

    async def facts(self, type_: str | None = None) -> list[Fact]:
        """Return the ledger, or the facts of one type in it."""
        facts = await self.reader.read_after(STORE, 0, 10_000)
        return [fact for fact in facts if type_ is None or fact.type == type_]

    async def told(self, type_: str) -> list[Any]:
        """Return the bodies of the facts of one type."""
        return [msgspec.json.decode(fact.body) for fact in await self.facts(type_)]

    def documents(self, kind: str) -> int:
        """Return how many documents of a type stand in Jurnal."""
        return self.sandbox.documents().get(kind, 0)

    def lookups(self, path_end: str) -> int:
        """Return how many reading calls Jurnal got for a route that ends so."""
        return sum(
            calls
            for (_, method, path), calls in self.sandbox.calls.items()
            if method == "GET" and path.endswith(path_end)
        )

    def fail(self, plan: FaultPlan, *, method: str = "POST", path: str = "", times: int = 1) -> None:
        """Let the next requests of a kind go wrong as planned."""
        left = [plan] * times

        def fault(request: web.Request) -> FaultPlan | None:
            wanted = request.method == method and path in request.path
            return left.pop() if wanted and left else None

        self.sandbox.gate.fault = fault

    async def deliver_held(self) -> int:
        """Let the stuck request arrive now; return what Jurnal answered it."""
        request = self.held.pop(0)
        async with self.session.request(
            request.method, request.target, headers=request.headers, data=request.body
        ) as answer:
            return answer.status


def _short(command_id: str) -> str:
    """Return a command id without its store."""
    prefix, _, rest = command_id.partition("-")
    return f"{prefix}.{rest.partition('.')[2]}"


def forget_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the sandbox take a used key, as Jurnal does when two requests read before either has inserted."""
    monkeypatch.setattr(Resource, "check_keys", lambda *_keys, **_more: None)


async def make_master_data(shop: Shop) -> None:
    """Make what the made-up store's set-up names."""
    for name, number in (("Bank BCA", "1-10002"), ("iSeller Pay Clearing", "1-10003")):
        await shop.make("accounts", "account", name=name, number=number, category_name="Cash & Bank")
    await shop.make("accounts", "account", name="iSeller Pay MDR", number="6-60050", category_name="Expenses")
    liability = "Other Current Liabilities"
    await shop.make("accounts", "account", name="Goods Received", number="2-20205", category_name=liability)
    await shop.make("taxes", "tax", name="PPN", rate="11")
    for name in ("Main Warehouse", "Branch Warehouse", "iSeller in Transit"):
        await shop.make("warehouses", "warehouse", name=name, code=name[:3].upper() + str(len(name)))
    await shop.make("customers", "customer", display_name="Walk-in")
    for code in ("LATTE", "MOCHA", "ISELLER-ROUNDING"):
        tracked = code != "ISELLER-ROUNDING"
        fields = {"name": f"Product {code}", "product_code": code, "unit_name": "Pcs", "track_inventory": tracked}
        await shop.make("products", "product", **fields)


@asynccontextmanager
async def open_stand(
    database_url: str, *, settings: SandboxSettings = SETTINGS, connections_max: int = 6, time: Time | None = None
) -> AsyncIterator[Stand]:
    """Open a store that nobody has connected yet, beside a company with its master data; Jurnal waits in `time`."""
    wait, time = asyncio.sleep if time is None else time.wait, time or Time(SandboxClock(NOON))
    sandbox = JurnalSandbox(settings, time.clock, wait=wait)
    migrator = await asyncpg.connect(database_url)
    await stop_the_clock(migrator)
    pool = await open_pool(database_url, role=SERVICE_ROLE, connections_max=connections_max)
    await open_ledger(pool, STORE, recorded_at=NOON)
    app = sandbox.app()
    stands: list[Stand] = []

    @web.middleware
    async def on_the_way(request: web.Request, handler: Any) -> web.StreamResponse:
        (stand,) = stands
        if request.method != "GET" and stand.hold_next is not None and stand.hold_next in request.path:
            stand.hold_next = None
            body, target = await request.read(), URL(f"{stand.url}{request.raw_path}", encoded=True)
            stand.held.append(HeldRequest(request.method, target, request.headers.copy(), body))
            return web.Response(status=504, text="upstream timed out")
        given: web.StreamResponse = await handler(request)
        return given

    app.middlewares.insert(0, on_the_way)
    server = TestServer(app, host="127.0.0.1")
    try:
        async with TestClient(server) as http, open_session() as session:
            shop = Shop(sandbox, time.clock, http, settings.consumers[0])
            url = str(server.make_url("")).rstrip("/")
            stand = Stand(pool, migrator, ManualClock(NOON), time, shop, session, url)
            stands.append(stand)
            await make_master_data(shop)
            yield stand
            await asyncio.wait_for(stand.appender.flush(), 10)
    finally:
        pool.terminate()
        await migrator.close()
