"""Make `.venv` with the pinned packages on a machine that has Python and a package index, and nothing else.

Standard library only, and readable by every Python 3.7 or newer, so that an old one can say what is missing.
`--is-current` answers by its exit code whether there is anything to do. All messages go to standard error.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
ENVIRONMENT_PYTHON = ENVIRONMENT / "bin" / "python"
STAMP = ENVIRONMENT / "bootstrap.stamp"
LOCK = ROOT / ".work" / "bootstrap.lock"
REQUIREMENTS = ROOT / "requirements-dev.txt"
DIGESTED = (REQUIREMENTS, ROOT / "requirements.txt", Path(__file__).resolve())

# The pinned wheels exist for these versions; a newer Python would have to compile them.
OLDEST, NEWEST = (3, 11), (3, 14)
SYSTEM_WHEELS = Path("/usr/share/python-wheels")

NO_PYTHON = f"""\
jurnalsync needs Python {OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}, and found none on the PATH.
Install one, or name it: PYTHON=python3.12 ./run"""

NO_INSTALLER = """\
This Python has no pip and no ensurepip, so the pinned packages cannot be installed. One of these is enough:
  Debian, Ubuntu:  apt install python3-venv      (or python3-pip)
  Fedora:          dnf install python3-pip
  any system:      put the program `uv` on the PATH"""


def wanted_stamp() -> str:
    """Give the digest of all that the environment depends on; runs in the environment's own Python."""
    digest = hashlib.sha256()
    # Installed scripts name the folder they were installed in: a moved checkout needs a new environment.
    for part in (sys.version, str(ENVIRONMENT)):
        digest.update(part.encode() + b"\0")
    for path in DIGESTED:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def is_current() -> bool:
    """Say whether the environment that runs this was made to the end from these very requirements."""
    return STAMP.exists() and STAMP.read_text() == wanted_stamp()


def environment_answers(*arguments: str) -> bool:
    """Run this file in the environment's Python; false if that says no or cannot run."""
    try:
        command = [str(ENVIRONMENT_PYTHON), "-I", "-S", str(Path(__file__).resolve()), *arguments]
        return subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


def is_suitable(python: str) -> bool:
    """Say whether `python` runs and has a version the pins are made for."""
    check = f"import sys, venv; sys.exit(not {OLDEST} <= sys.version_info[:2] <= {NEWEST})"
    try:
        return subprocess.run([python, "-c", check], check=False, stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


def find_python() -> str:
    """Give the Python to build with: the one asked for, else this one, else the newest on the PATH."""
    asked = os.environ.get("PYTHON")
    # Inside an active virtual environment this is the Python it was made from: ours must not hang on another one.
    candidates = [asked] if asked else [getattr(sys, "_base_executable", sys.executable)]
    if not asked:
        candidates += [f"python3.{minor}" for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]
    for candidate in candidates:
        if is_suitable(candidate):
            return candidate
    sys.exit(NO_PYTHON)


class Installer(NamedTuple):
    """One way to install into the environment: a command that shows whether it works here, and its install command."""

    probe: list[str]
    install: list[str]


def installers(python: str) -> list[Installer]:
    """List the ways to install into the environment, best first.

    The environment is made without pip, because Debian's Python cannot put one there unless python3-venv is installed.
    """
    query = "import importlib.util as u; s = u.find_spec('ensurepip'); print(s.origin if s and s.origin else '')"
    answer = subprocess.run([python, "-c", query], check=False, stdout=subprocess.PIPE, text=True).stdout.strip()
    folders = [Path(answer).parent / "_bundled"] if answer else []
    wheels = [wheel for folder in [*folders, SYSTEM_WHEELS] for wheel in sorted(folder.glob("pip-*.whl"))]
    pips = [[str(ENVIRONMENT_PYTHON), str(wheel / "pip")] for wheel in wheels]
    pips.append([python, "-m", "pip", "--python", str(ENVIRONMENT_PYTHON)])
    # Twice quiet: errors are shown, warnings about mirrors and old pips are not ours to mend.
    quiet = ["install", "-qq", "--no-input", "--disable-pip-version-check"]
    ways = [Installer([*pip, "--version"], [*pip, *quiet]) for pip in pips]
    uv = shutil.which("uv")
    if uv:
        ways.append(
            Installer([uv, "--version"], [uv, "pip", "install", "--quiet", "--python", str(ENVIRONMENT_PYTHON)])
        )
    return ways


def find_installer(python: str) -> Installer:
    """Give the first installer that runs here, or end with what to do."""
    for way in installers(python):
        null = subprocess.DEVNULL
        if subprocess.run(way.probe, check=False, stdout=null, stderr=null).returncode == 0:
            return way
    sys.exit(NO_INSTALLER)


def build(python: str, lock_descriptor: int) -> None:
    """Make the environment from nothing; the stamp comes last, so a half-made one is made again."""
    print(f"Setting up .venv with {python}: the first time takes about a minute.", file=sys.stderr, flush=True)
    if ENVIRONMENT.is_symlink():
        ENVIRONMENT.unlink()
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    run_step([python, "-m", "venv", "--without-pip", str(ENVIRONMENT)], lock_descriptor)
    install = find_installer(python).install
    run_step([*install, "--require-hashes", "-r", str(REQUIREMENTS)], lock_descriptor)
    if not environment_answers("--stamp"):
        sys.exit("The new .venv does not run; remove it and try again.")


def run_step(command: list[str], lock_descriptor: int) -> None:
    """Run one step or end with its exit code. It holds the lock too: killed alone, it would go on writing."""
    done = subprocess.run(command, check=False, cwd=str(ROOT), stdout=sys.stderr, pass_fds=(lock_descriptor,))
    if done.returncode != 0:
        print("Setting up .venv failed at: " + " ".join(command), file=sys.stderr)
        sys.exit(done.returncode)


def main() -> None:
    """Answer `--is-current`, write the `--stamp`, or make the environment unless it is current."""
    if "--is-current" in sys.argv:
        sys.exit(not is_current())
    if "--stamp" in sys.argv:
        STAMP.write_text(wanted_stamp())
        return
    LOCK.parent.mkdir(exist_ok=True)
    with LOCK.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Waiting for another set-up of .venv to end.", file=sys.stderr, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        if not environment_answers("--is-current"):
            build(find_python(), lock.fileno())


if __name__ == "__main__":
    main()
