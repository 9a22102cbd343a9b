"""Reads the Accounting Sync list: pages that stay right while lines change, counts, and what can be told of a line."""

from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

from eventstore.connection import Connection, Pool
from eventstore.facts.answers import Document
from eventstore.statements import statement

_PAGES = {"newest": statement(__package__, "page_newest"), "date": statement(__package__, "page_latest")}
_UNSETTLED = statement(__package__, "page_unsettled")
_STALLED = statement(__package__, "page_stalled")
_LINES = statement(__package__, "read_records")
_COUNTS = statement(__package__, "count_records")
_HELD = statement(__package__, "count_held")
_STALLS = statement(__package__, "stalls_of_stream")
_STANDING = statement(__package__, "read_standing")
_DOCUMENT = msgspec.json.Decoder(Document, strict=False)

Sort = Literal["newest", "date"]
# What the fold calls a line that shows this status; what is being booked shows what its commands came to.
_STATES = {"Held": "held", "Failed": "failed", "Skipped": "skipped", "Superseded": "superseded", "Success": "booking"}
# The ranks of commands, see `command_rank`; a line shows the highest of its commands.
_RANKS = {"Skipped": 2, "Pending": 3, "Processing": 4, "Held": 5, "Failed": 6}
_ALL_STATES = ("held", "booking", "failed", "skipped", "superseded")
_NO_DATE = -1_000_000
_FIRST_DAY = date(2000, 1, 1)


class Place(msgspec.Struct, frozen=True, order=True):
    """A line's place in the order of a list: position or date (days since 2000-01-01), then the line's id in bytes."""

    at: int
    record_id: str


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which lines: of these statuses and kinds (empty: all), at an outlet, of dates `first` to `last`, with a text.

    The text stands anywhere in reference, id or reason, in any case.
    """

    statuses: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    outlet: str | None = None
    first: date | None = None
    last: date | None = None
    text: str | None = None

    @property
    def arguments(self) -> tuple[list[str] | None, str | None, int | None, int | None, str | None]:
        """The filters as the statements take them."""
        days = (None if self.first is None else _day(self.first), None if self.last is None else _day(self.last))
        # A line without a date is not of any range of dates, even one without a beginning.
        first = _NO_DATE + 1 if days[0] is None and days[1] is not None else days[0]
        return list(self.kinds) or None, self.outlet, first, days[1], _pattern(self.text)

    @property
    def shows_stalled(self) -> bool:
        """Whether stalled streams are wanted: they have no outlet and no date."""
        is_wanted = "Failed" in self.statuses or not self.statuses
        return (
            is_wanted and not (self.outlet or self.first or self.last) and (not self.kinds or "stalled" in self.kinds)
        )


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


class SyncPage(msgspec.Struct, frozen=True, kw_only=True):
    """Lines in their order; `next` is the place to go on behind, None at the end. `counts` by status, if asked for."""

    records: tuple[ListedRecord, ...]
    next: Place | None
    counts: dict[str, int]


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What can be told of one line: the stream of its document, and its commands that Jurnal has not accepted.

    `state` is the fold's, or `stalled`. `stream_id` is empty for a line that an earlier release wrote. `stuck` commands
    are refused or parked; `seen_to`: a person has skipped one; `behind`: what one of them waits for, in words.
    """

    record_id: str
    state: str
    stream_id: str
    stuck: tuple[str, ...] = ()
    under_way: tuple[str, ...] = ()
    seen_to: bool = False
    behind: str | None = None


async def read_page(
    pool: Pool,
    store_id: str,
    wanted: Wanted,
    *,
    rows_max: int,
    after: Place | None = None,
    sort: Sort = "newest",
    counted: bool = False,
) -> SyncPage:
    """Return up to `rows_max` lines after a place, all of one moment.

    A line keeps its place whatever becomes of it (by date: unless its date is told anew), so that following `next`
    gives each line once.
    """
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        places = await _places(connection, store_id, wanted, rows_max + 1, after, sort)
        ids = [place.record_id for place in places[:rows_max]]
        records = {record.record_id: record for record in await _lines(connection, store_id, ids)}
        counts = await _counts(connection, store_id, wanted) if counted else {}
    return SyncPage(
        records=tuple(records[record_id] for record_id in ids),
        next=places[rows_max - 1] if len(places) > rows_max else None,
        counts=counts,
    )


