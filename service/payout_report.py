"""iSeller's payout report as a file: CSV in one of two spellings, each read strictly. Pure.

Which spelling a file has is said, never guessed: 1.234 is over a thousand in one, and hardly more than 1 in the other.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from eventstore.facts.reports.payouts import COMPLETED, FAILED, PayoutReport

Dialect = Literal["plain", "indonesian"]
LINES_MAX = 10_000
_COLUMNS = ("Reference ID", "Date", "Status", "Transactions Amount", "Total Fees", "Total Deposit")
_AMOUNTS = _COLUMNS[3:]
_REFERENCE_CHARACTERS_MAX = 200
# One word a meaning, the webhook's: file and webhook of one payout are then one fact.
_WAITING = {
    "waiting for confirmation": "waiting for confirmation",
    "waiting": "waiting for confirmation",
    "in the process of depositing": "in the process of depositing",
    "processing": "in the process of depositing",
}
_ENGLISH = {**dict.fromkeys(COMPLETED, "completed"), **dict.fromkeys(FAILED, "failed"), **_WAITING}
# What iSeller's Indonesian report says is not documented: the likely words, and `StatusWords` for the others.
_INDONESIAN = {
    **dict.fromkeys(("selesai", "berhasil", "sukses"), "completed"),
    **dict.fromkeys(("gagal", "kegagalan"), "failed"),
    **dict.fromkeys(("menunggu", "menunggu konfirmasi"), "waiting for confirmation"),
    **dict.fromkeys(("diproses", "dalam proses", "dalam proses deposit"), "in the process of depositing"),
}
_STATUSES: Mapping[Dialect, Mapping[str, str]] = {"plain": _ENGLISH, "indonesian": {**_ENGLISH, **_INDONESIAN}}
_NUMBERS: Mapping[Dialect, re.Pattern[str]] = {
    "plain": re.compile(r"(-?)(?:Rp ?)?(\d+|\d{1,3}(?:,\d{3})+)(?:\.(\d{1,2}))?", re.ASCII),
    "indonesian": re.compile(r"(-?)(?:Rp ?)?(\d+|\d{1,3}(?:\.\d{3})+)(?:,(\d{1,2}))?", re.ASCII),
}
_DATES: Mapping[Dialect, re.Pattern[str]] = {
    "plain": re.compile(
        r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})(?:[T ](?P<time>\d{2}:\d{2}(?::\d{2})?))?", re.ASCII
    ),
    "indonesian": re.compile(
        r"(?P<day>\d{1,2})/(?P<month>\d{1,2})/(?P<year>\d{4})(?: (?P<time>\d{1,2}[:.]\d{2}(?:[:.]\d{2})?))?", re.ASCII
    ),
}
_LOOKS: Mapping[Dialect, tuple[str, str]] = {
    "plain": ("1234567.00 or 1,234,567.00", "2026-12-31, with or without 23:59:59"),
    "indonesian": ("1.234.567,00 or 1234567", "31/12/2026, with or without 23:59"),
}


class StatusWords(msgspec.Struct, frozen=True):
    """Words for a status that the person who has the report knows, in any letter case."""

    completed: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()

    def beside(self, known: Mapping[str, str]) -> dict[str, str]:
        """Return what each word means, with those that are known anyhow."""
        meanings = {"completed": self.completed, "failed": self.failed, "waiting for confirmation": self.waiting}
        told = {word.strip().lower(): meaning for meaning, words in meanings.items() for word in words}
        return {**known, **told}


class Wrong(msgspec.Struct, frozen=True):
    """What cannot be taken; lines count from 1, the header is the first. `column` is empty for a whole line."""

    line: int
    column: str
    problem: str

    def __str__(self) -> str:
        place = f"line {self.line}, {self.column}" if self.column else f"line {self.line}"
        return f"{place}: {self.problem}"


class ReportedLine(msgspec.Struct, frozen=True):
    """One payout as a webhook would tell it, and the line it stands in."""

    line: int
    report: PayoutReport

    @property
    def body(self) -> bytes:
        """The report as a webhook's body; what the file does not tell is left out."""
        fields = msgspec.structs.asdict(self.report)
        told = {
            name: f"{value:f}" if isinstance(value, Decimal) else value
            for name, value in fields.items()
            if value is not None
        }
        return msgspec.json.encode(told, order="deterministic")


class ReadReport(msgspec.Struct, frozen=True):
    """The payouts of a file, or all that is wrong with it: a file is taken whole or not at all."""

    payouts: tuple[ReportedLine, ...] = ()
    wrong: tuple[Wrong, ...] = ()


