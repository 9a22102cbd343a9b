"""A process that holds the fold lease and stops itself in the middle of a fold, like one that a machine suspends.

`python -m tests.faults.stale_owner URL` takes the lease and folds the store; at its first fact it raises SIGSTOP. When
it is continued it finishes that step, and steps once more without looking at its lease. It prints what became of each.
"""

import asyncio
import os
import signal
import sys
from uuid import UUID

import msgspec

from eventstore.connection import open_pool
from eventstore.errors import LeaseLost
from eventstore.event import Fact
from eventstore.facts.registry import Meaning
from eventstore.lease import StoreLeases
from eventstore.store import LedgerReader
from projections.projection import Evolved, States
from projections.runner import Runner
from tests.faults.folding import LEASE_SECONDS, EveryFact
from tests.ledger import SERVICE_ROLE, STORE

WROTE = "wrote"
REFUSED = "refused"


class SuspendedOnce(EveryFact):
    """The projection that forgives nothing, suspended with the whole process at the first fact it folds."""

    def __init__(self) -> None:
        self._was_suspended = False

    def evolve(self, states: States, fact: Fact, meaning: Meaning) -> Evolved:
        """Fold, after a long sleep the first time."""
        if not self._was_suspended:
            self._was_suspended = True
            os.kill(os.getpid(), signal.SIGSTOP)
        return super().evolve(states, fact, meaning)


async def fold_late(url: str) -> list[str]:
    """Take the lease, fold, sleep, wake, fold on; return what became of both steps."""
    pool = await open_pool(url, role=SERVICE_ROLE, connections_max=2)
    epoch = await StoreLeases(pool, UUID(int=1), lease_seconds=LEASE_SECONDS).acquire(STORE, "fold")
    assert epoch is not None
    runner, projection = Runner(pool, LedgerReader(pool)), SuspendedOnce()
    outcomes = []
    for _ in range(2):
        try:
            await runner.step(STORE, projection, epoch=epoch, facts_max=100)
        except LeaseLost:
            outcomes.append(REFUSED)
        else:
            outcomes.append(WROTE)
    pool.terminate()
    return outcomes


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(asyncio.run(fold_late(sys.argv[1]))))
