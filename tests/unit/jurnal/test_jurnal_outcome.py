"""What each documented answer means, with made-up values."""

import json
from typing import Any

import pytest

from projections.jurnal_commands.commands import Command
from service.jurnal.exchange import NoAnswer, Response
from service.jurnal.outcome import (
    Absent,
    Accepted,
    AlreadyThere,
    Found,
    Outcome,
    ProbeFailed,
    Refused,
    TryLater,
    Unknown,
    outcome_of,
    probe_outcome,
)
from tests.unit.jurnal.made_up import CUSTOMER, FEE, INVOICE, PAYOUT, TRANSFER

INVOICE_BODY = {"sales_invoice": {"id": 4_711, "transaction_no": "INV-9", "original_amount": "5000.0"}}
USED_NUMBER = "(Transaction number had already been used)"
USED_KEY = "(Custom id attribute had already been used.)"
LOST = NoAnswer(reason="no answer within the deadline", reached_wire=True)
UNSENT = NoAnswer(reason="Jurnal could not be reached", reached_wire=False)


def response(status: int, body: Any, headers: dict[str, str] | None = None) -> Response:
    """Return an answer; bytes stay as they are, all else becomes JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status=status, headers=headers or {}, body=raw)


def told(status: int, body: Any, command: Command = INVOICE, **headers: str) -> Outcome:
    """Return what an answer to a sent command means."""
    return outcome_of(command, response(status, body, {name.replace("_", "-"): text for name, text in headers.items()}))


@pytest.mark.parametrize("status", [200, 201, 202])
def test_any_2xx_with_the_record_is_accepted(status: int) -> None:
    """Each resource has its own success code, so all are taken."""
    outcome = told(status, INVOICE_BODY)
    assert isinstance(outcome, Accepted)
    assert (outcome.document.jurnal_id, outcome.document.resource) == (4_711, "sales_invoices")
    assert outcome.record["transaction_no"] == "INV-9"


@pytest.mark.parametrize(
    ("command", "wrapper"),
    [(CUSTOMER, "customer"), (TRANSFER, "warehouse_transfer"), (PAYOUT, "bank_deposit"), (FEE, "bank_withdrawal")],
)
def test_each_resource_is_read_under_its_own_wrapper(command: Command, wrapper: str) -> None:
    """The wrapper of the answer is that of the request."""
    assert isinstance(told(200, {wrapper: {"id": 1}}, command), Accepted)


@pytest.mark.parametrize("body", [b"", b"OK", b'{"sales_invoice":{"id":47', {"sales_invoice": {}}, {"message": "ok"}])
def test_a_2xx_that_does_not_show_the_record_is_unknown(body: Any) -> None:
    """Success was said, but not of what: only a look-up tells."""
    assert isinstance(told(201, body), Unknown)


@pytest.mark.parametrize("status", [302, 408, 500, 502, 503, 504])
@pytest.mark.parametrize("body", [{"message": "An unexpected error occurred"}, b"<html>Bad Gateway</html>", b""])
def test_an_answer_from_somewhere_on_the_way_is_unknown(status: int, body: Any) -> None:
    """Jurnal may have gone on and booked it."""
    assert isinstance(told(status, body), Unknown)


def test_503_is_unknown_even_when_it_sounds_like_a_limit() -> None:
    """The documented body of a 503 does not say that nothing was booked."""
    outcome = told(503, {"error_type": "flash_alert_error", "error_full_messages": "Something went wrong"})
    assert isinstance(outcome, Unknown)
    assert "Something went wrong" in outcome.reason


def test_a_conflict_tells_the_record_and_the_keys_in_the_way() -> None:
    """409 with both keys used, as documented."""
    body = {
        "custom_id": USED_KEY,
        "transaction_no": USED_NUMBER,
        "id": 1_462,
        "error_full_messages": [f"Custom {USED_KEY}", f"Transaction no {USED_NUMBER}"],
    }
    assert told(409, body) == AlreadyThere(jurnal_id=1_462, fields=("custom_id", "transaction_no"))


def test_a_conflict_of_the_number_alone_shows_as_such() -> None:
    """A foreign document may carry our number; the field tells that our custom_id is free."""
    body = {"transaction_no": USED_NUMBER, "id": 88, "error_full_messages": [USED_NUMBER]}
    assert told(409, body) == AlreadyThere(jurnal_id=88, fields=("transaction_no",))


@pytest.mark.parametrize("body", [b"", b"Conflict", {"custom_id": ["has already been taken"]}])
def test_a_conflict_without_an_id_is_still_a_conflict(body: Any) -> None:
    """The record must then be looked up by our own key."""
    outcome = told(409, body)
    assert isinstance(outcome, AlreadyThere)
    assert outcome.jurnal_id is None


@pytest.mark.parametrize(
    "body",
    [
        {"error": ["has already been taken"]},
        {"custom_id": ["has already been taken"]},
        {"transaction_no": [USED_NUMBER]},
        {"error_full_messages": ["Custom sudah digunakan"], "custom_id": "sudah digunakan"},
    ],
)
def test_422_about_a_used_key_is_a_conflict_too(body: Any) -> None:
    """The documentation shows 422 where live companies answer 409."""
    assert isinstance(told(422, body), AlreadyThere)


def test_422_about_another_used_thing_is_a_refusal() -> None:
    """Words alone do not make a conflict when the fields speak of something else."""
    assert isinstance(told(422, {"tag_name": ["has already been taken"]}), Refused)


@pytest.mark.parametrize(
    ("body", "words", "fields"),
    [
        ({"errors": "Unprocessable Entity"}, "Unprocessable Entity", ()),
        ({"errors": ["Unprocessable Entity"]}, "Unprocessable Entity", ()),
        ({"errors": "Data not found."}, "Data not found.", ()),
        ({"error_full_messages": ["Product not found"]}, "Product not found", ()),
        ({"deposit_to_name": ["deposit account not exist"]}, "deposit account not exist", ("deposit_to_name",)),
        (
            {
                "discount_unit": "(Value must be greater than 0.)",
                "transaction_lines.amount": "(Must be greater than 0)",
                "id": None,
                "error_full_messages": ["Discount unit (Value must be greater than 0.)"],
            },
            "Discount unit (Value must be greater than 0.)",
            ("discount_unit", "transaction_lines.amount"),
        ),
        (["Payment method must be sent", "Payment method name must be sent"], "Payment method must be sent", ()),
        (b"<html>", "as it stands", ()),
    ],
)
def test_a_refusal_repeats_jurnals_words_and_names_the_fields(body: Any, words: str, fields: tuple[str, ...]) -> None:
    """Every documented shape of a 422 is readable for a person."""
    outcome = told(422, body)
    assert isinstance(outcome, Refused)
    assert words in outcome.reason
    assert outcome.fields == fields


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, {"message": "Bad Request"}, "could not read"),
        (403, {"message": "Not allowed to access"}, "Not allowed to access"),
        (404, {"errors": "Record not found"}, "Record not found"),
        (406, {"message": "Trial period has expired"}, "Trial period has expired"),
        (418, b"", "418"),
    ],
)
def test_other_client_errors_are_refusals_in_plain_words(status: int, body: Any, words: str) -> None:
    """Nothing was booked and the same request would be refused again."""
    outcome = told(status, body)
    assert isinstance(outcome, Refused)
    assert words in outcome.reason


@pytest.mark.parametrize("body", [{"message": "Unauthorized"}, ["You're not authorized to perform this action."], b""])
def test_401_is_tried_later_and_names_clock_and_credential(body: Any) -> None:
    """Nothing was booked; what must be put right is on our side and concerns every command."""
    outcome = told(401, body)
    assert isinstance(outcome, TryLater)
    assert outcome.scope == "service"
    assert "clock" in outcome.reason
    assert "credential" in outcome.reason


def test_the_minutes_limit_waits_a_whole_window() -> None:
    """The gateway tells no wait; after a window there is a place again."""
    outcome = told(429, {"message": "API rate limit exceeded"})
    assert outcome == TryLater(reason="Jurnal's limit of calls per minute is reached", scope="minute", wait_seconds=60)


def test_the_hours_limit_is_told_by_its_header() -> None:
    """Nothing left in the hour: a minute would not help."""
    outcome = told(429, {"message": "API rate limit exceeded"}, x_ratelimit_remaining_hour="0")
    assert outcome == TryLater(reason="Jurnal's limit of calls per hour is reached", scope="minute", wait_seconds=3_600)


def test_a_wait_that_jurnal_asks_for_is_kept() -> None:
    """Should the gateway learn to say Retry-After, it counts."""
    outcome = told(429, b"", retry_after="7")
    assert isinstance(outcome, TryLater)
    assert outcome.wait_seconds == 7


def test_the_months_package_is_told_from_the_minutes_limit() -> None:
    """The same status, told apart by its words alone: no retry helps for days."""
    body = {"message": "Monthly limit exceeded. Please wait until next month or upgrade your package."}
    outcome = told(429, body)
    assert isinstance(outcome, TryLater)
    assert (outcome.scope, outcome.wait_seconds) == ("month", None)


def test_no_answer_is_unknown_only_if_something_was_sent() -> None:
    """What never reached the wire was certainly not booked."""
    assert outcome_of(INVOICE, LOST) == Unknown(reason=LOST.reason)
    assert outcome_of(INVOICE, UNSENT) == TryLater(reason=UNSENT.reason, scope="service")


@pytest.mark.parametrize("status", [401, 422, 500])
def test_a_customers_refusal_names_fields_and_repeats_no_word(status: int) -> None:
    """Jurnal may quote the name or address it refuses, and reasons stand in the ledger for ever."""
    body = {"email": "sari@contoh is not valid", "error_full_messages": ["Email sari@contoh is not valid"]}
    outcome = told(status, body, CUSTOMER)
    assert isinstance(outcome, Refused | TryLater | Unknown)
    assert ": email" in outcome.reason
    assert "contoh" not in outcome.reason


@pytest.mark.parametrize("word", ["Customer", "person", "Contact", "Pelanggan", "kontak"])
@pytest.mark.parametrize("status", [401, 422, 500])
def test_words_about_a_contact_are_kept_of_no_command(status: int, word: str) -> None:
    """Of an invoice too Jurnal may quote the customer's name; what else it says is kept."""
    told_twice = [f"{word} Sari Contoh is archived", f"{word} Sari Contoh owes", "Product not found"]
    outcome = told(status, {"error_full_messages": told_twice})
    assert isinstance(outcome, Refused | TryLater | Unknown)
    assert ": a message about the contact, which is not kept; Product not found" in outcome.reason
    assert "Contoh" not in outcome.reason


