"""The way of commands over the wire: the only writer of `send`. Every change is fenced by (command, attempt)."""

import contextlib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple
from uuid import UUID

import asyncpg
import msgspec

from eventstore.connection import Pool
from eventstore.questions import Question, Row, write_then
from eventstore.statements import statement
from projections.jurnal_commands.commands import DECODER, Command

_READY = statement(__package__, "ready_sends")
_UNKNOWN = statement(__package__, "next_unknown")
_OF_BATCH = statement(__package__, "unknown_of_batch")
_BEGIN = statement(__package__, "begin_attempts")
_RECOVER = statement(__package__, "recover_sends")
_ADOPT = statement(__package__, "adopt_lost_sends")
_ADOPT_FOUND = statement(__package__, "adopt_found_sends")
_MOVE = statement(__package__, "move_sends")
_GONE_ON = statement(__package__, "gone_on")
_ON_THEIR_WAY = statement(__package__, "any_on_their_way")
_SETTLED = statement(__package__, "command_document")
_EARLIER = statement(__package__, "earlier_command")
_CONTACTS = statement(__package__, "contacts_by_own_id")
_STREAM = statement(__package__, "stream_of_command")
_LEDGER_END = statement(__package__, "ledger_end")
_FOLDED = statement(__package__, "folded_position")
_PAUSED = statement(__package__, "read_paused_sending")
_STATES = statement(__package__, "count_states")
# Of a command that is due, the send tells more.
STATES = ("held", "due", "sending", "waiting", "unknown", "accepted", "refused", "parked", "skipped", "superseded")

# Of each kind no more are looked at in one go, whatever stands in the queue.
_LOOKED_AT_MAX = 500
_START = (datetime.min.replace(tzinfo=UTC), "")
_END = datetime.max.replace(tzinfo=UTC)
_READY_COLUMNS = (
    "store_id", "command_id", "kind", "stream_id", "body", "state", "attempt", "due_at", "signed_at", "absent_from",
    "request_digest", "credit_before", "owed_before", "vouched", "released_at", "alone", "batch_id", "may_go", "place",
)  # fmt: skip
Key = tuple[str, str]
# Record and command: the order in which all that is due is looked through for lost rows, so many at a time.
Place = tuple[str, str]
FIRST: Place = ("", "")
# A stretch is looked at before each send: of a million commands in some milliseconds.
ADOPTED_OF_MAX = 500


class _NotAll(Exception):
    """Some attempts of a call cannot begin: the others are taken back."""


class Send(msgspec.Struct, frozen=True, kw_only=True):
    """A command that may go now, or must be looked up. `attempt` counts attempts made so far.

    `credit_before` and `owed_before`: what the credit it uses had left, and the invoice it pays owed, before the last
    attempt, IDR. `vouched`: a person released it since, and answers for what cannot be looked up.
    `released_at`: the position of the release that let it go again; 0 for none.
    `kind`: empty of what an earlier release wrote. `alone`: it may go by no endpoint but that of single documents.
    `batch_id`: the call of several that it was lost with.
    """

    store_id: str
    command_id: str
    stream_id: str
    command: Command
    state: str
    attempt: int
    signed_at: datetime | None
    absent_from: datetime | None
    request_digest: str
    credit_before: Decimal | None = None
    owed_before: Decimal | None = None
    vouched: bool = False
    released_at: int = 0
    kind: str = ""
    due_at: datetime
    alone: bool = False
    batch_id: UUID | None = None

    @property
    def key(self) -> Key:
        """Return store and command."""
        return self.store_id, self.command_id


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """A call about to be made, for one row or several. All times are the database's."""

    batch_id: UUID
    signed_at: datetime
    deadline_at: datetime
    request_digest: str


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One row's part in a call about to be made. Absence may be concluded from `absent_from` on.

    `credit_before` and `owed_before` are as in `Send`.
    """

    send: Send
    absent_from: datetime
    credit_before: Decimal | None = None
    owed_before: Decimal | None = None


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """What an attempt's own answer told: `outcome` is a word of the table's."""

    outcome: Literal["accepted", "refused", "waiting", "unknown"]
    http_status: int | None = None
    response_digest: str = ""


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """A send's way to `state`, its fence to `absent_from` if given.

    `settled_at`: the position of the last word that ends it. Only a release behind that opens it again. `alone`: it is
    looked up by itself, and sent by itself from now on. `ended`: the attempt's own answer is here. `as_seen`: it goes
    on only from where `send` was read.
    """

    send: Send
    state: str
    due_at: datetime
    reason: str | None = None
    absent_from: datetime | None = None
    settled_at: int | None = None
    alone: bool = False
    ended: Ended | None = None
    as_seen: bool = False


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for of one kind: at most `rows_max`, due behind the send at `behind`."""

    kind: str
    rows_max: int
    behind: tuple[datetime, str] = _START


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """What may go now, oldest first in each kind; `more`: by kind, behind which send the look at it ended."""

    sends: tuple[Send, ...]
    more: Mapping[str, tuple[datetime, str]]


