"""What goes wrong between the shop's events when the demo is asked for it: SIGKILL, and two kinds of outage."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress

from aiohttp import web

from ops.sandbox.demo_day import Day, Interruption, outage_indices
from ops.sandbox.demo_house import House
from ops.sandbox.demo_screen import Screen
from ops.sandbox.demo_settle import NotReached, until
from ops.sandbox.demo_setup import SERVICE_CLIENT_ID
from ops.sandbox.jurnal.faults import FaultPlan, no_fault
from ops.sandbox.traffic import Traffic

_STEP_SECONDS_MAX = 30.0
_CATCH_SECONDS_MAX = 10.0
_JURNAL_AWAY_SECONDS = 3.0
_JURNAL_CALLS_FAILED = 5


class Trouble:
    """Troubles of one house, shown on a screen."""

    def __init__(self, house: House, screen: Screen) -> None:
        self._house = house
        self._screen = screen
        self._day: Day | None = None

    def watch(self, day: Day) -> None:
        """Know the day that it happens in: it waits for webhooks only while the service is up."""
        self._day = day

    def interruptions(self, traffic: Traffic) -> Mapping[int, Interruption]:
        """Return what is asked for, by the event before which it happens."""
        options, events = self._house.options, len(traffic.events)
        planned: dict[int, Interruption] = {}
        if options.outage:
            down, up = outage_indices(self._house.scenario, traffic)
            planned |= {down: self._stop_service, up: self._start_service}
        if options.jurnal_outage:
            planned[events * 3 // 5] = self._lose_jurnal
        if options.kill_service_once:
            planned[events // 2] = self._kill_and_restart
        return planned

    async def _kill_and_restart(self) -> None:
        """Kill it where it hurts most: Jurnal has made a document, and the service never hears of it."""
        caught = _AnswerHeld(self._house)
        try:
            with suppress(NotReached):
                await until(self._house, "a document whose answer is held", caught.document_is_made, _CATCH_SECONDS_MAX)
            await self._house.service.kill()
        finally:
            caught.let_go()
        what = "before Jurnal's answer to a document reached it" if caught.made else "between two calls"
        self._screen.done(f"the service is killed (SIGKILL), {what}, and started again")
        await self._house.start_service()

    async def _lose_jurnal(self) -> None:
        """Let Jurnal answer 503 to the service for some seconds and at least so many calls, half of them made."""
        away = _Away(self._house)
        try:
            with suppress(NotReached):
                await until(self._house, "calls that Jurnal does not answer", away.is_noticed, _STEP_SECONDS_MAX)
        finally:
            away.let_go()
        made = away.answered["after"]
        self._screen.done(
            f"Jurnal was away: {sum(away.answered.values())} calls were answered 503, {made} of them after its work"
        )

    async def _stop_service(self) -> None:
        assert self._day is not None
        self._day.service_goes_down()
        code = await self._house.service.stop()
        self._screen.done(f"the service is down for two hours of the shop's day (it ended with {code})")

    async def _start_service(self) -> None:
        assert self._day is not None
        # Every webhook of the two hours has met a closed door before it opens again.
        await until(self._house, "trying the webhooks", self._webhooks_were_tried, _STEP_SECONDS_MAX)
        await self._house.start_service()
        self._day.service_is_back()
        self._screen.done("the service is back")

    async def _webhooks_were_tried(self) -> bool:
        return not self._house.shop.notices


def _is_of_service(request: web.Request) -> bool:
    return SERVICE_CLIENT_ID in request.headers.get("Authorization", "")


class _Away:
    """Answers 503 to the service: before the work, then after it, in turns."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._since = asyncio.get_running_loop().time()
        self.answered: Counter[str] = Counter()
        house.jurnal.gate.fault = self._fault

    def _fault(self, request: web.Request) -> FaultPlan | None:
        if not _is_of_service(request):
            return None
        after = sum(self.answered.values()) % 2 == 0
        self.answered["after" if after else "before"] += 1
        return FaultPlan(status_after_commit=503) if after else FaultPlan(status_before_commit=503)

    async def is_noticed(self) -> bool:
        """Say whether enough calls have failed, for long enough."""
        lasted = asyncio.get_running_loop().time() - self._since
        return lasted >= _JURNAL_AWAY_SECONDS and sum(self.answered.values()) >= _JURNAL_CALLS_FAILED

    def let_go(self) -> None:
        """Answer as always again."""
        self._house.jurnal.gate.fault = no_fault


class _AnswerHeld:
    """Holds Jurnal's answer to the service's next document back, once the document is made."""

    _HELD_SECONDS = 60.0

    def __init__(self, house: House) -> None:
        self._house = house
        self._documents_before: int | None = None
        self.made = False
        house.jurnal.gate.fault = self._hold

    def _hold(self, request: web.Request) -> FaultPlan | None:
        if request.method != "POST" or not _is_of_service(request) or self._documents_before is not None:
            return None
        self._documents_before = self._documents()
        return FaultPlan(delay_after_commit_seconds=self._HELD_SECONDS)

    def _documents(self) -> int:
        return sum(self._house.jurnal.documents().values())

    async def document_is_made(self) -> bool:
        """Say whether there is such a document now."""
        self.made = self._documents_before is not None and self._documents() > self._documents_before
        return self.made

    def let_go(self) -> None:
        """Answer at once again."""
        self._house.jurnal.gate.fault = no_fault
