"""The servers that tests run on, by kind: Postgres of several major versions, and one behind PgBouncer."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, urlsplit

from ops.sandbox.embedded_postgres import LAUNCHER, EmbeddedPostgres
from ops.sandbox.postgres_binaries import BINARY_FOLDERS, give, installed_binaries

GIVEN, PGBOUNCER = "given", "pgbouncer"
MAIN = GIVEN if os.environ.get("DATABASE_URL") else "18"
# 18 and 16 come with the wheel. 15 is the oldest that is supported and 17 is between: where they are installed.
KINDS = (MAIN, "16", "15", *(["17"] if installed_binaries(17) else []), PGBOUNCER)
# Fewer than the tests' clients have connections, so that transactions do change servers.
POOLED_CONNECTIONS = 3
START_SECONDS_MAX = 10.0
POOLER_FOLDER = "pgbouncer"
_MEMORY = Path("/dev/shm")  # noqa: S108 - a private folder is made in it
_MEMORY_BYTES_MIN = 4 * 1024**3


def memory() -> Path | None:
    """Return where a database takes a third of the time to make and drop; None where there is little room for it."""
    if not _MEMORY.is_dir():
        return None
    room = os.statvfs(_MEMORY)
    is_wide = room.f_bavail * room.f_frsize >= _MEMORY_BYTES_MIN
    return _MEMORY if is_wide and not room.f_flag & os.ST_NOEXEC else None


class PostgresServer(Protocol):
    """A server on which tests may create databases."""

    def url(self, database: str = "postgres") -> str:
        """Address of one of its databases."""


@dataclass(frozen=True, slots=True)
class GivenPostgres:
    """The server that DATABASE_URL names; it is used, never started or stopped."""

    given_url: str

    def url(self, database: str = "postgres") -> str:
        """Address of another database on the same server."""
        parts = urlsplit(self.given_url)
        return f"{parts.scheme}://{parts.netloc}/{database}" + (f"?{parts.query}" if parts.query else "")


@dataclass(frozen=True, slots=True)
class PooledPostgres:
    """A PgBouncer in transaction mode in front of a server; every transaction goes to the next server connection."""

    folder: Path
    port: int

    def url(self, database: str = "postgres") -> str:
        """Address of a database through the pooler."""
        return f"postgresql://postgres@/{quote(database)}?host={quote(str(self.folder), safe='')}&port={self.port}"


def leads_through_pooler(url: str) -> bool:
    """Tell the addresses of `PooledPostgres` from all others."""
    return f"%2F{POOLER_FOLDER}&" in url


def why_missing(kind: str) -> str:
    """Say why a kind of server cannot be had on this machine; empty if it can."""
    if kind == PGBOUNCER:
        return "" if shutil.which("pgbouncer", path=_SYSTEM_PATH) else "pgbouncer is not installed (apt-get install it)"
    if kind == GIVEN or int(kind) in BINARY_FOLDERS or installed_binaries(int(kind)):
        return ""
    return f"Postgres {kind} is not installed (in PATH or in /usr/lib/postgresql)"


_SYSTEM_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin"


@dataclass
class Servers:
    """Servers of one test process: each is started when first asked for, and all are kept until `stack` is closed."""

    stack: ExitStack
    templates: dict[str, str] = field(default_factory=dict)
    _started: dict[str, PostgresServer] = field(default_factory=dict)

    def direct(self, kind: str) -> PostgresServer:
        """Give the server itself, around any pooler."""
        return self.reached("18" if kind == PGBOUNCER else kind)

    def reached(self, kind: str) -> PostgresServer:
        """Give the server as the service reaches it."""
        if kind not in self._started:
            self._started[kind] = self._start(kind)
        return self._started[kind]

    def _start(self, kind: str) -> PostgresServer:
        if kind == GIVEN:
            return GivenPostgres(os.environ["DATABASE_URL"])
        if kind == PGBOUNCER:
            behind = self.direct(PGBOUNCER)
            return self.stack.enter_context(pooled(behind))
        return self.stack.enter_context(EmbeddedPostgres.start(int(kind), durable=False, scratch_in=memory()))


@contextmanager
def pooled(server: PostgresServer, *, ignored_settings: str = "") -> Iterator[PooledPostgres]:
    """Run a PgBouncer in front of an embedded server, in a folder of that server's user.

    `ignored_settings` are names of start-up settings that it takes and drops; it refuses those it does not know.
    """
    assert isinstance(server, EmbeddedPostgres), "PgBouncer is tried in front of the embedded server"
    port = _free_port()
    folder = server.scratch / str(port) / POOLER_FOLDER
    folder.mkdir(mode=0o700, parents=True)
    users, configuration = folder / "users.txt", folder / "pgbouncer.ini"
    users.write_text('"postgres" ""\n')
    configuration.write_text(
        f"[databases]\n* = host={server.scratch} port={server.port}\n"
        f"[pgbouncer]\nunix_socket_dir = {folder}\nlisten_port = {port}\nauth_type = trust\nauth_file = {users}\n"
        f"pool_mode = transaction\nserver_round_robin = 1\ndefault_pool_size = {POOLED_CONNECTIONS}\n"
        f"max_client_conn = 200\nlogfile = {folder / 'log'}\nignore_startup_parameters = {ignored_settings}\n"
    )
    for path in (folder.parent, folder, users, configuration):
        give(path, server.account)
    account = server.account
    identity = [str(os.getpid()), str(account.uid if account else -1), str(account.gid if account else -1)]
    program = shutil.which("pgbouncer", path=_SYSTEM_PATH)
    assert program is not None
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", LAUNCHER, *identity, program, "-q", str(configuration)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
    )
    try:
        _wait_for(folder / f".s.PGSQL.{port}", process)
        yield PooledPostgres(folder, port)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(START_SECONDS_MAX)


def _wait_for(path: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while not _is_listening(path):
        assert process.poll() is None, "PgBouncer ended at its start"
        assert time.monotonic() < deadline, "PgBouncer did not listen in time"
        time.sleep(0.005)


def _is_listening(path: Path) -> bool:
    """Tell whether somebody answers there: the file stands before that."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
