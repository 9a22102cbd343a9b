"""Orders at Jurnal's documented quota, a backlog of them in virtual time and one fresh sale in real time."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from typing import TypeAlias

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table

from ops.bench.quota_backlog import Backlog, Booked
from ops.bench.quota_idle import Sold, sell_idle
from ops.bench.stand import Stand
from ops.virtual.clocks import DatabaseTime

_LOST_EVERY = 20
_AT_ONCE = 2


class Sizes(msgspec.Struct, frozen=True):
    """Orders of a backlog, and fresh sales one after the other."""

    orders: int = 5_000
    sales: int = 60


class Case(msgspec.Struct, frozen=True):
    """A backlog by its name, and how many orders a minute of the quota it must reach; None: shown without a goal."""

    name: str
    backlog: Backlog
    goal: float | None = None


class AtQuota(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A backlog as it is printed. `faults`: the share of calls whose answer is lost.

    `orders_per_quota_minute`: orders by the minutes of the quota they took, at least calls by 30 and at least the
    minutes from the first call to the last order accepted; where there is no goal it is `orders_per_minute`.
    `met`: at least the goal, no duplicate, and without faults no 429.
    """

    case: str
    faults: float
    calls_per_document: float
    http_429: int
    duplicates: int
    orders_per_quota_minute: float | None = None
    orders_per_minute: float | None = None
    goal: float | None = None
    met: bool | None = None
    orders: int
    documents: int
    calls: int
    minutes: float


class Fresh(msgspec.Struct, frozen=True, kw_only=True):
    """A fresh sale as it is printed, from before its webhook is written until Jurnal's answer is made.

    `limit_ms` is twice `own_p50_ms`, what the same call takes without us, and 5 ms.
    """

    case: str
    calls: int
    p50_ms: float
    p99_ms: float
    own_p50_ms: float
    limit_ms: float
    met: bool


Line: TypeAlias = AtQuota | Fresh


def cases(orders: int) -> tuple[Case, ...]:
    """Return the backlogs in the order of their lines."""
    return (
        Case("no faults", Backlog(orders=orders), 2_000),
        Case("answers lost at once", Backlog(orders=orders, lost_every=_LOST_EVERY, lost="at_once"), 1_200),
        Case("record_payment_method", Backlog(orders=orders, payment_method_kept=True)),
        Case("answers lost by the deadline", Backlog(orders=orders, lost_every=_LOST_EVERY, lost="by_the_deadline")),
    )


async def measure_quota(stand: Stand, sizes: Sizes | None = None) -> AsyncIterator[Line]:
    """Sell one by one while nothing else runs; then let the backlogs go, each in a process and database of its own."""
    sizes = sizes or Sizes()
    yield fresh(await sell_idle(stand, sizes.sales))
    room = asyncio.Semaphore(_AT_ONCE)

    async def booked(case: Case) -> Booked:
        async with room, stand.ours(1) as ours:
            DatabaseTime.prepare(ours.url, "jurnalsync_clock")
            return await _in_a_process(ours.url, case.backlog)

    async with asyncio.TaskGroup() as group:
        running = [(case, group.create_task(booked(case))) for case in cases(sizes.orders)]
        for case, task in running:
            yield at_quota(case, await task)


def at_quota(case: Case, booked: Booked) -> AtQuota:
    """Judge a backlog."""
    reached = booked.orders / booked.quota_minutes
    lost_every = case.backlog.lost_every
    is_clean = booked.duplicates == 0 and (lost_every > 0 or booked.http_429 == 0)
    return AtQuota(
        case=case.name,
        faults=1 / lost_every if lost_every else 0,
        orders_per_quota_minute=None if case.goal is None else round(reached, 1),
        orders_per_minute=round(reached, 1) if case.goal is None else None,
        calls_per_document=round(booked.calls / booked.documents, 4),
        http_429=booked.http_429,
        duplicates=booked.duplicates,
        goal=case.goal,
        met=None if case.goal is None else reached >= case.goal and is_clean,
        orders=booked.orders,
        documents=booked.documents,
        calls=booked.calls,
        minutes=round(booked.minutes, 3),
    )


def fresh(sold: Sold) -> Fresh:
    """Judge fresh sales: exactly one call each, and the median within the limit."""
    limit_ms = 2 * sold.own_p50_ms + 5
    return Fresh(
        case="fresh sale, idle",
        calls=sold.calls,
        p50_ms=round(sold.p50_ms, 2),
        p99_ms=round(sold.p99_ms, 2),
        own_p50_ms=round(sold.own_p50_ms, 2),
        limit_ms=round(limit_ms, 2),
        met=sold.calls == 1 and sold.p50_ms < limit_ms,
    )


def line_as_json(line: Line) -> str:
    """Return a line as one object."""
    return msgspec.json.encode(line).decode()


def print_lines(lines: Sequence[Line], console: Console) -> None:
    """Print the lines for people: the backlogs and the sale have columns of their own."""
    for kind in (Fresh, AtQuota):
        rows = [msgspec.to_builtins(line) for line in lines if isinstance(line, kind)]
        names = list(dict.fromkeys(name for row in rows for name in row))
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        for name in names:
            table.add_column(name.replace("_", " "), justify="left" if name == "case" else "right")
        for row in rows:
            table.add_row(*(str(row.get(name, "")) for name in names))
        console.print(table)


async def _in_a_process(url: str, backlog: Backlog) -> Booked:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"{__package__}.quota_backlog",
        url,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate(msgspec.json.encode(backlog))
    assert process.returncode == 0, "the backlog failed; its own words stand above"
    return msgspec.json.decode(printed.splitlines()[-1], type=Booked)
