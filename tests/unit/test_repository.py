"""What must hold for the files of the repository, whatever they say."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("eventstore", "projections", "service", "ops")
MODULE_LINES_MAX = 400
README_LINES_MAX = 60

# Joined here, or this file would name what it refuses.
REGISTRY_HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("anaconda", "org"),
        ("rubygems", "org"),
    )
]
MACHINE_PATH = re.compile(r"(?<![\w.~})-])/(?:home|root|Users|work)/\w")
# What reads or writes rows; everything else of a fold has neither store nor clock.
STORAGE = {"memory_fold", "shadow_fold", "queue", "booked"}
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)(.*)$")


def _repository_files() -> list[Path]:
    """List what is tracked or would be, so that a mistake shows before it is committed."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("no git checkout here, so nothing says which files belong to the repository")
    # A checkout handed over by another user may be listed: this runs nothing of its configuration.
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def _lines(path: Path) -> list[str]:
    return path.read_text(errors="replace").splitlines()


def _places(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{number}"
        for path in _repository_files()
        for number, line in enumerate(_lines(path), start=1)
        if pattern.search(line)
    ]


def _pins(path: Path) -> dict[str, str]:
    """Read name → version; fails on a requirement that is not pinned to a version and a hash."""
    joined = path.read_text().replace("\\\n", " ").splitlines()
    pins: dict[str, str] = {}
    for line in (line.strip() for line in joined):
        if not line or line.startswith("#"):
            continue
        pin = PIN.match(line)
        assert pin, f"{path.name}: not pinned: {line[:80]}"
        name, version, rest = pin.groups()
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", rest), f"{path.name}: {name} has no hash"
        pins[canonicalize_name(name)] = version
    return pins


def _declared() -> tuple[list[Requirement], list[Requirement]]:
    """Read what pyproject.toml declares: to run, and to develop."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    to_run = [Requirement(text) for text in project["dependencies"]]
    return to_run, [Requirement(text) for text in project["optional-dependencies"]["dev"]]


def test_no_file_names_a_package_registry() -> None:
    """The pins install through any mirror: no host of a registry stands anywhere."""
    assert _places(re.compile("|".join(map(re.escape, REGISTRY_HOSTS)))) == []


def test_no_requirement_file_chooses_an_index() -> None:
    """Where packages come from is the machine's setting, never ours: nothing but names, versions and hashes."""
    for path in ROOT.glob("requirements*.txt"):
        options = {word for line in _lines(path) for word in re.findall(r"(?:^|\s)(--[a-z-]+)", line)}
        assert options == {"--hash"}, path.name
        assert "://" not in path.read_text(), path.name


def test_no_file_names_a_folder_of_one_machine() -> None:
    """A path below somebody's home or workplace works on one machine only."""
    assert _places(MACHINE_PATH) == []


def test_every_requirement_is_pinned_by_hash_and_fits_the_project() -> None:
    """The pins hold a fitting version of all that pyproject.toml declares."""
    to_run, to_develop = _declared()
    for name, declared in (("requirements.txt", to_run), ("requirements-dev.txt", [*to_run, *to_develop])):
        pins = _pins(ROOT / name)
        for requirement in declared:
            version = pins.get(canonicalize_name(requirement.name))
            assert version is not None, f"{name} lacks {requirement.name}"
            assert requirement.specifier.contains(version), f"{name}: {requirement} is pinned to {version}"


def test_what_is_tested_is_what_ships() -> None:
    """Every pin of the shipped set stands with the same version in the set the tests run on."""
    shipped, tested = _pins(ROOT / "requirements.txt"), _pins(ROOT / "requirements-dev.txt")
    assert shipped.items() <= tested.items()


def test_no_module_outgrows_its_reader() -> None:
    """A module of more lines than this holds more than one idea."""
    sizes = {path.relative_to(ROOT): len(_lines(path)) for path in _repository_files() if path.suffix == ".py"}
    assert {str(path): size for path, size in sizes.items() if size > MODULE_LINES_MAX} == {}


def test_every_folder_with_code_has_a_short_readme() -> None:
    """Each package and its direct parts say what they promise; deeper folders are told of there."""
    modules = [path.relative_to(ROOT) for path in _repository_files() if path.suffix == ".py"]
    folders = {
        module.parent
        for module in modules
        if module.name != "__init__.py" and module.parts[0] in PACKAGES and len(module.parts) <= 3
    }
    assert folders
    missing = [str(folder) for folder in sorted(folders) if not (ROOT / folder / "README.md").is_file()]
    long = [
        str(folder)
        for folder in sorted(folders)
        if (ROOT / folder / "README.md").is_file() and len(_lines(ROOT / folder / "README.md")) > README_LINES_MAX
    ]
    assert (missing, long) == ([], [])


def test_the_contract_of_pure_modules_names_every_fold_and_decision() -> None:
    """A new module of a fold is pure by contract, or says that it stores."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (pure,) = (contract for contract in contracts if contract["name"].startswith("Folds, changes and decisions"))
    folder = ROOT / "projections"
    modules = {*folder.glob("*_fold.py"), *folder.glob("*/fold.py"), *folder.glob("jurnal_commands/[a-z]*.py")}
    names = {
        ".".join(module.relative_to(ROOT).with_suffix("").parts) for module in modules if module.stem not in STORAGE
    }
    assert names - set(pure["source_modules"]) == set()


def test_the_commands_can_be_executed() -> None:
    """A fresh clone runs them as they are."""
    assert [name for name in ("run", "test", ".ci/run") if not os.access(ROOT / name, os.X_OK)] == []
