"""Sales go at once, when the shift of their register is closed, or at set times: let go by what they wait for."""

from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest

from eventstore.facts.operators import RecordRetried
from eventstore.facts.settings import (
    BooksClosed,
    ChannelMapped,
    OutletMapped,
    PaymentMapping,
    SalesAccountsMapped,
    SalesRulesSet,
    SalesSync,
    Setting,
    SyncRequested,
    SyncWindowOpened,
)
from projections.changes.orders import OrderState
from projections.changes.verdict import Verdict
from projections.changes.waiting import SALES_WINDOW_NEED, WAITING_KEYS, Waiting, kept_waiting
from projections.jurnal_commands.commands import BookInvoice, ReceivePayment
from projections.jurnal_commands.fold import CommandAdded
from projections.sync_status.fold import SyncRecordRow
from tests.story import CONNECTION, Story, full_order, paid

REAL_TIME = SalesRulesSet()
SCHEDULED = SalesRulesSet(sync=SalesSync("scheduled", ("09:00", "18:00")))
BY_SHIFT = SalesRulesSet(sync=SalesSync("shift_closing", ("23:30",)))
# 12:30 in Jakarta, half an hour after the day's first fact.
AT_NOON = {"order_date": "2026-11-20T05:20:00", "closed_date": "2026-11-20T05:30:00"}
SIX = datetime(2026, 11, 20, 11, tzinfo=UTC)
NINE = datetime(2026, 11, 21, 2, tzinfo=UTC)


def shop(rules: SalesRulesSet) -> Story:
    """Return a live shop that sends its sales by these rules."""
    story = Story()
    story.set(rules)
    return story


def sold(story: Story, order_id: str = "order-1", **fields: object) -> None:
    """Let a completed sale of noon be told."""
    story.order(**{"order_id": order_id, **AT_NOON, **fields})


def window(story: Story, until: datetime) -> None:
    """Let a time of the schedule come."""
    story.sync(SyncWindowOpened(scope="sales", until=until))


def asked_for(story: Story, first: str, last: str) -> None:
    """Let a person ask for a range of dates."""
    days = date.fromisoformat(first), date.fromisoformat(last)
    story.sync(SyncRequested(scope="sales", first=days[0], last=days[1], actor="owner", reason="now"))


def booked(story: Story) -> set[str]:
    """Return the orders whose invoice is planned."""
    return {command.order_id for command in story.commands if isinstance(command, BookInvoice)}


def why(story: Story, record_id: str = "sale-order-1") -> tuple[str, str | None]:
    """Return state and reason of a record."""
    record = story.records[record_id]
    return record.state, record.reason


def test_in_real_time_a_sale_goes_at_once() -> None:
    """Nothing is waited for, with or without a register."""
    story = shop(REAL_TIME)
    sold(story, register_id="till-1")
    assert booked(story) == {"order-1"}


def test_a_scheduled_sale_is_held_and_says_until_when() -> None:
    """It is noon, so the window of 18:00 on the store's clock is the next one."""
    story = shop(SCHEDULED)
    sold(story, transactions=[paid("t1", 20_000)])
    assert why(story) == ("held", "Waits for the sales sync of 2026-11-20 18:00")
    assert story.commands == []
    window(story, SIX)
    assert booked(story) == {"order-1"}
    assert why(story) == ("booking", None)


def test_a_window_lets_go_sales_completed_by_then_and_nothing_later() -> None:
    """What is completed after the window's time says which one it waits for now."""
    story = shop(SCHEDULED)
    sold(story, "early")
    sold(story, "late", closed_date="2026-11-20T11:00:01")
    window(story, SIX)
    assert booked(story) == {"early"}
    window(story, NINE)
    assert booked(story) == {"early", "late"}


def test_a_sale_told_after_its_window_waits_for_the_next() -> None:
    """However old it is: a window lets go what is known when it opens, once."""
    story = shop(SCHEDULED)
    window(story, SIX)
    sold(story)
    assert story.states == {"sale-order-1": "held"}
    window(story, NINE)
    assert booked(story) == {"order-1"}


