"""The quota's arithmetic."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from service.jurnal.pace import FreeAt, Granted, Hold, Limit, Window, counts_until, ends_of
from service.jurnal.pace import place as place_in

START = datetime(2026, 3, 2, tzinfo=UTC)
DEADLINE_SECONDS = 9
limits_drawn = st.lists(st.builds(Limit, st.integers(1, 4), st.integers(1, 30)), min_size=1, max_size=2)


def at(seconds: float) -> datetime:
    """Return a moment so many seconds after the start."""
    return START + timedelta(seconds=seconds)


def hold(granted: float, answered: float | None = None) -> Hold:
    """Return a hold granted at one moment and answered at another."""
    return Hold(
        granted_at=at(granted),
        deadline=at(granted + DEADLINE_SECONDS),
        released_at=None if answered is None else at(answered),
    )


def place(holds: Sequence[Hold], limits: Sequence[Limit], now: datetime) -> Granted | FreeAt:
    """Ask for a place in windows that know these holds."""
    return place_in([Window(limit.calls, ends_of(holds, limit.window_seconds)) for limit in limits], now)


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
                hold(granted / 1_000, answered / 1_000 if answered is not None and answered <= now else None)
                for granted, answered in made
            ]
            answer = place(known, limits, at(now / 1_000))
            if isinstance(answer, Granted):
                break
            assert answer.at > at(now / 1_000)
            now = -(-int((answer.at - START) / timedelta(microseconds=1)) // 1_000)
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
    holds = [hold(granted, None if took is None else granted + took) for granted, took in made]
    answer = place(holds, limits, at(60))
    if isinstance(answer, FreeAt):
        assert place(holds, limits, answer.at) == Granted()
        assert place(holds, limits, answer.at - timedelta(microseconds=1)) == answer


def test_an_answered_call_counts_until_a_window_after_its_answer() -> None:
    """Jurnal may have counted it as late as that."""
    holds = [hold(0, answered=5)]
    assert place(holds, [Limit(1, 60)], at(64)) == FreeAt(at(65))
    assert place(holds, [Limit(1, 60)], at(65)) == Granted()


def test_a_lost_call_counts_until_a_window_after_its_deadline() -> None:
    """Until its deadline it might have been written."""
    assert place([hold(0)], [Limit(1, 60)], at(60)) == FreeAt(at(DEADLINE_SECONDS + 60))


def test_the_narrowest_limit_decides() -> None:
    """A place in the minute does not help when the hour is full."""
    holds = [hold(0, answered=0), hold(100, answered=100)]
    assert place(holds, [Limit(2, 60), Limit(2, 3_600)], at(200)) == FreeAt(at(3_600))


def test_without_holds_the_first_calls_are_granted_at_once() -> None:
    """As many as the limit says, then no more."""
    holds: list[Hold] = []
    limits = [Limit(3, 60)]
    while place(holds, limits, at(0)) == Granted():
        holds.append(hold(0))
    assert len(holds) == 3


def test_a_hold_can_be_forgotten_when_it_counts_no_longer() -> None:
    """Past the longest window it makes no difference."""
    assert counts_until(hold(0, answered=2), 3_600) == at(3_602)
    assert place([hold(0, answered=2)], [Limit(1, 3_600)], at(3_602)) == place([], [Limit(1, 3_600)], at(3_602))
