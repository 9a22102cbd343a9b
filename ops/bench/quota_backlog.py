"""A backlog of paid orders on its way to Jurnal at its documented quota, in virtual time.

The whole service runs in a loop whose time jumps, on a real Postgres that tells the same time, and speaks to the
sandbox over a wire in memory: the requests and answers are the bytes that sockets would carry.
"""

import asyncio
import logging
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any, Literal

import aiohttp
import msgspec
import structlog
from aiohttp import web

from eventstore.connection import Pool, open_pool
from eventstore.facts.settings import SalesRulesSet
from eventstore.keyring import MasterKey
from ops.bench.quota_shop import BOOKKEEPER, SPLIT_EVERY, Till, documented, set_company_up
from ops.bench.stand import SERVICE_ROLE, STORE
from ops.sandbox.jurnal import FaultPlan, JurnalSandbox
from ops.virtual.clocks import DatabaseTime, VirtualClock
from ops.virtual.loop import VirtualLoop, run
from ops.virtual.wire import Wire, connector
from service.jurnal.client import open_session
from service.settings import Secret, Settings
from service.wiring import Outside, open_service

JURNAL = "http://jurnal.test"
CALLS_A_MINUTE = 30
# The work is done each time; then the connection breaks, or the gateway answers, or nothing comes before the deadline.
_LOST: Mapping[str, tuple[FaultPlan, ...]] = {
    "": (),
    "at_once": (FaultPlan(close_after_commit=True), FaultPlan(status_after_commit=502)),
    "by_the_deadline": (FaultPlan(delay_after_commit_seconds=600),),
}
# Any moment of a window will do, but always the same.
_START = datetime(2026, 11, 20, 4, 0, 17, tzinfo=UTC)
_HOURS_MAX = 6
_WARMED_UP_WITH = SPLIT_EVERY


