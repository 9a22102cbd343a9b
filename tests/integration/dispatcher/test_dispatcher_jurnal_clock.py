"""A Date dies by Jurnal's own clock: where that is behind ours, what was lost is called absent as much later."""

from datetime import datetime, timedelta

import msgspec
import pytest

from ops.sandbox.jurnal import FaultPlan
from projections.jurnal_commands.queue import Send
from service.fence import Fence
from service.jurnal.exchange import JurnalRequest, NoAnswer, Response, SignedRequest
from service.jurnal.pace import Purpose
from service.jurnal_calls import Company, JurnalCalls, Place
from service.quota import Spent
from tests.integration.dispatcher.asking import APPLY, OTHER, RETURN, SALE, Asked, booked
from tests.integration.dispatcher.stand import COMPANY, Process, Stand, forget_keys
from tests.integration.dispatcher.test_dispatcher_batches import warmed

TRANSFERS = "warehouse_transfers"


class SpoiltDates(JurnalCalls):
    """A way to Jurnal on which something writes its own Date into every answer, or strips it."""

    def __init__(self, stand: Stand, date: str | None) -> None:
        self.__dict__.update(stand.calls().__dict__)
        self._date = {} if date is None else {"date": date}

    async def send(self, request: SignedRequest, place: Place) -> Response | NoAnswer:
        """Send, and tell another Date."""
        answer = await super().send(request, place)
        if isinstance(answer, NoAnswer):
            return answer
        left = {name: told for name, told in answer.headers.items() if name != "date"}
        return msgspec.structs.replace(answer, headers={**left, **self._date})


class PausedReads(JurnalCalls):
    """A way to Jurnal on which a look-up waits half a minute for a place before each call but its first."""

    def __init__(self, stand: Stand) -> None:
        self.__dict__.update(stand.calls().__dict__)
        self._stand = stand
        self.reads = 0

    async def read(self, company: Company, request: JurnalRequest, purpose: Purpose) -> Response | NoAnswer | Spent:
        """Let every second one wait."""
        self.reads += 1
        if self.reads % 2:
            return await super().read(company, request, purpose)
        await self._stand.advance(30)
        return Spent(self._stand.clock.now())


def trust_our_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the look at Jurnal's clock out."""

    def as_by_ours(_fence: Fence, send: Send, _began_at: datetime, _jurnal_at: datetime | None) -> datetime | None:
        return send.absent_from

    monkeypatch.setattr(Fence, "proved_from", as_by_ours)


async def lose_a_transfer(stand: Stand, behind_seconds: float, calls: JurnalCalls | None = None) -> Process:
    """Let the second of two transfers get stuck on its way to a Jurnal whose clock is behind."""
    process = stand.process(calls=calls)
    await stand.transfer()
    await stand.until_quiet(process)
    await stand.transfer(2)
    stand.sandbox.change_settings(clock_off_seconds=-behind_seconds)
    stand.hold_next = TRANSFERS
    await stand.step(process)
    return process


async def arrives(stand: Stand, process: Process, signed_at: datetime, seconds: float) -> int:
    """Let what is stuck arrive so long after it was signed; return what Jurnal answers."""
    await stand.until_quiet(process, seconds_max=seconds - 1 - _since(stand, signed_at))
    await stand.advance(seconds - _since(stand, signed_at))
    return await stand.deliver_held()


def _since(stand: Stand, signed_at: datetime) -> float:
    return (stand.clock.now() - signed_at).total_seconds()


@pytest.mark.parametrize("behind_seconds", [200, 250, 299])
async def test_while_jurnals_clock_takes_a_lost_request_it_is_not_called_absent(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, behind_seconds: int
) -> None:
    """It arrives in the last second in which Jurnal takes it, long after our own fence: found, it stands once."""
    forget_keys(monkeypatch)
    process, signed_at = await lose_a_transfer(stand, behind_seconds), stand.clock.now()
    assert await arrives(stand, process, signed_at, 300 + behind_seconds) == 200
    await stand.until_quiet(process)
    assert stand.documents("warehouse_transfer") == 2
    assert set((await stand.statuses()).values()) == {"Success"}
    assert (await stand.told("CommandAccepted"))[-1]["found_by"] == "probe"


