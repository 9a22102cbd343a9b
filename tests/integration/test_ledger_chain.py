"""The ledger in the database: whole from the first fact to the head, and closed to every change."""

from uuid import uuid4

import asyncpg
import pytest

from eventstore.connection import Connection
from eventstore.errors import LedgerGap
from eventstore.store import LedgerReader, login_may_change_facts
from eventstore.verify import Broken, Whole, verify_ledger
from tests.ledger import OTHER_STORE, SERVICE_ROLE, STORE, appender_on, member, service_pool

REFUSED_TO_THE_SERVICE = {
    "update of a fact": "UPDATE facts SET body = ''",
    "removal of a fact": "DELETE FROM facts",
    "emptying of the facts": "TRUNCATE facts",
    "removal of a head": "DELETE FROM ledger_head",
    "emptying of the heads": "TRUNCATE ledger_head",
    "removal of a person's marker": "DELETE FROM person_key",
    "removal of a credential": "DELETE FROM credential",
    "disabling of the second lock": "ALTER TABLE facts DISABLE TRIGGER ALL",
    "a way around triggers": "SET session_replication_role = 'replica'",
    "a change through the view": "UPDATE facts_readable SET type = 'x'",
    "a table of its own": "CREATE TABLE notes (store_id text)",
    "a changed schema history": "UPDATE schema_migration SET checksum = ''",
}


async def as_superuser(connection: Connection, sql: str) -> None:
    """Run a statement as nobody may: with the triggers off."""
    async with connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = 'replica'")
        await connection.execute(sql)


@pytest.fixture
async def whole_ledger(database_url: str) -> None:
    """Append twelve facts in three batches, and one to another store."""
    async with service_pool(database_url) as pool:
        appender = appender_on(pool)
        for batch in range(3):
            await appender.append(STORE, [member(4 * batch + number) for number in range(4)])
        await appender.append(OTHER_STORE, [member(1)])


@pytest.mark.usefixtures("whole_ledger")
@pytest.mark.parametrize("refused", REFUSED_TO_THE_SERVICE)
async def test_the_service_role_may_add_facts_and_nothing_else(connection: Connection, refused: str) -> None:
    """The grants are the rule: insufficient privilege (42501), and nothing has changed."""
    await connection.execute(f"SET ROLE {SERVICE_ROLE}")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(REFUSED_TO_THE_SERVICE[refused])
    await connection.execute("RESET ROLE")
    assert await connection.fetchval("SELECT count(*) FROM facts") == 13


@pytest.mark.servers
@pytest.mark.usefixtures("whole_ledger")
@pytest.mark.parametrize("sql", ["UPDATE facts SET body = body", "DELETE FROM facts", "TRUNCATE facts"])
async def test_the_owner_cannot_change_facts_either(connection: Connection, sql: str) -> None:
    """The triggers are the second lock, against a mistake of whoever owns the schema."""
    with pytest.raises(asyncpg.RestrictViolationError, match="facts are append-only"):
        await connection.execute(sql)


@pytest.mark.servers
@pytest.mark.usefixtures("whole_ledger")
async def test_a_whole_ledger_verifies_from_the_first_fact_to_the_head(database_url: str) -> None:
    """The walk ends at the head's position and hash; each store has its own chain."""
    async with service_pool(database_url) as pool:
        reader = LedgerReader(pool)
        head = await reader.head(STORE)
        assert await verify_ledger(reader, STORE) == Whole(12, head.hash)
        other = await verify_ledger(reader, OTHER_STORE)
        assert isinstance(other, Whole)
        assert other.head_hash != head.hash


TAMPERED = {
    "body": "UPDATE facts SET body = set_byte(body, 3, 65) WHERE position = 7",
    "sealed": "UPDATE facts SET sealed = 'x' WHERE position = 7",
    "metadata": "UPDATE facts SET metadata = '{}' WHERE position = 7",
    "type": "UPDATE facts SET type = 'OrderReported' WHERE position = 7",
    "stream": "UPDATE facts SET stream_id = 'customer-x' WHERE position = 7",
    "version": "UPDATE facts SET stream_version = 2 WHERE position = 7",
    "schema": "UPDATE facts SET schema_version = 2 WHERE position = 7",
    "source": "UPDATE facts SET source_id = 'member:x' WHERE position = 7",
    "observed": "UPDATE facts SET observed_at = observed_at + interval '1 microsecond' WHERE position = 7",
    "recorded": "UPDATE facts SET recorded_at = recorded_at - interval '1 microsecond' WHERE position = 7",
    "hash": "UPDATE facts SET hash = set_byte(hash, 31, 1 - get_byte(hash, 31)) WHERE position = 7",
    "removed": "DELETE FROM facts WHERE position = 7",
    "moved": "UPDATE facts SET store_id = 'teh-tawar' WHERE store_id = 'kopi-nusantara' AND position = 7",
}


