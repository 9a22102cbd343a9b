"""The help article, live: set-up, Live Mode, a transfer between outlets, sales, payouts, profit and loss."""

import asyncio
import time
from contextlib import suppress
from datetime import datetime, timedelta

import msgspec

from ops.sandbox.demo_company import make_master_data
from ops.sandbox.demo_day import Day
from ops.sandbox.demo_house import House, utc_now
from ops.sandbox.demo_mend import by_kind, mend, see
from ops.sandbox.demo_payouts import payout_report
from ops.sandbox.demo_report import Course, LiveModeSeen, Report, make_report
from ops.sandbox.demo_screen import Moment, Screen
from ops.sandbox.demo_service_api import ApiUnreachable, View
from ops.sandbox.demo_settle import Due, send_by_hand, settle, until
from ops.sandbox.demo_trouble import Trouble
from ops.sandbox.expected import expected_books
from ops.sandbox.traffic import Traffic, apply, generate
from ops.sandbox.traffic_events import OrderCompleted, PayoutUntold

_STEP_SECONDS_MAX = 30.0
_SEEN_SECONDS = 2.0
_ACTOR = "owner@demo"


class Story:
    """One telling of it in a house, shown on a screen."""

    def __init__(self, house: House, screen: Screen) -> None:
        self._house = house
        self._screen = screen
        self._options = house.options
        self._scenario = house.scenario
        self._view: View | None = None
        self._day: Day | None = None
        today = time_in_store(house).date()
        # Refunds and voids are only believed when they are told after they happened, so these days are over.
        last_day = today - timedelta(days=1) if self._options.everything else today
        whole = generate(
            self._scenario, self._options.seed, self._options.orders, last_day, everything=self._options.everything
        )
        first = whole.first_transfer_started_index
        self._traffic = whole.until(first + 1) if self._options.stop_after_transfer_start else whole
        self._due = Due.of(expected_books(self._scenario, self._traffic), self._traffic)
        self._course = Course(
            today=today,
            live_mode=LiveModeSeen(writes_before=0, switch_off_status=0),
            opening_stock={},
            unsettled=[],
            seconds=0,
            failures_intended=by_kind(self._traffic.intended),
        )

    async def tell(self) -> Report:
        """Tell it to the end. Raises what goes wrong on the way: `NotReached`, `ServiceFailed`, `JurnalRefused`."""
        started = time.monotonic()
        await self._set_up()
        await self._go_live()
        watching = asyncio.create_task(self._watch())
        try:
            await self._live_through_the_days()
            self._screen.step("Settling", "until all that happened stands in Jurnal")
            self._course.unsettled = await settle(self._house, self._due, self._look)
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
        self._course.seconds = time.monotonic() - started
        self._screen.step("Financial reports", "the accountant reads Jurnal's profit and loss, and all is compared")
        return await make_report(self._house, self._due, self._course)

    async def _set_up(self) -> None:
        house, options = self._house, self._options
        self._screen.step("Set-up", house.database_line)
        raised = "raised for the demo: Jurnal's own is 30 calls a minute (--quota documented)"
        self._screen.done(f"quota: {raised if options.quota == 'raised' else 'as documented, 30 calls a minute'}")
        await house.set_up_service()
        await house.start_service()
        self._screen.done(
            f"service on {house.service_url}, iSeller on {house.iseller_url}, Jurnal on {house.jurnal_url}"
        )
        await make_master_data(house.accountant, self._scenario)
        outlets = " and ".join(outlet.name for outlet in self._scenario.outlets)
        self._screen.done(
            f"store {self._scenario.store_name} with {outlets}; Jurnal has its accounts, taxes and products"
        )
        house.deliver_webhooks()

    async def _go_live(self) -> None:
        house = self._house
        self._screen.step("Live Mode", "before it, nothing is sent to Jurnal")
        early = early_order(self._traffic, house)
        apply(early, house.shop)
        await until(house, "noticing a sale before Live Mode", self._early_sale_is_skipped, _STEP_SECONDS_MAX)
        writes = house.calls("POST")
        self._screen.done(f"sale {early.order.order_reference} before Live Mode: Skipped, {writes} documents sent")
        if self._options.everything and self._scenario.mode.sales_account_conflict == "refuse":
            await self._see_conflict_refused()
        await until(house, "a clean preflight", self._preflight_is_clean, _STEP_SECONDS_MAX)
        self._screen.done("preflight is clean: every outlet, account, tax and product is mapped")
        status = await house.api.activate_live_mode(_ACTOR)
        refused = await house.api.try_to_deactivate_live_mode()
        self._course.live_mode = LiveModeSeen(writes_before=writes, switch_off_status=refused)
        self._screen.done(f"activated ({status}); switching it off again is refused ({refused})")

    async def _see_conflict_refused(self) -> None:
        """Map what Jurnal cannot do, see the preflight refuse it, and take it back."""

        async def is_refused() -> bool:
            findings = await self._house.api.preflight()
            return any(finding["check"] == "sales_account_conflict" and finding["blocks"] for finding in findings)

        await self._house.apply_setup(refused=True)
        await until(self._house, "the preflight's refusal of a second sales account", is_refused, _STEP_SECONDS_MAX)
        await self._house.apply_setup()
        self._screen.done("an outlet's own sales account is refused by the preflight, and taken back")

    async def _early_sale_is_skipped(self) -> bool:
        skipped = await self._house.api.records(kind="sale", status="Skipped")
        # A thin report lacks the amount: only when all of it is known can nothing of it come in after the switch.
        return any(record["amount"] is not None for record in skipped)

    async def _preflight_is_clean(self) -> bool:
        # An outlet that nobody mapped is told, and may stay out of scope.
        return not any(finding["blocks"] for finding in await self._house.api.preflight())

    async def _live_through_the_days(self) -> None:
        first = self._traffic.first_transfer_started_index
        trouble = Trouble(self._house, self._screen)
        interruptions = {
            **trouble.interruptions(self._traffic),
            first: self._before_first_transfer,
            first + 1: self._first_transfer_stands_in_transit,
        }
        day = self._day = Day(self._house, self._traffic, interruptions)
        trouble.watch(day)
        await day.play()
        await self._enter_untold_payouts()
        await self._mend_what_failed()
        if self._options.stop_after_transfer_start:
            await self._first_transfer_stands_in_transit()

    async def _mend_what_failed(self) -> None:
        intended = self._traffic.intended
        if not intended:
            return
        self._course.failures_seen = by_kind(await see(self._house, intended))
        self._screen.done(f"{sum(self._course.failures_seen.values())} of {len(intended)} intended failures are shown")
        await mend(self._house, intended)
        self._screen.done("what was not mapped is mapped, the missing product is made, the rest is seen to")

    async def _enter_untold_payouts(self) -> None:
        """Let the merchant enter the payouts that iSeller's webhooks did not tell, from iSeller's own report."""
        untold = [event.payout for event in self._traffic.events if isinstance(event, PayoutUntold)]
        if untold:
            file = self._house.folder.path / "payouts.csv"
            file.write_text(payout_report(self._scenario, untold))
            await self._house.service.run_command("payouts", "import", "--store", self._scenario.store, str(file))
            self._screen.done(f"{len(untold)} payout that iSeller did not tell is entered from its report")

    async def _before_first_transfer(self) -> None:
        self._course.opening_stock = await self._house.accountant.stock(self._course.today)
        source, destination = (outlet.name for outlet in self._scenario.outlets)
        self._screen.step("Transfer of goods between outlets", f"5 pieces leave {source} for {destination}")

    async def _first_transfer_stands_in_transit(self) -> None:
        seconds_max = _STEP_SECONDS_MAX + self._house.window_seconds
        await until(self._house, "goods in transit", self._five_pieces_are_in_transit, seconds_max)
        self._screen.done(f'5 pieces stand in "{self._scenario.transit_warehouse}", here and in Jurnal')
        if self._options.watched:
            await asyncio.sleep(_SEEN_SECONDS)
        if not self._options.stop_after_transfer_start:
            self._screen.step("Sales and payouts", f"three days, {self._options.orders} orders")

    async def _five_pieces_are_in_transit(self) -> bool:
        await send_by_hand(self._house)
        view = await self._house.api.view()
        stock = await self._house.accountant.stock(self._course.today)
        held = {sku: count for sku, count in stock[self._scenario.transit_warehouse].items() if count}
        return sum(view.in_transit.values()) == 5 and held == view.in_transit

    async def _watch(self) -> None:
        """Keep the screen up to date; a service that is down or starting is simply not seen."""
        while True:
            with suppress(ApiUnreachable):
                self._look(await self._house.api.view())
            await asyncio.sleep(self._options.look_seconds)

    def _look(self, view: View) -> None:
        day = self._day
        self._screen.show(
            Moment(
                shop_time=day.shop_time if day else "",
                happening=day.happening if day else "",
                events_done=day.done if day else 0,
                events_total=day.total if day else 0,
                webhooks_waiting=self._house.iseller.outbox.pending,
                jurnal_documents=self._house.jurnal.documents(),
                jurnal_calls=self._house.calls(),
                view=view,
            )
        )


def early_order(traffic: Traffic, house: House) -> OrderCompleted:
    """Return a sale of the day before the generated ones, with a number of its own; the books must not know it."""
    made = generate(house.scenario, traffic.seed + 1, 1, traffic.today)
    found = next(event for event in made.events if isinstance(event, OrderCompleted))
    order = msgspec.structs.replace(found.order, order_reference="#0999")
    return msgspec.structs.replace(found, order=order)


def time_in_store(house: House) -> datetime:
    """Return the present moment on the store's clock."""
    return utc_now().astimezone(house.scenario.time_zone)
