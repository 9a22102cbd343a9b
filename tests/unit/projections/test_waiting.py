"""What waits for a setting or a sync is let go by exactly the fact it waited for."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstore.facts.settings import (
    OutletMapped,
    StoreConnected,
    SyncRequested,
    SyncWindowOpened,
    TransferSync,
)
from projections.changes.waiting import WAITING_KEYS, waiting_key
from projections.changes.windows import last_window, next_window
from projections.jurnal_commands.fold import CommandAdded
from projections.sync_status.fold import SyncRecordRow
from tests.ledger import NOON
from tests.story import CONNECTION, Story, own
from tests.unit.projections.transfer_reports import (
    START,
    act,
    changes,
    correction,
    decided,
    delivery,
    legs,
    receipt,
    sent,
    transfer,
)

REJECTED = transfer(START, receipt("a1", decided("LATTE", 2, rejected=1)))
DELIVERED = delivery(receipt("d1", decided("LATTE", 3, buying_price=4_000)), transfer_id="delivery-1")
ADJUSTED = correction(act("c1", "Adjustment", 20, sent("LATTE", -2)))
ACCOUNTS = {
    "loss_account": "transfer-a1",
    "goods_received_account": "transfer-d1",
    "stock_adjustment_account": "transfer-c1",
}
KIOSK = {"destination_outlet_id": "kiosk", "destination_outlet_name": "Kiosk"}


def connected(**changed: object) -> StoreConnected:
    """Return the store's connection with other settings."""
    return msgspec.structs.replace(CONNECTION, **changed)


def booked(story: Story) -> set[str]:
    """Return the records that are being booked."""
    return {record_id for record_id, state in story.states.items() if state == "booking"}


@pytest.mark.parametrize("setting", ACCOUNTS)
def test_mapping_an_account_lets_go_exactly_what_waited_for_it(setting: str) -> None:
    """Three records wait for three accounts; each account frees its own, and the others go on waiting."""
    unmapped = dict.fromkeys(ACCOUNTS)
    story = Story(connection=connected(**unmapped))
    for report in (REJECTED, DELIVERED, ADJUSTED):
        story.report("transfer", report)
    assert {record_id: story.states[record_id] for record_id in ACCOUNTS.values()} == dict.fromkeys(
        ACCOUNTS.values(), "failed"
    )
    before = {record_id: row.updated for record_id, row in story.records.items()}
    story.set(connected(**{**unmapped, setting: "Some Account"}))
    assert booked(story) == {"transfer-a0", ACCOUNTS[setting]}
    touched = {record_id for record_id, row in story.records.items() if row.updated != before[record_id]}
    assert touched == {ACCOUNTS[setting]}


def test_a_missing_account_says_what_to_do() -> None:
    """The setting is named as the set-up file names it."""
    story = Story(connection=connected(loss_account=None))
    story.report("transfer", REJECTED)
    record = story.records["transfer-a1"]
    assert record.reason == "No account is mapped for rejected goods"
    assert "loss_account in the set-up file" in (record.what_to_do or "")
    assert story.in_transit()["LATTE"] == (5, 0, 0, 0, 5)


def test_mapping_an_outlet_lets_its_transfers_go_in_their_order() -> None:
    """Start and receipt that waited are booked by the setting itself, with the dates they happened on."""
    story = Story()
    story.report("transfer", transfer(START, receipt("a1", decided("LATTE", 5)), **KIOSK))
    stall = {"destination_outlet_id": "stall", "destination_outlet_name": "Stall"}
    story.report("transfer", transfer(act("o0", "Start", 20, sent("MOCHA", 1)), transfer_id="other", **stall))
    assert story.commands == []
    story.set(OutletMapped(outlet_id="kiosk", outlet_name="Kiosk", warehouse="Kiosk Warehouse"))
    assert [leg[:2] for leg in legs(story)] == [
        ("Main Warehouse", "iSeller in Transit"),
        ("iSeller in Transit", "Kiosk Warehouse"),
    ]
    assert booked(story) == {"transfer-a0", "transfer-a1"}
    assert story.states["transfer-o0"] == "failed"
    positions = sorted((row.position, row.ordinal) for row in story.rows(CommandAdded))
    assert positions == [(len(story.facts), 0), (len(story.facts), 1)]
    assert str(story.records["transfer-a0"].business_date) == "2026-11-20"


