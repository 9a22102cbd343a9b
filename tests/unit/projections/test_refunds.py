"""Given a booked sale, when iSeller tells a refund, then Jurnal has the goods, the money and what lies between them."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from eventstore.facts.settings import BooksClosed, SalesRulesSet
from projections.jurnal_commands.commands import IssueCreditMemo, RefundCredit, ReturnSale
from projections.jurnal_commands.fold import CommandAdded
from tests.sandbox_books import SandboxBooks
from tests.story import Story, full_order, line, paid
from tests.unit.projections.shop_settings import seen_to, shop, told
from tests.unit.projections.taken_back import (
    CASH,
    LATTES,
    NEXT_DAY,
    RULES,
    after_sale,
    given_back,
    money_went,
    polled,
    refund,
    refunded,
    sold,
)

D = Decimal
Told = Callable[[Story], None]
NO_SHELF: dict[str, Any] = {"units_returned": []}
ONE_BACK = ["return 2026-11-21: 1 LATTE at 10000 = 10000", "refund 2026-11-21: 10000 out of Cash"]


def in_one_poll(record: dict[str, Any] | None, *money: dict[str, Any], **fields: object) -> Told:
    """Return a poll that tells the whole of a refund."""

    def tell(story: Story) -> None:
        polled(story, refunded_orders=[record] if record else [], transactions=[CASH, *money], **fields)

    return tell


CASES: dict[str, tuple[Told, list[str]]] = {
    "goods and money": (in_one_poll(refund(), given_back()), ONE_BACK),
    "all goods and all money": (
        in_one_poll(refund(20_000, 2), given_back(amount=20_000)),
        ["return 2026-11-21: 2 LATTE at 10000 = 20000", "refund 2026-11-21: 20000 out of Cash"],
    ),
    "on the next day by another method": (
        in_one_poll(
            refund(at=NEXT_DAY), given_back(at=NEXT_DAY, gateway="external_debit", payment_type_name="EDC BCA")
        ),
        ["return 2026-11-22: 1 LATTE at 10000 = 10000", "refund 2026-11-22: 10000 out of Bank BCA"],
    ),
    "goods that do not go back on the shelf": (
        in_one_poll(refund(**NO_SHELF), given_back()),
        [ONE_BACK[0], "stock 2026-11-21: -1 LATTE against Waste", ONE_BACK[1]],
    ),
    "one of two goes back on the shelf": (
        in_one_poll(refund(20_000, 2, units_returned=[{"sku": "LATTE", "stock": 1}]), given_back(amount=20_000)),
        [
            "return 2026-11-21: 2 LATTE at 10000 = 20000",
            "stock 2026-11-21: -1 LATTE against Waste",
            "refund 2026-11-21: 20000 out of Cash",
        ],
    ),
    "money without goods": (
        in_one_poll(refund(3_000, 0), given_back(amount=3_000)),
        ["memo 2026-11-21: 3000 on Sales Return", "refund 2026-11-21: 3000 out of Cash"],
    ),
    "money that no record explains": (
        in_one_poll(None, given_back(amount=3_000)),
        ["memo 2026-11-21: 3000 on Sales Return", "refund 2026-11-21: 3000 out of Cash"],
    ),
    "onto store credit": (
        in_one_poll(refund(), given_back(gateway="store_credit")),
        [
            ONE_BACK[0],
            "refund 2026-11-21: 10000 out of Clearing",
            "entry 2026-11-21: 10000 Clearing to 10000 Store Credit",
        ],
    ),
    "less money than the goods are worth": (
        in_one_poll(refund(9_000), given_back(amount=9_000)),
        [
            ONE_BACK[0],
            "refund 2026-11-21: 9000 out of Cash",
            "refund 2026-11-21: 1000 out of Clearing",
            "entry 2026-11-21: 1000 Clearing to 1000 Sales Return",
        ],
    ),
    "more money than the goods are worth": (
        in_one_poll(refund(12_000), given_back(amount=12_000)),
        [
            *ONE_BACK,
            "memo 2026-11-21: 2000 on Sales Return",
            "refund 2026-11-21: 2000 out of Cash",
        ],
    ),
    "goods without money, told as such": (
        in_one_poll(refund(0)),
        [
            ONE_BACK[0],
            "refund 2026-11-21: 10000 out of Clearing",
            "entry 2026-11-21: 10000 Clearing to 10000 Sales Return",
        ],
    ),
    "one refund in two ways": (
        in_one_poll(refund(), given_back("r1", 6_000), given_back("r2", 4_000, gateway="store_credit")),
        [
            ONE_BACK[0],
            "refund 2026-11-21: 6000 out of Cash",
            "refund 2026-11-21: 4000 out of Clearing",
            "entry 2026-11-21: 4000 Clearing to 4000 Store Credit",
        ],
    ),
}


@pytest.mark.parametrize(("tell", "asked"), CASES.values(), ids=CASES)
def test_a_refund_is_booked_as_what_went_back(tell: Told, asked: list[str]) -> None:
    """What is asked of Jurnal, in its order; no credit and no receivable is left, and the clearing is empty."""
    story = sold()
    tell(story)
    assert after_sale(story) == asked
    assert not [record for record in story.records.values() if record.state in ("held", "failed")]
    books = SandboxBooks().book(story)
    assert {"Accounts Receivable", "Clearing"}.isdisjoint(books.balances)
    assert set(books.returned.values()) <= {0}


@pytest.mark.parametrize(
    ("record", "asked"),
    [(refund(), ONE_BACK[:1]), (refund(3_000, 0), ["memo 2026-11-21: 3000 on Sales Return", "apply: 3000"])],
    ids=["goods", "money"],
)
def test_a_refund_of_an_unpaid_invoice_lowers_what_is_owed(record: dict[str, Any], asked: list[str]) -> None:
    """No money moved: goods by their return, an amount by a credit that is applied to the invoice."""
    story = sold(transactions=[])
    polled(story, transactions=[], refunded_orders=[record])
    assert after_sale(story) == asked
    books = SandboxBooks().book(story)
    assert books.owed() == books.balances["Accounts Receivable"] == 20_000 - record["refund_amount"]
    assert books.credit_left() == 0


def test_a_refund_told_several_ways_is_one() -> None:
    """A report of its own, the order's list and its transaction are the same refund, whatever tells it first."""
    story = sold()
    refunded(story, units_returned=[{"sku": " LATTE ", "stock": "1.0"}], refund_date="2026-11-21T03:00:00.1234567")
    money_went(story)
    assert after_sale(story) == ONE_BACK
    polled(story, transactions=[CASH, given_back()], refunded_orders=[refund()])
    refunded(story)
    assert after_sale(story) == ONE_BACK
    assert len([record for record in story.records if record.startswith("refund")]) == 1


