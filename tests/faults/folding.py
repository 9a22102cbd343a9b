"""Folds the ledger while the play goes on, from two owners who contend for the lease, and compares at the end."""

import asyncio
import contextlib
import hashlib
from collections.abc import Callable, Sequence
from typing import Any, ClassVar
from uuid import UUID

import msgspec

from eventstore.connection import CONNECTION_ERRORS, Pool, open_pool
from eventstore.errors import LeaseLost
from eventstore.event import Fact
from eventstore.facts.registry import Meaning, decode
from eventstore.lease import StoreLeases
from eventstore.store import LedgerReader
from ops.sandbox.dice import Dice
from projections.catalogue import CATALOGUE
from projections.projection import Evolved, Projection, States, Table
from projections.rebuild import SHADOW_SEARCH_PATH, Rebuilder
from projections.runner import Runner
from tests.ledger import SERVICE_ROLE

LEASE_SECONDS = 10
STEPS_A_LEASE_MAX = 4
_PAUSE_SECONDS = 0.02


class Link(msgspec.Struct, frozen=True):
    """How many facts were folded, and a digest that any other order, omission or repeat would change."""

    facts: int = 0
    digest: bytes = b""


class EveryFact:
    """A projection that forgives nothing: one chain over the ledger and one over each stream."""

    name: ClassVar[str] = "every_fact"
    state_type: ClassVar[Any] = Link
    row_tables: ClassVar[Sequence[str]] = ()
    tables: ClassVar[Sequence[Table]] = ()

    def keys(self, fact: Fact, meaning: Meaning) -> Sequence[str]:
        """Need the ledger's chain and the stream's."""
        del meaning
        return ("the ledger", fact.stream_id)

    def evolve(self, states: States, fact: Fact, meaning: Meaning) -> Evolved:
        """Append the fact to both chains."""
        return Evolved({key: _linked(states.get(key), fact) for key in self.keys(fact, meaning)}, ())


def _linked(before: msgspec.Struct | None, fact: Fact) -> Link:
    link = before if isinstance(before, Link) else Link()
    told = b"%d %s" % (fact.position, fact.stream_id.encode())
    return Link(link.facts + 1, hashlib.sha256(link.digest + told + fact.body).digest())


def fold_from_scratch(projection: Projection, facts: Sequence[Fact]) -> dict[str, msgspec.Struct]:
    """Fold a ledger in memory, one fact after the other: what the states must be."""
    states: dict[str, msgspec.Struct] = {}
    for fact in facts:
        states.update(projection.evolve(states, fact, decode(fact)).states)
    return states


class Folder:
    """One owner that folds whatever it holds the lease of, and goes on for some steps without looking at it again."""

    def __init__(self, pool: Pool, owner: UUID, projections: Sequence[Projection], facts_max: int) -> None:
        self._leases = StoreLeases(pool, owner, lease_seconds=LEASE_SECONDS)
        self._runner = Runner(pool, LedgerReader(pool))
        self._projections = projections
        self._facts_max = facts_max
        self.leases_lost = 0

    async def run(self, stores: Sequence[str], dice: Dice, is_over: Callable[[], bool]) -> None:
        """Fold until told that it is over."""
        while not is_over():
            # Killed in the middle: what it did not commit is folded again.
            with contextlib.suppress(*CONNECTION_ERRORS):
                await self.turn(dice.pick(stores), dice.between(1, STEPS_A_LEASE_MAX))
            await asyncio.sleep(_PAUSE_SECONDS)

    async def turn(self, store_id: str, steps: int) -> int | None:
        """Take the lease and step; returns the facts folded, None if somebody else holds the lease."""
        epoch = await self._leases.acquire(store_id, "fold")
        if epoch is None:
            return None
        facts = 0
        for _ in range(steps):
            for projection in self._projections:
                try:
                    step = await self._runner.step(store_id, projection, epoch=epoch, facts_max=self._facts_max)
                except LeaseLost:
                    self.leases_lost += 1
                else:
                    facts += step.facts
        return facts


async def fold_to_the_end(pool: Pool, projections: Sequence[Projection], stores: Sequence[str]) -> None:
    """Take every lease over and fold what is left."""
    folder = Folder(pool, UUID(int=0), projections, facts_max=1_000)
    for store_id in stores:
        await pool.execute("UPDATE store_lease SET expires_at = '-infinity' WHERE store_id = $1", store_id)
        while await folder.turn(store_id, steps=1):
            pass


def choose_projections(dice: Dice) -> tuple[Projection, ...]:
    """Return the one that forgives nothing and one of the catalogue's."""
    return (EveryFact(), dice.pick(list(CATALOGUE.values())))


async def misfolded(
    url: str, pool: Pool, projections: Sequence[Projection], ledgers: dict[str, list[Fact]]
) -> list[str]:
    """Tell where a projection is not the fold of its ledger: its states against memory, its rows against a rebuild."""
    found: list[str] = []
    shadow = await open_pool(url, role=SERVICE_ROLE, connections_max=1, search_path=SHADOW_SEARCH_PATH)
    rebuilder = Rebuilder(pool, shadow, LedgerReader(pool))
    for store_id, facts in ledgers.items():
        for projection in projections:
            expected = {
                key: msgspec.msgpack.encode(state) for key, state in fold_from_scratch(projection, facts).items()
            }
            found += [
                f"{projection.name} of {store_id}: {stall}" for stall in await _stalls(pool, store_id, projection)
            ]
            if await stored_states(pool, store_id, projection) != expected:
                found.append(f"{projection.name} of {store_id}: its states")
            if projection.row_tables and facts:
                await rebuilder.fold(store_id, projection, lambda _position, _end: None)
                rebuilt = await rebuilder.compare(store_id, projection)
                found += [f"{projection.name} of {store_id}: {difference}" for difference in rebuilt.differences[:3]]
    shadow.terminate()
    return found


async def _stalls(pool: Pool, store_id: str, projection: Projection) -> list[str]:
    records = await pool.fetch(
        "SELECT stream_id, error FROM stalled_stream WHERE store_id = $1 AND projection = $2", store_id, projection.name
    )
    return [f"{record['stream_id']} stalled, {record['error']}" for record in records]


async def stored_states(pool: Pool, store_id: str, projection: Projection) -> dict[str, bytes]:
    """Return a projection's states as they are stored."""
    records = await pool.fetch(
        "SELECT key, state FROM projection_state WHERE store_id = $1 AND projection = $2", store_id, projection.name
    )
    return {record["key"]: record["state"] for record in records}
