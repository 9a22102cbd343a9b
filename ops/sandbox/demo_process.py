"""The service as a process of its own: started by its command line, asked over HTTP, stopped and killed by signals."""

import asyncio
import os
import signal
import subprocess
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping
from pathlib import Path

from aiohttp import ClientError, ClientSession, ClientTimeout

_ROOT = Path(__file__).resolve().parents[2]
_COMMAND_SECONDS_MAX = 60.0
_READY_SECONDS_MAX = 30.0
_STOP_SECONDS_MAX = 40.0
_LOG_LINES_SHOWN = 30

# A demo that is killed must leave no service behind. The signal is asked for before Python becomes the service.
_LAUNCHER = """
import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, int(signal.SIGTERM))
if os.getppid() != int(sys.argv[1]):
    sys.exit("the demo is gone")
os.execv(sys.executable, [sys.executable, "-m", "service", *sys.argv[2:]])
"""


class ServiceFailed(Exception):
    """The service did not do what it was told; `log_tail` is the end of what it wrote."""

    def __init__(self, message: str, log_tail: str) -> None:
        super().__init__(f"{message}\n{log_tail}" if log_tail else message)
        self.log_tail = log_tail


class ServiceProcess:
    """One service, its settings and its log; it may be started again after it was stopped or killed."""

    def __init__(self, settings: Mapping[str, str], operations_url: str, log: Path) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("JURNALSYNC_")}
        inherited.pop("DATABASE_URL", None)
        self._environment = {**inherited, **settings, "PYTHONUNBUFFERED": "1"}
        self.operations_url = operations_url
        self._log = log
        self._process: Process | None = None

    def use(self, settings: Mapping[str, str]) -> None:
        """Change settings for whatever is started from now on."""
        self._environment |= settings

    def beside(self, settings: Mapping[str, str], operations_url: str, log: Path) -> "ServiceProcess":
        """Return a second service with the settings of this one but for some."""
        return ServiceProcess({**self._environment, **settings}, operations_url, log)

    async def run_command(self, *arguments: str) -> None:
        """Run one command of the service's command line to its end. Raises `ServiceFailed`."""
        process = await self._launch(*arguments)
        try:
            code = await asyncio.wait_for(process.wait(), _COMMAND_SECONDS_MAX)
        except TimeoutError:
            process.kill()
            raise ServiceFailed(f"`{' '.join(arguments[:2])}` did not end", self.log_tail()) from None
        if code != 0:
            raise ServiceFailed(f"`{' '.join(arguments[:2])}` ended with code {code}", self.log_tail())

    async def start(self) -> None:
        """Start serving."""
        self._process = await self._launch("serve")

    async def wait_until_ready(self, session: ClientSession) -> None:
        """Wait until it takes traffic. Raises `ServiceFailed`."""
        deadline = asyncio.get_running_loop().time() + _READY_SECONDS_MAX
        while not await self._is_ready(session):
            if self._process is None or self._process.returncode is not None:
                raise ServiceFailed("the service ended at its start", self.log_tail())
            if asyncio.get_running_loop().time() > deadline:
                raise ServiceFailed("the service did not become ready", self.log_tail())
            await asyncio.sleep(0.05)

    def check(self) -> None:
        """Raise `ServiceFailed` if the service has ended by itself."""
        if self._process is not None and self._process.returncode is not None:
            raise ServiceFailed(f"the service ended with code {self._process.returncode}", self.log_tail())

    async def stop(self) -> int | None:
        """Ask it to end and wait; return its exit code, None if it did not run."""
        process, self._process = self._process, None
        if process is None:
            return None
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            # One that is stopped hears nothing before it goes on.
            process.send_signal(signal.SIGCONT)
        try:
            return await asyncio.wait_for(process.wait(), _STOP_SECONDS_MAX)
        except TimeoutError:
            process.kill()
            return await process.wait()

    async def kill(self) -> None:
        """End it without a word, as a lost machine would."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            await process.wait()

    def pause(self) -> None:
        """Stop it in the middle of whatever it does (SIGSTOP): it keeps its connections and hears nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on where it stopped (SIGCONT)."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def log_tail(self) -> str:
        """Return the last lines it wrote."""
        lines = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        return "\n".join(lines[-_LOG_LINES_SHOWN:])

    async def _launch(self, *arguments: str) -> Process:
        with self._log.open("ab") as log:
            # A session of its own keeps the terminal's Ctrl-C away: the demo stops it when it is its turn.
            return await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                _LAUNCHER,
                str(os.getpid()),
                *arguments,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=_ROOT,
                env=self._environment,
                start_new_session=True,
            )

    async def _is_ready(self, session: ClientSession) -> bool:
        try:
            async with session.get(f"{self.operations_url}/readyz", timeout=ClientTimeout(total=2)) as answer:
                return answer.status == 200
        except (ClientError, TimeoutError, OSError):
            return False