def test_a_record_waits_for_its_money_and_money_for_its_record() -> None:
    """Each alone is held, also when the order is told again without them: nothing says that the other is not coming."""
    for first, second in ((refunded, money_went), (money_went, refunded)):
        story = sold()
        first(story)
        story.order(order_details=LATTES, transactions=[CASH])
        assert after_sale(story) == []
        (held,) = (record for record in story.records.values() if record.kind == "refund")
        assert held.state == "held"
        second(story)
        assert after_sale(story) == ONE_BACK
        assert "held" not in story.states.values()


def test_a_record_whose_money_a_poll_does_not_know_is_failed_and_goes_when_the_money_comes() -> None:
    """The invoice is paid, so money must have moved: both figures and what to do."""
    story = sold()
    polled(story, refunded_orders=[refund()])
    (failed,) = (record for record in story.records.values() if record.kind == "refund")
    assert (failed.state, failed.amount) == ("failed", D(10_000))
    assert failed.reason == "iSeller tells a refund of Rp 10000, and no transaction paid it; the invoice owes Rp 0"
    assert failed.what_to_do
    money_went(story)
    assert after_sale(story) == ONE_BACK


def test_records_and_money_that_do_not_fit_are_failed_with_both_figures() -> None:
    """Money without goods beside goods without money would be booked twice."""
    story = sold()
    polled(story, transactions=[CASH, given_back(amount=7_000)], refunded_orders=[refund()])
    reasons = {record.reason for record in story.records.values() if record.kind == "refund"}
    assert reasons == {"iSeller tells refunds of Rp 10000 without money, and money of Rp 7000 without a refund"}
    assert after_sale(story) == []


