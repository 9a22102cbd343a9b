"""What one thing that never works does to all the others: a listing, a look-up, a credential."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from aiohttp import web

from ops.sandbox.jurnal import FaultPlan
from service.choosing import BatchLimits
from service.jurnal.pace import Limit
from service.quota import QuotaBudget
from tests.integration.dispatcher.stand import COMPANY, PLENTY, Stand
from tests.integration.dispatcher.test_dispatcher_batches import LATER, calls, warmed
from tests.story import paid


def always(stand: Stand, status: int, wanted: Callable[[web.Request], bool]) -> None:
    """Let Jurnal answer all such requests so."""
    stand.sandbox.gate.fault = lambda request: FaultPlan(status_before_commit=status) if wanted(request) else None


async def test_a_list_that_never_works_does_not_keep_a_lost_batch_for_ever(stand: Stand) -> None:
    """Past the fence each document is asked for by its key, as it is where the list shows nothing."""
    process = await warmed(stand)
    for number in range(1, 4):
        await stand.order(number)
    stand.fail(FaultPlan(close_after_commit=True), path="batch_create")
    await stand.step(process)
    always(stand, 400, lambda request: request.method == "GET" and request.path.endswith("/sales_invoices"))
    await stand.until_quiet(process, seconds_max=3_600)
    assert set((await stand.statuses()).values()) == {"Success"}
