"""Reports in bulk: every line is taken like a webhook of its own, and answered on a line of its own."""

from collections.abc import AsyncIterator

import msgspec
import pytest

from service.iseller.batch import LINES_MAX
from service.iseller.verify import signature_of
from tests.integration.iseller_room import STORE, as_body, open_room, order, payout
from tests.integration.test_webhooks import API_KEY, TIMESTAMP, Door, open_door


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    """Serve the intake routes over a fresh ledger."""
    async with open_room(database_url) as room, open_door(room) as opened:
        yield opened


async def post(door: Door, body: bytes) -> tuple[int, list[dict[str, object]]]:
    """Post a signed batch; returns the status and the answer's lines."""
    headers = {"Timestamp": TIMESTAMP, "Signature": signature_of(API_KEY, body, TIMESTAMP)}
    async with door.session.post(f"{door.url}/iseller/{STORE}/batch", data=body, headers=headers) as answer:
        text = await answer.read()
        return answer.status, [msgspec.json.decode(line) for line in text.splitlines()]


def line(type_: str, report: bytes) -> bytes:
    """Return one line of a batch."""
    return b'{"type": "%s", "report": %s}' % (type_.encode(), report)


async def test_a_batch_is_taken_line_by_line(door: Door) -> None:
    """Kinds may be mixed; results stand in the order of the lines, each with its position."""
    body = b"\n".join(
        (
            line("order", as_body(order(order_id="batch-1"))),
            line("payout", as_body(payout())),
            line("order", as_body(order(order_id="batch-2"))),
        )
    )
    status, results = await post(door, body)
    assert status == 200
    assert [(result["line"], result["outcome"], result["position"]) for result in results] == [
        (1, "appended", 1),
        (2, "appended", 2),
        (3, "appended", 3),
    ]


async def test_a_line_that_a_webhook_told_before_is_a_duplicate(door: Door) -> None:
    """Filling a ledger from an export never makes a second fact of what is known."""
    await door.send("order", as_body(order()))
    body = b"\n".join((line("order", as_body(order())), line("order", as_body(order()))))
    _, results = await post(door, body)
    assert [(result["outcome"], result["position"]) for result in results] == [("duplicate", 1), ("duplicate", 1)]


async def test_one_bad_line_spoils_no_other(door: Door) -> None:
    """A line that names no report is refused, one that cannot be read is kept sealed; the others are appended."""
    body = b"\n".join(
        (
            b"no JSON at all",
            line("horoscope", b"{}"),
            line("order", b'{"order_id": 7, "order_id": 8}'),
            line("order", as_body(order())),
        )
    )
    status, results = await post(door, body)
    assert status == 200
    assert [result["outcome"] for result in results] == ["refused", "refused", "unreadable", "appended"]
    assert [fact.type for fact in await door.room.facts()] == ["PayloadUnreadable", "OrderReported"]


async def test_a_batch_over_its_limit_takes_nothing(door: Door) -> None:
    """One line too many refuses the whole batch before anything is appended."""
    status, _ = await post(door, b"\n".join([line("order", as_body(order()))] * (LINES_MAX + 1)))
    assert status == 413
    assert await door.room.facts() == []


async def test_the_exact_bytes_of_a_line_are_kept(door: Door) -> None:
    """What stands between the braces of `report`, white space included, comes back when it is unsealed."""
    report = as_body(order(notes="two  spaces")).replace(b'"order_id":', b'"order_id" :  ')
    await post(door, line("order", report))
    (fact,) = await door.room.facts()
    assert await door.room.unsealed(fact) == report
