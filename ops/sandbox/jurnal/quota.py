"""Calls per clock minute, clock hour and calendar month: fixed windows, as the gateway counts them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

RATE_EXCEEDED = "API rate limit exceeded"
MONTH_EXCEEDED = "Monthly limit exceeded. Please wait until next month or upgrade your package."
Word = Literal["minute", "hour", "month"]


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
class _Window:
    """The count of one window; it starts again when the clock's minute, hour or month changes."""

    word: Word
    limit: int | None
    number: int = -1
    count: int = 0

    def remaining(self, now: datetime) -> int | None:
        """Return what is left of the limit in the window that holds now; None without a limit."""
        number = _NUMBERED[self.word](now)
        if number != self.number:
            self.number, self.count = number, 0
        return None if self.limit is None else self.limit - self.count


@dataclass(slots=True)
class Quota:
    """Limits shared by reads and writes. A refused call is not counted."""

    limit_minute: int | None
    limit_hour: int | None
    limit_month: int | None = None
    _windows: tuple[_Window, ...] = field(init=False)

    def __post_init__(self) -> None:
        self._windows = (
            _Window("minute", self.limit_minute),
            _Window("hour", self.limit_hour),
            _Window("month", self.limit_month),
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
            window.remaining(now)
            window.count += 1

    def headers(self, now: datetime) -> dict[str, str]:
        """Return the x-ratelimit headers of minute and hour; nothing for a window without a limit."""
        shown: dict[str, str] = {}
        for window in self._windows[:2]:
            remaining = window.remaining(now)
            if remaining is not None:
                shown[f"x-ratelimit-limit-{window.word}"] = str(window.limit)
                shown[f"x-ratelimit-remaining-{window.word}"] = str(max(0, remaining))
        return shown
