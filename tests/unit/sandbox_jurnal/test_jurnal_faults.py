"""Every kind of fault: what the caller sees, what Jurnal keeps, and that it is counted; time is virtual throughout."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import ClientError, web

from ops.sandbox.jurnal import Arrival, FaultKind, FaultPlan, SeededFaults
from tests.unit.sandbox_jurnal.shop import CLIENT, Reply, Shop, opened, settings
from tests.unit.sandbox_jurnal.virtual_time import settle, timed

ONE_REQUEST = list(FaultKind)[: list(FaultKind).index(FaultKind.KEY_RACE)]
DEPOSITS = "bank_deposits/batch_create"


def plan(shop: Shop, course: FaultPlan, method: str = "POST") -> None:
    """Let one request go as planned."""
    left = [course]

    def once(request: web.Request) -> FaultPlan | None:
        return left.pop() if left and request.method == method else None

    shop.sandbox.gate.fault = once


def invoices(shop: Shop) -> int:
    """Count the invoices."""
    return len(shop.sandbox.company.sales_invoices)


async def sell(shop: Shop, **fields: object) -> Reply:
    """Send one invoice."""
    return await shop.call("POST", "sales_invoices", {"sales_invoice": shop.invoice(**fields)})


def deposits(count: int) -> dict[str, object]:
    """Return a batch of bank deposits."""
    line = {"account_name": "Other Income", "credit": 5}
    fields = {
        "transaction_date": "2026-03-09",
        "deposit_to_name": "Cash",
        "transaction_account_lines_attributes": [line],
    }
    rows = [{"bank_deposit": fields | {"custom_id": f"bd-{number}"}} for number in range(count)]
    return {"bank_deposits": rows}


async def lost(sending: Awaitable[Reply]) -> bool:
    """Tell whether the connection broke before an answer."""
    try:
        await asyncio.wait_for(sending, 5)
    except (ClientError, json.JSONDecodeError):
        return True
    return False


async def test_a_timeout_after_the_commit_says_nothing_for_as_long_as_anybody_waits() -> None:
    """The invoice is there at once, the caller hears nothing for the whole silence, then the connection closes."""
    async with timed() as (shop, time):
        course = FaultPlan(delay_after_commit_seconds=600, close_after_commit=True, kind=FaultKind.TIMEOUT_AFTER_COMMIT)
        plan(shop, course)
        sending = asyncio.create_task(sell(shop))
        await settle()
        await time.advance(599)
        assert (invoices(shop), sending.done()) == (1, False)
        await time.advance(1)
        assert await lost(sending)
        assert shop.sandbox.injected == {FaultKind.TIMEOUT_AFTER_COMMIT: 1}


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (FaultKind.RESET_AFTER_COMMIT, None),
        (FaultKind.BAD_GATEWAY_AFTER_COMMIT, 502),
        (FaultKind.GATEWAY_TIMEOUT_AFTER_COMMIT, 504),
    ],
)
async def test_an_answer_lost_after_the_commit_leaves_the_document(kind: FaultKind, status: int | None) -> None:
    """A reset, a 502 and a 504 all hide an invoice that is there."""
    async with timed() as (shop, _):
        shop.sandbox.inject(SeededFaults(1, {kind: 1}))
        sending = sell(shop)
        if status is None:
            assert await lost(sending)
        else:
            assert (await sending).status == status
        assert invoices(shop) == 1
        assert shop.sandbox.injected == {kind: 1}


async def test_a_slow_answer_comes_when_nobody_waits_for_it_any_more() -> None:
    """It is right, and later than any deadline of 90 seconds."""
    async with timed() as (shop, time):
        shop.sandbox.inject(SeededFaults(1, {FaultKind.SLOW_ANSWER: 1}))
        sending = asyncio.create_task(sell(shop))
        await settle()
        await time.advance(90)
        assert (invoices(shop), sending.done()) == (1, False)
        await time.advance(40)
        assert (await sending).status == 201


@pytest.mark.parametrize(("late", "made"), [(299, 1), (301, 0)])
async def test_a_late_request_lost_its_caller_and_dies_at_the_date_fence_or_is_booked(late: float, made: int) -> None:
    """The caller sees a reset at once; what arrives within the fence is booked unseen, later it is refused."""
    async with timed() as (shop, time):
        shop.sandbox.gate.on_the_way = lambda request: (
            Arrival(late_seconds=late, kind=FaultKind.LATE_REQUEST) if request.method == "POST" else None
        )
        assert await lost(sell(shop))
        await time.advance(late - 1)
        assert invoices(shop) == 0
        await time.advance(1)
        await shop.sandbox.finished()
        assert invoices(shop) == made
        assert shop.sandbox.injected == {FaultKind.LATE_REQUEST: 1}


async def test_a_clock_that_is_off_answers_401_and_books_nothing() -> None:
    """A skew of more than the fence, either way; a skew within it passes and is no fault."""
    async with timed() as (shop, _):
        shop.sandbox.inject(SeededFaults(3, {FaultKind.CLOCK_SKEW: 1}))
        reply = await sell(shop)
        assert (reply.status, reply.body, invoices(shop)) == (401, {"message": "Unauthorized"}, 0)
        assert shop.sandbox.injected == {FaultKind.CLOCK_SKEW: 1}
        shop.sandbox.gate.on_the_way = lambda _request: Arrival(clock_off_seconds=-299)
        assert (await sell(shop)).status == 201
        shop.sandbox.gate.on_the_way = lambda _request: None
        shop.sandbox.change_settings(clock_off_seconds=400)
        assert (await sell(shop)).status == 401


async def test_the_minute_limit_answers_429_without_saying_when_to_come_back() -> None:
    """The gateway's own words, no Retry-After, and nothing is booked."""
    async with timed() as (shop, _):
        shop.sandbox.inject(SeededFaults(1, {FaultKind.MINUTE_LIMIT: 1}))
        reply = await sell(shop)
        assert (reply.status, reply.body) == (429, {"message": "API rate limit exceeded"})
        assert "Retry-After" not in reply.headers
        assert (invoices(shop), shop.sandbox.injected) == (0, {FaultKind.MINUTE_LIMIT: 1})


