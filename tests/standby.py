"""A second server made from a running one: a standby that follows it, or the copy that a backup is."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from ops.sandbox.embedded_postgres import EmbeddedPostgres
from ops.sandbox.postgres_binaries import give, make_scratch, run_as

# Acknowledged only when a standby has it too, whatever the disks are worth in a test.
SYNCHRONOUS = {"synchronous_commit": "on"}


@contextmanager
def copied(server: EmbeddedPostgres, *, follows: bool) -> Iterator[EmbeddedPostgres]:
    """Copy `server` as it stands and start the copy; one that `follows` replays all that the original commits."""
    scratch = make_scratch(server.account)
    home = scratch / "home"
    home.mkdir(mode=0o755)
    give(home, server.account)
    command = [str(server.binaries / "pg_basebackup"), "-D", str(home / "cluster"), "-c", "fast", "-N"]
    command += ["-h", str(server.scratch), "-p", str(server.port), "-U", "postgres", *(["-R"] if follows else [])]
    try:
        done = run_as(server.account, command)
        assert done.returncode == 0, done.stdout
        with EmbeddedPostgres.start(server.major, durable=False, directory=home, settings=SYNCHRONOUS) as copy:
            yield copy
    finally:
        shutil.rmtree(scratch)


def promote(server: EmbeddedPostgres) -> None:
    """Make a standby the server that takes writes; returns when it does."""
    done = run_as(server.account, [str(server.binaries / "pg_ctl"), "promote", "-w", "-D", str(server.cluster)])
    assert done.returncode == 0, done.stdout
