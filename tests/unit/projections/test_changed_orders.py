"""Given a booked sale, when iSeller tells other lines or amounts of it, then its invoice is updated or booked anew."""

from datetime import date
from typing import Any

import msgspec
import pytest

from eventstore.facts.settings import BooksClosed, SalesAccountsMapped
from projections.jurnal_commands.commands import ApplyCredit, BookInvoice, UpdateInvoice
from projections.jurnal_commands.identity import command_id
from tests.ledger import STORE
from tests.sandbox_books import SandboxBooks
from tests.story import line, paid
from tests.unit.projections.shop_settings import seen_to, shop, told
from tests.unit.projections.taken_back import (
    CASH,
    NEXT_DAY,
    RULES,
    SAME_DAY,
    after_sale,
    given_back,
    money_went,
    polled,
    refund,
    refunded,
    sold,
    voided,
)

TWO_WAYS = [paid("t1", 12_000), paid("t2", 8_000)]
LATER = "2026-11-21T18:00:00"


def lattes(quantity: int, **fields: object) -> dict[str, Any]:
    """Return the fields of an order of so many lattes."""
    details = [line("LATTE", quantity, 10_000, order_detail_id="d1", product_id="p1", **fields)]
    return {"order_details": details, "total_amount": quantity * 10_000, "total_order_amount": quantity * 10_000}


def test_an_edited_order_updates_its_invoice_where_jurnal_allows_it() -> None:
    """Only its deposit hangs on it: the same invoice with the new content, and the deposit that it has."""
    story = sold()
    polled(story, **lattes(3))
    assert after_sale(story) == ["update 1: 30000, 20000 into Cash"]
    update = story.the(UpdateInvoice)
    assert update.invoice == command_id(STORE, story.the(BookInvoice)) == command_id(STORE, update.content)
    books = SandboxBooks().book(story)
    assert (books.owed(), books.balances["Cash"], books.stock("LATTE")) == (10_000, 20_000, -3)
    assert story.records["change-order-1-1"].kind == "change"


def test_every_edit_is_an_update_of_its_own_also_back_to_the_first() -> None:
    """Numbered within the invoice, so that none is taken for another."""
    story = sold()
    for quantity in (3, 4, 3):
        polled(story, **lattes(quantity))
    assert [words.split(":")[0] for words in after_sale(story)] == ["update 1", "update 2", "update 3"]
    assert SandboxBooks().book(story).stock("LATTE") == -3


def test_money_for_what_was_added_is_received_on_the_updated_invoice() -> None:
    """Told in the same report as the edit."""
    story = sold()
    polled(story, **lattes(3), transactions=[CASH, paid("t2", 10_000, transaction_date=LATER)])
    assert after_sale(story) == ["update 1: 30000, 20000 into Cash", "payment 2026-11-22: 10000 into Cash"]
    assert SandboxBooks().book(story).owed() == 0


def test_an_unpaid_invoice_is_updated_and_takes_no_deposit_by_it() -> None:
    """A payment that comes with the edit is received on it."""
    story = sold(transactions=[])
    polled(story, **lattes(3), transactions=[paid("t1", 30_000)])
    assert after_sale(story) == ["update 1: 30000", "payment 2026-11-21: 30000 into Cash"]
    SandboxBooks().book(story)


def test_what_iseller_tells_otherwise_and_is_the_same_in_jurnal_changes_nothing() -> None:
    """Zeros, the order of fields and notes are no edit."""
    story = sold()
    polled(
        story,
        order_details=[line("LATTE", "2.0", "10000.0000", order_detail_id="d1", product_id="p1", discount_amount=0)],
    )
    assert after_sale(story) == []
    assert set(story.states) == {"sale-order-1"}


