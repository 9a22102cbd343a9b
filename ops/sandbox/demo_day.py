"""The shop's three days happen: events in time order, and what is planned to go wrong between them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import assert_never

from ops.sandbox.demo_company import post_buys
from ops.sandbox.demo_house import House
from ops.sandbox.scenario import Scenario
from ops.sandbox.traffic import Traffic, apply
from ops.sandbox.traffic_afterwards import OrderEdited, OrderRefunded, OrderVoided, PaymentReversed, VoidUndone
from ops.sandbox.traffic_calendar import moment
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
from ops.sandbox.traffic_order import Order

# The shop waits for its webhooks like a real one waits for time to pass; the service need not have booked anything.
_WEBHOOKS_WAITING_MAX = 24
_OUTAGE_HOURS = (12, 14)

Interruption = Callable[[], Awaitable[None]]


class Day:
    """Plays a traffic. `interruptions`: what to do before the event of an index."""

    def __init__(self, house: House, traffic: Traffic, interruptions: Mapping[int, Interruption]) -> None:
        self._house = house
        self._traffic = traffic
        self._interruptions = interruptions
        self._bought: list[StockBought] = []
        self._service_is_up = True
        self.done = 0
        self.happening = ""
        self.shop_time = ""

    @property
    def total(self) -> int:
        """How many events there are."""
        return len(self._traffic.events)

    def service_goes_down(self) -> None:
        """From now on, nobody takes webhooks: do not wait for them."""
        self._service_is_up = False

    def service_is_back(self) -> None:
        """Wait for webhooks again."""
        self._service_is_up = True

    async def play(self) -> None:
        """Let everything happen."""
        scenario = self._house.scenario
        pause = self._house.options.show_seconds / max(1, self.total)
        for index, event in enumerate(self._traffic.events):
            if index in self._interruptions:
                await self._post_buys()
                await self._interruptions[index]()
            await self._happen(event)
            self.done = index + 1
            self.shop_time = f"{event.at.astimezone(scenario.time_zone):%a %d %b %H:%M}"
            self.happening = described(scenario, event) or self.happening
            await asyncio.sleep(0 if isinstance(event, StockBought) else pause)
            while self._service_is_up and self._house.iseller.outbox.pending > _WEBHOOKS_WAITING_MAX:
                self._house.service.check()
                await asyncio.sleep(0.01)
        await self._post_buys()

    async def _happen(self, event: Event) -> None:
        if isinstance(event, StockBought):
            self._bought.append(event)
            return
        await self._post_buys()
        apply(event, self._house.shop)

    async def _post_buys(self) -> None:
        bought, self._bought = self._bought, []
        if bought:
            await post_buys(self._house.accountant, self._house.scenario, bought)


def outage_indices(scenario: Scenario, traffic: Traffic) -> tuple[int, int]:
    """Return the events before which the service goes down and comes back: two hours of the last day's noon."""
    start, end = (moment(scenario, traffic.today, hour * 60) for hour in _OUTAGE_HOURS)
    return _first_from(traffic, start), _first_from(traffic, end)


def _first_from(traffic: Traffic, at: datetime) -> int:
    return next((index for index, event in enumerate(traffic.events) if event.at >= at), len(traffic.events) - 1)


def described(scenario: Scenario, event: Event) -> str:  # noqa: C901, PLR0912 - one branch for each event
    """Say what happens, for a person; nothing of customers. Empty for what nobody waits for."""
    match event:
        case OrderCompleted(order=order):
            sentence = f"{scenario.outlet(order.outlet_code).name} sells {order.order_reference}, {_payment_of(order)}"
        case OrderPaid(payment=payment):
            sentence = f"A customer pays {rupiah(payment.amount_idr)} later"
        case TransferStarted(transfer_number=number, pieces=pieces):
            sentence = f"Transfer {number}: {sum(piece.quantity for piece in pieces)} pieces leave"
        case TransferReceived(pieces=pieces):
            sentence = f"A transfer arrives: {sum(piece.quantity for piece in pieces)} pieces accepted"
        case PayoutCompleted(payout=payout):
            sentence = f"Payout {payout.reference_id}: {rupiah(payout.deposit_idr)} reach the bank"
        case PayoutWaiting(payout=payout):
            sentence = f"Payout {payout.reference_id} waits"
        case PayoutFailed(payout=payout):
            sentence = f"Payout {payout.reference_id} fails"
        case SupplierDelivered(pieces=delivered):
            sentence = f"A supplier brings {sum(piece.quantity for piece in delivered)} pieces"
        case SupplierReturned(pieces=pieces):
            sentence = f"{sum(piece.quantity for piece in pieces)} pieces go back to a supplier"
        case StockCounted() | StockAdjusted():
            sentence = f"{scenario.outlet(event.outlet_code).name} corrects its stock"
        case OrderRefunded(refund=refund):
            sentence = f"A customer gets {rupiah(refund.amount_idr)} back"
        case OrderVoided():
            sentence = "A sale is voided"
        case VoidUndone():
            sentence = "A voided sale counts again"
        case OrderEdited(order=order):
            sentence = f"Order {order.order_reference} is changed"
        case PaymentReversed():
            sentence = "A payment turns out to have failed"
        case PayoutUntold(payout=payout):
            sentence = f"Payout {payout.reference_id} reaches the bank, and iSeller's webhook is lost"
        case CaughtUp():
            sentence = "The shop lets its books catch up"
        case StockBought() | OrderFulfilled() | MemberChanged() | ShiftOpened() | ShiftClosed():
            sentence = ""
        case _:
            assert_never(event)
    return sentence


def _payment_of(order: Order) -> str:
    paid = sum(payment.amount_idr for payment in order.payments)
    how = "on account" if not paid else "paid" if paid == order.total_idr else "paid in part"
    return f"{rupiah(order.total_idr)}, {how}"


def rupiah(amount: object) -> str:
    """Write an amount as shops do: Rp 1.234.567."""
    return "Rp " + f"{amount:,.0f}".replace(",", ".")
