"""However the events come in and whatever is killed, the books end the same."""

import pytest

from tests.acceptance.demonstration import Ended, assert_right, run_demo

pytestmark = pytest.mark.acceptance


def test_a_plain_run_ends_with_every_figure_as_generated(plain_run: Ended) -> None:
    """Balances, profit and loss, invoices and stock are the generator's to the rupiah."""
    assert_right(plain_run)
    report = plain_run.report
    assert set(report["in_transit"].values()) == {"0"}
    assert report["in_transit"] == report["jurnal_in_transit"]
    assert {"Open", "Paid"} <= {status for status, count in report["invoices"].items() if count}
    assert report["payouts"] == report["jurnal_documents"]["bank_deposit"] > 0
    assert report["facts_appended"] > report["orders"]
    assert report["jurnal_calls"] >= sum(
        count for kind, count in report["jurnal_documents"].items() if kind in ("sales_invoice", "warehouse_transfer")
    )


def test_nothing_is_sent_before_live_mode_and_it_cannot_be_switched_off(plain_run: Ended) -> None:
    """A sale before Live Mode is Skipped and never reaches Jurnal; taking the switch back is refused."""
    assert plain_run.report["live_mode"] == {"writes_before": 0, "switch_off_status": 405}
    assert "sale #0999 before Live Mode: Skipped, 0 documents sent" in plain_run.progress
    assert plain_run.report["jurnal_documents"]["sales_invoice"] == plain_run.report["orders"]


def test_thin_webhooks_end_with_the_same_books(plain_run: Ended) -> None:
    """What a webhook leaves out is read from iSeller: the same sales, to the rupiah."""
    thin = run_demo("--body", "thin")
    assert_right(thin)
    assert thin.books == plain_run.books


def test_a_service_killed_in_the_middle_ends_with_the_same_books(plain_run: Ended) -> None:
    """SIGKILL between Jurnal's commit and its answer loses nothing and makes nothing twice."""
    killed = run_demo("--kill-service-once")
    assert_right(killed)
    assert "is killed (SIGKILL), before Jurnal's answer to a document reached it" in killed.progress
    assert killed.books == plain_run.books


@pytest.mark.parametrize("seed", ["4", "5", "33"])
def test_everything_ends_with_the_books_as_generated(seed: str) -> None:
    """Three shops of twenty orders, each with settings of its own: every process, webhooks out of order and twice.

    Together they have each setting both ways; twenty seeds of 500 orders are run by hand (`ops/decisions`, 0022).
    """
    ended = run_demo("--everything", "--seed", seed)
    assert_right(ended)
    report = ended.report
    assert report["in_transit"] == report["jurnal_in_transit"]
    assert any(count != "0" for count in report["in_transit"].values())
    assert report["profit_and_loss"]["Waste Goods Expense"] == report["expected_profit_and_loss"]["Waste Goods Expense"]
    assert report["balances"]["goods_received"] == report["expected_balances"]["goods_received"] != "0"
    failures = report["intended_failures"]
    assert failures["expected"] == failures["seen"] != {}


@pytest.mark.soak
def test_everything_told_thin_with_the_service_killed_and_jurnal_away_ends_with_its_books() -> None:
    """Twenty orders: thin webhooks, SIGKILL in the middle, and a Jurnal that answers 503 before and after its work."""
    ended = run_demo("--everything", "--seed", "21", "--body", "thin", "--kill-service-once", "--jurnal-outage")
    assert_right(ended)
    assert "is killed (SIGKILL)" in ended.progress
    assert "Jurnal was away: " in ended.progress


def test_lost_webhooks_and_an_outage_end_with_the_same_books(plain_run: Ended) -> None:
    """A tenth of the webhooks never comes and the service is away for two hours of the day; polling mends it."""
    lossy = run_demo("--lose-webhooks", "0.1", "--outage")
    assert_right(lossy)
    assert lossy.report["webhooks_lost"] > 0
    assert "the service is back" in lossy.progress
    assert lossy.books == plain_run.books


def test_five_pieces_stand_in_transit_after_a_transfer_started() -> None:
    """Both our projection and Jurnal's warehouse hold them; the source has 5 less, the destination no more."""
    stopped = run_demo("--stop-after-transfer-start")
    assert (stopped.code, stopped.report["problems"]) == (0, [])
    report = stopped.report
    (sku,) = report["in_transit"]
    assert report["in_transit"] == report["jurnal_in_transit"] == {sku: "5"}
    assert report["stock_source_change"] == {sku: "-5"}
    assert report["stock_destination_change"] == {sku: "0"}


@pytest.mark.parametrize("seed", ["1", "20261120"])
def test_another_seed_makes_other_days_and_books_that_are_right(seed: str, plain_run: Ended) -> None:
    """What is expected comes from the events alone, whatever they are."""
    other = run_demo("--seed", seed)
    assert_right(other)
    assert other.report["balances"] != plain_run.report["balances"]


def test_the_older_postgres_ends_with_the_same_books(plain_run: Ended) -> None:
    """Postgres 16 does as well as 18."""
    older = run_demo("--postgres", "16")
    assert_right(older)
    assert "Postgres 16" in older.progress
    assert older.books == plain_run.books
