"""The dates a report covers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from ops.sandbox.jurnal.shapes import day, read_day


@dataclass(frozen=True, slots=True)
class Period:
    """The dates of a report, both included."""

    first: date
    last: date

    @property
    def label(self) -> str:
        """Return the dates as a header shows them."""
        return f"{day(self.first)} - {day(self.last)}"


def read_period(query: Mapping[str, str], today: date) -> Period:
    """Read start_date and end_date; both default to today."""
    last = read_day(query.get("end_date", "")) or today
    return Period(read_day(query.get("start_date", "")) or min(today, last), last)
