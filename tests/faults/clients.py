"""The clients of a play: they call, give up, look at what they were told, and call again what was never answered."""

import asyncio
from collections import Counter

import msgspec

from eventstore.event import NewFact, VersionConflict
from ops.sandbox.dice import Dice
from tests.faults.history import Call, Evidence
from tests.faults.plan import Client, Expects, Intent, Plan, Turn
from tests.faults.reading import Reads
from tests.faults.writers import LocalWriter, NoAnswer, ProcessWriters

REPLAYED_AT_THE_END = 0.7
_PATIENCE_SECONDS_MAX = 0.004


class Clients:
    """All clients of a play."""

    def __init__(
        self,
        plan: Plan,
        evidence: Evidence,
        local: dict[int, LocalWriter],
        processes: ProcessWriters,
        reads: Reads,
    ) -> None:
        self._plan = plan
        self._evidence = evidence
        self._local = local
        self._processes = processes
        self._reads = reads
        self._calls_ended = 0
        self._call_ended = asyncio.Condition()

    async def run(self) -> None:
        """Let all of them call to the end of their turns."""
        async with asyncio.TaskGroup() as group:
            for number, client in enumerate(self._plan.clients):
                group.create_task(self._take_turns(client, Dice(self._plan.seed, f"client {number}")))

    async def ended(self, calls: int) -> None:
        """Wait until so many calls have ended, well or not."""
        async with self._call_ended:
            await self._call_ended.wait_for(lambda: self._calls_ended >= calls)

    async def call_again(self) -> None:
        """Call once more most of what was never answered, through any writer."""
        dice = Dice(self._plan.seed, "again")
        for call in [call for call in self._evidence.calls if call.results is None]:
            if dice.chance(REPLAYED_AT_THE_END):
                writer = dice.between(0, len(self._plan.writers) - 1)
                await self._append(writer, call.store_id, call.facts, clock_seconds=0)

    async def _take_turns(self, client: Client, dice: Dice) -> None:
        versions: Counter[tuple[str, str]] = Counter()
        for turn in client.turns:
            store_id, facts = self._facts(turn, versions)
            patience = dice.between(0, 10) / 10 * _PATIENCE_SECONDS_MAX if turn.gives_up else None
            try:
                async with asyncio.timeout(patience):
                    call = await self._append(client.writer, store_id, facts, clock_seconds=turn.clock_seconds)
            except TimeoutError:
                pass
            else:
                await self._learn(call, versions, reads_back=turn.reads_back)
            async with self._call_ended:
                self._calls_ended += 1
                self._call_ended.notify_all()

    async def _learn(self, call: Call, versions: Counter[tuple[str, str]], *, reads_back: bool) -> None:
        if call.results is None:
            return
        for fact, result in zip(call.facts, call.results, strict=True):
            versions[call.store_id, fact.stream_id] = result.stream_version
        result = call.results[-1]
        if not reads_back or isinstance(result, VersionConflict):
            return
        if not await self._reads.is_there(call.store_id, result.position, call.facts[-1].source_id):
            self._evidence.absent.append(f"{call.store_id} {call.facts[-1].source_id}: {result}")

    def _facts(self, turn: Turn, versions: Counter[tuple[str, str]]) -> tuple[str, tuple[NewFact, ...]]:
        called = self._evidence.calls
        if turn.replays is None or not called:
            return turn.store_id, tuple(
                _expecting(intent, versions[turn.store_id, intent.fact.stream_id]) for intent in turn.intents
            )
        earlier = called[int(turn.replays * len(called))]
        if not turn.other_content:
            return earlier.store_id, earlier.facts
        other = tuple(msgspec.structs.replace(fact, metadata=b'{"told":"again"}') for fact in earlier.facts)
        return earlier.store_id, other

    async def _append(self, writer: int, store_id: str, facts: tuple[NewFact, ...], *, clock_seconds: int) -> Call:
        call = self._evidence.begin(store_id, facts)
        try:
            if writer in self._local:
                results = await self._local[writer].append(store_id, facts, clock_seconds)
            else:
                results = await self._processes.append(writer, store_id, facts, clock_seconds)
        except NoAnswer:
            return call
        except Exception as error:  # noqa: BLE001 - the checker tells of it, with the seed
            self._evidence.alarms.append(f"append: {type(error).__name__}: {error}")
            return call
        self._evidence.end(call, results)
        return call


def _expecting(intent: Intent, known: int) -> NewFact:
    match intent.expects:
        case Expects.NOTHING:
            return intent.fact
        case Expects.KNOWN:
            return msgspec.structs.replace(intent.fact, expected_version=known)
        case Expects.WRONG:
            return msgspec.structs.replace(intent.fact, expected_version=known + 7)
