"""Folding a ledger from its start into an empty read model, against reading and decoding the same pages."""

import time
from collections.abc import AsyncIterator

import msgspec

from eventstore.event import NewFact
from ops.bench.append import append_all
from ops.bench.measure import Goal, Measurement, Sample, interleave, judge
from ops.bench.payload import LookUpBody, LookUps
from ops.bench.stand import STORE, Ours, Stand, empty_read_models
from projections.catalogue import CATALOGUE
from projections.runner import Runner

ONE_ROW_A_STREAM = Goal(case="rebuild of master_data, one row a stream", unit="facts/s", ratio=0.40)
AGGREGATE = Goal(case="rebuild of master_data, many facts a row", unit="facts/s", ratio=0.60)

_CONNECTIONS = 4
_CALL_FACTS = 500
_FOLD_FACTS_MAX = 5_000
_PROJECTION = CATALOGUE["master_data"]


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """Facts in the ledger, and different things they look up in the aggregate's case."""

    facts: int = 30_000
    things: int = 200


async def measure_rebuild(stand: Stand, rounds: int, sizes: Sizes | None = None) -> AsyncIterator[Measurement]:
    """Measure a projection with a row a stream, and one with few rows."""
    sizes = sizes or Sizes()
    yield await _rebuild(stand, rounds, ONE_ROW_A_STREAM, LookUps().facts(sizes.facts))
    yield await _rebuild(stand, rounds, AGGREGATE, LookUps(sizes.things).facts(sizes.facts))


async def _rebuild(stand: Stand, rounds: int, goal: Goal, facts: list[NewFact]) -> Measurement:
    async with stand.pair(_CONNECTIONS) as (ours, limits):
        await append_all(ours.appender, facts, writers=_CONNECTIONS, facts_a_call=_CALL_FACTS)
        await limits.copy([fact.body for fact in facts])

        async def fold() -> Sample:
            await empty_read_models(ours)
            return await _fold(ours, len(facts))

        return judge(
            goal, *await interleave(rounds, fold, lambda: limits.read_pages(LookUpBody)), facts=len(facts)
        )


async def _fold(ours: Ours, facts: int) -> Sample:
    runner = Runner(ours.pool, ours.reader)
    position = 0
    started = time.perf_counter()
    while position < facts:
        folded = await runner.step(STORE, _PROJECTION, epoch=1, facts_max=_FOLD_FACTS_MAX)
        assert not folded.stalls, folded.stalls
        position = folded.position
    return Sample(facts / (time.perf_counter() - started))
