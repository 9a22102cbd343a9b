"""What a person is told when Jurnal refuses: what is wrong, in its words and in plain ones, and what to do."""

from typing import Any

import msgspec
import pytest

from eventstore.facts.answers import NOT_ALLOWED, SHORT_OF_STOCK
from projections.jurnal_commands.commands import Command
from service.jurnal.complaints import read_complaint
from service.jurnal.needs import Need
from service.jurnal.refusals import missing_reason, phrases, refusal_of, told
from tests.unit.jurnal.made_up import ADJUSTMENT, CUSTOMER, INVOICE, PAYMENT, PAYOUT, TRANSFER
from tests.unit.jurnal.test_jurnal_taken_back import APPLY, CREDIT, DELETE, JOURNAL, PRODUCT, REFUND, RETURN, UPDATE

BARE = {"errors": "Unprocessable Entity"}
GEM_422 = {
    "remaining": "(Value must be greater than 0.)",
    "amount_receive": "(Value received cannot be greater than remaining balance.)",
    "id": None,
    "error_full_messages": ["Amount receive (Value received cannot be greater than remaining balance.)"],
}


def reason(command: Command, status: int, body: Any, **more: Any) -> str:
    """Return what a person reads."""
    complaint = read_complaint(msgspec.json.encode(body))
    return told(command, refusal_of(command, status, complaint, **more), complaint)


@pytest.mark.parametrize(
    ("command", "status", "body", "starts"),
    [
        (INVOICE, 422, {"error_full_messages": ["Stock of Kopi is not enough"]}, "Jurnal has too little stock"),
        (TRANSFER, 422, {"errors": ["Kuantitas tidak cukup"]}, "Jurnal has too little stock"),
        (INVOICE, 422, {"transaction_date": "is before the last closing"}, "Jurnal's books are closed on this date"),
        (ADJUSTMENT, 422, {"date": "is locked"}, "Jurnal's books are closed on this date"),
        (RETURN, 403, {"transaction_date": "is before the last closing"}, "Jurnal's books are closed on this date"),
        (JOURNAL, 422, {"errors": "Periode sudah tutup buku"}, "Jurnal's books are closed on this date"),
        (INVOICE, 422, {"transaction_lines.amount": "(Must be greater than 0)"}, "Jurnal takes no line or total"),
        (
            INVOICE,
            422,
            {"error_full_messages": ["Product in transaction lines attributes on row 1 not available"]},
            "A product is not in Jurnal, or is archived there",
        ),
        (INVOICE, 422, {"error_full_messages": ["Product not found"]}, "A product is not in Jurnal"),
        (INVOICE, 422, {"person_name": "person not exist"}, "Jurnal does not take the contact"),
        (JOURNAL, 422, {"account_name": ["Kas not exist"]}, "Jurnal does not take the account"),
        (INVOICE, 422, {"line_tax_id": "PPN not exist"}, "Jurnal does not take the tax"),
        (TRANSFER, 422, {"from_warehouse_id": "not exist"}, "Jurnal does not take the warehouse"),
        (INVOICE, 422, {"deposit_to_name": "deposit account not exist"}, "The account for the money is not of"),
        (REFUND, 422, {"errors": ["refund account not exist"]}, "The account for the money is not of"),
        (PAYMENT, 422, GEM_422, "It is more than is left to be paid or used"),
        (REFUND, 422, {"refund_amount": "(cannot be greater than the remaining credit memo.)"}, "It is more than"),
        (APPLY, 422, {"transaction_no": "Invoice not exist"}, "Jurnal does not have the invoice"),
        (UPDATE, 422, BARE, "Jurnal does not let go of this invoice"),
        (DELETE, 422, BARE, "Jurnal does not let go of this invoice"),
        (RETURN, 422, BARE, "Jurnal refuses the document as it stands: Unprocessable Entity"),
        (TRANSFER, 403, {"message": "Not allowed to access"}, "The company's plan of Jurnal has no warehouses"),
        (CREDIT, 403, {"message": "Not allowed to access"}, "Jurnal does not allow this credential"),
        (PAYOUT, 406, {"message": "Trial period has expired"}, "The company's subscription of Jurnal has ended"),
        (PRODUCT, 406, {}, "Jurnal does not accept the request in this form"),
        (PRODUCT, 418, {}, "Jurnal refuses the request with status 418"),
    ],
)
def test_a_refusal_is_a_plain_sentence_with_what_to_do(command: Command, status: int, body: Any, starts: str) -> None:
    """Jurnal's own words stand between the two."""
    found = reason(command, status, body)
    assert found.startswith(starts)
    assert found.count(". ") >= 1
    assert len(found.rsplit(". ", 1)[1]) > 10


