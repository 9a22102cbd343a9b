"""The shop's three business days in its own time zone."""

from datetime import UTC, date, datetime, time, timedelta

from ops.sandbox.scenario import Scenario


def business_days(today: date) -> tuple[date, date, date]:
    """Return the day before yesterday, yesterday and today."""
    return today - timedelta(days=2), today - timedelta(days=1), today


def moment(scenario: Scenario, day: date, minute: int, second: int = 0) -> datetime:
    """Return a wall-clock minute of the store's day as UTC."""
    midnight = datetime.combine(day, time(0), tzinfo=scenario.time_zone)
    return (midnight + timedelta(minutes=minute, seconds=second)).astimezone(UTC)


def local_date(scenario: Scenario, at: datetime) -> date:
    """Return the store's date of a moment."""
    return at.astimezone(scenario.time_zone).date()
