"""Webhooks over HTTP, answered after the durable commit, against a bare handler that receives the same bodies."""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import msgspec
from aiohttp import web

from eventstore.credentials import Credentials
from eventstore.keyring import MasterKey
from ops.bench.intake_load import LoadOrder
from ops.bench.measure import Goal, Measurement, Sample, interleave, judge
from ops.bench.spent import clocked
from ops.bench.stand import SERVICE_ROLE, STORE, Ours, Stand
from service.credential_names import ISELLER_API_KEY
from service.garbage import settled
from service.settings import Secret, Settings
from service.wiring import open_service

ONE_A_REQUEST = Goal(case="webhook intake, 1 event a request, sealed, durable", unit="requests/s", ratio=0.65)
HUNDRED_A_REQUEST = Goal(case="webhook intake, 100 events a request, sealed, durable", unit="facts/s", ratio=0.35)

_API_KEY = "made-up-api-key"
_CONNECTIONS = 4
_BATCH_ORDERS = 100


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """Requests of one round, connections they come over, and customers they are of; the same for batches."""

    requests: int = 4_000
    connections: int = 128
    customers: int = 500
    batches: int = 80
    batch_connections: int = 8
    limit_facts: int = 40_000


async def measure_intake(stand: Stand, rounds: int, sizes: Sizes | None = None) -> AsyncIterator[Measurement]:
    """Measure one webhook a request, and batches. Servers run in this process, the load in another."""
    sizes = sizes or Sizes()
    orders = count(0, max(sizes.requests, sizes.batches * _BATCH_ORDERS))
    single = LoadOrder(
        path=f"/iseller/{STORE}/order",
        api_key=_API_KEY,
        requests=sizes.requests,
        orders_a_request=1,
        customers=sizes.customers,
        connections=sizes.connections,
    )
    batch = msgspec.structs.replace(
        single,
        path=f"/iseller/{STORE}/batch",
        requests=sizes.batches,
        orders_a_request=_BATCH_ORDERS,
        connections=sizes.batch_connections,
    )

    async def load(order: LoadOrder, port: int) -> Sample:
        with clocked() as spent:
            sample = await _load(msgspec.structs.replace(order, port=port, first_order=next(orders)))
        python_us, postgres_us = spent.each(order.requests * order.orders_a_request)
        return msgspec.structs.replace(sample, python_us=python_us, postgres_us=postgres_us)

    async with stand.ours(1) as ours, _webhooks(ours) as port, _bare() as bare_port:
        # A first round that does not count makes the customers' keys: people who buy again are the steady state.
        await load(single, port)
        await load(single, bare_port)
        yield judge(
            ONE_A_REQUEST, *await interleave(rounds, lambda: load(single, port), lambda: load(single, bare_port))
        )
    async with stand.ours(1) as ours, _webhooks(ours) as port, stand.limits(_CONNECTIONS) as limits:
        await load(batch, port)
        await limits.insert_many(1_000)

        async def load_batches() -> Sample:
            sample = await load(batch, port)
            return msgspec.structs.replace(sample, value=sample.value * _BATCH_ORDERS)

        yield judge(
            HUNDRED_A_REQUEST,
            *await interleave(rounds, load_batches, lambda: limits.insert_many(sizes.limit_facts // _CONNECTIONS)),
        )


@asynccontextmanager
async def _webhooks(ours: Ours) -> AsyncIterator[int]:
    """Serve the application that ships, loops not running; return its port."""
    with tempfile.TemporaryDirectory() as folder:
        key_file = Path(folder) / "sealing.key"
        key_file.write_text(bytes(range(32)).hex())
        credentials = Credentials(ours.pool, MasterKey.from_file(key_file))
        await credentials.write(STORE, ISELLER_API_KEY, _API_KEY.encode(), updated_at=datetime.now(UTC))
        settings = Settings(
            database_url=Secret(ours.url),
            database_role=SERVICE_ROLE,
            database_connections_max=_CONNECTIONS,
            api_token=Secret("made-up-token-of-a-benchmark"),
            sealing_key_file=key_file,
        )
        async with open_service(settings) as service, _listening(service.public) as port:
            with settled():
                yield port


@asynccontextmanager
async def _bare() -> AsyncIterator[int]:
    """Serve the limit: a handler that reads the body and answers."""

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=b'{"position":1,"outcome":"appended"}', content_type="application/json")

    app = web.Application()
    app.add_routes([web.post("/iseller/{store}/{type}", answer)])
    async with _listening(app) as port:
        yield port


@asynccontextmanager
async def _listening(app: web.Application) -> AsyncIterator[int]:
    async with AsyncExitStack() as stack:
        runner = web.AppRunner(app, access_log=None)
        stack.push_async_callback(runner.cleanup)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port: int = runner.addresses[0][1]
        yield port


async def _load(order: LoadOrder) -> Sample:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"{__package__}.intake_load",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate(msgspec.json.encode(order))
    assert process.returncode == 0, "the load failed; its own words stand above"
    return msgspec.json.decode(printed, type=Sample)
