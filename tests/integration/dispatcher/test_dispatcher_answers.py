"""What each of Jurnal's answers does to a command, to its lane, and to everybody else."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import msgspec
import pytest

from ops.sandbox.jurnal import FaultPlan
from projections.jurnal_commands.commands import ENCODER, BookInvoice
from projections.jurnal_commands.identity import invoice_command_id, transaction_no
from tests.integration.dispatcher.stand import Stand, open_stand
from tests.integration.dispatcher.test_dispatcher_fence import BlindDispatcher
from tests.ledger import STORE
from tests.story import paid, taxed
from tests.unit.sandbox_jurnal.shop import SETTINGS

INVOICES = "/public/jurnal/api/v1/sales_invoices"


@pytest.fixture
async def closed_books(database_url: str) -> AsyncIterator[Stand]:
    """Give a store whose company has closed its books up to 15 November."""
    settings = replace(SETTINGS, last_closing_date=date(2026, 11, 16))
    async with open_stand(database_url, settings=settings) as opened:
        await opened.connect()
        yield opened


async def test_a_conflict_with_our_own_document_is_success(stand: Stand) -> None:
    """A 409 is read and compared: what is there is what was asked for."""
    await stand.order()
    stand.fail(FaultPlan(close_after_commit=True))
    await stand.until_quiet(stand.process(kind=BlindDispatcher))
    assert stand.documents("sales_invoice") == 1
    (answer,) = await stand.told("CommandAccepted")
    assert (answer["found_by"], answer["attempted"]["http_status"]) == ("conflict", 409)
    assert await stand.statuses() == {"sale-order-1": "Success"}


async def test_a_conflict_with_a_foreign_document_is_refused_and_both_are_shown(stand: Stand) -> None:
    """Somebody else's invoice has our number: a person must look, and sees which document and how it differs."""
    number = transaction_no(invoice_command_id(STORE, "order-1"), "#3101-1001")
    line = {"product_name": "Product MOCHA", "quantity": 1, "rate": 7_000}
    fields = {
        "transaction_date": "2026-11-19", "due_date": "2026-12-19", "person_name": "Walk-in", "transaction_no": number,
    }  # fmt: skip
    await stand.shop.make("sales_invoices", "sales_invoice", **fields, transaction_lines_attributes=[line])
    await stand.order()
    await stand.until_quiet(stand.process())
    assert stand.documents("sales_invoice") == 1
    record = (await stand.records())["sale-order-1"]
    assert record.status == "Failed"
    assert record.reason is not None
    assert f"Jurnal holds {number}, but it differs" in record.reason
    assert "7000" in record.reason
    assert "20000" in record.reason


async def test_an_answer_that_differs_from_what_was_asked_is_refused_with_the_difference_named(stand: Stand) -> None:
    """Jurnal booked it with another tax: the document is there, and the record says what is wrong with it."""
    tax = stand.sandbox.company.taxes.named("PPN")
    assert tax is not None
    tax.rate = Fraction(12)
    await stand.order(order_details=[taxed(quantity=2)], total_order_amount=22_200, total_amount=22_200)
    await stand.until_quiet(stand.process())
    record = (await stand.records())["sale-order-1"]
    assert record.status == "Failed"
    assert record.reason is not None
    assert "original_amount is 22400" in record.reason
    assert stand.sandbox.calls["toko", "POST", INVOICES] == 1


async def test_a_refusal_stops_its_own_lane_and_no_other(closed_books: Stand) -> None:
    """The payment on a refused invoice waits; the next order does not."""
    stand = closed_books
    await stand.order(1, order_date="2026-11-10T02:00:00")
    await stand.order(1, order_date="2026-11-10T02:00:00", transactions=[paid("t1", 20_000)])
    await stand.order(2)
    await stand.until_quiet(stand.process())
    assert await stand.commands() == {"inv.order-1": "refused", "inv.order-2": "accepted", "pay.t1": "due"}
    assert await stand.sends() == {"inv.order-1": "done", "inv.order-2": "done", "pay.t1": "due"}
    record = (await stand.records())["sale-order-1"]
    assert record.status == "Failed"
    assert record.reason is not None
    assert record.reason.startswith("Jurnal refuses the document as it stands: ")
    assert "closing" in record.reason


async def test_a_limit_of_the_minute_is_waited_for(stand: Stand) -> None:
    """A 429 is no failure: the command waits a whole window and goes."""
    await stand.order()
    stand.fail(FaultPlan(status_before_commit=429))
    refused_at = stand.clock.now()
    process = stand.process()
    assert (await stand.step(process)).outcome == "TryLater"
    record = (await stand.records())["sale-order-1"]
    assert (record.status, record.reason) == ("Pending", "Jurnal's limit of calls per minute is reached")
    await stand.until_quiet(process)
    (postponed,) = await stand.told("CommandPostponed")
    assert postponed["attempted"]["http_status"] == 429
    (answer,) = await stand.facts("CommandAccepted")
    assert (answer.observed_at - refused_at).total_seconds() == 60


async def test_a_clock_that_is_off_postpones_everything_and_loses_nothing(stand: Stand) -> None:
    """Jurnal refuses the signature: the commands wait, say why, and go once the clocks agree."""
    process = stand.process()
    await stand.order(1)
    await stand.until_quiet(process)
    stand.jurnal_clock.advance(seconds=400)
    await stand.order(2)
    assert (await stand.step(process)).outcome == "TryLater"
    reason = (await stand.records())["sale-order-2"].reason
    assert reason is not None
    assert "check this machine's clock and the credential" in reason
    stand.jurnal_clock.advance(seconds=-400)
    await stand.until_quiet(process)
    assert set((await stand.statuses()).values()) == {"Success"}
    assert stand.documents("sales_invoice") == 2


async def test_a_command_that_cannot_be_prepared_does_not_stop_its_neighbours(stand: Stand) -> None:
    """A payload that cannot be made waits with its reason; the other orders are booked."""
    for number in (1, 2, 3):
        await stand.order(number)
    body = await stand.migrator.fetchval("SELECT body FROM command WHERE command_id LIKE '%order-1'")
    broken = msgspec.structs.replace(
        msgspec.json.decode(body, type=BookInvoice), deposit_account=None, deposit=Decimal(5)
    )
    await stand.migrator.execute(
        "UPDATE command SET body = $1 WHERE command_id LIKE '%order-1'", ENCODER.encode(broken)
    )
    process = stand.process()
    for _ in range(6):
        await stand.step(process)
    assert await stand.commands() == {"inv.order-1": "due", "inv.order-2": "accepted", "inv.order-3": "accepted"}
    reason = (await stand.records())["sale-order-1"].reason
    assert reason is not None
    assert reason.startswith("It cannot be prepared: AssertionError")


async def test_a_missing_credential_makes_commands_wait_and_say_so(stand: Stand) -> None:
    """Without a secret nothing is sent, nothing is lost, and the step ends like any other."""
    await stand.order()
    await stand.migrator.execute("DELETE FROM credential")
    assert (await stand.step(stand.process())).did == "waited"
    reason = (await stand.records())["sale-order-1"].reason
    assert reason is not None
    assert "run `jurnalsync setup apply`" in reason
    await stand.connect()
    await stand.until_quiet(stand.process())
    assert stand.documents("sales_invoice") == 1
