"""What moves on in the ledger while Jurnal is read is left to the next comparison."""

from collections.abc import Awaitable, Callable

import pytest

from service.jurnal.exchange import JurnalRequest, NoAnswer, Response
from service.jurnal.pace import Purpose
from service.jurnal_calls import Company, JurnalCalls
from service.quota import Spent
from tests.integration.dispatcher.stand import Stand
from tests.integration.reconcile.comparing import compare, invoice_fields, kinds
from tests.ledger import STORE
from tests.story import line, paid

INVOICE = f"inv-{STORE}.order-1"


class MovingCalls(JurnalCalls):
    """A way to Jurnal behind whose answer about the one invoice the ledger moves on, once."""

    def __init__(self, stand: Stand, meanwhile: Callable[[], Awaitable[None]]) -> None:
        self.__dict__.update(stand.calls().__dict__)
        self._meanwhile: Callable[[], Awaitable[None]] | None = meanwhile

    async def read(self, company: Company, request: JurnalRequest, purpose: Purpose) -> Response | NoAnswer | Spent:
        """Let what is read be old when it is judged."""
        answer = await super().read(company, request, purpose)
        if self._meanwhile is not None and "/sales_invoices/" in request.path:
            meanwhile, self._meanwhile = self._meanwhile, None
            await meanwhile()
        return answer


@pytest.mark.parametrize("what", ["changed", "paid"])
async def test_an_invoice_that_moved_on_while_it_was_read_is_not_judged(stand: Stand, what: str) -> None:
    """What was read is neither what stood before nor what stands now: the next comparison tells."""
    process = stand.process()

    async def moves_on() -> None:
        if what == "changed":
            await stand.order(order_details=[line(quantity=2, sku="MOCHA")])
        else:
            await stand.order(transactions=[paid("t1", 10_000)])
        await stand.until_quiet(process)
        assert set((await stand.statuses()).values()) == {"Success"}

    await stand.order()
    await stand.until_quiet(process)
    stand.sandbox.by_hand.edit("sales_invoices", INVOICE, **invoice_fields(transaction_date="2026-11-22"))
    moved = await compare(stand, MovingCalls(stand, moves_on))
    assert kinds(moved) == []
    assert moved.reconciled.compared == 1
    again = await compare(stand)
    assert kinds(again) == ([] if what == "changed" else ["altered"])
