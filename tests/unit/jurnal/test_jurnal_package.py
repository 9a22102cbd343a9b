"""The month's package: what a day may take, and when the next one begins."""

from datetime import UTC, date, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from service.jurnal.pace import Purpose, Reserves
from service.jurnal.package import Package, Used, is_ahead, local_day, next_month, package_free_at, share_of

JAKARTA = ZoneInfo("Asia/Jakarta")
NOTHING_KEPT = Reserves(probe=Fraction(0), fresh=Fraction(0), backfill=Fraction(0))


@given(st.integers(1, 20_000), st.lists(st.integers(0, 2_000), min_size=31, max_size=31))
def test_days_never_take_more_than_the_package_and_each_has_some(calls: int, wishes: list[int]) -> None:
    """Whatever each day wanted: the sum holds, and a day that comes late in the month finds its share."""
    used = 0
    for number, wish in enumerate(wishes, start=1):
        share = share_of(calls, Used(used, 0), date(2027, 3, number))
        assert share >= (calls - used) // (32 - number)
        used += min(wish, share)
        assert used <= calls


def test_a_day_is_that_of_the_packages_time_zone() -> None:
    """At 17:00 UTC the next day has begun in Jakarta, and with it may be the next month."""
    package = Package(100, JAKARTA)
    assert local_day(package, datetime(2027, 3, 31, 16, 59, tzinfo=UTC)) == date(2027, 3, 31)
    assert local_day(package, datetime(2027, 3, 31, 17, 0, tzinfo=UTC)) == date(2027, 4, 1)


def test_the_last_month_of_a_year_is_followed_by_the_first_of_the_next() -> None:
    """And a short month by a whole one."""
    assert next_month(date(2026, 12, 31)) == date(2027, 1, 1)
    assert next_month(date(2027, 2, 28)) == date(2027, 3, 1)


def test_without_a_package_nothing_waits_for_it() -> None:
    """The default: no such limit is known."""
    now = datetime(2027, 3, 1, tzinfo=UTC)
    used = Used(10**9, 10**9)
    assert package_free_at(Package(None, JAKARTA), used, Purpose.RECONCILE, NOTHING_KEPT, now) is None


def test_a_package_smaller_than_its_month_is_spent_a_call_a_day() -> None:
    """Never nothing while there is something."""
    assert share_of(5, Used(0, 0), date(2027, 3, 1)) == 1
    assert share_of(5, Used(5, 0), date(2027, 3, 9)) == 0


def test_a_day_is_ahead_when_more_of_its_share_is_used_than_of_it_is_over() -> None:
    """Of 310 in March ten a day: at noon in Jakarta five are due, and the first call of a day is never too early."""
    package, noon = Package(310, JAKARTA), datetime(2027, 3, 1, 12, tzinfo=JAKARTA)
    assert [is_ahead(package, Used(used, used), noon) for used in (0, 5, 6)] == [False, False, True]
    assert not is_ahead(package, Used(0, 0), datetime(2027, 3, 1, tzinfo=JAKARTA))
    assert not is_ahead(Package(None, JAKARTA), Used(10**9, 10**9), noon)
