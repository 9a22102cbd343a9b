"""The benchmarks' arithmetic and what they print; a small run of each side on a real ledger."""

import cProfile
import json
from statistics import mean

import pytest

from ops.bench.append import Sizes, measure_append
from ops.bench.intake_load import LoadOrder, webhook
from ops.bench.measure import Goal, Measurement, Sample, as_json, interleave, judge, latencies
from ops.bench.payload import BODY_BYTES_MEAN, METADATA_BYTES_MEAN, LookUps, Orders
from ops.bench.spent import clocked, shares
from ops.bench.stand import Stand
from ops.sandbox.embedded_postgres import EmbeddedPostgres

MORE = Goal(case="more is better", unit="facts/s", ratio=0.5)
LESS = Goal(case="less is better", unit="ms", ratio=1.3, better="less")
REQUIRED = {"case", "ours", "limit", "ratio", "goal", "met"}


def judged(goal: Goal, ours: float, limit: float, p99_ms: float | None = None) -> Measurement:
    """Judge one round."""
    return judge(goal, [Sample(ours, p99_ms, p99_ms)], [Sample(limit)])


def test_a_ratio_at_the_goal_is_met_and_one_below_is_not() -> None:
    """More is better: at least the goal."""
    assert judged(MORE, 50, 100).met
    assert not judged(MORE, 49, 100).met


def test_less_is_better_meets_its_goal_at_or_below_it() -> None:
    """Latencies and shares of time: at most the goal."""
    assert judged(LESS, 1.3, 1.0).met
    assert not judged(LESS, 1.31, 1.0).met


def test_a_bound_on_p99_must_be_kept_too() -> None:
    """A good ratio with a bad p99 does not meet the goal."""
    bounded = Goal(case="bounded", unit="facts/s", ratio=0.5, p99_goal_ms=8)
    assert judged(bounded, 90, 100, p99_ms=8).met
    assert not judged(bounded, 90, 100, p99_ms=8.1).met


def test_a_goal_is_judged_by_the_ratio_before_it_is_rounded() -> None:
    """A ratio that only rounding lifts to the goal misses it."""
    assert not judged(MORE, 49.99, 100).met


def test_medians_are_compared_whatever_one_round_did() -> None:
    """One bad round of three changes nothing."""
    measured = judge(MORE, [Sample(60), Sample(1), Sample(60)], [Sample(100), Sample(100), Sample(9_999)])
    assert (measured.ours, measured.limit, measured.ratio, measured.met) == (60, 100, 0.6, True)


async def test_the_sides_run_in_turns_and_take_turns_in_beginning() -> None:
    """Neither side always runs on what the other left behind."""
    ran: list[str] = []

    async def ours() -> Sample:
        ran.append("ours")
        return Sample(1)

    async def limit() -> Sample:
        ran.append("limit")
        return Sample(2)

    samples = await interleave(3, ours, limit)
    assert ran == ["ours", "limit", "limit", "ours", "ours", "limit"]
    assert samples == [[Sample(1)] * 3, [Sample(2)] * 3]


def test_percentiles_come_from_the_sorted_latencies() -> None:
    """Seconds in, milliseconds out."""
    assert latencies([second / 1_000 for second in reversed(range(1, 101))]) == pytest.approx((51, 100))


def test_a_line_of_json_holds_every_key_and_no_empty_one() -> None:
    """Numbers as numbers, `met` as a boolean; p99 only where it was taken."""
    line = json.loads(as_json(judged(MORE, 50, 100)))
    assert line.keys() >= REQUIRED
    assert line["met"] is True
    assert "p99_ms" not in line
    assert "peer" not in line
    assert json.loads(as_json(judged(MORE, 50, 100, p99_ms=2)))["p99_ms"] == 2


@pytest.mark.parametrize("counter", [Orders(), LookUps()])
def test_facts_have_the_sizes_that_the_limits_were_measured_with(counter: Orders | LookUps) -> None:
    """439 bytes of body and 115 of metadata on average, and no source id twice."""
    facts = counter.facts(8_100)
    assert mean(len(fact.body) for fact in facts) == pytest.approx(BODY_BYTES_MEAN, abs=1)
    assert mean(len(fact.metadata) for fact in facts) == METADATA_BYTES_MEAN
    assert len({fact.source_id for fact in facts}) == len(facts)


def test_both_sides_write_the_same_bytes() -> None:
    """Row by row, the limit's table holds what the ledger holds."""
    for fact, row in zip(Orders().facts(9), Orders().rows(9), strict=True):
        assert (fact.stream_id, fact.type, fact.body, fact.metadata) == (row[1], row[3], row[4], row[5])


def test_a_batch_of_webhooks_has_one_order_a_line() -> None:
    """The load counts on through its requests: no order goes twice."""
    order = LoadOrder(path="/", api_key="k", requests=2, orders_a_request=3, customers=2, connections=1)
    bodies = [webhook(order, number).partition(b"\r\n\r\n")[2] for number in range(2)]
    numbers = [json.loads(line)["report"]["order_id"] for body in bodies for line in body.splitlines()]
    assert numbers == [f"{number:032x}" for number in range(6)]


async def test_a_small_run_of_append_measures_every_case() -> None:
    """Every case comes out with positive figures of both sides."""
    sizes = Sizes(single_facts=4, writer_facts=2, hot_facts=64, batch_facts=400, limit_facts=400, hashes=10)
    with EmbeddedPostgres.start(durable=False) as server:
        stand = Stand(server)
        await stand.prepare()
        measured = [one async for one in measure_append(stand, 1, sizes)]
    assert len({one.case for one in measured}) == len(measured) == 5
    assert all(one.ours > 0 and one.limit > 0 for one in measured)


def test_the_shares_of_a_profile_name_parts_and_make_a_whole() -> None:
    """A digest counts as SHA-256, one of our files by its path, and nothing is left out."""
    profile = cProfile.Profile()
    with profile:
        Orders().facts(500)
    told = shares(profile)
    assert {part for part, _ in told} >= {"SHA-256", "ops/bench/payload"}
    assert sum(share for _, share in told) == pytest.approx(1)


def test_the_processors_time_is_told_for_each_fact() -> None:
    """What is done here is counted here, and never longer than the clock went."""
    with clocked() as spent:
        Orders().facts(2_000)
    python_us, _ = spent.each(2_000)
    assert 0 < python_us <= spent.seconds / 2_000 * 1_000_000 * 1.05
