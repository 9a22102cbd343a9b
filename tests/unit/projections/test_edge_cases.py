"""The edge cases that people of point of sale and Jurnal meet: given what iSeller told, then what Jurnal is asked for.

Every case of the list has an entry: what is told and what follows, or the test that holds it where no fold can. Each
fact is folded twice, by every projection, and says nothing new the second time.
"""

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.story import Story
from tests.unit.projections import edge_stories as stories
from tests.unit.projections.edge_stories import words

ROOT = Path(__file__).parents[3]
# The rows of the edge-case list of the domain notes on iSeller, in short words of our own.
ROWS = (
    "a transfer received in parts",
    "a receipt before its start",
    "rejected and cancelled goods",
    "the return transfer that iSeller makes for cancelled goods",
    "a refund after the sale was sent",
    "a refund before the sale was sent",
    "an exchange",
    "a void and its undoing",
    "an order edited after it was sent",
    "a product that Jurnal has not",
    "a payment method that is not mapped",
    "an outlet or channel that is not mapped",
    "a customer without an id, and nobody",
    "the same customer twice",
    "more money than the total",
    "rounding",
    "tax with line and order discounts",
    "prices that include tax",
    "a failed record tried again",
    "a report told again",
    "an order of before Live Mode",
    "late and repeated payments and fulfilments",
    "the day of a sale near midnight",
    "an access token that runs out",
    "an error under HTTP 200",
    "a Jurnal plan without inventory",
    "a payout whose fee does not match",
    "a closed accounting period",
)
Case = tuple[Callable[[], Story], list[str], dict[str, str]]
SALE = "invoice 2026-11-21: 20000, 20000 into Cash (2 LATTE at 10000)"
OWED = "invoice 2026-11-21: 20000 (2 LATTE at 10000)"
BACK = ["return 2026-11-21: 1 LATTE at 10000 = 10000", "refund 2026-11-21: 10000 out of Cash"]
LEAVES = "move 5 LATTE: Main Warehouse to iSeller in Transit"
INTO_BRANCH = "LATTE: iSeller in Transit to Branch Warehouse"


