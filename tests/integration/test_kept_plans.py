"""The plans that are kept: made while every table is empty, and used when a ledger is long."""

from eventstore.statements import statement
from tests.ledger import STORE, open_test_pool

_MOVE_CURSOR = statement("projections", "move_cursor")
_LOOKED_UP = ("facts_pkey", "projection_cursor_pkey")


async def test_a_batch_finds_cursor_and_fact_by_their_whole_keys_although_its_plan_was_made_on_empty_tables(
    database_url: str,
) -> None:
    """No other index and no scan of a table is in the plan that the connections for writing keep."""
    pool = await open_test_pool(database_url, connections_max=1, plans="kept")
    try:
        async with pool.acquire() as connection:
            await connection.execute(f"PREPARE batch AS {_MOVE_CURSOR}")
            asked = f"EXECUTE batch ('{STORE}', 'sync_status', 1, 2, 1, 0, '\\x00')"
            plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {asked}"))
    finally:
        await pool.close()
    found = [line.split(" using ")[1].split()[0] for line in plan.splitlines() if " using " in line]
    assert sorted(found) == sorted(_LOOKED_UP), plan
    assert "Seq Scan" not in plan
    assert 'Index Cond: ((store_id = $1) AND ("position" >= $4))' in plan, plan