def test_an_edited_invoice_with_separate_payments_is_returned_and_booked_anew() -> None:
    """Its credit pays the new one; the money stays where it came in."""
    story = sold(transactions=TWO_WAYS)
    polled(story, **lattes(3), transactions=TWO_WAYS)
    assert after_sale(story)[1:] == [
        "return 2026-11-21: 2 LATTE at 10000 = 20000",
        "invoice 2026-11-21: 30000",
        "apply: 20000",
    ]
    new = [command for command in story.commands if isinstance(command, BookInvoice)][-1]
    assert (new.revision, story.the(ApplyCredit).invoice) == (2, command_id(STORE, new))
    books = SandboxBooks().book(story)
    assert (books.owed(), books.credit_left(), books.balances["Cash"]) == (10_000, 0, 20_000)
    assert books.stock("LATTE") == -3


def test_what_was_paid_beyond_the_edited_order_stays_a_credit_until_its_refund_is_told() -> None:
    """The record says so; the refund's money is then paid out of that credit, and out of nothing else."""
    story = sold()
    polled(story, **lattes(1))
    assert after_sale(story) == [
        "return 2026-11-21: 2 LATTE at 10000 = 20000",
        "invoice 2026-11-21: 10000",
        "apply: 10000",
    ]
    held = story.records["credit-order-1-1"]
    assert (held.state, held.reason) == (
        "held",
        "Rp 10000 that were paid beyond the changed order stay the customer's credit in Jurnal",
    )
    assert SandboxBooks().book(story).credit_left() == 10_000
    polled(story, **lattes(1), transactions=[CASH, given_back(at=NEXT_DAY)])
    assert after_sale(story)[-1] == "refund 2026-11-22: 10000 out of Cash"
    assert story.states["credit-order-1-1"] == "skipped"
    balances = SandboxBooks().book(story).balances
    assert (balances["Cash"], "Accounts Receivable" in balances) == (10_000, False)


def test_an_edit_whose_money_went_back_at_once_leaves_no_credit() -> None:
    """Told in one report with its refund."""
    story = sold()
    polled(story, **lattes(1), transactions=[CASH, given_back(at=NEXT_DAY)])
    assert after_sale(story)[-1] == "refund 2026-11-22: 10000 out of Cash"
    assert "held" not in story.states.values()


def test_an_edit_after_a_refund_books_the_refund_on_the_new_invoice_without_its_money() -> None:
    """The money went back once; what is left of it pays the new invoice."""
    back: dict[str, Any] = {"transactions": [CASH, given_back()], "refunded_orders": [refund()]}
    story = sold()
    polled(story, **back)
    polled(story, **lattes(3), **back)
    assert after_sale(story)[2:] == [
        "return 2026-11-21: 1 LATTE at 10000 = 10000",
        "invoice 2026-11-21: 30000",
        "apply: 10000",
        "return 2026-11-21: 1 LATTE at 10000 = 10000",
    ]
    books = SandboxBooks().book(story)
    assert (books.owed(), books.credit_left(), books.balances["Cash"]) == (10_000, 0, 10_000)
    assert books.stock("LATTE") == -2


def test_a_refund_that_was_carried_comes_before_one_that_the_edit_made_possible() -> None:
    """The second latte was told late: its refund is paid out of what it was paid with, and no credit is left over."""
    story = sold(**lattes(1))
    for at, identity in ((NEXT_DAY, "r2"), (SAME_DAY, "r1")):
        refunded(story, at=at)
        money_went(story, identity=identity, at=at)
    assert "failed" in story.states.values()
    backs = [refund(), refund(at=NEXT_DAY)]
    polled(story, transactions=[CASH, given_back("r1"), given_back("r2", at=NEXT_DAY)], refunded_orders=backs)
    assert set(story.states.values()) == {"booking"}
    books = SandboxBooks().book(story)
    assert books.balances.keys() == {"Service Revenue", "Sales Return"}
    assert books.credit_left() == 0


