"""One range of one store compared with Jurnal, a call a step: lists first, then what they raise doubts about.

A step that finds no place in the quota says when to come again, and nothing is lost: the next one goes on there. The
calls are for comparing, so they leave what is kept for lost sends, today's trade and older documents.
"""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, TypeVar
from uuid import uuid4
from zoneinfo import ZoneInfo

import msgspec

from eventstore.connection import Pool
from eventstore.database_clock import database_now
from eventstore.facts.reconciliation import (
    DifferenceFact,
    ForeignDocuments,
    RangeReconciled,
    RecordsNotBooked,
)
from projections.differences.queries import Open, read_open_of_days, read_open_of_resources, read_open_unknown
from projections.invoice_payment.queries import read_owed
from projections.jurnal_commands.booked import (
    Booked,
    count_not_booked,
    read_by_id,
    read_credit_uses,
    read_folded,
    read_made,
    read_of_days,
    read_of_lane,
)
from projections.jurnal_commands.commands import CreateCustomer
from projections.jurnal_commands.queue import SendQueue
from service import reconciling, reconciling_credits, reconciling_master_data
from service.jurnal.exchange import NoAnswer, Response, Steps
from service.jurnal.listing import ListedDocument, NotListed, listing
from service.jurnal.outcome import Absent, ProbeFailed, record_outcome
from service.jurnal.pace import Purpose
from service.jurnal.reading import Record, text_of
from service.jurnal.resources import CREDIT_MEMOS, LISTED, Resource, is_keyed, probe_for, read
from service.jurnal_calls import Company, JurnalCalls
from service.people import People
from service.quota import Spent
from service.reconciliation_ledger import ReconciliationLedger

T = TypeVar("T")
_FOLD_WAIT = timedelta(seconds=1)
_FAILED_WAIT = timedelta(seconds=5)
_FAILURES_MAX = 5
_A_DAY = timedelta(days=1)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be compared. `scheduled_for`: the daily time it is for, None where a person asked."""

    store_id: str
    company: Company
    zone: ZoneInfo
    first: date
    last: date
    scheduled_for: datetime | None = None


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. `found`: every difference that stands, `new` those that the ledger did not hold yet.

    `accepted`: how many of them a person accepted as they stand.
    """

    found: tuple[DifferenceFact, ...]
    new: tuple[DifferenceFact, ...]
    accepted: int
    resolved: int
    reconciled: RangeReconciled
    frozen: bool

    @property
    def new_by_kind(self) -> dict[str, int]:
        """Count what is new, by kind."""
        return dict(Counter(kind_of(each) for each in self.new))


class ComparisonStopped(Exception):
    """Jurnal kept failing: nothing was concluded, and what was found before stands as it is."""


