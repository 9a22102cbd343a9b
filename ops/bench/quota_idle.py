"""One fresh sale on an idle system, in real time over real HTTP: from its webhook to its invoice in Jurnal.

The time runs from right before the webhook is written to the public address until Jurnal's answer to the one call is
made: the invoice stands in its books. Beside each sale the same call is made to the same Jurnal directly, from right
before it is written until its answer is read: Jurnal's own answer time. Everything runs in this process.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from hashlib import sha256
from pathlib import Path

import aiohttp
import msgspec
from aiohttp import web

from eventstore.clock import SystemClock
from eventstore.connection import Pool
from eventstore.facts.settings import SalesRulesSet
from eventstore.keyring import MasterKey
from ops.bench.measure import latencies
from ops.bench.quota_shop import API_KEY, BOOKKEEPER, Till, documented, order, set_company_up
from ops.bench.stand import SERVICE_ROLE, STORE, Stand
from ops.sandbox.jurnal import JurnalSandbox, signing
from service.run import Loops
from service.settings import Secret, Settings
from service.wiring import open_service

_INVOICES = "/public/jurnal/api/v1/sales_invoices"
_FIRST_ORDERS = 20
_SECONDS_MAX = 30.0
_REST_SECONDS = 0.2
_PLENTY = 1_000_000


class Sold(msgspec.Struct, frozen=True, kw_only=True):
    """What fresh sales took, beside Jurnal's own time; `calls`: the most that one of them took."""

    calls: int
    p50_ms: float
    p99_ms: float
    own_p50_ms: float


class _Arrivals:
    """Notes the service's calls and when each was answered."""

    def __init__(self) -> None:
        self.answered: list[float] = []
        self.came = asyncio.Event()

    @web.middleware
    async def note(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Note when the answer of a call is made."""
        answer = await handler(request)
        if f'"{BOOKKEEPER.client_id}"' not in request.headers.get("Authorization", ""):
            self.answered.append(time.perf_counter())
            self.came.set()
        return answer


async def sell_idle(stand: Stand, sales: int) -> Sold:
    """Sell so many times, each when all of the last sale is over."""
    arrivals = _Arrivals()
    async with AsyncExitStack() as stack:
        sandbox = JurnalSandbox(documented(limited=False))
        app = sandbox.app()
        app.middlewares.insert(0, arrivals.note)
        jurnal = await stack.enter_async_context(_listening(app))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        await set_company_up(session, jurnal, SystemClock())
        ours = await stack.enter_async_context(stand.ours(4))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        key = folder / "sealing.key"
        key.write_text(bytes(range(32)).hex())
        await Till(ours.pool, SystemClock(), MasterKey.from_file(key)).connect(SalesRulesSet())
        public = await stack.enter_async_context(_serving(ours.url, key, jurnal))
        shop = _Shop(session, public, jurnal, arrivals, ours.pool)
        for number in range(_FIRST_ORDERS):
            await shop.sell(number)
            await shop.ask_jurnal(number)
        sold, own = [], []
        for number in range(_FIRST_ORDERS, _FIRST_ORDERS + sales):
            sold.append(await shop.sell(number))
            own.append(await shop.ask_jurnal(number))
    p50_ms, p99_ms = latencies([seconds for seconds, _ in sold])
    return Sold(calls=max(calls for _, calls in sold), p50_ms=p50_ms, p99_ms=p99_ms, own_p50_ms=latencies(own)[0])


class _Shop:
    """Sells, and asks Jurnal for the same without us."""

    def __init__(
        self, session: aiohttp.ClientSession, public: str, jurnal: str, arrivals: _Arrivals, pool: Pool
    ) -> None:
        self._session = session
        self._public = public
        self._jurnal = jurnal
        self._arrivals = arrivals
        self._pool = pool

    async def sell(self, number: int) -> tuple[float, int]:
        """Return the seconds from the webhook to Jurnal's answer, and how many calls were made until all was quiet."""
        now = datetime.now(UTC)
        body = json.dumps(order(number + 1, now, is_split=False)).encode()
        headers = _signed(body, now)
        self._arrivals.answered.clear()
        self._arrivals.came.clear()
        started = time.perf_counter()
        async with self._session.post(f"{self._public}/iseller/{STORE}/order", data=body, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
        async with asyncio.timeout(_SECONDS_MAX):
            await self._arrivals.came.wait()
            while not await self._is_quiet():  # noqa: ASYNC110 - a database has no event to wait for
                await asyncio.sleep(0.01)
        # The facts of its answer are still folded, and looked at once more: the next sale is to find an idle system.
        await asyncio.sleep(_REST_SECONDS)
        return self._arrivals.answered[0] - started, len(self._arrivals.answered)

    async def _is_quiet(self) -> bool:
        open_commands = await self._pool.fetchval("SELECT count(*) FROM command WHERE state <> 'accepted'")
        return int(open_commands) == 0

    async def ask_jurnal(self, number: int) -> float:
        """Return the seconds of an invoice of our own making, over a connection that is kept."""
        body = json.dumps({"sales_invoice": _invoice(number)}).encode()
        date = format_datetime(datetime.now(UTC), usegmt=True)
        signature = signing.signature(BOOKKEEPER.client_secret, date, "POST", _INVOICES)
        headers = {
            "Date": date,
            "Authorization": signing.authorization(BOOKKEEPER.client_id, signature),
            "Content-Type": "application/json",
        }
        started = time.perf_counter()
        async with self._session.post(f"{self._jurnal}{_INVOICES}", data=body, headers=headers) as answer:
            told = await answer.read()
        assert answer.status == 201, told
        return time.perf_counter() - started


def _invoice(number: int) -> dict[str, object]:
    """Return an invoice as the service asks for it, under a number of its own."""
    today = datetime.now(UTC).strftime("%d/%m/%Y")
    return {
        "transaction_date": today,
        "due_date": today,
        "person_name": "Walk-in",
        "transaction_no": f"OWN-{number}",
        "custom_id": f"own-{number}",
        "warehouse_name": "Main",
        "deposit": "20000",
        "deposit_to_name": "Cash",
        "transaction_lines_attributes": [{"product_name": "Latte", "quantity": "2", "rate": "10000"}],
    }


def _signed(body: bytes, at: datetime) -> dict[str, str]:
    timestamp = f"{at:%Y-%m-%dT%H:%M:%S}.0000000Z"
    signature = sha256(API_KEY.encode() + body + timestamp.encode()).hexdigest().upper()
    return {"Timestamp": timestamp, "Signature": signature, "Content-Type": "application/json"}


@asynccontextmanager
async def _serving(url: str, key: Path, jurnal: str) -> AsyncIterator[str]:
    """Run the whole service; give its public address."""
    settings = Settings(
        database_url=Secret(url),
        database_role=SERVICE_ROLE,
        api_token=Secret("made-up-token-of-a-benchmark"),
        sealing_key_file=key,
        jurnal_base_url=jurnal,
        poll_interval_seconds=86_400,
        # An idle system is not short of calls, however many sales are measured one after the other.
        jurnal_requests_per_minute=_PLENTY,
        jurnal_requests_per_hour=_PLENTY,
        egress_requests_per_minute=_PLENTY,
        egress_requests_per_hour=_PLENTY,
    )
    async with open_service(settings) as service, _listening(service.public) as public, _turning(service.loops):
        yield public


@asynccontextmanager
async def _turning(loops: Loops) -> AsyncIterator[None]:
    turning = asyncio.create_task(loops.run())
    try:
        yield
    finally:
        loops.stop()
        await turning


@asynccontextmanager
async def _listening(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
