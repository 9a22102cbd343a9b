"""What goes back of an order or is changed of it, and Jurnal refused, is planned anew once it would be another."""

from datetime import date
from typing import Any

import msgspec
import pytest

from eventstore.facts.answers import IN_DOUBT, SHORT_OF_STOCK, Document
from eventstore.facts.operators import CommandReleased
from eventstore.facts.settings import BooksClosed, OutletMapped, PaymentMapping, TaxMapping
from projections.jurnal_commands.commands import BookInvoice, DeleteInvoice, ReturnSale, UpdateInvoice
from projections.jurnal_commands.fold import CommandAdded
from tests.story import CONNECTION, MAIN, Story, line, own, paid, taxed
from tests.unit.projections.shop_settings import seen_to, told
from tests.unit.projections.taken_back import (
    CASH,
    LATTES,
    NEXT_DAY,
    RULES,
    given_back,
    in_words,
    polled,
    refund,
    sold,
    voided,
)
from tests.unit.projections.test_planned_anew import anew

PETTY = msgspec.structs.replace(
    CONNECTION, loss_account=None, payments=(PaymentMapping("cash", "Petty Cash"), *CONNECTION.payments[1:])
)
OTHER_WAREHOUSE = msgspec.structs.replace(MAIN, warehouse="Gudang Utama")
KIOSK = OutletMapped(outlet_id="kiosk", outlet_name="Kiosk", warehouse="Kiosk")
OTHER_RETURNS = msgspec.structs.replace(RULES, sales_return_account="Retur")


def of_kind(story: Story, kind: str) -> list[str]:
    """Return the commands of a kind, in the order they must go."""
    rows = sorted(story.rows(CommandAdded), key=lambda row: (row.position, row.ordinal))
    return [row.command_id for row in rows if row.kind == kind]


def accepted(story: Story, *kinds: str) -> None:
    """Let Jurnal accept every command of these kinds, in their order."""
    for kind in kinds:
        for number, command_id in enumerate(of_kind(story, kind), start=7):
            story.accept(command_id, Document(resource="sales_invoices", jurnal_id=number))


def again(story: Story) -> list[tuple[str, bool]]:
    """Return in words what was planned anew, and whether it had been refused."""
    planned = anew(story)
    lane = sorted(story.rows(CommandAdded), key=lambda row: (row.position, row.ordinal))
    told_again = [planned[row.command_id] for row in lane if row.command_id in planned]
    return [(in_words(command), refused) for command, refused in told_again]


def refunded_once(**fields: object) -> Story:
    """Return a sale in Jurnal whose refund of one latte is planned."""
    story = sold()
    accepted(story, "BookInvoice")
    polled(story, transactions=[CASH, given_back()], refunded_orders=[refund()], **fields)
    return story


def test_a_refund_out_of_a_wrong_account_goes_once_it_is_mapped_right() -> None:
    """Alone: its return is in Jurnal, and a warehouse that was mapped otherwise since changes nothing of either."""
    story = refunded_once()
    accepted(story, "ReturnSale")
    story.set(OTHER_WAREHOUSE)
    story.refuse(of_kind(story, "RefundCredit")[0], "no account")
    assert again(story) == []
    story.set(PETTY)
    assert again(story) == [("refund 2026-11-21: 10000 out of Petty Cash", True)]
    assert len(story.commands) == 3


def test_a_credit_on_a_wrong_account_goes_once_it_is_mapped_right() -> None:
    """The money behind it was never sent, and would be the same."""
    story = sold()
    accepted(story, "BookInvoice")
    polled(story, transactions=[CASH, given_back(amount=3_000)], refunded_orders=[refund(3_000, 0)])
    story.refuse(of_kind(story, "IssueCreditMemo")[0], "no account")
    told(story, OTHER_RETURNS)
    assert again(story) == [("memo 2026-11-21: 3000 on Retur", True)]


def test_a_return_of_a_closed_period_goes_on_the_first_open_day_with_all_behind_it() -> None:
    """Once the refusal told that it is closed, or the period is opened."""
    story = refunded_once()
    story.refuse(of_kind(story, "ReturnSale")[0], "closed", "transaction_date")
    told(story, msgspec.structs.replace(RULES, closed_period="first_open_day"))
    told(story, BooksClosed(until=date(2026, 11, 25)))
    moved = [
        ("return 2026-11-26: 1 LATTE at 10000 = 10000", True),
        ("refund 2026-11-26: 10000 out of Cash", False),
    ]
    assert again(story) == moved
    story.refuse(of_kind(story, "ReturnSale")[0], "closed", "transaction_date")
    told(story, BooksClosed(until=date(2026, 11, 20)))
    assert again(story) == [(words.replace("11-26", "11-21"), refused) for words, refused in moved]


