"""Calls per minute, hour and calendar month, as the gateway counts them: by the clock, or back from each call."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

RATE_EXCEEDED = "API rate limit exceeded"
MONTH_EXCEEDED = "Monthly limit exceeded. Please wait until next month or upgrade your package."
Word = Literal["minute", "hour", "month"]
Windows = Literal["fixed", "sliding"]


def _month(now: datetime) -> int:
    """Return the number of the calendar month, in UTC."""
    instant = now.astimezone(UTC)
    return instant.year * 12 + instant.month


_NUMBERED: dict[Word, Callable[[datetime], int]] = {
    "minute": lambda now: int(now.timestamp()) // 60,
    "hour": lambda now: int(now.timestamp()) // 3_600,
    "month": _month,
}


@dataclass(slots=True)
class _Fixed:
    """The count of one window; it starts again when the clock's minute, hour or month changes."""

    word: Word
    limit: int | None
    _number: int = -1
    _calls: int = 0

    def remaining(self, now: datetime) -> int | None:
        """Return what is left of the limit in the window that holds now; None without a limit."""
        number = _NUMBERED[self.word](now)
        if number != self._number:
            self._number, self._calls = number, 0
        return None if self.limit is None else self.limit - self._calls

    def count(self, now: datetime) -> None:
        """Count one admitted call."""
        self.remaining(now)
        self._calls += 1


@dataclass(slots=True)
class _Sliding:
    """The admitted calls of the last minute or hour, whenever it is looked at."""

    word: Word
    limit: int | None
    window: timedelta
    _counted: deque[datetime] = field(default_factory=deque)

    def remaining(self, now: datetime) -> int | None:
        """Return what is left of the limit in the window that ends now; None without a limit."""
        while self._counted and now - self._counted[0] >= self.window:
            self._counted.popleft()
        return None if self.limit is None else self.limit - len(self._counted)

    def count(self, now: datetime) -> None:
        """Count one admitted call."""
        self._counted.append(now)


@dataclass(slots=True)
class Quota:
    """Limits shared by reads and writes. A refused call is not counted. A month is a calendar month in any case."""

    limit_minute: int | None
    limit_hour: int | None
    limit_month: int | None = None
    windows: Windows = field(default="fixed", kw_only=True)
    _windows: tuple[_Fixed | _Sliding, ...] = field(init=False)

    def __post_init__(self) -> None:
        minute, hour = self.limit_minute, self.limit_hour
        is_fixed = self.windows == "fixed"
        self._windows = (
            _Fixed("minute", minute) if is_fixed else _Sliding("minute", minute, timedelta(minutes=1)),
            _Fixed("hour", hour) if is_fixed else _Sliding("hour", hour, timedelta(hours=1)),
            _Fixed("month", self.limit_month),
        )

    def admits(self, now: datetime) -> bool:
        """Tell whether one more call fits all windows."""
        return self.exceeded(now) is None

    def exceeded(self, now: datetime) -> str | None:
        """Return the message of a full window, the month's first; None when one more call fits."""
        full = {window.word for window in self._windows if (left := window.remaining(now)) is not None and left <= 0}
        if not full:
            return None
        return MONTH_EXCEEDED if "month" in full else RATE_EXCEEDED

    def count(self, now: datetime) -> None:
        """Count one admitted call."""
        for window in self._windows:
            window.count(now)

    def headers(self, now: datetime) -> dict[str, str]:
        """Return the x-ratelimit headers of minute and hour; nothing for a window without a limit."""
        shown: dict[str, str] = {}
        for window in self._windows[:2]:
            remaining = window.remaining(now)
            if remaining is not None:
                shown[f"x-ratelimit-limit-{window.word}"] = str(window.limit)
                shown[f"x-ratelimit-remaining-{window.word}"] = str(max(0, remaining))
        return shown