@pytest.mark.parametrize("key", ["Sari Contoh", "Sari", "SARI", "x" * 61])
def test_a_key_that_is_no_attribute_is_not_kept(key: str) -> None:
    """Only names such as Jurnal's attributes have are fields: a name is none."""
    outcome = told(422, {key: ["is not valid"], "email": ["is not valid"]}, CUSTOMER)
    assert isinstance(outcome, Refused)
    assert outcome.fields == ("email",)
    assert key not in outcome.reason


def test_a_refusal_stays_short_whatever_jurnal_says() -> None:
    """A page of an answer becomes no page in the ledger."""
    body = {f"field_{number}": "x" * 5_000 for number in range(200)}
    outcome = told(422, body)
    assert isinstance(outcome, Refused)
    assert len(outcome.reason) < 3_000
    assert len(outcome.fields) <= 10


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (422, {"errors": "Data not found."}),
        (422, {"errors": "Unprocessable Entity"}),
        (404, {"errors": "Record not found"}),
        (404, {"errors": "Data tidak ditemukan"}),
        (404, b""),
    ],
)
def test_a_probe_answered_404_or_422_is_absent(status: int, body: Any) -> None:
    """Jurnal uses both for a record that is not there, in two languages."""
    assert probe_outcome(INVOICE, response(status, body)) == Absent()


