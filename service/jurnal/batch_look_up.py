"""Which documents of a lost call are in Jurnal, told by lists, newest first. Pure: see `Steps`.

Every row of a list shows its custom_id, an invoice its payments too. What is not seen is not absent: it may yet come.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from eventstore.facts.answers import Document
from projections.jurnal_commands.commands import (
    BookInvoice,
    Command,
    DepositPayout,
    PostJournal,
    ReceivePayment,
    WithdrawPayoutFee,
)
from service.jurnal.comparing import differs
from service.jurnal.documents import matches
from service.jurnal.exchange import JurnalRequest, NoAnswer, Response, Steps
from service.jurnal.outcome import Absent, Found, ProbeFailed, list_outcome, probe_outcome
from service.jurnal.probes import is_since
from service.jurnal.reading import Record, id_of, read_date, read_decimal, rows_of, text_of
from service.jurnal.resources import RECEIVE_PAYMENTS, SALES_INVOICES, Resource, number_of, probe_for, resource_of

LISTED = frozenset(
    kind.__name__ for kind in (BookInvoice, ReceivePayment, DepositPayout, WithdrawPayoutFee, PostJournal)
)
_PAGE_SIZE = 100
# A lost call's invoices stand among the newest, unless whole days of trade went in since.
_INVOICE_PAGES_MAX = 20
# Nothing else of the company is sent in between; with those that came with invoices, they stand among the newest.
_PAGES_MAX = 3
# The invoices that payments pay may stand further back; older ones are asked for by their keys, a few at a time.
_PAID_INVOICE_PAGES_MAX = 6
_PAGES_WITHOUT_ANY_MAX = 2
_READ_BY_KEY_MAX = 10
_NEWEST_FIRST = "&sort_key=created_at&sort_order=desc"
_SORT_REFUSED = 422


class Lost(msgspec.Struct, frozen=True):
    """A command whose answer was lost."""

    command: Command
    command_id: str


class Seen(msgspec.Struct, frozen=True):
    """A document that is there, how it differs from what was asked for, and the answer that showed it."""

    document: Document
    differences: list[str]
    answer: Response | NoAnswer


class Looked(msgspec.Struct, frozen=True):
    """What was seen, by command id. `failed`: the rest could not be looked for."""

    seen: Mapping[str, Seen]
    failed: ProbeFailed | None = None


def looking_for(lost: Sequence[Lost], signed_at: datetime | None) -> Steps[Looked]:
    """Look for the documents of one call, all of one kind of `LISTED`, which was signed at `signed_at`."""
    if isinstance(lost[0].command, BookInvoice):
        return (yield from _invoices(lost, signed_at))
    payments = [(each.command, each.command_id) for each in lost if isinstance(each.command, ReceivePayment)]
    return (yield from _payments(payments) if payments else _of_the_newest(lost))


def _invoices(lost: Sequence[Lost], signed_at: datetime | None) -> Steps[Looked]:
    """Stop where all are seen, or at what was made before the call could have been."""
    left = {each.command_id: each.command for each in lost}
    seen: dict[str, Seen] = {}
    for page in range(1, _INVOICE_PAGES_MAX + 1):
        answer = yield _list(SALES_INVOICES, page)
        rows = list_outcome(SALES_INVOICES, answer)
        if isinstance(rows, ProbeFailed):
            return Looked(seen, rows)
        seen |= _taken_out(left, rows, answer)
        if not left or len(rows) < _PAGE_SIZE or not is_since(rows[-1], signed_at):
            break
    return Looked(seen)


def _payments(lost: Sequence[tuple[ReceivePayment, str]]) -> Steps[Looked]:
    """Look through the newest payments, at the invoices of those not seen there, then ask for the few still left."""
    seen, _ = yield from _listed({command_id: command for command, command_id in lost})
    left = {command.invoice_no: (command, command_id) for command, command_id in lost if command_id not in seen}
    failed = (yield from _on_invoices(left, seen)) if left else None
    if failed is None:
        failed = yield from _by_key(list(left.values())[:_READ_BY_KEY_MAX], seen)
    return Looked(seen, failed)


def _of_the_newest(lost: Sequence[Lost]) -> Steps[Looked]:
    """Look through the newest of their kind, then ask for the few still left."""
    seen, failed = yield from _listed({each.command_id: each.command for each in lost})
    if failed is None:
        left = [(each.command, each.command_id) for each in lost if each.command_id not in seen]
        failed = yield from _by_key(left[:_READ_BY_KEY_MAX], seen)
    return Looked(seen, failed)


def _listed(left: dict[str, Command]) -> Steps[tuple[dict[str, Seen], ProbeFailed | None]]:
    """Return what the first pages of a list show, and why it shows no more; a page without any ends it.

    Only a hint, as no order of these lists is documented: newest first where Jurnal takes that, else as it comes.
    """
    resource = resource_of(next(iter(left.values())))
    seen: dict[str, Seen] = {}
    order = _NEWEST_FIRST
    for page in range(1, _PAGES_MAX + 1):
        answer = yield _list(resource, page, order)
        if order and isinstance(answer, Response) and answer.status == _SORT_REFUSED:
            order = ""
            answer = yield _list(resource, page, order)
        rows = list_outcome(resource, answer)
        if isinstance(rows, ProbeFailed):
            return seen, rows
        found = _taken_out(left, rows, answer)
        seen |= found
        if not left or not found or len(rows) < _PAGE_SIZE:
            break
    return seen, None


def _on_invoices(left: dict[str, tuple[ReceivePayment, str]], seen: dict[str, Seen]) -> Steps[ProbeFailed | None]:
    """Look at the payments of the newest invoices; take out of `left`, by invoice, those whose invoice is seen."""
    without_any = 0
    for page in range(1, _PAID_INVOICE_PAGES_MAX + 1):
        answer = yield _list(SALES_INVOICES, page)
        rows = list_outcome(SALES_INVOICES, answer)
        if isinstance(rows, ProbeFailed):
            return rows
        paid = [(row, left.pop(number)) for row in rows if (number := text_of(row, "transaction_no")) in left]
        for row, (command, command_id) in paid:
            if (told := _payment(command, command_id, row, answer)) is not None:
                seen[command_id] = told
        without_any = 0 if paid else without_any + 1
        if not left or len(rows) < _PAGE_SIZE or without_any == _PAGES_WITHOUT_ANY_MAX:
            break
    return None


def _by_key(lost: Sequence[tuple[Command, str]], seen: dict[str, Seen]) -> Steps[ProbeFailed | None]:
    for command, command_id in lost:
        answer = yield probe_for(command, command_id)
        found = probe_outcome(command, answer)
        if isinstance(found, ProbeFailed):
            return found
        if isinstance(found, Found):
            seen[command_id] = Seen(found.document, matches(command, command_id, found.record), answer)
        else:
            assert isinstance(found, Absent), "a probe by key finds, finds nothing, or fails"
    return None


def _list(resource: Resource, page: int, order: str = _NEWEST_FIRST) -> JurnalRequest:
    return JurnalRequest(method="GET", path=f"{resource.path}?page={page}&page_size={_PAGE_SIZE}{order}")


def _taken_out(left: dict[str, Command], rows: Sequence[Record], answer: Response | NoAnswer) -> dict[str, Seen]:
    """Take out of `left` what the rows of a list show under its custom_id, compared as by a probe."""
    found = {}
    for row in rows:
        command_id = text_of(row, "custom_id") or ""
        command = left.get(command_id)
        document = None if command is None else _shown(command, row)
        if command is not None and document is not None:
            found[command_id] = Seen(document, matches(command, command_id, row), answer)
            del left[command_id]
    return found


def _shown(command: Command, row: Record) -> Document | None:
    body = msgspec.json.encode({resource_of(command).singular: row})
    found = probe_outcome(command, Response(status=200, headers={}, body=body))
    return found.document if isinstance(found, Found) else None


def _payment(command: ReceivePayment, command_id: str, invoice: Record, answer: Response | NoAnswer) -> Seen | None:
    """Return a payment that its invoice names by our number, compared as far as it is shown: by its day.

    Its amount is not shown, only that at least so much was received; where less was, it is left to a probe.
    """
    number = number_of(command, command_id)
    received = read_decimal(invoice.get("amount_receive"))
    for row in rows_of(invoice, "payments"):
        jurnal_id = id_of(row)
        if jurnal_id is None or text_of(row, "transaction_no") != number:
            continue
        if received is None or received < command.amount:
            return None
        document = Document(
            resource=RECEIVE_PAYMENTS.plural, jurnal_id=jurnal_id, transaction_no=number, amount=command.amount
        )
        days = differs("transaction_date", command.transaction_date, read_date(row.get("transaction_date")))
        return Seen(document, list(days), answer)
    return None
