"""READMEs and the files on business name the tests that hold their promises; those must exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("eventstore", "projections", "ops/virtual", "tests/faults", "tests/business")
NAMES = ("README.md", "INVOICES.md", "TAKEN_BACK.md", "SIMULATOR.md")
BUSINESS = sorted((ROOT / "tests" / "business").glob("*.md"))
READMES = sorted({*(path for folder in FOLDERS for name in NAMES for path in (ROOT / folder).rglob(name)), *BUSINESS})
DEFINED = {
    name
    for path in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
}
LINES_MAX = 60


@pytest.mark.parametrize("path", READMES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_promise_names_a_test_that_exists(path: Path) -> None:
    """A promise whose test was renamed or removed is no promise."""
    named = set(re.findall(r"`(test_\w+)`", path.read_text(encoding="utf-8")))
    assert named
    assert named - DEFINED == set()


@pytest.mark.parametrize("path", BUSINESS, ids=lambda path: path.name)
def test_every_row_of_the_business_files_names_its_test(path: Path) -> None:
    """Something must hold, and at least one test says so; no row says it twice, and each file is named in the first."""
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= LINES_MAX
    rows = [line.strip("| ").split(" | ") for line in lines[lines.index("|---|---|", _of_promises(lines)) + 1 :]]
    assert rows
    for row in rows:
        assert len(row) == 2, row
        assert re.fullmatch(r"(`test_\w+`)(, `test_\w+`)*", row[1]), row
    assert len({promise for promise, _ in rows}) == len(rows)
    assert path.name == "README.md" or f"`{path.name}`" in (path.parent / "README.md").read_text(encoding="utf-8")


def test_the_readme_says_what_is_not_booked() -> None:
    """A shopkeeper must not look for the invoice of a supplier in vain."""
    assert "Purchase invoices are not booked" in (ROOT / "README.md").read_text(encoding="utf-8")


def _of_promises(lines: list[str]) -> int:
    """Return where the table of what must hold begins."""
    return next(number for number, line in enumerate(lines) if line.endswith("| test |"))
