"""An outlet or channel that is mapped no more: what is booked stays, what comes from there waits, nothing stalls."""

from typing import Any

import msgspec
import pytest

from eventstore.facts.settings import (
    ChannelMapped,
    MappingRemoved,
    PaymentMapping,
    SalesAccountsMapped,
    SalesRulesSet,
    SalesSync,
    TransferSync,
)
from projections.jurnal_commands.commands import BookInvoice, PostJournal, ReceivePayment
from projections.store_settings.fold import SettingRow
from tests.story import CONNECTION, MAIN, Story, paid
from tests.unit.projections.edge_stories import words
from tests.unit.projections.taken_back import LATTES, RULES, given_back, polled, refund
from tests.unit.projections.test_payouts import payout
from tests.unit.projections.transfer_reports import (
    BACK,
    INTO,
    START,
    act,
    correction,
    decided,
    legs,
    receipt,
    sent,
    transfer,
)

OWN = msgspec.structs.replace(MAIN, payments=(PaymentMapping("cash", "Main Cash"),))
WEB = ChannelMapped(channel="web", channel_name="Web shop", warehouse="Web Warehouse")
LATER = {"transaction_date": "2026-11-22T02:00:00"}


def gone(scope: str, mapped: Any = "outlet", name: str = "Main Outlet") -> MappingRemoved:
    """Return that something is mapped no more."""
    return MappingRemoved(mapped=mapped, scope=scope, name=name, actor="owner")


def why(story: Story, record_id: str) -> tuple[str, str | None]:
    """Return state and reason of a record."""
    record = story.records[record_id]
    return record.state, record.reason


def test_a_new_sale_waits_as_if_its_outlet_had_never_been_mapped() -> None:
    """It says what to do, and is booked once the outlet is mapped again; told twice, it is the same."""
    story, never = Story(), Story()
    for _ in range(2):
        story.set(gone("main"))
    never.set(gone("main"))
    for each in (story, never):
        each.order(outlet_id="main")
    assert why(story, "sale-order-1") == why(never, "sale-order-1") == ("skipped", "Outlet Main Outlet is not mapped")
    story.set(MAIN)
    assert story.the(BookInvoice).warehouse == "Main Warehouse"


def test_what_is_booked_stays_and_what_comes_to_it_later_fails_until_it_is_mapped_again() -> None:
    """Not on the store's own account instead: the payment, the refund and the change name the outlet."""
    story = Story()
    for setting in (RULES, OWN):
        story.set(setting)
    cash = paid("t1", 10_000)
    story.order(order_details=LATTES, transactions=[cash])
    booked = list(story.commands)
    story.set(gone("main"))
    assert story.commands == booked
    story.order(order_details=LATTES, transactions=[cash, paid("t2", 10_000, **LATER)])
    assert why(story, "payment-order-1-t2") == ("failed", "Outlet Main Outlet is not mapped")
    assert story.commands == booked
    story.set(OWN)
    assert story.the(ReceivePayment).account == "Main Cash"


def test_a_refund_of_a_booked_sale_waits_for_its_outlet_too() -> None:
    """Its money went out of an account that the outlet alone knows."""
    story = Story()
    for setting in (RULES, OWN):
        story.set(setting)
    cash = paid("t1", 20_000)
    story.order(order_details=LATTES, transactions=[cash])
    story.set(gone("main"))
    polled(story, transactions=[cash, given_back(amount=10_000)], refunded_orders=[refund(10_000, 1)])
    failed = [record for record in story.records.values() if record.kind == "refund"]
    assert [(record.state, record.reason) for record in failed] == [("failed", "Outlet Main Outlet is not mapped")]
    assert "refund" in (failed[0].what_to_do or "")
    before = len(story.commands)
    story.set(OWN)
    assert len(story.commands) > before
    assert any("Main Cash" in words(command) for command in story.commands[before:])


