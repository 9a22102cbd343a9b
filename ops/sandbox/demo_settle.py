"""Waits until everything the shop did stands in Jurnal, by looking; never by sleeping and hoping."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

import msgspec

from ops.sandbox.demo_house import House, utc_now
from ops.sandbox.demo_service_api import ApiUnreachable, View
from ops.sandbox.expected import ExpectedBooks
from ops.sandbox.traffic import Traffic
from ops.sandbox.traffic_events import (
    CaughtUp,
    OrderCompleted,
    OrderPaid,
    SupplierReturned,
    TransferReceived,
    TransferStarted,
)

_LOOK_SECONDS = 0.3
# Longer than the poller waits: what only a poll tells has come by then.
_STILL_SECONDS = 2.5
# A payment known when its invoice is made is the invoice's deposit, any other one a document of its own. Which of
# them it is depends on what the service had heard by then, so only their sum is certain.
_PAYMENT_TYPES = ("receive_payment", "deposit_payment")
_UNCERTAIN_TYPES = ("stock_adjustment",)
_SAVES = "Saving quota"
_BY_HAND = "Transfers of this store are sent by hand"
_WAITS_FOR_SYNC = (
    _BY_HAND,
    "Waits for the transfer sync",
    "Waits for the sales sync",
    "Waits until the shift",
)
_DAYS_SENT = 10
_SHOWN_MAX = 5
_ACTOR = "owner@demo"


class NotReached(Exception):
    """What was waited for did not come; the text says what is missing."""


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """What the books must come to, and how many documents of each type; "payment" counts both kinds of payment.

    `more`: how many there may be beyond that. A return of cancelled goods is no document, unless the service hears of
    it before the cancellation: then it is booked like any other transfer, and the goods end where they must all the
    same.
    """

    books: ExpectedBooks
    documents: dict[str, int]
    more: dict[str, int] = {}

    @classmethod
    def of(cls, books: ExpectedBooks, traffic: Traffic) -> "Due":
        """Count what the traffic leads to."""
        at_once = sum(len(event.order.payments) for event in traffic.events if isinstance(event, OrderCompleted))
        later = sum(isinstance(event, OrderPaid) for event in traffic.events)
        counts = {kind: count for kind, count in books.documents.items() if kind not in _PAYMENT_TYPES}
        if any(isinstance(event, CaughtUp) for event in traffic.events):
            # Of the sales side only invoices are certain: how money back is put together depends on what was known.
            counts = {kind: count for kind, count in counts.items() if kind not in _UNCERTAIN_TYPES}
            return cls(books=books, documents=counts, more=_early_returns(traffic))
        return cls(books=books, documents={**counts, "payment": at_once + later}, more=_early_returns(traffic))


def _early_returns(traffic: Traffic) -> dict[str, int]:
    returns = {e.transfer_id for e in traffic.events if isinstance(e, TransferStarted) and e.return_of is not None}
    arrivals = sum(isinstance(e, TransferReceived) and e.transfer_id in returns for e in traffic.events)
    from_supplier = sum(isinstance(e, SupplierReturned) and e.return_of is not None for e in traffic.events)
    return {"warehouse_transfer": len(returns) + arrivals, "stock_adjustment": from_supplier}


def counted(documents: Mapping[str, int], stock_bought: int) -> Counter[str]:
    """Return documents by type with both kinds of payment as one, without the accountant's adjustments."""
    counts = Counter(documents)
    counts["stock_adjustment"] -= stock_bought
    counts["payment"] = sum(counts.pop(kind, 0) for kind in _PAYMENT_TYPES)
    return counts


def missing(house: House, view: View, due: Due) -> list[str]:
    """Return what is not yet as it will be when all is settled."""
    lacking = []
    if house.iseller.outbox.pending:
        lacking.append(f"{house.iseller.outbox.pending} webhooks wait")
    if view.moving:
        lacking.append(f"{view.moving} sync records are on their way")
    made = counted(house.jurnal.documents(), house.accountant.made["stock_adjustment"])
    lacking += [
        f"{kind}: {made[kind]} of {count} are in Jurnal" for kind, count in due.documents.items() if made[kind] < count
    ]
    if view.in_transit != due.books.in_transit:
        lacking.append("goods in transit are not as they must be")
    shown = {status: count for status, count in view.invoices.items() if count}
    if shown != {status: count for status, count in due.books.invoices.items() if count}:
        lacking.append(f"invoices are {shown}")
    return lacking


