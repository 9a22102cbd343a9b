"""Migrations: forward only, safe to repeat, to interrupt and to race, and refused where the past was changed."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

import service.migrate
from eventstore.errors import MigrationError
from eventstore.migrate import apply_migrations, load_migrations, pending_migrations
from service.migrate import PACKAGES, migrate_all
from tests.ledger import SERVICE_ROLE

ROOT = Path(__file__).resolve().parents[2]
ASLEEP = """
SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'
"""
PACKAGE = "migrations_under_test"
GRANTS = """
SELECT c.relname, string_agg(DISTINCT a.privilege_type, ' ' ORDER BY a.privilege_type) AS granted
FROM pg_class c, aclexplode(c.relacl) a
WHERE c.relnamespace = 'public'::regnamespace AND a.grantee = $1::regrole
GROUP BY c.relname
"""
READ_ONLY = {
    "facts_readable",
    "sync_list",
    "command_shown",
    "command_in_turn",
    "company_saving",
    "schema_migration",
    "archive",
    "archived_fact",
}
ADD_ONLY = {"facts"}
# What is folded may be replaced by a rebuild; a stall ends, a place in a quota is given back. Nothing else loses rows.
MAY_DELETE = {
    "stalled_stream", "quota_hold", "projection_state", "command", "sync_record", "invoice_payment", "in_transit_stock",
    "master_data", "iseller_product", "store_setting", "clearing_day", "difference",
}  # fmt: skip


@pytest.fixture
async def empty(direct_empty_database_url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Connect to a database with nothing in it."""
    connection = await asyncpg.connect(direct_empty_database_url)
    yield connection
    await connection.close()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give the migrations folder of a package made for one test."""
    home = tmp_path / PACKAGE
    folder = home / "migrations"
    folder.mkdir(parents=True)
    home.joinpath("__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    folder.joinpath("0001_first.sql").write_text("CREATE TABLE first (n int); GRANT SELECT ON first TO :service_role;")
    yield folder
    sys.modules.pop(PACKAGE, None)


async def _apply(connection: "asyncpg.Connection[asyncpg.Record]") -> list[str]:
    return await apply_migrations(connection, [PACKAGE], service_role=SERVICE_ROLE)


async def _tables(connection: "asyncpg.Connection[asyncpg.Record]") -> set[str]:
    rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return {row["tablename"] for row in rows}


@pytest.mark.servers
async def test_an_empty_database_becomes_this_release_and_a_second_run_changes_nothing(
    empty: "asyncpg.Connection[asyncpg.Record]", empty_database_url: str
) -> None:
    """Every migration is applied once, in order; nothing is pending afterwards."""
    applied = await migrate_all(empty_database_url)
    assert applied == [f"{package}/{m.name}" for package in PACKAGES for m in load_migrations(package)]
    assert await migrate_all(empty_database_url) == []
    assert await pending_migrations(empty, PACKAGES) == []


async def test_an_empty_database_lacks_every_migration(empty: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Asking changes nothing, not even the history's own table."""
    assert len(await pending_migrations(empty, PACKAGES)) == sum(len(load_migrations(name)) for name in PACKAGES)
    assert await _tables(empty) == set()


