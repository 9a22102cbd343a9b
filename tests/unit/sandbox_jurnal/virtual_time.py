"""Time that a test lets pass: the sandbox's clock and everything that waits in it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.unit.sandbox_jurnal.shop import Clock, Shop, opened, settings


@dataclass(slots=True)
class Time:
    """Time that passes when the test says so; what waits is woken in the order of its instants.

    `waits` is set once somebody waits in it.
    """

    clock: Clock = field(default_factory=Clock)
    waiting: list[tuple[float, "asyncio.Future[None]"]] = field(default_factory=list)
    waits: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait(self, seconds: float) -> None:
        """Wait in virtual time."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append((self.clock.at.timestamp() + seconds, woken))
        self.waits.set()
        await woken

    async def advance(self, seconds: float) -> None:
        """Let seconds pass, waking whoever waited until then."""
        end = self.clock.at.timestamp() + seconds
        while due := [entry for entry in self.waiting if entry[0] <= end]:
            first = min(due, key=lambda entry: entry[0])
            self.waiting.remove(first)
            self.clock.advance(seconds=max(0.0, first[0] - self.clock.at.timestamp()))
            if not first[1].done():
                first[1].set_result(None)
            await settle()
        self.clock.advance(seconds=end - self.clock.at.timestamp())
        await settle()


async def settle() -> None:
    """Let everything run that can run now, the sockets included."""
    for _ in range(100):
        await asyncio.sleep(0)


@asynccontextmanager
async def timed(**changes: Any) -> AsyncIterator[tuple[Shop, Time]]:
    """Serve a stocked company in virtual time."""
    time = Time()
    async with opened(settings(**changes), time.clock, time.wait) as shop:
        await shop.stock_up()
        yield shop, time