class Comparison:
    """A comparison on its way."""

    def __init__(
        self,
        pool: Pool,
        queue: SendQueue,
        calls: JurnalCalls,
        ledger: ReconciliationLedger,
        people: People,
        asked: Asked,
    ) -> None:
        self.result: Compared | None = None
        self._pool = pool
        self._queue = queue
        self._calls = calls
        self._ledger = ledger
        self._people = people
        self._asked = asked
        self._value: Any = None
        self._not_listed: set[str] = set()
        self._closed: set[str] = set()
        self._credits: set[str] = set()
        self._stood_of_master_data: list[Open] = []
        self._found: list[DifferenceFact] = []
        self._turns = self._run()

    async def step(self) -> Spent | None:
        """Make one call at most; return until when it must wait, if so. `result` is set after the last step.

        Raises `ComparisonStopped`. Whatever it raises has ended it.
        """
        try:
            return await anext(self._turns)
        except StopAsyncIteration:
            assert self.result is not None, "it has ended with an error before"
            return None

    async def _run(self) -> AsyncIterator[Spent | None]:
        async for waits in self._until_folded():
            yield waits
        since = datetime.combine(self._asked.first, time.min, tzinfo=self._asked.zone) - _A_DAY
        listed: list[ListedDocument] = []
        for resource in LISTED.values():
            async for waits in self._ask(listing(resource, since)):
                yield waits
            listed += self._listed(resource)
        both = await self._both(listed)
        marked = reconciling.by_mark(listed)
        for expected in both.expected:
            row = reconciling.row_of(expected, marked)
            record = None if row is None else row.record
            if record is None or not _is_equal(expected, record, both) or reconciling.wants_lines(expected, record):
                async for waits in self._ask(_looking(expected, row)):
                    yield waits
                record = self._value
                self._found += await self._judged(expected, both)
            async for waits in self._compare_credit(expected, record, listed):
                yield waits
        async for waits in self._compare_master_data():
            yield waits
        self._found += reconciling.duplicates(both)
        self.result = await self._conclude(both, self._found, since)

    async def _compare_credit(
        self, expected: reconciling.Expected, record: Record | None, listed: Sequence[ListedDocument]
    ) -> AsyncIterator[Spent | None]:
        """Compare what was taken out of a document's credit, once a credit: by its list, then by itself."""
        source, memo_id = reconciling_credits.source_of(expected), reconciling_credits.credit_memo_of(expected, record)
        if source is None or memo_id is None or source in self._credits:
            return
        self._credits.add(source)
        memo = reconciling_credits.listed_memo(memo_id, listed)
        if memo is not None and not reconciling_credits.is_used_more(memo, await self._taken_out(source)):
            return
        async for waits in self._ask(_one(CREDIT_MEMOS, memo_id)):
            yield waits
        memo = self._value
        # Read after Jurnal: what the ledger took out meanwhile was recorded before it was sent.
        by_ledger = await self._taken_out(source)
        if memo is not None and reconciling_credits.is_used_more(memo, by_ledger):
            self._found.append(reconciling_credits.used_differently(expected, memo, by_ledger))

    async def _taken_out(self, source: str) -> Decimal:
        uses = await read_credit_uses(self._pool, self._asked.store_id, [source])
        return uses.get(source, Decimal(0))

    async def _compare_master_data(self) -> AsyncIterator[Spent | None]:
        """Compare some of the products and customers that were made, in turn, and those that differed before."""
        store_id, last = self._asked.store_id, self._asked.last
        stood = await read_open_of_resources(self._pool, store_id, reconciling_master_data.RESOURCES)
        self._stood_of_master_data = stood
        told_on = {each.command_id: each.business_date for each in stood}
        made: dict[str, Booked] = {}
        for kind in reconciling_master_data.KINDS:
            made |= await read_made(
                self._pool,
                store_id,
                kind,
                turn=last.toordinal(),
                rows_max=reconciling_master_data.READ_AT_ONCE_MAX,
                also=told_on,
            )
        for command_id, booked in made.items():
            expected = reconciling_master_data.expected_of(booked, told_on.get(command_id, last))
            async for waits in self._ask(_looking(expected, None)):
                yield waits
            self._found += await self._differences_of(expected, self._value)

    async def _differences_of(self, made: reconciling.Expected, record: Record | None) -> list[DifferenceFact]:
        if record is None:
            return [reconciling.missing(made)]
        command, person = made.booked.command, None
        if isinstance(command, CreateCustomer):
            person = await self._people.names(self._asked.store_id, command.position)
        differences = reconciling_master_data.altered(made, record, person)
        return [reconciling.found_altered(made, record, differences)] if differences else []

    async def _until_folded(self) -> AsyncIterator[Spent | None]:
        store_id = self._asked.store_id
        end = await self._queue.ledger_end(store_id)
        while await read_folded(self._pool, store_id) < end:
            yield Spent(await self._now() + _FOLD_WAIT, "the ledger is not folded to its end")

    async def _ask(self, steps: Steps[T]) -> AsyncIterator[Spent | None]:
        """Make the calls of a look-up; its value is `_value` then."""
        failures = 0
        request = next(steps)
        while True:
            answer = await self._calls.read(self._asked.company, request, Purpose.RECONCILE)
            if isinstance(answer, Spent):
                yield answer
                continue
            failures = failures + 1 if _is_passing(answer) else 0
            if 0 < failures < _FAILURES_MAX:
                yield Spent(await self._now() + _FAILED_WAIT, "Jurnal does not answer well")
                continue
            try:
                request = steps.send(answer)
            except StopIteration as done:
                self._value = done.value
                break
            yield None
        if isinstance(self._value, ProbeFailed):
            raise ComparisonStopped(self._value.reason)
        yield None

    def _listed(self, resource: Resource) -> Sequence[ListedDocument]:
        if isinstance(self._value, NotListed):
            self._not_listed.add(resource.plural)
            if self._value.is_closed:
                self._closed.add(resource.plural)
            return ()
        assert isinstance(self._value, tuple)
        return self._value

    async def _both(self, listed: Sequence[ListedDocument]) -> reconciling.Both:
        """Read the ledger's side after the lists: what stands there was recorded before it was sent."""
        store_id, first, last = self._asked.store_id, self._asked.first, self._asked.last
        commands = await read_of_days(self._pool, store_id, first, last)
        known = await read_by_id(self._pool, store_id, {one.mark for one in listed if one.mark is not None})
        expected = [
            each for each in reconciling.expected_in(commands, first, last) if each.resource.plural not in self._closed
        ]
        owed = await read_owed(self._pool, store_id, reconciling.invoice_numbers(expected))
        return reconciling.Both(
            store_id=store_id, first=first, last=last, expected=expected, listed=listed, known=known, owed=owed
        )

    async def _judged(self, expected: reconciling.Expected, both: reconciling.Both) -> list[DifferenceFact]:
        """Say what differs, by the record that was read; unless the document has moved on in the ledger since."""
        record: Record | None = self._value
        again = await self._both_again(expected, both)
        if again is None:
            return []
        if record is None:
            return [reconciling.missing(expected)]
        found: list[DifferenceFact] = []
        if differences := reconciling.altered(expected, record):
            found.append(reconciling.found_altered(expected, record, differences))
        if reconciling.is_owed_differently(expected, record, again):
            found.append(reconciling.paid_differently(expected, record, again))
        return found

    async def _both_again(self, expected: reconciling.Expected, both: reconciling.Both) -> reconciling.Both | None:
        store_id = self._asked.store_id
        lane = await read_of_lane(self._pool, store_id, expected.booked.stream_id)
        if expected not in reconciling.expected_in(lane, self._asked.first, self._asked.last):
            return None
        owed = await read_owed(self._pool, store_id, reconciling.invoice_numbers([expected]))
        # Paid by us while it was read: the next comparison tells.
        is_still = all(both.owed.get(number) == amount for number, amount in owed.items())
        return msgspec.structs.replace(both, owed=owed) if is_still else None

    async def _conclude(self, both: reconciling.Both, found: list[DifferenceFact], since: datetime) -> Compared:
        store_id, asked = self._asked.store_id, self._asked
        unknown = list(reconciling.unknown(both))
        known_before = await read_open_unknown(self._pool, store_id)
        lost = [each.fact for each in unknown if each.is_due and each.fact.document.command_id not in known_before]
        found += [each.fact for each in unknown]
        noted = await self._ledger.note(store_id, found)
        frozen = bool(lost) and await self._ledger.freeze(store_id, lost, since)
        gone = await self._gone({each.document.difference_id for each in found})
        await self._ledger.resolve(store_id, gone)
        reconciled = await self._reconciled(both, found)
        run_id = uuid4().hex if asked.scheduled_for is None else f"{asked.scheduled_for:%Y%m%dT%H%M}"
        await self._ledger.finish(store_id, reconciled, run_id)
        return Compared(
            found=tuple(found),
            new=noted.new,
            accepted=noted.accepted,
            resolved=len(gone),
            reconciled=reconciled,
            frozen=frozen,
        )

    async def _gone(self, found: set[str]) -> list[Open]:
        """Return what stood before and was looked for in vain; not what is being repaired or what no list can show."""
        store_id, master_data = self._asked.store_id, reconciling_master_data.RESOURCES
        of_days = await read_open_of_days(self._pool, store_id, self._asked.first, self._asked.last)
        stood = [each for each in of_days if each.resource not in master_data]
        # All that differed when it began was read, whatever its day.
        stood += self._stood_of_master_data
        commands = await read_by_id(self._pool, store_id, {each.command_id for each in stood})
        return [
            each
            for each in stood
            if each.difference_id not in found
            and each.resource not in self._closed
            and not (each.kind in ("duplicate", "unknown") and each.resource in self._not_listed)
            and not ((booked := commands.get(each.command_id)) is not None and booked.state == "due")
        ]

    async def _reconciled(self, both: reconciling.Both, found: Sequence[DifferenceFact]) -> RangeReconciled:
        asked = self._asked
        kinds = Counter(kind_of(each) for each in found)
        not_booked = await count_not_booked(self._pool, asked.store_id, asked.first, asked.last)
        foreign: tuple[ForeignDocuments, ...] = reconciling.foreign(both)
        return RangeReconciled(
            first=asked.first,
            last=asked.last,
            compared=len(both.expected),
            found=dict(sorted(kinds.items())),
            foreign=foreign,
            not_booked=tuple(RecordsNotBooked(each.status, each.reason, each.records) for each in not_booked),
            not_listed=tuple(sorted(self._not_listed)),
            scheduled_for=asked.scheduled_for,
        )

    async def _now(self) -> datetime:
        async with self._pool.acquire() as connection:
            return await database_now(connection)