def test_a_refund_of_an_invoice_that_owes_waits_until_all_its_payments_are_known() -> None:
    """Told before the second payment it would look as if more went back than the goods are worth."""
    half = paid("t1", 10_000)
    story = sold(transactions=[half])
    refunded(story)
    money_went(story)
    assert after_sale(story) == []
    polled(
        story,
        transactions=[half, paid("t2", 10_000), given_back()],
        refunded_orders=[refund()],
    )
    assert after_sale(story) == ["payment 2026-11-21: 10000 into Cash", *ONE_BACK]


def test_a_refund_waits_for_a_payment_that_is_not_mapped_yet() -> None:
    """Without it the invoice would seem to owe what was paid; with the mapping all goes in its order."""
    voucher = paid("t2", 10_000, gateway="points")
    story = sold(transactions=[paid("t1", 10_000), voucher])
    polled(story, transactions=[paid("t1", 10_000), voucher, given_back()], refunded_orders=[refund()])
    assert after_sale(story) == []
    assert sorted(story.states.values()) == ["booking", "failed", "held"]
    mapped = [*RULES.stored_value, msgspec.structs.replace(RULES.stored_value[0], gateway="points")]
    told(story, msgspec.structs.replace(RULES, stored_value=tuple(mapped)))
    assert after_sale(story) == [
        "payment 2026-11-21: 10000 into Clearing",
        "entry 2026-11-21: 10000 Store Credit to 10000 Clearing",
        *ONE_BACK,
    ]


def test_a_refund_told_before_its_sale_waits_for_it_and_keeps_the_trail() -> None:
    """The books never depend on when a send happened: first the sale, then the return."""
    story = shop(RULES)
    refunded(story)
    money_went(story)
    assert story.states["refund-order-1-20261121T030000-10000-370f3142"] == "held"
    story.order(order_details=LATTES, transactions=[CASH])
    assert after_sale(story) == ONE_BACK


def test_a_refund_of_a_sale_that_is_not_booked_is_skipped() -> None:
    """An outlet that is not mapped has neither; mapped, it gets both."""
    story = shop(RULES)
    story.order(
        outlet_id="nowhere", order_details=LATTES, transactions=[CASH, given_back()], refunded_orders=[refund()]
    )
    assert {record.state for record in story.records.values()} == {"skipped"}
    assert story.commands == []


def test_an_exchange_is_a_return_and_another_order() -> None:
    """Told apart by iSeller, and so in the books; the second order pays for itself."""
    story = sold()
    polled(story, transactions=[CASH, given_back()], refunded_orders=[refund()])
    story.report(
        "order",
        {
            **{key: value for key, value in story_order().items() if key != "order_id"},
            "order_id": "order-2",
            "transactions": [paid("t9", 12_000)],
        },
    )
    assert after_sale(story) == [*ONE_BACK, "invoice 2026-11-21: 12000, 12000 into Cash"]
    balances = SandboxBooks().book(story).balances
    assert balances["Cash"] == 22_000
    assert "Accounts Receivable" not in balances


def story_order() -> dict[str, Any]:
    """Return an order of one mocha."""
    return full_order(order_details=[line("MOCHA", 1, 12_000)], total_amount=12_000, total_order_amount=12_000)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (refund(20_000, 3), "iSeller takes back 3 of LATTE; 2 were sold, of which 0 are taken back already"),
        (
            refund(refund_details=[{"sku": "MOCHA", "quantity": 1}], units_returned=[]),
            "The refund is about 1 of MOCHA, which is not on the invoice",
        ),
        (refund(at=""), "iSeller tells a refund without its date"),
    ],
    ids=["more than was sold", "an unknown product", "no date"],
)
def test_a_refund_that_cannot_be_is_failed_with_both_figures(record: dict[str, Any], reason: str) -> None:
    """Nothing of it is sent; the sale stands."""
    story = sold()
    polled(story, transactions=[CASH, given_back(amount=record["refund_amount"])], refunded_orders=[record])
    assert reason in {each.reason for each in story.records.values()}
    assert after_sale(story) == []


def test_no_more_money_goes_back_than_was_paid() -> None:
    """The second refund is failed with the sum of both."""
    story = sold()
    first, second = refund(15_000, 1), refund(15_000, 1, at=NEXT_DAY)
    money = [given_back("r1", 15_000), given_back("r2", 15_000, at=NEXT_DAY)]
    polled(story, transactions=[CASH, *money], refunded_orders=[first, second])
    failed = [record for record in story.records.values() if record.state == "failed"]
    assert [record.reason for record in failed] == ["iSeller gives back Rp 30000; Rp 20000 were paid"]
    assert len([command for command in story.commands if isinstance(command, ReturnSale)]) == 1


