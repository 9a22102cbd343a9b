"""Gives birth to processes in milliseconds: a process that has imported everything, forks on request, and kills.

`python -m tests.faults.nursery` reads one request a line and answers each with a line; it ends with its input.
"""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from tests.faults.plain_store import Build
from tests.faults.writer_process import serve

_ROOT = Path(__file__).resolve().parents[2]


class Birth(msgspec.Struct, tag=True):
    """Fork an appender process."""

    socket_path: str
    url: str
    build: Build
    writer: int


class Signal(msgspec.Struct, tag=True):
    """Send a signal to a process born here; a kill waits until it is gone."""

    process_id: int
    number: int


_REQUESTS: msgspec.json.Decoder[Birth | Signal] = msgspec.json.Decoder(Birth | Signal)


class Nursery:
    """The process that forks, and its handle; a context manager."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.nursery"], cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def bear(self, birth: Birth) -> int:
        """Start an appender; returns its process id. It says hello on the socket once it is ready."""
        return self._ask(birth)

    def signal(self, process_id: int, number: signal.Signals) -> None:
        """Stop, continue or kill a process born here."""
        self._ask(Signal(process_id, number))

    def _ask(self, request: Birth | Signal) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(msgspec.json.encode(request) + b"\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


def _bear(birth: Birth) -> int:
    process_id = os.fork()
    if process_id:
        return process_id
    # A child of its own: it must neither read the requests nor answer them, and it never returns to the loop below.
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(nothing, 1)
        asyncio.run(serve(birth.socket_path, birth.url, birth.build, birth.writer))
    finally:
        os._exit(0)


def _send(request: Signal) -> int:
    os.kill(request.process_id, request.number)
    if request.number == signal.SIGKILL:
        os.waitpid(request.process_id, 0)
    return 0


def main() -> None:
    """Serve requests until the input ends."""
    for line in sys.stdin.buffer:
        request = _REQUESTS.decode(line)
        done = _bear(request) if isinstance(request, Birth) else _send(request)
        sys.stdout.write(f"{done}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
