"""Given a booked sale, when it is voided or completed again, then the books are as without it, or as with it."""

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from eventstore.facts.settings import BooksClosed
from projections.jurnal_commands.commands import BookInvoice, DeleteInvoice, ReturnSale
from projections.jurnal_commands.identity import command_id
from tests.ledger import STORE
from tests.sandbox_books import SandboxBooks
from tests.story import full_order, line, paid
from tests.unit.projections.shop_settings import WITH_VOUCHER, seen_to, shop, told
from tests.unit.projections.taken_back import (
    CASH,
    LATTES,
    NEXT_DAY,
    RULES,
    SAME_DAY,
    after_sale,
    given_back,
    polled,
    refund,
    refunded,
    sold,
    voided,
)

DELETED = msgspec.structs.replace(RULES, same_day_void="delete")
LOST = msgspec.structs.replace(RULES, void_restocks=False)
EVENING = "2026-11-21T11:00:00"
ALL_BACK = ["return 2026-11-21: 2 LATTE at 10000 = 20000", "refund 2026-11-21: 20000 out of Cash"]
CREDIT = paid("t2", 8_000, gateway="store_credit")
TWO_WAYS: dict[str, Any] = {"transactions": [paid("t1", 12_000), CREDIT]}


def test_a_void_takes_everything_back_on_its_own_date() -> None:
    """Goods and money, dated the void's local date; nothing is left in the books but the trail."""
    story = sold()
    voided(story, at=NEXT_DAY)
    assert after_sale(story) == [words.replace("11-21", "11-22") for words in ALL_BACK]
    assert story.records["void-order-1"].kind == "void"
    assert SandboxBooks().book(story).balances.keys() == {"Service Revenue", "Sales Return"}


def test_a_void_of_the_same_day_is_a_return_unless_the_rule_says_delete() -> None:
    """The default keeps the trail; deleted, the invoice goes with its deposit."""
    story = sold()
    voided(story)
    assert after_sale(story) == ALL_BACK
    deleted = sold(DELETED)
    voided(deleted)
    assert after_sale(deleted) == ["delete"]
    assert deleted.the(DeleteInvoice).invoice == command_id(STORE, deleted.the(BookInvoice))
    assert SandboxBooks().book(deleted).balances == {}


@pytest.mark.parametrize(
    ("at", "first", "more"),
    [
        (NEXT_DAY, [CASH], {}),
        (SAME_DAY, [paid("t1", 12_000), paid("t2", 8_000)], {}),
        (EVENING, [CASH], {"refunded_orders": [refund()], "transactions": [CASH, given_back()]}),
    ],
    ids=["of a later day", "with separate payments", "with a refund"],
)
def test_an_invoice_that_jurnal_will_not_delete_is_returned(at: str, first: list[Any], more: dict[str, Any]) -> None:
    """Whatever the rule says; the days compared are those of the events, never of the sends."""
    story = sold(DELETED, transactions=first)
    voided(story, at=at, **{"transactions": first, **more})
    assert not [command for command in story.commands if isinstance(command, DeleteInvoice)]
    books = SandboxBooks().book(story)
    assert books.balances.keys() == {"Service Revenue", "Sales Return"}


def test_every_payment_of_a_void_goes_back_where_it_came_from() -> None:
    """Cash in cash, store credit as store credit, through the clearing account."""
    story = sold(**TWO_WAYS)
    voided(story, **TWO_WAYS)
    assert after_sale(story)[2:] == [
        ALL_BACK[0],
        "refund 2026-11-21: 12000 out of Cash",
        "refund 2026-11-21: 8000 out of Clearing",
        "entry 2026-11-21: 8000 Clearing to 8000 Store Credit",
    ]
    assert SandboxBooks().book(story).balances.keys() == {"Service Revenue", "Sales Return"}


def test_a_deleted_invoice_takes_its_stored_value_and_its_parts_back() -> None:
    """Nothing of it is left anywhere."""
    parts = {"product_composites": [{"sku": "BEAN", "quantity": 3}]}
    fields: dict[str, Any] = {"order_details": [{**LATTES[0], **parts}]}
    fields["transactions"] = [paid("t1", 20_000, gateway="store_credit")]
    story = sold(DELETED, **fields)
    voided(story, **fields)
    assert after_sale(story)[2:] == [
        "delete",
        "stock 2026-11-21: 6 BEAN against Cost of Sales",
        "entry 2026-11-21: 20000 Clearing to 20000 Store Credit",
    ]
    assert SandboxBooks(untracked=("LATTE",)).book(story).balances == {}


@pytest.mark.parametrize(
    "rules", [LOST, msgspec.structs.replace(DELETED, void_restocks=False)], ids=["return", "delete"]
)
def test_goods_of_a_void_that_do_not_go_back_on_the_shelf_are_thrown_away(rules: Any) -> None:
    """By the rule; their parts stay what they cost."""
    story = sold(rules)
    voided(story)
    assert "stock 2026-11-21: -2 LATTE against Waste" in after_sale(story)
    books = SandboxBooks().book(story)
    assert books.balances["Waste"] == 8_000
    assert books.stock("LATTE") == -2


