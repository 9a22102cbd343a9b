"""A whole merchant for one history: their Jurnal over real HTTP, a store set up from its file, the service's parts."""

from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from uuid import uuid4

from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from eventstore.appender import Appender
from eventstore.clock import SystemClock
from eventstore.connection import Pool
from eventstore.credentials import Credentials
from eventstore.facts.registry import REPORT_KINDS
from eventstore.facts.settings import (
    SETTINGS_STREAM,
    LiveModeActivated,
    SyncFact,
    SyncRequested,
    SyncWindowOpened,
)
from eventstore.keyring import Keyring
from eventstore.store import LedgerReader
from ops.sandbox.demo_accountant import Accountant
from ops.sandbox.demo_company import make_master_data, make_product, post_buys
from ops.sandbox.demo_setup import SERVICE_CLIENT_ID, setup_text
from ops.sandbox.jurnal import Consumer, JurnalSandbox, SandboxSettings
from ops.sandbox.scenario import Scenario
from ops.sandbox.traffic_events import StockBought
from projections.catalogue import CATALOGUE
from projections.jurnal_commands.queue import SendQueue
from projections.runner import Runner
from service.answer_ledger import AnswerLedger
from service.breaker import BreakerLimits, Breakers
from service.company_lease import CompanyLeases
from service.dispatcher import Dispatcher
from service.fence import Fence
from service.inquiry import Inquiry
from service.iseller.intake import Intake
from service.jurnal.client import JurnalClient, open_session
from service.jurnal.pace import Limit
from service.jurnal_calls import Company, JurnalCalls
from service.master_data import MasterDataDirectory
from service.people import People
from service.quota import QuotaBudget
from service.scheduler import sync_fact
from service.setup import StoreSetup
from service.setup_ledger import setting_fact
from tests.books.history import Told
from tests.ledger import MASTER

_PLENTY = (Limit(1_000_000, 60),)
_SECRETS = ("iseller-api-key", "iseller-client-secret", "jurnal-client-secret")
_SECRET = "made-up"
_STEPS_MAX = 20_000
_REPORT_DAYS = 10
_LAST = datetime(2100, 1, 1, tzinfo=UTC)


@dataclass
class Merchant:
    """One store and its company; everything of it is its own, the database apart."""

    scenario: Scenario
    sandbox: JurnalSandbox
    accountant: Accountant
    pool: Pool
    reader: LedgerReader
    appender: Appender
    intake: Intake
    runner: Runner
    dispatcher: Dispatcher

    async def live(self) -> None:
        """Turn Live Mode on."""
        known = await self.reader.read_stream(self.scenario.store, SETTINGS_STREAM, facts_max=1_000)
        now = datetime.now(UTC)
        activated = setting_fact(LiveModeActivated(actor="owner", activated_at=now), known[-1].stream_version, now)
        await self.appender.append(self.scenario.store, [activated])

    async def hear(self, reports: Iterable[Told]) -> None:
        """Take in reports in their order; whenever the shop has caught up, every sync has opened."""
        for _, of_one_turn in groupby(reports, attrgetter("turn")):
            await self._hear(of_one_turn)
            await self._open_syncs()

    async def _open_syncs(self) -> None:
        """Let windows open that let go all that happened, and let somebody send by hand what no window lets go."""
        mode, now = self.scenario.mode, datetime.now(UTC)
        syncs: list[SyncFact] = []
        if mode.sales_sync != "real_time":
            syncs.append(SyncWindowOpened(scope="sales", until=_LAST))
        if mode.transfer_sync == "scheduled":
            syncs.append(SyncWindowOpened(scope="transfers", until=_LAST))
        elif mode.transfer_sync == "manual":
            first, last = date(2000, 1, 1), _LAST.date()
            syncs.append(SyncRequested(scope="transfers", first=first, last=last, actor="owner", reason="The day"))
        facts = [sync_fact(sync, f"test:{uuid4()}", now) for sync in syncs]
        await self.appender.append(self.scenario.store, facts)

    async def _hear(self, reports: Iterable[Told]) -> None:
        """Take in reports, each by its way: what a poll shows again is news if it had changed."""
        store = self.scenario.store
        for (kind, observed_at, is_polled), told in groupby(reports, _page_of):
            page = list(told)
            if is_polled:
                await self.intake.take_polled(
                    store,
                    REPORT_KINDS[kind],
                    [each.body for each in page],
                    observed_at=observed_at,
                    metadata=page[0].metadata,
                    ledger_position_before=(await self.reader.head(store)).position,
                )
                continue
            for each in page:
                await self.intake.take(
                    store, REPORT_KINDS[kind], each.body, observed_at=observed_at, metadata=each.metadata
                )

    async def settle(self) -> None:
        """Fold and send until nothing is left to do."""
        await self._fold()
        company = Company("demo-company", self.scenario.store)
        for _ in range(_STEPS_MAX):
            done = await self.dispatcher.step(company, (self.scenario.store,))
            if done.did == "nothing" and not await self._fold():
                await self.dispatcher.release(company)
                return
            assert done.did in ("sent", "refused", "nothing"), done
            if done.did != "nothing":
                await self._fold()
        raise AssertionError("it never ends")

    async def _fold(self) -> int:
        facts = 0
        for projection in CATALOGUE.values():
            while folded := (await self.runner.step(self.scenario.store, projection, epoch=1, facts_max=2_000)).facts:
                facts += folded
        return facts

    def days(self, today: date) -> tuple[date, date]:
        """Return the first and the last day of reports."""
        return today - timedelta(days=_REPORT_DAYS), today


