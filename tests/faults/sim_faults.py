"""What goes wrong in a simulated world, as the plan says, and how it is repaired in the end."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from contextvars import Context
from functools import partial
from typing import TypeVar

from aiohttp import ClientRequest, web

from ops.sandbox.dice import Dice
from ops.sandbox.embedded_postgres import EmbeddedPostgres
from ops.sandbox.jurnal.faults import SeededFaults, Spans, no_fault, straight
from ops.virtual import wire as network
from ops.virtual.wire import Passage
from tests.faults.sim_plan import Moment, Outage, Plan, Trouble, WireShares
from tests.faults.sim_replica import Replica
from tests.faults.sim_world import World, noted

T = TypeVar("T")
# In proportion to the deadline and the fence of these worlds; `late` reaches beyond the date that Jurnal refuses.
SPANS = Spans(silence=30, slow_answer=(5, 25), late=(2, 60), clock_off=(41, 120), between_rows=(0.1, 1), droppable=())
_WRITTEN_SECONDS = 0.03
# What there is of a kind is read in order, nine kinds in a row before a process's first send. So much less goes wrong
# then: where they hardly ever all come through, hardly anything is sent while there are faults.
_ORDER = "sort_key"
_LISTS_SHARE = 0.1
_AT_CALLS = frozenset({"look", "send", "batch"})
_CHECKED_ALONE = (b"/sales_invoices", b"/receive_payments", b"/bank_deposits", b"/bank_withdrawals")


class Network:
    """Draws what becomes of each request to Jurnal."""

    def __init__(self, world: World, company_id: str, injected: Counter[str]) -> None:
        self._world = world
        self._company_id = company_id
        self._dice = Dice(world.plan.seed, f"network of {company_id}")
        self._shares: WireShares | None = world.plan.wire
        self._injected = injected

    def repair(self) -> None:
        """Carry everything straight from now on."""
        self._shares = None

    def __call__(self, request: bytes) -> Passage:
        """Choose, and write down."""
        passage = network.STRAIGHT if self._shares is None else self._drawn(self._shares, request)
        noted(self._world, self._company_id, request, passage)
        return passage

    def _drawn(self, shares: WireShares, request: bytes) -> Passage:
        dice = self._dice
        drawn, seconds = dice.between(0, 9_999) / 10_000, dice.between(1, 9_999) / 1_000
        if _ORDER.encode() in request[: request.index(b"\r\n")]:
            drawn /= _LISTS_SHARE
        passages = {
            "slow": Passage(request_seconds=seconds / 4, answer_seconds=seconds / 3),
            "cut": Passage(request_seconds=None, reset_seconds=0.1),
            "lost": Passage(request_seconds=None),
            "answer_lost": Passage(answer_seconds=None),
            "late": Passage(request_seconds=seconds * 8, reset_seconds=seconds / 4),
            "twice": Passage(again_seconds=seconds + 3),
        }
        for name, passage in passages.items():
            drawn -= getattr(shares, name)
            if drawn < 0:
                if name == "twice" and not _is_checked(request):
                    break
                self._injected[f"wire: {name}"] += 1
                return passage
        return network.STRAIGHT


def _is_checked(request: bytes) -> bool:
    """Tell whether Jurnal refuses a second one by its key."""
    line = request[: request.index(b"\r\n")]
    return line.startswith(b"POST ") and line.removesuffix(b" HTTP/1.1").endswith(_CHECKED_ALONE)


def _sparing(happens: Callable[[web.Request], T | None], dice: Dice) -> Callable[[web.Request], T | None]:
    """Return what happens to requests, less of it to lists."""

    def spared(request: web.Request) -> T | None:
        return None if _ORDER in request.query and not dice.chance(_LISTS_SHARE) else happens(request)

    return spared


def _moments(request: ClientRequest) -> tuple[Moment, ...]:
    """Return what a call counts as."""
    if request.method == "POST":
        return ("send", "batch") if request.url.path.endswith("/batch_create") else ("send",)
    return () if _ORDER in request.url.query else ("look",)


class Faults:
    """Everything that goes wrong. `injected` counts what did."""

    def __init__(self, world: World, server: EmbeddedPostgres) -> None:
        self.injected: Counter[str] = Counter()
        self._world = world
        self._server = server
        self._networks: list[Network] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._asked_of_jurnal: Counter[str] = Counter()
        self._at_calls: dict[tuple[str, int], Trouble] = {}
        self._is_repaired = False
        world.on_call = self.called

    def begin(self) -> None:
        """Let the faults of the plan happen from now on."""
        plan = self._world.plan
        for number, (company_id, jurnal) in enumerate(self._world.jurnals.items()):
            network_of = Network(self._world, company_id, self.injected)
            self._networks.append(network_of)
            self._world.wires[company_id].carrier = network_of
            seeded = SeededFaults(plan.seed * 10 + number, plan.faults, spans=SPANS)
            sparing = Dice(plan.seed, f"sparing at {company_id}")
            dice = Dice(plan.seed, f"overdue at {company_id}")
            fault, overdue = _sparing(seeded, sparing), self._world.overdue[company_id]
            jurnal.sandbox.gate.on_the_way = _sparing(seeded.on_the_way, sparing)
            jurnal.sandbox.gate.fault = overdue.among(fault, dice, plan.overdue_share, self.injected)
        for replica in self._world.replicas:
            replica.start(self._watching(plan, replica))
        troubles = plan.troubles
        self._at_calls = {(each.moment, each.number): each for each in troubles if each.moment in _AT_CALLS}
        timed = [each for each in troubles if each.moment == "time"]
        self._tasks = [asyncio.create_task(self._happen(trouble)) for trouble in timed]
        if plan.restart_at is not None:
            self._tasks.append(asyncio.create_task(self._restart(plan.restart_at)))
        self._tasks += [asyncio.create_task(self._restart_jurnal(outage)) for outage in plan.outages]

    def _watching(self, plan: Plan, replica: Replica) -> "partial[None]":
        """Return what is called before each question of a replica's process."""
        due = {
            trouble.number: trouble
            for trouble in plan.troubles
            if trouble.moment == "question" and trouble.replica == replica.number
        }
        return partial(self._asked, due, replica)

    def _asked(self, due: dict[int, Trouble], replica: Replica, question: int) -> None:
        trouble = due.pop(question, None)
        if trouble is None or self._is_repaired:
            return
        if trouble.kind == "kill" and not trouble.is_written:
            assert replica.process is not None
            replica.process.cut()
        self._soon(self._strike(trouble, replica))

    def called(self, replica: Replica, request: ClientRequest) -> None:
        """Let happen what the plan has for this call to Jurnal."""
        for moment in _moments(request):
            self._asked_of_jurnal[moment] += 1
            trouble = self._at_calls.pop((moment, self._asked_of_jurnal[moment]), None)
            if trouble is not None and not self._is_repaired:
                self._soon(self._strike(trouble, replica, _WRITTEN_SECONDS if trouble.is_written else 0))

    def _soon(self, striking: Coroutine[None, None, None]) -> None:
        """Let something happen to a process, which is not the one it happens in."""
        self._tasks.append(asyncio.get_running_loop().create_task(striking, context=Context()))

    async def _happen(self, trouble: Trouble) -> None:
        await asyncio.sleep(trouble.number)
        await self._strike(trouble, self._world.replicas[trouble.replica])

    async def _strike(self, trouble: Trouble, replica: Replica, after_seconds: float = 0) -> None:
        await asyncio.sleep(after_seconds)
        process = replica.process
        if process is None or process.is_stopped or (process.is_killed and trouble.kind != "kill"):
            return
        self.injected[trouble.kind] += 1
        self._world.note(f"{trouble.kind} {process.name} after {process.questions} questions, {trouble.seconds} s")
        match trouble.kind:
            case "clock":
                replica.clock.set_ahead(trouble.seconds)
            case "stop":
                process.stop()
                await asyncio.sleep(trouble.seconds)
                if not process.is_killed:
                    process.go_on()
            case "kill":
                await replica.kill()
                await asyncio.sleep(trouble.seconds)
                if replica.process is process:
                    replica.start()

    async def _restart(self, at: float) -> None:
        await asyncio.sleep(at)
        self.injected[f"Postgres restarted ({self._world.plan.restart_mode})"] += 1
        self._world.note("Postgres is restarted")
        self._server.restart(self._world.plan.restart_mode)

    async def _restart_jurnal(self, outage: Outage) -> None:
        await asyncio.sleep(outage.at)
        for company_id, jurnal in self._world.jurnals.items():
            self.injected["Jurnal restarted"] += 1
            self._world.note(f"Jurnal of {company_id} restarts and is away for {outage.seconds} s")
            jurnal.sandbox.restart(outage.seconds)

    async def repair(self) -> None:
        """Let nothing go wrong any more, and whoever is down come up."""
        self._is_repaired = True
        for task in self._tasks:
            task.cancel()
        for network_of in self._networks:
            network_of.repair()
        for company_id, jurnal in self._world.jurnals.items():
            # What Jurnal still works on it ends, as ever at the worst moment.
            overdue = self._world.overdue[company_id]
            jurnal.sandbox.gate.fault = overdue.among(no_fault, Dice(0, "nothing new"), 0.0, self.injected)
            jurnal.sandbox.gate.on_the_way = straight
            self.injected.update({kind.value: count for kind, count in jurnal.sandbox.injected.items()})
        for replica in self._world.replicas:
            replica.clock.set_ahead(0)
            process = replica.process
            if process is None or process.is_killed:
                await replica.kill()
                replica.start()
            elif process.is_stopped:
                process.go_on()
