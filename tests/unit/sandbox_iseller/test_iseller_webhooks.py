"""Webhooks of the sandbox iSeller."""

import asyncio
from collections import Counter
from hashlib import sha256
from itertools import pairwise

import pytest

from ops.sandbox.iseller.webhooks import signature
from ops.sandbox.traffic import Traffic, apply
from ops.sandbox.traffic_events import (
    MemberChanged,
    OrderCompleted,
    OrderFulfilled,
    OrderPaid,
    PayoutCompleted,
    PayoutFailed,
    PayoutWaiting,
)
from tests.unit.sandbox_iseller.stand import API_KEY, standing, traffic

THIN_KEYS = {
    "order_id",
    "order_reference",
    "channel",
    "status",
    "payment_status",
    "fulfillment_status",
    "cancel_reason",
}


def test_a_signature_is_the_documented_plain_hash() -> None:
    """Uppercase hex SHA-256 of key, raw body and Timestamp, in that order."""
    known = sha256(b'key{"a":1}2026-11-20T02:54:20.0476436Z').hexdigest().upper()
    assert signature("key", b'{"a":1}', "2026-11-20T02:54:20.0476436Z") == known


async def test_every_webhook_is_signed_and_named_by_its_type() -> None:
    """Path, content type and signature are right for every type that the traffic has."""
    async with standing() as stand:
        stand.play(traffic())
        await stand.deliver_all()
        assert {received.type for received in stand.service.received} == {"order", "fulfillment", "member", "payout"}
        for received in stand.service.received:
            signed = API_KEY.encode() + received.body + received.timestamp.encode()
            assert received.signature == sha256(signed).hexdigest().upper()
            assert received.path == f"/iseller/kopi-nusantara/{received.type}"
            assert received.content_type == "application/json"
            assert len(received.timestamp) == len("2026-11-20T02:54:20.0476436Z")


async def test_each_happening_is_one_webhook() -> None:
    """Orders and payments, fulfilments, members and payouts are told once each; transfers and shifts never."""
    async with standing() as stand:
        shown = traffic()
        stand.play(shown)
        await stand.deliver_all()
        assert Counter(received.type for received in stand.service.received) == {
            "order": _count(shown, OrderCompleted, OrderPaid),
            "fulfillment": _count(shown, OrderFulfilled),
            "member": _count(shown, MemberChanged),
            "payout": _count(shown, PayoutWaiting, PayoutCompleted, PayoutFailed),
        }


@pytest.mark.parametrize("status", [201, 401, 422, 500, 503])
async def test_a_retry_repeats_timestamp_signature_and_body(status: int) -> None:
    """Anything but 200 is tried again after the first delay, byte for byte the same."""
    async with standing(retry_delays_seconds=(5, 10)) as stand:
        apply(next(event for event in traffic().events if isinstance(event, OrderCompleted)), stand.shop)
        stand.service.status = status
        assert (await stand.sandbox.deliver_due(stand.session)).refused == 1
        stand.service.status = 200
        stand.clock.advance(4.9)
        assert (await stand.sandbox.deliver_due(stand.session)).taken == 0
        stand.clock.advance(0.1)
        assert (await stand.sandbox.deliver_due(stand.session)).taken == 1
        first, second = stand.service.received
        assert first == second


async def test_no_answer_is_tried_again_at_the_url_of_then() -> None:
    """A service that is down loses nothing, and may come back elsewhere."""
    async with standing() as stand:
        stand.play(traffic(orders=2))
        good_url = stand.sandbox.settings.service_url
        stand.sandbox.settings.service_url = "http://127.0.0.1:9"
        delivered = await stand.sandbox.deliver_due(stand.session)
        assert delivered.taken == 0
        assert delivered.unanswered > 0
        stand.sandbox.settings.service_url = good_url
        stand.clock.advance(7200)
        await stand.deliver_all()
        assert sum(received.type == "order" for received in stand.service.received) >= 2


async def test_a_webhook_is_given_up_when_its_time_is_over() -> None:
    """Retries end after retry_seconds_max."""
    async with standing(retry_delays_seconds=(60,), retry_seconds_max=100) as stand:
        apply(next(event for event in traffic().events if isinstance(event, OrderCompleted)), stand.shop)
        stand.service.status = 500
        assert (await stand.sandbox.deliver_due(stand.session)).given_up == 0
        stand.clock.advance(60)
        delivered = await stand.sandbox.deliver_due(stand.session)
        assert (delivered.given_up, delivered.pending) == (1, 0)


async def test_a_thin_body_has_only_the_confirmed_keys() -> None:
    """Thin order webhooks name the order and its statuses, nothing else; the other types stay whole."""
    async with standing(body="thin") as stand:
        stand.play(traffic())
        await stand.deliver_all()
        for received in stand.service.received:
            assert (received.document.keys() == THIN_KEYS) == (received.type == "order")


