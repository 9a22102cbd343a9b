"""Given an order that is paid in part, when goods or money of it go back, then what the customer owes is what is true.

Four lattes of Rp 5,000 are Rp 20,000, of which Rp 8,000 are paid: Rp 12,000 are owed. What comes back is owed no more;
what was paid and goes back is owed again, as far as goods stand for it; the rest of the money is given away.
"""

from datetime import date
from itertools import accumulate
from typing import Any

import msgspec
import pytest

from eventstore.facts.settings import BooksClosed, SalesRulesSet
from projections.jurnal_commands.commands import BookInvoice
from tests.sandbox_books import SandboxBooks
from tests.story import Story, full_order, line, paid
from tests.unit.projections.shop_settings import seen_to, told
from tests.unit.projections.taken_back import (
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

FOUR: dict[str, Any] = {"order_details": [line("LATTE", 4, 5_000, order_detail_id="d1", product_id="p1")]}
PART = paid("t1", 8_000)
REST_AT = "2026-11-23T03:00:00"


def part_paid(rules: SalesRulesSet = RULES, **fields: object) -> Story:
    """Return a shop that sold four lattes, of which Rp 8,000 are paid in cash."""
    return sold(rules, **{**FOUR, "transactions": [PART], **fields})


def given(story: Story, *backs: tuple[int, int], at: str = SAME_DAY, more: list[Any] | None = None) -> None:
    """Let a poll tell refunds: so much money, so many lattes; each an hour after the one before."""
    hours = [at.replace("T03", f"T{3 + number:02}") for number in range(len(backs))]
    records = [refund(amount, quantity, at=when) for (amount, quantity), when in zip(backs, hours, strict=True)]
    money = [
        given_back(f"r{number}", amount, at=when)
        for number, ((amount, _), when) in enumerate(zip(backs, hours, strict=True))
        if amount
    ]
    polled(story, **FOUR, transactions=[PART, *(more or []), *money], refunded_orders=records)


def books(story: Story) -> tuple[int, int, int, int]:
    """Return what the customer owes, the cash, revenue less returns, and the lattes that left; no credit is left."""
    assert not [record for record in story.records.values() if record.state in ("held", "failed")], story.records
    kept = SandboxBooks().book(story)
    assert kept.credit_left() == 0
    assert kept.owed() == kept.balances.get("Accounts Receivable", 0)
    assert "Clearing" not in kept.balances
    names = ("Service Revenue", "Sales Return")
    earned = -sum(kept.balances.get(name, 0) for name in names)
    return int(kept.owed()), int(kept.balances.get("Cash", 0)), int(earned), -int(kept.stock("LATTE"))


def test_goods_and_their_money_leave_what_is_owed_as_it_was() -> None:
    """A latte of 5,000 and 5,000 in cash: sold for 15,000, paid 3,000 net, so 12,000 are owed, and not 7,000."""
    story = part_paid()
    given(story, (5_000, 1), at=NEXT_DAY)
    assert after_sale(story) == [
        "return 2026-11-22: 4 LATTE at 5000 = 20000",
        "invoice 2026-11-22: 20000",
        "apply: 3000",
        "return 2026-11-22: 1 LATTE at 5000 = 5000",
        "refund 2026-11-22: 5000 out of Cash",
    ]
    assert books(story) == (12_000, 3_000, 15_000, 3)
    assert {record.kind for record in story.records.values()} == {"sale", "refund"}


@pytest.mark.parametrize(
    ("backs", "owed", "cash", "earned", "gone"),
    [
        # Goods of 10,000 and 5,000 in cash: 10,000 sold, 3,000 kept.
        ([(5_000, 2)], 7_000, 3_000, 10_000, 2),
        # Goods of 5,000 and 7,000 in cash: 2,000 of it is given away, 13,000 earned, 1,000 kept.
        ([(7_000, 1)], 12_000, 1_000, 13_000, 3),
        # Three lattes and all that was paid: 3,000 more than was owed made a credit, the rest of the 8,000 is owed.
        ([(8_000, 3)], 5_000, 0, 5_000, 1),
        # All goods and all money.
        ([(8_000, 4)], 0, 0, 0, 0),
        # All goods and less money: 2,000 are kept.
        ([(6_000, 4)], 0, 2_000, 2_000, 0),
        # Money without goods is given away: the goods are all sold still.
        ([(3_000, 0)], 12_000, 5_000, 17_000, 4),
        # Goods without money lower what is owed.
        ([(0, 1)], 7_000, 8_000, 15_000, 3),
        ([(5_000, 1), (3_000, 1)], 10_000, 0, 10_000, 2),
        ([(3_000, 0), (5_000, 1)], 12_000, 0, 12_000, 3),
        ([(0, 1), (5_000, 1), (3_000, 2)], 0, 0, 0, 0),
        ([(2_000, 1), (2_000, 1), (2_000, 1)], 3_000, 2_000, 5_000, 1),
    ],
)
def test_what_is_owed_after_a_refund_of_another_amount_than_its_goods(
    backs: list[tuple[int, int]], owed: int, cash: int, earned: int, gone: int
) -> None:
    """Owed, cash, earned and lattes gone, worked by hand; the same told at once and one after the other."""
    story = part_paid()
    given(story, *backs)
    assert books(story) == (owed, cash, earned, gone)
    in_turn = part_paid()
    for told_so_far in accumulate(([each] for each in backs), lambda before, each: [*before, *each]):
        given(in_turn, *told_so_far)
    assert books(in_turn) == (owed, cash, earned, gone)


def test_the_rest_is_paid_and_then_all_is_void() -> None:
    """12,000 owed are received on the new invoice on their own day; the void gives 15,000 of cash back, and no more."""
    story = part_paid()
    given(story, (5_000, 1), at=NEXT_DAY)
    rest = paid("t2", 12_000, transaction_date=REST_AT)
    given(story, (5_000, 1), at=NEXT_DAY, more=[rest])
    assert after_sale(story)[-1] == "payment 2026-11-23: 12000 into Cash"
    assert books(story) == (0, 15_000, 15_000, 3)
    back = [given_back("r0", 5_000, at=NEXT_DAY)]
    voided(story, at=REST_AT, **FOUR, transactions=[PART, rest, *back], refunded_orders=[refund(5_000, at=NEXT_DAY)])
    assert after_sale(story)[-2:] == [
        "return 2026-11-23: 3 LATTE at 5000 = 15000",
        "refund 2026-11-23: 15000 out of Cash",
    ]
    assert books(story) == (0, 0, 0, 0)


def test_a_void_before_the_rest_is_paid_gives_back_what_is_left_of_the_money() -> None:
    """3,000 of 8,000; completed again, the order owes what it owed before the void."""
    story = part_paid()
    fields: dict[str, Any] = {
        **FOUR,
        "transactions": [PART, given_back("r0", 5_000)],
        "refunded_orders": [refund(5_000, 1)],
    }
    polled(story, **fields)
    voided(story, at=NEXT_DAY, **fields)
    assert after_sale(story)[-1] == "refund 2026-11-22: 3000 out of Cash"
    assert books(story) == (0, 0, 0, 0)
    polled(story, **fields)
    assert books(story) == (12_000, 3_000, 15_000, 3)


def test_an_edit_after_it_keeps_what_was_paid_and_what_came_back() -> None:
    """Five lattes, of which one came back: 20,000 sold and 3,000 paid, 17,000 owed."""
    story = part_paid()
    given(story, (5_000, 1))
    five = [line("LATTE", 5, 5_000, order_detail_id="d1", product_id="p1")]
    polled(
        story,
        order_details=five,
        total_amount=25_000,
        total_order_amount=25_000,
        transactions=[PART, given_back("r0", 5_000)],
        refunded_orders=[refund(5_000, 1)],
    )
    assert books(story) == (17_000, 3_000, 20_000, 4)


def test_an_edit_after_money_without_goods_that_nobody_paid_keeps_what_is_owed() -> None:
    """3,000 of an unpaid order are let off: 17,000 owed; 8,000 are paid, then it has five lattes: 14,000 owed."""
    story = part_paid(transactions=[])
    let_off = refund(3_000, 0)
    polled(story, **FOUR, transactions=[], refunded_orders=[let_off])
    polled(story, **FOUR, transactions=[PART], refunded_orders=[let_off])
    five = [line("LATTE", 5, 5_000, order_detail_id="d1", product_id="p1")]
    edited: dict[str, Any] = {"order_details": five, "total_amount": 25_000, "total_order_amount": 25_000}
    polled(story, **edited, transactions=[PART], refunded_orders=[let_off])
    assert books(story) == (14_000, 8_000, 22_000, 5)
    back = [PART, given_back("r0", 5_000, at=NEXT_DAY)]
    polled(story, **edited, transactions=back, refunded_orders=[let_off, refund(5_000, 1, at=NEXT_DAY)])
    assert books(story) == (14_000, 3_000, 17_000, 4)


def test_more_money_than_was_paid_is_refused_with_both_figures_until_it_is_paid() -> None:
    """Nothing is sent; a payment that is told later lets it go."""
    story = part_paid()
    given(story, (10_000, 2))
    (failed,) = (record for record in story.records.values() if record.state == "failed")
    assert failed.reason == "iSeller gives back Rp 10000; Rp 8000 were paid"
    assert after_sale(story) == []
    given(story, (10_000, 2), more=[paid("t2", 4_000)])
    assert books(story) == (8_000, 2_000, 10_000, 2)


def test_money_for_an_order_that_nobody_paid_is_refused() -> None:
    """Unpaid goods lower what is owed, whatever else is said of money."""
    story = part_paid(transactions=[])
    polled(story, **FOUR, transactions=[given_back("r0", 5_000)], refunded_orders=[refund(5_000, 1)])
    (failed,) = (record for record in story.records.values() if record.state == "failed")
    assert failed.reason == "iSeller gives back Rp 5000; Rp 0 were paid"
    assert after_sale(story) == []


def test_money_of_a_payment_that_a_person_booked_is_theirs_too() -> None:
    """The service does not know how it stands on the invoice: both figures, and nothing is sent."""
    story = part_paid(transactions=[paid("t1", 8_000, gateway="points")])
    seen_to(story, "payment-order-1-t1")
    points = paid("t1", 8_000, gateway="points")
    polled(story, **FOUR, transactions=[points, given_back("r0", 5_000)], refunded_orders=[refund(5_000, 1)])
    (failed,) = (record for record in story.records.values() if record.kind == "refund")
    assert (failed.state, failed.reason) == (
        "failed",
        "iSeller gives back Rp 5000 of an invoice on which Rp 0 stand as paid",
    )
    assert after_sale(story) == []


def test_what_an_account_is_missing_for_sends_nothing_of_it() -> None:
    """Neither the new invoice nor the return of the old one: mapped, all of it goes."""
    story = part_paid(msgspec.structs.replace(RULES, sales_return_account=None))
    given(story, (7_000, 1))
    assert after_sale(story) == []
    (failed,) = (record for record in story.records.values() if record.kind == "refund")
    assert (failed.state, failed.reason) == ("failed", "No account is mapped for money given back without goods")
    told(story, RULES)
    assert books(story) == (12_000, 1_000, 13_000, 3)


def test_a_refund_of_an_order_whose_change_is_not_booked_waits_for_that() -> None:
    """It would be booked anew as it is now; mended, the change goes first."""
    story = part_paid()
    broken: dict[str, Any] = {**FOUR, "total_amount": 19_000}
    fields: dict[str, Any] = {"transactions": [PART, given_back("r0", 5_000)], "refunded_orders": [refund(5_000, 1)]}
    polled(story, **broken, **fields)
    reasons = [record.reason or "" for record in story.records.values() if record.state == "failed"]
    assert any(reason.startswith("The order was changed in iSeller since its invoice") for reason in reasons), reasons
    assert after_sale(story) == []
    polled(story, **FOUR, **fields)
    assert books(story) == (12_000, 3_000, 15_000, 3)


def test_its_documents_carry_the_day_of_the_refund_and_what_is_owed_keeps_its_due_date() -> None:
    """Also where the sale's own period is closed."""
    story = part_paid()
    told(story, BooksClosed(until=date(2026, 11, 21)))
    given(story, (5_000, 1), at=NEXT_DAY)
    first, again = (command for command in story.commands if isinstance(command, BookInvoice))
    assert (first.transaction_date.isoformat(), again.transaction_date.isoformat()) == ("2026-11-21", "2026-11-22")
    assert first.due_date == again.due_date


def test_a_refund_onto_store_credit_is_owed_to_the_customer_instead() -> None:
    """The clearing ends empty: 5,000 more are owed by the customer, and 5,000 to them."""
    story = part_paid()
    money = given_back("r0", 5_000, gateway="store_credit")
    polled(story, **FOUR, transactions=[PART, money], refunded_orders=[refund(5_000, 1)])
    balances = SandboxBooks().book(story).balances
    assert (balances["Accounts Receivable"], balances["Cash"], balances["Store Credit"]) == (12_000, 8_000, -5_000)
    assert "Clearing" not in balances


def test_a_refund_told_before_it_is_known_what_was_paid_waits() -> None:
    """Its own webhooks alone do not say whether the rest is paid."""
    story = part_paid()
    refunded(story, amount=5_000)
    assert after_sale(story) == []
    assert story.states["refund-order-1-20261121T030000-5000-370f3142"] == "held"


@pytest.mark.parametrize(
    ("back", "rest", "earned", "gone"),
    [((5_000, 1), 12_000, 15_000, 3), ((5_000, 2), 7_000, 10_000, 2), ((7_000, 1), 12_000, 13_000, 3)],
)
@pytest.mark.parametrize("told_first", ["the refund", "the payment", "neither"])
def test_the_rest_that_is_paid_after_a_refund_ends_the_same_whichever_is_told_first(
    back: tuple[int, int], rest: int, earned: int, gone: int, told_first: str
) -> None:
    """All is paid: what came in less what went back is what was earned; it was owed again, so it is booked anew."""
    story = part_paid()
    payment = paid("t2", rest, transaction_date=REST_AT)
    if told_first == "the refund":
        given(story, back)
    elif told_first == "the payment":
        story.report("transaction", {**payment, "order_id": "order-1"})
    given(story, back, more=[payment])
    assert books(story) == (0, 8_000 - back[0] + rest, earned, gone)
    assert [command.total for command in story.commands if isinstance(command, BookInvoice)] == [20_000, 20_000]


def test_a_poll_that_was_made_before_a_webhook_and_comes_after_it_tells_all_that_the_refund_waits_for() -> None:
    """The polls after it show the same and are no news: what waited for one of them would wait for ever."""
    story = part_paid()
    minute = 5_000
    story.report("refund", refund(5_000), observed_minute=minute)
    assert story.states["refund-order-1-20261121T030000-5000-370f3142"] == "held"
    order = full_order(**FOUR, transactions=[PART, given_back("r0", 5_000)], refunded_orders=[refund(5_000)])
    story.report("order", order, observed_minute=minute - 1, channel="poll")
    assert books(story) == (12_000, 3_000, 15_000, 3)


def test_an_order_webhook_that_is_sent_after_a_refund_may_have_been_made_before_it() -> None:
    """It tells the first refund's money and not the second's, which is no refund without money for that."""
    story = part_paid()
    minute = 5_000
    story.report("refund", refund(5_000), observed_minute=minute)
    story.report("refund", refund(3_000, at=SAME_DAY.replace("T03", "T04")), observed_minute=minute + 1)
    made_between = full_order(**FOUR, transactions=[PART, given_back("r0", 5_000)])
    story.report("order", made_between, observed_minute=minute + 2)
    assert after_sale(story) == []
    given(story, (5_000, 1), (3_000, 1))
    assert books(story) == (10_000, 0, 10_000, 2)