def test_a_window_told_twice_lets_nothing_go_twice() -> None:
    """What is planned waits no longer."""
    story = shop(SCHEDULED)
    sold(story)
    window(story, SIX)
    window(story, SIX)
    assert len(story.commands) == 1


def test_a_window_of_transfers_lets_no_sale_go() -> None:
    """Each scope has its own windows."""
    story = shop(SCHEDULED)
    sold(story)
    story.sync(SyncWindowOpened(scope="transfers", until=NINE))
    asked = SyncRequested(scope="transfers", first=date(2026, 1, 1), last=date(2026, 12, 31), actor="o", reason="r")
    story.sync(asked)
    assert story.states == {"sale-order-1": "held"}


def test_a_draft_that_is_completed_waits_for_its_window() -> None:
    """A draft waits for nothing; once completed it waits like any other sale."""
    story = shop(SCHEDULED)
    sold(story, status="draft")
    window(story, SIX)
    sold(story)
    assert why(story)[0] == "held"
    window(story, NINE)
    assert booked(story) == {"order-1"}


def test_a_person_may_send_a_range_of_dates_whatever_the_mode() -> None:
    """Dates are the store's days of the orders, both included; asked for again, nothing goes twice."""
    for rules in (SCHEDULED, BY_SHIFT):
        story = shop(rules)
        sold(story, register_id="till-1")
        sold(story, "tomorrow", register_id="till-1", order_date="2026-11-20T17:30:00", closed_date=None)
        asked_for(story, "2026-11-19", "2026-11-19")
        assert booked(story) == set()
        asked_for(story, "2026-11-20", "2026-11-20")
        assert booked(story) == {"order-1"}
        asked_for(story, "2026-11-19", "2026-11-21")
        assert booked(story) == {"order-1", "tomorrow"}
        asked_for(story, "2026-11-19", "2026-11-21")
        assert len(story.commands) == 2


def test_a_sale_waits_until_the_shift_of_its_register_is_closed() -> None:
    """It says so; the closing lets it go, and no other register's does."""
    story = shop(BY_SHIFT)
    sold(story, register_id="till-1")
    assert why(story) == ("held", "Waits until the shift of its register is closed")
    assert "jurnalsync sync sales" in (story.records["sale-order-1"].what_to_do or "")
    story.shift_closed("till-2", "2026-11-20T15:00:00")
    assert booked(story) == set()
    story.shift_closed("till-1", "2026-11-20T15:00:00")
    assert booked(story) == {"order-1"}


def test_a_closing_lets_go_exactly_the_sales_up_to_it() -> None:
    """A sale completed at the moment of the closing is of that shift; one a second later is of the next."""
    story = shop(BY_SHIFT)
    for order_id, closed in (("before", "14:00:00"), ("with", "15:00:00"), ("after", "15:00:01")):
        sold(story, order_id, register_id="till-1", closed_date=f"2026-11-20T{closed}")
    sold(story, "elsewhere", register_id="till-2")
    held = {record_id: row.updated for record_id, row in story.records.items()}
    story.shift_closed("till-1", "2026-11-20T15:00:00")
    assert booked(story) == {"before", "with"}
    touched = {record_id for record_id, row in story.records.items() if row.updated != held[record_id]}
    assert touched == {"sale-before", "sale-with"}
    story.shift_closed("till-1", "2026-11-21T15:00:00", shift_id="shift-2")
    assert booked(story) == {"before", "with", "after"}


def test_a_sale_told_after_its_shift_was_closed_goes_at_once() -> None:
    """Also when an older closing is told last; a sale after the closing waits for the next one."""
    story = shop(BY_SHIFT)
    story.shift_closed("till-1", "2026-11-20T15:00:00")
    story.shift_closed("till-1", "2026-11-19T15:00:00", shift_id="shift-0")
    sold(story, register_id="till-1")
    sold(story, "after", register_id="till-1", closed_date="2026-11-20T15:30:00")
    assert booked(story) == {"order-1"}
    assert story.states["sale-after"] == "held"


