"""A demo that finds nothing wrong means something only if it finds what is wrong."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import msgspec
import pytest

from ops.sandbox.demo_report import LiveModeSeen, Report, problems_of, whole
from ops.sandbox.demo_settle import Due
from ops.sandbox.expected import expected_books
from ops.sandbox.scenario import KOPI_NUSANTARA
from ops.sandbox.traffic import generate

TRAFFIC = generate(KOPI_NUSANTARA, 7, 20, date(2026, 11, 20))
DUE = Due.of(expected_books(KOPI_NUSANTARA, TRAFFIC), TRAFFIC)


def right_report() -> Report:
    """Return the report of a run in which all is as expected."""
    books = DUE.books
    documents = {kind: count for kind, count in DUE.documents.items() if kind != "payment"}
    return Report(
        seed=7,
        orders=20,
        facts_appended=100,
        sync={"Success": 40, "Failed": 0},
        invoices=books.invoices,
        in_transit=books.in_transit,
        jurnal_in_transit=books.in_transit,
        payouts=documents["bank_deposit"],
        jurnal_documents={**documents, "deposit_payment": DUE.documents["payment"] - 1, "receive_payment": 1},
        jurnal_calls=60,
        duplicates=0,
        duplicates_by_type={},
        trial_balance_difference=Decimal(0),
        balances=books.balances,
        expected_balances=books.balances,
        profit_and_loss=books.profit_and_loss,
        expected_profit_and_loss=books.profit_and_loss,
        net_income=Decimal(0),
        webhooks_lost=0,
        live_mode=LiveModeSeen(writes_before=0, switch_off_status=405),
        seconds=1,
        problems=[],
    )


def test_a_run_as_expected_has_no_problem() -> None:
    """The figures compared are the generator's own, whichever payments were deposits."""
    assert problems_of(right_report(), DUE, 0) == []


@pytest.mark.parametrize(
    ("named", "spoil"),
    [
        ("balance: tax", lambda right: {"balances": {**right.balances, "tax": right.balances["tax"] + 1}}),
        ("profit and loss: Rounding", lambda right: {"profit_and_loss": {**right.profit_and_loss, "Rounding": 1}}),
        ("profit and loss: Cash Short", lambda right: {"profit_and_loss": {**right.profit_and_loss, "Cash Short": 1}}),
        ("in transit", lambda right: {"in_transit": {**right.in_transit, "KN-GAYO-250": Decimal(5)}}),
        ("Jurnal's in-transit", lambda _right: {"jurnal_in_transit": {"KN-GAYO-250": Decimal(1)}}),
        ("invoices: Overdue", lambda right: {"invoices": {**right.invoices, "Overdue": 1}}),
        (
            "documents: sales_invoice",
            lambda right: {"jurnal_documents": {**right.jurnal_documents, "sales_invoice": 21}},
        ),
        ("documents: payment", lambda right: {"jurnal_documents": {**right.jurnal_documents, "receive_payment": 2}}),
        ("sync: 1 Failed", lambda right: {"sync": {**right.sync, "Failed": 1}}),
        ("payouts", lambda right: {"payouts": right.payouts + 1}),
        ("duplicates: 1", lambda _right: {"duplicates": 1}),
        ("trial balance", lambda _right: {"trial_balance_difference": Decimal("0.01")}),
        ("Live Mode: 1 writes", lambda _right: {"live_mode": LiveModeSeen(writes_before=1, switch_off_status=405)}),
        ("Live Mode: switching", lambda _right: {"live_mode": LiveModeSeen(writes_before=0, switch_off_status=200)}),
    ],
)
def test_one_thing_wrong_is_one_problem_that_names_it(named: str, spoil: Callable[[Report], dict[str, object]]) -> None:
    """Whatever differs is said, and nothing else is."""
    right = right_report()
    problems = problems_of(msgspec.structs.replace(right, **spoil(right)), DUE, 0)
    assert any(problem.startswith(named) for problem in problems), problems
    spoiled = {problem.split(":")[0] for problem in problems}
    assert spoiled <= {named.split(":", maxsplit=1)[0], "Jurnal's in-transit stock"}, problems


@pytest.mark.parametrize(
    ("amount", "shown"), [("813014.00", "813014"), ("1E+3", "1000"), ("0.50", "0.5"), ("0.00", "0"), ("-5.0", "-5")]
)
def test_amounts_are_shown_without_trailing_zeros_or_exponents(amount: str, shown: str) -> None:
    """Two equal amounts are equal as text."""
    assert str(whole(Decimal(amount))) == shown
