"""What the quota's benchmark prints, and a small backlog booked in virtual time."""

import json
from pathlib import Path

import pytest

from ops.bench.quota import Case, at_quota, cases, fresh, line_as_json
from ops.bench.quota_backlog import Backlog, Booked, book
from ops.bench.quota_idle import Sold
from ops.virtual.clocks import DatabaseTime
from ops.virtual.loop import run

KEYS = {"case", "faults", "calls_per_document", "http_429", "duplicates"}
BOOKED = Booked(orders=5_000, documents=6_000, calls=60, minutes=2.5, http_429=0, duplicates=0, faults=0)


def test_a_line_of_the_quota_holds_its_keys_and_judges_its_goal() -> None:
    """Orders by the greater of the quota's minutes and those that passed; a 429 counts only where nothing is lost."""
    clean, lossy, *shown = cases(5_000)
    line = json.loads(line_as_json(at_quota(clean, BOOKED)))
    assert line.keys() >= {*KEYS, "orders_per_quota_minute"}
    assert (line["faults"], line["orders_per_quota_minute"], line["met"]) == (0, 2_000, True)
    slow = Booked(orders=5_000, documents=6_000, calls=120, minutes=2.5, http_429=1, duplicates=0, faults=6)
    judged = at_quota(lossy, slow)
    assert (judged.faults, judged.orders_per_quota_minute, judged.met) == (0.05, 1_250, True)
    assert not at_quota(Case("clean", Backlog(orders=5_000), 1_200), slow).met
    for case in shown:
        without = json.loads(line_as_json(at_quota(case, BOOKED)))
        assert without.keys() >= {*KEYS, "orders_per_minute"}
        assert "orders_per_quota_minute" not in without


@pytest.mark.parametrize(("duplicates", "is_met"), [(0, True), (1, False)])
def test_a_duplicate_misses_every_goal(duplicates: int, is_met: bool) -> None:
    """However fast it was."""
    booked = Booked(orders=5_000, documents=6_000, calls=60, minutes=2, http_429=0, duplicates=duplicates, faults=0)
    assert [at_quota(case, booked).met for case in cases(5_000)[:2]] == [is_met, is_met]


def test_a_fresh_sale_is_judged_by_jurnals_own_time_and_by_its_calls() -> None:
    """Twice that and 5 ms, for exactly one call."""
    line = json.loads(line_as_json(fresh(Sold(calls=1, p50_ms=10.9, p99_ms=40, own_p50_ms=3))))
    assert line.keys() == {"case", "calls", "p50_ms", "p99_ms", "own_p50_ms", "limit_ms", "met"}
    assert (line["limit_ms"], line["met"]) == (11, True)
    assert not fresh(Sold(calls=1, p50_ms=11, p99_ms=40, own_p50_ms=3)).met
    assert not fresh(Sold(calls=2, p50_ms=6, p99_ms=40, own_p50_ms=3)).met


def test_a_small_backlog_is_booked_at_few_calls_and_no_429(direct_database_url: str, tmp_path: Path) -> None:
    """Two hundred orders, forty of them split: three calls would do, and what is told comes from Jurnal's books.

    Nine more are the look of a process at Jurnal before its first send.
    """
    DatabaseTime.prepare(direct_database_url, "jurnalsync_clock")
    booked = run(book(direct_database_url, Backlog(orders=200), tmp_path))
    assert (booked.orders, booked.documents, booked.http_429, booked.duplicates) == (200, 240, 0, 0)
    assert 3 + 9 <= booked.calls <= 8 + 9
