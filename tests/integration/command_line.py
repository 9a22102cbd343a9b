"""The real command, run as a process of its own."""

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from service.settings import settings_from

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "a-made-up-token-of-32-characters"


@dataclass
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


async def jurnalsync(*arguments: str, **environment: str) -> Ended:
    """Run the real command with nothing in the environment but what is given."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "service", *arguments, cwd=ROOT, env={"PATH": os.environ["PATH"], **environment},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


@pytest.fixture
async def environment(database_url: str, tmp_path: Path) -> dict[str, str]:
    """Give what a command needs: a database, a token, and a key made by the command itself."""
    key = tmp_path / "sealing.key"
    assert (await jurnalsync("keys", "make", str(key))).code == 0
    given = {
        "JURNALSYNC_DATABASE_URL": database_url,
        "JURNALSYNC_API_TOKEN": TOKEN,
        "JURNALSYNC_SEALING_KEY_FILE": str(key),
    }
    settings_from(given)
    return given
