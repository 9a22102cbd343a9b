"""Batches where stores, replicas, people and late requests meet: each document once, and nothing that was stopped."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import msgspec
import pytest

from eventstore.facts.operators import OPERATIONS_STREAM, CommandParked, RecordSkipped, StorePaused
from eventstore.facts.registry import REPORT_KINDS
from eventstore.facts.settings import SETTINGS_STREAM, LiveModeActivated
from eventstore.store import open_ledger
from ops.sandbox.jurnal import FaultPlan
from projections.catalogue import CATALOGUE
from projections.jurnal_commands.identity import invoice_command_id
from service.fence import Fence
from service.jurnal_calls import Company, JurnalCalls
from tests.integration.dispatcher.stand import COMPANY, Process, Stand, forget_keys, open_stand
from tests.integration.dispatcher.test_dispatcher_batches import LATER, TEN, calls, warmed
from tests.integration.dispatcher.test_dispatcher_crashes import PausedCalls
from tests.ledger import NOON, OTHER_STORE, STORE
from tests.story import BRANCH, CONNECTION, MAIN, full_order, own, paid
from tests.unit.sandbox_jurnal.shop import SETTINGS

BATCH = "POST /sales_invoices/batch_create"
SECOND = invoice_command_id(STORE, "order-2")
MEANWHILE = {
    "parked": (CommandParked(command_id=SECOND, actor="owner", reason="stop"), f"command-{SECOND}"),
    "skipped": (RecordSkipped(record_id="sale-order-2", actor="owner", reason="by hand"), "order-order-2"),
}


class ShortCalls(JurnalCalls):
    """A way to Jurnal on which calls are short."""

    def __init__(self, stand: Stand) -> None:
        self.__dict__.update(stand.calls().__dict__)

    def short(self, company: Company, now: datetime) -> bool:
        """Save calls."""
        return bool(company.company_id and now)


@pytest.fixture
async def unchecked(database_url: str) -> AsyncIterator[Stand]:
    """Give a store whose Jurnal checks no key at all in a batch."""
    async with open_stand(database_url, settings=replace(SETTINGS, batch_keys_checked="none")) as opened:
        await opened.connect()
        yield opened


async def fold_both(stand: Stand) -> None:
    """Fold both stores."""
    await stand.fold()
    for projection in CATALOGUE.values():
        while (await stand.runner.step(OTHER_STORE, projection, epoch=1, facts_max=1_000)).facts:
            pass


async def test_rows_of_two_stores_of_one_company_go_in_one_call(stand: Stand) -> None:
    """The quota is the company's: three sales of one store and three of the other take one call, in turn."""
    await open_ledger(stand.pool, OTHER_STORE, recorded_at=NOON)
    facts = [own(CONNECTION, SETTINGS_STREAM, "settings:1")]
    facts += [own(outlet, SETTINGS_STREAM, f"outlet:{outlet.outlet_id}") for outlet in (MAIN, BRANCH)]
    facts.append(own(LiveModeActivated(actor="owner", activated_at=NOON), SETTINGS_STREAM, "live-mode"))
    await stand.appender.append(OTHER_STORE, facts)
    process = await warmed(stand)
    for number in range(1, 4):
        await stand.order(number)
        body = msgspec.json.encode(full_order(order_id=f"order-{number}", order_reference=f"#9-{number}"))
        channel = {"channel": "webhook"}
        await stand.intake.take(
            OTHER_STORE, REPORT_KINDS["order"], body, observed_at=stand.clock.now(), metadata=channel
        )
    await fold_both(stand)
    done = await process.dispatcher.step(COMPANY, (STORE, OTHER_STORE))
    while done.did == "waited" or done.rows == 0:
        done = await process.dispatcher.step(COMPANY, (STORE, OTHER_STORE))
    await fold_both(stand)
    assert (done.rows, done.outcomes, calls(stand)[BATCH]) == (6, {"Accepted": 6}, 1)
    rows = await stand.migrator.fetch("SELECT store_id, count(*) FROM command WHERE state = 'accepted' GROUP BY 1")
    assert {row["store_id"]: row["count"] for row in rows} == {STORE: 5, OTHER_STORE: 3}


@pytest.mark.parametrize("what", MEANWHILE)
async def test_what_is_stopped_while_its_batch_is_prepared_drops_out_of_it(stand: Stand, what: str) -> None:
    """The others are signed anew and go together; the one that was stopped is not sent."""
    await warmed(stand)
    for number in range(1, 4):
        await stand.order(number)
    await stand.advance(11)
    paused = PausedCalls(stand)
    sending = asyncio.create_task(stand.process(calls=paused).step())
    await asyncio.wait_for(paused.reached.wait(), 10)
    word, stream = MEANWHILE[what]
    await stand.appender.append(STORE, [own(word, stream, "meanwhile")])
    await stand.fold()
    paused.go_on.set()
    done = await asyncio.wait_for(sending, 10)
    assert (done.rows, done.outcomes) == (2, {"Accepted": 2})
    assert stand.documents("sales_invoice") == 3
    attempts = await stand.migrator.fetch("SELECT DISTINCT batch_id, rows FROM attempt WHERE rows > 1")
    assert [row["rows"] for row in attempts] == [2]


async def test_a_pause_while_a_batch_is_prepared_stops_all_of_it(stand: Stand) -> None:
    """Nothing goes, and no attempt is recorded."""
    await warmed(stand)
    for number in range(1, 4):
        await stand.order(number)
    await stand.advance(11)
    paused = PausedCalls(stand)
    sending = asyncio.create_task(stand.process(calls=paused).step())
    await asyncio.wait_for(paused.reached.wait(), 10)
    await stand.appender.append(STORE, [own(StorePaused(actor="owner", reason="count"), OPERATIONS_STREAM, "pause")])
    paused.go_on.set()
    assert (await asyncio.wait_for(sending, 10)).did == "not_ours"
    assert stand.documents("sales_invoice") == 1
    assert await stand.migrator.fetchval("SELECT count(*) FROM attempt WHERE rows > 1") == 0


