"""The ways to Postgres and to Jurnal are slow, break at any moment or only look alive: each sale is booked once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from random import Random
from urllib.parse import urlsplit

import pytest

from eventstore.connection import CONNECTION_ERRORS, ConnectionLimits, closing, open_pool
from service.dispatched import Dispatched
from service.jurnal.exchange import NoAnswer, Response, SignedRequest
from service.jurnal_calls import JurnalCalls, Place
from tests.integration.dispatcher.stand import COMPANY, STEPS_MAX, Process, Stand
from tests.ledger import SERVICE_ROLE
from tests.proxy import BOTH_WAYS, CutIf, PostgresProxy, Proxy, Way

LIMITS = ConnectionLimits(connect_seconds_max=0.5, command_seconds_max=0.5)
STEP_SECONDS_MAX = 20
SEEDS = range(2)
SALES, SALES_MAX = 3, 60
DEAD = [
    pytest.param(BOTH_WAYS, id="both"),
    pytest.param(frozenset({Way.TO_SERVER}), id="to_server"),
    pytest.param(frozenset({Way.TO_CLIENT}), id="to_client"),
]


class _ShortWait(JurnalCalls):
    """A way to Jurnal on which a document is waited for a quarter of a second (real time)."""

    def __init__(self, behind: "Behind") -> None:
        usual = behind.stand.calls(url=behind.jurnal_url)
        self.__dict__.update(usual.__dict__)
        self._behind = behind
        self._sending = behind.stand.calls(url=behind.jurnal_url, deadline_seconds=0.25)

    async def send(self, request: SignedRequest, place: Place) -> Response | NoAnswer:
        """Send; let happen what is to happen once a document was answered."""
        if request.method == "GET":
            return await super().send(request, place)
        answer = await self._sending.send(request, place)
        self._behind.on_answer()
        return answer


@dataclass
class Behind:
    """A service whose Postgres and Jurnal are behind a proxy each; `stand` is the same store by way of them."""

    store: Stand
    stand: Stand
    postgres: PostgresProxy
    jurnal: Proxy

    @property
    def jurnal_url(self) -> str:
        """Jurnal's address by way of its proxy."""
        return f"http://127.0.0.1:{self.jurnal.port}"

    def on_answer(self) -> None:
        """Do nothing when a document was answered, or given up."""

    def process(self) -> Process:
        """Start the service."""
        return self.stand.process(calls=_ShortWait(self))

    async def step(self, process: Process) -> Dispatched | None:
        """Make one step, as the loop does: a lost database ends it, and in time."""
        async with asyncio.timeout(STEP_SECONDS_MAX):
            try:
                done = await process.step()
            except CONNECTION_ERRORS:
                done = None
        await self.store.fold()
        return done

    async def until_booked(self, process: Process) -> None:
        """Step and let time pass until every sale is in Jurnal, however often the ways break."""
        for _ in range(STEPS_MAX):
            done = await self.step(process)
            if set((await self.store.statuses()).values()) == {"Success"}:
                return
            if done is None or done.did not in ("sent", "probed", "refused"):
                await self.store.advance(5)
        raise AssertionError(await self.store.statuses())


@pytest.fixture
async def behind(stand: Stand, database_url: str) -> AsyncIterator[Behind]:
    """Give a live store with the proxies in its ways."""
    jurnal = urlsplit(stand.url)
    assert jurnal.hostname is not None
    assert jurnal.port is not None
    async with AsyncExitStack() as stack:
        to_postgres = await stack.enter_async_context(PostgresProxy(database_url))
        to_jurnal = await stack.enter_async_context(Proxy((jurnal.hostname, jurnal.port)))
        opened = await open_pool(to_postgres.url, role=SERVICE_ROLE, connections_max=4, limits=LIMITS)
        pool = await stack.enter_async_context(closing(opened))
        yield Behind(stand, replace(stand, pool=pool), to_postgres, to_jurnal)
        await asyncio.wait_for(stand.appender.flush(), STEP_SECONDS_MAX)


async def booked_once(behind: Behind, sales: int) -> None:
    """See that each sale stands once, whatever arrives late."""
    await behind.store.advance(1_000)
    await behind.store.sandbox.finished()
    assert behind.store.documents("sales_invoice") == sales
    assert behind.store.sandbox.exact_balances()["Accounts Receivable"] == 20_000 * sales
    assert set((await behind.store.statuses()).values()) == {"Success"}


@pytest.mark.parametrize("ways", DEAD)
async def test_a_way_to_jurnal_that_goes_half_open_is_given_up_at_the_deadline(
    behind: Behind, ways: frozenset[Way]
) -> None:
    """Accepted, then silence: booked unheard it is found, lost on the way it goes once more."""
    process = behind.process()
    await behind.store.order(2)
    await behind.until_booked(process)
    await behind.store.order(1)
    behind.jurnal.go_dead(ways)
    while "unknown" not in (await behind.store.sends()).values():
        await behind.step(process)
    behind.jurnal.mend()
    await behind.until_booked(process)
    found = [told["found_by"] for told in await behind.store.told("CommandAccepted")]
    assert found == ["answer", "probe" if ways == {Way.TO_CLIENT} else "answer"]
    await booked_once(behind, 2)


@pytest.mark.parametrize("ways", DEAD)
async def test_a_way_to_postgres_that_goes_half_open_while_jurnal_books_loses_and_doubles_nothing(
    behind: Behind, ways: frozenset[Way], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jurnal's answer cannot be kept: the step ends in time, and the sale is looked up once the database is back."""
    await behind.store.order()
    process = behind.process()
    monkeypatch.setattr(behind, "on_answer", lambda: behind.postgres.go_dead(ways))
    assert await behind.step(process) is None
    monkeypatch.undo()
    behind.postgres.mend()
    await behind.until_booked(process)
    assert behind.store.sandbox.calls["toko", "POST", "/public/jurnal/api/v1/sales_invoices"] == 1
    await booked_once(behind, 1)


@pytest.mark.parametrize("seed", SEEDS)
async def test_connections_that_break_at_any_moment_lose_and_double_nothing(behind: Behind, seed: int) -> None:
    """Pieces are swallowed and their connection reset, to Postgres and to Jurnal, of questions and of answers."""
    dice = Random(seed)  # noqa: S311 - a seed that can be told and repeated

    def breaks(share: float) -> CutIf:
        async def is_cut(_way: Way, _chunk: bytes) -> bool:
            return dice.random() < share

        return is_cut

    process = behind.process()
    behind.postgres.cut_if, behind.jurnal.cut_if = breaks(1 / 100), breaks(1 / 6)
    sales = 0
    # How many pieces a question makes is the network's business: a few sales may get through whole.
    while not (behind.postgres.cuts and behind.jurnal.cuts):
        assert sales < SALES_MAX
        for number in range(sales + 1, sales + SALES + 1):
            await behind.store.order(number)
        sales += SALES
        await behind.until_booked(process)
    behind.postgres.cut_if = behind.jurnal.cut_if = None
    await booked_once(behind, sales)


async def test_slow_ways_change_nothing_but_the_time(behind: Behind) -> None:
    """5 ms for each piece, to Postgres and to Jurnal: sent once, answered once."""
    behind.postgres.latency_seconds = behind.jurnal.latency_seconds = 0.005
    await behind.store.order()
    await behind.until_booked(behind.process())
    assert len(await behind.store.told("CommandAccepted")) == 1
    assert COMPANY.company_id in await behind.store.migrator.fetchval("SELECT array_agg(company_id) FROM company_lease")
    await booked_once(behind, 1)
