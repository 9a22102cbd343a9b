"""The ledger as a state machine on a real Postgres, with a plain list as its model."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from eventstore.connection import Pool
from eventstore.event import Appended, AppendResult, Duplicate, NewFact, VersionConflict
from eventstore.store import LedgerReader
from eventstore.verify import Whole, verify_ledger
from projections.runner import Runner
from projections.store_settings.fold import StoreSettingsTable
from tests.ledger import OTHER_STORE, STORE, appender_on, member, service_pool

STREAMS = st.sampled_from(["customer-a", "customer-b", "customer-c"])
FACTS = st.builds(
    lambda number, stream, version: member(number, stream=stream, version=version),
    st.integers(1, 12),
    STREAMS,
    st.one_of(st.none(), st.none(), st.integers(0, 4)),
)
CALLS = st.lists(FACTS, min_size=1, max_size=4)


class Model:
    """What a ledger is: a list."""

    def __init__(self) -> None:
        self.facts: list[NewFact] = []

    def append(self, fact: NewFact) -> AppendResult:
        """Append one fact as the ledger promises to."""
        for position, known in enumerate(self.facts, start=1):
            if known.source_id == fact.source_id:
                return Duplicate(position, self.version(known.stream_id, position))
        version = self.version(fact.stream_id, len(self.facts))
        if fact.expected_version not in (None, version):
            assert fact.expected_version is not None
            return VersionConflict(fact.expected_version, version)
        self.facts.append(fact)
        return Appended(len(self.facts), version + 1)

    def version(self, stream_id: str, position: int) -> int:
        """Count a stream's facts up to a position."""
        return sum(fact.stream_id == stream_id for fact in self.facts[:position])


Run = Callable[[Coroutine[Any, Any, Any]], Any]


class Ledger(RuleBasedStateMachine):
    """Plays against a database of its own; a state machine is not asynchronous, so `run` runs what is."""

    def __init__(self, url: str, run: Run) -> None:
        super().__init__()
        self.run = run
        self.models = {STORE: Model(), OTHER_STORE: Model()}
        self.folded = {STORE: 0, OTHER_STORE: 0}
        self.stack = AsyncExitStack()
        run(self._open(url))

    async def _open(self, url: str) -> None:
        admin = await asyncpg.connect(url)
        # The tables are emptied between examples, which only a superuser with the triggers off can do.
        await admin.execute("SET session_replication_role = 'replica'")
        await admin.execute("DELETE FROM facts; DELETE FROM ledger_head; DELETE FROM projection_cursor")
        await admin.close()
        self.pool: Pool = await self.stack.enter_async_context(service_pool(url))
        self.appenders = (appender_on(self.pool), appender_on(self.pool))
        self.reader = LedgerReader(self.pool)

    def teardown(self) -> None:
        """Close the pool."""
        self.run(self.stack.aclose())

    @rule(store=st.sampled_from([STORE, OTHER_STORE]), facts=CALLS, by=st.integers(0, 1))
    def append(self, store: str, facts: list[NewFact], by: int) -> None:
        """Append a few facts: new, repeated, or expecting a version."""
        expected = [self.models[store].append(fact) for fact in facts]
        assert self.run(self.appenders[by].append(store, facts)) == expected

    @rule(calls=st.lists(CALLS, min_size=2, max_size=4))
    def append_together(self, calls: list[list[NewFact]]) -> None:
        """Append calls that become one batch."""

        async def together() -> list[list[AppendResult]]:
            return list(await asyncio.gather(*(self.appenders[0].append(STORE, facts) for facts in calls)))

        assert self.run(together()) == [[self.models[STORE].append(fact) for fact in facts] for facts in calls]

    @rule(after=st.integers(0, 20), facts_max=st.integers(1, 10))
    def read(self, after: int, facts_max: int) -> None:
        """Read on after a position."""
        facts = self.run(self.reader.read_after(STORE, after, facts_max))
        expected = self.models[STORE].facts[after : after + facts_max]
        assert [(fact.position, fact.source_id) for fact in facts] == [
            (after + offset, fact.source_id) for offset, fact in enumerate(expected, start=1)
        ]

    @rule(stream=STREAMS, after=st.integers(0, 5))
    def read_stream(self, stream: str, after: int) -> None:
        """Read on in a stream after a version."""
        facts = self.run(self.reader.read_stream(STORE, stream, after_version=after))
        expected = [fact.source_id for fact in self.models[STORE].facts if fact.stream_id == stream][after:]
        assert [fact.source_id for fact in facts] == expected
        assert [fact.stream_version for fact in facts] == list(range(after + 1, after + 1 + len(expected)))

    @rule(store=st.sampled_from([STORE, OTHER_STORE]), facts_max=st.integers(1, 8))
    def fold(self, store: str, facts_max: int) -> None:
        """Fold a bounded batch."""
        runner = Runner(self.pool, self.reader)
        step = self.run(runner.step(store, StoreSettingsTable(), epoch=1, facts_max=facts_max))
        self.folded[store] = min(self.folded[store] + facts_max, len(self.models[store].facts))
        assert (step.position, step.stalls) == (self.folded[store], ())

    @invariant()
    def every_chain_is_whole(self) -> None:
        """Positions 1..n, every hash, and the head (I8)."""
        for store, model in self.models.items():
            found = self.run(verify_ledger(self.reader, store))
            assert isinstance(found, Whole)
            assert found.facts == len(model.facts)


@pytest.fixture
def play(database_url: str) -> Iterator[Callable[[], Ledger]]:
    """Give a way to begin a play on this test's database."""
    loop = asyncio.new_event_loop()
    yield lambda: Ledger(database_url, loop.run_until_complete)
    loop.close()


def test_the_ledger_behaves_as_a_list_with_duplicates_and_versions(play: Callable[[], Ledger]) -> None:
    """Append, repeat, conflict, append together, read, fold: answers and contents are the list's, in any order."""
    few = settings(
        max_examples=12,
        stateful_step_count=12,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    # It takes any factory, says its docstring, and its annotation does not.
    run_state_machine_as_test(play, settings=few)  # type: ignore[arg-type]
