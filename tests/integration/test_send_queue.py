"""The way of commands over the wire: in order, once, fenced, and never again without looking."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid4

import msgspec
import pytest

from eventstore.connection import Connection, Pool
from eventstore.facts.answers import Attempted, CommandRefused, Document
from eventstore.facts.operators import OPERATIONS_STREAM, StoreResumed
from projections.jurnal_commands.commands import BookInvoice
from projections.jurnal_commands.identity import payment_command_id
from projections.jurnal_commands.queue import FIRST, Attempt, Begun, Move, Send, SendQueue, count_states
from service.choosing import BatchLimits
from service.company_lease import CompanyLeases
from service.fence import Fence
from service.jurnal_calls import Company
from service.waiting_sends import WaitingSends
from tests.folding import ALL_KINDS, append_story, fold_all, rows_of, tell
from tests.ledger import STORE, service_pool
from tests.story import CONNECTION, Story, own, paid

COMPANY = CONNECTION.company_id
OURS, THEIRS = UUID(int=1), UUID(int=2)
BUYER = {"customer_id": "c0ffee00-1", "customer_first_name": "sealed:x"}
CUSTOMER = f"cus-{STORE}.c0ffee00-1"
INVOICE = f"inv-{STORE}.order-1"
OTHER = f"inv-{STORE}.order-2"
PAYMENT = payment_command_id(STORE, "order-1", "t2")
DOCUMENT = Document(resource="sales_invoices", jurnal_id=7)


FOUND = """
    INSERT INTO difference
    SELECT $1, 'unknown:sales_invoices:7', 'unknown', 'sales_invoices', $2, 7, 0, '#2', '2026-11-20', NULL, 20000,
           '', '', 7, '2026-11-20T12:00:00Z', 0, 0
"""


class Desk(NamedTuple):
    """A folded story, its queue, and our company lease."""

    pool: Pool
    story: Story
    queue: SendQueue
    epoch: int
    now: datetime

    async def next(self, after: timedelta = timedelta(0)) -> Send | None:
        """Return what must be looked up at that time, else the first that may go."""
        now = self.now + after
        return await self.queue.unknown(STORE, COMPANY, now=now) or next(iter(await self.ready(after)), None)

    async def ready(self, after: timedelta = timedelta(0), *, company_id: str = COMPANY) -> list[Send]:
        """Return what may go at that time, oldest first."""
        ready = await self.queue.ready(STORE, company_id, ALL_KINDS, now=self.now + after)
        return sorted(ready.sends, key=lambda send: (send.due_at, send.command_id))

    async def the_next(self) -> Send:
        """Return what may go now; there must be something."""
        send = await self.next()
        assert send is not None
        return send

    async def begin(self, *sends: Send, owner: UUID = OURS, epoch: int | None = None) -> bool:
        """Begin the next attempt of sends in one call, signed now, with a deadline of 90 s and a fence of 420 s."""
        begun = Begun(
            batch_id=uuid4(),
            signed_at=self.now,
            deadline_at=self.now + timedelta(seconds=90),
            request_digest="ab" * 32,
        )
        attempts = [Attempt(send=send, absent_from=self.now + timedelta(seconds=420)) for send in sends]
        held = self.epoch if epoch is None else epoch
        able = await self.queue.begin(begun, attempts, company_id=COMPANY, owner=owner, epoch=held)
        return len(able) == len(sends)

    async def move(self, send: Send, state: str, *, seconds: float = 0, reason: str | None = None) -> bool:
        """Move one send; say whether it did."""
        due_at = self.now + timedelta(seconds=seconds)
        return await self.queue.move([Move(send=send, state=state, due_at=due_at, reason=reason)], now=self.now) == 1

    async def recover(self, after: timedelta) -> int:
        """Make unknown what was cut off or lost by then."""
        now = self.now + after
        fence_from = now + timedelta(seconds=420)
        lost, behind = await self.queue.adopt(STORE, COMPANY, now=now, fence_from=fence_from)
        assert behind is None
        return lost + await self.queue.recover(STORE, COMPANY, now=now, fence_from=fence_from)

    async def accept(self, command_id: str) -> None:
        """Let Jurnal accept a command, and fold it."""
        self.story.accept(command_id, DOCUMENT)
        await tell(self.pool, self.story)

    async def states(self) -> dict[str, str]:
        """Return the state of every send."""
        return {row["command_id"]: row["state"] for row in await rows_of(self.pool, "send")}


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    """Fold an order of a registered customer with two payments, and a second order; hold the company lease."""
    story = Story()
    later = {"transaction_date": "2026-11-20T18:40:00"}
    story.order(transactions=[paid("t1", 5_000), paid("t2", 15_000, **later)], **BUYER)
    story.order(order_id="order-2", order_reference="#2")
    async with service_pool(database_url) as pool:
        await tell(pool, story)
        lease = await CompanyLeases(pool, OURS, lease_seconds=3_600).acquire(COMPANY)
        assert lease is not None
        epoch, now = lease
        yield Desk(pool, story, SendQueue(pool), epoch, now)


async def test_commands_go_in_the_order_of_their_lane_and_after_what_they_need(desk: Desk) -> None:
    """Customer, invoice, payment; the other order does not wait for them."""
    gone = []
    while (send := await desk.next()) is not None:
        gone.append(send.command_id)
        assert await desk.begin(send)
        await desk.accept(send.command_id)
    assert set(gone) == {CUSTOMER, INVOICE, PAYMENT, OTHER}
    assert gone.index(CUSTOMER) < gone.index(INVOICE) < gone.index(PAYMENT)


async def test_an_invoice_waits_for_the_customer_it_needs_although_they_have_lanes_of_their_own(desk: Desk) -> None:
    """While the customer is under way only the order of a walk-in goes."""
    first = await desk.the_next()
    await desk.begin(first)
    second = await desk.the_next()
    await desk.begin(second)
    assert {first.command_id, second.command_id} == {CUSTOMER, OTHER}
    assert await desk.next() is None
    await desk.accept(CUSTOMER)
    assert (await desk.the_next()).command_id == INVOICE


async def test_the_order_of_a_lane_needs_no_other_reason(desk: Desk) -> None:
    """A payout's fee needs nothing; it goes after the deposit because it comes after it in the lane."""
    fields = {"reference_id": "PO-1", "status": "Completed", "date": "2026-11-20T18:00:00"}
    desk.story.report("payout", {**fields, "transactions_amount": 100, "total_fees": 1, "total_deposit": 99})
    await tell(desk.pool, desk.story)
    deposit, fee = f"dep-{STORE}.PO-1", f"fee-{STORE}.PO-1"
    assert desk.story.needs(fee) == []
    offered = set()
    while (send := await desk.next(timedelta(hours=1))) is not None:
        offered.add(send.command_id)
        await desk.begin(send)
    assert deposit in offered
    assert fee not in offered
    await desk.accept(deposit)
    following = await desk.next(timedelta(hours=1))
    assert following is not None
    assert following.command_id == fee


