"""Importing a history, every hash recomputed, against COPY of the same bodies."""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from eventstore.history_export import export_history
from eventstore.history_import import import_history
from ops.bench.append import append_all
from ops.bench.measure import Goal, Measurement, Sample, interleave, judge
from ops.bench.payload import Orders
from ops.bench.spent import clocked
from ops.bench.stand import STORE, Stand

IMPORT = Goal(case="import of a history, every hash recomputed", unit="facts/s", ratio=0.80)

_CONNECTIONS = 4
_CALL_FACTS = 500


async def measure_import(stand: Stand, rounds: int, facts: int = 40_000) -> AsyncIterator[Measurement]:
    """Measure the import of `facts` facts into an empty ledger, a new one each round."""
    orders = Orders().facts(facts)
    bodies = [order.body for order in orders]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.jsonl"
        async with stand.ours(_CONNECTIONS) as filled:
            await append_all(filled.appender, orders, writers=_CONNECTIONS, facts_a_call=_CALL_FACTS)
            await export_history(filled.reader, STORE, path)

        async def import_all() -> Sample:
            async with stand.ours(_CONNECTIONS) as empty:
                with clocked() as spent:
                    imported = await import_history(empty.pool, path)
            assert imported.written == facts
            return Sample(facts / spent.seconds, None, None, *spent.each(facts))

        async with stand.limits(_CONNECTIONS) as limits:
            await limits.copy(bodies[:1_000])
            yield judge(IMPORT, *await interleave(rounds, import_all, lambda: limits.copy(bodies)), facts=facts)