async def send_by_hand(house: House) -> bool:
    """Tell whether anything waits for its sync; what waits for somebody to send it is sent, as the merchant does."""
    mode = house.scenario.mode
    if not mode.waits:
        return False
    reasons = [str(record["reason"]) for record in await house.api.records(status="Held")]
    if any(reason.startswith(_BY_HAND) for reason in reasons):
        today = utc_now().astimezone(house.scenario.time_zone).date()
        await house.api.send_by_hand("transfers", today - timedelta(days=_DAYS_SENT), today, _ACTOR)
    return any(reason.startswith(_WAITS_FOR_SYNC) for reason in reasons)


async def _on_their_way(house: House) -> list[str]:
    """Return the records that go to Jurnal by themselves; what waits for a document that failed is Held."""
    moving = await house.api.records(status="Pending,Processing")
    held = await house.api.records(status="Held")
    moving += [each for each in held if str(each["reason"]).startswith(_SAVES)]
    return [f"{each['kind']} {each['reference']}: {each['reason']}" for each in moving]


async def settle(house: House, due: Due, look: Callable[[View], None]) -> list[str]:
    """Wait until nothing is missing. Return what is: empty, unless nothing moved any more or time was up."""
    clock = asyncio.get_running_loop().time
    deadline = moved_at = clock()
    deadline += house.settle_seconds_max
    before: object = None
    lacking = ["the service's API does not answer"]
    while clock() < deadline:
        house.service.check()
        try:
            view = await house.api.view()
        except ApiUnreachable:
            await asyncio.sleep(_LOOK_SECONDS)
            continue
        look(view)
        lacking = missing(house, view, due)
        if view.sync.get("Held"):
            await send_by_hand(house)
        if not lacking:
            return []
        state = (view.sync, view.in_transit, view.invoices, house.jurnal.documents(), house.iseller.outbox.pending)
        if state != before:
            before, moved_at = state, clock()
        elif clock() - moved_at > house.still_seconds_max:
            return [*lacking, f"nothing moved for {house.still_seconds_max:.0f} s"]
        await asyncio.sleep(_LOOK_SECONDS)
    return [*lacking, f"not settled within {house.settle_seconds_max:.0f} s"]


async def caught_up(house: House) -> None:
    """Wait until what was told is booked and nothing moves any more; what waits or failed may. Raises `NotReached`."""
    clock = asyncio.get_running_loop().time
    before, moved_at = None, clock()

    async def nothing_moves() -> bool:
        nonlocal before, moved_at
        view = await house.api.view()
        state = (view.sync, house.jurnal.documents(), house.iseller.outbox.pending)
        if state != before:
            before, moved_at = state, clock()
        still = clock() - moved_at
        if house.iseller.outbox.pending or still <= _STILL_SECONDS:
            return False
        moving = await _on_their_way(house)
        if moving and still > house.still_seconds_max:
            raise NotReached(f"catching up did not happen, these stand still: {'; '.join(moving[:_SHOWN_MAX])}")
        return not moving and not await send_by_hand(house)

    await until(house, "catching up", nothing_moves, house.settle_seconds_max)


async def until(house: House, what: str, look: Callable[[], Awaitable[bool]], seconds_max: float) -> None:
    """Wait until `look` says yes. Raises `NotReached`, naming `what`, and `ServiceFailed`."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + seconds_max
    while True:
        house.service.check()
        try:
            if await look():
                return
        except ApiUnreachable:
            pass
        if clock() > deadline:
            raise NotReached(f"{what} did not happen within {seconds_max:.0f} s")
        await asyncio.sleep(_LOOK_SECONDS)