async def test_while_an_invoice_is_under_way_its_payment_waits_and_other_lanes_go_on(desk: Desk) -> None:
    """What is sending, waiting or unknown holds its own lane only."""
    await desk.accept(CUSTOMER)
    other_first = await desk.the_next()
    await desk.begin(other_first)
    second = await desk.the_next()
    assert {other_first.command_id, second.command_id} == {INVOICE, OTHER}
    await desk.begin(second)
    assert await desk.next() is None
    late = timedelta(days=1)
    await desk.recover(late)
    assert {(await desk.states())[name] for name in (INVOICE, OTHER)} == {"unknown"}
    question = await desk.next(late)
    assert question is not None
    assert question.command_id != PAYMENT


async def test_a_refused_command_holds_what_comes_after_it_in_its_lane_for_good(desk: Desk) -> None:
    """A payment on an invoice that Jurnal refused is never tried; others are."""
    await desk.accept(CUSTOMER)
    refusal = CommandRefused(attempted=Attempted(command_id=INVOICE, attempt=1), reason="No such product")
    desk.story.tell(own(refusal, "order-order-1", "refused:1"))
    await tell(desk.pool, desk.story)
    send = await desk.the_next()
    assert send.command_id == OTHER
    await desk.begin(send)
    assert await desk.next(timedelta(days=1)) is None
    assert (await count_states(desk.pool))["refused"] == 1


async def test_an_attempt_is_recorded_before_it_is_made_and_only_once(desk: Desk) -> None:
    """Two that hold the same send: one begins, the other is told that the row is no longer its own."""
    send = await desk.the_next()
    assert (send.state, send.attempt) == ("due", 0)
    assert await desk.begin(send)
    assert not await desk.begin(send)
    row = next(row for row in await rows_of(desk.pool, "send") if row["command_id"] == send.command_id)
    assert (row["state"], row["attempt"], row["signed_at"]) == ("sending", 1, desk.now)
    assert row["absent_from"] == desk.now + timedelta(seconds=420)


@pytest.mark.parametrize("loss", ["another owner", "an old epoch", "an expired lease"])
async def test_nobody_begins_without_the_company_lease(desk: Desk, connection: Connection, loss: str) -> None:
    """The lease is checked in the statement that records the attempt."""
    send = await desk.the_next()
    if loss == "an expired lease":
        await connection.execute("UPDATE company_lease SET expires_at = $1", desk.now)
    owner = THEIRS if loss == "another owner" else OURS
    epoch = desk.epoch - 1 if loss == "an old epoch" else desk.epoch
    assert not await desk.begin(send, owner=owner, epoch=epoch)
    assert set((await desk.states()).values()) == {"due"}


