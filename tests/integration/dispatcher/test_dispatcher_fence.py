"""Unknown is a state, and the signed Date is the fence: nothing is sent again before it, and nothing stands twice."""

from datetime import datetime

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from eventstore.facts.answers import Attempted
from ops.sandbox.jurnal import FaultPlan
from projections.jurnal_commands.queue import Send
from service.dispatched import Dispatched
from service.dispatcher import Dispatcher
from service.fence import Fence
from service.jurnal.exchange import NoAnswer, Response, SignedRequest
from service.jurnal_calls import Company, JurnalCalls, Place
from tests.integration.dispatcher.stand import Stand, forget_keys

NO_FENCE = Fence(date_skew_seconds=0, processing_allowance_seconds=0, quiet_period_seconds=0)
TRANSFERS = "warehouse_transfers"


class BlindDispatcher(Dispatcher):
    """Sends again whatever was not answered, without looking: what must never ship."""

    async def _probe(self, company: Company, send: Send, now: datetime) -> Dispatched:
        await self._settling.absent(send, Attempted(command_id=send.command_id, attempt=send.attempt), now)
        return Dispatched("probed", type(send.command).__name__, company.company_id)


class SlowWire(JurnalCalls):
    """A wire on which the answer to every document takes its virtual time."""

    def __init__(self, stand: Stand, *, seconds: float) -> None:
        usual = stand.calls()
        self.__dict__.update(usual.__dict__)
        self._stand, self._seconds = stand, seconds

    async def send(self, request: SignedRequest, place: Place) -> Response | NoAnswer:
        """Send, and let the time pass until the answer is here."""
        answer = await super().send(request, place)
        if request.method == "POST":
            await self._stand.advance(self._seconds)
        return answer


async def test_a_document_whose_answer_was_lost_is_found_and_never_sent_again(stand: Stand) -> None:
    """Booked, then the connection was cut: unknown, Processing in the list, found by the probe, one document."""
    await stand.order()
    stand.fail(FaultPlan(close_after_commit=True))
    process = stand.process()
    assert (await stand.step(process)).outcome == "Unknown"
    assert await stand.sends() == {"inv.order-1": "unknown"}
    assert await stand.statuses() == {"sale-order-1": "Processing"}
    await stand.until_quiet(process)
    (answer,) = await stand.told("CommandAccepted")
    assert answer["found_by"] == "probe"
    assert stand.documents("sales_invoice") == 1
    assert stand.sandbox.calls["toko", "POST", "/public/jurnal/api/v1/sales_invoices"] == 1
    assert await stand.statuses() == {"sale-order-1": "Success"}


@pytest.mark.parametrize("status", [500, 502, 504])
async def test_an_answer_from_somewhere_on_the_way_tells_nothing_and_is_looked_up(stand: Stand, status: int) -> None:
    """A 5xx after the booking is found by the probe."""
    await stand.order()
    stand.fail(FaultPlan(status_after_commit=status))
    await stand.until_quiet(stand.process())
    assert stand.documents("sales_invoice") == 1
    assert len(await stand.told("CommandUnanswered")) == 1
    assert [answer["found_by"] for answer in await stand.told("CommandAccepted")] == ["probe"]


async def test_an_answer_past_the_deadline_is_not_waited_for_and_the_document_is_found(stand: Stand) -> None:
    """The client gives up at its deadline; what Jurnal booked meanwhile is found."""
    await stand.order()
    process = stand.process(calls=stand.calls(deadline_seconds=0.4))
    await process.directory.look_up("kopi-nusantara", Company("kopi-company", "kopi-nusantara"), "product", ("LATTE",))
    await stand.fold()
    stand.fail(FaultPlan(delay_after_commit_seconds=0.6))
    assert (await stand.step(process)).outcome == "Unknown"
    await stand.until_quiet(process)
    assert stand.documents("sales_invoice") == 1
    assert [answer["found_by"] for answer in await stand.told("CommandAccepted")] == ["probe"]


async def test_a_lost_transfer_is_sent_again_only_after_the_date_has_died_and_the_work_is_over(stand: Stand) -> None:
    """Absent counts from signed Date + 300 + 120 s on, not a second earlier; then it goes once more."""
    await stand.transfer()
    signed_at = stand.clock.now()
    stand.fail(FaultPlan(status_before_commit=502))
    process = stand.process()
    await stand.step(process)
    while (stand.clock.now() - signed_at).total_seconds() < 419:
        await stand.advance(10 if (stand.clock.now() - signed_at).total_seconds() < 400 else 1)
        assert (await stand.step(process)).did in ("probed", "nothing")
        assert await stand.sends() == {"trf.start-1": "unknown"}
    assert await stand.told("CommandConfirmedAbsent") == []
    await stand.until_quiet(process)
    assert (await stand.facts("CommandConfirmedAbsent"))[0].observed_at == stand.clock.now()
    assert (stand.clock.now() - signed_at).total_seconds() == 420
    assert stand.documents("warehouse_transfer") == 1
    assert [answer["attempted"]["attempt"] for answer in await stand.told("CommandAccepted")] == [2]


