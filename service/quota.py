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
from eventstore.questions import Question
from eventstore.statements import statement
from service.jurnal.feedback import Exceeded, Feedback, closed_until
from service.jurnal.outcome import MONTH_USED_UP
from service.jurnal.pace import Limit, Purpose, Window, calls_for, foreign_calls, is_short, left, too_many
from service.jurnal.package import is_ahead, is_used_up, package_free_at
from service.quota_rows import Budgets, Full, lock_and_read, read_free_at, reading, save_wait, taking
from service.quota_wish import WANTING, Closed, Known, Sharing, Wish

_RELEASE = statement(__package__, "release_holds")
_CANCEL = statement(__package__, "cancel_holds")
_SAVE_FOREIGN = statement(__package__, "save_foreign")
_SAVE_SAVING = statement(__package__, "save_saving")
_CLOSE = statement(__package__, "close_budget")
_REOPEN = statement(__package__, "reopen_budget")
_HURRY = statement(__package__, "hurry_waiting_sends")
_CLOSED = statement(__package__, "read_closed_budgets")

# What is known of a wish is written anew when it is older than this, or every call would write it.
_DEMAND_KNOWN = timedelta(seconds=15)
_TRIAL_EVERY = timedelta(days=1)
# What a grant told of the windows is of no use when the shortest of them has passed.
_TOLD_FOR = timedelta(seconds=60)
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
    company_id: str
    granted_at: datetime
    day: date
    left: Mapping[int, int]
    in_flight: int
    has_foreign: bool
    is_trial: bool

    @property
    def company(self) -> str:
        """The company's budget."""
        return f"company:{self.company_id}"


