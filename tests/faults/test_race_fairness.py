"""Four processes on one hot store: nobody starves, also not one whose batches take longer than the others' commits."""

import asyncio
from statistics import mean

import asyncpg

from tests.faults.plain_store import Build, PlainStore
from tests.faults.play import Stage
from tests.faults.writers import ProcessWriters
from tests.ledger import STORE, service_pool

PROCESSES = 4
SPIN_SECONDS = 2.0
SHARE_OF_THE_MEAN_MIN = 0.25
WAIT_SECONDS_MAX = 1.5
BIG_CALL_FACTS = 300


async def _spin_together(stage: Stage, url: str, build: Build, *, first_call_facts: int) -> list[list[float]]:
    """Let four processes append all the time, the first in bigger calls; return how long each one's calls waited."""
    if build is Build.LEDGER:
        async with service_pool(url):
            pass
    else:
        connection = await asyncpg.connect(url)
        await PlainStore.create(connection, build, [STORE])
        await connection.close()
    async with ProcessWriters(stage.nursery, url, build) as processes:
        for writer in range(PROCESSES):
            processes.bear(writer)
        await processes.ready()
        return await asyncio.gather(
            *(
                processes.spin(writer, STORE, seconds=SPIN_SECONDS, call_facts=first_call_facts if writer == 0 else 1)
                for writer in range(PROCESSES)
            )
        )


def _longest(waits: list[list[float]]) -> float:
    return max(max(calls) for calls in waits)


async def test_four_processes_on_one_hot_store_each_get_their_share(stage: Stage, stage_url: str) -> None:
    """Nobody gets less than a quarter of the mean, and no append waits longer than a moment."""
    waits = await _spin_together(stage, stage_url, Build.LEDGER, first_call_facts=1)
    calls = [len(process) for process in waits]
    assert min(calls) >= SHARE_OF_THE_MEAN_MIN * mean(calls), calls
    assert _longest(waits) < WAIT_SECONDS_MAX


async def test_a_process_with_big_batches_does_not_starve_among_quick_ones(stage: Stage, stage_url: str) -> None:
    """Deciding and writing takes it longer than the others need to move the head, and it gets its turn all the same."""
    waits = await _spin_together(stage, stage_url, Build.LEDGER, first_call_facts=BIG_CALL_FACTS)
    calls = [len(process) for process in waits]
    assert calls[0] >= SHARE_OF_THE_MEAN_MIN * mean(calls), calls
    assert _longest(waits) < WAIT_SECONDS_MAX


async def test_a_store_that_never_queues_starves_the_process_with_big_batches_in_the_same_play(
    stage: Stage, stage_url: str
) -> None:
    """The broken variant: whoever is slower than the others loses every comparison of the head."""
    waits = await _spin_together(stage, stage_url, Build.NEVER_QUEUES, first_call_facts=BIG_CALL_FACTS)
    calls = [len(process) for process in waits]
    assert calls[0] < SHARE_OF_THE_MEAN_MIN * mean(calls), calls
