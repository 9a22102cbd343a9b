"""What an answer of Jurnal means. One pure function for what was sent, one for a probe.

Status and keys decide; words are a hint only where two meanings share a status.
"""

import re
from typing import Literal

import msgspec

from eventstore.facts.answers import Document
from projections.jurnal_commands.commands import Command, CreateCustomer, DeleteDuplicate, DeleteInvoice
from service.jurnal.complaints import Complaint, read_complaint
from service.jurnal.documents import deleted, deleted_duplicate, read_document
from service.jurnal.exchange import NoAnswer, Response
from service.jurnal.feedback import exceeded
from service.jurnal.reading import Record, UnreadableAnswer, read_json, record_in, rows_of
from service.jurnal.refusals import SHORT_OF_STOCK_WORDS, refusal_of, told, with_words
from service.jurnal.resources import Resource

# By this word the queue is asked for what such an answer turned away.
MONTH_USED_UP = "the month's package of Jurnal calls is used up"
_TAKEN = re.compile(r"already (been )?(taken|used)|sudah (digunakan|dipakai|ada)", re.IGNORECASE)
_NO_ROUTE = re.compile(r"\broute\b", re.IGNORECASE)
_KEYS = frozenset({"custom_id", "transaction_no", "display_name"})
_MINUTE_SECONDS = 60
_HOUR_SECONDS = 3_600


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """Jurnal made the document. `record` is its whole answer, to be compared with the command and not kept."""

    document: Document
    record: Record


class AlreadyThere(msgspec.Struct, frozen=True, kw_only=True):
    """A record has one of our keys: ours or another's, only reading it tells. `fields` are the keys in question."""

    jurnal_id: int | None
    fields: tuple[str, ...] = ()


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """Jurnal refuses the command as it stands and has booked nothing."""

    reason: str
    fields: tuple[str, ...] = ()


