"""From append to committed projection, at a steady rate, the runner woken in memory."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from statistics import median

import msgspec

from eventstore.appender import Appender
from eventstore.clock import SystemClock
from eventstore.event import Appended, NewFact
from eventstore.follow import Tail
from ops.bench.measure import Goal, Measurement, Sample, interleave, judge, latencies
from ops.bench.payload import LookUps
from ops.bench.spent import clocked
from ops.bench.stand import STORE, Ours, Stand
from projections.catalogue import CATALOGUE
from projections.runner import Runner

FOLLOW = Goal(case="fact appended to projection committed, 1,000 facts/s", unit="ms", ratio=1.3, better="less")
P99_RATIO_MAX = 4.0

_FACTS_PER_SECOND = 1_000
_PROJECTION = CATALOGUE["master_data"]
# One connection for each of two batches in flight, one to fold with, one to read with.
_CONNECTIONS = 4
_EPOCH = 1
_FOLD_FACTS_MAX = 1_000


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """Facts of one round: ours at the steady rate, the limit one after the other."""

    facts: int = 3_000
    limit_facts: int = 1_000


async def measure_follow(stand: Stand, rounds: int, sizes: Sizes | None = None) -> AsyncIterator[Measurement]:
    """Measure p50 and p99 of ours against the limit's median."""
    sizes = sizes or Sizes()
    look_ups, limit_look_ups = LookUps(), LookUps()
    async with stand.pair(_CONNECTIONS) as (ours, limits):
        await _follow(ours, look_ups.facts(200))
        await limits.follow(_bodies(limit_look_ups, 50))
        reached, bound = await interleave(
            rounds,
            lambda: _follow(ours, look_ups.facts(sizes.facts)),
            lambda: limits.follow(_bodies(limit_look_ups, sizes.limit_facts)),
        )
    p99_goal_ms = P99_RATIO_MAX * median(sample.value for sample in bound)
    yield judge(msgspec.structs.replace(FOLLOW, p99_goal_ms=round(p99_goal_ms, 3)), reached, bound)


def _bodies(look_ups: LookUps, count: int) -> list[bytes]:
    return [fact.body for fact in look_ups.facts(count)]


async def _follow(ours: Ours, facts: list[NewFact]) -> Sample:
    """Append at the steady rate and fold beside it; return latencies from the append's call to the fold's commit."""
    woken = asyncio.Event()
    waiting: deque[tuple[int, float]] = deque()
    taken: list[float] = []

    async def append(fact: NewFact, started: float) -> None:
        (result,) = await appender.append(STORE, [fact])
        assert isinstance(result, Appended)
        waiting.append((result.position, started))
        woken.set()

    tail = Tail()
    appender = Appender(ours.kept, SystemClock(), on_appended=tail.told)
    runner = Runner(ours.pool, ours.reader, tail=tail, saves=ours.kept)
    folding = asyncio.create_task(_fold(runner, woken, waiting, taken, len(facts)))
    with clocked() as spent:
        async with asyncio.TaskGroup() as appends:
            begun = time.perf_counter()
            for number, fact in enumerate(facts):
                due = begun + number / _FACTS_PER_SECOND
                if (ahead := due - time.perf_counter()) > 0:
                    await asyncio.sleep(ahead)
                # From the moment it was due: a load that falls behind must not hide the wait.
                appends.create_task(append(fact, due))
        await folding
    p50_ms, p99_ms = latencies(taken)
    return Sample(p50_ms, p50_ms, p99_ms, *spent.each(len(facts)))


async def _fold(
    runner: Runner, woken: asyncio.Event, waiting: deque[tuple[int, float]], taken: list[float], facts: int
) -> None:
    while len(taken) < facts:
        await woken.wait()
        woken.clear()
        folded = await runner.step(STORE, _PROJECTION, epoch=_EPOCH, facts_max=_FOLD_FACTS_MAX)
        assert not folded.stalls, folded.stalls
        committed = time.perf_counter()
        # Facts that were folded before their append was answered are still to come into the queue, in any order.
        still = [one for one in waiting if one[0] > folded.position]
        taken.extend(committed - started for position, started in waiting if position <= folded.position)
        waiting.clear()
        waiting.extend(still)
