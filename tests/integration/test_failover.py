"""Another server takes over: what is acknowledged is there, or the process says that it is not."""

import asyncio

import asyncpg
import pytest

from eventstore.appender import Appender
from eventstore.chain import GENESIS
from eventstore.clock import SystemClock
from eventstore.connection import Connection
from eventstore.errors import LedgerBehind
from eventstore.event import Appended, Duplicate
from eventstore.keyring import Keyring
from eventstore.store import LedgerReader
from eventstore.verify import Whole, verify_ledger
from ops.sandbox.embedded_postgres import EmbeddedPostgres
from projections.catalogue import CATALOGUE
from service.migrate import migrate_all
from tests.integration.iseller_room import as_body, open_room, order
from tests.integration.test_followers import folded_position, process_on
from tests.integration.test_ledger_chain import as_superuser
from tests.integration.test_ledger_faults import LIMITS, Load, stored_once
from tests.integration.test_webhooks import open_door
from tests.ledger import MASTER, NOON, STORE, member, positions, service_pool
from tests.proxy import PostgresProxy, socket_of
from tests.standby import SYNCHRONOUS, copied, promote


async def test_every_acknowledged_append_is_stored_once_after_a_failover_to_a_synchronous_standby() -> None:
    """The first server dies under load, the standby answers at its address, is promoted, and the appends go on."""
    with EmbeddedPostgres.start(durable=False, settings=SYNCHRONOUS) as first:
        await migrate_all(first.url())
        with copied(first, follows=True) as standby:
            await _wait_for_the_standby(first)
            async with PostgresProxy(first.url()) as proxy, service_pool(proxy.url) as pool:
                load = Load(Appender(pool, SystemClock(), LIMITS), 400)
                await load.wait_for_more(100)
                first.crash()
                proxy.lead_to(socket_of(standby))
                await _until_refused_by(standby)
                promote(standby)
                assert not load.done.done()
                await load.done
                assert len(load.acknowledged) == 400
                await stored_once(pool, load.acknowledged)