class Adopted(NamedTuple):
    """How many lost rows were made anew, and behind which command the look ended; None: it came to the end."""

    rows: int
    behind: Place | None


class SendQueue:
    """Reads what is due for a company and moves sends between due, sending, waiting, unknown and done."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def adopt(
        self,
        store_id: str,
        company_id: str,
        *,
        now: datetime,
        fence_from: datetime,
        behind: Place = FIRST,
        looked_at_max: int = ADOPTED_OF_MAX,
    ) -> Adopted:
        """Make unknown the commands whose send row was lost, of so many that are due `behind` a place.

        A lost row means that anything may have been sent: absence is concluded only from `fence_from` on. Until its
        command is found here nothing is sent of it, so that all that is due may be looked at stretch by stretch.
        """
        record = await self._pool.fetchrow(_ADOPT, store_id, company_id, now, fence_from, *behind, looked_at_max)
        assert record is not None
        last = None if record["command_id"] is None else (record["record_id"], record["command_id"])
        return Adopted(record["adopted"], last)

    async def recover(self, store_id: str, company_id: str, *, now: datetime, fence_from: datetime) -> int:
        """Make unknown what was cut off: attempts past their deadline.

        What was cut off between its answer's fact and its send row is done, as the fold has found meanwhile.
        """
        async with self._pool.acquire() as connection:
            # What was never sent and was found in Jurnal all the same.
            await connection.execute(_ADOPT_FOUND, store_id, company_id, now, fence_from)
            expired = await connection.fetchval(_RECOVER, store_id, company_id, now, fence_from)
        return int(expired)

    def reading(
        self, stores: Sequence[str], store_id: str, company_id: str, kinds: Sequence[str], *, rows_max: int
    ) -> tuple[Question, Question, Question]:
        """Return what reads the front of a store's queue, of each kind; `seen` tells what it answered."""
        return (
            Question(_ON_THEIR_WAY, (list(stores), company_id)),
            Question(_PAUSED, (store_id,)),
            Question(
                _READY,
                (
                    store_id, company_id, _END, list(kinds), [_START[0]] * len(kinds), rows_max,
                    [rows_max] * len(kinds), None, [_START[1]] * len(kinds),
                ),
            ),
        )  # fmt: skip

    def seen(
        self, on_their_way: Sequence[Row], paused: Sequence[Row], ready: Sequence[Row], *, rows_max: int
    ) -> tuple[Send, ...] | None:
        """Return what may go now or later; None where something must be done before, or there is more to look at."""
        records = [dict(zip(_READY_COLUMNS, row, strict=True)) for row in ready]
        if on_their_way[0][0] or paused[0][0] or any(record["place"] == rows_max for record in records):
            return None
        return tuple(map(_send, records))

    async def ready(
        self, store_id: str, company_id: str, asked: Sequence[Asked], *, now: datetime, since: date | None = None
    ) -> Ready:
        """Return the sends of a store that their lanes and their needs let go now, of the kinds asked for.

        `since`: of business of that day or later, passing over what stands before it.
        """
        records = await self._pool.fetch(
            _READY,
            store_id,
            company_id,
            now,
            [each.kind for each in asked],
            [each.behind[0] for each in asked],
            _LOOKED_AT_MAX,
            [each.rows_max for each in asked],
            since,
            [each.behind[1] for each in asked],
        )
        return Ready(
            sends=tuple(_send(record) for record in records if record["may_go"]),
            more={
                record["kind"]: (record["due_at"], record["command_id"])
                for record in records
                if record["place"] == _LOOKED_AT_MAX
            },
        )

    async def unknown(self, store_id: str, company_id: str, *, now: datetime) -> Send | None:
        """Return the first send of a store that must be looked up now."""
        record = await self._pool.fetchrow(_UNKNOWN, store_id, company_id, now)
        return None if record is None else _send(record)

    async def unknown_of(self, store_id: str, company_id: str, batch_id: UUID, *, now: datetime) -> tuple[Send, ...]:
        """Return what must be looked up now of a store's sends that were lost with one call."""
        return tuple(map(_send, await self._pool.fetch(_OF_BATCH, store_id, company_id, now, batch_id)))

    async def begin(
        self, begun: Begun, attempts: Sequence[Attempt], *, company_id: str, owner: UUID, epoch: int
    ) -> frozenset[Key]:
        """Record all attempts of one call before anything goes over the wire; all of them or none.

        Return which could begin: fewer than all means that none did, because the lease or a row is no longer ours, a
        command is not due any more, or its store is paused.
        """
        able: frozenset[Key] = frozenset()
        asked = _beginning(begun, attempts, company_id, owner, epoch)
        # One row begins or does not: there is nothing to take back, and its statement is a transaction of its own.
        alone = contextlib.nullcontext() if len(attempts) == 1 else None
        with contextlib.suppress(_NotAll):
            async with self._pool.acquire() as connection, alone or connection.transaction():
                records = await connection.fetch(asked.sql, *asked.arguments)
                able = frozenset((record["store_id"], record["command_id"]) for record in records)
                if len(able) < len(attempts):
                    raise _NotAll
        return able

    async def begin_behind(
        self, first: Question, begun: Begun, attempt: Attempt, *, company_id: str, owner: UUID, epoch: int, young: Pool
    ) -> bool | None:
        """Record one attempt in the statement that writes `first`; None: that is not so, and nothing was written.

        Else as `begin`; what is written first stands even if the attempt cannot begin. `young`: has the plan for it.
        """
        able = await write_then(young, first, _beginning(begun, [attempt], company_id, owner, epoch))
        return None if able is None else bool(able)

    async def move(self, moves: Sequence[Move], *, now: datetime) -> int:
        """Move sends and end attempts; return how many moved: none that another attempt has begun of meanwhile."""
        async with self._pool.acquire() as connection:
            moved: int = await connection.fetchval(
                _MOVE,
                [move.send.store_id for move in moves],
                [move.send.command_id for move in moves],
                [move.send.attempt for move in moves],
                [move.state for move in moves],
                [move.due_at for move in moves],
                [move.reason for move in moves],
                [move.absent_from for move in moves],
                [move.settled_at for move in moves],
                [move.alone for move in moves],
                [None if move.ended is None else move.ended.outcome for move in moves],
                [None if move.ended is None else move.ended.http_status for move in moves],
                ["" if move.ended is None else move.ended.response_digest for move in moves],
                now,
                [move.send.state if move.as_seen else None for move in moves],
                [move.send.due_at if move.as_seen else None for move in moves],
            )
        return moved

    async def gone_on(self, sends: Sequence[Send]) -> frozenset[Key]:
        """Return those that are done, or of which another attempt has begun."""
        records = await self._pool.fetch(
            _GONE_ON,
            [send.store_id for send in sends],
            [send.command_id for send in sends],
            [send.attempt for send in sends],
        )
        return frozenset((record["store_id"], record["command_id"]) for record in records)

    async def ledger_end(self, store_id: str) -> int:
        """Return the last position of the store's ledger."""
        position = await self._pool.fetchval(_LEDGER_END, store_id)
        return position or 0

    async def folded_position(self, store_id: str) -> int:
        """Return how far the commands and the settings of the store are folded."""
        position = await self._pool.fetchval(_FOLDED, store_id)
        return position or 0

    async def paused(self, store_id: str) -> bool:
        """Tell whether nothing may be sent for the store, by the last word on it, folded or not."""
        paused: bool = await self._pool.fetchval(_PAUSED, store_id)
        return paused

    async def document_of(self, store_id: str, command_id: str) -> bytes | None:
        """Return the JSON of the document that an accepted command made, or None."""
        document: bytes | None = await self._pool.fetchval(_SETTLED, store_id, command_id)
        return document

    async def contacts_of_others(self, store_id: str, command_id: str, own_id: str) -> list[bytes]:
        """Return the JSON of the documents of other customers that have the same id of iSeller's."""
        rows = await self._pool.fetch(_CONTACTS, store_id, command_id, own_id)
        return [row["document"] for row in rows]

    async def earlier(self, store_id: str, command_id: str) -> tuple[Command, bytes] | None:
        """Return an accepted command and the JSON of the document it made, or None."""
        record = await self._pool.fetchrow(_EARLIER, store_id, command_id)
        return None if record is None else (DECODER.decode(record["body"]), record["document"])


