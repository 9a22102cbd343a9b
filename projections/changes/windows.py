"""When the syncs of a store open: times of day on the store's clock."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from eventstore.facts.settings import SalesSync, TransferSync


def next_window(sync: TransferSync | SalesSync, time_zone: str, after: datetime) -> datetime:
    """Return the first scheduled moment later than `after`, on the store's clock."""
    return min(at for at in _around(sync, time_zone, after) if at > after)


def last_window(sync: TransferSync | SalesSync, time_zone: str, now: datetime) -> datetime:
    """Return the last scheduled moment that has come by `now`, on the store's clock."""
    return max(at for at in _around(sync, time_zone, now) if at <= now)


def _around(sync: TransferSync | SalesSync, time_zone: str, moment: datetime) -> list[datetime]:
    """Return the scheduled moments of the day before, of the day itself and of the day after."""
    zone = ZoneInfo(time_zone)
    today = moment.astimezone(zone).date()
    return [
        datetime.combine(today + timedelta(days=days), time.fromisoformat(text), tzinfo=zone)
        for days in (-1, 0, 1)
        for text in sync.times
    ]