class Taking(msgspec.Struct, frozen=True, kw_only=True):
    """A place that `question` takes where it tells true. `own` and `shared`: the windows without it."""

    granted: Granted
    question: Question
    known: Known
    own: Sequence[Window]
    shared: Sequence[Window]


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
        self._short_at: dict[str, datetime] = {}
        self._saving: dict[str, datetime] = {}

    async def grant(
        self, company_id: str, purpose: Purpose, *, deadline: timedelta, is_recorded_next: bool = False
    ) -> Granted | Spent:
        """Take a place for one call that is over after `deadline` at the latest, or learn when one is free.

        `is_recorded_next`: the call's attempt is committed before it is made. That flushes the place, too.
        """
        budgets = self._budgets(company_id)
        async with self._pool.acquire() as connection, connection.transaction():
            known = await lock_and_read(connection, budgets)
            now, is_trial = known.now, False
            if known.closed is not None:
                is_trial = known.closed.trial_at is not None and known.closed.trial_at <= now
                if not is_trial:
                    return _spent(known.closed)
            own, shared = self._own(known, budgets.company), self._shared(known)
            wish = Wish(self._sharing, known, company_id, self._address, purpose)
            spent = await self._decide(connection, budgets, wish, known, own, shared)
            self._tell(own, shared, taken=0 if spent is not None else 1)
            self._note_short(company_id, known, [*own, *shared])
            if spent is not None:
                return spent
            granted = self._granted(budgets, known, is_trial=is_trial)
            question = taking(
                budgets, wish, known, hold_id=granted.hold_id, deadline=deadline,
                next_trial_at=now + _TRIAL_EVERY if is_trial else None,
                is_noted=_is_noted(wish), is_recorded_next=is_recorded_next,
            )  # fmt: skip
            is_taken = await connection.fetchval(question.sql, *question.arguments)
            assert is_taken, "what is locked does not move"
            return granted

    def reading(self, company_id: str) -> Question:
        """Return what reads the budgets of a company's call without their lock; `known_of` tells what it answered."""
        return reading(self._budgets(company_id))

    def taking(self, company_id: str, purpose: Purpose, known: Known, *, deadline: timedelta) -> Taking | None:
        """Return what takes a place of budgets that were read without their lock; tell `took` if it does.

        None where they have no room. Then, and where they are not as read any more, `grant` tells.
        """
        budgets = self._budgets(company_id)
        own, shared = self._own(known, budgets.company), self._shared(known)
        wish = Wish(self._sharing, known, company_id, self._address, purpose)
        has_package = package_free_at(
            self._sharing.package, known.used, wish.counts_as, self._sharing.reserves, known.now
        )
        asked = [*self._asked_of_own(wish, own), *self._asked_of_shared(wish, shared)]
        if known.closed is not None or has_package is not None or not all(too_many(window) is None for window in asked):
            return None
        granted = self._granted(budgets, known, is_trial=False)
        question = taking(
            budgets, wish, known, hold_id=granted.hold_id, deadline=deadline, next_trial_at=None,
            is_noted=_is_noted(wish), is_recorded_next=False,
        )  # fmt: skip
        return Taking(granted=granted, question=question, known=known, own=own, shared=shared)

    def took(self, taking: Taking) -> None:
        """Note that the place is taken."""
        self._tell(taking.own, taking.shared, taken=1)
        self._note_short(taking.granted.company_id, taking.known, [*taking.own, *taking.shared])

    def _granted(self, budgets: Budgets, known: Known, *, is_trial: bool) -> Granted:
        return Granted(
            hold_id=uuid4(),
            budgets=tuple(budgets.names),
            company_id=budgets.company_id,
            granted_at=known.now,
            day=known.today,
            left={seconds: calls - 1 for seconds, calls in self._own_left(known, budgets.company).items()},
            in_flight=known.in_flight,
            has_foreign=any(each.calls for each in known.foreign),
            is_trial=is_trial,
        )

    def short(self, company_id: str, now: datetime) -> bool:
        """Tell whether calls had better be saved, as the last grant saw it: no round trip, nothing known is plenty."""
        seen_at = self._short_at.get(company_id)
        return seen_at is not None and now - seen_at < _TOLD_FOR

    async def note_saving(self, company_id: str, until: datetime) -> None:
        """Note until when at the latest what makes up no full batch waits; written once for each such time."""
        if self._saving.get(company_id) != until:
            await self._pool.execute(_SAVE_SAVING, f"company:{company_id}", until)
            self._saving[company_id] = until

    async def release(self, granted: Granted, feedback: Feedback | None = None) -> None:
        """Note that the call is over, its place free one window from now, and what its answer told of the quota."""
        async with self._pool.acquire() as connection:
            await connection.execute(_RELEASE, list(granted.budgets), granted.hold_id)
            if feedback is None:
                return
            if feedback.exceeded is not None:
                await self._close(connection, granted, feedback.exceeded, await database_now(connection))
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

    def _budgets(self, company_id: str) -> Budgets:
        return Budgets(
            company_id=company_id,
            address=self._address,
            company_seconds=[limit.window_seconds for limit in self._company_limits],
            address_seconds=[limit.window_seconds for limit in self._address_limits],
            zone=self._sharing.package.zone.key,
        )

    async def _decide(
        self,
        connection: Connection,
        budgets: Budgets,
        wish: Wish,
        known: Known,
        own: Sequence[Window],
        shared: Sequence[Window],
    ) -> Spent | None:
        """Return what keeps the call from going now, None for nothing; who waits is written down."""
        now, reserves, package = known.now, self._sharing.reserves, self._sharing.package
        free_at = package_free_at(package, known.used, wish.counts_as, reserves, now)
        if free_at is not None:
            spent = Spent(free_at, CLOSED_WORDS["month"] if is_used_up(package, known.used) else _DAY_SPENT)
            await save_wait(connection, budgets, wish, is_able=False, free_at=spent.free_at, reason=spent.reason)
            return spent
        asked = self._asked_of_own(wish, own)
        is_able = all(too_many(window) is None for window in asked)
        asked += self._asked_of_shared(wish, shared)
        if all(too_many(window) is None for window in asked):
            return None
        full = list(self._full(budgets, known, asked))
        all_full = list(self._full(budgets, known, [*own, *shared]))
        ends = await read_free_at(connection, [*full, *all_full], now)
        decided_at, earliest = max(ends[: len(full)]), max(ends[len(full) :], default=now)
        # What is kept for others may be free again before any place is: whoever waits looks again.
        again = max(earliest, min(decided_at, now + WANTING, wish.ages_at or decided_at))
        spent = Spent(again if again > now else decided_at)
        await save_wait(connection, budgets, wish, is_able=is_able, free_at=spent.free_at, reason=spent.reason)
        return spent

    def _asked_of_own(self, wish: Wish, own: Sequence[Window]) -> list[Window]:
        reserves = self._sharing.reserves
        return [Window(calls_for(window.calls, wish.counts_as, reserves), window.taken) for window in own]

    def _asked_of_shared(self, wish: Wish, shared: Sequence[Window]) -> list[Window]:
        limits = zip(self._address_limits, shared, strict=True)
        return [Window(wish.share(limit), window.taken) for limit, window in limits]

    def _full(self, budgets: Budgets, known: Known, windows: Sequence[Window]) -> Iterable[Full]:
        """Yield those without room of `windows`: the company's, then the address's."""
        names = [budgets.company] * len(self._company_limits) + [self._address] * len(self._address_limits)
        for budget, limit, window in zip(names, (*self._company_limits, *self._address_limits), windows, strict=True):
            before, seconds = too_many(window), limit.window_seconds
            others = known.of_others(seconds) if budget != self._address else None
            if before is not None and others is None:
                yield Full(budget=budget, seconds=seconds, before=before)
            elif before is not None and others is not None:
                yield Full(
                    budget=budget, seconds=seconds, before=before, others=others.calls, others_until=others.until
                )

    def _own(self, known: Known, company: str) -> list[Window]:
        windows = []
        for limit in self._company_limits:
            others = known.of_others(limit.window_seconds)
            taken = known.taken_by(company, limit.window_seconds).total() + (0 if others is None else others.calls)
            windows.append(Window(limit.calls, taken))
        return windows

    def _shared(self, known: Known) -> list[Window]:
        return [
            Window(limit.calls, known.taken_by(self._address, limit.window_seconds).total())
            for limit in self._address_limits
        ]

    def _own_left(self, known: Known, company: str) -> dict[int, int]:
        """Return what our own calls leave of each window of the company, whatever others take of it."""
        return {
            limit.window_seconds: left(Window(limit.calls, known.taken_by(company, limit.window_seconds).total()))
            for limit in self._company_limits
        }

    def _note_short(self, company_id: str, known: Known, windows: Sequence[Window]) -> None:
        if is_short(windows) or is_ahead(self._sharing.package, known.used, known.now):
            self._short_at[company_id] = known.now
        else:
            self._short_at.pop(company_id, None)

    async def _close(self, connection: Connection, granted: Granted, refused: Exceeded, now: datetime) -> None:
        until = closed_until(refused, now, self._sharing.package.zone)
        trial_at = now + _TRIAL_EVERY if refused.scope == "month" else None
        await connection.execute(_CLOSE, granted.company, until, refused.scope, now, trial_at)

    async def _learn_of_others(self, granted: Granted, remaining: Mapping[int, int]) -> None:
        """Hold what others took with the credential, until a window has passed or a later call is told of more room."""
        budgets = self._budgets(granted.company_id)
        async with self._pool.acquire() as connection, connection.transaction():
            known = await lock_and_read(connection, budgets)
            own_left, before = self._own_left(known, granted.company), {each.seconds: each for each in known.foreign}
            for seconds, own in own_left.items():
                told, last = remaining.get(seconds), before.get(seconds)
                if told is None:
                    continue
                calls = foreign_calls(own, told, known.in_flight)
                if last is None or granted.granted_at >= last.seen_at or calls > last.calls:
                    until = known.now + timedelta(seconds=seconds)
                    await connection.execute(_SAVE_FOREIGN, granted.company, seconds, calls, known.now, until)

    def _tell(self, own: Sequence[Window], shared: Sequence[Window], *, taken: int) -> None:
        if self._on_left is None:
            return
        calls_left: dict[int, int] = {}
        for limits, windows in ((self._company_limits, own), (self._address_limits, shared)):
            for limit, window in zip(limits, windows, strict=True):
                free = left(window)
                calls_left[limit.window_seconds] = min(free, calls_left.get(limit.window_seconds, free))
        for window_seconds, calls in calls_left.items():
            self._on_left(window_seconds, calls - taken)


async def reopen_budget(pool: Pool, company_id: str, stores: Sequence[str]) -> bool:
    """Open a budget that Jurnal's 429 closed, on a person's word; False if it was open.

    What was turned away by that answer waits as long by itself: of `stores` it goes at once.
    """
    async with pool.acquire() as connection, connection.transaction():
        now = await database_now(connection)
        if await connection.execute(_REOPEN, f"company:{company_id}", now) != "UPDATE 1":
            return False
        for store_id in stores:
            await connection.execute(_HURRY, store_id, company_id, MONTH_USED_UP)
    return True


def _is_noted(wish: Wish) -> bool:
    """Tell whether a wish that is fulfilled is written down: it waited, or was not known of late."""
    return wish.waiting_since is not None or wish.able_at is None or wish.now - wish.able_at >= _DEMAND_KNOWN


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
