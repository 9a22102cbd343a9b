"""What is given back, changed or deleted of a sale, in the sandbox's books: once, whatever happens on the wire."""

from dataclasses import dataclass
from fractions import Fraction

import pytest

from ops.sandbox.jurnal import FaultPlan
from projections.jurnal_commands.commands import Command
from projections.jurnal_commands.identity import command_id
from tests.integration.dispatcher.asking import (
    APPLY,
    CREDIT,
    DELETE,
    JOURNAL,
    OTHER,
    PRODUCT,
    REFUND,
    RETURN,
    SALE,
    UPDATE,
    Asked,
)
from tests.integration.dispatcher.stand import Process, Stand
from tests.ledger import STORE

LOST = FaultPlan(close_after_commit=True)
NEVER_ARRIVED = FaultPlan(status_before_commit=502)
REVENUE, RECEIVABLE = "Service Revenue", "Accounts Receivable"


@dataclass(frozen=True)
class Case:
    """A command after what must stand before it, and what the books say then: exactly these changes, in IDR."""

    before: tuple[Command, ...]
    command: Command
    path: str
    balances: dict[str, str]
    documents: dict[str, int]
    amount: str | None = None
    method: str = "POST"


SOLD = {"sales_invoice": 1, "deposit_payment": 1}
BACK = {**SOLD, "sales_return": 1, "return_credit_memo": 1}
CASES = {
    "update": Case(
        (SALE,), UPDATE, "sales_invoices", {"Bank BCA": "24000", REVENUE: "-24000"}, SOLD, "24000.0", "PATCH"
    ),
    "delete": Case((SALE,), DELETE, "sales_invoices", {}, {}, None, "DELETE"),
    "return": Case(
        (SALE,),
        RETURN,
        "sales_returns",
        {"Bank BCA": "30000", REVENUE: "-30000", "Sales Return": "10000", RECEIVABLE: "-10000"},
        BACK,
        "10000",
    ),
    "credit": Case(
        (), CREDIT, "credit_memos", {"Sales Return": "7000.5", RECEIVABLE: "-7000.5"}, {"credit_memo": 1}, "7000.5"
    ),
    "refund": Case(
        (SALE, RETURN),
        REFUND,
        "customer_credit_memo_refund",
        {"Bank BCA": "24000", REVENUE: "-30000", "Sales Return": "10000", RECEIVABLE: "-4000"},
        {**BACK, "customer_credit_memo_refund": 1},
        "6000.0",
    ),
    "apply": Case(
        (SALE, RETURN, OTHER),
        APPLY,
        "customer_apply_credit_memo",
        {"Bank BCA": "30000", REVENUE: "-38000", "Sales Return": "10000", RECEIVABLE: "-2000"},
        {**BACK, "sales_invoice": 2, "customer_apply_credit_memo": 1},
        "8000.0",
    ),
    "journal": Case(
        (), JOURNAL, "journal_entries", {"Goods Received": "5000", "Bank BCA": "-5000"}, {"journal_entry": 1}, "5000"
    ),
    "product": Case((), PRODUCT, "products", {}, {"product": 4}),
}
EACH = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@pytest.fixture
def asked(stand: Stand) -> Asked:
    """Give a live store of which anything may be asked."""
    return Asked(stand)


def books(stand: Stand) -> dict[str, Fraction]:
    """Return the accounts that are not empty."""
    return {name: balance for name, balance in stand.sandbox.exact_balances().items() if balance}


def money(stand: Stand) -> dict[str, int]:
    """Return how many documents of each kind there are, and products."""
    fixed = {"customer", "warehouse"}
    counted = {kind: count for kind, count in stand.sandbox.documents().items() if kind not in fixed}
    return counted if counted.get("product", 0) > 3 else {kind: n for kind, n in counted.items() if kind != "product"}


def expected(case: Case) -> dict[str, Fraction]:
    """Return what the books are to say."""
    return {account: Fraction(balance) for account, balance in case.balances.items()}


async def book_before(asked: Asked, case: Case) -> Process:
    """Book what must stand before a command; return the process that has the lease."""
    process = asked.stand.process()
    await asked.ask(*case.before)
    await asked.stand.until_quiet(process)
    return process


@EACH
async def test_each_command_stands_in_jurnals_books_as_it_was_asked(asked: Asked, case: Case) -> None:
    """Balances to the rupiah, one document each, and its id, number and worth in the ledger."""
    stand = asked.stand
    process = await book_before(asked, case)
    await asked.ask(case.command)
    await stand.until_quiet(process)
    assert await asked.state_of(case.command) == ("accepted", "")
    assert books(stand) == expected(case)
    assert money(stand) == case.documents
    answer = await asked.answer_to(case.command)
    document = answer["document"]
    assert isinstance(document, dict)
    assert (answer["found_by"], document.get("amount")) == ("answer", case.amount)
    assert document["resource"] == case.path
    assert document["jurnal_id"] > 0
    assert document["transaction_no"]


@EACH
async def test_each_command_whose_answer_was_lost_is_found_and_not_sent_again(asked: Asked, case: Case) -> None:
    """Committed, then the connection was cut: found at once, long before the fence, and one document."""
    stand = asked.stand
    process = await book_before(asked, case)
    await asked.ask(case.command)
    stand.fail(LOST, method=case.method, path=case.path)
    lost_at = stand.clock.now()
    await stand.until_quiet(process)
    assert await asked.state_of(case.command) == ("accepted", "")
    assert (await asked.answer_to(case.command))["found_by"] == "probe"
    assert (stand.clock.now() - lost_at).total_seconds() < 10
    assert books(stand) == expected(case)
    assert money(stand) == case.documents


@EACH
async def test_each_command_that_never_arrived_is_sent_again_after_the_fence_and_once(asked: Asked, case: Case) -> None:
    """Absent counts only when the signed Date is dead; then it goes once more."""
    stand = asked.stand
    process = await book_before(asked, case)
    await asked.ask(case.command)
    stand.fail(NEVER_ARRIVED, method=case.method, path=case.path)
    lost_at = stand.clock.now()
    await stand.until_quiet(process)
    assert await asked.state_of(case.command) == ("accepted", "")
    (absent,) = await stand.facts("CommandConfirmedAbsent")
    assert (absent.observed_at - lost_at).total_seconds() == 420
    answer = await asked.answer_to(case.command)
    assert answer["attempted"]["attempt"] == 2  # type: ignore[index]  # a JSON object
    assert books(stand) == expected(case)
    assert money(stand) == case.documents


@EACH
async def test_the_identity_of_each_command_stands_on_one_document(asked: Asked, case: Case) -> None:
    """Whoever searches Jurnal for it finds one; an application has no place for it."""
    stand = asked.stand
    process = await book_before(asked, case)
    await asked.ask(case.command)
    stand.fail(LOST, method=case.method, path=case.path)
    await stand.until_quiet(process)
    identity = command_id(STORE, case.command)
    kinds = dict.fromkeys(stand.sandbox.documents(), (identity,))
    assert set(stand.sandbox.duplicates(kinds).values()) <= {0}
