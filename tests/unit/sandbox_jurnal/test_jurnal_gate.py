"""The gateway: signatures, the date fence, digests, quotas and faults."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import ClientError, web

from ops.sandbox.jurnal import FaultPlan, signing
from ops.sandbox.jurnal.quota import Quota
from tests.unit.sandbox_jurnal.shop import CLIENT, SETTINGS, Clock, Shop, opened, settings

QUOTA = settings(consumers=(replace(CLIENT, limit_minute=30, limit_hour=1_800),))


def test_the_signature_matches_the_published_vector() -> None:
    """The signing string is the date line, a line feed and the request line with its query."""
    signed = signing.signature(
        "YOUR_MEKARI_API_CLIENT_SECRET",
        "Wed, 10 Nov 2021 07:24:29 GMT",
        "POST",
        "/v2/klikpajak/v1/efaktur/out?auto_approval=false",
    )
    assert signed == "6+Ah/UTmbqd+DDqlh6zYZ0HuCwVhtElYDOoucRPCaFg="


def test_the_digest_matches_the_published_vector() -> None:
    """The digest is taken over the raw bytes of the body."""
    assert signing.digest(b'{"hello": "world"}') == "SHA-256=X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE="


async def test_a_wrong_secret_is_unauthorized() -> None:
    """A signature made with another secret answers 401 with the documented body."""
    async with opened() as shop:
        shop.consumer = replace(CLIENT, client_secret="salah")
        reply = await shop.call("GET", "accounts")
    assert (reply.status, reply.body) == (401, {"message": "Unauthorized"})


async def test_the_signature_covers_the_query() -> None:
    """A request whose query was changed after signing answers 401."""
    async with opened() as shop:
        good = await shop.call("GET", "accounts", query={"page": "1"})
        sent = {"Authorization": signing.authorization(CLIENT.client_id, "AAAA")}
        bad = await shop.call("GET", "accounts", query={"page": "1"}, headers=sent)
    assert (good.status, bad.status) == (200, 401)


@pytest.mark.parametrize(("seconds", "status"), [(-300, 200), (-301, 401), (300, 200), (301, 401)])
async def test_a_date_more_than_300_seconds_off_is_refused(seconds: int, status: int) -> None:
    """The signed Date may lie 300 seconds from the gateway's clock, either way, and not one more."""
    async with opened() as shop:
        reply = await shop.call("GET", "accounts", signed_at=shop.clock() + timedelta(seconds=seconds))
    assert reply.status == status


async def test_the_skew_is_a_setting() -> None:
    """A shorter fence refuses sooner."""
    async with opened(settings(date_skew_seconds_max=5)) as shop:
        reply = await shop.call("GET", "accounts", signed_at=shop.clock() - timedelta(seconds=6))
    assert reply.status == 401


@pytest.mark.parametrize(("refused", "status"), [(True, 401), (False, 201)])
async def test_a_digest_that_does_not_match_is_refused_when_so_set(*, refused: bool, status: int) -> None:
    """An absent Digest passes; a wrong one is refused unless the switch is off."""
    async with opened(settings(digest_mismatch_refused=refused)) as shop:
        body = {"tag": {"name": "Kasir"}}
        wrong = await shop.call("POST", "tags", body, headers={"Digest": "SHA-256=AAAA"})
        absent = await shop.call("POST", "tags", {"tag": {"name": "Lain"}})
    assert (wrong.status, absent.status) == (status, 201)


async def test_the_call_over_the_minute_limit_is_refused_until_the_minute_rolls() -> None:
    """Reads and writes share 30 calls a clock minute; the 31st answers 429 without Retry-After."""
    async with opened(QUOTA, Clock(datetime(2026, 3, 10, 3, 0, 59, tzinfo=UTC))) as shop:
        replies = [await shop.call("GET", "tags") for _ in range(29)]
        replies.append(await shop.call("POST", "tags", {"tag": {"name": "Kasir"}}))
        over = await shop.call("GET", "tags")
        shop.clock.advance(seconds=1)
        later = await shop.call("GET", "tags")
    assert {reply.status for reply in replies} == {200, 201}
    assert (over.status, over.body) == (429, {"message": "API rate limit exceeded"})
    assert over.headers["x-ratelimit-limit-minute"] == "30"
    assert over.headers["x-ratelimit-remaining-minute"] == "0"
    assert over.headers["x-ratelimit-limit-hour"] == "1800"
    assert "Retry-After" not in over.headers
    assert later.status == 200


async def test_consumers_have_quotas_of_their_own() -> None:
    """One consumer's empty quota leaves another's alone, as long as the address has room."""
    other = replace(CLIENT, client_id="lain", limit_minute=1)
    async with opened(settings(consumers=(replace(CLIENT, limit_minute=1), other))) as shop:
        first, second = await shop.call("GET", "tags"), await shop.call("GET", "tags")
        shop.consumer = other
        third = await shop.call("GET", "tags")
    assert [first.status, second.status, third.status] == [200, 429, 200]