async def test_what_goes_alone_by_now_does_not_begin_in_a_call_of_several(desk: Desk, connection: Connection) -> None:
    """The endpoint of several refuses no used key; and of such a call nothing begins."""
    first, second, *_ = await desk.ready()
    await connection.execute("UPDATE send SET alone = true WHERE command_id = $1", first.command_id)
    assert not await desk.begin(first, second)
    assert "sending" not in (await desk.states()).values()
    assert await desk.begin(first)


async def test_what_jurnal_was_found_to_have_does_not_begin_before_it_was_looked_up(
    desk: Desk, connection: Connection
) -> None:
    """It was found between the look at the queue and the attempt, of which it may not be the first."""
    (send,) = [send for send in await desk.ready() if send.command_id == OTHER]
    await connection.execute("UPDATE send SET attempt = 1 WHERE command_id = $1", OTHER)
    send = msgspec.structs.replace(send, attempt=1)
    await connection.execute(FOUND, STORE, OTHER)
    assert not await desk.begin(send)
    await connection.execute("UPDATE send SET found_at = 7 WHERE command_id = $1", OTHER)
    assert await desk.begin(send)


async def test_nothing_begins_while_a_word_on_the_store_is_not_folded(desk: Desk) -> None:
    """Before it something may have been found in Jurnal, which nobody has looked up yet."""
    (send,) = [send for send in await desk.ready() if send.command_id == OTHER]
    desk.story.tell(own(StoreResumed(actor="owner", reason="looked at"), OPERATIONS_STREAM, "resumed"))
    await append_story(desk.pool, desk.story)
    assert not await desk.begin(send)
    await fold_all(desk.pool)
    assert await desk.begin(send)


async def test_an_attempt_past_its_deadline_becomes_unknown_and_is_looked_up_not_sent(desk: Desk) -> None:
    """A process that died while sending leaves a question; no attempt can be begun before it is answered."""
    send = await desk.the_next()
    await desk.begin(send)
    assert await desk.recover(timedelta(seconds=89)) == 0
    assert await desk.recover(timedelta(seconds=90)) == 1
    assert await desk.recover(timedelta(seconds=90)) == 0
    question = await desk.next(timedelta(seconds=90))
    assert question is not None
    assert (question.command_id, question.state, question.attempt) == (send.command_id, "unknown", 1)
    assert (question.signed_at, question.absent_from) == (desk.now, desk.now + timedelta(seconds=420))
    assert not await desk.begin(question)


async def test_what_must_be_looked_up_comes_before_what_is_new(desk: Desk) -> None:
    """An open question is answered first, although new sends were due earlier."""
    send = await desk.the_next()
    await desk.begin(send)
    await desk.recover(timedelta(seconds=90))
    question = await desk.next(timedelta(seconds=90))
    assert question is not None
    assert question.state == "unknown"


async def test_lost_send_rows_become_unknown_and_are_never_sent_blindly(desk: Desk, connection: Connection) -> None:
    """Without its row anything may have been sent: a command without a last word is a question with a full fence."""
    await desk.accept(CUSTOMER)
    await connection.execute("DELETE FROM send")
    assert await desk.next(timedelta(days=1)) is None
    assert await desk.recover(timedelta(0)) == 3
    assert await desk.states() == {INVOICE: "unknown", OTHER: "unknown", PAYMENT: "unknown"}
    question = await desk.the_next()
    assert question.state == "unknown"
    assert question.absent_from == desk.now + timedelta(seconds=420)
    assert not await desk.begin(question)


async def test_all_that_is_due_is_looked_through_for_lost_rows_a_stretch_at_a_time(
    desk: Desk, connection: Connection
) -> None:
    """Each look goes on where the last one ended, and the last of them says that it came to the end."""
    await connection.execute("DELETE FROM send")
    lost, behind = 0, FIRST
    for looked_at in (2, 4):
        fence_from = desk.now + timedelta(seconds=420)
        adopted, last = await desk.queue.adopt(
            STORE, COMPANY, now=desk.now, fence_from=fence_from, behind=behind, looked_at_max=2
        )
        assert (adopted, last is not None) == (2, True)
        lost, behind = lost + adopted, last or FIRST
        assert len(await desk.states()) == looked_at == lost
    end = await desk.queue.adopt(STORE, COMPANY, now=desk.now, fence_from=desk.now, behind=behind, looked_at_max=2)
    assert end == (0, None)


