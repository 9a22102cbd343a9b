"""A sale on its way to Jurnal while one thing goes wrong: what is kept of it, and what a person sees of it."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from aiohttp import web

from eventstore.facts.operators import CommandReleased
from ops.sandbox.jurnal import Arrival, FaultKind, FaultPlan, SeededFaults
from ops.sandbox.jurnal.faults import STANDARD, Spans
from projections.jurnal_commands.identity import invoice_command_id, transaction_no
from service.company_waits import read_company_wait
from service.dispatcher import Dispatcher
from service.fence import Fence
from service.jurnal.exchange import NoAnswer, Response, SignedRequest
from service.jurnal_calls import JurnalCalls, Place
from service.sync_wording import wording
from tests.integration.dispatcher.stand import COMPANY, STEPS_MAX, Process, Stand
from tests.ledger import STORE
from tests.story import own
from tests.unit.sandbox_jurnal.virtual_time import Time

SALE = "sale-order-1"
NUMBER = transaction_no(invoice_command_id(STORE, "order-1"), "#3101-1001")
BEING_SENT = ("Processing", "It is being sent to Jurnal", "Nothing: Jurnal's answer is awaited")
IN_ITS_TURN = ("Pending", "It goes to Jurnal in its turn", "Nothing: it goes by itself")
BOOKED = ("Success", f"It is in Jurnal as {NUMBER}", "Nothing")
LOOKED_UP = "Nothing: it is looked up in Jurnal, and goes again only if it is not there"
TRIED_AGAIN = "Nothing more: it is tried again by itself"
DIFFERING = "Put it right there, then retry, or skip this if it may stand as it is"
Line = tuple[str, str, str]
# How long a caller waits whose patience is at its end in real time; all other time is virtual.
IMPATIENT_SECONDS = 0.25


def not_known(why: str) -> Line:
    """Return the line of what was sent and got no usable answer."""
    return ("Processing", f"It was sent, and whether Jurnal booked it is looked up: {why}", LOOKED_UP)


class Told(NamedTuple):
    """An answer as the ledger keeps it: the fact, its attempt and status, and by what it was found or why not."""

    fact: str
    attempt: int
    http_status: int | None
    word: str = ""


class _WatchedCalls(JurnalCalls):
    """A way to Jurnal on which the list is looked at while a document is being sent."""

    def __init__(self, case: "Case", deadline_seconds: float | None) -> None:
        usual = case.stand.calls()
        self.__dict__.update(usual.__dict__)
        self._case = case
        self._sending = usual if deadline_seconds is None else case.stand.calls(deadline_seconds=deadline_seconds)

    async def send(self, request: SignedRequest, place: Place) -> Response | NoAnswer:
        """Send; look at the list meanwhile."""
        if request.method == "GET":
            return await super().send(request, place)
        sending = asyncio.create_task(self._sending.send(request, place))
        try:
            await self._case.look()
            await self._case.while_sent()
        finally:
            answer = await sending
        return answer


async def nothing() -> None:
    """Do nothing while a document is being sent."""


@dataclass
class Case:
    """A store with one sale of Rp 20,000 to book. `lines` are what its line of the list showed, one after the other."""

    stand: Stand
    time: Time
    record_id: str = SALE
    lines: list[Line] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    while_sent: Callable[[], Any] = nothing

    def process(
        self,
        *,
        deadline_seconds: float | None = None,
        kind: type[Dispatcher] = Dispatcher,
        fence: Fence | None = None,
    ) -> Process:
        """Start a service; with a deadline, what it sends is given up after so long (real time)."""
        return self.stand.process(calls=_WatchedCalls(self, deadline_seconds), kind=kind, fence=fence)

    def plan(self, kind: FaultKind, *, method: str = "POST", path: str = "", spans: Spans = STANDARD) -> None:
        """Let a kind of fault happen once, to the next request it can happen to."""
        self.plan_course(SeededFaults(1, {kind: 1}, spans=spans), method=method, path=path)

    def plan_course(self, faults: "SeededFaults | FaultPlan", *, method: str = "POST", path: str = "") -> None:
        """Let the next request of a method go as planned."""
        left = [faults]

        def is_wanted(request: web.Request) -> bool:
            return bool(left) and request.method == method and path in request.path

        def fault(request: web.Request) -> FaultPlan | None:
            if not is_wanted(request):
                return None
            plan = left[0] if isinstance(left[0], FaultPlan) else left[0](request)
            if plan is not None:
                left.clear()
            return plan

        def on_the_way(request: web.Request) -> Arrival | None:
            if not is_wanted(request) or isinstance(left[0], FaultPlan):
                return None
            arrival = left[0].on_the_way(request)
            if arrival is not None:
                left.clear()
            return arrival

        self.stand.sandbox.gate.fault, self.stand.sandbox.gate.on_the_way = fault, on_the_way

    @property
    def retry(self) -> str:
        """Return what to do about a line that is for a person, behind what its reason says."""
        return f"To let it go again: jurnalsync sync retry {self.record_id}"

    async def look(self) -> None:
        """Look at the list as a person does; keep what the line says if it says something new."""
        record = (await self.stand.records())[self.record_id]
        waits = await read_company_wait(self.stand.pool, COMPANY.company_id, ZoneInfo("Asia/Jakarta"))
        words = wording(record, paused=None, waits=waits)
        line = (record.status, words.reason, words.what_to_do)
        if line not in self.lines[-1:]:
            self.lines.append(line)
        state = await self.stand.migrator.fetchval(
            "SELECT s.state FROM send s JOIN command c USING (store_id, command_id) WHERE c.record_id = $1",
            self.record_id,
        )
        if state not in self.states[-1:]:
            self.states.append(state)

    async def run(self, process: Process, *, hours: float = 2) -> None:
        """Step, look and let time pass until nothing is left to wait for."""
        await self.look()
        ends = self.stand.clock.now() + timedelta(hours=hours)
        for _ in range(STEPS_MAX):
            done = await self.stand.step(process)
            await self.look()
            if done.did in ("sent", "probed", "refused"):
                continue
            wakes = await self.stand.next_wake(done)
            if wakes is None or wakes > ends:
                return
            await self.stand.advance((wakes - self.stand.clock.now()).total_seconds())
        raise AssertionError(f"still busy after {STEPS_MAX} steps: {self.lines}")

    async def release(self, order_id: str = "order-1") -> None:
        """Let a person release a sale's invoice, a minute later."""
        identity = invoice_command_id(STORE, order_id)
        released = CommandReleased(command_id=identity, actor="owner", reason="it was put right")
        await self.stand.appender.append(STORE, [own(released, f"command-{identity}", "release:1")])
        await self.stand.advance(60)
        await self.stand.fold()

    async def told(self, command_id: str = invoice_command_id(STORE, "order-1")) -> list[Told]:
        """Return the answers that the ledger keeps of a command."""
        answers = []
        for fact in await self.stand.facts():
            told: Mapping[str, Any] = msgspec.json.decode(fact.body)
            attempted = told.get("attempted", {})
            if attempted.get("command_id") == command_id:
                word = told.get("found_by") or told.get("reason") or ""
                answers.append(
                    Told(fact.type.removeprefix("Command"), attempted["attempt"], attempted["http_status"], word)
                )
        return answers

    async def stands_once(self, *, sales: int = 1) -> None:
        """See that each sale is in Jurnal's books once, whatever arrives late, and to the rupiah."""
        await self.stand.advance(1_000)
        await self.stand.sandbox.finished()
        balances = self.stand.sandbox.exact_balances()
        assert self.stand.documents("sales_invoice") == sales
        assert balances["Accounts Receivable"] == 20_000 * sales
        assert self.stand.sandbox.duplicates({"sales_invoice": [NUMBER]}) == {"sales_invoice": 0}
        assert self.stand.sandbox.exact_difference() == 0