async def test_the_address_limit_counts_all_consumers_together() -> None:
    """Two consumers behind one address share the address's limit."""
    other = replace(CLIENT, client_id="lain")
    async with opened(settings(consumers=(CLIENT, other), address_limit_minute=2)) as shop:
        first = await shop.call("GET", "tags")
        shop.consumer = other
        second, third = await shop.call("GET", "tags"), await shop.call("GET", "tags")
    assert [first.status, second.status, third.status] == [200, 200, 429]


def test_the_hour_limit_holds_over_many_minutes() -> None:
    """A quota of 3 an hour is used up across minutes and returns with the clock hour."""
    quota, start = Quota(2, 3), datetime(2026, 3, 10, 3, 57, tzinfo=UTC)
    admitted = []
    for minute in range(4):
        now = start + timedelta(minutes=minute)
        for _ in range(2):
            admitted.append(quota.admits(now))
            if admitted[-1]:
                quota.count(now)
    assert admitted == [True, True, True, False, False, False, True, True]


async def test_a_sliding_minute_is_full_until_its_own_calls_are_a_minute_old() -> None:
    """A clock minute that begins does not help: two calls late in one leave no room early in the next."""
    limited = settings(consumers=(replace(CLIENT, limit_minute=2),), quota_windows="sliding")
    async with opened(limited, Clock(datetime(2026, 3, 10, 3, 0, 50, tzinfo=UTC))) as shop:
        seen = []
        for wait in (0, 5, 10, 44, 1, 1, 4):
            shop.clock.advance(seconds=wait)
            reply = await shop.call("GET", "tags")
            seen.append((reply.status, reply.headers["x-ratelimit-remaining-minute"]))
    assert seen == [(200, "1"), (200, "0"), (429, "0"), (429, "0"), (200, "0"), (429, "0"), (200, "0")]


async def test_what_is_left_is_told_unless_so_set() -> None:
    """Nobody promised the headers: without them a 429 is all there is to see."""
    async with opened(settings(consumers=(replace(CLIENT, limit_minute=1),), quota_told=False)) as shop:
        replies = [await shop.call("GET", "tags") for _ in range(2)]
    assert [reply.status for reply in replies] == [200, 429]
    assert not [name for reply in replies for name in reply.headers if name.lower().startswith("x-ratelimit")]


async def test_calls_are_counted_per_route() -> None:
    """Calls are counted per consumer, method and route template, also those the quota refuses."""
    async with opened(settings(consumers=(replace(CLIENT, limit_minute=1),))) as shop:
        await shop.call("GET", "accounts/1")
        await shop.call("GET", "accounts/2")
        assert shop.sandbox.calls == {("toko", "GET", "/public/jurnal/api/v1/accounts/{id}"): 2}
        assert shop.sandbox.gate.quota_refusals == 1


async def test_a_body_without_its_wrapper_is_not_acceptable() -> None:
    """The attributes stand under the resource's name, or the answer is 406."""
    async with opened() as shop:
        reply = await shop.call("POST", "tags", {"name": "Kasir"})
    assert reply.status == 406


async def test_an_unknown_path_is_not_found() -> None:
    """A path that no route has answers 404 with a JSON message."""
    async with opened() as shop:
        reply = await shop.call("GET", "sales_moons")
    assert (reply.status, set(reply.body)) == (404, {"message"})


async def _after_fault(shop: Shop, plan: FaultPlan) -> int | None:
    """Post a tag under a fault; return the status seen, None when the connection broke."""

    def once(request: web.Request) -> FaultPlan | None:
        return plan if request.method == "POST" else None

    shop.sandbox.gate.fault = once
    try:
        return (await shop.call("POST", "tags", {"tag": {"name": "Kasir"}})).status
    except ClientError:
        return None


@pytest.mark.parametrize(
    ("plan", "status", "made"),
    [
        (FaultPlan(close_after_commit=True), None, 1),
        (FaultPlan(status_after_commit=502), 502, 1),
        (FaultPlan(status_before_commit=429), 429, 0),
        (FaultPlan(status_before_commit=503), 503, 0),
        (FaultPlan(delay_before_commit_seconds=0.001, delay_after_commit_seconds=0.001), 201, 1),
    ],
)
async def test_a_fault_loses_the_answer_or_the_work_as_planned(plan: FaultPlan, status: int | None, made: int) -> None:
    """A fault after the commit hides what happened; one before it leaves nothing behind."""
    async with opened(SETTINGS) as shop:
        assert await _after_fault(shop, plan) == status
        assert len(shop.sandbox.company.tags) == made
