"""A ledger that has grown: the cost of a fact stays flat, and the hot store keeps its pace."""

import time
from collections.abc import AsyncIterator
from statistics import median

import msgspec

from ops.bench.append import append_all
from ops.bench.measure import Goal, Measurement, Sample, interleave, judge
from ops.bench.payload import Orders
from ops.bench.stand import STORE, Stand

GROWN = Goal(case="append, 256 concurrent awaits, on a grown ledger", unit="facts/s", ratio=0.45)
# In costs of the limit at the same moment: a machine that slows down under checkpoints slows both.
FLAT = Goal(case="cost of a fact, last tenth of the growth to first", unit="limit costs", ratio=1.25, better="less")

_CONNECTIONS = 4
_HOT_AWAITS = 256
_CALL_FACTS = 500
_STEPS = 100


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """How far the ledger grows and how long it may take; facts of one round afterwards."""

    facts: int = 2_500_000
    seconds_max: float = 85
    hot_facts: int = 20_480
    limit_facts: int = 40_000
    limit_facts_a_step: int = 4_000


async def measure_grown(stand: Stand, rounds: int, sizes: Sizes | None = None) -> AsyncIterator[Measurement]:
    """Grow a ledger through the appender, then measure on it; the limit's table stays smaller.

    On a machine too slow for the whole growth it stops in time: `facts` says how far it came, and no goal is met.
    """
    sizes = sizes or Sizes()
    orders = Orders()
    async with stand.pair(_CONNECTIONS) as (ours, limits):
        costs = []
        began = time.perf_counter()
        for _ in range(_STEPS):
            sample = await append_all(
                ours.appender, orders.facts(sizes.facts // _STEPS), writers=_CONNECTIONS, facts_a_call=_CALL_FACTS
            )
            bound = await limits.insert_many(sizes.limit_facts_a_step // _CONNECTIONS)
            costs.append(Sample(bound.value / sample.value))
            if time.perf_counter() - began > sizes.seconds_max:
                break
        facts = (await ours.reader.head(STORE)).position
        tenth = max(1, len(costs) // 10)
        flat = judge(FLAT, [_middle(costs[-tenth:])], [_middle(costs[:tenth])], facts=facts)
        grown = judge(
            GROWN,
            *await interleave(
                rounds,
                lambda: append_all(ours.appender, orders.facts(sizes.hot_facts), writers=_HOT_AWAITS),
                lambda: limits.insert_many(sizes.limit_facts // _CONNECTIONS),
            ),
            facts=facts,
        )
    for measured in (flat, grown):
        yield msgspec.structs.replace(measured, met=measured.met and facts >= sizes.facts)


def _middle(samples: list[Sample]) -> Sample:
    return Sample(median(sample.value for sample in samples))