def test_an_invoice_that_was_booked_anew_is_voided_and_pays_back_where_the_money_came_in() -> None:
    """The first invoice's payments are the new one's."""
    fields = {**lattes(3), "transactions": TWO_WAYS}
    story = sold(transactions=TWO_WAYS)
    polled(story, **fields)
    voided(story, **fields)
    assert after_sale(story)[-1] == "refund 2026-11-21: 20000 out of Cash"
    assert SandboxBooks().book(story).balances.keys() == {"Service Revenue", "Sales Return"}


def test_the_parts_of_an_edited_composite_follow() -> None:
    """Three instead of two: three beans more leave the stock, and come back with the next edit."""
    parts = {"product_composites": [{"sku": "BEAN", "quantity": 3}]}
    story = sold(**lattes(2, **parts))
    polled(story, **lattes(3, **parts))
    polled(story, **lattes(2, **parts))
    stock = [words for words in after_sale(story) if words.startswith("stock")]
    assert [words.split(": ")[1] for words in stock] == [
        "-6 BEAN against Cost of Sales",
        "-3 BEAN against Cost of Sales",
        "3 BEAN against Cost of Sales",
    ]
    assert SandboxBooks(untracked=("LATTE",)).book(story).stock("BEAN") == -6


def test_what_moves_between_accounts_follows_an_edit() -> None:
    """A discount's entry of Rp 1,000 becomes one of Rp 3,000 by another of Rp 2,000."""
    story = shop(msgspec.structs.replace(RULES, discount_account="Discounts"))
    told(story, SalesAccountsMapped(scope="", account="Service Revenue"))
    for discount in (1_000, 3_000):
        totals: dict[str, Any] = {
            "total_amount": 20_000 - discount,
            "total_discount_amount": discount,
            "transactions": [],
        }
        polled(story, **{**lattes(2, discount_amount=discount), **totals})
    entries = [words for words in after_sale(story) if words.startswith("entry")]
    assert entries == [
        "entry 2026-11-21: 1000 Discounts to 1000 Service Revenue",
        "entry 2026-11-21: 2000 Discounts to 2000 Service Revenue",
    ]


@pytest.mark.parametrize("rule", ["first_open_day", "fail"])
def test_an_edit_of_a_closed_period_is_as_the_rule_says(rule: Any) -> None:
    """A closed invoice cannot be updated: it is returned and booked anew on the first open day, or failed."""
    story = sold(msgspec.structs.replace(RULES, closed_period=rule))
    told(story, BooksClosed(until=date(2026, 11, 22)))
    polled(story, **lattes(3))
    if rule == "fail":
        assert story.states["change-order-1-1"] == "failed"
        told(story, BooksClosed(until=date(2026, 11, 20)))
        assert after_sale(story) == ["update 1: 30000, 20000 into Cash"]
    else:
        assert after_sale(story) == [
            "return 2026-11-23: 2 LATTE at 10000 = 20000",
            "invoice 2026-11-23: 30000",
            "apply: 20000",
        ]


def test_an_edit_that_cannot_be_drawn_is_failed_and_goes_when_it_can() -> None:
    """The invoice stands as it was meanwhile; taken back in iSeller, nothing is left to do."""
    story = sold()
    polled(story, **{**lattes(3), "total_amount": 99_999})
    assert story.states["change-order-1-1"] == "failed"
    assert after_sale(story) == []
    polled(story)
    assert story.states["change-order-1-1"] == "skipped"
    polled(story, **lattes(3))
    assert after_sale(story) == ["update 1: 30000, 20000 into Cash"]
    assert story.states["change-order-1-1"] == "booking"


def test_an_edit_that_a_person_has_seen_to_is_skipped_for_good() -> None:
    """Nothing of it is sent any more."""
    story = sold()
    polled(story, **{**lattes(3), "total_amount": 99_999})
    seen_to(story, "change-order-1-1")
    polled(story, **lattes(3))
    assert after_sale(story) == []
    assert story.states["change-order-1-1"] == "skipped"