def test_an_edit_of_a_booked_sale_fails_and_is_not_passed_over() -> None:
    """Jurnal shows the sale as it was: that needs a person, not a notice."""
    story = Story()
    story.order()
    story.set(gone("main"))
    story.order(total_amount=10_000, total_order_amount=10_000, order_details=[{**LATTES[0], "quantity": 1}])
    changed = [record for record in story.records.values() if record.kind == "change"]
    assert [record.state for record in changed] == ["failed"]
    story.set(MAIN)
    assert why(story, changed[0].record_id)[0] == "booking"


@pytest.mark.parametrize("outlet_id", ["main", "branch"])
def test_goods_in_transit_wait_for_their_outlet_and_their_transfer_does_not_stall(outlet_id: str) -> None:
    """Sent is booked and stays; the receipt fails with what to do, and is booked once the outlet is mapped again."""
    story = Story()
    story.report("transfer", transfer(START))
    story.set(gone(outlet_id))
    story.report("transfer", transfer(START, receipt("a1", decided("LATTE", 3, cancelled=1))))
    state, reason = why(story, "transfer-a1")
    assert state == "failed"
    assert "is not mapped any more" in (reason or "")
    assert story.records["transfer-a1"].what_to_do
    assert story.in_transit()["LATTE"] == (5, 0, 0, 0, 5)
    story.set(MAIN if outlet_id == "main" else msgspec.structs.replace(MAIN, outlet_id="branch", warehouse=INTO[1]))
    assert legs(story)[1:] == [(*INTO, {"LATTE": 3}), (*BACK, {"LATTE": 1})]
    story.report("transfer", transfer(act("b0", "Start", 21, sent("LATTE", 1)), transfer_id="transfer-2"))
    assert why(story, "transfer-b0")[0] == "booking"


def test_what_waits_for_its_time_says_at_once_that_it_will_not_go() -> None:
    """Sales and transfers that wait for a window do not wait for that any more."""
    story = Story(connection=msgspec.structs.replace(CONNECTION, transfer_sync=TransferSync("manual")))
    story.set(SalesRulesSet(sync=SalesSync("scheduled", ("18:00",))))
    story.order()
    story.report("transfer", transfer(START))
    assert set(story.states.values()) == {"held"}
    story.set(gone("main"))
    assert story.states == {"sale-order-1": "skipped", "transfer-a0": "failed"}
    story.set(MAIN)
    assert set(story.states.values()) == {"held"}


def test_every_other_document_of_the_outlet_waits_as_before_it_was_mapped() -> None:
    """Counts and payouts."""
    story = Story()
    story.set(gone("main"))
    story.report("transfer", correction(act("c1", "Adjustment", 20, sent("LATTE", 2))))
    story.report("payout", payout(outlet_id="main"))
    assert why(story, "transfer-c1") == ("skipped", "Outlet Main Outlet is not mapped")
    assert story.states["payout-PO-1"] == "failed"
    assert story.commands == []


def test_orders_of_a_channel_that_is_mapped_no_more_go_by_their_outlet() -> None:
    """As before the channel was mapped."""
    story = Story()
    story.set(WEB)
    story.order(channel="web")
    story.set(gone("web", "channel", "Web shop"))
    story.order(channel="web", order_id="order-2", order_reference="#2")
    assert [each.warehouse for each in story.commands if isinstance(each, BookInvoice)] == [
        "Web Warehouse",
        "Main Warehouse",
    ]


def test_sales_accounts_that_are_taken_away_move_nothing_any_more() -> None:
    """The next sale goes onto the product's own account; the row of the setting is gone."""
    story = Story()
    story.set(SalesRulesSet(sales_account_conflict="reclass"))
    story.set(SalesAccountsMapped(scope="", account="Sales"))
    story.set(SalesAccountsMapped(scope="main", account="Main Sales"))
    story.order()
    assert len([each for each in story.commands if isinstance(each, PostJournal)]) == 1
    story.set(gone("main", "sales_accounts", "main"))
    story.order(order_id="order-2", order_reference="#2")
    assert len([each for each in story.commands if isinstance(each, PostJournal)]) == 1
    assert [row.key_ for row in story.rows(SettingRow) if row.name == "SalesAccountsMapped"] == [""]