async def test_what_was_lost_goes_alone_so_that_a_late_first_attempt_is_noticed(unchecked: Stand) -> None:
    """A single invoice arrives late, right after it was found absent: only the single endpoint refuses the second."""
    stand = unchecked
    warm = await warmed(stand)
    await warm.dispatcher.release(COMPANY)
    process = stand.process(fence=Fence(quiet_period_seconds=30))
    await stand.order(1)
    stand.hold_next = "sales_invoices"
    await stand.step(process)
    while not await stand.told("CommandConfirmedAbsent"):
        await stand.advance(5)
        await stand.step(process)
    assert await stand.deliver_held() == 201
    for number in range(2, 5):
        await stand.order(number)
    await stand.until_quiet(process)
    assert stand.documents("sales_invoice") == 5
    assert calls(stand)[BATCH] == 1
    assert [answer["found_by"] for answer in await stand.told("CommandAccepted")].count("conflict") == 1


async def test_where_calls_are_short_a_few_documents_wait_for_others_but_not_for_long(stand: Stand) -> None:
    """Sales wait for more until the oldest is a minute old, then all go in one call; a full call never waits."""
    warm = await warmed(stand)
    await warm.dispatcher.release(COMPANY)
    process = stand.process(calls=ShortCalls(stand))
    await process.directory.resolve(STORE, COMPANY, ())
    await stand.order(1)
    due_at = stand.clock.now()
    done = await stand.step(process)
    assert (done.did, done.outcome, done.wait_until) == ("waited", "saving", due_at + timedelta(seconds=60))
    await stand.advance(30)
    await stand.order(2)
    assert (await stand.step(process)).outcome == "saving"
    await stand.advance(29)
    assert (await stand.step(process)).rows == 2
    for number in range(3, 13):
        await stand.order(number)
    full = stand.process(calls=ShortCalls(stand), limits=TEN)
    await process.dispatcher.release(COMPANY)
    assert (await stand.step(full)).rows == 10


async def test_a_whole_batch_that_is_refused_goes_row_by_row_and_each_hears_its_own_words(stand: Stand) -> None:
    """A 422 without rows says nothing of any of them: none is refused for it, all go by themselves."""
    process = await warmed(stand)
    for number in range(1, 4):
        await stand.order(number)
    stand.fail(FaultPlan(status_before_commit=413), path="batch_create")
    assert (await stand.step(process)).outcomes == {"TryLater": 3}
    await stand.until_quiet(process)
    assert calls(stand) == {BATCH: 1, "POST /sales_invoices": 3}
    assert set((await stand.statuses()).values()) == {"Success"}


async def test_attempts_are_rows_and_facts_with_the_call_they_were_part_of(stand: Stand) -> None:
    """An auditor finds one call's documents by its id, in the table and in the ledger, with what went and what came."""
    process = await warmed(stand)
    for number in range(1, 4):
        await stand.order(number)
    stand.fail(FaultPlan(row_refused=0), path="batch_create")
    await stand.step(process)
    rows = await stand.migrator.fetch("SELECT * FROM attempt WHERE rows > 1 ORDER BY outcome")
    assert [(row["rows"], row["outcome"], row["http_status"]) for row in rows] == [
        (3, "accepted", 201), (3, "accepted", 201), (3, "refused", 422),
    ]  # fmt: skip
    (call,) = {(str(row["batch_id"]), row["request_digest"], row["response_digest"]) for row in rows}
    told = [*(await stand.told("CommandAccepted"))[-2:], *await stand.told("CommandRefused")]
    attempted = [answer["attempted"] for answer in told]
    assert {(each["batch_id"], each["request_digest"], each["response_digest"]) for each in attempted} == {call}
    assert all(row["answered_at"] == stand.clock.now() for row in rows)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_two_processes_with_batches_at_random_make_no_duplicate(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Steps at once and by turns, leases and answers lost, rows refused, time jumping: every document once."""
    forget_keys(monkeypatch)
    dice = Random(seed)  # noqa: S311 - a seed that can be told and repeated
    parts = [paid("t1", 5_000), paid("t2", 15_000, transaction_date=LATER)]
    plans = [
        FaultPlan(close_after_commit=True),
        FaultPlan(status_after_commit=502),
        FaultPlan(status_before_commit=502),
        FaultPlan(status_before_commit=429),
        FaultPlan(body_after_commit="truncated"),
    ]
    stand.sandbox.gate.fault = lambda request: (
        dice.choice(plans) if request.method == "POST" and dice.random() < 0.3 else None
    )
    both: tuple[Process, Process] = (stand.process(limits=TEN), stand.process(limits=TEN))
    for number in range(1, 16):
        await stand.order(number, transactions=parts if number % 3 == 0 else [paid("t1", 20_000)])
        chosen = both if dice.random() < 0.5 else (dice.choice(both),)
        await asyncio.gather(*(process.step() for process in chosen))
        await stand.fold()
        await stand.advance(dice.choice((0, 0, 1, 15, 60)))
    stand.sandbox.gate.fault = lambda _request: None
    await stand.until_quiet(both[0])
    assert stand.documents("sales_invoice") == 15
    assert set((await stand.statuses()).values()) == {"Success"}
    rows = await stand.migrator.fetch("SELECT status, total - paid AS owed FROM invoice_payment")
    assert [tuple(row) for row in rows] == [("Paid", 0)] * 15
