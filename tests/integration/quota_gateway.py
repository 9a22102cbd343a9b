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
from tests.integration.dispatcher.stand import set_clock
from tests.ledger import NOON

DEADLINE = timedelta(seconds=90)
WORDS = {60: "minute", 3_600: "hour"}
PLAIN = Sharing()


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


def answer_of(status: int = 200, message: str = "", **remaining: int) -> Response:
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


async def play(  # noqa: PLR0913 - a scene is what it says
    connection: "asyncpg.Connection[asyncpg.Record]",
    processes: Sequence[tuple[QuotaBudget, str]],
    limits: tuple[Sequence[Limit], Sequence[Limit]],
    *,
    seconds: float,
    seed: int,
    heeds: bool = True,
    others_per_minute: float = 0,
) -> Played:
    """Let each process call for its company without a pause; answers take a random while, one in fifty is lost.

    `others_per_minute`: calls that others make with each company's credential. `heeds`: what Jurnal tells is used.
    """
    dice = Random(seed)  # noqa: S311 - a seed that can be told and repeated
    companies = {company: BothKinds(limits[0], dice) for _, company in processes}
    played = Played(Counter(), companies, BothKinds(limits[1], dice))
    events: list[_Event] = []
    order = 0

    def add(at: float, what: str, process: int, granted: Granted | None = None, answer: Response | None = None) -> None:
        nonlocal order
        order += 1
        heapq.heappush(events, _Event(at, order, what, process, granted, answer))

    for number in range(len(processes)):
        add(dice.uniform(0, 5), "ask", number)
        if others_per_minute:
            add(0, "other", number)
    while events and events[0].at < seconds:
        event = heapq.heappop(events)
        quota, company = processes[event.process]
        if event.what == "other":
            if min(companies[company].left(event.at).values()) > 0:
                companies[company].take(event.at)
            add(event.at + dice.expovariate(others_per_minute / 60), "other", event.process)
            continue
        await set_clock(connection, NOON + timedelta(seconds=event.at))
        if event.what == "ask":
            granted = await quota.grant(company, Purpose.FRESH, deadline=DEADLINE)
            if isinstance(granted, Spent):
                wait = (granted.free_at - NOON).total_seconds() - event.at
                assert wait > 0
                add(event.at + min(wait, 30), "ask", event.process)
            else:
                took = dice.choice((0.01, 0.2, 0.5, 8.0))
                is_lost = dice.random() < 0.02
                # A lost one may arrive as late as its deadline.
                arrives = dice.uniform(0, DEADLINE.total_seconds() if is_lost else took)
                add(event.at + arrives, "arrive", event.process, granted)
                if is_lost:
                    add(event.at + 1, "ask", event.process)
                else:
                    add(event.at + took, "answer", event.process, granted)
        elif event.what == "arrive":
            assert event.granted is not None
            answer = companies[company].take(event.at)
            if answer.status == 200:
                played.address.take(event.at)
                played.calls[company] += 1
            for waiting in events:
                if waiting.what == "answer" and waiting.granted is event.granted:
                    waiting.answer = answer
        else:
            assert event.granted is not None
            feedback = feedback_of(event.answer) if heeds and event.answer is not None else None
            await quota.release(event.granted, feedback)
            add(event.at, "ask", event.process)
    return played


def at(seconds: float) -> datetime:
    """Return a moment so many seconds after noon."""
    return NOON + timedelta(seconds=seconds)
