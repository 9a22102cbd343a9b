"""What calls are for, and what is kept for whom."""

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.jurnal_commands.commands import (
    BookInvoice,
    Command,
    CreateCustomer,
    DeleteInvoice,
    DepositPayout,
    UpdateInvoice,
)
from service.jurnal.pace import Purpose, Reserves, calls_for, foreign_calls, kept_for_others
from service.jurnal.purpose import purpose_of

JAKARTA = ZoneInfo("Asia/Jakarta")
NOW = datetime(2026, 11, 20, 18, tzinfo=UTC)
INVOICE = BookInvoice(
    order_id="o1",
    order_reference="#1",
    transaction_date=date(2026, 11, 19),
    due_date=date(2026, 11, 19),
    warehouse="Main",
    walk_in_contact="Walk-in",
    customer_id=None,
    lines=(),
    header_discount=Decimal(0),
    total=Decimal(0),
    deposit=Decimal(0),
    deposit_account=None,
)
PAYOUT = DepositPayout(
    reference_id="p1", transaction_date=date(2026, 11, 20), account="a", clearing_account="c", contact="w",
    amount=Decimal(1),
)  # fmt: skip


@pytest.mark.parametrize(
    ("command", "purpose"),
    [
        # In Jakarta it is the 21st already.
        (PAYOUT, Purpose.FRESH),
        (INVOICE, Purpose.BACKFILL),
        (msgspec.structs.replace(INVOICE, transaction_date=date(2026, 11, 21)), Purpose.FRESH),
        (UpdateInvoice(order_id="o1", order_reference="#1", invoice="i", change=1, content=INVOICE), Purpose.BACKFILL),
        (DeleteInvoice(order_id="o1", order_reference="#1", invoice="i"), Purpose.FRESH),
        (CreateCustomer(customer_id="c", code="C", position=1), Purpose.FRESH),
    ],
)
def test_what_is_of_today_or_yesterday_or_of_no_day_is_fresh(command: Command, purpose: Purpose) -> None:
    """By the business's own day; what has none hangs on something that does."""
    assert purpose_of(command, NOW, JAKARTA) is purpose


@given(st.integers(1, 5_000))
def test_who_comes_later_in_the_order_may_take_no_more_and_everybody_something(calls: int) -> None:
    """Probes all of it; the others less and less."""
    taken = [calls_for(calls, purpose, Reserves()) for purpose in Purpose]
    assert taken == sorted(taken, reverse=True)
    assert taken[0] == calls
    assert taken[-1] >= 1


def test_the_default_keeps_two_of_thirty_for_probes_and_a_fifth_for_fresh_calls() -> None:
    """The documented limits."""
    assert [calls_for(30, purpose, Reserves()) for purpose in Purpose] == [30, 28, 22, 19]
    assert [calls_for(1_800, purpose, Reserves(probe=Fraction(2, 30))) for purpose in Purpose][:2] == [1_800, 1_680]


@given(st.integers(1, 100), st.dictionaries(st.sampled_from("abcde"), st.integers(0, 60)))
def test_an_even_share_is_left_to_each_that_wants_one(calls: int, taken: dict[str, int]) -> None:
    """What is kept for others never touches the share of who asks."""
    others = set(taken)
    kept = kept_for_others(calls, taken, others)
    assert calls - kept >= calls // (len(others) + 1)
    assert kept_for_others(calls, taken, ()) == 0


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 10))
def test_no_more_is_granted_than_remains_after_what_is_on_its_way(
    own_left: int, remaining: int, in_flight: int
) -> None:
    """Nor ever more than our own calls leave."""
    granted = own_left - foreign_calls(own_left, remaining, in_flight)
    assert granted == min(own_left, max(0, remaining - in_flight))
