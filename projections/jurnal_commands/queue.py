"""The way of commands over the wire: the only writer of `send`. Every change is fenced by (command, attempt)."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import asyncpg
import msgspec

from eventstore.connection import Pool
from eventstore.statements import statement
from projections.jurnal_commands.commands import DECODER, Command

_NEXT = statement(__package__, "next_send")
_BEGIN = statement(__package__, "begin_attempt")
_EXPIRE = statement(__package__, "expire_attempts")
_ADOPT = statement(__package__, "adopt_lost_sends")
_ADOPT_FOUND = statement(__package__, "adopt_found_sends")
_CLOSE = statement(__package__, "close_settled_sends")
_CLOSE_SKIPPED = statement(__package__, "close_skipped_sends")
_MOVE = statement(__package__, "move_send")
_REOPEN = statement(__package__, "reopen_released_sends")
_SETTLED = statement(__package__, "command_document")
_EARLIER = statement(__package__, "earlier_command")
_CONTACTS = statement(__package__, "contacts_by_own_id")
_HAS = statement(__package__, "has_command")
_LEDGER_END = statement(__package__, "ledger_end")
_FOLDED = statement(__package__, "folded_position")
_PAUSED = statement(__package__, "read_paused_sending")
_STATES = statement(__package__, "count_states")
# Of a command that is due, the send tells more.
STATES = ("held", "due", "sending", "waiting", "unknown", "accepted", "refused", "parked", "skipped")


class Send(msgspec.Struct, frozen=True, kw_only=True):
    """A command that may go now, or must be looked up. `attempt` counts attempts made so far.

    `credit_before` and `owed_before`: what the credit it uses had left, and the invoice it pays owed, before the last
    attempt, IDR. `vouched`: a person released it since, and answers for what cannot be looked up.
    `released_at`: the position of the release that let it go again; 0 for none.
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


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt about to be made. Absence may be concluded from `absent_from` on; all times are the database's.

    `credit_before` and `owed_before` are as in `Send`.
    """

    number: int
    signed_at: datetime
    deadline_at: datetime
    absent_from: datetime
    request_digest: str
    credit_before: Decimal | None = None
    owed_before: Decimal | None = None


class SendQueue:
    """Reads what is due for a company and moves sends between due, sending, waiting, unknown and done."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def recover(self, store_id: str, company_id: str, *, now: datetime, fence_from: datetime) -> int:
        """Make unknown what was cut off: attempts past their deadline, and commands whose send row was lost.

        A lost row means that anything may have been sent: absence is concluded only from `fence_from` on. So it is with
        what was never sent and was found in Jurnal all the same.
        What was cut off between its answer's fact and its send row is done, as the fold has found meanwhile.
        """
        async with self._pool.acquire() as connection:
            expired = await connection.execute(_EXPIRE, store_id, company_id, now)
            adopted = await connection.execute(_ADOPT, store_id, company_id, now, fence_from)
            await connection.execute(_ADOPT_FOUND, store_id, company_id, now, fence_from)
            await connection.execute(_CLOSE, store_id, company_id, now)
            await connection.execute(_CLOSE_SKIPPED, store_id, company_id)
            await connection.execute(_REOPEN, store_id, company_id, now, fence_from)
        return int(expired.rsplit(" ", 1)[1]) + int(adopted.rsplit(" ", 1)[1])

    async def next(self, store_id: str, company_id: str, *, now: datetime, since: date | None = None) -> Send | None:
        """Return the next send of a store that its lane and its needs let go, or that must be looked up.

        `since`: of business of that day or later, passing over what stands before it.
        """
        record = await self._pool.fetchrow(_NEXT, store_id, company_id, now, since)
        return None if record is None else _send(record)

    async def begin(self, send: Send, attempt: Attempt, *, company_id: str, owner: UUID, epoch: int) -> bool:
        """Record an attempt before anything goes over the wire.

        False if the lease or the row is no longer ours, the command is not due any more, or the store is paused.
        """
        status = await self._pool.execute(
            _BEGIN,
            send.store_id,
            send.command_id,
            send.attempt,
            attempt.number,
            attempt.signed_at,
            attempt.deadline_at,
            attempt.absent_from,
            attempt.request_digest,
            company_id,
            owner,
            epoch,
            attempt.credit_before,
            attempt.owed_before,
        )
        return status == "UPDATE 1"

    async def move(
        self,
        send: Send,
        *,
        state: str,
        due_at: datetime,
        reason: str | None = None,
        absent_from: datetime | None = None,
        settled_at: int | None = None,
    ) -> bool:
        """Move a send to `state`, its fence to `absent_from` if given; False if another attempt has begun meanwhile.

        `settled_at`: the position of the last word that ends it. Only a release behind that opens it again.
        """
        status = await self._pool.execute(
            _MOVE, send.store_id, send.command_id, send.attempt, state, due_at, reason, absent_from, settled_at
        )
        return status == "UPDATE 1"

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
        paused = await self._pool.fetchval(_PAUSED, store_id)
        assert isinstance(paused, bool)
        return paused

    async def document_of(self, store_id: str, command_id: str) -> bytes | None:
        """Return the JSON of the document that an accepted command made, or None."""
        document = await self._pool.fetchval(_SETTLED, store_id, command_id)
        assert document is None or isinstance(document, bytes)
        return document

    async def contacts_of_others(self, store_id: str, command_id: str, own_id: str) -> list[bytes]:
        """Return the JSON of the documents of other customers that have the same id of iSeller's."""
        rows = await self._pool.fetch(_CONTACTS, store_id, command_id, own_id)
        return [row["document"] for row in rows]

    async def earlier(self, store_id: str, command_id: str) -> tuple[Command, bytes] | None:
        """Return an accepted command and the JSON of the document it made, or None."""
        record = await self._pool.fetchrow(_EARLIER, store_id, command_id)
        return None if record is None else (DECODER.decode(record["body"]), record["document"])


def _send(record: asyncpg.Record) -> Send:
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
    )


async def count_states(pool: Pool) -> dict[str, int]:
    """Return how many commands of all stores are in each state."""
    counts = {record["state"]: record["commands"] for record in await pool.fetch(_STATES)}
    return {state: counts.get(state, 0) for state in STATES}


async def has_command(pool: Pool, store_id: str, command_id: str) -> bool:
    """Tell whether a store has a command."""
    return bool(await pool.fetchval(_HAS, store_id, command_id))
