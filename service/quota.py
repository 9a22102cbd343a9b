"""Jurnal's quota as a durable budget that all replicas share: a call holds its place until it can count no longer.

Who is granted a place is decided under a lock of the company's and the address's budgets, on the database's clock, by
the arithmetic of `service/jurnal/pace.py` and `package.py`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

import msgspec

from eventstore.connection import Connection, Pool
from eventstore.database_clock import database_now
from eventstore.statements import statement
from service.jurnal.feedback import Exceeded, Feedback, closed_until
from service.jurnal.pace import (
    FreeAt,
    Hold,
    Limit,
    Purpose,
    Window,
    calls_for,
    ends_of,
    foreign_calls,
    left,
    place,
)
from service.jurnal.package import Used, is_used_up, local_day, package_free_at
from service.quota_wish import WANTING, Closed, Demand, Known, Sharing, Wish

_OPEN = statement(__package__, "open_budgets")
_LOCK = statement(__package__, "lock_budgets")
_HOLDS = statement(__package__, "read_holds")
_TAKE = statement(__package__, "take_holds")
_RELEASE = statement(__package__, "release_holds")
_CANCEL = statement(__package__, "cancel_holds")
_FOREIGN = statement(__package__, "read_foreign")
_SAVE_FOREIGN = statement(__package__, "save_foreign")
_USED = statement(__package__, "read_used")
_DEMAND = statement(__package__, "read_demand")
_SAVE_DEMAND = statement(__package__, "save_demand")
_CLOSE = statement(__package__, "close_budget")
_REOPEN = statement(__package__, "reopen_budget")
_CLOSED = statement(__package__, "read_closed_budgets")
_TAKE_TRIAL = statement(__package__, "take_trial")

# What is known of a wish is written anew when it is older than this, or every call would write it.
_DEMAND_KNOWN = timedelta(seconds=15)
_TRIAL_EVERY = timedelta(days=1)
CLOSED_WORDS: Mapping[str, str] = {
    "minute": "Jurnal's limit of calls per minute is reached",
    "hour": "Jurnal's limit of calls per hour is reached",
    "month": "The month's package of Jurnal calls is used up",
}
_NO_PLACE = "The quota is spent"
_NO_PACKAGE = Sharing()
_DAY_SPENT = "Today's share of the month's package of Jurnal calls is used up"


class Granted(msgspec.Struct, frozen=True, kw_only=True):
    """A place in every budget a call counts in; give it back with `release` when its answer is there.

    `left` and `in_flight`: what we knew of the company's windows at the grant, the call itself counted. `is_trial`:
    the one call a day of a budget that Jurnal closed for the month.
    """

    hold_id: UUID
    budgets: tuple[str, ...]
    company: str
    granted_at: datetime
    day: date
    left: Mapping[int, int]
    in_flight: int
    has_foreign: bool
    is_trial: bool


class Spent(msgspec.Struct, frozen=True):
    """No place before `free_at` (database time), and why."""

    free_at: datetime
    reason: str = _NO_PLACE


class QuotaBudget:
    """Grants places in the budget of a company and in that of this process's egress address.

    `on_left` is told, per window in seconds, how many calls the tighter of the two has left, at every grant.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        egress_address: str,
        company_limits: Sequence[Limit],
        address_limits: Sequence[Limit],
        sharing: Sharing = _NO_PACKAGE,
        on_left: Callable[[int, int], None] | None = None,
    ) -> None:
        self._on_left = on_left
        self._pool = pool
        self._address = f"address:{egress_address}"
        self._company_limits = company_limits
        self._address_limits = address_limits
        self._sharing = sharing
        self._longest = timedelta(seconds=max(limit.window_seconds for limit in (*company_limits, *address_limits)))

    async def grant(self, company_id: str, purpose: Purpose, *, deadline: timedelta) -> Granted | Spent:
        """Take a place for one call that is over after `deadline` at the latest, or learn when one is free."""
        company = f"company:{company_id}"
        budgets = sorted((company, self._address))
        async with self._pool.acquire() as connection, connection.transaction():
            known = await self._look(connection, company_id, budgets)
            now, is_trial = known.now, False
            if known.closed is not None:
                is_trial = known.closed.trial_at is not None and known.closed.trial_at <= now
                if not is_trial:
                    return _spent(known.closed)
            own, shared = list(self._windows(known, company)), list(self._windows(known, self._address))
            wish = Wish(self._sharing, known, company_id, purpose)
            spent, is_able = self._decide(known, wish, own, shared)
            await self._note_wish(connection, wish, spent, able_at=now if is_able else None)
            self._tell(own, shared, now, taken=0 if spent is not None else 1)
            if spent is not None:
                return spent
            if is_trial:
                await connection.execute(_TAKE_TRIAL, company, now + _TRIAL_EVERY)
            granted = Granted(
                hold_id=uuid4(),
                budgets=tuple(budgets),
                company=company,
                granted_at=now,
                day=local_day(self._sharing.package, now),
                left={seconds: calls - 1 for seconds, calls in self._own_left(known, company).items()},
                in_flight=sum(hold.deadline > now for hold in known.holds[company]),
                has_foreign=bool(known.foreign),
                is_trial=is_trial,
            )
            await connection.execute(
                _TAKE, budgets, granted.hold_id, now, now + deadline, company_id, company, granted.day,
                now - self._longest,
            )  # fmt: skip
            return granted

    async def release(self, granted: Granted, feedback: Feedback | None = None) -> None:
        """Note that the call is over, its place free one window from now, and what its answer told of the quota."""
        async with self._pool.acquire() as connection:
            now = await database_now(connection)
            await connection.execute(_RELEASE, list(granted.budgets), granted.hold_id, now)
            if feedback is None:
                return
            if feedback.exceeded is not None:
                await self._close(connection, granted, feedback.exceeded, now)
            elif granted.is_trial and feedback.is_admitted:
                await connection.execute(_REOPEN, granted.company, granted.granted_at)
        if _shows_others(granted, feedback.remaining):
            await self._learn_of_others(granted, feedback.remaining)

    async def cancel(self, granted: Granted) -> None:
        """Give a place back whose call was never made."""
        async with self._pool.acquire() as connection:
            await connection.execute(_CANCEL, list(granted.budgets), granted.hold_id, granted.company, granted.day)

    async def closed(self, company_id: str) -> Spent | None:
        """Return until when Jurnal's 429 closed the company's budget, or when it may be tried, and why."""
        company = f"company:{company_id}"
        async with self._pool.acquire() as connection:
            for record in await connection.fetch(_CLOSED):
                if record["budget"] == company:
                    return _spent(Closed(record["closed_until"], record["closed_scope"], record["trial_at"]))
        return None

    async def _look(self, connection: Connection, company_id: str, budgets: list[str]) -> Known:
        locked = await connection.fetch(_LOCK, budgets)
        if len(locked) < len(budgets):
            await connection.execute(_OPEN, budgets)
            locked = await connection.fetch(_LOCK, budgets)
        now = await database_now(connection)
        company, today = f"company:{company_id}", local_day(self._sharing.package, now)
        holds: dict[str, list[Hold]] = {budget: [] for budget in budgets}
        at_address = []
        for record in await connection.fetch(_HOLDS, budgets, now - self._longest):
            hold = Hold(granted_at=record["granted_at"], deadline=record["released_at"])
            holds[record["budget"]].append(hold)
            if record["budget"] == self._address:
                at_address.append((record["company_id"], hold))
        used = await connection.fetchrow(_USED, company, today.replace(day=1), today)
        assert used is not None
        (closed,) = (row for row in locked if row["budget"] == company)
        is_closed = closed["closed_until"] is not None and closed["closed_until"] > now
        return Known(
            now=now,
            closed=Closed(closed["closed_until"], closed["closed_scope"], closed["trial_at"]) if is_closed else None,
            holds=holds,
            at_address=at_address,
            foreign={
                row["window_seconds"]: [row["until"]] * row["calls"]
                for row in await connection.fetch(_FOREIGN, company)
                if row["until"] > now and row["calls"]
            },
            used=Used(used["month"], used["today"]),
            demand=[Demand(**row) for row in await connection.fetch(_DEMAND, self._address, company_id, now - WANTING)],
        )

    def _decide(
        self, known: Known, wish: Wish, own: Sequence[Window], shared: Sequence[Window]
    ) -> tuple[Spent | None, bool]:
        """Return what keeps the call from going now, None for nothing; and whether the address alone could."""
        now, reserves, package = known.now, self._sharing.reserves, self._sharing.package
        free_at = package_free_at(package, known.used, wish.counts_as, reserves, now)
        if free_at is not None:
            return Spent(free_at, CLOSED_WORDS["month"] if is_used_up(package, known.used) else _DAY_SPENT), False
        asked = [Window(calls_for(window.calls, wish.counts_as, reserves), window.ends) for window in own]
        is_able = not isinstance(place(asked, now), FreeAt)
        for limit, window in zip(self._address_limits, shared, strict=True):
            asked.append(Window(wish.share(limit), window.ends))
        decided = place(asked, now)
        if not isinstance(decided, FreeAt):
            return None, is_able
        full = place([*own, *shared], now)
        earliest = full.at if isinstance(full, FreeAt) else now
        # What is kept for others may be free again before any place is: whoever waits looks again.
        again = max(earliest, min(decided.at, now + WANTING, wish.ages_at or decided.at))
        return Spent(again if again > now else decided.at), is_able

    def _windows(self, known: Known, budget: str) -> Iterable[Window]:
        limits = self._address_limits if budget == self._address else self._company_limits
        for limit in limits:
            others = () if budget == self._address else known.foreign.get(limit.window_seconds, ())
            yield Window(limit.calls, [*ends_of(known.holds[budget], limit.window_seconds), *others])

    def _own_left(self, known: Known, company: str) -> dict[int, int]:
        """Return what our own calls leave of each window of the company, whatever others take of it."""
        return {
            limit.window_seconds: left(
                Window(limit.calls, ends_of(known.holds[company], limit.window_seconds)), known.now
            )
            for limit in self._company_limits
        }

    async def _note_wish(
        self, connection: Connection, wish: Wish, spent: Spent | None, *, able_at: datetime | None
    ) -> None:
        now = wish.now
        is_known = wish.able_at is not None and now - wish.able_at < _DEMAND_KNOWN
        if spent is None and wish.waiting_since is None and is_known:
            return
        waiting_since = None if spent is None else wish.waiting_since or now
        free_at, reason = (None, None) if spent is None else (spent.free_at, spent.reason)
        await connection.execute(
            _SAVE_DEMAND, wish.company_id, self._address, wish.purpose, now, able_at, waiting_since, free_at, reason
        )

    async def _close(self, connection: Connection, granted: Granted, refused: Exceeded, now: datetime) -> None:
        until = closed_until(refused, now, self._sharing.package.zone)
        trial_at = now + _TRIAL_EVERY if refused.scope == "month" else None
        await connection.execute(_CLOSE, granted.company, until, refused.scope, now, trial_at)

    async def _learn_of_others(self, granted: Granted, remaining: Mapping[int, int]) -> None:
        """Hold what others took with the credential, until a window has passed or a later call is told of more room."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.fetch(_LOCK, [granted.company])
            now = await database_now(connection)
            records = await connection.fetch(_HOLDS, [granted.company], now - self._longest)
            holds = [Hold(granted_at=record["granted_at"], deadline=record["released_at"]) for record in records]
            in_flight = sum(hold.deadline > now for hold in holds)
            known = {row["window_seconds"]: row for row in await connection.fetch(_FOREIGN, granted.company)}
            for limit in self._company_limits:
                told, seconds = remaining.get(limit.window_seconds), limit.window_seconds
                if told is None:
                    continue
                own_left = left(Window(limit.calls, ends_of(holds, seconds)), now)
                calls, before = foreign_calls(own_left, told, in_flight), known.get(seconds)
                is_newer = before is None or before["until"] <= now or granted.granted_at >= before["seen_at"]
                if before is None or is_newer or calls > before["calls"]:
                    until = now + timedelta(seconds=seconds)
                    await connection.execute(_SAVE_FOREIGN, granted.company, seconds, calls, now, until)

    def _tell(self, own: Sequence[Window], shared: Sequence[Window], now: datetime, *, taken: int) -> None:
        if self._on_left is None:
            return
        calls_left: dict[int, int] = {}
        for limits, windows in ((self._company_limits, own), (self._address_limits, shared)):
            for limit, window in zip(limits, windows, strict=True):
                free = left(window, now)
                calls_left[limit.window_seconds] = min(free, calls_left.get(limit.window_seconds, free))
        for window_seconds, calls in calls_left.items():
            self._on_left(window_seconds, calls - taken)


async def reopen_budget(pool: Pool, company_id: str) -> bool:
    """Open a budget that Jurnal's 429 closed, on a person's word; False if it was open."""
    async with pool.acquire() as connection:
        now = await database_now(connection)
        return bool(await connection.execute(_REOPEN, f"company:{company_id}", now) == "UPDATE 1")


def _spent(closed: Closed) -> Spent:
    free_at = closed.until if closed.trial_at is None else min(closed.until, closed.trial_at)
    return Spent(free_at, CLOSED_WORDS[closed.scope])


def _shows_others(granted: Granted, remaining: Mapping[int, int]) -> bool:
    """Tell whether less remains than our own calls explain, or others were known of already."""
    return bool(remaining) and (
        granted.has_foreign
        or any(
            remaining[seconds] - granted.in_flight < calls
            for seconds, calls in granted.left.items()
            if seconds in remaining
        )
    )
