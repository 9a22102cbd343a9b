"""Every error body that is documented or was seen, a row's of a batch too, and what a shopkeeper reads of it."""

import json
from typing import Any

import pytest

from projections.jurnal_commands.commands import Command
from service.jurnal.exchange import Response
from service.jurnal.outcome import AlreadyThere, Outcome, Refused, TryLater, Unknown, outcome_of
from tests.unit.jurnal.made_up import CUSTOMER, INVOICE, PAYMENT, PAYOUT, TRANSFER
from tests.unit.jurnal.test_jurnal_taken_back import JOURNAL, UPDATE

CREATE_422 = {
    "discount_unit": "(Value must be greater than 0.)",
    "discount_price": "(Value must be greater than 0.)",
    "remaining": "(Value must be greater than 0.)",
    "original_amount": "(Value must be greater than 0.)",
    "transaction_lines": "is not valid",
    "tax_amount": "Negative Tax Value Only Permitted For Witholding Tax",
    "transaction_lines.amount": "(Must be greater than 0)",
    "amount_receive": "(Value received cannot be greater than remaining balance.)",
    "witholding_value": "can't be added if transaction amount is less than witholding",
    "id": None,
    "error_full_messages": ["Original amount (Value must be greater than 0.)", "Transaction lines is not valid"],
}
USED = {
    "custom_id": "(Custom id attribute had already been used.)",
    "transaction_no": "(Transaction number had already been used)",
    "id": 1_462_189,
    "error_full_messages": ["Custom id (Custom id attribute had already been used.)"],
}
AS_IT_STANDS = "Jurnal refuses the document as it stands"
PUT_RIGHT = "Put right what Jurnal says, then retry"
LET_IN = "Check this machine's clock, and that the credential is valid and may do this"
SUPPORT = "Nobody but us can add it: report this to support with its identity"
TEXT = "Jurnal does not take a text of this: it is too long, or has a symbol in it"
SHORTEN = "Shorten it in iSeller, then retry; if it is short, report this to support with its identity"
SOMETHING_NAMED = "Jurnal does not have something that this names"
NO_CONTACT_TOLD = "a message about the contact, which is not kept"
# Command, status, body; then what it means, and the whole reason where it has one.
DOCUMENTED: tuple[tuple[Command, int, Any, type[Outcome], str], ...] = (
    (INVOICE, 401, {"message": "Unauthorized"}, TryLater, f"Jurnal does not let us in: Unauthorized. {LET_IN}"),
    (
        INVOICE,
        401,
        ["You're not authorized to perform this action."],
        TryLater,
        f"Jurnal does not let us in: You're not authorized to perform this action. {LET_IN}",
    ),
    (
        INVOICE,
        403,
        {"message": "Not allowed to access"},
        Refused,
        (
            "Jurnal does not allow this credential to do this: Not allowed to access. "
            "Give it the right to write sales invoices, then retry"
        ),
    ),
    (
        TRANSFER,
        403,
        {"message": "Not allowed to access"},
        Refused,
        (
            "The company's plan of Jurnal has no warehouses or stock: Not allowed to access. "
            "Choose a plan with inventory, or leave stock out of the set-up, then retry"
        ),
    ),
    (INVOICE, 422, {"errors": "Unprocessable Entity"}, Refused, f"{AS_IT_STANDS}: Unprocessable Entity. {PUT_RIGHT}"),
    (INVOICE, 422, {"errors": ["Unprocessable Entity"]}, Refused, f"{AS_IT_STANDS}: Unprocessable Entity. {PUT_RIGHT}"),
    (
        INVOICE,
        422,
        {"errors": "Data not found."},
        Refused,
        f"{SOMETHING_NAMED}: Data not found. Make it in Jurnal, then retry",
    ),
    (
        PAYMENT,
        404,
        {"errors": "Record not found"},
        Refused,
        f"{SOMETHING_NAMED}: Record not found. Make it in Jurnal, then retry",
    ),
    (INVOICE, 422, {"error": ["has already been taken"]}, AlreadyThere, ""),
    (INVOICE, 422, {"memo": ["is not valid"]}, Refused, f"{AS_IT_STANDS}: memo: is not valid. {PUT_RIGHT}"),
    (
        INVOICE,
        422,
        {"error_full_messages": ["Product not found"]},
        Refused,
        (
            "A product is not in Jurnal, or is archived there: Product not found. "
            "Make it or take it out of the archive, then retry"
        ),
    ),
    (
        INVOICE,
        422,
        CREATE_422,
        Refused,
        (
            "Jurnal takes no line or total of this price: Original amount (Value must be greater than 0.); "
            'Transaction lines is not valid. If goods were given away, set zero_prices to "adjust_stock"; '
            "else correct the order, then retry"
        ),
    ),
    (INVOICE, 409, USED, AlreadyThere, ""),
    (
        INVOICE,
        406,
        {"message": "Trial period has expired"},
        Refused,
        "The company's subscription of Jurnal has ended: Trial period has expired. Renew it, then retry",
    ),
    (
        INVOICE,
        503,
        {"error_type": "flash_alert_error", "error_full_messages": "Something went wrong"},
        Unknown,
        "Jurnal answered 503: Something went wrong",
    ),
    (INVOICE, 429, {"message": "API rate limit exceeded"}, TryLater, "Jurnal's limit of calls per minute is reached"),
    (
        INVOICE,
        429,
        {"message": "Monthly limit exceeded. Please wait until next month or upgrade your package."},
        TryLater,
        "the month's package of Jurnal calls is used up",
    ),
    (
        INVOICE,
        422,
        {"error_full_messages": ["Product in transaction lines attributes on row 1 not available"]},
        Refused,
        (
            "A product is not in Jurnal, or is archived there: "
            "Product in transaction lines attributes on row 1 not available. "
            "Make it or take it out of the archive, then retry"
        ),
    ),
    (
        INVOICE,
        422,
        {"error_full_messages": ["deposit account not exist"]},
        Refused,
        (
            "The account for the money is not of the category Cash & Bank, the only one Jurnal moves money in: "
            "deposit account not exist. "
            "Make it one in Jurnal and retry, or map an account of the category Cash & Bank: "
            "it then goes by itself"
        ),
    ),
    (
        INVOICE,
        422,
        {"error_full_messages": ["Discount cannot exceed the total item amount"]},
        Refused,
        (
            "Jurnal takes no discount that is larger than what it is taken off: "
            "Discount cannot exceed the total item amount. Correct the order in iSeller, then retry"
        ),
    ),
    (
        INVOICE,
        422,
        {"error_full_messages": ["Address too long, (maximum of 250 characters)"]},
        Refused,
        f"{TEXT}: Address too long, (maximum of 250 characters). {SHORTEN}",
    ),
    (
        CUSTOMER,
        422,
        {"error_full_messages": ["Address too long, (maximum of 250 characters)"]},
        Refused,
        f"{TEXT}. {SHORTEN}",
    ),
    (
        INVOICE,
        422,
        {"error_full_messages": ["Memo may not contain emoji"]},
        Refused,
        f"{TEXT}: Memo may not contain emoji. {SHORTEN}",
    ),
    (
        PAYMENT,
        422,
        ["Payment method must be sent", "Payment method name must be sent"],
        Refused,
        f"Jurnal misses something in this: Payment method must be sent; Payment method name must be sent. {SUPPORT}",
    ),
    (
        INVOICE,
        422,
        {"error_full_messages": ["due_date tidak boleh kosong"]},
        Refused,
        f"Jurnal misses something in this: due_date tidak boleh kosong. {SUPPORT}",
    ),
    (
        INVOICE,
        422,
        {"error_full_messages": ["Person tidak boleh kosong, Transaction lines tidak boleh kosong"]},
        Refused,
        f"Jurnal misses something in this: {NO_CONTACT_TOLD}. {SUPPORT}",
    ),
    (
        UPDATE,
        422,
        {"transaction_lines": "must not be blank"},
        Refused,
        f"Jurnal misses something in this: transaction_lines: must not be blank. {SUPPORT}",
    ),
    (
        UPDATE,
        422,
        {"transaction_lines": "is invalid"},
        Refused,
        f"{AS_IT_STANDS}: transaction_lines: is invalid. {PUT_RIGHT}",
    ),
)
# The `content` of a row of a batch that was not made, as its status and body.
ROWS: tuple[tuple[Command, int, Any, type[Outcome], str], ...] = (
    (
        JOURNAL,
        422,
        {"account_name": ["Kas not exist"]},
        Refused,
        (
            "Jurnal does not take the account that this names: account_name: Kas not exist. "
            "Make the account in Jurnal and retry, or map another one: it then goes by itself"
        ),
    ),
    (
        PAYMENT,
        422,
        {"person_name": ["person not exist"], "transaction_no": ["Invoice not exist"]},
        Refused,
        (
            f"Jurnal does not have the invoice this is about: {NO_CONTACT_TOLD}; transaction_no: Invoice not exist. "
            "Somebody deleted or renumbered it: book what is left to do in Jurnal, then skip this"
        ),
    ),
    (PAYOUT, 409, {"custom_id": ["has already been taken"]}, AlreadyThere, ""),
    (PAYOUT, 422, {"custom_id": ["has already been taken"]}, AlreadyThere, ""),
    (PAYOUT, 422, {"transaction_no": ["(Transaction number had already been used)"]}, AlreadyThere, ""),
    (
        INVOICE,
        422,
        {"base": ["Something went wrong"]},
        Refused,
        f"{AS_IT_STANDS}: base: Something went wrong. {PUT_RIGHT}",
    ),
)


def outcome(command: Command, status: int, body: Any) -> Outcome:
    """Return what an answer means."""
    return outcome_of(command, Response(status=status, headers={}, body=json.dumps(body).encode()))


@pytest.mark.parametrize(("command", "status", "body", "means", "reason"), [*DOCUMENTED, *ROWS])
def test_every_documented_error_is_a_plain_sentence_with_what_to_do(
    command: Command, status: int, body: Any, means: type[Outcome], reason: str
) -> None:
    """What happened, Jurnal's own words, what to do; a used key is no error but read."""
    found = outcome(command, status, body)
    assert type(found) is means
    assert getattr(found, "reason", "") == reason


@pytest.mark.parametrize("status", [400, 404, 406, 413, 422])
@pytest.mark.parametrize("body", [{}, [], {"unheard": {"of": ["!"]}}, "text", None])
def test_an_error_nobody_has_seen_is_a_sentence_all_the_same(status: int, body: Any) -> None:
    """Two sentences, whatever the body is."""
    found = outcome(INVOICE, status, body)
    assert isinstance(found, Refused)
    sentence, _, what_to_do = found.reason.rpartition(". ")
    assert sentence.startswith("Jurnal ")
    assert len(what_to_do) > 10
