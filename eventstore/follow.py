"""What folds read: pages of a ledger without what they do not look at, and the tail this process appended itself."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Protocol, cast

import asyncpg
import msgspec

from eventstore.batch import Decided
from eventstore.connection import Pool
from eventstore.errors import LedgerGap
from eventstore.statements import statement
from eventstore.store import LedgerReader

_PAGE = statement(__package__, "read_page")
_POSITION = itemgetter("position")
_TIME_ZERO = datetime(2000, 1, 1, tzinfo=UTC)  # of Postgres' times, which are microseconds since then


class FollowedFact(Protocol):
    """A stored fact as a fold sees it: what was observed, and where it stands. No hash, no sealed values."""

    @property
    def store_id(self) -> str:
        """The ledger."""

    @property
    def position(self) -> int:
        """The place in the ledger, from 1 on."""

    @property
    def stream_id(self) -> str:
        """The business object."""

    @property
    def type(self) -> str:
        """What kind of fact it is."""

    @property
    def schema_version(self) -> int:
        """The version its body was written in."""

    @property
    def observed_at(self) -> datetime:
        """When the source saw it."""

    @property
    def recorded_at(self) -> datetime:
        """When it was appended; never before that of the fact in front."""

    @property
    def body(self) -> bytes:
        """The exact bytes, personal values replaced by tokens."""

    @property
    def metadata(self) -> bytes:
        """JSON about the way in."""

    @property
    def is_first(self) -> bool:
        """Whether it is known to be the first of its stream."""


class _FactRecord(asyncpg.Record):
    """A row of a page. Making a Struct of each would cost as much as reading and decoding it; so would its time."""

    __slots__ = ()

    store_id = property(itemgetter("store_id"))
    position = property(_POSITION)
    stream_id = property(itemgetter("stream_id"))
    type = property(itemgetter("type"))
    schema_version = property(itemgetter("schema_version"))
    body = property(itemgetter("body"))
    metadata = property(itemgetter("metadata"))
    # A page does not read versions.
    is_first = False

    @property
    def observed_at(self) -> datetime:
        """When the source saw it; few folds ask."""
        return _time(self["observed_at"])

    @property
    def recorded_at(self) -> datetime:
        """When it was appended; fewer still ask."""
        return _time(self["recorded_at"])


def _time(sent: bytes) -> datetime:
    return _TIME_ZERO + timedelta(microseconds=int.from_bytes(sent, "big", signed=True))


class _AppendedFact(msgspec.Struct, frozen=True, gc=False):
    """A fact of the tail, as it was appended. `appended_hash` tells whether the ledger still holds it."""

    store_id: str
    position: int
    stream_id: str
    type: str
    schema_version: int
    observed_at: datetime
    recorded_at: datetime
    body: bytes
    metadata: bytes
    is_first: bool
    appended_hash: bytes


async def read_page(
    pool: Pool, reader: LedgerReader, store_id: str, position: int, facts_max: int
) -> Sequence[FollowedFact]:
    """Return up to `facts_max` facts after `position`, in order, also out of archives.

    `pool` reads the table, `reader` what is not there any more. Raises `LedgerGap` where a fact is missing.
    """
    records = await pool.fetch(_PAGE, store_id, position, facts_max, record_class=_FactRecord)
    records.sort(key=_POSITION)
    page = cast("Sequence[FollowedFact]", records)
    if not page or page[0].position != position + 1:
        return await reader.read_after(store_id, position, facts_max)
    # In order, each once and all behind `position`: the last one alone tells whether one is missing.
    if page and page[-1].position != position + len(page):
        _raise_gap(store_id, position, page)
    return page


def _raise_gap(store_id: str, position: int, page: Sequence[FollowedFact]) -> None:
    for expected, fact in enumerate(page, start=position + 1):
        if fact.position != expected:
            raise LedgerGap(store_id=store_id, expected=expected, found=fact.position)


class PageReader:
    """Reads a ledger page by page, the next one on its way while the last is folded. Close it after use."""

    def __init__(self, pool: Pool, reader: LedgerReader, store_id: str, page_facts: int) -> None:
        self._pool = pool
        self._reader = reader
        self._store_id = store_id
        self._page_facts = page_facts
        self._ahead: asyncio.Task[Sequence[FollowedFact]] | None = None
        self._ahead_of = 0

    async def after(self, position: int, end: int) -> Sequence[FollowedFact]:
        """Return the next facts after `position`, none beyond `end`. Raises `LedgerGap`."""
        if self._ahead_of != position:
            await self.close()
        page = await (self._ahead or self._ask(position, end))
        self._ahead = None
        if page and page[-1].position < end:
            self._ahead_of = page[-1].position
            self._ahead = self._ask(self._ahead_of, end)
            # The question must be on its way before the answer at hand is folded, or the two would take turns.
            await asyncio.sleep(0)
        return page

    async def close(self) -> None:
        """Give up what is still on its way."""
        if self._ahead is not None:
            self._ahead.cancel()
            await asyncio.gather(self._ahead, return_exceptions=True)
            self._ahead = None

    def _ask(self, position: int, end: int) -> "asyncio.Task[Sequence[FollowedFact]]":
        facts_max = min(self._page_facts, end - position)
        return asyncio.create_task(read_page(self._pool, self._reader, self._store_id, position, facts_max))


class TailLimits(msgspec.Struct, frozen=True):
    """How much of what was appended last is kept in memory: of each store, and in how many stores."""

    facts_max: int = 2_000
    bytes_max: int = 1024 * 1024
    stores_max: int = 100


class _StoreTail:
    __slots__ = ("bytes", "facts")

    def __init__(self) -> None:
        self.facts: deque[_AppendedFact] = deque()
        self.bytes = 0


class Tail:
    """The last facts that this process appended, so that its own folds need not read them again.

    The table is the truth: a cursor from which the tail does not go on without a gap must be read from there.
    """

    def __init__(self, limits: TailLimits | None = None) -> None:
        self._limits = limits if limits is not None else TailLimits()
        self._stores: OrderedDict[str, _StoreTail] = OrderedDict()

    def told(self, store_id: str, decided: Decided) -> None:
        """Take in what was decided and committed; batches of a store come in the order of their positions."""
        if not decided.facts:
            return
        tail = self._stores.get(store_id)
        if tail is None:
            tail = self._stores[store_id] = _StoreTail()
            if len(self._stores) > self._limits.stores_max:
                self._stores.popitem(last=False)
        self._stores.move_to_end(store_id)
        if tail.facts and tail.facts[-1].appended_hash != decided.before.hash:
            tail.facts.clear()  # another process appended in between, or what is remembered here was lost
            tail.bytes = 0
        positions = range(decided.before.position + 1, decided.after.position + 1)
        recorded_at = decided.after.recorded_at
        for position, fact, version, fact_hash in zip(
            positions, decided.facts, decided.stream_versions, decided.hashes, strict=True
        ):
            self._add(
                tail,
                _AppendedFact(
                    store_id,
                    position,
                    fact.stream_id,
                    fact.type,
                    fact.schema_version,
                    fact.observed_at,
                    recorded_at,
                    fact.body,
                    fact.metadata,
                    version == 1,
                    fact_hash,
                ),
            )

    def _add(self, tail: _StoreTail, fact: _AppendedFact) -> None:
        tail.facts.append(fact)
        tail.bytes += len(fact.body) + len(fact.metadata)
        while len(tail.facts) > self._limits.facts_max or tail.bytes > self._limits.bytes_max:
            oldest = tail.facts.popleft()
            tail.bytes -= len(oldest.body) + len(oldest.metadata)

    def forget(self, store_id: str) -> None:
        """Forget a ledger that turned out to have lost facts."""
        self._stores.pop(store_id, None)

    def end(self, store_id: str) -> int:
        """Return the last position known here, 0 if none."""
        tail = self._stores.get(store_id)
        return tail.facts[-1].position if tail is not None and tail.facts else 0

    def after(self, store_id: str, position: int, facts_max: int) -> Sequence[FollowedFact]:
        """Return up to `facts_max` facts that follow `position` directly; none if the table must be asked."""
        tail = self._stores.get(store_id)
        if tail is None or not tail.facts or not tail.facts[0].position <= position + 1 <= tail.facts[-1].position:
            return ()
        # A slice of a deque walks it; from its end it is short, since folds follow closely.
        start = position + 1 - tail.facts[0].position
        end = min(len(tail.facts), start + facts_max)
        return [tail.facts[index] for index in range(start, end)]
