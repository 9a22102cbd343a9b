"""Companies side by side: one whose Jurnal is silent holds up no other, and each has one step in flight at most."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from eventstore.appender import Appender
from eventstore.clock import ManualClock, SystemClock
from eventstore.connection import Pool
from eventstore.credentials import Credentials
from eventstore.facts.registry import REPORT_KINDS
from eventstore.facts.settings import SETTINGS_STREAM, LiveModeActivated
from eventstore.keyring import Keyring, MasterKey
from eventstore.store import LedgerReader
from ops.sandbox.jurnal import JurnalSandbox
from service.abreast import Abreast
from service.credential_names import JURNAL_HMAC
from service.iseller.intake import Intake
from service.jurnal_calls import HmacCredential
from service.run import Loops
from service.settings import settings_from
from service.telemetry.metrics import Loop
from service.wiring import open_service
from tests.integration.dispatcher.stand import make_master_data
from tests.ledger import NOON, OTHER_STORE, STORE, service_pool
from tests.story import BRANCH, CONNECTION, MAIN, full_order, own
from tests.unit.sandbox_jurnal.shop import CLIENT, SETTINGS, Clock, Shop

SECONDS_MAX = 30
SILENT = HmacCredential("silent", "rahasia")


class PresentClock(Clock):
    """The machine's own time."""

    def __call__(self) -> datetime:
        """Return the present instant."""
        return datetime.now(UTC)


@dataclass
class Jurnal:
    """A company's Jurnal, and one that takes calls and never answers: `asked` are the paths of its calls."""

    sandbox: JurnalSandbox
    url: str
    asked: list[str] = field(default_factory=list)
    speaks: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def jurnal() -> AsyncIterator[Jurnal]:
    """Open both behind one address."""
    sandbox = JurnalSandbox(SETTINGS, PresentClock())
    app = sandbox.app()
    opened: list[Jurnal] = []

    @web.middleware
    async def silent(request: web.Request, handler: Any) -> web.StreamResponse:
        if f'"{SILENT.client_id}"' in request.headers.get("Authorization", ""):
            opened[0].asked.append(request.path)
            await opened[0].speaks.wait()
        given: web.StreamResponse = await handler(request)
        return given

    app.middlewares.insert(0, silent)
    server = TestServer(app, host="127.0.0.1")
    async with TestClient(server) as http:
        await make_master_data(Shop(sandbox, PresentClock(), http, CLIENT))
        opened.append(Jurnal(sandbox, str(server.make_url("")).rstrip("/")))
        yield opened[0]
        opened[0].speaks.set()


@dataclass
class Till:
    """What brings two stores' facts into their ledgers, as another process does."""

    pool: Pool
    master: MasterKey

    def __post_init__(self) -> None:
        self.appender = Appender(self.pool, SystemClock())

    async def connect(self, store_id: str, company_id: str, secret: HmacCredential) -> None:
        """Connect a store to a company and turn Live Mode on."""
        credentials = Credentials(self.pool, self.master)
        await credentials.write(store_id, JURNAL_HMAC, msgspec.json.encode(secret), updated_at=NOON)
        connection = msgspec.structs.replace(CONNECTION, company_id=company_id)
        facts = [own(connection, SETTINGS_STREAM, "settings:1")]
        facts += [own(outlet, SETTINGS_STREAM, f"outlet:{outlet.outlet_id}") for outlet in (MAIN, BRANCH)]
        facts.append(own(LiveModeActivated(actor="owner", activated_at=NOON), SETTINGS_STREAM, "live-mode"))
        await self.appender.append(store_id, facts)

    async def sell(self, store_id: str, number: int) -> None:
        """Let iSeller report an order."""
        keyring = Keyring(self.pool, self.master)
        intake = Intake(LedgerReader(self.pool), self.appender, keyring, SystemClock())
        order = full_order(order_id=f"order-{number}", order_reference=f"#3101-{1000 + number}")
        await intake.take(
            store_id, REPORT_KINDS["order"], msgspec.json.encode(order), observed_at=datetime.now(UTC),
            metadata={"channel": "webhook"},
        )  # fmt: skip


