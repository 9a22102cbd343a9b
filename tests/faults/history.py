"""What happened in a play: every call with its answer, what followers saw, and what is stored at the end."""

import msgspec

from eventstore.event import AppendResult, Fact, NewFact


class Call(msgspec.Struct):
    """An append as its caller saw it. `began` and `ended` count events of the play; no answer leaves `results` None."""

    store_id: str
    facts: tuple[NewFact, ...]
    began: int
    ended: int | None = None
    results: list[AppendResult] | None = None


class Sight(msgspec.Struct):
    """What one follower saw of one ledger, in its order."""

    follower: str
    store_id: str
    facts: list[tuple[int, str]] = []


class Evidence(msgspec.Struct, kw_only=True):
    """All that a checker needs. `stored` is each ledger in the order of positions, `heads` where each says it ends.

    `absent` names facts that could not be read right after they were acknowledged, `broken` what the walk along the
    chain found, `misfolded` how projections differ from the fold of the ledger, `alarms` errors nobody should meet.
    """

    calls: list[Call] = []
    sights: list[Sight] = []
    stored: dict[str, list[Fact]] = {}
    heads: dict[str, int] = {}
    absent: list[str] = []
    broken: list[str] = []
    misfolded: list[str] = []
    alarms: list[str] = []
    injected: dict[str, int] = {}
    _events: int = 0

    def begin(self, store_id: str, facts: tuple[NewFact, ...]) -> Call:
        """Note that a call begins."""
        self._events += 1
        call = Call(store_id, facts, self._events)
        self.calls.append(call)
        return call

    def end(self, call: Call, results: list[AppendResult]) -> None:
        """Note the answer."""
        self._events += 1
        call.ended, call.results = self._events, results

    @property
    def facts_called(self) -> int:
        """How many facts were sent, repeats counted: no ledger can hold more."""
        return sum(len(call.facts) for call in self.calls)

    @property
    def acknowledged(self) -> int:
        """How many calls were answered."""
        return sum(call.results is not None for call in self.calls)

    @property
    def unanswered(self) -> int:
        """How many calls never were."""
        return len(self.calls) - self.acknowledged
