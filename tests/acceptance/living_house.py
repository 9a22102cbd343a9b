"""The demo's house with its shop open and live, whose real service processes a test stops, kills and starts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from ops.sandbox.demo_company import make_master_data
from ops.sandbox.demo_house import House, utc_now
from ops.sandbox.demo_options import DemoOptions
from ops.sandbox.demo_report import Course, LiveModeSeen, Report, make_report
from ops.sandbox.demo_settle import Due, settle, until
from ops.sandbox.demo_setup import SERVICE_CLIENT_ID
from ops.sandbox.expected import expected_books
from ops.sandbox.jurnal import FaultKind, FaultPlan
from ops.sandbox.jurnal.faults import no_fault
from ops.sandbox.scenario import KOPI_NUSANTARA
from ops.sandbox.traffic import Traffic, generate

STEP_SECONDS_MAX = 30.0
HELD_SECONDS = 60.0


class HeldAnswer:
    """Jurnal is slow with its answer to the service's next invoice: it is made, and nobody hears so."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._is_taken = False
        self.numbers: list[str] = []
        self._known = set(self._invoices())
        house.jurnal.gate.fault = self._hold

    def _invoices(self) -> list[str]:
        return [str(invoice.name) for invoice in self._house.jurnal.company.sales_invoices]

    def _hold(self, request: web.Request) -> FaultPlan | None:
        is_of_service = SERVICE_CLIENT_ID in request.headers.get("Authorization", "")
        if self._is_taken or not is_of_service or request.method != "POST" or "/sales_invoices" not in request.path:
            return None
        self._is_taken = True
        return FaultPlan(delay_after_commit_seconds=HELD_SECONDS, kind=FaultKind.SLOW_ANSWER)

    async def is_made(self) -> bool:
        """Tell whether Jurnal has made it."""
        self.numbers = [number for number in self._invoices() if number not in self._known]
        return self._is_taken and bool(self.numbers)

    async def wait(self) -> None:
        """Wait until Jurnal has made it; from then on Jurnal is quick again."""
        await until(self._house, "an invoice whose answer is held", self.is_made, STEP_SECONDS_MAX)
        self._house.jurnal.gate.fault = no_fault


@dataclass
class Living:
    """A house that is live, and the shop's days that are to happen in it."""

    house: House
    traffic: Traffic

    async def settled(self) -> Report:
        """Wait until all that happened stands in Jurnal; compare every figure with the generator's own."""
        due = Due.of(expected_books(self.house.scenario, self.traffic), self.traffic)
        unsettled = await settle(self.house, due, lambda _view: None)
        seen = LiveModeSeen(writes_before=0, switch_off_status=405)
        course = Course(today=self.traffic.today, live_mode=seen, opening_stock={}, unsettled=unsettled, seconds=0)
        return await make_report(self.house, due, course)

    async def records_of(self, numbers: list[str]) -> list[dict[str, Any]]:
        """Return the lines of the list whose documents have these numbers."""
        return [
            record
            for record in await self.house.api.records(kind="sale")
            if any(document["transaction_no"] in numbers for document in record["documents"])
        ]


@asynccontextmanager
async def living_house(*, orders: int) -> AsyncIterator[Living]:
    """Open a house with short fences and leases, set it up and switch Live Mode on."""
    options = DemoOptions(orders=orders, kill_service_once=True)
    async with House(options, KOPI_NUSANTARA) as house:
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


def assert_right(report: Report) -> None:
    """Every figure is the generator's own; nothing twice, nothing failed, nothing left over."""
    assert report.problems == []
    assert report.duplicates == 0
    assert report.trial_balance_difference == 0
    assert {status: count for status, count in report.sync.items() if count}.keys() == {"Success"}
    assert report.balances == report.expected_balances