def test_an_open_shift_closes_nothing() -> None:
    """A report of a shift without its closing moves nothing, nor does one without a register."""
    story = shop(BY_SHIFT)
    sold(story, register_id="till-1")
    story.report("register_shift", {"register_shift_id": "s", "register_id": "till-1", "open_date": "2026-11-20T01:00"})
    story.report("register_shift", {"register_shift_id": "s", "closed_date": "2026-11-20T15:00:00"})
    assert booked(story) == set()


def test_the_daily_time_lets_go_only_sales_without_a_register() -> None:
    """A web order has no shift; what waits for its shift waits on."""
    story = shop(BY_SHIFT)
    sold(story, "web")
    sold(story, "till", register_id="till-1")
    assert why(story, "sale-web") == ("held", "Waits for the sales sync of 2026-11-20 23:30")
    window(story, datetime(2026, 11, 20, 16, 30, tzinfo=UTC))
    assert booked(story) == {"web"}
    assert why(story, "sale-till") == ("held", "Waits until the shift of its register is closed")


def test_without_a_daily_time_a_sale_without_a_register_says_what_to_do() -> None:
    """It is never forgotten silently."""
    story = shop(SalesRulesSet(sync=SalesSync("shift_closing")))
    sold(story)
    assert why(story) == ("held", "No time is set at which this sale is sent")
    assert (story.records["sale-order-1"].what_to_do or "").startswith("Set one, or send a range of dates")


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (SCHEDULED, BY_SHIFT, "Waits until the shift of its register is closed"),
        (BY_SHIFT, SCHEDULED, "Waits for the sales sync of 2026-11-20 18:00"),
        (SCHEDULED, REAL_TIME, None),
        (BY_SHIFT, REAL_TIME, None),
    ],
    ids=["to shifts", "to times", "from times to at once", "from shifts to at once"],
)
def test_another_mode_is_asked_of_all_that_wait(
    before: SalesRulesSet, after: SalesRulesSet, reason: str | None
) -> None:
    """What waits is judged again by the setting itself."""
    story = shop(before)
    sold(story, register_id="till-1")
    story.set(after)
    assert why(story) == ("held" if reason else "booking", reason)


def test_a_closing_that_came_under_another_mode_still_counts() -> None:
    """Shifts are known whatever the mode."""
    story = shop(SCHEDULED)
    sold(story, register_id="till-1")
    story.shift_closed("till-1", "2026-11-20T15:00:00")
    assert booked(story) == set()
    story.set(BY_SHIFT)
    assert booked(story) == {"order-1"}


@pytest.mark.parametrize("rules", [SCHEDULED, BY_SHIFT], ids=["times", "shifts"])
def test_what_follows_on_a_planned_sale_goes_at_once(rules: SalesRulesSet) -> None:
    """Decided once an order: a payment after its invoice waits for no second window."""
    story = shop(rules)
    sold(story, register_id="till-1")
    asked_for(story, "2026-11-20", "2026-11-20")
    sold(story, register_id="till-1", transactions=[paid("t1", 20_000)])
    assert isinstance(story.commands[-1], ReceivePayment)


def test_a_sale_that_is_booked_anew_waits_for_no_window() -> None:
    """A void that is taken back after the mode changed: the sale was sent already."""
    story = shop(REAL_TIME)
    money: dict[str, Any] = {"transactions": [paid("t1", 20_000, transaction_date="2026-11-20T05:00:00")]}
    sold(story, **money)
    story.set(SCHEDULED)
    sold(story, **money, status="void", cancel_date="2026-11-20T06:00:00")
    story.report("order", full_order(**AT_NOON, **money), channel="poll")
    assert [command.revision for command in story.commands if isinstance(command, BookInvoice)] == [1, 2]


def test_a_payment_before_the_window_goes_with_its_sale() -> None:
    """Nothing of an order goes before its invoice; the money of its day is the deposit."""
    story = shop(SCHEDULED)
    sold(story, transactions=[paid("t1", 5_000)])
    sold(story, transactions=[paid("t1", 5_000), paid("t2", 15_000, transaction_date="2026-11-20T06:00:00")])
    assert story.commands == []
    window(story, SIX)
    assert [type(command).__name__ for command in story.commands] == ["BookInvoice", "ReceivePayment"]