async def count_behind(pool: Pool, store_id: str, wanted: Wanted, after: Place, rows_max: int) -> int:
    """Return how many lines stand behind a place, newest first; `rows_max` at most."""
    async with pool.acquire() as connection:
        return len(await _places(connection, store_id, wanted, rows_max, after, "newest"))


async def count_records(pool: Pool, store_id: str, wanted: Wanted | None = None) -> dict[str, int]:
    """Return how many lines show each status; `wanted.statuses` do not matter."""
    async with pool.acquire() as connection:
        return await _counts(connection, store_id, wanted or Wanted())


async def count_held(pool: Pool) -> int:
    """Return how many lines of all stores are held: what they ask for is no command yet."""
    held = await pool.fetchval(_HELD)
    assert isinstance(held, int)
    return held


async def read_stalls(pool: Pool, store_id: str, stream_id: str) -> list[int]:
    """Return the positions that a stream waits at, first one first; none for a stream that is folded as it comes."""
    return [row["position"] for row in await pool.fetch(_STALLS, store_id, stream_id)]


async def read_standing(pool: Pool, store_id: str, record_ids: list[str]) -> list[Standing]:
    """Return what can be told of lines, in the order asked for; unknown ones are left out."""
    found: dict[str, Standing] = {}
    for row in await pool.fetch(_STANDING, store_id, record_ids):
        known = found.get(row["record_id"])
        if known is None:
            stream_id = row["lane"] or row["stream_id"]
            known = Standing(record_id=row["record_id"], state=row["state"], stream_id=stream_id)
        match row["command_state"]:
            case "refused" | "parked":
                known = msgspec.structs.replace(known, stuck=(*known.stuck, row["command_id"]))
            case "due":
                under_way = (*known.under_way, row["command_id"])
                known = msgspec.structs.replace(known, under_way=under_way, behind=known.behind or row["behind"])
            case "skipped":
                known = msgspec.structs.replace(known, seen_to=True)
            case _:
                pass
        found[known.record_id] = known
    return [found[record_id] for record_id in record_ids if record_id in found]


async def _places(
    connection: Connection, store_id: str, wanted: Wanted, rows_max: int, after: Place | None, sort: Sort
) -> list[Place]:
    """Return the first `rows_max` places, put together from one read a way of finding lines."""
    filters = wanted.arguments
    behind = (None, None) if after is None else (after.at, after.record_id)
    statuses = wanted.statuses
    states = list(
        dict.fromkeys(_STATES[status] for status in statuses if status in _STATES) if statuses else _ALL_STATES
    )
    rows = await connection.fetch(_PAGES[sort], store_id, states, *filters, *behind, rows_max, bool(statuses))
    if ranks := [_RANKS[status] for status in statuses if status in _RANKS]:
        rows += await connection.fetch(_UNSETTLED, store_id, ranks, sort == "newest", *filters, *behind, rows_max)
    places = {Place(row["place"], row["record_id"]) for row in rows}
    if wanted.shows_stalled:
        for row in await connection.fetch(_STALLED, store_id, filters[-1]):
            place = Place(row["place"] if sort == "newest" else _NO_DATE, row["record_id"])
            if after is None or place < after:
                places.add(place)
    return sorted(places, reverse=True)[:rows_max]


async def _lines(connection: Connection, store_id: str, record_ids: list[str]) -> list[ListedRecord]:
    return [
        ListedRecord(**{**row, "documents": tuple(_DOCUMENT.decode(body) for body in row["documents"] or ())})
        for row in await connection.fetch(_LINES, store_id, record_ids)
    ]


async def _counts(connection: Connection, store_id: str, wanted: Wanted) -> dict[str, int]:
    rows = await connection.fetch(_COUNTS, store_id, *wanted.arguments)
    return {row["status"]: row["records"] for row in rows if row["records"]}


def _day(day: date) -> int:
    return (day - _FIRST_DAY).days


def _pattern(text: str | None) -> str | None:
    """Return the ILIKE pattern of what holds `text` as it stands."""
    if text is None:
        return None
    escaped = text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
    return f"%{escaped}%"
