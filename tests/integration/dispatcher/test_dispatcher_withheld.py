"""A refusal that our own look-up found is told only while nobody else can send: its send is taken out of the queue."""

from collections.abc import Awaitable, Callable

import msgspec
import pytest

from eventstore.facts.reconciliation import ComparedDocument, DocumentFoundUnknown
from ops.sandbox.jurnal import FaultPlan
from service.jurnal.exchange import JurnalRequest, NoAnswer, Response
from service.jurnal.pace import Purpose
from service.jurnal_calls import Company, JurnalCalls
from service.quota import Spent
from service.reconciliation_ledger import ReconciliationLedger
from tests.integration.dispatcher.asking import DAY, RETURN, RETURN_ID, SALE, Asked, booked
from tests.integration.dispatcher.stand import Stand
from tests.integration.dispatcher.test_dispatcher_crashes import Died, DyingCalls
from tests.integration.dispatcher.test_dispatcher_late_words import DyingQueue, StoppedCalls, StoppedQueue
from tests.ledger import STORE
from tests.story import line


async def make_coffee(stand: Stand) -> None:
    """Let somebody make the product that was missing."""
    fields = {"name": "Kopi", "product_code": "KOPI", "unit_name": "Pcs", "track_inventory": False}
    await stand.shop.make("products", "product", **fields)


def another_sends_it_and_dies(stand: Stand) -> Callable[[], Awaitable[None]]:
    """Return what lets another process take over and send, and kills that one with its answer."""

    async def others_go_on() -> None:
        await stand.advance(30)
        await stand.fold()
        with pytest.raises(Died):
            await stand.until_quiet(stand.process(calls=DyingCalls(stand, "after")))

    return others_go_on


async def test_what_was_found_missing_is_not_refused_while_anothers_attempt_is_under_way(stand: Stand) -> None:
    """The other one died with its answer: of what is refused nobody would have looked for its invoice."""
    await stand.order(order_details=[line(quantity=2, sku="KOPI")])
    go_on = another_sends_it_and_dies(stand)

    async def others_go_on() -> None:
        await make_coffee(stand)
        await go_on()
        assert stand.documents("sales_invoice") == 1

    stopped = stand.process(queue=StoppedQueue(stand, others_go_on))
    await stand.step(stopped)
    assert await stand.told("CommandRefused") == []
    await stand.until_quiet(stopped)
    assert stand.documents("sales_invoice") == 1
    assert await stand.statuses() == {"sale-order-1": "Success"}


async def test_nor_what_was_tried_before_and_is_found_absent_for_the_second_time(stand: Stand) -> None:
    """Absence that is told again stands in the ledger again, and in the way of what was decided before it."""
    asked = Asked(stand)
    await booked(asked, SALE)
    stand.fail(FaultPlan(status_before_commit=504), path="sales_returns")
    await asked.ask(RETURN)
    first = stand.process()
    while not await stand.told("CommandConfirmedAbsent"):
        await stand.step(first)
        await stand.advance(30)
    reading = StoppedCalls(stand, "never", another_sends_it_and_dies(stand), spoilt=(b"10000", b"10009"))
    stopped = stand.process(calls=reading, queue=StoppedQueue(stand, another_sends_it_and_dies(stand)))
    await stand.advance(30)
    await stand.step(stopped)
    assert stand.documents("sales_return") == 1
    assert await stand.told("CommandRefused") == []
    await stand.until_quiet(stand.process())
    assert stand.documents("sales_return") == 1
    assert await asked.state_of(RETURN) == ("accepted", "")


async def test_whoever_dies_before_it_has_told_its_refusal_leaves_it_to_the_next(stand: Stand) -> None:
    """The send that was taken out of the queue is looked up, found absent, and refused."""

    async def die() -> None:
        raise Died

    await stand.order(order_details=[line(quantity=2, sku="KOPI")])
    with pytest.raises(Died):
        await stand.step(stand.process(queue=StoppedQueue(stand, die)))
    await stand.until_quiet(stand.process())
    assert len(await stand.told("CommandRefused")) == 1
    assert await stand.sends() == {"inv.order-1": "done"}
    assert await stand.statuses() == {"sale-order-1": "Failed"}
    assert stand.documents("sales_invoice") == 0


async def test_so_does_whoever_dies_behind_it(stand: Stand) -> None:
    """What is refused in the ledger ends its send, and is refused once."""
    await stand.order(order_details=[line(quantity=2, sku="KOPI")])
    with pytest.raises(Died):
        await stand.step(stand.process(queue=DyingQueue(stand, "CommandRefused")))
    await stand.fold()
    await stand.until_quiet(stand.process())
    assert len(await stand.told("CommandRefused")) == 1
    assert await stand.sends() == {"inv.order-1": "done"}
    assert await stand.statuses() == {"sale-order-1": "Failed"}


class DyingReads(JurnalCalls):
    """A way to Jurnal whose process dies with its first look-up."""

    def __init__(self, stand: Stand) -> None:
        self.__dict__.update(stand.calls().__dict__)

    async def read(self, company: Company, request: JurnalRequest, purpose: Purpose) -> Response | NoAnswer | Spent:
        """Die with its answer."""
        await super().read(company, request, purpose)
        raise Died


class FailingReads(StoppedCalls):
    """A way to Jurnal whose look-up fails when the process has stood still behind it."""

    async def read(self, company: Company, request: JurnalRequest, purpose: Purpose) -> Response | NoAnswer | Spent:
        """Fail."""
        await super().read(company, request, purpose)
        return NoAnswer(reason="no answer within the deadline", reached_wire=True)


async def test_who_puts_a_send_off_late_does_not_put_it_back_into_the_queue(stand: Stand) -> None:
    """Its document was found in Jurnal meanwhile, which is looked up before anything else: a return has no key."""
    asked = Asked(stand)
    await booked(asked, SALE)
    stand.hold_next = "sales_returns"
    await asked.ask(RETURN)
    first = stand.process()
    while not await stand.told("CommandConfirmedAbsent"):
        await stand.step(first)
        await stand.advance(30)
    (held,) = stand.held

    async def others_go_on() -> None:
        # As after a restore: made by an attempt that the ledger does not know of.
        made = await stand.shop.make("sales_returns", "sales_return", **msgspec.json.decode(held.body)["sales_return"])
        document = ComparedDocument(
            difference_id="unknown.return",
            resource="sales_returns",
            business_date=DAY,
            command_id=RETURN_ID,
            jurnal_id=made["id"],
        )
        ledger = ReconciliationLedger(stand.pool, stand.appender, stand.clock)
        await ledger.note(STORE, [DocumentFoundUnknown(document=document, reason="it is due")])
        await stand.advance(30)
        await stand.fold()
        with pytest.raises(Died):
            await stand.step(stand.process(calls=DyingReads(stand)))
        assert "unknown" in (await stand.sends()).values()

    stopped = stand.process(calls=FailingReads(stand, "sales_invoices", others_go_on))
    await stand.step(stopped)
    await stand.until_quiet(stand.process())
    assert stand.documents("sales_return") == 1
    assert await asked.state_of(RETURN) == ("accepted", "")
