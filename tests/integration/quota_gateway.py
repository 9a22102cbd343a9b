"""A gateway that counts in fixed and in sliding windows at once, and processes that share a budget in virtual time."""

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

import asyncpg

from eventstore.connection import Pool
from service.jurnal.exchange import Response
from service.jurnal.feedback import feedback_of
from service.jurnal.pace import Limit, Purpose
from service.quota import Granted, QuotaBudget, Spent
from service.quota_wish import Sharing
from tests.integration.stopped_clock import set_clock
from tests.ledger import NOON

DEADLINE = timedelta(seconds=90)
WORDS = {60: "minute", 3_600: "hour"}
PLAIN = Sharing()
SECONDS = (0.01, 0.2, 0.5, 8.0)


def quota_on(
    pool: Pool,
    company: Sequence[Limit],
    address: Sequence[Limit] = (Limit(1_000_000, 60),),
    *,
    sharing: Sharing = PLAIN,
    egress_address: str = "office",
) -> QuotaBudget:
    """Return one process's view of the budgets."""
    return QuotaBudget(
        pool, egress_address=egress_address, company_limits=company, address_limits=address, sharing=sharing
    )


def answer_of(status: int = 200, message: str = "", /, **remaining: int) -> Response:
    """Return an answer whose headers say what remains, e.g. `minute=9`."""
    headers = {f"x-ratelimit-remaining-{word}": str(calls) for word, calls in remaining.items()}
    return Response(status=status, headers=headers, body=f'{{"message":"{message}"}}'.encode())


