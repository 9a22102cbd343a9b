"""iSeller's payout report read strictly in the spelling that is said, and every mistake told by line and column."""

from decimal import Decimal

import msgspec
import pytest

from service.payout_report import Dialect, ReadReport, StatusWords, read_payout_report

HEADER = "Reference ID,Date,Status,Transactions Amount,Total Fees,Total Deposit"
ROW = "PO-1,2026-11-20,Completion,100000,1500,98500"


def read(text: str, dialect: Dialect = "plain") -> ReadReport:
    """Read a report of a store in Jakarta."""
    return read_payout_report(text, dialect, "Asia/Jakarta")


def with_cell(column: str, value: str, dialect: Dialect = "plain") -> ReadReport:
    """Read a report of one payout with another value in one column."""
    cells = dict(zip(HEADER.split(","), ROW.split(","), strict=True))
    if dialect == "indonesian":
        cells["Date"] = "20/11/2026"
    cells[column] = value
    return read(";".join(cells) + "\n" + ";".join(cells.values()), dialect)


def test_a_payout_is_told_as_its_webhook_tells_it() -> None:
    """The webhook's word for the status; a date without a time is noon of the store, in UTC."""
    (payout,) = read(f"{HEADER}\n{ROW}\n").payouts
    assert msgspec.json.decode(payout.body) == {
        "reference_id": "PO-1",
        "date": "2026-11-20T05:00:00",
        "status": "completed",
        "transactions_amount": "100000.0",
        "total_fees": "1500.0",
        "total_deposit": "98500.0",
    }


@pytest.mark.parametrize(
    ("dialect", "text", "amount"),
    [
        ("plain", "1234567.5", "1234567.5"),
        ("plain", "1,234,567.00", "1234567"),
        ("plain", "1,234", "1234"),
        ("plain", "-43000", "-43000"),
        ("plain", "Rp 1,500", "1500"),
        ("indonesian", "1.234.567,00", "1234567"),
        ("indonesian", "1.234", "1234"),
        ("indonesian", "1234567", "1234567"),
        ("indonesian", "-Rp1.500,5", "-1500.5"),
    ],
)
def test_an_amount_is_read_in_the_spelling_that_is_said(dialect: Dialect, text: str, amount: str) -> None:
    """The same characters are another amount in the other spelling, so nothing is guessed."""
    (payout,) = with_cell("Total Fees", text, dialect).payouts
    assert payout.report.total_fees == Decimal(amount)


@pytest.mark.parametrize(
    ("dialect", "text"),
    [
        ("plain", "1.234"),
        ("plain", "1.234.567,00"),
        ("plain", "1,23"),
        ("plain", "12,34,567"),
        ("plain", "1234,567"),
        ("plain", "1e5"),
        ("plain", ""),
        ("plain", "NaN"),
        ("plain", "١٢٣"),
        ("indonesian", "1,234"),
        ("indonesian", "1,234,567.00"),
        ("indonesian", "1.23"),
        ("indonesian", "1234.567"),
        ("indonesian", "1.234,567"),
        ("indonesian", "--5"),
    ],
)
def test_an_amount_of_the_other_spelling_is_refused(dialect: Dialect, text: str) -> None:
    """A thousand taken for one rupiah would be booked."""
    (wrong,) = with_cell("Total Fees", text, dialect).wrong
    assert (wrong.line, wrong.column) == (2, "Total Fees")
    assert f"no amount of the {dialect} spelling" in wrong.problem


@pytest.mark.parametrize(
    ("dialect", "text", "utc"),
    [
        ("plain", "2026-11-20 23:30", "2026-11-20T16:30:00"),
        ("plain", "2026-11-20T01:30:05", "2026-11-19T18:30:05"),
        ("indonesian", "1/2/2026", "2026-02-01T05:00:00"),
        ("indonesian", "31/12/2026 23.30", "2026-12-31T16:30:00"),
        ("indonesian", "31/12/2026 23:30:15", "2026-12-31T16:30:15"),
    ],
)
def test_a_date_is_the_stores_own_in_the_spelling_that_is_said(dialect: Dialect, text: str, utc: str) -> None:
    """The day stands before the month in Indonesian."""
    (payout,) = with_cell("Date", text, dialect).payouts
    assert payout.report.date == utc