def test_a_void_after_a_refund_takes_back_what_is_left() -> None:
    """Half of the goods and what the refund left of the money."""
    story = sold()
    voided(story, at=NEXT_DAY, transactions=[CASH, given_back()], refunded_orders=[refund()])
    assert after_sale(story)[2:] == [
        "return 2026-11-22: 1 LATTE at 10000 = 10000",
        "refund 2026-11-22: 10000 out of Cash",
    ]
    assert SandboxBooks().book(story).balances.keys() == {"Service Revenue", "Sales Return"}


def test_a_void_of_a_partly_paid_invoice_pays_back_what_was_paid() -> None:
    """What is owed is owed no more."""
    half = [paid("t1", 12_000)]
    story = sold(transactions=half)
    voided(story, transactions=half)
    assert after_sale(story) == [ALL_BACK[0], "refund 2026-11-21: 12000 out of Cash"]
    assert SandboxBooks().book(story).balances.keys() == {"Service Revenue", "Sales Return"}


def test_a_void_of_a_partly_paid_invoice_waits_until_all_its_payments_are_told() -> None:
    """A till that was offline tells the void long after: what was told of the order before it proves nothing."""
    half, more = paid("t1", 12_000), paid("t2", 8_000, transaction_date="2026-11-20T18:45:00")
    story = sold(transactions=[half])
    polled(story, transactions=[half])
    story.report(
        "order",
        {"order_id": "order-1", "status": "void", "cancel_date": SAME_DAY},
        observed_minute=30_000,
    )
    assert (story.states["void-order-1"], after_sale(story)) == ("held", [])
    told = full_order(order_details=LATTES, transactions=[half, more], status="void", cancel_date=SAME_DAY)
    story.report("order", told, observed_minute=30_001, channel="poll")
    assert after_sale(story) == [
        "payment 2026-11-21: 8000 into Cash",
        ALL_BACK[0],
        "refund 2026-11-21: 20000 out of Cash",
    ]


def test_a_void_waits_for_a_payment_that_is_not_booked_yet() -> None:
    """Else it would take back an invoice that seems to be owed, and the money would never go back."""
    voucher = [paid("t1", 20_000, gateway="voucher", payment_type_name="Voucher")]
    story = sold(transactions=voucher)
    assert story.states["payment-order-1-t1"] == "failed"
    voided(story, transactions=voucher)
    record = story.records["void-order-1"]
    assert (record.state, record.reason) == ("held", "Waits for a payment of the order that is not booked yet")
    assert after_sale(story) == []
    told(story, WITH_VOUCHER)
    assert after_sale(story)[1:] == [ALL_BACK[0], "refund 2026-11-21: 20000 out of Bank BCA"]
    assert SandboxBooks().book(story).balances.keys() == {"Service Revenue", "Sales Return"}


def test_void_transactions_and_refunds_of_the_void_belong_to_it() -> None:
    """However iSeller tells that the money went, it goes once."""
    void_money = paid("v1", 20_000, type="void", transaction_date=SAME_DAY)
    story = sold()
    voided(
        story,
        transactions=[CASH, void_money, given_back(amount=20_000)],
        refunded_orders=[refund(20_000, 2)],
    )
    assert after_sale(story) == ALL_BACK
    assert {record.state for record in story.records.values() if record.kind == "refund"} == {"skipped"}


def test_a_void_without_its_date_waits_for_it() -> None:
    """A webhook tells the status alone; a poll that knows no date either makes it fail visibly."""
    story = sold()
    story.report("order", {"order_id": "order-1", "status": "void"})
    assert story.states["void-order-1"] == "held"
    polled(story, status="void")
    assert story.states["void-order-1"] == "failed"
    voided(story)
    assert after_sale(story) == ALL_BACK


def test_a_void_waits_for_the_refund_before_it() -> None:
    """Its money is not known yet, so neither is what is left."""
    story = sold()
    refunded(story)
    story.report("order", {"order_id": "order-1", "status": "void", "cancel_date": NEXT_DAY})
    assert story.states["void-order-1"] == "held"
    assert after_sale(story) == []
    voided(story, at=NEXT_DAY, transactions=[CASH, given_back()], refunded_orders=[refund()])
    assert len(after_sale(story)) == 4
    assert "held" not in story.states.values()


def test_a_void_told_before_its_sale_keeps_the_trail() -> None:
    """The sale is booked when its details come, then its return: books never depend on when a send happened."""
    story = shop(RULES)
    story.report("order", {"order_id": "order-1", "status": "completed"})
    story.report("order", {"order_id": "order-1", "status": "void", "cancel_date": NEXT_DAY})
    assert story.states == {"sale-order-1": "held", "void-order-1": "held"}
    voided(story, at=NEXT_DAY)
    assert after_sale(story) == [words.replace("11-21", "11-22") for words in ALL_BACK]


