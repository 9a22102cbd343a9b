"""Whatever dies, and whoever wakes up late: one document each."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from random import Random
from typing import Literal
from uuid import UUID

import pytest

from eventstore.appender import Appender
from eventstore.event import AppendResult, NewFact
from ops.sandbox.jurnal import FaultPlan
from projections.catalogue import CATALOGUE
from projections.jurnal_commands.queue import Attempt, Begun, Key, Move, SendQueue
from service.jurnal.exchange import JurnalRequest, NoAnswer, Response, SignedRequest
from service.jurnal_calls import Company, JurnalCalls, Place
from tests.integration.dispatcher.stand import COMPANY, Process, Stand, forget_keys
from tests.ledger import STORE


class Died(BaseException):
    """The process ended here, as by SIGKILL."""


class DyingCalls(JurnalCalls):
    """A way to Jurnal on which the process dies right before or right after a document went over the wire."""

    def __init__(self, stand: Stand, when: Literal["before", "after"]) -> None:
        self.__dict__.update(stand.calls().__dict__)
        self._when = when

    async def send(self, request: SignedRequest, place: Place) -> Response | NoAnswer:
        """Die around a document."""
        if request.method == "POST" and self._when == "before":
            raise Died
        answer = await super().send(request, place)
        if request.method == "POST":
            raise Died
        return answer


class DyingQueue(SendQueue):
    """A queue at which the process dies when the answer is appended and the send not yet let go."""

    async def move(self, moves: Sequence[Move], *, now: datetime) -> int:
        """Die before a send is done."""
        if any(move.state == "done" for move in moves):
            raise Died
        return await super().move(moves, now=now)


class DyingAppender(Appender):
    """An appender at which the process dies when Jurnal's last word is to be appended."""

    def __init__(self, stand: Stand) -> None:
        self.__dict__.update(stand.appender.__dict__)

    async def append(self, store_id: str, facts: Sequence[NewFact]) -> list[AppendResult]:
        """Die before an acceptance is in the ledger."""
        if any(fact.type == "CommandAccepted" for fact in facts):
            raise Died
        return await super().append(store_id, facts)


class CarelessQueue(SendQueue):
    """A queue that says every attempt may begin: what must never ship."""

    async def begin(
        self,
        begun: Begun,
        attempts: Sequence[Attempt],
        *,
        company_id: str,
        owner: UUID,
        epoch: int,
    ) -> frozenset[Key]:
        """Begin, whatever the rows say."""
        await super().begin(begun, attempts, company_id=company_id, owner=owner, epoch=epoch)
        return frozenset(attempt.send.key for attempt in attempts)


class PausedCalls(JurnalCalls):
    """A way to Jurnal on which the process stops between its signature and the record of its attempt."""

    def __init__(self, stand: Stand) -> None:
        self.__dict__.update(stand.calls().__dict__)
        self.reached, self.go_on = asyncio.Event(), asyncio.Event()

    async def sign(self, company: Company, request: JurnalRequest, *, signed_at: datetime) -> SignedRequest:
        """Sign, then stand still until told to go on."""
        signed = await super().sign(company, request, signed_at=signed_at)
        if request.method == "POST":
            self.reached.set()
            await self.go_on.wait()
        return signed


@pytest.mark.parametrize("point", ["before the wire", "after the wire", "before the append", "after the append"])
@pytest.mark.parametrize("what", ["order", "transfer"])
async def test_wherever_the_process_dies_the_next_one_ends_with_one_document(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, point: str, what: str
) -> None:
    """An attempt that was recorded and not answered is looked up, by whoever comes next."""
    forget_keys(monkeypatch)
    await (stand.order() if what == "order" else stand.transfer())
    match point:
        case "before the wire":
            dying = stand.process(calls=DyingCalls(stand, "before"))
        case "after the wire":
            dying = stand.process(calls=DyingCalls(stand, "after"))
        case "before the append":
            dying = stand.process(appender=DyingAppender(stand))
        case _:
            dying = stand.process(queue=DyingQueue(stand.pool))
    with pytest.raises(Died):
        await dying.step()
    assert set((await stand.sends()).values()) == {"sending"}
    await stand.until_quiet(stand.process())
    assert stand.documents("sales_invoice") + stand.documents("warehouse_transfer") == 1
    assert set((await stand.statuses()).values()) == {"Success"}
    assert set((await stand.sends()).values()) == {"done"}
    assert len(await stand.told("CommandAccepted")) == 1