@pytest.mark.parametrize(
    ("dialect", "text"),
    [
        ("plain", "01/02/2026"),
        ("plain", "2026-02-30"),
        ("plain", "20-11-2026"),
        ("plain", "2026-11-20 25:00"),
        ("plain", ""),
        ("indonesian", "2026-11-20"),
        ("indonesian", "12/31/2026"),
        ("indonesian", "1/2/26"),
    ],
)
def test_a_date_of_the_other_spelling_is_refused(dialect: Dialect, text: str) -> None:
    """1 February and 2 January are written alike."""
    (wrong,) = with_cell("Date", text, dialect).wrong
    assert (wrong.line, wrong.column) == (2, "Date")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", [(1, "")]),
        ("\n", [(1, "")]),
        (ROW, [(1, column) for column in HEADER.split(",")]),
        (HEADER.replace("Total Fees", "Fees") + "\n" + ROW, [(1, "Total Fees")]),
        (f"{HEADER},total deposit\n{ROW},1", [(1, "Total Deposit")]),
        (f"{HEADER}\n{ROW},extra", [(2, "")]),
        (f"{HEADER}\nPO-1,2026-11-20", [(2, "")]),
        (f"{HEADER}\n{ROW}\n\n{ROW}", [(4, "Reference ID")]),
        (f"{HEADER}\n,2026-11-20,Completion,1,1,0", [(2, "Reference ID")]),
        (f"{HEADER}\n{'x' * 201},2026-11-20,Completion,1,1,0", [(2, "Reference ID")]),
        (f"{HEADER}\nPO-1,2026-11-20,Paid,1,1,0", [(2, "Status")]),
        (
            f"{HEADER}\nPO-1,never,Paid,one,two,three\n{ROW}\nPO-2,2026-11-20,Failure,0,0,-",
            [(2, "Date"), (2, "Status"), (2, "Transactions Amount"), (2, "Total Fees"), (2, "Total Deposit"),
             (4, "Total Deposit")],
        ),
    ],
)  # fmt: skip
def test_every_mistake_of_a_file_is_told_and_nothing_of_it_is_taken(text: str, wrong: list[tuple[int, str]]) -> None:
    """All at once, by line and column: a file is mended in one go and taken whole."""
    found = read(text)
    assert [(each.line, each.column) for each in found.wrong] == wrong
    assert found.payouts == ()


def test_a_spreadsheets_own_ways_are_understood() -> None:
    """A byte order mark, semicolons, quotes, other columns, another case and empty lines."""
    text = (
        "\ufeffNo;REFERENCE id;Date;Status;Transactions  Amount;Total Fees;Total Deposit;Bank\r\n"
        '1;"PO;1";20/11/2026;Failure;"1.000,00";0;"1.000,00";BCA\r\n;;;;;;;\r\n'
    )
    (payout,) = read(text, "indonesian").payouts
    assert (payout.line, payout.report.reference_id, payout.report.status) == (2, "PO;1", "failed")
    assert payout.report.total_deposit == 1_000


def test_a_file_has_a_limit() -> None:
    """What is longer is split."""
    text = "\n".join([HEADER, *(f"PO-{number}{ROW[4:]}" for number in range(10_001))])
    (wrong,) = read(text).wrong
    assert "split it" in wrong.problem


@pytest.mark.parametrize(
    ("word", "status"),
    [("Selesai", "completed"), ("GAGAL", "failed"), ("Menunggu Konfirmasi", "waiting for confirmation")],
)
def test_an_indonesian_report_has_indonesian_words_for_a_status(word: str, status: str) -> None:
    """They are taken in that spelling only: a plain report has none of them."""
    (payout,) = with_cell("Status", word, "indonesian").payouts
    assert payout.report.status == status
    (wrong,) = with_cell("Status", word).wrong
    assert "--completed-word, --failed-word or --waiting-word names it" in wrong.problem


def test_a_word_that_is_not_known_can_be_named() -> None:
    """ISeller's own words are not documented: who has the report knows them."""
    text = f"{HEADER}\n{ROW.replace('Completion', 'Telah Cair')}\n"
    (payout,) = read_payout_report(text, "plain", "Asia/Jakarta", StatusWords(completed=("telah cair",))).payouts
    assert payout.report.status == "completed"
