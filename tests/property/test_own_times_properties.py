"""What stands in Jurnal hangs on what happened and when, and on nothing about how it was told."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.ledger import NOON
from tests.sandbox_books import SandboxBooks
from tests.story import Story, full_order, line, paid
from tests.unit.projections.shop_settings import shop
from tests.unit.projections.taken_back import RULES

_SOLD = datetime(2026, 11, 20, 18, 30, tzinfo=UTC)
_PRICE = 5_000
_PURSES = {"cash": "Cash", "external_debit": "Bank BCA", "store_credit": "Store Credit"}


class Paid(msgspec.Struct, frozen=True):
    """A payment that comes in."""

    amount: int
    gateway: str


class Back(msgspec.Struct, frozen=True):
    """So many lattes and so much money that go back."""

    lattes: int
    amount: int
    gateway: str = "cash"
    restocked: bool = True


class Void(msgspec.Struct, frozen=True):
    """The order is void."""


Event = Paid | Back | Void


class Way(msgspec.Struct, frozen=True):
    """How what happened last was told: by webhooks, some of them, by a poll, or by none; and when it came in."""

    order: bool
    details: bool
    poll: bool
    late: int


class History(msgspec.Struct, frozen=True):
    """An order of so many lattes, and what happened to it, an hour each after the other."""

    lattes: int
    at_sale: tuple[Paid, ...]
    events: tuple[Event, ...]

    @property
    def total(self) -> int:
        """What the order costs."""
        return self.lattes * _PRICE


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Return a history in which no more goods go back than were sold, and no more money than came in."""
    lattes = draw(st.integers(1, 5))
    total = lattes * _PRICE
    amounts = st.integers(1, total // 1_000 + 6).map(lambda thousands: thousands * 1_000)
    gateways = st.sampled_from(("cash", "external_debit", "external_debit", "store_credit"))
    payments = st.builds(Paid, amounts, gateways)
    at_sale = tuple(draw(st.lists(payments, max_size=2)))
    left, received = lattes, sum(each.amount for each in at_sale)
    events: list[Event] = []
    came_in = received
    for _ in range(draw(st.integers(1, 5))):
        if draw(st.booleans()):
            payment = draw(payments)
            received, came_in = received + payment.amount, came_in + payment.amount
            events.append(payment)
            continue
        goods = draw(st.integers(0, left))
        back = draw(st.sampled_from((0, -2_000, 2_000, -goods * _PRICE))) + goods * _PRICE
        back = min(max(back, 0), received)
        # Nobody gives back goods that are paid for and gets nothing.
        if not back and (not goods or came_in >= total):
            continue
        left, received = left - goods, received - back
        events.append(Back(goods, back, draw(gateways), draw(st.booleans())))
    # What came back without money, and is told after a void, is a known limit.
    is_known = all(event.amount for event in events if isinstance(event, Back))
    if is_known and draw(st.sampled_from((False, False, True))):
        events.append(Void())
    return History(lattes, at_sale, tuple(events))


WAYS = st.lists(
    st.builds(Way, st.booleans(), st.booleans(), st.booleans(), st.sampled_from((0, 0, 61, 121, 301))),
    min_size=6,
    max_size=6,
)


def _at(number: int) -> datetime:
    return _SOLD + timedelta(hours=number)


def _text(at: datetime) -> str:
    return at.isoformat().removesuffix("+00:00")


def _transaction(number: int, event: Paid | Back, place: int = 0) -> dict[str, Any]:
    names = {"cash": "Cash", "external_debit": "EDC BCA", "store_credit": "Store Credit"}
    return paid(
        f"t{number}-{place}",
        event.amount,
        order_id="order-1",
        type="sale" if isinstance(event, Paid) else "refund",
        transaction_date=_text(_at(number)),
        gateway=event.gateway,
        payment_type_name=names[event.gateway],
    )


def _record(number: int, back: Back) -> dict[str, Any]:
    goods = {"sku": "LATTE", "product_id": "p1"}
    return {
        "order_id": "order-1",
        "refund_date": _text(_at(number)),
        "refund_amount": back.amount,
        "refund_details": [{**goods, "quantity": back.lattes}] if back.lattes else [],
        "units_returned": [{**goods, "stock": back.lattes}] if back.lattes and back.restocked else [],
    }


def _snapshot(history: History, until: int) -> dict[str, Any]:
    """Return the order as it was once so many events had happened."""
    happened = list(enumerate(history.events[:until], start=1))
    transactions = [_transaction(0, each, place) for place, each in enumerate(history.at_sale)]
    transactions += [_transaction(n, each) for n, each in happened if not isinstance(each, Void) and each.amount]
    void = next((number for number, each in happened if isinstance(each, Void)), None)
    return full_order(
        order_details=[line("LATTE", history.lattes, _PRICE, order_detail_id="d1", product_id="p1")],
        total_order_amount=history.total,
        total_amount=history.total,
        closed_date=_text(_SOLD),
        transactions=transactions,
        refunded_orders=[_record(number, each) for number, each in happened if isinstance(each, Back)],
        **({} if void is None else {"status": "void", "cancel_date": _text(_at(void))}),
    )


def _minute(number: int, more: int = 0) -> int:
    return int((_at(number) - NOON).total_seconds() // 60) + 1 + more


def _in_turn(history: History) -> Story:
    """Tell everything as it happens."""
    story = shop(RULES)
    for until in range(len(history.events) + 1):
        story.report("order", _snapshot(history, until), observed_minute=_minute(until), channel="poll")
    return story


def _told(history: History, ways: list[Way]) -> Story:
    """Tell everything by webhooks that come late or never, and by polls; all of it by one in the end."""
    reports: list[tuple[int, str, dict[str, Any], int, str]] = []
    for number, way in enumerate(ways[: len(history.events) + 1]):
        minute, arrived = _minute(number), _minute(number, way.late)
        event = history.events[number - 1] if number else None
        if way.details and isinstance(event, Back):
            reports.append((arrived, "refund", _record(number, event), minute, "webhook"))
        if way.details and isinstance(event, Paid | Back) and event.amount:
            reports.append((arrived, "transaction", _transaction(number, event), minute, "webhook"))
        if way.order:
            snapshot = _snapshot(history, number)
            del snapshot["refunded_orders"]
            reports.append((arrived, "order", snapshot, minute, "webhook"))
        if way.poll:
            reports.append((minute, "order", _snapshot(history, number), minute, "poll"))
    story = shop(RULES)
    for _, kind, fields, minute, channel in sorted(reports, key=lambda report: report[0]):
        story.report(kind, fields, observed_minute=minute, channel=channel)
    everything = _snapshot(history, len(history.events))
    last = _minute(len(history.events) + 10)
    story.report("order", everything, observed_minute=last, channel="poll")
    return story


def _books(story: Story) -> dict[str, Any]:
    kept = SandboxBooks().book(story)
    assert kept.sandbox.exact_difference() == 0
    waiting = sorted(
        (each.record_id, each.state, each.reason) for each in story.records.values() if each.state in ("held", "failed")
    )
    figures = {"stock": kept.stock("LATTE"), "owed": kept.owed(), "credit": kept.credit_left()}
    return {**kept.balances, **figures, "waiting": waiting}


UNTOLD = [Way(order=False, details=False, poll=False, late=0)] * 6
_ALONE = Way(order=False, details=True, poll=False, late=0)
_SALE = Way(order=True, details=False, poll=False, late=0)
PART = Paid(8_000, "cash")


def _then(*events: Event) -> History:
    """Return an order of Rp 20,000 of which Rp 8,000 are paid, and what happened then."""
    return History(4, (PART,), events)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(history=histories(), ways=WAYS)
# The rest is paid after the refund, and all of it told at once.
@example(history=_then(Back(1, 5_000), Paid(12_000, "cash")), ways=UNTOLD)
# More is paid then than is owed, and more or less went back than the goods are worth.
@example(history=_then(Back(1, 7_000), Paid(15_000, "external_debit")), ways=UNTOLD)
@example(history=_then(Back(1, 3_000), Paid(12_000, "external_debit")), ways=[_SALE, UNTOLD[0], _ALONE])
# A payment is told before an earlier one, onto another account.
@example(history=_then(Paid(9_000, "cash"), Paid(9_000, "external_debit")), ways=[_SALE, UNTOLD[0], _ALONE])
@example(history=_then(Paid(5_000, "cash"), Back(2, 10_000), Void()), ways=UNTOLD)
def test_the_books_hang_on_what_happened_and_when_and_not_on_how_it_was_told(history: History, ways: list[Way]) -> None:
    """Late, in another order, all at once, or one by one: every account ends the same."""
    assert _books(_told(history, ways)) == _books(_in_turn(history))
