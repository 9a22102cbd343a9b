"""Every kind of fault that the sandbox has is met by a test of its own name."""

import ast
from pathlib import Path

from tests.integration.fault_kinds.named import KINDS, kind_of


def _tests() -> list[str]:
    """Return the names of all tests beside this one."""
    here = Path(__file__)
    return [
        definition.name
        for path in sorted(here.parent.glob("test_*.py"))
        if path != here
        for definition in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(definition, ast.AsyncFunctionDef) and definition.name.startswith("test_")
    ]


def test_every_fault_kind_has_a_test_of_its_name() -> None:
    """A kind that is added to the sandbox is missing here until the service is shown to bear it."""
    named = {kind_of(name) for name in _tests()}
    assert None not in named, "a test here is named after no kind of fault"
    assert set(KINDS) - named == set()