def read_payout_report(
    text: str,
    dialect: Dialect,
    time_zone: str,
    words: StatusWords = StatusWords(),  # noqa: B008 - it is frozen
) -> ReadReport:
    """Read a file whose dates stand in the store's time zone; a date without a time is noon there."""
    statuses = words.beside(_STATUSES[dialect])
    text = text.removeprefix("\ufeff")
    header = text.split("\n", 1)[0]
    delimiter = next((mark for mark in (";", "\t") if mark in header), ",")
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=False))
    if not rows or not any(cell.strip() for cell in rows[0]):
        return ReadReport(wrong=(Wrong(1, "", f"there is no header; it names {', '.join(_COLUMNS)}"),))
    places, wrong = _places(rows[0])
    if wrong:
        return ReadReport(wrong=tuple(wrong))
    if len(rows) - 1 > LINES_MAX:
        return ReadReport(wrong=(Wrong(LINES_MAX + 2, "", f"a file may have {LINES_MAX} lines; split it"),))
    payouts: list[ReportedLine] = []
    first_told: dict[str, int] = {}
    for number, row in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(rows[0]):
            wrong.append(Wrong(number, "", f"has {len(row)} columns, the header {len(rows[0])}"))
            continue
        cells = {column: row[place].strip() for column, place in places.items()}
        report, found = _payout(cells, number, dialect, ZoneInfo(time_zone), statuses)
        wrong += found
        if report is None:
            continue
        earlier = first_told.setdefault(report.reference_id, number)
        if earlier != number:
            wrong.append(Wrong(number, "Reference ID", f"{report.reference_id} stands in line {earlier} already"))
        payouts.append(ReportedLine(number, report))
    return ReadReport(wrong=tuple(wrong)) if wrong else ReadReport(payouts=tuple(payouts))


def _places(header: Sequence[str]) -> tuple[dict[str, int], list[Wrong]]:
    """Return where each column stands; other columns do not matter."""
    told = [" ".join(cell.split()).lower() for cell in header]
    wrong = [
        Wrong(1, column, "the header does not name this column" if told.count(column.lower()) == 0 else "stands twice")
        for column in _COLUMNS
        if told.count(column.lower()) != 1
    ]
    return ({} if wrong else {column: told.index(column.lower()) for column in _COLUMNS}), wrong


def _payout(
    cells: Mapping[str, str], line: int, dialect: Dialect, zone: ZoneInfo, statuses: Mapping[str, str]
) -> tuple[PayoutReport | None, list[Wrong]]:
    wrong: list[Wrong] = []
    number_looks, date_looks = _LOOKS[dialect]
    reference = cells["Reference ID"]
    if not reference or len(reference) > _REFERENCE_CHARACTERS_MAX or not reference.isprintable():
        wrong.append(Wrong(line, "Reference ID", f"must have 1 to {_REFERENCE_CHARACTERS_MAX} characters"))
    at = _moment(cells["Date"], dialect, zone)
    if at is None:
        wrong.append(Wrong(line, "Date", f"{cells['Date']!r} is no date of the {dialect} spelling: {date_looks}"))
    status = statuses.get(cells["Status"].lower())
    if status is None:
        known = f"is none of {', '.join(sorted(statuses))}; --completed-word, --failed-word or --waiting-word names it"
        wrong.append(Wrong(line, "Status", f"{cells['Status']!r} {known}"))
    amounts = {column: _amount(cells[column], dialect) for column in _AMOUNTS}
    wrong += [
        Wrong(line, column, f"{cells[column]!r} is no amount of the {dialect} spelling: {number_looks}")
        for column, amount in amounts.items()
        if amount is None
    ]
    if wrong:
        return None, wrong
    transactions, fees, deposit = amounts.values()
    assert at is not None
    return PayoutReport(
        reference_id=reference,
        date=f"{at:%Y-%m-%dT%H:%M:%S}",
        status=status,
        transactions_amount=transactions,
        total_fees=fees,
        total_deposit=deposit,
    ), []


def _amount(text: str, dialect: Dialect) -> Decimal | None:
    match = _NUMBERS[dialect].fullmatch(text)
    if match is None:
        return None
    sign, whole, hundredths = match.groups()
    digits = whole.replace(",", "").replace(".", "")
    return Decimal(f"{sign}{digits}.{hundredths or '0'}")


def _moment(text: str, dialect: Dialect, zone: ZoneInfo) -> datetime | None:
    match = _DATES[dialect].fullmatch(text)
    if match is None:
        return None
    try:
        day = date(int(match["year"]), int(match["month"]), int(match["day"]))
        clock = time(12) if match["time"] is None else _clock(match["time"])
    except ValueError:
        return None
    return datetime.combine(day, clock, tzinfo=zone).astimezone(UTC)


def _clock(text: str) -> time:
    hour, minute, second = [*(int(part) for part in re.split("[:.]", text)), 0][:3]
    return time(hour, minute, second)
