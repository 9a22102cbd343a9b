"""Postgres recomputes the chain as Python does, finds every change by itself, and Python has the last word."""

import pytest

from eventstore.chain import GENESIS, recompute_hash
from eventstore.connection import Connection
from eventstore.store import LedgerReader
from eventstore.verify import Broken, Whole, verify_ledger
from tests.integration.odd_facts import odd_facts
from tests.integration.test_ledger_chain import TAMPERED, as_superuser
from tests.ledger import OTHER_STORE, STORE, appender_on, member, service_pool

# What Postgres can hold and no fact can: the last word on these is that they are no times.
NO_TIMES = ["infinity", "-infinity", "0044-03-15 BC", "10000-01-01"]


async def given_members(url: str, facts: int) -> None:
    """Append so many facts, and one of another store."""
    async with service_pool(url) as pool:
        appender = appender_on(pool)
        await appender.append(STORE, [member(number) for number in range(facts)])
        await appender.append(OTHER_STORE, [member(1)])


async def test_postgres_and_python_recompute_the_same_hashes_of_odd_facts(database_url: str) -> None:
    """Empty, large and multibyte parts, and the first and last times: nobody sees a break."""
    facts = odd_facts()
    async with service_pool(database_url) as pool:
        await appender_on(pool).append(STORE, facts)
        reader = LedgerReader(pool)
        assert await reader.recompute_range(STORE, 1, len(facts), GENESIS) == (len(facts), None)
        previous = GENESIS
        for fact in await reader.read_after(STORE, 0, len(facts)):
            assert fact.hash == recompute_hash(previous, fact)
            previous = fact.hash
        assert await verify_ledger(reader, STORE) == Whole(len(facts), previous)
        assert await reader.recompute_range(STORE, 4, 9, None) == (6, None)


@pytest.mark.parametrize("change", TAMPERED)
async def test_postgres_alone_finds_every_change(database_url: str, connection: Connection, change: str) -> None:
    """A column that its recomputation left out would be seen by nobody, since whole ranges are not read."""
    await given_members(database_url, 12)
    await as_superuser(connection, TAMPERED[change])
    async with service_pool(database_url) as pool:
        facts, first_break = await LedgerReader(pool).recompute_range(STORE, 1, 12, GENESIS)
    gone = change in ("removed", "moved")
    assert (facts, first_break) == ((11, 8) if gone else (12, 7))


@pytest.mark.parametrize("position", [1, 2, 3, 4, 5, 6, 9, 10])
@pytest.mark.parametrize(
    "sql", ["UPDATE facts SET sealed = 'x' WHERE position = $1", "DELETE FROM facts WHERE position = $1"]
)
async def test_a_break_is_found_at_either_side_of_a_border_of_ranges(
    database_url: str, connection: Connection, sql: str, position: int
) -> None:
    """Ranges of three positions: their first, middle and last ones, and the last of the ledger."""
    await given_members(database_url, 10)
    await as_superuser(connection, sql.replace("$1", str(position)))
    async with service_pool(database_url) as pool:
        found = await verify_ledger(LedgerReader(pool), STORE, range_facts=3)
    assert isinstance(found, Broken)
    assert found.position == position


async def test_a_whole_range_that_is_missing_is_found_at_its_first_position(
    database_url: str, connection: Connection
) -> None:
    """Nothing stands there that could be wrong."""
    await given_members(database_url, 10)
    await as_superuser(connection, "DELETE FROM facts WHERE position BETWEEN 4 AND 6")
    async with service_pool(database_url) as pool:
        found = await verify_ledger(LedgerReader(pool), STORE, range_facts=3)
    assert isinstance(found, Broken)
    assert found.position == 4


async def test_the_first_of_several_breaks_is_told(database_url: str, connection: Connection) -> None:
    """Ranges are verified side by side, and answered in their order."""
    await given_members(database_url, 40)
    await as_superuser(connection, "UPDATE facts SET sealed = 'x' WHERE position IN (8, 14, 33)")
    async with service_pool(database_url) as pool:
        found = await verify_ledger(LedgerReader(pool), STORE, range_facts=3)
    assert isinstance(found, Broken)
    assert found.position == 8


@pytest.mark.parametrize("column", ["observed_at", "recorded_at"])
@pytest.mark.parametrize("time", NO_TIMES)
async def test_a_time_that_no_fact_can_have_is_found_at_its_place(
    database_url: str, connection: Connection, column: str, time: str
) -> None:
    """Python has no such times: the fact is told by its position, not by a failed conversion."""
    await given_members(database_url, 12)
    await as_superuser(connection, f"UPDATE facts SET {column} = '{time}' WHERE position = 7")  # noqa: S608 - made up
    async with service_pool(database_url) as pool:
        found = await verify_ledger(LedgerReader(pool), STORE)
    assert found == Broken(7, "it holds a time outside of the years 1 to 9999, so it is not what was hashed")


async def test_a_fact_behind_the_head_is_found(database_url: str, connection: Connection) -> None:
    """Nobody appended it: it would become part of the ledger for every reader."""
    await given_members(database_url, 5)
    await connection.execute(
        "INSERT INTO facts SELECT store_id, 6, 'customer-x', 1, type, schema_version, 'member:x', observed_at,"
        " recorded_at, body, sealed, metadata, hash FROM facts WHERE position = 5"
    )
    async with service_pool(database_url) as pool:
        found = await verify_ledger(LedgerReader(pool), STORE)
    assert found == Broken(6, "the fact stands behind the head, so nobody appended it")


async def test_progress_goes_forward_to_the_end(database_url: str) -> None:
    """It is told range by range, in order."""
    await given_members(database_url, 10)
    told: list[tuple[int, int]] = []
    async with service_pool(database_url) as pool:
        await verify_ledger(
            LedgerReader(pool), STORE, range_facts=3, on_progress=lambda position, end: told.append((position, end))
        )
    assert told == [(3, 10), (6, 10), (9, 10), (10, 10)]
