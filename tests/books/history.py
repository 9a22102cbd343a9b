"""What a shop's days make iSeller report: webhooks as they are sent, and all that a poll shows in the end."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import Random
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
from ops.sandbox.traffic_events import PayoutUntold, StockBought

_ROWS_MAX = 100_000
_FIRST, _LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


class Told(msgspec.Struct, frozen=True):
    """One report: its kind, its exact bytes, when iSeller said it, and by which way.

    `only`: nothing else tells it. An order shows what it is now: of an edit, of a void that is undone, or of a payment
    that failed after all, a poll that comes later shows nothing any more.
    """

    kind: str
    body: bytes
    observed_at: datetime
    metadata: Mapping[str, Any]
    only: bool = False


class History(msgspec.Struct, frozen=True):
    """All that is reported of a traffic, and the goods that were bought meanwhile."""

    webhooks: list[Told]
    polled: list[Told]
    buys: list[StockBought]

    def delivered(self, seed: int, *, repeated: float, lost: float) -> list[Told]:
        """Return the reports as they come in: webhooks of an hour in any order, some twice, some never; then polls."""
        dice = Random(seed)  # noqa: S311 - a seed that can be told and repeated
        kept = [told for told in self.webhooks if told.only or dice.random() >= lost]
        twice = kept + [told for told in kept if dice.random() < repeated]
        late = {id(told): told.observed_at + timedelta(minutes=dice.uniform(0, 60)) for told in twice}
        ordered = sorted(twice, key=lambda told: (late[id(told)], dice.random()))
        polled = list(self.polled)
        dice.shuffle(polled)
        # A poll may come between webhooks as well as behind them.
        between = dice.randrange(len(ordered) + 1)
        early = [told for told in polled if told.observed_at <= ordered[between - 1].observed_at] if between else []
        return [*ordered[:between], *early, *ordered[between:], *polled]


def history_of(scenario: Scenario, traffic: Traffic, *, returns_name_origin: bool) -> History:
    """Let the traffic's events happen in a shop, and write down what iSeller says of them."""
    fleeting = {event.order.order_id for event in traffic.events if isinstance(event, OrderEdited)}
    fleeting |= {event.order_id for event in traffic.events if isinstance(event, VoidUndone | PaymentReversed)}
    now = [traffic.events[0].at]
    shop = Shop(scenario, lambda: now[0], returns_name_origin=returns_name_origin)
    webhooks: list[Told] = []
    buys: list[StockBought] = []
    for event in traffic.events:
        now[0] = event.at
        if (bought := apply(event, shop)) is not None:
            buys.append(bought)
        if isinstance(event, PayoutUntold):
            completed = payout_document(scenario, event.payout, "completed")
            webhooks.append(Told("payout", encode(completed), event.at, {"channel": "file"}, only=True))
        while shop.notices:
            notice = shop.notices.popleft()
            only = notice.type == "payout" or notice.object_id in fleeting
            body = encode(notice.document)
            webhooks.append(Told(notice.type, body, event.at, {"channel": "webhook"}, only=only))
    return History(webhooks, _polled(shop, now[0] + timedelta(hours=1)), buys)


def _polled(shop: Shop, at: datetime) -> list[Told]:
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
        Told(kind, encode(row), at, {"channel": "poll", "time_zone": time_zone})
        for kind, page, time_zone in pages
        for row in page.rows
    ]
