"""Long runs: `./test -m soak --seeds A:B` plays the seeds A to B-1 and adds what happened to `report.md`.

A pytest plugin, loaded by `tests/conftest.py` so that the process that collects the results has it too.
"""

import platform
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import asyncpg
import msgspec
import pytest

REPORT = Path(__file__).with_name("report.md")
SEEDS_DEFAULT = "0:100"
_PROPERTY = "soak"


class Played(msgspec.Struct, frozen=True):
    """What one seed came to. `wrong` is empty if it passed."""

    seed: int
    postgres: str = ""
    acknowledged: int = 0
    unanswered: int = 0
    facts: int = 0
    injected: dict[str, int] = {}
    wrong: tuple[str, ...] = ()


def replay_command(seed: int) -> str:
    """Return the one command that plays a seed again."""
    return f"./test -m soak --seeds {seed}:{seed + 1} tests/faults"


def note(record_property: Callable[[str, object], None], played: Played) -> None:
    """Tell the process that writes the report."""
    record_property(_PROPERTY, msgspec.json.encode(played).decode())


def as_section(seeds: str, played: list[Played], day: str) -> str:
    """Return a run's section of the report."""
    injected: Counter[str] = Counter()
    for one in played:
        injected.update(one.injected)
    first, end = map(int, seeds.split(":"))
    failed = sorted((one for one in played if one.wrong), key=lambda one: one.seed)
    postgres = ", ".join(sorted({one.postgres for one in played if one.postgres}))
    lines = [
        f"## Seeds {seeds}, {day}",
        "",
        f"Postgres {postgres}, Python {platform.python_version()}, asyncpg {asyncpg.__version__}.",
        "",
        "| what | count |",
        "|---|---|",
        f"| seeds played | {len(played):,} of {end - first:,} |",
        f"| seeds failed | {len(failed):,} |",
        f"| appends acknowledged | {sum(one.acknowledged for one in played):,} |",
        f"| appends never answered | {sum(one.unanswered for one in played):,} |",
        f"| facts stored | {sum(one.facts for one in played):,} |",
        *(f"| {kind} | {count:,} |" for kind, count in sorted(injected.items())),
    ]
    for one in failed:
        lines += ["", f"Failed: `{replay_command(one.seed)}`", *(f"- {wrong}" for wrong in one.wrong)]
    return "\n".join(lines) + "\n"


class Outcome(Protocol):
    """What one seed came to."""

    @property
    def wrong(self) -> tuple[str, ...]:
        """What went wrong; empty if it passed."""


S = TypeVar("S", bound=Outcome)


class SoakRun(Generic[S]):
    """Collects what the seeds of this run came to, and adds it to a report as `as_section` writes it."""

    def __init__(
        self,
        seeds: str,
        name: str,
        kind: type[S],
        as_section: Callable[[str, list[S], str], str],
        report: Path,
    ) -> None:
        self._seeds = seeds
        self._name = name
        self._kind = kind
        self._as_section = as_section
        self._report = report
        self._played: list[S] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take a seed's outcome; one that broke off left only its number."""
        noted = [value for name, value in report.user_properties if name == self._name]
        if report.when != "call" or not noted:
            return
        played = msgspec.json.decode(str(noted[-1]), type=self._kind)
        if report.failed and not played.wrong:
            crash = getattr(report.longrepr, "reprcrash", None)
            told = "broke off" if crash is None else crash.message.splitlines()[0]
            replaced: Any = played
            played = msgspec.structs.replace(replaced, wrong=(told,))
        self._played.append(played)

    def pytest_sessionfinish(self) -> None:
        """Add the run to the report."""
        if self._played:
            section = self._as_section(self._seeds, self._played, f"{datetime.now(UTC):%Y-%m-%d}")
            with self._report.open("a", encoding="utf-8") as report:
                report.write("\n" + section)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--seeds`."""
    parser.addoption("--seeds", default=SEEDS_DEFAULT, help="seeds of a soak run, first:end", metavar="A:B")


def pytest_configure(config: pytest.Config) -> None:
    """Collect in the one process that all results come to."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(SoakRun(config.getoption("--seeds"), _PROPERTY, Played, as_section, REPORT))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a soak test its seeds."""
    if "soak_seed" in metafunc.fixturenames:
        first, end = metafunc.config.getoption("--seeds").split(":")
        metafunc.parametrize("soak_seed", range(int(first), int(end)))
