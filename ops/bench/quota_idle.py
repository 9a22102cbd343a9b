"""One fresh sale on an idle system, in real time over real HTTP: from its webhook to its invoice in Jurnal.

The time runs from right before the webhook is written to the public address until Jurnal's answer to the one call is
made: the invoice stands in its books. Beside each sale the same call is made to the same Jurnal directly, from right
before it is written until its answer is read: Jurnal's own answer time. The service runs in this process; the shop and
its Jurnal, and the clock of both times, in another (`quota_idle_shop.py`), as tills and Jurnal do.
"""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec

from eventstore.clock import SystemClock
from eventstore.facts.settings import SalesRulesSet
from eventstore.keyring import MasterKey
from ops.bench.listening import listening
from ops.bench.quota_idle_shop import ShopOrder, Sold
from ops.bench.quota_shop import Till
from ops.bench.stand import SERVICE_ROLE, Stand
from service.run import Loops
from service.settings import Secret, Settings
from service.wiring import open_service

_PLENTY = 1_000_000


async def sell_idle(stand: Stand, sales: int) -> Sold:
    """Sell so many times, each when all of the last sale is over."""
    async with AsyncExitStack() as stack:
        shop = await stack.enter_async_context(_shop())
        assert shop.stdout is not None
        jurnal = (await shop.stdout.readline()).decode().strip()
        assert jurnal, "the shop failed; its own words stand above"
        ours = await stack.enter_async_context(stand.ours(4))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        key = folder / "sealing.key"
        key.write_text(bytes(range(32)).hex())
        await Till(ours.pool, SystemClock(), MasterKey.from_file(key)).connect(SalesRulesSet())
        public = await stack.enter_async_context(_serving(ours.url, key, jurnal))
        printed, _ = await shop.communicate(msgspec.json.encode(ShopOrder(sales, public, ours.url)))
        assert shop.returncode == 0, "the shop failed; its own words stand above"
        return msgspec.json.decode(printed, type=Sold)


@asynccontextmanager
async def _shop() -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"{__package__}.quota_idle_shop",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


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
    async with open_service(settings) as service, listening(service.public) as port, _turning(service.loops):
        yield f"http://127.0.0.1:{port}"


@asynccontextmanager
async def _turning(loops: Loops) -> AsyncIterator[None]:
    turning = asyncio.create_task(loops.run())
    try:
        yield
    finally:
        loops.stop()
        await turning
