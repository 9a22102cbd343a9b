"""READMEs of the ledger, the projections and the faults name the tests that hold their promises; those must exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("eventstore", "projections", "ops/virtual", "tests/faults")
NAMES = ("README.md", "INVOICES.md", "SIMULATOR.md")
READMES = sorted(path for folder in FOLDERS for name in NAMES for path in (ROOT / folder).rglob(name))
DEFINED = {
    name
    for path in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
}


@pytest.mark.parametrize("path", READMES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_promise_names_a_test_that_exists(path: Path) -> None:
    """A promise whose test was renamed or removed is no promise."""
    named = set(re.findall(r"`(test_\w+)`", path.read_text(encoding="utf-8")))
    assert named
    assert named - DEFINED == set()