@pytest.mark.usefixtures("whole_ledger")
@pytest.mark.parametrize("change", TAMPERED)
async def test_any_change_behind_the_ledgers_back_is_found_at_its_place(
    database_url: str, connection: Connection, change: str
) -> None:
    """Whoever has the rights of a superuser can change a row, but not without being seen."""
    await as_superuser(connection, TAMPERED[change])
    async with service_pool(database_url) as pool:
        found = await verify_ledger(LedgerReader(pool), STORE)
    assert isinstance(found, Broken)
    assert found.position == 7


@pytest.mark.servers
@pytest.mark.usefixtures("whole_ledger")
async def test_a_cut_off_end_and_a_moved_head_are_found(database_url: str, connection: Connection) -> None:
    """Removing the last facts leaves the head ahead of them; setting the head back leaves its hash wrong."""
    await as_superuser(connection, "DELETE FROM facts WHERE position > 10")
    async with service_pool(database_url) as pool:
        reader = LedgerReader(pool)
        assert await verify_ledger(reader, STORE) == Broken(11, "the ledger ends here, but its head stands at 12")
        await connection.execute("UPDATE ledger_head SET position = 10 WHERE store_id = 'kopi-nusantara'")
        assert await verify_ledger(reader, STORE) == Broken(10, "the head's hash is not that of the last fact")


@pytest.mark.usefixtures("whole_ledger")
async def test_a_reader_that_meets_a_gap_raises_instead_of_going_on(database_url: str, connection: Connection) -> None:
    """A missing position is an alarm with both numbers, in the middle and right after the cursor."""
    await as_superuser(connection, "DELETE FROM facts WHERE position = 7")
    async with service_pool(database_url) as pool:
        reader = LedgerReader(pool)
        assert [fact.position for fact in await reader.read_after(STORE, 0, 6)] == [1, 2, 3, 4, 5, 6]
        for cursor in (0, 6):
            with pytest.raises(LedgerGap) as gap:
                await reader.read_after(STORE, cursor, 100)
            assert (gap.value.expected, gap.value.found) == (7, 8)


@pytest.mark.servers
@pytest.mark.usefixtures("whole_ledger")
async def test_people_read_the_same_facts_with_their_bodies_as_jsonb(connection: Connection) -> None:
    """The view shows bodies and metadata as JSON, and only the size of what is sealed."""
    await connection.execute(f"SET ROLE {SERVICE_ROLE}")
    row = await connection.fetchrow("SELECT * FROM facts_readable WHERE store_id = 'teh-tawar'")
    assert row is not None
    assert (row["body"], row["metadata"], row["sealed_bytes"]) == (
        '{"customer_id": "1"}', '{"channel": "webhook"}', 0,
    )  # fmt: skip


@pytest.mark.servers
async def test_a_login_that_could_change_facts_behind_its_role_is_known(direct_database_url: str) -> None:
    """An owner that only plays the service's role is told from a login that can be nothing else."""
    async with service_pool(direct_database_url) as pool:
        assert await login_may_change_facts(pool)
    owner = await asyncpg.connect(direct_database_url)
    login = f"login_{uuid4().hex[:12]}"
    await owner.execute(f"CREATE ROLE \"{login}\" LOGIN NOINHERIT PASSWORD 'made-up' IN ROLE jurnalsync_service")
    try:
        narrow = await asyncpg.create_pool(
            direct_database_url, user=login, password="made-up", min_size=1, max_size=1,
            server_settings={"role": "jurnalsync_service"},
        )  # fmt: skip
        assert narrow is not None
        assert not await login_may_change_facts(narrow)
        narrow.terminate()
    finally:
        await owner.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", login)
        await owner.execute(f'DROP ROLE "{login}"')
        await owner.close()