class TryLater(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing is booked, and a later try may pass. `wait_seconds` is the least wait, None when Jurnal's side says none.

    Scope: `minute` the rate limit, `month` the package's quota, `service` the credential, the clock or the way there.
    """

    reason: str
    scope: Literal["minute", "month", "service"]
    wait_seconds: int | None = None


class Unknown(msgspec.Struct, frozen=True, kw_only=True):
    """Jurnal may or may not have booked it."""

    reason: str


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The probe's document. Whether it is what we asked for, `documents.matches` tells of `record`."""

    document: Document
    record: Record


class Absent(msgspec.Struct, frozen=True, kw_only=True):
    """There is no record with the key now. A request still on its way may yet make one."""


class ProbeFailed(msgspec.Struct, frozen=True, kw_only=True):
    """The probe tells nothing. `wait_seconds` is the least wait where Jurnal asked for one."""

    reason: str
    wait_seconds: int | None = None


class Ambiguous(msgspec.Struct, frozen=True, kw_only=True):
    """Something is there that may be ours or another's, and nothing tells which. `reason` is for a person."""

    reason: str


Outcome = Accepted | AlreadyThere | Refused | TryLater | Unknown
ProbeOutcome = Found | Absent | ProbeFailed | Ambiguous

_UNAUTHORISED = "Jurnal does not let us in"
_LET_IN = "Check this machine's clock, and that the credential is valid and may do this"


def outcome_of(
    command: Command,
    answer: Response | NoAnswer,
    earlier: Document | None = None,
    stock_words: tuple[str, ...] = SHORT_OF_STOCK_WORDS,
) -> Outcome:
    """Return what the answer to a sent command means.

    `earlier`: the invoice that a delete takes away. `stock_words`: see `refusal_of`.
    """
    if isinstance(answer, NoAnswer):
        return Unknown(reason=answer.reason) if answer.reached_wire else TryLater(reason=answer.reason, scope="service")
    if 200 <= answer.status < 300 and isinstance(command, DeleteInvoice):
        assert earlier is not None, "a delete is sent for a known invoice"
        return Accepted(document=deleted(earlier), record={})
    if 200 <= answer.status < 300 and isinstance(command, DeleteDuplicate):
        return Accepted(document=deleted_duplicate(command), record={})
    if 200 <= answer.status < 300:
        return _accepted(command, answer)
    return _not_accepted(command, answer, read_complaint(answer.body), stock_words)


def _not_accepted(command: Command, answer: Response, complaint: Complaint, stock_words: tuple[str, ...]) -> Outcome:
    is_personal = isinstance(command, CreateCustomer)
    if answer.status == 409 or (answer.status == 422 and _says_taken(complaint)):
        return AlreadyThere(jurnal_id=complaint.jurnal_id, fields=complaint.fields)
    if answer.status == 429:
        return _over_limit(answer, complaint)
    if answer.status == 401:
        return TryLater(reason=_not_let_in(complaint, is_personal=is_personal), scope="service")
    # A redirect, a request time-out and all of 5xx come from somewhere on the way: Jurnal itself may have gone on.
    if answer.status < 400 or answer.status == 408 or answer.status >= 500:
        told_in_words = with_words(f"Jurnal answered {answer.status}", complaint, is_personal=is_personal)
        return Unknown(reason=told_in_words)
    refusal = refusal_of(command, answer.status, complaint, stock_words)
    fields = complaint.fields if refusal.field is None else (*complaint.fields, refusal.field)
    return Refused(reason=told(command, refusal, complaint), fields=fields)


def probe_outcome(command: Command, answer: Response | NoAnswer) -> Found | Absent | ProbeFailed:
    """Return what the answer to a probe, or to reading a record by its id, means."""
    if isinstance(answer, NoAnswer):
        return ProbeFailed(reason=answer.reason)
    if 200 <= answer.status < 300:
        try:
            document, record = read_document(command, answer.body)
        except UnreadableAnswer as unreadable:
            return ProbeFailed(reason=f"Jurnal answered {answer.status}, but {unreadable}")
        return Found(document=document, record=record)
    return _not_read(answer, is_personal=isinstance(command, CreateCustomer))


def record_outcome(resource: Resource, answer: Response | NoAnswer) -> Record | Absent | ProbeFailed:
    """Return the record that a look-up found."""
    if isinstance(answer, NoAnswer):
        return ProbeFailed(reason=answer.reason)
    if 200 <= answer.status < 300:
        try:
            return record_in(read_json(answer.body), resource.singular)[1]
        except UnreadableAnswer as unreadable:
            return ProbeFailed(reason=f"Jurnal answered {answer.status}, but {unreadable}")
    return _not_read(answer)


def rows_outcome(answer: Response | NoAnswer) -> tuple[tuple[Record, ...], bool] | Absent | ProbeFailed:
    """Return the rows of a search and whether there are more; Absent where Jurnal has no such search."""
    if isinstance(answer, NoAnswer):
        return ProbeFailed(reason=answer.reason)
    if not 200 <= answer.status < 300:
        return _not_read(answer)
    try:
        found = read_json(answer.body)
    except UnreadableAnswer as unreadable:
        return ProbeFailed(reason=f"Jurnal answered {answer.status}, but {unreadable}")
    record = found if isinstance(found, dict) else {}
    return tuple(rows_of(record, "data")), record.get("more") is True


def list_outcome(resource: Resource, answer: Response | NoAnswer) -> list[Record] | ProbeFailed:
    """Return the rows of one page of a list."""
    if isinstance(answer, NoAnswer):
        return ProbeFailed(reason=answer.reason)
    if not 200 <= answer.status < 300:
        told = _not_read(answer)
        return told if isinstance(told, ProbeFailed) else ProbeFailed(reason="Jurnal does not list its documents")
    try:
        page = read_json(answer.body)
    except UnreadableAnswer as unreadable:
        return ProbeFailed(reason=f"Jurnal answered {answer.status}, but {unreadable}")
    if not isinstance(page, dict) or not isinstance(page.get(resource.plural), list):
        return ProbeFailed(reason=f"Jurnal answered {answer.status}, but the answer holds no {resource.plural}")
    return rows_of(page, resource.plural)


def _not_read(answer: Response, *, is_personal: bool = False) -> Absent | ProbeFailed:
    complaint = read_complaint(answer.body)
    if answer.status in {404, 422} and _speaks_for_jurnal(answer, complaint):
        return Absent()
    if answer.status == 429:
        limited = _over_limit(answer, complaint)
        return ProbeFailed(reason=limited.reason, wait_seconds=limited.wait_seconds)
    if answer.status == 401:
        return ProbeFailed(reason=_not_let_in(complaint, is_personal=is_personal))
    sentence = f"Jurnal answered {answer.status} to a look-up"
    return ProbeFailed(reason=with_words(sentence, complaint, is_personal=is_personal))


def _not_let_in(complaint: Complaint, *, is_personal: bool) -> str:
    return f"{with_words(_UNAUTHORISED, complaint, is_personal=is_personal)}. {_LET_IN}"


def _accepted(command: Command, answer: Response) -> Accepted | Unknown:
    try:
        document, record = read_document(command, answer.body)
    except UnreadableAnswer as unreadable:
        return Unknown(reason=f"Jurnal answered {answer.status}, but {unreadable}")
    return Accepted(document=document, record=record)


def _says_taken(complaint: Complaint) -> bool:
    """Tell a used key from other refusals; a wrong guess costs one look-up."""
    return complaint.says(_TAKEN) and (not complaint.fields or not _KEYS.isdisjoint(complaint.fields))


def _speaks_for_jurnal(answer: Response, complaint: Complaint) -> bool:
    """Tell Jurnal's own "not there" from that of a gateway or proxy, which says nothing about the record."""
    return not answer.body or (complaint.is_json and not complaint.says(_NO_ROUTE))


def _over_limit(answer: Response, complaint: Complaint) -> TryLater:
    refused = exceeded(answer, complaint)
    if refused.scope == "month":
        return TryLater(reason=MONTH_USED_UP, scope="month")
    whole_window = _HOUR_SECONDS if refused.scope == "hour" else _MINUTE_SECONDS
    # Jurnal tells no wait today; a whole window is always enough.
    wait_seconds = whole_window if refused.retry_after_seconds is None else refused.retry_after_seconds
    reason = f"Jurnal's limit of calls per {refused.scope} is reached"
    return TryLater(reason=reason, scope="minute", wait_seconds=wait_seconds)