def test_a_count_at_an_unmapped_outlet_is_skipped_and_goes_when_the_outlet_is_mapped() -> None:
    """Only mapped outlets are in scope; mapping one takes its waiting records in."""
    story = Story()
    story.report("transfer", correction(act("c1", "Adjustment", 20, sent("LATTE", -2)), outlet_id="kiosk"))
    assert story.states == {"transfer-c1": "skipped"}
    story.set(OutletMapped(outlet_id="kiosk", outlet_name="Kiosk", warehouse="Kiosk Warehouse"))
    assert changes(story) == [("Kiosk Warehouse", "Inventory Adjustments", {"LATTE": -2})]


def test_a_mapping_told_twice_lets_nothing_go_twice() -> None:
    """What is booked waits no longer."""
    story = Story()
    story.report("transfer", transfer(START, **KIOSK))
    kiosk = OutletMapped(outlet_id="kiosk", outlet_name="Kiosk", warehouse="Kiosk Warehouse")
    story.set(kiosk)
    story.set(msgspec.structs.replace(kiosk, warehouse="Another Warehouse"))
    assert len(legs(story)) == 1


SCHEDULED = connected(transfer_sync=TransferSync("scheduled", ("09:00", "18:00")))
MANUAL = connected(transfer_sync=TransferSync("manual"))


def window(story: Story, until: datetime) -> None:
    """Let a scheduled time come."""
    story.tell(own(SyncWindowOpened(scope="transfers", until=until), "sync-transfers", f"window:{len(story.facts)}"))


def requested(story: Story, first: str, last: str) -> None:
    """Let a person ask for a range of dates."""
    request = SyncRequested(
        scope="transfers", first=date.fromisoformat(first), last=date.fromisoformat(last), actor="owner", reason="now"
    )
    story.tell(own(request, "sync-transfers", f"request:{len(story.facts)}"))


def test_a_scheduled_transfer_is_held_and_says_until_when() -> None:
    """Noon in UTC+7 on the 20th, so the window of 18:00 is next, on the store's clock."""
    story = Story(connection=SCHEDULED)
    story.report("transfer", REJECTED)
    assert story.commands == []
    assert story.records["transfer-a0"].state == "held"
    assert story.records["transfer-a0"].reason == "Waits for the transfer sync of 2026-11-20 18:00"


def test_a_window_lets_go_what_happened_by_then_and_nothing_later() -> None:
    """The start of the 20th goes, the receipt of the 21st waits for another window."""
    story = Story(connection=SCHEDULED)
    story.report("transfer", REJECTED)
    window(story, datetime(2026, 11, 20, 11, tzinfo=UTC))
    assert booked(story) == {"transfer-a0"}
    assert story.states["transfer-a1"] == "held"
    window(story, datetime(2026, 11, 21, 11, tzinfo=UTC))
    assert booked(story) == {"transfer-a0", "transfer-a1"}
    assert len(story.commands) == 3


def test_what_is_reported_after_a_window_waits_for_the_next() -> None:
    """A late report does not slip through a window that is over."""
    story = Story(connection=SCHEDULED)
    window(story, datetime(2026, 11, 20, 11, tzinfo=UTC))
    story.report("transfer", transfer(START))
    assert story.states == {"transfer-a0": "held"}
    window(story, datetime(2026, 11, 21, 2, tzinfo=UTC))
    assert booked(story) == {"transfer-a0"}


def test_by_hand_a_range_of_dates_goes_and_asking_again_is_harmless() -> None:
    """Dates are the store's, both ends included; what has gone does not go twice."""
    story = Story(connection=MANUAL)
    story.report("transfer", REJECTED)
    assert story.records["transfer-a0"].reason == "Transfers of this store are sent by hand"
    requested(story, "2026-11-19", "2026-11-20")
    assert booked(story) == {"transfer-a0"}
    requested(story, "2026-11-20", "2026-11-21")
    requested(story, "2026-11-20", "2026-11-21")
    assert booked(story) == {"transfer-a0", "transfer-a1"}
    assert len(story.commands) == 3


def test_a_range_of_dates_is_about_days_of_the_store() -> None:
    """18:30 UTC of the 20th is the 21st in Jakarta."""
    story = Story(connection=MANUAL)
    story.report("transfer", transfer({**START, "date": "2026-11-20T18:30:00"}))
    requested(story, "2026-11-20", "2026-11-20")
    assert booked(story) == set()
    requested(story, "2026-11-21", "2026-11-21")
    assert booked(story) == {"transfer-a0"}