async def test_by_our_clock_alone_a_request_that_jurnal_still_takes_makes_a_duplicate(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test above can fail."""
    forget_keys(monkeypatch)
    trust_our_clock(monkeypatch)
    process, signed_at = await lose_a_transfer(stand, 200), stand.clock.now()
    assert await arrives(stand, process, signed_at, 500) == 200
    assert stand.documents("warehouse_transfer") == 3


@pytest.mark.parametrize(("behind_seconds", "seconds"), [(-250, 420), (0, 420), (1, 420), (4, 423), (250, 669)])
async def test_what_never_arrived_goes_again_when_jurnals_clock_is_past_the_fence_and_not_later(
    stand: Stand, behind_seconds: int, seconds: int
) -> None:
    """One look-up more where the clock is behind; a clock that is ahead, or as right as clocks are, changes nothing."""
    process, signed_at = await lose_a_transfer(stand, behind_seconds), stand.clock.now()
    stand.held.clear()
    before = stand.lookups(f"{TRANSFERS}/{{id}}")
    await stand.until_quiet(process)
    (absent,) = await stand.facts("CommandConfirmedAbsent")
    assert (absent.observed_at - signed_at).total_seconds() == pytest.approx(seconds, abs=0.5)
    assert stand.lookups(f"{TRANSFERS}/{{id}}") - before == 18 + (seconds > 420)
    assert set((await stand.statuses()).values()) == {"Success"}


async def test_the_list_tells_that_jurnals_clock_is_behind(stand: Stand) -> None:
    """Who looks meanwhile sees why it takes longer than the minutes that are told elsewhere."""
    process = await lose_a_transfer(stand, 250)
    await stand.until_quiet(process, seconds_max=500)
    record = (await stand.records())["transfer-start-2"]
    assert record.status == "Processing"
    assert record.reason == "Not found yet; Jurnal's clock is behind, so that it counts as absent 248 s later"


@pytest.mark.parametrize("behind_seconds", [200, 299])
async def test_a_lost_batch_is_called_absent_by_jurnals_clock(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, behind_seconds: int
) -> None:
    """What one list looks for waits for that clock, too, and then goes alone."""
    forget_keys(monkeypatch)
    process = await warmed(stand)
    for number in range(1, 4):
        await stand.order(number)
    signed_at = stand.clock.now()
    stand.sandbox.change_settings(clock_off_seconds=-behind_seconds)
    stand.hold_next = "batch_create"
    await stand.until_quiet(process, seconds_max=299 + behind_seconds)
    await stand.advance(300 + behind_seconds - _since(stand, signed_at))
    # Not one by one before absence can be told.
    assert stand.lookups("sales_invoices/{id}") == 0
    assert await stand.deliver_held() == 201
    await stand.until_quiet(process)
    assert stand.documents("sales_invoice") == 4


async def test_a_lost_row_is_called_absent_by_jurnals_clock(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is looked up because its row was lost may have been signed up to then."""
    forget_keys(monkeypatch)
    process, signed_at = await lose_a_transfer(stand, 250), stand.clock.now()
    await stand.migrator.execute("DELETE FROM send")
    assert await arrives(stand, process, signed_at, 550) == 200
    await stand.until_quiet(process)
    assert stand.documents("warehouse_transfer") == 2


@pytest.mark.parametrize(("date", "seconds"), [(None, 420), ("spoilt", 420), ("Thu, 01 Jan 1970 00:00:00 GMT", 719)])
async def test_where_no_answer_tells_a_date_our_own_clock_counts(stand: Stand, date: str | None, seconds: int) -> None:
    """The documented API does not promise the header, and a proxy may spoil it: what is lost goes again all the same.

    Jurnal let the look-up's own Date in: it cannot be further behind than it lets a Date be off.
    """
    process = await lose_a_transfer(stand, 250, SpoiltDates(stand, date))
    signed_at = stand.clock.now()
    await stand.until_quiet(process)
    (absent,) = await stand.facts("CommandConfirmedAbsent")
    assert (absent.observed_at - signed_at).total_seconds() == seconds


async def test_a_quiet_period_does_not_hang_on_jurnals_clock(stand: Stand) -> None:
    """It is a wait of our own between two requests of which the key lets one in, whatever their Dates."""
    await stand.order()
    stand.sandbox.change_settings(clock_off_seconds=-250)
    stand.hold_next = "sales_invoices"
    process = stand.process(fence=Fence(quiet_period_seconds=30))
    await stand.step(process)
    lost_at = stand.clock.now()
    await stand.until_quiet(process)
    (absent,) = await stand.facts("CommandConfirmedAbsent")
    assert (absent.observed_at - lost_at).total_seconds() == 30


async def test_where_jurnal_refuses_the_look_up_nothing_is_called_absent(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """400 s behind it refuses what is signed now and takes what was signed before: it is found once it is right."""
    forget_keys(monkeypatch)
    process, signed_at = await lose_a_transfer(stand, 400), stand.clock.now()
    assert await arrives(stand, process, signed_at, 690) == 200
    stand.sandbox.change_settings(clock_off_seconds=0)
    await stand.until_quiet(process)
    assert await stand.told("CommandConfirmedAbsent") == []
    assert stand.documents("warehouse_transfer") == 2


async def test_how_far_jurnals_clock_is_off_is_told_at_every_answer(stand: Stand) -> None:
    """A sent document's answer tells it as a look-up's does, and a refused signature most of all."""
    told: list[float] = []
    process = stand.process(calls=stand.calls(on_date=told.append))
    await stand.order()
    await stand.until_quiet(process)
    assert set(told) == {0}
    told.clear()
    for number, off_seconds in ((2, -250), (3, 250), (4, -400)):
        stand.sandbox.change_settings(clock_off_seconds=off_seconds)
        await stand.order(number)
        await stand.step(process)
    # Ahead, the second that a Date leaves out may have passed since.
    assert told == [-250, pytest.approx(249, abs=0.5), -400]


async def test_what_a_slow_answer_did_not_find_was_looked_for_before_its_date(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jurnal may have looked when it was asked, not when it answered: that moment must lie behind the fence."""
    process = await lose_a_transfer(stand, 0)
    asked: list[tuple[float, datetime | None]] = []
    proved_from = Fence.proved_from

    def noted(fence: Fence, send: Send, began_at: datetime, jurnal_at: datetime | None) -> datetime | None:
        asked.append((stand.clock.now().timestamp(), jurnal_at))
        return proved_from(fence, send, began_at, jurnal_at)

    monkeypatch.setattr(Fence, "proved_from", noted)
    stand.fail(FaultPlan(delay_before_commit_seconds=0.3), method="GET")
    await stand.advance(1)
    await stand.step(process)
    ((now, jurnal_at),) = asked
    assert jurnal_at is not None
    assert now - 1.5 < jurnal_at.timestamp() <= now - 0.3


async def test_of_several_answers_the_earliest_date_counts_however_long_the_look_up_took(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the first answer showed may have changed since; a look-up that went on after a pause is no younger."""
    asked = Asked(stand)
    first = await booked(asked, SALE, RETURN, OTHER)
    await asked.ask(APPLY)
    stand.fail(FaultPlan(status_before_commit=502), path="customer_apply_credit_memo")
    await stand.step(first)
    await first.dispatcher.release(COMPANY)
    # Somebody used a part of the credit: its invoice must be read as well.
    await stand.migrator.execute("UPDATE send SET credit_before = credit_before + 1000")
    told: list[timedelta] = []
    proved_from = Fence.proved_from

    def noted(fence: Fence, send: Send, began_at: datetime, jurnal_at: datetime | None) -> datetime | None:
        assert jurnal_at is not None
        told.append(jurnal_at - began_at)
        return proved_from(fence, send, began_at, jurnal_at)

    monkeypatch.setattr(Fence, "proved_from", noted)
    calls = PausedReads(stand)
    await stand.until_quiet(stand.process(calls=calls), seconds_max=120)
    assert calls.reads >= 3
    assert told
    assert max(map(abs, told)) < timedelta(seconds=2)