async def test_web_orders_are_online_in_webhooks_and_web_in_reads() -> None:
    """The two names of one channel are both shown, each where iSeller uses it."""
    async with standing() as stand:
        stand.play(traffic(orders=60))
        await stand.deliver_all()
        told = {
            order["channel"]
            for order in (received.document for received in stand.service.received)
            if "channel" in order
        }
        assert told == {"pos", "online"}
        assert {order["channel"] for order in (await stand.orders())["orders"]} == {"pos", "web"}


async def test_webhooks_of_one_object_arrive_in_order_even_when_the_first_is_refused() -> None:
    """A later state never overtakes an earlier one unless shuffled."""
    async with standing() as stand:
        events = traffic().events
        paid = next(event for event in events if isinstance(event, OrderPaid))
        completed = next(
            event for event in events if isinstance(event, OrderCompleted) and event.order.order_id == paid.order_id
        )
        apply(completed, stand.shop)
        stand.service.status = 500
        await stand.sandbox.deliver_due(stand.session)
        apply(paid, stand.shop)
        stand.service.status = 200
        assert (await stand.sandbox.deliver_due(stand.session)).taken == 0
        await stand.deliver_all()
        payments = [len(received.document["transactions"]) for received in stand.service.received]
        assert payments == sorted(payments)
        assert payments[-1] == payments[0] + 1


async def test_shuffled_webhooks_arrive_all_the_same_but_out_of_order() -> None:
    """The switch lets later states overtake earlier ones, and loses none."""
    async with standing(shuffle=True) as stand:
        shown = traffic()
        stand.play(shown)
        await stand.deliver_all()
        orders = [received.document for received in stand.service.received if received.type == "order"]
        assert len(orders) == _count(shown, OrderCompleted, OrderPaid)
        assert any(
            later["order_id"] == earlier["order_id"] and len(later["transactions"]) < len(earlier["transactions"])
            for index, earlier in enumerate(orders)
            for later in orders[index + 1 :]
        )


async def test_duplicates_are_the_same_bytes_twice() -> None:
    """With a duplicate share of 1 every webhook comes twice, signature and all."""
    async with standing(duplicate_share=1) as stand:
        stand.play(traffic(orders=5))
        await stand.deliver_all()
        assert set(Counter((r.type, r.body, r.signature) for r in stand.service.received).values()) == {2}


async def test_lost_webhooks_never_come_and_others_all_do() -> None:
    """A share of one type is lost for good, the same ones for the same seed; other types are whole."""
    runs = []
    for _ in range(2):
        async with standing(lose_share={"order": 0.3}, seed=3) as stand:
            shown = traffic()
            stand.play(shown)
            await stand.deliver_all()
            told = Counter(received.type for received in stand.service.received)
            assert 0 < told["order"] < _count(shown, OrderCompleted, OrderPaid)
            assert told["fulfillment"] == _count(shown, OrderFulfilled)
            assert told["order"] + len(stand.sandbox.outbox.lost) == _count(shown, OrderCompleted, OrderPaid)
            runs.append(stand.sandbox.outbox.lost)
    assert runs[0] == runs[1]


async def test_a_first_try_that_is_lost_comes_with_the_retry() -> None:
    """Payouts lost until the retry carry the first try's Timestamp and are all there in the end."""
    async with standing(lose_until_retry={"payout": 1, "member": 1}, retry_delays_seconds=(30,)) as stand:
        shown = traffic()
        stand.play(shown)
        first_try = stand.clock()
        delivered = await stand.sandbox.deliver_due(stand.session)
        assert delivered.lost > 0
        assert not {"payout", "member"} & {received.type for received in stand.service.received}
        stand.clock.advance(30)
        await stand.deliver_all()
        payouts = [received for received in stand.service.received if received.type == "payout"]
        assert len(payouts) == _count(shown, PayoutWaiting, PayoutCompleted, PayoutFailed)
        assert payouts[0].timestamp == f"{first_try:%Y-%m-%dT%H:%M:%S.%f}0Z"


async def test_a_step_is_bounded() -> None:
    """One step tries no more than its batch; the rest stays pending."""
    async with standing(batch_webhooks_max=8) as stand:
        stand.play(traffic())
        told = [(await stand.sandbox.deliver_due(stand.session)) for _ in range(3)]
        assert [delivered.taken for delivered in told] == [8, 8, 8]
        assert all(later.pending == earlier.pending - 8 for earlier, later in pairwise(told))


async def test_the_delivery_loop_ends_when_told() -> None:
    """The loop delivers everything there is, then stops by its event."""
    async with standing() as stand:
        stand.play(traffic(orders=5))
        stand.service.awaited = stand.sandbox.outbox.pending
        stop = asyncio.Event()
        loop = asyncio.create_task(stand.sandbox.run_delivery(stand.session, stop))
        async with asyncio.timeout(10):
            await stand.service.arrived.wait()
            stop.set()
            await loop
        assert stand.sandbox.outbox.pending == 0


def _count(shown: Traffic, *types: type) -> int:
    return sum(isinstance(event, types) for event in shown.events)
