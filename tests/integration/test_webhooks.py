"""Webhooks over HTTP: what is taken, what is refused, and what is said."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from eventstore.appender import Appender, AppenderLimits
from eventstore.archive import archive_before
from eventstore.event import Appended, NewFact
from service.iseller.intake import Intake
from service.iseller.routes import BodyLimits, IntakeDependencies, Refusal, intake_routes
from service.iseller.verify import signature_of
from tests.integration.iseller_room import NOW, PERSONAL, STORE, Room, as_body, open_room, order, payout, thin_order

API_KEY = b"made-up-api-key"
TIMESTAMP = "2026-11-20T02:54:20.0476431Z"


class Answer(msgspec.Struct, frozen=True):
    """Status, headers that matter, and the JSON document."""

    status: int
    content_type: str
    retry_after: str | None
    document: dict[str, Any]


class Door:
    """The webhook route on a port, and what it did besides answering."""

    def __init__(self, room: Room, url: str, session: ClientSession) -> None:
        self.room = room
        self.url = url
        self.session = session
        self.woken: list[str] = []
        self.refused: list[Refusal] = []

    async def send(
        self,
        type_: str,
        body: bytes | AsyncIterator[bytes],
        *,
        store: str = STORE,
        timestamp: str | None = TIMESTAMP,
        signature: str | None = None,
    ) -> Answer:
        """Post a webhook, signed as iSeller signs it unless another signature is given ("" sends none)."""
        headers = {} if timestamp is None else {"Timestamp": timestamp}
        if signature is None and isinstance(body, bytes):
            signature = signature_of(API_KEY, body, timestamp or "")
        if signature:
            headers["Signature"] = signature
        async with self.session.post(f"{self.url}/iseller/{store}/{type_}", data=body, headers=headers) as answer:
            document = msgspec.json.decode(await answer.read(), type=dict[str, Any])
            return Answer(answer.status, answer.content_type, answer.headers.get("Retry-After"), document)


async def api_key_of(store_id: str) -> bytes | None:
    """Return the one connected store's key."""
    return API_KEY if store_id in {STORE, "without-ledger"} else None


@asynccontextmanager
async def open_door(room: Room, limits: BodyLimits | None = None, intake: Intake | None = None) -> AsyncIterator[Door]:
    """Serve the routes over a room."""
    async with ClientSession() as session:
        door = Door(room, "", session)
        dependencies = IntakeDependencies(
            intake=intake if intake is not None else room.intake,
            clock=room.clock,
            api_key_of=api_key_of,
            wake_poller=door.woken.append,
            body_limits=limits if limits is not None else BodyLimits(),
            on_refused=door.refused.append,
        )
        app = web.Application()
        app.router.add_routes(intake_routes(dependencies))
        async with TestServer(app) as server:
            door.url = str(server.make_url("")).rstrip("/")
            yield door


@pytest.fixture
async def room(database_url: str) -> AsyncIterator[Room]:
    """Give an intake on an empty ledger."""
    async with open_room(database_url) as opened:
        yield opened


@pytest.fixture
async def door(room: Room) -> AsyncIterator[Door]:
    """Give the route with its usual limits."""
    async with open_door(room) as opened:
        yield opened


async def test_a_signed_order_is_answered_with_its_position(door: Door) -> None:
    """200 comes after the commit: the fact is there, observed at the Timestamp, and the poller sleeps on."""
    answer = await door.send("order", as_body(order()))
    assert (answer.status, answer.document) == (200, {"position": 1, "outcome": "appended"})
    (fact,) = await door.room.facts()
    assert (fact.type, fact.observed_at) == ("OrderReported", NOW)
    metadata = msgspec.json.decode(fact.metadata)
    assert metadata == {"channel": "webhook", "timestamp": TIMESTAMP}
    assert door.woken == []


async def test_a_repeat_answers_the_original_position_and_wakes_the_poller(door: Door) -> None:
    """A retry and a content that came back look alike; the poller finds out which it was."""
    await door.send("payout", as_body(payout(reference_id="PO-0")))
    first = await door.send("order", as_body(order()))
    repeat = await door.send("order", as_body(order()), timestamp="2026-11-20T02:55:00.0000000Z")
    assert first.document == {"position": 2, "outcome": "appended"}
    assert (repeat.status, repeat.document) == (200, {"position": 2, "outcome": "duplicate"})
    assert door.woken == [STORE]


async def test_a_thin_order_wakes_the_poller(door: Door) -> None:
    """Its details can only be read."""
    assert (await door.send("order", as_body(thin_order()))).status == 200
    assert door.woken == [STORE]