def _page_of(told: Told) -> tuple[str, datetime, bool]:
    return told.kind, told.observed_at, told.metadata["channel"] == "poll"


@asynccontextmanager
async def open_merchant(
    pool: Pool, folder: Path, scenario: Scenario, buys: Iterable[StockBought]
) -> AsyncIterator[Merchant]:
    """Open a merchant whose accountant has prepared the company and posted what was bought."""
    async with AsyncExitStack() as stack:
        consumers = (
            Consumer(client_id=SERVICE_CLIENT_ID, client_secret=_SECRET, limit_minute=None, limit_hour=None),
            Consumer(client_id="accountant", client_secret=_SECRET, limit_minute=None, limit_hour=None),
        )
        sandbox = JurnalSandbox(
            SandboxSettings(
                consumers=consumers,
                address_limit_minute=None,
                address_limit_hour=None,
                zero_price_lines="refused" if scenario.mode.zero_prices == "adjust_stock" else "accepted",
            )
        )
        server = await stack.enter_async_context(TestServer(sandbox.app()))
        url = str(server.make_url("")).rstrip("/")
        session = await stack.enter_async_context(ClientSession())
        accountant = Accountant(session, url, consumers[1])
        await make_master_data(accountant, scenario)
        for product in scenario.menu:
            if product.kind == "unknown_to_jurnal":
                await make_product(accountant, scenario, product)
        await post_buys(accountant, scenario, buys)
        jurnal_session = await stack.enter_async_context(open_session())
        merchant = _merchant(pool, scenario, sandbox, accountant, jurnal_session, url)
        await _set_up(merchant, folder)
        await merchant.live()
        yield merchant


def _merchant(
    pool: Pool, scenario: Scenario, sandbox: JurnalSandbox, accountant: Accountant, session: ClientSession, url: str
) -> Merchant:
    clock = SystemClock()
    reader, appender, keyring = LedgerReader(pool), Appender(pool, clock), Keyring(pool, MASTER)
    credentials = Credentials(pool, MASTER)
    quota = QuotaBudget(pool, egress_address="test", company_limits=_PLENTY, address_limits=_PLENTY)
    client = JurnalClient(session, url, clock, deadline_seconds=30)
    calls = JurnalCalls(client, credentials, quota, Breakers(pool, uuid4(), BreakerLimits()), deadline_seconds=30)
    queue = SendQueue(pool)
    directory = MasterDataDirectory(pool, appender, queue, calls, clock)
    dispatcher = Dispatcher(
        pool,
        AnswerLedger(pool, appender, reader),
        queue,
        CompanyLeases(pool, uuid4(), lease_seconds=30),
        calls,
        Inquiry(queue, calls, directory, People(reader, keyring)),
        Fence(),
    )
    intake = Intake(reader, appender, keyring, clock)
    return Merchant(scenario, sandbox, accountant, pool, reader, appender, intake, Runner(pool, reader), dispatcher)


async def _set_up(merchant: Merchant, folder: Path) -> None:
    for name in _SECRETS:
        (folder / name).write_text(_SECRET)
    file = folder / "store.toml"
    file.write_text(setup_text(merchant.scenario, "https://kopi.example", times=("12:00",), mended=True))
    clock = SystemClock()
    credentials = Credentials(merchant.pool, MASTER)
    setup = StoreSetup(merchant.pool, merchant.reader, merchant.appender, credentials, clock)
    await setup.apply(file)