async def test_a_spent_package_is_a_429_of_its_own() -> None:
    """As a fault and as a limit of the calendar month; the next month is open again."""
    text = {"message": "Monthly limit exceeded. Please wait until next month or upgrade your package."}
    async with timed() as (shop, _):
        shop.sandbox.inject(SeededFaults(1, {FaultKind.MONTH_LIMIT: 1}))
        reply = await sell(shop)
        assert (reply.status, reply.body, invoices(shop)) == (429, text, 0)
        assert shop.sandbox.injected == {FaultKind.MONTH_LIMIT: 1}
    async with opened(settings(consumers=(replace(CLIENT, limit_month=2),))) as shop:
        replies = [await shop.call("GET", "tags") for _ in range(3)]
        shop.clock.advance(days=22)
        replies.append(await shop.call("GET", "tags"))
    assert [reply.status for reply in replies] == [200, 200, 429, 200]
    assert replies[2].body == text


async def test_a_custom_id_that_is_taken_by_the_document_itself() -> None:
    """The request came twice: the caller gets the second answer, 409 with the id of what the first one made."""
    async with timed() as (shop, _):
        shop.sandbox.inject(SeededFaults(1, {FaultKind.CUSTOM_ID_TAKEN: 1}))
        reply = await sell(shop, custom_id="inv-1")
        (made,) = shop.sandbox.company.sales_invoices
        assert (reply.status, reply.body["id"]) == (409, made.id)
        assert reply.body["custom_id"] == "(Custom id attribute had already been used.)"
        assert shop.sandbox.injected == {FaultKind.CUSTOM_ID_TAKEN: 1}


async def test_a_number_that_is_taken_by_another_document() -> None:
    """409 for the number alone, with the id of a foreign document; nothing is booked."""
    async with timed() as (shop, _):
        foreign = await shop.sell(transaction_no="N-1")
        shop.sandbox.inject(SeededFaults(1, {FaultKind.NUMBER_TAKEN: 1}))
        reply = await sell(shop, custom_id="inv-1", transaction_no="N-2")
        assert (reply.status, reply.body["id"], "custom_id" in reply.body) == (409, foreign["id"], False)
        assert (invoices(shop), shop.sandbox.injected) == (1, {FaultKind.NUMBER_TAKEN: 1})


@pytest.mark.parametrize(("usual", "other", "key"), [(422, 404, "Record not found"), (404, 422, "Data not found.")])
async def test_a_missing_record_may_answer_the_other_way(usual: Any, other: Any, key: str) -> None:
    """Both statuses mean absent; the body is that of the status."""
    async with timed(missing_answer=usual) as (shop, _):
        plan(shop, FaultPlan(absent_status=other, kind=FaultKind.OTHER_ABSENT), "GET")
        first, second = [await shop.call("GET", "sales_invoices/inv-1") for _ in range(2)]
        assert (first.status, first.body) == (other, {"errors": key})
        assert second.status == usual
        assert shop.sandbox.injected == {FaultKind.OTHER_ABSENT: 1}


