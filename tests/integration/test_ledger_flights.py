"""Two batches in flight: what was decided on a batch that never landed is decided again."""

import asyncio
from functools import partial

from eventstore.clock import ManualClock
from eventstore.commit import CommitLimits
from eventstore.event import Appended, AppendResult
from eventstore.kept_connections import KeptConnections
from eventstore.store import LedgerReader
from eventstore.store_writer import StoreWriter
from tests.ledger import NOON, STORE, member, service_pool

Landed = dict[str, list[AppendResult] | BaseException]


async def test_a_duplicate_of_a_batch_that_failed_is_not_acknowledged_but_written(database_url: str) -> None:
    """The second batch repeats a fact of the first, which Postgres refuses whole: the fact is stored by the second."""
    async with service_pool(database_url) as pool:
        writer = StoreWriter(KeptConnections(pool), ManualClock(NOON), STORE, CommitLimits())
        landed: Landed = {}
        await writer.launch([member(0)], partial(landed.__setitem__, "known head"))
        unstorable = member(2, stream="customer-\0")
        first = writer.launch([member(1), unstorable], partial(landed.__setitem__, "first"))
        second = writer.launch([member(1)], partial(landed.__setitem__, "second"))
        await asyncio.gather(first, second)
        assert isinstance(landed["first"], Exception)
        assert landed["second"] == [Appended(2, 1)]
        facts = await LedgerReader(pool).read_after(STORE, 0, 10)
        assert [fact.source_id for fact in facts] == ["member:0", "member:1"]


async def test_a_duplicate_of_a_batch_in_flight_answers_only_after_that_batch(database_url: str) -> None:
    """The answer names the position that the batch in flight then really takes, and comes after it."""
    async with service_pool(database_url) as pool:
        writer = StoreWriter(KeptConnections(pool), ManualClock(NOON), STORE, CommitLimits())
        landed: Landed = {}
        await writer.launch([member(0)], partial(landed.__setitem__, "known head"))
        first = writer.launch([member(1)], partial(landed.__setitem__, "first"))
        second = writer.launch([member(1)], partial(landed.__setitem__, "second"))
        await asyncio.gather(first, second)
        assert list(landed) == ["known head", "first", "second"]
        assert [fact.position for fact in await LedgerReader(pool).read_after(STORE, 0, 10)] == [1, 2]