def kind_of(found: DifferenceFact) -> str:
    """Return the kind of a difference, as its read model names it."""
    return found.document.difference_id.partition(":")[0]


def _is_equal(expected: reconciling.Expected, record: Record, both: reconciling.Both) -> bool:
    return not reconciling.altered(expected, record) and not reconciling.is_owed_differently(expected, record, both)


def _one(resource: Resource, jurnal_id: int) -> Steps[Record | ProbeFailed | None]:
    record = record_outcome(resource, (yield read(resource, str(jurnal_id))))
    return None if isinstance(record, Absent) else record


def _looking(expected: reconciling.Expected, row: ListedDocument | None) -> Steps[Record | ProbeFailed | None]:
    """Read a document by its id, then by its key; None where neither finds it. What is shown as deleted is gone."""
    record = record_outcome(expected.resource, (yield read(expected.resource, str((row or expected).jurnal_id))))
    command = expected.booked.command
    if isinstance(record, Absent) and row is None and is_keyed(command):
        record = record_outcome(expected.resource, (yield probe_for(command, expected.booked.command_id)))
    if isinstance(record, ProbeFailed):
        return record
    return None if isinstance(record, Absent) or text_of(record, "deleted_at") is not None else record


def _is_passing(answer: Response | NoAnswer) -> bool:
    return isinstance(answer, NoAnswer) or answer.status >= 500 or answer.status in {401, 429}
