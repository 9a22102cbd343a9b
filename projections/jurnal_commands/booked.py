"""Reads commands with what became of them, for comparing them with Jurnal."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal

import asyncpg
import msgspec

from eventstore.connection import Pool
from eventstore.facts.answers import Document
from eventstore.statements import statement
from projections.jurnal_commands.commands import DECODER, Command

_OF_DAYS = statement(__package__, "commands_of_days")
_OF_LANE = statement(__package__, "commands_of_lane")
_MADE = statement(__package__, "master_data_made")
_CREDIT_USES = statement(__package__, "credit_uses")
_BY_ID = statement(__package__, "commands_by_id")
_NOT_BOOKED = statement(__package__, "records_not_booked")
_FOLDED = statement(__package__, "differences_folded")
_LAST_SIGNED = statement(__package__, "last_signed")
_DOCUMENT = msgspec.json.Decoder(Document, strict=False)


class Booked(msgspec.Struct, frozen=True, kw_only=True):
    """A command, and how it stands. `business_date`: of its line in the Accounting Sync list.

    `under_way`: it may be on its way to Jurnal, or its answer is not folded yet. `to_go`: it may be sent any time, and
    by all that the ledger knows Jurnal has it not. `never_sent`: no attempt was begun.
    """

    command_id: str
    command: Command
    stream_id: str
    state: str
    document: Document | None
    business_date: date | None
    reason: str | None
    under_way: bool
    to_go: bool
    never_sent: bool


class NotBooked(msgspec.Struct, frozen=True):
    """So many lines of the Accounting Sync list have this status for this reason."""

    status: str
    reason: str
    records: int


async def read_of_days(pool: Pool, store_id: str, first: date, last: date) -> dict[str, Booked]:
    """Return the commands of all documents that have business of these days, also those of other days."""
    return _by_id(await pool.fetch(_OF_DAYS, store_id, first, last))


async def read_of_lane(pool: Pool, store_id: str, lane: str) -> dict[str, Booked]:
    """Return the commands of one document."""
    return _by_id(await pool.fetch(_OF_LANE, store_id, lane))


async def read_by_id(pool: Pool, store_id: str, command_ids: Iterable[str]) -> dict[str, Booked]:
    """Return the commands that there are of these."""
    return _by_id(await pool.fetch(_BY_ID, store_id, list(command_ids)))


async def read_made(
    pool: Pool, store_id: str, kind: str, *, turn: int, rows_max: int, also: Iterable[str] = ()
) -> dict[str, Booked]:
    """Return those of all accepted commands of a kind whose turn it is, at most `rows_max`, and some more by id.

    In as many turns in a row as it takes, everyone has its own.
    """
    return _by_id(await pool.fetch(_MADE, store_id, kind, turn, rows_max, list(also)))


async def read_credit_uses(pool: Pool, store_id: str, sources: Iterable[str]) -> dict[str, Decimal]:
    """Return what the ledger takes out of credits, IDR, by the command that made each; nothing for one unused."""
    records = await pool.fetch(_CREDIT_USES, store_id, list(sources))
    return {record["source"]: record["used"] for record in records}


async def count_not_booked(pool: Pool, store_id: str, first: date, last: date) -> list[NotBooked]:
    """Count the lines of these days that are not in Jurnal, by status and reason, most first."""
    return [NotBooked(**record) for record in await pool.fetch(_NOT_BOOKED, store_id, first, last)]


async def read_folded(pool: Pool, store_id: str) -> int:
    """Return how far commands, settings and differences are folded."""
    return await pool.fetchval(_FOLDED, store_id) or 0


async def read_last_signed(pool: Pool, store_id: str, company_id: str) -> datetime | None:
    """Return the Date of the last attempt of a store for a company that is known of, None if none is."""
    signed_at = await pool.fetchval(_LAST_SIGNED, store_id, company_id)
    assert signed_at is None or isinstance(signed_at, datetime)
    return signed_at


def _by_id(records: list[asyncpg.Record]) -> dict[str, Booked]:
    return {record["command_id"]: _booked(record) for record in records}


def _booked(record: asyncpg.Record) -> Booked:
    state, send_state = record["state"], record["send_state"]
    return Booked(
        command_id=record["command_id"],
        command=DECODER.decode(record["body"]),
        stream_id=record["stream_id"],
        state=state,
        document=None if record["document"] is None else _DOCUMENT.decode(record["document"]),
        business_date=record["business_date"],
        reason=record["reason"],
        under_way=state == "due" and send_state != "due",
        to_go=state == "due" and send_state in ("due", "waiting"),
        never_sent=state == "due" and send_state == "due" and record["attempt"] == 0,
    )
