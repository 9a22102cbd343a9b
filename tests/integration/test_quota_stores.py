"""What the quota and the breaker are to a whole service: stores in turn, readiness, and what is told of them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import asyncpg
import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer

from eventstore.facts.registry import REPORT_KINDS
from eventstore.facts.settings import SETTINGS_STREAM, LiveModeActivated
from eventstore.store import open_ledger
from projections.catalogue import CATALOGUE
from service.choosing import BatchLimits
from service.credential_names import JURNAL_HMAC
from service.jurnal.pace import Limit
from service.jurnal_calls import HmacCredential
from service.settings import settings_from
from service.wiring import open_service
from tests.integration.dispatcher.stand import COMPANY, PLENTY, Process, Stand, open_stand
from tests.integration.quota_gateway import quota_on
from tests.ledger import NOON, OTHER_STORE, STORE
from tests.story import BRANCH, CONNECTION, MAIN, full_order, own
from tests.unit.sandbox_jurnal.shop import CLIENT

# Every document by itself: what these tests are about is whose call comes next.
ONE = BatchLimits(rows_max=1)


@pytest.fixture
async def stand(database_url: str) -> AsyncIterator[Stand]:
    """Give two live stores of one Jurnal company."""
    async with open_stand(database_url) as opened:
        await opened.connect()
        await open_ledger(opened.pool, OTHER_STORE, recorded_at=NOON)
        secret = HmacCredential(CLIENT.client_id, CLIENT.client_secret)
        await opened.credentials.write(OTHER_STORE, JURNAL_HMAC, msgspec.json.encode(secret), updated_at=NOON)
        facts = [own(CONNECTION, SETTINGS_STREAM, "settings:1")]
        facts += [own(outlet, SETTINGS_STREAM, f"outlet:{outlet.outlet_id}") for outlet in (MAIN, BRANCH)]
        facts.append(own(LiveModeActivated(actor="owner", activated_at=NOON), SETTINGS_STREAM, "live-mode"))
        await opened.appender.append(OTHER_STORE, facts)
        await fold_other(opened)
        yield opened


async def fold_other(stand: Stand) -> None:
    """Fold the other store."""
    for projection in CATALOGUE.values():
        while (await stand.runner.step(OTHER_STORE, projection, epoch=1, facts_max=1_000)).facts:
            pass


async def order_in_both(stand: Stand, number: int) -> None:
    """Let both stores report an order."""
    await stand.order(number)
    body = msgspec.json.encode(full_order(order_id=f"order-{number}", order_reference=f"#3101-{2000 + number}"))
    await stand.intake.take(
        OTHER_STORE, REPORT_KINDS["order"], body, observed_at=stand.clock.now(), metadata={"channel": "webhook"}
    )
    await fold_other(stand)


async def step(stand: Stand, process: Process) -> str:
    """Make one step for both stores."""
    done = await process.dispatcher.step(COMPANY, (STORE, OTHER_STORE))
    await stand.fold()
    await fold_other(stand)
    return done.did


async def booked(stand: Stand) -> dict[str, int]:
    """Return how many commands of each store Jurnal has accepted."""
    rows = await stand.migrator.fetch("SELECT store_id, count(*) FROM command WHERE state = 'accepted' GROUP BY 1")
    return {row["store_id"]: row["count"] for row in rows}


async def test_stores_of_one_company_take_turns_when_the_quota_is_short(stand: Stand) -> None:
    """Every second look finds no place: the store whose turn it was keeps it, or one of two would never send."""
    await order_in_both(stand, 0)
    plenty = stand.process(limits=ONE)
    while sum((await booked(stand)).values()) < 2:
        await step(stand, plenty)
    await plenty.dispatcher.release(COMPANY)
    for number in range(1, 7):
        await order_in_both(stand, number)
    process = stand.process(calls=stand.calls(quota=quota_on(stand.pool, (Limit(1, 60),), PLENTY)), limits=ONE)
    await process.directory.resolve(STORE, COMPANY, ())
    await stand.advance(120)
    while sum((await booked(stand)).values()) < 10:
        await step(stand, process)
        await stand.advance(30)
    assert await booked(stand) == {STORE: 5, OTHER_STORE: 5}


async def test_readiness_does_not_ask_the_breaker(
    database_url: str, connection: "asyncpg.Connection[asyncpg.Record]", tmp_path: Path
) -> None:
    """A pod that is taken out of service would take no webhooks either. The figures tell of it."""
    key = tmp_path / "sealing.key"
    key.write_text("00" * 32)
    settings = settings_from(
        {
            "JURNALSYNC_DATABASE_URL": database_url,
            "JURNALSYNC_API_TOKEN": "a-made-up-token-of-32-characters",
            "JURNALSYNC_SEALING_KEY_FILE": str(key),
            "JURNALSYNC_JURNAL_CALLS_PER_MONTH": "12000",
        }
    )
    await connection.execute(
        "INSERT INTO company_breaker (company_id, state, epoch, failures, openings, until, since, reason)"
        " VALUES ('one', 'open', 1, 5, 1, now() + interval '1 hour', now(), 'reset')"
    )
    await connection.execute("INSERT INTO quota_day VALUES ('company:one', $1, 500)", datetime.now(UTC).date())
    await connection.execute(
        "INSERT INTO quota_budget (budget, closed_until, closed_scope) VALUES ('company:one', now() + '1 hour', 'hour')"
    )
    async with open_service(settings) as service:
        await service.loops.observe_step()
        async with TestClient(TestServer(service.operations)) as http:
            assert (await http.get("/readyz")).status == 200
            told = await figures(http)
    assert told['jurnalsync_breaker_companies{state="open"}'] == 1
    assert told["jurnalsync_package_calls"] == 12_000
    assert told["jurnalsync_package_left"] in {11_500, 12_000}
    assert told['jurnalsync_quota_closed_companies{window="hour"}'] == 1


async def figures(http: "TestClient[aiohttp.web.Request, aiohttp.web.Application]") -> dict[str, float]:
    """Return what Prometheus would read."""
    text = await (await http.get("/metrics")).text()
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line[0] != "#"}


async def test_todays_sale_does_not_wait_behind_a_long_queue_of_older_ones(stand: Stand) -> None:
    """Twelve orders of a month ago are due first; when they find no place, today's goes past them."""
    await stand.order(0)
    plenty = stand.process(limits=ONE)
    while not await booked(stand):
        await step(stand, plenty)
    await plenty.dispatcher.release(COMPANY)
    for number in range(1, 13):
        await stand.order(number, order_date="2026-10-20T03:00:00", closed_date="2026-10-20T03:00:00")
    await stand.order(13)
    process = stand.process(calls=stand.calls(quota=quota_on(stand.pool, (Limit(10, 60),), PLENTY)), limits=ONE)
    for _ in range(12):
        await step(stand, process)
    done = await stand.commands()
    assert done["inv.order-13"] == "accepted"
    assert (done["inv.order-1"], done["inv.order-12"]) == ("accepted", "due")