async def _wait_for_the_standby(first: EmbeddedPostgres) -> None:
    """Let commits wait for the standby from now on, and see that it takes part."""
    connection = await asyncpg.connect(first.url())
    await connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
    await connection.execute("SELECT pg_reload_conf()")
    async with asyncio.timeout(10):
        while True:
            if await connection.fetchval("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == 1:
                break
            await asyncio.sleep(0.01)
    await connection.close()


async def _until_refused_by(standby: EmbeddedPostgres) -> None:
    """Wait until the appender has met the server while it still refuses to write."""
    async with asyncio.timeout(10):
        while True:
            if standby.log.read_text().count("read-only transaction") >= 5:
                return
            await asyncio.sleep(0.01)


async def test_a_database_that_lost_acknowledged_facts_is_told_once_and_gets_no_gap_and_no_false_duplicate() -> None:
    """An older copy takes over: nothing is written on what it lacks, nothing it lacks is called a duplicate."""
    with EmbeddedPostgres.start(durable=False) as first:
        await migrate_all(first.url())
        async with PostgresProxy(first.url()) as proxy, service_pool(proxy.url) as pool:
            told: list[tuple[str, int]] = []
            appender = Appender(
                pool, SystemClock(), LIMITS, on_failure=lambda error, facts: told.append((type(error).__name__, facts))
            )
            await appender.append(STORE, [member(number) for number in range(5)])
            with copied(first, follows=False) as older:
                await appender.append(STORE, [member(number) for number in range(5, 9)])
                proxy.lead_to(socket_of(older))
                with pytest.raises(LedgerBehind, match=r"ends at position 5 and lacks what was acknowledged at 9"):
                    await appender.append(STORE, [member(8)])
                assert told == [("LedgerBehind", 1)]
                assert await appender.append(STORE, [member(8), member(4)]) == [Appended(6, 1), Duplicate(5, 1)]
                assert positions(await appender.append(STORE, [member(7), member(9)])) == [7, 8]
                assert isinstance(await verify_ledger(LedgerReader(pool), STORE), Whole)
                assert len(told) == 1


async def test_what_waits_for_a_database_that_lost_facts_is_refused_with_it(
    database_url: str, connection: Connection
) -> None:
    """It may be sealed with keys that were lost as well; made anew, it is sealed with keys that are there."""
    async with service_pool(database_url) as pool:
        keyring = Keyring(pool, MASTER)
        appender = Appender(pool, SystemClock(), LIMITS, on_failure=lambda _error, _facts: keyring.forget())
        mark = keyring.mark(STORE, "customer:1")
        lost = await keyring.data_keys(STORE, [mark], made_at=NOON)
        await appender.append(STORE, [member(1)])
        await lose_all_but(connection, GENESIS, 0)
        await as_superuser(connection, "DELETE FROM person_key")
        answers = await asyncio.gather(
            *(appender.append(STORE, [member(number)]) for number in range(2, 40)), return_exceptions=True
        )
        assert {type(answer) for answer in answers} == {LedgerBehind}
        made = await keyring.data_keys(STORE, [mark], made_at=NOON)
        assert made != lost
        assert made == await keyring.known_keys(STORE, [mark])
        assert positions(await appender.append(STORE, [member(2)])) == [1]
        stored = await LedgerReader(pool).read_after(STORE, 0, 100)
        assert [fact.source_id for fact in stored] == ["member:2"]


@pytest.mark.parametrize("written_over", [4, 5])
async def test_a_loss_that_another_process_wrote_over_is_told_and_not_folded_from_memory(
    database_url: str, connection: Connection, written_over: int
) -> None:
    """The four positions are there again, with other facts up to them or beyond: what was acknowledged is missing."""
    async with process_on(database_url, look_seconds=0) as process:
        await process.appender.append(STORE, [member(number) for number in range(1, 6)])
        await process.until_folded(5)
        await process.appender.append(STORE, [member(number) for number in range(6, 10)])
        fifth = await LedgerReader(process.pool).read_one(STORE, 5)
        assert fifth is not None
        await lose_all_but(connection, fifth.hash, 5)
        other = Appender(process.pool, SystemClock(), LIMITS)
        await other.append(STORE, [member(number) for number in range(50, 50 + written_over)])
        assert (await process.followers.step()).facts == written_over * len(CATALOGUE)
        with pytest.raises(LedgerBehind):
            await process.appender.append(STORE, [member(30)])
        assert positions(await process.appender.append(STORE, [member(30)])) == [6 + written_over]


async def test_what_was_lost_is_not_folded_from_memory(database_url: str, connection: Connection) -> None:
    """The cursor stays behind the ledger's end, and what comes in the place of the lost facts is folded."""
    async with process_on(database_url, look_seconds=0) as process:
        await process.appender.append(STORE, [member(number) for number in range(1, 6)])
        await process.until_folded(5)
        await process.appender.append(STORE, [member(number) for number in range(6, 10)])
        fifth = await LedgerReader(process.pool).read_one(STORE, 5)
        assert fifth is not None
        await lose_all_but(connection, fifth.hash, 5)
        await process.followers.step()
        assert await folded_position(process.pool) == 5
        with pytest.raises(LedgerBehind):
            await process.appender.append(STORE, [member(20)])
        await process.appender.append(STORE, [member(number) for number in range(20, 26)])
        assert (await process.followers.step()).facts == 6 * len(CATALOGUE)


async def lose_all_but(connection: Connection, end: bytes, position: int) -> None:
    """Set the database back to where its chain ended with that hash, as an older copy would be."""
    await as_superuser(connection, f"DELETE FROM facts WHERE position > {position:d}")  # noqa: S608 - a number
    await connection.execute("UPDATE ledger_head SET position = $1, hash = $2", position, end)


async def test_a_webhook_that_meets_a_loss_is_asked_to_come_again(database_url: str, connection: Connection) -> None:
    """Nothing is acknowledged on top of what is missing; the repeat is taken."""
    async with open_room(database_url) as room, open_door(room) as door:
        for number in range(3):
            assert (await door.send("order", as_body(order(order_id=f"order-{number}")))).status == 200
        (kept, *_) = await room.facts()
        await lose_all_but(connection, kept.hash, 1)
        lost = as_body(order(order_id="order-2"))
        refused = await door.send("order", lost)
        assert (refused.status, refused.retry_after) == (503, "2")
        assert (await door.send("order", lost)).document["position"] == 2