@pytest.mark.parametrize(
    ("type_", "document", "fact_type"),
    [
        ("fulfillment", {"order_id": "o1", "fulfill_date": "2026-11-20T02:00:00"}, "FulfillmentReported"),
        ("refund", {"order_id": "o1", "refund_amount": 5}, "RefundReported"),
        ("member", {"customer_id": "c1", "first_name": "Sari"}, "MemberReported"),
        ("payout", payout(), "PayoutReported"),
    ],
)
async def test_every_type_of_webhook_is_a_report_of_its_kind(
    door: Door, type_: str, document: dict[str, object], fact_type: str
) -> None:
    """One URL a type, one kind of fact a type."""
    assert (await door.send(type_, as_body(document))).status == 200
    assert [fact.type for fact in await door.room.facts()] == [fact_type]


@pytest.mark.parametrize(
    ("timestamp", "signature", "cause"),
    [
        (TIMESTAMP, "0" * 64, "signature"),
        (TIMESTAMP, "", "signature"),
        (None, None, "signature"),
        ("2026-11-13T02:54:20.0000000Z", None, "stale"),
        ("2026-11-20T02:59:21.0000000Z", None, "future"),
    ],
)
async def test_what_is_not_signed_by_iseller_now_is_refused(
    door: Door, timestamp: str | None, signature: str | None, cause: Refusal
) -> None:
    """401 with a reason, and nothing is appended."""
    answer = await door.send("order", as_body(order()), timestamp=timestamp, signature=signature)
    assert (answer.status, answer.content_type) == (401, "application/problem+json")
    assert API_KEY.decode() not in str(answer.document)
    assert door.refused == [cause]
    assert await door.room.facts() == []


@pytest.mark.parametrize(
    ("store", "type_", "cause"),
    [
        ("somebody-else", "order", "unknown_store"),
        ("Kopi%20Nusantara", "order", "unknown_store"),
        ("without-ledger", "order", "unknown_store"),
        (STORE, "transfer", "unknown_type"),
        (STORE, "transaction", "unknown_type"),
    ],
)
async def test_an_unknown_store_or_type_is_not_found(door: Door, store: str, type_: str, cause: Refusal) -> None:
    """404, whether or not the rest would have been right."""
    answer = await door.send(type_, as_body(order()), store=store)
    assert (answer.status, answer.content_type) == (404, "application/problem+json")
    assert door.refused == [cause]


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 100):
        yield body[start : start + 100]


async def test_a_body_over_the_limit_is_refused_announced_or_not(room: Room) -> None:
    """The limit counts what arrives, so a chunked body cannot slip past it; one at the limit is taken."""
    body = as_body(order())
    async with open_door(room, BodyLimits(body_bytes_max=len(body) - 1)) as door:
        assert (await door.send("order", body)).status == 413
        assert (await door.send("order", _pieces(body), signature=signature_of(API_KEY, body, TIMESTAMP))).status == 413
        assert door.refused == ["too_large", "too_large"]
    async with open_door(room, BodyLimits(body_bytes_max=len(body))) as door:
        assert (await door.send("order", _pieces(body), signature=signature_of(API_KEY, body, TIMESTAMP))).status == 200


@pytest.mark.parametrize("type_", ["order", "batch"])
@pytest.mark.parametrize("body", [b"no gzip at all", gzip.compress(as_body(order()))])
async def test_an_encoded_body_is_refused_before_it_is_read(door: Door, type_: str, body: bytes) -> None:
    """415 whatever it holds: bad gzip is no fault of ours, and good gzip is not what was signed."""
    headers = {
        "Content-Encoding": "gzip",
        "Timestamp": TIMESTAMP,
        "Signature": signature_of(API_KEY, as_body(order()), TIMESTAMP),
    }
    async with door.session.post(f"{door.url}/iseller/{STORE}/{type_}", data=body, headers=headers) as answer:
        assert (answer.status, answer.content_type) == (415, "application/problem+json")
    assert door.refused == ["other"]
    assert await door.room.facts() == []


async def test_the_signature_is_not_kept(door: Door) -> None:
    """With the API key it would tell which guess at an erased person's values is right."""
    bodies = (as_body(order()), as_body(payout()), as_body(payout(total_deposit=5)), b"{")
    for type_, body in zip(("order", "payout", "payout", "order"), bodies, strict=True):
        await door.send(type_, body)
    facts = await door.room.facts()
    assert len(facts) == len(bodies)
    signatures = [signature_of(API_KEY, body, TIMESTAMP).encode() for body in bodies]
    assert not any(signature in fact.metadata + fact.body for fact in facts for signature in signatures)