def test_a_void_whose_money_leaves_a_wrong_account_goes_once_it_is_mapped_right() -> None:
    """All of it is judged again on the invoice as it stood before the void."""
    story = sold(transactions=[paid("t1", 12_000), paid("t2", 8_000, gateway="store_credit")])
    accepted(story, "BookInvoice", "ReceivePayment", "PostJournal")
    both = [paid("t1", 12_000), paid("t2", 8_000, gateway="store_credit")]
    voided(story, at=NEXT_DAY, transactions=both)
    story.refuse(of_kind(story, "ReturnSale")[0], "closed", "transaction_date")
    told(story, msgspec.structs.replace(RULES, closed_period="first_open_day"))
    told(story, BooksClosed(until=date(2026, 11, 25)))
    assert again(story)[0] == ("return 2026-11-26: 2 LATTE at 10000 = 20000", True)
    assert {words.split(":")[0] for words, _ in again(story)} == {
        "return 2026-11-26",
        "refund 2026-11-26",
        "entry 2026-11-26",
    }


def test_a_changed_invoice_with_a_wrong_tax_goes_once_it_is_mapped_right() -> None:
    """The invoice itself is in Jurnal, and its first content is not sent again."""
    wrong = msgspec.structs.replace(CONNECTION, taxes=(TaxMapping("11", "PPNN"),))
    story = sold()
    accepted(story, "BookInvoice")
    story.set(wrong)
    more = [*LATTES, taxed("MOCHA", 1, 10_000)]
    polled(story, order_details=more, total_amount=31_100, total_order_amount=30_000, tax_inclusive=False)
    story.refuse(of_kind(story, "UpdateInvoice")[0], "no tax")
    story.set(CONNECTION)
    ((command, was_refused),) = anew(story).values()
    assert isinstance(command, UpdateInvoice)
    assert ([each.tax_name for each in command.content.lines], was_refused) == ([None, "PPN"], True)


def test_an_invoice_that_is_booked_anew_goes_once_its_warehouse_is_mapped_right() -> None:
    """The first invoice and its return are in Jurnal; the money behind the new one was never sent."""
    two_ways = [paid("t1", 12_000), paid("t2", 8_000)]
    story = sold(transactions=two_ways)
    accepted(story, "BookInvoice", "ReceivePayment")
    story.set(msgspec.structs.replace(MAIN, warehouse="Gudangg"))
    three = [line("LATTE", 3, 10_000, order_detail_id="d1", product_id="p1")]
    polled(story, order_details=three, total_amount=30_000, total_order_amount=30_000, transactions=two_ways)
    accepted(story, "ReturnSale")
    story.refuse(of_kind(story, "BookInvoice")[1], "no warehouse")
    story.set(OTHER_WAREHOUSE)
    ((command, was_refused),) = anew(story).values()
    assert isinstance(command, BookInvoice)
    assert (command.revision, command.warehouse, was_refused) == (2, "Gudang Utama", True)


def test_a_second_refund_goes_anew_without_the_first() -> None:
    """The first one is in Jurnal out of the account that was mapped then."""
    story = refunded_once()
    accepted(story, "ReturnSale", "RefundCredit")
    story.set(PETTY)
    both = [given_back(), given_back("r2", at=NEXT_DAY)]
    polled(story, transactions=[CASH, *both], refunded_orders=[refund(), refund(at=NEXT_DAY)])
    story.refuse(of_kind(story, "ReturnSale")[1], "closed", "transaction_date")
    story.set(CONNECTION)
    assert again(story) == [("refund 2026-11-22: 10000 out of Cash", False)]


@pytest.mark.parametrize("mark", [IN_DOUBT, SHORT_OF_STOCK])
def test_what_may_be_in_jurnal_or_waits_for_stock_is_not_planned_anew(mark: str) -> None:
    """A person has to say that it is not there; goods that come in let it go."""
    story = refunded_once()
    accepted(story, "ReturnSale")
    identity = of_kind(story, "RefundCredit")[0]
    story.refuse(identity, "cannot be told", mark)
    story.set(PETTY)
    assert again(story) == []
    released = CommandReleased(command_id=identity, actor="owner", reason="it is not there")
    story.tell(own(released, "order-order-1", "release:1"))
    assert again(story) == []


def test_a_person_lets_it_go_and_it_goes_as_it_would_be_now() -> None:
    """A retry plans it anew, and sends it also where nothing of it is another."""
    story = refunded_once()
    identity = of_kind(story, "ReturnSale")[0]
    story.refuse(identity, "no")
    released = CommandReleased(command_id=identity, actor="owner", reason="mended")
    story.tell(own(released, "order-order-1", "release:1"))
    assert again(story) == [("return 2026-11-21: 1 LATTE at 10000 = 10000", True)]


