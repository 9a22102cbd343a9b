"""The promise everything downstream stands on, and the store that breaks it."""

import asyncio

import pytest

from eventstore.connection import Connection
from eventstore.event import Appended
from eventstore.store import LedgerReader
from tests.integration.sequence_store import (
    SequenceReader,
    SequenceWriter,
    TransactionOrderReader,
    create_sequence_store,
)
from tests.ledger import STORE, appender_on, member, service_pool


async def until_blocked(connection: Connection, backends: int) -> None:
    """Wait until that many backends wait for a lock."""
    async with asyncio.timeout(10):
        while True:
            # The statistics of a transaction are one snapshot, taken anew only on demand.
            await connection.execute("SELECT pg_stat_clear_snapshot()")
            blocked = await connection.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if blocked >= backends:
                return
            await asyncio.sleep(0.01)


@pytest.mark.servers
async def test_a_reader_never_skips_a_late_commit(database_url: str, connection: Connection) -> None:
    """A reader that polls all the while sees every fact once and in order, whoever commits late.

    A third connection holds the head row, so both appenders have begun and neither can commit; whichever commits
    first takes the next position, and nobody can get behind a position that was read.
    """
    async with service_pool(database_url) as slow, service_pool(database_url) as fast:
        slow_appender, fast_appender = appender_on(slow), appender_on(fast)
        reader = LedgerReader(fast)
        await slow_appender.append(STORE, [member(0)])
        seen = [fact.source_id for fact in await reader.read_after(STORE, 0, 100)]

        async with connection.transaction():
            await connection.execute("SELECT 1 FROM ledger_head WHERE store_id = $1 FOR UPDATE", STORE)
            late = asyncio.create_task(slow_appender.append(STORE, [member(1)]))
            await until_blocked(connection, 1)
            quick = asyncio.create_task(fast_appender.append(STORE, [member(2)]))
            await until_blocked(connection, 2)
            seen += [fact.source_id for fact in await reader.read_after(STORE, len(seen), 100)]
            assert seen == ["member:0"]

        for finished in asyncio.as_completed([late, quick]):
            (result,) = await finished
            assert isinstance(result, Appended)
            seen += [fact.source_id for fact in await reader.read_after(STORE, len(seen), 100)]
        assert sorted(seen) == ["member:0", "member:1", "member:2"]
        assert seen == [fact.source_id for fact in await reader.read_after(STORE, 0, 100)]


async def test_a_store_with_a_sequence_loses_a_late_commit_in_the_same_play(
    database_url: str, connection: Connection
) -> None:
    """The broken variant: the late one has the lower position, and the reader has gone past it for good."""
    await create_sequence_store(connection)
    reader = SequenceReader(connection)
    late, quick = await SequenceWriter.begin(database_url), await SequenceWriter.begin(database_url)
    await late.append("member:1")
    await quick.append("member:2")
    await quick.commit()
    seen = await reader.read_new()
    await late.commit()
    seen += await reader.read_new()
    assert seen == ["member:2"], "a sequence gives out positions in another order than they commit"
    assert await connection.fetchval("SELECT count(*) FROM sequence_facts") == 2


async def test_a_store_read_in_the_order_of_transactions_loses_a_late_commit_in_the_same_play(
    database_url: str, connection: Connection
) -> None:
    """The other broken variant: the transaction that began first has the higher position, and that is the checkpoint.

    Its reader never goes past an open transaction, so it sees all that is committed in one order for good; but its
    checkpoint says a position only, and what comes after it in that order stands before it by position.
    """
    await create_sequence_store(connection)
    reader = TransactionOrderReader(connection, page_facts=1)
    late, quick = await SequenceWriter.begin(database_url), await SequenceWriter.begin(database_url)
    await late.touch_stream("customer-1")
    await quick.touch_stream("customer-2")
    await quick.append("member:2")
    await quick.commit()
    seen = await reader.read_new()
    assert seen == [], "what an open transaction may still come before is not read yet"
    await late.append("member:1")
    await late.commit()
    async with asyncio.timeout(10):
        while not seen:  # another database's vacuum may be an open transaction too, for a moment
            seen += await reader.read_new()
    seen += [*await reader.read_new(), *await reader.read_new()]
    assert seen == ["member:1"], "position 2 came first in the order of transactions, so position 1 is never read"
    assert await connection.fetchval("SELECT count(*) FROM sequence_facts") == 2


async def test_positions_are_in_the_order_of_commits_while_readers_race_writers(database_url: str) -> None:
    """Under load every read continues the last one: no gap, no repeat, nothing behind the cursor."""
    async with service_pool(database_url) as one, service_pool(database_url) as two:
        reader = LedgerReader(one)
        appenders = (appender_on(one), appender_on(two))
        writing = asyncio.gather(*(appenders[number % 2].append(STORE, [member(number)]) for number in range(300)))
        seen: list[str] = []
        while len(seen) < 300:
            seen += [fact.source_id for fact in await reader.read_after(STORE, len(seen), 40)]
        await writing
        assert len(set(seen)) == 300
        assert await reader.read_after(STORE, 300, 1) == []
