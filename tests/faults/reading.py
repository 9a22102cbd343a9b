"""How a play reads: followers that go on from the last position they saw, and looks at one place."""

import asyncio
from collections.abc import Callable

from eventstore.connection import CONNECTION_ERRORS, Pool, open_pool
from eventstore.errors import LedgerGap
from eventstore.event import Fact
from eventstore.store import LedgerReader
from tests.faults.history import Evidence, Sight
from tests.faults.plain_store import Build, PlainStore
from tests.ledger import SERVICE_ROLE

_CONNECTIONS = 3
_WAIT_SECONDS = 0.004
_ALL_FACTS = 1_000_000


async def open_play_pool(url: str, build: Build) -> Pool:
    """Open a pool: as the service for the ledger, as the owner for a plain store."""
    role = SERVICE_ROLE if build is Build.LEDGER else None
    return await open_pool(url, role=role, connections_max=_CONNECTIONS)


class Reads:
    """Reads ledgers of one build."""

    def __init__(self, pool: Pool, build: Build) -> None:
        self._ledger = LedgerReader(pool)
        self._plain = None if build is Build.LEDGER else PlainStore(pool, build)

    async def read_after(self, store_id: str, position: int, facts_max: int) -> list[Fact]:
        """Return what a follower gets after `position`."""
        return await (self._plain or self._ledger).read_after(store_id, position, facts_max)

    async def stored(self, store_id: str) -> list[Fact]:
        """Return everything, in the order of positions."""
        if self._plain is not None:
            return await self._plain.stored(store_id)
        return await self._ledger.read_after(store_id, 0, _ALL_FACTS)

    async def is_there(self, store_id: str, position: int, source_id: str) -> bool:
        """Tell whether a fact can be read at a position. A lost connection speaks for it: nothing was seen."""
        try:
            if self._plain is not None:
                return any(fact.position == position for fact in await self._plain.stored(store_id))
            found = await self._ledger.read_after(store_id, position - 1, 1)
        except CONNECTION_ERRORS:
            return True
        return [(fact.position, fact.source_id) for fact in found] == [(position, source_id)]

    async def follow(self, sight: Sight, facts_max: int, evidence: Evidence, is_over: Callable[[], bool]) -> None:
        """Read on from the last position, until the play is over and there is no more."""
        position = 0
        while True:
            over = is_over()
            try:
                facts = await self.read_after(sight.store_id, position, facts_max)
            except CONNECTION_ERRORS:
                facts, over = [], False
            except LedgerGap as gap:
                evidence.alarms.append(f"{sight.follower}: {gap}")
                return
            for fact in facts:
                position = fact.position
                sight.facts.append((fact.position, fact.source_id))
            # A follower that goes in circles would never end; by now its sight says so.
            if over and (not facts or len(sight.facts) > evidence.facts_called):
                return
            await asyncio.sleep(0 if facts else _WAIT_SECONDS)
