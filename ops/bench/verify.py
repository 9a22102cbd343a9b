"""Verifying a ledger against reading and decoding the same pages."""

from collections.abc import AsyncIterator

from eventstore.verify import Whole, verify_ledger
from ops.bench.append import append_all
from ops.bench.measure import Goal, Measurement, Sample, interleave, judge
from ops.bench.payload import OrderBody, Orders
from ops.bench.spent import clocked
from ops.bench.stand import STORE, Stand

VERIFY = Goal(case="verify a ledger", unit="facts/s", ratio=0.60)

_CONNECTIONS = 4
_CALL_FACTS = 500


async def measure_verify(stand: Stand, rounds: int, facts: int = 50_000) -> AsyncIterator[Measurement]:
    """Measure the chain's walk over a ledger of `facts` facts."""
    async with stand.pair(_CONNECTIONS) as (ours, limits):
        orders = Orders().facts(facts)
        await append_all(ours.appender, orders, writers=_CONNECTIONS, facts_a_call=_CALL_FACTS)
        await limits.copy([order.body for order in orders])

        async def verify() -> Sample:
            with clocked() as spent:
                result = await verify_ledger(ours.reader, STORE)
            assert isinstance(result, Whole), result
            return Sample(result.facts / spent.seconds, None, None, *spent.each(result.facts))

        yield judge(VERIFY, *await interleave(rounds, verify, lambda: limits.read_pages(OrderBody)), facts=facts)
