"""The only file that loops. Everything else is a step that does one bounded batch and says what it did."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import msgspec
import structlog

from eventstore.clock import Clock
from eventstore.connection import CONNECTION_ERRORS, Pool
from eventstore.lease import StoreLeases
from eventstore.store import LedgerReader
from projections.store_settings.queries import read_settings
from service.abreast import Abreast
from service.company_sends import CompanySends
from service.daily_look import DailyLook
from service.dispatcher import Dispatcher
from service.failing import Failing
from service.followers import Followers
from service.iseller.poll import Poller
from service.observation import Observation
from service.own_clock import OwnClock
from service.reconcile_schedule import ReconcileSchedule
from service.scheduler import Scheduler
from service.telemetry.logs import LogEvent
from service.telemetry.metrics import Loop, Metrics

_LOG = structlog.get_logger()
_RETRY_SECONDS = 1.0
LOOKS_AT_ONCE_MAX = 2
# A loop that has not stepped for this long is stuck: longer than Jurnal's deadline and a lost database connection.
HEARTBEAT_SECONDS_MAX = 180.0


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How long loops wait when there is nothing to do."""

    follow_wait_seconds: float = 0.5
    observe_seconds: float = 5


class Loops:
    """Folds, dispatches and polls all stores until told to stop."""

    def __init__(  # noqa: PLR0913 - the steps it turns, each named by wiring
        self,
        *,
        pool: Pool,
        clock: Clock,
        own_clock: OwnClock,
        reader: LedgerReader,
        leases: StoreLeases,
        followers: Followers,
        dispatcher: Dispatcher,
        poller: Poller,
        scheduler: Scheduler,
        reconcile_schedule: ReconcileSchedule,
        daily_look: DailyLook,
        observation: Observation,
        metrics: Metrics,
        failing: Failing,
        pace: Pace,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._own_clock = own_clock
        self._reader = reader
        self._leases = leases
        self._followers = followers
        self._poller = poller
        self._scheduler = scheduler
        self._reconcile_schedule = reconcile_schedule
        self._daily_look = daily_look
        self._observation = observation
        self._metrics = metrics
        self._failing = failing
        self._pace = pace
        self._stopping = asyncio.Event()
        self._woken = asyncio.Event()
        # Nobody asks for figures early, but a stop must not wait for the next ones.
        self._observe_now = asyncio.Event()
        self._schedule_now = asyncio.Event()
        self._reconcile_now = asyncio.Event()
        self._beats: dict[Loop, datetime] = {}
        self._sends = CompanySends(
            dispatcher, clock, metrics, failing, self._read_companies, look_seconds=pace.follow_wait_seconds
        )
        followers.tell(self._sends.folded)
        self._looks: Abreast[str] = Abreast(clock, steps_max=LOOKS_AT_ONCE_MAX)

    def wake_poller(self, store_id: str) -> None:
        """Poll a store before its interval has passed."""
        self._poller.wake(store_id)
        self._woken.set()

    def heartbeats(self) -> dict[Loop, float]:
        """Return how many seconds ago each loop last stepped; a send that does not end holds its loop's beat."""
        now, oldest = self._clock.now(), self._sends.abreast.oldest()
        beats = dict(self._beats)
        if oldest is not None and Loop.DISPATCH in beats:
            beats[Loop.DISPATCH] = min(beats[Loop.DISPATCH], oldest)
        return {loop: (now - at).total_seconds() for loop, at in beats.items()}

    def stop(self) -> None:
        """Let every loop end after the step it is in."""
        for event in (
            self._stopping, self._followers.woken, self._sends.woken, self._woken, self._observe_now,
            self._schedule_now, self._reconcile_now,
        ):  # fmt: skip
            event.set()

    async def run(self) -> None:
        """Turn all loops until `stop`; then give the leases up."""
        async with self._sends.abreast, self._looks, asyncio.TaskGroup() as group:
            group.create_task(self._turn(Loop.FOLD, self.fold_step, self._followers.woken))
            group.create_task(self._turn(Loop.DISPATCH, self.dispatch_step, self._sends.woken))
            group.create_task(self._turn(Loop.POLL, self.poll_step, self._woken))
            group.create_task(self._turn(Loop.OBSERVE, self.observe_step, self._observe_now))
            group.create_task(self._turn(Loop.SCHEDULE, self.schedule_step, self._schedule_now))
            group.create_task(self._turn(Loop.RECONCILE, self.reconcile_step, self._reconcile_now))
        await self._release()

    async def _turn(self, loop: Loop, step: Callable[[], Awaitable[bool]], wake: asyncio.Event) -> None:
        """Repeat `step`: at once while it says there is more, else when woken or after the wait."""
        while not self._stopping.is_set():
            is_slow = loop in (Loop.OBSERVE, Loop.SCHEDULE, Loop.RECONCILE)
            wait = self._pace.observe_seconds if is_slow else self._pace.follow_wait_seconds
            wake.clear()
            try:
                more = await step()
            except Exception as error:  # noqa: BLE001 - logged; the other loops and the next step must go on
                self._failing.failed(loop, error)
                more, wait = False, _RETRY_SECONDS
            else:
                self._failing.whole(loop)
            self._beats[loop] = self._clock.now()
            self._metrics.loop_stepped(loop, self._beats[loop])
            if not more and not self._stopping.is_set():
                await _wait(wake, wait)

    async def fold_step(self) -> bool:
        """Fold one batch of every store that waits; True while one of them has more."""
        return (await self._followers.step()).more

    async def dispatch_step(self) -> bool:
        """Begin a send or probe for every company that has something new; for all when it is time to look at them."""
        await self._sends.step()
        return False

    async def _read_companies(self) -> dict[str, tuple[str, ...]]:
        """Return the stores of each company that are live."""
        by_id: dict[str, list[str]] = {}
        for store_id in await self._reader.stores():
            settings = await read_settings(self._pool, store_id)
            if settings.connection is not None and settings.live_mode is not None:
                by_id.setdefault(settings.connection.company_id, []).append(store_id)
        return {company_id: tuple(stores) for company_id, stores in by_id.items()}

    async def poll_step(self) -> bool:
        """Poll every store that is due; True while one of them has more pages."""
        more = False
        for store_id in await self._reader.stores():
            with self._failing.alone(Loop.POLL, store_id):
                more |= await self._poll_store(store_id)
        return more

    async def _poll_store(self, store_id: str) -> bool:
        if await self._leases.acquire(store_id, "poll") is None:
            return False
        polled = await self._poller.step(store_id)
        for endpoint in polled.endpoints:
            self._metrics.polled(endpoint, "failed" if endpoint in polled.errors else "read")
        return not polled.finished

    async def schedule_step(self) -> bool:
        """Open the sync windows of every store whose time has come, and look once a day at their companies."""
        if self._own_clock.is_wrong:
            return False
        stores = await self._reader.stores()
        for store_id in stores:
            with self._failing.alone(Loop.SCHEDULE, store_id):
                await self._scheduler.step(store_id)
        self._looks.start(stores, self._look_at)
        return False

    async def reconcile_step(self) -> bool:
        """Go on comparing every store with Jurnal whose daily time has come; True while one may go on at once."""
        if self._own_clock.is_wrong:
            # Whoever polls compares, and cannot by this clock; polling can, so it goes on here if nobody else takes it.
            await self._leases.release_all(await self._reader.stores(), "poll")
            return False
        more = False
        for store_id in await self._reader.stores():
            with self._failing.alone(Loop.RECONCILE, store_id):
                if await self._leases.acquire(store_id, "poll") is not None:
                    more |= await self._reconcile_schedule.step(store_id)
        return more

    async def _look_at(self, store_id: str) -> None:
        try:
            with self._failing.alone(Loop.SCHEDULE, store_id):
                await self._daily_look.step(store_id)
        except CONNECTION_ERRORS as error:
            self._failing.failed(Loop.SCHEDULE, error, store_id)

    async def observe_step(self) -> bool:
        """Take the figures that only the database knows, the time above all."""
        await self._own_clock.look(self._pool)
        await self._observation.step()
        return False

    async def _release(self) -> None:
        """Give all leases up; without a database they run out by themselves."""
        try:
            await self._followers.release()
            await self._leases.release_all(await self._reader.stores(), "poll")
            await self._sends.release()
        except CONNECTION_ERRORS as error:
            _LOG.warning(LogEvent.LEASE_LOST, reason=f"{type(error).__name__}: {error}")


async def _wait(wake: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await wake.wait()
    except TimeoutError:
        return
