"""A shop's three days from a seed, and how each event reaches the sandbox iSeller."""

from datetime import date
from typing import assert_never

import msgspec

from ops.sandbox.dice import Dice
from ops.sandbox.iseller.shop import Shop
from ops.sandbox.scenario import Scenario
from ops.sandbox.traffic_afterwards import OrderEdited, OrderRefunded, OrderVoided, PaymentReversed, VoidUndone
from ops.sandbox.traffic_calendar import business_days, moment
from ops.sandbox.traffic_events import (
    CaughtUp,
    Event,
    MemberChanged,
    OrderCompleted,
    OrderFulfilled,
    OrderPaid,
    PayoutCompleted,
    PayoutFailed,
    PayoutUntold,
    PayoutWaiting,
    ShiftClosed,
    ShiftOpened,
    StockAdjusted,
    StockBought,
    StockCounted,
    SupplierDelivered,
    SupplierReturned,
    TransferReceived,
    TransferStarted,
)
from ops.sandbox.traffic_goods import make_buys, make_transfers
from ops.sandbox.traffic_intended import Intended, make_intended, reversed_payments
from ops.sandbox.traffic_orders import make_order_events
from ops.sandbox.traffic_payouts import make_payouts
from ops.sandbox.traffic_sales import make_sales
from ops.sandbox.traffic_stock import make_stock_events


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """Events in time order; `first_transfer_started_index` points at the start of the five-piece transfer.

    `intended`: what fails on purpose.
    """

    seed: int
    today: date
    events: tuple[Event, ...]
    first_transfer_started_index: int
    intended: tuple[Intended, ...] = ()

    def until(self, end: int) -> "Traffic":
        """Return the same traffic with only the events before index `end`; nothing fails on purpose in it."""
        return msgspec.structs.replace(self, events=self.events[:end], intended=())


def generate(scenario: Scenario, seed: int, orders: int, today: date, *, everything: bool = False) -> Traffic:
    """Make `orders` orders and what goes with them over the three days ending `today` (a date of the store's zone).

    `everything`: business processes beyond the help article's four happen too; without it, nothing of them does.
    """
    days = business_days(today)
    make = make_sales if everything else make_order_events
    sales = make(scenario, seed, orders, days)
    transfers = make_transfers(scenario, seed, days)
    intended: tuple[Intended, ...] = ()
    if everything:
        transfers += make_stock_events(scenario, seed, days)
        failing, intended = make_intended(scenario, seed, days)
        intended += reversed_payments(sales)
        sales += failing
    return arranged(scenario, seed, today, sales, transfers, intended=intended, everything=everything)


def arranged(
    scenario: Scenario,
    seed: int,
    today: date,
    sales: list[Event],
    transfers: list[Event],
    *,
    intended: tuple[Intended, ...] = (),
    everything: bool,
) -> Traffic:
    """Return sales and transfers, of which there is one, in time order with what goes with them over the three days."""
    days = business_days(today)
    happenings: list[Event] = [
        *transfers,
        *make_buys(scenario, seed, days, sales + transfers),
        *_members(scenario, seed, days),
        *_shifts(scenario, seed, days, everything=everything),
        *sales,
        *make_payouts(scenario, seed, days, sales, everything=everything),
    ]
    # The sort is stable, so that events of one moment keep their cause before their effect.
    events = tuple(sorted(happenings, key=lambda event: event.at))
    return Traffic(
        seed=seed,
        today=today,
        events=events,
        first_transfer_started_index=next(
            index for index, event in enumerate(events) if isinstance(event, TransferStarted)
        ),
        intended=intended,
    )


def apply(event: Event, shop: Shop) -> StockBought | None:  # noqa: C901, PLR0912 - one branch for each event
    """Let the event happen in the shop; a buy is handed back instead, for the accountant to post to Jurnal."""
    match event:
        case StockBought():
            return event
        case OrderCompleted():
            shop.complete_order(event)
        case OrderPaid():
            shop.take_payment(event)
        case OrderRefunded():
            shop.refund_order(event)
        case OrderVoided():
            shop.void_order(event)
        case VoidUndone():
            shop.undo_void(event)
        case OrderEdited():
            shop.edit_order(event)
        case PaymentReversed():
            shop.reverse_payment(event)
        case OrderFulfilled():
            shop.fulfil_order(event)
        case MemberChanged():
            shop.change_member(event)
        case TransferStarted():
            shop.start_transfer(event)
        case TransferReceived():
            shop.receive_transfer(event)
        case SupplierDelivered() | SupplierReturned() | StockCounted() | StockAdjusted():
            shop.change_stock(event)
        case PayoutWaiting():
            shop.report_payout(event.payout, "waiting")
        case PayoutCompleted():
            shop.report_payout(event.payout, "completed")
        case PayoutFailed():
            shop.report_payout(event.payout, "failed")
        case CaughtUp() | PayoutUntold():
            pass
        case ShiftOpened():
            shop.open_shift(event)
        case ShiftClosed():
            shop.close_shift(event)
        case _:
            assert_never(event)
    return None


def _members(scenario: Scenario, seed: int, days: tuple[date, date, date]) -> list[Event]:
    dice = Dice(seed, "members")
    registered: list[Event] = [
        MemberChanged(at=moment(scenario, days[0], 5 * 60 + 50, second), customer=customer)
        for second, customer in enumerate(scenario.customers)
    ]
    moved = dice.picks(scenario.customers, 2)
    changed: list[Event] = [
        MemberChanged(
            at=moment(scenario, day, dice.between(9 * 60, 17 * 60)),
            customer=msgspec.structs.replace(customer, phone_number=f"+62-000-556-{dice.between(1000, 9999)}"),
        )
        for day, customer in zip(days[1:], moved, strict=True)
    ]
    return registered + changed


def _shifts(scenario: Scenario, seed: int, days: tuple[date, date, date], *, everything: bool) -> list[Event]:
    """Open and close every register. With everything, shifts end before the shop catches up: their sales go by then."""
    dice = Dice(seed, "shifts")
    outlets = (*scenario.outlets, *scenario.later_outlets)
    shifts: list[Event] = []
    for day in days:
        for outlet in outlets:
            shift_id = dice.guid()
            opened = moment(scenario, day, 6 * 60, dice.between(0, 59))
            closing = 22 * 60 + 53 if everything else 23 * 60 + 55
            closed = moment(scenario, day, closing, dice.between(0, 59))
            shifts.append(ShiftOpened(at=opened, register_shift_id=shift_id, outlet_code=outlet.code))
            shifts.append(ShiftClosed(at=closed, register_shift_id=shift_id))
    return shifts