@pytest.mark.servers
async def test_the_service_role_has_the_declared_grants_and_no_more(
    connection: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    """Facts can be read and added; views be read; operational rows be changed; what is folded be replaced."""
    granted = {row["relname"]: set(row["granted"].split()) for row in await connection.fetch(GRANTS, SERVICE_ROLE)}
    assert set(granted) == await _tables(connection) | READ_ONLY
    for name, privileges in granted.items():
        expected = {"SELECT"}
        if name not in READ_ONLY:
            expected |= {"INSERT"} if name in ADD_ONLY else {"INSERT", "UPDATE"}
        assert privileges == (expected | {"DELETE"} if name in MAY_DELETE else expected), name
    login = await connection.fetchrow("SELECT rolcanlogin, rolsuper, rolcreaterole FROM pg_roles WHERE rolname = $1",
                                      SERVICE_ROLE)  # fmt: skip
    assert tuple(login or ()) == (False, False, False)


async def test_a_changed_file_is_refused(empty: "asyncpg.Connection[asyncpg.Record]", package: Path) -> None:
    """History is not rewritten: what was applied must stand as it was."""
    assert await _apply(empty) == [f"{PACKAGE}/0001_first.sql"]
    package.joinpath("0001_first.sql").write_text("CREATE TABLE first (n bigint);")
    with pytest.raises(MigrationError, match=r"0001_first\.sql was applied with other contents"):
        await _apply(empty)


async def test_a_database_ahead_of_the_release_is_refused(
    empty: "asyncpg.Connection[asyncpg.Record]", package: Path
) -> None:
    """An older release neither runs on nor migrates what a newer one made."""
    second = package.joinpath("0002_second.sql")
    second.write_text("CREATE TABLE second (n int)")
    await _apply(empty)
    second.unlink()
    for attempt in (_apply(empty), pending_migrations(empty, [PACKAGE])):
        with pytest.raises(MigrationError, match="migration 2, unknown to this release"):
            await attempt


@pytest.mark.servers
async def test_a_migration_that_breaks_halfway_leaves_nothing_of_itself(
    empty: "asyncpg.Connection[asyncpg.Record]", package: Path
) -> None:
    """Its first statements are undone, those before it stand, and the mended file is applied."""
    broken = package.joinpath("0002_second.sql")
    broken.write_text("CREATE TABLE second (n int); SELECT 1 / 0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await _apply(empty)
    assert await _tables(empty) == {"schema_migration", "first"}
    assert await pending_migrations(empty, [PACKAGE]) == [f"{PACKAGE}/0002_second.sql"]
    broken.write_text("CREATE TABLE second (n int)")
    assert await _apply(empty) == [f"{PACKAGE}/0002_second.sql"]


async def test_a_killed_migrator_leaves_nothing_half_and_the_next_one_goes_on(
    empty: "asyncpg.Connection[asyncpg.Record]", empty_database_url: str, package: Path
) -> None:
    """Its connection is ended in the middle of a file."""
    package.joinpath("0002_second.sql").write_text("CREATE TABLE second (n int); SELECT pg_sleep(60);")
    doomed = await asyncpg.connect(empty_database_url)
    pid = doomed.get_server_pid()
    migration = asyncio.create_task(_apply(doomed))
    await _until_asleep(empty)
    await empty.execute("SELECT pg_terminate_backend($1)", pid)
    (ended,) = await asyncio.gather(migration, return_exceptions=True)
    assert isinstance(ended, Exception)
    assert await _tables(empty) == {"schema_migration", "first"}
    package.joinpath("0002_second.sql").write_text("CREATE TABLE second (n int)")
    assert await _apply(empty) == [f"{PACKAGE}/0002_second.sql"]


async def _until_asleep(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Wait until a migration is in the middle of its file."""
    async with asyncio.timeout(20):
        while True:
            if await connection.fetchval(ASLEEP):
                return
            await asyncio.sleep(0.01)


@pytest.mark.servers
async def test_a_migrator_killed_by_the_system_holds_nobody_up(
    empty: "asyncpg.Connection[asyncpg.Record]", empty_database_url: str, package: Path
) -> None:
    """SIGKILL in the middle of a file: its transaction ends with it, and the next run goes on at once."""
    package.joinpath("0002_second.sql").write_text("CREATE TABLE second (n int); SELECT pg_sleep(60);")
    migrate = f"asyncio.run(migrate_all({empty_database_url!r}, packages=[{PACKAGE!r}]))"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", f"import asyncio; from service.migrate import migrate_all; {migrate}",
        env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}:{package.parents[1]}"},
    )  # fmt: skip
    await _until_asleep(empty)
    process.kill()
    await process.wait()
    package.joinpath("0002_second.sql").write_text("CREATE TABLE second (n int)")
    async with asyncio.timeout(8):
        assert await migrate_all(empty_database_url, packages=[PACKAGE]) == [f"{PACKAGE}/0002_second.sql"]
    assert await _tables(empty) == {"schema_migration", "first", "second"}


async def test_a_lock_that_is_not_given_up_is_told_in_words(
    empty: "asyncpg.Connection[asyncpg.Record]", empty_database_url: str, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The migrator does not wait for ever behind a reader, nor let everybody wait behind itself."""
    monkeypatch.setitem(service.migrate.SETTINGS, "lock_timeout", "50ms")
    await migrate_all(empty_database_url, packages=[PACKAGE])
    package.joinpath("0002_second.sql").write_text("ALTER TABLE first ADD COLUMN m int")
    async with empty.transaction():
        await empty.fetch("SELECT * FROM first")
        with pytest.raises(MigrationError, match="run `jurnalsync migrate` again"):
            await migrate_all(empty_database_url, packages=[PACKAGE])
    assert await migrate_all(empty_database_url, packages=[PACKAGE]) == [f"{PACKAGE}/0002_second.sql"]


@pytest.mark.servers
async def test_two_migrators_at_once_apply_each_file_once(empty_database_url: str) -> None:
    """Replicas that start together do not trip over each other."""
    names = await asyncio.gather(*(migrate_all(empty_database_url) for _ in range(3)))
    assert sorted(name for applied in names for name in applied) == sorted(
        f"{package}/{m.name}" for package in PACKAGES for m in load_migrations(package)
    )


@pytest.mark.parametrize("name", ["0003_gap.sql", "second.sql", "0002-second.sql"])
async def test_a_gap_or_a_bad_name_is_refused(
    empty: "asyncpg.Connection[asyncpg.Record]", package: Path, name: str
) -> None:
    """Numbers run 0001, 0002, … and names say what a file does."""
    package.joinpath(name).write_text("SELECT 1")
    with pytest.raises(MigrationError):
        await _apply(empty)
    assert await _tables(empty) == {"schema_migration"}


async def test_a_role_that_is_no_plain_name_is_refused(empty: "asyncpg.Connection[asyncpg.Record]") -> None:
    """It is written into the grants as an identifier."""
    with pytest.raises(MigrationError, match="lower-case"):
        await apply_migrations(empty, PACKAGES, service_role='x"; DROP TABLE facts; --')
