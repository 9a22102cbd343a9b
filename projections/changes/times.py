"""iSeller's times carry no offset; which zone they are in depends on where they came from, and is said explicitly."""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_TIME = re.compile(r"^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:\.(\d+))?(Z|[+-]\d{2}:?\d{2})?$")


class UnreadableTime(ValueError):
    """A time that fits none of iSeller's spellings."""


def read_utc(text: str, *, offset_hours: int = 0) -> datetime:
    """Read a time; one without offset stands `offset_hours` east of UTC. Fractions beyond microseconds are cut."""
    match = _TIME.match(text)
    if match is None:
        raise UnreadableTime(f"{text!r} is no time such as 2026-01-31T23:59:59")
    day, clock, fraction, zone = match.groups()
    micro = (fraction or "0").ljust(6, "0")[:6]
    offset = "+00:00" if zone in (None, "Z") else zone
    at = datetime.fromisoformat(f"{day}T{clock}.{micro}{offset}").astimezone(UTC)
    return at if zone is not None else at - timedelta(hours=offset_hours)


def local_date(at: datetime, time_zone: str) -> date:
    """Return the calendar date of `at` where the outlet stands."""
    return at.astimezone(ZoneInfo(time_zone)).date()
