"""The stand-alone verifier against real exports, and against every way they can be altered."""

import ast
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eventstore.history_export import export_history
from eventstore.store import LedgerReader
from tests.integration.odd_facts import odd_facts
from tests.ledger import STORE, appender_on, member, service_pool

VERIFIER = Path(__file__).resolve().parents[2] / "ops" / "verifier" / "verify_history.py"
FACTS = 12


def verify(*arguments: object) -> tuple[int, str]:
    """Run the verifier as an auditor does: with nothing but the standard library."""
    command = [sys.executable, "-I", "-S", str(VERIFIER), *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert ended.stderr == ""
    return ended.returncode, ended.stdout


@pytest.fixture
async def history(database_url: str, tmp_path: Path) -> Path:
    """Give the export of a ledger of twelve facts."""
    async with service_pool(database_url) as pool:
        await appender_on(pool).append(STORE, [member(number) for number in range(FACTS)])
        await export_history(LedgerReader(pool), STORE, tmp_path / "history.jsonl")
    return tmp_path / "history.jsonl"


def manifest_of(history: Path) -> Path:
    """Return the manifest beside a history."""
    return history.with_name(history.name + ".manifest.json")


def rewrite(history: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    """Change the lines, and the file's digest in the manifest with them."""
    history.write_bytes(b"".join(change(history.read_bytes().splitlines(keepends=True))))
    alter_manifest(history, sha256=hashlib.sha256(history.read_bytes()).hexdigest())


def alter_manifest(history: Path, **fields: object) -> None:
    """Change fields of the manifest."""
    manifest = json.loads(manifest_of(history).read_bytes())
    manifest_of(history).write_text(json.dumps({**manifest, **fields}))


async def test_the_verifier_finds_a_real_export_whole(database_url: str, tmp_path: Path) -> None:
    """Exit code 0 for odd facts, too; it names the range and the hash at its end."""
    async with service_pool(database_url) as pool:
        await appender_on(pool).append(STORE, odd_facts())
        manifest = await export_history(LedgerReader(pool), STORE, tmp_path / "odd.jsonl")
    code, told = verify(tmp_path / "odd.jsonl", "--head", manifest.hash_after)
    assert (code, told) == (
        0,
        f"{tmp_path}/odd.jsonl: {STORE}, positions 1 to {manifest.last}: whole, ends with {manifest.hash_after}\n",
    )


ALTERED: dict[str, Any] = {
    "store_id": "teh-tawar", "position": 8, "stream_id": "customer-x", "stream_version": 2, "type": "OrderReported",
    "schema_version": 2, "source_id": "member:x", "observed_at": "2026-11-20T05:00:00.000001Z",
    "recorded_at": "2026-11-20T05:00:00.000001Z", "body": "e30=", "sealed": "e30=", "metadata": "e30=",
    "hash": "A" * 43 + "=",
}  # fmt: skip


@pytest.mark.parametrize("field", ALTERED)
def test_the_verifier_finds_any_altered_field_at_its_position(history: Path, field: str) -> None:
    """Also where the manifest's digest was made to fit."""

    def alter(lines: list[bytes]) -> list[bytes]:
        fact = json.loads(lines[6])
        assert set(fact) == set(ALTERED)
        assert fact[field] != ALTERED[field]
        return [*lines[:6], json.dumps({**fact, field: ALTERED[field]}).encode() + b"\n", *lines[7:]]

    rewrite(history, alter)
    code, told = verify(history)
    assert code == 1
    assert "BROKEN: position 7" in told


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: lines[:6] + lines[7:], "position 7 is missing"),
        (lambda lines: [*lines[:6], lines[7], lines[6], *lines[8:]], "position 7 is missing"),
        (lambda lines: lines[:-1], "ends at position 11, its manifest at 12"),
        (lambda lines: [*lines, lines[-1]], "position 13 is missing"),
        (lambda lines: [*lines[:6], b"no fact\n", *lines[7:]], "position 7: the line is no fact"),
        (lambda lines: [*lines[:6], b"{}\n", *lines[7:]], "position 7: the line is no fact"),
    ],
    ids=["removed", "swapped", "cut off", "added", "no JSON", "no field"],
)
def test_the_verifier_finds_lines_that_were_removed_swapped_cut_off_or_added(
    history: Path, change: Callable[[list[bytes]], list[bytes]], said: str
) -> None:
    """Positions follow each other from the first to the last that the manifest names."""
    rewrite(history, change)
    code, told = verify(history)
    assert code == 1
    assert said in told


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"sha256": "0" * 64}, "every fact is whole, but the file's SHA-256 is"),
        ({"hash_after": "0" * 64}, "the last hash is"),
        ({"hash_before": "1" * 64}, "position 1 must stand behind 32 zero bytes"),
        ({"last": 11}, "the file ends at position 12, its manifest at 11"),
        ({"store_id": "teh-tawar"}, "position 1 is of store 'kopi-nusantara'"),
    ],
    ids=["digest", "end", "beginning", "range", "store"],
)
def test_the_verifier_finds_a_manifest_that_does_not_fit(history: Path, fields: dict[str, object], said: str) -> None:
    """What the manifest says is recomputed, never believed."""
    alter_manifest(history, **fields)
    code, told = verify(history)
    assert code == 1
    assert said in told


async def test_the_verifier_walks_across_files_that_continue_each_other_only(database_url: str, tmp_path: Path) -> None:
    """In their order they are one ledger; with one left out or another store's they are not."""
    async with service_pool(database_url) as pool:
        await appender_on(pool).append(STORE, [member(number) for number in range(9)])
        reader = LedgerReader(pool)
        for name, first, last in (("a", 1, 3), ("b", 4, 6), ("c", 7, 9)):
            await export_history(reader, STORE, tmp_path / f"{name}.jsonl", first=first, last=last)
    a, b, c = (tmp_path / f"{name}.jsonl" for name in "abc")
    code, told = verify(a, b, c)
    assert (code, told.count("whole")) == (0, 3)
    code, told = verify(a, c)
    assert code == 1
    assert f"{c}: BROKEN: it continues {STORE} behind position 6" in told
    code, told = verify(b, c)
    assert code == 0
    assert "only the files before it prove that hash" in told


def test_the_verifier_finds_a_rewritten_ledger_by_the_head_that_is_known(history: Path) -> None:
    """A chain is consistent in itself: only a hash from elsewhere tells that the end is another."""
    code, told = verify(history, "--head", "ab" * 32)
    assert code == 1
    assert told.splitlines()[-1].startswith("BROKEN: the last history ends with ")


def test_the_verifier_says_when_it_cannot_say_anything(history: Path, tmp_path: Path) -> None:
    """A missing file, a missing manifest and a manifest of another kind: exit code 2, in one line."""
    code, told = verify(tmp_path / "nothing.jsonl")
    assert code == 2
    assert told.endswith("its manifest nothing.jsonl.manifest.json cannot be read: No such file or directory\n")
    alter_manifest(history, format="another")
    code, told = verify(history)
    assert code == 2
    assert "is no manifest of format" in told
    manifest_of(history).write_text("[")
    assert verify(history)[0] == 2


def test_the_verifier_imports_the_standard_library_only() -> None:
    """An auditor copies one file."""
    tree = ast.parse(VERIFIER.read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names} | {
        node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
    }
    assert {name.split(".")[0] for name in imported} <= sys.stdlib_module_names
