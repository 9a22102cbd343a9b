"""Reading all documents of a resource that were made since a moment, newest first. Pure: see `Steps`.

Jurnal filters by no key and no day. Its order by day loses rows between pages; its order by time of making does not:
what is made meanwhile only repeats a row.
"""

from datetime import date, datetime, timedelta
from decimal import Decimal

import msgspec

from service.jurnal.exchange import JurnalRequest, NoAnswer, Response, Steps
from service.jurnal.mark_of import key_of, mark_of, number_in
from service.jurnal.outcome import ProbeFailed, record_outcome
from service.jurnal.reading import (
    Record,
    UnreadableAnswer,
    id_of,
    read_date,
    read_decimal,
    read_json,
    rows_of,
    settled_by,
    text_of,
)
from service.jurnal.resources import JOURNAL_ENTRIES, RECEIVE_PAYMENTS, SALES_RETURNS, Resource

_PAGE_ROWS = 100
# Nobody makes more of one resource in the time a comparison covers; a list without end must not be read for ever.
_PAGES_MAX = 2_000
# A company whose plan has no such resource, or a list that takes no order: its documents are read one by one.
_NOT_ALLOWED = 403
_NOT_LISTED_STATUSES = frozenset({_NOT_ALLOWED, 404, 422})


class ListedDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A document of a list. `mark`: the identity it has of us; `is_keyed`: as its key, not only in its memo."""

    resource: Resource
    jurnal_id: int
    number: str
    mark: str | None
    is_keyed: bool
    dated: date | None
    amount: Decimal | None
    record: Record


class NotListed(msgspec.Struct, frozen=True):
    """Jurnal lists no documents of this resource to us; `is_closed`: it does not show single ones either."""

    is_closed: bool


ListOutcome = tuple[ListedDocument, ...] | NotListed | ProbeFailed


def listing(resource: Resource, since: datetime) -> Steps[ListOutcome]:
    """Read what was made since a moment; a page that is answered badly ends it."""
    found: dict[int, ListedDocument] = {}
    for page in range(1, _PAGES_MAX + 1):
        answer = yield _page(resource, page)
        if isinstance(answer, Response) and answer.status in _NOT_LISTED_STATUSES and page == 1:
            return NotListed(answer.status == _NOT_ALLOWED)
        read = _rows(resource, answer)
        if isinstance(read, ProbeFailed):
            return read
        rows, pages = read
        news = [document for row in rows if (document := listed(resource, row)) is not None]
        news = [document for document in news if document.jurnal_id not in found]
        found.update((document.jurnal_id, document) for document in news)
        if not news or (pages is not None and page >= pages) or _is_past(news, since):
            break
    return tuple(document for document in found.values() if not _is_before(document, since))


def listed(resource: Resource, record: Record) -> ListedDocument | None:
    """Return a row of a list; None for one without an id."""
    jurnal_id = id_of(record)
    if jurnal_id is None:
        return None
    return ListedDocument(
        resource=resource,
        jurnal_id=jurnal_id,
        number=number_in(resource, record) or "",
        mark=mark_of(resource, record),
        is_keyed=key_of(resource, record) is not None,
        dated=read_date(record.get("transaction_date") or record.get("date")),
        amount=amount_in(resource, record),
        record=record,
    )


def amount_in(resource: Resource, record: Record) -> Decimal | None:
    """Return what a document is worth, IDR; None of one that moves goods."""
    if resource == RECEIVE_PAYMENTS:
        return settled_by(record)
    if resource == SALES_RETURNS:
        return read_decimal(record.get("return_amount"))
    return read_decimal(record.get("total_debit" if resource == JOURNAL_ENTRIES else "original_amount"))


def _page(resource: Resource, page: int) -> JurnalRequest:
    query = f"page={page}&page_size={_PAGE_ROWS}&sort_key=created_at&sort_order=desc"
    return JurnalRequest(method="GET", path=f"{resource.path}?{query}")


def _rows(resource: Resource, answer: Response | NoAnswer) -> tuple[list[Record], int | None] | ProbeFailed:
    if isinstance(answer, NoAnswer) or not 200 <= answer.status < 300:
        failed = record_outcome(resource, answer)
        return failed if isinstance(failed, ProbeFailed) else ProbeFailed(reason="Jurnal's list ended in the middle")
    try:
        body = read_json(answer.body)
    except UnreadableAnswer as unreadable:
        return ProbeFailed(reason=f"Jurnal answered {answer.status}, but {unreadable}")
    if not isinstance(body, dict) or not isinstance(body.get(resource.plural), list):
        return ProbeFailed(reason=f"Jurnal answered {answer.status}, but its list has no {resource.plural}")
    pages = body.get("total_pages")
    return rows_of(body, resource.plural), pages if isinstance(pages, int) else None


def _is_past(news: list[ListedDocument], since: datetime) -> bool:
    """Tell whether a page reaches behind the moment; days alone tell only where all of them do."""
    if text_of(news[-1].record, "created_at") is not None:
        return _is_before(news[-1], since)
    return all(_is_before(one, since) for one in news)


def _is_before(document: ListedDocument, since: datetime) -> bool:
    """Tell whether a document was made before; where Jurnal shows no time, by its day and a month for late entries."""
    made_at = text_of(document.record, "created_at")
    if made_at is not None:
        try:
            return datetime.fromisoformat(made_at) < since
        except ValueError:
            return False
    return document.dated is not None and document.dated < since.date() - timedelta(days=31)
