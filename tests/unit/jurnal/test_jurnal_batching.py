"""One call's answer read row by row, and one call's documents looked for in the list of invoices; made-up values."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from projections.jurnal_commands.commands import BookInvoice, Command, ReceivePayment
from projections.jurnal_commands.identity import command_id, transaction_no
from service.jurnal.batch_look_up import Looked, Lost, looking_for
from service.jurnal.batching import Row, RowOutcome, batch_request, distinct, row_outcomes
from service.jurnal.exchange import JurnalRequest, NoAnswer, Response
from service.jurnal.outcome import Refused
from service.jurnal.payloads import PersonNames, request_for
from service.jurnal.resources import number_of
from tests.unit.jurnal.made_up import CUSTOMER, IDS, INVOICE, PAYMENT, STORE

SIGNED_AT = datetime(2026, 3, 2, 5, tzinfo=UTC)
SECOND = msgspec.structs.replace(INVOICE, order_id="second", order_reference="SO-1002")
THIRD = msgspec.structs.replace(INVOICE, order_id="third", order_reference="SO-1003")


def row(command: Command) -> Row:
    """Return a document of a batch."""
    return Row(command=command, request=request_for(command, command_id(STORE, command), IDS, PersonNames(first="S")))


ROWS = [row(INVOICE), row(SECOND), row(THIRD)]


def made(command: BookInvoice, jurnal_id: int = 7, **more: Any) -> dict[str, Any]:
    """Return an invoice as Jurnal shows it."""
    identity = command_id(STORE, command)
    return {
        "id": jurnal_id,
        "custom_id": identity,
        "transaction_no": number_of(command, identity),
        "transaction_date": command.transaction_date.strftime("%d/%m/%Y"),
        "created_at": "2026-03-02T05:00:01.000Z",
        "original_amount": str(command.total),
        "deposit": str(command.deposit),
        "amount_receive": str(command.deposit),
        "deposit_to": {"name": command.deposit_account},
        "warehouse": {"name": command.warehouse},
        "payments": [],
        **more,
    }


def accepted(command: BookInvoice) -> dict[str, Any]:
    """Return the row of a document that was made."""
    return {"sales_invoice": {"status": 201, "content": made(command)}}


def refused(command: BookInvoice, status: int, content: dict[str, Any]) -> dict[str, Any]:
    """Return the row of a document that was not, with what was sent repeated."""
    sent = json.loads(row(command).request.body)
    return {"sales_invoice": {"status": status, "body": sent, "content": content}}


def told(rows: object, status: int = 201) -> list[RowOutcome]:
    """Return what an answer with these rows means for three invoices."""
    body = rows if isinstance(rows, bytes) else json.dumps({"sales_invoices": rows}).encode()
    return row_outcomes(ROWS, Response(status=status, headers={}, body=body))


def names(outcomes: list[RowOutcome]) -> list[str]:
    """Return the kinds of outcomes."""
    return [type(each.outcome).__name__ for each in outcomes]


def test_a_batch_holds_each_document_as_it_would_go_by_itself() -> None:
    """The same bytes, wrapped: one list of the wrapped single documents."""
    request = batch_request(ROWS)
    assert (request.method, request.path.rpartition("/api/v1")[2]) == ("POST", "/sales_invoices/batch_create")
    assert json.loads(request.body) == {"sales_invoices": [json.loads(each.request.body) for each in ROWS]}
    assert all(each.request.body in request.body for each in ROWS)


def test_each_row_has_its_own_outcome() -> None:
    """Made, taken and refused side by side; the refused one with its own words."""
    outcomes = told(
        [
            accepted(INVOICE),
            refused(SECOND, 409, {"custom_id": ["has already been taken"]}),
            refused(THIRD, 422, {"person_name": ["not exist"]}),
        ]
    )
    assert names(outcomes) == ["Accepted", "AlreadyThere", "Refused"]
    assert [each.status for each in outcomes] == [201, 409, 422]
    assert isinstance(outcomes[2].outcome, Refused)
    assert outcomes[2].outcome.fields == ("person_name",)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([accepted(SECOND), accepted(INVOICE), accepted(THIRD)], ["Unknown", "Unknown", "Accepted"]),
        ([accepted(INVOICE)], ["Accepted", "Unknown", "Unknown"]),
        ([], ["Unknown", "Unknown", "Unknown"]),
        ([accepted(INVOICE), {}, "x"], ["Accepted", "Unknown", "Unknown"]),
        ([accepted(INVOICE), {"sales_invoice": {"status": 201}}, accepted(THIRD)], ["Accepted", "Unknown", "Accepted"]),
        (
            [accepted(INVOICE), {"sales_invoice": {"status": 422, "content": {"base": ["no"]}}}, accepted(THIRD)],
            ["Accepted", "Unknown", "Accepted"],
        ),
        (
            [accepted(INVOICE), refused(THIRD, 422, {"base": ["no"]}), accepted(THIRD)],
            ["Accepted", "Unknown", "Accepted"],
        ),
        (
            [accepted(INVOICE), refused(SECOND, 503, {"base": ["no"]}), accepted(THIRD)],
            ["Accepted", "Unknown", "Accepted"],
        ),
    ],
    ids=["out of place", "too few", "none", "unreadable", "no content", "no echo", "another's refusal", "broken"],
)
def test_a_row_that_is_not_ours_or_not_there_tells_nothing_of_its_document(rows: object, expected: list[str]) -> None:
    """It may be booked all the same: unknown, and looked up. Its neighbours count."""
    assert names(told(rows)) == expected


@pytest.mark.parametrize("body", [b'{"sales_invoices": [{"sales_in', b"<html>", b"[]", b'{"sales_invoice": {}}'])
def test_an_answer_without_rows_makes_all_of_them_unknown(body: bytes) -> None:
    """Cut short, no JSON, or something else: whatever was booked is looked up."""
    assert names(told(body)) == ["Unknown"] * 3


@pytest.mark.parametrize(
    ("answer", "expected", "alone"),
    [
        (NoAnswer(reason="no answer", reached_wire=True), "Unknown", False),
        (NoAnswer(reason="nobody there", reached_wire=False), "TryLater", False),
        (Response(status=502, headers={}, body=b""), "Unknown", False),
        (Response(status=409, headers={}, body=b'{"custom_id": "used", "id": 5}'), "Unknown", False),
        (Response(status=429, headers={}, body=b'{"message": "API rate limit exceeded"}'), "TryLater", False),
        (Response(status=422, headers={}, body=b'{"errors": "Unprocessable Entity"}'), "TryLater", True),
        (Response(status=413, headers={}, body=b""), "TryLater", True),
    ],
)
def test_an_answer_to_the_whole_call_counts_for_every_row(
    answer: Response | NoAnswer, expected: str, *, alone: bool
) -> None:
    """What refuses the call refuses none of its documents: each goes by itself and hears its own words."""
    outcomes = row_outcomes(ROWS, answer)
    assert names(outcomes) == [expected] * 3
    assert {each.alone for each in outcomes} == {alone}


def test_of_two_documents_with_one_key_only_the_first_is_in_a_call() -> None:
    """Nobody promises that a batch checks its rows against each other."""
    other = msgspec.structs.replace(CUSTOMER, customer_id="other", own_id="C-1", position=18)
    same = msgspec.structs.replace(CUSTOMER, own_id="C-1")
    third = msgspec.structs.replace(CUSTOMER, customer_id="third", code="C-0043")
    assert distinct([row(same), row(other), row(third)]) == [0, 2]


def looked(
    lost: list[Command], *pages: list[dict[str, Any]], payments: Sequence[list[dict[str, Any]]] = ()
) -> tuple[Looked, list[JurnalRequest]]:
    """Look for lost documents in these pages of invoices and of payments; behind them nothing can be listed."""
    steps = looking_for([Lost(command, command_id(STORE, command)) for command in lost], SIGNED_AT)
    asked: list[JurnalRequest] = []
    answers = {"sales_invoices": iter(pages), "receive_payments": iter(payments)}
    try:
        asked.append(next(steps))
        while True:
            name = asked[-1].path.partition("?")[0].rpartition("/")[2]
            page = next(answers.get(name, iter(())), None)
            body = json.dumps({name: page}).encode() if page is not None else b'{"errors": "no"}'
            status = 404 if page is None else 200
            asked.append(steps.send(Response(status=status, headers={}, body=body)))
    except StopIteration as done:
        value: Looked = done.value
        return value, asked


def fillers(rows: int, created_at: datetime) -> list[dict[str, Any]]:
    """Return invoices of others."""
    stamp = created_at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return [{"id": number, "custom_id": f"x-{number}", "created_at": stamp, "payments": []} for number in range(rows)]


def test_lost_invoices_are_seen_in_the_newest_page() -> None:
    """One call, because all are found; each compared with what was asked for."""
    page = [made(THIRD, 3), made(SECOND, 2, original_amount="1"), made(INVOICE, 1), *fillers(97, SIGNED_AT)]
    told_, asked = looked([INVOICE, SECOND, THIRD], page)
    assert len(asked) == 1
    assert "page=1&page_size=100&sort_key=created_at&sort_order=desc" in asked[0].path
    differing = {key for key, seen in told_.seen.items() if seen.differences}
    assert (len(told_.seen), differing) == (3, {command_id(STORE, SECOND)})


def test_the_list_is_left_where_it_is_older_than_the_call_could_be() -> None:
    """Nothing further back can be ours: what is not seen by then is not there yet."""
    new = fillers(100, SIGNED_AT)
    old = [*fillers(99, SIGNED_AT), *fillers(1, SIGNED_AT - timedelta(seconds=301))]
    told_, asked = looked([INVOICE], new, old, new)
    assert (len(asked), dict(told_.seen), told_.failed) == (2, {}, None)


def test_a_page_that_cannot_be_read_keeps_what_was_seen_before() -> None:
    """The rest is asked for again later."""
    told_, _ = looked([INVOICE, SECOND], [made(INVOICE), *fillers(99, SIGNED_AT)])
    assert set(told_.seen) == {command_id(STORE, INVOICE)}
    assert told_.failed is not None


def payment_of(invoice: BookInvoice) -> ReceivePayment:
    """Return a payment of an invoice."""
    number = transaction_no(command_id(STORE, invoice), invoice.order_reference)
    return msgspec.structs.replace(
        PAYMENT, order_id=invoice.order_id, order_reference=invoice.order_reference, invoice_no=number
    )


def test_lost_payments_are_seen_by_their_numbers_on_their_invoices() -> None:
    """One that is shown counts, one whose invoice shows it not is not there yet: no call for each."""
    payments = [payment_of(INVOICE), payment_of(SECOND)]
    number = number_of(payments[0], command_id(STORE, payments[0]))
    paid = {"id": 55, "transaction_no": number, "transaction_date": "05/03/2026"}
    total = str(INVOICE.deposit + PAYMENT.amount)
    page = [made(SECOND, 2), made(INVOICE, 1, payments=[paid], amount_receive=total)]
    told_, asked = looked(list(payments), page)
    assert len(asked) == 2
    (seen,) = told_.seen.values()
    assert (seen.document.jurnal_id, seen.document.amount, seen.differences) == (55, Decimal("29902.00"), [])


def test_a_payment_whose_invoice_is_not_among_the_newest_is_asked_for_by_its_key() -> None:
    """Two pages without any of theirs are enough: nobody pages through years."""
    told_, asked = looked([payment_of(INVOICE)], fillers(100, SIGNED_AT), fillers(100, SIGNED_AT))
    assert len(asked) == 4
    assert asked[3].path.rpartition("/")[2] == command_id(STORE, payment_of(INVOICE))
    assert (dict(told_.seen), told_.failed) == ({}, None)


def received(payment: ReceivePayment, jurnal_id: int, **more: Any) -> dict[str, Any]:
    """Return a payment as the list of payments shows it."""
    identity = command_id(STORE, payment)
    return {
        "id": jurnal_id,
        "custom_id": identity,
        "transaction_no": number_of(payment, identity),
        "transaction_date": payment.transaction_date.strftime("%d/%m/%Y"),
        "deposit_to": {"name": payment.account},
        "records": [{"transaction_no": payment.invoice_no, "amount": str(payment.amount)}],
        **more,
    }


def test_lost_payments_in_the_list_of_payments_are_compared_as_a_probe_compares() -> None:
    """One list and no other call; one that differs counts, and how it differs is told."""
    payments = [payment_of(INVOICE), payment_of(SECOND)]
    other = [{"transaction_no": payments[1].invoice_no, "amount": "1"}]
    page = [received(payments[1], 2, records=other), *fillers(97, SIGNED_AT), received(payments[0], 1)]
    told_, asked = looked(list(payments), payments=[page])
    assert len(asked) == 1
    differing = {key for key, seen in told_.seen.items() if seen.differences}
    assert (len(told_.seen), differing) == (2, {command_id(STORE, payments[1])})


def test_the_list_of_payments_is_left_at_a_page_without_any_and_at_the_third() -> None:
    """It is a hint: nobody pages through years of payments, and the invoices are asked next."""
    payments = [payment_of(INVOICE), payment_of(SECOND), payment_of(THIRD)]
    pages = [[received(payment, place), *fillers(99, SIGNED_AT)] for place, payment in enumerate(payments, 1)]
    strangers = fillers(100, SIGNED_AT)

    def lists_of_payments(*shown: list[dict[str, Any]]) -> int:
        _, asked = looked([*payments, PAYMENT], payments=shown)
        return sum("/receive_payments?" in each.path for each in asked)

    assert lists_of_payments(pages[0], strangers, pages[1]) == 2
    assert lists_of_payments(*pages, strangers) == 3