@dataclass
class Counting:
    """One limit, counted in fixed windows that begin anywhere and in the last window's length before each call."""

    limit: Limit
    offset_seconds: float
    fixed: Counter[int] = field(default_factory=Counter)
    arrived: list[float] = field(default_factory=list)

    def left(self, at: float) -> int:
        """Return what the tighter of the two leaves."""
        window = self.limit.window_seconds
        sliding = sum(moment > at - window for moment in self.arrived)
        return self.limit.calls - max(self.fixed[self._number(at)], sliding)

    def count(self, at: float) -> None:
        """Count one call."""
        self.fixed[self._number(at)] += 1
        self.arrived.append(at)

    def _number(self, at: float) -> int:
        return int((at + self.offset_seconds) // self.limit.window_seconds)


class BothKinds:
    """Jurnal's gateway for one consumer or address, whichever way it may count; `refused` are its 429s."""

    def __init__(self, limits: Sequence[Limit], dice: Random) -> None:
        self._counted = [Counting(limit, dice.uniform(0, limit.window_seconds)) for limit in limits]
        self.calls = 0
        self.refused: list[float] = []

    def left(self, at: float) -> dict[str, int]:
        """Return what remains of each window."""
        return {WORDS[each.limit.window_seconds]: each.left(at) for each in self._counted}

    def take(self, at: float) -> Response:
        """Answer a call that arrives now."""
        if min(self.left(at).values()) <= 0:
            self.refused.append(at)
            return answer_of(429, "API rate limit exceeded", **self.left(at))
        for each in self._counted:
            each.count(at)
        self.calls += 1
        return answer_of(**self.left(at))


@dataclass(order=True)
class _Event:
    at: float
    order: int
    what: str = field(compare=False)
    process: int = field(compare=False)
    granted: Granted | None = field(compare=False, default=None)
    answer: Response | None = field(compare=False, default=None)


@dataclass
class Played:
    """What came of it: the calls of each company, and the gateways."""

    calls: Counter[str]
    companies: dict[str, BothKinds]
    address: BothKinds

    @property
    def refused(self) -> int:
        """Return how often a gateway said 429."""
        return len(self.address.refused) + sum(len(gateway.refused) for gateway in self.companies.values())


class _Scene:
    """Everybody's next moves, in the order of their time."""

    def __init__(
        self,
        processes: Sequence[tuple[QuotaBudget, str]],
        played: Played,
        dice: Random,
        *,
        heeds: bool,
        purposes: Sequence[Purpose],
        seconds: Sequence[float],
    ) -> None:
        self._processes, self._played, self._dice, self._heeds = processes, played, dice, heeds
        self._purposes, self._seconds = purposes, seconds
        self._events: list[_Event] = []
        self._order = 0

    def add(self, at: float, what: str, process: int, granted: Granted | None = None) -> None:
        """Let something happen later."""
        self._order += 1
        heapq.heappush(self._events, _Event(at, self._order, what, process, granted))

    def pop(self, before: float) -> _Event | None:
        """Return what happens next."""
        return heapq.heappop(self._events) if self._events and self._events[0].at < before else None

    async def happen(self, event: _Event) -> None:
        """Let a process ask, its call arrive, or its answer come."""
        quota, company = self._processes[event.process]
        if event.what == "ask":
            await self._ask(event, quota, company)
            return
        assert event.granted is not None
        if event.what == "arrive":
            answer = self._played.companies[company].take(event.at)
            if answer.status == 200:
                self._played.address.take(event.at)
                self._played.calls[company] += 1
            for waiting in self._events:
                if waiting.what == "answer" and waiting.granted is event.granted:
                    waiting.answer = answer
            return
        feedback = feedback_of(event.answer) if self._heeds and event.answer is not None else None
        await quota.release(event.granted, feedback)
        self.add(event.at, "ask", event.process)

    async def _ask(self, event: _Event, quota: QuotaBudget, company: str) -> None:
        purpose = self._dice.choice(self._purposes) if len(self._purposes) > 1 else self._purposes[0]
        granted = await quota.grant(company, purpose, deadline=DEADLINE)
        if isinstance(granted, Spent):
            wait = (granted.free_at - NOON).total_seconds() - event.at
            assert wait > 0
            self.add(event.at + min(wait, 30), "ask", event.process)
            return
        took = self._dice.choice(self._seconds)
        is_lost = self._dice.random() < 0.02
        # A lost one may arrive as late as its deadline.
        arrives = self._dice.uniform(0, DEADLINE.total_seconds() if is_lost else took)
        self.add(event.at + arrives, "arrive", event.process, granted)
        if is_lost:
            self.add(event.at + 1, "ask", event.process)
        else:
            self.add(event.at + took, "answer", event.process, granted)

    def others_call(self, event: _Event, per_minute: float) -> None:
        """Let others call with a company's credential; what they are refused is none of ours."""
        gateway = self._played.companies[self._processes[event.process][1]]
        if min(gateway.left(event.at).values()) > 0:
            gateway.take(event.at)
        self.add(event.at + self._dice.expovariate(per_minute / 60), "other", event.process)


async def play(
    connection: "asyncpg.Connection[asyncpg.Record]",
    processes: Sequence[tuple[QuotaBudget, str]],
    limits: tuple[Sequence[Limit], Sequence[Limit]],
    *,
    seconds: float,
    seed: int,
    heeds: bool = True,
    others_per_minute: float = 0,
    purposes: Sequence[Purpose] = (Purpose.FRESH,),
    answered_after: Sequence[float] = SECONDS,
) -> Played:
    """Let each process call for its company without a pause; answers take a random while, one in fifty is lost.

    `purposes`, `answered_after`: what calls are for and the seconds they take, drawn for each.
    `others_per_minute`: calls that others make with each company's credential. `heeds`: what Jurnal tells is used.
    """
    dice = Random(seed)  # noqa: S311 - a seed that can be told and repeated
    companies = {company: BothKinds(limits[0], dice) for _, company in processes}
    played = Played(Counter(), companies, BothKinds(limits[1], dice))
    scene = _Scene(processes, played, dice, heeds=heeds, purposes=purposes, seconds=answered_after)
    for number in range(len(processes)):
        scene.add(dice.uniform(0, 5), "ask", number)
    for number in {company: number for number, (_, company) in enumerate(processes)}.values():
        if others_per_minute:
            scene.add(0, "other", number)
    while (event := scene.pop(seconds)) is not None:
        if event.what == "other":
            scene.others_call(event, others_per_minute)
            continue
        await set_clock(connection, at(event.at))
        await scene.happen(event)
    return played


def at(seconds: float) -> datetime:
    """Return a moment so many seconds after noon."""
    return NOON + timedelta(seconds=seconds)
