"""One request for a place in the quota: how urgent it is by now, and what it leaves to other companies. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from service.jurnal.pace import Limit, Purpose, Reserves, calls_for, kept_for_others
from service.jurnal.package import Package, Used

# A company that asked within this time wants its share of the address; others leave it free for it.
WANTING = timedelta(seconds=60)
# Who did not ask for so long did not wait.
_WAITING_MAX = timedelta(hours=1)
_AGEING = frozenset({Purpose.BACKFILL, Purpose.RECONCILE})
JAKARTA = ZoneInfo("Asia/Jakarta")


class Sharing(msgspec.Struct, frozen=True, kw_only=True):
    """How the calls of a budget are divided: what is kept for whom, and after which wait older work counts as fresh."""

    reserves: Reserves = Reserves()
    ageing_seconds: float = 300
    package: Package = Package(None, JAKARTA)


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """What a company asked for last. `able_at`: when only the address could have said no; `waiting_since`: or None."""

    company_id: str
    purpose: str
    asked_at: datetime
    able_at: datetime | None
    waiting_since: datetime | None


class Closed(msgspec.Struct, frozen=True):
    """A budget that a 429 closed. `trial_at`: when one call may go all the same, None: never."""

    until: datetime
    scope: str
    trial_at: datetime | None


class Taken(msgspec.Struct, frozen=True):
    """Places of a budget that count in its windows of so many seconds, by whose calls hold them."""

    budget: str
    seconds: int
    company_id: str
    calls: int


class Foreign(msgspec.Struct, frozen=True):
    """Calls of others with a company's credential: they count until `until`, as an answer at `seen_at` told."""

    seconds: int
    calls: int
    seen_at: datetime
    until: datetime


class Known(msgspec.Struct, frozen=True):
    """What the database knows when a call is asked for. `in_flight`: the company's calls that may be on their way.

    `grants`: by budget, how often a place was taken of it or it was closed.
    """

    now: datetime
    today: date
    grants: Mapping[str, int]
    closed: Closed | None
    taken: Sequence[Taken]
    in_flight: int
    foreign: Sequence[Foreign]
    used: Used
    demand: Sequence[Demand]

    def taken_by(self, budget: str, seconds: int) -> Counter[str]:
        """Return how many places of a window each company holds."""
        return Counter(
            {each.company_id: each.calls for each in self.taken if (each.budget, each.seconds) == (budget, seconds)}
        )

    def of_others(self, seconds: int) -> Foreign | None:
        """Return what others took of the company's windows of this length."""
        return next((each for each in self.foreign if each.seconds == seconds and each.calls), None)


class Wish:
    """Whose call, what for, and since when it waits. `counts_as`: how urgent the wait has made it."""

    def __init__(self, sharing: Sharing, known: Known, company_id: str, address: str, purpose: Purpose) -> None:
        self.company_id, self.purpose, self.now = company_id, purpose, known.now
        self._address = address
        self._known, self._reserves = known, sharing.reserves
        own = next((each for each in known.demand if (each.company_id, each.purpose) == (company_id, purpose)), None)
        self.able_at = None if own is None else own.able_at
        is_waiting = own is not None and own.asked_at > known.now - _WAITING_MAX
        self.waiting_since = own.waiting_since if own is not None and is_waiting else None
        self.ages_at: datetime | None = None
        if purpose in _AGEING:
            self.ages_at = (self.waiting_since or known.now) + timedelta(seconds=sharing.ageing_seconds)
        is_old = self.ages_at is not None and self.ages_at <= known.now
        self.counts_as = Purpose.FRESH if is_old else purpose

    def share(self, limit: Limit) -> int:
        """Return how many of the address's calls may be taken before this one must wait."""
        wanting = {
            each.company_id
            for each in self._known.demand
            if each.company_id != self.company_id
            and each.able_at is not None
            and each.able_at > self.now - WANTING
            and self.counts_as.yields_to(Purpose(each.purpose))
        }
        taken = self._known.taken_by(self._address, limit.window_seconds)
        # A probe is held up by other companies' probes alone, and has what is kept for probes besides.
        shared_as = Purpose.FRESH if self.counts_as is Purpose.PROBE else self.counts_as
        kept = kept_for_others(calls_for(limit.calls, shared_as, self._reserves), taken, wanting)
        return max(1, calls_for(limit.calls, self.counts_as, self._reserves) - kept)
