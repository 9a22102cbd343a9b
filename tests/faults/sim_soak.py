"""Long runs of the simulator: what came of each seed, and the section they add to `simulator_report.md`."""

import platform
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import asyncpg
import msgspec
import pytest

from tests.faults.soak import SoakRun

REPORT = Path(__file__).with_name("simulator_report.md")
_PROPERTY = "simulated"


class Simulated(msgspec.Struct, frozen=True):
    """What one seed came to. `wrong` is empty if it passed; `calls` reached the wire to Jurnal."""

    seed: int
    postgres: str = ""
    acknowledged: int = 0
    documents: int = 0
    facts: int = 0
    calls: int = 0
    injected: dict[str, int] = {}
    wrong: tuple[str, ...] = ()


def replay_command(seed: int) -> str:
    """Return the one command that plays a seed again."""
    return f"./test -m soak --seeds {seed}:{seed + 1} tests/faults/test_simulator.py"


def note(record_property: Callable[[str, object], None], simulated: Simulated) -> None:
    """Tell the process that writes the report."""
    record_property(_PROPERTY, msgspec.json.encode(simulated).decode())


def as_section(seeds: str, played: list[Simulated], day: str) -> str:
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
        f"| webhooks acknowledged | {sum(one.acknowledged for one in played):,} |",
        f"| requests to Jurnal | {sum(one.calls for one in played):,} |",
        f"| documents made in Jurnal | {sum(one.documents for one in played):,} |",
        f"| facts stored | {sum(one.facts for one in played):,} |",
        *(f"| {kind} | {count:,} |" for kind, count in sorted(injected.items())),
    ]
    for one in failed:
        lines += ["", f"Failed: `{replay_command(one.seed)}`", *(f"- {wrong}" for wrong in one.wrong)]
    return "\n".join(lines) + "\n"


def pytest_configure(config: pytest.Config) -> None:
    """Collect in the one process that all results come to."""
    if not hasattr(config, "workerinput"):
        run = SoakRun(config.getoption("--seeds"), _PROPERTY, Simulated, as_section, REPORT)
        config.pluginmanager.register(run)
