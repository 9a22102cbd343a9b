"""What an answer tells of Jurnal's clock."""

from datetime import UTC, datetime, timedelta

import pytest

from service.jurnal.dated import asked_at, off_seconds, told_at
from service.jurnal.exchange import Response

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
TOLD = "Fri, 20 Nov 2026 12:00:00 GMT"


def dated(date: str | None, seconds: float = 0) -> Response:
    """Return an answer that took so long."""
    return Response(status=200, headers={} if date is None else {"date": date}, body=b"", seconds=seconds)


def test_the_date_is_when_it_answered_and_the_question_was_before() -> None:
    """What an answer knows it may have looked up as soon as it was asked."""
    assert told_at(dated(TOLD, 60)) == NOON
    assert asked_at(dated(TOLD, 60)) == NOON - timedelta(seconds=60)


@pytest.mark.parametrize("date", [None, "", "yesterday", "Fri, 20 Nov 2026 12:00:00", "Fri, 20 Nov 2026 25:00:00 GMT"])
def test_what_tells_no_instant_tells_nothing(date: str | None) -> None:
    """Something on the way may leave the header out or spoil it; without a zone it is no instant."""
    assert told_at(dated(date)) is None
    assert asked_at(dated(date)) is None
    assert off_seconds(dated(date), NOON) is None


@pytest.mark.parametrize(
    ("signed_before_seconds", "seconds", "off"), [(0, 0, 0), (1, 0.2, 0), (31, 30, 0), (61, 30, 30), (-200, 30, -200)]
)
def test_only_what_no_wait_explains_counts_as_off(signed_before_seconds: int, seconds: float, off: float) -> None:
    """A slow answer is no clock that is ahead."""
    assert off_seconds(dated(TOLD, seconds), NOON - timedelta(seconds=signed_before_seconds)) == off
