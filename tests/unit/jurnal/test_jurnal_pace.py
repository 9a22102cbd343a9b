"""The quota's arithmetic.

The budget's rows count as `place` does here; `tests/integration/test_quota_rows.py` holds one against the other.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from service.jurnal.pace import Limit, Window, is_short, left, too_many

START = datetime(2026, 3, 2, tzinfo=UTC)
DEADLINE_SECONDS = 9
limits_drawn = st.lists(st.builds(Limit, st.integers(1, 4), st.integers(1, 30)), min_size=1, max_size=2)


def at(seconds: float) -> datetime:
    """Return a moment so many seconds after the start."""
    return START + timedelta(seconds=seconds)


def last_moment(granted: float, answered: float | None = None) -> datetime:
    """Return until when a call may reach Jurnal: its answer, or its deadline without one."""
    return at(granted + DEADLINE_SECONDS if answered is None else answered)


def place(moments: Sequence[datetime], limits: Sequence[Limit], now: datetime) -> datetime | None:
    """Return when a place is free, None: now. A call counts until a window after the last moment it may be there."""
    free_at = None
    for limit in limits:
        window = timedelta(seconds=limit.window_seconds)
        ends = sorted(moment + window for moment in moments if moment + window > now)
        before = too_many(Window(limit.calls, len(ends)))
        if before is not None:
            free_at = max(ends[before], free_at or now)
    return free_at


@dataclass(frozen=True)
class Call:
    """A wish to call: the pause before it, when it reaches Jurnal after its grant, when or if its answer is back."""

    pause_ms: int
    reaches_ms: int
    answered_ms: int | None


@st.composite
def calls_drawn(draw: st.DrawFn) -> Call:
    """Draw a call that reaches Jurnal before its answer, and that before its deadline."""
    end_ms = draw(st.integers(0, DEADLINE_SECONDS * 1_000))
    lost = draw(st.booleans())
    return Call(draw(st.integers(0, 4_000)), draw(st.integers(0, end_ms)), None if lost else end_ms)


def arrivals(calls: Sequence[Call], limits: Sequence[Limit]) -> list[int]:
    """Let callers that ask again as soon as told make their calls; return when each reaches Jurnal, in ms."""
    now = 0
    made: list[tuple[int, int | None]] = []
    reached: list[int] = []
    for call in calls:
        now += call.pause_ms
        while True:
            known = [
                # An answer counts only once it has come.
                last_moment(granted / 1_000, answered / 1_000 if answered is not None and answered <= now else None)
                for granted, answered in made
            ]
            answer = place(known, limits, at(now / 1_000))
            if answer is None:
                break
            assert answer > at(now / 1_000)
            now = -(-int((answer - START) / timedelta(microseconds=1)) // 1_000)
        made.append((now, None if call.answered_ms is None else now + call.answered_ms))
        reached.append(now + call.reaches_ms)
    return reached


@given(st.lists(calls_drawn(), max_size=25), limits_drawn, st.integers(0, 30_000))
def test_no_window_at_any_offset_sees_more_calls_than_its_limit(
    calls: list[Call], limits: list[Limit], offset_ms: int
) -> None:
    """Fixed windows at any offset and sliding ones, with any latency and lost answers."""
    reached = arrivals(calls, limits)
    for limit in limits:
        window_ms = limit.window_seconds * 1_000
        fixed = Counter((moment + offset_ms) // window_ms for moment in reached)
        assert max(fixed.values(), default=0) <= limit.calls
        for first in reached:
            assert sum(first <= moment < first + window_ms for moment in reached) <= limit.calls


@given(st.lists(st.tuples(st.integers(0, 60), st.none() | st.integers(0, 9)), max_size=12), limits_drawn)
def test_the_time_told_is_the_first_at_which_a_place_is_free(
    made: list[tuple[int, int | None]], limits: list[Limit]
) -> None:
    """At that moment it is granted, and one microsecond before it is not."""
    moments = [last_moment(granted, None if took is None else granted + took) for granted, took in made]
    answer = place(moments, limits, at(60))
    if answer is not None:
        assert place(moments, limits, answer) is None
        assert place(moments, limits, answer - timedelta(microseconds=1)) == answer


def test_the_narrowest_limit_decides() -> None:
    """A place in the minute does not help when the hour is full."""
    assert place([at(0), at(100)], [Limit(2, 60), Limit(2, 3_600)], at(200)) == at(3_600)


def test_without_calls_the_first_are_granted_at_once() -> None:
    """As many as the limit says, then no more."""
    assert [too_many(Window(3, taken)) for taken in range(5)] == [None, None, None, 0, 1]
    assert [left(Window(3, taken)) for taken in range(5)] == [3, 2, 1, 0, 0]


def test_calls_are_short_when_less_than_half_of_any_window_is_left() -> None:
    """An idle company sends at once; one that used half its minute, or half its hour, lets its calls share."""
    assert not is_short([Window(30, 0), Window(1_800, 900)])
    assert not is_short([Window(30, 15)])
    assert is_short([Window(30, 16)])
    assert is_short([Window(30, 0), Window(1_800, 901)])
