"""Rebuilding a projection in its shadow and swapping it in, against reading and decoding the same pages."""

from collections.abc import AsyncIterator

import msgspec

from eventstore.connection import open_pool
from eventstore.event import NewFact
from ops.bench.append import append_all
from ops.bench.measure import Goal, Measurement, Sample, interleave, judge
from ops.bench.payload import LookUpBody, LookUps
from ops.bench.spent import clocked
from ops.bench.stand import SERVICE_ROLE, STORE, Ours, Stand
from projections.catalogue import CATALOGUE
from projections.rebuild import SHADOW_SEARCH_PATH, Rebuilder
from projections.runner import Runner

ONE_ROW_A_STREAM = Goal(case="rebuild of master_data, one row a stream", unit="facts/s", ratio=0.40)
AGGREGATE = Goal(case="rebuild of master_data, many facts a row", unit="facts/s", ratio=0.60)

_CONNECTIONS = 2
_CALL_FACTS = 500
_FOLD_FACTS_MAX = 5_000
_PROJECTION = CATALOGUE["master_data"]


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """Facts in the ledger, and the different things they look up in the case of many facts a row."""

    facts: int = 40_000
    things: int = 200


async def measure_rebuild(stand: Stand, rounds: int, sizes: Sizes | None = None) -> AsyncIterator[Measurement]:
    """Measure a projection with a row a stream, and the same with few rows."""
    sizes = sizes or Sizes()
    yield await _rebuild(stand, rounds, ONE_ROW_A_STREAM, LookUps().facts(sizes.facts))
    yield await _rebuild(stand, rounds, AGGREGATE, LookUps(sizes.things).facts(sizes.facts))


async def _rebuild(stand: Stand, rounds: int, goal: Goal, facts: list[NewFact]) -> Measurement:
    async with stand.pair(_CONNECTIONS) as (ours, limits):
        await append_all(ours.appender, facts, writers=_CONNECTIONS, facts_a_call=_CALL_FACTS)
        await limits.copy([fact.body for fact in facts])
        await _fold_live(ours)
        shadow = await open_pool(
            ours.url, role=SERVICE_ROLE, connections_max=_CONNECTIONS, search_path=SHADOW_SEARCH_PATH
        )
        rebuilder = Rebuilder(ours.pool, shadow, ours.reader)

        async def rebuild() -> Sample:
            with clocked() as spent:
                folded = await rebuilder.fold(STORE, _PROJECTION, lambda _position, _end: None)
                rebuilt = await rebuilder.swap(STORE, _PROJECTION)
            assert folded == len(facts)
            assert rebuilt.swapped
            assert not rebuilt.differences
            return Sample(folded / spent.seconds, None, None, *spent.each(folded))

        try:
            return judge(
                goal, *await interleave(rounds, rebuild, lambda: limits.read_pages(LookUpBody)), facts=len(facts)
            )
        finally:
            await shadow.close()


async def _fold_live(ours: Ours) -> None:
    """Fold as the service does, so that there is something to rebuild."""
    runner = Runner(ours.pool, ours.reader)
    while (folded := await runner.step(STORE, _PROJECTION, epoch=1, facts_max=_FOLD_FACTS_MAX)).facts:
        assert not folded.stalls, folded.stalls
