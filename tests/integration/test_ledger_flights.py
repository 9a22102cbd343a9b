"""Two batches in flight: both go in at the same time, the second lands behind the first or not at all."""

import asyncio
from functools import partial

import asyncpg
import pytest

from eventstore.batch import Decided, decide_batch
from eventstore.clock import ManualClock
from eventstore.commit import CommitLimits
from eventstore.connection import Connection, Pool
from eventstore.event import Appended, Head
from eventstore.kept_connections import KeptConnections
from eventstore.statements import statement
from eventstore.store import LedgerReader
from eventstore.store_writer import StoreWriter
from eventstore.write import Miss, why_missed, write_decided
from tests.ledger import NOON, STORE, member, service_pool

Landed = dict[str, Decided | BaseException]


async def test_a_duplicate_of_a_batch_that_failed_is_not_acknowledged_but_written(database_url: str) -> None:
    """The second batch repeats a fact of the first, which Postgres refuses whole: the fact is stored by the second."""
    async with service_pool(database_url) as pool:
        writer = StoreWriter(KeptConnections(pool), ManualClock(NOON), STORE, CommitLimits())
        landed: Landed = {}
        await writer.fly([member(0)], partial(landed.__setitem__, "known head"))
        unstorable = member(2, stream="customer-\0")
        await asyncio.gather(
            writer.fly([member(1), unstorable], partial(landed.__setitem__, "first")),
            writer.fly([member(1)], partial(landed.__setitem__, "second")),
        )
        assert isinstance(landed["first"], Exception)
        assert isinstance(landed["second"], Decided)
        assert landed["second"].results == [Appended(2, 1)]
        facts = await LedgerReader(pool).read_after(STORE, 0, 10)
        assert [fact.source_id for fact in facts] == ["member:0", "member:1"]


async def test_a_duplicate_of_a_batch_in_flight_answers_only_after_that_batch(database_url: str) -> None:
    """The answer names the position that the batch in flight then really takes, and comes after it."""
    async with service_pool(database_url) as pool:
        writer = StoreWriter(KeptConnections(pool), ManualClock(NOON), STORE, CommitLimits())
        landed: Landed = {}
        await writer.fly([member(0)], partial(landed.__setitem__, "known head"))
        await asyncio.gather(
            writer.fly([member(1)], partial(landed.__setitem__, "first")),
            writer.fly([member(1)], partial(landed.__setitem__, "second")),
        )
        assert list(landed) == ["known head", "first", "second"]
        assert [fact.position for fact in await LedgerReader(pool).read_after(STORE, 0, 10)] == [1, 2]


def _batch(head: Head, first: int, facts: int) -> Decided:
    """Decide that many new facts behind a head."""
    return decide_batch(STORE, head, NOON, [member(first + number) for number in range(facts)], {}, {})


async def _waits_for(connection: Connection, watched: Connection) -> str:
    """Return what a backend waits for, once it waits for a lock."""
    pid = watched.get_server_pid()
    async with asyncio.timeout(10):
        while True:
            kind = await connection.fetchval("SELECT locktype FROM pg_locks WHERE pid = $1 AND NOT granted", pid)
            if kind is not None:
                return str(kind)
            await asyncio.sleep(0.01)


async def _write(connection: Connection, decided: Decided) -> Miss | None:
    """Write as the second of two flights; None is written."""
    try:
        await write_decided(connection, STORE, decided, follows=True)
    except asyncpg.PostgresError as error:
        miss = why_missed(error)
        assert miss is not None
        return miss
    return None


async def _head(pool: Pool) -> Head:
    return await LedgerReader(pool).head(STORE)


@pytest.mark.parametrize("commits", [True, False])
async def test_a_successor_goes_in_beside_its_predecessor_and_lands_behind_it_or_not_at_all(
    database_url: str, connection: Connection, *, commits: bool
) -> None:
    """While the first is not committed, the second has written its facts and waits for nothing but the first's end."""
    async with service_pool(database_url) as pool, pool.acquire() as one, pool.acquire() as two:
        first = _batch(await _head(pool), 0, 3)
        second = _batch(first.after, 3, 3)
        transaction = one.transaction()
        await transaction.start()
        await write_decided(one, STORE, first, follows=False)
        following = asyncio.create_task(_write(two, second))
        # Its own end is locked once its first fact is in, and the only lock it waits for is the predecessor's end.
        assert await _waits_for(connection, two) == "advisory"
        ends = await connection.fetchval(
            "SELECT count(*) FROM pg_locks WHERE pid = $1 AND locktype = 'advisory' AND mode = 'ExclusiveLock'",
            two.get_server_pid(),
        )
        assert ends == 1
        await (transaction.commit() if commits else transaction.rollback())
        assert await following == (None if commits else Miss.HEAD_MOVED)
        assert (await _head(pool)).position == (6 if commits else 0)
        assert len(await LedgerReader(pool).read_after(STORE, 0, 10)) == (6 if commits else 0)


async def test_a_writer_across_two_flights_of_another_process_waits_for_them_and_misses(
    database_url: str, connection: Connection
) -> None:
    """Another process's batch over the positions of both stops at the first of them: no circle, nothing of it stays."""
    async with (
        service_pool(database_url) as pool,
        pool.acquire() as one,
        pool.acquire() as two,
        pool.acquire() as other,
    ):
        head = await _head(pool)
        first, foreign = _batch(head, 0, 3), _batch(head, 100, 6)
        second = _batch(first.after, 3, 3)
        async with one.transaction():
            await write_decided(one, STORE, first, follows=False)
            following = asyncio.create_task(_write(two, second))
            assert await _waits_for(connection, two) == "advisory"
            crossing = asyncio.create_task(_write(other, foreign))
            assert await _waits_for(connection, other) == "transactionid"
        assert (await following, await crossing) == (None, Miss.HEAD_MOVED)
        stored = await LedgerReader(pool).read_after(STORE, 0, 10)
        assert [fact.source_id for fact in stored] == [f"member:{number}" for number in range(6)]


