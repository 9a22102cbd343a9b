"""Several documents in one call: the request made of those of single ones, and its answer read row by row. Pure."""

from collections.abc import Sequence
from typing import Any

import msgspec

from projections.jurnal_commands.commands import (
    BookInvoice,
    Command,
    CreateCustomer,
    DepositPayout,
    PostJournal,
    ReceivePayment,
    WithdrawPayoutFee,
)
from service.jurnal.complaints import read_complaint
from service.jurnal.exchange import JurnalRequest, NoAnswer, Response
from service.jurnal.outcome import Outcome, Refused, TryLater, Unknown, outcome_of
from service.jurnal.reading import Record, UnreadableAnswer, block_of, read_json, text_of
from service.jurnal.refusals import SHORT_OF_STOCK_WORDS, with_words
from service.jurnal.resources import Resource, resource_of

# Jurnal's own limit.
ROWS_MAX = 100
BATCHED = frozenset(
    kind.__name__
    for kind in (BookInvoice, ReceivePayment, DepositPayout, WithdrawPayoutFee, PostJournal, CreateCustomer)
)
# What a document is told apart by, the surest first; a customer has a name instead of a number.
_KEYS = ("custom_id", "transaction_no", "display_name")
_ENCODE = msgspec.json.Encoder(decimal_format="number").encode


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One document of a batch: its command, and the request that would send it by itself."""

    command: Command
    request: JurnalRequest


class RowOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the answer means for one row. `status`: the row's own, else the whole answer's, None without one.

    `alone`: it must not go in a batch again.
    """

    outcome: Outcome
    status: int | None
    alone: bool = False


def batch_request(rows: Sequence[Row]) -> JurnalRequest:
    """Return the one request for several documents of one resource, each written as it is for itself."""
    (resource,) = {resource_of(row.command) for row in rows}
    assert 1 < len(rows) <= ROWS_MAX, "a batch of one is a single send"
    body = b'{"%s":[%s]}' % (resource.plural.encode(), b",".join(row.request.body for row in rows))
    return JurnalRequest(method="POST", path=f"{resource.path}/batch_create", body=body)


def distinct(rows: Sequence[Row]) -> list[int]:
    """Return the places of the rows whose keys none before has: nobody checks two of one key in one call."""
    seen: set[tuple[str, str]] = set()
    kept = []
    for place, row in enumerate(rows):
        sent = _sent(row)
        keys = {(key, value) for key in _KEYS if (value := text_of(sent, key)) is not None}
        if seen.isdisjoint(keys):
            kept.append(place)
            seen |= keys
    return kept


def row_outcomes(
    rows: Sequence[Row], answer: Response | NoAnswer, stock_words: tuple[str, ...] = SHORT_OF_STOCK_WORDS
) -> list[RowOutcome]:
    """Return what the answer to a batch means for each of its rows."""
    if isinstance(answer, NoAnswer) or not 200 <= answer.status < 300:
        return [_of_all(row.command, answer) for row in rows]
    resource = resource_of(rows[0].command)
    told = _rows_in(answer, resource)
    if isinstance(told, str):
        return [RowOutcome(outcome=Unknown(reason=told), status=answer.status) for _ in rows]
    return [
        _of_row(row, told[place] if place < len(told) else None, resource, answer, stock_words)
        for place, row in enumerate(rows)
    ]


def _of_all(command: Command, answer: Response | NoAnswer) -> RowOutcome:
    """Return what an answer means that has no rows: the same for each."""
    outcome = outcome_of(command, answer)
    if isinstance(answer, NoAnswer):
        return RowOutcome(outcome=outcome, status=None)
    if isinstance(outcome, (TryLater, Unknown)):
        return RowOutcome(outcome=outcome, status=answer.status)
    complaint = read_complaint(answer.body)
    is_personal = isinstance(command, CreateCustomer)
    if isinstance(outcome, Refused):
        # One document may have spoilt the call for all: each by itself hears its own words.
        reason = with_words("Jurnal refused the whole call; it goes by itself", complaint, is_personal=is_personal)
        return RowOutcome(outcome=TryLater(reason=reason, scope="service"), status=answer.status, alone=True)
    reason = with_words(
        f"Jurnal answered {answer.status} to the whole call, which does not tell of whom", complaint,
        is_personal=is_personal,
    )  # fmt: skip
    return RowOutcome(outcome=Unknown(reason=reason), status=answer.status)


def _rows_in(answer: Response, resource: Resource) -> list[Any] | str:
    """Return the answer's rows, or why it has none that can be read."""
    try:
        told = read_json(answer.body)
    except UnreadableAnswer as unreadable:
        return f"Jurnal answered {answer.status}, but {unreadable}"
    rows = told.get(resource.plural) if isinstance(told, dict) else None
    return rows if isinstance(rows, list) else f"Jurnal answered {answer.status}, but the answer holds no rows"


def _of_row(row: Row, told: Any, resource: Resource, answer: Response, stock_words: tuple[str, ...]) -> RowOutcome:
    part = block_of(told, resource.singular) if isinstance(told, dict) else {}
    status, content = part.get("status"), part.get("content")
    if not isinstance(status, int) or isinstance(status, bool) or content is None:
        return RowOutcome(outcome=Unknown(reason="Jurnal's answer has no row for it"), status=answer.status)
    is_made = 200 <= status < 300
    echo = content if is_made else block_of(block_of(part, "body"), resource.singular)
    if not isinstance(echo, dict) or not _is_of(echo, _sent(row)):
        reason = "Jurnal's answer has another document in its place"
        return RowOutcome(outcome=Unknown(reason=reason), status=answer.status)
    # As Jurnal would have answered to the document by itself.
    body = _ENCODE({resource.singular: content} if is_made else content)
    outcome = outcome_of(row.command, Response(status=status, headers={}, body=body), None, stock_words)
    return RowOutcome(outcome=outcome, status=status)


def _is_of(echo: Record, sent: Record) -> bool:
    """Tell whether what a row repeats is what was sent in its place, by the surest key that it repeats."""
    for key in _KEYS:
        told, asked = text_of(echo, key), text_of(sent, key)
        if told is not None and asked is not None:
            return told == asked
    return False


def _sent(row: Row) -> Record:
    return block_of(read_json(row.request.body), resource_of(row.command).singular)
