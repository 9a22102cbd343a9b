"""Follows ledgers: decides which store to fold now, and folds each into every projection, one bounded batch a step.

Three things say that there is something to fold: this process appended it (it is in memory), another process told so
by NOTIFY (a hint), and the look at the database every `look_seconds` (the truth).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import msgspec
import structlog

from eventstore.batch import Decided
from eventstore.clock import Clock
from eventstore.connection import CONNECTION_ERRORS, Pool
from eventstore.errors import LeaseLost, LedgerGap
from eventstore.follow import Tail
from eventstore.lease import SharedStores
from eventstore.wake import WakeLine
from projections.catalogue import CATALOGUE
from projections.jurnal_commands.fold import JurnalCommands
from projections.projection import Projection
from projections.runner import Folded, Runner, stores_behind
from service.failing import Failing
from service.telemetry.logs import LogEvent
from service.telemetry.metrics import Loop, Metrics

_LOG = structlog.get_logger()


# They change neither settings nor master data, which commands are sent with.
_SALES = frozenset({"OrderReported", "TransactionReported", "RefundReported", "FulfillmentReported"})
_DECIDING_FIRST = sorted(CATALOGUE.values(), key=lambda projection: projection.name != JurnalCommands.name)


class FollowLimits(msgspec.Struct, frozen=True):
    """How much a batch takes at most, and how long at most until the database is asked again."""

    batch_facts_max: int
    look_seconds: float


class Stepped(msgspec.Struct, frozen=True):
    """What a step did: facts folded, over all projections, and whether more is known to wait."""

    facts: int
    more: bool


async def _nobody(_store_id: str) -> None:
    """Tell nobody."""


class Followers:
    """Folds this process' share of the stores. `woken` is set whenever a step has something to do."""

    def __init__(
        self,
        *,
        pool: Pool,
        clock: Clock,
        shared: SharedStores,
        runner: Runner,
        tail: Tail,
        metrics: Metrics,
        failing: Failing,
        limits: FollowLimits,
    ) -> None:
        self.woken = asyncio.Event()
        self._pool = pool
        self._clock = clock
        self._shared = shared
        self._runner = runner
        self._tail = tail
        self._metrics = metrics
        self._failing = failing
        self._limits = limits
        self._line: WakeLine | None = None
        self._stores: list[str] = []
        self._waiting: set[str] = set()
        self._positions: dict[tuple[str, str], int] = {}
        self._look_at = 0.0
        self._on_commands: Callable[[str], Awaitable[None]] = _nobody

    def tell(self, on_commands: Callable[[str], Awaitable[None]]) -> None:
        """Tell of which store commands were folded, at once, and fold the read models behind it once that returns."""
        self._on_commands = on_commands

    def listen_on(self, line: WakeLine) -> None:
        """Hear of other processes' appends, and tell them of ours to stores that this one does not fold."""
        self._line = line

    def appended(self, store_id: str, decided: Decided) -> None:
        """Note what this process appended."""
        if decided.facts:
            self._tail.told(store_id, decided)
            self.woken.set()
            # Nobody else folds what this process holds.
            if self._line is not None and not self._shared.holds(store_id):
                self._line.appended(store_id)

    def forget(self, store_id: str) -> None:
        """Forget a store whose ledger has lost facts: what is remembered of it may be what was lost."""
        self._tail.forget(store_id)
        self._runner.forget(store_id)
        for name in CATALOGUE:
            self._positions.pop((store_id, name), None)
        self._waiting.add(store_id)
        self.woken.set()

    def told(self, store_id: str | None) -> None:
        """Note that another process appended to a store; None: one gave one up, or anything may have been missed."""
        if store_id is None:
            self._look_at = 0.0
            self._shared.renew_soon()
        elif self._shared.holds(store_id):
            self._waiting.add(store_id)
        else:
            return
        self.woken.set()

    async def step(self) -> Stepped:
        """Fold one batch of every store that has something to fold, into every projection."""
        if self._line is not None:
            await self._line.keep()
        looks = asyncio.get_running_loop().time() >= self._look_at
        # What is in memory need not wait for what the database is asked.
        looks_first = self._shared.is_due() or (looks and not self._remembers_more())
        if looks_first:
            await self._look()
        facts, again = 0, set()
        for store_id, epoch in self._shared.held().items():
            done = await self._fold_store(store_id, epoch)
            facts += done.facts
            if done.more:
                again.add(store_id)
        if looks and not looks_first:
            await self._look()
            again |= self._waiting
        self._waiting |= again
        return Stepped(facts, more=bool(again))

    async def _fold_store(self, store_id: str, epoch: int) -> Stepped:
        """Fold one batch of a store into every projection that waits; the first that cannot be ends it."""
        asked, facts, more, tried = store_id in self._waiting, 0, False, False
        self._waiting.discard(store_id)
        for projection in self._in_order(store_id):
            if asked or self._position(store_id, projection) < self._tail.end(store_id):
                folded = await self._fold(store_id, projection, epoch)
                if folded is None:
                    return Stepped(facts, more)
                tried = True
                facts += folded.facts
                if folded.facts and projection.name == JurnalCommands.name:
                    await self._on_commands(store_id)
                more |= bool(folded.facts) and self._has_more(store_id, folded)
        if tried:
            self._failing.whole(Loop.FOLD, store_id)
        return Stepped(facts, more)

    def _remembers_more(self) -> bool:
        """Tell whether this process appended what is not folded yet."""
        return any(
            self._positions.get((store_id, JurnalCommands.name), 0) < self._tail.end(store_id)
            for store_id in self._shared.held()
        )

    def _in_order(self, store_id: str) -> Iterable[Projection]:
        """Return the projections as they are folded now: after nothing but sales what decides them goes first."""
        folded = min(self._positions.get((store_id, name), 0) for name in CATALOGUE)
        told = self._tail.after(store_id, folded, self._limits.batch_facts_max)
        return _DECIDING_FIRST if told and all(fact.type in _SALES for fact in told) else CATALOGUE.values()

    async def release(self) -> None:
        """Give the share up, so that another process may take it at once."""
        for store_id in await self._shared.release():
            self._give_up(store_id)
        if self._line is not None:
            await self._line.close()

    async def _look(self) -> None:
        """Ask the database which stores there are and which of them wait; renew the leases when it is time to."""
        behind = await stores_behind(self._pool, list(CATALOGUE))
        self._look_at = asyncio.get_running_loop().time() + self._limits.look_seconds
        stores = list(behind)
        if stores != self._stores or self._shared.is_due():
            for store_id in await self._shared.renew(stores):
                self._give_up(store_id)
            self._stores = stores
        self._waiting.update(store_id for store_id, waits in behind.items() if waits)
        self._waiting &= set(self._shared.held())
        self._failing.left(Loop.FOLD, self._shared.held())
        for name in CATALOGUE:
            self._metrics.projection_stepped(name, self._clock.now())

    def _give_up(self, store_id: str) -> None:
        self._runner.forget(store_id)
        if self._line is not None:
            self._line.given_up()

    def _position(self, store_id: str, projection: Projection) -> int:
        return self._positions.get((store_id, projection.name), 0)

    def _has_more(self, store_id: str, folded: Folded) -> bool:
        return folded.facts >= self._limits.batch_facts_max or folded.position < self._tail.end(store_id)

    async def _fold(self, store_id: str, projection: Projection, epoch: int) -> Folded | None:
        """Fold one batch; None if this store cannot be folded on now."""
        try:
            folded = await self._runner.step(store_id, projection, epoch=epoch, facts_max=self._limits.batch_facts_max)
        except LeaseLost as lost:
            _LOG.warning(LogEvent.LEASE_LOST, store=store_id, projection=projection.name, reason=str(lost))
            self._runner.forget(store_id)
            self._shared.renew_soon()
            return None
        except LedgerGap as gap:
            self._metrics.ledger_gaps_total.inc()
            _LOG.critical(LogEvent.LEDGER_GAP, store=store_id, expected=gap.expected, found=gap.found)
            return None
        except CONNECTION_ERRORS:
            raise
        except Exception as error:  # noqa: BLE001 - logged with its stack; the other stores go on, and the next look tries again
            self._failing.failed(Loop.FOLD, error, store_id)
            self._runner.forget(store_id)
            return None
        self._positions[store_id, projection.name] = folded.position
        self._metrics.projection_stepped(projection.name, self._clock.now())
        for stall in folded.stalls:
            _LOG.error(
                LogEvent.FACT_STALLED,
                store=store_id,
                projection=projection.name,
                stream=stall.stream_id,
                position=stall.position,
                reason=stall.error,
            )
        return folded
