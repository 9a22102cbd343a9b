"""Plays a plan from its first webhook until everything has come to rest, and judges it."""

import asyncio
import gc
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import structlog

from ops.sandbox.embedded_postgres import EmbeddedPostgres
from ops.virtual.clocks import DatabaseTime, VirtualClock
from ops.virtual.known_types import learn_types
from ops.virtual.loop import VirtualLoop, run
from projections.catalogue import CATALOGUE
from projections.sync_status.queries import Wanted
from service.operations import Operations, Word
from tests.faults.sim_faults import Faults
from tests.faults.sim_invariants import violations
from tests.faults.sim_plan import FAULTS_END, START, Plan
from tests.faults.sim_world import World, open_world

_SECONDS_MAX = 1_500.0
# Of a run that takes two or three: whatever stands still says so.
_REAL_SECONDS_MAX = 120.0
_LOOK_SECONDS = 10.0
_RETRIES_MAX = 12
# No table grows beyond a few hundred rows, where one plan is as good as another; most of the server's work was to plan.
_SETTINGS = {"plan_cache_mode": "force_generic_plan"}
_WORD = Word("owner", "it was a fault of the simulator's")
_EVENTS_KEPT = 60
_UNSETTLED = """
SELECT (SELECT count(*) FROM send WHERE state <> 'done')
     + (SELECT count(*) FROM command WHERE state NOT IN ('accepted', 'skipped', 'superseded'))
     + (SELECT count(*) FROM ledger_head h CROSS JOIN unnest($1::text[]) AS p (name) LEFT JOIN projection_cursor c
        ON c.store_id = h.store_id AND c.projection = p.name WHERE c.position IS DISTINCT FROM h.position)
"""


class Ground(NamedTuple):
    """What runs share: a server, a prepared database to copy, and the file of the key that seals."""

    server: EmbeddedPostgres
    template: str
    key_file: Path


class Verdict(msgspec.Struct, frozen=True):
    """How a run went. `wrong` is empty if all invariants hold; `events`: the last lines of the service's log."""

    wrong: tuple[str, ...]
    trace: tuple[str, ...]
    events: tuple[str, ...]
    injected: dict[str, int]
    acknowledged: int
    documents: int
    facts: int


def play(plan: Plan, ground: Ground) -> Verdict:
    """Play on a database of its own, in virtual time."""
    name = f"simulated_{uuid.uuid4().hex[:12]}"
    with logged() as events, _rubbish_kept():
        return run(_played(plan, ground, name, events), real_seconds_max=_REAL_SECONDS_MAX)


async def _played(plan: Plan, ground: Ground, name: str, events: list[str]) -> Verdict:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    loop.postgres.settings |= _SETTINGS
    await ground.server.create_database(name, ground.template)
    try:
        clock, url = VirtualClock(START), ground.server.url(name)
        await learn_types(url)
        with DatabaseTime(url, clock.now).told(loop):
            async with open_world(plan, url, ground.key_file, clock) as world:
                faults = Faults(world, ground.server)
                try:
                    rested = await _lived(world, faults)
                    wrong = [*rested, *await violations(world)]
                finally:
                    for replica in world.replicas:
                        await replica.kill()
                facts = sum([(await world.reader.head(store_id)).position for store_id, _ in plan.stores])
                return Verdict(
                    wrong=tuple(wrong),
                    trace=tuple(world.trace),
                    events=tuple(events[-_EVENTS_KEPT:]),
                    injected=dict(faults.injected),
                    acknowledged=len(world.acknowledged),
                    documents=sum(jurnal.made for jurnal in world.jurnals.values()),
                    facts=facts,
                )
    finally:
        await ground.server.drop_database(name)


async def _lived(world: World, faults: Faults) -> list[str]:
    """Let business and faults happen, repair, and wait until all is settled; returns what never is."""
    loop = asyncio.get_running_loop()
    faults.begin()
    telling = [
        asyncio.create_task(world.tell(report, told_at)) for report in world.plan.reports for told_at in report.told_at
    ]
    await asyncio.sleep(max(0.0, FAULTS_END - loop.time()))
    await faults.repair()
    try:
        async with asyncio.timeout(_SECONDS_MAX):
            await asyncio.gather(*telling)
    except TimeoutError:
        fell = [f"replica {each.number} fell by {each.fell_by!r}" for each in world.replicas if each.fell_by]
        return ["iSeller is never heard", *fell]
    operations = Operations(world.pool, world.reader, world.appender, world.clock)
    retries = 0
    while loop.time() < _SECONDS_MAX:
        await asyncio.sleep(_LOOK_SECONDS)
        if not await world.pool.fetchval(_UNSETTLED, list(CATALOGUE)):
            return []
        if retries < _RETRIES_MAX:
            retries += await _see_to_it(world, operations)
            await _resume(world, faults, operations)
    return ["it never comes to rest"]


async def _see_to_it(world: World, operations: Operations) -> bool:
    """Do what a person would: let go again what faults have made Jurnal refuse."""
    retried = False
    for store_id, _ in world.plan.stores:
        done = await operations.retry_many(store_id, Wanted(statuses=("Failed",)), _WORD, after=None, records_max=100)
        for record_id in done.retried:
            world.note(f"a person retries {record_id}")
            retried = True
    return retried


async def _resume(world: World, faults: Faults, operations: Operations) -> None:
    """Let a store go on that froze rightly: Jurnal made what it had been asked for in vain, as after a restore.

    It did so after the fence, or because a request that it had put off came once more.
    """
    for store_id, company_id in world.plan.stores:
        is_made_unseen = world.overdue[company_id].ended or faults.injected["wire: twice"] > 0
        if is_made_unseen and await operations.paused(store_id) is not None:
            await operations.resume(store_id, _WORD)
            world.note(f"a person resumes {store_id}")


@contextmanager
def _rubbish_kept() -> Iterator[None]:
    """Collect no garbage meanwhile: it takes a tenth of a run, and what it ends it ends at another moment each time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def logged() -> Iterator[list[str]]:
    """Keep what is logged instead of writing it."""
    lines: list[str] = []

    def keep(_logger: Any, level: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        error = event.pop("exc_info", None)
        told = " ".join(f"{name}={value}" for name, value in event.items() if name != "event")
        lines.append(f"{asyncio.get_running_loop().time():9.3f} {level} {event.get('event')} {told} {error or ''}")
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[keep])
    try:
        yield lines
    finally:
        structlog.configure(**before)
