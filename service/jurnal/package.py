"""The month's package of calls, spent by days: what is left of it is shared evenly among the days that are left."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from service.jurnal.pace import Purpose, Reserves, calls_for


class Package(msgspec.Struct, frozen=True):
    """`calls_per_month`: None where there is no such limit. Months and days are those of `zone`."""

    calls_per_month: int | None
    zone: ZoneInfo


class Used(msgspec.Struct, frozen=True):
    """Calls since the month began, and those of today among them."""

    month: int
    today: int


def local_day(package: Package, now: datetime) -> date:
    """Return the day in which a call counts."""
    return now.astimezone(package.zone).date()


def is_used_up(package: Package, used: Used) -> bool:
    """Tell whether nothing is left of the month's calls."""
    return package.calls_per_month is not None and used.month >= package.calls_per_month


def share_of(calls_per_month: int, used: Used, today: date) -> int:
    """Return today's calls: what was left this morning over the days that are left. What a day leaves carries over."""
    left_this_morning = max(0, calls_per_month - (used.month - used.today))
    days_left = (next_month(today) - today).days
    return min(left_this_morning, max(1, left_this_morning // days_left))


def is_ahead(package: Package, used: Used, now: datetime) -> bool:
    """Tell whether more of the day's share is used than of the day is over."""
    if package.calls_per_month is None:
        return False
    today = local_day(package, now)
    share = share_of(package.calls_per_month, used, today)
    begins, ends = start_of(today, package.zone), start_of(today + timedelta(days=1), package.zone)
    return used.today * (ends - begins) > share * (now - begins)


def package_free_at(
    package: Package, used: Used, purpose: Purpose, reserves: Reserves, now: datetime
) -> datetime | None:
    """Return when the package lets a call of this purpose go; None: now.

    Probes are held by the month alone, for a lost send must not wait a day to be looked up.
    """
    if package.calls_per_month is None:
        return None
    today = local_day(package, now)
    if is_used_up(package, used):
        return start_of(next_month(today), package.zone)
    share = share_of(package.calls_per_month, used, today)
    if purpose is Purpose.PROBE or used.today < calls_for(share, purpose, reserves):
        return None
    return start_of(today + timedelta(days=1), package.zone)


def next_month(day: date) -> date:
    """Return the first day of the month after a day's."""
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """Return when a day begins."""
    return datetime.combine(day, time.min, tzinfo=zone)
