"""The demo's house with its shop open and live, whose real service processes a test stops, kills and starts."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

import msgspec
from aiohttp import web

from ops.sandbox.demo_company import make_master_data
from ops.sandbox.demo_day import Day
from ops.sandbox.demo_house import House, utc_now
from ops.sandbox.demo_options import DemoOptions
from ops.sandbox.demo_process import ServiceProcess
from ops.sandbox.demo_report import Course, LiveModeSeen, Report, make_report
from ops.sandbox.demo_settle import Due, settle, until
from ops.sandbox.demo_setup import SERVICE_CLIENT_ID
from ops.sandbox.expected import expected_books
from ops.sandbox.jurnal.quota import Windows
from ops.sandbox.scenario import KOPI_NUSANTARA
from ops.sandbox.traffic import Traffic, generate

STEP_SECONDS_MAX = 30.0
# No longer than a lease of these houses lives: a lost call is looked up when both are over.
DEADLINE_SECONDS = 3


class Stopped:
    """A process that is stopped (SIGSTOP) at the moment a call of its own is at Jurnal: it does not hear the answer.

    `is_call` tells the call of the service. Jurnal does what it asks for; `made` are the numbers of the invoices that
    it made then.
    """

    def __init__(self, house: House, process: ServiceProcess, is_call: Callable[[web.Request], bool]) -> None:
        self._house = house
        self._process = process
        self._is_call = is_call
        self._before: list[str] | None = None
        self._sent: list[web.Request] = []
        self.made: list[str] = []
        house.jurnal.gate.fault = self._at_jurnal

    def _at_jurnal(self, request: web.Request) -> None:
        if SERVICE_CLIENT_ID not in request.headers.get("Authorization", ""):
            return
        if sends_invoices(request):
            self._sent.append(request)
        if self._before is None and self._is_call(request):
            self._process.pause()
            self._before = self.invoices()

    async def wait(self) -> None:
        """Wait until it is stopped and Jurnal has answered."""

        async def is_stopped() -> bool:
            return self._before is not None

        await until(self._house, "the call in which the process is stopped", is_stopped, STEP_SECONDS_MAX)
        await self._house.jurnal.finished()
        self.made = [number for number in self.invoices() if number not in (self._before or ())]

    def invoices(self) -> list[str]:
        """Return the numbers of all invoices in Jurnal, each as often as it is there."""
        return [str(invoice.name) for invoice in self._house.jurnal.company.sales_invoices]

    async def sendings(self, number: str) -> int:
        """Return in how many calls an invoice was sent."""
        return sum([number.encode() in await request.read() for request in self._sent])


def sends_invoices(request: web.Request) -> bool:
    """Tell whether a call sends invoices, one or several."""
    return request.method == "POST" and "/sales_invoices" in request.path


def sends_several_invoices(request: web.Request) -> bool:
    """Tell whether a call sends several invoices."""
    return sends_invoices(request) and request.path.endswith("/batch_create")


@dataclass
class Living:
    """A house that is live, and the shop's days that are to happen in it."""

    house: House
    traffic: Traffic

    async def happens(self, start: float, end: float, *, is_heard: bool = True) -> None:
        """Let happen what lies between two shares of the days; `is_heard`: wait until its webhooks are taken."""
        events = self.traffic.events
        part = events[int(len(events) * start) : int(len(events) * end)]
        day = Day(self.house, msgspec.structs.replace(self.traffic, events=part), {})
        if not is_heard:
            day.service_goes_down()
        await day.play()

    async def settled(self) -> Report:
        """Wait until all that happened stands in Jurnal; compare every figure with the generator's own."""
        due = Due.of(expected_books(self.house.scenario, self.traffic), self.traffic)
        unsettled = await settle(self.house, due, lambda _view: None)
        seen = LiveModeSeen(writes_before=0, switch_off_status=405)
        course = Course(today=self.traffic.today, live_mode=seen, opening_stock={}, unsettled=unsettled, seconds=0)
        return await make_report(self.house, due, course)

    async def statuses(self, number: str) -> list[str]:
        """Return the statuses of all lines of the list that name this invoice as their document."""
        return [
            record["status"]
            for record in await self.house.api.records(kind="sale")
            if any(document["transaction_no"] == number for document in record["documents"])
        ]

    async def are_found(self, numbers: list[str]) -> bool:
        """Tell whether each of these invoices has one line, which is Success."""
        return [await self.statuses(number) for number in numbers] == [["Success"]] * len(numbers)


@asynccontextmanager
async def living_house(
    *,
    orders: int,
    deadline_seconds: int = DEADLINE_SECONDS,
    quota: Literal["raised", "documented"] = "raised",
    quota_windows: Windows = "fixed",
) -> AsyncIterator[Living]:
    """Open a house with short fences and leases, set it up and switch Live Mode on."""
    options = DemoOptions(orders=orders, kill_service_once=True, quota=quota, quota_windows=quota_windows)
    async with House(options, KOPI_NUSANTARA) as house:
        house.service.use({"JURNALSYNC_JURNAL_DEADLINE_SECONDS": str(deadline_seconds)})
        await house.set_up_service()
        await house.start_service()
        await make_master_data(house.accountant, house.scenario)
        house.deliver_webhooks()

        async def preflight_is_clean() -> bool:
            return not any(finding["blocks"] for finding in await house.api.preflight())

        await until(house, "a clean preflight", preflight_is_clean, STEP_SECONDS_MAX)
        assert await house.api.activate_live_mode("owner@test") in {200, 201}
        today = utc_now().astimezone(house.scenario.time_zone).date()
        yield Living(house, generate(house.scenario, options.seed, orders, today))


def assert_right(report: Report, *, payouts_failed: int = 0) -> None:
    """Every figure is the generator's own; nothing twice, nothing failed, nothing left over.

    `payouts_failed`: of the shop's payouts, that moved no money and are passed over.
    """
    assert report.problems == []
    assert report.duplicates == 0
    assert report.trial_balance_difference == 0
    others = {status: count for status, count in report.sync.items() if count and status != "Success"}
    assert others == ({"Skipped": payouts_failed} if payouts_failed else {})
    assert report.balances == report.expected_balances
