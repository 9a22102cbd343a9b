"""Reads the Accounting Sync list."""

from datetime import date
from decimal import Decimal

import msgspec

from eventstore.connection import Pool
from eventstore.facts.answers import Document
from eventstore.statements import statement

_PAGE = statement(__package__, "read_records")
_COUNTS = statement(__package__, "count_records")
_DOCUMENT = msgspec.json.Decoder(Document, strict=False)


class ListedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list. `status` is one of the words of the Accounting Sync list; `amount` in IDR."""

    record_id: str
    kind: str
    reference: str
    status: str
    updated: int
    outlet: str | None
    business_date: date | None
    amount: Decimal | None
    reason: str | None
    what_to_do: str | None
    documents: tuple[Document, ...]


async def read_records(
    pool: Pool, store_id: str, *, status: str | None, kind: str | None, after_record_id: str | None, rows_max: int
) -> list[ListedRecord]:
    """Return records in the order of their ids."""
    records = await pool.fetch(_PAGE, store_id, status, kind, after_record_id, rows_max)
    return [
        ListedRecord(**{**record, "documents": tuple(_DOCUMENT.decode(body) for body in record["documents"] or ())})
        for record in records
    ]


async def count_records(pool: Pool, store_id: str) -> dict[str, int]:
    """Return how many records show each status."""
    return {record["status"]: record["records"] for record in await pool.fetch(_COUNTS, store_id)}
