"""The database's time as a row that only tests move."""

from datetime import datetime

import asyncpg

from tests.ledger import NOON

_CLOCK = """
CREATE TABLE test_clock (now timestamptz NOT NULL);
GRANT SELECT ON test_clock TO PUBLIC;
CREATE OR REPLACE FUNCTION jurnalsync_clock() RETURNS timestamptz LANGUAGE sql VOLATILE
AS $$ SELECT now FROM test_clock $$;
"""


async def stop_the_clock(migrator: "asyncpg.Connection[asyncpg.Record]", at: datetime = NOON) -> None:
    """Let the database's time be what a row says; only tests move it."""
    await migrator.execute(_CLOCK)
    await migrator.execute("INSERT INTO test_clock VALUES ($1)", at)


async def set_clock(migrator: "asyncpg.Connection[asyncpg.Record]", at: datetime) -> None:
    """Move the database's time."""
    await migrator.execute("UPDATE test_clock SET now = $1", at)
