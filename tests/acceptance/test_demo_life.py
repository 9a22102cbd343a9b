"""How a demo starts, is asked, and is put away."""

import asyncio
import shlex
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from tests.acceptance.demonstration import ROOT, Running, assert_right, open_folder, run_demo, running_demo
from tests.servers import PostgresServer

pytestmark = pytest.mark.acceptance

STORE = "kopi-nusantara"


@pytest.fixture(scope="module")
def demo() -> Iterator[Running]:
    """Give a demo that has ended its days and still runs, until the last test that uses it ends it."""
    with open_folder() as parent, running_demo(parent / "demo") as running:
        yield running


async def _ask(addresses: dict[str, str], method: str, path: str, body: object = None) -> tuple[int, dict[str, object]]:
    headers = {"Authorization": f"Bearer {addresses['api_token']}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, f"{addresses['api']}/v1/stores/{STORE}/{path}", json=body) as answer,
    ):
        return answer.status, await answer.json(content_type=None)


async def _is_listening(url: str) -> bool:
    try:
        async with aiohttp.ClientSession() as session, session.get(url):
            return True
    except aiohttp.ClientConnectionError:
        return False


def test_what_the_demo_tells_to_run_can_be_run_as_it_stands(demo: Running) -> None:
    """Its settings stand in a file that only its owner can read; every command ends well."""
    lines = [line.strip() for line in demo.shown.splitlines() if line.startswith(("  . ", "  .venv/bin/python "))]
    assert len(lines) == 5
    assert stat.S_IMODE((demo.folder / "environment.sh").stat().st_mode) == 0o600
    script = " && ".join(lines).replace(".venv/bin/python", shlex.quote(sys.executable))
    ended = subprocess.run(["/bin/sh", "-c", script], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert f"\n{STORE}  " in ended.stdout
    assert "; 0 differ." in ended.stdout
    assert "chain whole" in ended.stdout


def test_live_mode_stays_on_whatever_is_asked_and_ctrl_c_puts_everything_away(demo: Running) -> None:
    """DELETE, PUT and a second activation change nothing; then Ctrl-C ends all processes without a stack trace."""
    addresses = demo.addresses

    async def ask() -> None:
        _, before = await _ask(addresses, "GET", "preflight")
        refused, problem = await _ask(addresses, "DELETE", "live-mode")
        put, _ = await _ask(addresses, "PUT", "live-mode", {"actor": "somebody", "on": False})
        again, _ = await _ask(addresses, "POST", "live-mode", {"actor": "somebody else"})
        _, after = await _ask(addresses, "GET", "preflight")
        assert (refused, put, again) == (405, 405, 200)
        assert problem["type"] == "urn:jurnalsync:problem:live-mode-is-one-way"
        assert before["live_mode"] == after["live_mode"]
        assert before["live_mode"] is not None

    asyncio.run(ask())
    code, progress = demo.interrupt()
    assert code == 0
    assert "Traceback" not in progress
    for name in ("api", "operations", "iseller", "jurnal"):
        assert not asyncio.run(_is_listening(addresses[name])), name
    assert not (demo.folder / "postgres/cluster/postmaster.pid").exists()
    assert "service_stopped" in (demo.folder / "service.log").read_text()


def test_a_run_leaves_no_file_behind() -> None:
    """Secrets, keys, log and cluster are gone with it."""
    with open_folder() as folder:
        assert_right(run_demo(environment={"TMPDIR": str(folder)}))
        assert list(folder.iterdir()) == []


def test_a_folder_that_holds_something_is_not_used(tmp_path: Path) -> None:
    """`--data` never mixes two runs."""
    (tmp_path / "precious").touch()
    with pytest.raises(AssertionError, match="is not empty: name a new folder"):
        run_demo("--data", str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


def test_a_given_server_gets_a_database_of_its_own_that_is_dropped(postgres_server: PostgresServer) -> None:
    """DATABASE_URL names a server; the demo says which database it makes there and takes it away again."""
    url = postgres_server.url()
    ended = run_demo(environment={"DATABASE_URL": url})
    assert_right(ended)
    assert "new database jurnalsync_demo_" in ended.progress
    name = ended.progress.split("new database ", 1)[1].split()[0]
    assert name not in asyncio.run(_databases(url))


async def _databases(url: str) -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        return [row[0] for row in await connection.fetch("SELECT datname FROM pg_database")]
    finally:
        await connection.close()
