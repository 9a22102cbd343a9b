"""The rows of the budgets: locked, read, and written with as few round trips to the database as can be."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from eventstore.connection import Connection
from eventstore.questions import Question
from eventstore.statements import statement
from service.quota_wish import WANTING, Known, Wish

_OPEN = statement(__package__, "open_budgets")
_LOCK = statement(__package__, "lock_budgets")
_READ = statement(__package__, "read_budgets")
_FREE_AT = statement(__package__, "read_free_at")
_TAKE = statement(__package__, "take_holds")
_SAVE_DEMAND = statement(__package__, "save_demand")

_DECODER = msgspec.json.Decoder(Known)


class Budgets(msgspec.Struct, frozen=True, kw_only=True):
    """The two budgets that a call counts in, with the lengths of their windows in seconds."""

    company_id: str
    address: str
    company_seconds: Sequence[int]
    address_seconds: Sequence[int]
    zone: str

    @property
    def company(self) -> str:
        """The company's budget."""
        return f"company:{self.company_id}"

    @property
    def names(self) -> list[str]:
        """Both, in the order in which they are locked."""
        return sorted((self.company, self.address))


class Full(msgspec.Struct, frozen=True, kw_only=True):
    """A window without room: of its taken places so many end `before` the one that gives some.

    `others`: calls of others that are among them, all until `others_until`.
    """

    budget: str
    seconds: int
    before: int
    others: int = 0
    others_until: datetime | None = None


async def lock_and_read(connection: Connection, budgets: Budgets) -> Known:
    """Lock both budgets, then read them: whoever waited for the lock must see what was taken meanwhile."""
    if len(await connection.fetch(_LOCK, budgets.names)) < len(budgets.names):
        await connection.execute(_OPEN, budgets.names)
        await connection.fetch(_LOCK, budgets.names)
    question = reading(budgets)
    return known_of(await connection.fetchval(question.sql, *question.arguments))


def reading(budgets: Budgets) -> Question:
    """Return what reads both budgets, locked or not."""
    return Question(
        _READ,
        (
            budgets.company, budgets.address, budgets.company_id, budgets.company_seconds, budgets.address_seconds,
            WANTING, budgets.zone,
        ),
    )  # fmt: skip


def known_of(told: str) -> Known:
    """Return what the reading told."""
    return _DECODER.decode(told)


async def read_free_at(connection: Connection, full: Sequence[Full], now: datetime) -> list[datetime]:
    """Return when each window has room again."""
    records = await connection.fetch(
        _FREE_AT,
        [each.budget for each in full],
        [each.seconds for each in full],
        [each.before for each in full],
        [each.others for each in full],
        [each.others_until for each in full],
        now,
    )
    return [record["free_at"] for record in records]


def taking(
    budgets: Budgets, wish: Wish, known: Known, *, hold_id: UUID, deadline: timedelta,
    next_trial_at: datetime | None, is_noted: bool, is_recorded_next: bool,
) -> Question:  # fmt: skip
    """Return what takes the places of one call; it tells false, and takes none, if one was taken since `known`.

    `next_trial_at`: the call is a closed budget's trial; `is_noted`: so is its wish. `is_recorded_next`: its attempt is
    recorded before it is made, which waits for the disk for both.
    """
    longest = timedelta(seconds=max(*budgets.company_seconds, *budgets.address_seconds))
    return Question(
        _TAKE,
        (
            budgets.names, hold_id, known.now, known.now + deadline, budgets.company_id, budgets.company,
            known.today, known.now - longest, next_trial_at, is_noted, budgets.address, wish.purpose,
            is_recorded_next, [known.grants.get(name, 0) for name in budgets.names],
        ),
    )  # fmt: skip


async def save_wait(
    connection: Connection, budgets: Budgets, wish: Wish, *, is_able: bool, free_at: datetime, reason: str
) -> None:
    """Note that a wish waits, until when and why. `is_able`: only the address says no."""
    now = wish.now
    await connection.execute(
        _SAVE_DEMAND, budgets.company_id, budgets.address, wish.purpose, now, now if is_able else None,
        wish.waiting_since or now, free_at, reason,
    )  # fmt: skip