@asynccontextmanager
async def loops_to(jurnal_url: str, database_url: str, key: Path) -> AsyncIterator[Loops]:
    """Let a whole service run, and end."""
    settings = settings_from(
        {
            "JURNALSYNC_DATABASE_URL": database_url,
            "JURNALSYNC_API_TOKEN": "a-made-up-token-of-32-characters",
            "JURNALSYNC_SEALING_KEY_FILE": str(key),
            "JURNALSYNC_FOLLOW_WAIT_SECONDS": "0.1",
            "JURNALSYNC_JURNAL_BASE_URL": jurnal_url,
        }
    )
    async with open_service(settings) as service:
        running = asyncio.create_task(service.loops.run())
        try:
            yield service.loops
        finally:
            service.loops.stop()
            await asyncio.wait_for(running, SECONDS_MAX)


async def until(true: Callable[[], bool]) -> None:
    """Return once something holds; fail if it never does."""
    async with asyncio.timeout(SECONDS_MAX):
        while not true():  # noqa: ASYNC110 - what a server got raises no event here
            await asyncio.sleep(0.02)


async def test_a_company_whose_jurnal_is_silent_holds_up_no_other(database_url: str, tmp_path: Path) -> None:
    """Its one call waits; the other company's sales are in Jurnal meanwhile, and the loop beats."""
    key = tmp_path / "sealing.key"
    key.write_text("00" * 32)
    async with jurnal() as opened, service_pool(database_url) as pool:
        till = Till(pool, MasterKey.from_file(key))
        await till.connect(STORE, "silent-company", SILENT)
        await till.connect(OTHER_STORE, "kopi-company", HmacCredential(CLIENT.client_id, CLIENT.client_secret))
        async with loops_to(opened.url, database_url, key) as loops:
            await till.sell(STORE, 1)
            await until(lambda: bool(sends_of(opened)))
            for number in (1, 2, 3):
                await till.sell(OTHER_STORE, number)
            await until(lambda: opened.sandbox.documents().get("sales_invoice", 0) == 3)
            assert len(sends_of(opened)) == 1
            assert not opened.speaks.is_set()
            assert loops.heartbeats()[Loop.DISPATCH] < SECONDS_MAX
            opened.speaks.set()


def sends_of(opened: Jurnal) -> list[str]:
    """Return the calls of the silent company that a send made; the day's look is none."""
    return [path for path in opened.asked if not path.endswith("companies/active")]


@pytest.fixture
def clock() -> ManualClock:
    """Give a clock that stands at noon."""
    return ManualClock(NOON)


def waiting_for(gate: asyncio.Event, began: list[str]) -> Callable[[str], Awaitable[None]]:
    """Return a step that notes its subject and ends when the gate opens."""

    async def step(subject: str) -> None:
        began.append(subject)
        await gate.wait()

    return step


async def test_a_subject_is_in_one_step_at_most_and_so_many_are_at_once(clock: ManualClock) -> None:
    """Who found no room comes first when there is some."""
    gate, began = asyncio.Event(), list[str]()
    async with Abreast[str](clock, steps_max=2) as abreast:
        for _ in range(2):
            abreast.start(("one", "two", "three"), waiting_for(gate, began))
            await asyncio.sleep(0)
        assert began == ["one", "two"]
        gate.set()
        await until(lambda: abreast.oldest() is None)
        abreast.start(("one", "two", "three"), waiting_for(gate, began))
    assert began == ["one", "two", "three", "one"]


async def test_the_step_that_runs_longest_is_known(clock: ManualClock) -> None:
    """A send that never ends must show in the loop's heartbeat."""
    gate = asyncio.Event()
    async with Abreast[str](clock, steps_max=2) as abreast:
        assert abreast.oldest() is None
        abreast.start(("one",), waiting_for(gate, []))
        clock.advance(timedelta(seconds=200))
        abreast.start(("two",), waiting_for(gate, []))
        assert abreast.oldest() == NOON
        gate.set()


async def test_who_leaves_because_something_failed_does_not_wait(clock: ManualClock) -> None:
    """The steps are cancelled: the process ends."""
    never, began = asyncio.Event(), list[str]()

    async def fail() -> None:
        async with Abreast[str](clock, steps_max=2) as abreast:
            abreast.start(("one",), waiting_for(never, began))
            await asyncio.sleep(0)
            raise ConnectionError

    with pytest.raises(ConnectionError):
        await asyncio.wait_for(fail(), SECONDS_MAX)
    assert began == ["one"]
