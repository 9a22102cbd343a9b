"""Payouts from a file and from webhooks: one fact each, whichever came first, and contradictions are told."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from service.payout_import import LineTaken, PayoutImport
from service.payout_report import read_payout_report
from tests.integration.command_line import environment, jurnalsync
from tests.integration.iseller_room import STORE, Room, open_room, payout
from tests.integration.store_file import write_store_file

__all__ = ["environment"]  # the fixture

HEADER = "Reference ID,Date,Status,Transactions Amount,Total Fees,Total Deposit"
ROW = "PO-1,2026-11-20,Completion,100000,700,99300"


@pytest.fixture
async def room(database_url: str) -> AsyncIterator[Room]:
    """Open an empty ledger."""
    async with open_room(database_url) as opened:
        yield opened


async def imported(room: Room, *rows: str, dry_run: bool = False) -> list[LineTaken]:
    """Import rows."""
    read = read_payout_report("\n".join([HEADER, *rows]), "plain", "Asia/Jakarta")
    assert read.wrong == ()
    return await PayoutImport(room.reader, room.intake, room.clock).take(STORE, read.payouts, dry_run=dry_run)


def outcomes(taken: list[LineTaken]) -> list[tuple[str, int | None]]:
    """Return what became of each line, and where it stands."""
    return [(line.outcome, line.position) for line in taken]


async def test_a_payout_of_a_file_and_of_a_webhook_is_one_fact_whichever_came_first(room: Room) -> None:
    """Whatever word either has for completed, and whatever else the webhook tells."""
    await room.take("payout", payout(status="Completed"))
    await room.take("payout", payout(reference_id="PO-2", status="SUCCESS"))
    assert outcomes(await imported(room, ROW, ROW.replace("PO-1", "PO-2"))) == [("known", 1), ("known", 2)]
    assert outcomes(await imported(room, ROW.replace("PO-1", "PO-3"))) == [("new", 3)]
    assert (await room.take("payout", payout(reference_id="PO-3", currency=None))).outcome == "duplicate"
    assert outcomes(await imported(room, ROW.replace("PO-1", "PO-3"))) == [("known", 3)]
    assert [fact.type for fact in await room.facts()] == ["PayoutReported"] * 3
    assert room.incidents == []


@pytest.mark.parametrize("status", ["completed", "Completion"])
async def test_other_amounts_than_were_told_are_an_incident_and_book_nothing(room: Room, status: str) -> None:
    """The line says which figure; imported again it says so again, and the incident stands once."""
    await room.take("payout", payout(status=status))
    for _ in range(2):
        (line,) = await imported(room, ROW.replace("700,99300", "800,99200"))
        assert (line.outcome, line.position) == ("contradicts", 1)
        assert line.detail == "total_fees was told as 700 before and is 800.0 here"
    assert [fact.type for fact in await room.facts()] == ["PayoutReported", "IntegrityIncident"]
    assert len(room.incidents) == 1


@pytest.mark.parametrize("first", ["webhook", "file"])
async def test_another_word_for_a_status_is_the_same_fact_and_other_amounts_under_it_are_an_incident(
    room: Room, first: str
) -> None:
    """Completed, Success and Completion are one status, and so are Failed and Failure, whichever tells it first."""
    if first == "webhook":
        await room.take("payout", payout(status="Completed"))
    else:
        assert outcomes(await imported(room, ROW)) == [("new", 1)]
    assert (await room.take("payout", payout(status="SUCCESS", currency=None))).outcome == "duplicate"
    assert room.incidents == []
    assert (await room.take("payout", payout(status="Success", total_fees=800, total_deposit=99_200))).position == 1
    assert [fact.type for fact in await room.facts()] == ["PayoutReported", "IntegrityIncident"]
    await room.take("payout", payout(status="Failed", reference_id="PO-2"))
    await room.take("payout", payout(status="failure", reference_id="PO-2", total_deposit=1))
    assert len(room.incidents) == 2


async def test_what_is_under_way_and_completed_later_are_two_facts(room: Room) -> None:
    """A status is told once; the next one is news."""
    under_way = ROW.replace("Completion", "In the process of depositing")
    assert outcomes(await imported(room, under_way)) == [("new", 1)]
    assert outcomes(await imported(room, ROW)) == [("new", 2)]
    assert outcomes(await imported(room, under_way)) == [("known", 1)]


async def test_a_dry_run_says_what_would_become_of_each_line_and_appends_nothing(room: Room) -> None:
    """New, known, and at odds with what was told."""
    await room.take("payout", payout())
    await room.take("payout", payout(reference_id="PO-2", total_fees=1))
    rows = (ROW, ROW.replace("PO-1", "PO-2"), ROW.replace("PO-1", "PO-3"))
    assert outcomes(await imported(room, *rows, dry_run=True)) == [
        ("known", None),
        ("contradicts", None),
        ("new", None),
    ]
    assert len(await room.facts()) == 2


async def test_the_command_takes_a_file_whole_or_not_at_all(environment: dict[str, str], tmp_path: Path) -> None:
    """Each mistake by line and column; a dry run first; a contradiction ends with exit code 1."""
    await jurnalsync("setup", "apply", str(write_store_file(tmp_path)), **environment)
    report = tmp_path / "payouts.csv"
    command = ("payouts", "import", str(report), "--store", STORE)
    report.write_text(f"{HEADER}\n{ROW}\nPO-2,20/11/2026,Completion,1.234,0,1\n")
    wrong = await jurnalsync(*command, **environment)
    assert wrong.code == 1
    assert f"{report}: line 3, Date: '20/11/2026' is no date of the plain spelling" in wrong.err
    assert f"{report}: line 3, Transactions Amount: '1.234' is no amount" in wrong.err
    assert "2 mistakes; nothing was taken" in wrong.err
    report.write_text(f"{HEADER}\n{ROW}\n")
    dry = await jurnalsync(*command, "--dry-run", **environment)
    assert (dry.code, dry.out.splitlines()) == (
        0,
        ["line 2: PO-1 is new", "1 would be new, 0 known already, 0 contradict"],
    )
    first, second = [await jurnalsync(*command, **environment) for _ in range(2)]
    assert first.out.splitlines()[-1] == "1 new, 0 known already, 0 contradict"
    assert second.out.splitlines()[-1] == "0 new, 1 known already, 0 contradict"
    report.write_text("Reference ID;Date;Status;Transactions Amount;Total Fees;Total Deposit\n"
                      "PO-1;20/11/2026;Completion;100.000,00;800,00;99.200,00\n")  # fmt: skip
    other = await jurnalsync(*command, "--dialect", "indonesian", **environment)
    assert other.code == 1
    assert "PO-1 contradicts what is known" in other.out
