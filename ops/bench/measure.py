"""Ours and the limit in turns, their medians, the ratio, and whether the goal is met."""

import cProfile
import gc
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from statistics import median
from typing import Literal

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table

Better = Literal["more", "less"]
# Where one more round of our side is profiled into, if anywhere.
PROFILE: ContextVar[cProfile.Profile | None] = ContextVar("PROFILE", default=None)
# Smaller parts are not told.
SHARE_MIN = 0.03
# In a narrower terminal the lines wrap: figures cut short would be worse.
TABLE_CHARACTERS_MIN = 150


class Sample(msgspec.Struct, frozen=True):
    """What one side reached in one round, in the case's unit; latencies of single calls where they are taken.

    `python_us` and `postgres_us` are the processor's time for one fact or request.
    """

    value: float
    p50_ms: float | None = None
    p99_ms: float | None = None
    python_us: float | None = None
    postgres_us: float | None = None


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """What a case must reach: `ratio` of ours to the limit, and a bound on our p99 where there is one."""

    case: str
    unit: str
    ratio: float
    better: Better = "more"
    p99_goal_ms: float | None = None


class Measurement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One case as it is printed: medians over the rounds. `peer` is the outside anchor in the same unit."""

    case: str
    ours: float
    limit: float
    ratio: float
    goal: float
    met: bool
    unit: str
    better: str
    p50_ms: float | None = None
    p99_ms: float | None = None
    p99_goal_ms: float | None = None
    peer: float | None = None
    facts: int | None = None
    python_us: float | None = None
    postgres_us: float | None = None
    limit_python_us: float | None = None
    limit_postgres_us: float | None = None


Side = Callable[[], Awaitable[Sample]]


async def interleave(rounds: int, *sides: Side) -> list[list[Sample]]:
    """Run the sides in turns and return their samples side by side; who begins changes every round."""
    samples: list[list[Sample]] = [[] for _ in sides]
    for number in range(rounds):
        order = range(len(sides)) if number % 2 == 0 else reversed(range(len(sides)))
        for index in order:
            # Garbage of the side before must not be collected on the time of this one.
            gc.collect()
            samples[index].append(await sides[index]())
    if (profile := PROFILE.get()) is not None:
        with profile:
            await sides[0]()
    return samples


def judge(
    goal: Goal,
    ours: Sequence[Sample],
    limit: Sequence[Sample],
    *,
    peer: Sequence[Sample] = (),
    facts: int | None = None,
) -> Measurement:
    """Compare the medians with the goal."""
    reached, bound = median(sample.value for sample in ours), median(sample.value for sample in limit)
    ratio = reached / bound
    p99_ms = _median_of([sample.p99_ms for sample in ours])
    met = ratio >= goal.ratio if goal.better == "more" else ratio <= goal.ratio
    if goal.p99_goal_ms is not None:
        assert p99_ms is not None, "a bound on p99 needs latencies"
        met = met and p99_ms <= goal.p99_goal_ms
    return Measurement(
        case=goal.case,
        ours=_short(reached),
        limit=_short(bound),
        ratio=round(ratio, 3),
        goal=goal.ratio,
        met=met,
        unit=goal.unit,
        better=goal.better,
        p50_ms=_median_of([sample.p50_ms for sample in ours]),
        p99_ms=p99_ms,
        p99_goal_ms=goal.p99_goal_ms,
        peer=_short(median(sample.value for sample in peer)) if peer else None,
        facts=facts,
        python_us=_median_of([sample.python_us for sample in ours]),
        postgres_us=_median_of([sample.postgres_us for sample in ours]),
        limit_python_us=_median_of([sample.python_us for sample in limit]),
        limit_postgres_us=_median_of([sample.postgres_us for sample in limit]),
    )


def percentile(sorted_values: Sequence[float], share: float) -> float:
    """Return the value below which `share` of the sorted values lie (nearest rank)."""
    return sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * share))]


def latencies(seconds: Sequence[float]) -> tuple[float, float]:
    """Return p50 and p99 in ms."""
    ordered = sorted(seconds)
    return percentile(ordered, 0.5) * 1_000, percentile(ordered, 0.99) * 1_000


def as_json(measurement: Measurement) -> str:
    """Return the measurement as one line."""
    return msgspec.json.encode(measurement).decode()


def print_shares(case: str, shares: Sequence[tuple[str, float]], console: Console) -> None:
    """Print where the time of our Python goes."""
    console.print(f"{case}: " + ", ".join(f"{part} {share:.0%}" for part, share in shares if share >= SHARE_MIN))


def print_table(measurements: Sequence[Measurement], console: Console) -> None:
    """Print the measurements for people; a column that nobody fills is left out."""
    rows = [_cells(measured) for measured in measurements]
    table = Table(title="medians of interleaved rounds", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    filled = [name for name in rows[0] if any(row[name] for row in rows)]
    for name in filled:
        table.add_column(name, justify="left" if name in ("case", "unit") else "right", no_wrap=name != "case")
    for row in rows:
        table.add_row(*(row[name] for name in filled))
    console.print(table)


def _cells(measured: Measurement) -> dict[str, str]:
    sign = "≥" if measured.better == "more" else "≤"
    p99_goal = "" if measured.p99_goal_ms is None else f" (≤ {measured.p99_goal_ms:.2f})"
    return {
        "case": measured.case,
        "ours": f"{measured.ours:,}",
        "limit": f"{measured.limit:,}",
        "unit": measured.unit,
        "ratio": f"{measured.ratio:.2f}",
        "goal": f"{sign} {measured.goal:.2f}",
        "p50 ms": "" if measured.p50_ms is None else f"{measured.p50_ms:.2f}",
        "p99 ms": "" if measured.p99_ms is None else f"{measured.p99_ms:.2f}{p99_goal}",
        "µs of the processor": _processor(measured.python_us, measured.postgres_us),
        "limit's": _processor(measured.limit_python_us, measured.limit_postgres_us),
        "peer": "" if measured.peer is None else f"{measured.peer:,}",
        "met": "[green]yes[/]" if measured.met else "[red]no[/]",
    }


def _processor(python_us: float | None, postgres_us: float | None) -> str:
    return "" if python_us is None or postgres_us is None else f"{python_us:.1f} + {postgres_us:.1f}"


def _median_of(values: Sequence[float | None]) -> float | None:
    taken = [value for value in values if value is not None]
    return round(median(taken), 3) if taken else None


def _short(value: float) -> float:
    """Round to what a benchmark can know: whole numbers from 100 on, else three decimals."""
    return round(value) if value >= 100 else round(value, 3)
