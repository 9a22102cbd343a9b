"""Whether a company's Jurnal is asked at all: shared by all replicas, on the database's clock.

Closed: calls go. After so many failures in a row it opens, and nothing goes. When the wait is over, one owner makes one
call (half open); an answer closes it, a failure opens it again for longer. The epoch rises with each of these changes:
what comes back of a call of before changes nothing.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec
from asyncpg import Record

from eventstore.connection import Pool
from eventstore.questions import Question, Row
from eventstore.statements import statement

_READ = statement(__package__, "read_breaker")
_LOCK = statement(__package__, "lock_breaker")
_SAVE = statement(__package__, "save_breaker")
_COUNT = statement(__package__, "count_breakers")

State = Literal["closed", "open", "half_open"]
STATES: tuple[State, ...] = ("closed", "open", "half_open")


class BreakerLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Opens after so many failures in a row; the wait doubles with each opening up to the longest."""

    failures: int = 5
    wait_seconds: float = 30
    wait_seconds_max: float = 900


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """A company's breaker. `until`: the end of the wait, or of the trial; `owner`: who makes the trial.

    `openings` in a row and `since` tell how long Jurnal has not answered.
    """

    state: State = "closed"
    epoch: int = 0
    failures: int = 0
    openings: int = 0
    until: datetime | None = None
    owner: UUID | None = None
    since: datetime | None = None
    reason: str = ""


class Admitted(msgspec.Struct, frozen=True):
    """A call may go; `note` its end with this. `failures` in a row before it."""

    epoch: int
    failures: int
    is_trial: bool


class Stopped(msgspec.Struct, frozen=True):
    """No call before `until`; what happened last. `is_due`: the next call is the trial."""

    until: datetime
    reason: str
    since: datetime
    is_due: bool = False


def begin_trial(known: Condition, owner: UUID, now: datetime, *, deadline: timedelta) -> Condition:
    """Give the one trial to `owner` until its deadline; who is killed with it loses it to the next."""
    return msgspec.structs.replace(known, state="half_open", epoch=known.epoch + 1, owner=owner, until=now + deadline)


def after_failure(known: Condition, reason: str, now: datetime, limits: BreakerLimits) -> Condition:
    """Count a failure; the last of a row, and any of a trial, opens."""
    failures = known.failures + 1
    if known.state == "closed" and failures < limits.failures:
        return msgspec.structs.replace(known, failures=failures, reason=reason)
    wait = min(limits.wait_seconds * 2 ** min(known.openings, 20), limits.wait_seconds_max)
    return Condition(
        state="open",
        epoch=known.epoch + 1,
        failures=failures,
        openings=known.openings + 1,
        until=now + timedelta(seconds=wait),
        since=known.since or now,
        reason=reason,
    )


def after_nothing(known: Condition, now: datetime) -> Condition:
    """Give a trial back that was not made: whoever asks next makes it."""
    return msgspec.structs.replace(known, state="open", epoch=known.epoch + 1, owner=None, until=now)


def after_answer(known: Condition) -> Condition:
    """Forget all failures; a trial's answer closes."""
    return Condition(epoch=known.epoch + (known.state != "closed"))


class Breakers:
    """Admits calls to companies and learns how they ended; `owner` is this process's own UUID."""

    def __init__(
        self, pool: Pool, owner: UUID, limits: BreakerLimits, *, on_opened: Callable[[], None] = lambda: None
    ) -> None:
        self._pool = pool
        self._owner = owner
        self._limits = limits
        self._on_opened = on_opened

    async def look(self, company_id: str) -> Stopped | None:
        """Return what stops calls now, None for nothing."""
        known, now = _read(await self._pool.fetchrow(_READ, company_id))
        return None if known.state == "closed" else _stopped(known, now)

    async def admit_closed(self, company_id: str) -> Admitted | None:
        """Let a call go if the breaker is closed, by a look alone; None: `admit` decides."""
        known, _ = _read(await self._pool.fetchrow(_READ, company_id))
        return _admitted(known) if known.state == "closed" else None

    def reading(self, company_id: str) -> Question:
        """Return what reads the breaker; `admitted` tells what it answered."""
        return Question(_READ, (company_id,))

    def admitted(self, row: Row) -> Admitted | None:
        """Let a call go if the breaker was read as closed; None: `admit` decides."""
        *told, _ = row
        known = Condition(**dict(zip(Condition.__struct_fields__, told, strict=True)))
        return _admitted(known) if known.state == "closed" else None

    async def admit(self, company_id: str, *, deadline: timedelta) -> Admitted | Stopped:
        """Let a call go that is over after `deadline` at the latest: while half open, one."""
        known, now = _read(await self._pool.fetchrow(_READ, company_id))
        if known.state == "closed":
            return _admitted(known)
        if not (stopped := _stopped(known, now)).is_due:
            return stopped
        async with self._pool.acquire() as connection, connection.transaction():
            known, now = _read(await connection.fetchrow(_LOCK, company_id))
            if known.state == "closed":
                return _admitted(known)
            stopped = _stopped(known, now)
            if not stopped.is_due:
                return stopped
            trial = begin_trial(known, self._owner, now, deadline=deadline)
            await connection.execute(_SAVE, company_id, *msgspec.structs.astuple(trial))
            return Admitted(trial.epoch, trial.failures, is_trial=True)

    async def cancel(self, company_id: str, admitted: Admitted) -> None:
        """Learn that an admitted call was not made: nothing is known of Jurnal, and a trial is the next one's."""
        if not admitted.is_trial:
            return
        async with self._pool.acquire() as connection, connection.transaction():
            known, now = _read(await connection.fetchrow(_LOCK, company_id))
            if known.epoch == admitted.epoch and known.owner == self._owner:
                await connection.execute(_SAVE, company_id, *msgspec.structs.astuple(after_nothing(known, now)))

    async def note(self, company_id: str, admitted: Admitted, failure: str | None) -> None:
        """Learn how an admitted call ended: `failure` in words, None for an answer of Jurnal's own."""
        if failure is None and not admitted.is_trial and admitted.failures == 0:
            return
        async with self._pool.acquire() as connection, connection.transaction():
            known, now = _read(await connection.fetchrow(_LOCK, company_id))
            if known.epoch != admitted.epoch or (admitted.is_trial and known.owner != self._owner):
                return
            after = after_answer(known) if failure is None else after_failure(known, failure, now, self._limits)
            await connection.execute(_SAVE, company_id, *msgspec.structs.astuple(after))
        if after.state == "open":
            self._on_opened()


async def count_breakers(pool: Pool) -> dict[str, int]:
    """Return how many companies' breakers are in each state; one that never failed is not counted."""
    counts = {record["state"]: record["companies"] for record in await pool.fetch(_COUNT)}
    return {state: counts.get(state, 0) for state in STATES}


def _read(record: Record | None) -> tuple[Condition, datetime]:
    """Return a row's condition, and the database's time."""
    assert record is not None, "a company without a row is read as closed"
    told = dict(record)
    now = told.pop("now")
    return Condition(**told), now


def _admitted(known: Condition) -> Admitted:
    return Admitted(known.epoch, known.failures, is_trial=False)


def _stopped(known: Condition, now: datetime) -> Stopped:
    assert known.until is not None
    assert known.since is not None
    return Stopped(known.until, known.reason, known.since, is_due=known.until <= now)