@pytest.mark.parametrize("command", [PAYMENT, RETURN, CREDIT, JOURNAL])
def test_what_takes_no_goods_is_never_short_of_stock(command: Command) -> None:
    """It would wait for goods that change nothing."""
    complaint = read_complaint(b'{"errors":["not enough"]}')
    assert refusal_of(command, 422, complaint).field is None


def test_the_words_for_too_little_stock_are_a_setting() -> None:
    """Nobody knows what Jurnal says until it says so."""
    complaint = read_complaint(b'{"errors":["Stok KURANG dari permintaan"]}')
    assert refusal_of(INVOICE, 422, complaint).field is None
    assert refusal_of(INVOICE, 422, complaint, phrases(" stok kurang , ,melebihi ")).field == SHORT_OF_STOCK
    assert phrases(" Stok Kurang , ,melebihi ") == ("stok kurang", "melebihi")


def test_a_refused_right_is_not_taken_for_missing_stock() -> None:
    """Insufficient permission is no insufficient stock."""
    complaint = read_complaint(b'{"message":"Insufficient permission"}')
    assert refusal_of(INVOICE, 403, complaint).field is None


def test_a_customers_refusal_says_no_word_of_the_person() -> None:
    """Fields only."""
    body = {"email": "sari@contoh is not valid"}
    assert "contoh" not in reason(CUSTOMER, 422, body)
    assert ": email. " in reason(CUSTOMER, 422, body)


def test_what_jurnal_has_not_is_named_with_what_to_do() -> None:
    """All of it at once."""
    needs = (Need("payment_method", "QRIS"), Need("product", "KOPI-9"))
    named = "Jurnal has no payment method QRIS, product KOPI-9. Make it in Jurnal"
    assert missing_reason(INVOICE, needs) == f"{named} and retry, or map another one: it then goes by itself"


def test_what_is_never_planned_anew_does_not_promise_to_go_by_itself() -> None:
    """A customer's command asks for what it asked for, however often it goes."""
    assert missing_reason(CUSTOMER, (Need("contact", "c1"),)).endswith("Make it in Jurnal, then retry")


CLOSED = {"transaction_date": "is before the last closing"}


@pytest.mark.parametrize(
    ("commands", "advice"),
    [
        (
            (INVOICE, UPDATE, DELETE, PAYMENT, TRANSFER, ADJUSTMENT, PAYOUT, JOURNAL, RETURN, CREDIT, REFUND),
            "or let documents of closed periods go on the first open day: it then goes by itself",
        ),
        ((APPLY,), ". Reopen the period in Jurnal, then retry"),
    ],
    ids=["goes anew", "has no date of its own"],
)
def test_closed_books_come_with_the_advice_that_is_true_of_the_document(
    commands: tuple[Command, ...], advice: str
) -> None:
    """What is planned anew goes by itself, also as a return where it was a change or a delete."""
    for command in commands:
        assert reason(command, 422, CLOSED).endswith(advice), command


@pytest.mark.parametrize(
    ("command", "status", "body", "is_so"),
    [
        (UPDATE, 422, BARE, True),
        (DELETE, 422, BARE, True),
        (UPDATE, 422, GEM_422, True),
        (UPDATE, 422, {**GEM_422, "original_amount": "(Value must be greater than 0.)"}, False),
        (UPDATE, 400, GEM_422, False),
        (DELETE, 422, {"error_full_messages": ["Transaction is reconciled"]}, True),
        (UPDATE, 422, CLOSED, False),
        (UPDATE, 422, {"error_full_messages": ["Product not found"]}, False),
        (UPDATE, 422, {"person_name": "person not exist"}, False),
        (UPDATE, 422, {"errors": "Data not found."}, False),
        (UPDATE, 400, BARE, False),
        (UPDATE, 403, {"message": "Not allowed to access"}, False),
        (DELETE, 404, {"errors": "Record not found"}, False),
        (DELETE, 404, {}, False),
        (RETURN, 422, BARE, False),
        (INVOICE, 422, BARE, False),
        (PAYMENT, 422, GEM_422, False),
    ],
)
def test_only_what_hangs_on_an_invoice_keeps_it_from_being_changed_or_deleted(
    command: Command, status: int, body: Any, is_so: bool
) -> None:
    """All else is mended, and the same is asked for again: it would be a return too many."""
    found = refusal_of(command, status, read_complaint(msgspec.json.encode(body)))
    assert (found.field == NOT_ALLOWED) is is_so