def test_switching_to_real_time_lets_everything_go() -> None:
    """The setting that nothing waits for any more frees what waited."""
    story = Story(connection=SCHEDULED)
    story.report("transfer", REJECTED)
    story.set(CONNECTION)
    assert booked(story) == {"transfer-a0", "transfer-a1"}


def test_switching_from_a_schedule_to_by_hand_changes_what_the_list_says() -> None:
    """The reason follows the setting."""
    story = Story(connection=SCHEDULED)
    story.report("transfer", transfer(START))
    story.set(MANUAL)
    assert story.records["transfer-a0"].reason == "Transfers of this store are sent by hand"


def test_what_waits_for_a_mapping_when_a_window_opens_goes_with_the_next_window() -> None:
    """It stays failed until it is mapped, and is then held like any other."""
    story = Story(connection=SCHEDULED)
    story.report("transfer", transfer(START, **KIOSK))
    assert story.states == {"transfer-a0": "failed"}
    window(story, datetime(2026, 11, 20, 11, tzinfo=UTC))
    assert story.states == {"transfer-a0": "failed"}
    story.set(OutletMapped(outlet_id="kiosk", outlet_name="Kiosk", warehouse="Kiosk Warehouse"))
    assert story.states["transfer-a0"] == "held"
    window(story, datetime(2026, 11, 21, 11, tzinfo=UTC))
    assert booked(story) == {"transfer-a0"}


def test_orders_and_payouts_do_not_wait_for_the_transfer_sync() -> None:
    """The setting is about stock documents."""
    story = Story(connection=MANUAL)
    story.order()
    assert story.states == {"sale-order-1": "booking"}


def test_many_waiting_transfers_go_with_one_setting() -> None:
    """One fact, each lane numbered from nothing, every record booked."""
    story = Story()
    for number in range(40):
        start = act(f"s{number}", "Start", 20, sent("LATTE", 1))
        story.report("transfer", transfer(start, transfer_id=f"t{number}", **KIOSK))
    story.set(OutletMapped(outlet_id="kiosk", outlet_name="Kiosk", warehouse="Kiosk Warehouse"))
    assert len(booked(story)) == 40
    assert {row.ordinal for row in story.rows(CommandAdded)} == {0}
    assert {row.state for row in story.rows(SyncRecordRow)} == {"booking"}


@given(st.text(max_size=80))
def test_every_stream_has_one_shard(stream_id: str) -> None:
    """Its document's own facts and the facts that search all shards find the same one."""
    assert waiting_key(stream_id) in WAITING_KEYS


@pytest.mark.parametrize(
    ("hour", "last", "following"),
    [
        (0, "19 18:00", "20 09:00"),
        (9, "20 09:00", "20 18:00"),
        (12, "20 09:00", "20 18:00"),
        (23, "20 18:00", "21 09:00"),
    ],
)
def test_windows_are_times_of_the_stores_clock(hour: int, last: str, following: str) -> None:
    """At, before and behind a scheduled time, and over midnight."""
    sync = TransferSync("scheduled", ("09:00", "18:00"))
    at = datetime(2026, 11, 20, tzinfo=UTC) + timedelta(hours=hour - 7)
    assert f"{last_window(sync, 'Asia/Jakarta', at):%d %H:%M}" == last
    assert f"{next_window(sync, 'Asia/Jakarta', at):%d %H:%M}" == following


def test_the_next_window_is_counted_from_when_the_report_was_recorded() -> None:
    """Never from a clock of the fold: folded again, the list says the same."""
    story = Story(connection=SCHEDULED)
    story.report("transfer", transfer(START), observed_minute=600)
    assert story.facts[-1].recorded_at == NOON
    assert story.records["transfer-a0"].reason == "Waits for the transfer sync of 2026-11-20 18:00"


def test_fixing_one_thing_says_what_is_still_missing() -> None:
    """A record that needs two settings is judged again by the first and waits for the second."""
    story = Story(connection=connected(stock_adjustment_account=None))
    report: dict[str, Any] = correction(act("c1", "Adjustment", 20, sent("LATTE", -2)), outlet_id="kiosk")
    story.report("transfer", report)
    story.set(OutletMapped(outlet_id="kiosk", outlet_name="Kiosk", warehouse="Kiosk Warehouse"))
    assert story.records["transfer-c1"].reason == "No account is mapped for counts and adjustments"
    story.set(CONNECTION)
    assert booked(story) == {"transfer-c1"}