class Backlog(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for: so many orders; one call in `lost_every` loses its answer in this way (0: none)."""

    orders: int
    lost_every: int = 0
    lost: Literal["", "at_once", "by_the_deadline"] = ""
    payment_method_kept: bool = False


class Booked(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. `minutes`: from the first call to the last order accepted."""

    orders: int
    documents: int
    calls: int
    minutes: float
    http_429: int
    duplicates: int
    faults: int

    @property
    def quota_minutes(self) -> float:
        """The minutes of Jurnal's quota that it took at least."""
        return max(self.calls / CALLS_A_MINUTE, self.minutes)


@dataclass
class _Counter:
    """Counts the service's calls, those refused for the quota, and lets some lose their answer."""

    clock: VirtualClock
    backlog: Backlog
    calls: int = 0
    refused: int = 0
    faults: int = 0
    first_at: datetime | None = None
    is_counting: bool = False
    _plans: Any = field(init=False)

    def __post_init__(self) -> None:
        self._plans = cycle(_LOST[self.backlog.lost])

    @web.middleware
    async def count(self, request: web.Request, handler: Callable[..., Any]) -> web.StreamResponse:
        """Count a request before it is answered: some never are."""
        if not self.is_counting or BOOKKEEPER.client_id in request.headers.get("Authorization", ""):
            passed: web.StreamResponse = await handler(request)
            return passed
        self.calls += 1
        self.first_at = self.first_at or self.clock.now()
        answer: web.StreamResponse = await handler(request)
        self.refused += answer.status == 429
        return answer

    def fault(self, request: web.Request) -> FaultPlan | None:
        """Let every so many-th call lose its answer."""
        every = self.backlog.lost_every
        if not self.is_counting or not every or self.calls % every or BOOKKEEPER.client_id in str(request.headers):
            return None
        self.faults += 1
        plan: FaultPlan = next(self._plans)
        return plan


async def book(url: str, backlog: Backlog, folder: Path) -> Booked:
    """Let a whole service book a backlog; `url` is a migrated database whose clock is a row. Runs in a virtual loop."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    clock = VirtualClock(_START)
    counter = _Counter(clock, backlog)
    key = folder / "sealing.key"
    key.write_text(bytes(range(32)).hex())
    with DatabaseTime(url, clock.now).told(loop):
        async with _jurnal(clock, counter) as (sandbox, wire), _pool(url) as pool:
            till = Till(pool, clock, MasterKey.from_file(key))
            await till.connect(SalesRulesSet(payment_method_kept=backlog.payment_method_kept))
            # The first orders let Jurnal be asked for what orders name; an hour later its windows know nothing of it.
            await till.sell(1, _WARMED_UP_WITH)
            async with _running(url, key, clock, wire):
                await _until_booked(pool)
            await asyncio.sleep(3_700)
            before = sandbox.documents()
            await till.sell(_WARMED_UP_WITH + 1, backlog.orders)
            counter.is_counting = True
            async with _running(url, key, clock, wire):
                await _until_booked(pool)
            return await _told(pool, sandbox, counter, before)


async def _told(pool: Pool, sandbox: JurnalSandbox, counter: _Counter, before: dict[str, int]) -> Booked:
    last_at = await pool.fetchval("SELECT max(recorded_at) FROM facts WHERE type = 'CommandAccepted'")
    kinds = {"BookInvoice": "sales_invoice", "ReceivePayment": "receive_payment"}
    references: dict[str, list[str]] = {kind: [] for kind in kinds.values()}
    for row in await pool.fetch("SELECT command_id, kind FROM command"):
        references[kinds[row["kind"]]].append(row["command_id"])
    after = sandbox.documents()
    made = {kind: after.get(kind, 0) - before.get(kind, 0) for kind in references}
    missing = {kind: len(ids) - after.get(kind, 0) for kind, ids in references.items() if after.get(kind, 0) < len(ids)}
    assert not missing, f"accepted, and not in Jurnal: {missing}"
    assert counter.first_at is not None
    return Booked(
        orders=counter.backlog.orders,
        documents=sum(made.values()),
        calls=counter.calls,
        minutes=(last_at - counter.first_at) / timedelta(minutes=1),
        http_429=counter.refused,
        duplicates=sum(sandbox.duplicates(references).values()),
        faults=counter.faults,
    )


@asynccontextmanager
async def _jurnal(clock: VirtualClock, counter: _Counter) -> AsyncIterator[tuple[JurnalSandbox, Wire]]:
    sandbox = JurnalSandbox(documented(limited=True), clock.now, fault=counter.fault)
    app = sandbox.app()
    app.middlewares.insert(0, counter.count)
    runner = web.AppRunner(app)
    await runner.setup()
    assert runner.server is not None
    wire = Wire(runner.server)
    try:
        async with aiohttp.ClientSession(connector=connector(lambda _request: wire)) as session:
            await set_company_up(session, JURNAL, clock)
        yield sandbox, wire
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _pool(url: str) -> AsyncIterator[Pool]:
    pool = await open_pool(url, role=SERVICE_ROLE, connections_max=2)
    try:
        yield pool
    finally:
        await pool.close()


@asynccontextmanager
async def _running(url: str, key: Path, clock: VirtualClock, wire: Wire) -> AsyncIterator[None]:
    settings = Settings(
        database_url=Secret(url),
        database_role=SERVICE_ROLE,
        api_token=Secret("made-up-token-of-a-benchmark"),
        sealing_key_file=key,
        jurnal_base_url=JURNAL,
        poll_interval_seconds=86_400,
        follow_by_notify="no",
        # Nothing is told by other processes here; looks at the database cost real time, and this is no gain to us.
        follow_wait_seconds=2,
    )
    outside = Outside(
        clock=clock,
        jurnal_session=lambda: open_session(connector(lambda _request: wire)),
        iseller_session=lambda: aiohttp.ClientSession(connector=connector(lambda _request: None)),
    )
    async with open_service(settings, outside) as service:
        turning = asyncio.create_task(service.loops.run())
        try:
            yield
        finally:
            service.loops.stop()
            await turning


async def _until_booked(pool: Pool) -> None:
    """Wait until every command is accepted. Raises `TimeoutError` if that takes hours."""
    async with asyncio.timeout(_HOURS_MAX * 3_600):
        while not await _is_booked(pool):  # noqa: ASYNC110 - virtual time: nobody waits
            await asyncio.sleep(1)


async def _is_booked(pool: Pool) -> bool:
    folded = await pool.fetchval(
        "SELECT (SELECT position FROM ledger_head WHERE store_id = $1) = ("
        "SELECT min(position) FROM projection_cursor WHERE store_id = $1)", STORE,
    )  # fmt: skip
    states = {row["state"]: row["count"] for row in await pool.fetch("SELECT state, count(*) FROM command GROUP BY 1")}
    refused = states.get("refused", 0)
    assert not refused, f"Jurnal refused {refused} documents"
    return bool(folded) and set(states) == {"accepted"}


def main() -> None:
    """Book the backlog that standard input tells in the database that the command line names; print what came of it."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    backlog = msgspec.json.decode(sys.stdin.buffer.read(), type=Backlog)
    with tempfile.TemporaryDirectory() as folder:
        booked = run(book(sys.argv[1], backlog, Path(folder)))
    sys.stdout.buffer.write(msgspec.json.encode(booked) + b"\n")


if __name__ == "__main__":
    main()