def test_by_the_rule_a_void_before_its_sale_was_sent_sends_nothing() -> None:
    """Neither the sale nor its return."""
    story = shop(msgspec.structs.replace(RULES, taken_back_unsent="send_nothing"))
    story.report("order", {"order_id": "order-1", "status": "completed"})
    voided(story)
    assert story.commands == []
    assert set(story.states.values()) == {"skipped"}


def test_a_void_of_a_closed_period_is_as_the_rule_says() -> None:
    """On the first open day, or failed until the period is open."""
    moved = sold(msgspec.structs.replace(RULES, closed_period="first_open_day"))
    strict = sold(msgspec.structs.replace(RULES, closed_period="fail"))
    deleted = sold(msgspec.structs.replace(DELETED, closed_period="first_open_day"))
    for story in (moved, strict, deleted):
        told(story, BooksClosed(until=date(2026, 11, 22)))
        voided(story)
    later = [words.replace("11-21", "11-23") for words in ALL_BACK]
    assert after_sale(moved) == after_sale(deleted) == later
    assert strict.states["void-order-1"] == "failed"
    told(strict, BooksClosed(until=date(2026, 11, 20)))
    assert after_sale(strict) == ALL_BACK


def test_a_void_that_a_person_has_seen_to_is_skipped_for_good() -> None:
    """Nothing of it is sent any more."""
    story = sold()
    story.report("order", {"order_id": "order-1", "status": "void"})
    seen_to(story, "void-order-1")
    voided(story)
    assert story.states["void-order-1"] == "skipped"
    assert after_sale(story) == []


@pytest.mark.parametrize("rules", [RULES, DELETED], ids=["returned", "deleted"])
def test_a_void_undone_is_a_new_invoice_as_if_there_had_been_no_void(rules: Any) -> None:
    """On the void's date, with a number of its own and the payments; only a poll can say so."""
    story = sold(rules)
    voided(story)
    story.order(order_details=LATTES, transactions=[CASH])
    assert len([command for command in story.commands if isinstance(command, BookInvoice)]) == 1
    polled(story)
    first, second = (command for command in story.commands if isinstance(command, BookInvoice))
    assert (first.revision, second.revision) == (1, 2)
    assert command_id(STORE, first) != command_id(STORE, second)
    assert after_sale(story)[-2:] == ["invoice 2026-11-21: 20000", "payment 2026-11-21: 20000 into Cash"]
    books = SandboxBooks().book(story)
    assert (books.balances["Cash"], books.stock("LATTE")) == (20_000, -2)
    assert "Accounts Receivable" not in books.balances


def test_an_order_voided_again_is_taken_back_again() -> None:
    """Each void has its own line and its own return."""
    story = sold()
    voided(story)
    polled(story)
    voided(story, at=NEXT_DAY)
    assert [command.return_id for command in story.commands if isinstance(command, ReturnSale)] == ["void", "void:2"]
    assert story.states["void-order-1-2"] == "booking"
    assert SandboxBooks().book(story).balances.keys() == {"Service Revenue", "Sales Return"}


def test_a_void_undone_before_it_was_booked_is_skipped() -> None:
    """The first invoice stands."""
    story = sold()
    story.report("order", {"order_id": "order-1", "status": "void"})
    polled(story)
    assert story.states["void-order-1"] == "skipped"
    assert after_sale(story) == []


def test_refunds_of_before_are_on_the_new_invoice_too() -> None:
    """One latte is back and its money out, before and after; what was thrown away is thrown away once."""
    back: dict[str, Any] = {"transactions": [CASH, given_back()], "refunded_orders": [refund(units_returned=[])]}
    story = sold()
    polled(story, **back)
    voided(story, at=NEXT_DAY, **back)
    polled(story, **back)
    books = SandboxBooks().book(story)
    assert books.balances["Cash"] == 10_000
    assert (books.stock("LATTE"), books.balances["Waste"]) == (-2, 4_000)
    assert books.balances["Cost of Sales"] == 4_000


def test_a_void_takes_back_a_charge_with_the_goods() -> None:
    """What stands beside the goods comes back with all of them."""
    fields: dict[str, Any] = {"total_amount": 20_030, "rounding_amount": 30, "transactions": [paid("t1", 20_030)]}
    story = sold(**fields)
    voided(story, **fields)
    assert story.the(ReturnSale).amount == Decimal(20_030)
    assert len(story.the(ReturnSale).lines) == 2


def test_a_void_of_an_edited_order_does_not_edit_it_first() -> None:
    """What comes back is what was booked."""
    story = sold()
    voided(story, order_details=[line("LATTE", 1, 10_000)], total_amount=10_000, total_order_amount=10_000)
    assert after_sale(story) == ALL_BACK
