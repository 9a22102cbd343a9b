"""A process that stood still tells what another one has gone on from: a refusal counts for its own attempt alone."""

from collections.abc import Awaitable, Callable

import pytest
import structlog.testing

from ops.sandbox.jurnal import FaultPlan
from service.jurnal.exchange import JurnalRequest, NoAnswer, Response, SignedRequest
from service.jurnal.pace import Purpose
from service.jurnal_calls import Company, JurnalCalls, Place
from service.quota import Spent
from tests.integration.dispatcher.stand import Stand
from tests.story import line


class StoppedCalls(JurnalCalls):
    """A way to Jurnal on which the process stands still behind an answer, once, while others go on."""

    def __init__(self, stand: Stand, path: str, meanwhile: Callable[[], Awaitable[None]]) -> None:
        self.__dict__.update(stand.calls().__dict__)
        self._path = path
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
        return answer


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
