"""What a shop's days make iSeller report: webhooks as they are sent, and all that a poll shows in the end."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from ops.sandbox.iseller.documents import payout_document
from ops.sandbox.iseller.order_document import EVERY_PART
from ops.sandbox.iseller.reads import Query, orders_page, shifts_page, transactions_page, transfers_page
from ops.sandbox.iseller.shop import Shop
from ops.sandbox.iseller.wire import encode
from ops.sandbox.scenario import Scenario
from ops.sandbox.traffic import Traffic, apply
from ops.sandbox.traffic_afterwards import OrderEdited, PaymentReversed, VoidUndone
from ops.sandbox.traffic_events import CaughtUp, PayoutUntold, StockBought
from tests.books.delivery import Delivery, Way

_ROWS_MAX = 100_000
# All that was told of a moment has come by then.
_LATE_MINUTES = 60
_POLLS = 3
_FIRST, _LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


class Told(msgspec.Struct, frozen=True):
    """One report: its kind, its exact bytes, when iSeller said it, and by which way.

    `only`: nothing else tells it. An order shows what it is now: of an edit, of a void that is undone, or of a payment
    that failed after all, a poll that comes later shows nothing any more. `turn`: comes in once all of a lower one has:
    the shop had caught up.
    """

    kind: str
    body: bytes
    observed_at: datetime
    metadata: Mapping[str, Any]
    only: bool = False
    turn: int = 0


class History(msgspec.Struct, frozen=True):
    """All that is reported of a traffic, and the goods that were bought meanwhile.

    `polls`: all that was shown at some moments, the last one behind everything. `shifts`: what was shown of them when
    the shop had caught up: a shop that sends with its shifts had closed them.
    """

    webhooks: list[Told]
    polls: list[list[Told]]
    buys: list[StockBought]
    shifts: list[Told]

    def delivered(self, delivery: Delivery) -> list[Told]:
        """Return the reports as they come in: webhooks of an hour in any order, some twice, some never; and polls."""
        arriving = [
            sent
            for told, way in zip(self.webhooks, delivery.ways, strict=False)
            if told.only or not way.lost
            for sent in _sent(told, way)
        ]
        *between, last = self.polls
        for polled, seen in zip(between, delivery.polls, strict=False):
            if seen:
                arriving += [(told.observed_at, told) for told in _mixed(delivery, polled)]
        arriving += [(told.observed_at + timedelta(minutes=_LATE_MINUTES), told) for told in self.shifts]
        ordered = sorted(arriving, key=lambda arrived: (arrived[1].turn, arrived[0]))
        return [*(told for _, told in ordered), *_mixed(delivery, last)]


def history_of(scenario: Scenario, traffic: Traffic, *, returns_name_origin: bool) -> History:
    """Let the traffic's events happen in a shop, and write down what iSeller says of them."""
    fleeting = {event.order.order_id for event in traffic.events if isinstance(event, OrderEdited)}
    fleeting |= {event.order_id for event in traffic.events if isinstance(event, VoidUndone | PaymentReversed)}
    now = [traffic.events[0].at]
    shop = Shop(scenario, lambda: now[0], returns_name_origin=returns_name_origin)
    webhooks: list[Told] = []
    buys: list[StockBought] = []
    polls: list[list[Told]] = []
    shifts: list[Told] = []
    turn = 0
    polled = _polled_before(traffic)
    for number, event in enumerate(traffic.events):
        if number in polled:
            polls.append(_polled(shop, now[0], turn))
        now[0] = event.at
        if isinstance(event, CaughtUp):
            shifts += [told for told in _polled(shop, event.at, turn) if told.kind == "register_shift"]
            turn += 1
        if (bought := apply(event, shop)) is not None:
            buys.append(bought)
        if isinstance(event, PayoutUntold):
            completed = payout_document(scenario, event.payout, "completed")
            webhooks.append(Told("payout", encode(completed), event.at, {"channel": "file"}, only=True, turn=turn))
        while shop.notices:
            notice = shop.notices.popleft()
            only = notice.type == "payout" or notice.object_id in fleeting
            body = encode(notice.document)
            webhooks.append(Told(notice.type, body, event.at, {"channel": "webhook"}, only=only, turn=turn))
    return History(webhooks, [*polls, _polled(shop, now[0] + timedelta(minutes=_LATE_MINUTES), turn)], buys, shifts)


def _polled_before(traffic: Traffic) -> frozenset[int]:
    """Return before which events, by their number, a poll is taken: never between two of one moment.

    It shows all that happened by its time. Else it would contradict a webhook of that time which comes first, and take
    an order back to what it was before an edit.
    """
    moments = [event.at for event in traffic.events]
    step = len(moments) // _POLLS
    return frozenset(bisect_left(moments, moments[number]) for number in range(step, len(moments), step))


def _sent(told: Told, way: Way) -> Iterator[tuple[datetime, Told]]:
    """Return when a webhook came in, stamped when it was first tried: both in another order than things happened.

    What nothing else tells is stamped at once: stamped after its undoing it would have had no meaning.
    """
    for waited, late in ((way.waited, way.late), *way.again):
        stamped = told.observed_at + timedelta(minutes=0 if told.only else waited)
        yield stamped + timedelta(minutes=late), msgspec.structs.replace(told, observed_at=stamped)


def _mixed(delivery: Delivery, polled: list[Told]) -> list[Told]:
    """Mix what one poll shows, kind by kind."""
    turns = {kind: turn for turn, kind in enumerate(delivery.mixed(sorted({told.kind for told in polled})))}
    return sorted(delivery.mixed(polled), key=lambda told: turns[told.kind])


def _polled(shop: Shop, at: datetime, turn: int) -> list[Told]:
    query = Query(
        created_after=_FIRST,
        modified_after=_FIRST,
        modified_before=_LAST,
        page=1,
        page_size=_ROWS_MAX,
        by_modified=True,
        parts=EVERY_PART,
    )
    pages = (
        ("order", orders_page(shop, query), 0),
        ("transaction", transactions_page(shop, query), 7),
        ("transfer", transfers_page(shop, query), 0),
        ("register_shift", shifts_page(shop, query), 0),
    )
    return [
        Told(kind, encode(row), at, {"channel": "poll", "time_zone": time_zone}, turn=turn)
        for kind, page, time_zone in pages
        for row in page.rows
    ]
