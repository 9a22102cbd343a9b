"""A table is read in whatever room a terminal has, and what is copied out of it stays whole."""

import pytest
from rich.text import Text

from service.cli.shown import new_table, show_table

RECORD = "transfer-e535a4c3-fd89-497c-ac18-29602ac07ec5"
SENTENCE = "Jurnal has no account Bank [BCA]. Make it there under this name, or map another; it goes by itself then"
CELLS = ("Failed", RECORD, "TO-0005", "Kelapa Gading Branch", "2026-11-24", "370,069")


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Let what is printed take itself for written on a terminal."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return monkeypatch


def shown(columns: int, terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return what a terminal of so many columns shows of two rows, without colours."""
    terminal.setenv("COLUMNS", str(columns))
    table = new_table("Status", "Record", "Reference", "Outlet", "Date", "Rp", "What happened and what to do")
    table.add_row(*map(Text, (*CELLS, SENTENCE)))
    table.add_row(*map(Text, ("Success", "payout-1", "PO-1", "", "", "", "It is in Jurnal")))
    show_table(table)
    return [Text.from_ansi(line).plain.rstrip() for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("columns", [60, 80, 100, 120, 150, 240])
def test_in_a_terminal_no_id_is_broken_and_no_line_too_long(
    columns: int, terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The id of a record is what the next command is given: it is copied in one piece, at night too."""
    lines = shown(columns, terminal, capsys)
    assert max(map(len, lines)) <= columns
    for cell in CELLS:
        assert any(cell in line for line in lines), cell
    told = " ".join(lines).split()
    assert set(SENTENCE.split()) <= set(told)


def test_in_eighty_columns_a_row_breaks_between_its_cells_and_its_sentence_stands_below(
    terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An amount says what it is of, since it stands below no title any more."""
    assert shown(80, terminal, capsys) == [
        "Status  Record  Reference  Outlet  Date  Rp",
        "    What happened and what to do",
        "Failed  transfer-e535a4c3-fd89-497c-ac18-29602ac07ec5  TO-0005",
        "  Kelapa Gading Branch  2026-11-24  Rp 370,069",
        "    Jurnal has no account Bank [BCA]. Make it there under this name, or map",
        "    another; it goes by itself then",
        "Success  payout-1  PO-1",
        "    It is in Jurnal",
    ]


def test_in_a_hundred_and_twenty_columns_cells_stand_below_their_titles(
    terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the cells have room and the sentence has not, it is the sentence that moves."""
    assert shown(120, terminal, capsys)[:5] == [
        "Status   Record                                         Reference  Outlet                Date             Rp",
        "    What happened and what to do",
        "Failed   transfer-e535a4c3-fd89-497c-ac18-29602ac07ec5  TO-0005    Kelapa Gading Branch  2026-11-24  370,069",
        "    Jurnal has no account Bank [BCA]. Make it there under this name, or map another; it goes by itself then",
        "Success  payout-1                                       PO-1",
    ]
