"""Given more money than the invoice takes, when the excess is given back, then the bank is as it really is."""

from decimal import Decimal
from typing import Any

import pytest

from tests.sandbox_books import SandboxBooks
from tests.story import Story, line, paid
from tests.unit.projections.shop_settings import seen_to
from tests.unit.projections.taken_back import (
    LATTES,
    NEXT_DAY,
    after_sale,
    given_back,
    money_went,
    polled,
    refund,
    refunded,
    sold,
    voided,
)

BY_CARD: dict[str, Any] = {"gateway": "external_debit", "payment_type_name": "EDC BCA"}
CARD = paid("t1", 25_000, **BY_CARD)
NO_GOODS = 0


def excess_back(amount: int, identity: str = "r1", at: str = NEXT_DAY) -> dict[str, Any]:
    """Return the transaction of a refund by card."""
    return given_back(identity, amount, at=at, **BY_CARD)


def overpaid() -> Story:
    """Return a shop that took Rp 25,000 by card for lattes of Rp 20,000."""
    return sold(transactions=[CARD])


@pytest.mark.parametrize("records", [[refund(5_000, NO_GOODS, at=NEXT_DAY)], []], ids=["record", "money alone"])
def test_the_refund_of_an_excess_that_was_never_booked_is_skipped(records: list[Any]) -> None:
    """Rp 25,000 came in, Rp 5,000 went back: the bank has what the invoice took."""
    story = overpaid()
    polled(story, transactions=[CARD, excess_back(5_000)], refunded_orders=records)
    assert after_sale(story) == []
    (record,) = (record for record in story.records.values() if record.kind == "refund")
    assert (record.state, record.reason) == (
        "skipped",
        "Gives back what was paid beyond the invoice, which was never booked",
    )


def test_of_a_refund_beyond_the_excess_only_the_rest_is_booked() -> None:
    """Of Rp 7,000 by card Rp 5,000 had never been booked; the bank ends with Rp 18,000."""
    story = overpaid()
    polled(story, transactions=[CARD, excess_back(7_000)], refunded_orders=[refund(7_000, NO_GOODS, at=NEXT_DAY)])
    assert after_sale(story) == [
        "memo 2026-11-22: 2000 on Sales Return",
        "refund 2026-11-22: 2000 out of Bank BCA",
    ]
    assert SandboxBooks().book(story).balances["Bank BCA"] == 18_000


def test_goods_are_paid_out_of_their_return_and_only_what_is_beyond_was_never_booked() -> None:
    """All goods and all money come back: nothing is left of the sale."""
    story = overpaid()
    polled(story, transactions=[CARD, excess_back(25_000)], refunded_orders=[refund(25_000, 2, at=NEXT_DAY)])
    assert after_sale(story) == [
        "return 2026-11-22: 2 LATTE at 10000 = 20000",
        "refund 2026-11-22: 20000 out of Bank BCA",
    ]


def test_an_excess_goes_back_once() -> None:
    """The second refund of as much is out of what was booked."""
    story = overpaid()
    again = refund(5_000, NO_GOODS, at="2026-11-23T03:00:00")
    money = [CARD, excess_back(5_000), excess_back(5_000, "r2", "2026-11-23T03:00:00")]
    polled(story, transactions=money, refunded_orders=[refund(5_000, NO_GOODS, at=NEXT_DAY), again])
    assert after_sale(story) == [
        "memo 2026-11-23: 5000 on Sales Return",
        "refund 2026-11-23: 5000 out of Bank BCA",
    ]


def test_a_refund_waits_until_it_is_known_whether_more_was_paid() -> None:
    """A second payment that is told after the refund makes it one of an excess: in any order the same books."""
    first, second = paid("t1", 20_000, **BY_CARD), paid("t2", 5_000, **BY_CARD)
    story = sold(transactions=[first])
    refunded(story, amount=5_000, quantity=NO_GOODS, at=NEXT_DAY)
    money_went(story, amount=5_000, at=NEXT_DAY, **BY_CARD)
    assert after_sale(story) == []
    assert "held" in story.states.values()
    polled(
        story,
        transactions=[first, second, excess_back(5_000)],
        refunded_orders=[refund(5_000, NO_GOODS, at=NEXT_DAY)],
    )
    assert after_sale(story) == []
    assert "held" not in story.states.values()


def test_change_is_no_excess_that_is_given_back_later() -> None:
    """The notes that were handed over were never all in the till: Rp 3,000 leave it."""
    cash = paid("t1", 25_000)
    story = sold(transactions=[cash])
    polled(
        story,
        transactions=[cash, given_back(amount=3_000, at=NEXT_DAY)],
        refunded_orders=[refund(3_000, NO_GOODS, at=NEXT_DAY)],
    )
    assert after_sale(story) == ["memo 2026-11-22: 3000 on Sales Return", "refund 2026-11-22: 3000 out of Cash"]


@pytest.mark.parametrize("way", [{}, BY_CARD], ids=["cash", "card"])
def test_an_order_made_smaller_before_it_was_booked_keeps_what_did_not_go_back(way: dict[str, Any]) -> None:
    """Two lattes were paid, one was left and its money given back, all while the order waited to be completed."""
    money = [paid("t1", 20_000, **way), given_back(amount=10_000, **way)]
    less = {"order_details": [line("LATTE", 1, 10_000, order_detail_id="d1", product_id="p1")]}
    totals = {"total_order_amount": 10_000, "total_amount": 10_000}
    story = sold(status="reserved", transactions=[money[0]])
    polled(story, **less, **totals, transactions=money)
    assert [command.total for command in story.commands] == [Decimal(10_000)]  # type: ignore[union-attr]
    assert {record.state for record in story.records.values() if record.kind == "refund"} == {"skipped"}


def test_an_excess_that_a_person_has_seen_to_is_out_of_what_was_booked() -> None:
    """They entered it in Jurnal by hand, so it goes out of Jurnal as well."""
    second = paid("t2", 5_000, **BY_CARD, transaction_date="2026-11-20T18:45:00")
    first = paid("t1", 20_000, **BY_CARD)
    story = sold(transactions=[first, second])
    seen_to(story, "payment-order-1-t2")
    polled(
        story,
        transactions=[first, second, excess_back(5_000)],
        refunded_orders=[refund(5_000, NO_GOODS, at=NEXT_DAY)],
    )
    assert after_sale(story)[-1] == "refund 2026-11-22: 5000 out of Bank BCA"


def test_a_void_after_an_excess_went_back_pays_back_what_was_booked() -> None:
    """The excess is no part of it."""
    story = overpaid()
    told: dict[str, Any] = {
        "order_details": LATTES,
        "transactions": [CARD, excess_back(5_000, at="2026-11-21T03:00:00")],
        "refunded_orders": [refund(5_000, NO_GOODS)],
    }
    voided(story, at=NEXT_DAY, **told)
    assert after_sale(story) == [
        "return 2026-11-22: 2 LATTE at 10000 = 20000",
        "refund 2026-11-22: 20000 out of Bank BCA",
    ]
