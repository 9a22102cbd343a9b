"""The dates a report covers, and the dates the books are closed for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from ops.sandbox.jurnal.errors import Refusal, invalid
from ops.sandbox.jurnal.settings import SandboxSettings
from ops.sandbox.jurnal.shapes import day, read_day

CLOSED = "is before the last closing of the books"


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


def closed_books(settings: SandboxSettings, of_document: date) -> Refusal | None:
    """Return the refusal of a document dated in closed books; None when they are open on that date."""
    closing = settings.last_closing_date
    if closing is None or of_document > closing:
        return None
    if of_document == closing and not settings.closing_date_included:
        return None
    refusal = invalid({"transaction_date": CLOSED})
    return Refusal(settings.closed_books_status, refusal.body, refusal.row)
