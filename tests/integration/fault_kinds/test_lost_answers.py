"""Jurnal has booked it, or will, and nobody heard so: it is looked up, stands once, and the list says what happens."""

import pytest

from ops.sandbox.jurnal import FaultKind
from ops.sandbox.jurnal.faults import Spans
from tests.integration.fault_kinds.telling import (
    BEING_SENT,
    BOOKED,
    IMPATIENT_SECONDS,
    IN_ITS_TURN,
    Case,
    Told,
    not_known,
)

LOST_THEN_FOUND = ["due", "sending", "unknown", "done"]
BROKEN = "the connection broke before the answer was whole (ServerDisconnectedError)"
NO_ANSWER = "no answer within the deadline"
NOT_JSON = "Jurnal answered 201, but the answer is not JSON"


async def _lost_then_found(case: Case, why: str, status: int | None, *, deadline_seconds: float | None = None) -> None:
    """Book the sale; see that it was sent once, found by a look-up, and told all the way."""
    await case.run(case.process(deadline_seconds=deadline_seconds))
    assert case.lines == [IN_ITS_TURN, BEING_SENT, not_known(why), BOOKED]
    assert case.states == LOST_THEN_FOUND
    assert await case.told() == [Told("Unanswered", 1, status, why), Told("Accepted", 1, 200, "probe")]
    await case.stands_once()


async def test_timeout_after_commit_is_found_by_a_look_up(case: Case) -> None:
    """Booked, then silence until the connection closes: given up at the deadline, found, sent once."""
    case.plan(FaultKind.TIMEOUT_AFTER_COMMIT)
    await _lost_then_found(case, NO_ANSWER, None, deadline_seconds=IMPATIENT_SECONDS)


async def test_slow_answer_past_the_deadline_is_not_waited_for(case: Case) -> None:
    """The answer is right and comes when nobody listens any more."""
    case.plan(FaultKind.SLOW_ANSWER)
    await _lost_then_found(case, NO_ANSWER, None, deadline_seconds=IMPATIENT_SECONDS)


async def test_reset_after_commit_is_found_by_a_look_up(case: Case) -> None:
    """Booked, then the connection breaks."""
    case.plan(FaultKind.RESET_AFTER_COMMIT)
    await _lost_then_found(case, BROKEN, None)


async def test_bad_gateway_after_commit_is_found_by_a_look_up(case: Case) -> None:
    """Booked, then a 502 of somebody on the way."""
    case.plan(FaultKind.BAD_GATEWAY_AFTER_COMMIT)
    await _lost_then_found(case, _unclear(502), 502)


async def test_gateway_timeout_after_commit_is_found_by_a_look_up(case: Case) -> None:
    """Booked, then a 504 of somebody on the way."""
    case.plan(FaultKind.GATEWAY_TIMEOUT_AFTER_COMMIT)
    await _lost_then_found(case, _unclear(504), 504)


def _unclear(status: int) -> str:
    return f"Jurnal answered {status}: An unexpected error occurred"


async def test_body_truncated_with_a_good_status_is_looked_up(case: Case) -> None:
    """201 and half a body: what stands in Jurnal is read before it counts."""
    case.plan(FaultKind.BODY_TRUNCATED)
    await _lost_then_found(case, NOT_JSON, 201)


async def test_body_not_json_with_a_good_status_is_looked_up(case: Case) -> None:
    """201 and a page of a gateway."""
    case.plan(FaultKind.BODY_NOT_JSON)
    await _lost_then_found(case, NOT_JSON, 201)


@pytest.mark.parametrize("late_seconds", [5, 25, 200, 299])
async def test_late_request_that_is_booked_unseen_stands_once(case: Case, late_seconds: float) -> None:
    """It comes when its caller has long gone, and is found while it is waited for."""
    case.plan(FaultKind.LATE_REQUEST, spans=Spans(late=(late_seconds, late_seconds)))
    await case.run(case.process())
    assert case.lines[:4] == [IN_ITS_TURN, BEING_SENT, not_known(BROKEN), not_known("Not found yet")]
    assert case.lines[-1] == BOOKED
    answers = await case.told()
    assert answers[1:] == [Told("Accepted", 1, 200, "probe")]
    await case.stands_once()


async def test_late_request_that_is_older_than_jurnals_skew_books_nothing(case: Case) -> None:
    """Jurnal refuses its Date when it arrives at last; the one sent in its place stands alone."""
    case.plan(FaultKind.LATE_REQUEST, spans=Spans(late=(301, 301)))
    await case.run(case.process())
    assert case.states == ["due", "sending", "unknown", "due", "sending", "done"]
    await case.stands_once()
