"""A real Postgres server from the binaries of a Python wheel: nothing to install, as root or not, gone with its parent.

Major versions that the wheel does not hold are taken from the machine, where they are installed.

Postgres refuses to run as root, so as root the server runs as `nobody`. The Unix socket trusts whoever reaches its
folder (mode 0700); TCP listens on 127.0.0.1 only and asks for a password.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Literal, Self
from urllib.parse import quote

from ops.sandbox.postgres_binaries import (
    Account,
    PostgresStartError,
    environment,
    give,
    make_scratch,
    run_as,
    unprivileged_account,
    usable_binaries,
)

START_SECONDS_MAX = 30.0
FAST_STOP_SECONDS_MAX = 20.0
IMMEDIATE_STOP_SECONDS_MAX = 10.0
LOG_LINES_SHOWN = 20
PORT_TRIES_MAX = 5

# The death signal is cleared when a process changes its user, so the launcher drops its rights first, then asks for the
# signal, then looks whether the parent is still there: no moment is left in which a killed parent leaves a server.
LAUNCHER = """
import ctypes, os, signal, sys
parent, uid, gid = map(int, sys.argv[1:4])
if uid >= 0:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, int(signal.SIGINT))
if os.getppid() != parent:
    sys.exit("the process that asked for Postgres is gone")
