"""No room left on the database's disk: nothing acknowledged is lost, the error says so, and appends go on with room."""

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from secrets import token_bytes

import asyncpg
import msgspec
import pytest

from eventstore.appender import Appender, AppenderLimits
from eventstore.clock import SystemClock
from eventstore.connection import CONNECTION_ERRORS, Connection, Pool
from eventstore.event import NewFact
from eventstore.store import LedgerReader
from eventstore.verify import Whole, verify_ledger
from ops.sandbox.embedded_postgres import EmbeddedPostgres
from ops.sandbox.postgres_binaries import give, make_scratch, unprivileged_account
from service.migrate import migrate_all
from service.telemetry.metrics import Metrics
from tests.ledger import STORE, member, positions, service_pool

IMPATIENT = AppenderLimits(reconnect_wait_seconds=0.01, reconnect_attempts_max=3)
PATIENT = AppenderLimits(reconnect_wait_seconds=0.02, reconnect_attempts_max=1_000)
FULL = """
CREATE FUNCTION play_a_full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER full_disk BEFORE INSERT ON facts EXECUTE FUNCTION play_a_full_disk();
"""
REFUSED = "SELECT xact_rollback FROM pg_stat_database WHERE datname = current_database()"


class SmallDisk:
    """A disk of a chosen size, for the server's user alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def mount(self, size: str) -> None:
        """Mount it, or change its size; skips where that is not allowed."""
        again = "remount," if self.folder.is_mount() else ""
        if _run("mount", "-t", "tmpfs", "-o", f"{again}size={size}", "tmpfs", str(self.folder)) != 0:
            pytest.skip("only root may mount a small disk, and not in every container")
        give(self.folder, unprivileged_account())


@pytest.fixture
def small_disk() -> Iterator[SmallDisk]:
    """Give a disk that goes away with the test."""
    scratch = make_scratch(unprivileged_account())
    yield SmallDisk(scratch)
    _run("umount", "--lazy", str(scratch))
    shutil.rmtree(scratch)


def _run(*command: str) -> int:
    if shutil.which(command[0]) is None:
        return 1
    return subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode


async def _stored(pool: Pool) -> int:
    """Return how many facts stand in a ledger that verifies."""
    whole = await verify_ledger(LedgerReader(pool), STORE)
    assert isinstance(whole, Whole)
    return whole.facts


async def test_appends_that_find_no_room_say_so_together_and_are_counted(
    database_url: str, connection: Connection
) -> None:
    """Postgres's own word reaches every caller of the batch, nothing stays queued, and the metric shows it."""
    metrics = Metrics("test")
    async with service_pool(database_url) as pool:
        appender = Appender(pool, SystemClock(), IMPATIENT, on_failure=metrics.append_failed)
        await appender.append(STORE, [member(0)])
        await connection.execute(FULL)
        answers = await asyncio.gather(
            *(appender.append(STORE, [member(number)]) for number in range(1, 9)), return_exceptions=True
        )
        assert {type(answer) for answer in answers} == {asyncpg.DiskFullError}
        assert appender.queued_facts == 0
        assert metrics.registry.get_sample_value("jurnalsync_appended_facts_total", {"outcome": "failed"}) == 8
        assert await _stored(pool) == 1


async def test_appends_wait_a_while_for_room_and_go_on_with_it(database_url: str, connection: Connection) -> None:
    """Room that comes back in time costs no caller its append."""
    async with service_pool(database_url) as pool:
        appender = Appender(pool, SystemClock(), PATIENT)
        await connection.execute(FULL)
        waiting = [asyncio.create_task(appender.append(STORE, [member(number)])) for number in range(8)]
        async with asyncio.timeout(10):
            while True:
                await connection.execute("SELECT pg_stat_clear_snapshot()")
                if await connection.fetchval(REFUSED) > 2:
                    break
                await asyncio.sleep(0.01)
        await connection.execute("DROP TRIGGER full_disk ON facts")
        answers = await asyncio.gather(*waiting)
        assert sorted(position for results in answers for position in positions(results)) == list(range(1, 9))
        assert await _stored(pool) == 8


async def _fill(appender: Appender) -> tuple[int, list[NewFact], Exception]:
    """Append until it fails; return how many were acknowledged, what was refused, and the error."""
    acknowledged = 0
    for number in range(0, 1_000_000, 20):
        facts = [msgspec.structs.replace(member(n), body=token_bytes(10_000)) for n in range(number, number + 20)]
        try:
            acknowledged += len(positions(await appender.append(STORE, facts)))
        except CONNECTION_ERRORS as error:
            return acknowledged, facts, error
    raise AssertionError("the disk is larger than it was asked to be")


async def test_a_disk_that_is_really_full_loses_nothing_acknowledged(small_disk: SmallDisk) -> None:
    """Facts fill a disk of their own; with more room the same facts go in, once, on the same connections."""
    small_disk.mount("4m")
    with EmbeddedPostgres.start(durable=False) as server:
        await migrate_all(server.url())
        owner = await asyncpg.connect(server.url())
        await owner.execute(f"CREATE TABLESPACE small LOCATION '{small_disk.folder}'")
        await owner.execute("ALTER TABLE facts SET TABLESPACE small")
        await owner.close()
        async with service_pool(server.url()) as pool:
            appender = Appender(pool, SystemClock(), IMPATIENT)
            acknowledged, refused, error = await _fill(appender)
            assert isinstance(error, asyncpg.DiskFullError)
            assert acknowledged >= 100
            assert await _stored(pool) == acknowledged
            small_disk.mount("64m")
            assert positions(await appender.append(STORE, refused))[0] == acknowledged + 1
            assert await _stored(pool) == acknowledged + 20


async def test_a_full_disk_of_the_servers_log_stops_the_server_and_loses_nothing(small_disk: SmallDisk) -> None:
    """Without room for its log Postgres ends itself; started again with room, it holds all that was acknowledged."""
    home = small_disk.folder.with_name(small_disk.folder.name + "-home")
    home.mkdir(mode=0o755)
    try:
        EmbeddedPostgres.start(directory=home).stop()
        small_disk.mount("40m")
        log = home / "cluster" / "pg_wal"
        shutil.copytree(log, small_disk.folder, dirs_exist_ok=True)
        for path in small_disk.folder.rglob("*"):
            give(path, unprivileged_account())
        shutil.rmtree(log)
        log.symlink_to(small_disk.folder)
        with EmbeddedPostgres.start(directory=home, settings={"max_wal_size": "2GB"}) as server:
            await migrate_all(server.url())
            async with service_pool(server.url()) as pool:
                appender = Appender(pool, SystemClock(), IMPATIENT)
                acknowledged, refused, error = await _fill(appender)
                assert not isinstance(error, asyncpg.DiskFullError)
                assert "PANIC:  could not write to file" in server.log.read_text()
                assert acknowledged >= 100
                small_disk.mount("300m")
                server.restart("immediate")
                await appender.append(STORE, refused)
                stored = [fact.source_id for fact in await LedgerReader(pool).read_after(STORE, 0, 50_000)]
                assert stored == [f"member:{number}" for number in range(acknowledged + 20)]
                assert await _stored(pool) == acknowledged + 20
    finally:
        shutil.rmtree(home)
