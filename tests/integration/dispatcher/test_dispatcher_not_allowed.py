"""What Jurnal does not let go of: booked otherwise, once, whatever happens on the wire and however often folded."""

from typing import Any

import msgspec
import pytest
from aiohttp import web

from eventstore.facts.operators import CommandReleased
from eventstore.facts.settings import SETTINGS_STREAM, SalesRulesSet
from ops.sandbox.jurnal import FaultPlan
from projections.sync_status.queries import Wanted, count_records, read_page
from service.operations import NothingToDo, Operations, Word
from service.sync_wording import wording
from tests.integration.dispatcher.stand import Stand
from tests.integration.dispatcher.test_dispatcher_crashes import Died, DyingQueue
from tests.integration.dispatcher.test_dispatcher_planned_anew import no_difference, word
from tests.ledger import STORE
from tests.story import line, paid

INVOICE = f"inv-{STORE}.order-1"
CASH = paid("t1", 20_000)
DELETE = SalesRulesSet(same_day_void="delete", sales_return_account="Sales Return", waste_account="Goods Received")
VOID = {"status": "void", "cancel_date": "2026-11-20T19:30:00"}
CHANGED = {"sale-order-1": "Success", "change-order-1-1": "Superseded", "change-order-1-2": "Success"}
LOST = FaultPlan(close_after_commit=True)


def lattes(number: int, **fields: object) -> dict[str, Any]:
    """Return what is told of an order of so many lattes."""
    lines = [line(quantity=number)]
    return {"order_details": lines, "total_amount": number * 10_000, "total_order_amount": number * 10_000, **fields}


async def reconciled(stand: Stand) -> None:
    """Book a sale of two lattes for cash, which a person then matches with the bank's statement."""
    await word(stand, DELETE, SETTINGS_STREAM, "rules:1")
    await stand.order(1, transactions=[CASH])
    await stand.until_quiet(stand.process())
    stand.sandbox.by_hand.reconcile(INVOICE)


async def booked_anew(stand: Stand, database_url: str, total: int) -> None:
    """Assert that the changed order stands once, nothing is under way, and a rebuild finds the same."""
    assert set((await stand.commands()).values()) == {"accepted", "superseded"}
    assert set((await stand.sends()).values()) == {"done"}
    assert (stand.documents("sales_invoice"), stand.documents("sales_return")) == (2, 1)
    balances = stand.sandbox.exact_balances()
    assert balances["Service Revenue"] == -20_000 - total
    assert balances["Sales Return"] == 20_000
    assert balances["Accounts Receivable"] == total - balances["Cash"]
    await no_difference(stand, database_url)


@pytest.mark.parametrize("way", [None, LOST], ids=["answered", "lost"])
async def test_what_jurnal_does_not_let_go_of_is_booked_otherwise_once(
    stand: Stand, database_url: str, way: FaultPlan | None
) -> None:
    """A change is a return and a new invoice, also where the refusal comes long after the first attempt."""
    await reconciled(stand)
    if way is not None:
        stand.fail(way, method="PATCH", path="sales_invoices")
    await stand.order(1, transactions=[CASH], **lattes(3))
    await stand.until_quiet(stand.process())
    assert await stand.statuses() == CHANGED
    await booked_anew(stand, database_url, 30_000)


@pytest.mark.parametrize("answered", [True, False], ids=["read", "Jurnal fails for a while"])
async def test_a_change_that_was_lost_and_lost_its_memo_too_is_not_booked_twice(
    stand: Stand, database_url: str, answered: bool
) -> None:
    """A person wrote another memo and closed the invoice: it is not allowed any more, and looks as it was asked for."""
    await stand.order(1, transactions=[CASH])
    process = stand.process()
    await stand.until_quiet(process)
    await stand.order(1, transactions=[CASH], **lattes(3))
    stand.fail(LOST, method="PATCH", path="sales_invoices")
    await stand.step(process)
    (invoice,) = stand.sandbox.company.sales_invoices
    invoice.memo = "checked with the bank"
    stand.sandbox.by_hand.reconcile(INVOICE)
    if not answered:
        await failing_when_refused(stand)
    await stand.until_quiet(process)
    assert await stand.statuses() == {"sale-order-1": "Success", "change-order-1-1": "Success"}
    assert (stand.documents("sales_invoice"), stand.documents("sales_return")) == (1, 0)
    assert stand.sandbox.exact_balances()["Service Revenue"] == -30_000
    await no_difference(stand, database_url)


async def failing_when_refused(stand: Stand) -> None:
    """Let the first look-up behind a refused change fail."""
    seen = 0

    def fault(request: web.Request) -> FaultPlan | None:
        nonlocal seen
        seen += request.method == "PATCH"
        if seen != 1 or request.method != "GET":
            return None
        seen += 1
        return FaultPlan(status_before_commit=502)

    stand.sandbox.gate.fault = fault