async def test_a_body_that_does_not_arrive_is_given_up(room: Room) -> None:
    """A caller that stops in the middle holds no place for ever."""
    never = asyncio.Event()

    async def stuck() -> AsyncIterator[bytes]:
        yield b"{"
        await never.wait()

    async with open_door(room, BodyLimits(body_seconds_max=0.05)) as door:
        assert (await door.send("order", stuck(), signature="0")).status == 408


async def test_a_signed_body_that_cannot_be_read_is_kept_and_says_why(door: Door) -> None:
    """422 names field, reason and position; a repeat says the same, and no personal value is told."""
    body = as_body(order(total_amount="many"))
    first, again = await door.send("order", body), await door.send("order", body)
    assert first == again
    assert (first.status, first.content_type) == (422, "application/problem+json")
    assert (first.document["field"], first.document["position"]) == ("total_amount", 1)
    assert first.document["reason"] == "Invalid decimal string"
    assert [fact.type for fact in await door.room.facts()] == ["PayloadUnreadable"]


async def test_unsigned_bytes_are_never_kept(door: Door) -> None:
    """Only what iSeller signed may fill the ledger, readable or not."""
    assert (await door.send("order", b"\xff", signature="0" * 64)).status == 401
    assert await door.room.facts() == []


async def test_a_full_queue_asks_to_come_back(room: Room) -> None:
    """503 with Retry-After while facts wait; the one that waits is taken."""
    appender = Appender(room.pool, room.clock, AppenderLimits(queue_facts_max=1, retry_after_seconds=3))
    intake = Intake(room.reader, appender, room.keyring, room.clock)
    waiting = NewFact(
        stream_id="payout-0", type="PayoutReported", schema_version=1, source_id="0", observed_at=NOW, body=b"{}"
    )
    async with open_door(room, intake=intake) as door, room.pool.acquire() as blocker:
        async with blocker.transaction():
            await blocker.execute("SELECT 1 FROM ledger_head WHERE store_id = $1 FOR UPDATE", STORE)
            queued = asyncio.create_task(appender.append(STORE, [waiting]))
            refused = await door.send("payout", as_body(payout()))
        assert (refused.status, refused.retry_after) == (503, "3")
        assert await queued == [Appended(1, 1)]
        assert door.refused == ["queue_full"]


async def test_an_unreachable_database_acknowledges_nothing(door: Door) -> None:
    """503 with Retry-After: iSeller will send it again."""
    await door.room.pool.close()
    answer = await door.send("payout", as_body(payout()))
    assert (answer.status, answer.content_type, answer.retry_after) == (503, "application/problem+json", "2")


async def test_a_database_that_somebody_closed_acknowledges_nothing_until_it_is_open(
    door: Door, database_url: str
) -> None:
    """As for a restore or a move: 503 to come again, no error of ours, and then it is taken."""
    name = await door.room.pool.fetchval("SELECT current_database()")
    admin = await asyncpg.connect(database_url, database="postgres")
    await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
    answer = await door.send("payout", as_body(payout()))
    assert (answer.status, answer.content_type, answer.retry_after) == (503, "application/problem+json", "2")
    await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    await admin.close()
    assert (await door.send("payout", as_body(payout()))).status == 200


async def test_nothing_told_to_a_caller_or_stored_in_clear_is_personal(door: Door) -> None:
    """Answers and rows hold no name, phone, e-mail, address or note."""
    answers = [
        await door.send("order", as_body(order())),
        await door.send("order", as_body(order(status=["Sari"]))),
        await door.send("order", as_body(order())[:-9]),
    ]
    assert [answer.status for answer in answers] == [200, 422, 422]
    rows = b"".join(fact.body + fact.sealed + fact.metadata for fact in await door.room.facts())
    told = rows.decode("utf-8", "replace") + str(answers)
    assert [value for value in PERSONAL if value in told] == []


async def test_a_retry_may_carry_its_first_timestamp_for_days(door: Door) -> None:
    """Six days late it is still taken, observed when it was first sent."""
    door.room.clock.advance(timedelta(days=6))
    assert (await door.send("payout", as_body(payout()))).status == 200
    assert (await door.room.facts())[0].observed_at == NOW


async def test_a_repeat_of_an_archived_payout_is_a_duplicate_even_without_the_archives_folder(
    database_url: str, tmp_path: Path
) -> None:
    """Its key says so; only what it says cannot be compared, and that is logged."""
    async with open_room(database_url) as room, open_door(room) as door:
        body = as_body(payout())
        first = await door.send("payout", body)
        async with asyncpg.create_pool(database_url, min_size=1, max_size=2) as owner:
            assert await archive_before(owner, STORE, NOW + timedelta(days=9), tmp_path)
        again = await door.send("payout", body)
        assert (again.status, again.document["position"]) == (200, first.document["position"])
        assert again.document["outcome"] == "duplicate"