async def test_fields_are_dropped_without_a_word() -> None:
    """The answer is 201 and the document lacks them; a request that has none of them has no fault."""
    async with timed() as (shop, _):
        plan(shop, FaultPlan(fields_dropped=frozenset({"custom_id", "memo"}), kind=FaultKind.FIELDS_DROPPED))
        reply = await sell(shop, custom_id="inv-1", memo="inv-1", reference_no="A")
        shown = reply.body["sales_invoice"]
        assert (reply.status, shown["custom_id"], shown["memo"], shown["reference_no"]) == (201, None, None, "A")
        plan(shop, FaultPlan(fields_dropped=frozenset({"custom_id"}), kind=FaultKind.FIELDS_DROPPED))
        await sell(shop)
        assert shop.sandbox.injected == {FaultKind.FIELDS_DROPPED: 1}


@pytest.mark.parametrize("kind", [FaultKind.BODY_TRUNCATED, FaultKind.BODY_NOT_JSON])
async def test_a_body_that_cannot_be_read_comes_with_a_good_status(kind: FaultKind) -> None:
    """The document is there, the status says so, and the body is no JSON."""
    async with timed() as (shop, _):
        shop.sandbox.inject(SeededFaults(1, {kind: 1}))
        with pytest.raises(json.JSONDecodeError):
            await sell(shop)
        assert (invoices(shop), shop.sandbox.injected) == (1, {kind: 1})


async def test_one_row_of_a_batch_is_refused_inside_a_good_answer() -> None:
    """Its neighbours are booked; the row says 422 and what it was sent."""
    async with timed() as (shop, _):
        plan(shop, FaultPlan(row_refused=4, kind=FaultKind.ROW_REFUSED))
        reply = await shop.call("POST", DEPOSITS, deposits(3))
        rows = [row["bank_deposit"] for row in reply.body["bank_deposits"]]
        assert (reply.status, [row["status"] for row in rows]) == (200, [201, 422, 201])
        assert rows[1]["body"]["bank_deposit"]["custom_id"] == "bd-1"
        assert rows[1]["content"] == {"base": ["Something went wrong"]}
        assert [made.custom_id for made in shop.sandbox.company.bank_deposits] == ["bd-0", "bd-2"]
        assert shop.sandbox.injected == {FaultKind.ROW_REFUSED: 1}


async def test_a_batch_goes_on_committing_while_it_is_listed() -> None:
    """The caller has its 504 before the second row; each look at the list finds more, and in the end all."""
    async with timed() as (shop, time):
        plan(shop, FaultPlan(row_seconds=10, answered_early=True, kind=FaultKind.BATCH_STILL_COMMITTING))
        reply = await shop.call("POST", DEPOSITS, deposits(3))
        assert reply.status == 504
        found = []
        for _ in range(3):
            await settle()
            found.append((await shop.call("GET", "bank_deposits")).body["total_count"])
            await time.advance(10)
        await shop.sandbox.finished()
        assert found == [1, 2, 3]
        assert shop.sandbox.injected == {FaultKind.BATCH_STILL_COMMITTING: 1}


async def test_a_document_edited_or_deleted_by_hand_is_seen_through_the_interface(shop: Shop) -> None:
    """No call is counted for it; the guards of the interface hold for people too."""
    invoice = await shop.sell(custom_id="inv-1")
    calls = shop.sandbox.calls.total()
    line = {"product_name": "Jasa", "quantity": 1, "rate": 90_000}
    shown = shop.sandbox.by_hand.edit(
        "sales_invoices", "inv-1", **shop.invoice(transaction_lines_attributes=[line], memo="diubah")
    )
    assert shown["original_amount"] == "90000.0"
    assert (await shop.show("sales_invoices", invoice["id"]))["memo"] == "diubah"
    shop.sandbox.by_hand.delete("sales_invoices", invoice["id"])
    assert (await shop.call("GET", "sales_invoices/inv-1")).status == 422
    assert shop.sandbox.calls.total() == calls + 2
    assert shop.sandbox.injected == {FaultKind.EDITED_BY_HAND: 1, FaultKind.DELETED_BY_HAND: 1}