os.execv(sys.argv[4], sys.argv[4:])
"""


@dataclass(kw_only=True)
class EmbeddedPostgres:
    """One running server and its cluster; a context manager that stops it. Made by `start`."""

    major: int
    durable: bool
    binaries: Path
    cluster: Path
    log: Path
    scratch: Path
    account: Account | None
    password: str
    settings: Mapping[str, str]
    port: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @classmethod
    def start(
        cls,
        major: int = 18,
        *,
        durable: bool = True,
        directory: Path | None = None,
        settings: Mapping[str, str] | None = None,
        scratch_in: Path | None = None,
    ) -> Self:
        """Start a server of major version 18, 16 or one installed here; its cluster is new or the one in `directory`.

        Without `directory` the cluster is thrown away at `stop`. `durable=False` turns fsync off: faster, and lost
        with the machine. `settings` are server settings by name, `scratch_in` where its temporary folder is made.
        Call it from the main thread: Linux ends the server with the thread that started it. Raises
        PostgresStartError with the end of the server's log.
        """
        account = unprivileged_account()
        scratch = make_scratch(account, scratch_in)
        try:
            binaries = usable_binaries(major, scratch, account)
            home = (directory or scratch / "home").absolute()
            home.mkdir(parents=True, exist_ok=True)
            server = cls(
                major=major,
                durable=durable,
                binaries=binaries,
                cluster=home / "cluster",
                log=home / "postgres.log",
                scratch=scratch,
                account=account,
                password=_kept_password(home / "password"),
                settings=dict(settings or {}),
            )
            server._ensure_cluster()
            server.log.unlink(missing_ok=True)
            server._launch_on_free_port()
        except BaseException:
            shutil.rmtree(scratch, ignore_errors=True)
            raise
        return server

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        """Address over the Unix socket, no password: the fastest way in."""
        return (
            f"postgresql://{quote(user)}@/{quote(database)}?host={quote(str(self.scratch), safe='')}&port={self.port}"
        )

    def tcp_url(self, database: str = "postgres", user: str = "postgres", password: str | None = None) -> str:
        """Address over TCP on 127.0.0.1; `password` is needed for any user but `postgres`."""
        secret = quote(password or self.password, safe="")
        return f"postgresql://{quote(user)}:{secret}@127.0.0.1:{self.port}/{quote(database)}"

    def stop(self) -> None:
        """End the server; a cluster without a directory of its own is removed. A second call does nothing."""
        self._end("fast")
        shutil.rmtree(self.scratch, ignore_errors=True)

    def crash(self) -> None:
        """End the server at once, as a lost machine would; `stop` is still to be called."""
        self._end("immediate")

    def restart(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """Stop and start again on the same addresses; `immediate` is a crash: the server recovers from its log."""
        self._end(mode)
        self._launch()

    async def create_database(self, name: str, template: str | None = None) -> None:
        """Create a database, a copy of `template` if one is named. Nobody may be connected to the template."""
        await create_database(self.url(), name, template)

    async def drop_database(self, name: str) -> None:
        """Drop a database if it exists, ending whoever is still connected to it."""
        await drop_database(self.url(), name)

    def _ensure_cluster(self) -> None:
        version_file = self.cluster / "PG_VERSION"
        if version_file.exists():
            kept = version_file.read_text().strip()
            if kept != str(self.major):
                raise PostgresStartError(f"{self.cluster} belongs to Postgres {kept}, not {self.major}", "")
            return
        # A killed initdb leaves half a cluster, so it works beside the final name and is renamed when it is whole.
        unfinished = self.cluster.with_name("cluster.new")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        password_file = self.scratch / "initial-password"
        password_file.touch(mode=0o600)
        password_file.write_text(self.password)
        give(unfinished, self.account)
        give(password_file, self.account)
        command = [str(self.binaries / "initdb"), "-D", str(unfinished), "-U", "postgres", "-E", "UTF8", "--locale=C"]
        command += ["--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={password_file}"]
        command += ["--data-checksums", "--no-instructions", *([] if self.durable else ["--no-sync"])]
        done = run_as(self.account, command)
        password_file.unlink()
        if done.returncode != 0:
            hint = "initdb failed"
            if self.account is not None:
                hint += f" (as root it runs as nobody, who must be able to reach {self.cluster.parent})"
            raise PostgresStartError(hint, done.stdout.strip())
        unfinished.rename(self.cluster)

    def _launch_on_free_port(self) -> None:
        for tries_left in reversed(range(PORT_TRIES_MAX)):
            self.port = _free_port()
            try:
                self._launch()
            except PostgresStartError as error:
                # Between choosing a port and listening on it, another process may have taken it.
                if tries_left == 0 or "Address already in use" not in error.log_tail:
                    raise
            else:
                return

    def _launch(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("start Postgres from the main thread: it ends with the thread that started it")
        uid, gid = (self.account.uid, self.account.gid) if self.account else (-1, -1)
        command = [sys.executable, "-I", "-S", "-c", LAUNCHER, str(os.getpid()), str(uid), str(gid)]
        command += [str(self.binaries / "postgres"), "-D", str(self.cluster)]
        for name, setting in self._server_settings().items():
            command += ["-c", f"{name}={setting}"]
        with self.log.open("ab") as log:
            # A session of its own keeps the terminal's Ctrl-C away: the parent decides when the server stops.
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=environment(),
                start_new_session=True,
            )
        try:
            self._wait_until_ready(self._process)
        except BaseException:
            self._end("immediate")
            raise

    def _server_settings(self) -> dict[str, str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.scratch),
            "max_connections": "200",
            "shared_buffers": "128MB",
            "jit": "off",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        return settings | dict(self.settings)

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS_MAX
        while not self._says_ready(process.pid):
            if process.poll() is not None:
                raise PostgresStartError(f"Postgres ended with code {process.returncode} at start", self._log_tail())
            if time.monotonic() > deadline:
                raise PostgresStartError(f"Postgres was not ready within {START_SECONDS_MAX:.0f} s", self._log_tail())
            time.sleep(0.005)

    def _says_ready(self, pid: int) -> bool:
        try:
            lines = (self.cluster / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        # A server killed earlier leaves its file, so the first line must name the process just started.
        return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"

    def _log_tail(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(lines[-LOG_LINES_SHOWN:])

    def _end(self, mode: Literal["fast", "immediate"]) -> None:
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        polite = [(signal.SIGINT, FAST_STOP_SECONDS_MAX)] if mode == "fast" else []
        for number, seconds_max in [*polite, (signal.SIGQUIT, IMMEDIATE_STOP_SECONDS_MAX)]:
            process.send_signal(number)
            try:
                process.wait(seconds_max)
            except subprocess.TimeoutExpired:
                continue
            return
        process.kill()
        process.wait()


async def create_database(server_url: str, name: str, template: str | None = None) -> None:
    """Create a database on the server at `server_url`, a copy of `template` if one is named."""
    statement = "SELECT format('CREATE DATABASE %I TEMPLATE %I', $1::text, $2::text)"
    await _execute_formatted(server_url, statement, name, template or "template1")


async def drop_database(server_url: str, name: str) -> None:
    """Drop a database if it exists, ending whoever is still connected to it."""
    await _execute_formatted(server_url, "SELECT format('DROP DATABASE IF EXISTS %I WITH (FORCE)', $1::text)", name)


async def _execute_formatted(server_url: str, statement: str, *names: str) -> None:
    import asyncpg  # noqa: PLC0415 - the server itself needs no driver; only these two calls do

    connection = await asyncpg.connect(server_url)
    try:
        # CREATE and DROP take no parameters: the server quotes the names.
        await connection.execute(await connection.fetchval(statement, *names))
    finally:
        await connection.close()


def _kept_password(path: Path) -> str:
    """TCP password of a cluster, made once and kept beside it for its owner only."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text()
    with os.fdopen(descriptor, "w") as kept:
        kept.write(password := secrets.token_urlsafe(24))
    return password


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
