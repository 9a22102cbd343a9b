"""The ledger as a state machine on a real Postgres, with a plain list as its model.

Two writers, a follower and two folds beside the appends; a rebuild at any moment; a clock that also goes backwards.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import asyncpg
import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from eventstore.appender import Appender
from eventstore.clock import ManualClock
from eventstore.connection import Pool, open_pool
from eventstore.event import Appended, AppendResult, Duplicate, NewFact, VersionConflict
from eventstore.store import LedgerReader
from eventstore.verify import Whole, verify_ledger
from projections.projection import Projection
from projections.rebuild import SHADOW_SEARCH_PATH, Rebuilder
from projections.runner import Runner
from projections.store_settings.fold import StoreSettingsTable
from tests.faults.folding import EveryFact, fold_from_scratch, stored_states
from tests.ledger import NOON, OTHER_STORE, SERVICE_ROLE, STORE, member, service_pool
from tests.story import BRANCH, MAIN, own

STREAMS = st.sampled_from(["customer-a", "customer-b", "customer-c"])
STORES = st.sampled_from([STORE, OTHER_STORE])
# One that shows any other order, omission or repeat in its states, and one whose rows a rebuild compares and swaps.
PROJECTIONS: tuple[Projection, ...] = (EveryFact(), StoreSettingsTable())
MEMBERS = st.builds(
    lambda number, stream, version: member(number, stream=stream, version=version),
    st.integers(1, 12),
    STREAMS,
    st.one_of(st.none(), st.none(), st.integers(0, 4)),
)
OUTLETS = st.builds(
    lambda number: own(MAIN if number % 2 else BRANCH, "settings", f"outlet:{number}"), st.integers(1, 6)
)
FACTS = st.one_of(MEMBERS, MEMBERS, OUTLETS)
CALLS = st.lists(FACTS, min_size=1, max_size=4)


class Model:
    """What a ledger is: a list. `followed` and `folded` are how far somebody has read it."""

    def __init__(self) -> None:
        self.facts: list[NewFact] = []
        self.followed: list[str] = []
        self.folded = {projection.name: 0 for projection in PROJECTIONS}

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


EMPTIED = ("facts", "ledger_head", "projection_cursor", "projection_state", "store_setting")
Run = Callable[[Coroutine[Any, Any, Any]], Any]


class Ledger(RuleBasedStateMachine):
    """Plays against a database of its own; a state machine is not asynchronous, so `run` runs what is."""

    def __init__(self, url: str, run: Run) -> None:
        super().__init__()
        self.run = run
        self.models = {STORE: Model(), OTHER_STORE: Model()}
        self.stack = AsyncExitStack()
        run(self._open(url))

    async def _open(self, url: str) -> None:
        admin = await asyncpg.connect(url)
        # The tables are emptied between examples, which only a superuser with the triggers off can do.
        await admin.execute("SET session_replication_role = 'replica'")
        await admin.execute("".join(f"DELETE FROM {table};" for table in EMPTIED))  # noqa: S608 - names from above
        await admin.close()
        self.pool: Pool = await self.stack.enter_async_context(service_pool(url))
        shadow = await open_pool(url, role=SERVICE_ROLE, connections_max=1, search_path=SHADOW_SEARCH_PATH)
        self.stack.callback(shadow.terminate)
        self.clock = ManualClock(NOON)
        self.appenders = (Appender(self.pool, self.clock), Appender(self.pool, self.clock))
        self.reader = LedgerReader(self.pool)
        self.rebuilder = Rebuilder(self.pool, shadow, self.reader)

    def teardown(self) -> None:
        """Close the pool."""
        self.run(self.stack.aclose())

    @rule(store=STORES, facts=CALLS, by=st.integers(0, 1))
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

    @rule(calls=st.tuples(CALLS, CALLS))
    def append_against_each_other(self, calls: tuple[list[NewFact], list[NewFact]]) -> None:
        """Append from both writers at once: the answers are those of one order of the two calls, whichever it was."""

        async def at_once() -> list[list[AppendResult]]:
            return list(await asyncio.gather(*map(self._append_to, self.appenders, calls)))

        before = self.models[STORE].facts[:]
        answers = self.run(at_once())
        for order in ((0, 1), (1, 0)):
            self.models[STORE].facts = before[:]
            expected = {writer: [self.models[STORE].append(fact) for fact in calls[writer]] for writer in order}
            if [expected[0], expected[1]] == answers:
                return
        raise AssertionError(f"no order of {calls} gives {answers}")

    async def _append_to(self, appender: Appender, facts: list[NewFact]) -> list[AppendResult]:
        return await appender.append(STORE, facts)

    @rule(seconds=st.integers(-3_600, 3_600))
    def turn_the_clock(self, seconds: int) -> None:
        """Set the writers' clock forward or back."""
        self.clock.advance(timedelta(seconds=seconds))

    @rule(after=st.integers(0, 20), facts_max=st.integers(1, 10))
    def read(self, after: int, facts_max: int) -> None:
        """Read on after a position."""
        facts = self.run(self.reader.read_after(STORE, after, facts_max))
        expected = self.models[STORE].facts[after : after + facts_max]
        assert [(fact.position, fact.source_id) for fact in facts] == [
            (after + offset, fact.source_id) for offset, fact in enumerate(expected, start=1)
        ]

    @rule(store=STORES, facts_max=st.integers(1, 10))
    def follow(self, store: str, facts_max: int) -> None:
        """Read on where the last read of this follower ended: it has seen the list's beginning, and nothing else."""
        model = self.models[store]
        for fact in self.run(self.reader.read_after(store, len(model.followed), facts_max)):
            model.followed.append(fact.source_id)
        assert model.followed == [fact.source_id for fact in model.facts[: len(model.followed)]]
        assert len(model.followed) == len(model.facts) or len(model.followed) >= facts_max

    @rule(stream=STREAMS, after=st.integers(0, 5))
    def read_stream(self, stream: str, after: int) -> None:
        """Read on in a stream after a version."""
        facts = self.run(self.reader.read_stream(STORE, stream, after_version=after))
        expected = [fact.source_id for fact in self.models[STORE].facts if fact.stream_id == stream][after:]
        assert [fact.source_id for fact in facts] == expected
        assert [fact.stream_version for fact in facts] == list(range(after + 1, after + 1 + len(expected)))

    @rule(store=STORES, projection=st.sampled_from(PROJECTIONS), facts_max=st.integers(1, 8))
    def fold(self, store: str, projection: Projection, facts_max: int) -> None:
        """Fold a bounded batch."""
        model = self.models[store]
        step = self.run(Runner(self.pool, self.reader).step(store, projection, epoch=1, facts_max=facts_max))
        model.folded[projection.name] = min(model.folded[projection.name] + facts_max, len(model.facts))
        assert (step.position, step.stalls) == (model.folded[projection.name], ())

    @rule(store=STORES, projection=st.sampled_from(PROJECTIONS), swap=st.booleans())
    def rebuild(self, store: str, projection: Projection, swap: bool) -> None:
        """Fold again from the first fact: nothing differs from what was folded batch by batch, swapped in or not."""
        if not self.models[store].folded[projection.name]:
            return
        position = self.run(self.rebuilder.fold(store, projection, lambda _position, _end: None))
        assert position == self.models[store].folded[projection.name]
        rebuilt = self.run((self.rebuilder.swap if swap else self.rebuilder.compare)(store, projection))
        assert (rebuilt.differences, rebuilt.swapped) == ((), swap)

    @rule(store=STORES)
    def states_are_folded(self, store: str) -> None:
        """Compare the states with the fold of as many facts in memory."""
        for projection in PROJECTIONS:
            facts = self.run(self.reader.read_after(store, 0, 1_000))[: self.models[store].folded[projection.name]]
            expected = {
                key: msgspec.msgpack.encode(state) for key, state in fold_from_scratch(projection, facts).items()
            }
            assert self.run(stored_states(self.pool, store, projection)) == expected

    @invariant()
    def every_chain_is_whole(self) -> None:
        """Positions 1..n, every hash, and the head (I8); the recorded time never goes back."""
        for store, model in self.models.items():
            found = self.run(verify_ledger(self.reader, store))
            assert isinstance(found, Whole)
            assert found.facts == len(model.facts)
            times = [fact.recorded_at for fact in self.run(self.reader.read_after(store, 0, 1_000))]
            assert times == sorted(times)


@pytest.fixture
def play(database_url: str) -> Iterator[Callable[[], Ledger]]:
    """Give a way to begin a play on this test's database."""
    loop = asyncio.new_event_loop()
    yield lambda: Ledger(database_url, loop.run_until_complete)
    loop.close()


def test_the_ledger_behaves_as_a_list_with_duplicates_and_versions(play: Callable[[], Ledger]) -> None:
    """Append, repeat, conflict, contend, follow, fold, rebuild: answers and contents are the list's, in any order."""
    few = settings(
        max_examples=12,
        stateful_step_count=16,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    # It takes any factory, says its docstring, and its annotation does not.
    run_state_machine_as_test(play, settings=few)  # type: ignore[arg-type]
