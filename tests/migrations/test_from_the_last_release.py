"""A database with rows of the last release becomes one of this release, and its rows are read as they were."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

import eventstore.migrate
from eventstore.migrate import apply_migrations, load_migrations
from service.migrate import PACKAGES
from tests.ledger import SERVICE_ROLE

# How many migrations of each package the last release had.
LAST_RELEASE = {"eventstore": 2, "projections": 3, "service": 2}
ROWS_OF_THEN = """
INSERT INTO command (store_id, command_id, company_id, stream_id, record_id, lane, position, ordinal, kind, body, needs,
                     state, reason)
VALUES ('kopi', 'inv-1', 'c', 'order-1', 'sale-1', 'order-1', 3, 0, 'BookInvoice', '{}', '{}', 'refused', 'No stock'),
       ('kopi', 'inv-2', 'c', 'order-2', 'sale-2', 'order-2', 4, 0, 'BookInvoice', '{}', '{}', 'due', NULL);
INSERT INTO send (store_id, command_id, company_id, state, attempt, due_at)
VALUES ('kopi', 'inv-1', 'c', 'done', 1, now()), ('kopi', 'inv-2', 'c', 'unknown', 1, now());
INSERT INTO sync_record (store_id, record_id, kind, reference, state, position, updated)
VALUES ('kopi', 'sale-1', 'sale', '#1', 'booking', 3, 3), ('kopi', 'sale-2', 'sale', '#2', 'booking', 4, 4);
INSERT INTO invoice_payment (store_id, order_id, order_reference, transaction_no, transaction_date, due_date, total,
                             received, paid, status, updated)
VALUES ('kopi', '1', '#1', 'INV-1', '2026-11-20', '2026-12-20', 20000, 0, 0, 'NotBooked', 3),
       ('kopi', '2', '#2', 'INV-2', '2026-11-20', '2026-12-20', 20000, 20000, 20000, 'Paid', 4);
"""


@pytest.fixture
async def of_then(
    direct_empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Connect to a database of the last release that has rows."""
    connection = await asyncpg.connect(direct_empty_database_url)
    with monkeypatch.context() as then:
        then.setattr(eventstore.migrate, "load_migrations", lambda name: load_migrations(name)[: LAST_RELEASE[name]])
        await apply_migrations(connection, PACKAGES, service_role=SERVICE_ROLE)
    await connection.execute(ROWS_OF_THEN)
    yield connection
    await connection.close()


@pytest.mark.servers
async def test_a_database_of_the_last_release_becomes_this_one_and_keeps_its_rows(
    of_then: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    """Only what is new is applied; every row stands, and the list says of it what it said."""
    applied = await apply_migrations(of_then, PACKAGES, service_role=SERVICE_ROLE)
    assert applied == [f"{name}/{m.name}" for name in PACKAGES for m in load_migrations(name)[LAST_RELEASE[name] :]]
    shown = await of_then.fetch("SELECT record_id, status, reason FROM sync_list ORDER BY record_id")
    assert [tuple(row) for row in shown] == [("sale-1", "Failed", "No stock"), ("sale-2", "Processing", None)]
    owed = await of_then.fetch("SELECT transaction_no, paid, returned, status FROM invoice_payment ORDER BY 1")
    assert [tuple(row) for row in owed] == [("INV-1", 0, 0, "NotBooked"), ("INV-2", 20_000, 0, "Paid")]
    sends = await of_then.fetch("SELECT state, vouched, credit_before FROM send ORDER BY command_id")
    assert [tuple(row) for row in sends] == [("done", False, None), ("unknown", False, None)]