async def test_a_restart_keeps_what_is_kept_and_cuts_what_is_under_way() -> None:
    """Work not begun never is, a batch stays half done, nothing is heard while it is down, then all is as before."""
    async with timed() as (shop, time):
        await sell(shop, custom_id="inv-1")
        plan(shop, FaultPlan(delay_before_commit_seconds=30))
        waiting = asyncio.create_task(sell(shop, custom_id="inv-2"))
        await settle()
        plan(shop, FaultPlan(row_seconds=10))
        batch = asyncio.create_task(shop.call("POST", DEPOSITS, deposits(3)))
        await settle()
        await time.advance(10)
        shop.sandbox.restart(down_seconds=20)
        assert [await lost(sending) for sending in (waiting, batch)] == [True, True]
        assert await lost(sell(shop, custom_id="inv-3"))
        await time.advance(40)
        assert (invoices(shop), len(shop.sandbox.company.bank_deposits)) == (1, 2)
        assert (await shop.show("sales_invoices", "inv-1"))["custom_id"] == "inv-1"
        assert shop.sandbox.injected == {FaultKind.RESTART: 1}


async def test_a_caller_that_hangs_up_does_not_stop_the_work() -> None:
    """Whoever gives up while Jurnal is still at it finds the document later."""
    async with timed() as (shop, time):
        plan(shop, FaultPlan(delay_before_commit_seconds=30))
        sending = asyncio.create_task(sell(shop))
        await settle()
        sending.cancel()
        await settle()
        assert invoices(shop) == 0
        await time.advance(30)
        await shop.sandbox.finished()
        assert invoices(shop) == 1


async def test_what_breaks_in_work_nobody_waits_for_is_told(shop: Shop) -> None:
    """A mistake of the sandbox itself does not vanish with the caller."""

    def broken(_request: web.Request) -> FaultPlan | None:
        raise AssertionError("a mistake")

    shop.sandbox.gate.fault = broken
    assert await lost(shop.call("GET", "tags"))
    with pytest.raises(AssertionError, match="a mistake"):
        await shop.sandbox.finished()


async def test_an_unchecked_batch_counts_the_used_keys_it_let_through() -> None:
    """The switch for batches that check nothing is a fault too, seen in the count."""
    async with timed(batch_keys_checked="none") as (shop, _):
        for _ in range(2):
            await shop.call("POST", DEPOSITS, deposits(2))
        assert len(shop.sandbox.company.bank_deposits) == 4
        assert shop.sandbox.injected == {FaultKind.BATCH_UNCHECKED: 2}


async def _drawn(
    seed: int, shares: dict[FaultKind, float], send: Callable[[Shop, int], Awaitable[object]], count: int
) -> Any:
    """Send requests through seeded faults whose waits pass at once; return what was injected."""

    async def at_once(_seconds: float) -> None:
        return

    async with opened(settings(), None, at_once) as shop:
        await shop.stock_up()
        shop.sandbox.inject(SeededFaults(seed, shares))
        for number in range(count):
            await lost(send(shop, number))  # type: ignore[arg-type]  # only the loss matters
        await shop.sandbox.finished()
        return shop.sandbox.injected


async def test_a_seed_tells_all_faults_and_another_seed_other_ones() -> None:
    """The same seed and requests inject the same; the counts lie about the shares."""
    shares = dict.fromkeys((FaultKind.RESET_AFTER_COMMIT, FaultKind.MINUTE_LIMIT, FaultKind.CLOCK_SKEW), 0.2)

    async def tag(shop: Shop, number: int) -> object:
        return await shop.call("POST", "tags", {"tag": {"name": f"T{number}"}})

    first, again, other = [await _drawn(seed, shares, tag, 100) for seed in (1, 1, 2)]
    assert first == again != other
    assert all(8 <= first[kind] <= 32 for kind in shares)


@pytest.mark.parametrize("kind", ONE_REQUEST)
async def test_every_kind_of_one_request_can_be_drawn_from_a_seed(kind: FaultKind) -> None:
    """With a share of 1 it happens to invoices, batches or look-ups, and is counted by its name and no other."""

    async def any_request(shop: Shop, number: int) -> object:
        if number % 3 == 0:
            return await sell(shop, custom_id=f"inv-{number}", transaction_no=f"N-{number}", memo="m", tags=["T"])
        if number % 3 == 1:
            return await shop.call("POST", DEPOSITS, deposits(2))
        return await shop.call("GET", "sales_invoices/nothing")

    injected = await _drawn(7, {kind: 1}, any_request, 12)
    assert set(injected) == {kind}
    assert injected[kind] > 0


def test_a_seed_takes_no_share_of_what_is_no_matter_of_one_request() -> None:
    """A restart or a race is not drawn, and shares of more than 1 together are a mistake."""
    with pytest.raises(ValueError, match="no fault of a single request: restart"):
        SeededFaults(1, {FaultKind.RESTART: 0.1})
    with pytest.raises(ValueError, match="more than 1 together"):
        SeededFaults(1, {FaultKind.SLOW_ANSWER: 0.6, FaultKind.MINUTE_LIMIT: 0.6})
