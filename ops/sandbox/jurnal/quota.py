"""Calls per clock minute and clock hour: fixed windows, as the gateway counts them."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(slots=True)
class _Window:
    """The count of one window; it starts again when the clock's minute or hour changes."""

    seconds: int
    limit: int | None
    number: int = -1
    count: int = 0

    def remaining(self, now: datetime) -> int | None:
        """Return what is left of the limit in the window that holds now; None without a limit."""
        number = int(now.timestamp()) // self.seconds
        if number != self.number:
            self.number, self.count = number, 0
        return None if self.limit is None else self.limit - self.count


@dataclass(slots=True)
class Quota:
    """A minute and an hour limit shared by reads and writes. A refused call is not counted."""

    limit_minute: int | None
    limit_hour: int | None
    _minute: _Window = field(init=False)
    _hour: _Window = field(init=False)

    def __post_init__(self) -> None:
        self._minute = _Window(60, self.limit_minute)
        self._hour = _Window(3_600, self.limit_hour)

    def admits(self, now: datetime) -> bool:
        """Tell whether one more call fits both windows."""
        left = (self._minute.remaining(now), self._hour.remaining(now))
        return all(remaining is None or remaining > 0 for remaining in left)

    def count(self, now: datetime) -> None:
        """Count one admitted call."""
        for window in (self._minute, self._hour):
            window.remaining(now)
            window.count += 1

    def headers(self, now: datetime) -> dict[str, str]:
        """Return the x-ratelimit headers; nothing for a window without a limit."""
        shown: dict[str, str] = {}
        for word, window in (("minute", self._minute), ("hour", self._hour)):
            remaining = window.remaining(now)
            if remaining is not None:
                shown[f"x-ratelimit-limit-{word}"] = str(window.limit)
                shown[f"x-ratelimit-remaining-{word}"] = str(max(0, remaining))
        return shown