async def test_a_successor_gives_up_when_another_writer_holds_up_its_predecessor(
    database_url: str, connection: Connection
) -> None:
    """It holds positions that the other writer may come to, so to wait would be a circle."""
    async with (
        service_pool(database_url) as pool,
        pool.acquire() as one,
        pool.acquire() as two,
        pool.acquire() as other,
    ):
        head = await _head(pool)
        first = _batch(head, 0, 3)
        async with other.transaction():
            # Another process's batch, as far as its first fact.
            await other.execute(
                "INSERT INTO facts SELECT $1, 1, 's', 1, 'T', 1, 'x', now(), now(), '', '', '', $2", STORE, head.hash
            )
            held_up = asyncio.create_task(_write(one, first))
            assert await _waits_for(connection, one) == "transactionid"
            async with asyncio.timeout(5):
                assert await _write(two, _batch(first.after, 3, 3)) is Miss.HEAD_MOVED
            assert not held_up.done()
        assert await held_up is Miss.HEAD_MOVED


@pytest.mark.parametrize("facts", [1, 3])
@pytest.mark.parametrize("wrong", ["position", "hash"])
async def test_a_batch_decided_on_another_head_leaves_nothing(database_url: str, wrong: str, facts: int) -> None:
    """Neither a head that is ahead of the ledger's nor one of another history at the same position takes a fact."""
    async with service_pool(database_url) as pool, pool.acquire() as connection:
        head = await _head(pool)
        await write_decided(connection, STORE, _batch(head, 0, 2), follows=False)
        head = await _head(pool)
        elsewhere = Head(5, head.hash, NOON) if wrong == "position" else Head(2, b"x" * 32, NOON)
        with pytest.raises(asyncpg.NotNullViolationError) as missed:
            await write_decided(connection, STORE, _batch(elsewhere, 10, facts), follows=False)
        assert why_missed(missed.value) is Miss.HEAD_MOVED
        assert await _head(pool) == head
        assert len(await LedgerReader(pool).read_after(STORE, 0, 10)) == 2


async def test_a_writer_that_goes_alone_is_not_overtaken_by_those_that_come_later(
    database_url: str, connection: Connection
) -> None:
    """It waits for the append that has begun; one that begins afterwards waits behind it, so nobody starves."""
    async with (
        service_pool(database_url) as pool,
        pool.acquire() as one,
        pool.acquire() as two,
        pool.acquire() as three,
    ):
        begun = _batch(await _head(pool), 0, 1)
        async with one.transaction():
            await write_decided(one, STORE, begun, follows=False)

            async def alone() -> None:
                async with two.transaction():
                    await two.execute(statement("eventstore", "take_turn_alone"), STORE)
                    await write_decided(two, STORE, _batch(await _head(pool), 10, 1), follows=False)

            starved = asyncio.create_task(alone())
            assert await _waits_for(connection, two) == "advisory"
            late = asyncio.create_task(_write(three, _batch(begun.after, 20, 1)))
            assert await _waits_for(connection, three) == "advisory"
        await starved
        assert await late == Miss.HEAD_MOVED
        stored = await LedgerReader(pool).read_after(STORE, 0, 10)
        assert [fact.source_id for fact in stored] == ["member:0", "member:10"]


async def test_a_connection_is_kept_between_batches_and_given_back_soon_after(database_url: str) -> None:
    """A pool of one serves the appender and, a moment after its last batch, a reader."""
    async with service_pool(database_url, connections_max=1) as pool:
        connections = KeptConnections(pool)
        async with connections.one() as first:
            pass
        async with connections.one() as second:
            assert second is first
        async with asyncio.timeout(5):
            assert (await _head(pool)).position == 0


async def test_a_connection_goes_back_although_batches_follow_each_other(database_url: str) -> None:
    """Whoever waits at the pool gets it, however busy the appender is."""
    async with service_pool(database_url, connections_max=1) as pool:
        connections = KeptConnections(pool)

        async def use_without_end() -> None:
            while True:
                async with connections.one():
                    await asyncio.sleep(0)

        busy = asyncio.create_task(use_without_end())
        async with connections.one():
            pass
        async with asyncio.timeout(5):
            assert (await _head(pool)).position == 0
        busy.cancel()
        await asyncio.wait([busy])


async def test_a_connection_that_died_while_it_was_kept_is_not_used_again(
    database_url: str, connection: Connection
) -> None:
    """The next batch gets a living one."""
    async with service_pool(database_url) as pool:
        connections = KeptConnections(pool, kept_seconds=60)
        async with connections.one() as first:
            pid = first.get_server_pid()
        await connection.fetchval("SELECT pg_terminate_backend($1, 5000)", pid)
        # What the server said last is read by the loop in its next turns.
        await asyncio.sleep(0.01)
        async with connections.one() as second:
            assert second.get_server_pid() != pid


async def test_what_gives_a_kept_connection_back_is_a_task_from_the_start(database_url: str) -> None:
    """A loop that ends cancels it; a timer would start it in the loop's last turn, and nobody would await it."""
    async with service_pool(database_url) as pool:
        before = asyncio.all_tasks()
        async with KeptConnections(pool).one():
            pass
        (returning,) = asyncio.all_tasks() - before
        async with asyncio.timeout(5):
            await returning
