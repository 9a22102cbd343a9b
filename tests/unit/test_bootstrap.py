"""The set-up of `.venv`, tried on small projects whose one pinned package lies beside them: no network."""

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from ops import bootstrap

ROOT = Path(__file__).resolve().parents[2]
SETTING_UP = "Setting up .venv"


def _make_wheel(folder: Path) -> str:
    """Write a wheel with one module, `pinned`, and give its SHA-256."""
    wheel = folder / "pinned-1.0-py3-none-any.whl"
    parts = {
        "pinned.py": "ANSWER = 42\n",
        "pinned-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: pinned\nVersion: 1.0\n",
        "pinned-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = []
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            record.append(f"{name},sha256={digest},{len(text)}")
        archive.writestr("pinned-1.0.dist-info/RECORD", "\n".join([*record, "pinned-1.0.dist-info/RECORD,,", ""]))
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Make a checkout with our bootstrap, our two commands and a requirement of its own, without `.venv`."""
    (tmp_path / "ops").mkdir()
    shutil.copy(ROOT / "ops/bootstrap.py", tmp_path / "ops/bootstrap.py")
    for command in ("run", "test"):
        shutil.copy(ROOT / command, tmp_path / command)
    digest = _make_wheel(tmp_path)
    (tmp_path / "requirements.txt").write_text("")
    (tmp_path / "requirements-dev.txt").write_text(
        f"--no-index\n--find-links .\npinned==1.0 --hash=sha256:{digest}\n",
    )
    return tmp_path


def _start(project: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "ops/bootstrap.py"]
    return subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _bootstrap(project: Path) -> tuple[int, str]:
    process = _start(project)
    output, messages = process.communicate()
    assert output == "", "standard output belongs to the program that is started afterwards"
    return process.returncode, messages


def _import_pinned(project: Path) -> int:
    command = [str(project / ".venv/bin/python"), "-c", "import pinned; assert pinned.ANSWER == 42"]
    return subprocess.run(command, check=False).returncode


def test_a_fresh_checkout_gets_its_pins_and_a_rerun_does_nothing_at_once(project: Path) -> None:
    """The first run installs what is pinned; the second sees the stamp and leaves at once."""
    code, messages = _bootstrap(project)
    assert (code, SETTING_UP in messages) == (0, True), messages
    assert _import_pinned(project) == 0
    started = time.monotonic()
    assert _bootstrap(project) == (0, "")
    # The promise is 0.2 s on a quiet machine; a busy one may take longer, an installation takes several seconds.
    assert time.monotonic() - started < 1.0


def test_two_set_ups_at_once_make_one_environment(project: Path) -> None:
    """One of two simultaneous runs builds, the other waits and finds it done."""
    both = [_start(project), _start(project)]
    messages = [process.communicate()[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], messages
    assert sum(SETTING_UP in message for message in messages) == 1
    assert _import_pinned(project) == 0


def test_a_half_made_environment_is_made_again(project: Path) -> None:
    """An environment without its stamp is the rest of a killed set-up: nothing of it stays."""
    (project / ".venv/bin").mkdir(parents=True)
    (project / ".venv/bin/python").write_text("not a program")
    (project / ".venv/leftover").touch()
    code, messages = _bootstrap(project)
    assert code == 0, messages
    assert not (project / ".venv/leftover").exists()
    assert _import_pinned(project) == 0


def test_a_package_with_another_hash_is_refused_and_leaves_no_stamp(project: Path) -> None:
    """A package that is not the pinned one is not installed, the run fails, and the next run tries again."""
    pins = project / "requirements-dev.txt"
    pins.write_text(pins.read_text().split("sha256:")[0] + "sha256:" + "0" * 64 + "\n")
    code, messages = _bootstrap(project)
    assert code != 0
    assert "Setting up .venv failed" in messages
    assert not (project / ".venv/bootstrap.stamp").exists()


def test_the_stamp_depends_on_the_requirements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other pins are another environment."""
    pins = tmp_path / "requirements.txt"
    monkeypatch.setattr(bootstrap, "DIGESTED", (pins,))
    pins.write_text("pinned==1.0")
    first = bootstrap.wanted_stamp()
    pins.write_text("pinned==1.1")
    assert bootstrap.wanted_stamp() != first


def test_a_moved_checkout_is_another_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Installed scripts name their folder, so the stamp does too."""
    first = bootstrap.wanted_stamp()
    monkeypatch.setattr(bootstrap, "ENVIRONMENT", tmp_path / ".venv")
    assert bootstrap.wanted_stamp() != first


def test_a_machine_without_a_fit_python_is_told_which_one_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unfit Python ends the set-up with the versions that would do."""
    monkeypatch.setenv("PYTHON", "/bin/false")
    with pytest.raises(SystemExit, match=r"needs Python 3\.11 to 3\.14"):
        bootstrap.find_python()


def test_a_machine_without_any_installer_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No ensurepip, no system wheels, no pip and no uv: the message names a package for each system."""
    bare = tmp_path / "bare-python"
    bare.write_text("#!/bin/sh\nexit 1\n")
    bare.chmod(0o755)
    monkeypatch.setattr(bootstrap, "SYSTEM_WHEELS", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit, match="apt install python3-venv"):
        bootstrap.find_installer(str(bare))


def test_a_python_without_ensurepip_installs_with_its_own_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a Debian without python3-venv the pip of the system installs into the environment from outside."""
    without_ensurepip = tmp_path / "python-without-ensurepip"
    without_ensurepip.write_text('#!/bin/sh\n[ "$1" = -m ] || exit 0\n[ "$2" = pip ] || exit 1\n')
    without_ensurepip.chmod(0o755)
    monkeypatch.setattr(bootstrap, "SYSTEM_WHEELS", tmp_path)
    install = bootstrap.find_installer(str(without_ensurepip)).install
    assert install[:4] == [str(without_ensurepip), "-m", "pip", "--python"]


@pytest.mark.parametrize("command", ["run", "test"])
def test_both_commands_work_from_another_folder_and_through_a_symlink(
    project: Path, tmp_path: Path, command: str
) -> None:
    """A command finds its checkout from anywhere, hands its arguments on, and passes the exit code back."""
    module = project / ("ops/sandbox/demo.py" if command == "run" else "pytest.py")
    module.parent.mkdir(exist_ok=True)
    module.write_text("import sys\nprint('arguments:', sys.argv[1:])\nsys.exit(7)\n")
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    (outside / "link").symlink_to(os.path.relpath(project / command, outside))
    environment = os.environ | {"JURNALSYNC_TEST_STAGES": "pytest"}
    called = [str(outside / "link"), "--seeds", "1:3", "two words"]
    done = subprocess.run(called, cwd=outside, env=environment, check=False, capture_output=True, text=True)
    assert "'--seeds', '1:3', 'two words']" in done.stdout, done.stderr
    assert done.returncode == 7


def test_an_unknown_stage_is_refused(project: Path) -> None:
    """A misspelt stage must not look like a passed test."""
    environment = os.environ | {"JURNALSYNC_TEST_STAGES": "pytset"}
    done = subprocess.run([project / "test"], env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert "the stages are: format lint types imports pytest" in done.stderr
