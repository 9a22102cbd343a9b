"""Plays a plan on a real Postgres and gathers the evidence: writers, followers, folds and faults, all at once."""

import asyncio
import contextlib
import uuid
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from eventstore.connection import Pool
from eventstore.store import LedgerReader, open_ledger
from eventstore.verify import Broken, verify_ledger
from ops.sandbox.dice import Dice
from ops.sandbox.embedded_postgres import EmbeddedPostgres
from projections.projection import Projection
from tests.faults.clients import Clients
from tests.faults.faults import Faults
from tests.faults.folding import Folder, choose_projections, fold_to_the_end, misfolded
from tests.faults.history import Evidence, Sight
from tests.faults.nursery import Nursery
from tests.faults.plain_store import Build, PlainStore
from tests.faults.plan import Plan
from tests.faults.reading import Reads, open_play_pool
from tests.faults.writers import LocalWriter, ProcessWriters, until_nobody_writes
from tests.ledger import NOON

PLAY_SECONDS_MAX = 60.0


class Stage(NamedTuple):
    """What plays share: the server (restarted at will), a migrated database to copy, and the nursery."""

    server: EmbeddedPostgres
    template: str
    nursery: Nursery


async def play(plan: Plan, stage: Stage, build: Build = Build.LEDGER) -> Evidence:
    """Play on a database of its own and return what happened."""
    name = f"play_{uuid.uuid4().hex[:12]}"
    await stage.server.create_database(name, stage.template)
    try:
        async with asyncio.timeout(PLAY_SECONDS_MAX):
            return await _Play(plan, stage, stage.server.url(name), build).run()
    finally:
        await stage.server.drop_database(name)


class _Play:
    """One play's tasks and what they share."""

    def __init__(self, plan: Plan, stage: Stage, url: str, build: Build) -> None:
        self._plan = plan
        self._stage = stage
        self._url = url
        self._build = build
        self._evidence = Evidence()
        self._projections: tuple[Projection, ...] = ()
        if build is Build.LEDGER:
            self._projections = choose_projections(Dice(plan.seed, "projections"))
        self._over = False

    async def run(self) -> Evidence:
        """Play to the end, then look at everything."""
        async with contextlib.AsyncExitStack() as stack:
            pools = [await self._open_pool(stack) for _ in range(3)]
            await self._open_stores(pools[0])
            async with asyncio.TaskGroup() as group:
                self._watch(group, pools)
                async with contextlib.AsyncExitStack() as writing:
                    await self._write(writing, Reads(pools[0], self._build))
                await until_nobody_writes(self._url)
                self._over = True
            await self._gather(await self._open_pool(stack))
        return self._evidence

    def _is_over(self) -> bool:
        return self._over

    async def _open_pool(self, stack: contextlib.AsyncExitStack) -> Pool:
        pool = await open_play_pool(self._url, self._build)
        stack.callback(pool.terminate)
        return pool

    async def _open_stores(self, pool: Pool) -> None:
        if self._build is Build.LEDGER:
            for store_id in self._plan.stores:
                await open_ledger(pool, store_id, recorded_at=NOON)
            return
        async with pool.acquire() as connection:
            await PlainStore.create(connection, self._build, self._plan.stores)

    def _watch(self, group: asyncio.TaskGroup, pools: Sequence[Pool]) -> None:
        """Start the followers, and two owners who fold."""
        reads = Reads(pools[0], self._build)
        for store_id in self._plan.stores:
            for number, facts_max in enumerate(self._plan.follower_facts_max):
                sight = Sight(f"follower {number}", store_id)
                self._evidence.sights.append(sight)
                group.create_task(reads.follow(sight, facts_max, self._evidence, self._is_over))
        if self._build is Build.LEDGER:
            for number, pool in enumerate(pools[1:]):
                folder = Folder(pool, UUID(int=number + 1), self._projections, self._plan.fold_facts_max)
                dice = Dice(self._plan.seed, f"folder {number}")
                group.create_task(folder.run(self._plan.stores, dice, self._is_over))

    async def _write(self, stack: contextlib.AsyncExitStack, reads: Reads) -> None:
        """Let all clients call while faults happen; then call again what was never answered."""
        processes = await stack.enter_async_context(ProcessWriters(self._stage.nursery, self._url, self._build))
        local: dict[int, LocalWriter] = {}
        for number, is_process in enumerate(self._plan.writers):
            if is_process:
                processes.bear(number)
            else:
                local[number] = await LocalWriter.open(self._url, self._build)
                stack.push_async_callback(local[number].close)
        await processes.ready()
        clients = Clients(self._plan, self._evidence, local, processes, reads)
        proxies = [writer.proxy for writer in local.values()]
        faults = Faults(self._url, self._stage.server, processes, proxies, self._plan)
        breaking = asyncio.create_task(faults.run(clients.ended))
        await clients.run()
        await breaking
        faults.mend()
        await clients.call_again()
        self._evidence.injected = dict(faults.injected)

    async def _gather(self, pool: Pool) -> None:
        evidence, reads = self._evidence, Reads(pool, self._build)
        for store_id in self._plan.stores:
            evidence.stored[store_id] = await reads.stored(store_id)
            if self._build is not Build.LEDGER:
                evidence.heads[store_id] = max((fact.position for fact in evidence.stored[store_id]), default=0)
                continue
            reader = LedgerReader(pool)
            evidence.heads[store_id] = (await reader.head(store_id)).position
            found = await verify_ledger(reader, store_id)
            if isinstance(found, Broken) or found.facts != evidence.heads[store_id]:
                evidence.broken.append(f"{store_id}: {found}")
        if self._build is Build.LEDGER:
            await fold_to_the_end(pool, self._projections, self._plan.stores)
            evidence.misfolded = await misfolded(self._url, pool, self._projections, evidence.stored)