async def test_once_it_is_known_to_be_absent_a_command_may_be_sent_again_as_a_new_attempt(desk: Desk) -> None:
    """Unknown goes back to due by a decision of the dispatcher only; the attempt counts on."""
    send = await desk.the_next()
    await desk.begin(send)
    await desk.recover(timedelta(seconds=90))
    question = await desk.next(timedelta(seconds=90))
    assert question is not None
    assert await desk.move(question, "due")
    again = await desk.the_next()
    while again.command_id != send.command_id:
        await desk.begin(again)
        again = await desk.the_next()
    assert (again.state, again.attempt) == ("due", 1)
    assert await desk.begin(again)


async def test_a_move_of_an_older_attempt_is_refused(desk: Desk) -> None:
    """An answer that comes after the next attempt has begun cannot move its row."""
    send = await desk.the_next()
    await desk.begin(send)
    first = msgspec.structs.replace(send, attempt=1)
    assert await desk.move(first, "due")
    await desk.begin(first)
    assert not await desk.move(first, "done")
    assert (await desk.states())[send.command_id] == "sending"


async def test_done_is_the_end_of_a_send(desk: Desk) -> None:
    """Nothing takes it back, and it is neither recovered nor offered."""
    send = await desk.the_next()
    assert await desk.move(send, "done")
    assert not await desk.move(send, "due")
    assert await desk.recover(timedelta(days=1)) == 0
    following = await desk.next()
    assert following is None or following.command_id != send.command_id


async def test_a_send_that_waits_is_offered_again_at_its_time(desk: Desk) -> None:
    """Jurnal said when to come back; the send says why it waits."""
    send = await desk.the_next()
    await desk.move(send, "waiting", seconds=60, reason="Too many requests")
    early = await desk.next(timedelta(seconds=59))
    assert early is None or early.command_id != send.command_id
    offered = set()
    while (found := await desk.next(timedelta(seconds=60))) is not None:
        offered.add((found.command_id, found.state))
        await desk.begin(found)
    assert (send.command_id, "waiting") in offered


async def test_an_accepted_command_is_not_offered_whatever_its_send_says(desk: Desk) -> None:
    """The last word is the ledger's: after a rebuild the send rows are new, and still nothing goes."""
    for command_id in (CUSTOMER, INVOICE, OTHER, PAYMENT):
        await desk.accept(command_id)
    assert set((await desk.states()).values()) == {"due"}
    assert await desk.next(timedelta(days=365)) is None
    assert await desk.queue.document_of(STORE, INVOICE) is not None
    assert (await count_states(desk.pool))["accepted"] == 4


async def test_a_send_carries_its_command_as_it_was_decided(desk: Desk) -> None:
    """What goes over the wire is read from the row that the fold wrote, and another company sees nothing of it."""
    await desk.accept(CUSTOMER)
    found = {}
    while (send := await desk.next()) is not None:
        found[send.command_id] = send.command
        await desk.begin(send)
    assert found[INVOICE] == next(
        command for command in desk.story.commands if isinstance(command, BookInvoice) and command.order_id == "order-1"
    )
    assert await desk.ready(company_id="another-company") == []
    assert (await desk.queue.ready("teh-tawar", COMPANY, ALL_KINDS, now=desk.now)).sends == ()


async def test_what_is_held_up_at_the_front_of_a_long_queue_hides_nothing_behind_it_for_ever(
    desk: Desk, connection: Connection
) -> None:
    """A thousand payments of refused invoices stand first: look by look comes in sight what stands behind them."""
    await connection.execute(
        """
        WITH held AS (SELECT 'pay-' || to_char(n, 'FM00000') AS id, n FROM generate_series(1, 1000) n), added AS (
            INSERT INTO command (store_id, command_id, company_id, stream_id, record_id, lane, position, ordinal, kind,
                                 body, needs, state)
            SELECT $1, id, $2, id, id, id, n, 0, 'ReceivePayment', '', ARRAY['absent'], 'due' FROM held)
        INSERT INTO send (store_id, command_id, company_id, kind, state, attempt, due_at)
        SELECT $1, id, $2, 'ReceivePayment', 'due', 0, $3::timestamptz - interval '1 day' FROM held
        """,
        STORE,
        COMPANY,
        desk.now,
    )
    await desk.accept(CUSTOMER)
    await desk.accept(INVOICE)
    waiting = WaitingSends(desk.queue, Fence(), BatchLimits())
    looks = []
    for _ in range(4):
        due = await waiting.due(Company(COMPANY, STORE), (STORE,), desk.now)
        looks.append(PAYMENT in {send.command_id for send in due})
    assert looks == [False, False, True, False]
