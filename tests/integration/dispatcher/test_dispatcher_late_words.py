"""A process that stood still tells what another one has gone on from: a refusal counts for its own attempt alone."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

import msgspec
import pytest
import structlog.testing

from ops.sandbox.jurnal import FaultPlan
from projections.jurnal_commands.queue import Key, Move, Send, SendQueue
from service.jurnal.exchange import JurnalRequest, NoAnswer, Response, SignedRequest
from service.jurnal.pace import Purpose
from service.jurnal_calls import Company, JurnalCalls, Place
from service.quota import Spent
from tests.integration.dispatcher.stand import Stand
from tests.integration.dispatcher.test_dispatcher_crashes import Died
from tests.story import line


class StoppedCalls(JurnalCalls):
    """A way to Jurnal on which the process stands still behind an answer, once, while others go on."""

    def __init__(
        self,
        stand: Stand,
        path: str,
        meanwhile: Callable[[], Awaitable[None]],
        spoilt: tuple[bytes, bytes] = (b"", b""),
    ) -> None:
        """`spoilt`: what its look-ups read otherwise than it was told."""
        self.__dict__.update(stand.calls().__dict__)
        self._path = path
        self._spoilt = spoilt
        self._meanwhile: Callable[[], Awaitable[None]] | None = meanwhile

    async def _stand_still(self, path: str) -> None:
        meanwhile = self._meanwhile
        if meanwhile is not None and self._path in path:
            self._meanwhile = None
            await meanwhile()

    async def send(self, request: SignedRequest, place: Place) -> Response | NoAnswer:
        """Stand still behind the answer to a document."""
        answer = await super().send(request, place)
        if request.method != "GET":
            await self._stand_still(request.path)
        return answer

    async def read(self, company: Company, request: JurnalRequest, purpose: Purpose) -> Response | NoAnswer | Spent:
        """Stand still behind the answer to a look-up."""
        answer = await super().read(company, request, purpose)
        await self._stand_still(request.path)
        if isinstance(answer, Response) and self._spoilt[0]:
            return msgspec.structs.replace(answer, body=answer.body.replace(*self._spoilt))
        return answer


class StoppedQueue(SendQueue):
    """A queue behind whose answer that nothing has gone on the process stands still, once."""

    def __init__(self, stand: Stand, meanwhile: Callable[[], Awaitable[None]]) -> None:
        super().__init__(stand.pool)
        self._meanwhile: Callable[[], Awaitable[None]] | None = meanwhile

    async def gone_on(self, sends: Sequence[Send]) -> frozenset[Key]:
        """Stand still between this question and the append."""
        gone = await super().gone_on(sends)
        meanwhile, self._meanwhile = self._meanwhile, None
        if meanwhile is not None:
            assert not gone
            await meanwhile()
        return gone


class DyingQueue(SendQueue):
    """A queue whose process dies behind its answer's fact, before the send's row is moved."""

    def __init__(self, stand: Stand, fact: str) -> None:
        super().__init__(stand.pool)
        self._stand, self._fact = stand, fact

    async def move(self, moves: Sequence[Move], *, now: datetime) -> int:
        """Die once the fact stands."""
        if await self._stand.told(self._fact):
            raise Died
        return await super().move(moves, now=now)


@pytest.mark.parametrize("status", [422, 400])
async def test_a_refusal_that_is_read_when_another_attempt_was_booked_says_nothing(stand: Stand, status: int) -> None:
    """The answer lay there while another process took over, waited for the fence, found nothing, and sent it."""

    async def others_go_on() -> None:
        await stand.advance(600)
        await stand.fold()
        await stand.until_quiet(stand.process())
        assert await stand.commands() == {"inv.order-1": "accepted"}

    await stand.order()
    stand.fail(FaultPlan(status_before_commit=status))
    stopped = stand.process(calls=StoppedCalls(stand, "sales_invoices", others_go_on))
    with structlog.testing.capture_logs() as logs:
        await stand.step(stopped)
    assert "refusal_dropped" in [told["event"] for told in logs]
    assert await stand.told("CommandRefused") == []
    assert await stand.statuses() == {"sale-order-1": "Success"}
    await stand.until_quiet(stopped)
    assert stand.documents("sales_invoice") == 1


async def test_what_was_found_wanting_before_another_process_sent_it_is_not_refused(stand: Stand) -> None:
    """The product was made while the process that had not found it stood still."""

    async def others_go_on() -> None:
        fields = {"name": "Kopi", "product_code": "KOPI", "unit_name": "Pcs", "track_inventory": False}
        await stand.shop.make("products", "product", **fields)
        await stand.advance(30)
        await stand.fold()
        await stand.until_quiet(stand.process())
        assert await stand.commands() == {"inv.order-1": "accepted"}

    await stand.order(order_details=[line(quantity=2, sku="KOPI")])
    stopped = stand.process(calls=StoppedCalls(stand, "get_product", others_go_on))
    await stand.step(stopped)
    assert await stand.told("CommandRefused") == []
    assert await stand.statuses() == {"sale-order-1": "Success"}
    assert stand.documents("sales_invoice") == 1


async def test_a_process_that_stops_between_the_question_and_the_append_of_a_refusal_tells_none(stand: Stand) -> None:
    """Nothing had gone on when it asked; the document was booked when it goes on itself."""

    async def others_go_on() -> None:
        await stand.advance(600)
        await stand.fold()
        await stand.until_quiet(stand.process())
        assert await stand.commands() == {"inv.order-1": "accepted"}

    await stand.order()
    stand.fail(FaultPlan(status_before_commit=422))
    stopped = stand.process(queue=StoppedQueue(stand, others_go_on))
    with structlog.testing.capture_logs() as logs:
        await stand.step(stopped)
    assert "refusal_dropped" in [told["event"] for told in logs]
    assert await stand.told("CommandRefused") == []
    await stand.until_quiet(stopped)
    assert await stand.statuses() == {"sale-order-1": "Success"}
    assert stand.documents("sales_invoice") == 1


async def test_so_does_one_that_found_something_missing(stand: Stand) -> None:
    """Its refusal was decided before anything was sent."""

    async def others_go_on() -> None:
        fields = {"name": "Kopi", "product_code": "KOPI", "unit_name": "Pcs", "track_inventory": False}
        await stand.shop.make("products", "product", **fields)
        await stand.advance(30)
        await stand.fold()
        await stand.until_quiet(stand.process())
        assert await stand.commands() == {"inv.order-1": "accepted"}

    await stand.order(order_details=[line(quantity=2, sku="KOPI")])
    stopped = stand.process(queue=StoppedQueue(stand, others_go_on))
    await stand.step(stopped)
    assert await stand.told("CommandRefused") == []
    assert await stand.statuses() == {"sale-order-1": "Success"}


async def test_what_else_is_told_of_the_order_meanwhile_keeps_no_refusal_back(stand: Stand) -> None:
    """A report stands in the same stream: it is asked once more, and the refusal is told behind it."""

    async def reported() -> None:
        await stand.order(order_reference="#3101-9999")

    await stand.order()
    stand.fail(FaultPlan(status_before_commit=422))
    stopped = stand.process(queue=StoppedQueue(stand, reported))
    with structlog.testing.capture_logs() as logs:
        await stand.step(stopped)
    assert "refusal_dropped" not in [told["event"] for told in logs]
    assert len(await stand.told("CommandRefused")) == 1


@pytest.mark.parametrize(
    ("plan", "fact"),
    [
        (FaultPlan(status_before_commit=422), "CommandConfirmedAbsent"),
        (FaultPlan(status_after_commit=422), "CommandAccepted"),
    ],
)
async def test_what_another_has_told_counts_though_it_died_before_it_moved_the_row(
    stand: Stand, plan: FaultPlan, fact: str
) -> None:
    """The row still stands where the first process left it; the ledger tells how its attempt ended."""

    async def others_go_on() -> None:
        await stand.advance(600)
        await stand.fold()
        with pytest.raises(Died):
            await stand.until_quiet(stand.process(queue=DyingQueue(stand, fact)))

    await stand.order()
    stand.fail(plan)
    stopped = stand.process(calls=StoppedCalls(stand, "sales_invoices", others_go_on))
    await stand.step(stopped)
    assert await stand.told("CommandRefused") == []
    assert len(await stand.told(fact)) == 1
    await stand.until_quiet(stand.process())
    assert stand.documents("sales_invoice") == 1
    assert await stand.statuses() == {"sale-order-1": "Success"}


async def test_a_difference_that_was_seen_before_another_found_it_put_right_is_not_told(stand: Stand) -> None:
    """The invoice differed when the first process read it, and was accepted when that goes on."""

    async def others_go_on() -> None:
        await stand.advance(60)
        await stand.fold()
        with pytest.raises(Died):
            await stand.until_quiet(stand.process(queue=DyingQueue(stand, "CommandAccepted")))

    await stand.order()
    stand.fail(FaultPlan(close_after_commit=True))
    await stand.step(stand.process(lease_seconds=0.001))
    await stand.advance(5)
    reading = StoppedCalls(stand, "sales_invoices", others_go_on, spoilt=(b"20000", b"20001"))
    await stand.step(stand.process(calls=reading))
    assert await stand.told("CommandRefused") == []
    await stand.until_quiet(stand.process())
    assert await stand.statuses() == {"sale-order-1": "Success"}


async def test_what_was_found_wanting_before_another_process_sent_it_is_not_refused_while_that_is_under_way(
    stand: Stand,
) -> None:
    """No answer stands in the ledger yet; the row tells that another attempt has begun."""

    async def others_go_on() -> None:
        fields = {"name": "Kopi", "product_code": "KOPI", "unit_name": "Pcs", "track_inventory": False}
        await stand.shop.make("products", "product", **fields)
        await stand.advance(30)
        other = stand.process()
        stand.fail(FaultPlan(close_after_commit=True), path="sales_invoices")
        while not await stand.told("CommandUnanswered"):
            await stand.step(other)

    await stand.order(order_details=[line(quantity=2, sku="KOPI")])
    stopped = stand.process(calls=StoppedCalls(stand, "get_product", others_go_on))
    await stand.step(stopped)
    assert await stand.told("CommandRefused") == []
    await stand.until_quiet(stopped)
    assert await stand.statuses() == {"sale-order-1": "Success"}