async def test_a_payment_and_a_second_change_behind_it_are_booked_once(stand: Stand, database_url: str) -> None:
    """The money is received on the new invoice; what was planned on the old one is never sent."""
    await reconciled(stand)
    more = paid("t2", 10_000, transaction_date="2026-11-20T18:40:00")
    await stand.order(1, transactions=[CASH], **lattes(3))
    await stand.order(1, transactions=[CASH, more], **lattes(3))
    await stand.order(1, transactions=[CASH, more], **lattes(4))
    await stand.until_quiet(stand.process())
    assert set((await stand.statuses()).values()) == {"Success", "Superseded"}
    assert (await stand.statuses())["payment-order-1-t2"] == "Success"
    assert stand.documents("receive_payment") == 1
    assert stand.sandbox.exact_balances()["Cash"] == 30_000
    await booked_anew(stand, database_url, 40_000)


@pytest.mark.parametrize("restocks", [True, False], ids=["goods back", "goods lost"])
async def test_a_deletion_that_jurnal_refuses_is_a_return_once(stand: Stand, database_url: str, restocks: bool) -> None:
    """Of the same day, with nothing but its deposit, as our rules allow; goods are thrown away after they came back."""
    await reconciled(stand)
    await word(stand, msgspec.structs.replace(DELETE, void_restocks=restocks), SETTINGS_STREAM, "rules:2")
    await stand.order(1, transactions=[CASH], **VOID)
    await stand.until_quiet(stand.process())
    statuses = await stand.statuses()
    assert statuses == {"sale-order-1": "Success", "void-order-1": "Superseded", "void-order-1-returned": "Success"}
    balances = stand.sandbox.exact_balances()
    assert [balances[name] for name in ("Service Revenue", "Sales Return", "Cash")] == [-20_000, 20_000, 0]
    assert stand.documents("sales_return") == 1
    assert stand.documents("stock_adjustment") == (0 if restocks else 1)
    await no_difference(stand, database_url)


async def test_an_invoice_that_a_person_paid_in_jurnal_is_booked_anew(stand: Stand) -> None:
    """The new total is below what was received by then."""
    await stand.order(1)
    await stand.until_quiet(stand.process())
    (invoice,) = stand.sandbox.company.sales_invoices
    records = [{"transaction_no": invoice.name, "amount": 20_000}]
    fields = {"transaction_date": "2026-11-20", "records_attributes": records, "payment_method_name": "Cash"}
    await stand.shop.make("receive_payments", "receive_payment", **fields, deposit_to_name="Cash")
    await stand.order(1, **lattes(1))
    await stand.until_quiet(stand.process())
    assert await stand.statuses() == CHANGED


async def test_a_process_that_dies_behind_the_refusal_leaves_nothing_to_look_up(
    stand: Stand, database_url: str
) -> None:
    """Its send ends with what it came to, when the attempt's time is over."""
    await reconciled(stand)
    await stand.order(1, transactions=[CASH], **lattes(3))
    with pytest.raises(Died):
        await stand.until_quiet(stand.process(queue=DyingQueue(stand.pool)))
    await stand.fold()
    assert "superseded" in (await stand.commands()).values()
    await stand.until_quiet(stand.process())
    assert await stand.statuses() == CHANGED
    await booked_anew(stand, database_url, 30_000)


async def test_a_person_is_told_what_became_of_it_and_lets_nothing_of_it_go(stand: Stand, database_url: str) -> None:
    """Found by its status; a retry, or a release by its identity, sends nothing."""
    await reconciled(stand)
    await stand.order(1, transactions=[CASH], **lattes(3))
    await stand.until_quiet(stand.process())
    wanted = Wanted(statuses=("Superseded",))
    (record,) = (await read_page(stand.pool, STORE, wanted, rows_max=10)).records
    told = wording(record, paused=None)
    assert told.reason == "Jurnal did not take this change of the invoice: other records of the order book it"
    assert (record.record_id, told.what_to_do) == ("change-order-1-1", "Nothing")
    assert await count_records(stand.pool, STORE) == {"Success": 2, "Superseded": 1}
    operations = Operations(stand.pool, stand.reader, stand.appender, stand.clock)
    person = Word("owner", "again")
    for done in (
        await operations.retry(STORE, record.record_id, person),
        await operations.skip(STORE, record.record_id, person),
    ):
        assert isinstance(done, NothingToDo)
        assert done.detail.startswith("Other records took its place")
    update = next(key for key, state in (await stand.commands()).items() if state == "superseded")
    identity = f"upd-{STORE}.{update.removeprefix('upd.')}"
    await word(stand, CommandReleased(command_id=identity, actor="o", reason="r"), "order-order-1", "r")
    await stand.until_quiet(stand.process())
    await booked_anew(stand, database_url, 30_000)


async def test_the_line_of_a_payment_that_was_planned_twice_shows_what_was_booked(stand: Stand) -> None:
    """Its first command is superseded, and hides the second one from no filter."""
    await reconciled(stand)
    more = paid("t2", 10_000, transaction_date="2026-11-20T18:40:00")
    await stand.order(1, transactions=[CASH, more], **lattes(3))
    assert (await stand.statuses())["payment-order-1-t2"] == "Pending"
    await stand.until_quiet(stand.process())
    found = await read_page(stand.pool, STORE, Wanted(statuses=("Success",)), rows_max=10, counted=True)
    assert {each.record_id for each in found.records} == {"sale-order-1", "change-order-1-2", "payment-order-1-t2"}
    by_date = await read_page(stand.pool, STORE, Wanted(statuses=("Success",)), rows_max=10, sort="date")
    assert len(by_date.records) == 3
    assert found.counts == {"Success": 3, "Superseded": 1}
