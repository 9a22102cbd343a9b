"""How the queue is read where it is long: by keys and stretches of an index, also before a table was ever counted."""

import re
from datetime import UTC, datetime

from eventstore.connection import Connection
from eventstore.statements import statement
from projections.jurnal_commands.commands import KINDS
from projections.jurnal_commands.queue import ADOPTED_OF_MAX, FIRST
from tests.ledger import NOON, STORE
from tests.story import CONNECTION

COMPANY = CONNECTION.company_id
# Three of four are in Jurnal.
_MANY_COMMANDS = """
INSERT INTO command (store_id, command_id, company_id, stream_id, record_id, lane, position, ordinal, kind, body, needs,
                     state)
SELECT $1, 'c-' || n, $2, 's-' || n, 'r-' || n, 'l-' || n, n, 0, 'BookInvoice', '', '{}',
       CASE WHEN n % 4 = 0 THEN 'due' ELSE 'accepted' END
FROM generate_series(10000, 29999) n
"""


_THEIR_SENDS = """
INSERT INTO send (store_id, command_id, company_id, kind, state, attempt, due_at)
SELECT store_id, command_id, company_id, kind, 'due', 0, '2026-11-20' FROM command WHERE state = 'due'
ON CONFLICT DO NOTHING
"""


async def test_a_look_for_lost_rows_reads_no_more_than_its_stretch_of_an_index(connection: Connection) -> None:
    """However many commands there are: those in Jurnal are not in the index, and of those due a stretch is read."""
    await connection.execute(_MANY_COMMANDS, STORE, COMPANY)
    await connection.execute("ANALYZE command, send")
    await connection.execute(f"PREPARE adopt AS {statement('projections.jurnal_commands', 'adopt_lost_sends')}")
    looked = f"'{STORE}', '{COMPANY}', '{NOON}', '{NOON}', 'r-15000', '', 100"
    asked = f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) EXECUTE adopt ({looked})"
    plan = "\n".join(row[0] for row in await connection.fetch(asked))
    walk = plan[plan.index("CTE looked_at") :]
    assert re.search(r"Index Scan using command_unsettled on command \(actual rows=1\d\d(\.00)? ", walk), plan
    assert "Seq Scan on command" not in plan, plan


async def test_a_look_for_lost_rows_finds_the_others_by_their_keys(connection: Connection) -> None:
    """A stretch of commands, and the send of each: all sends are not read for it, however long the stretch is."""
    await connection.execute(_MANY_COMMANDS, STORE, COMPANY)
    await connection.execute(_THEIR_SENDS)
    await connection.execute("ANALYZE command, send")
    adopt = statement("projections.jurnal_commands", "adopt_lost_sends")
    asked = (STORE, COMPANY, NOON, NOON, *FIRST, ADOPTED_OF_MAX)
    plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN (COSTS OFF) {adopt}", *asked))
    assert "using send_pkey on send s" in plan, plan
    assert "Seq Scan on send" not in plan, plan


async def test_what_may_go_is_found_by_keys_before_a_table_was_ever_counted(connection: Connection) -> None:
    """As after an import: all due, and no statistics yet. What is looked at, and what it needs, is read by its key."""
    await connection.execute(_MANY_COMMANDS, STORE, COMPANY)
    await connection.execute(_THEIR_SENDS)
    ready = statement("projections.jurnal_commands", "ready_sends")
    kinds = list(KINDS)
    asked = (STORE, COMPANY, NOON, kinds, [datetime.min.replace(tzinfo=UTC)] * len(kinds), 500, [100] * len(kinds))
    explained = await connection.fetch(f"EXPLAIN (COSTS OFF) {ready}", *asked, None, [""] * len(kinds))
    plan = "\n".join(row[0] for row in explained)
    assert "Index Scan using command_pkey on command k\n" in plan, plan
    assert "Index Cond: ((store_id = k.store_id) AND (command_id = need.command_id))" in plan, plan
    assert "command_unsettled" not in plan, plan
    assert "Seq Scan" not in plan, plan
