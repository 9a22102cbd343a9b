"""A simulated world: one database, companies in Jurnal, replicas, and iSeller, which tells until it is heard."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import ClientError, ClientRequest, ClientSession, ClientTimeout

from eventstore.appender import Appender
from eventstore.clock import Clock
from eventstore.connection import Pool, open_pool
from eventstore.credentials import Credentials
from eventstore.facts.settings import SETTINGS_STREAM, LiveModeActivated, SalesRulesSet
from eventstore.store import LedgerReader, open_ledger
from ops.sandbox.dice import Dice
from ops.virtual.clocks import VirtualClock
from ops.virtual.process import PROCESS
from ops.virtual.wire import Passage, Route, Wire, connector
from service.credential_names import ISELLER_API_KEY, JURNAL_HMAC
from service.iseller.routes import WEBHOOK_TYPES
from service.iseller.verify import signature_of
from service.jurnal_calls import HmacCredential
from tests.faults.sim_jurnal import Jurnal, consumer_of, route_to
from tests.faults.sim_overdue import Overdue
from tests.faults.sim_plan import START, Plan, Report
from tests.faults.sim_replica import Replica, Site
from tests.ledger import MASTER, SERVICE_ROLE
from tests.story import BRANCH, CONNECTION, MAIN, own

_API_KEY = b"made-up-api-key"
_WEBHOOK_SECONDS_MAX = 10
_TRY_AGAIN_SECONDS = 7.0
_RULES = SalesRulesSet(
    cost_account="Cost of Sales", waste_account="Waste Goods Expense", sales_return_account="Sales Return"
)


class World:
    """Everything of one run. `trace` is what went over the wires to Jurnal, with the time and who asked."""

    def __init__(self, plan: Plan, pool: Pool, clock: Clock, url: str) -> None:
        self.plan = plan
        self.url = url
        self.pool = pool
        self.clock = clock
        self.reader = LedgerReader(pool)
        self.appender = Appender(pool, clock)
        self.jurnals: dict[str, Jurnal] = {}
        self.replicas: list[Replica] = []
        self.acknowledged: list[Report] = []
        self.trace: list[str] = []
        self.wires: dict[str, Wire] = {}
        self.overdue: dict[str, Overdue] = {}
        self.on_call: Callable[[Replica, ClientRequest], None] = lambda _replica, _request: None

    def note(self, what: str) -> None:
        """Write down what happens now."""
        self.trace.append(f"{asyncio.get_running_loop().time():9.3f} {what}")

    async def tell(self, report: Report, told_at: float) -> None:
        """Post a webhook at its time, to any replica, again and again until one takes it."""
        loop, dice = asyncio.get_running_loop(), Dice(self.plan.seed, f"told {report.said_at} {told_at}")
        await asyncio.sleep(max(0.0, told_at - loop.time()))
        at = START + timedelta(seconds=report.said_at)
        async with ClientSession(connector=connector(lambda _request: dice.pick(self._doors()))) as session:
            while not await self._told(session, report, at):  # noqa: ASYNC110 - tried again, as iSeller does
                await asyncio.sleep(_TRY_AGAIN_SECONDS)
        self.acknowledged.append(report)

    def _doors(self) -> list[Wire | None]:
        return [replica.door for replica in self.replicas if replica.is_up] or [None]

    async def _told(self, session: ClientSession, report: Report, at: datetime) -> bool:
        stamped = f"{at:%Y-%m-%dT%H:%M:%S}.0000000Z"
        path, body = f"iseller/{report.store_id}/{report.kind}", report.body
        if report.kind not in WEBHOOK_TYPES:
            path = f"iseller/{report.store_id}/batch"
            body = b'{"type":"%s","report":%s}' % (report.kind.encode(), body)
        headers = {"Timestamp": stamped, "Signature": signature_of(_API_KEY, body, stamped)}
        patience = ClientTimeout(total=_WEBHOOK_SECONDS_MAX)
        try:
            async with session.post(f"http://door.test/{path}", data=body, headers=headers, timeout=patience) as answer:
                await answer.read()
                return answer.status == 200
        except (ClientError, TimeoutError):
            return False


@asynccontextmanager
async def open_world(plan: Plan, url: str, key_file: Path, clock: VirtualClock) -> AsyncIterator[World]:
    """Open a world whose stores are connected and live, and whose replicas are not started yet."""
    async with AsyncExitStack() as stack:
        pool = await open_pool(url, role=SERVICE_ROLE, connections_max=2)
        stack.push_async_callback(pool.close)
        world = World(plan, pool, clock, url)
        settings: dict[str, Any] = {
            "key_race_seconds": plan.key_race_seconds,
            "answer_delay_seconds": plan.answer_seconds,
            "batch_keys_checked": plan.batch_keys_checked,
        }
        for company_id in dict.fromkeys(company_id for _, company_id in plan.stores):
            overdue = world.overdue[company_id] = Overdue(clock.now)
            jurnal = Jurnal(company_id, clock.now, overdue.wait, settings)
            stack.push_async_callback(jurnal.close)
            world.jurnals[company_id] = jurnal
            world.wires[company_id] = await jurnal.open()
        for store_id, company_id in plan.stores:
            await _connect(world, store_id, company_id)
        site = Site(url, key_file, clock.now(), _counting(world, route_to(world.wires)))
        world.replicas = [Replica(site, number) for number in range(plan.replicas)]
        yield world


async def _connect(world: World, store_id: str, company_id: str) -> None:
    now = world.clock.now()
    await open_ledger(world.pool, store_id, recorded_at=now)
    credentials, consumer = Credentials(world.pool, MASTER), consumer_of(company_id)
    secret = msgspec.json.encode(HmacCredential(consumer.client_id, consumer.client_secret))
    await credentials.write(store_id, JURNAL_HMAC, secret, updated_at=now)
    await credentials.write(store_id, ISELLER_API_KEY, _API_KEY, updated_at=now)
    connection = msgspec.structs.replace(CONNECTION, company_id=company_id)
    # Long before the first sale, whatever its date.
    live = LiveModeActivated(actor="owner", activated_at=START - timedelta(days=30))
    meanings = (connection, MAIN, BRANCH, _RULES, live)
    facts = [own(meaning, SETTINGS_STREAM, f"settings:{number}") for number, meaning in enumerate(meanings)]
    await world.appender.append(store_id, facts)


def _counting(world: World, route: Route) -> Route:
    """Return the way to Jurnal that tells of each call of a replica's."""

    def counted(request: ClientRequest) -> Wire | None:
        process = PROCESS.get()
        for replica in world.replicas:
            if replica.process is process:
                world.on_call(replica, request)
        return route(request)

    return counted


def noted(world: World, company_id: str, request: bytes, passage: Passage) -> None:
    """Write down a request to Jurnal and what becomes of it."""
    process = PROCESS.get()
    line = request[: request.index(b"\r\n")].decode()
    target = line.removesuffix(" HTTP/1.1").replace("/public/jurnal/api/v1/", "")
    body = request[request.index(b"\r\n\r\n") + 4 :]
    mark = sha256(body).hexdigest()[:8] if body else ""
    fate = "" if passage == Passage() else f" {passage}"
    world.note(f"{process.name if process else '-'} > {company_id} {target} {mark}{fate}")