@pytest.mark.parametrize(
    ("status", "body"), [(404, b"<html>Not Found</html>"), (404, {"message": "no Route matched with those values"})]
)
def test_a_gateways_404_says_nothing_about_the_record(status: int, body: Any) -> None:
    """To take it for absent would send a booked document again."""
    assert isinstance(probe_outcome(INVOICE, response(status, body)), ProbeFailed)


def test_a_probe_that_finds_the_record_gives_it_whole() -> None:
    """The caller compares it with the command."""
    outcome = probe_outcome(INVOICE, response(200, INVOICE_BODY))
    assert isinstance(outcome, Found)
    assert outcome.record == INVOICE_BODY["sales_invoice"]


@pytest.mark.parametrize("status", [302, 400, 401, 403, 409, 500, 503])
def test_any_other_answer_to_a_probe_tells_nothing(status: int) -> None:
    """Neither found nor absent: it is asked again later."""
    assert isinstance(probe_outcome(INVOICE, response(status, {"message": "x"})), ProbeFailed)


def test_a_probe_over_the_limit_tells_the_wait() -> None:
    """The quota is shared by reads and writes."""
    outcome = probe_outcome(INVOICE, response(429, {"message": "API rate limit exceeded"}))
    assert isinstance(outcome, ProbeFailed)
    assert outcome.wait_seconds == 60


@pytest.mark.parametrize("answer", [LOST, UNSENT, response(200, b'{"sales_in'), response(200, {"list": []})])
def test_a_probe_without_a_readable_answer_tells_nothing(answer: Response | NoAnswer) -> None:
    """Least of all that the record is absent."""
    assert isinstance(probe_outcome(INVOICE, answer), ProbeFailed)
