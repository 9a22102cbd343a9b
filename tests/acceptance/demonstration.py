"""The demo as a process of its own: run to its report, or left running to be looked at over HTTP."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RUN_SECONDS_MAX = 200.0
ORDERS = "20"
# What must be the same however the events came in. Whether a payment is its invoice's deposit may differ.
BOOKS = (
    "balances",
    "expected_balances",
    "profit_and_loss",
    "expected_profit_and_loss",
    "net_income",
    "invoices",
    "in_transit",
    "jurnal_in_transit",
    "payouts",
    "trial_balance_difference",
    "duplicates",
)


@dataclass(frozen=True, slots=True)
class Ended:
    """A demo that ran to its end."""

    code: int
    report: dict[str, Any]
    progress: str

    @property
    def books(self) -> dict[str, Any]:
        """What it ended with, without what depends on the way it came in."""
        sync, made = self.report["sync"], self.report["jurnal_documents"]
        # A payment that is its invoice's deposit has no sync record of its own.
        others = {**sync, "Success": sync["Success"] - made["receive_payment"]}
        return {**{key: self.report[key] for key in BOOKS}, "sync_without_payments": others}


def run_demo(*options: str, environment: dict[str, str] | None = None) -> Ended:
    """Run `./run --once --json` with more options."""
    ended = subprocess.run(
        _command("--once", "--json", *options),
        cwd=ROOT,
        env=_environment(environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=RUN_SECONDS_MAX,
    )
    lines = ended.stdout.splitlines()
    assert lines, f"no report: {ended.stderr}"
    return Ended(ended.returncode, json.loads(lines[-1]), ended.stderr)


def assert_right(ended: Ended) -> None:
    """Every figure is the generator's own; nothing twice, nothing failed, nothing left over."""
    report = ended.report
    assert (ended.code, report["problems"]) == (0, []), ended.progress
    assert report["duplicates"] == 0
    assert set(report["duplicates_by_type"].values()) == {0}
    assert report["trial_balance_difference"] == "0"
    assert report["sync"]["Failed"] == 0
    assert report["balances"] == report["expected_balances"]
    assert report["profit_and_loss"] == report["expected_profit_and_loss"]
    assert sum(map(abs, map(int, report["profit_and_loss"].values()))) > 0


@dataclass(frozen=True, slots=True)
class Running:
    """A demo that has told its story and waits for Ctrl-C; `folder` is what `--data` keeps."""

    process: subprocess.Popen[str]
    folder: Path
    shown: str

    @property
    def addresses(self) -> dict[str, str]:
        """Where everything is."""
        found: dict[str, str] = json.loads((self.folder / "addresses.json").read_text())
        return found

    def interrupt(self) -> tuple[int, str]:
        """Press Ctrl-C; return exit code and what it said on standard error."""
        self.process.send_signal(signal.SIGINT)
        _, progress = self.process.communicate(timeout=RUN_SECONDS_MAX)
        return self.process.returncode, progress


@contextmanager
def running_demo(folder: Path, *options: str) -> Iterator[Running]:
    """Start the demo without `--once` and wait until it only waits."""
    process = subprocess.Popen(
        _command("--data", str(folder), *options),
        cwd=ROOT,
        env=_environment(None),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        shown = []
        for line in process.stdout:
            shown.append(line)
            if line.startswith("Ctrl-C stops everything"):
                break
        else:
            raise AssertionError(f"the demo ended: {process.communicate()[1]}")
        yield Running(process, folder, "".join(shown))
    finally:
        if process.poll() is None:
            process.terminate()
            process.communicate(timeout=RUN_SECONDS_MAX)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


@contextmanager
def open_folder() -> Iterator[Path]:
    """Give a short path that Postgres' own user can reach: as root it runs as nobody."""
    folder = Path(tempfile.mkdtemp(prefix="acc-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _command(*options: str) -> list[str]:
    return [sys.executable, "-m", "ops.sandbox.demo", "--orders", ORDERS, *options]


def _environment(changes: dict[str, str] | None) -> dict[str, str]:
    # The demo's own Postgres, unless a test says otherwise: what is asked of it must not depend on who runs the tests.
    inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return {**inherited, **(changes or {})}
