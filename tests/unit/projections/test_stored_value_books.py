"""Points, gift cards, store credit and top-ups in the sandbox's books: the clearing is empty at every day's end."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from eventstore.facts.settings import BooksClosed, StoredValue
from ops.sandbox.jurnal.accounts import Accounts
from ops.sandbox.jurnal.products import Products
from tests.sandbox_books import Amount, SandboxBooks
from tests.story import Story, line, paid
from tests.unit.projections.shop_settings import told
from tests.unit.projections.taken_back import (
    CASH,
    LATTES,
    NEXT_DAY,
    RULES,
    given_back,
    polled,
    refund,
    sold,
    voided,
)

OWED = {"points": "Customer Points", "gift_card": "Gift Cards", "store_credit": "Store Credit"}
ALL_KINDS = msgspec.structs.replace(RULES, stored_value=tuple(StoredValue(*each) for each in OWED.items()))
DELETED = msgspec.structs.replace(ALL_KINDS, same_day_void="delete")
MOVED_ON = msgspec.structs.replace(ALL_KINDS, closed_period="first_open_day")
POINTS: dict[str, Any] = {"transactions": [paid("t1", 20_000, gateway="points")]}
DAYS = [date(2026, 11, 20) + timedelta(days=number) for number in range(12)]
REVENUE, RETURNS = "Service Revenue", "Sales Return"


def part_by_gift_card() -> Story:
    """Pay 12,000 in cash, the next day 8,000 by gift card."""
    card = paid("t2", 8_000, gateway="gift_card", transaction_date=NEXT_DAY)
    return sold(ALL_KINDS, transactions=[paid("t1", 12_000), card])


def more_points_than_it_takes() -> Story:
    """Give 50,000 of points for 20,000."""
    return sold(ALL_KINDS, transactions=[paid("t1", 50_000, gateway="points")])


def on_account_by_store_credit() -> Story:
    """Owe it for two days, then pay out of store credit."""
    story = sold(ALL_KINDS, on_account=True, transactions=[])
    later = paid("t1", 20_000, gateway="store_credit", transaction_date="2026-11-23T03:00:00")
    story.order(on_account=True, order_details=LATTES, transactions=[later])
    return story


def refunded_onto_store_credit() -> Story:
    """Give a latte that was paid in cash back."""
    story = sold(ALL_KINDS)
    back = given_back(at=NEXT_DAY, gateway="store_credit")
    polled(story, transactions=[CASH, back], refunded_orders=[refund(at=NEXT_DAY)])
    return story


def refunded_for_less() -> Story:
    """Give 9,000 back for a latte of 10,000: 1,000 are kept."""
    story = sold(ALL_KINDS)
    polled(
        story, transactions=[CASH, given_back(amount=9_000, at=NEXT_DAY)], refunded_orders=[refund(9_000, at=NEXT_DAY)]
    )
    return story


def back_without_money() -> Story:
    """Take a latte back for nothing."""
    story = sold(ALL_KINDS)
    polled(story, refunded_orders=[refund(0, at=NEXT_DAY)])
    return story


def voided_the_next_day() -> Story:
    """Give the points back."""
    story = sold(ALL_KINDS, **POINTS)
    voided(story, at=NEXT_DAY, **POINTS)
    return story


def deleted_on_its_day() -> Story:
    """Take the invoice away with its deposit."""
    story = sold(DELETED, **POINTS)
    voided(story, **POINTS)
    return story


def voided_and_undone() -> Story:
    """Pay by points, give them back, pay by them again."""
    story = voided_the_next_day()
    polled(story, **POINTS)
    return story


def edited(quantity: int) -> Story:
    """Change the number of lattes, of which two were paid by points."""
    story = sold(ALL_KINDS, **POINTS)
    details = [line("LATTE", quantity, 10_000, order_detail_id="d1", product_id="p1")]
    total = quantity * 10_000
    polled(story, order_details=details, total_amount=total, total_order_amount=total, **POINTS)
    return story


def in_a_closed_period() -> Story:
    """Sell in an open period; tell the points of the next day once that day is closed."""
    story = sold(MOVED_ON, on_account=True, transactions=[])
    told(story, BooksClosed(until=date(2026, 11, 24)))
    later = paid("t1", 20_000, gateway="points", transaction_date=NEXT_DAY)
    story.order(on_account=True, order_details=LATTES, transactions=[later])
    return story


def mapped_afterwards() -> Story:
    """Name the clearing account when the payment waits for it."""
    story = sold(msgspec.structs.replace(ALL_KINDS, stored_value_clearing=None), **POINTS)
    told(story, ALL_KINDS)
    return story


# What is told, and what the books say of liabilities, revenue and money in the end: debits less credits.
CASES: dict[str, tuple[Callable[[], Story], dict[str, int]]] = {
    "points at the sale": (lambda: sold(ALL_KINDS, **POINTS), {"Customer Points": 20_000, REVENUE: -20_000}),
    "a gift card for a part of it": (part_by_gift_card, {"Gift Cards": 8_000, "Cash": 12_000, REVENUE: -20_000}),
    "more points than it takes": (more_points_than_it_takes, {"Customer Points": 20_000, REVENUE: -20_000}),
    "on account, then store credit": (on_account_by_store_credit, {"Store Credit": 20_000, REVENUE: -20_000}),
    "a refund onto store credit": (
        refunded_onto_store_credit,
        {"Cash": 20_000, "Store Credit": -10_000, REVENUE: -20_000, RETURNS: 10_000},
    ),
    "a refund of less than its goods": (refunded_for_less, {"Cash": 11_000, REVENUE: -20_000, RETURNS: 9_000}),
    "goods back without money": (back_without_money, {"Cash": 20_000, REVENUE: -20_000}),
    "a void": (voided_the_next_day, {REVENUE: -20_000, RETURNS: 20_000}),
    "a void that deletes": (deleted_on_its_day, {}),
    "a void undone": (voided_and_undone, {"Customer Points": 20_000, REVENUE: -40_000, RETURNS: 20_000}),
    "an edit to more": (
        lambda: edited(3),
        {"Customer Points": 20_000, REVENUE: -30_000, "Accounts Receivable": 10_000},
    ),
    "an edit to less": (
        lambda: edited(1),
        {"Customer Points": 20_000, REVENUE: -30_000, RETURNS: 20_000, "Accounts Receivable": -10_000},
    ),
    "in a closed period": (in_a_closed_period, {"Customer Points": 20_000, REVENUE: -20_000}),
    "mapped afterwards": (mapped_afterwards, {"Customer Points": 20_000, REVENUE: -20_000}),
}
OF_GOODS = {"Inventory", "Cost of Sales"}


def without_goods(books: SandboxBooks) -> dict[str, Amount]:
    """Return the balances but those of the goods themselves."""
    return {name: amount for name, amount in books.balances.items() if name not in OF_GOODS}


def left_in_clearing(books: SandboxBooks) -> set[Amount]:
    """Return what stood in the stored-value clearing at the end of each day."""
    company = books.sandbox.company
    account = company.accounts.named("Clearing")
    assert account is not None
    return {company.journal.balance(account, day) for day in DAYS}


@pytest.mark.parametrize("case", CASES)
def test_the_clearing_of_stored_value_is_empty_at_the_end_of_every_day(case: str) -> None:
    """What a customer is owed is moved on the day it is used; nothing of it is money, and nothing is left between."""
    tell, balances = CASES[case]
    story = tell()
    assert "failed" not in story.states.values()
    books = SandboxBooks().book(story)
    assert without_goods(books) == balances
    assert left_in_clearing(books) == {0}


TOP_UP = line("TOPUP", 1, 100_000, order_detail_id="d1", product_id="p9")
TOPPED_UP: dict[str, Any] = {"order_details": [TOP_UP], "total_amount": 100_000, "total_order_amount": 100_000}
CARD = {"gateway": "external_debit", "payment_type_name": "EDC BCA"}
SELLS = msgspec.structs.replace(ALL_KINDS, stored_value_products={"TOPUP": "Gift Cards"})
SELLS_BELOW = msgspec.structs.replace(SELLS, discount_account="Discounts")


def topped_up(*transactions: dict[str, Any], rules: Any = SELLS, **fields: object) -> Story:
    """Return a shop that sold a balance of 100,000."""
    return sold(rules, **{**TOPPED_UP, "transactions": list(transactions), **fields})


def beside_a_latte() -> Story:
    """Sell a latte beside it: 1,000 off the order are off the latte."""
    return topped_up(
        paid("t1", 109_000),
        order_details=[TOP_UP, line("LATTE", 1, 10_000)],
        total_order_amount=110_000,
        total_discount_amount=1_000,
        total_amount=109_000,
    )


def below_its_worth() -> Story:
    """Sell a balance of 100,000 for 90,000."""
    return topped_up(
        paid("t1", 90_000),
        rules=SELLS_BELOW,
        order_details=[{**TOP_UP, "discount_amount": 10_000}],
        total_discount_amount=10_000,
        total_amount=90_000,
    )


def spent() -> Story:
    """Pay two lattes out of it."""
    story = topped_up(paid("t1", 100_000))
    card = paid("t2", 20_000, gateway="gift_card")
    story.order(order_id="order-2", order_reference="#2", order_details=LATTES, transactions=[card])
    return story


def taken_back() -> Story:
    """Void the top-up."""
    story = topped_up(paid("t1", 100_000))
    voided(story, at=NEXT_DAY, **TOPPED_UP, transactions=[paid("t1", 100_000)])
    return story


TOP_UPS: dict[str, tuple[Callable[[], Story], dict[str, int]]] = {
    "in cash": (lambda: topped_up(paid("t1", 100_000)), {"Cash": 100_000, "Gift Cards": -100_000}),
    "by card": (lambda: topped_up(paid("t1", 100_000, **CARD)), {"Bank BCA": 100_000, "Gift Cards": -100_000}),
    "in two ways": (
        lambda: topped_up(paid("t1", 40_000), paid("t2", 60_000, **CARD)),
        {"Cash": 40_000, "Bank BCA": 60_000, "Gift Cards": -100_000},
    ),
    "on account": (lambda: topped_up(on_account=True), {"Accounts Receivable": 100_000, "Gift Cards": -100_000}),
    "out of points": (
        lambda: topped_up(paid("t1", 100_000, gateway="points")),
        {"Customer Points": 100_000, "Gift Cards": -100_000},
    ),
    "beside a latte with an order discount": (
        beside_a_latte,
        {"Cash": 109_000, "Gift Cards": -100_000, REVENUE: -9_000},
    ),
    "for less than it is worth": (below_its_worth, {"Cash": 90_000, "Discounts": 10_000, "Gift Cards": -100_000}),
    "and spent": (spent, {"Cash": 100_000, "Gift Cards": -80_000, REVENUE: -20_000}),
    "and taken back": (taken_back, {}),
}


@pytest.mark.parametrize("case", TOP_UPS)
def test_a_top_up_is_owed_to_the_customer_and_is_never_revenue(case: str) -> None:
    """The account that was paid into against the liability; only what is bought with it is revenue."""
    tell, balances = TOP_UPS[case]
    story = tell()
    assert "failed" not in story.states.values()
    books = SandboxBooks(untracked=("TOPUP",))
    company = books.sandbox.company
    Accounts(company).create({"name": "Gift Cards", "number": "2-90001", "category_name": "Other Current Liabilities"})
    Products(company).create(
        {"name": "TOPUP", "product_code": "TOPUP", "unit_name": "Pcs", "sell_account_name": "Gift Cards"}
    )
    assert without_goods(books.book(story)) == balances
