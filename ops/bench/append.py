"""Appends: one writer, four writers, one hot store, batches, the hash chain, and a ledger that has grown."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence

import msgspec

from eventstore.appender import Appender
from eventstore.chain import GENESIS, fact_hash
from eventstore.event import Appended, NewFact
from ops.bench.limits import Limits
from ops.bench.measure import Goal, Measurement, Sample, interleave, judge, latencies
from ops.bench.payload import OBSERVED_AT, Orders
from ops.bench.peer import Peer
from ops.bench.spent import clocked
from ops.bench.stand import STORE, Ours, Stand

ONE_WRITER = Goal(case="append, 1 writer, 1 fact a commit", unit="facts/s", ratio=0.80)
FOUR_WRITERS = Goal(case="append, 4 writers", unit="facts/s", ratio=0.90)
HOT_STORE = Goal(case="append, 256 concurrent awaits, one hot store", unit="facts/s", ratio=0.55, p99_goal_ms=8.0)
BATCHES = Goal(case="batch append, 100 facts a call, all checks on", unit="facts/s", ratio=0.80)
HASH_CHAIN = Goal(case="hash chain, share of the hot store's time a fact", unit="µs", ratio=0.06, better="less")

_CONNECTIONS = 4
_BATCH_FACTS = 100
_HOT_AWAITS = 256


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """How much one round of each case does; the defaults take about a second a side."""

    single_facts: int = 1_200
    writer_facts: int = 1_000
    hot_facts: int = 20_480
    batch_facts: int = 24_000
    limit_facts: int = 40_000
    hashes: int = 20_000


async def measure_append(stand: Stand, rounds: int, sizes: Sizes | None = None) -> AsyncIterator[Measurement]:
    """Measure every append case on a small ledger."""
    sizes = sizes or Sizes()
    for goal, connections, writers, facts in (
        (ONE_WRITER, 1, 1, sizes.single_facts),
        (FOUR_WRITERS, _CONNECTIONS, 4, sizes.writer_facts),
    ):
        async with stand.pair(connections) as (ours, limits), stand.peer(connections) as peer:
            yield await _one_a_commit(goal, ours, limits, peer, rounds, writers=writers, facts=facts)
    async with stand.pair(_CONNECTIONS) as (ours, limits):
        hot = await _hot_store(ours, limits, rounds, sizes)
        yield hot
        yield await _hash_chain(hot, rounds, sizes)
    async with stand.pair(_CONNECTIONS) as (ours, limits), stand.peer(_CONNECTIONS) as peer:
        yield await _batches(ours, limits, peer, rounds, sizes)


async def _one_a_commit(
    goal: Goal, ours: Ours, limits: Limits, peer: Peer | None, rounds: int, *, writers: int, facts: int
) -> Measurement:
    orders = Orders()
    await append_all(ours.appender, orders.facts(writers * 50), writers=writers)
    await limits.insert_singly(50)
    reached, bound, *beside = await interleave(
        rounds,
        lambda: append_all(ours.appender, orders.facts(writers * facts), writers=writers),
        lambda: limits.insert_singly(facts),
        *([] if peer is None else [lambda: peer.append(facts, writers=writers)]),
    )
    return judge(goal, reached, bound, peer=beside[0] if beside else ())


async def _hot_store(ours: Ours, limits: Limits, rounds: int, sizes: Sizes) -> Measurement:
    orders = Orders()
    await append_all(ours.appender, orders.facts(_HOT_AWAITS * 8), writers=_HOT_AWAITS)
    await limits.insert_many(1_000)
    return judge(
        HOT_STORE,
        *await interleave(
            rounds,
            lambda: append_all(ours.appender, orders.facts(sizes.hot_facts), writers=_HOT_AWAITS),
            lambda: limits.insert_many(sizes.limit_facts // _CONNECTIONS),
        ),
    )


async def _batches(ours: Ours, limits: Limits, peer: Peer | None, rounds: int, sizes: Sizes) -> Measurement:
    orders = Orders()
    call = {"writers": _CONNECTIONS, "facts_a_call": _BATCH_FACTS}
    await append_all(ours.appender, orders.facts(2_000), **call)
    await limits.insert_many(1_000)
    reached, bound, *beside = await interleave(
        rounds,
        lambda: append_all(ours.appender, orders.facts(sizes.batch_facts), **call),
        lambda: limits.insert_many(sizes.limit_facts // _CONNECTIONS),
        *([] if peer is None else [lambda: peer.append(sizes.batch_facts, **call)]),
    )
    return judge(BATCHES, reached, bound, peer=beside[0] if beside else ())


async def _hash_chain(hot: Measurement, rounds: int, sizes: Sizes) -> Measurement:
    """Compare the time that hashing takes with all the time a fact of the hot store has."""
    facts = Orders().facts(sizes.hashes)

    async def hash_all() -> Sample:
        previous = GENESIS
        with clocked() as spent:
            for position, fact in enumerate(facts, start=1):
                previous = fact_hash(previous, STORE, position, 1, OBSERVED_AT, fact)
        return Sample(spent.seconds / len(facts) * 1_000_000, None, None, *spent.each(len(facts)))

    (ours,) = await interleave(rounds, hash_all)
    return judge(HASH_CHAIN, ours, [Sample(1_000_000 / hot.ours)])


async def append_all(appender: Appender, facts: Sequence[NewFact], *, writers: int, facts_a_call: int = 1) -> Sample:
    """Append `facts` from `writers` tasks, each awaiting its call before the next; return facts/s and latencies."""
    calls = iter([facts[start : start + facts_a_call] for start in range(0, len(facts), facts_a_call)])
    taken: list[float] = []

    async def write() -> None:
        for call in calls:
            started = time.perf_counter()
            results = await appender.append(STORE, call)
            taken.append(time.perf_counter() - started)
            assert all(type(result) is Appended for result in results), "every fact of a benchmark is new"

    with clocked() as spent:
        await asyncio.gather(*(write() for _ in range(writers)))
    return Sample(len(facts) / spent.seconds, *latencies(taken), *spent.each(len(facts)))