def test_asking_to_retry_does_not_send_what_waits_for_its_time() -> None:
    """A retry judges again; it is not a window."""
    story = shop(SCHEDULED)
    sold(story)
    story.say(RecordRetried(record_id="sale-order-1", actor="owner", reason="now"), "order-order-1")
    assert why(story)[0] == "held"


KIOSK = OutletMapped(outlet_id="kiosk", outlet_name="Kiosk", warehouse="Kiosk Warehouse")
AT_KIOSK = {"outlet_id": "kiosk", "outlet_name": "Kiosk"}
WITH_CUSTOM = msgspec.structs.replace(CONNECTION, payments=(*CONNECTION.payments, PaymentMapping("custom", "Cash")))
MENDED: dict[str, tuple[dict[str, Any], Setting, str]] = {
    "outlet": (AT_KIOSK, KIOSK, "sale-order-1"),
    "channel": (
        {**AT_KIOSK, "channel": "web"},
        ChannelMapped(channel="web", channel_name="Web", warehouse="Main Warehouse"),
        "sale-order-1",
    ),
    "payment": ({"transactions": [paid("t1", 20_000, gateway="custom")]}, WITH_CUSTOM, "payment-order-1-t1"),
}


@pytest.mark.parametrize("case", MENDED)
def test_a_mapping_lets_go_exactly_the_sales_that_waited_for_it(case: str) -> None:
    """Judged by the setting itself, with the dates they happened on; others are not touched."""
    fields, setting, record_id = MENDED[case]
    story = shop(REAL_TIME)
    sold(story, **fields)
    sold(story, "other", outlet_id="stall", outlet_name="Stall")
    assert story.states[record_id] in ("failed", "skipped")
    before = story.records["sale-other"]
    story.set(setting)
    assert story.states[record_id] == "booking"
    assert story.records["sale-other"] == before
    added = [row.position for row in story.rows(CommandAdded) if row.record_id == record_id]
    assert set(added) == {len(story.facts)}
    assert str(story.records[record_id].business_date).startswith("2026-11-2")


def test_opening_a_closed_period_lets_go_what_it_kept() -> None:
    """Moving the end of the closed period back is a setting like any other."""
    story = shop(SalesRulesSet(closed_period="fail"))
    story.set(BooksClosed(until=date(2026, 11, 30)))
    sold(story)
    assert story.states == {"sale-order-1": "failed"}
    story.set(BooksClosed(until=date(2026, 10, 31)))
    assert booked(story) == {"order-1"}


def test_a_sale_mended_by_a_mapping_still_waits_for_its_window() -> None:
    """A mapping is no window: the sale says what it waits for now."""
    story = shop(SCHEDULED)
    sold(story, **AT_KIOSK)
    window(story, SIX)
    story.set(KIOSK)
    assert why(story) == ("held", "Waits for the sales sync of 2026-11-20 18:00")


def test_settings_that_mend_nothing_say_nothing() -> None:
    """A product's account or another channel changes no word about a sale that waits for an outlet."""
    story = shop(REAL_TIME)
    sold(story, **AT_KIOSK)
    before = story.rows(SyncRecordRow)
    story.set(SalesAccountsMapped(scope="", products={"LATTE": "Coffee Sales"}))
    assert story.rows(SyncRecordRow) == before


def test_many_waiting_sales_go_with_one_window() -> None:
    """Thousands wait in shards; one fact lets them all go, in the order of their streams."""
    story = shop(SCHEDULED)
    for number in range(300):
        sold(story, f"o{number:03}")
    window(story, SIX)
    assert len(booked(story)) == 300
    assert len(WAITING_KEYS) == 1_024


def test_a_shard_forgets_what_waits_no_longer() -> None:
    """Neither the document nor what it waited for stays behind."""
    held = Verdict("held", "Waits", None, (SALES_WINDOW_NEED,))
    waits = OrderState(order_id="o1", verdicts={"sale-o1": held})
    shard = kept_waiting(Waiting(), waits)
    assert (set(shard.documents), shard.needs) == ({"order-o1"}, {"order-o1": (SALES_WINDOW_NEED,)})
    assert kept_waiting(shard, msgspec.structs.replace(waits, verdicts={})) == Waiting()
