"""`jurnalsync verify`: whole, or broken at a position."""

from pathlib import Path

import asyncpg
import pytest

from eventstore.errors import LedgerNotFound
from eventstore.store import LedgerReader
from eventstore.verify import Broken, verify_ledger
from tests.integration.command_line import environment, jurnalsync
from tests.ledger import OTHER_STORE, STORE, appender_on, member, service_pool

__all__ = ["environment"]  # the fixture


async def given_facts(database_url: str, facts: int) -> None:
    """Append facts to a store."""
    async with service_pool(database_url) as pool:
        await appender_on(pool).append(STORE, [member(number) for number in range(1, facts + 1)])


async def tamper(connection: "asyncpg.Connection[asyncpg.Record]", statement: str) -> None:
    """Change the ledger as only a superuser can: with its triggers off."""
    await connection.execute("SET session_replication_role = replica")
    await connection.execute(statement)
    await connection.execute("SET session_replication_role = origin")


async def test_a_whole_ledger_is_said_to_be_whole_and_ends_well(environment: dict[str, str], database_url: str) -> None:
    """One line a store, with its facts and its head; exit code 0."""
    await given_facts(database_url, 5)
    ended = await jurnalsync("verify", **environment)
    assert ended.code == 0
    assert ended.out.splitlines()[0].startswith(f"{STORE}: 5 facts, chain whole, ")
    assert ended.out.splitlines()[1].startswith(f"{OTHER_STORE}: 0 facts, chain whole, ")


async def test_a_changed_fact_is_found_at_its_position_and_ends_in_code_1(
    environment: dict[str, str], database_url: str, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """Whoever can turn triggers off cannot turn the chain off."""
    await given_facts(database_url, 5)
    await tamper(connection, """UPDATE facts SET body = '{"customer_id":"x"}' WHERE position = 3""")
    ended = await jurnalsync("verify", "--store", STORE, **environment)
    assert ended.code == 1
    assert ended.out.startswith(f"{STORE}: BROKEN at position 3: ")
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("statement", "position"),
    [
        ("UPDATE facts SET recorded_at = recorded_at + interval '1 second' WHERE position = 2", 2),
        ("UPDATE facts SET sealed = 'x' WHERE position = 4", 4),
        ("UPDATE facts SET stream_id = 'customer-9' WHERE position = 1", 1),
        ("DELETE FROM facts WHERE position = 3", 3),
        ("DELETE FROM facts WHERE position = 5", 5),
        ("UPDATE ledger_head SET hash = decode(repeat('00', 32), 'hex') WHERE position = 5", 5),
    ],
)
async def test_whatever_is_changed_is_found_where_it_was_changed(
    database_url: str, connection: "asyncpg.Connection[asyncpg.Record]", statement: str, position: int
) -> None:
    """Header, sealed part, body, a missing fact, a cut-off end, another head."""
    await given_facts(database_url, 5)
    await tamper(connection, statement)
    async with service_pool(database_url) as pool:
        found = await verify_ledger(LedgerReader(pool), STORE)
    assert isinstance(found, Broken)
    assert found.position == position


async def test_one_broken_store_does_not_hide_the_others(
    environment: dict[str, str], database_url: str, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """All stores are told, and the whole is not whole."""
    await given_facts(database_url, 2)
    await tamper(connection, "UPDATE facts SET body = '{}' WHERE position = 1")
    ended = await jurnalsync("verify", **environment)
    assert ended.code == 1
    told = ended.out.splitlines()
    assert [line.split(":")[0] for line in told] == [STORE, OTHER_STORE]
    assert ["BROKEN" in line for line in told] == [True, False]


async def test_a_range_that_the_ledger_does_not_have_is_not_called_broken(
    environment: dict[str, str], database_url: str
) -> None:
    """It is not called whole either: an auditor mistyped, and nobody tampered with anything."""
    await given_facts(database_url, 5)
    beyond = await jurnalsync("verify", "--store", STORE, "--from", "9", **environment)
    assert (beyond.code, beyond.out) == (
        1,
        f"{STORE}: its ledger ends at position 5; there is nothing to verify from 9 on\n",
    )
    backwards = await jurnalsync("verify", "--from", "4", "--to", "2", **environment)
    assert (backwards.code, backwards.out) == (2, "")
    assert "--to is before --from" in backwards.err
    assert (await jurnalsync("verify", "--store", STORE, "--from", "5", **environment)).code == 0


async def test_a_store_that_has_no_ledger_is_named_in_words(
    environment: dict[str, str], database_url: str, tmp_path: Path
) -> None:
    """Exit code 1 and one sentence."""
    del tmp_path
    ended = await jurnalsync("verify", "--store", "nobody", **environment)
    assert ended.code == 1
    assert "store 'nobody' has no ledger" in ended.err
    assert "Traceback" not in ended.err
    async with service_pool(database_url) as pool:
        with pytest.raises(LedgerNotFound):
            await verify_ledger(LedgerReader(pool), "nobody")
