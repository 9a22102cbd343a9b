"""Reports in bulk: every line is taken like a webhook of its own, and answered on a line of its own."""

from collections.abc import AsyncIterator

import msgspec
import pytest

from eventstore.appender import Appender
from service.iseller.batch import LINES_MAX
from service.iseller.intake import Intake
from service.iseller.routes import BodyLimits
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


async def test_a_batch_of_mixed_kinds_is_one_commit(database_url: str) -> None:
    """However the kinds alternate, all lines go to the ledger with one call."""
    async with open_room(database_url) as room:
        commits: list[int] = []
        appender = Appender(room.pool, room.clock, on_batch=lambda results: commits.append(len(results)))
        intake = Intake(room.reader, appender, room.keyring, room.clock)
        lines = [
            line("order", as_body(order(order_id=f"batch-{number}")))
            if number % 2
            else line("payout", as_body(payout(reference_id=f"PO-{number}")))
            for number in range(LINES_MAX)
        ]
        async with open_door(room, intake=intake) as door:
            status, results = await post(door, b"\n".join(lines) + b"\n")
        assert status == 200
        assert [result["position"] for result in results] == list(range(1, LINES_MAX + 1))
        assert commits == [LINES_MAX]
        assert [fact.stream_id for fact in (await room.facts())[:2]] == ["payout-PO-0", "order-batch-1"]


async def test_lines_of_one_batch_may_contradict_each_other(door: Door) -> None:
    """The second report of a payout with another amount is an incident although both came together."""
    told, again = as_body(payout()), as_body(payout(total_deposit=1))
    _, results = await post(door, b"\n".join((line("payout", told), line("payout", again))))
    assert [result["outcome"] for result in results] == ["appended", "duplicate"]
    assert [fact.type for fact in await door.room.facts()] == ["PayoutReported", "IntegrityIncident"]


@pytest.mark.parametrize("body", [b"", b"\n\r\n  \n"], ids=["no bytes", "blank lines"])
async def test_an_empty_batch_is_refused(door: Door, body: bytes) -> None:
    """An export that came out empty is no success."""
    status, (problem,) = await post(door, body)
    assert (status, problem["title"]) == (422, "Unreadable")
    assert "holds no line" in str(problem["detail"])


async def test_a_line_over_the_limit_of_a_webhook_is_refused_alone(database_url: str) -> None:
    """A report that no webhook could bring is not taken in bulk either; the line beside it, at the limit, is."""
    longest = line("order", as_body(order(notes="y" * 400)))
    limits = BodyLimits(body_bytes_max=len(longest))
    async with open_room(database_url) as room, open_door(room, limits) as door:
        _, results = await post(door, longest.replace(b"yy", b"yyy", 1) + b"\n" + longest)
    assert [result["outcome"] for result in results] == ["refused", "appended"]
    assert results[0]["reason"] == f"the line is larger than {len(longest)} bytes"


async def test_lines_without_utf_8_or_without_end_are_refused_alone(door: Door) -> None:
    """Whatever bytes a line holds, its neighbours are taken."""
    body = b"\n".join((b'{"type": "order", "report": {"x": "\xff"}}', b"[" * 100_000, line("order", as_body(order()))))
    status, results = await post(door, body)
    assert status == 200
    assert [result["outcome"] for result in results][1:] == ["refused", "appended"]
    assert results[0]["outcome"] in ("refused", "unreadable")
