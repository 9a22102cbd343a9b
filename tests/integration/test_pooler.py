"""Behind PgBouncer in transaction mode: nothing may rest in a session, and who does not say so is told at the start.

That the ledger, projections and migrations work through it is what the tests marked `servers` show.
"""

from contextlib import AsyncExitStack
from urllib.parse import urlsplit

import asyncpg
import pytest

from eventstore.connection import Connection, Pool, open_pool
from eventstore.errors import PoolerNotDeclared
from projections.rebuild import SHADOW_SEARCH_PATH
from tests.integration.command_line import environment, jurnalsync
from tests.ledger import SERVICE_ROLE, open_test_pool
from tests.servers import PGBOUNCER, POOLED_CONNECTIONS, Servers, pooled

__all__ = ["environment"]

pytestmark = pytest.mark.parametrize("server_kind", [PGBOUNCER], indirect=True)
SESSION = (
    "SELECT current_user::text AS role, current_setting('jit') AS jit, current_setting('plan_cache_mode') AS plans,"
    " current_setting('timezone') AS zone, current_setting('search_path') AS path, pg_backend_pid() AS pid"
)
EVERY_SETTING = "jit,plan_cache_mode,timezone,search_path,role"


async def _occupy_every_session(pool: Pool) -> None:
    """Hold as many transactions at once as the pooler has server connections, so that all of them are open."""
    async with AsyncExitStack() as stack:
        for _ in range(POOLED_CONNECTIONS):
            connection = await stack.enter_async_context(pool.acquire())
            await stack.enter_async_context(connection.transaction())


async def _sessions(connection: Connection | Pool) -> tuple[set[int], set[tuple[str, ...]]]:
    """Ask several times; return the server processes that answered, and the settings they had."""
    answers = [dict((await connection.fetch(SESSION))[0]) for _ in range(3 * POOLED_CONNECTIONS)]
    return {answer.pop("pid") for answer in answers}, {tuple(answer.values()) for answer in answers}


async def test_every_statement_has_its_settings_whatever_session_it_runs_in(database_url: str) -> None:
    """Role, plans, time zone and search path go with each transaction, and stay in no session behind it."""
    expected = (SERVICE_ROLE, "off", "force_custom_plan", "UTC", SHADOW_SEARCH_PATH)
    pool = await open_test_pool(database_url, search_path=SHADOW_SEARCH_PATH)
    await _occupy_every_session(pool)
    answering, settings = await _sessions(pool)
    assert settings == {expected}
    assert len(answering) == POOLED_CONNECTIONS
    with pytest.raises(asyncpg.UndefinedTableError):
        await pool.fetch("SELECT 1 FROM nowhere")
    pool.terminate()

    bare = await asyncpg.connect(database_url, statement_cache_size=0)
    async with bare.transaction():
        (left,) = (await _sessions(bare))[1]
    assert not {SERVICE_ROLE, "force_custom_plan", SHADOW_SEARCH_PATH} & set(left)
    await bare.close()


async def test_what_rests_in_a_session_is_lost_and_meets_others(database_url: str) -> None:
    """Why nothing may: a role set once acts on some statements only, and a prepared statement is not there again."""
    pool = await open_test_pool(database_url)
    await _occupy_every_session(pool)
    forgetful = await asyncpg.connect(database_url, statement_cache_size=0)
    await forgetful.execute(f"SET ROLE {SERVICE_ROLE}")
    assert {settings[0] for settings in (await _sessions(forgetful))[1]} == {SERVICE_ROLE, "postgres"}
    await forgetful.close()
    bare = await asyncpg.connect(database_url)
    with pytest.raises(asyncpg.InvalidSQLStatementNameError):
        await _sessions(bare)
    await bare.close()
    pool.terminate()


@pytest.mark.parametrize("ignored", ["", EVERY_SETTING])
async def test_a_pooler_that_nobody_declared_is_refused_with_the_setting_to_change(
    servers: Servers, server_kind: str, direct_database_url: str, ignored: str
) -> None:
    """Whether it refuses the settings of a session or drops them without a word."""
    with pooled(servers.direct(server_kind), ignored_settings=ignored) as pooler:
        url = pooler.url(urlsplit(direct_database_url).path.removeprefix("/"))
        with pytest.raises(PoolerNotDeclared, match="JURNALSYNC_STATEMENT_CACHE_SIZE=0"):
            await open_pool(url, role=SERVICE_ROLE, connections_max=1)


async def test_a_command_that_meets_an_undeclared_pooler_says_what_to_set(environment: dict[str, str]) -> None:
    """One sentence and exit code 1; with the setting it works."""
    refused = await jurnalsync("verify", **environment)
    assert (refused.code, refused.out) == (1, "")
    assert "set JURNALSYNC_STATEMENT_CACHE_SIZE=0" in refused.err
    assert "Traceback" not in refused.err
    assert (await jurnalsync("verify", **environment, JURNALSYNC_STATEMENT_CACHE_SIZE="0")).code == 0
    assert "up to date" in (await jurnalsync("migrate", **environment)).out


async def test_nothing_prepared_is_kept(database_url: str) -> None:
    """A statement object would outlive the transaction it was made in."""
    pool = await open_test_pool(database_url)
    async with pool.acquire() as connection:
        with pytest.raises(AssertionError, match="keeps no prepared statement"):
            await connection.prepare("SELECT 1")
    pool.terminate()
