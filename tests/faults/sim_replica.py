"""One replica of the service in a simulated world: processes that are started, stopped, killed and started again."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import aiohttp
from aiohttp import ClientRequest, web

from eventstore.connection import CONNECTION_ERRORS
from ops.virtual.clocks import VirtualClock
from ops.virtual.process import Process
from ops.virtual.wire import Route, Wire, connector
from service.jurnal.client import open_session
from service.run import Pace
from service.settings import Secret, Settings
from service.wiring import Outside, open_service
from tests.faults.sim_jurnal import BASE_URL, CALLS_A_MINUTE, DATE_SKEW_SECONDS

_PACE = Pace(follow_wait_seconds=12, observe_seconds=90)
_TRY_AGAIN_SECONDS = 2
ALLOWANCE_SECONDS = 10


class Site(NamedTuple):
    """Where replicas run: the database, the key that seals, the way to Jurnal."""

    url: str
    key_file: Path
    start: datetime
    jurnal: Route


def settings_at(site: Site) -> Settings:
    """Return the service's settings, with everything shorter than in earnest, in proportion."""
    return Settings(
        database_url=Secret(site.url),
        database_connections_max=4,
        api_token=Secret("0123456789abcdef"),
        sealing_key_file=site.key_file,
        follow_by_notify="no",
        poll_interval_seconds=86_400,
        lease_seconds=25,
        jurnal_base_url=BASE_URL,
        jurnal_deadline_seconds=15,
        jurnal_date_skew_seconds=DATE_SKEW_SECONDS,
        jurnal_processing_allowance_seconds=ALLOWANCE_SECONDS,
        jurnal_requests_per_minute=CALLS_A_MINUTE,
        jurnal_requests_per_hour=3_600,
        jurnal_breaker_wait_seconds=10,
        jurnal_breaker_wait_seconds_max=40,
        egress_requests_per_minute=1_000,
        egress_requests_per_hour=10_000,
    )


class Replica:
    """A replica by its number. `clock` outlives its processes, as a machine's does."""

    def __init__(self, site: Site, number: int) -> None:
        self.number = number
        self.clock = VirtualClock(site.start)
        self.door: Wire | None = None
        self.process: Process | None = None
        self.starts = 0
        self._site = site
        self._running: asyncio.Task[None] | None = None

    @property
    def is_up(self) -> bool:
        """Whether it takes webhooks now."""
        return self.process is not None and not self.process.is_killed and self.door is not None

    def start(self, on_question: Callable[[int], None] | None = None) -> None:
        """Start its process."""
        self.starts += 1
        self.process = Process(f"replica {self.number}.{self.starts}", on_question)
        self._running = self.process.start(self._run())

    @property
    def fell_by(self) -> BaseException | None:
        """What its process ended with by itself; None while it runs, or if it was killed."""
        if self._running is None or not self._running.done() or self._running.cancelled():
            return None
        return self._running.exception()

    async def kill(self) -> None:
        """End it as SIGKILL does."""
        process, self.door = self.process, None
        if process is not None:
            await process.kill()

    async def _run(self) -> None:
        while True:
            try:
                await self._serve()
            except CONNECTION_ERRORS:
                # As its supervisor starts it again while the database is away.
                await asyncio.sleep(_TRY_AGAIN_SECONDS)

    async def _serve(self) -> None:
        outside = Outside(
            clock=self.clock,
            pace=_PACE,
            jurnal_session=lambda: open_session(connector(self._site.jurnal)),
            iseller_session=lambda: aiohttp.ClientSession(connector=connector(_nobody)),
        )
        async with open_service(settings_at(self._site), outside) as service:
            runner = web.AppRunner(service.public, access_log=None)
            await runner.setup()
            assert runner.server is not None
            self.door = Wire(runner.server)
            await service.loops.run()


def _nobody(_request: ClientRequest) -> None:
    """Let iSeller's polls find nobody; webhooks tell everything here."""
