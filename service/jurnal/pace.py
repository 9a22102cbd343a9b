"""The arithmetic of a quota that no alignment of Jurnal's windows can exceed.

A call may reach Jurnal at any moment from its grant to its answer or deadline. So it holds its place from the grant
until a whole window after that last moment: whenever a further call is granted, every call that could stand in one
window with it is counted.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec


class Limit(msgspec.Struct, frozen=True):
    """At most `calls` in any `window_seconds`, fixed or sliding."""

    calls: int
    window_seconds: int


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """One call's place. `released_at` is when its answer came; until then its deadline stands for it."""

    granted_at: datetime
    deadline: datetime
    released_at: datetime | None = None


class Granted(msgspec.Struct, frozen=True):
    """A place is free now."""


class FreeAt(msgspec.Struct, frozen=True):
    """No place is free before `at`, unless a call in flight is answered before its deadline."""

    at: datetime


CONSUMER_LIMITS = (Limit(30, 60), Limit(1_800, 3_600))
ADDRESS_LIMITS = (Limit(40, 60), Limit(2_500, 3_600))


def place(holds: Iterable[Hold], limits: Sequence[Limit], now: datetime) -> Granted | FreeAt:
    """Tell whether one more call may be granted now, given all holds that may still count."""
    known = list(holds)
    free_at = max((_free_at(known, limit, now) for limit in limits), default=now)
    return Granted() if free_at <= now else FreeAt(free_at)


def left(holds: Iterable[Hold], limit: Limit, now: datetime) -> int:
    """Return how many more calls this limit would grant now."""
    counting = sum(counts_until(hold, limit.window_seconds) > now for hold in holds)
    return max(0, limit.calls - counting)


def counts_until(hold: Hold, window_seconds: int) -> datetime:
    """Return when a hold stops counting in windows of this length; with the longest it can be forgotten."""
    return (hold.released_at or hold.deadline) + timedelta(seconds=window_seconds)


def _free_at(holds: Sequence[Hold], limit: Limit, now: datetime) -> datetime:
    assert limit.calls > 0, "a limit of nothing would wait for ever"
    ends = sorted(counts_until(hold, limit.window_seconds) for hold in holds)
    counting = [end for end in ends if end > now]
    too_many = len(counting) - limit.calls
    return now if too_many < 0 else counting[too_many]