def test_a_deletion_that_would_be_a_return_by_now_is_one() -> None:
    """By the rule, or because its day was closed since: nobody has to look at it."""
    for mended, day in ((RULES, "2026-11-21"), (BooksClosed(until=date(2026, 11, 25)), "2026-11-26")):
        story = sold(msgspec.structs.replace(RULES, same_day_void="delete", closed_period="first_open_day"))
        accepted(story, "BookInvoice")
        voided(story)
        assert in_words(story.the(DeleteInvoice)) == "delete"
        story.refuse(of_kind(story, "DeleteInvoice")[0], "not deletable")
        told(story, mended)
        assert again(story) == []
        assert [(row.kind, row.state) for row in story.lane] == [
            ("BookInvoice", "accepted"), ("DeleteInvoice", "superseded"),
            ("ReturnSale", "due"), ("RefundCredit", "due"),
        ]  # fmt: skip
        assert in_words(story.the(ReturnSale)) == f"return {day}: 2 LATTE at 10000 = 20000"


def test_a_change_that_finds_the_books_closed_is_as_the_rule_says() -> None:
    """A return and another invoice on the first open day; else, with the period open again, a retry books it."""
    for rule in ("first_open_day", "fail"):
        story = sold(msgspec.structs.replace(RULES, closed_period=rule))
        accepted(story, "BookInvoice")
        three = [line("LATTE", 3, 10_000, order_detail_id="d1", product_id="p1")]
        polled(story, order_details=three, total_amount=30_000, total_order_amount=30_000)
        change = of_kind(story, "UpdateInvoice")[0]
        story.refuse(change, "closed", "transaction_date")
        told(story, BooksClosed(until=date(2026, 11, 25)))
        assert again(story) == []
        if rule == "first_open_day":
            assert [row.state for row in story.lane] == ["accepted", "superseded", "due", "due", "due"]
            assert in_words(story.the(ReturnSale)) == "return 2026-11-26: 2 LATTE at 10000 = 20000"
            continue
        told(story, BooksClosed(until=date(2026, 11, 20)))
        released = CommandReleased(command_id=change, actor="owner", reason="reopened")
        story.tell(own(released, "order-order-1", "release:1"))
        assert again(story) == [("update 1: 30000, 20000 into Cash", True)]
        assert len(story.commands) == 2


def test_a_setting_that_means_nothing_to_it_sends_nothing_again() -> None:
    """Only another body is a reason."""
    story = refunded_once()
    story.refuse(of_kind(story, "ReturnSale")[0], "no")
    story.set(KIOSK)
    assert again(story) == []


def test_what_a_person_saw_to_does_not_keep_the_rest_of_the_order_waiting() -> None:
    """A refund that was entered by hand; a payment that came later waits for its account, and for nothing else."""
    story = sold(transactions=[paid("t1", 12_000)])
    accepted(story, "BookInvoice")
    part: list[dict[str, Any]] = [paid("t1", 12_000), given_back("r1", 5_000)]
    polled(story, transactions=part, refunded_orders=[refund(5_000, 0)])
    memo = of_kind(story, "IssueCreditMemo")[0]
    story.refuse(memo, "no account")
    (record_id,) = (record for record in story.records if record.startswith("refund-"))
    seen_to(story, record_id)
    later = [*part, paid("t2", 8_000, transaction_date="2026-11-22T18:31:00")]
    polled(story, transactions=later, refunded_orders=[refund(5_000, 0)])
    story.refuse(of_kind(story, "ReceivePayment")[0], "no account")
    story.set(PETTY)
    assert again(story) == [("payment 2026-11-23: 8000 into Petty Cash", True)]


def test_what_a_person_saw_to_is_not_planned_anew_with_what_stands_before_it() -> None:
    """The return was refused and its money was seen to: only the return is another by now."""
    story = refunded_once()
    second = refund(at=NEXT_DAY)
    polled(
        story,
        transactions=[CASH, given_back(), given_back("r2", at=NEXT_DAY)],
        refunded_orders=[refund(), second],
    )
    first, behind = of_kind(story, "ReturnSale")
    story.refuse(first, "closed", "transaction_date")
    (record_id,) = {row.record_id for row in story.rows(CommandAdded) if row.command_id == behind}
    seen_to(story, record_id)
    told(story, msgspec.structs.replace(RULES, closed_period="first_open_day"))
    told(story, BooksClosed(until=date(2026, 11, 25)))
    assert set(anew(story)) == {first, of_kind(story, "RefundCredit")[0]}