@pytest.mark.parametrize(("fence", "seconds"), [(Fence(), 420), (Fence(quiet_period_seconds=30), 30)])
async def test_a_lost_single_invoice_waits_for_the_whole_fence_or_for_the_quiet_period_that_is_set(
    stand: Stand, fence: Fence, seconds: float
) -> None:
    """Its endpoint refuses a used custom_id, but reads before it inserts: less than the whole fence is for who asks."""
    await stand.order()
    lost_at = stand.clock.now()
    stand.fail(FaultPlan(status_before_commit=502))
    process = stand.process(fence=fence)
    await stand.until_quiet(process)
    (absent,) = await stand.facts("CommandConfirmedAbsent")
    assert (absent.observed_at - lost_at).total_seconds() == seconds
    assert stand.documents("sales_invoice") == 1


async def test_the_quiet_period_begins_when_the_attempt_is_over_and_not_when_it_was_signed(stand: Stand) -> None:
    """An invoice that Jurnal worked on for a minute is not sent again at once: that would race with it."""
    await stand.order()
    process = stand.process(calls=SlowWire(stand, seconds=60), fence=Fence(quiet_period_seconds=30))
    stand.fail(FaultPlan(status_before_commit=504))
    await stand.step(process)
    over_at = stand.clock.now()
    await stand.until_quiet(process)
    (absent,) = await stand.facts("CommandConfirmedAbsent")
    assert (absent.observed_at - over_at).total_seconds() == 30
    assert stand.documents("sales_invoice") == 1


@pytest.mark.parametrize("wakes_after_seconds", [5, 250, 299, 310, 419])
async def test_a_request_that_wakes_up_late_is_found_or_dies_but_never_stands_twice(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, wakes_after_seconds: int
) -> None:
    """Even if Jurnal checked no key at all: the fence alone holds."""
    forget_keys(monkeypatch)
    await stand.transfer()
    stand.hold_next = TRANSFERS
    process = stand.process()
    await stand.until_quiet(process, seconds_max=wakes_after_seconds)
    await stand.advance(wakes_after_seconds - (stand.clock.now().timestamp() - await _signed_at(stand)))
    status = await stand.deliver_held()
    assert status == (200 if wakes_after_seconds <= 300 else 401)
    await stand.until_quiet(process)
    assert stand.documents("warehouse_transfer") == 1
    assert await stand.statuses() == {"transfer-start-1": "Success"}


async def _signed_at(stand: Stand) -> float:
    signed_at = await stand.migrator.fetchval("SELECT signed_at FROM send")
    return float(signed_at.timestamp())


async def test_without_the_fence_a_request_that_wakes_up_late_makes_a_duplicate(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test above can fail: a fence of no seconds sends again while the first request still sleeps."""
    forget_keys(monkeypatch)
    await stand.transfer()
    stand.hold_next = TRANSFERS
    process = stand.process(fence=NO_FENCE)
    await stand.until_quiet(process)
    assert stand.documents("warehouse_transfer") == 1
    assert await stand.deliver_held() == 200
    assert stand.documents("warehouse_transfer") == 2


async def test_without_looking_first_a_lost_answer_makes_a_duplicate(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dispatcher that sends again blindly is caught by the count of documents."""
    forget_keys(monkeypatch)
    await stand.transfer()
    stand.fail(FaultPlan(close_after_commit=True))
    await stand.until_quiet(stand.process(kind=BlindDispatcher))
    assert stand.documents("warehouse_transfer") == 2


async def test_a_request_that_is_older_than_jurnals_skew_books_nothing(stand: Stand) -> None:
    """The fence stands on this: Jurnal refuses a Date older than 300 s."""
    await stand.order()
    stand.hold_next = "sales_invoices"
    await stand.step(stand.process())
    await stand.advance(301)
    assert await stand.deliver_held() == 401
    assert stand.documents("sales_invoice") == 0


async def test_a_probe_that_tells_nothing_is_asked_again(stand: Stand) -> None:
    """A look-up that fails is no absence: the command stays unknown until one is answered."""
    await stand.order()
    stand.fail(FaultPlan(close_after_commit=True))
    process = stand.process()
    await stand.step(process)
    stand.fail(FaultPlan(status_before_commit=503), method="GET", times=4)
    did = await stand.until_quiet(process)
    assert did.count("probed") == 5
    assert stand.documents("sales_invoice") == 1
    assert await stand.told("CommandConfirmedAbsent") == []


async def test_when_nothing_listens_nothing_is_lost_and_nothing_is_unknown(stand: Stand) -> None:
    """A refused connection never reached the wire: the command waits a few seconds and then goes."""
    await stand.order()
    warm = stand.process()
    assert (await stand.step(warm)).did == "sent"
    await stand.order(2)
    async with TestServer(web.Application(), host="127.0.0.1") as gone:
        url = str(gone.make_url("")).rstrip("/")
    unreachable = stand.process(calls=stand.calls(url=url))
    await warm.dispatcher.release(Company("kopi-company", "kopi-nusantara"))
    with pytest.raises(aiohttp.ClientConnectionError):
        await stand.session.get(url)
    assert (await stand.step(unreachable)).did in ("sent", "waited")
    assert "unknown" not in (await stand.sends()).values()
    await unreachable.dispatcher.release(Company("kopi-company", "kopi-nusantara"))
    await stand.until_quiet(warm)
    assert stand.documents("sales_invoice") == 2
    assert set((await stand.statuses()).values()) == {"Success"}