# Commands in their order, and what is no command: by record, the state and the beginning of the reason.
CASES: dict[str, Case] = {
    "a transfer received in parts": (
        stories.received_in_parts,
        [LEAVES, f"move 3 {INTO_BRANCH}", f"move 1 {INTO_BRANCH}"],
        {},
    ),
    "a receipt before its start": (
        stories.received_first,
        [
            "move 5 LATTE, 2 MOCHA: Main Warehouse to iSeller in Transit",
            "move 5 LATTE, 2 MOCHA: iSeller in Transit to Branch Warehouse",
        ],
        {},
    ),
    "rejected and cancelled goods": (
        stories.rejected_and_cancelled,
        [
            LEAVES,
            f"move 2 {INTO_BRANCH}",
            "move 2 LATTE: iSeller in Transit to Main Warehouse",
            "stock of iSeller in Transit: -1 LATTE against Waste Goods Expense",
        ],
        {},
    ),
    "the return transfer that iSeller makes for cancelled goods": (
        stories.returned_by_itself,
        [LEAVES, f"move 3 {INTO_BRANCH}", "move 2 LATTE: iSeller in Transit to Main Warehouse"],
        {"transfer-b0": "skipped: Brings back what was cancelled of transfer TO-1"},
    ),
    "a refund after the sale was sent": (stories.refunded_after, [SALE, *BACK], {}),
    "a refund before the sale was sent": (stories.refunded_before, [SALE, *BACK], {}),
    "an exchange": (
        stories.exchanged,
        [SALE, *BACK, "invoice 2026-11-21: 12000, 12000 into Cash (1 MOCHA at 12000)"],
        {},
    ),
    "a void and its undoing": (
        stories.void_undone,
        [
            SALE,
            "return 2026-11-21: 2 LATTE at 10000 = 20000",
            "refund 2026-11-21: 20000 out of Cash",
            OWED,
            "payment 2026-11-21: 20000 into Cash",
        ],
        {},
    ),
    "an order edited after it was sent": (stories.edited, [SALE, "update 1: 30000, 20000 into Cash"], {}),
    "a product that Jurnal has not": (
        stories.unknown_product,
        ["invoice 2026-11-21: 20000 (2 TEA at 10000)", "CreateProduct"],
        {},
    ),
    "a payment method that is not mapped": (
        stories.unmapped_method,
        [SALE.replace("20000 into", "12000 into"), "payment 2026-11-21: 8000 into Bank BCA"],
        {},
    ),
    "an outlet or channel that is not mapped": (
        stories.unmapped_place,
        [OWED],
        {"sale-order-2": "skipped: Channel shopee is not mapped"},
    ),
    "a customer without an id, and nobody": (stories.nobody, ["customer 7f3c1d90", OWED, OWED], {}),
    "the same customer twice": (stories.same_customer, ["customer 7f3c1d90", OWED, OWED], {}),
    "more money than the total": (
        stories.overpaid,
        [SALE.replace("20000 into", "15000 into"), "payment 2026-11-21: 5000 into iSeller Pay Clearing"],
        {},
    ),
    "rounding": (
        stories.rounded,
        [
            "invoice 2026-11-21: 20050 (2 LATTE at 10000, 1 ISELLER-ROUNDING at 50)",
            "invoice 2026-11-21: 19950 (2 LATTE at 10000)",
        ],
        {},
    ),
    "tax with line and order discounts": (
        stories.taxed_and_discounted,
        ["invoice 2026-11-21: 16880 (1 LATTE at 8000, 1 MOCHA at 8000)"],
        {},
    ),
    "prices that include tax": (stories.tax_included, ["invoice 2026-11-21: 11100 (1 LATTE at 10000)"], {}),
    "a failed record tried again": (
        stories.tried_again,
        [OWED],
        {"payment-order-1-t1": "failed: No account is mapped for payments by voucher"},
    ),
    "a report told again": (stories.told_again, [SALE], {}),
    "an order of before Live Mode": (
        stories.before_live,
        [],
        {"sale-order-1": "skipped: Before Live Mode", "payment-order-1-t1": "skipped: Before Live Mode"},
    ),
    "late and repeated payments and fulfilments": (
        stories.late_and_repeated,
        [OWED, "payment 2026-11-30: 20000 into Cash"],
        {},
    ),
    "the day of a sale near midnight": (stories.near_midnight, [OWED, "payment 2026-11-22: 20000 into Cash"], {}),
    "a payout whose fee does not match": (
        stories.fee_differs,
        [],
        {"payout-PO-1": "failed: Deposit Rp 98000 and fees Rp 1500 are not the transactions' Rp 100000"},
    ),
    "a closed accounting period": (stories.closed_period, [OWED.replace("11-21", "11-26")], {}),
}
# What no fold sees, by the test that holds it.
ELSEWHERE = {
    "an access token that runs out": "test_a_token_is_renewed_before_it_expires",
    "an error under HTTP 200": "test_an_error_under_http_200_is_an_error",
    "a Jurnal plan without inventory": "test_a_plan_without_inventory_is_a_problem",
}


@pytest.mark.parametrize("row", CASES)
def test_an_edge_case_ends_as_it_should(row: str) -> None:
    """What Jurnal is asked for, in its order, and what is shown with its reason instead."""
    given, asked, shown = CASES[row]
    story = given()
    assert [words(command) for command in story.commands] == asked
    others = {name: record for name, record in story.records.items() if record.state != "booking"}
    assert set(others) == set(shown)
    for name, record in others.items():
        assert f"{record.state}: {record.reason}".startswith(shown[name])


def test_every_row_of_the_list_has_its_case() -> None:
    """None is left out, none is held twice, and none is of another list."""
    assert sorted([*CASES, *ELSEWHERE]) == sorted(ROWS)
    names = {
        node.name
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert names.issuperset(ELSEWHERE.values())
