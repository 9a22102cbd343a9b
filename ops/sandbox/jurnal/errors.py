"""The refusals of the API, with the bodies it documents."""

from collections.abc import Mapping, Sequence
from typing import Any

NUMBER_USED = "(Transaction number had already been used)"
CUSTOM_ID_USED = "(Custom id attribute had already been used.)"
TAKEN = "has already been taken"
BLANK = "can't be blank"
POSITIVE = "(Value must be greater than 0.)"


class Refusal(Exception):
    """An answer other than 2xx: `body` for a single request, `row` for a line of a batch."""

    def __init__(self, status: int, body: Any, row: Mapping[str, Sequence[str]] | None = None) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body
        self.row = {"base": ["Unprocessable Entity"]} if row is None else row


class Missing(Refusal):
    """The answer for a record that is not there."""


def humanised(field: str) -> str:
    """Return a field's name as a sentence shows it: custom_id becomes Custom."""
    words = field.removesuffix("_id").replace(".", "_").split("_")
    return " ".join(words).capitalize()


def invalid(fields: Mapping[str, str], messages: Sequence[str] | None = None) -> Refusal:
    """Return 422 with a message per field and all of them again in error_full_messages."""
    full = [f"{humanised(field)} {text}" for field, text in fields.items()] if messages is None else list(messages)
    body = {**fields, "id": None, "error_full_messages": full}
    return Refusal(422, body, {field: [text] for field, text in fields.items()})


def refused(message: str, field: str = "base") -> Refusal:
    """Return 422 with one sentence in error_full_messages."""
    return Refusal(422, {"error_full_messages": [message]}, {field: [message]})


def taken(existing_id: int, fields: Mapping[str, str]) -> Refusal:
    """Return 409: the key belongs to the record `existing_id`."""
    full = [f"{humanised(field)} {text}" for field, text in fields.items()]
    row = {field: [TAKEN if field == "custom_id" else text] for field, text in fields.items()}
    return Refusal(409, {**fields, "id": existing_id, "error_full_messages": full}, row)


def missing(status: int) -> Missing:
    """Return the answer for a record that is not there, 422 or 404 as set."""
    return Missing(status, {"errors": "Data not found." if status == 422 else "Record not found"})


def unprocessable() -> Refusal:
    """Return the bare 422 of a guarded delete."""
    return Refusal(422, {"errors": "Unprocessable Entity"})