async def test_when_all_sends_are_lost_every_open_command_is_looked_up_and_none_sent_blindly(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was booked is found, what was not goes after the whole fence; one document each."""
    forget_keys(monkeypatch)
    process = stand.process()
    await stand.order(1)
    stand.fail(FaultPlan(close_after_commit=True))
    await stand.step(process)
    await stand.order(2)
    await stand.migrator.execute("TRUNCATE send")
    assert (await stand.step(process)).did == "nothing"
    # Whoever holds the lease all the time looks for lost rows once a minute; nothing is sent of them until then.
    await stand.advance(60)
    lost_at = stand.clock.now()
    assert (await stand.step(process)).did == "probed"
    assert set((await stand.sends()).values()) == {"unknown", "done"}
    await stand.until_quiet(process)
    assert stand.documents("sales_invoice") == 2
    absent = await stand.facts("CommandConfirmedAbsent")
    assert [(fact.stream_id, (fact.observed_at - lost_at).total_seconds()) for fact in absent] == [
        ("order-order-2", 420)
    ]
    assert set((await stand.statuses()).values()) == {"Success"}


async def test_an_answer_that_is_not_folded_yet_is_never_asked_for_again(stand: Stand) -> None:
    """A new owner waits until all that the ledger held is folded: what looks due may be answered already."""
    process = stand.process()
    await stand.order()
    await stand.until_quiet(process)
    await stand.migrator.execute("DELETE FROM command")
    await stand.migrator.execute("DELETE FROM send")
    await stand.migrator.execute("DELETE FROM projection_state WHERE projection = 'jurnal_commands'")
    await stand.migrator.execute("UPDATE projection_cursor SET position = 0 WHERE projection = 'jurnal_commands'")
    for _ in range(100):
        folded = await stand.runner.step(STORE, CATALOGUE["jurnal_commands"], epoch=1, facts_max=1)
        assert (await stand.process(lease_seconds=0.001).step()).did in ("nothing", "not_ours")
        await stand.advance(1)
        if not folded.facts:
            break
    assert stand.documents("sales_invoice") == 1
    assert await stand.statuses() == {"sale-order-1": "Success"}


async def _paused(stand: Stand, queue: SendQueue) -> None:
    """Let one process pause before its attempt is recorded, another take over and finish, and the first wake up."""
    calls = PausedCalls(stand)
    sleeper = stand.process(calls=calls, queue=queue)
    step = asyncio.create_task(sleeper.step())
    await asyncio.wait_for(calls.reached.wait(), 10)
    await stand.advance(11)
    await stand.fold()
    await stand.until_quiet(stand.process())
    calls.go_on.set()
    done = await asyncio.wait_for(step, 10)
    await stand.fold()
    assert (done.did == "not_ours") is (type(queue) is SendQueue)


async def test_an_owner_that_wakes_up_after_its_lease_sends_nothing(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its attempt cannot begin: lease and row belong to another by now."""
    forget_keys(monkeypatch)
    await stand.transfer()
    await _paused(stand, SendQueue(stand.pool))
    assert stand.documents("warehouse_transfer") == 1


async def test_without_the_record_of_the_attempt_a_stale_owner_makes_a_duplicate(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test above can fail: an owner that sends although its attempt could not begin books it twice."""
    forget_keys(monkeypatch)
    await stand.transfer()
    await _paused(stand, CarelessQueue(stand.pool))
    assert stand.documents("warehouse_transfer") == 2


async def test_a_stale_owner_cannot_begin_even_what_nobody_else_has_touched(stand: Stand) -> None:
    """The lease alone refuses it: another owner has taken the company and done nothing yet."""
    await stand.order()
    calls = PausedCalls(stand)
    sleeper = stand.process(calls=calls)
    step = asyncio.create_task(sleeper.step())
    await asyncio.wait_for(calls.reached.wait(), 10)
    await stand.advance(11)
    assert await stand.process().leases.acquire("kopi-company") is not None
    calls.go_on.set()
    assert (await asyncio.wait_for(step, 10)).did == "not_ours"
    assert stand.documents("sales_invoice") == 0
    assert await stand.sends() == {"inv.order-1": "due"}


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
async def test_two_processes_at_random_make_no_duplicate(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Steps at once and by turns, leases lost, answers lost, time jumping: every document once."""
    forget_keys(monkeypatch)
    dice = Random(seed)  # noqa: S311 - a seed that can be told and repeated
    for number in range(1, 6):
        await stand.order(number)
        await stand.transfer(number)
    plans = [
        FaultPlan(close_after_commit=True),
        FaultPlan(status_after_commit=502),
        FaultPlan(status_before_commit=502),
        FaultPlan(status_before_commit=429),
    ]
    stand.sandbox.gate.fault = lambda request: (
        dice.choice(plans) if request.method == "POST" and dice.random() < 0.4 else None
    )
    both: tuple[Process, Process] = (stand.process(), stand.process())
    for _ in range(60):
        chosen = both if dice.random() < 0.5 else (dice.choice(both),)
        await asyncio.gather(*(process.step() for process in chosen))
        await stand.fold()
        await stand.advance(dice.choice((0, 0, 1, 5, 15, 60)))
    stand.sandbox.gate.fault = lambda _request: None
    await stand.until_quiet(both[0])
    assert stand.documents("sales_invoice") == 5
    assert stand.documents("warehouse_transfer") == 5
    assert set((await stand.statuses()).values()) == {"Success"}


async def test_a_call_longer_than_a_lease_keeps_the_company(stand: Stand) -> None:
    """While Jurnal takes its time the lease is renewed: nobody else sends to the company meanwhile."""
    await stand.order()
    process, other = stand.process(lease_seconds=0.3), stand.process()
    await process.directory.look_up(STORE, COMPANY, "product", ())
    await stand.fold()
    stand.fail(FaultPlan(delay_after_commit_seconds=1.2))
    step = asyncio.create_task(process.step())
    # Real time, because the renewal is a timer; the leases themselves run on the virtual clock.
    for _ in range(4):
        await asyncio.sleep(0.2)
        await stand.advance(0.2)
        assert await other.leases.acquire(COMPANY.company_id) is None
    assert (await step).outcome == "Accepted"
