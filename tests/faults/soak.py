"""Long runs: `./test -m soak --seeds A:B` plays the seeds A to B-1 and adds what happened to a report.

A pytest plugin, loaded by `tests/conftest.py` so that the process that collects the results has it too.
"""

import platform
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import msgspec
import pytest

SEEDS_DEFAULT = "0:100"
_FOLDER = Path(__file__).parent


class Played(msgspec.Struct, frozen=True):
    """What one seed came to. `counts`: how much of what, by its words. `wrong` is empty if it passed."""

    seed: int
    postgres: str = ""
    counts: dict[str, int] = {}
    injected: dict[str, int] = {}
    wrong: tuple[str, ...] = ()


class Soak(msgspec.Struct, frozen=True):
    """One kind of long run: the name its outcomes are noted under, its report, and the tests that play its seeds."""

    name: str
    report: Path
    tests: str

    def replay_command(self, seed: int) -> str:
        """Return the one command that plays a seed again."""
        return f"./test -m soak --seeds {seed}:{seed + 1} {self.tests}"

    def note(self, record_property: Callable[[str, object], None], played: Played) -> None:
        """Tell the process that writes the report."""
        record_property(self.name, msgspec.json.encode(played).decode())

    def section(self, seeds: str, played: list[Played], day: str) -> str:
        """Return a run's section of the report."""
        counts, injected = _sums(one.counts for one in played), _sums(one.injected for one in played)
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
            *(f"| {what} | {count:,} |" for what, count in counts.items()),
            *(f"| {kind} | {count:,} |" for kind, count in sorted(injected.items())),
        ]
        for one in failed:
            lines += ["", f"Failed: `{self.replay_command(one.seed)}`", *(f"- {wrong}" for wrong in one.wrong)]
        return "\n".join(lines) + "\n"


PLAYS = Soak("soak", _FOLDER / "report.md", "tests/faults")
SIMULATOR = Soak("simulated", _FOLDER / "simulator_report.md", "tests/faults/test_simulator.py")


def _sums(counted: Iterable[dict[str, int]]) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for counts in counted:
        sums.update(counts)
    return sums


class SoakRun:
    """Collects what the seeds of this run came to, and adds it to the report."""

    def __init__(self, seeds: str, soak: Soak) -> None:
        self._seeds = seeds
        self._soak = soak
        self._played: list[Played] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take a seed's outcome; one that broke off left only its number."""
        noted = [value for name, value in report.user_properties if name == self._soak.name]
        if report.when != "call" or not noted:
            return
        played = msgspec.json.decode(str(noted[-1]), type=Played)
        if report.failed and not played.wrong:
            crash = getattr(report.longrepr, "reprcrash", None)
            told = "broke off" if crash is None else crash.message.splitlines()[0]
            played = msgspec.structs.replace(played, wrong=(told,))
        self._played.append(played)

    def pytest_sessionfinish(self) -> None:
        """Add the run to the report."""
        if self._played:
            section = self._soak.section(self._seeds, self._played, f"{datetime.now(UTC):%Y-%m-%d}")
            with self._soak.report.open("a", encoding="utf-8") as report:
                report.write("\n" + section)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--seeds`."""
    parser.addoption("--seeds", default=SEEDS_DEFAULT, help="seeds of a soak run, first:end", metavar="A:B")


def pytest_configure(config: pytest.Config) -> None:
    """Collect in the one process that all results come to."""
    if not hasattr(config, "workerinput"):
        for soak in (PLAYS, SIMULATOR):
            config.pluginmanager.register(SoakRun(config.getoption("--seeds"), soak))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a soak test its seeds."""
    if "soak_seed" in metafunc.fixturenames:
        first, end = metafunc.config.getoption("--seeds").split(":")
        metafunc.parametrize("soak_seed", range(int(first), int(end)))
