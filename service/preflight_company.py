"""What a look at the company tells of what would fail. Pure."""

from collections.abc import Iterator
from datetime import date

from projections.changes.settings import StoreSettings
from service.company_look import CompanyLook
from service.preflight_finding import Finding, notice, problem

# Jurnal refuses a Date that is off by 300 s. Where the database is ahead of it by more than the 120 s that the fence of
# a lost attempt allows for, Jurnal takes what the fence calls dead, unless the look-up's answer tells a Date; behind,
# 90 s of a deadline must fit too.
_CLOCK_OFF_SECONDS_MAX = 100
_CLOCK_OFF_SECONDS_NOTED = 30
_MONTH_CALLS_LEAST = 500


def company_findings(look: CompanyLook, settings: StoreSettings, today: date) -> list[Finding]:
    """Return what would fail because of how the company stands; `today` is the store's date."""
    if look.status != 200:
        return [_refused(look)]
    return [*_plan(look), *_clock(look), *_books(look, settings, today), *_quota(look)]


def _refused(look: CompanyLook) -> Finding:
    off = look.clock_off_seconds
    if look.status == 401 and off is not None and abs(off) > _CLOCK_OFF_SECONDS_MAX:
        return problem(
            "clock",
            "clock",
            f"Jurnal answered 401: its clock is {off:+.0f} s from this database's, and it allows 300 s",
            "Set the clock of the database's machine (NTP), then try again",
        )
    found = problem if look.status == 401 else notice
    return found(
        "jurnal",
        "Jurnal",
        f"Jurnal answered {look.status} to a look at the company: its plan and its closed books are not known",
        "Check Jurnal's address, and that the credential is the company's and may read it; then try again",
    )


def _plan(look: CompanyLook) -> Iterator[Finding]:
    if not look.inventory:
        package = f" {look.package!r}" if look.package else ""
        yield problem(
            "plan",
            "inventory",
            f"The company's plan{package} has no warehouses, so no stock could be moved or counted",
            "Take a Jurnal plan with inventory for this company",
        )


def _clock(look: CompanyLook) -> Iterator[Finding]:
    off = look.clock_off_seconds
    if off is None or abs(off) <= _CLOCK_OFF_SECONDS_NOTED:
        return
    found = problem if abs(off) > _CLOCK_OFF_SECONDS_MAX else notice
    yield found(
        "clock",
        "clock",
        f"Jurnal's clock is {off:+.0f} s from this database's; beyond 300 s Jurnal refuses every call",
        "Set the clock of the database's machine (NTP)",
    )


def _books(look: CompanyLook, settings: StoreSettings, today: date) -> Iterator[Finding]:
    closed = look.books_closed
    if closed is None:
        return
    if closed >= today:
        yield problem(
            "books",
            closed.isoformat(),
            f"The company's books are closed up to {closed}, so nothing of today could be booked",
            "Open the period in Jurnal again, or wait until the day after",
        )
    elif settings.rules.closed_period == "fail":
        yield notice(
            "books",
            closed.isoformat(),
            f"The books are closed up to {closed}: a document of that time would fail",
            "Let sales.closed_period be first_open_day to book such documents on the first open day",
        )


def _quota(look: CompanyLook) -> Iterator[Finding]:
    left = look.calls_left.get("month")
    if left is not None and left <= 0:
        yield problem(
            "quota", "month", "No call to Jurnal is left this month", "Take a larger package, or wait for next month"
        )
    elif left is not None and left < _MONTH_CALLS_LEAST:
        yield notice(
            "quota",
            "month",
            f"{left} calls to Jurnal are left this month; every sale takes at least one, in batches fewer",
            "Take a larger package before they are spent",
        )
    if look.calls_left.get("hour") == 0:
        yield notice(
            "quota", "hour", "No call to Jurnal is left this hour", "Nothing: what waits goes in the next hour"
        )
