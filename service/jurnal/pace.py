"""The arithmetic of a quota that no alignment of Jurnal's windows can exceed.

A call may reach Jurnal at any moment from its grant to its answer or deadline. So it holds its place from the grant
until a whole window after that last moment: whenever a further call is granted, every call that could stand in one
window with it is counted.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from fractions import Fraction

import msgspec


class Purpose(StrEnum):
    """What a call is for, the first first: a lost send looked up; today's and yesterday's trade; older; comparing."""

    PROBE = "probe"
    FRESH = "fresh"
    BACKFILL = "backfill"
    RECONCILE = "reconcile"

    def yields_to(self, other: "Purpose") -> bool:
        """Tell whether what `other` wants is as urgent as this, or more."""
        return _ORDER.index(other) <= _ORDER.index(self)


_ORDER = tuple(Purpose)


class Limit(msgspec.Struct, frozen=True):
    """At most `calls` in any `window_seconds`, fixed or sliding."""

    calls: int
    window_seconds: int


class Window(msgspec.Struct, frozen=True):
    """One window of a budget: how many places a caller may see taken, and how many are."""

    calls: int
    taken: int


class Reserves(msgspec.Struct, frozen=True, kw_only=True):
    """Shares of every window: kept for probes, for fresh from what is older, and for that from comparing."""

    probe: Fraction = Fraction(2, 30)
    fresh: Fraction = Fraction(1, 5)
    backfill: Fraction = Fraction(1, 10)


CONSUMER_LIMITS = (Limit(30, 60), Limit(1_800, 3_600))
ADDRESS_LIMITS = (Limit(40, 60), Limit(2_500, 3_600))


def too_many(window: Window) -> int | None:
    """Return how many of a window's places must be free again before the one whose end gives room; None: there is room.

    A full window with as many calls as it may see has room with the first end: 0 before it.
    """
    assert window.calls > 0, "a limit of nothing would wait for ever"
    return None if window.taken < window.calls else window.taken - window.calls


def left(window: Window) -> int:
    """Return how many more calls this window would grant now."""
    return max(0, window.calls - window.taken)


def is_short(windows: Iterable[Window]) -> bool:
    """Tell whether less than half of some window is left: what is not in a hurry had better share its call."""
    return any(2 * left(window) < window.calls for window in windows)


def calls_for(calls: int, purpose: Purpose, reserves: Reserves) -> int:
    """Return how many of a window's calls may be taken, by whomever, before `purpose` must wait for a free one.

    A window so small that a share of it is less than a call keeps none.
    """
    kept: Mapping[Purpose, tuple[Fraction, ...]] = {
        Purpose.PROBE: (),
        Purpose.FRESH: (reserves.probe,),
        Purpose.BACKFILL: (reserves.probe, reserves.fresh),
        Purpose.RECONCILE: (reserves.probe, reserves.fresh, reserves.backfill),
    }
    return calls - sum(int(calls * share) for share in kept[purpose])


def kept_for_others(calls: int, taken: Mapping[str, int], others: Iterable[str]) -> int:
    """Return how many of `calls` are kept for the `others` that want some: what is left of an even share of each.

    `taken`: places that each holds now. Whoever came first may hold more than a share; what it gives back goes first
    to those below theirs. What nobody wants is not kept.
    """
    wanting = set(others)
    share = calls // (len(wanting) + 1)
    return sum(max(0, share - taken.get(other, 0)) for other in wanting)


def foreign_calls(own_left: int, remaining: int, in_flight: int) -> int:
    """Return how many places must be held for others, given what Jurnal says remains in a window.

    Of what remains, our own calls on their way may yet take theirs; more than the rest must not be granted.
    """
    return max(0, own_left - max(0, remaining - in_flight))