def _beginning(begun: Begun, attempts: Sequence[Attempt], company_id: str, owner: UUID, epoch: int) -> Question:
    return Question(
        _BEGIN,
        (
            [attempt.send.store_id for attempt in attempts], [attempt.send.command_id for attempt in attempts],
            [attempt.send.attempt for attempt in attempts], [attempt.absent_from for attempt in attempts],
            [attempt.credit_before for attempt in attempts], [attempt.owed_before for attempt in attempts],
            begun.signed_at, begun.deadline_at, begun.request_digest, len(attempts), begun.batch_id, company_id, owner,
            epoch,
        ),
    )  # fmt: skip


def _send(record: asyncpg.Record | Mapping[str, Any]) -> Send:
    return Send(
        store_id=record["store_id"],
        command_id=record["command_id"],
        stream_id=record["stream_id"],
        command=DECODER.decode(record["body"]),
        state=record["state"],
        attempt=record["attempt"],
        signed_at=record["signed_at"],
        absent_from=record["absent_from"],
        request_digest=record["request_digest"],
        credit_before=record["credit_before"],
        owed_before=record["owed_before"],
        vouched=record["vouched"],
        released_at=record["released_at"],
        kind=record["kind"],
        due_at=record["due_at"],
        alone=record["alone"],
        batch_id=record["batch_id"],
    )


async def count_states(pool: Pool) -> dict[str, int]:
    """Return how many commands of all stores are in each state."""
    counts = {record["state"]: record["commands"] for record in await pool.fetch(_STATES)}
    return {state: counts.get(state, 0) for state in STATES}


async def stream_of_command(pool: Pool, store_id: str, command_id: str) -> str | None:
    """Return the stream of a command's document, None if the store has no such command."""
    found: str | None = await pool.fetchval(_STREAM, store_id, command_id)
    return found
