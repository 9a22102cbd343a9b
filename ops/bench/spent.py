"""Time that a side takes: by the clock, of the processor here and in Postgres, and each part's share of ours."""

import cProfile
import os
import pstats
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PROCESSES = Path("/proc")
_SERVER = "postgres"
_MICRO = 1_000_000
# What stands first in a path or in a built-in's name tells the part; the first that is found counts.
_PARTS = tuple(
    (re.compile(pattern), part)
    for pattern, part in (
        (r"^<built-in>.*(sha256|HASH)", "SHA-256"),
        (r"^<built-in>.*AESGCM", "AES-GCM"),
        (r"^<built-in>.*msgspec", "reading and writing JSON"),
        (r"^<built-in>.*'(send|recv)'", "sockets"),
        (r"/(eventstore|projections|service|ops)/([a-z_/]+)\.py", ""),
        (r"/site-packages/([a-z_0-9]+)/", ""),
        (r"/(asyncio|selectors|contextlib)\b", "asyncio"),
    )
)
_WAITING = re.compile(r"'poll'")


class Spent:
    """What was spent between the beginning and the end of `clocked`, in seconds."""

    seconds = 0.0
    python_seconds = 0.0
    postgres_seconds = 0.0

    def each(self, count: int) -> tuple[float, float]:
        """Return µs of the processor for one of `count`: in this process, in its Postgres."""
        return self.python_seconds / count * _MICRO, self.postgres_seconds / count * _MICRO


@contextmanager
def clocked() -> Iterator[Spent]:
    """Measure what is done inside."""
    spent = Spent()
    postgres = _postgres_seconds()
    python, started = time.process_time(), time.perf_counter()
    yield spent
    spent.seconds, spent.python_seconds = time.perf_counter() - started, time.process_time() - python
    spent.postgres_seconds = _postgres_seconds() - postgres


def _postgres_seconds() -> float:
    """Return the processor time so far of the servers that this process started, in all their processes."""
    parents: dict[int, int] = {}
    ran: dict[int, float] = {}
    for folder in _PROCESSES.glob("[0-9]*"):
        try:
            name, _, fields = (folder / "stat").read_text().partition(" (")[2].rpartition(") ")
            ran[int(folder.name)] = int((folder / "schedstat").read_text().split()[0]) / 1e9
        except OSError:
            continue  # it ended meanwhile
        if name == _SERVER:
            parents[int(folder.name)] = int(fields.split()[1])
    servers = {pid for pid, parent in parents.items() if parent == os.getpid()}
    return sum(ran[pid] for pid, parent in parents.items() if pid in servers or parent in servers)


def shares(profile: cProfile.Profile) -> list[tuple[str, float]]:
    """Return the parts of the code with their shares of the time that was not spent waiting, largest first."""
    taken: Counter[str] = Counter()
    # Its type says nothing of what it collects: (file, line, function) → (…, …, own seconds, …, …).
    collected = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    for (path, _line, function), (_calls, _primitive, own, _whole, _callers) in collected.items():
        if not _WAITING.search(function):
            taken[_part(f"<built-in>{function}" if path == "~" else path)] += own
    whole = taken.total()
    return [(part, seconds / whole) for part, seconds in taken.most_common()]


def _part(place: str) -> str:
    for pattern, part in _PARTS:
        if (found := pattern.search(place)) is not None:
            return part or "/".join(found.groups())
    return "other built-ins" if place.startswith("<built-in>") else "standard library"