@pytest.mark.parametrize(
    ("setting", "record", "money"),
    [
        ("sales_return_account", refund(3_000, 0), given_back(amount=3_000)),
        ("waste_account", refund(**NO_SHELF), given_back()),
        ("stored_value_clearing", refund(9_000), given_back(amount=9_000)),
    ],
)
def test_a_refund_without_the_account_it_needs_is_failed_and_goes_by_itself_when_mapped(
    setting: str, record: dict[str, Any], money: dict[str, Any]
) -> None:
    """What to do names the setting; nothing was sent before."""
    rules = msgspec.structs.replace(RULES, **{setting: None})
    story = sold(rules)
    polled(story, transactions=[CASH, money], refunded_orders=[record])
    (failed,) = (each for each in story.records.values() if each.state == "failed")
    assert setting in (failed.what_to_do or "")
    assert after_sale(story) == []
    told(story, RULES)
    assert len(after_sale(story)) >= 2
    assert "failed" not in story.states.values()


def test_a_refund_by_a_method_that_is_not_mapped_is_failed_and_goes_by_itself_when_mapped() -> None:
    """Neither goods nor money go before both can."""
    story = sold()
    polled(story, transactions=[CASH, given_back(gateway="gift_card")], refunded_orders=[refund()])
    (failed,) = (each for each in story.records.values() if each.state == "failed")
    assert failed.reason == "No account is mapped for refunds by gift_card"
    gift_cards = msgspec.structs.replace(RULES.stored_value[0], gateway="gift_card", liability_account="Gift Cards")
    told(story, msgspec.structs.replace(RULES, stored_value=(*RULES.stored_value, gift_cards)))
    assert after_sale(story)[1:] == [
        "refund 2026-11-21: 10000 out of Clearing",
        "entry 2026-11-21: 10000 Clearing to 10000 Gift Cards",
    ]


def test_a_refund_of_a_closed_period_goes_on_the_first_open_day_or_is_failed() -> None:
    """As the rule says; with the period open again it goes on its own date."""
    moved = sold(msgspec.structs.replace(RULES, closed_period="first_open_day"))
    strict = sold(msgspec.structs.replace(RULES, closed_period="fail"))
    for story in (moved, strict):
        told(story, BooksClosed(until=date(2026, 11, 22)))
        polled(story, transactions=[CASH, given_back()], refunded_orders=[refund()])
    assert after_sale(moved) == [words.replace("11-21", "11-23") for words in ONE_BACK]
    assert "failed" in strict.states.values()
    told(strict, BooksClosed(until=date(2026, 11, 20)))
    assert after_sale(strict) == ONE_BACK


def test_a_refund_that_a_person_has_seen_to_is_skipped_for_good() -> None:
    """Also its money, which was looked at before its record came."""
    story = sold()
    money_went(story)
    seen_to(story, "refund-order-1-r1")
    refunded(story)
    polled(story, transactions=[CASH, given_back()], refunded_orders=[refund()])
    assert after_sale(story) == []
    assert {each.state for each in story.records.values() if each.kind == "refund"} == {"skipped"}


def test_every_command_of_a_refund_is_named_after_the_refund_and_waits_for_what_it_needs() -> None:
    """Its date, amount and goods make its identity, never when it was told."""
    names = []
    for first, second in ((refunded, money_went), (money_went, refunded)):
        story = sold()
        first(story)
        second(story)
        names.append([row.command_id for row in story.rows(CommandAdded)])
        source = story.the(RefundCredit).source
        assert story.needs(source)[0].startswith("inv-")
    assert names[0] == names[1]
    memo = sold()
    polled(memo, transactions=[CASH, given_back(amount=3_000)])
    assert memo.the(IssueCreditMemo).credit_id == "r1"


def test_without_rules_a_plain_refund_needs_no_account_of_its_own() -> None:
    """Goods and their worth need what the sale needed."""
    story = sold(SalesRulesSet())
    polled(story, transactions=[CASH, given_back()], refunded_orders=[refund()])
    assert after_sale(story) == ONE_BACK
